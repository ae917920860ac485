//! As much of Rust as the rules need: text without comments and literals, code without its tests, and the paths named
//! in it. No parser of the language: what it cannot read (paths built by macros) it does not see.

/// A path named in code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedPath {
    /// Its segments; a glob ends in `*`.
    pub(super) segments: Vec<String>,
    /// The name it is known by afterwards, for a `use`.
    pub(super) alias: Option<String>,
    /// Whether it is a `pub use`.
    pub(super) is_reexport: bool,
    /// The line it stands on, from 1.
    pub(super) line: usize,
}

/// `text` with every comment and the inside of every literal turned into blanks; lines stay where they are.
pub(super) fn without_comments_and_literals(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out: Vec<char> = Vec::with_capacity(chars.len());
    let mut at = 0;
    while at < chars.len() {
        let end = skipped_end(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            let blank = |c: &char| if *c == '\n' { '\n' } else { ' ' };
            out.extend(chars[at..end].iter().map(blank));
            at = end;
        }
    }
    out.into_iter().collect()
}

/// Where the comment or literal that begins at `at` ends; `at` itself when none begins there.
fn skipped_end(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    let follows_name = at > 0 && is_name(chars[at - 1]);
    match (chars[at], next) {
        ('/', Some('/')) => find(chars, at, |c| c == '\n'),
        ('/', Some('*')) => block_comment_end(chars, at),
        ('"', _) => quoted_end(chars, at + 1),
        ('b' | 'c', Some('"')) if !follows_name => quoted_end(chars, at + 2),
        ('r', _) if !follows_name => raw_end(chars, at, at + 1),
        ('b' | 'c', Some('r')) if !follows_name => raw_end(chars, at, at + 2),
        ('\'', Some('\\')) => find(chars, at + 3, |c| c == '\'') + 1,
        ('\'', Some(_)) if chars.get(at + 2) == Some(&'\'') => at + 3,
        _ => at,
    }
    .min(chars.len())
}

fn find(chars: &[char], from: usize, wanted: impl Fn(char) -> bool) -> usize {
    (from..chars.len())
        .find(|at| wanted(chars[*at]))
        .unwrap_or(chars.len())
}

