//! Whether a transfer that ended before all was there is tried again, and when.
//!
//! Whoever gives it may be away, or be lost on the way: it is tried again until nothing came for too long. Or its files have changed at their
//! owner meanwhile: it begins anew with what they are then. A folder that changes faster than it is fetched is told as such; one that is edited
//! now and then while it is fetched, for weeks, comes. Until the owner has looked at what changed, and hashed it, which takes minutes of a very
//! large file, there is only the version of before: it is asked for again, and what is as it was comes meanwhile.

use std::time::Duration;

use crate::ids::BlobHash;
use crate::time::Time;

/// The pause after an attempt that brought nothing, doubled with each in a row,
pub const PAUSE_MIN: Duration = Duration::from_secs(1);

/// up to this: whoever comes online is noticed at once where they are a contact, else within it.
pub const PAUSE_MAX: Duration = Duration::from_secs(15);

/// How often in a row it begins anew because of changes, with ten seconds of pauses in all.
pub const RENEWALS_MAX: u32 = 5;

/// The first of these pauses is none, and each is so much longer than the one before. The same is between two attempts at a version of which files
/// have changed, up to [`PAUSE_MAX`]: its owner may have looked at them by then.
pub const RENEWAL_STEP: Duration = Duration::from_secs(1);

/// What was fetched for so long without a change counts as at rest: several times longer than all these pauses together.
pub const AT_REST_AFTER: Duration = Duration::from_secs(60);

/// How long an owner may take to look at what has changed, counted anew from each attempt that brings something: a disk that reads 300 MB/s has
/// a terabyte hashed by then. Whoever waits longer for somebody to come waits as long for this.
pub const EXAMINED_WITHIN: Duration = Duration::from_secs(60 * 60);

/// How an attempt ended before all was there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nobody was there, whoever gave it was lost, or its files are not where their owner shares them from.
    Lost {
        /// Whether something had come.
        brought: bool,
    },
    /// Its files are at their owner not what this version says.
    Changed {
        /// The manifest of the version.
        version: BlobHash,
        /// Whether something had come.
        brought: bool,
    },
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is tried again after so long.
    Again(Duration),
    /// It is tried again when somebody comes who has it, but after so long at the latest.
    Wait(Duration),
    /// It is tried again: its owner is there, and has not come to look at what changed, or is just looking.
    Examined {
        /// After so long.
        pause: Duration,
        /// Whether it is asked for again although there is no other version: what changed may be as it was, or others have it. That costs a look
        /// at all that has arrived.
        whole: bool,
    },
    /// It is given up.
    Over,
    /// It is given up because its owner did not come to look at what changed.
    Unexamined,
}

/// The attempts of a transfer.
#[derive(Clone, Copy, Debug)]
pub struct Retries {
    wait: Duration,
    examined_within: Duration,
    /// Until when it is tried again although nothing comes.
    deadline: Time,
    /// How long the next pause is.
    pause: Duration,
    /// How often in a row there was another version of which files have changed,
    changes: u32,
    /// and when last.
    changed_at: Option<Time>,
    stale: Option<Stale>,
}

/// A version of which files have changed.
#[derive(Clone, Copy, Debug)]
struct Stale {
    version: BlobHash,
    /// Until when it is tried again.
    deadline: Time,
    /// How often it was tried again.
    attempts: u32,
}

impl Retries {
    /// Of a transfer that begins and waits so long for whoever has it, counted from now and anew from each attempt that brings something; and
    /// for an owner who looks at what has changed for `examined_within`, or as long where that is longer.
    pub fn new(wait: Duration, examined_within: Duration, now: Time) -> Self {
        Self {
            wait,
            examined_within,
            deadline: now + wait,
            pause: PAUSE_MIN,
            changes: 0,
            changed_at: None,
            stale: None,
        }
    }

