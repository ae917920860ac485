//! One request of `/kith/share/1` becomes one answer.
//!
//! A file is looked at before and after a range of it was read, and only then the range is sent: whoever edits a file while it is
//! served makes the provider say `Changed`, and never send bytes that do not verify.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::time::Instant;

use kith_core::content::access::{self, Admits, Asker, Guard, Relation, Shown, may};
use kith_core::content::grant::SignedGrant;
use kith_core::content::wire::{Answer, BlobRequest, GROUP_BYTES, HEADS_MAX, Proof, Request};
use kith_core::crypto::Ed25519;
use kith_core::data::head::{Audience, Head};
use kith_core::ids::{BlobHash, ShareId};
use kith_core::time::Time;

use crate::content::offer::Offer;
use crate::content::past;
use crate::content::shares::{Shares, trusted};
use crate::content::store;
use crate::data::hash::{self, Stamp};
use crate::data::range::Blob;

/// For how many shares a stream remembers what was shown; a getter opens one stream for each share.
const SHOWN_MAX: usize = 16;

/// An answer, and the raw bytes after it.
#[derive(Debug)]
pub struct Reply {
    /// The answer.
    pub answer: Answer,
    /// As many bytes as it says.
    pub raw: Vec<u8>,
    /// How many bytes of a file of which share are in it.
    pub(super) given: Option<(ShareId, u64)>,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self {
            answer,
            raw: Vec::new(),
            given: None,
        }
    }
}

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
        let shown = match proof {
            Proof::Session => return Ok(self.0.get(share).cloned().unwrap_or_default()),
            Proof::Grant(grant) => access::show_grant(&Ed25519, exporter, grant, now),
            Proof::Link(proof) => {
                let guard = match shares.offer(share)?.or(shares.ended(share)?) {
                    Some(offer) => shares.guard(&offer.head, asker)?,
                    // What is not there takes as long as what is not for the asker.
                    None => Guard {
                        share: *share,
                        owner: shares.owner().peer_id(),
                        epoch: 0,
                        admits: Admits::Granted,
                    },
                };
                access::show_link(&Ed25519, &guard, exporter, proof)
            }
        };
        if self.0.len() >= SHOWN_MAX {
            self.0.clear();
        }
        self.0.insert(*share, shown.clone());
        Ok(shown)
    }
}

