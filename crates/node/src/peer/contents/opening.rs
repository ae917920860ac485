//! Reading any file of any share that this node has or may fetch, by its path in the share.
//!
//! An own share is read where it lies, and so is a copy of the newest version that is known. What a transfer under way brings is read from
//! it. Of anything else just what is read is fetched, into a folder of the node's own (see [`Cache`]): by a transfer of the one file that
//! is put off as a whole, so that nothing is asked for but what its readers want.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kith_core::data::head::Head;
use kith_core::ids::{PeerId, ShareId};
use tokio::sync::watch;
use tracing::debug;

use super::failure::several;
use super::fetched::Fetched;
use super::handle::Contents;
use super::options::GetOptions;
use super::reads::Reading;
use super::release::{RELEASE_STEP, RELEASE_WITHIN};
use super::source::{ShareName, ShareSource};
use super::transfer::Transfer;
use crate::content::{
    Cache, FileReader, GetError, Lying, Priorities, ReadError, Readers, ShareError, Shares,
};
use crate::error::{Error, ErrorKind};

/// How long what fetches a file is kept after its last reader has gone: a player asks for range after range, each by a reader of its own.
const LINGER: Duration = Duration::from_secs(10);

/// How long whoever gives it may be away, or lost on the way, until its readers are told: a restart and another network take a few seconds, for
/// which a player has enough ahead of it; and who opens something of somebody who is away does not sit before nothing for longer.
const RETURN_WITHIN: Duration = Duration::from_secs(5);

/// How long their looking at what has changed there may take until its readers are told that it has: as long as whoever opens something sits
/// before nothing.
const LOOKED_WITHIN: Duration = Duration::from_secs(10);

/// After so many bytes of a file that came, it is looked whether there is room for more: little beside the least room there is.
const LOOK_EVERY_BYTES: u64 = 8 << 20;

/// How fetching for readers ended.
enum End {
    /// All of the file is here.
    Whole,
    /// It has grown beyond its room.
    Full,
    /// Nobody reads it any more.
    Idle,
    /// It went wrong.
    Failed(Error),
}

impl Contents {
    /// A file of a share, by its path in it (empty, or its name, for a share that is one file), to be read from any place. A share of
    /// somebody else need not have been fetched: what is read is fetched then, before everything else, and kept as long as there is room.
    /// Whether that goes well shows when it is read.
    ///
    /// # Errors
    /// [`Error::UnknownOwnShare`] for what is our own and not there, [`Error::Usage`] when several shares go by the name, [`Error::Share`] and
    /// [`Error::Io`] when the database or the disk fails.
    pub async fn open(&self, source: &ShareSource) -> Result<FileReader, Error> {
        let (wanted, me) = (source.clone(), self.node.peer_id());
        let shares = Arc::clone(self.node.shares());
        let here = tokio::task::spawn_blocking(move || match wanted.owner == me {
            true => own(&shares, &wanted).map(Some),
            false => copied(&shares, &wanted),
        });
        if let Some(lying) = here.await.map_err(|_| Error::Closed)?? {
            return Ok(Readers::of_lying(lying).open("")?);
        }
        let share = self.recall(source).await?;
        let is_it = |owner: &PeerId, known: Option<&ShareId>, name: &str| {
            let is_named = match (&share, known, &source.share) {
                (Some(wanted), Some(known), _) => known == wanted,
                (_, _, ShareName::Name(wanted)) => name == wanted,
                _ => false,
            };
            *owner == source.owner && is_named
        };
        let under_way = (self.node.transfers().lock()).under_way(is_it, &source.path);
        if let Some((readers, path)) = under_way {
            return Ok(readers.open(&path)?);
        }
        self.read_remote(source).await
    }

    /// The same as far as it is here whole, without asking anybody: of an own share, of a copy, or as it was when it was read last.
    ///
    /// # Errors
    /// [`ReadError::Away`] where it is not; as [`Contents::open`].
    pub async fn open_here(&self, source: &ShareSource) -> Result<FileReader, Error> {
        if let Some(lying) = self.lying(source).await? {
            return Ok(Readers::of_lying(lying).open("")?);
        }
        let (cache, owner, share) = (self.cache(), source.owner, share_name(source));
        let path = source.path.clone();
        let found = tokio::task::spawn_blocking(move || {
            cache.find(&[&owner.0, &share, path.trim_matches('/').as_bytes()])
        });
        let found = found.await.map_err(|_| Error::Closed)?;
        let found = found.map_err(|error| Error::io("cannot look at what was read", error))?;
        let away = "its owner is away, and this file is not here; it shows when they are back";
        let whole = found.ok_or_else(|| ReadError::Away(away.to_owned()))?;
        let readers = Readers::default();
        readers.is_whole(&whole);
        Ok(readers.open("")?)
    }

