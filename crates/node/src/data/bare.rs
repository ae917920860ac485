//! Pictures without what they say beside their pixels: copies that are shared in place of files that lie elsewhere, `blobs/bare/<hash>`.
//!
//! A copy is called by the hash of its content and never changes, so all of them are dated 1970: whoever makes one again makes the very same. One that is lost
//! is made again.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use kith_core::data::traces;
use kith_core::ids::BlobHash;

use crate::data::hash;
use crate::data::outboard::hex;
use crate::data::range::Blob;

/// The largest picture that is looked through, in bytes: more than any camera writes. It is held in memory.
pub const PICTURE_BYTES_MAX: u64 = 128 << 20;

/// The folder of copies.
#[derive(Clone, Debug)]
pub struct BarePictures {
    folder: PathBuf,
}

impl BarePictures {
    /// Uses `folder`, which is made with the first copy.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Keeps a copy; it gets its name when it is written whole. Durable only after a [`crate::data::barrier`]. Gives its hash.
    ///
    /// # Errors
    /// What the system says.
    pub fn save(&self, picture: &[u8]) -> io::Result<BlobHash> {
        let (hash, _) = hash::hash_bytes(picture);
        fs::create_dir_all(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(picture)?;
        file.as_file().set_modified(UNIX_EPOCH)?;
        file.persist(self.path(&hash))?;
        Ok(hash)
    }

    /// Where the copy of this content is, or would be.
    pub fn path(&self, hash: &BlobHash) -> PathBuf {
        self.folder.join(hex(hash))
    }

    /// Removes what is no longer of use: copies that `is_used` does not name, and what a process that ended left half written. How
    /// many were removed. Nobody may save one meanwhile.
    ///
    /// # Errors
    /// What the system says, or `is_used`; the rest stays for the next time then.
    pub fn sweep(&self, is_used: impl Fn(&BlobHash) -> io::Result<bool>) -> io::Result<u64> {
        let mut removed = 0;
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(removed),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let hash = name
                .to_str()
                .and_then(|hex| blake3::Hash::from_hex(hex).ok());
            if let Some(hash) = hash
                && is_used(&BlobHash(*hash.as_bytes()))?
            {
                continue;
            }
            fs::remove_file(entry.path())?;
            removed += 1;
        }
        Ok(removed)
    }
}

/// The picture that lies at `path` without what it says beside its pixels; `None` for what is no JPEG, PNG or WebP that is whole, or
/// larger than [`PICTURE_BYTES_MAX`]: nobody knows what is in it.
///
/// # Errors
/// What the system says; [`io::ErrorKind::ResourceBusy`] when the file is not `blob` any more.
pub fn without_traces(path: &Path, blob: &Blob) -> io::Result<Option<Vec<u8>>> {
    if blob.size > PICTURE_BYTES_MAX {
        return Ok(None);
    }
    let mut picture = Vec::new();
    let file = hash::open_in_place(path)?;
    file.take(PICTURE_BYTES_MAX).read_to_end(&mut picture)?;
    if hash::hash_bytes(&picture).0 != blob.hash {
        return Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "the file changes while it is read",
        ));
    }
    Ok(traces::strip(&picture))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::hash::Stamp;

    #[test]
    fn a_copy_made_twice_is_one_file_that_has_not_changed() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let pictures = BarePictures::new(folder.path().join("bare"));
        let stamp = |hash| {
            let metadata = fs::metadata(pictures.path(hash));
            Stamp::of(&metadata.expect("there"))
        };
        let first = pictures.save(b"pixels").expect("saved");
        let before = stamp(&first);
        assert_eq!(pictures.save(b"pixels").expect("saved"), first);
        assert_eq!(stamp(&first), before);
        assert_eq!(before.mtime_ns, 0);
    }

    #[test]
    fn what_is_not_shared_any_more_is_swept_away() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let pictures = BarePictures::new(folder.path().to_owned());
        let used = pictures.save(b"used").expect("saved");
        let unused = pictures.save(b"unused").expect("saved");
        fs::write(folder.path().join(".tmpXyz123"), b"half a").expect("written");
        let removed = pictures.sweep(|hash| Ok(*hash == used));
        assert_eq!(removed.expect("swept"), 2);
        assert!(pictures.path(&used).exists() && !pictures.path(&unused).exists());
    }

    #[test]
    fn a_file_that_has_become_another_is_not_taken_for_what_it_was() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.jpg");
        fs::write(&path, b"as it is").expect("written");
        let blob = Blob {
            hash: hash::hash_bytes(b"as it was").0,
            size: 8,
        };
        let refused = without_traces(&path, &blob).expect_err("another");
        assert_eq!(refused.kind(), io::ErrorKind::ResourceBusy);
    }
}
