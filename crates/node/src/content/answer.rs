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

use crate::content::past;
use crate::content::shares::{Shares, trusted};
use crate::content::store::{self, ShareRow};
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
            Proof::Grant(grant) => access::show_grant(&Ed25519, grant, now),
            Proof::Link(proof) => {
                let guard = match shares.row(share)?.and_then(|row| trusted(&row).ok()) {
                    Some(head) => shares.guard(&head, asker)?,
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
        now: Time,
    ) -> io::Result<Reply> {
        match request {
            Request::List { after } => self.answer_list(*after, asker, now),
            Request::Head { share, .. } => Ok(match self.admitted(share, asker, shown, now)? {
                Some((row, head, _)) => {
                    let (row, head) = self.freshened(row, head, now);
                    self.answer_head(row.head, &head, asker, now).into()
                }
                None => Answer::Gone.into(),
            }),
            Request::Version {
                share, manifest, ..
            } => Ok(match self.admitted(share, asker, shown, now)? {
                Some((row, head, _)) => self.answer_version(row, &head, manifest, asker, now)?,
                None => Answer::Gone.into(),
            }),
            Request::Blob(request) => match self.admitted(&request.share, asker, shown, now)? {
                Some(_) => self.answer_blob(request),
                None => Ok(Answer::Gone.into()),
            },
        }
    }

    /// The share, if there is one and the asker may have it.
    fn admitted(
        &self,
        share: &ShareId,
        asker: &Asker,
        shown: &Shown,
        now: Time,
    ) -> io::Result<Option<(ShareRow, Head, Guard)>> {
        let Some(row) = self.row(share)?.filter(|row| !row.revoked) else {
            return Ok(None);
        };
        let head = trusted(&row).map_err(io::Error::other)?;
        let guard = self.guard(&head, asker)?;
        Ok(may(asker, &guard, shown, now).then_some((row, head, guard)))
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

    /// The head, and a fresh grant for a contact, to show to other providers.
    fn answer_head(&self, bytes: Vec<u8>, head: &Head, asker: &Asker, now: Time) -> Answer {
        let is_private = matches!(head.audience, Audience::Contacts | Audience::Named);
        let holder = asker
            .peer
            .filter(|_| is_private && asker.relation == Relation::Contact);
        Answer::Head {
            head: bytes.into(),
            grant: holder.map(|peer| {
                SignedGrant::sign(&Ed25519, self.owner(), head.share, peer, head.epoch, now)
            }),
        }
    }

    /// The version of this manifest: the one of now, or a past one.
    fn answer_version(
        &self,
        row: ShareRow,
        head: &Head,
        manifest: &BlobHash,
        asker: &Asker,
        now: Time,
    ) -> io::Result<Reply> {
        let version = if head.manifest == *manifest {
            Some(row.head)
        } else {
            store::run(self.database(), |connection| {
                past::version(connection, &head.share, manifest)
            })?
        };
        Ok(version.map_or(Answer::Gone.into(), |version| {
            self.answer_head(version, head, asker, now).into()
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
