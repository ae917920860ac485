//! Which of what is shared is not where it is shared from: see [`placed`](super::placed).

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use kith_core::ids::ShareId;

/// Which own shares were not there when they were looked at last; of no more than there are.
#[derive(Debug, Default)]
pub(super) struct Absent(Mutex<BTreeSet<ShareId>>);

impl Absent {
    /// Whether that is news.
    pub(super) fn note(&self, share: &ShareId, is_absent: bool) -> bool {
        let mut absent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match is_absent {
            true => absent.insert(*share),
            false => absent.remove(share),
        }
    }

    /// Forgets the shares that are no more.
    pub(super) fn retain(&self, is_there: impl Fn(&ShareId) -> bool) {
        let mut absent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        absent.retain(is_there);
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
}
