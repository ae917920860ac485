//! What the documents say of the code is true, as far as a test can tell: files and links exist, every library has its
//! reason, and every golden vector shown is one that a test holds.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// How much of a vector may stand in the middle of a longer one of a test, in hex digits: long vectors are shown in several lines, and a
/// short one would be found in anything.
const PART_DIGITS_MIN: usize = 20;

/// The fewest hex digits of a vector within a sentence. In blocks there is no such bound.
const INLINE_DIGITS_MIN: usize = 6;

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below `folder` with this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|it| it == ending) {
            found.push(path);
        }
    }
    found
}

/// The documents.
fn documents() -> Vec<PathBuf> {
    let mut documents = files(&root().join("docs"), "md");
    documents
        .extend(["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(|name| root().join(name)));
    documents
}

/// What stands between each `from` and the next `to`.
fn between<'a>(text: &'a str, from: &'a str, to: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(from).skip(1).filter_map(move |rest| {
        let (inside, _) = rest.split_once(to)?;
        Some(inside)
    })
}

/// The keys of a manifest's table of ordinary dependencies.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut table = "";
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            table = line;
        } else if table.ends_with("dependencies]") && !table.contains("dev-") {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            names.insert(name.to_owned());
        }
    }
    names.retain(|name| !name.is_empty() && !name.starts_with('#') && !name.starts_with("kith"));
    names
}

