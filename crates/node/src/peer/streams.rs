//! Counts the open streams of a connection, so that the session machine knows when it is idle.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The count of one connection. Clones share it.
#[derive(Clone)]
pub(super) struct OpenStreams(Arc<Counter>);

struct Counter {
    open: AtomicU32,
    changed: Box<dyn Fn(u32) + Send + Sync>,
}

/// One open stream; it is counted until its last clone is dropped.
#[derive(Clone, Debug)]
pub(super) struct OpenStream(#[expect(dead_code, reason = "held for its drop")] Arc<Counted>);

struct Counted(OpenStreams);

impl OpenStreams {
    /// Counts from 0. `changed` is called whenever the count leaves 0 or comes back to it.
    pub(super) fn new(changed: impl Fn(u32) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Counter {
            open: AtomicU32::new(0),
            changed: Box::new(changed),
        }))
    }

    /// Counts one more.
    pub(super) fn count(&self) -> OpenStream {
        if self.0.open.fetch_add(1, Ordering::Relaxed) == 0 {
            (self.0.changed)(1);
        }
        OpenStream(Arc::new(Counted(self.clone())))
    }

    /// How many are open.
    pub(super) fn open(&self) -> u32 {
        self.0.open.load(Ordering::Relaxed)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.0.0.open.fetch_sub(1, Ordering::Relaxed) == 1 {
            (self.0.0.changed)(0);
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
    use std::sync::Mutex;

    #[test]
    fn only_the_edges_are_told() {
        let told = Arc::new(Mutex::new(Vec::new()));
        let sink = told.clone();
        let streams = OpenStreams::new(move |open| sink.lock().expect("test").push(open));
        let first = streams.count();
        let second = streams.count();
        let clone = second.clone();
        drop(first);
        drop(second);
        assert_eq!(*told.lock().expect("test"), [1]);
        drop(clone);
        assert_eq!(*told.lock().expect("test"), [1, 0]);
    }
}
