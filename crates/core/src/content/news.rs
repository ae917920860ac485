//! Telling contacts who are there that a share has a new head, so that what they look at grows before their eyes.
//!
//! A head is told by [`Request::Notice`](crate::content::wire::Request::Notice) to those alone who would be given it if they asked. Each is
//! told on one stream at a time: what changes meanwhile is told with the next one, once and as it is then, so a folder that changes all the
//! time costs what a contact's line bears and no more. Nobody is told twice of what they missed: whoever comes asks by themselves.
//! Whoever loses a share is told the head that they had: it says nothing new to them, and whoever looks at what is for them looks again.
//! Whoever could not be told is told again as long as they are there, after pauses that grow.
//!
//! What contacts tell is heard as fast as honest ones tell it, and no faster.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::Duration;

use crate::content::access::{Asker, Guard, Relation, Shown, may};
use crate::content::bucket::Bucket;
use crate::ids::{PeerId, ShareId};
use crate::time::Time;

/// The most contacts told at once. A round trip each, so 200 who are there have heard after a dozen of them.
pub const TELLING_MAX: usize = 16;

/// The most shares of which one contact waits to be told. Of further ones they hear when they ask next: any word of one has an app ask for
/// all.
pub const WAITING_MAX: usize = 64;

/// The pause before somebody is told again who is there and could not be told, doubled with each failure in a row,
pub const AGAIN_MIN: Duration = Duration::from_secs(1);

/// up to this: one small stream a minute to whoever does not take it. Whoever comes anew asks by themselves.
pub const AGAIN_MAX: Duration = Duration::from_secs(60);

/// How many heads of one contact are heard in a second, and at once after silence: as many as one is told of on one stream.
pub const HEARD_PER_SECOND: u64 = WAITING_MAX as u64;

/// The longest that one waits to be heard, whatever the clock does meanwhile: four seconds are what one head each takes on all the streams
/// that are served to contacts at once, 256.
pub const WAIT_MAX: Duration = Duration::from_secs(5);

/// Whether somebody who is there is told of the head that this guards: whoever gets it on their word alone. What a link opens is told to
/// nobody, since who holds it is not known.
pub fn is_told(asker: &Asker, guard: &Guard, now: Time) -> bool {
    asker.relation == Relation::Contact && may(asker, guard, &Shown::Nothing, now)
}

/// Somebody to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tell {
    /// Whom.
    pub peer: PeerId,
    /// Of which shares: the head that each has when it is told, if it is for them then.
    pub shares: BTreeSet<ShareId>,
    /// The heads that they had of those which they have lost.
    pub lost: BTreeMap<ShareId, Vec<u8>>,
}

/// What one of them waits to be told; see [`Tell`].
#[derive(Clone, Debug, Default)]
struct Waiting {
    shares: BTreeSet<ShareId>,
    lost: BTreeMap<ShareId, Vec<u8>>,
}

impl Waiting {
    fn has_room(&self) -> bool {
        self.shares.len() + self.lost.len() < WAITING_MAX
    }
}

/// Somebody who could not be told.
#[derive(Clone, Copy, Debug)]
struct Failed {
    /// When they are told again.
    again_at: Time,
    /// The pause after the next failure.
    pause: Duration,
}

/// The machine: who is told of what, and when.
#[derive(Clone, Debug, Default)]
pub struct News {
    now: Time,
    waiting: BTreeMap<PeerId, Waiting>,
    /// Those among them who could not be told the last time.
    failed: BTreeMap<PeerId, Failed>,
    telling: BTreeSet<PeerId>,
    /// Who was told last: whoever comes after them has the next turn.
    last: Option<PeerId>,
}

impl News {
    /// A share has a new head, guarded so against somebody who is there.
    pub fn handle_head(&mut self, now: Time, asker: &Asker, guard: &Guard) {
        self.now = now;
        let Some(peer) = asker.peer.filter(|_| is_told(asker, guard, now)) else {
            return;
        };
        let waiting = self.waiting.entry(peer).or_default();
        waiting.lost.remove(&guard.share);
        if waiting.has_room() {
            waiting.shares.insert(guard.share);
        }
    }

    /// A share, guarded against somebody who is there by `before` until now, is guarded by `after`. Where they have lost it, they are told
    /// the head that they had.
    pub fn handle_lost(
        &mut self,
        now: Time,
        asker: &Asker,
        (before, after): (&Guard, &Guard),
        head: &[u8],
    ) {
        self.now = now;
        let has_lost = is_told(asker, before, now) && !is_told(asker, after, now);
        let Some(peer) = asker.peer.filter(|_| has_lost) else {
            return;
        };
        let waiting = self.waiting.entry(peer).or_default();
        waiting.shares.remove(&after.share);
        if waiting.has_room() {
            waiting.lost.insert(after.share, head.to_vec());
        }
    }

