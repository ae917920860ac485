//! The rule that every decoder of core is tried: by property tests, those of `core/src/decoding.rs` where it has a wire form, in the
//! folder of the decoder, and by a fuzz target that names it.

use super::scan;
use super::tree::{SourceFile, Tree};

/// Where the fuzz targets are.
const TARGETS: &str = "fuzz/fuzz_targets/";

/// What the property tests of wire forms are made by.
const PROPERTIES: &str = "decoder_tests!";

/// What the property tests of other bytes are in.
const OTHER_PROPERTIES: &str = "proptest!";

/// A type with a wire form, or a function that reads bytes of another form, and where it is.
struct Decoder<'a> {
    file: &'a SourceFile,
    module: &'a [String],
    name: String,
}

/// Every `Wire` type and every function that reads other bytes has property tests and a fuzz target, and every target is built.
pub(super) fn decoders_are_tried(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for decoder in tree.files.iter().flat_map(decoders) {
        let place = format!("{}: {}", decoder.file.path, decoder.name);
        if !tree.files.iter().any(|file| decoder.is_tested_in(file)) {
            breaches.push(format!("{place} is not in any `{PROPERTIES}`"));
        }
        if !tree.files.iter().any(|file| decoder.is_fuzzed_by(file)) {
            breaches.push(format!("{place} has no fuzz target"));
        }
    }
    for reader in tree.files.iter().flat_map(readers) {
        let place = format!("{}: {}", reader.file.path, reader.name);
        if !reader.file.text.contains(OTHER_PROPERTIES) {
            breaches.push(format!("{place} is not in any `{OTHER_PROPERTIES}`"));
        }
        if !tree.files.iter().any(|file| reader.is_fuzzed_by(file)) {
            breaches.push(format!("{place} has no fuzz target"));
        }
    }
    let manifest = tree.manifests.iter().find(|it| it.folder == "fuzz");
    let listed = manifest.map_or("", |it| it.text.as_str());
    for target in &tree.files {
        if target.path.starts_with(TARGETS) {
            let inside = target.path.trim_start_matches("fuzz/");
            if !listed.contains(&format!("path = \"{inside}\"")) {
                breaches.push(format!("{}: not in fuzz/Cargo.toml", target.path));
            }
        }
    }
    breaches
}

/// The types of a file of core that have a wire form, those of tests left out.
fn decoders(file: &SourceFile) -> Vec<Decoder<'_>> {
    found(file, |line| {
        let name = line.trim().strip_prefix("impl Wire for ")?;
        Some(name.trim_end_matches([' ', '{']).to_owned())
    })
}

/// The functions of a file of core that take bytes and may say that they are none of theirs. What a type reads of itself, it reads
/// by its wire form.
fn readers(file: &SourceFile) -> Vec<Decoder<'_>> {
    found(file, |line| {
        let (name, rest) = line.strip_prefix("pub fn ")?.split_once('(')?;
        let (_, first) = rest.split_once(": ")?;
        let may_refuse = line.contains("-> Option<") || line.contains("-> Result<");
        let is_reader = first.starts_with("&[u8]") && may_refuse && !name.contains('<');
        is_reader.then(|| name.to_owned())
    })
}

/// What `name_in` finds in the lines of a file of core, those of tests left out.
fn found(file: &SourceFile, name_in: impl Fn(&str) -> Option<String>) -> Vec<Decoder<'_>> {
    let module = file.module.as_deref();
    let Some(module) = module.filter(|_| file.crate_folder() == "crates/core") else {
        return Vec::new();
    };
    let clean = scan::without_comments_and_literals(&file.text);
    let (code, _) = scan::without_tests(&clean);
    let names = code.lines().filter_map(name_in);
    names.map(|name| Decoder { file, module, name }).collect()
}

impl Decoder<'_> {
    /// In its own folder, or in the one of its own tests.
    fn is_tested_in(&self, file: &SourceFile) -> bool {
        let folder = |path: &str| path.rsplit_once('/').map(|(folder, _)| folder.to_owned());
        let own = self.file.path.trim_end_matches(".rs");
        let is_near = folder(&file.path) == folder(&self.file.path)
            || folder(&file.path).is_some_and(|it| it == own);
        let tested = format!(": {} = ", self.name);
        let mut properties = file.text.split(PROPERTIES).skip(1);
        is_near && properties.any(|rest| rest.contains(&tested))
    }

    /// By a path in its code, with or without the file's own name, or in what it says of itself, for a private type.
    fn is_fuzzed_by(&self, file: &SourceFile) -> bool {
        let full = [self.module, std::slice::from_ref(&self.name)].concat();
        let folder = &self.module[..self.module.len().saturating_sub(1)];
        let short = [folder, std::slice::from_ref(&self.name)].concat();
        let named = file.paths.iter().any(|path| {
            let path = path.segments.split_first();
            path.is_some_and(|(first, rest)| {
                first == "kith_core" && (rest == full || rest == short)
            })
        });
        file.path.starts_with(TARGETS)
            && (named || file.text.contains(&format!("`{}`", full.join("::"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECODER: &str =
        "impl Wire for Card {\n}\n#[cfg(test)]\nmod tests {\n impl Wire for Pair {}\n}";
    const TESTS: &str = "decoder_tests! {\n    card: Card = card();\n}";
    const LISTED: &str = "[[bin]]\npath = \"fuzz_targets/card.rs\"";

    fn breaches(tests: &str, target: &str, manifest: &str) -> Vec<String> {
        decoders_are_tried(&Tree::made_up(&[
            ("crates/core/src/peer/note.rs", DECODER),
            ("crates/core/src/peer/other.rs", tests),
            ("fuzz/fuzz_targets/card.rs", target),
            ("fuzz/Cargo.toml", manifest),
        ]))
    }

    #[test]
    fn a_decoder_with_tests_and_a_target_is_fine() {
        for target in [
            "use kith_core::peer::note::Card;",
            "use kith_core::peer::Card;",
            "//! Behind it stands `peer::note::Card`.",
        ] {
            assert_eq!(breaches(TESTS, target, LISTED), [""; 0], "{target}");
        }
    }

    #[test]
    fn a_decoder_without_either_is_a_breach() {
        let target = "use kith_core::peer::Card;";
        assert_eq!(breaches("card: Card = card();", target, LISTED).len(), 1);
        assert_eq!(
            breaches(TESTS, "use kith_core::data::Card;", LISTED).len(),
            1
        );
        assert_eq!(breaches(TESTS, target, "").len(), 1);
    }

    #[test]
    fn a_function_that_reads_bytes_without_either_is_a_breach() {
        let reader =
            "pub fn find(picture: &[u8]) -> Option<Traces> {\n}\npub fn of(key: &[u8]) -> Key {\n}";
        let breaches = |reader: &str, target: &str| {
            decoders_are_tried(&Tree::made_up(&[
                ("crates/core/src/data/traces/whole.rs", reader),
                ("fuzz/fuzz_targets/card.rs", target),
                ("fuzz/Cargo.toml", LISTED),
            ]))
        };
        let target = "use kith_core::data::traces::find;";
        assert_eq!(breaches(reader, "").len(), 2);
        assert_eq!(breaches(reader, target).len(), 1);
        let tested = format!("{reader}\n#[cfg(test)]\nmod tests {{\n proptest! {{}}\n}}");
        assert_eq!(breaches(&tested, target), [""; 0]);
    }
}
