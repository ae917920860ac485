//! What an application holds to share and to fetch.

use std::sync::{Arc, Mutex, PoisonError};

use crate::content::{AlreadyHere, ShareError, Shares};
use crate::error::Error;
use crate::peer::node::Node;

/// What a node shares, and what others share with it.
#[derive(Clone, Debug)]
pub struct Contents {
    pub(super) node: Node,
}

impl Node {
    /// What it shares, and what others share with it.
    pub fn contents(&self) -> Contents {
        Contents { node: self.clone() }
    }
}

impl Contents {
    /// Where what is to be fetched may lie already: in what is shared or provided, and among what was read. What the database or the disk does not
    /// tell is fetched.
    pub(super) fn already_here(&self) -> AlreadyHere {
        let (shares, cache) = (Arc::clone(self.node.shares()), self.cache());
        let read = Mutex::new(None);
        Arc::new(move |wanted| {
            let mut here = shares.already_here(wanted).unwrap_or_default();
            let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
            let read = read.get_or_insert_with(|| cache.whole_files().unwrap_or_default());
            for blob in wanted {
                if let Some(found) = read.find(blob) {
                    here.entry(blob.hash).or_default().push(found);
                }
            }
            here
        })
    }

    /// Runs what waits for the disk, away from the runtime's workers.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shares) -> Result<T, ShareError> + Send + 'static,
    ) -> Result<T, Error> {
        let shares = Arc::clone(self.node.shares());
        let done = tokio::task::spawn_blocking(move || work(&shares)).await;
        Ok(done.map_err(|_| Error::Closed)??)
    }
}
