//! Signs of life of work that reads disks: each piece that was read is one. A disk that does not answer, as a network disk whose server is away, gives none, and
//! nothing ends what waits for it; so such work has threads of its own as well, beside those that all others share.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

thread_local! {
    /// Of what this thread works for.
    static OWN: RefCell<Option<Pulse>> = const { RefCell::new(None) };
}

/// The signs of life of some work.
#[derive(Clone, Debug)]
pub(crate) struct Pulse(Arc<Signs>);

#[derive(Debug)]
struct Signs {
    begun: Instant,
    /// When the last was given, in milliseconds since then.
    last_ms: AtomicU64,
}

/// A thread works for something, until this is dropped, there.
#[derive(Debug)]
pub(crate) struct Beating {
    before: Option<Pulse>,
    _of_its_thread: PhantomData<*const ()>,
}

/// Gives a sign of life of what this thread works for.
pub(crate) fn beat() {
    OWN.with_borrow(|own| {
        if let Some(Pulse(signs)) = own {
            let now = u64::try_from(signs.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            signs.last_ms.store(now, Ordering::Relaxed);
        }
    });
}

/// Does something that reads disks with threads of its own, which work for what this one works for. Where there are none more the common ones do it.
pub(crate) fn with_own_threads<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let own = OWN.with_borrow(Clone::clone);
    let threads = rayon::ThreadPoolBuilder::new()
        .thread_name(|number| format!("scan-{number}"))
        .start_handler(move |_| OWN.set(own.clone()))
        .build();
    match threads {
        Ok(threads) => threads.install(work),
        Err(error) => {
            tracing::debug!(%error, "no threads to scan with");
            work()
        }
    }
}

impl Default for Pulse {
    fn default() -> Self {
        Self(Arc::new(Signs {
            begun: Instant::now(),
            last_ms: AtomicU64::new(0),
        }))
    }
}

impl Pulse {
    /// This thread works for it from now on.
    pub(crate) fn enter(&self) -> Beating {
        Beating {
            before: OWN.replace(Some(self.clone())),
            _of_its_thread: PhantomData,
        }
    }

    /// How long ago the last sign was given.
    pub(crate) fn since_last(&self) -> Duration {
        let last = Duration::from_millis(self.0.last_ms.load(Ordering::Relaxed));
        self.0.begun.elapsed().saturating_sub(last)
    }
}

impl Drop for Beating {
    fn drop(&mut self) {
        OWN.set(self.before.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_of_its_own_give_signs_of_life_of_the_work_and_others_do_not() {
        let pulse = Pulse::default();
        let last = || pulse.0.last_ms.load(Ordering::Relaxed);
        while pulse.0.begun.elapsed() < Duration::from_millis(2) {
            std::thread::yield_now();
        }
        beat();
        assert_eq!(last(), 0, "it works for nothing");
        let beating = pulse.enter();
        with_own_threads(beat);
        assert!(last() > 0);
        assert!(pulse.since_last() < Duration::from_secs(60));
        drop(beating);
        assert!(OWN.with_borrow(Option::is_none));
    }
}