    /// They were told, or are not there any more.
    pub fn handle_told(&mut self, peer: &PeerId) {
        self.telling.remove(peer);
        self.failed.remove(peer);
    }

    /// They are there and could not be told this: they are again, with what has happened since.
    pub fn handle_untold(&mut self, now: Time, Tell { peer, shares, lost }: Tell) {
        self.now = now;
        self.telling.remove(&peer);
        let waiting = self.waiting.entry(peer).or_default();
        for share in shares {
            if waiting.has_room() && !waiting.lost.contains_key(&share) {
                waiting.shares.insert(share);
            }
        }
        for (share, head) in lost {
            if waiting.has_room() && !waiting.shares.contains(&share) {
                waiting.lost.entry(share).or_insert(head);
            }
        }
        let pause = self.failed.get(&peer).map_or(AGAIN_MIN, |it| it.pause);
        let failed = Failed {
            again_at: now + pause,
            pause: (pause * 2).min(AGAIN_MAX),
        };
        self.failed.insert(peer, failed);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
    }

    /// When [`News::handle_timeout`] is due.
    pub fn poll_timeout(&self) -> Option<Time> {
        let failed = self.failed.iter();
        let waiting = failed.filter(|(peer, _)| !self.telling.contains(peer));
        let again_at = waiting.map(|(_, failed)| failed.again_at);
        // Those whose pause is over wait for others to be told.
        again_at.filter(|at| *at > self.now).min()
    }

    /// Whether somebody has to wait after a failure; by a clock that was set back nobody waits for longer.
    fn is_paused(&self, peer: &PeerId) -> bool {
        let rest = self.failed.get(peer).map(|it| it.again_at.since(self.now));
        rest.is_some_and(|rest| !rest.is_zero() && rest <= AGAIN_MAX)
    }

    /// Whom to tell next, if anybody; ends in [`News::handle_told`] or [`News::handle_untold`].
    pub fn poll_output(&mut self) -> Option<Tell> {
        if self.telling.len() >= TELLING_MAX {
            return None;
        }
        let after = self.last.map_or(Bound::Unbounded, Bound::Excluded);
        let behind = self.waiting.range((after, Bound::Unbounded));
        let mut turns = behind.chain(&self.waiting).map(|(peer, _)| *peer);
        let peer = turns.find(|peer| !self.telling.contains(peer) && !self.is_paused(peer))?;
        let Waiting { shares, lost } = self.waiting.remove(&peer)?;
        self.telling.insert(peer);
        self.last = Some(peer);
        Some(Tell { peer, shares, lost })
    }
}

/// Hearing what contacts tell: as many buckets as there are contacts who ever told something.
#[derive(Clone, Debug, Default)]
pub struct Hearing(BTreeMap<PeerId, Bucket>);

