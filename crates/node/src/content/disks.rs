//! Asking disks whether what is shared lies on them, without waiting for one that does not answer: a network disk whose server is away keeps whoever
//! looks at it for as long as that lasts, and nothing ends such a look.
//!
//! So each look is made by a thread that nobody has to wait for, and of each share there is one at most: who asks again while one is under way that has
//! not come back in time is told so at once.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use kith_core::ids::ShareId;

use crate::data::scan::{Root, absent};

/// How long a look is waited for. One at a disk that is there takes milliseconds, also over a network; a person who has asked for a list bears this. A
/// disk that slept needs some seconds longer, and is told as one that does not answer until then.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// After how long without an answer others take over what is still to be looked at.
const SILENT_AFTER: Duration = Duration::from_millis(100);

/// How many they are then, each time: whatever lies on a disk that does not answer keeps one of them, and what lies elsewhere has its turn before
/// [`ANSWERS_WITHIN`] is over, as long as fewer than 150 shares lie on such disks.
const MORE_AT_ONCE: usize = 8;

/// Where a share is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Where it is shared from.
    There,
    /// This is not there, or cannot be read.
    Absent(PathBuf),
    /// The disk does not answer on which this lies, or something beside it.
    Silent(PathBuf),
}

/// What looks: the first root that is not there.
type Look = dyn Fn(&[Root]) -> Option<PathBuf> + Send + Sync;

/// A share, and what it is shared from.
type Wanted = (ShareId, Vec<Root>);

/// The disks that shares lie on.
#[derive(Clone)]
pub(super) struct Disks {
    look: Arc<Look>,
    looks: Arc<Looks>,
    /// How long a look is waited for.
    within: Duration,
}

impl Default for Disks {
    fn default() -> Self {
        let look = |roots: &[Root]| absent(roots).map(|(path, _)| path.to_owned());
        Self::new(ANSWERS_WITHIN, look)
    }
}

impl Disks {
    fn new(
        within: Duration,
        look: impl Fn(&[Root]) -> Option<PathBuf> + Send + Sync + 'static,
    ) -> Self {
        Self {
            look: Arc::new(look),
            looks: Arc::default(),
            within,
        }
    }

    /// Where these are. Blocks until all is known, or no answer has come for [`ANSWERS_WITHIN`]; of what nobody came to look at by then nothing is said.
    pub(super) fn ask(&self, wanted: Vec<Wanted>) -> BTreeMap<ShareId, Place> {
        let first = |(share, roots): &Wanted| Some((*share, roots.first()?.path.clone()));
        let mut unanswered: BTreeMap<_, _> = wanted.iter().filter_map(first).collect();
        let queue = Arc::new(Mutex::new(VecDeque::from(wanted)));
        let (answers, answered) = mpsc::channel();
        let mut places = BTreeMap::new();
        let mut answered_at = Instant::now();
        self.begin(1, &queue, &answers);
        while !unanswered.is_empty() && answered_at.elapsed() < self.within {
            match answered.recv_timeout(SILENT_AFTER) {
                Ok((share, place)) => {
                    unanswered.remove(&share);
                    places.insert(share, place);
                    answered_at = Instant::now();
                }
                Err(_) => self.begin(MORE_AT_ONCE, &queue, &answers),
            }
        }
        // Nobody looks at these any more.
        for (share, _) in locked(&queue).drain(..) {
            unanswered.remove(&share);
        }
        let silent = unanswered.into_iter();
        places.extend(silent.map(|(share, path)| (share, Place::Silent(path))));
        places
    }

    /// Has so many more look at what is in the queue, one after the other.
    fn begin(
        &self,
        more: usize,
        queue: &Arc<Mutex<VecDeque<Wanted>>>,
        answers: &mpsc::Sender<(ShareId, Place)>,
    ) {
        let left = locked(queue).len();
        for _ in 0..more.min(left) {
            let (this, queue, answers) = (self.clone(), Arc::clone(queue), answers.clone());
            let looking = move || {
                loop {
                    let next = locked(&queue).pop_front();
                    let Some((share, roots)) = next else { return };
                    let place = this.look_at(share, &roots);
                    // Whoever asked has gone.
                    if answers.send((share, place)).is_err() {
                        return;
                    }
                }
            };
            let thread = thread::Builder::new().name("look".to_owned());
            if let Err(error) = thread.spawn(looking) {
                tracing::debug!(%error, "no thread to look at disks with");
            }
        }
    }

    fn look_at(&self, share: ShareId, roots: &[Root]) -> Place {
        let Some(_look) = self.looks.begin(share, self.within) else {
            let path = roots.first().map(|root| root.path.clone());
            return path.map_or(Place::There, Place::Silent);
        };
        (self.look)(roots).map_or(Place::There, Place::Absent)
    }
}

