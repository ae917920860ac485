//! When each share is looked at again: one rule for the askers of its head, for the watcher that saw a change, and for the rescan now and then.
//!
//! After a look comes a pause that grows with what the look cost, so that a folder which changes all the time, or is asked for all the
//! time, takes a twentieth of the machine at most. Nothing else decides when files are looked at.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kith_core::ids::ShareId;
use tokio::sync::Notify;

/// Between two looks at one share, at least: a transfer opens a few streams at once, and each asks for the head.
const PAUSE_MIN: Duration = Duration::from_secs(2);

/// How many times as long as a look took the pause is, so that looking takes a twentieth of the time at most.
const PAUSE_FACTOR: u32 = 20;

/// How long a folder in which something changed is left alone until it is looked at: an editor saves, and a copy writes, in many steps.
const QUIET: Duration = Duration::from_secs(1);

/// How long it is left alone at most, when it never comes to rest.
const QUIET_MAX: Duration = Duration::from_secs(10);

/// How often a share whose folders are all watched is looked at nevertheless: a watch tells nothing of other machines' writes on a
/// network file system, of memory-mapped writes, and of what happened while the kernel's queue was full.
const RESCAN_WATCHED: Duration = Duration::from_secs(15 * 60);

/// How often the others are: a look reads no file, only their times.
const RESCAN_UNWATCHED: Duration = Duration::from_secs(60);

/// When each share is looked at again.
#[derive(Debug, Default)]
pub(super) struct Looks {
    shares: Mutex<BTreeMap<ShareId, Look>>,
    news: Notify,
}

/// A look that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Begun {
    /// Whether something was seen to change, so that no comparison has to find it.
    pub(super) seen: bool,
}

/// What is known of one share.
#[derive(Debug, Default)]
struct Look {
    /// When the last look ended, and how long it took; while one is under way, when it began.
    last: Option<(Instant, Duration)>,
    /// When something was first and last seen to change since.
    seen: Option<(Instant, Instant)>,
    /// Whether a change is known to be whole.
    is_settled: bool,
    /// Whether all its folders are watched; `None` as long as nobody tried, because whoever asked for the head was faster.
    is_watched: Option<bool>,
    /// Whether somebody looks at it: one at a time, so that a disk that does not answer keeps no more than one.
    is_under_way: bool,
}

impl Looks {
    /// Begins a look on behalf of an asker, if the pause is over; nobody else looks before the next is.
    pub(super) fn begin(&self, share: &ShareId, now: Instant) -> Option<Begun> {
        let mut shares = self.lock();
        let look = shares.entry(*share).or_default();
        if look.is_under_way || look.not_before().is_some_and(|time| time > now) {
            return None;
        }
        look.is_under_way = true;
        look.last = Some((now, Duration::ZERO));
        look.is_settled = false;
        let seen = look.seen.take().is_some();
        Some(Begun { seen })
    }

    /// A look is over. One that could not be made is to be made later.
    pub(super) fn ended(&self, share: &ShareId, now: Instant, took: Duration, is_made: bool) {
        let mut shares = self.lock();
        let Some(look) = shares.get_mut(share) else {
            return;
        };
        look.last = Some((now, took));
        look.is_under_way = false;
        if !is_made {
            look.see(now);
        }
        let is_news = look.seen.is_some() || look.is_watched.is_none();
        drop(shares);
        if is_news {
            self.news.notify_one();
        }
    }

    /// The disk of a share does not answer: it is looked at as late as if nothing told of changes there, whatever was seen, and whoever asks.
    pub(super) fn put_off(&self, share: &ShareId, now: Instant) {
        let mut shares = self.lock();
        let look = shares.entry(*share).or_default();
        look.last = Some((now, RESCAN_UNWATCHED / PAUSE_FACTOR));
        look.is_watched = Some(false);
    }

    /// Something in the share was seen to change.
    pub(super) fn see(&self, share: &ShareId, now: Instant) {
        let mut shares = self.lock();
        let look = shares.entry(*share).or_default();
        let is_news = look.seen.is_none();
        look.see(now);
        drop(shares);
        if is_news {
            self.news.notify_one();
        }
    }

    /// Something in the share has changed, and nothing further is to be waited for: it is looked at as soon as another asker would have it
    /// looked at.
    pub(super) fn settle(&self, share: &ShareId, now: Instant) {
        let mut shares = self.lock();
        let look = shares.entry(*share).or_default();
        look.see(now);
        look.is_settled = true;
        drop(shares);
        self.news.notify_one();
    }