/// Block comments nest.
fn block_comment_end(chars: &[char], at: usize) -> usize {
    let (mut depth, mut at) = (0_usize, at);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (depth, at) = (depth + 1, at + 2),
            ('*', Some('/')) if depth == 1 => return at + 2,
            ('*', Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

fn quoted_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The end of a raw string whose hashes would begin at `hashes`; `start` when it is only a name such as `r` or `r#type`.
fn raw_end(chars: &[char], start: usize, hashes: usize) -> usize {
    let quote = find(chars, hashes, |c| c != '#');
    if chars.get(quote) != Some(&'"') {
        return start;
    }
    let count = quote - hashes;
    let closes = |at: &usize| {
        chars[*at] == '"' && chars[*at + 1..].iter().take_while(|c| **c == '#').count() >= count
    };
    match (quote + 1..chars.len()).find(closes) {
        Some(at) => at + 1 + count,
        None => chars.len(),
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Code without its tests, and the names of the modules declared for tests only. Takes clean text.
pub(super) fn without_tests(clean: &str) -> (String, Vec<String>) {
    const MARK: &str = "#[cfg(test)]";
    let mut code = String::with_capacity(clean.len());
    let mut modules = Vec::new();
    let mut rest = clean;
    while let Some(start) = rest.find(MARK) {
        code.push_str(&rest[..start]);
        let item = &rest[start..];
        let length = MARK.len() + item_length(&item[MARK.len()..]);
        if let Some(name) = declared_module(&item[MARK.len()..length]) {
            modules.push(name);
        }
        code.extend(
            item[..length]
                .chars()
                .map(|c| if c == '\n' { '\n' } else { ' ' }),
        );
        rest = &item[length..];
    }
    code.push_str(rest);
    (code, modules)
}

/// How long the item at the start of `text` is, in bytes: to its closing brace, or to its semicolon.
fn item_length(text: &str) -> usize {
    let is_import = text
        .split(|c: char| !is_name(c))
        .find(|word| !word.is_empty())
        .is_some_and(|word| word == "use");
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && c == '}' && !is_import {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The name in `mod name;`.
fn declared_module(item: &str) -> Option<String> {
    let declaration = item.trim().strip_suffix(';')?;
    let name = declaration.rsplit("mod ").next()?.trim();
    (declaration.contains("mod ") && name.chars().all(is_name)).then(|| name.to_owned())
}

/// Every path in `code` with at least two segments, and every `use`. Takes clean text.
pub(super) fn named_paths(code: &str) -> Vec<NamedPath> {
    let tokens = tokens(code);
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at].text == "use" {
            let is_reexport = is_public(&tokens[..at]);
            let mut reader = UseReader {
                tokens: &tokens,
                at: at + 1,
                is_reexport,
                paths: &mut paths,
            };
            reader.read(&[]);
            at = reader.at;
        } else if tokens[at].is_name() {
            at = read_inline(&tokens, at, &mut paths);
        } else {
            at += 1;
        }
    }
    paths
}

#[derive(Debug)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

impl Token<'_> {
    fn is_name(&self) -> bool {
        self.text.starts_with(is_name)
    }
}

fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut rest = code;
    while let Some(c) = rest.chars().next() {
        let length = if is_name(c) {
            rest.find(|c| !is_name(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            c.len_utf8()
        };
        if c == '\n' {
            line += 1;
        }
        if !c.is_whitespace() {
            let text = &rest[..length];
            tokens.push(Token { text, line });
        }
        rest = &rest[length..];
    }
    tokens
}

/// Whether the tokens before a `use` are `pub` or `pub(…)`.
fn is_public(before: &[Token<'_>]) -> bool {
    let last = |back: usize| before.len().checked_sub(back).map(|at| before[at].text);
    last(1) == Some("pub") || last(1) == Some(")") && (3..=6).any(|back| last(back) == Some("pub"))
}

/// Reads `a::b::c` from `at`; returns where it ends.
fn read_inline(tokens: &[Token<'_>], mut at: usize, paths: &mut Vec<NamedPath>) -> usize {
    let line = tokens[at].line;
    let mut segments = vec![tokens[at].text.to_owned()];
    at += 1;
    while tokens.get(at).is_some_and(|token| token.text == "::")
        && tokens.get(at + 1).is_some_and(Token::is_name)
    {
        segments.push(tokens[at + 1].text.to_owned());
        at += 2;
    }
    if segments.len() > 1 {
        paths.push(NamedPath {
            segments,
            alias: None,
            is_reexport: false,
            line,
        });
    }
    at
}

/// Reads the tree of one `use`.
struct UseReader<'a> {
    tokens: &'a [Token<'a>],
    at: usize,
    is_reexport: bool,
    paths: &'a mut Vec<NamedPath>,
}

impl UseReader<'_> {
    fn text(&self) -> &str {
        self.tokens.get(self.at).map_or(";", |token| token.text)
    }

    /// One branch below `prefix`, up to the comma, brace or semicolon behind it.
    fn read(&mut self, prefix: &[String]) {
        let mut segments = prefix.to_vec();
        let mut alias = None;
        let line = self.tokens.get(self.at).map_or(0, |token| token.line);
        loop {
            match self.text() {
                "::" => self.at += 1,
                "as" => {
                    alias = self.tokens.get(self.at + 1).map(|t| t.text.to_owned());
                    self.at += 2;
                }
                "{" => return self.read_group(&segments),
                "," | "}" | ";" => break,
                segment => {
                    segments.push(segment.to_owned());
                    self.at += 1;
                }
            }
        }
        if segments.len() > prefix.len() {
            if segments.last().is_some_and(|last| last == "self") && segments.len() > 1 {
                segments.pop();
            }
            let alias = alias.or_else(|| segments.last().cloned());
            self.paths.push(NamedPath {
                segments,
                alias,
                is_reexport: self.is_reexport,
                line,
            });
        }
    }

    fn read_group(&mut self, prefix: &[String]) {
        while !matches!(self.text(), "}" | ";") {
            self.at += 1;
            self.read(prefix);
        }
        if self.text() == "}" {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(code: &str) -> Vec<String> {
        named_paths(code)
            .iter()
            .map(|path| path.segments.join("::"))
            .collect()
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        let text = "a /* b /* c */ d */ e // f\n\"g\\\"h\" r#\"i\"j\"# 'k' '\\n' '\\'' l: &'m n b\"o\" r#p";
        let clean = without_comments_and_literals(text);
        let words: Vec<&str> = clean.split_whitespace().collect();
        assert_eq!(words, ["a", "e", "l:", "&'m", "n", "r#p"]);
        assert_eq!(clean.lines().count(), 2);
    }

    #[test]
    fn tests_are_left_out_and_the_rest_keeps_its_line() {
        let text = "use a::b;\n#[cfg(test)]\nuse c::{d, e};\n#[cfg(test)]\nmod tests {\n fn f() { g::h(); }\n}\n#[cfg(test)]\nmod made_up;\nuse i::j;";
        let (code, modules) = without_tests(text);
        assert_eq!(joined(&code), ["a::b", "i::j"]);
        assert_eq!(modules, ["made_up"]);
        assert_eq!(named_paths(&code)[1].line, 10);
    }

    #[test]
    fn a_use_tree_is_unfolded() {
        let code = "pub(crate) use crate::{a::{self, B as C}, d::*};\nuse super::e;";
        let paths = named_paths(code);
        assert_eq!(
            joined(code),
            ["crate::a", "crate::a::B", "crate::d::*", "super::e"]
        );
        assert_eq!(paths[1].alias.as_deref(), Some("C"));
        assert!(paths[0].is_reexport && paths[2].is_reexport && !paths[3].is_reexport);
    }

    #[test]
    fn paths_in_bodies_are_found() {
        assert_eq!(
            joined("fn f() -> crate::a::T { $crate::b::g::<u8>(x.y) }"),
            ["crate::a::T", "crate::b::g"]
        );
    }
}
