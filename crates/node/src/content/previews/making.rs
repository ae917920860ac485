//! What is made here: previews of files that lie in own shares and copies, each made once and kept.

use std::collections::BTreeSet;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use kith_core::content::preview::{Refusal, Size, jpeg};
use kith_core::ids::BlobHash;
use tokio::sync::{Semaphore, watch};
use tracing::debug;

use super::kept::Kept;
use super::worker::{Unmade, Worker};
use crate::content::lying::Lying;
use crate::content::shares::Shares;
use crate::data::hash::Stamp;

/// Which way of making them this is: a later one makes all anew, in a folder of its own.
const VERSION: &str = "1";

/// What previews made here take of the disk at most: 50,000 small ones.
const MADE_BYTES_MAX: u64 = 1 << 30;

/// What previews that were given by others take of the disk at most.
const GIVEN_BYTES_MAX: u64 = 512 << 20;

/// The most pictures worked on at once, on whatever machine: each may take a GiB of memory. Below it, one for each processor: they are
/// scheduled behind everything else.
const PLACES_MAX: usize = 8;

/// How many pictures are remembered, for one run, that a worker died over. When it is full they are tried again.
const LOST_MAX: usize = 1_024;

/// A preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// Of which file.
    pub hash: BlobHash,
    /// The picture: a JPEG that was [examined](jpeg::examine).
    pub jpeg: Vec<u8>,
}

/// The previews of a node.
#[derive(Debug)]
pub struct Previews {
    pub(super) shares: Arc<Shares>,
    worker: Option<Worker>,
    made: Kept,
    given: Kept,
    /// How many pictures are worked on at once.
    pub(super) width: usize,
    places: Semaphore,
    /// What is being made: whoever wants the same waits for it.
    busy: watch::Sender<BTreeSet<(BlobHash, Size)>>,
    /// How many are being waited for.
    demand: watch::Sender<usize>,
    lost: Mutex<BTreeSet<(BlobHash, Size)>>,
}

impl Previews {
    /// Of these shares, kept in this folder, made by this program; `None` makes none.
    pub fn new(shares: Arc<Shares>, folder: &Path, worker: Option<Worker>) -> Self {
        let folder = folder.join(VERSION);
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let width = cores.min(PLACES_MAX);
        Self {
            shares,
            worker,
            made: Kept::new(folder.join("made"), MADE_BYTES_MAX),
            given: Kept::new(folder.join("given"), GIVEN_BYTES_MAX),
            width,
            places: Semaphore::new(width),
            busy: watch::Sender::default(),
            demand: watch::Sender::new(0),
            lost: Mutex::default(),
        }
    }

    /// Whether any are made here.
    pub fn makes(&self) -> bool {
        self.worker.is_some()
    }

    /// What others gave.
    pub(crate) fn given(&self) -> &Kept {
        &self.given
    }

