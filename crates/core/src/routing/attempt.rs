//! One attempt to reach a target: routes looked for, devices dialled and connections introduced, all side by side.
//!
//! The routes of contact faces go first, and each dial has a head start before the next begins beside it ("Happy Eyeballs",
//! RFC 8305): a good route is not disturbed, and a dead one costs [`DIAL_STAGGER`].

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::config::{
    CANDIDATES_MAX, DIAL_BLIND_WITHIN, DIAL_STAGGER, DIAL_WITHIN, REFUSED_WITHIN, ROUTES_WITHIN,
};
use super::input::{Candidate, ConnId, DialId};
use super::output::UnreachableReason;
use crate::address::Route;
use crate::ids::DeviceKey;
use crate::time::Time;

/// What is known and under way.
#[derive(Clone, Debug)]
pub(super) struct Attempt {
    /// Until when to wait for (more) routes; `None` when there are no more to come.
    routes_until: Option<Time>,
    /// Until when to wait for anything: set by the first device of theirs that takes us for a stranger.
    refused_until: Option<Time>,
    /// Who took us for a stranger.
    refused_by: Vec<DeviceKey>,
    /// Each device that may be dialled.
    tries: Vec<Try>,
    /// Connections whose introductions are under way, and the device there.
    hellos: BTreeMap<ConnId, DeviceKey>,
    /// Those of them on which something else was shown than what is to be shown now.
    outdated: BTreeSet<ConnId>,
    /// How long each dial may take.
    dial_within: Duration,
    /// When the next dial may begin beside those under way.
    next_dial_at: Time,
    /// Whether a dial waits for others of this node to end.
    pub(super) waits_turn: bool,
    /// Whether routes were looked for once more on behalf of somebody who came later.
    asked: bool,
    /// The most telling failure so far.
    reason: UnreachableReason,
}

/// One device.
#[derive(Clone, Debug)]
struct Try {
    candidate: Candidate,
    /// Whether there is something in the route that has not been dialled.
    fresh: bool,
    /// The dial under way, and when it is given up.
    dial: Option<(DialId, Time)>,
}

impl Attempt {
    /// Nothing is known; routes are being looked for. A `blind` one rests on no news: its dials are short.
    pub(super) fn new(now: Time, blind: bool) -> Self {
        Self {
            routes_until: Some(now + ROUTES_WITHIN),
            refused_until: None,
            refused_by: Vec::new(),
            tries: Vec::new(),
            hellos: BTreeMap::new(),
            outdated: BTreeSet::new(),
            dial_within: if blind {
                DIAL_BLIND_WITHIN
            } else {
                DIAL_WITHIN
            },
            next_dial_at: now,
            waits_turn: false,
            asked: false,
            reason: UnreachableReason::NoRoute,
        }
    }

    /// Takes in a candidate; one beyond [`CANDIDATES_MAX`] devices is left out. Gives the dial under way that it says
    /// more about, with all that is known.
    pub(super) fn add(&mut self, candidate: Candidate) -> Option<(DialId, Route)> {
        let device = candidate.route.device;
        if candidate.route.is_empty() {
            return None;
        }
        let has_room = self.tries.len() < CANDIDATES_MAX;
        match self.tries.iter_mut().find(|tried| tried.is_of(device)) {
            Some(tried) => {
                // A dial under way is dialled again should it fail: the news may have come too late for it.
                let learned = tried.learn(candidate);
                let (dial, _) = tried.dial.filter(|_| learned)?;
                Some((dial, tried.candidate.route.clone()))
            }
            None => {
                if has_room {
                    self.tries.push(Try {
                        candidate,
                        fresh: true,
                        dial: None,
                    });
                }
                None
            }
        }
    }

    /// Whether any device is known that may be dialled.
    pub(super) fn knows_any(&self) -> bool {
        !self.tries.is_empty()
    }

    /// Whether `candidate` says something that was not known.
    pub(super) fn lacks(&self, candidate: &Candidate) -> bool {
        let route = &candidate.route;
        match self.tries.iter().find(|tried| tried.is_of(route.device)) {
            Some(tried) => tried.candidate.route.lacks(route),
            None => !route.is_empty() && self.tries.len() < CANDIDATES_MAX,
        }
    }

    /// Somebody asks for the same target. Whether routes are to be looked for once more: the first time.
    pub(super) fn ask(&mut self, now: Time) -> bool {
        let is_first = !std::mem::replace(&mut self.asked, true);
        if is_first {
            self.routes_until = Some(now + ROUTES_WITHIN);
            self.take_time(now);
        }
        is_first
    }

