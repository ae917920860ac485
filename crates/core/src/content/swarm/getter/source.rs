//! One source: what it holds, how it stands, and what it owes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::output::{SourceId, TransferId, Who};
use super::pace::Pace;
use crate::content::swarm::config::STALL_PAUSE_MIN;
use crate::content::swarm::holdings::Holdings;
use crate::content::swarm::ranges::Ranges;
use crate::content::swarm::wire::{Ask, SUGGESTIONS_MAX, What};
use crate::ids::BlobHash;
use crate::time::Time;

/// A request that is not answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pending {
    pub(super) what: What,
    /// Which chunk it is for; a node is for none.
    pub(super) chunk: Option<u32>,
    /// All before this is verified.
    pub(super) reached: u64,
    /// All before this has been announced.
    pub(super) announced: u64,
    /// Where it ends.
    pub(super) end: u64,
    /// What a node is reckoned at: how large it is shows when it comes.
    pub(super) reckoned: u64,
    /// It may come, but nobody counts on it.
    pub(super) is_cancelled: bool,
}

impl Pending {
    /// How many bytes are still to come, as it is reckoned.
    pub(super) fn bytes_left(&self) -> u64 {
        match self.what {
            What::Span(_) => self.end.saturating_sub(self.reached),
            What::Node(_) => self.reckoned.saturating_sub(self.reached),
        }
    }

    /// Whether something of it was announced.
    pub(super) fn has_begun(&self) -> bool {
        match self.what {
            What::Span(span) => self.announced > span.start,
            What::Node(_) => self.announced > 0,
        }
    }
}

/// A source.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) transfer: TransferId,
    pub(super) who: Who,
    pub(super) holdings: Holdings,
    /// What it holds of chunks that it has not whole. Such a chunk is among `holdings` as long as something of it is missing that is here.
    pub(super) edges: Ranges,
    /// How many spans it has told these by.
    pub(super) edges_told: usize,
    /// Chunks that it claimed and did not have. It is not believed again: otherwise claiming and dropping in turn would never end.
    pub(super) lost: Holdings,
    /// Whether it said so in one word; its copies are not counted then.
    pub(super) is_everything: bool,
    /// Whether it may hold more later: it fetches the snapshot itself, or has said nothing yet.
    pub(super) is_growing: bool,
    /// Whether it said that it holds some files and will hold no more.
    pub(super) is_final: bool,
    /// Whether it said what it holds.
    pub(super) has_told: bool,
    /// Whether its copies count as one more: of several streams of a device, those of one do.
    pub(super) is_counted: bool,
    /// Whether its stream is an express lane.
    pub(super) is_lane: bool,
    /// Whether a further lane beside it would be told of.
    pub(super) may_widen: bool,
    /// Whether it answers requests.
    pub(super) is_free: bool,
    /// Passed by until then.
    pub(super) passed_until: Option<Time>,
    /// Stalls without progress between them.
    pub(super) stalls: u32,
    /// How often it dropped as busy what it owed, without progress between them.
    pub(super) put_offs: u32,
    /// Whether we told it that it holds something we want.
    pub(super) is_interesting: bool,
    /// Nothing to ask it for was found, and nothing changed since.
    pub(super) has_nothing: bool,
    pub(super) requests: BTreeMap<u64, Pending>,
    /// Wanted nodes that it does not have; of one that grows, until it says that it holds more.
    pub(super) lacks: BTreeSet<BlobHash>,
    /// Chunks that it would like to be asked for first, at most [`SUGGESTIONS_MAX`]; the oldest gives way.
    pub(super) suggested: VecDeque<u32>,
    pub(super) progress_at: Time,
    /// When its entry in the agenda is due.
    pub(super) alarm: Option<Time>,
    /// How many others it has named.
    pub(super) referrals: usize,
    /// To be sent together.
    pub(super) asks: Vec<Ask>,
    /// The same.
    pub(super) cancels: Vec<u64>,
}

impl Source {
    /// One that has said nothing yet.
    pub(super) fn new(transfer: TransferId, who: Who, chunks: u32, now: Time) -> Self {
        Self {
            transfer,
            who,
            holdings: Holdings::none(chunks),
            edges: Ranges::default(),
            edges_told: 0,
            lost: Holdings::none(chunks),
            is_everything: false,
            is_growing: true,
            is_counted: true,
            is_lane: false,
            may_widen: false,
            is_final: false,
            has_told: false,
            is_free: false,
            passed_until: None,
            stalls: 0,
            put_offs: 0,
            is_interesting: false,
            has_nothing: false,
            requests: BTreeMap::new(),
            lacks: BTreeSet::new(),
            suggested: VecDeque::new(),
            progress_at: now,
            alarm: None,
            referrals: 0,
            asks: Vec::new(),
            cancels: Vec::new(),
        }
    }

    /// It would like to be asked for these first.
    pub(super) fn suggest(&mut self, chunks: Vec<u32>) {
        self.suggested.extend(chunks);
        while self.suggested.len() > SUGGESTIONS_MAX {
            self.suggested.pop_front();
        }
    }

    /// Whether it may be asked now.
    pub(super) fn is_ready(&self) -> bool {
        self.is_free && self.passed_until.is_none() && !self.has_nothing
    }

    /// Whether it owes something that we count on.
    pub(super) fn owes(&self) -> bool {
        self.requests.values().any(|pending| !pending.is_cancelled)
    }

    /// How many bytes it owes, whoever counts on them.
    pub(super) fn owed_bytes(&self) -> u64 {
        self.requests.values().map(Pending::bytes_left).sum()
    }

    /// Whether it owes something of this chunk that we count on.
    pub(super) fn owes_chunk(&self, chunk: u32) -> bool {
        self.requests
            .values()
            .any(|pending| pending.chunk == Some(chunk) && !pending.is_cancelled)
    }

    /// How long to leave it alone after this many stalls.
    pub(super) fn pause(&self) -> Duration {
        STALL_PAUSE_MIN * 2u32.saturating_pow(self.stalls.saturating_sub(1).min(10))
    }
}

/// A device that gives, by however many streams: its bandwidth is one.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) pace: Pace,
    pub(super) sources: BTreeSet<SourceId>,
    /// Bytes asked for that have not come.
    pub(super) outstanding: u64,
}