    /// Whether all folders of a share are watched.
    pub(super) fn set_watched(&self, share: &ShareId, is_watched: bool) {
        self.lock().entry(*share).or_default().is_watched = Some(is_watched);
    }

    /// Nothing is known to be watched any more.
    pub(super) fn unwatch_all(&self) {
        let mut shares = self.lock();
        let unwatch = |look: &mut Look| look.is_watched = Some(false);
        shares.values_mut().for_each(unwatch);
    }

    /// Whether all folders of a share are watched.
    #[cfg(test)]
    pub(super) fn is_watched(&self, share: &ShareId) -> bool {
        let shares = self.lock();
        shares.get(share).and_then(|look| look.is_watched) == Some(true)
    }

    /// When a share is to be looked at without being asked for.
    pub(super) fn due(&self, share: &ShareId, now: Instant) -> Instant {
        let shares = self.lock();
        shares.get(share).map_or(now, |look| look.due(now))
    }

    /// The others in which something was seen to change: copies. They are forgotten here.
    pub(super) fn take_others(&self, is_mine: impl Fn(&ShareId) -> bool) -> Vec<ShareId> {
        let mut shares = self.lock();
        let seen = |(share, look): (&ShareId, &Look)| {
            (look.seen.is_some() && !is_mine(share)).then_some(*share)
        };
        let others: Vec<ShareId> = shares.iter().filter_map(seen).collect();
        for share in &others {
            shares.remove(share);
        }
        others
    }

    /// Forgets the shares that are no more.
    pub(super) fn retain(&self, is_there: impl Fn(&ShareId) -> bool) {
        self.lock().retain(|share, _| is_there(share));
    }

    /// There is another share, or one less.
    pub(super) fn wake(&self) {
        self.news.notify_one();
    }

