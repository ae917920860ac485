//! Counts the open streams of a connection, so that the session machine knows when it is idle, and of them those on which somebody waits for
//! a first answer, so that it is noticed when there is nobody to give one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::Notify;

/// The count of one connection. Clones share it.
#[derive(Clone)]
pub(super) struct OpenStreams(Arc<Counter>);

struct Counter {
    open: AtomicU32,
    /// How many of them ask: somebody waits for their first answer.
    asking: AtomicU32,
    /// Told when one begins to.
    asked: Notify,
    /// Whether a change was told that nobody has taken yet.
    is_told: AtomicBool,
    changed: Box<dyn Fn() + Send + Sync>,
}

/// One open stream; it is counted until its last clone is dropped.
#[derive(Clone, Debug)]
pub(super) struct OpenStream(Arc<Counted>);

struct Counted {
    streams: OpenStreams,
    asks: AtomicBool,
}

impl OpenStreams {
    /// Counts from 0. `changed` is called when the count leaves 0 or comes back to it, and not again before
    /// [`OpenStreams::take_change`]: whoever opens and ends streams all the time is told of as often as that is taken.
    pub(super) fn new(changed: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(Counter {
            open: AtomicU32::new(0),
            asking: AtomicU32::new(0),
            asked: Notify::new(),
            is_told: AtomicBool::new(false),
            changed: Box::new(changed),
        }))
    }

    /// Counts one more.
    pub(super) fn count(&self) -> OpenStream {
        if self.0.open.fetch_add(1, Ordering::AcqRel) == 0 {
            self.0.tell();
        }
        OpenStream(Arc::new(Counted {
            streams: self.clone(),
            asks: AtomicBool::new(false),
        }))
    }

    /// Waits until one asks.
    pub(super) async fn asked(&self) {
        while self.asking() == 0 {
            self.0.asked.notified().await;
        }
    }

    /// How many ask.
    pub(super) fn asking(&self) -> u32 {
        self.0.asking.load(Ordering::Acquire)
    }

    /// How many are open and do not ask.
    pub(super) fn in_use(&self) -> u32 {
        self.open().saturating_sub(self.asking())
    }

    /// How many are open.
    pub(super) fn open(&self) -> u32 {
        self.0.open.load(Ordering::Acquire)
    }

    /// How many are open, for who was told of a change.
    pub(super) fn take_change(&self) -> u32 {
        // Before the count is read: what changes later is told again.
        self.0.is_told.swap(false, Ordering::AcqRel);
        self.open()
    }
}

impl OpenStream {
    /// Somebody waits for its first answer from now on.
    pub(super) fn ask(&self) {
        let counter = &self.0.streams.0;
        if !self.0.asks.swap(true, Ordering::AcqRel) {
            counter.asking.fetch_add(1, Ordering::AcqRel);
            counter.asked.notify_one();
        }
    }

    /// That has come, or is not all that it is for.
    pub(super) fn answered(&self) {
        self.0.answered();
    }
}

impl Counted {
    fn answered(&self) {
        if self.asks.swap(false, Ordering::AcqRel) {
            self.streams.0.asking.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Counter {
    fn tell(&self) {
        if !self.is_told.swap(true, Ordering::AcqRel) {
            (self.changed)();
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.answered();
        let counter = &self.streams.0;
        if counter.open.fetch_sub(1, Ordering::AcqRel) == 1 {
            counter.tell();
        }
    }
}

impl std::fmt::Debug for Counted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Counted")
    }
}

impl std::fmt::Debug for OpenStreams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OpenStreams({})", self.open())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A count, and how often changes of it were told.
    fn counted() -> (OpenStreams, Arc<AtomicU32>) {
        let told = Arc::new(AtomicU32::new(0));
        let sink = told.clone();
        let streams = OpenStreams::new(move || {
            sink.fetch_add(1, Ordering::Relaxed);
        });
        (streams, told)
    }

    #[test]
    fn only_the_edges_are_told() {
        let (streams, told) = counted();
        let first = streams.count();
        assert_eq!(streams.take_change(), 1);
        let second = streams.count();
        let clone = second.clone();
        drop(first);
        drop(second);
        assert_eq!(told.load(Ordering::Relaxed), 1);
        drop(clone);
        assert_eq!(told.load(Ordering::Relaxed), 2);
        assert_eq!(streams.take_change(), 0);
    }

    #[test]
    fn a_stream_asks_until_it_is_answered_or_gone() {
        let (streams, _) = counted();
        let (asks, used) = (streams.count(), streams.count());
        assert_eq!((streams.asking(), streams.in_use()), (0, 2));
        asks.ask();
        asks.clone().ask();
        used.ask();
        assert_eq!((streams.asking(), streams.in_use()), (2, 0));
        used.answered();
        used.answered();
        assert_eq!((streams.asking(), streams.in_use()), (1, 1));
        drop(asks);
        assert_eq!((streams.asking(), streams.in_use()), (0, 1));
    }

    #[test]
    fn streams_that_come_and_go_are_told_once_until_somebody_looks() {
        let (streams, told) = counted();
        for _ in 0..1000 {
            drop(streams.count());
        }
        assert_eq!(told.load(Ordering::Relaxed), 1);
        assert_eq!(streams.take_change(), 0);
        drop(streams.count());
        assert_eq!(told.load(Ordering::Relaxed), 2);
    }
}
