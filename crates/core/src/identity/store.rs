//! The book as rows: what is kept of it, and how it comes back.
//!
//! ```text
//! kind      key                     value
//! contact   PeerId                  Contact
//! invite    InviteId                [version, invite, [by, at] / null, admitted]
//! accepted  PeerId of its maker     [version, invite, at, left / null, earlier reach / null]
//! epoch     [face, role]            [version, epoch]
//! ```

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::codec::{self, DecodeError, Wire};
use crate::ids::{Face, InviteId, PeerId};
use crate::row::Row;
use crate::time::Time;

use super::contact::{self, Contact, Reach};
use super::invite::{INVITE_BYTES_MAX, Invite};
use super::petname::Folded;

/// The rows of contacts.
pub const CONTACT_KIND: &str = "contact";

/// The rows of invites made.
pub const INVITE_KIND: &str = "invite";

/// The rows of invites accepted whose makers may not know it yet.
pub const ACCEPTED_KIND: &str = "accepted";

/// The rows of the epochs of my own bindings.
pub const EPOCH_KIND: &str = "epoch";

/// Which version of the rows other than contacts this is.
const VERSION: u8 = 1;

/// What a row takes beyond the invite in it, in bytes.
const ROW_OVERHEAD_BYTES: usize = 160;

/// An invite I made.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MadeInvite {
    #[n(0)]
    version: u8,
    /// The invite.
    #[n(1)]
    pub invite: Invite,
    /// Who used it up, for a single-use invite that has been used.
    #[n(2)]
    pub burned: Option<Burned>,
    /// How many peers came by it.
    #[n(3)]
    pub admitted: u32,
}

/// Who used up an invite, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Burned {
    /// Who.
    #[n(0)]
    pub by: PeerId,
    /// When.
    #[n(1)]
    pub at: Time,
}

/// An invite I accepted, as long as its maker may not know.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AcceptedInvite {
    #[n(0)]
    version: u8,
    /// The invite.
    #[n(1)]
    pub invite: Invite,
    /// When I accepted it.
    #[n(2)]
    pub at: Time,
    /// When a sealed reply was last left for its maker.
    #[n(3)]
    pub left: Option<Time>,
    /// What was shared with its maker before, which counts again when the invite lapses unanswered.
    #[n(4)]
    pub earlier: Option<Reach>,
}

/// The last epoch I gave to one of my bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct GivenEpoch {
    #[n(0)]
    version: u8,
    #[n(1)]
    epoch: u64,
}

impl Wire for MadeInvite {
    const BYTES_MAX: usize = INVITE_BYTES_MAX + ROW_OVERHEAD_BYTES;
}

impl Wire for AcceptedInvite {
    const BYTES_MAX: usize = INVITE_BYTES_MAX + ROW_OVERHEAD_BYTES;
}

impl Wire for GivenEpoch {
    const BYTES_MAX: usize = 16;
}

