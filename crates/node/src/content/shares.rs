//! Sharing folders in place, and taking it back.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use kith_core::codec;
use kith_core::content::access::{Admits, Asker, Guard};
use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::data::builder::Built;
use kith_core::data::head::{Audience, Head, HeadError, Layout, SignedHead, Terms};
use kith_core::data::link::LinkSecret;
use kith_core::data::path;
use kith_core::ids::{PeerId, ShareId};
use kith_core::random::Random;
use kith_core::time::Time;
use thiserror::Error;
use tokio::sync::watch;

use crate::content::looks::Looks;
use crate::content::store::{self, Database, ShareRow};
use crate::data::barrier;
use crate::data::outboard::Outboards;
use crate::data::scan::{self, Found, LeftOut, ScanError, Scanned};

/// How many things found by a scan are written at once: a transaction costs as much as a hundred rows.
const KEEP_ROWS: usize = 1_000;

/// How many bytes of nodes are held until they are written.
const KEEP_BYTES: usize = 4 << 20;

/// With whom to share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// All confirmed contacts.
    Contacts,
    /// These of them.
    Named(Vec<PeerId>),
    /// Whoever is given the link.
    Link,
    /// Everybody.
    Public,
}

/// A share to be made.
#[derive(Clone, Debug)]
pub struct NewShare {
    /// What: one folder becomes the share itself, one file is shared by itself, several become the content of a folder.
    pub paths: Vec<PathBuf>,
    /// With whom.
    pub recipients: Recipients,
    /// What to call it; the first path's name where nothing is said.
    pub name: Option<String>,
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
    /// With whom it is shared by name.
    pub named: Vec<PeerId>,
}

/// Why something could not be shared, or taken back.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ShareError {
    /// Nothing to share.
    #[error("name at least one file or folder to share")]
    Nothing,
    /// What was to be shared could not be read.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The name may not be.
    #[error("a share cannot have this name: {0}; give it another with --name")]
    Name(#[from] HeadError),
    /// No such share.
    #[error("there is no such share here")]
    Unknown,
    /// The database's or the disk's fault.
    #[error("cannot keep the share: {0}")]
    Keep(#[from] io::Error),
}

/// The shares of this node. All of its calls block.
pub struct Shares {
    database: Box<dyn Database>,
    outboards: Outboards,
    owner: SecretKey,
    looks: Looks,
    /// Held while a share is scanned: one after the other, each uses all cores.
    scanning: Mutex<()>,
    /// Counts the times that a share became another, or was taken back.
    changes: watch::Sender<u64>,
}

impl std::fmt::Debug for Shares {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shares").finish_non_exhaustive()
    }
}

impl Shares {
    /// The shares in `database`, which has the tables of [`store::SCHEMA`], with outboards in the folder `blobs`.
    ///
    /// # Errors
    /// What making the folder says.
    pub fn new(database: Box<dyn Database>, blobs: PathBuf, owner: SecretKey) -> io::Result<Self> {
        Ok(Self {
            database,
            outboards: Outboards::open(blobs)?,
            owner,
            looks: Looks::default(),
            scanning: Mutex::default(),
            changes: watch::Sender::new(0),
        })
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
        let _scanning = self.scanning.lock().unwrap_or_else(PoisonError::into_inner);
        let first = new.paths.first().ok_or(ShareError::Nothing)?;
        let mut roots = Vec::new();
        for path in &new.paths {
            let read = |error| ScanError::Read {
                path: path.clone(),
                error,
            };
            roots.push(path.canonicalize().map_err(read)?);
        }
        let name = match &new.name {
            Some(name) => name.clone(),
            None => default_name(roots.first().unwrap_or(first)),
        };
        path::check_name(&name).map_err(HeadError::Name)?;
        if let Some(share) = self.find_same(&roots, &new.recipients, &name)? {
            return Ok(self.refresh(&share, now)?.0);
        }
        let secret = SecretKey::from_bytes(random.bytes());
        let share = secret.share_id();
        let link = matches!(new.recipients, Recipients::Link).then(|| LinkSecret(random.bytes()));
        let (audience, named) = match (&new.recipients, &link) {
            (Recipients::Named(named), _) => (Audience::Named, named.as_slice()),
            (Recipients::Public, _) => (Audience::Public, [].as_slice()),
            (_, Some(link)) => (
                Audience::Link {
                    key: link.public(&share),
                },
                [].as_slice(),
            ),
            (_, None) => (Audience::Contacts, [].as_slice()),
        };
        let layout = match roots.as_slice() {
            [file] if file.is_file() => Layout::File,
            _ => Layout::Folder,
        };
        let scanned = self.scan(&share, 1, &roots)?;
        let terms = Terms {
            owner: self.owner.peer_id(),
            sequence: 1,
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
        };
        store::run(&*self.database, |connection| {
            store::create(connection, &row, &roots, named)
        })?;
        Ok(shared(signed.trusted()?, link, scanned))
    }

