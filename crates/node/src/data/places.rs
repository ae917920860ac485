//! Where the parts of a download lie, and what its staging folder is called.

use std::path::{Path, PathBuf};

use kith_core::ids::BlobHash;

use crate::data::outboard::hex;

/// How much of the hash stands in the folder's name: enough that no two trees meet beside one target.
const NAME_CHARS: usize = 16;

/// What the folder's name begins with,
const PREFIX: &str = ".kith-";

/// and ends with.
const SUFFIX: &str = ".partial";

/// What the name of a copy ends with that is being made of one.
const COPY_SUFFIX: &str = ".copying";

/// How many entries of the folder are looked at for other downloads, so that a huge one costs no time.
pub(super) const LOOK_MAX: usize = 10_000;

/// Whether a file name is that of a staging folder.
pub fn is_staging(name: &str) -> bool {
    is_one(name, SUFFIX)
}

/// Whether it is that of a copy that is being made of one.
pub(super) fn is_copy(name: &str) -> bool {
    is_one(name, COPY_SUFFIX)
}

/// Whether it is either: nothing that is anybody's, or is shared.
pub fn is_of_download(name: &str) -> bool {
    is_staging(name) || is_copy(name)
}

fn is_one(name: &str, suffix: &str) -> bool {
    name.strip_prefix(PREFIX)
        .and_then(|name| name.strip_suffix(suffix))
        .is_some_and(|middle| middle.len() == NAME_CHARS)
}

/// What a copy is called while it is made that is to be called so.
pub(super) fn copy_name(staging: &str) -> String {
    format!("{}{COPY_SUFFIX}", staging.trim_end_matches(SUFFIX))
}

/// What the staging folder is called that has this hash.
pub(super) fn staging_name(key: &BlobHash) -> String {
    format!("{PREFIX}{}{SUFFIX}", &hex(key)[..NAME_CHARS])
}

/// The two files of one that arrives.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    /// What it holds, in its place.
    pub(super) data: PathBuf,
    /// Its inner nodes, if it came in parts.
    pub(super) nodes: PathBuf,
}

/// Where the files of a download lie, before and after it got its name.
#[derive(Clone, Debug)]
pub struct Places {
    pub(super) folder: PathBuf,
    pub(super) named: PathBuf,
}

impl Places {
    /// Those of a staging folder, of which nothing is known that has its name.
    pub(super) fn of(folder: PathBuf) -> Self {
        let named = PathBuf::new();
        Self { folder, named }
    }

    /// The staging folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a file grows, by its path within the tree.
    pub fn growing(&self, path: &str) -> PathBuf {
        beneath(self.folder.join("tree"), path)
    }

    /// Where its inner nodes lie, if it came in parts.
    pub fn outboard(&self, path: &str) -> PathBuf {
        let key = hex(&BlobHash(*blake3::hash(path.as_bytes()).as_bytes()));
        self.folder.join("outboards").join(key)
    }

    /// Where both lie.
    pub(super) fn pair(&self, path: &str) -> Pair {
        Pair {
            data: self.growing(path),
            nodes: self.outboard(path),
        }
    }

    /// Where another's lie that are put together with them.
    pub(super) fn beside(&self, path: &str) -> Pair {
        let own = self.outboard(path);
        Pair {
            data: own.with_extension("data"),
            nodes: own.with_extension("nodes"),
        }
    }

    /// Where it is when all is here.
    pub fn named(&self, path: &str) -> PathBuf {
        beneath(self.named.clone(), path)
    }
}

/// A path of a tree, beneath a folder.
pub(crate) fn beneath(mut folder: PathBuf, path: &str) -> PathBuf {
    folder.extend(path.split('/').filter(|name| !name.is_empty()));
    folder
}