/// Why a book cannot be restored. None of it is lost by refusing: the rows stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// A row cannot be read.
    #[error("a row of kind {kind} is {error}")]
    Row {
        /// Its kind.
        kind: &'static str,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// A row was written by a newer version.
    #[error("a row of kind {kind} has version {version}: a newer kith wrote it; update this one")]
    Version {
        /// Its kind.
        kind: &'static str,
        /// Its version.
        version: u8,
    },
    /// A row whose key is not that of its value, or that deletes.
    #[error("a row of kind {0} stands under a key that is not its own")]
    Key(&'static str),
    /// No kind of this book.
    #[error("{0} is no kind of row of an address book")]
    Kind(&'static str),
    /// Two contacts with one name.
    #[error("two contacts have the name {0}")]
    Name(String),
}

/// All that is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entries {
    pub(super) contacts: BTreeMap<PeerId, Contact>,
    pub(super) invites: BTreeMap<InviteId, MadeInvite>,
    pub(super) accepted: BTreeMap<PeerId, AcceptedInvite>,
    pub(super) epochs: BTreeMap<(Face, u8), u64>,
    /// The contacts by the folded form of their petnames; follows from them.
    pub(super) names: BTreeMap<Folded, PeerId>,
}

impl MadeInvite {
    /// An invite nobody used yet.
    pub(super) fn new(invite: Invite) -> Self {
        Self {
            version: VERSION,
            invite,
            burned: None,
            admitted: 0,
        }
    }

    /// Whether it can still be used.
    pub fn is_open(&self, now: Time) -> bool {
        self.burned.is_none() && !self.invite.is_expired(now)
    }
}

impl AcceptedInvite {
    /// An invite whose maker does not know yet.
    pub(super) fn new(invite: Invite, at: Time, earlier: Option<Reach>) -> Self {
        Self {
            version: VERSION,
            invite,
            at,
            left: None,
            earlier,
        }
    }
}

impl Entries {
    /// Reads all rows of a book, in any order.
    pub(super) fn restore(rows: impl IntoIterator<Item = Row>) -> Result<Self, RestoreError> {
        let mut entries = Self::default();
        for Row { kind, key, value } in rows {
            let value = value.ok_or(RestoreError::Key(kind))?;
            let own_key = match kind {
                CONTACT_KIND => entries.restore_contact(&value)?,
                INVITE_KIND => {
                    let made: MadeInvite = read(INVITE_KIND, &value)?;
                    current(kind, made.version, VERSION)?;
                    let id = made.invite.id();
                    entries.invites.insert(id, made);
                    id.0.to_vec()
                }
                ACCEPTED_KIND => {
                    let accepted: AcceptedInvite = read(ACCEPTED_KIND, &value)?;
                    current(kind, accepted.version, VERSION)?;
                    let maker = accepted.invite.peer;
                    entries.accepted.insert(maker, accepted);
                    maker.0.to_vec()
                }
                EPOCH_KIND => {
                    let given: GivenEpoch = read(EPOCH_KIND, &value)?;
                    current(kind, given.version, VERSION)?;
                    let (face, role) = slot(&key).ok_or(RestoreError::Key(EPOCH_KIND))?;
                    entries.epochs.insert((face, role), given.epoch);
                    key.clone()
                }
                other => return Err(RestoreError::Kind(other)),
            };
            if own_key != key {
                return Err(RestoreError::Key(kind));
            }
        }
        Ok(entries)
    }

    /// All rows, from which [`Entries::restore`] makes an equal book.
    pub(super) fn rows(&self) -> Vec<Row> {
        let contacts = self.contacts.keys().map(|peer| self.contact_row(peer));
        let invites = self.invites.keys().map(|id| self.invite_row(id));
        let accepted = self.accepted.keys().map(|peer| self.accepted_row(peer));
        let epochs = self.epochs.keys().map(|slot| self.epoch_row(*slot));
        contacts
            .chain(invites)
            .chain(accepted)
            .chain(epochs)
            .collect()
    }

    /// The row of a contact, as it is now.
    pub(super) fn contact_row(&self, peer: &PeerId) -> Row {
        row(CONTACT_KIND, peer.as_bytes(), self.contacts.get(peer))
    }

    /// The row of an invite, as it is now.
    pub(super) fn invite_row(&self, id: &InviteId) -> Row {
        row(INVITE_KIND, id.as_bytes(), self.invites.get(id))
    }

    /// The row of an accepted invite, as it is now.
    pub(super) fn accepted_row(&self, maker: &PeerId) -> Row {
        row(ACCEPTED_KIND, maker.as_bytes(), self.accepted.get(maker))
    }

    /// The row of the epoch last given to a face and role.
    pub(super) fn epoch_row(&self, (face, role): (Face, u8)) -> Row {
        let given = self.epochs.get(&(face, role)).map(|epoch| GivenEpoch {
            version: VERSION,
            epoch: *epoch,
        });
        row(EPOCH_KIND, &[face as u8, role], given.as_ref())
    }

    fn restore_contact(&mut self, value: &[u8]) -> Result<Vec<u8>, RestoreError> {
        let contact: Contact = read(CONTACT_KIND, value)?;
        current(CONTACT_KIND, contact.version, contact::VERSION)?;
        let peer = contact.peer;
        let other = self.names.insert(contact.petname.folded(), peer);
        if other.is_some() {
            return Err(RestoreError::Name(contact.petname.to_string()));
        }
        self.contacts.insert(peer, contact);
        Ok(peer.0.to_vec())
    }
}

/// The row of a value that is there or not.
fn row<T: Wire>(kind: &'static str, key: &[u8], value: Option<&T>) -> Row {
    Row {
        kind,
        key: key.to_vec(),
        value: value.map(codec::encode),
    }
}

fn read<T: Wire>(kind: &'static str, value: &[u8]) -> Result<T, RestoreError> {
    codec::decode(value).map_err(|error| RestoreError::Row { kind, error })
}

fn current(kind: &'static str, version: u8, known: u8) -> Result<(), RestoreError> {
    if version == known {
        Ok(())
    } else {
        Err(RestoreError::Version { kind, version })
    }
}

/// The face and role of the key of an epoch's row.
fn slot(key: &[u8]) -> Option<(Face, u8)> {
    let face = [Face::Public, Face::Contact];
    match key {
        [number, role] => face
            .into_iter()
            .find(|face| *face as u8 == *number)
            .map(|face| (face, *role)),
        _ => None,
    }
}
