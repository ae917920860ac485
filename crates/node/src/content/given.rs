//! What was given to somebody of a share, until it is remembered.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kith_core::ids::PeerId;
use kith_core::time::Time;

use crate::content::fetches::Version;
use crate::content::shares::Shares;

/// How often it is remembered at least what was given to whom, while more is.
const RECORD_EVERY: Duration = Duration::from_secs(10);

/// What was given on a stream and is not yet recorded. It is when this is dropped.
pub(super) struct Given {
    shares: Arc<Shares>,
    version: Version,
    peer: Option<PeerId>,
    now: fn() -> Time,
    bytes: u64,
    since: Instant,
}

impl Given {
    /// Nothing so far.
    pub(super) fn new(
        shares: Arc<Shares>,
        version: Version,
        peer: Option<PeerId>,
        now: fn() -> Time,
    ) -> Self {
        Self {
            shares,
            version,
            peer,
            now,
            bytes: 0,
            since: Instant::now(),
        }
    }

    /// So many bytes of files more.
    pub(super) fn add(&mut self, bytes: u64) {
        self.bytes += bytes;
        if self.since.elapsed() >= RECORD_EVERY {
            self.record();
        }
    }

    fn record(&mut self) {
        self.since = Instant::now();
        let bytes = std::mem::take(&mut self.bytes);
        if bytes == 0 {
            return;
        }
        let (shares, version, peer) = (Arc::clone(&self.shares), self.version, self.peer);
        let now = (self.now)();
        // Nobody waits for it.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = shares.record(&version, peer, bytes, now) {
                tracing::debug!(%error, "cannot remember who fetched what");
            }
        });
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        self.record();
    }
}
