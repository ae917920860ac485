//! What is read for those who ask, from disks that may not answer: each read is waited for only so long, and while one of a share is under way for longer,
//! no other of it is begun.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kith_core::ids::ShareId;

/// How long a read may take: a disk that slept needs some seconds, and whoever asked passes by somebody who gives nothing for half a minute.
pub(super) const READ_WITHIN: Duration = Duration::from_secs(15);

/// The reads under way: as many as requests that are answered at once, and as many of each share whose disk does not answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    next: u64,
    begun: BTreeMap<(ShareId, u64), Instant>,
}

/// A read under way, until this is dropped.
#[derive(Debug)]
pub(super) struct UnderWay {
    reads: Reads,
    key: (ShareId, u64),
}

impl Reads {
    /// Begins to read something of a share; `None` where something else of it is not read in time.
    pub(super) fn begin(&self, share: ShareId, now: Instant) -> Option<UnderWay> {
        let mut state = self.lock();
        let mut of_share = state.begun.range((share, 0)..=(share, u64::MAX));
        if of_share.any(|(_, since)| now.duration_since(*since) >= READ_WITHIN) {
            return None;
        }
        let key = (share, state.next);
        state.next += 1;
        state.begun.insert(key, now);
        let reads = self.clone();
        Some(UnderWay { reads, key })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.reads.lock().begun.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn while_something_of_a_share_is_not_read_nothing_else_of_it_is_begun() {
        let (reads, start) = (Reads::default(), Instant::now());
        let [one, other] = [1, 2].map(|number| ShareId([number; 32]));
        let stuck = reads.begin(one, start).expect("nothing else");
        let meanwhile = reads.begin(one, start + READ_WITHIN / 2);
        assert!(meanwhile.is_some(), "it may just take long");
        drop(meanwhile);
        assert!(reads.begin(one, start + READ_WITHIN).is_none());
        assert!(reads.begin(other, start + READ_WITHIN).is_some());
        drop(stuck);
        assert!(reads.begin(one, start + READ_WITHIN).is_some());
    }
}