    /// Something else is shown from now on. What came of the earlier tells nothing any more, and whoever was shown that is dialled again.
    pub(super) fn show_anew(&mut self, now: Time) {
        self.outdated.extend(self.hellos.keys());
        let not_under_way = self.tries.iter_mut().filter(|tried| tried.dial.is_none());
        not_under_way.for_each(|tried| tried.fresh = true);
        self.reason = UnreachableReason::NoRoute;
        self.refused_until = None;
        self.refused_by.clear();
        self.next_dial_at = now;
    }

    /// There is a reason to try: dials may take their time, those under way too.
    pub(super) fn take_time(&mut self, now: Time) {
        if self.dial_within < DIAL_WITHIN {
            self.dial_within = DIAL_WITHIN;
            let under_way = self.tries.iter_mut().filter_map(|it| it.dial.as_mut());
            under_way.for_each(|(_, until)| *until = now + DIAL_WITHIN);
        }
    }

    /// There are no more routes to come.
    pub(super) fn end_of_routes(&mut self) {
        self.routes_until = None;
    }

    /// The device to dial now, if any.
    pub(super) fn next_dial(&self, now: Time) -> Option<&Candidate> {
        self.undialled()
            .filter(|_| now >= self.next_dial_at)
            .map(|tried| &tried.candidate)
    }

    /// A dial to `device` begins.
    pub(super) fn dialled(&mut self, now: Time, device: DeviceKey, dial: DialId) {
        if let Some(tried) = self.tries.iter_mut().find(|tried| tried.is_of(device)) {
            tried.fresh = false;
            tried.dial = Some((dial, now + self.dial_within));
        }
        self.next_dial_at = now + DIAL_STAGGER;
        self.waits_turn = false;
    }

    /// A dial led to a connection.
    pub(super) fn connected(&mut self, dial: DialId, conn: ConnId) {
        if let Some(tried) = self.under_way(dial) {
            tried.dial = None;
            let device = tried.candidate.route.device;
            self.hellos.insert(conn, device);
        }
    }

    /// A dial led to nothing: the next may begin at once.
    pub(super) fn dial_failed(&mut self, now: Time, dial: DialId) {
        if let Some(tried) = self.under_way(dial) {
            tried.dial = None;
            self.failed(now, UnreachableReason::NoAnswer);
        }
    }

    /// The introductions on `conn` led to nothing.
    pub(super) fn hello_failed(&mut self, now: Time, conn: ConnId, reason: UnreachableReason) {
        if let Some(device) = self.hellos.remove(&conn) {
            let reason = match self.outdated.remove(&conn) {
                true => UnreachableReason::Dropped,
                false => reason,
            };
            if reason == UnreachableReason::NotAContact {
                self.refused_until.get_or_insert(now + REFUSED_WITHIN);
                if !self.refused_by.contains(&device) {
                    self.refused_by.push(device);
                }
            }
            self.failed(now, reason);
        }
    }

    /// The dials under way.
    pub(super) fn dials(&self) -> impl Iterator<Item = DialId> {
        self.tries
            .iter()
            .filter_map(|tried| tried.dial.map(|(dial, _)| dial))
    }

    /// The dials that have taken too long.
    pub(super) fn late_dials(&self, now: Time) -> Vec<DialId> {
        let is_refused = self.is_refused(now);
        self.tries
            .iter()
            .filter_map(|tried| tried.dial)
            .filter(|(_, until)| is_refused || *until <= now)
            .map(|(dial, _)| dial)
            .collect()
    }

    /// Stops waiting for what takes too long, but for dials.
    pub(super) fn expire(&mut self, now: Time) {
        if self.routes_until.is_some_and(|until| until <= now) {
            self.routes_until = None;
        }
        if self.is_refused(now) {
            self.routes_until = None;
            self.hellos.clear();
            self.tries.iter_mut().for_each(|tried| tried.fresh = false);
        }
    }

    /// Whether others had their time to say otherwise than who refused us.
    fn is_refused(&self, now: Time) -> bool {
        self.refused_until.is_some_and(|until| until <= now)
    }

    /// Why it failed, once there is nothing left to wait for.
    pub(super) fn outcome(&self) -> Option<UnreachableReason> {
        let waiting = self.routes_until.is_some()
            || !self.hellos.is_empty()
            || self.dials().next().is_some()
            || self.undialled().is_some();
        (!waiting).then_some(self.reason)
    }