    /// Looks at a share's files again; a new head where something changed, `None` where nothing did.
    ///
    /// # Errors
    /// [`ShareError`]; the share stays as it was then.
    pub fn rescan(&self, share: &ShareId, now: Time) -> Result<Option<Shared>, ShareError> {
        let _scanning = self.scanning.lock().unwrap_or_else(PoisonError::into_inner);
        let (shared, is_changed) = self.refresh(share, now)?;
        Ok(is_changed.then_some(shared))
    }

    /// Scans a share again; also says whether something changed. The caller holds `scanning`.
    pub(super) fn refresh(&self, share: &ShareId, now: Time) -> Result<(Shared, bool), ShareError> {
        let row = self
            .row(share)?
            .filter(|row| !row.revoked)
            .ok_or(ShareError::Unknown)?;
        let old = trusted(&row)?;
        let roots = store::run(&*self.database, |connection| {
            store::roots(connection, share)
        })?;
        let sequence = old.sequence + 1;
        let scanned = self.scan(share, sequence, &roots)?;
        let Built { node, totals, .. } = scanned.root;
        let is_changed = node != old.manifest;
        let terms = Terms {
            owner: old.owner,
            sequence,
            epoch: old.epoch,
            manifest: node,
            name: old.name,
            audience: old.audience,
            layout: old.layout,
            totals,
            at: now,
        };
        let link = row.link.map(LinkSecret);
        let secret = SecretKey::from_bytes(row.secret);
        let signed = SignedHead::sign(&Ed25519, &secret, terms)?;
        let renewed = store::run(&*self.database, |connection| {
            store::renew(connection, share, &codec::encode(&signed), sequence)
        })?;
        if !renewed {
            return Err(ShareError::Unknown);
        }
        if is_changed {
            self.tell_changed();
        }
        Ok((shared(signed.trusted()?, link, scanned), is_changed))
    }

    /// The share of the same things, with the same people, under the same name.
    fn find_same(
        &self,
        roots: &[PathBuf],
        recipients: &Recipients,
        name: &str,
    ) -> io::Result<Option<ShareId>> {
        let roots: BTreeSet<&PathBuf> = roots.iter().collect();
        let same = self.mine()?.into_iter().find(|mine| {
            let same_recipients = match (&mine.head.audience, recipients) {
                (Audience::Contacts, Recipients::Contacts)
                | (Audience::Link { .. }, Recipients::Link)
                | (Audience::Public, Recipients::Public) => true,
                (Audience::Named, Recipients::Named(named)) => {
                    mine.named.iter().collect::<BTreeSet<_>>() == named.iter().collect()
                }
                _ => false,
            };
            same_recipients
                && mine.head.name == name
                && mine.roots.iter().collect::<BTreeSet<_>>() == roots
        });
        Ok(same.map(|mine| mine.head.share))
    }

