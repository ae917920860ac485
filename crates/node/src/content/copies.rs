//! Shares of others: what is known of them, and copies that are provided where they lie.
//!
//! Whoever has fetched a share provides it, to the same audience. A copy is looked at once after it was fetched, as an own share is: its
//! tree must have the hash that its head says, and its files are served only as long as they have the stamps of then.
//!
//! The newest epoch heard of, from whomever, is what counts: a copy of a lower one goes on under it where it is the same version, and ends for
//! good where it is not.

use std::io;
use std::path::PathBuf;

use kith_core::codec;
use kith_core::content::access::{Asker, CopyFate, Relation};
use kith_core::content::grant::{GrantError, SignedGrant};
use kith_core::content::swarm::ranges::Ranges;
use kith_core::crypto::Ed25519;
use kith_core::data::head::{Audience, Head, HeadError, SignedHead};
use kith_core::data::link::LinkSecret;
use kith_core::data::manifest::Totals;
use kith_core::ids::{BlobHash, PeerId, ShareId};
use kith_core::time::Time;
use thiserror::Error;

use crate::content::credential::Credential;
use crate::content::event::ShareEvent;
use crate::content::known::{self, CopyRow, KnownRow, is_version, trusted};
use crate::content::quota;
use crate::content::selected::{self, PartOf};
use crate::content::shares::{ShareError, Shares};
use crate::content::store;
use crate::data::pulse;
use crate::data::scan::Root;

/// A copy of somebody's share, provided where it lies.
#[derive(Clone, Debug)]
pub struct Copy {
    /// What it is, as its owner signed it.
    pub head: Head,
    /// Where it lies.
    pub target: PathBuf,
    /// Whether it never makes room for others.
    pub kept: bool,
    /// Whether it was found to be what its head says; it is provided only then.
    pub examined: bool,
    /// What is here, where that are some files of it only.
    pub part: Option<Totals>,
}

/// A share that was fetched, or some files of it.
#[derive(Clone, Debug)]
pub struct Held {
    /// Which.
    pub share: ShareId,
    /// The version's hash, as its head says.
    pub manifest: BlobHash,
    /// Where it lies.
    pub target: PathBuf,
    /// Whether it never makes room for others.
    pub keep: bool,
    /// What it is a part of, where only some of its files were fetched.
    pub selected_of: Option<PartOf>,
}

/// What somebody says of a share.
#[derive(Clone, Debug)]
pub struct News {
    /// Which share it is said of.
    pub share: ShareId,
    /// The signed head, as it came.
    pub head: Vec<u8>,
    /// A grant for us.
    pub grant: Option<SignedGrant>,
    /// The secret by which we came to it.
    pub link: Option<LinkSecret>,
}

/// Why what somebody says of a share is not believed, or not kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LearnError {
    /// The head is not to be trusted.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The grant is not to be trusted.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// The grant is of another share, owner or peer.
    #[error("a grant is for another share, or for somebody else")]
    OtherGrant,
    /// It names another owner than was meant, or us.
    #[error("a share is somebody else's than was said")]
    Owner,
    /// The share was taken back since.
    #[error("the share was taken back by its owner")]
    Ended,
    /// The database's fault.
    #[error("cannot keep what is known of a share: {0}")]
    Keep(#[from] io::Error),
}

/// Why what was fetched is not remembered as a copy.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HoldError {
    /// Nothing is known of the share.
    #[error("nothing is known of the share")]
    Unknown,
    /// Another version of it is known: this one was faster than the news of it, or slower.
    #[error("another version of the share is known")]
    OtherVersion,
    /// The share was taken back.
    #[error("the share was taken back by its owner")]
    Ended,
    /// All of it is here already, and these are some files of it.
    #[error("all of it is here already")]
    WholeHere,
    /// The database's fault.
    #[error("cannot keep what was fetched as a copy: {0}")]
    Keep(#[from] io::Error),
}

