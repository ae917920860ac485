//! Sharing folders in place.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use kith_core::codec;
use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::data::head::{Head, HeadError, Layout, Ownership, SignedHead, Terms};
use kith_core::data::link::LinkSecret;
use kith_core::data::path;
use kith_core::ids::{BlobHash, PeerId, ShareId};
use kith_core::random::Random;
use kith_core::time::Time;
use thiserror::Error;
use tokio::sync::{broadcast, watch};

use crate::content::absent::Absent;
use crate::content::disks::Disks;
use crate::content::event::ShareEvent;
use crate::content::fetches::{self, Fetch, Version};
use crate::content::looks::Looks;
use crate::content::marked::Marked;
use crate::content::others::Others;
use crate::content::recipients::Recipients;
use crate::content::scans::{Scanning, Scans};
use crate::content::store::{self, Database, ShareRow};
use crate::content::underway::Underways;
use crate::data::bare::BarePictures;
use crate::data::local::Candidate;
use crate::data::outboard::Outboards;
use crate::data::range::Blob;
use crate::data::scan::{LeftOut, Root, ScanError, Scanned};

/// How many events a slow listener may be behind by before it misses the oldest: what a few streams that end at once give.
const EVENTS_AHEAD_MAX: usize = 64;

/// Where pictures without what they say are, in the folder of blobs.
const BARE: &str = "bare";

/// The number of a share's first head, and of its first scan.
const FIRST: u64 = 1;

/// A share to be made.
#[derive(Clone, Debug)]
pub struct NewShare {
    /// What: one folder becomes the share itself, one file is shared by itself, several become the content of a folder.
    pub paths: Vec<PathBuf>,
    /// With whom.
    pub recipients: Recipients,
    /// What to call it; the first path's name where nothing is said.
    pub name: Option<String>,
    /// Whether its pictures are shared without what they say beside their pixels (place, time, camera, words), and what nothing is surely left out
    /// of is not shared. The files stay as they are.
    pub bare: bool,
}

/// A share that was made or brought up to date.
#[derive(Clone, Debug)]
pub struct Shared {
    /// Its head.
    pub head: Head,
    /// The secret of its link, for the audience *link*.
    pub link: Option<LinkSecret>,
    /// What is not in it, by name as far as the list goes.
    pub left_out: Vec<LeftOut>,
    /// How many things are not in it.
    pub left_out_count: u64,
}

/// A share of mine.
#[derive(Clone, Debug)]
pub struct Mine {
    /// Its head.
    pub head: Head,
    /// The secret of its link.
    pub link: Option<LinkSecret>,
    /// Where it lies.
    pub roots: Vec<PathBuf>,
    /// The first of these that is not there, or cannot be read; where that was looked for ([`Shares::mine_in_place`]).
    pub absent: Option<PathBuf>,
    /// Whether that is because its disk does not answer.
    pub silent: bool,
    /// With whom it is shared by name.
    pub named: Vec<PeerId>,
    /// Whether it is shared as [`NewShare::bare`] says.
    pub bare: bool,
    /// How many things that lie there are not in it.
    pub left_out: u64,
    /// Who was given what of it, the latest first.
    pub fetches: Vec<Fetch>,
}

impl Mine {
    /// With whom it is shared.
    pub fn recipients(&self) -> Recipients {
        Recipients::of(&self.head.audience, &self.named)
    }
}

/// What the last words advise where a share cannot have its name: a program may add how that is done with it.
pub const RENAME: &str = "give it another";

/// Why something could not be shared, or taken back.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ShareError {
    /// Nothing to share.
    #[error("name at least one file or folder to share")]
    Nothing,
    /// What was to be shared could not be read.
    #[error(transparent)]
    Scan(ScanError),
    /// The name may not be.
    #[error("a share cannot have this name: {0}; {RENAME}")]
    Name(#[from] HeadError),
    /// No such share.
    #[error("there is no such share here")]
    Unknown,
    /// The disk that what is known of shares lies on is full; nothing has changed.
    #[error(
        "there is no space left on the disk for what is kept of a share; make some and try again"
    )]
    NoSpace,
    /// The database's or the disk's fault.
    #[error("cannot keep the share: {0}")]
    Keep(io::Error),
}

