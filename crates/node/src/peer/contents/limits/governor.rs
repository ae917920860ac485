//! The plan, and the buckets that see to it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kith_core::content::bucket::Bucket;
use kith_core::content::limits::{Limits, Nearness, Plan, WeekMinute};
use kith_core::ids::{DeviceKey, PeerId};
use kith_core::time::Time;
use tokio::sync::watch;

use super::served::Served;

/// The most devices whose rates are remembered. Beyond it those who owe nothing are forgotten: a full bucket is as good as a new one.
const DEVICES_MAX: usize = 1024;

/// How much passes at once where a rate holds: one verified group, so that those who share a rate take turns often.
const PART_BYTES: usize = 16 << 10;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To a peer.
    Up,
    /// From one.
    Down,
}

/// With whom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whom {
    /// The device, which has rates of its own where each has,
    pub(super) device: DeviceKey,
    /// and whose it is; `None` for a stranger's.
    pub(super) peer: Option<PeerId>,
}

/// Holds content back as the plan says.
#[derive(Debug)]
pub(in crate::peer) struct Governor {
    state: Mutex<State>,
    limits: watch::Sender<Limits>,
    /// What is being served.
    pub(in crate::peer::contents) served: Served,
    begun: Instant,
}

#[derive(Debug)]
struct State {
    plan: Plan,
    limits: Limits,
    all: Buckets,
    devices: BTreeMap<DeviceKey, Buckets>,
}

/// One for each way.
#[derive(Debug)]
struct Buckets {
    up: Bucket,
    down: Bucket,
}

impl Governor {
    /// Sees to `plan`, as it is `at` this time of the week.
    pub(in crate::peer) fn new(plan: Plan, at: WeekMinute) -> Self {
        let limits = plan.limits_at(at);
        let state = State {
            all: Buckets::new(limits.upload, limits.download, Time(0)),
            plan,
            limits,
            devices: BTreeMap::new(),
        };
        Self {
            state: Mutex::new(state),
            limits: watch::Sender::new(limits),
            served: Served::default(),
            begun: Instant::now(),
        }
    }

    /// What a person wants.
    pub(super) fn plan(&self) -> Plan {
        self.lock().plan.clone()
    }

    /// Follows what holds.
    pub(super) fn subscribe(&self) -> watch::Receiver<Limits> {
        self.limits.subscribe()
    }

    /// Sees to another plan.
    pub(super) fn set_plan(&self, plan: Plan, at: WeekMinute) {
        self.lock().plan = plan;
        self.turn(at);
    }

    /// It is another time of the week.
    pub(super) fn turn(&self, at: WeekMinute) {
        let now = self.now();
        let mut state = self.lock();
        let State {
            plan, limits, all, ..
        } = &mut *state;
        *limits = plan.limits_at(at);
        all.up.set_rate(limits.upload, now);
        all.down.set_rate(limits.download, now);
        let limits = *limits;
        drop(state);
        let change = |before: &mut Limits| std::mem::replace(before, limits) != limits;
        self.limits.send_if_modified(change);
    }

    /// How many bytes may pass at once now; or when to ask again.
    pub(super) fn room(&self, way: Way, whom: &Whom, nearness: Nearness) -> Result<usize, Instant> {
        let now = self.now();
        let mut state = self.lock();
        for bucket in state.buckets(way, whom, nearness, now) {
            if !bucket.is_open(now) {
                let opens = bucket.opens_at().unwrap_or(now);
                return Err(self.begun + Duration::from_millis(opens.0));
            }
        }
        let is_limited = state.is_limited(way, whom, nearness);
        Ok(if is_limited { PART_BYTES } else { usize::MAX })
    }

    /// So many bytes passed.
    pub(super) fn take(&self, way: Way, whom: &Whom, nearness: Nearness, bytes: usize) {
        let now = self.now();
        let mut state = self.lock();
        for bucket in state.buckets(way, whom, nearness, now) {
            bucket.take(bytes as u64);
        }
    }

