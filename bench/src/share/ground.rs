//! The folder in which a benchmark takes place; it goes when dropped.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// What is written at once.
const CHUNK_BYTES: usize = 1 << 20;

/// The folder.
#[derive(Debug)]
pub(crate) struct Ground(PathBuf);

impl Ground {
    /// A new one in `place`.
    pub(crate) fn clear(place: &Path) -> Result<Self> {
        let folder = place.join(format!("kith-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).with_context(|| format!("no room in {}", place.display()))?;
        Ok(Self(folder))
    }

    /// A folder in it, which is there afterwards.
    pub(crate) fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.0.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    }

    /// Where a program's complaints go.
    pub(crate) fn log(&self, name: &str) -> Result<PathBuf> {
        Ok(self.folder("logs")?.join(name))
    }

    /// Writes `bytes` to its disk and deletes them: blocks that a virtual disk never had are slower the first time.
    pub(crate) fn touch(&self, bytes: u64) -> Result<()> {
        let path = self.0.join("touched");
        let mut file = File::create(&path)?;
        let chunk = vec![1; CHUNK_BYTES];
        for _ in 0..bytes.div_ceil(CHUNK_BYTES as u64) {
            file.write_all(&chunk)?;
        }
        file.sync_all()?;
        Ok(fs::remove_file(path)?)
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // What is left can be deleted by hand.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes what `folder` holds, not itself.
pub(crate) fn empty(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}