impl From<ScanError> for ShareError {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Keep(error) => error.into(),
            error => Self::Scan(error),
        }
    }
}

impl From<io::Error> for ShareError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::Keep(error),
        }
    }
}

/// The shares of this node. All of its calls block.
pub struct Shares {
    database: Box<dyn Database>,
    outboards: Outboards,
    bare_pictures: BarePictures,
    owner: SecretKey,
    /// Who provides copies, and to whom none is given.
    others: Others,
    /// What is being fetched, and provided meanwhile.
    underways: Underways,
    looks: Arc<Looks>,
    absent: Absent,
    disks: Disks,
    events: broadcast::Sender<ShareEvent>,
    /// Which own shares have new heads since it was last looked. Nothing that others do gets here, so nobody has it overflow.
    renewed: Marked,
    /// Whose turn it is to scan.
    scans: Arc<Scans>,
    /// Copies that are being read once more, because something of them changed.
    rereading: Mutex<BTreeSet<ShareId>>,
    /// Counts the times that a share became another, or was taken back.
    doubts: watch::Sender<u64>,
}

impl std::fmt::Debug for Shares {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shares").finish_non_exhaustive()
    }
}

impl Shares {
    /// The shares in `database`, which has the tables of [`store::SCHEMA`], with outboards and bare pictures in the folder `blobs`.
    ///
    /// # Errors
    /// What making the folder says, or the database.
    pub fn new(database: Box<dyn Database>, blobs: PathBuf, owner: SecretKey) -> io::Result<Self> {
        let shares = Self {
            database,
            bare_pictures: BarePictures::new(blobs.join(BARE)),
            outboards: Outboards::open(blobs)?,
            owner,
            others: Others::default(),
            underways: Underways::default(),
            looks: Arc::default(),
            absent: Absent::default(),
            disks: Disks::default(),
            events: broadcast::Sender::new(EVENTS_AHEAD_MAX),
            renewed: Marked::default(),
            scans: Arc::default(),
            rereading: Mutex::default(),
            doubts: watch::Sender::new(0),
        };
        shares.own_unowned()?;
        Ok(shares)
    }

    /// Hashes and offers something, durably. What is shared already, the same with the same under the same name, is brought up to date
    /// and keeps its link.
    ///
    /// # Errors
    /// [`ShareError`].
    pub fn share(
        &self,
        new: &NewShare,
        random: &mut Random,
        now: Time,
    ) -> Result<Shared, ShareError> {
        let _scanning = self.lock_scan();
        let first = new.paths.first().ok_or(ShareError::Nothing)?;
        let mut roots = Vec::new();
        for path in &new.paths {
            let read = |error| ScanError::Read {
                path: path.clone(),
                error,
            };
            roots.push(Root::of(path.canonicalize().map_err(read)?));
        }
        let name = match &new.name {
            Some(name) => name.clone(),
            None => default_name(roots.first().map_or(first, |root| &root.path)),
        };
        path::check_name(&name).map_err(HeadError::Name)?;
        if let Some(share) = self.find_same(&roots, new, &name)? {
            return Ok(self.refresh(&share, now)?.0);
        }
        let secret = SecretKey::from_bytes(random.bytes());
        let share = secret.share_id();
        let (audience, link) = new.recipients.audience(&share, random);
        let layout = match roots.as_slice() {
            [file] if file.path.is_file() => Layout::File,
            _ => Layout::Folder,
        };
        let scanned = self.scan(&share, FIRST, &roots, new.bare)?;
        let terms = Terms {
            owner: Ownership::sign(&Ed25519, &self.owner, &share),
            sequence: FIRST,
            epoch: 1,
            manifest: scanned.root.node,
            name,
            audience,
            layout,
            totals: scanned.root.totals,
            at: now,
        };
        let signed = SignedHead::sign(&Ed25519, &secret, terms)?;
        let row = ShareRow {
            share,
            secret: *secret.as_bytes(),
            head: codec::encode(&signed),
            link: link.as_ref().map(|link| link.0),
            revoked: false,
            scan: FIRST,
            scanned_at: now,
            bare: new.bare,
            left_out: scanned.left_out_count,
        };
        store::run(&*self.database, |connection| {
            store::create(connection, &row, &roots, new.recipients.named())
        })?;
        self.keep_left_out(&share, &scanned.left_out);
        self.looks.wake();
        self.doubt();
        self.tell_own(share, ShareEvent::Listed(share));
        Ok(shared(signed.trusted()?, link, scanned))
    }