impl Shares {
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
    ) -> io::Result<Reply> {
        let asker = &asker.having(shown, |peer| self.others().is_blocked(peer));
        Ok(match request {
            Request::List { after } => return self.answer_list(*after, asker, now),
            Request::Head { share, .. } => match self.admitted(share, asker, shown, now)? {
                Some(offer) => self.answer_head(offer, asker, now).into(),
                None => self.answer_ended(share, asker, shown, now)?.into(),
            },
            Request::Version {
                share, manifest, ..
            } => match self.admitted(share, asker, shown, now)? {
                Some(offer) => self.answer_version(offer, manifest, asker, now)?.into(),
                None => Answer::Gone.into(),
            },
            Request::Blob(request) => match self.admitted(&request.share, asker, shown, now)? {
                Some(_) => return self.answer_blob(request),
                None => Answer::Gone.into(),
            },
            Request::Providers { share, .. } => match self.admitted(share, asker, shown, now)? {
                Some(_) => Answer::Providers(self.others().refer(share, asker, now)).into(),
                None => Answer::Gone.into(),
            },
            Request::Provide {
                share, referral, ..
            } => match self.admitted(share, asker, shown, now)? {
                Some(_) => {
                    self.others().hear(share, asker, referral, now);
                    Answer::Noted.into()
                }
                None => Answer::Gone.into(),
            },
            Request::Notice(head) => {
                self.notice(head, now)?;
                Answer::Noted.into()
            }
            Request::Find(tag) => match self.finds(tag, asker, exporter)? {
                true => Answer::Noted.into(),
                false => Answer::Gone.into(),
            },
        })
    }

    fn answer_list(&self, after: Option<ShareId>, asker: &Asker, now: Time) -> io::Result<Reply> {
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
                return Ok(Answer::Heads { heads, more: true }.into());
            }
            heads.push(row.head.into());
        }
        Ok(Answer::Heads { heads, more: false }.into())
    }

    /// The head; an own share is looked at first.
    fn answer_head(&self, offer: Offer, asker: &Asker, now: Time) -> Answer {
        let Some(row) = offer.own else {
            return unowned(offer.signed);
        };
        let (row, head) = self.freshened(row, offer.head, now);
        self.granting(row.head, &head, asker, now)
    }

    /// A head of an own share, and a fresh grant for a contact, to show to other providers.
    fn granting(&self, signed: Vec<u8>, head: &Head, asker: &Asker, now: Time) -> Answer {
        let is_private = matches!(head.audience, Audience::Contacts | Audience::Named);
        let holder = asker
            .peer
            .filter(|_| is_private && asker.relation == Relation::Contact);
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

    fn answer_blob(&self, request: &BlobRequest) -> io::Result<Reply> {
        if !request.is_bounded() {
            return Ok(Answer::Gone.into());
        }
        let (node, files) = store::run(self.database(), |connection| {
            let node = store::node(connection, &request.share, &request.hash)?;
            let files = match node {
                Some(_) => Vec::new(),
                None => store::files(connection, &request.share, &request.hash)?,
            };
            Ok((node, files))
        })?;
        if let Some(bytes) = node {
            return answer_node(request, &bytes);
        }
        let existed = !files.is_empty();
        for (path, stamp) in files {
            let blob = Blob {
                hash: request.hash,
                size: stamp.size,
            };
            if request.offset > 0 && request.offset >= blob.size {
                return Ok(Answer::Gone.into());
            }
            match self.read_unchanged(&path, stamp, blob, request) {
                Ok(Some(reply)) => return Ok(reply),
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "a shared file cannot be read"),
            }
        }
        if existed {
            self.looks().see(&request.share, Instant::now());
        }
        Ok(if existed {
            Answer::Changed
        } else {
            Answer::Gone
        }
        .into())
    }

    /// A range of a file that has the stamp it was hashed with, before and after it is read.
    fn read_unchanged(
        &self,
        path: &std::path::Path,
        stamp: Stamp,
        blob: Blob,
        request: &BlobRequest,
    ) -> io::Result<Option<Reply>> {
        let file = hash::open_in_place(path)?;
        if Stamp::of(&file.metadata()?) != stamp {
            return Ok(None);
        }
        let encoded = if blob.size > GROUP_BYTES {
            let outboard: File = self.outboards().load(&blob.hash, blob.size)?;
            blob.encode(&file, outboard, request.offset, request.length)?
        } else {
            blob.encode(&file, [].as_slice(), request.offset, request.length)?
        };
        let bytes = request.length.min(blob.size - request.offset);
        let given = Some((request.share, bytes));
        Ok((Stamp::of(&file.metadata()?) == stamp).then(|| Reply {
            given,
            ..reply(blob, encoded)
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

fn answer_node(request: &BlobRequest, bytes: &[u8]) -> io::Result<Reply> {
    let (hash, outboard) = hash::hash_bytes(bytes);
    let size = bytes.len() as u64;
    if request.offset > 0 && request.offset >= size {
        return Ok(Answer::Gone.into());
    }
    let blob = Blob { hash, size };
    let encoded = blob.encode(bytes, outboard.as_slice(), request.offset, request.length)?;
    Ok(reply(blob, encoded))
}

fn reply(blob: Blob, raw: Vec<u8>) -> Reply {
    let answer = Answer::Blob {
        size: blob.size,
        encoded: raw.len() as u64,
    };
    Reply {
        answer,
        raw,
        given: None,
    }
}
