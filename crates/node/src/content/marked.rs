//! Shares with which something happened, until somebody looks at them: each once, however often it did.

use std::collections::BTreeSet;

use kith_core::ids::ShareId;
use tokio::sync::watch;

/// Such shares. There are no more than shares that the node knows.
#[derive(Debug, Default)]
pub(super) struct Marked(watch::Sender<BTreeSet<ShareId>>);

impl Marked {
    /// It happened with this one.
    pub(super) fn mark(&self, share: ShareId) {
        self.0.send_modify(|shares| {
            shares.insert(share);
        });
    }

    /// Waits until there are some, and takes them. For one who looks, who misses none.
    pub(super) async fn take(&self) -> BTreeSet<ShareId> {
        let mut shares = self.0.subscribe();
        // Its sender is held by this.
        let _ = shares.wait_for(|shares| !shares.is_empty()).await;
        drop(shares);
        self.0.send_replace(BTreeSet::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_share_is_taken_once_however_often_it_was_marked() {
        let marked = Marked::default();
        let [early, late] = [1, 2].map(|number| ShareId([number; 32]));
        for share in [early, late, early] {
            marked.mark(share);
        }
        assert_eq!(marked.take().await, [early, late].into());
        let waiting = async {
            tokio::task::yield_now().await;
            marked.mark(late);
        };
        let (taken, ()) = tokio::join!(marked.take(), waiting);
        assert_eq!(taken, [late].into());
    }
}