    /// Looks at a share's files again; a new head where something changed, `None` where nothing did.
    ///
    /// # Errors
    /// [`ShareError`]; the share stays as it was then.
    pub fn rescan(&self, share: &ShareId, now: Time) -> Result<Option<Shared>, ShareError> {
        let _scanning = self.lock_scan();
        let (shared, is_changed) = self.refresh(share, now)?;
        Ok(is_changed.then_some(shared))
    }

    /// The share of the same things, with the same people, under the same name.
    fn find_same(&self, roots: &[Root], new: &NewShare, name: &str) -> io::Result<Option<ShareId>> {
        let roots: BTreeSet<&PathBuf> = roots.iter().map(|root| &root.path).collect();
        let same = self.mine()?.into_iter().find(|mine| {
            mine.recipients().is_same(&new.recipients)
                && mine.bare == new.bare
                && mine.head.name == name
                && mine.roots.iter().collect::<BTreeSet<_>>() == roots
        });
        Ok(same.map(|mine| mine.head.share))
    }

    /// Follows what happens to shares. A receiver that is slow misses the oldest.
    pub fn events(&self) -> broadcast::Receiver<ShareEvent> {
        self.events.subscribe()
    }

    /// Follows when those who are served are to be judged anew: a share became another, or was taken back.
    pub(super) fn doubts(&self) -> watch::Receiver<u64> {
        self.doubts.subscribe()
    }

    pub(super) fn doubt(&self) {
        self.doubts.send_modify(|count| *count += 1);
    }

    /// All shares of mine, in the order of their ids.
    ///
    /// # Errors
    /// The database's.
    pub fn mine(&self) -> io::Result<Vec<Mine>> {
        store::run(&*self.database, |connection| {
            let mut mine = Vec::new();
            for row in store::shares(connection, None)? {
                let Ok(head) = trusted(&row) else { continue };
                mine.push(Mine {
                    head,
                    link: row.link.map(LinkSecret),
                    roots: store::paths(connection, &row.share)?,
                    absent: None,
                    silent: false,
                    named: store::named(connection, &row.share)?,
                    bare: row.bare,
                    left_out: row.left_out,
                    fetches: fetches::of(connection, &row.share)?,
                });
            }
            Ok(mine)
        })
    }

    /// Where these blobs may lie, in anything shared here.
    ///
    /// # Errors
    /// The database's.
    pub fn already_here(&self, wanted: &[Blob]) -> io::Result<BTreeMap<BlobHash, Vec<Candidate>>> {
        store::run(&*self.database, |connection| {
            let mut here = BTreeMap::new();
            if !store::has_files(connection)? {
                return Ok(here);
            }
            for Blob { hash, .. } in wanted {
                let candidates = store::anywhere(connection, hash)?;
                if !candidates.is_empty() {
                    here.insert(*hash, candidates);
                }
            }
            Ok(here)
        })
    }