    /// An attempt ended: what follows.
    pub fn handle_ended(&mut self, now: Time, ended: Ended) -> Next {
        match ended {
            Ended::Changed { version, brought } => {
                // Its owner is there.
                self.deadline = now + self.wait;
                self.pause = PAUSE_MIN;
                match self.stale.filter(|stale| stale.version == version) {
                    Some(stale) => self.ask_again(now, stale, brought),
                    None => self.renew(now, version),
                }
            }
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

    /// Files of another version than before have changed.
    fn renew(&mut self, now: Time, version: BlobHash) -> Next {
        let was_at_rest = |last| now.since(last) >= AT_REST_AFTER;
        if self.changed_at.replace(now).is_some_and(was_at_rest) {
            self.changes = 0;
        }
        self.stale = Some(Stale {
            version,
            deadline: now + self.patience(),
            attempts: 0,
        });
        let pause = RENEWAL_STEP * self.changes;
        self.changes += 1;
        match self.changes <= RENEWALS_MAX {
            true => Next::Again(pause),
            false => Next::Over,
        }
    }

    /// The version of which files have changed is still the newest.
    fn ask_again(&mut self, now: Time, stale: Stale, brought: bool) -> Next {
        let deadline = match brought {
            true => now + self.patience(),
            false => stale.deadline,
        };
        let left = deadline.since(now);
        if left.is_zero() {
            return Next::Unexamined;
        }
        let attempts = stale.attempts.saturating_add(1);
        self.stale = Some(Stale {
            deadline,
            attempts,
            ..stale
        });
        Next::Examined {
            pause: RENEWAL_STEP
                .saturating_mul(attempts)
                .min(PAUSE_MAX)
                .min(left),
            // When it was waited for about twice as long as the last time.
            whole: attempts.is_power_of_two(),
        }
    }

    /// How long its owner may take to look at what changed.
    fn patience(&self) -> Duration {
        self.wait.max(self.examined_within)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::DAY;

    const NOW: Time = Time(0);

    const LOST: Ended = Ended::Lost { brought: false };

    /// Those of a transfer that begins now and waits so long.
    fn retries(wait: Duration) -> Retries {
        Retries::new(wait, EXAMINED_WITHIN, NOW)
    }

    /// Files of this version have changed, and nothing came.
    fn changed(version: u64) -> Ended {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&version.to_be_bytes());
        Ended::Changed {
            version: BlobHash(hash),
            brought: false,
        }
    }

    #[test]
    fn what_changes_all_the_time_is_given_up_after_five_times_and_ten_seconds_of_pauses() {
        let (mut retries, mut now) = (retries(DAY), NOW);
        let mut pauses = Vec::new();
        while let Next::Again(pause) = retries.handle_ended(now, changed(pauses.len() as u64)) {
            pauses.push(pause);
            // It changes again when some of it has come.
            now = now + pause + AT_REST_AFTER / 3;
        }
        assert_eq!(pauses.len(), 5);
        assert_eq!(pauses.iter().sum::<Duration>(), Duration::from_secs(10));
    }

    #[test]
    fn what_is_edited_once_a_day_is_begun_anew_at_once_however_often() {
        let mut retries = retries(Duration::ZERO);
        for day in 1..=30 {
            let next = retries.handle_ended(NOW + DAY * day, changed(u64::from(day)));
            assert_eq!(next, Next::Again(Duration::ZERO), "day {day}");
        }
    }

    /// How long one version of which files have changed is tried again, and how often, where each attempt takes a second.
    fn tried(retries: &mut Retries, mut now: Time, version: u64) -> (Duration, u32) {
        let (since, mut attempts) = (now, 0);
        loop {
            now = now + Duration::from_secs(1);
            attempts += 1;
            match retries.handle_ended(now, changed(version)) {
                Next::Again(pause) | Next::Examined { pause, .. } => {
                    assert!(attempts == 1 || !pause.is_zero());
                    assert!(pause <= PAUSE_MAX);
                    now = now + pause;
                }
                Next::Unexamined => return (now.since(since), attempts),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn an_owner_who_looks_at_what_changed_is_waited_for_an_hour_and_for_as_long_as_for_one_who_is_away()
     {
        for (wait, expected) in [
            (Duration::ZERO, EXAMINED_WITHIN),
            (EXAMINED_WITHIN, EXAMINED_WITHIN),
            (DAY, DAY),
        ] {
            let (waited, attempts) = tried(&mut retries(wait), NOW, 1);
            assert!(
                waited >= expected && waited < expected + PAUSE_MAX,
                "{waited:?}"
            );
            // Asked four times a minute, not all the time.
            assert!(
                u64::from(attempts) <= expected.as_secs() / 15 + 20,
                "{attempts}"
            );
        }
    }

    #[test]
    fn a_version_that_comes_at_last_ends_the_waiting_and_the_next_is_waited_for_anew() {
        let (mut retries, mut now) = (retries(Duration::ZERO), NOW);
        for version in 1..=20 {
            assert_eq!(
                retries.handle_ended(now, changed(version)),
                Next::Again(Duration::ZERO)
            );
            for attempt in 1..=60 {
                let pause = RENEWAL_STEP.saturating_mul(attempt).min(PAUSE_MAX);
                let next = retries.handle_ended(now, changed(version));
                let whole = [1, 2, 4, 8, 16, 32].contains(&attempt);
                assert_eq!(next, Next::Examined { pause, whole });
                now = now + pause;
            }
        }
    }

    #[test]
    fn what_is_as_it_was_and_comes_meanwhile_has_the_owner_waited_for_longer() {
        let mut retries = retries(Duration::ZERO);
        retries.handle_ended(NOW, changed(1));
        let Ended::Changed { version, .. } = changed(1) else {
            unreachable!("just made");
        };
        let late = NOW + EXAMINED_WITHIN;
        let brought = Ended::Changed {
            version,
            brought: true,
        };
        let next = retries.handle_ended(late, brought);
        assert!(matches!(next, Next::Examined { .. }), "{next:?}");
        let left = Duration::from_millis(1_500);
        let expected = Next::Examined {
            pause: left,
            whole: true,
        };
        let next = retries.handle_ended(late + EXAMINED_WITHIN - left, changed(1));
        assert_eq!(next, expected);
        let next = retries.handle_ended(late + EXAMINED_WITHIN, changed(1));
        assert_eq!(next, Next::Unexamined);
    }

    #[test]
    fn an_owner_who_goes_while_looking_is_waited_for_as_one_who_went() {
        let wait = Duration::from_secs(30);
        let mut retries = retries(wait);
        let looking = NOW + wait * 10;
        retries.handle_ended(NOW, changed(1));
        retries.handle_ended(looking, changed(1));
        assert_eq!(retries.handle_ended(looking, LOST), Next::Wait(PAUSE_MIN));
        assert_eq!(retries.handle_ended(looking + wait, LOST), Next::Over);
    }

    #[test]
    fn who_does_not_wait_is_told_at_once_that_nobody_is_there() {
        let mut retries = retries(Duration::ZERO);
        assert_eq!(retries.handle_ended(NOW, LOST), Next::Over);
    }

    #[test]
    fn pauses_grow_to_a_quarter_of_a_minute_and_what_comes_makes_them_short_again() {
        let mut retries = retries(DAY);
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
            let (mut retries, mut now, mut since) = (retries(wait), NOW, NOW);
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
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }
    }
}