    /// The buckets' clock, which goes evenly.
    fn now(&self) -> Time {
        let elapsed = self.begun.elapsed().as_millis();
        Time(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether any rate holds for what goes this way.
    fn is_limited(&self, way: Way, whom: &Whom, nearness: Nearness) -> bool {
        let theirs = self.plan.for_peer(&self.limits, whom.peer, nearness);
        let (all, own) = match way {
            Way::Up => (self.limits.upload, theirs.upload),
            Way::Down => (self.limits.download, theirs.download),
        };
        own.or(all.filter(|_| theirs.counts)).is_some()
    }

    /// Those that see to what goes this way, with somebody this far off.
    fn buckets(
        &mut self,
        way: Way,
        whom: &Whom,
        nearness: Nearness,
        now: Time,
    ) -> impl Iterator<Item = &mut Bucket> {
        let theirs = self.plan.for_peer(&self.limits, whom.peer, nearness);
        let all = theirs.counts.then_some(&mut self.all);
        let has_rate = theirs.upload.is_some() || theirs.download.is_some();
        let own = has_rate.then(|| {
            if self.devices.len() >= DEVICES_MAX {
                self.devices.retain(|_, device| device.owes(now));
            }
            let (upload, download) = (theirs.upload, theirs.download);
            let device = self.devices.entry(whom.device);
            let device = device.or_insert_with(|| Buckets::new(upload, download, now));
            device.up.set_rate(upload, now);
            device.down.set_rate(download, now);
            device
        });
        all.into_iter().chain(own).map(move |it| it.way(way))
    }
}

impl Buckets {
    fn new(upload: Option<u64>, download: Option<u64>, now: Time) -> Self {
        Self {
            up: Bucket::new(upload, now),
            down: Bucket::new(download, now),
        }
    }

    fn way(&mut self, way: Way) -> &mut Bucket {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    fn owes(&mut self, now: Time) -> bool {
        !self.up.is_open(now) || !self.down.is_open(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::content::limits::{Cap, Caps, PeerCaps, Period, RATE_MIN};

    const NOON: WeekMinute = WeekMinute {
        day: 0,
        minute: 720,
    };

    fn whom(number: u8) -> Whom {
        Whom {
            device: DeviceKey([number; 32]),
            peer: Some(PeerId([number; 32])),
        }
    }

    #[test]
    fn uploads_to_distant_peers_share_a_rate_and_nothing_else_has_one() {
        let governor = Governor::new(Plan::default(), NOON);
        let room = |way, number, nearness| governor.room(way, &whom(number), nearness);
        assert_eq!(room(Way::Up, 1, Nearness::Distant), Ok(PART_BYTES));
        governor.take(Way::Up, &whom(1), Nearness::Distant, 64 << 20);
        let opens = room(Way::Up, 2, Nearness::Distant).expect_err("used up");
        assert!(opens > Instant::now() + Duration::from_secs(10));
        assert_eq!(room(Way::Up, 1, Nearness::Local), Ok(usize::MAX));
        assert_eq!(room(Way::Down, 1, Nearness::Distant), Ok(usize::MAX));

        governor.set_plan(Plan::unlimited(), NOON);
        assert_eq!(room(Way::Up, 1, Nearness::Distant), Ok(usize::MAX));
    }

    #[test]
    fn a_peers_own_rate_holds_for_them_alone() {
        let mut plan = Plan::unlimited();
        let own = PeerCaps {
            upload: None,
            download: Some(Cap::Rate(RATE_MIN)),
        };
        plan.peers.insert(PeerId([1; 32]), own);
        let governor = Governor::new(plan, NOON);
        governor.take(Way::Down, &whom(1), Nearness::Local, 1 << 20);
        let room = |number| governor.room(Way::Down, &whom(number), Nearness::Local);
        room(1).expect_err("used up");
        assert_eq!(room(2), Ok(usize::MAX));
    }

    #[test]
    fn those_who_owe_nothing_are_forgotten_when_there_are_too_many() {
        let mut plan = Plan::unlimited();
        plan.usual.upload_each = Some(Cap::Rate(RATE_MIN));
        let governor = Governor::new(plan, NOON);
        for number in 0..=DEVICES_MAX {
            let mut whom = whom(0);
            whom.device.0[..8].copy_from_slice(&(number as u64).to_be_bytes());
            let bytes = if number == 0 { 64 << 20 } else { 1 };
            governor.take(Way::Up, &whom, Nearness::Distant, bytes);
        }
        let devices = governor.lock().devices.len();
        assert_eq!(devices, 2, "who owes, and the last");
    }

    #[test]
    fn other_rates_hold_when_their_hour_comes_and_no_longer() {
        let mut plan = Plan::default();
        let caps = Caps {
            upload: Some(Cap::Unlimited),
            ..Caps::default()
        };
        // Over midnight.
        plan.schedule = vec![Period {
            days: [true; 7],
            from: 22 * 60,
            until: 6 * 60,
            caps,
        }];
        let governor = Governor::new(plan, NOON);
        for (hour, is_held) in [(12, true), (23, false), (5, false), (6, true)] {
            let minute = hour * 60;
            governor.turn(WeekMinute { day: 0, minute });
            let open = governor.room(Way::Up, &whom(1), Nearness::Distant);
            assert_eq!(open != Ok(usize::MAX), is_held, "at {hour}: {open:?}");
        }
    }

    #[test]
    fn whoever_follows_hears_of_other_rates_and_of_nothing_else() {
        let governor = Governor::new(Plan::default(), NOON);
        let mut limits = governor.subscribe();
        governor.turn(NOON);
        assert!(!limits.has_changed().expect("it lives"));
        governor.set_plan(Plan::unlimited(), NOON);
        assert!(limits.has_changed().expect("it lives"));
        assert_eq!(*limits.borrow_and_update(), Limits::default());
    }
}
