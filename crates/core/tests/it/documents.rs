//! What the documents say of the code is true, as far as a test can tell: files and links exist, every library has its
//! reason, and every golden vector shown is one that a test holds.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The fewest hex digits that are taken for a golden vector; shorter ones are examples.
const VECTOR_DIGITS_MIN: usize = 20;

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

#[test]
fn every_golden_vector_shown_is_held_by_a_test() {
    let sources: String = files(&root().join("crates"), "rs")
        .iter()
        .map(|path| read(path))
        .collect();
    let mut shown = 0;
    for document in files(&root().join("docs/protocols"), "md") {
        let text = read(&document);
        let vectors = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| word.len() >= VECTOR_DIGITS_MIN)
            .filter(|word| word.bytes().all(|byte| byte.is_ascii_hexdigit()));
        for vector in vectors {
            shown += 1;
            assert!(sources.contains(vector), "{}: {vector}", document.display());
        }
    }
    assert!(shown > 8, "the protocols show their bytes");
}

#[test]
fn a_manifest_is_read_without_the_tools_of_its_tests() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\none.workspace = true\ntwo = { path = \"..\" }\n\
                    kith-core.workspace = true\n[dev-dependencies]\nthree = \"1\"\n\
                    [target.'cfg(unix)'.dependencies]\nfour.workspace = true\n";
    let names: Vec<String> = dependencies(manifest).into_iter().collect();
    assert_eq!(names, ["four", "one", "two"]);
}
