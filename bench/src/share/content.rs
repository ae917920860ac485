//! What is transferred, and whether it arrived: byte by byte, which says more than a checksum.

use std::fs::{self, File};
use std::io::{BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

/// What is read or written at once.
const CHUNK_BYTES: usize = 1 << 20;

/// How many files and folders a folder of the nested tree holds.
const FOLDER_ENTRIES_MAX: u64 = 100;

/// Something to transfer.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// How many bytes of content.
    pub(crate) bytes: u64,
}

impl Content {
    /// A file called `name` in `folder` that nothing compresses.
    pub(crate) fn file(folder: &Path, name: &str, bytes: u64) -> Result<Self> {
        let path = folder.join(name);
        let mut file = BufWriter::with_capacity(CHUNK_BYTES, File::create(&path)?);
        Noise::new(bytes).write(&mut file, bytes)?;
        file.flush()?;
        Ok(Self { path, bytes })
    }

    /// A folder called `name` in `folder` with `count` files of `size` bytes, two folders deep.
    pub(crate) fn tree(folder: &Path, name: &str, count: u64, size: u64) -> Result<Self> {
        let path = folder.join(name);
        let mut noise = Noise::new(count);
        for number in 0..count {
            let inner = number / FOLDER_ENTRIES_MAX;
            let place = path.join(format!("{:02}/{inner:04}", inner / 10));
            if number % FOLDER_ENTRIES_MAX == 0 {
                fs::create_dir_all(&place)?;
            }
            noise.write(&mut File::create(place.join(format!("{number:06}")))?, size)?;
        }
        let bytes = count * size;
        Ok(Self { path, bytes })
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        let name = self.path.file_name().and_then(|name| name.to_str());
        name.expect("made with a name")
    }

    /// Fails unless `folder` holds the same under the same name.
    pub(crate) fn ensure_arrived(&self, folder: &Path) -> Result<()> {
        ensure_same(&self.path, &folder.join(self.name()))
    }
}

fn ensure_same(original: &Path, copy: &Path) -> Result<()> {
    if original.is_file() {
        let is_same = is_same_file(original, copy)?;
        ensure!(is_same, "{} is not what was sent", copy.display());
        return Ok(());
    }
    let names = names(original)?;
    ensure!(
        names == self::names(copy)?,
        "{} holds other names",
        copy.display()
    );
    for name in names {
        ensure_same(&original.join(&name), &copy.join(&name))?;
    }
    Ok(())
}

/// What a folder holds, in order; what programs keep for themselves begins with a dot.
fn names(folder: &Path) -> Result<Vec<std::ffi::OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        if !name.as_encoded_bytes().starts_with(b".") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn is_same_file(original: &Path, copy: &Path) -> Result<bool> {
    let (mut left, mut right) = (File::open(original)?, File::open(copy)?);
    let length = left.metadata()?.len();
    if right.metadata()?.len() != length {
        return Ok(false);
    }
    let (mut one, mut other) = (vec![0; CHUNK_BYTES], vec![0; CHUNK_BYTES]);
    let mut rest = length;
    while rest > 0 {
        let now = usize::try_from(rest.min(CHUNK_BYTES as u64))?;
        left.read_exact(&mut one[..now])?;
        right.read_exact(&mut other[..now])?;
        if one[..now] != other[..now] {
            return Ok(false);
        }
        rest -= now as u64;
    }
    Ok(true)
}

/// Bytes without a pattern, the same each time: xorshift64 (Marsaglia 2003).
#[derive(Debug)]
struct Noise(u64);

impl Noise {
    fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn write(&mut self, to: &mut impl std::io::Write, bytes: u64) -> Result<()> {
        let mut chunk = vec![0; CHUNK_BYTES];
        let mut rest = bytes;
        while rest > 0 {
            let now = usize::try_from(rest.min(CHUNK_BYTES as u64))?;
            for word in chunk[..now.next_multiple_of(8)].chunks_exact_mut(8) {
                self.0 ^= self.0 << 13;
                self.0 ^= self.0 >> 7;
                self.0 ^= self.0 << 17;
                word.copy_from_slice(&self.0.to_le_bytes());
            }
            to.write_all(&chunk[..now])?;
            rest -= now as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::share::ground::Ground;

    #[test]
    fn one_wrong_byte_in_a_tree_is_found() {
        let place = std::env::temp_dir().join(format!("kith-bench-content-{}", std::process::id()));
        let ground = Ground::clear(&place).expect("room");
        let (from, to) = (ground.folder("from"), ground.folder("to"));
        let (from, to) = (from.expect("room"), to.expect("room"));
        let sent = Content::tree(&from, "tree", 101, 5).expect("room");
        let copy = Content::tree(&to, "tree", 101, 5).expect("room");
        sent.ensure_arrived(&to).expect("the same");
        let last = copy.path.join("00/0001/000100");
        let mut bytes = fs::read(&last).expect("the last file");
        bytes[4] ^= 1;
        fs::write(&last, bytes).expect("room");
        assert!(sent.ensure_arrived(&to).is_err());
        drop(ground);
        fs::remove_dir(place).expect("nothing is left");
    }
}
