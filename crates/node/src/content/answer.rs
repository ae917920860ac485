//! One request of `/kith/share/1` becomes one answer.

use std::collections::BTreeMap;
use std::io;

use kith_core::content::access::{self, Admits, Asker, Guard, Relation, Shown, may};
use kith_core::content::grant::SignedGrant;
use kith_core::content::wire::{Answer, HEADS_MAX, Proof, Request};
use kith_core::crypto::Ed25519;
use kith_core::data::head::{Audience, Head};
use kith_core::ids::{BlobHash, ShareId};
use kith_core::time::Time;

use crate::content::offer::Offer;
use crate::content::past;
use crate::content::shares::{Shares, trusted};
use crate::content::store;

/// For how many shares a stream remembers what was shown; a getter opens one stream for each share.
const SHOWN_MAX: usize = 16;

/// What the asker of one stream has shown so far, by share.
#[derive(Debug, Default)]
pub(super) struct Showing(BTreeMap<ShareId, Shown>);

impl Showing {
    /// What counts for a request that shows nothing new.
    pub(super) fn recall(&self, request: &Request) -> Option<Shown> {
        let Some((share, proof)) = request.claim() else {
            return Some(Shown::Nothing);
        };
        (*proof == Proof::Session).then(|| self.0.get(share).cloned().unwrap_or_default())
    }

    /// Takes in what a request shows, and gives what counts for its share.
    pub(super) fn take(
        &mut self,
        shares: &Shares,
        request: &Request,
        asker: &Asker,
        exporter: &[u8; 32],
        now: Time,
    ) -> io::Result<Shown> {
        let Some((share, proof)) = request.claim() else {
            return Ok(Shown::Nothing);
        };
        if let Some(shown) = self.recall(request) {
            return Ok(shown);
        };
        let shown = shares.shown(share, proof, asker, exporter, now)?;
        if self.0.len() >= SHOWN_MAX {
            self.0.clear();
        }
        self.0.insert(*share, shown.clone());
        Ok(shown)
    }
}

