//! What to fetch, where to, and how.

use std::path::PathBuf;
use std::time::Duration;

use kith_core::content::retries::EXAMINED_WITHIN;
use kith_core::ids::BlobHash;

use super::source::ShareSource;
use crate::content::{Chosen, Givers, Priorities, Readers, StagedAt};

/// What to fetch, and where to.
#[derive(Clone, Debug)]
pub struct GetOptions {
    /// What.
    pub source: ShareSource,
    /// The folder in which it appears, under its own name.
    pub out: PathBuf,
    /// Patterns of the files that are wanted (see [`crate::content::glob`]); all where there is none.
    pub only: Vec<String>,
    /// Files that are wanted, by their paths; beside those of the patterns.
    pub chosen: Chosen,
    /// Whether what is there already under its name is brought up to date: what is new is added, and what nobody has touched since it was got is
    /// replaced. Whatever else is there stays, and is told.
    pub update: bool,
    /// How long to wait for somebody who has it, counted from the start and anew from each byte that arrives; all who may have it are looked
    /// for side by side, as long at most. Zero waits for nobody: each is asked once.
    pub wait: Duration,
    /// How long its owner may take to look at files that have changed, where that is longer: counted anew from each byte that arrives.
    pub examined_within: Duration,
    /// The version that it must have, by the hash in its head; `None` for the newest.
    pub at: Option<BlobHash>,
    /// Where its files are read while they arrive.
    pub readers: Readers,
    /// How soon its files are wanted; may be said anew while it runs.
    pub priorities: Priorities,
    /// Whether it is provided to others who may have it, once all of it is here.
    pub provide: bool,
    /// Whether it is written down what came, by which it can be brought up to date later.
    pub recorded: bool,
    /// Whether it is provided for good: it never makes room for other copies.
    pub keep: bool,
    /// Told where what arrives is kept until it is whole.
    pub staged: StagedAt,
    /// Told who gives it.
    pub givers: Givers,
}

impl GetOptions {
    /// All of the newest version, into `out`, without waiting for anybody.
    pub fn new(source: ShareSource, out: impl Into<PathBuf>) -> Self {
        Self {
            source,
            out: out.into(),
            only: Vec::new(),
            chosen: Chosen::default(),
            update: false,
            wait: Duration::ZERO,
            examined_within: EXAMINED_WITHIN,
            at: None,
            readers: Readers::default(),
            priorities: Priorities::default(),
            provide: true,
            recorded: true,
            keep: false,
            staged: StagedAt::default(),
            givers: Givers::default(),
        }
    }
}
