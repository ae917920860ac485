//! Which paths are kept alive, and how often.
//!
//! The engine gives a direct path up that has been silent for some seconds, so that traffic soon moves to the relay where a path
//! has died. Silence has to mean that, so a path that nobody uses needs a sign of life now and then. The engine's own keep-alives
//! go by every path of a connection alike, the relay's too, which nobody waits for, and which cost the two nodes and the
//! relay between them far more than a direct path does. So the engine asks as seldom as a relayed path bears it, and from here one sign goes by the path
//! that data takes, where that is direct; the engine acknowledges it, which is the other side's. What the engine asks by the relay does not do as well: it is
//! acknowledged by the direct path, which starts the timer of whoever acknowledges anew, so that nobody asks there, and lets them hear nothing.
//!
//! Only the side that dialled does it: one sign is enough for both. All are sent at one beat, so that an idle node wakes once for all; and a session
//! that nobody has used for a while gives one at every second beat, for nobody waits for what goes by it. Should its path be given up because one was
//! lost, it is looked for again before anybody has noticed.
//!
//! ```text
//!  beat          0    1    2    3    4    5    6   s
//!  in use        ●    ●    ●    ●    ●    ●    ●
//!  not in use    ●         ●         ●         ●
//! ```

use std::collections::BTreeMap;
use std::time::Duration;

use super::input::ConnId;
use crate::time::Time;

/// How long between two signs of life of a session in use. The shell gives a path up after more than twice as long, so one of them may be lost
/// altogether; and the engine repeats what is not acknowledged within some round trips, so a lost packet is hardly noticed.
pub const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(1);

/// The same where nobody uses it. What is left until the shell gives the path up is for the engine to repeat a lost one.
pub const KEEP_ALIVE_IDLE_EVERY: Duration = Duration::from_secs(2);

/// How long a session counts as in use after its last stream has ended, or its direct path was found: longer than somebody who looks at an album pauses.
pub const USED_FOR: Duration = Duration::from_secs(30);

/// Since when a session has had no streams; `None` while it has some.
pub(super) type IdleSince = Option<Time>;

/// The connections whose direct paths are kept alive, and when next.
#[derive(Clone, Debug, Default)]
pub(super) struct Keeping {
    direct: BTreeMap<ConnId, IdleSince>,
    /// When the last beat was.
    beat: Time,
    /// When next all are to give a sign.
    all_due: Time,
}

impl Keeping {
    /// A connection that this side dialled runs over a direct path from now on, or over a relay.
    pub(super) fn handle_path(
        &mut self,
        now: Time,
        conn: ConnId,
        is_direct: bool,
        idle: IdleSince,
    ) {
        if !is_direct {
            self.direct.remove(&conn);
            return;
        }
        if self.direct.is_empty() {
            self.beat = now;
            self.all_due = now + KEEP_ALIVE_IDLE_EVERY;
        }
        self.direct.insert(conn, idle.map(|_| now));
    }

    /// It has streams now, or none any more.
    pub(super) fn handle_use(&mut self, conn: ConnId, idle: IdleSince) {
        if let Some(known) = self.direct.get_mut(&conn) {
            *known = idle;
        }
    }

    /// A connection is over.
    pub(super) fn handle_closed(&mut self, conn: ConnId) {
        self.direct.remove(&conn);
    }

    /// When [`Self::take_due`] has something to give.
    pub(super) fn next_due(&self) -> Option<Time> {
        let next = (self.beat + KEEP_ALIVE_EVERY).min(self.all_due);
        let is_any_used = self.direct.values().any(|idle| is_used(*idle, next));
        let due = if is_any_used { next } else { self.all_due };
        (!self.direct.is_empty()).then_some(due)
    }

    /// The connections that are to give a sign of life now.
    pub(super) fn take_due(&mut self, now: Time) -> Vec<ConnId> {
        if self.next_due().is_none_or(|due| due > now) {
            return Vec::new();
        }
        self.beat = now;
        let is_for_all = self.all_due <= now;
        if is_for_all {
            self.all_due = now + KEEP_ALIVE_IDLE_EVERY;
        }
        let direct = self.direct.iter();
        let due = direct.filter(|(_, idle)| is_for_all || is_used(**idle, now));
        due.map(|(conn, _)| *conn).collect()
    }
}