impl Shares {
    /// Takes in what somebody says of a share of `owner`, durably. What becomes of a copy of it [`CopyFate`] says.
    ///
    /// # Errors
    /// [`LearnError`]; nothing is changed then.
    pub fn learn(&self, news: &News, owner: PeerId, now: Time) -> Result<Head, LearnError> {
        let signed: SignedHead = codec::decode(&news.head).map_err(HeadError::from)?;
        let head = signed.verify(&Ed25519, now)?;
        if head.share != news.share {
            return Err(HeadError::OtherShare.into());
        }
        if head.owner != owner {
            return Err(LearnError::Owner);
        }
        if head.owner == self.owner().peer_id() {
            return Err(LearnError::Owner);
        }
        if let Some(grant) = &news.grant {
            let grant = grant.verify(&Ed25519, now)?;
            let is_ours = grant.peer == self.owner().peer_id();
            if !is_ours || grant.share != head.share || grant.owner != head.owner {
                return Err(LearnError::OtherGrant);
            }
        }
        // Read and written in one go: of two heads that come at once the older one must not stay.
        let (_, fate) = store::run(self.database(), |connection| {
            let known = known::known(connection, &head.share)?;
            let copy = known::copy(connection, &head.share)?;
            let decided = decide(known, copy.as_ref(), news, &head, now);
            if let Ok((row, fate)) = &decided {
                known::learn(connection, row, *fate)?;
            }
            Ok(decided)
        })??;
        // A copy may have ended with it.
        self.doubt();
        if fate != CopyFate::Stays {
            self.tell(ShareEvent::Listed(head.share));
        }
        Ok(head)
    }

    /// Somebody passes a head on. Only what is about a share that is known here already is kept. A contact who tells of a share of their own
    /// is heard in any case: somebody may be looking at what they share.
    pub(super) fn notice(&self, head: &[u8], asker: &Asker, now: Time) -> io::Result<()> {
        let Ok(signed) = codec::decode::<SignedHead>(head) else {
            return Ok(());
        };
        let Ok(verified) = signed.verify(&Ed25519, now) else {
            return Ok(());
        };
        let (owner, share) = (verified.owner, verified.share);
        let kept = self.note(head, &share, now);
        // After it is kept: whoever looks then sees it.
        if asker.relation == Relation::Contact && asker.peer == Some(owner) {
            self.tell(ShareEvent::Offered { owner, share });
        }
        kept
    }

    /// Keeps a head of a share that is known here.
    fn note(&self, head: &[u8], share: &ShareId, now: Time) -> io::Result<()> {
        let Some(known) = self.known_and_copy(share)?.0 else {
            return Ok(());
        };
        let news = News {
            share: known.share,
            head: head.to_vec(),
            grant: None,
            link: None,
        };
        match self.learn(&news, known.owner, now) {
            Err(LearnError::Keep(error)) => Err(error),
            // Whatever else is wrong with it, there is nobody to tell.
            _ => Ok(()),
        }
    }

    /// Remembers a share that was fetched, or some files of it, where the version is the one that is known; it is examined next.
    ///
    /// # Errors
    /// [`HoldError`]; nothing is changed then.
    pub fn hold(&self, fetched: &Held, now: Time) -> Result<(), HoldError> {
        // Read and written in one go: what is heard of the share meanwhile must find the copy, or be found by it.
        let part_of = fetched.selected_of.as_ref();
        store::run(self.database(), |connection| {
            let Some(row) = known::known(connection, &fetched.share)? else {
                return Ok(Err(HoldError::Unknown));
            };
            if !is_version(&row.head, &fetched.manifest) {
                let is_ended = trusted(&row.head).is_ok_and(|head| head.is_ended());
                return Ok(Err(match is_ended {
                    true => HoldError::Ended,
                    false => HoldError::OtherVersion,
                }));
            }
            // One that is still to be examined may be.
            let is_whole = |copy: &CopyRow| {
                let is_here = !copy.examined || copy.is_provided();
                is_here && !copy.is_part && is_version(&copy.head, &fetched.manifest)
            };
            let before = known::copy(connection, &fetched.share)?;
            if part_of.is_some() && before.as_ref().is_some_and(is_whole) {
                return Ok(Err(HoldError::WholeHere));
            }
            let copy = CopyRow {
                share: row.share,
                head: row.head,
                target: fetched.target.clone(),
                used_ms: now.0,
                kept: fetched.keep,
                examined: false,
                is_part: part_of.is_some(),
                places: Vec::new(),
            };
            known::hold(connection, &copy, part_of)?;
            Ok(Ok(()))
        })?
    }

    /// Reads a copy, and provides it from then on if it is what its head says and there is room for it; forgets it otherwise. Whether it is provided.
    ///
    /// # Errors
    /// [`ShareError`].
    pub fn examine(&self, share: &ShareId) -> Result<bool, ShareError> {
        let _scanning = self.lock_scan();
        self.examine_next(share)
    }

