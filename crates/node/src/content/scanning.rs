//! Scanning what is shared, for the first time and again.
//!
//! Each scan of a share has a number, and the rows of what it found carry it. Only where the tree differs there is a new head; the one
//! before it is kept for [`past`].

use std::sync::{Mutex, PoisonError};

use kith_core::codec;
use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::data::builder::Built;
use kith_core::data::head::{Head, SignedHead, Terms};
use kith_core::data::link::LinkSecret;
use kith_core::ids::ShareId;
use kith_core::time::Time;

use crate::content::event::ShareEvent;
use crate::content::past::{self, NewHead, Renewed};
use crate::content::shares::{ShareError, Shared, Shares, shared, trusted};
use crate::content::store::{self, Scan, ShareRow};
use crate::data::barrier;
use crate::data::range::Blob;
use crate::data::scan::{self, Found, InPlace, Root, Scanned};

/// How many things found by a scan are written at once: a transaction costs as much as a hundred rows.
const KEEP_ROWS: usize = 1_000;

/// How many bytes of nodes are held until they are written.
const KEEP_BYTES: usize = 4 << 20;

impl Shares {
    /// Scans a share again; also says whether something changed. The caller has the right to scan.
    pub(super) fn refresh(&self, share: &ShareId, now: Time) -> Result<(Shared, bool), ShareError> {
        let row = self
            .row(share)?
            .filter(|row| !row.revoked)
            .ok_or(ShareError::Unknown)?;
        let old = trusted(&row)?;
        let roots = self.roots_in_place(share)?;
        let number = row.scan.max(old.sequence) + 1;
        let scanned = self.scan(share, number, &roots, row.bare)?;
        let scan = Scan {
            number,
            at: now,
            left_out: scanned.left_out_count,
        };
        let (mut row, mut old) = (row, old);
        loop {
            if scanned.root.node == old.manifest {
                self.kept(share, scan, None)?;
                self.keep_left_out(share, &scanned.left_out);
                return Ok((shared(old, row.link.map(LinkSecret), scanned), false));
            }
            let signed = next_version(&row, &old, &scanned.root, now)?;
            let head = codec::encode(&signed);
            let new = NewHead {
                head: &head,
                on: &row.head,
                replaced: &old.manifest,
            };
            if self.kept(share, scan, Some(new))? {
                self.keep_left_out(share, &scanned.left_out);
                let shared = shared(signed.trusted()?, row.link.map(LinkSecret), scanned);
                self.tell_own(*share, ShareEvent::Changed(shared.head.clone()));
                self.doubt();
                return Ok((shared, true));
            }
            // Somebody's grants were taken back while it was scanned, or its audience changed.
            row = self
                .row(share)?
                .filter(|row| !row.revoked)
                .ok_or(ShareError::Unknown)?;
            old = trusted(&row)?;
        }
    }

    /// Makes a scan the one that counts, with the new head it led to. False where the share has another head by now than that follows on.
    fn kept(
        &self,
        share: &ShareId,
        scan: Scan,
        head: Option<NewHead<'_>>,
    ) -> Result<bool, ShareError> {
        let renewed = store::run(self.database(), |connection| {
            past::renew(connection, share, scan, head)
        })?;
        match renewed {
            Renewed::Counts => Ok(true),
            Renewed::Outdated => Ok(false),
            Renewed::TakenBack => Err(ShareError::Unknown),
        }
    }

    /// Scans and keeps what is found, durably; for a bare share without what pictures say.
    pub(super) fn scan(
        &self,
        share: &ShareId,
        number: u64,
        roots: &[Root],
        is_bare: bool,
    ) -> Result<Scanned, ShareError> {
        let held = Mutex::new(Held::default());
        let write = |found: Vec<Found>| {
            store::run(self.database(), |connection| {
                store::keep(connection, share, number, &found)
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
            let known = store::run(self.database(), |connection| {
                store::known(connection, path, stamp)
            });
            known.ok().flatten().map(|blob| blob.hash)
        };
        let bare = |path: &std::path::Path, lying: &Blob| self.bare(path, lying);
        let in_place = is_bare.then_some(&bare as InPlace<'_>);
        let scanned = scan::scan(roots, self.outboards(), &known, &keep, in_place)?;
        let rest = held.into_inner().unwrap_or_else(PoisonError::into_inner);
        write(rest.found)?;
        barrier::tree(self.outboards().folder())?;
        Ok(scanned)
    }
}

/// The head of the version that a scan has found, after the one of now.
fn next_version(
    row: &ShareRow,
    old: &Head,
    found: &Built,
    now: Time,
) -> Result<SignedHead, ShareError> {
    let terms = Terms {
        manifest: found.node,
        totals: found.totals,
        ..old.next(now)
    };
    let secret = SecretKey::from_bytes(row.secret);
    Ok(SignedHead::sign(&Ed25519, &secret, terms)?)
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
