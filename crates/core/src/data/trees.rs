//! Trees to be read in tests: their nodes, built from the leaves up.

use std::collections::BTreeMap;

use crate::data::builder::{Built, DirectoryBuilder, NodeBlob};
use crate::data::manifest::{Directory, Entry, File};
use crate::ids::BlobHash;

/// Nodes by their hash.
pub(crate) type Store = BTreeMap<BlobHash, Vec<u8>>;

/// A directory of these entries, whose nodes go into `store`.
pub(crate) fn build(store: &mut Store, entries: Vec<Entry>) -> Built {
    let mut builder = DirectoryBuilder::default();
    let mut keep =
        |blobs: Vec<NodeBlob>| store.extend(blobs.into_iter().map(|blob| (blob.hash, blob.bytes)));
    for entry in entries {
        keep(builder.push(entry).expect("in order"));
    }
    let (blobs, built) = builder.finish().expect("bounded");
    keep(blobs);
    built
}

/// It, as it lies in another one.
pub(crate) fn directory(name: &str, built: &Built) -> Entry {
    Entry::Directory(Directory {
        name: name.to_owned(),
        node: built.node,
        totals: built.totals,
    })
}

/// A file of three bytes.
pub(crate) fn file(name: &str) -> Entry {
    Entry::File(File {
        name: name.to_owned(),
        size: 3,
        hash: BlobHash([1; 32]),
        executable: false,
        mtime_ms: 0,
    })
}
