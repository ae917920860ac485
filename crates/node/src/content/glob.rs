//! Patterns for paths: `--only '*.jpg'`.
//!
//! As in `.gitignore`: `*` and `?` stand for any characters, and for one, within a name; `**` also crosses `/`, and `**/` stands for any folders or none. A
//! pattern without `/`, but for one at its end, is compared with each name of a path, others with the path from its beginning. One that fits a folder means all
//! that is in it; one that ends in `/` fits folders alone. There are no classes (`[a-z]`), no `!` and no `\`: these stand for themselves.

use std::sync::Arc;

use thiserror::Error;

use crate::content::filter::Filter;

/// The most patterns of one transfer: each is tried on each file.
pub const PATTERNS_MAX: usize = 64;

/// The longest pattern, in bytes: a path. Comparing takes this times the path's length.
pub const PATTERN_BYTES_MAX: usize = 4_096;

/// Why patterns cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GlobError {
    /// More than [`PATTERNS_MAX`].
    #[error("at most {PATTERNS_MAX} patterns can be given")]
    TooMany,
    /// Empty, or over [`PATTERN_BYTES_MAX`].
    #[error("a pattern has between 1 and {PATTERN_BYTES_MAX} bytes")]
    Length,
}

impl Filter {
    /// Files whose path matches any of `patterns`; `None`, which is all files, for no patterns.
    ///
    /// # Errors
    /// [`GlobError`].
    pub fn globs(patterns: &[String]) -> Result<Option<Self>, GlobError> {
        if patterns.len() > PATTERNS_MAX {
            return Err(GlobError::TooMany);
        }
        let is_fine = |pattern: &String| (1..=PATTERN_BYTES_MAX).contains(&pattern.len());
        if !patterns.iter().all(is_fine) {
            return Err(GlobError::Length);
        }
        if patterns.is_empty() {
            return Ok(None);
        }
        let globs: Vec<Glob> = patterns.iter().map(|pattern| Glob::new(pattern)).collect();
        Ok(Some(Self {
            name: patterns.join("\n"),
            wants: Arc::new(move |path| globs.iter().any(|glob| glob.matches(path))),
        }))
    }
}

/// One pattern.
struct Glob {
    tokens: Vec<Token>,
    /// Compared with each name by itself.
    is_name: bool,
    /// Fits folders alone.
    is_folder: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    /// This character.
    Just(char),
    /// One character of a name.
    One,
    /// Any characters of a name.
    Some,
    /// Any characters.
    Any,
    /// Any folders, each with its `/`, or none.
    Folders,
}

impl Glob {
    fn new(pattern: &str) -> Self {
        let (pattern, is_folder) = match pattern.strip_suffix('/') {
            Some(folder) => (folder, true),
            None => (pattern, false),
        };
        let is_name = !pattern.contains('/');
        let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
        let mut tokens = Vec::new();
        let mut characters = pattern.chars().peekable();
        while let Some(character) = characters.next() {
            tokens.push(match character {
                '*' if characters.next_if_eq(&'*').is_some() => {
                    let begins_a_name = matches!(tokens.last(), None | Some(Token::Just('/')));
                    match begins_a_name && characters.next_if_eq(&'/').is_some() {
                        true => Token::Folders,
                        false => Token::Any,
                    }
                }
                '*' => Token::Some,
                '?' => Token::One,
                other => Token::Just(other),
            });
        }
        Self {
            tokens,
            is_name,
            is_folder,
        }
    }

    /// Whether it fits the file at this path, or a folder that the file is in.
    fn matches(&self, path: &str) -> bool {
        if !self.is_name {
            return self.fits(path, self.is_folder);
        }
        let (folders, name) = match path.rsplit_once('/') {
            Some((folders, name)) => (Some(folders), name),
            None => (None, path),
        };
        let mut folders = folders.into_iter().flat_map(|folders| folders.split('/'));
        folders.any(|folder| self.fits(folder, false)) || self.fits(name, self.is_folder)
    }

