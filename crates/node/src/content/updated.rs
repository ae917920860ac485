//! What came of bringing something up to date, and why what stayed as it is here did so: whoever reads it is to know what to do.

use std::collections::BTreeMap;

use crate::content::kept::Why;

/// The most files that are kept for one reason and named: what somebody reads.
pub const KEPT_NAMED_MAX: usize = 100;

/// What came of bringing something up to date.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Updated {
    /// Files and links that were not here.
    pub added: u64,
    /// Files and links that were replaced, and files that may be run now, or may not, or have another time.
    pub replaced: u64,
    /// Files and links that were deleted here, and are as they were then: they do not come again.
    pub deleted: u64,
    /// Files, folders and links that are something else at their owner and stay as they are here, by the reason.
    pub kept: BTreeMap<KeptWhy, KeptHere>,
}

/// What stays as it is here for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptHere {
    /// Paths below the target; the first [`KEPT_NAMED_MAX`],
    pub paths: Vec<String>,
    /// of so many.
    pub count: u64,
}

/// Why something stays as it is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeptWhy {
    /// A file came to its place and is another now: it was changed here.
    Changed,
    /// Nothing is known to have come to its place: it was made here, or came longer ago than is remembered.
    Unknown,
    /// In its place, or on the way to it, is what no file can replace: a folder, a link, another file system; or a file where a folder is to be.
    Occupied,
    /// It, or the folder in which it is to be, cannot be read or written by whoever runs this, or never rests.
    Closed,
    /// No more are replaced in one go: it comes by the next update.
    Later,
}

impl KeptWhy {
    /// What is written down of it.
    pub(super) fn written(self) -> Why {
        match self {
            Self::Changed => Why::Changed,
            Self::Unknown | Self::Occupied => Why::Left,
            Self::Closed | Self::Later => Why::Waiting,
        }
    }
}

impl Updated {
    /// How much stays as it is here, for whatever reason.
    pub fn kept_count(&self) -> u64 {
        self.kept.values().map(|kept| kept.count).sum()
    }

    /// One more stays.
    pub(super) fn keep(&mut self, path: &str, why: KeptWhy) {
        let kept = self.kept.entry(why).or_default();
        kept.count += 1;
        if kept.paths.len() < KEPT_NAMED_MAX {
            kept.paths.push(path.to_owned());
        }
    }
}
