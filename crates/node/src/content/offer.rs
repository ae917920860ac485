//! What somebody may have: own shares and copies, guarded alike.

use std::io;

use kith_core::content::access::{Admits, Asker, Guard, Relation, Shown, may, may_know_end};
use kith_core::content::referral;
use kith_core::content::wire::Answer;
use kith_core::data::head::{Audience, Head};
use kith_core::ids::{BlobHash, ShareId};
use kith_core::time::Time;

use crate::content::known::{self, CopyRow};
use crate::content::quota;
use crate::content::shares::{Shares, trusted};
use crate::content::store::{self, ShareRow};
use crate::content::underway::Underway;

/// Something that is offered here, or was.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) head: Head,
    /// The head as its owner signed it.
    pub(super) signed: Vec<u8>,
    /// Its row, where it is our own.
    pub(super) own: Option<ShareRow>,
    /// Its row, where it is a copy.
    pub(super) copy: Option<CopyRow>,
}

impl Offer {
    fn own(row: ShareRow) -> io::Result<Self> {
        Ok(Self {
            head: trusted(&row).map_err(io::Error::other)?,
            signed: row.head.clone(),
            own: Some(row),
            copy: None,
        })
    }

    /// What is provided while it is fetched.
    fn underway(underway: &Underway) -> Self {
        Self {
            head: underway.head.clone(),
            signed: underway.signed.clone(),
            own: None,
            copy: None,
        }
    }

    fn of_others(signed: Vec<u8>, copy: Option<CopyRow>) -> io::Result<Self> {
        Ok(Self {
            head: known::trusted(&signed).map_err(io::Error::other)?,
            signed,
            own: None,
            copy,
        })
    }
}

impl Shares {
    /// What is offered of a share: our own, or the newer of a copy that is what its head says and what is being fetched; of this snapshot, where one is
    /// named and we are not its owner.
    pub(super) fn offer(
        &self,
        share: &ShareId,
        root: Option<&BlobHash>,
    ) -> io::Result<Option<Offer>> {
        if let Some(row) = self.row(share)? {
            return match row.revoked {
                true => Ok(None),
                false => Offer::own(row).map(Some),
            };
        }
        if !self.others().provides() {
            return Ok(None);
        }
        let (known, copy) = self.known_and_copy(share)?;
        let copy = copy
            .filter(CopyRow::is_provided)
            .map(|copy| Offer::of_others(copy.head.clone(), Some(copy)));
        let mut offers: Vec<Offer> = copy.transpose()?.into_iter().collect();
        if let Some(underway) = self.underways().find(share, root) {
            let known = known.map(|known| known::trusted(&known.head)).transpose();
            let known = known.map_err(io::Error::other)?;
            // What was taken back meanwhile is not given on.
            if known.is_none_or(|known| known.epoch <= underway.head.epoch) {
                offers.push(Offer::underway(&underway));
            }
        }
        offers.retain(|offer| root.is_none_or(|root| offer.head.manifest == *root));
        Ok(offers.into_iter().max_by_key(|offer| offer.head.sequence))
    }

    /// The last head of a share that is not offered, where one is known.
    pub(super) fn ended(&self, share: &ShareId) -> io::Result<Option<Offer>> {
        if let Some(row) = self.row(share)? {
            return Offer::own(row).map(Some);
        }
        let known = self.known_and_copy(share)?.0;
        known
            .map(|row| Offer::of_others(row.head, None))
            .transpose()
    }

    /// How a share is guarded against this asker.
    pub(super) fn guard(&self, head: &Head, asker: &Asker) -> io::Result<Guard> {
        let is_mine = head.owner == self.owner().peer_id();
        let admits = match head.audience {
            Audience::Public => Admits::Public,
            Audience::Link { key } => Admits::Link(key.0),
            Audience::Contacts | Audience::Named if !is_mine => Admits::Granted,
            Audience::Contacts => Admits::MyContacts,
            Audience::Named => Admits::MyNamed(match asker.peer {
                Some(peer) => store::run(self.database(), |connection| {
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

    /// The newest head of an own share, and how it is guarded against somebody: of one that was taken back, the head that says so.
    ///
    /// # Errors
    /// The database's.
    pub fn own_head(&self, share: &ShareId, asker: &Asker) -> io::Result<Option<(Guard, Vec<u8>)>> {
        let Some(row) = self.row(share)? else {
            return Ok(None);
        };
        let head = trusted(&row).map_err(io::Error::other)?;
        Ok(Some((self.guard(&head, asker)?, row.head)))
    }

    /// The share, if it is offered and the asker may have it; as in [`Shares::offer`]. Of a copy it is noted that somebody asked.
    pub(super) fn admitted(
        &self,
        (share, root): (&ShareId, Option<&BlobHash>),
        asker: &Asker,
        shown: &Shown,
        now: Time,
    ) -> io::Result<Option<Offer>> {
        let Some(offer) = self.offer(share, root)? else {
            return Ok(None);
        };
        let guard = self.guard(&offer.head, asker)?;
        if !may(asker, &guard, shown, now) {
            return Ok(None);
        }
        if let Some(copy) = offer.copy.as_ref().filter(|it| quota::is_stale(it, now)) {
            store::run(self.database(), |connection| {
                quota::used(connection, copy, now)
            })?;
        }
        Ok(Some(offer))
    }

    /// What whoever does not get a share is told: that it was taken back, if they had it and it was; else nothing.
    pub(super) fn answer_ended(
        &self,
        share: &ShareId,
        asker: &Asker,
        shown: &Shown,
        now: Time,
    ) -> io::Result<Answer> {
        let Some(offer) = self.ended(share)? else {
            return Ok(Answer::Gone);
        };
        let is_over = match (&offer.own, shown) {
            (Some(row), _) => row.revoked,
            // Another provider knows the end by the epoch alone, and so only of shares that are opened by grants.
            (None, Shown::Grant(grant)) => grant.epoch < offer.head.epoch,
            (None, _) => false,
        };
        let guard = self.guard(&offer.head, asker)?;
        Ok(match is_over && may_know_end(asker, &guard, shown, now) {
            true => Answer::Ended(offer.signed.into()),
            false => Answer::Gone,
        })
    }

    /// Whether a share with this tag is provided here; contacts only are told.
    pub(super) fn finds(
        &self,
        tag: &[u8; 32],
        asker: &Asker,
        exporter: &[u8; 32],
    ) -> io::Result<bool> {
        if asker.relation != Relation::Contact {
            return Ok(false);
        }
        let (own, copies) = store::run(self.database(), |connection| {
            Ok((store::shares(connection, None)?, known::copies(connection)?))
        })?;
        let provides = self.others().provides();
        let copies = copies.iter().filter(|copy| copy.is_provided());
        let underway = self.underways().shares();
        let others = copies.map(|copy| &copy.share).chain(&underway);
        let shares = own.iter().map(|row| &row.share);
        Ok(shares
            .chain(others.filter(|_| provides))
            .any(|share| referral::tag(share, exporter) == *tag))
    }
}