impl Shares {
    /// What a proof shows of its asker. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn shown(
        &self,
        share: &ShareId,
        proof: &Proof,
        asker: &Asker,
        exporter: &[u8; 32],
        now: Time,
    ) -> io::Result<Shown> {
        match proof {
            Proof::Session => Ok(Shown::Nothing),
            Proof::Grant(grant) => Ok(access::show_grant(&Ed25519, exporter, grant, now)),
            Proof::Link(proof) => {
                let guard = match self.offer(share, None)?.or(self.ended(share)?) {
                    Some(offer) => self.guard(&offer.head, asker)?,
                    // What is not there takes as long as what is not for the asker.
                    None => Guard {
                        share: *share,
                        owner: self.owner().peer_id(),
                        epoch: 0,
                        admits: Admits::Granted,
                    },
                };
                Ok(access::show_link(&Ed25519, &guard, exporter, proof))
            }
        }
    }

    /// Answers one request. Blocks.
    ///
    /// # Errors
    /// The database's or the disk's, and not the asker's: for those there are answers.
    pub(super) fn answer(
        &self,
        request: &Request,
        asker: &Asker,
        shown: &Shown,
        exporter: &[u8; 32],
        now: Time,
    ) -> io::Result<Answer> {
        let asker = &asker.having(shown, |peer| self.others().is_blocked(peer));
        match request {
            Request::List { after } => self.answer_list(*after, asker, now),
            Request::Head { share, .. } => match self.admitted((share, None), asker, shown, now)? {
                Some(offer) => Ok(self.answer_head(offer, asker, now)),
                None => self.answer_ended(share, asker, shown, now),
            },
            Request::Version {
                share, manifest, ..
            } => match self.admitted((share, Some(manifest)), asker, shown, now)? {
                Some(offer) => self.answer_version(offer, manifest, asker, now),
                None => Ok(Answer::Gone),
            },
            Request::Providers { share, .. } => {
                match self.admitted((share, None), asker, shown, now)? {
                    Some(_) => Ok(Answer::Providers(self.others().refer(share, asker, now))),
                    None => Ok(Answer::Gone),
                }
            }
            Request::Provide {
                share, referral, ..
            } => match self.admitted((share, None), asker, shown, now)? {
                Some(_) => {
                    self.others().announce(share, asker, referral, now);
                    Ok(Answer::Noted)
                }
                None => Ok(Answer::Gone),
            },
            Request::Place { share, .. } => {
                match self.admitted((share, None), asker, shown, now)? {
                    // A copy has what it has.
                    Some(offer) if offer.own.is_none() || self.is_in_place(share)? => {
                        Ok(Answer::Noted)
                    }
                    _ => Ok(Answer::Gone),
                }
            }
            Request::Notice(head) => {
                self.notice(head, asker, now)?;
                Ok(Answer::Noted)
            }
            Request::Find(tag) => match self.finds(tag, asker, exporter)? {
                true => Ok(Answer::Noted),
                false => Ok(Answer::Gone),
            },
        }
    }

    fn answer_list(&self, after: Option<ShareId>, asker: &Asker, now: Time) -> io::Result<Answer> {
        let rows = store::run(self.database(), |connection| {
            store::shares(connection, after)
        })?;
        let mut heads = Vec::new();
        for row in rows {
            let head = trusted(&row).map_err(io::Error::other)?;
            if !may(asker, &self.guard(&head, asker)?, &Shown::Nothing, now) {
                continue;
            }
            if heads.len() == HEADS_MAX {
                return Ok(Answer::Heads { heads, more: true });
            }
            heads.push(row.head.into());
        }
        Ok(Answer::Heads { heads, more: false })
    }

    /// The head of the own share that a request asks for, where the asker may have it: it is looked at before it is answered. Blocks.
    ///
    /// # Errors
    /// The database's.
    pub(super) fn looked_for(
        &self,
        request: &Request,
        asker: &Asker,
        shown: &Shown,
        now: Time,
    ) -> io::Result<Option<Head>> {
        let Request::Head { share, .. } = request else {
            return Ok(None);
        };
        let asker = asker.having(shown, |peer| self.others().is_blocked(peer));
        let offer = self.admitted((share, None), &asker, shown, now)?;
        Ok(offer.filter(|offer| offer.own.is_some()).map(|it| it.head))
    }

    fn answer_head(&self, offer: Offer, asker: &Asker, now: Time) -> Answer {
        match offer.own {
            Some(row) => self.granting(row.head, &offer.head, asker, now),
            None => unowned(offer.signed),
        }
    }

    /// A head of an own share, and a fresh grant for a contact, to show to other providers.
    fn granting(&self, signed: Vec<u8>, head: &Head, asker: &Asker, now: Time) -> Answer {
        let is_private = matches!(head.audience, Audience::Contacts | Audience::Named);
        let holder = asker
            .peer
            .filter(|_| is_private && asker.relation == Relation::Contact)
            // Looked at after the head was read: one that was raised for their sake is seen with it.
            .filter(|peer| !self.others().is_parting(peer));
        Answer::Head {
            head: signed.into(),
            grant: holder.map(|peer| {
                SignedGrant::sign(&Ed25519, self.owner(), head.share, peer, head.epoch, now)
            }),
        }
    }

    /// The version of this manifest: the one of now, or a past one. Of a copy there is the one.
    fn answer_version(
        &self,
        offer: Offer,
        manifest: &BlobHash,
        asker: &Asker,
        now: Time,
    ) -> io::Result<Answer> {
        let is_newest = offer.head.manifest == *manifest;
        if offer.own.is_none() {
            return Ok(match is_newest {
                true => unowned(offer.signed),
                false => Answer::Gone,
            });
        }
        let share = &offer.head.share;
        let version = match is_newest {
            true => Some(offer.signed),
            false => store::run(self.database(), |connection| {
                past::version(connection, share, manifest)
            })?,
        };
        Ok(version.map_or(Answer::Gone, |signed| {
            self.granting(signed, &offer.head, asker, now)
        }))
    }
}

/// A head of somebody else's share: only its owner grants it.
fn unowned(signed: Vec<u8>) -> Answer {
    Answer::Head {
        head: signed.into(),
        grant: None,
    }
}
