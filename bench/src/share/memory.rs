//! Memory that the machine has touched, and keeps.
//!
//! A virtual machine gets its memory from its host page by page at the first write, which runs at a tenth of the speed of the
//! second; and what it frees in whole blocks of 2 MiB it may give back a second later (free page reporting, Linux
//! `mm/page_reporting.c`), so that it is new again at the next turn. Then a benchmark tells how fast the host is. Here
//! as much as a benchmark uses is written, and all of it freed but for a page in each 128 KiB: what is between those is never a
//! whole block, and stays the machine's for as long as this is held.

use std::fs::File;
use std::io::Write as _;

use anyhow::{Context as _, Result};
use rustix::fs::{FallocateFlags, MemfdFlags, fallocate, memfd_create};

/// What is written at once.
const CHUNK_BYTES: usize = 1 << 20;

/// Of this much, a page is kept. A free block above it does not come to be, and a block that is given back has 2 MiB.
const STRIDE_BYTES: u64 = 128 << 10;

/// What is kept of it.
const PAGE_BYTES: u64 = 4 << 10;

/// Holds the machine's memory together until it is dropped.
#[derive(Debug)]
#[must_use = "when it is dropped, the machine may give its memory back"]
pub(crate) struct Memory {
    /// A file in memory: nobody looks at it again.
    _held: File,
}

impl Memory {
    /// Touches `bytes`, a 32nd more than can be used afterwards.
    pub(crate) fn touch(bytes: u64) -> Result<Self> {
        let held = memfd_create("touched", MemfdFlags::CLOEXEC).context("no memory as a file")?;
        let mut held = File::from(held);
        let chunk = vec![1; CHUNK_BYTES];
        let chunks = bytes.div_ceil(CHUNK_BYTES as u64);
        for _ in 0..chunks {
            held.write_all(&chunk)?;
        }
        let how = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        let strides = chunks * CHUNK_BYTES as u64 / STRIDE_BYTES;
        for stride in 0..strides {
            let free = stride * STRIDE_BYTES + PAGE_BYTES;
            fallocate(&held, how, free, STRIDE_BYTES - PAGE_BYTES)?;
        }
        Ok(Self { _held: held })
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn a_page_of_each_stride_is_kept() {
        let memory = Memory::touch(3 * CHUNK_BYTES as u64 - 1).expect("room");
        let kept = memory._held.metadata().expect("a file").blocks() * 512;
        assert_eq!(kept, 3 * (1 << 20) / STRIDE_BYTES * PAGE_BYTES);
    }
}
