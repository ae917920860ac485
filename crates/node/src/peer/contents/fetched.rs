//! How far a transfer is, and what came of it.

use std::path::PathBuf;
use std::time::Duration;

use kith_core::data::head::Head;
use kith_core::ids::PeerId;

use crate::content::Updated;

/// How far a transfer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransferProgress {
    /// Bytes of files that are verified and durable, by earlier runs too.
    pub bytes: u64,
    /// All bytes there are; `None` while that is not known, and where only some files are wanted.
    pub total: Option<u64>,
    /// Files that are whole.
    pub files: u64,
    /// Bytes a second, over the last few seconds.
    pub rate: u64,
    /// Nobody who has it is there now.
    pub waiting: bool,
    /// Its owner is, and it is not where they share it from: it is waited for.
    pub absent: bool,
    /// Files have changed at its owner, who is there and has not looked at them anew yet; nothing else of it is to be had now.
    pub examining: bool,
}

/// How much came from whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceBytes {
    /// Whom; `None` for all together who did not say who they are, as holders of a link or a grant do.
    pub peer: Option<PeerId>,
    /// Bytes of files.
    pub bytes: u64,
}

/// A finished transfer.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Where it is now.
    pub target: PathBuf,
    /// What it is, as its owner signed it.
    pub head: Head,
    /// Bytes of files, by earlier runs too.
    pub bytes: u64,
    /// Files.
    pub files: u64,
    /// How long this run took, waiting included.
    pub time: Duration,
    /// Where this run's bytes came from; those who gave none are not among them, and those who did not say who they are come last. Together
    /// they gave all that this run fetched.
    pub sources: Vec<SourceBytes>,
    /// Whether it is an older version than the newest that is known here, which nobody who is there has.
    pub is_older: bool,
    /// Symbolic links that were not made: those that lead out of the part that was fetched, those among chosen files, and new ones of what was brought
    /// up to date.
    pub links_left_out: u64,
    /// What came of bringing it up to date, where that was wanted.
    pub updated: Option<Updated>,
}