    /// Waits until something is seen that may make a share due earlier.
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ShareId, Look>> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Look {
    fn see(&mut self, now: Instant) {
        let first = self.seen.map_or(now, |(first, _)| first);
        self.seen = Some((first, now));
    }

    /// When the pause after the last look is over. Where something was seen to change since, it is as long as the look was costly and no
    /// longer: whoever asks for the head then shall have the new one.
    fn not_before(&self) -> Option<Instant> {
        let (ended, took) = self.last?;
        let cost = took.saturating_mul(PAUSE_FACTOR);
        let pause = match self.seen {
            Some(_) => cost,
            None => cost.max(PAUSE_MIN),
        };
        Some(ended + pause)
    }

    fn due(&self, now: Instant) -> Instant {
        if self.is_under_way {
            return now + RESCAN_UNWATCHED;
        }
        let Some((ended, _)) = self.last else {
            return now;
        };
        let every = match self.is_watched {
            Some(true) => RESCAN_WATCHED,
            Some(false) => RESCAN_UNWATCHED,
            None => Duration::ZERO,
        };
        let seen = self
            .seen
            .map(|(first, last)| (last + QUIET).min(first + QUIET_MAX));
        let settled = self.is_settled.then_some(ended + PAUSE_MIN);
        let sooner = seen.into_iter().chain(settled);
        let wanted = sooner.fold(ended + every, Instant::min);
        self.not_before().map_or(wanted, |pause| pause.max(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE: ShareId = ShareId([1; 32]);

    fn second(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    #[test]
    fn a_look_is_not_repeated_before_its_pause_unless_a_change_was_seen() {
        let (looks, start) = (Looks::default(), Instant::now());
        assert_eq!(looks.begin(&SHARE, start), Some(Begun { seen: false }));
        assert_eq!(looks.begin(&SHARE, start), None);
        assert!(looks.begin(&ShareId([2; 32]), start).is_some());
        looks.ended(&SHARE, start, Duration::ZERO, true);
        assert_eq!(looks.begin(&SHARE, start + second(1)), None);
        looks.see(&SHARE, start + second(1));
        let begun = looks.begin(&SHARE, start + second(1));
        assert_eq!(begun, Some(Begun { seen: true }));
    }

    #[test]
    fn what_changes_all_the_time_is_looked_at_for_a_twentieth_of_it() {
        let (looks, start) = (Looks::default(), Instant::now());
        let (mut now, mut looking) = (start, Duration::ZERO);
        while now < start + second(3600) {
            looks.see(&SHARE, now);
            if looks.begin(&SHARE, now).is_some() {
                now += second(7);
                looking += second(7);
                looks.ended(&SHARE, now, second(7), true);
            }
            now += Duration::from_millis(100);
        }
        assert!(
            looking >= second(100) && looking <= second(190),
            "{looking:?}"
        );
    }

    #[test]
    fn a_change_is_looked_at_when_it_has_come_to_rest_or_after_ten_seconds() {
        let (looks, start) = (Looks::default(), Instant::now());
        assert_eq!(looks.due(&SHARE, start), start, "never looked at");
        looks.begin(&SHARE, start);
        looks.ended(&SHARE, start, Duration::ZERO, true);
        looks.set_watched(&SHARE, false);
        assert_eq!(looks.due(&SHARE, start), start + RESCAN_UNWATCHED);
        looks.set_watched(&SHARE, true);
        assert_eq!(looks.due(&SHARE, start), start + RESCAN_WATCHED);
        let changed = start + second(20);
        looks.see(&SHARE, changed);
        assert_eq!(looks.due(&SHARE, changed), changed + QUIET);
        for tenth in 0..300 {
            looks.see(&SHARE, changed + Duration::from_millis(tenth * 100));
        }
        assert_eq!(looks.due(&SHARE, changed), changed + QUIET_MAX);
    }

    #[tokio::test]
    async fn where_whoever_asks_is_faster_than_the_watch_it_begins_as_soon_as_it_may() {
        let (looks, start) = (Looks::default(), Instant::now());
        looks.begin(&SHARE, start);
        looks.ended(&SHARE, start, Duration::ZERO, true);
        looks.news().await;
        assert_eq!(looks.due(&SHARE, start), start + PAUSE_MIN);
        looks.set_watched(&SHARE, true);
        assert_eq!(looks.due(&SHARE, start), start + RESCAN_WATCHED);
    }

    #[test]
    fn a_change_that_is_whole_is_looked_at_at_once_but_not_all_the_time() {
        let (looks, start) = (Looks::default(), Instant::now());
        looks.set_watched(&SHARE, true);
        looks.begin(&SHARE, start);
        looks.ended(&SHARE, start, Duration::ZERO, true);
        let changed = start + second(20);
        looks.settle(&SHARE, changed);
        assert!(looks.due(&SHARE, changed) <= changed);
        assert_eq!(looks.begin(&SHARE, changed), Some(Begun { seen: true }));
        looks.ended(&SHARE, changed, Duration::ZERO, true);
        // One after the other, so that the watch never comes to rest.
        for tenth in 0..300 {
            looks.settle(&SHARE, changed + Duration::from_millis(tenth * 100));
        }
        assert_eq!(looks.due(&SHARE, changed), changed + PAUSE_MIN);
    }

    #[test]
    fn a_look_that_could_not_be_made_stays_due() {
        let (looks, start) = (Looks::default(), Instant::now());
        looks.set_watched(&SHARE, true);
        looks.begin(&SHARE, start);
        looks.ended(&SHARE, start, Duration::ZERO, false);
        assert_eq!(looks.due(&SHARE, start), start + QUIET);
        let begun = looks.begin(&SHARE, start + QUIET);
        assert_eq!(begun, Some(Begun { seen: true }));
    }

    #[test]
    fn while_somebody_looks_nobody_else_does_however_long_that_takes() {
        let (looks, start) = (Looks::default(), Instant::now());
        assert!(looks.begin(&SHARE, start).is_some());
        looks.see(&SHARE, start);
        let later = start + second(3600);
        assert_eq!(looks.begin(&SHARE, later), None);
        assert!(looks.due(&SHARE, later) > later, "nobody waits for it");
        looks.ended(&SHARE, later, second(1), true);
        assert_eq!(looks.due(&SHARE, later), later + second(20));
    }

    #[test]
    fn what_lies_on_a_disk_that_does_not_answer_is_looked_at_later_and_what_was_seen_is_known() {
        let (looks, start) = (Looks::default(), Instant::now());
        looks.see(&SHARE, start);
        looks.put_off(&SHARE, start);
        assert_eq!(looks.begin(&SHARE, start + second(59)), None);
        let again = start + RESCAN_UNWATCHED;
        assert_eq!(looks.due(&SHARE, start), again);
        assert_eq!(looks.begin(&SHARE, again), Some(Begun { seen: true }));
    }

    #[tokio::test]
    async fn the_first_change_is_news() {
        let looks = Looks::default();
        looks.see(&SHARE, Instant::now());
        looks.news().await;
    }
}
