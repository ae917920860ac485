//! Keeping shares fresh for as long as a node runs: a folder that changed becomes a new head by itself.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kith_core::time::Time;

use crate::content::shares::Shares;
use crate::content::watch::Watch;

/// After a failure of the database, which may pass.
const RETRY: Duration = Duration::from_secs(60);

/// Watches and rescans what is shared, until it is dropped. New heads are told by [`Shares::changes`].
pub async fn follow(shares: Arc<Shares>, now: fn() -> Time) {
    let mut watch: Option<Watch> = None;
    loop {
        let (tended, mut held) = (Arc::clone(&shares), watch.take());
        let tending = tokio::task::spawn_blocking(move || {
            let next = tended.tend(&mut held, now());
            (next, held)
        });
        let next: io::Result<Instant> = match tending.await {
            Ok((next, held)) => {
                watch = held;
                next
            }
            // The runtime is stopping.
            Err(_) => return,
        };
        let next = next.unwrap_or_else(|error| {
            tracing::warn!(%error, "cannot look whether shared folders changed");
            Instant::now() + RETRY
        });
        tokio::select! {
            () = tokio::time::sleep_until(next.into()) => {}
            () = shares.news() => {}
        }
    }
}