    /// Takes a share back: nothing of it is served from now on, and its epoch rises, so that no grant opens it elsewhere either.
    ///
    /// # Errors
    /// [`ShareError`].
    pub fn unshare(&self, share: &ShareId, now: Time) -> Result<(), ShareError> {
        let row = self
            .row(share)?
            .filter(|row| !row.revoked)
            .ok_or(ShareError::Unknown)?;
        let old = trusted(&row)?;
        let terms = Terms {
            owner: old.owner,
            sequence: old.sequence + 1,
            epoch: old.epoch + 1,
            manifest: old.manifest,
            name: old.name,
            audience: old.audience,
            layout: old.layout,
            totals: old.totals,
            at: now,
        };
        let head = SignedHead::sign(&Ed25519, &SecretKey::from_bytes(row.secret), terms)?;
        let head = codec::encode(&head);
        store::run(&*self.database, |connection| {
            store::revoke(connection, share, &head)
        })?;
        self.tell_changed();
        Ok(())
    }

    /// Follows when a share becomes another or is taken back: whoever is served is judged anew then.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Has those judged anew who are served.
    pub(super) fn tell_changed(&self) {
        self.changes.send_modify(|count| *count += 1);
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
                    roots: store::roots(connection, &row.share)?,
                    named: store::named(connection, &row.share)?,
                });
            }
            Ok(mine)
        })
    }

    /// How a share is guarded against this asker.
    pub(super) fn guard(&self, head: &Head, asker: &Asker) -> io::Result<Guard> {
        let admits = match head.audience {
            Audience::Public => Admits::Public,
            Audience::Link { key } => Admits::Link(key.0),
            Audience::Contacts => Admits::MyContacts,
            Audience::Named => Admits::MyNamed(match asker.peer {
                Some(peer) => store::run(&*self.database, |connection| {
                    store::is_named(connection, &head.share, &peer)
                })?,
                None => false,
            }),
        };
        Ok(Guard {
            share: head.share,
            owner: head.owner,
            epoch: head.epoch,
            admits,
        })
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

    pub(super) fn looks(&self) -> &Looks {
        &self.looks
    }

    /// The right to scan, unless somebody has it.
    pub(super) fn try_scan(&self) -> Option<MutexGuard<'_, ()>> {
        match self.scanning.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    pub(super) fn owner(&self) -> &SecretKey {
        &self.owner
    }

    /// Scans and keeps what is found, durably.
    fn scan(
        &self,
        share: &ShareId,
        sequence: u64,
        roots: &[PathBuf],
    ) -> Result<Scanned, ShareError> {
        let held = Mutex::new(Held::default());
        let write = |found: Vec<Found>| {
            store::run(&*self.database, |connection| {
                store::keep(connection, share, sequence, &found)
            })
        };
        let keep = |thing: Found| {
            let full = held
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .add(thing);
            full.map_or(Ok(()), write)
        };
        let known = |path: &std::path::Path, stamp| {
            let known = store::run(&*self.database, |connection| {
                store::known(connection, path, stamp)
            });
            known.ok().flatten().map(|blob| blob.hash)
        };
        let scanned = scan::scan(roots, &self.outboards, &known, &keep)?;
        let rest = held.into_inner().unwrap_or_else(PoisonError::into_inner);
        write(rest.found)?;
        barrier::tree(self.outboards.folder())?;
        Ok(scanned)
    }
}

/// What a scan found and is not yet written.
#[derive(Default)]
struct Held {
    found: Vec<Found>,
    bytes: usize,
}

impl Held {
    /// Adds a thing; gives all of them when they are enough to write.
    fn add(&mut self, thing: Found) -> Option<Vec<Found>> {
        if let Found::Node(node) = &thing {
            self.bytes += node.bytes.len();
        }
        self.found.push(thing);
        if self.found.len() < KEEP_ROWS && self.bytes < KEEP_BYTES {
            return None;
        }
        self.bytes = 0;
        Some(std::mem::take(&mut self.found))
    }
}

/// The head in a row of our own.
pub(super) fn trusted(row: &ShareRow) -> Result<Head, HeadError> {
    codec::decode::<SignedHead>(&row.head)?.trusted()
}

fn shared(head: Head, link: Option<LinkSecret>, scanned: Scanned) -> Shared {
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
