//! What a transfer is asked for, how far it is, and what came of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kith_core::content::grant::SignedGrant;
use kith_core::data::head::Head;
use kith_core::ids::{BlobHash, PeerId, ShareId};
use kith_core::time::Time;

use crate::content::credential::Credential;
use crate::content::filter::Filter;
use crate::content::givers::Givers;
use crate::content::offered::{Offered, Providing};
use crate::content::priorities::Priorities;
use crate::content::reader::Readers;
use crate::content::selected::PartOf;
use crate::content::shares::Shares;
use crate::content::updated::Updated;
use crate::content::updating::Update;
use crate::data::local::Candidate;
use crate::data::range::Blob;

/// Where these blobs may lie here already, by their hashes. Blocks.
pub type AlreadyHere = Arc<dyn Fn(&[Blob]) -> BTreeMap<BlobHash, Vec<Candidate>> + Send + Sync>;

/// What to fetch.
#[derive(Clone)]
pub struct Get {
    /// Which share.
    pub share: ShareId,
    /// Whose it must be.
    pub owner: PeerId,
    /// The version it must have, by the hash of its manifest; `None` for the newest.
    pub at: Option<BlobHash>,
    /// The newest version that is known, where an older one will not do.
    pub newest: Option<Head>,
    /// The version of which files are known to have changed: nothing of it is asked for where it is still the newest.
    pub stale: Option<BlobHash>,
    /// What of it, written with `/`; empty for all.
    pub path: String,
    /// The folder in which the target appears, under the share's name or the last of the path.
    pub out: PathBuf,
    /// Which files; `None` for all.
    pub only: Option<Filter>,
    /// Where it is written down what was got, so that it can be brought up to date later; `None` where it is not.
    pub was: Option<Arc<Shares>>,
    /// How a target that is there already is brought up to date; `None` where it is not touched.
    pub update: Option<Update>,
    /// What need not be fetched, because it lies here; `None` where nothing does.
    pub here: Option<AlreadyHere>,
    /// What lets us in.
    pub credential: Credential,
    /// Where its files are read while they arrive.
    pub readers: Readers,
    /// How soon its files are wanted.
    pub priorities: Priorities,
    /// The time, for judging signatures.
    pub now: Time,
    /// Told where what arrives is kept until it is whole.
    pub staged: StagedAt,
    /// Told who gives it.
    pub givers: Givers,
    /// How it is provided while it arrives; `None` where it is not.
    pub providing: Option<Providing>,
}

/// Where what arrives is kept until it is whole: told by a transfer once it knows, to whoever has a clone of this.
#[derive(Clone, Debug, Default)]
pub struct StagedAt(Arc<Mutex<Option<PathBuf>>>);

impl StagedAt {
    /// Tells the folder.
    pub fn tell(&self, folder: PathBuf) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(folder);
    }

    /// The folder, as far as one was told.
    pub fn folder(&self) -> Option<PathBuf> {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.clone()
    }
}

/// How far a transfer is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Verified and written, by earlier runs too.
    pub bytes: u64,
    /// Of those, the ones that a power failure leaves.
    pub durable: u64,
    /// All there is; `None` where a filter leaves it open.
    pub total: Option<u64>,
    /// Files that are whole.
    pub files: u64,
    /// Bytes of files that this run fetched.
    pub fetched: u64,
    /// How many of them came from whom; from providers that proved nothing, under `None`.
    pub sources: BTreeMap<Option<PeerId>, u64>,
}

impl Get {
    /// Whether that are some files of a share.
    pub(crate) fn is_part(&self) -> bool {
        // Of what is brought up to date some may stay as it is here.
        let is_all = self.path.trim_matches('/').is_empty() && self.only.is_none();
        !is_all || self.update.is_some()
    }
}

/// A finished transfer.
#[derive(Clone, Debug)]
pub struct Got {
    /// Where it is.
    pub target: PathBuf,
    /// What was fetched, as its owner signed it.
    pub head: Head,
    /// A grant, where the provider was the owner and gave one.
    pub grant: Option<SignedGrant>,
    /// Bytes of files, by earlier runs too.
    pub bytes: u64,
    /// Files.
    pub files: u64,
    /// Bytes of files that this run fetched.
    pub fetched: u64,
    /// How many of them came from whom; from providers that proved nothing, under `None`.
    pub sources: BTreeMap<Option<PeerId>, u64>,
    /// How long it took.
    pub time: Duration,
    /// Links that were not made: those that lead out of the part that was fetched, and those among chosen files.
    pub links_left_out: u64,
    /// What came of bringing it up to date, where that was wanted.
    pub updated: Option<Updated>,
    /// What it is a part of, where that is not all of a share.
    pub selected_of: Option<PartOf>,
    /// As long as this is held it is provided as it was while it arrived.
    pub offered: Option<Arc<Offered>>,
}
