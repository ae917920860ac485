//! The streams that calls have become, or may become, by number.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use kith::Stream;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use utoipa::ToSchema;

use crate::failure::Failure;

/// Outcomes kept for whoever asks; the oldest goes first. Who wants to know asks at once.
const OUTCOMES_MAX: usize = 4096;

/// Incoming streams that wait for a call to take them: as many as one protocol lets wait.
const WAITING_MAX: usize = kith::peer::protocols::WAITING_MAX;

/// How a stream ended: as both sides meant it to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Ended {
    /// Bytes sent to the peer.
    pub(crate) sent: u64,
    /// Bytes received from it.
    pub(crate) received: u64,
}

pub(super) type Outcome = Result<Ended, Failure>;

/// The streams that calls have become, or may become.
#[derive(Clone, Debug, Default)]
pub(super) struct Streams(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    last: u64,
    waiting: BTreeMap<u64, (String, Stream)>,
    begun: BTreeMap<u64, Begun>,
}

/// A stream that a call has become.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    pub(super) outcome: watch::Receiver<Option<Outcome>>,
    pub(super) last_bytes: LastBytes,
}

/// Whether a caller said that the end of its bytes, once it comes, is the end of all it has to say. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct LastBytes(Arc<AtomicBool>);

impl LastBytes {
    /// It says so.
    pub(super) fn announce(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it did.
    pub(super) fn are_announced(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

impl Streams {
    /// Keeps a stream of the peer called `name` for a call to take; `None`, and a reset, when too many wait already.
    pub(super) fn keep(&self, name: String, stream: Stream) -> Option<u64> {
        let mut table = self.lock();
        if table.waiting.len() >= WAITING_MAX {
            return None;
        }
        table.last += 1;
        let number = table.last;
        table.waiting.insert(number, (name, stream));
        Some(number)
    }

    /// A kept stream, which is then no longer kept.
    pub(super) fn take(&self, number: u64) -> Option<(String, Stream)> {
        self.lock().waiting.remove(&number)
    }

    /// A number for a stream that begins, a place for its outcome, and where its end will be announced.
    pub(super) fn begin(&self) -> (u64, watch::Sender<Option<Outcome>>, LastBytes) {
        let (sender, outcome) = watch::channel(None);
        let last_bytes = LastBytes::default();
        let mut table = self.lock();
        table.last += 1;
        let number = table.last;
        if table.begun.len() >= OUTCOMES_MAX {
            table.begun.pop_first();
        }
        let begun = Begun {
            outcome,
            last_bytes: last_bytes.clone(),
        };
        table.begun.insert(number, begun);
        (number, sender, last_bytes)
    }

    pub(super) fn forget(&self, number: u64) {
        self.lock().begun.remove(&number);
    }

    pub(super) fn begun(&self, number: u64) -> Result<Begun, Failure> {
        let begun = self.lock().begun.get(&number).cloned();
        begun.ok_or_else(|| no_stream(number))
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0
            .lock()
            .expect("no code panics while it holds the table")
    }
}

pub(super) fn no_stream(number: u64) -> Failure {
    Failure::new(
        kith::ErrorKind::NotFound,
        format!("there is no stream {number} (any more)"),
    )
}
