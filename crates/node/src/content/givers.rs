//! Who gives which parts of a transfer, for people who look at it: as the getter says while it runs, and what earlier runs came to.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kith_core::content::swarm::getter::{self, GIVERS_MAX, PARTS, PathKind};
use kith_core::ids::{DeviceKey, PeerId};

/// What carries what somebody gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// An express lane: TLS on TCP.
    Lane,
    /// The session, within the local network.
    Lan,
    /// The session, directly over the internet.
    Direct,
    /// The session, over a relay.
    Relay,
}

/// Somebody who gives, or gave, something of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Giver {
    /// Who; `None` for one that proved nothing.
    pub peer: Option<PeerId>,
    /// Their device.
    pub device: DeviceKey,
    /// By what it comes now; `None` for one that is done without, or over.
    pub carrier: Option<Carrier>,
    /// Bytes of files that came from them since the node began with the transfer.
    pub bytes: u64,
    /// Bytes a second, lately.
    pub rate: u64,
    /// How much of each part of the whole snapshot came from them, in per cent; 1 at least where anything did.
    pub gave: [u8; PARTS],
    /// How much of each part they are asked for now, alike.
    pub asked: [u8; PARTS],
}

/// Those who give something of one transfer. Clones share it; a transfer tells it while it runs.
#[derive(Clone, Debug, Default)]
pub struct Givers(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Bytes of the snapshot.
    size: u64,
    /// What earlier runs came to.
    before: Vec<Giver>,
    running: Option<Running>,
}

/// Says who gives to the run of now.
#[derive(Clone)]
struct Running(Arc<dyn Fn() -> Vec<Giver> + Send + Sync>);

impl fmt::Debug for Running {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Running")
    }
}

impl Carrier {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lane => "lane",
            Self::Lan => "lan",
            Self::Direct => "direct",
            Self::Relay => "relay",
        }
    }
}

impl Giver {
    /// As the getter says; `is_lane` tells of the stream what it does not know.
    pub(super) fn told(told: getter::Giver, is_lane: bool) -> Self {
        let carrier = told.stream.map(|(_, kind)| match kind {
            _ if is_lane => Carrier::Lane,
            PathKind::Lan => Carrier::Lan,
            PathKind::Direct => Carrier::Direct,
            PathKind::Relay => Carrier::Relay,
        });
        Self {
            peer: told.who.peer,
            device: told.who.device,
            carrier,
            bytes: told.bytes,
            rate: told.rate,
            gave: told.gave,
            asked: told.asked,
        }
    }

    /// Whether both are of one.
    fn is_same(&self, other: &Self) -> bool {
        let are_named = self.peer.is_some() && other.peer.is_some();
        self.device == other.device && (!are_named || self.peer == other.peer)
    }

    /// With what came from them before, or comes by another stream.
    fn and(mut self, other: &Self) -> Self {
        self.peer = self.peer.or(other.peer);
        self.carrier = self.carrier.or(other.carrier);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.rate = self.rate.saturating_add(other.rate);
        for (parts, others) in [
            (&mut self.gave, &other.gave),
            (&mut self.asked, &other.asked),
        ] {
            for (part, more) in parts.iter_mut().zip(others) {
                *part = part.saturating_add(*more).min(100);
            }
        }
        self
    }
}

impl Givers {
    /// Who gives, or gave, something; those who gave most first. Of a finished transfer as it was at its end.
    pub fn list(&self) -> Vec<Giver> {
        let state = self.lock();
        let (before, running) = (state.before.clone(), state.running.clone());
        // The getter, which tells this when a run ends, is not asked under the lock.
        drop(state);
        let now = running.map_or_else(Vec::new, |Running(givers)| givers());
        joined(&before, now)
    }

    /// A run begins, of a snapshot of so many bytes: what came of one of another size says nothing any more. `running` says who gives to it.
    pub(super) fn begin(
        &self,
        size: u64,
        running: impl Fn() -> Vec<Giver> + Send + Sync + 'static,
    ) {
        let mut state = self.lock();
        if state.size != size {
            state.before.clear();
        }
        state.size = size;
        state.running = Some(Running(Arc::new(running)));
    }

    /// It ends, having come to this.
    pub(super) fn end(&self, last: Vec<Giver>) {
        let mut state = self.lock();
        let mut before = joined(&state.before, last);
        before.retain(|giver| giver.bytes > 0);
        before.truncate(GIVERS_MAX);
        for giver in &mut before {
            (giver.carrier, giver.rate, giver.asked) = (None, 0, [0; PARTS]);
        }
        state.before = before;
        state.running = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Both, one entry for each giver; those who gave most first. Somebody who came by a name and once more by a device alone is one.
fn joined(before: &[Giver], now: Vec<Giver>) -> Vec<Giver> {
    let mut all: Vec<Giver> = Vec::new();
    for giver in before.iter().cloned().chain(now) {
        match all.iter_mut().find(|known| known.is_same(&giver)) {
            Some(known) => *known = giver.and(known),
            None => all.push(giver),
        }
    }
    all.sort_by_key(|giver| (std::cmp::Reverse(giver.bytes), giver.device));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn giver(number: u8, bytes: u64, part: usize) -> Giver {
        let mut gave = [0; PARTS];
        gave[part] = 60;
        Giver {
            peer: None,
            device: DeviceKey([number; 32]),
            carrier: Some(Carrier::Lane),
            bytes,
            rate: 1,
            gave,
            asked: [1; PARTS],
        }
    }

    #[test]
    fn what_came_in_earlier_runs_is_told_with_what_comes_now() {
        let givers = Givers::default();
        givers.begin(100, Vec::new);
        givers.end(vec![giver(1, 10, 0), giver(2, 20, 1), giver(3, 0, 2)]);
        givers.begin(100, Vec::new);
        givers.end(vec![giver(1, 50, 0)]);
        let told = givers.list();
        let bytes: Vec<_> = told.iter().map(|it| (it.device.0[0], it.bytes)).collect();
        assert_eq!(bytes, [(1, 60), (2, 20)], "who gave nothing is not told");
        assert_eq!(told[0].gave[0], 100);
        assert!(told.iter().all(|it| it.carrier.is_none() && it.rate == 0));
        assert_eq!(told[0].asked, [0; PARTS]);
    }

    #[test]
    fn one_who_came_by_name_and_by_device_is_one() {
        let givers = Givers::default();
        let named = Giver {
            peer: Some(PeerId([7; 32])),
            ..giver(1, 20, 1)
        };
        givers.begin(100, move || {
            vec![giver(1, 10, 0), named.clone(), giver(2, 1, 2)]
        });
        let told = givers.list();
        let shown: Vec<_> = told.iter().map(|it| (it.peer, it.bytes)).collect();
        assert_eq!(shown, [(Some(PeerId([7; 32])), 30), (None, 1)]);
        assert_eq!(told[0].gave[..2], [60, 60]);
    }

    #[test]
    fn another_version_begins_anew() {
        let givers = Givers::default();
        givers.begin(100, Vec::new);
        givers.end(vec![giver(1, 10, 0)]);
        givers.begin(101, Vec::new);
        assert_eq!(givers.list(), []);
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let givers = Givers::default();
        givers.begin(100, Vec::new);
        for number in 0..=u8::MAX {
            givers.end(vec![giver(number, u64::from(number) + 1, 0)]);
        }
        assert_eq!(givers.list().len(), GIVERS_MAX);
    }
}
