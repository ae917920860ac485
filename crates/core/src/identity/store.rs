//! The book as rows: what is kept of it, and how it comes back.
//!
//! ```text
//! kind      key                     value
//! contact   PeerId                  Contact
//! invite    InviteId                [version, invite, [by, at] / null, admitted]
//! accepted  PeerId of their maker   [version, invite, at, left / null, earlier reach / null, [name, state, [introducer]] / null,
//!                                    [[invite, at, left / null]] / null], the invite accepted last first
//! epoch     [face, role]            [version, epoch]
//! latest    16 bytes for a peer     [version, as of when the latest counted of all that was shared with them and ended]
//! ```
//!
//! Fields that are nothing at the end of a row are left out, so that rows from before there was such a field are read.

use std::collections::BTreeMap;

use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::codec::{self, DecodeError, Wire};
use crate::ids::{Face, InviteId, PeerId};
use crate::row::Row;
use crate::time::Time;

use super::contact::{self, Contact};
use super::kept_invite::{self, AcceptedInvites, AcceptedRow, MadeInvite};
use super::petname::Folded;

/// The rows of contacts.
pub const CONTACT_KIND: &str = "contact";

/// The rows of invites made.
pub const INVITE_KIND: &str = "invite";

/// The rows of invites accepted whose makers may not know it yet.
pub const ACCEPTED_KIND: &str = "accepted";

/// The rows of the epochs of my own bindings.
pub const EPOCH_KIND: &str = "epoch";

/// The rows of the latest dates of what was shared and ended, which outlive whoever is forgotten.
pub const LATEST_KIND: &str = "latest";

/// How many such dates are kept: as many as contacts are removed in a life, and 160 KiB. The earliest makes room; it is past then, and a clock is
/// after it.
pub(super) const LATEST_MAX: usize = 4096;

/// Which version of the rows of epochs and of latest dates this is.
const VERSION: u8 = 1;

/// The last epoch I gave to one of my bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct GivenEpoch {
    #[n(0)]
    version: u8,
    #[n(1)]
    epoch: u64,
}

impl Wire for GivenEpoch {
    const BYTES_MAX: usize = 16;
}

/// As of when the latest counted of all that was shared with somebody and ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Latest {
    #[n(0)]
    version: u8,
    #[n(1)]
    at: Time,
}

