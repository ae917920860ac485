//! Whether a transfer that ended before all was there is tried again, and when.
//!
//! Whoever gives it may be away, or be lost on the way: it is tried again until nothing came for too long. Or its files have changed at their
//! owner meanwhile: it begins anew with what they are then. A folder that changes faster than it is fetched is told as such; one that is edited
//! now and then while it is fetched, for weeks, comes.

use std::time::Duration;

use crate::time::Time;

/// The pause after an attempt that brought nothing, doubled with each in a row,
pub const PAUSE_MIN: Duration = Duration::from_secs(1);

/// up to this: whoever comes online is noticed at once where they are a contact, else within it.
pub const PAUSE_MAX: Duration = Duration::from_secs(15);

/// How often in a row it begins anew because of changes, with ten seconds of pauses in all for its owner to look at the files again.
pub const RENEWALS_MAX: u32 = 5;

/// The first of these pauses is none, and each is so much longer than the one before.
pub const RENEWAL_STEP: Duration = Duration::from_secs(1);

/// What was fetched for so long without a change counts as at rest: several times longer than all these pauses together.
pub const AT_REST_AFTER: Duration = Duration::from_secs(60);

/// How an attempt ended before all was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nobody was there, or whoever gave it was lost.
    Lost {
        /// Whether something had come.
        brought: bool,
    },
    /// Its files are at their owner not what they were.
    Changed,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is tried again after so long.
    Again(Duration),
    /// It is tried again when somebody comes who has it, but after so long at the latest.
    Wait(Duration),
    /// It is given up.
    Over,
}

/// The attempts of a transfer.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    wait: Duration,
    /// Until when it is tried again although nothing comes.
    deadline: Time,
    /// How long the next pause is.
    pause: Duration,
    /// How often in a row files have changed,
    changes: u32,
    /// and when last.
    changed_at: Option<Time>,
}

impl Retries {
    /// Of a transfer that begins and waits so long for whoever has it, counted from now and anew from each attempt that brings something.
    pub fn new(wait: Duration, now: Time) -> Self {
        Self {
            wait,
            deadline: now + wait,
            pause: PAUSE_MIN,
            changes: 0,
            changed_at: None,
        }
    }

    /// Until when an attempt may go on that has brought nothing yet and reached nobody; `None` for one that is not to be waited for at all, which has the
    /// time that it takes.
    pub fn deadline(&self) -> Option<Time> {
        (!self.wait.is_zero()).then_some(self.deadline)
    }

    /// An attempt ended: what follows.
    pub fn handle_ended(&mut self, now: Time, ended: Ended) -> Next {
        match ended {
            Ended::Changed => self.renew(now),
            Ended::Lost { brought: true } => {
                // They were there a moment ago, and may be again.
                self.deadline = now + self.wait;
                self.pause = PAUSE_MIN;
                Next::Again(Duration::ZERO)
            }
            Ended::Lost { brought: false } => {
                let left = self.deadline.since(now);
                if left.is_zero() {
                    return Next::Over;
                }
                let pause = self.pause.min(left);
                self.pause = (self.pause * 2).min(PAUSE_MAX);
                Next::Wait(pause)
            }
        }
    }

    fn renew(&mut self, now: Time) -> Next {
        let was_at_rest = |last| now.since(last) >= AT_REST_AFTER;
        if self.changed_at.replace(now).is_some_and(was_at_rest) {
            self.changes = 0;
        }
        let pause = RENEWAL_STEP * self.changes;
        self.changes += 1;
        match self.changes <= RENEWALS_MAX {
            true => Next::Again(pause),
            false => Next::Over,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::DAY;

    const NOW: Time = Time(0);

    #[test]
    fn an_attempt_that_brings_nothing_has_as_long_as_whoever_asks_waits() {
        assert_eq!(Retries::new(Duration::ZERO, NOW).deadline(), None);
        let wait = Duration::from_secs(5);
        let mut retries = Retries::new(wait, NOW);
        assert_eq!(retries.deadline(), Some(NOW + wait));
        let later = NOW + Duration::from_secs(3);
        retries.handle_ended(later, LOST);
        assert_eq!(retries.deadline(), Some(NOW + wait));
        retries.handle_ended(later, Ended::Lost { brought: true });
        assert_eq!(retries.deadline(), Some(later + wait));
    }

    const LOST: Ended = Ended::Lost { brought: false };

    #[test]
    fn what_changes_all_the_time_is_given_up_after_five_times_and_ten_seconds_of_pauses() {
        let (mut retries, mut now) = (Retries::new(DAY, NOW), NOW);
        let mut pauses = Vec::new();
        while let Next::Again(pause) = retries.handle_ended(now, Ended::Changed) {
            pauses.push(pause);
            // It changes again when some of it has come.
            now = now + pause + AT_REST_AFTER / 3;
        }
        assert_eq!(pauses.len(), 5);
        assert_eq!(pauses.iter().sum::<Duration>(), Duration::from_secs(10));
    }

    #[test]
    fn what_is_edited_once_a_day_is_begun_anew_at_once_however_often() {
        let mut retries = Retries::new(Duration::ZERO, NOW);
        for day in 1..=30 {
            let next = retries.handle_ended(NOW + DAY * day, Ended::Changed);
            assert_eq!(next, Next::Again(Duration::ZERO), "day {day}");
        }
    }

    #[test]
    fn who_does_not_wait_is_told_at_once_that_nobody_is_there() {
        let mut retries = Retries::new(Duration::ZERO, NOW);
        assert_eq!(retries.handle_ended(NOW, LOST), Next::Over);
    }

    #[test]
    fn pauses_grow_to_a_quarter_of_a_minute_and_what_comes_makes_them_short_again() {
        let mut retries = Retries::new(DAY, NOW);
        let mut pauses = || match retries.handle_ended(NOW, LOST) {
            Next::Wait(pause) => pause.as_secs(),
            other => panic!("{other:?}"),
        };
        assert_eq!([(); 6].map(|()| pauses()), [1, 2, 4, 8, 15, 15]);
        let brought = retries.handle_ended(NOW, Ended::Lost { brought: true });
        assert_eq!(brought, Next::Again(Duration::ZERO));
        let next = retries.handle_ended(NOW, LOST);
        assert_eq!(next, Next::Wait(PAUSE_MIN));
    }

    proptest! {
        #[test]
        fn nobody_is_waited_for_longer_than_said_since_something_came_last(
            wait_ms in 0..100_000_000u64,
            attempts in proptest::collection::vec((0..40_000u64, any::<bool>()), 0..60),
        ) {
            let wait = Duration::from_millis(wait_ms);
            let (mut retries, mut now, mut since) = (Retries::new(wait, NOW), NOW, NOW);
            for (takes_ms, brought) in attempts {
                now = now + Duration::from_millis(takes_ms);
                if brought {
                    since = now;
                }
                match retries.handle_ended(now, Ended::Lost { brought }) {
                    Next::Again(pause) => prop_assert!(brought && pause.is_zero()),
                    Next::Wait(pause) => {
                        prop_assert!(!pause.is_zero() && now + pause <= since + wait);
                        now = now + pause;
                    }
                    Next::Over => {
                        prop_assert!(now >= since + wait);
                        break;
                    }
                }
            }
        }
    }
}