fn is_used(idle: IdleSince, now: Time) -> bool {
    idle.is_none_or(|since| now < since + USED_FOR)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time(1_000_000);

    fn seconds(seconds: u64) -> Time {
        START + KEEP_ALIVE_EVERY * u32::try_from(seconds).expect("a few")
    }

    /// When there are beats until then, and whose.
    fn beats(keeping: &mut Keeping, until: Time) -> Vec<(u64, Vec<u64>)> {
        let mut beats = Vec::new();
        while let Some(due) = keeping.next_due().filter(|due| *due <= until) {
            assert_eq!(keeping.take_due(Time(due.0 - 1)), []);
            let conns = keeping.take_due(due).into_iter().map(|ConnId(it)| it);
            beats.push((due.since(START).as_secs(), conns.collect()));
        }
        beats
    }

    #[test]
    fn direct_paths_in_use_give_a_sign_at_one_beat_and_relayed_ones_none() {
        let mut keeping = Keeping::default();
        assert_eq!(keeping.next_due(), None);
        keeping.handle_path(START, ConnId(1), true, None);
        keeping.handle_path(START + KEEP_ALIVE_EVERY / 2, ConnId(2), true, None);
        keeping.handle_path(START, ConnId(3), false, None);
        let each = |second| (second, vec![1, 2]);
        assert_eq!(beats(&mut keeping, seconds(3)), [1, 2, 3].map(each));
    }

    #[test]
    fn whoever_has_not_been_used_for_a_while_gives_one_at_every_second_beat() {
        let mut keeping = Keeping::default();
        let used = USED_FOR.as_secs();
        // That it had no streams before its path was found is no reason.
        keeping.handle_path(START, ConnId(1), true, Some(Time(0)));
        assert_eq!(
            beats(&mut keeping, seconds(used - 1)).len() as u64,
            used - 1
        );
        let idle = beats(&mut keeping, seconds(used + 6));
        assert_eq!(idle, [0, 2, 4, 6].map(|after| (used + after, vec![1])));
        // Another that is in use gives its own between them.
        keeping.handle_path(seconds(used + 6), ConnId(2), true, None);
        let both = beats(&mut keeping, seconds(used + 9));
        let of = |after, conns: &[u64]| (used + after, conns.to_vec());
        assert_eq!(both, [of(7, &[2]), of(8, &[1, 2]), of(9, &[2])]);
        // It is used again, and not any more.
        keeping.handle_use(ConnId(1), None);
        assert_eq!(
            beats(&mut keeping, seconds(used + 11)),
            [of(10, &[1, 2]), of(11, &[1, 2])]
        );
        for conn in [1, 2] {
            keeping.handle_use(ConnId(conn), Some(seconds(0)));
        }
        assert_eq!(
            beats(&mut keeping, seconds(used + 14)),
            [of(12, &[1, 2]), of(14, &[1, 2])]
        );
    }

    #[test]
    fn no_two_signs_are_further_apart_than_for_a_session_not_in_use_whenever_use_begins() {
        for half_seconds in 1..8 {
            let mut keeping = Keeping::default();
            keeping.handle_path(START, ConnId(1), true, Some(START));
            let idle = seconds(USED_FOR.as_secs() + 1);
            keeping.handle_use(ConnId(1), Some(Time(0)));
            let mut last = START;
            let mut use_begins = Some(idle + KEEP_ALIVE_EVERY * half_seconds / 2);
            while last < seconds(60) {
                let mut due = keeping.next_due().expect("it is direct");
                if let Some(at) = use_begins.filter(|at| *at < due) {
                    keeping.handle_use(ConnId(1), None);
                    use_begins = None;
                    due = keeping.next_due().expect("it is direct").max(at);
                }
                assert_eq!(keeping.take_due(due), [ConnId(1)]);
                assert!(due.since(last) <= KEEP_ALIVE_IDLE_EVERY);
                last = due;
            }
            assert_eq!(use_begins, None);
        }
    }

    #[test]
    fn a_path_that_is_lost_or_closed_gives_none() {
        let mut keeping = Keeping::default();
        keeping.handle_path(START, ConnId(1), true, None);
        keeping.handle_path(START, ConnId(2), true, None);
        keeping.handle_path(START, ConnId(1), false, None);
        // Nor does it come back by being used.
        keeping.handle_use(ConnId(1), None);
        assert_eq!(keeping.take_due(seconds(1)), [ConnId(2)]);
        keeping.handle_closed(ConnId(2));
        assert_eq!(keeping.next_due(), None);
        assert_eq!(keeping.take_due(seconds(9)), []);
    }

    #[test]
    fn a_late_beat_is_not_made_up_for() {
        let mut keeping = Keeping::default();
        keeping.handle_path(START, ConnId(1), true, None);
        assert_eq!(keeping.take_due(seconds(60)), [ConnId(1)]);
        assert_eq!(keeping.take_due(seconds(60)), []);
        assert_eq!(keeping.next_due(), Some(seconds(61)));
    }
}