    /// A file of which what is read is fetched.
    async fn read_remote(&self, source: &ShareSource) -> Result<FileReader, Error> {
        let share = share_name(source);
        let (cache, owner, path) = (self.cache(), source.owner, source.path.clone());
        let place = tokio::task::spawn_blocking(move || {
            cache.place(&[&owner.0, &share, path.trim_matches('/').as_bytes()])
        });
        let place = place.await.map_err(|_| Error::Closed)?;
        let place =
            place.map_err(|error| Error::io("there is no place for what is read", error))?;
        let (reading, hold, is_new) = self.node.reads().take(&place);
        if is_new {
            let (contents, source, reading) = (self.clone(), source.clone(), reading.clone());
            self.node.spawn(async move {
                contents.fetch_for(&source, &place, reading).await;
            });
        }
        Ok(reading.readers.open("")?.holding(Box::new(hold)))
    }

    /// Fetches what readers want of a file, for as long as there are any.
    async fn fetch_for(&self, source: &ShareSource, place: &Path, reading: Reading) {
        let mut begun = Instant::now();
        let mut is_emptied = false;
        loop {
            match self.fetch_once(source, place, &reading).await {
                End::Idle => {
                    if self.node.reads().leave_idle(place, &reading) {
                        break;
                    }
                    // Somebody came just now: it goes on for them.
                    begun = Instant::now();
                }
                End::Whole => {
                    idle(&reading.held).await;
                    while !self.node.reads().leave_idle(place, &reading) {
                        idle(&reading.held).await;
                    }
                    break;
                }
                End::Full => {
                    debug!("a file that is read makes room for itself");
                    empty(place).await;
                    begun = Instant::now();
                }
                End::Failed(Error::Get {
                    error: GetError::Busy(_),
                    ..
                }) if begun.elapsed() < RELEASE_WITHIN => tokio::time::sleep(RELEASE_STEP).await,
                // All of an earlier version lies there.
                End::Failed(Error::Get {
                    error: GetError::TargetExists(_),
                    ..
                }) if !is_emptied => {
                    is_emptied = true;
                    empty(place).await;
                }
                End::Failed(error) => {
                    self.node.reads().leave(place, &reading);
                    match kept(place, &error).await {
                        Some(whole) => reading.readers.is_whole(&whole),
                        None => reading.readers.fail(told(error)),
                    }
                    return;
                }
            }
        }
        self.look_for_room(place).await;
    }

    async fn fetch_once(&self, source: &ShareSource, place: &Path, reading: &Reading) -> End {
        let options = GetOptions {
            readers: reading.readers.clone(),
            priorities: Priorities::unwanted(),
            provide: false,
            recorded: false,
            // What is here whole is read at once where nobody is there.
            wait: match whole(place).await {
                Some(_) => Duration::ZERO,
                None => RETURN_WITHIN,
            },
            examined_within: LOOKED_WITHIN,
            ..GetOptions::new(source.clone(), place)
        };
        let mut transfer = self.get(options);
        let end = tokio::select! {
            end = self.follow_reading(&mut transfer, place) => end,
            () = idle(&reading.held) => Some(End::Idle),
        };
        match end {
            Some(end) => {
                transfer.stop().await;
                end
            }
            None => match transfer.finished().await {
                Ok(Fetched { .. }) => End::Whole,
                Err(error) => End::Failed(error),
            },
        }
    }

    /// Looks after the room that a file takes, until it is over by itself.
    async fn follow_reading(&self, transfer: &mut Transfer, place: &Path) -> Option<End> {
        let mut looked_at = 0;
        while let Some(progress) = transfer.changed().await {
            if progress.bytes < looked_at + LOOK_EVERY_BYTES {
                continue;
            }
            looked_at = progress.bytes;
            if !self.look_for_room(place).await {
                return Some(End::Full);
            }
        }
        None
    }

    /// Has what was read longest ago make room. Whether there is enough then.
    async fn look_for_room(&self, place: &Path) -> bool {
        let (cache, shares) = (self.cache(), Arc::clone(self.node.shares()));
        let mut in_use = self.node.reads().places();
        in_use.insert(place.to_owned());
        let looked = tokio::task::spawn_blocking(move || {
            let room = shares.room_for_reading()?;
            Ok::<_, std::io::Error>(cache.trim(room, &in_use)? <= room)
        });
        match looked.await {
            Ok(Ok(has_room)) => has_room,
            Ok(Err(error)) => {
                debug!(%error, "cannot look what files that were read take");
                true
            }
            Err(_) => true,
        }
    }

