//! The folders that a folder lies in, by what the system knows them by. One that is among them is itself once more, mounted below itself (a bind mount, a
//! network disk of this machine): what lies in it lies above, and it may have no end.

use std::fs::Metadata;
use std::sync::Arc;

/// A folder with those above it; none at first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lineage(Option<Arc<Generation>>);

#[derive(Debug)]
struct Generation {
    id: Id,
    above: Lineage,
}

/// A device and the number of a folder on it.
type Id = (u64, u64);

impl Lineage {
    /// The same with a folder in it below; `None` where it is one of those it lies in.
    pub(crate) fn enter(&self, folder: &Metadata) -> Option<Self> {
        let Some(id) = id(folder) else {
            return Some(self.clone());
        };
        let mut above = self;
        while let Self(Some(generation)) = above {
            if generation.id == id {
                return None;
            }
            above = &generation.above;
        }
        let above = self.clone();
        Some(Self(Some(Arc::new(Generation { id, above }))))
    }
}

#[cfg(unix)]
fn id(folder: &Metadata) -> Option<Id> {
    use std::os::unix::fs::MetadataExt as _;
    // Some network disks have no numbers.
    (folder.ino() != 0).then(|| (folder.dev(), folder.ino()))
}

#[cfg(not(unix))]
fn id(_: &Metadata) -> Option<Id> {
    None
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_folder_is_found_among_those_it_lies_in_and_not_beside_them() {
        let root = tempfile::tempdir().expect("temporary folder");
        let [a, b] = ["a", "b"].map(|name| root.path().join(name));
        for folder in [&a, &b] {
            fs::create_dir(folder).expect("created");
        }
        let of = |path: &std::path::Path| fs::metadata(path).expect("there");
        let top = Lineage::default().enter(&of(root.path())).expect("alone");
        let below = top.enter(&of(&a)).expect("another");
        assert!(below.enter(&of(root.path())).is_none());
        assert!(below.enter(&of(&a)).is_none());
        assert!(below.enter(&of(&b)).is_some());
        assert!(top.enter(&of(&a)).is_some(), "it was entered elsewhere");
    }
}