    /// The preview of a file that lies here, made now if there is none yet, before all that nobody waits for.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn of(self: &Arc<Self>, lying: &Lying, size: Size) -> Result<Preview, Refusal> {
        if let Some(known) = self.known(lying.hash, size).await {
            return known;
        }
        let _waiting = Waiting::new(&self.demand);
        self.make(lying, size).await
    }

    /// The same, when nobody waits for another one.
    pub(super) async fn of_ahead(self: &Arc<Self>, lying: &Lying, size: Size) {
        if self.made.has(&name(lying.hash, size)) {
            return;
        }
        let mut demand = self.demand.subscribe();
        if demand.wait_for(|waiting| *waiting == 0).await.is_ok()
            && let Err(why) = self.make(lying, size).await
        {
            debug!(?why, "a picture has no preview");
        }
    }

    /// What was made of it before, or why nothing was.
    async fn known(
        self: &Arc<Self>,
        hash: BlobHash,
        size: Size,
    ) -> Option<Result<Preview, Refusal>> {
        let this = Arc::clone(self);
        let read = move || this.made.get(&name(hash, size));
        let kept = tokio::task::spawn_blocking(read).await.ok().flatten()?;
        if let [tag] = kept.as_slice() {
            return refusal(*tag).map(Err);
        }
        // Not what a power failure left of it.
        jpeg::examine(&kept, size)?;
        Some(Ok(Preview { hash, jpeg: kept }))
    }

    async fn make(self: &Arc<Self>, lying: &Lying, size: Size) -> Result<Preview, Refusal> {
        let Some(worker) = &self.worker else {
            return Err(Refusal::NotMade);
        };
        let hash = lying.hash;
        let _alone = Alone::with(&self.busy, (hash, size)).await;
        let Ok(_place) = self.places.acquire().await else {
            return Err(Refusal::NotMade);
        };
        // Somebody else may have made it meanwhile, or lost it.
        if let Some(known) = self.known(hash, size).await {
            return known;
        }
        if self.lost().contains(&(hash, size)) {
            return Err(Refusal::Broken);
        }
        let file = lying.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let (file, stamp) = file.open()?;
            let again = file.try_clone().ok()?;
            Some((file, again, stamp))
        });
        let (file, again, stamp) = opened.await.ok().flatten().ok_or(Refusal::Changed)?;
        let made = worker.make(file, size).await;
        let is_same = again
            .metadata()
            .is_ok_and(|metadata| Stamp::of(&metadata) == stamp);
        if !is_same {
            return Err(Refusal::Changed);
        }
        let (kept, made) = match made {
            Ok(jpeg) => (jpeg.clone(), Ok(Preview { hash, jpeg })),
            Err(Unmade::Refused(why)) => (tag(why).into_iter().collect(), Err(why)),
            Err(Unmade::Lost) => {
                self.lose(hash, size);
                return Err(Refusal::Broken);
            }
            Err(Unmade::Io(error)) => {
                debug!(%error, "the program that makes previews cannot be run");
                return Err(Refusal::NotMade);
            }
        };
        self.keep(name(hash, size), kept).await;
        made
    }

    async fn keep(self: &Arc<Self>, name: String, content: Vec<u8>) {
        let this = Arc::clone(self);
        let kept = tokio::task::spawn_blocking(move || this.made.put(&name, &content)).await;
        if let Err(error) = kept.map_err(io::Error::other).flatten() {
            debug!(%error, "a preview is not kept");
        }
    }

    fn lost(&self) -> std::sync::MutexGuard<'_, BTreeSet<(BlobHash, Size)>> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lose(&self, hash: BlobHash, size: Size) {
        let mut lost = self.lost();
        if lost.len() >= LOST_MAX {
            lost.clear();
        }
        lost.insert((hash, size));
    }
}

/// Somebody waits, as long as this is held.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn new(demand: &'a watch::Sender<usize>) -> Self {
        demand.send_modify(|waiting| *waiting += 1);
        Self(demand)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

/// Nobody else makes this, as long as this is held.
struct Alone<'a> {
    busy: &'a watch::Sender<BTreeSet<(BlobHash, Size)>>,
    what: (BlobHash, Size),
}

impl<'a> Alone<'a> {
    /// Waits until nobody does.
    async fn with(
        busy: &'a watch::Sender<BTreeSet<(BlobHash, Size)>>,
        what: (BlobHash, Size),
    ) -> Self {
        let mut others = busy.subscribe();
        while !busy.send_if_modified(|busy| busy.insert(what)) {
            // The sender is borrowed, so that it is there.
            let _ = others.wait_for(|busy| !busy.contains(&what)).await;
        }
        Self { busy, what }
    }
}

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.busy.send_modify(|busy| {
            busy.remove(&self.what);
        });
    }
}

/// What a preview is kept as.
fn name(hash: BlobHash, size: Size) -> String {
    let hash = data_encoding::HEXLOWER.encode(hash.as_bytes());
    format!("{hash}-{}", size.side_max())
}

/// How it is kept that a picture has none.
fn tag(why: Refusal) -> Option<u8> {
    match why {
        Refusal::NoPicture => Some(1),
        Refusal::Broken => Some(2),
        Refusal::TooLarge => Some(3),
        // These may be otherwise the next time.
        Refusal::NoFile | Refusal::Changed | Refusal::NotMade => None,
    }
}

fn refusal(tag: u8) -> Option<Refusal> {
    let all = [Refusal::NoPicture, Refusal::Broken, Refusal::TooLarge];
    all.into_iter().find(|why| self::tag(*why) == Some(tag))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::tests::World;

    #[test]
    fn no_more_lost_pictures_are_remembered_than_the_bound() {
        let world = World::new();
        let place = tempfile::tempdir().expect("a place");
        let previews = Previews::new(Arc::clone(&world.shares), place.path(), None);
        for number in 0..2 * LOST_MAX {
            let hash = BlobHash(*blake3::hash(&number.to_le_bytes()).as_bytes());
            previews.lose(hash, Size::Small);
            assert!(previews.lost().contains(&(hash, Size::Small)));
            assert!(previews.lost().len() <= LOST_MAX);
        }
    }

    #[test]
    fn no_more_pictures_are_worked_on_at_once_than_the_bound() {
        let world = World::new();
        let place = tempfile::tempdir().expect("a place");
        let previews = Previews::new(Arc::clone(&world.shares), place.path(), None);
        assert!((1..=PLACES_MAX).contains(&previews.width));
        assert_eq!(previews.places.available_permits(), previews.width);
    }
}