    /// The devices that took us for a stranger.
    pub(super) fn refused_by(&self) -> &[DeviceKey] {
        &self.refused_by
    }

    /// When it has to be looked at again.
    pub(super) fn deadline(&self) -> Option<Time> {
        let dials = self
            .tries
            .iter()
            .filter_map(|tried| tried.dial.map(|(_, until)| until));
        let next = self
            .undialled()
            .filter(|_| !self.waits_turn)
            .map(|_| self.next_dial_at);
        let waits = [self.routes_until, self.refused_until];
        dials.chain(next).chain(waits.into_iter().flatten()).min()
    }

    /// The best device with something new to dial: none that is being dialled or introduced.
    fn undialled(&self) -> Option<&Try> {
        self.tries
            .iter()
            .filter(|tried| tried.fresh && tried.dial.is_none())
            .filter(|tried| !self.hellos.values().any(|device| tried.is_of(*device)))
            .min_by_key(|tried| Reverse(tried.candidate.to))
    }

    fn under_way(&mut self, dial: DialId) -> Option<&mut Try> {
        self.tries
            .iter_mut()
            .find(|tried| tried.dial.is_some_and(|(under_way, _)| under_way == dial))
    }

    fn failed(&mut self, now: Time, reason: UnreachableReason) {
        self.reason = self.reason.max(reason);
        self.next_dial_at = now;
    }
}

impl Try {
    fn is_of(&self, device: DeviceKey) -> bool {
        self.candidate.route.device == device
    }

