//! Keeping shares fresh for as long as a node runs: a folder that changed becomes a new head by itself.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kith_core::time::Time;

use crate::content::fresh::Watches;
use crate::content::shares::Shares;

/// After a failure of the database, which may pass.
const RETRY: Duration = Duration::from_secs(60);

/// How often outboards of files that are shared no longer are swept away: they are a 256th of what was shared.
const SWEEP_EVERY: Duration = Duration::from_secs(60 * 60);

/// Watches and rescans what is shared, until it is dropped. New heads are told by [`Shares::events`].
pub async fn follow(shares: Arc<Shares>, now: fn() -> Time) {
    let mut watches = Watches::default();
    let mut swept: Option<Instant> = None;
    loop {
        let (tended, mut held) = (Arc::clone(&shares), std::mem::take(&mut watches));
        let is_sweep_due = swept.is_none_or(|at| at.elapsed() >= SWEEP_EVERY);
        let tending = tokio::task::spawn_blocking(move || {
            let next = tended.tend(&mut held, now());
            if is_sweep_due && let Err(error) = tended.sweep() {
                tracing::warn!(%error, "cannot remove what is kept of files that are shared no longer");
            }
            (next, held)
        });
        if is_sweep_due {
            swept = Some(Instant::now());
        }
        let next: io::Result<Instant> = match tending.await {
            Ok((next, held)) => {
                watches = held;
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
