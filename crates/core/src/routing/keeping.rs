//! Which paths are kept alive, and how often.
//!
//! The engine gives a direct path up that has been silent for some seconds, so that traffic soon moves to the relay where a path
//! has died. Silence has to mean that, so a path that nobody uses needs a sign of life now and then. The engine's own keep-alives
//! go by every path of a connection alike, the relay's too, which nobody waits for, and which cost the two nodes and the
//! relay between them far more than a direct path does. So the engine asks seldom, and from here one sign goes by the path that data takes, where
//! that is direct; the engine acknowledges it, which is the other side's.
//!
//! Only the side that dialled does it: one sign is enough for both. All are sent at one beat, so that an idle node wakes once for all.

use std::collections::BTreeSet;
use std::time::Duration;

use super::input::ConnId;
use crate::time::Time;

/// How long between two signs of life. The shell gives a path up after more than twice as long, so one of them may be lost
/// altogether; and the engine repeats what is not acknowledged within some round trips, so a lost packet is hardly noticed.
pub const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(1);

/// The connections whose direct paths are kept alive, and when next.
#[derive(Clone, Debug, Default)]
pub(super) struct Keeping {
    direct: BTreeSet<ConnId>,
    due: Time,
}

impl Keeping {
    /// A connection that this side dialled runs over a direct path from now on, or over a relay.
    pub(super) fn handle_path(&mut self, now: Time, conn: ConnId, is_direct: bool) {
        if !is_direct {
            self.direct.remove(&conn);
            return;
        }
        if self.direct.is_empty() {
            self.due = now + KEEP_ALIVE_EVERY;
        }
        self.direct.insert(conn);
    }

    /// A connection is over.
    pub(super) fn handle_closed(&mut self, conn: ConnId) {
        self.direct.remove(&conn);
    }

    /// When [`Self::take_due`] has something to give.
    pub(super) fn next_due(&self) -> Option<Time> {
        (!self.direct.is_empty()).then_some(self.due)
    }

    /// The connections that are to give a sign of life now.
    pub(super) fn take_due(&mut self, now: Time) -> Vec<ConnId> {
        if self.next_due().is_none_or(|due| due > now) {
            return Vec::new();
        }
        self.due = now + KEEP_ALIVE_EVERY;
        self.direct.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time(1_000_000);

    fn seconds(seconds: u64) -> Time {
        START + KEEP_ALIVE_EVERY * u32::try_from(seconds).expect("a few")
    }

    #[test]
    fn direct_paths_give_a_sign_at_one_beat_and_relayed_ones_none() {
        let mut keeping = Keeping::default();
        assert_eq!(keeping.next_due(), None);
        keeping.handle_path(START, ConnId(1), true);
        keeping.handle_path(START + KEEP_ALIVE_EVERY / 2, ConnId(2), true);
        keeping.handle_path(START, ConnId(3), false);
        for beat in 1..4 {
            assert_eq!(keeping.next_due(), Some(seconds(beat)));
            assert_eq!(keeping.take_due(Time(seconds(beat).0 - 1)), []);
            let signs = keeping.take_due(seconds(beat));
            assert_eq!(signs, [ConnId(1), ConnId(2)]);
        }
    }

    #[test]
    fn a_path_that_is_lost_or_closed_gives_none() {
        let mut keeping = Keeping::default();
        keeping.handle_path(START, ConnId(1), true);
        keeping.handle_path(START, ConnId(2), true);
        keeping.handle_path(START, ConnId(1), false);
        assert_eq!(keeping.take_due(seconds(1)), [ConnId(2)]);
        keeping.handle_closed(ConnId(2));
        assert_eq!(keeping.next_due(), None);
        assert_eq!(keeping.take_due(seconds(9)), []);
    }

    #[test]
    fn a_late_beat_is_not_made_up_for() {
        let mut keeping = Keeping::default();
        keeping.handle_path(START, ConnId(1), true);
        assert_eq!(keeping.take_due(seconds(60)), [ConnId(1)]);
        assert_eq!(keeping.take_due(seconds(60)), []);
        assert_eq!(keeping.next_due(), Some(seconds(61)));
    }
}
