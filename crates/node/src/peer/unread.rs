//! Streams that are left unread while others wait for their place.
//!
//! The other side may hold a number of streams open on a connection. A stream whose bytes nobody takes holds one of these
//! places, and up to a window of memory, for as long as its application likes; that is its own affair until the places are
//! taken. From then on a stream is reset, both ways, once all of this holds:
//!
//! - the other side has as many streams open here as it may, so its next one waits;
//! - it opened this one, and nobody has asked for its bytes for a while ([`UNREAD_MAX_TIME`]): the last read gave some, or there
//!   was none, and none waits now;
//! - bytes lie there unread.
//!
//! The place is free once the other side has heard of it and let go of the stream. A slow reader for whose sake nobody waits keeps
//! its stream for ever, and so does who only writes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tracing::debug;

use crate::routing::stream::LEFT_UNREAD;
use crate::routing::{ReceiveHalf, SendHalf};

/// How long a stream may be left unread while others wait: whoever wrote to it has given up by then.
pub const UNREAD_MAX_TIME: Duration = Duration::from_secs(30);

/// How often it is looked for within that time. It costs a look at each stream of a connection whose places are nearly all taken.
const LOOKS: u32 = 6;

/// A half of a stream, shared with who resets it when it is left unread.
pub(super) type Shared<Half> = Arc<Mutex<Half>>;

/// A shared half, for a moment.
pub(super) fn hold<Half>(half: &Mutex<Half>) -> MutexGuard<'_, Half> {
    half.lock().expect("no code panics while it holds a half")
}

/// The streams that the other side of a connection opened and that are still open. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    patience: Duration,
    seats: Arc<Mutex<Vec<Weak<Seat>>>>,
}

/// The place of one stream, for as long as it is open.
#[derive(Debug)]
pub(super) struct Seat {
    since: Instant,
    /// When bytes were last asked for, in milliseconds after `since`; [`WAITS`] while somebody waits for them.
    asked: AtomicU64,
    halves: OnceLock<Halves>,
}

/// The halves of a stream, as long as somebody has them.
#[derive(Debug)]
struct Halves {
    receive: Weak<Mutex<ReceiveHalf>>,
    send: Weak<Mutex<SendHalf>>,
}

/// Somebody waits for bytes.
const WAITS: u64 = u64::MAX;

impl Crowd {
    /// Nobody yet. A stream may be left unread for `patience` while others wait.
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            seats: Arc::default(),
        }
    }

    /// A place for one more.
    pub(super) fn enter(&self) -> Arc<Seat> {
        let seat = Arc::new(Seat {
            since: Instant::now(),
            asked: AtomicU64::new(0),
            halves: OnceLock::new(),
        });
        self.seats().push(Arc::downgrade(&seat));
        seat
    }

    /// Whether so many of `places` are taken that the other side may not know of the others: the engine tells of free ones in
    /// steps of an eighth.
    pub(super) fn is_crowded(&self, places: u32) -> bool {
        self.has(places - places / 8)
    }

    /// Whether all of `places` are taken.
    pub(super) fn is_full(&self, places: u32) -> bool {
        self.has(places)
    }

    /// Whether at least `count` streams are open.
    fn has(&self, count: u32) -> bool {
        let (mut seats, count) = (self.seats(), count as usize);
        if seats.len() >= count {
            seats.retain(|seat| seat.strong_count() > 0);
        }
        seats.len() >= count
    }

    /// How long until it is worth another look.
    pub(super) fn look_again_after(&self) -> Duration {
        self.patience / LOOKS
    }

    /// Resets the streams that are left unread. To be called while all places are taken.
    pub(super) fn reset_unread(&self) {
        let seats: Vec<_> = self.seats().iter().filter_map(Weak::upgrade).collect();
        let reset = seats.iter().filter(|seat| seat.reset_unread(self.patience));
        let reset = reset.count();
        if reset > 0 {
            debug!(reset, "streams were left unread while others waited");
        }
    }

    fn seats(&self) -> MutexGuard<'_, Vec<Weak<Seat>>> {
        hold(&self.seats)
    }
}

impl Seat {
    /// These are the stream's halves.
    pub(super) fn take(&self, receive: &Shared<ReceiveHalf>, send: &Shared<SendHalf>) {
        let halves = Halves {
            receive: Arc::downgrade(receive),
            send: Arc::downgrade(send),
        };
        // It is taken once.
        let _ = self.halves.set(halves);
    }

    /// Bytes were asked for, with this result. To be called while the half is held.
    pub(super) fn asked<T>(&self, result: &Poll<T>) {
        let now = match result {
            Poll::Pending => WAITS,
            Poll::Ready(_) => u64::try_from(self.since.elapsed().as_millis()).unwrap_or(WAITS),
        };
        self.asked.store(now, Ordering::Relaxed);
    }

    /// Resets the stream if it is left unread for `patience`. Whether it was.
    fn reset_unread(&self, patience: Duration) -> bool {
        let halves = self.halves.get();
        let Some((Some(receive), Some(send))) =
            halves.map(|halves| (halves.receive.upgrade(), halves.send.upgrade()))
        else {
            return false;
        };
        let mut receive = hold(&receive);
        let asked = self.asked.load(Ordering::Relaxed);
        if asked == WAITS || self.since.elapsed() < Duration::from_millis(asked) + patience {
            return false;
        }
        // Nobody waits for bytes, so there is nobody whose waiting this could disturb.
        let mut context = Context::from_waker(Waker::noop());
        let next = std::pin::pin!(receive.read_chunk(1)).poll(&mut context);
        let is_unread = matches!(next, Poll::Ready(Ok(Some(_))));
        if is_unread {
            receive.stop(LEFT_UNREAD);
            hold(&send).reset(LEFT_UNREAD);
        }
        is_unread
    }
}
