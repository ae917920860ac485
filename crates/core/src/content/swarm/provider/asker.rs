//! One asker: what it waits for, and what it was given.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::output::SnapshotId;
use crate::content::providers::Heard;
use crate::content::swarm::config::{REFERRALS_MAX, REFERRED_AGAIN_AFTER};
use crate::content::swarm::wire::Ask;
use crate::ids::DeviceKey;
use crate::time::Time;

/// A place among those who are served.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Since when it has it.
    pub(super) since: Time,
    /// When it asked or was served last.
    pub(super) used: Time,
}

/// An asker.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    pub(super) snapshot: SnapshotId,
    pub(super) device: DeviceKey,
    /// Whether it wants something that is here.
    pub(super) is_interested: bool,
    pub(super) place: Option<Place>,
    /// What it asked for.
    pub(super) queue: VecDeque<Ask>,
    /// What was suggested to it and not asked for.
    pub(super) suggested: BTreeSet<u32>,
    /// What is being sent to it.
    pub(super) serving: BTreeSet<u64>,
    /// How many spans of chunks that are not whole it was told of, if it was told that no more would come.
    pub(super) edges_told: Option<usize>,
    /// Devices of other providers that it was told of, each with when it had been heard of then, and how many providers those were.
    named: (BTreeMap<DeviceKey, Time>, usize),
    /// Bytes that it was given since it came.
    pub(super) given: u64,
    /// The same, as far as it competes with others for the next turn.
    pub(super) turn: u64,
}

impl Asker {
    /// One that has said nothing yet.
    pub(super) fn new(snapshot: SnapshotId, device: DeviceKey) -> Self {
        Self {
            snapshot,
            device,
            is_interested: false,
            place: None,
            queue: VecDeque::new(),
            suggested: BTreeSet::new(),
            serving: BTreeSet::new(),
            edges_told: None,
            named: (BTreeMap::new(), 0),
            given: 0,
            turn: 0,
        }
    }

    /// Whether it would like a place.
    pub(super) fn waits(&self) -> bool {
        self.is_interested && self.place.is_none()
    }

    /// Whether it has a place and does not use it.
    pub(super) fn is_idle(&self) -> bool {
        self.place.is_some() && self.queue.is_empty() && self.serving.is_empty()
    }

    /// Whether it is to be told of a provider: of a device that it was not told of, or that was heard of again much later, and not of
    /// itself. It counts as told then.
    pub(super) fn is_news(&mut self, heard: &Heard) -> bool {
        let (devices, count) = &mut self.named;
        if *count >= REFERRALS_MAX || heard.referral.has(self.device) {
            return false;
        }
        let is_news = heard.referral.routes().any(|(_, route)| {
            let before = devices.get(&route.device);
            before.is_none_or(|before| heard.at >= *before + REFERRED_AGAIN_AFTER)
        });
        if is_news {
            let routes = heard.referral.routes();
            devices.extend(routes.map(|(_, route)| (route.device, heard.at)));
            *count += 1;
        }
        is_news
    }

    /// Whether it uses this number already.
    pub(super) fn uses(&self, id: u64) -> bool {
        self.serving.contains(&id) || self.queue.iter().any(|ask| ask.id == id)
    }
}