impl Hearing {
    /// Somebody known tells a head: how long it waits before it is heard, at most [`WAIT_MAX`].
    pub fn handle_notice(&mut self, now: Time, peer: PeerId) -> Duration {
        let full = || Bucket::new(Some(HEARD_PER_SECOND), now);
        let bucket = self.0.entry(peer).or_insert_with(full);
        let is_open = bucket.is_open(now);
        let opens = bucket.opens_at().filter(|_| !is_open);
        bucket.take(1);
        opens.map_or(Duration::ZERO, |opens| opens.since(now).min(WAIT_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::access::Admits;

    const NOW: Time = Time(1_000_000_000_000);
    const OWNER: PeerId = PeerId([1; 32]);

    fn share(number: usize) -> ShareId {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
        ShareId(bytes)
    }

    fn guard(number: usize, admits: Admits) -> Guard {
        Guard {
            share: share(number),
            owner: OWNER,
            epoch: 1,
            admits,
        }
    }

    fn asker(number: u8, relation: Relation) -> Asker {
        Asker {
            peer: Some(PeerId([number; 32])),
            relation,
        }
    }

    fn contact(number: u8) -> Asker {
        asker(number, Relation::Contact)
    }

    #[test]
    fn those_alone_are_told_who_get_it_on_their_word() {
        let told = |asker: &Asker, admits| is_told(asker, &guard(1, admits), NOW);
        for (admits, is_for_contacts) in [
            (Admits::MyContacts, true),
            (Admits::MyNamed(true), true),
            (Admits::MyNamed(false), false),
            (Admits::Public, true),
            (Admits::Link([7; 32]), false),
            (Admits::Granted, false),
        ] {
            assert_eq!(told(&contact(2), admits), is_for_contacts, "{admits:?}");
            for relation in [Relation::Stranger, Relation::Pending, Relation::Blocked] {
                assert!(
                    !told(&asker(2, relation), admits),
                    "{relation:?} {admits:?}"
                );
            }
            assert!(!told(&Asker::STRANGER, admits));
        }
    }

    #[test]
    fn what_changes_while_somebody_is_told_is_told_once_afterwards() {
        let mut news = News::default();
        news.handle_head(NOW, &contact(2), &guard(1, Admits::MyContacts));
        let first = news.poll_output().expect("somebody");
        assert_eq!(first.shares, [share(1)].into());
        for number in [1, 2, 1, 1] {
            news.handle_head(NOW, &contact(2), &guard(number, Admits::MyContacts));
        }
        assert_eq!(news.poll_output(), None, "one stream at a time");
        news.handle_told(&first.peer);
        let next = news.poll_output().expect("somebody");
        assert_eq!(next.shares, [share(1), share(2)].into());
        news.handle_told(&next.peer);
        assert_eq!(news.poll_output(), None);
    }

    #[test]
    fn somebody_whom_it_is_not_for_never_waits() {
        let mut news = News::default();
        news.handle_head(NOW, &asker(2, Relation::Blocked), &guard(1, Admits::Public));
        news.handle_head(NOW, &contact(2), &guard(1, Admits::MyNamed(false)));
        assert_eq!(news.poll_output(), None);
    }

    #[test]
    fn whoever_loses_a_share_is_told_once_the_head_that_they_had() {
        let mut news = News::default();
        let (named, not) = (
            guard(1, Admits::MyNamed(true)),
            guard(1, Admits::MyNamed(false)),
        );
        let everybody = guard(1, Admits::MyContacts);
        for (asker, before, after) in [
            // Never had it, or still has it.
            (contact(2), &not, &not),
            (contact(3), &named, &everybody),
            (asker(4, Relation::Pending), &named, &not),
        ] {
            news.handle_lost(NOW, &asker, (before, after), b"head");
        }
        assert_eq!(news.poll_output(), None);
        // It changed before they lost it.
        news.handle_head(NOW, &contact(5), &named);
        news.handle_lost(NOW, &contact(5), (&named, &not), b"head");
        let expected = Tell {
            peer: PeerId([5; 32]),
            shares: BTreeSet::new(),
            lost: [(share(1), b"head".to_vec())].into(),
        };
        assert_eq!(news.poll_output(), Some(expected));
        news.handle_told(&PeerId([5; 32]));
        assert_eq!(news.poll_output(), None);
        // They have it again before they are told.
        news.handle_lost(NOW, &contact(5), (&named, &not), b"head");
        news.handle_head(NOW, &contact(5), &named);
        let told = news.poll_output().expect("somebody");
        assert_eq!((told.shares, told.lost), ([share(1)].into(), [].into()));
    }

    #[test]
    fn whoever_could_not_be_told_is_told_again_after_pauses_that_grow_to_a_minute() {
        let mut news = News::default();
        news.handle_head(NOW, &contact(2), &guard(1, Admits::MyContacts));
        let mut now = NOW;
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            let tell = news.poll_output().expect("somebody");
            assert_eq!(tell.shares, [share(1)].into());
            assert_eq!(news.poll_timeout(), None, "they are being told");
            news.handle_untold(now, tell);
            let due = now + Duration::from_secs(expected);
            assert_eq!(news.poll_timeout(), Some(due));
            // What changes meanwhile does not have them told sooner; others are.
            news.handle_head(now, &contact(2), &guard(1, Admits::MyContacts));
            news.handle_head(now, &contact(3), &guard(1, Admits::MyContacts));
            let other = news.poll_output().expect("the other");
            assert_eq!(other.peer, PeerId([3; 32]));
            news.handle_told(&other.peer);
            assert_eq!(news.poll_output(), None);
            now = due;
            news.handle_timeout(now);
        }
        let tell = news.poll_output().expect("somebody");
        news.handle_told(&tell.peer);
        assert_eq!((news.poll_output(), news.poll_timeout()), (None, None));
        // The next failure is the first again.
        news.handle_head(now, &contact(2), &guard(1, Admits::MyContacts));
        let tell = news.poll_output().expect("somebody");
        news.handle_untold(now, tell);
        assert_eq!(news.poll_timeout(), Some(now + AGAIN_MIN));
        // Whoever sets the clock back leaves nobody untold.
        news.handle_timeout(NOW - Duration::from_secs(3600));
        assert!(news.poll_output().is_some());
    }

    #[test]
    fn what_could_not_be_told_gives_way_to_what_has_happened_since() {
        let mut news = News::default();
        let named = guard(1, Admits::MyNamed(true));
        let not = guard(1, Admits::MyNamed(false));
        let told_again = |news: &mut News| {
            news.handle_timeout(NOW + AGAIN_MAX);
            let told = news.poll_output().expect("somebody");
            news.handle_told(&told.peer);
            news.handle_timeout(NOW);
            (told.shares, told.lost)
        };
        news.handle_head(NOW, &contact(2), &named);
        let tell = news.poll_output().expect("somebody");
        news.handle_lost(NOW, &contact(2), (&named, &not), b"head");
        news.handle_untold(NOW, tell);
        let lost = [(share(1), b"head".to_vec())];
        assert_eq!(told_again(&mut news), ([].into(), lost.into()));

        news.handle_lost(NOW, &contact(2), (&named, &not), b"head");
        let tell = news.poll_output().expect("somebody");
        news.handle_head(NOW, &contact(2), &named);
        news.handle_untold(NOW, tell);
        assert_eq!(told_again(&mut news), ([share(1)].into(), [].into()));

        // No more waits than would without the failure.
        for number in 0..WAITING_MAX {
            news.handle_head(NOW, &contact(2), &guard(number, Admits::MyContacts));
        }
        let tell = news.poll_output().expect("somebody");
        for number in WAITING_MAX..2 * WAITING_MAX {
            news.handle_head(NOW, &contact(2), &guard(number, Admits::MyContacts));
        }
        news.handle_untold(NOW, tell);
        assert_eq!(told_again(&mut news).0.len(), WAITING_MAX);
    }

    #[test]
    fn who_tells_too_much_waits_to_be_heard_and_nobody_else_does() {
        let mut hearing = Hearing::default();
        let [loud, quiet] = [2, 3].map(|number| PeerId([number; 32]));
        for _ in 0..HEARD_PER_SECOND {
            assert_eq!(hearing.handle_notice(NOW, loud), Duration::ZERO);
        }
        let waits: Vec<Duration> = (0..1000)
            .map(|_| hearing.handle_notice(NOW, loud))
            .collect();
        assert!(waits[0] > Duration::ZERO && waits.is_sorted());
        assert!(waits[255] < WAIT_MAX, "{:?}", waits[255]);
        assert_eq!(waits[999], WAIT_MAX);
        assert_eq!(hearing.handle_notice(NOW, quiet), Duration::ZERO);
        let later = NOW + Duration::from_secs(60);
        assert_eq!(hearing.handle_notice(later, loud), Duration::ZERO);
    }

    #[test]
    fn a_share_that_changes_all_the_time_leaves_nobody_without_a_turn() {
        let mut news = News::default();
        let mut told = BTreeSet::new();
        for _ in 0..=u8::MAX {
            for peer in 0..=u8::MAX {
                news.handle_head(NOW, &contact(peer), &guard(1, Admits::MyContacts));
            }
            let next = news.poll_output().expect("somebody");
            news.handle_told(&next.peer);
            told.insert(next.peer);
        }
        assert_eq!(told.len(), 256);
    }

    #[test]
    fn so_many_are_told_at_once_and_of_so_many_shares() {
        let mut news = News::default();
        for peer in 0..=u8::MAX {
            for number in 0..2 * WAITING_MAX {
                let (mine, not) = [Admits::MyContacts, Admits::Granted]
                    .map(|admits| guard(number, admits))
                    .into();
                match number % 2 {
                    0 => news.handle_head(NOW, &contact(peer), &mine),
                    _ => news.handle_lost(NOW, &contact(peer), (&mine, &not), b"head"),
                }
            }
        }
        let told: Vec<Tell> = std::iter::from_fn(|| news.poll_output()).collect();
        assert_eq!(told.len(), TELLING_MAX);
        let waited = |tell: &Tell| tell.shares.len() + tell.lost.len();
        assert!(told.iter().all(|tell| waited(tell) == WAITING_MAX));
        let mut all = told.len();
        let mut under_way = told;
        while let Some(tell) = under_way.pop() {
            news.handle_told(&tell.peer);
            if let Some(next) = news.poll_output() {
                all += 1;
                under_way.push(next);
            }
        }
        assert_eq!(all, 256, "each has their turn");
    }
}