impl Wire for Latest {
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

/// A peer, as only the owner of the book can tell: who was removed is not to be read on the disk.
pub(super) type Whose = [u8; 16];

/// All that is durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Entries {
    pub(super) contacts: BTreeMap<PeerId, Contact>,
    pub(super) invites: BTreeMap<InviteId, MadeInvite>,
    pub(super) accepted: BTreeMap<PeerId, AcceptedInvites>,
    pub(super) epochs: BTreeMap<(Face, u8), u64>,
    /// As of when the latest counted of all that was shared and ended, for each with whom it was.
    pub(super) latest: BTreeMap<Whose, Time>,
    /// The contacts by the folded form of their petnames; follows from them.
    pub(super) names: BTreeMap<Folded, PeerId>,
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
                    current(kind, made.version, kept_invite::VERSION)?;
                    let id = made.invite.id();
                    entries.invites.insert(id, made);
                    id.0.to_vec()
                }
                ACCEPTED_KIND => {
                    let row: AcceptedRow = read(ACCEPTED_KIND, &value)?;
                    current(kind, row.version, kept_invite::VERSION)?;
                    let maker = row.invite.peer;
                    let accepted = AcceptedInvites::of_row(row).ok_or(RestoreError::Key(kind))?;
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
                LATEST_KIND => {
                    let latest: Latest = read(LATEST_KIND, &value)?;
                    current(kind, latest.version, VERSION)?;
                    match Whose::try_from(key.as_slice()) {
                        Ok(whose) => drop(entries.latest.insert(whose, latest.at)),
                        // Once there was one for all, which says nothing of anybody.
                        Err(_) if key.is_empty() => {}
                        Err(_) => return Err(RestoreError::Key(LATEST_KIND)),
                    }
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
            .chain(self.latest.keys().map(|whose| self.latest_row(whose)))
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
        let accepted = self.accepted.get(maker);
        let kept = accepted.and_then(AcceptedInvites::to_row);
        row(ACCEPTED_KIND, maker.as_bytes(), kept.as_ref())
    }

    /// The row of the epoch last given to a face and role.
    pub(super) fn epoch_row(&self, (face, role): (Face, u8)) -> Row {
        let given = self.epochs.get(&(face, role)).map(|epoch| GivenEpoch {
            version: VERSION,
            epoch: *epoch,
        });
        row(EPOCH_KIND, &[face as u8, role], given.as_ref())
    }

    /// The row of the latest date of what was shared with somebody.
    pub(super) fn latest_row(&self, whose: &Whose) -> Row {
        let latest = self.latest.get(whose).map(|at| Latest {
            version: VERSION,
            at: *at,
        });
        row(LATEST_KIND, whose, latest.as_ref())
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::Ed25519;
    use crate::identity::fixture::{
        NOW, book, drain, friends, hex, introducer, invite, key, made, restored, show,
    };
    use crate::identity::state::Book;

    /// A book with something in every row.
    fn full() -> Book<Ed25519> {
        let (mut book, _) = friends();
        let bo = key(2).peer_id();
        book.tag(&bo, "music").expect("room");
        book.note(&bo, "plays the cello").expect("short");
        book.observe_introducers(&bo, vec![introducer(2)]);
        book.observe_speaks(&bo, vec!["/chat/1".parse().expect("a name")]);
        book.accept_invite(NOW, &invite(3, 7), None).expect("room");
        book.mark_reply_left(NOW, &key(3).peer_id(), &invite(3, 7).id());
        book.next_epoch(NOW, Face::Contact, 0);
        book
    }

    #[test]
    fn a_book_restored_from_its_rows_is_equal() {
        let book = full();
        assert_eq!(restored(&book).entries, book.entries);
    }

    #[test]
    fn rows_have_the_golden_bytes() {
        let mut rows = full().rows();
        let kinds: Vec<&str> = rows.iter().map(|row| row.kind).collect();
        assert_eq!(kinds, ["contact", "contact", "invite", "accepted", "epoch"]);
        let mut value = |place: usize| hex(&rows[place].value.take().expect("kept"));
        assert_eq!(value(1), GOLDEN_CONTACT);
        assert_eq!(value(2), GOLDEN_INVITE);
        assert_eq!(value(3), GOLDEN_ACCEPTED);
        assert_eq!(value(4), GOLDEN_EPOCH);
    }

    #[test]
    fn rows_of_a_newer_kith_are_named_and_not_guessed_at() {
        let mut book = full();
        let contact = book.entries.contacts.values_mut().next().expect("two");
        contact.version = 2;
        let error = Entries::restore(book.rows()).expect_err("newer");
        assert_eq!(
            error,
            RestoreError::Version {
                kind: CONTACT_KIND,
                version: 2
            }
        );
    }

    #[test]
    fn rows_under_a_wrong_key_or_kind_are_refused() {
        for row in full().rows() {
            let kind = row.kind;
            let wrong_key = Row {
                key: vec![7; 3],
                ..row.clone()
            };
            assert_eq!(Entries::restore([wrong_key]), Err(RestoreError::Key(kind)));
            let wrong_kind = Row {
                kind: "share",
                ..row
            };
            assert_eq!(
                Entries::restore([wrong_kind]),
                Err(RestoreError::Kind("share"))
            );
        }
    }

    #[test]
    fn two_rows_with_one_petname_are_refused() {
        let mut book = full();
        let names: Vec<_> = book.contacts().map(|known| known.petname.clone()).collect();
        for contact in book.entries.contacts.values_mut() {
            contact.petname = names[0].clone();
        }
        assert!(matches!(
            Entries::restore(book.rows()),
            Err(RestoreError::Name(_))
        ));
    }

    /// Does one of many things to a book, whether or not it is allowed just now.
    fn disturb(book: &mut Book<Ed25519>, step: (u8, u8)) {
        let (what, number) = step;
        let peer = key(number).peer_id();
        let now = NOW + crate::time::DAY * u32::from(what % 3);
        let ignored = match what {
            0 => show_any(book, number, true),
            1 => show_any(book, number, false),
            2 => book.accept_invite(now, &invite(number, 7), None).is_ok(),
            3 => book.block(&peer).is_ok(),
            4 => book.unblock(&peer).is_ok(),
            5 => book.remove(&peer).is_ok(),
            6 => book.rename(&peer, "Same").is_ok(),
            7 => book.tag(&peer, "music").is_ok(),
            8 => book.confirm(&peer).is_ok(),
            9 => {
                book.mark_mutual(&peer);
                true
            }
            10 => {
                book.handle_timeout(NOW + crate::time::DAY * 8);
                true
            }
            _ => book.next_epoch(now, Face::Public, number) > 0,
        };
        let _ = ignored;
    }

    fn show_any(book: &mut Book<Ed25519>, number: u8, reusable: bool) -> bool {
        let invite = made(book, NOW, reusable);
        show(book, NOW, &invite, number).is_ok()
    }

    fn made_invite() -> MadeInvite {
        let (book, _) = friends();
        let mut made = book.entries.invites.values();
        made.next().expect("one was made").clone()
    }

    fn accepted_row(book: &Book<Ed25519>) -> AcceptedRow {
        let mut accepted = book.entries.accepted.values();
        let accepted = accepted.next().expect("one was accepted");
        accepted.to_row().expect("one waits")
    }

    /// Of one who was in the book before.
    fn accepted_anew() -> Book<Ed25519> {
        let (_, mut book) = friends();
        let mut fresh = invite(1, 8);
        fresh.made = NOW + crate::time::DAY;
        book.accept_invite(NOW + crate::time::DAY, &fresh, Some("Countess"))
            .expect("fresh");
        book
    }

    /// Of one of whom two wait.
    fn accepted_two() -> Book<Ed25519> {
        let mut book = accepted_anew();
        book.accept_invite(NOW + crate::time::DAY, &invite(1, 9), None)
            .expect("room");
        book
    }

    #[test]
    fn an_accepted_invite_is_kept_with_what_its_maker_was_before() {
        let accepted = accepted_row(&accepted_anew());
        let before = accepted.before.clone().expect("known");
        assert_eq!(before.petname.as_str(), "Ada");
        let bytes = codec::encode(&accepted);
        assert_eq!(codec::decode(&bytes), Ok(accepted.clone()));
        // As it was kept before there was such a field.
        let older = AcceptedRow {
            before: None,
            ..accepted
        };
        let older_bytes = codec::encode(&older);
        assert_eq!((bytes[0], older_bytes[0]), (0x86, 0x85), "fields");
        assert_eq!(codec::decode(&older_bytes), Ok(older));
    }

    #[test]
    fn invites_of_one_maker_that_wait_are_kept_together() {
        let book = accepted_two();
        assert_eq!(restored(&book).entries, book.entries);
        let row = accepted_row(&book);
        assert_eq!(codec::encode(&row)[0], 0x87, "fields");
        let mut theirs = row.clone();
        theirs
            .older
            .iter_mut()
            .flatten()
            .for_each(|it| it.invite.peer = key(3).peer_id());
        assert_eq!(
            AcceptedInvites::of_row(theirs),
            None,
            "another's among them"
        );
        let mut many = row;
        let one = many
            .older
            .iter()
            .flatten()
            .next()
            .expect("two wait")
            .clone();
        many.older = Some(vec![one; kept_invite::ACCEPTED_PER_MAKER_MAX]);
        assert_eq!(AcceptedInvites::of_row(many), None, "too many");
    }

    crate::decoding::decoder_tests! {
        contact_row: Contact = full().contact(&key(2).peer_id()).expect("known").clone();
        made_row: MadeInvite = made_invite();
        accepted_row: AcceptedRow = accepted_row(&full());
        accepted_anew_row: AcceptedRow = accepted_row(&accepted_anew());
        accepted_two_row: AcceptedRow = accepted_row(&accepted_two());
        epoch_row: GivenEpoch = GivenEpoch { version: VERSION, epoch: 1 << 40 };
        latest_row: Latest = Latest { version: VERSION, at: NOW };
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn the_rows_asked_for_are_the_book_after_any_commands(
            steps in prop::collection::vec((0..12u8, 1..5u8), 0..24)
        ) {
            let mut book = book(1);
            let mut disk = BTreeMap::new();
            for step in steps {
                disturb(&mut book, step);
                for row in drain(&mut book).0 {
                    match row.value {
                        Some(_) => disk.insert((row.kind, row.key.clone()), row),
                        None => disk.remove(&(row.kind, row.key)),
                    };
                }
                let kept = Entries::restore(disk.values().cloned());
                prop_assert_eq!(kept.as_ref(), Ok(&book.entries));
                for contact in book.contacts() {
                    let blocked = contact.state == contact::ContactState::Blocked;
                    prop_assert!(!(blocked && contact.reach.is_some()));
                }
            }
        }

        #[test]
        fn no_bytes_panic_the_reader(value in prop::collection::vec(any::<u8>(), 0..400), kind in 0..5usize) {
            let kind = Book::<Ed25519>::KINDS[kind];
            let row = Row { kind, key: vec![0, 0], value: Some(value) };
            prop_assert!(kind == EPOCH_KIND || Entries::restore([row]).is_err());
        }
    }

    const GOLDEN_CONTACT: &str = "8d015820ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d16341646100f480608358204168599aad92270901701365a7359555b2ea5d864e55a82c14a791051f0eaf3150bf53158456ab1811300d6cd5dc1aa99f1b000001a3185c50008187015820010101010101010101010101010101010101010101010101010101010101010181820044cb007101191bce191bcf191bd08200815820010101010101010101010101010101010101010101010101010101010101010180801b000001a3185c500050bf53158456ab1811300d6cd5dc1aa99f";
    const GOLDEN_INVITE: &str = "85018a0158208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c5820023f37203a2476c42566a61cc55c3ca875dbb4cc41c0deb789f8e7bf881836381b000001a3185c50001b000001a33c68d400f463416461f6f68187015820010101010101010101010101010101010101010101010101010101010101010181820044cb007101191bce191bcf191bd0820081582001010101010101010101010101010101010101010101010101010101010101018258208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b3941b000001a3185c50000180";
    const GOLDEN_ACCEPTED: &str = "84018a015820ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1582007070707070707070707070707070707070707070707070707070707070707071b000001a3185c50001b000001a33c68d400f463416461f683582003030303030303030303030303030303030303030303030303030303030303038182008244c0000201191151808187015820010101010101010101010101010101010101010101010101010101010101010181820044cb007101191bce191bcf191bd0820081582001010101010101010101010101010101010101010101010101010101010101011b000001a3185c50001b000001a3185c5000";
    const GOLDEN_EPOCH: &str = "82011b000001a3185c5000";
}