    /// Whether it fits `text`, or what stands before a `/` in it; that alone where what `text` ends in is not to be looked at.
    fn fits(&self, text: &str, is_end_left_out: bool) -> bool {
        // Which beginnings of the pattern fit what was read so far: takes pattern times text, whatever the pattern.
        let mut fits = vec![false; self.tokens.len() + 1];
        fits[0] = true;
        let mut before = '/';
        self.skip(&mut fits, before);
        let end = self.tokens.len();
        for character in text.chars() {
            // What was read is a folder, and all of the pattern fits it.
            if character == '/' && fits[end] {
                return true;
            }
            let mut next = vec![false; fits.len()];
            for (at, token) in self.tokens.iter().enumerate().filter(|(at, _)| fits[*at]) {
                match token {
                    Token::Just(wanted) => next[at + 1] |= *wanted == character,
                    Token::One => next[at + 1] |= character != '/',
                    Token::Some => next[at] |= character != '/',
                    Token::Any | Token::Folders => next[at] = true,
                }
            }
            fits = next;
            before = character;
            self.skip(&mut fits, before);
        }
        fits[end] && !is_end_left_out
    }

    /// Stars also stand for nothing; folders end with a `/`, `before` what comes next.
    fn skip(&self, fits: &mut [bool], before: char) {
        for (at, token) in self.tokens.iter().enumerate() {
            fits[at + 1] |= fits[at]
                && match token {
                    Token::Some | Token::Any => true,
                    Token::Folders => before == '/',
                    Token::Just(_) | Token::One => false,
                };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_people_expect() {
        for (pattern, path, expected) in [
            ("*.jpg", "a.jpg", true),
            ("*.jpg", "deep/down/a.jpg", true),
            ("*.jpg", "a.jpg.txt", false),
            ("a?.txt", "ab.txt", true),
            ("a?.txt", "a.txt", false),
            ("docs/*.md", "docs/a.md", true),
            ("docs/*.md", "docs/sub/a.md", false),
            ("docs/*.md", "other/docs/a.md", false),
            ("docs/**", "docs/sub/a.md", true),
            ("docs/", "docs/sub/a.md", true),
            ("docs/", "docs2/a.md", false),
            ("**/a.md", "a.md", true),
            ("**/a.md", "x/y/a.md", true),
            ("**/a.md", "xa.md", false),
            ("**/a.md", "x/ya.md", false),
            ("docs/**/x", "docs/x", true),
            ("docs/**/x", "docs/y/z/x", true),
            ("docs/**/x", "docs/yx", false),
            ("docs**/x", "docs2/sub/x", true),
            ("docs**/x", "docsx", false),
            ("docs/", "sub/docs/a.md", true),
            ("docs/", "sub/docs", false),
            ("git", "git/config", true),
            ("git", "sub/git/deep/config", true),
            ("git", "git2/config", false),
            ("git", "sub/git", true),
            ("g?t", "git/config", true),
            ("sub/git", "sub/git/config", true),
            ("/sub/git", "sub/git/config", true),
            ("sub/git", "top/sub/git/config", false),
            ("sub/g", "sub/git/config", false),
            ("sub/git/", "sub/git/deep/config", true),
            ("sub/git/", "sub/git", false),
            ("/git", "git/config", true),
            ("/git", "sub/git/config", false),
            ("docs/*", "docs/sub/a.md", true),
            ("docs/**", "docs", false),
            ("/", "top.txt", false),
            ("[ab].txt", "a.txt", false),
            ("!a", "b", false),
            ("/top.txt", "top.txt", true),
            ("/top.txt", "sub/top.txt", false),
            ("*", "any/thing", true),
            ("é*", "été", true),
        ] {
            assert_eq!(
                Glob::new(pattern).matches(path),
                expected,
                "{pattern} {path}"
            );
        }
    }

    #[test]
    fn a_wicked_pattern_takes_no_longer_than_its_length_times_the_paths() {
        let pattern = "*a".repeat(PATTERN_BYTES_MAX / 2);
        assert!(!Glob::new(&pattern).matches(&"a".repeat(1_000)));
        assert!(!Glob::new(&pattern).matches(&"a/".repeat(500)));
    }

    #[test]
    fn patterns_have_bounds() {
        let refused = |patterns: &[String]| Filter::globs(patterns).err();
        assert_eq!(refused(&[String::new()]), Some(GlobError::Length));
        let long = "x".repeat(PATTERN_BYTES_MAX + 1);
        assert_eq!(refused(&[long]), Some(GlobError::Length));
        let many = vec!["x".to_owned(); PATTERNS_MAX + 1];
        assert_eq!(refused(&many), Some(GlobError::TooMany));
        assert!(Filter::globs(&[]).is_ok_and(|filter| filter.is_none()));
    }
}