    /// The same, but not while something else is scanned, which may take hours.
    ///
    /// # Errors
    /// [`ShareError`].
    pub fn examine_now(&self, share: &ShareId) -> Result<bool, ShareError> {
        match self.try_scan() {
            Some(_scanning) => self.examine_next(share),
            None => Ok(false),
        }
    }

    fn examine_next(&self, share: &ShareId) -> Result<bool, ShareError> {
        let Some(copy) = self.begin_examining(share)? else {
            return Ok(false);
        };
        let head = trusted(&copy.head)?;
        let found = match copy.is_part {
            true => pulse::with_own_threads(|| self.examine_part(&head, &copy.places)),
            false => (copy.target.canonicalize().map_err(ShareError::from))
                .and_then(|target| self.examine_whole(&head, target)),
        };
        let found = found.unwrap_or_default();
        let provided = self.end_examining(&copy, &head, found.as_ref())?;
        // What they were told of it may not be here any more.
        self.doubt();
        self.tell(ShareEvent::Listed(*share));
        Ok(provided)
    }

    /// A copy that is to be examined, which begins now.
    pub(super) fn begin_examining(&self, share: &ShareId) -> io::Result<Option<CopyRow>> {
        store::run(self.database(), |connection| {
            known::begin_examining(connection, share)
        })
    }

    /// Keeps what was found of a copy, and forgets one that is not what its head says, unless more of it was fetched meanwhile. Whether it is provided.
    pub(super) fn end_examining(
        &self,
        copy: &CopyRow,
        head: &Head,
        found: Option<&(u64, Ranges)>,
    ) -> io::Result<bool> {
        let room_bytes = self.others().room_bytes();
        store::run(self.database(), |connection| match found {
            Some(found) => quota::examined(connection, copy, head, found, room_bytes),
            None if known::is_being_examined(connection, &copy.share)? => {
                known::drop_copy(connection, &copy.share).map(|_| false)
            }
            None => Ok(false),
        })
    }

    /// Reads a copy once more, in which a file is not what it was: it may have another mode, or other bytes.
    ///
    /// # Errors
    /// [`ShareError`].
    pub(super) fn examine_anew(&self, share: &ShareId) -> Result<bool, ShareError> {
        store::run(self.database(), |connection| {
            known::doubt_copy(connection, share)
        })?;
        self.examine(share)
    }

    /// Scans a copy, and gives the scan's number; `None` where it is not what its head says. Of one that is no places on its line need to be known.
    fn examine_whole(
        &self,
        head: &Head,
        target: PathBuf,
    ) -> Result<Option<(u64, Ranges)>, ShareError> {
        let scanned = self.scan(&head.share, head.sequence, &[Root::of(target)], false)?;
        let is_whole = scanned.root.node == head.manifest;
        Ok(is_whole.then(|| (head.sequence, Ranges::default())))
    }

    /// Provides a copy no longer, nor what is being fetched of the share; its files stay. False where there is no copy.
    ///
    /// # Errors
    /// The database's.
    pub fn drop_copy(&self, share: &ShareId) -> io::Result<bool> {
        let dropped = store::run(self.database(), |connection| {
            known::drop_copy(connection, share)
        })?;
        self.underways().end_share(share);
        self.doubt();
        if dropped {
            self.tell(ShareEvent::Listed(*share));
        }
        Ok(dropped)
    }

    /// Whether there was a copy of a share that does not lie where it lay.
    pub(super) fn lacks_copy(&self, share: &ShareId) -> io::Result<bool> {
        let copy = self.known_and_copy(share)?.1;
        Ok(copy.is_some_and(|copy| copy.examined && !copy.is_provided()))
    }

    /// The audience of a share of which a copy is provided; `None` where there is none.
    ///
    /// # Errors
    /// The database's.
    pub fn provided(&self, share: &ShareId) -> io::Result<Option<Audience>> {
        let copy = self.known_and_copy(share)?.1.filter(CopyRow::is_provided);
        let copy = copy.filter(|_| self.others().provides());
        let head = copy.map(|copy| trusted(&copy.head)).transpose();
        Ok(head.map_err(io::Error::other)?.map(|head| head.audience))
    }

    /// Whether something of a share is provided while it is fetched.
    pub(crate) fn is_under_way(&self, share: &ShareId) -> bool {
        self.underways().shares().contains(share)
    }

