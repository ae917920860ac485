//! Which of what is shared is not where it is shared from, or does not answer: see [`placed`](super::placed).

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kith_core::ids::ShareId;

/// Which own shares were not there when they were looked at last; of no more than there are.
#[derive(Debug, Default)]
pub(super) struct Absent(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    absent: BTreeSet<ShareId>,
    /// Those of which a file was not read in time: though what they are shared from answers, a disk that is mounted further below may not.
    unread: BTreeSet<ShareId>,
}

impl Absent {
    /// Whether that is news. Of what is there everything was looked at.
    pub(super) fn note(&self, share: &ShareId, is_absent: bool) -> bool {
        let mut state = self.lock();
        match is_absent {
            true => state.absent.insert(*share),
            false => {
                let was_unread = state.unread.remove(share);
                state.absent.remove(share) || was_unread
            }
        }
    }

    /// A file was not read in time. Whether that is news.
    pub(super) fn note_unread(&self, share: &ShareId) -> bool {
        self.lock().unread.insert(*share)
    }

    /// Whether a file was not read in time since all was looked at.
    pub(super) fn is_unread(&self, share: &ShareId) -> bool {
        self.lock().unread.contains(share)
    }

    /// Forgets the shares that are no more.
    pub(super) fn retain(&self, is_there: impl Fn(&ShareId) -> bool) {
        let mut state = self.lock();
        state.absent.retain(&is_there);
        state.unread.retain(&is_there);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coming_and_going_is_news_once() {
        let (absent, share) = (Absent::default(), ShareId([1; 32]));
        assert!(!absent.note(&share, false));
        assert!(absent.note(&share, true));
        assert!(!absent.note(&share, true));
        assert!(absent.note(&share, false));
        absent.note(&share, true);
        absent.retain(|_| false);
        assert!(!absent.note(&share, false));
    }

    #[test]
    fn what_was_not_read_is_so_until_all_was_looked_at() {
        let (absent, share) = (Absent::default(), ShareId([1; 32]));
        assert!(absent.note_unread(&share) && !absent.note_unread(&share));
        absent.note(&share, true);
        assert!(absent.is_unread(&share));
        assert!(absent.note(&share, false));
        assert!(!absent.is_unread(&share) && !absent.note(&share, false));
        absent.note_unread(&share);
        absent.retain(|_| false);
        assert!(!absent.is_unread(&share));
    }
}