    pub(super) fn cache(&self) -> Cache {
        Cache::new(self.node.home().partial())
    }
}

/// What names the share in the name of a place.
fn share_name(source: &ShareSource) -> Vec<u8> {
    match &source.share {
        ShareName::Id(share) => share.0.to_vec(),
        ShareName::Name(name) => name.clone().into_bytes(),
    }
}

/// Ends when nobody has read for a while.
async fn idle(held: &watch::Sender<()>) {
    loop {
        held.closed().await;
        tokio::time::sleep(LINGER).await;
        if held.receiver_count() == 0 {
            return;
        }
    }
}

async fn empty(place: &Path) {
    let place = place.to_owned();
    let emptied = tokio::task::spawn_blocking(move || Cache::empty(&place)).await;
    if let Ok(Err(error)) = emptied {
        debug!(%error, "what was read cannot be removed");
    }
}

/// What lies at a place whole, where nobody is there to say whether it is the newest.
async fn kept(place: &Path, error: &Error) -> Option<PathBuf> {
    match error {
        Error::Unreachable { .. } => whole(place).await,
        _ => None,
    }
}

/// What lies at a place whole, of whichever version.
async fn whole(place: &Path) -> Option<PathBuf> {
    let place = place.to_owned();
    let whole = tokio::task::spawn_blocking(move || Cache::whole(&place)).await;
    whole.ok()?.ok()?
}

/// The own share that is meant.
pub(super) fn own_head(shares: &Shares, source: &ShareSource) -> Result<Head, Error> {
    let mut heads: Vec<_> = shares.mine().map_err(ShareError::from)?;
    heads.retain(|mine| source.share.is_of(&mine.head));
    if heads.len() > 1 {
        return Err(several(heads.iter().map(|mine| &mine.head)));
    }
    Ok(heads.pop().ok_or(Error::UnknownOwnShare)?.head)
}

/// A file of an own share.
pub(super) fn own(shares: &Arc<Shares>, source: &ShareSource) -> Result<Lying, Error> {
    let head = own_head(shares, source)?;
    let found = Lying::find(shares, &head, &source.path).map_err(ShareError::from)?;
    let found = found.ok_or(ReadError::NotFound)?;
    match found.is_here() {
        true => Ok(found),
        false => Err(ReadError::Changed.into()),
    }
}

/// A copy of what is meant, if it is the newest version that is known.
pub(super) fn copied_head(shares: &Shares, source: &ShareSource) -> Result<Option<Head>, Error> {
    let copies = shares.copies().map_err(ShareError::from)?;
    let mut copies = copies
        .into_iter()
        .filter(|copy| copy.examined && copy.head.owner == source.owner)
        .filter(|copy| source.share.is_of(&copy.head));
    let (Some(copy), None) = (copies.next(), copies.next()) else {
        return Ok(None);
    };
    let known = shares.known_head(&copy.head.share);
    let known = known.map_err(ShareError::from)?;
    if known.is_none_or(|(_, newest)| newest.manifest != copy.head.manifest) {
        return Ok(None);
    }
    Ok(Some(copy.head))
}

/// A file of a copy, as long as it is what it was.
pub(super) fn copied(shares: &Arc<Shares>, source: &ShareSource) -> Result<Option<Lying>, Error> {
    let Some(head) = copied_head(shares, source)? else {
        return Ok(None);
    };
    let found = Lying::find(shares, &head, &source.path).map_err(ShareError::from)?;
    Ok(found.filter(Lying::is_here))
}

/// Why a file cannot be read, as its readers are told.
fn told(error: Error) -> ReadError {
    let message = error.to_string();
    match (&error, error.kind()) {
        (Error::Unreachable { .. }, _)
        | (
            Error::Get {
                error: GetError::Stalled | GetError::Incomplete | GetError::Absent,
                ..
            },
            _,
        ) => ReadError::Away(message),
        (
            Error::Get {
                error: GetError::Changed { .. } | GetError::Unexamined(_),
                ..
            },
            _,
        ) => ReadError::Changed,
        (_, ErrorKind::NotFound) => ReadError::NotFound,
        (_, ErrorKind::NotAllowed) => ReadError::NotAllowed(message),
        (_, ErrorKind::NotVerified) => ReadError::NotVerified(message),
        _ => ReadError::Failed(message),
    }
}