    /// Adds what is new in another candidate of the same device, newest first: the bounds cut off the oldest. False when
    /// nothing is new.
    fn learn(&mut self, mut candidate: Candidate) -> bool {
        let is_new = self.candidate.route.lacks(&candidate.route);
        if is_new {
            candidate.route.merge(&self.candidate.route);
            candidate.route = candidate.route.bounded();
            self.candidate = candidate;
            self.fresh = true;
        }
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Face;

    fn candidate(device: u8, to: Face, port: u16) -> Candidate {
        let mut route = Route::new(DeviceKey([device; 32]));
        route.addresses.push(([127, 0, 0, 1], port).into());
        Candidate {
            from: to,
            to,
            route,
        }
    }

    fn next_device(attempt: &Attempt, now: Time) -> Option<DeviceKey> {
        attempt
            .next_dial(now)
            .map(|candidate| candidate.route.device)
    }

    #[test]
    fn contact_faces_are_dialled_first_and_others_after_a_head_start() {
        let mut attempt = Attempt::new(Time(0), false);
        attempt.add(candidate(1, Face::Public, 1));
        attempt.add(candidate(2, Face::Contact, 1));
        assert_eq!(next_device(&attempt, Time(0)), Some(DeviceKey([2; 32])));
        attempt.dialled(Time(0), DeviceKey([2; 32]), DialId(1));
        assert_eq!(next_device(&attempt, Time(499)), None);
        assert_eq!(attempt.deadline(), Some(Time(500)));
        assert_eq!(next_device(&attempt, Time(500)), Some(DeviceKey([1; 32])));
    }

    #[test]
    fn a_failed_dial_makes_way_for_the_next_at_once() {
        let mut attempt = Attempt::new(Time(0), false);
        attempt.add(candidate(1, Face::Contact, 1));
        attempt.add(candidate(2, Face::Contact, 1));
        attempt.dialled(Time(0), DeviceKey([1; 32]), DialId(1));
        attempt.dial_failed(Time(20), DialId(1));
        assert_eq!(next_device(&attempt, Time(20)), Some(DeviceKey([2; 32])));
    }

    #[test]
    fn a_device_is_dialled_again_only_when_something_new_is_known_of_it() {
        let mut attempt = Attempt::new(Time(0), false);
        attempt.add(candidate(1, Face::Contact, 1));
        attempt.dialled(Time(0), DeviceKey([1; 32]), DialId(1));
        attempt.dial_failed(Time(0), DialId(1));
        assert!(!attempt.lacks(&candidate(1, Face::Contact, 1)));
        attempt.add(candidate(1, Face::Contact, 1));
        assert_eq!(next_device(&attempt, Time(0)), None);
        assert!(attempt.lacks(&candidate(1, Face::Contact, 2)));
        attempt.add(candidate(1, Face::Contact, 2));
        let next = attempt.next_dial(Time(0)).expect("something new");
        let ports: Vec<u16> = next.route.addresses.iter().map(|a| a.port()).collect();
        assert_eq!(ports, [2, 1]);
    }

    #[test]
    fn a_blind_dial_is_short_until_there_is_a_reason() {
        let mut attempt = Attempt::new(Time(0), true);
        attempt.add(candidate(1, Face::Contact, 1));
        attempt.end_of_routes();
        attempt.dialled(Time(0), DeviceKey([1; 32]), DialId(1));
        assert_eq!(attempt.deadline(), Some(Time(3_000)));
        attempt.take_time(Time(1_000));
        assert_eq!(attempt.deadline(), Some(Time(16_000)));
        attempt.take_time(Time(2_000));
        assert_eq!(attempt.deadline(), Some(Time(16_000)), "once");
    }

    #[test]
    fn it_is_over_when_nothing_is_left_to_wait_for_and_tells_the_best_reason() {
        let mut attempt = Attempt::new(Time(0), false);
        attempt.add(candidate(1, Face::Contact, 1));
        attempt.add(candidate(2, Face::Contact, 1));
        attempt.end_of_routes();
        attempt.dialled(Time(0), DeviceKey([1; 32]), DialId(1));
        attempt.connected(DialId(1), ConnId(1));
        attempt.hello_failed(Time(0), ConnId(1), UnreachableReason::NotThem);
        assert_eq!(attempt.outcome(), None);
        attempt.dialled(Time(0), DeviceKey([2; 32]), DialId(2));
        assert_eq!(attempt.outcome(), None);
        attempt.dial_failed(Time(0), DialId(2));
        assert_eq!(attempt.outcome(), Some(UnreachableReason::NotThem));
    }

    #[test]
    fn whoever_was_shown_something_else_is_dialled_again_and_their_answer_tells_nothing() {
        let mut attempt = Attempt::new(Time(0), false);
        attempt.add(candidate(1, Face::Contact, 1));
        attempt.end_of_routes();
        attempt.dialled(Time(0), DeviceKey([1; 32]), DialId(1));
        attempt.connected(DialId(1), ConnId(1));
        attempt.show_anew(Time(10));
        assert_eq!(next_device(&attempt, Time(10)), None, "they may welcome us");
        attempt.hello_failed(Time(20), ConnId(1), UnreachableReason::NotAContact);
        assert_eq!(next_device(&attempt, Time(20)), Some(DeviceKey([1; 32])));
        attempt.dialled(Time(20), DeviceKey([1; 32]), DialId(2));
        attempt.connected(DialId(2), ConnId(2));
        attempt.hello_failed(Time(30), ConnId(2), UnreachableReason::NotThem);
        assert_eq!(attempt.outcome(), Some(UnreachableReason::NotThem));
    }

    #[test]
    fn who_is_refused_by_one_device_waits_for_nothing_that_does_not_answer_at_once() {
        let mut attempt = Attempt::new(Time(0), false);
        attempt.add(candidate(1, Face::Contact, 1));
        attempt.add(candidate(2, Face::Public, 1));
        attempt.dialled(Time(0), DeviceKey([1; 32]), DialId(1));
        attempt.connected(DialId(1), ConnId(1));
        attempt.hello_failed(Time(20), ConnId(1), UnreachableReason::NotAContact);
        assert_eq!(next_device(&attempt, Time(20)), Some(DeviceKey([2; 32])));
        attempt.dialled(Time(20), DeviceKey([2; 32]), DialId(2));
        attempt.expire(Time(519));
        assert_eq!(
            (attempt.late_dials(Time(519)), attempt.outcome()),
            (vec![], None)
        );
        assert_eq!(attempt.deadline(), Some(Time(520)));
        attempt.expire(Time(520));
        assert_eq!(attempt.late_dials(Time(520)), [DialId(2)]);
        attempt.dial_failed(Time(520), DialId(2));
        assert_eq!(attempt.outcome(), Some(UnreachableReason::NotAContact));
    }

    #[test]
    fn more_devices_than_the_bound_are_left_out() {
        let mut attempt = Attempt::new(Time(0), false);
        for device in 0..=u8::try_from(CANDIDATES_MAX).expect("small") {
            attempt.add(candidate(device, Face::Contact, 1));
        }
        assert_eq!(attempt.tries.len(), CANDIDATES_MAX);
        let one_more = candidate(200, Face::Contact, 1);
        assert!(!attempt.lacks(&one_more));
    }
}
