//! The repository as values: its Rust files and its manifests, read from disk or made up by a test.

use std::fs;
use std::path::Path;

use super::scan::{self, NamedPath};

/// The crates, by folder, and the name each is imported by.
pub(super) const CRATES: [(&str, &str); 6] = [
    ("crates/core", "kith_core"),
    ("crates/sim", "kith_sim"),
    ("crates/node", "kith"),
    ("crates/cli", "kith_cli"),
    ("bench", "kith_bench"),
    ("fuzz", "kith_fuzz"),
];

/// One Rust file.
#[derive(Debug)]
pub(super) struct SourceFile {
    /// Where it is, from the root of the repository, with `/` between folders.
    pub(super) path: String,
    /// Its text.
    pub(super) text: String,
    /// Every path its code names, tests left out.
    pub(super) paths: Vec<NamedPath>,
    /// Its module within its crate; `None` outside of `src`.
    pub(super) module: Option<Vec<String>>,
}

/// One `Cargo.toml`.
#[derive(Debug)]
pub(super) struct Manifest {
    /// The folder it is in.
    pub(super) folder: String,
    /// Its text.
    pub(super) text: String,
}

/// Files and manifests, in the order of their paths.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) files: Vec<SourceFile>,
    pub(super) manifests: Vec<Manifest>,
}

impl Tree {
    /// The tree of a repository on disk.
    pub(super) fn read(root: &Path) -> Self {
        let mut entries = Vec::new();
        for (folder, _) in CRATES {
            collect(root, folder, &mut entries);
        }
        Self::new(entries)
    }

    /// A tree of `(path, text)`.
    pub(super) fn made_up(entries: &[(&str, &str)]) -> Self {
        Self::new(
            entries
                .iter()
                .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
                .collect(),
        )
    }

    fn new(mut entries: Vec<(String, String)>) -> Self {
        entries.sort();
        let mut tree = Self::default();
        let mut test_modules = Vec::new();
        for (path, text) in entries {
            if let Some(folder) = path.strip_suffix("/Cargo.toml") {
                let folder = folder.to_owned();
                tree.manifests.push(Manifest { folder, text });
            } else {
                let clean = scan::without_comments_and_literals(&text);
                let (code, modules) = scan::without_tests(&clean);
                let folder = children_folder(&path);
                test_modules.extend(modules.iter().map(|name| format!("{folder}/{name}")));
                let module = module_of(&path);
                let paths = scan::named_paths(&code);
                tree.files.push(SourceFile {
                    path,
                    text,
                    paths,
                    module,
                });
            }
        }
        let is_test = |file: &SourceFile| {
            test_modules.iter().any(|module| {
                file.path == format!("{module}.rs") || file.path.starts_with(&format!("{module}/"))
            })
        };
        for file in tree.files.iter_mut().filter(|file| is_test(file)) {
            file.module = None;
        }
        tree
    }
}

impl SourceFile {
    /// The folder of the crate it belongs to.
    pub(super) fn crate_folder(&self) -> &'static str {
        CRATES
            .iter()
            .map(|(folder, _)| *folder)
            .find(|folder| self.path.starts_with(&format!("{folder}/")))
            .unwrap_or("")
    }

    /// Whether it is a door: a file that explains a folder and re-exports from it.
    pub(super) fn is_door(&self) -> bool {
        self.path.ends_with("/mod.rs") || self.path.ends_with("/src/lib.rs")
    }

    /// Lines that are neither blank nor comment.
    pub(super) fn code_lines(&self) -> usize {
        self.text
            .lines()
            .map(str::trim_start)
            .filter(|line| !line.is_empty() && !line.starts_with("//"))
            .count()
    }
}

/// The folder that the modules declared in the file at `path` live in.
fn children_folder(path: &str) -> String {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    for door in ["/mod", "/lib", "/main"] {
        if let Some(folder) = stem.strip_suffix(door) {
            return folder.to_owned();
        }
    }
    stem.to_owned()
}

/// `crates/core/src/a/b.rs` is `[a, b]`.
fn module_of(path: &str) -> Option<Vec<String>> {
    let (_, inside) = path.split_once("/src/")?;
    let folder = children_folder(&format!("/{inside}"));
    Some(
        folder
            .split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

/// Collects the Rust files and manifests below `folder`, without build products.
fn collect(root: &Path, folder: &str, entries: &mut Vec<(String, String)>) {
    let Ok(listing) = fs::read_dir(root.join(folder)) else {
        return;
    };
    for entry in listing {
        let entry = entry.expect("a readable folder");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{folder}/{name}");
        if entry.path().is_dir() {
            if name != "target" && !name.starts_with('.') {
                collect(root, &path, entries);
            }
        } else if name.ends_with(".rs") || name == "Cargo.toml" {
            let text = fs::read_to_string(entry.path()).expect("UTF-8 text");
            entries.push((path, text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_know_their_module() {
        let tree = Tree::made_up(&[
            ("crates/core/src/lib.rs", ""),
            ("crates/core/src/a/mod.rs", ""),
            ("crates/core/src/a/b.rs", ""),
            ("crates/core/tests/it/main.rs", ""),
        ]);
        let modules: Vec<Option<String>> = tree
            .files
            .iter()
            .map(|file| file.module.as_ref().map(|module| module.join("::")))
            .collect();
        let expected = [Some("a::b"), Some("a"), Some(""), None];
        assert_eq!(modules, expected.map(|module| module.map(str::to_owned)));
    }

    #[test]
    fn a_module_declared_for_tests_is_a_test() {
        let tree = Tree::made_up(&[
            ("crates/core/src/a.rs", "#[cfg(test)]\nmod made_up;"),
            ("crates/core/src/a/made_up.rs", ""),
        ]);
        assert!(tree.files[0].module.is_some());
        assert!(tree.files[1].module.is_none());
    }
}
