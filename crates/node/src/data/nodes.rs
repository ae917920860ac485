//! The manifest's nodes of a download, as they came: for whoever asks for them before it is whole, and for a later run.
//!
//! One file that only grows, of records: the length of a node, in four bytes, big-endian, then its bytes. Its name is their hash, so what is
//! found in it by a later run needs no other proof. Where each lies is kept in memory, some 80 bytes for a directory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kith_core::data::builder::NodeBlob;
use kith_core::data::manifest::NODE_BYTES_MAX;
use kith_core::ids::BlobHash;

use crate::data::hash::read_exact_at;

/// Nodes whose place is remembered: those of a million directories, at some 80 MB. Further ones are not kept.
const NODES_MAX: usize = 1 << 20;

/// The bytes in front of a node.
const LENGTH_BYTES: usize = 4;

/// The nodes of a download.
#[derive(Debug)]
pub struct Nodes {
    /// Where they are.
    pub(super) file: Arc<[File; 1]>,
    places: Mutex<Places>,
}

#[derive(Debug, Default)]
struct Places {
    /// Where each begins, and how long it is.
    nodes: BTreeMap<BlobHash, (u64, usize)>,
    /// Where the next goes.
    end: u64,
    /// Bytes of further ones, which are not kept.
    beyond: u64,
}

impl Nodes {
    /// Opens those at `path`, with what an earlier run left as far as it is whole.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(false);
        let file = file.open(path)?;
        let places = read_all(&file)?;
        file.set_len(places.end)?;
        Ok(Self {
            file: Arc::new([file]),
            places: Mutex::new(places),
        })
    }

    /// Whether a node is kept.
    pub fn contains(&self, hash: &BlobHash) -> bool {
        self.lock().nodes.contains_key(hash)
    }

    /// Keeps a node that has this hash, unless there are too many.
    ///
    /// # Errors
    /// What the system says.
    pub fn add(&self, hash: &BlobHash, bytes: &[u8]) -> io::Result<()> {
        let mut places = self.lock();
        if places.nodes.contains_key(hash) {
            return Ok(());
        }
        if places.nodes.len() >= NODES_MAX {
            places.beyond += bytes.len() as u64;
            return Ok(());
        }
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        let record = [&length.to_be_bytes(), bytes].concat();
        let mut file = &self.file[0];
        file.seek(SeekFrom::Start(places.end))?;
        file.write_all(&record)?;
        let begin = places.end + LENGTH_BYTES as u64;
        places.nodes.insert(*hash, (begin, bytes.len()));
        places.end += record.len() as u64;
        Ok(())
    }

    /// How many bytes of different nodes have come; of those beyond what is kept, as often as they came.
    pub fn bytes(&self) -> u64 {
        let places = self.lock();
        places.end - (LENGTH_BYTES * places.nodes.len()) as u64 + places.beyond
    }

    /// A node; `None` for one that is not kept, or is not any more what it was.
    ///
    /// # Errors
    /// What the system says.
    pub fn get(&self, hash: &BlobHash) -> io::Result<Option<Vec<u8>>> {
        let Some((begin, length)) = self.lock().nodes.get(hash).copied() else {
            return Ok(None);
        };
        let mut bytes = vec![0; length];
        read_exact_at(&self.file[0], &mut bytes, begin)?;
        let is_it = blake3::hash(&bytes) == hash.0;
        Ok(is_it.then_some(bytes))
    }

    /// All of them, one after the other, as [`Nodes::get`] gives each.
    pub fn all(&self) -> impl Iterator<Item = io::Result<Option<NodeBlob>>> {
        let hashes: Vec<BlobHash> = self.lock().nodes.keys().copied().collect();
        hashes.into_iter().map(|hash| {
            let bytes = self.get(&hash)?;
            Ok(bytes.map(|bytes| NodeBlob { hash, bytes }))
        })
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds the nodes in a file, up to the first that is not whole.
fn read_all(file: &File) -> io::Result<Places> {
    let mut reader = BufReader::new(file);
    let mut places = Places::default();
    let mut bytes = Vec::new();
    while places.nodes.len() < NODES_MAX {
        let mut length = [0; LENGTH_BYTES];
        match reader.read_exact(&mut length) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            read => read?,
        }
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
        // A length of nothing is what a disk leaves that lost a write.
        if !(1..=NODE_BYTES_MAX).contains(&length) {
            break;
        }
        bytes.clear();
        let read = (&mut reader).take(length as u64).read_to_end(&mut bytes)?;
        if read != length {
            break;
        }
        let begin = places.end + LENGTH_BYTES as u64;
        let hash = BlobHash(*blake3::hash(&bytes).as_bytes());
        places.nodes.insert(hash, (begin, length));
        places.end = begin + length as u64;
    }
    Ok(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(number: u8) -> (BlobHash, Vec<u8>) {
        let bytes = vec![number; 100 + usize::from(number)];
        (BlobHash(*blake3::hash(&bytes).as_bytes()), bytes)
    }

    #[test]
    fn a_later_run_finds_the_nodes_that_were_written_whole() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("nodes");
        let nodes = Nodes::open(&path).expect("opened");
        for number in [1, 2, 1, 3] {
            let (hash, bytes) = node(number);
            nodes.add(&hash, &bytes).expect("written");
        }
        assert_eq!(nodes.get(&node(2).0).expect("read"), Some(node(2).1));
        assert_eq!(nodes.get(&node(4).0).expect("read"), None);
        assert_eq!(nodes.bytes(), 101 + 102 + 103, "each once");
        drop(nodes);
        let file = File::options().write(true).open(&path).expect("there");
        let length = file.metadata().expect("there").len();
        file.set_len(length - 1).expect("cut");
        let nodes = Nodes::open(&path).expect("opened again");
        assert!(nodes.contains(&node(1).0) && !nodes.contains(&node(3).0));
        nodes.add(&node(3).0, &node(3).1).expect("written");
        for number in 1..=3 {
            let (hash, bytes) = node(number);
            assert_eq!(nodes.get(&hash).expect("read"), Some(bytes));
        }
    }

    #[test]
    fn a_node_that_is_not_what_it_was_is_none() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("nodes");
        let nodes = Nodes::open(&path).expect("opened");
        let (hash, bytes) = node(7);
        nodes.add(&hash, &bytes).expect("written");
        std::fs::write(&path, vec![0; 200]).expect("written over");
        assert_eq!(nodes.get(&hash).expect("read"), None);
        assert!(!Nodes::open(&path).expect("opened").contains(&hash));
    }
}
