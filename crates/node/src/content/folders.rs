//! The folders that a share consists of, as they lie on the disk now.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use crate::data::lineage::Lineage;
use crate::data::places;
use crate::home::Home;

/// A folder.
pub(super) struct Folder {
    /// Where it lies.
    pub(super) path: PathBuf,
    /// What the system says of it.
    pub(super) metadata: Metadata,
}

/// `root`, if it is a folder, and those beneath it, on whichever disks, links not followed; downloads under way, data directories of nodes and what is mounted
/// below itself left out. What is in a folder is read
/// only after it was given: whoever watches it by then misses nothing. A folder that cannot be read is an error of its own, and
/// the others follow.
pub(super) fn beneath(root: &Path) -> impl Iterator<Item = io::Result<Folder>> {
    let mut left = vec![(root.to_owned(), Lineage::default())];
    let mut given: Option<(PathBuf, Lineage)> = None;
    std::iter::from_fn(move || {
        if let Some((folder, lineage)) = given.take()
            && let Err(error) = read(&folder, &lineage, &mut left)
        {
            return Some(Err(error));
        }
        while let Some((path, above)) = left.pop() {
            match fs::symlink_metadata(&path) {
                Ok(metadata) if metadata.is_dir() && !Home::is_one(&path) => {
                    let Some(lineage) = above.enter(&metadata) else {
                        continue;
                    };
                    given = Some((path.clone(), lineage));
                    return Some(Ok(Folder { path, metadata }));
                }
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        None
    })
}

fn read(folder: &Path, lineage: &Lineage, left: &mut Vec<(PathBuf, Lineage)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_of_download = name.to_str().is_some_and(places::is_of_download);
        if entry.file_type()?.is_dir() && !is_of_download {
            left.push((entry.path(), lineage.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_made_after_its_parent_was_given_is_found() {
        let root = tempfile::tempdir().expect("temporary folder");
        let mut found = beneath(root.path());
        let first = found.next().expect("the root").expect("readable");
        assert_eq!(first.path, root.path());
        fs::create_dir(root.path().join("late")).expect("created");
        fs::create_dir(root.path().join(".kith-0123456789abcdef.partial")).expect("created");
        let data = root.path().join("kith");
        fs::create_dir(&data).expect("created");
        fs::write(data.join("identity.key"), b"").expect("written");
        let rest: Vec<PathBuf> = found.map(|folder| folder.expect("readable").path).collect();
        assert_eq!(rest, [root.path().join("late")]);
    }
}
