//! The folder that the demo hands over, and the proof that it arrived.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Files that are at hand wherever the program is: what the repository says about itself.
const TEXTS: &[(&str, &str)] = &[
    (
        "README.md",
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md")),
    ),
    (
        "ARCHITECTURE.md",
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../ARCHITECTURE.md"
        )),
    ),
    (
        "docs/exposure.md",
        include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/exposure.md"
        )),
    ),
    (
        "docs/Grüße aus Köln.txt",
        "A name that is not ASCII arrives as it is.\n",
    ),
    ("docs/empty", ""),
];

/// Writes a folder of real files: the texts, and this very program.
pub(super) fn write(folder: &Path) -> Result<PathBuf, Failure> {
    for (name, text) in TEXTS {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("in the folder"))?;
        fs::write(path, text)?;
    }
    fs::create_dir_all(folder.join("bin"))?;
    fs::copy(std::env::current_exe()?, folder.join("bin/kith"))?;
    Ok(folder.to_owned())
}

/// The folder to hand over, by its full path.
pub(super) fn find(folder: &Path) -> Result<PathBuf, Failure> {
    let path = folder
        .canonicalize()
        .map_err(|error| about(folder, &error))?;
    match path.is_dir() {
        true => Ok(path),
        false => Err(Failure::usage(format_args!(
            "{} is no folder",
            folder.display()
        ))),
    }
}

/// Every file below a folder, with its size in bytes and its BLAKE3 hash.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    files: BTreeMap<PathBuf, (u64, blake3::Hash)>,
}

impl Tree {
    /// Reads a folder. Symbolic links are left out.
    ///
    /// # Errors
    /// When something cannot be read.
    pub(super) fn read(folder: &Path) -> Result<Self, Failure> {
        let mut tree = Self::default();
        let mut waiting = vec![folder.to_owned()];
        while let Some(directory) = waiting.pop() {
            let entries = fs::read_dir(&directory).map_err(|error| about(&directory, &error))?;
            for entry in entries {
                let entry = entry?;
                let (path, kind) = (entry.path(), entry.file_type()?);
                if kind.is_dir() {
                    waiting.push(path);
                } else if kind.is_file() {
                    let name = path.strip_prefix(folder).expect("below it").to_owned();
                    let hashed = hash(&path).map_err(|error| about(&path, &error))?;
                    tree.files.insert(name, hashed);
                }
            }
        }
        Ok(tree)
    }

    pub(super) fn files(&self) -> usize {
        self.files.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.files.values().map(|(bytes, _)| bytes).sum()
    }

    /// Compares what arrived, telling of up to ten files.
    ///
    /// # Errors
    /// With the first file that is missing, different or too many.
    pub(super) fn compare(&self, arrived: &Self, tell: impl Fn(&str)) -> Result<(), Failure> {
        const TOLD_MAX: usize = 10;
        let names = self.files.keys().chain(arrived.files.keys());
        if let Some(name) = names
            .into_iter()
            .find(|name| self.files.get(*name) != arrived.files.get(*name))
        {
            let kind = kith::ErrorKind::NotVerified;
            let reason = format!("{} did not arrive as it was", name.display());
            return Err(Failure::new(kind, reason));
        }
        for (name, (_, hash)) in self.files.iter().take(TOLD_MAX) {
            tell(&format!(
                "{}…  same  {}",
                &hash.to_hex()[..16],
                name.display()
            ));
        }
        if self.files.len() > TOLD_MAX {
            tell(&format!(
                "and {} more, all the same",
                self.files.len() - TOLD_MAX
            ));
        }
        Ok(())
    }
}

fn hash(path: &Path) -> std::io::Result<(u64, blake3::Hash)> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok((hasher.count(), hasher.finalize()))
}

fn about(path: &Path, error: &std::io::Error) -> Failure {
    Failure::failed(format_args!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_a_missing_and_an_added_file_are_noticed() {
        let place = tempfile::tempdir().expect("a place for files");
        let tree = |name: &str, files: &[(&str, &str)]| {
            let folder = place.path().join(name);
            fs::create_dir_all(folder.join("below")).expect("room");
            for (name, text) in files {
                fs::write(folder.join(name), text).expect("room");
            }
            Tree::read(&folder).expect("readable")
        };
        let sent = tree("sent", &[("one", "1"), ("below/two", "2")]);
        let same = tree("same", &[("one", "1"), ("below/two", "2")]);
        let changed = tree("changed", &[("one", "1"), ("below/two", "3")]);
        let missing = tree("missing", &[("one", "1")]);
        assert_eq!((sent.files(), sent.bytes()), (2, 2));
        assert!(sent.compare(&same, |_| {}).is_ok());
        assert!(sent.compare(&changed, |_| {}).is_err());
        assert!(sent.compare(&missing, |_| {}).is_err());
        assert!(missing.compare(&sent, |_| {}).is_err());
    }
}
