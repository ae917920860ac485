//! What is fetched is provided, from the first chunk on until its copy is.

use std::sync::Arc;

use kith_core::data::head::Audience;
use tokio::sync::{mpsc, watch};

use crate::content::swarm::Giving;
use crate::content::underway::Underway;

/// Chunks told of together.
const BATCH_CHUNKS: usize = 512;

/// How a transfer is provided while it lasts.
#[derive(Clone, Debug)]
pub struct Providing {
    /// Through whom.
    pub giving: Arc<Giving>,
    /// Told to whom when it has begun; closed when it is over.
    pub audience: Arc<watch::Sender<Option<Audience>>>,
}

/// A transfer that is provided, until this is dropped.
#[derive(Debug)]
pub struct Offered {
    providing: Providing,
    underway: Arc<Underway>,
}

impl Offered {
    /// Begins to provide.
    pub(super) fn begin(
        providing: Providing,
        underway: Underway,
        mut held: mpsc::UnboundedReceiver<u32>,
    ) -> Arc<Self> {
        let (giving, underway) = (Arc::clone(&providing.giving), Arc::new(underway));
        giving.shares.underways().begin(&underway);
        giving.settle_soon(underway.key());
        let (told, telling) = (Arc::clone(&giving), underway.key());
        tokio::spawn(async move {
            let mut chunks = Vec::new();
            while held.recv_many(&mut chunks, BATCH_CHUNKS).await > 0 {
                told.hold(&telling, chunks.drain(..));
            }
        });
        let audience = underway.head.audience;
        providing.audience.send_replace(Some(audience));
        Arc::new(Self {
            providing,
            underway,
        })
    }

    /// All that was wanted is here, and about to get its name.
    pub(super) fn complete(&self) {
        self.underway.complete();
        self.providing.giving.settle_soon(self.underway.key());
    }
}

impl Drop for Offered {
    fn drop(&mut self) {
        let giving = &self.providing.giving;
        let shares = &giving.shares;
        shares.underways().end(&self.underway);
        if self.underway.done().is_none() {
            // What else is here of it stays so; who was told of what is not comes again.
            match tokio::runtime::Handle::try_current() {
                Ok(_) => giving.settle_soon(self.underway.key()),
                Err(_) => giving.withdraw(&self.underway.key()),
            }
        }
        // Who asks is told that it is gone, unless the copy is there.
        shares.doubt();
    }
}