/// The looks under way, each with its begin: one of a share at most.
#[derive(Default)]
struct Looks {
    begun: Mutex<BTreeMap<ShareId, Instant>>,
    ended: Condvar,
}

impl Looks {
    /// Begins the one look at a share, after one that is under way and comes back in time; `None` where it does not.
    fn begin(self: &Arc<Self>, share: ShareId, within: Duration) -> Option<UnderWay> {
        let mut begun = locked(&self.begun);
        while let Some(since) = begun.get(&share) {
            let left = within.checked_sub(since.elapsed())?;
            let waited = self.ended.wait_timeout(begun, left);
            begun = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        begun.insert(share, Instant::now());
        let looks = Arc::clone(self);
        Some(UnderWay { share, looks })
    }
}

/// A look under way, until it is dropped.
struct UnderWay {
    share: ShareId,
    looks: Arc<Looks>,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        locked(&self.looks.begun).remove(&self.share);
        self.looks.ended.notify_all();
    }
}

fn locked<T>(it: &Mutex<T>) -> MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// How long anything may take here on a busy machine.
    const PATIENCE: Duration = Duration::from_secs(60);

    /// A disk that answers once it is plugged in, below `/away`; nothing is below `/gone`, and all else is there.
    #[derive(Default)]
    struct Away {
        plugged_in: Mutex<bool>,
        changed: Condvar,
        looks: AtomicUsize,
    }

    impl Away {
        fn disks(self: &Arc<Self>, within: Duration) -> Disks {
            let away = Arc::clone(self);
            Disks::new(within, move |roots| {
                let path = roots.first()?.path.clone();
                if path.starts_with("/away") {
                    away.looks.fetch_add(1, Ordering::Relaxed);
                    let hung = away.changed.wait_while(locked(&away.plugged_in), |it| !*it);
                    drop(hung.unwrap_or_else(PoisonError::into_inner));
                }
                path.starts_with("/gone").then_some(path)
            })
        }

        fn plug_in(&self) {
            *locked(&self.plugged_in) = true;
            self.changed.notify_all();
        }
    }

    fn share(number: u8, path: &str) -> Wanted {
        let path = PathBuf::from(path);
        let was_mounted = false;
        (ShareId([number; 32]), vec![Root { path, was_mounted }])
    }

    fn places(disks: &Disks, wanted: &[Wanted]) -> Vec<Place> {
        let mut places = disks.ask(wanted.to_vec());
        let of = |(share, _): &Wanted| places.remove(share).expect("said");
        wanted.iter().map(of).collect()
    }

    #[test]
    fn a_disk_that_does_not_answer_is_told_beside_others_and_looked_at_once() {
        let away = Arc::new(Away::default());
        let disks = away.disks(ANSWERS_WITHIN);
        let wanted = [share(1, "/away/a"), share(2, "/docs"), share(3, "/gone/b")];
        let silent = [
            Place::Silent("/away/a".into()),
            Place::There,
            Place::Absent("/gone/b".into()),
        ];
        assert_eq!(places(&disks, &wanted), silent);
        // From then on nobody waits for it, and no further thread hangs.
        for _ in 0..10 {
            assert_eq!(places(&disks, &wanted), silent);
        }
        assert_eq!(away.looks.load(Ordering::Relaxed), 1);
        away.plug_in();
        let there = [&[Place::There][..], &silent[1..]].concat();
        let begun = Instant::now();
        while places(&disks, &wanted) != there {
            assert!(begun.elapsed() < PATIENCE, "it is not told as there");
        }
    }

    #[test]
    fn what_lies_elsewhere_is_told_however_much_lies_on_a_disk_that_does_not_answer() {
        let away = Arc::new(Away::default());
        let disks = away.disks(ANSWERS_WITHIN);
        let mut wanted: Vec<Wanted> = (0..40).map(|number| share(number, "/away")).collect();
        wanted.extend((40..50).map(|number| share(number, "/docs")));
        let places = places(&disks, &wanted);
        assert_eq!(places[..40], vec![Place::Silent("/away".into()); 40]);
        assert_eq!(places[40..], [const { Place::There }; 10]);
        away.plug_in();
    }

    #[test]
    fn who_asks_while_a_look_is_under_way_waits_for_its_answer() {
        let away = Arc::new(Away::default());
        let disks = away.disks(PATIENCE);
        let wanted = [share(1, "/away/a")];
        let first = {
            let (disks, wanted) = (disks.clone(), wanted.clone());
            thread::spawn(move || places(&disks, &wanted))
        };
        let begun = Instant::now();
        while away.looks.load(Ordering::Relaxed) == 0 {
            assert!(begun.elapsed() < PATIENCE, "nobody looks");
            thread::yield_now();
        }
        let second = thread::spawn(move || places(&disks, &wanted));
        away.plug_in();
        for asked in [first, second] {
            assert_eq!(asked.join().expect("sound"), [Place::There]);
        }
    }
}