    /// All copies, in the order of the shares' ids.
    ///
    /// # Errors
    /// The database's.
    pub fn copies(&self) -> io::Result<Vec<Copy>> {
        let rows = store::run(self.database(), |connection| {
            let rows = known::copies(connection)?.into_iter();
            let with_parts = rows.map(|row| {
                let part = row
                    .is_part
                    .then(|| selected::totals(connection, &row.share));
                Ok((row, part.transpose()?))
            });
            with_parts.collect::<rusqlite::Result<Vec<_>>>()
        })?;
        let copies = rows.into_iter().filter_map(|(row, part)| {
            Some(Copy {
                head: trusted(&row.head).ok()?,
                target: row.target,
                kept: row.kept,
                examined: row.examined,
                part,
            })
        });
        Ok(copies.collect())
    }

    /// The shares of `owner` that this node has to do with.
    ///
    /// # Errors
    /// The database's.
    pub fn known_of(&self, owner: &PeerId) -> io::Result<Vec<ShareId>> {
        let rows = store::run(self.database(), |connection| {
            known::known_of(connection, owner)
        })?;
        Ok(rows.into_iter().map(|row| row.share).collect())
    }

    /// What is known of a share: its newest head, as signed and as read.
    ///
    /// # Errors
    /// The database's.
    pub fn known_head(&self, share: &ShareId) -> io::Result<Option<(Vec<u8>, Head)>> {
        let known = self.known_and_copy(share)?.0;
        known
            .map(|row| {
                let head = trusted(&row.head).map_err(io::Error::other)?;
                Ok((row.head, head))
            })
            .transpose()
    }

    /// What lets us in at a provider of this share that does not know us, as far as we have it.
    ///
    /// # Errors
    /// The database's.
    pub fn credential(&self, share: &ShareId, now: Time) -> io::Result<Option<Credential>> {
        let Some(row) = self.known_and_copy(share)?.0 else {
            return Ok(None);
        };
        let head = trusted(&row.head).map_err(io::Error::other)?;
        Ok(match head.audience {
            Audience::Public => Some(Credential::Session),
            Audience::Link { .. } => row.link.map(|link| Credential::Link(LinkSecret(link))),
            Audience::Contacts | Audience::Named => {
                let granted = row.granted.and_then(|bytes| codec::decode(&bytes).ok());
                let is_good = |grant: &SignedGrant| {
                    let grant = grant.verify(&Ed25519, now);
                    grant.is_ok_and(|grant| grant.epoch == head.epoch)
                };
                granted.filter(is_good).map(|grant| Credential::Grant {
                    grant,
                    holder: self.owner().clone(),
                })
            }
        })
    }

    pub(super) fn known_and_copy(
        &self,
        share: &ShareId,
    ) -> io::Result<(Option<KnownRow>, Option<CopyRow>)> {
        store::run(self.database(), |connection| {
            Ok((
                known::known(connection, share)?,
                known::copy(connection, share)?,
            ))
        })
    }
}

/// What is known with the news (the newer head, the newest grant), and what becomes of the copy.
fn decide(
    known: Option<KnownRow>,
    copy: Option<&CopyRow>,
    news: &News,
    head: &Head,
    now: Time,
) -> Result<(KnownRow, CopyFate), LearnError> {
    let old = known.as_ref().map(|row| trusted(&row.head)).transpose()?;
    if old.as_ref().is_some_and(|old| old.owner != head.owner) {
        return Err(LearnError::Owner);
    }
    if old.as_ref().is_some_and(|old| old.epoch > head.epoch) {
        return Err(LearnError::Ended);
    }
    let is_newer = old.is_none_or(|old| old.sequence <= head.sequence);
    let copied = copy.map(|copy| trusted(&copy.head)).transpose()?;
    let fate = copied.map_or(CopyFate::Stays, |copied| {
        CopyFate::of(copied.epoch, head.epoch, copied.manifest == head.manifest)
    });
    let (old_head, old_granted, old_link) = match known {
        Some(row) => (Some(row.head), row.granted, row.link),
        None => (None, None, None),
    };
    let row = KnownRow {
        share: head.share,
        owner: head.owner,
        head: old_head
            .filter(|_| !is_newer)
            .unwrap_or_else(|| news.head.clone()),
        granted: news.grant.as_ref().map(codec::encode).or(old_granted),
        link: news.link.as_ref().map(|link| link.0).or(old_link),
        heard_ms: now.0,
    };
    Ok((row, fate))
}
