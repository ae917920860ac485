//! One member of a swarm: its two machines, its line, its disk.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use kith_core::content::swarm::getter::TransferId;
use kith_core::content::swarm::provider::SnapshotId;
use kith_core::content::swarm::ranges::Ranges;
use kith_core::content::swarm::{Getter, Part, Provider, Span};
use kith_core::data::Walker;
use kith_core::ids::BlobHash;
use kith_core::random::Random;
use kith_core::time::Time;

use super::plan::{Member, Plan};
use super::tree::Tree;

/// The one transfer of a node.
pub const TRANSFER: TransferId = TransferId(1);

/// The one snapshot of a swarm.
pub const SNAPSHOT: SnapshotId = SnapshotId(1);

/// What is verified is durable once so much more has come: the most that a crash loses.
pub const SYNC_BYTES: u64 = 16 << 20;

/// A request being sent.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// Over which stream.
    pub stream: usize,
    /// Which request.
    pub request: u64,
    /// What is still to be sent of it.
    pub left: Span,
}

/// What is counted of a node.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Bytes that were verified and new.
    pub fresh: u64,
    /// Bytes that were verified and here already.
    pub twice: u64,
    /// Bytes that were lies.
    pub lies: u64,
    /// Bytes of it that a crash lost.
    pub lost: u64,
    /// How often a player had to wait.
    pub pauses: u64,
    /// Nodes of the tree that it asked for.
    pub asked: u64,
    /// Sources it ended for lying.
    pub liars: u64,
    /// How often it lost power, and forgot who lied.
    pub crashes: u64,
}

/// A member.
#[derive(Debug)]
pub struct Node {
    /// What it was planned as.
    pub member: Member,
    /// It wants.
    pub getter: Getter,
    /// It gives.
    pub provider: Provider,
    /// It reads the tree, where there is one.
    pub walker: Option<Walker>,
    /// The nodes of the tree that came; no crash loses them.
    pub kept: BTreeSet<BlobHash>,
    /// Whether it is there.
    pub is_up: bool,
    /// When it was done, in microseconds.
    pub done_at: Option<u64>,
    /// Its streams to others, by who they are.
    pub sources: BTreeMap<usize, usize>,
    /// Streams of others to it, by who they are.
    pub askers: BTreeMap<usize, usize>,
    /// Others that it knows of and has no stream with: the owner those who give and want nothing, and all those with whom they had one.
    pub acquaintances: BTreeSet<usize>,
    /// What it is sending, in turns.
    pub uplink: VecDeque<Job>,
    /// Whether an end of sending is on its way.
    pub is_sending: bool,
    /// When its line has received all that is on its way.
    pub downlink_free: u64,
    /// When its disk has written all that it was given.
    pub disk_free: u64,
    /// When it is to be woken.
    pub wake_at: Option<u64>,
    /// What is here.
    pub held: Ranges,
    /// What of it a crash would lose.
    pub unsynced: Ranges,
    /// How much that is.
    pub unsynced_bytes: u64,
    /// Up to where its player has played.
    pub played: u64,
    /// What is counted.
    pub tally: Tally,
}

impl Node {
    /// A member that has not come yet.
    pub fn new(plan: &Plan, member: Member, random: &mut Random) -> Self {
        let claims_all = member.claims_all();
        let mut node = Self {
            member,
            getter: Getter::new(plan.getter.clone(), random.bytes(), Time(0)),
            provider: Provider::new(plan.provider.clone(), random.bytes(), Time(0)),
            walker: None,
            kept: BTreeSet::new(),
            is_up: false,
            done_at: None,
            sources: BTreeMap::new(),
            askers: BTreeMap::new(),
            acquaintances: BTreeSet::new(),
            uplink: VecDeque::new(),
            is_sending: false,
            downlink_free: 0,
            disk_free: 0,
            wake_at: None,
            held: Ranges::default(),
            unsynced: Ranges::default(),
            unsynced_bytes: 0,
            played: 0,
            tally: Tally::default(),
        };
        if claims_all {
            node.held.insert(whole(plan.size));
        }
        if let Some(part) = node.member.part {
            node.held.insert(part);
        }
        node
    }

    /// Starts its machines, with what its disk holds.
    pub fn start(&mut self, plan: &Plan, now: Time, random: &mut Random) {
        let Part { chunks, edges } = Part::of(plan.size, &self.held);
        self.is_up = true;
        self.provider = Provider::new(plan.provider.clone(), random.bytes(), now);
        self.provider
            .handle_snapshot(now, SNAPSHOT, plan.size, chunks);
        self.getter = Getter::new(plan.getter.clone(), random.bytes(), now);
        if self.member.part.is_some() {
            self.provider.handle_final(now, SNAPSHOT, &edges);
        } else if !self.held.covers(whole(plan.size)) {
            self.getter.handle_transfer(now, TRANSFER, plan.size);
            for span in self.held.iter().collect::<Vec<_>>() {
                self.getter.handle_held(now, TRANSFER, span);
            }
            self.walker = plan.tree.as_ref().map(Tree::walker);
            if self.walker.is_none() {
                let (all, normal) = (whole(plan.size), Default::default());
                self.getter.handle_wanted(now, TRANSFER, all, normal);
            }
        }
    }

    /// Whether nothing is left to be wanted: what the last node of a tree tells of may be wanted only since the getter said that it was done.
    pub fn wants_no_more(&self, size: u64) -> bool {
        let is_over = |walker: &Walker| walker.is_done() && self.held.covers(whole(size));
        self.walker.as_ref().is_none_or(is_over)
    }

    /// Whether it wants something.
    pub fn wants(&self) -> bool {
        self.member.must_finish() && self.done_at.is_none()
    }

    /// Bytes were verified that were not here.
    pub fn keep(&mut self, span: Span) {
        self.tally.fresh += span.bytes();
        self.held.insert(span);
        self.unsynced.insert(span);
        self.unsynced_bytes += span.bytes();
        if self.unsynced_bytes >= SYNC_BYTES {
            self.sync();
        }
    }

    /// What is here is durable.
    pub fn sync(&mut self) {
        self.unsynced = Ranges::default();
        self.unsynced_bytes = 0;
    }

    /// The power fails: what was not synced is lost.
    pub fn lose_power(&mut self) {
        for span in std::mem::take(&mut self.unsynced).iter() {
            self.held.remove(span);
            self.tally.lost += span.bytes();
        }
        self.unsynced_bytes = 0;
        self.tally.crashes += 1;
        self.is_up = false;
        self.uplink.clear();
        self.sources.clear();
        self.askers.clear();
        self.wake_at = None;
    }

    /// When one of its machines is to be woken.
    pub fn poll_timeout(&self) -> Option<Time> {
        let timeouts = [self.getter.poll_timeout(), self.provider.poll_timeout()];
        timeouts.into_iter().flatten().min()
    }
}

/// All of a snapshot.
pub fn whole(size: u64) -> Span {
    Span {
        start: 0,
        end: size,
    }
}