    /// Remembers that `peer` was given so many bytes of files of a version; nothing, of a share that is not our own, or there no longer.
    ///
    /// # Errors
    /// The database's.
    pub fn record(
        &self,
        given: &Version,
        peer: Option<PeerId>,
        bytes: u64,
        now: Time,
    ) -> io::Result<()> {
        let is_ours = store::run(self.database(), |connection| {
            fetches::record(connection, given, peer, bytes, now)
        })?;
        if is_ours {
            let share = given.share;
            self.tell(ShareEvent::Given { share, peer });
        }
        Ok(())
    }

    pub(super) fn row(&self, share: &ShareId) -> io::Result<Option<ShareRow>> {
        store::run(&*self.database, |connection| {
            store::share(connection, share)
        })
    }

    pub(super) fn database(&self) -> &dyn Database {
        &*self.database
    }

    pub(super) fn outboards(&self) -> &Outboards {
        &self.outboards
    }

    pub(super) fn bare_pictures(&self) -> &BarePictures {
        &self.bare_pictures
    }

    /// Whether a file with this content lies in anything shared or provided here.
    pub(super) fn is_in_a_share(&self, hash: &BlobHash) -> io::Result<bool> {
        let files = store::run(self.database(), |connection| {
            store::anywhere(connection, hash)
        });
        Ok(!files?.is_empty())
    }

    /// Who else provides shares, and who gets none.
    pub fn others(&self) -> &Others {
        &self.others
    }

    pub(super) fn underways(&self) -> &Underways {
        &self.underways
    }

    pub(super) fn looks(&self) -> &Looks {
        &self.looks
    }

    pub(super) fn absent(&self) -> &Absent {
        &self.absent
    }

    pub(super) fn disks(&self) -> &Disks {
        &self.disks
    }

    /// The right to scan, once nobody else has it who is to be waited for.
    pub(crate) fn lock_scan(&self) -> Scanning {
        self.scans.begin()
    }

    /// Tells whoever follows.
    pub(super) fn tell(&self, event: ShareEvent) {
        // Perhaps nobody does.
        let _ = self.events.send(event);
    }

    /// The same of an own share that has a new head, or is not where it was, so that contacts are told as well.
    pub(super) fn tell_own(&self, share: ShareId, event: ShareEvent) {
        self.renewed.mark(share);
        self.tell(event);
    }

    /// Waits until own shares have new heads, or are not where they were; which ones. For one who listens, who misses none.
    pub async fn renewed(&self) -> BTreeSet<ShareId> {
        self.renewed.take().await
    }

    pub(super) fn looks_handle(&self) -> Arc<Looks> {
        Arc::clone(&self.looks)
    }

    /// A file in a folder of a share has come or gone, whole and durable: there is a new head soon.
    pub fn settle(&self, share: &ShareId) {
        self.looks.settle(share, Instant::now());
    }

    /// Waits until a share may be due.
    pub(super) async fn news(&self) {
        self.looks.news().await;
    }

    /// The right to scan, unless somebody has it who is to be waited for.
    pub(super) fn try_scan(&self) -> Option<Scanning> {
        self.scans.try_begin()
    }

    /// The right to be alone with what scans keep, unless somebody scans.
    pub(super) fn try_scan_alone(&self) -> Option<Scanning> {
        self.scans.try_begin_alone()
    }

    /// The copies that are being read once more.
    pub(super) fn rereading(&self) -> MutexGuard<'_, BTreeSet<ShareId>> {
        self.rereading
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn owner(&self) -> &SecretKey {
        &self.owner
    }
}

/// The head in a row of our own.
pub(super) fn trusted(row: &ShareRow) -> Result<Head, HeadError> {
    codec::decode::<SignedHead>(&row.head)?.trusted()
}

pub(super) fn shared(head: Head, link: Option<LinkSecret>, scanned: Scanned) -> Shared {
    Shared {
        head,
        link,
        left_out: scanned.left_out,
        left_out_count: scanned.left_out_count,
    }
}

/// The name of the first path, or what a nameless one (a root folder) is called.
fn default_name(path: &std::path::Path) -> String {
    path.file_name().map_or_else(
        || "share".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}
