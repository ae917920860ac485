//! Whose turn it is to scan: one scan at a time, because each uses all cores. One that gives no sign of life, because a disk does not answer, keeps
//! nobody from theirs.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::data::pulse::{Beating, Pulse};

/// After how long without a piece read the others do not wait for a scan: a disk that slept needs some seconds, and one that is busy does not take
/// as long for one piece.
const SILENT_AFTER: Duration = Duration::from_secs(60);

/// How often whoever waits looks whether it still is to be waited for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The scans under way: one, and those that are not waited for, which are as many as shares on disks that do not answer.
#[derive(Debug, Default)]
pub(super) struct Scans {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    /// Each with its signs of life; what is alone reads no disk of anybody's shares, and is always waited for.
    under_way: BTreeMap<u64, Option<Pulse>>,
}

/// A scan that may go on, until this is dropped.
#[derive(Debug)]
pub(crate) struct Scanning {
    scans: Arc<Scans>,
    number: u64,
    _beating: Beating,
}

impl Scans {
    /// Begins one, once no other is to be waited for. Blocks.
    pub(super) fn begin(self: &Arc<Self>) -> Scanning {
        let mut state = self.lock();
        while state.is_busy(SILENT_AFTER) {
            let waited = self.ended.wait_timeout(state, LOOK_EVERY);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        self.begun(state, false)
    }

    /// The same, unless another is to be waited for.
    pub(super) fn try_begin(self: &Arc<Self>) -> Option<Scanning> {
        let state = self.lock();
        (!state.is_busy(SILENT_AFTER)).then(|| self.begun(state, false))
    }

    /// The same, unless there is any other, for what no scan may run beside.
    pub(super) fn try_begin_alone(self: &Arc<Self>) -> Option<Scanning> {
        let state = self.lock();
        (state.under_way.is_empty()).then(|| self.begun(state, true))
    }

    fn begun(self: &Arc<Self>, mut state: MutexGuard<'_, State>, is_alone: bool) -> Scanning {
        let (pulse, number) = (Pulse::default(), state.next);
        state.next += 1;
        let counted = (!is_alone).then(|| pulse.clone());
        state.under_way.insert(number, counted);
        drop(state);
        Scanning {
            scans: Arc::clone(self),
            number,
            _beating: pulse.enter(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_busy(&self, silent_after: Duration) -> bool {
        let mut pulses = self.under_way.values();
        pulses.any(|pulse| {
            let silent_for = pulse.as_ref().map(Pulse::since_last);
            silent_for.is_none_or(|it| it < silent_after)
        })
    }
}

impl Drop for Scanning {
    fn drop(&mut self) {
        self.scans.lock().under_way.remove(&self.number);
        self.scans.ended.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_scans_at_a_time_and_nobody_is_swept_away_under() {
        let scans = Arc::<Scans>::default();
        let first = scans.try_begin().expect("nobody else");
        assert!(scans.try_begin().is_none() && scans.try_begin_alone().is_none());
        let waits = {
            let scans = Arc::clone(&scans);
            std::thread::spawn(move || drop(scans.begin()))
        };
        drop(first);
        waits.join().expect("it had its turn");
        assert!(scans.try_begin_alone().is_some());
    }

    #[test]
    fn a_scan_without_a_sign_of_life_keeps_nobody_from_theirs_but_what_it_needs_is_kept() {
        let scans = Arc::<Scans>::default();
        let _stuck = scans.try_begin().expect("nobody else");
        assert!(scans.lock().is_busy(SILENT_AFTER));
        assert!(!scans.lock().is_busy(Duration::ZERO));
        assert!(scans.try_begin_alone().is_none());
    }

    #[test]
    fn no_scan_begins_beside_what_is_alone_however_long_that_takes() {
        let scans = Arc::<Scans>::default();
        let alone = scans.try_begin_alone().expect("nobody else");
        assert!(scans.lock().is_busy(Duration::ZERO));
        drop(alone);
        assert!(!scans.lock().is_busy(SILENT_AFTER));
    }
}
