//! A file as a manifest names it, for the tests of what arrives.

use kith_core::data::manifest::File;

use super::hash;

/// One of these bytes that may be run, of a time before that of any test.
pub(crate) fn wanted(bytes: &[u8]) -> File {
    File {
        name: "f".into(),
        size: bytes.len() as u64,
        hash: hash::hash_bytes(bytes).0,
        executable: true,
        mtime_ms: 5_000,
    }
}