#[test]
fn every_link_leads_to_a_file() {
    let mut broken = Vec::new();
    for document in documents() {
        let text = read(&document);
        for link in between(&text, "](", ")") {
            let path = link.split('#').next().unwrap_or_default();
            let elsewhere = link.contains("://") || path.is_empty();
            if !elsewhere && !document.with_file_name("").join(path).exists() {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn every_file_that_the_architecture_names_is_there() {
    let pages = ["ARCHITECTURE.md", "docs/transfers.md", "docs/decisions.md"];
    for page in pages {
        names_files_that_are_there(&root().join(page));
    }
}

fn names_files_that_are_there(page: &Path) {
    let text = read(page);
    // Inline code only: the text outside of fenced blocks, cut at its backticks.
    let prose: String = text.split("```").step_by(2).collect();
    let named: Vec<&str> = prose
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| code.contains('/') && code.ends_with(".rs"))
        .collect();
    assert!(
        named.len() > 10,
        "{} names its files: {named:?}",
        page.display()
    );
    let missing: Vec<_> = named
        .iter()
        .filter(|path| !root().join("crates").join(path).exists())
        .filter(|path| !root().join(path).exists())
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_library_has_its_line_of_reason() {
    let text = read(&root().join("docs/libraries.md"));
    for name in ["core", "node", "cli"] {
        let manifest = read(&root().join(format!("crates/{name}/Cargo.toml")));
        let dependencies = dependencies(&manifest);
        assert!(dependencies.len() > 5, "{name}: {dependencies:?}");
        let without: Vec<_> = dependencies
            .iter()
            .filter(|library| !text.contains(&format!("`{library}`")))
            .collect();
        assert!(without.is_empty(), "{name}: {without:?}");
    }
}

/// Whether it is bytes in hex, in small letters and without spaces.
fn is_hex(text: &str) -> bool {
    let is_digit = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
    !text.is_empty() && text.len().is_multiple_of(2) && text.bytes().all(is_digit)
}

/// The vectors that a page shows: the columns of its blocks that are nothing but hex, and what is nothing but hex within sentences. Each
/// as its words; one that stands for many bytes, as `01…01` does, is none.
fn vectors(page: &str) -> Vec<Vec<&str>> {
    let mut vectors = Vec::new();
    for (index, part) in page.split("```").enumerate() {
        let is_block = index % 2 == 1;
        if is_block && !part.starts_with("text\n") {
            continue;
        }
        let shown: Vec<&str> = match is_block {
            true => part.lines().skip(1).flat_map(|it| it.split("  ")).collect(),
            false => part.split('`').skip(1).step_by(2).collect(),
        };
        for shown in shown {
            let (whole, short): (Vec<&str>, Vec<&str>) =
                shown.split_whitespace().partition(|word| is_hex(word));
            let digits: usize = whole.iter().map(|word| word.len()).sum();
            let is_long = is_block || digits >= INLINE_DIGITS_MIN;
            if is_long && !whole.is_empty() && short.iter().all(|word| word.contains('…')) {
                vectors.push(whole);
            }
        }
    }
    vectors
}

/// The hex between quotation marks in a source, line by line; what stands for the repeated bytes of a pattern parts it.
fn pieces(source: &str) -> Vec<String> {
    let texts = source.lines().flat_map(|line| line.split('"'));
    let parts = texts.flat_map(|text| text.split("{}"));
    let hex = parts.map(|part| part.split_whitespace().collect::<String>());
    hex.filter(|part| is_hex(part)).collect()
}

/// Whether the texts of the sources hold a vector: all of it together, or each of its words.
fn is_held(vector: &[&str], held: &BTreeSet<String>) -> bool {
    let is_there = |bytes: &str| {
        held.contains(bytes)
            || (bytes.len() >= PART_DIGITS_MIN && held.iter().any(|piece| piece.contains(bytes)))
    };
    is_there(&vector.concat()) || vector.iter().all(|word| is_there(word))
}

#[test]
fn every_golden_vector_shown_is_held_by_a_test() {
    let sources = files(&root().join("crates"), "rs");
    let held: BTreeSet<String> = sources
        .iter()
        .flat_map(|path| pieces(&read(path)))
        .collect();
    let mut shown = 0;
    let mut missing = Vec::new();
    for document in files(&root().join("docs/protocols"), "md") {
        let page = read(&document);
        for vector in vectors(&page) {
            shown += 1;
            if !is_held(&vector, &held) {
                missing.push(format!("{}: {vector:?}", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(shown > 60, "the protocols show their bytes: {shown}");
}

#[test]
fn a_vector_of_any_length_is_found_and_missed() {
    let page = "The ping is `0000000000000001`, of 5000 and `01…01`, at `face`.\n```text\nGone \"a\"     820380\n\
                Head     8201825820 0101…01 820080     binding 0102\nstream 1     01 6869\n```\n```mermaid\n820399\n```\n";
    let found = vectors(page);
    let expected: [&[&str]; 4] = [
        &["0000000000000001"],
        &["820380"],
        &["8201825820", "820080"],
        &["01", "6869"],
    ];
    assert_eq!(found, expected);
    let source = r#"("820380"); format!("8201825820{}820080", "01".repeat(32)); ("016869"); "00 00 more 00""#;
    let held: BTreeSet<String> = pieces(source).into_iter().collect();
    let is_held: Vec<bool> = found.iter().map(|vector| is_held(vector, &held)).collect();
    assert_eq!(is_held, [false, true, true, true]);
    // Two bytes in the middle of others are not those that are shown.
    assert!(!self::is_held(&["6869"], &held));
}

/// What a manifest of npm names under `key`.
fn packages(manifest: &str, key: &str) -> BTreeSet<String> {
    let (_, rest) = manifest
        .split_once(&format!("\"{key}\": {{"))
        .unwrap_or_default();
    let (table, _) = rest.split_once('}').unwrap_or_default();
    let names = table.lines().filter_map(|line| line.split('"').nth(1));
    names.map(str::to_owned).collect()
}

#[test]
fn every_library_of_the_app_has_its_line_of_reason_and_none_else() {
    let text = read(&root().join("docs/libraries.md"));
    let (_, table) = text.split_once("| app | |").expect("a table of the app");
    let table = table.split("\n\n").next().unwrap_or_default();
    let rows = table.lines().filter_map(|row| row.split('|').nth(1));
    let told: BTreeSet<String> = rows
        .flat_map(|names| names.split('`').skip(1).step_by(2))
        .map(str::to_owned)
        .collect();
    let manifest = read(&root().join("ui/package.json"));
    let mut used = packages(&manifest, "devDependencies");
    used.append(&mut packages(&manifest, "dependencies"));
    assert!(used.len() > 5, "{used:?}");
    assert_eq!(told, used);
}

#[test]
fn a_manifest_is_read_without_the_tools_of_its_tests() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\none.workspace = true\ntwo = { path = \"..\" }\n\
                    kith-core.workspace = true\n[dev-dependencies]\nthree = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\nfour.workspace = true\n";
    let names: Vec<String> = dependencies(manifest).into_iter().collect();
    assert_eq!(names, ["four", "one", "two"]);
}
