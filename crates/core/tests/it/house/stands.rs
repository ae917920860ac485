//! The rules on this repository.

use std::path::{Path, PathBuf};

use super::rules::RULES;
use super::tree::Tree;

/// The root of the repository.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_house_stands() {
    let tree = Tree::read(&root());
    let breaches: Vec<String> = RULES
        .iter()
        .flat_map(|(name, rule)| {
            rule(&tree)
                .into_iter()
                .map(move |breach| format!("{name}: {breach}"))
        })
        .collect();
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

#[test]
fn the_rules_see_the_repository() {
    let tree = Tree::read(&root());
    let has = |path: &str| tree.files.iter().any(|file| file.path == path);
    assert!(has("crates/core/src/ids.rs") && has("crates/core/tests/it/house/stands.rs"));
    for folder in ["crates/core", "crates/sim", "crates/node", "crates/cli"] {
        let manifest = tree.manifests.iter().find(|m| m.folder == folder);
        assert!(manifest.is_some(), "{folder} has no manifest");
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the sizes are the report of this test")]
fn half_of_the_files_and_nine_in_ten_are_short() {
    let tree = Tree::read(&root());
    let mut lines: Vec<usize> = tree.files.iter().map(|file| file.code_lines()).collect();
    lines.sort_unstable();
    let (median, tenth) = (lines[lines.len() / 2], lines[lines.len() * 9 / 10]);
    let longest = lines.last().copied().unwrap_or(0);
    println!(
        "{} files: median {median}, nine in ten under {tenth}, longest {longest} lines of code",
        lines.len()
    );
    assert!(median <= 200 && tenth <= 450, "{median} and {tenth}");
}
