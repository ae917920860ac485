//! What the owner of the book changes in it, and what contacts tell about themselves.

use thiserror::Error;

use crate::crypto::Scheme;
use crate::ids::PeerId;
use crate::introducer::Introducer;
use crate::protocol::ProtocolName;

use super::binding::Binding;
use super::contact::{Contact, ContactState, NOTE_BYTES_MAX, SPEAKS_MAX, StaleBinding, TAGS_MAX};
use super::invite::INVITE_INTRODUCERS_MAX;
use super::outputs::Event;
use super::petname::{NameError, Petname, Tag};
use super::state::Book;

/// Why a command changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BookError {
    /// Not in the book.
    #[error("{0} is not in the address book")]
    NotAContact(PeerId),
    /// No name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Another contact has it.
    #[error("another contact is called {0}; choose another name, or rename that one first")]
    NameTaken(Petname),
    /// Over [`TAGS_MAX`].
    #[error("a contact has at most {TAGS_MAX} tags; remove one first")]
    TooManyTags,
    /// Over [`NOTE_BYTES_MAX`].
    #[error("a note has at most {NOTE_BYTES_MAX} bytes")]
    NoteTooLong,
    /// To be unblocked first.
    #[error("{0} is blocked; unblock them first")]
    Blocked(Petname),
    /// Blocked once: what was shared with them is gone, and nothing of theirs could be believed.
    #[error(
        "nothing is shared with {0} since you blocked them, so confirming would not let you meet; one of you needs a new invite from the other"
    )]
    NothingShared(Petname),
}

impl<S: Scheme> Book<S> {
    /// Calls `peer` something else.
    ///
    /// # Errors
    /// [`BookError::Name`] and [`BookError::NameTaken`].
    pub fn rename(&mut self, peer: &PeerId, name: &str) -> Result<Petname, BookError> {
        let mut contact = self.known(peer)?;
        let name: Petname = name.parse()?;
        if !self.is_free(&name, peer) {
            return Err(BookError::NameTaken(name));
        }
        contact.petname = name.clone();
        self.change(contact);
        self.hold_beyond_lapse(peer, |before| before.petname = name.clone());
        Ok(name)
    }

    /// Gives `peer` a tag; one that it has already stays.
    ///
    /// # Errors
    /// [`BookError::Name`] and [`BookError::TooManyTags`].
    pub fn tag(&mut self, peer: &PeerId, tag: &str) -> Result<(), BookError> {
        let mut contact = self.known(peer)?;
        let tag: Tag = tag.parse()?;
        let Err(place) = contact.tags.binary_search(&tag) else {
            return Ok(());
        };
        if contact.tags.len() >= TAGS_MAX {
            return Err(BookError::TooManyTags);
        }
        contact.tags.insert(place, tag);
        self.change(contact);
        Ok(())
    }

    /// Takes a tag from `peer`, if it has it.
    ///
    /// # Errors
    /// [`BookError::Name`] for what is no tag.
    pub fn untag(&mut self, peer: &PeerId, tag: &str) -> Result<(), BookError> {
        let mut contact = self.known(peer)?;
        if let Ok(place) = contact.tags.binary_search(&tag.parse()?) {
            contact.tags.remove(place);
            self.change(contact);
        }
        Ok(())
    }

    /// Writes a note on `peer`, in place of the last.
    ///
    /// # Errors
    /// [`BookError::NoteTooLong`].
    pub fn note(&mut self, peer: &PeerId, note: &str) -> Result<(), BookError> {
        let mut contact = self.known(peer)?;
        if note.len() > NOTE_BYTES_MAX {
            return Err(BookError::NoteTooLong);
        }
        note.clone_into(&mut contact.note);
        self.change(contact);
        Ok(())
    }

    /// Lets a pending contact into the audience `contacts`.
    ///
    /// # Errors
    /// [`BookError::Blocked`]; [`BookError::NothingShared`] after a block, until both have met anew.
    pub fn confirm(&mut self, peer: &PeerId) -> Result<(), BookError> {
        let mut contact = self.known(peer)?;
        if contact.state == ContactState::Pending && contact.reach.is_none() {
            return Err(BookError::NothingShared(contact.petname));
        }
        self.hold_beyond_lapse(peer, |before| before.state = ContactState::Confirmed);
        match contact.state {
            ContactState::Confirmed => return Ok(()),
            ContactState::Blocked => return Err(BookError::Blocked(contact.petname)),
            ContactState::Pending => contact.state = ContactState::Confirmed,
        }
        self.change(contact);
        Ok(())
    }

    /// Gives `peer` nothing any more, and ends the reach secret: its records and mine are found by the other no longer.
    ///
    /// # Errors
    /// [`BookError::NotAContact`].
    pub fn block(&mut self, peer: &PeerId) -> Result<(), BookError> {
        let mut contact = self.known(peer)?;
        if contact.state == ContactState::Blocked {
            return Ok(());
        }
        contact.state = ContactState::Blocked;
        contact.mutual = false;
        self.keep_latest(peer);
        let had_reach = contact.reach.take().is_some();
        contact.introducers.clear();
        self.put_contact(contact);
        self.forget_accepted(peer);
        self.turn_away(*peer);
        self.tell(Event::Blocked { peer: *peer });
        if had_reach {
            self.tell(Event::ReachEnded { peer: *peer });
        }
        Ok(())
    }

    /// Ends a block. The peer is pending then, and stays a stranger until a fresh invite, by either, is used: what was
    /// shared with it is gone.
    ///
    /// # Errors
    /// [`BookError::NotAContact`].
    pub fn unblock(&mut self, peer: &PeerId) -> Result<(), BookError> {
        let mut contact = self.known(peer)?;
        if contact.state == ContactState::Blocked {
            contact.state = ContactState::Pending;
            self.change(contact);
        }
        Ok(())
    }

    /// Forgets `peer`. It becomes a stranger, and is not told.
    ///
    /// # Errors
    /// [`BookError::NotAContact`].
    pub fn remove(&mut self, peer: &PeerId) -> Result<(), BookError> {
        let contact = self.known(peer)?;
        self.keep_latest(peer);
        self.turn_away(*peer);
        self.forget_contact(&contact);
        Ok(())
    }

    /// Judges the epoch of a binding that verified, and remembers the newest of each contact. Of peers that are no
    /// contacts nothing is remembered, hence nothing is stale.
    ///
    /// # Errors
    /// [`StaleBinding`] when it must not be believed.
    pub fn observe_binding(&mut self, binding: &Binding) -> Result<(), StaleBinding> {
        let Some(mut contact) = self.contact(&binding.peer).cloned() else {
            return Ok(());
        };
        if contact.observe_epoch(binding)? {
            self.put_contact(contact);
        }
        Ok(())
    }

    /// Remembers what a contact says it speaks, the first [`SPEAKS_MAX`] in order of name.
    pub fn observe_speaks(&mut self, peer: &PeerId, mut speaks: Vec<ProtocolName>) {
        speaks.sort_unstable();
        speaks.dedup();
        speaks.truncate(SPEAKS_MAX);
        self.observe(peer, |contact| {
            let is_new = contact.speaks != speaks;
            contact.speaks = speaks;
            is_new
        });
    }

    /// Remembers where a contact says it leaves its records.
    pub fn observe_introducers(&mut self, peer: &PeerId, mut introducers: Vec<Introducer>) {
        introducers.retain(|it| it.check().is_ok());
        introducers.truncate(INVITE_INTRODUCERS_MAX);
        self.hold_beyond_lapse(peer, |before| before.introducers.clone_from(&introducers));
        self.observe(peer, |contact| {
            let is_new = contact.introducers != introducers;
            contact.introducers = introducers;
            is_new
        });
    }

    /// Changes what is known of a contact that is not blocked, if `learn` says that it is new.
    fn observe(&mut self, peer: &PeerId, learn: impl FnOnce(&mut Contact) -> bool) {
        let known = self.contact(peer).cloned();
        let Some(mut contact) = known.filter(|known| known.state != ContactState::Blocked) else {
            return;
        };
        if learn(&mut contact) {
            self.change(contact);
        }
    }

    /// A copy of a contact to change.
    fn known(&self, peer: &PeerId) -> Result<Contact, BookError> {
        let contact = self.contact(peer).cloned();
        contact.ok_or(BookError::NotAContact(*peer))
    }

    /// Keeps a changed contact and tells.
    fn change(&mut self, contact: Contact) {
        let peer = contact.peer;
        self.put_contact(contact);
        self.tell(Event::Changed { peer });
    }

    /// Takes a contact out of the book.
    pub(super) fn forget_contact(&mut self, contact: &Contact) {
        let peer = contact.peer;
        self.entries.names.remove(&contact.petname.folded());
        self.entries.contacts.remove(&peer);
        self.store(self.entries.contact_row(&peer));
        self.forget_accepted(&peer);
        if contact.reach.is_some() {
            self.tell(Event::ReachEnded { peer });
        }
        self.tell(Event::Removed { peer });
    }

    /// Forgets the invites of theirs that I accepted.
    pub(super) fn forget_accepted(&mut self, maker: &PeerId) {
        self.try_all_again(maker);
        if self.entries.accepted.remove(maker).is_some() {
            self.store(self.entries.accepted_row(maker));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::crypto::Ed25519;
    use crate::identity::binding::{SignedBinding, Terms};
    use crate::identity::contact::{EPOCHS_MAX, Standing};
    use crate::identity::fixture::{
        NOW, drain, friends, introducer, key, made, reach, restored, show,
    };
    use crate::ids::Face;

    /// A book of key 1 with one contact, of key 2, called Bo.
    fn with_bo() -> (Book<Ed25519>, PeerId) {
        (friends().0, key(2).peer_id())
    }

    fn binding(device: u8, role: u8, epoch: u64) -> Binding {
        let terms = Terms {
            face: Face::Contact,
            role,
            epoch,
            from: NOW,
            until: NOW + Duration::from_secs(60),
            next_identity: None,
        };
        SignedBinding::sign(&Ed25519, &key(2), &key(device), terms)
            .verify(&Ed25519, NOW)
            .expect("sound")
    }

    #[test]
    fn two_contacts_never_have_one_name() {
        let (mut book, bo) = with_bo();
        let invite = made(&mut book, NOW, false);
        let other = show(&mut book, NOW, &invite, 3).expect("fresh").peer;
        assert!(matches!(
            book.rename(&other, " bO "),
            Err(BookError::NameTaken(_))
        ));
        assert!(book.rename(&bo, "BO").is_ok(), "its own, in another case");
        book.rename(&bo, "Bob").expect("free");
        assert!(book.rename(&other, "bo").is_ok(), "given up");
        assert_eq!(book.find("BOB"), Ok(bo));
    }

    #[test]
    fn names_that_are_none_change_nothing() {
        let (mut book, bo) = with_bo();
        let before = book.rows();
        assert_eq!(
            book.rename(&bo, "a/b"),
            Err(BookError::Name(NameError::Reserved))
        );
        let nobody = key(9).peer_id();
        assert_eq!(
            book.rename(&nobody, "x"),
            Err(BookError::NotAContact(nobody))
        );
        assert_eq!(book.rows(), before);
        assert!(drain(&mut book).0.is_empty());
    }

    #[test]
    fn tags_are_words_without_case_and_bounded() {
        let (mut book, bo) = with_bo();
        book.tag(&bo, "Music").expect("room");
        book.tag(&bo, "music").expect("there already");
        let tag: Tag = "MUSIC".parse().expect("a tag");
        let contact = book.contact(&bo).expect("known");
        assert!(contact.has_tag(&tag) && contact.tags.len() == 1);
        for number in 1..TAGS_MAX {
            book.tag(&bo, &format!("t{number}")).expect("room");
        }
        assert_eq!(book.tag(&bo, "one more"), Err(BookError::TooManyTags));
        book.untag(&bo, "mUsic").expect("a tag");
        assert!(!book.contact(&bo).expect("known").has_tag(&tag));
    }

    #[test]
    fn notes_are_bounded() {
        let (mut book, bo) = with_bo();
        book.note(&bo, &"n".repeat(NOTE_BYTES_MAX)).expect("fits");
        let long = "n".repeat(NOTE_BYTES_MAX + 1);
        assert_eq!(book.note(&bo, &long), Err(BookError::NoteTooLong));
    }

    #[test]
    fn blocking_ends_the_reach_secret_for_good() {
        let (mut book, bo) = with_bo();
        book.block(&bo).expect("known");
        let (_, events) = drain(&mut book);
        assert_eq!(
            events,
            [Event::Blocked { peer: bo }, Event::ReachEnded { peer: bo }]
        );
        assert_eq!(book.standing(&bo), Standing::Blocked);
        assert!(matches!(book.confirm(&bo), Err(BookError::Blocked(_))));
        book.block(&bo).expect("blocked already");
        assert!(drain(&mut book).1.is_empty());
        book.unblock(&bo).expect("known");
        let before = book.rows();
        assert!(matches!(
            book.confirm(&bo),
            Err(BookError::NothingShared(_))
        ));
        assert_eq!(book.rows(), before);
        assert_eq!(reach(&book, 2), None);
        assert_eq!(book.standing(&bo), Standing::Stranger);
        let invite = made(&mut book, NOW, true);
        show(&mut book, NOW, &invite, 2).expect("reusable");
        book.confirm(&bo).expect("they share something again");
        assert_eq!(book.standing(&bo), Standing::Confirmed);
    }

    #[test]
    fn a_removed_contact_leaves_nothing_behind_but_a_date() {
        let (mut book, bo) = with_bo();
        let invites: Vec<_> = book.invites().map(|made| made.invite.id()).collect();
        book.remove(&bo).expect("known");
        let (rows, events) = drain(&mut book);
        let whose = *book.entries.latest.keys().next().expect("one date");
        let date = book.entries.latest_row(&whose);
        assert!(rows.iter().all(|row| row.value.is_none() || *row == date));
        assert_eq!(
            events,
            [Event::ReachEnded { peer: bo }, Event::Removed { peer: bo }]
        );
        assert!(book.find("Bo").is_err());
        for id in invites {
            book.withdraw_invite(&id);
        }
        assert_eq!(book.rows(), [date]);
    }

    #[test]
    fn a_stale_epoch_is_refused_even_after_a_restart() {
        let (mut book, _) = with_bo();
        assert_eq!(book.observe_binding(&binding(8, 0, 5)), Ok(()));
        assert_eq!(book.observe_binding(&binding(9, 0, 6)), Ok(()));
        let stale = Err(StaleBinding::Revoked { epoch: 5, seen: 6 });
        assert_eq!(book.observe_binding(&binding(8, 0, 5)), stale);
        assert_eq!(restored(&book).observe_binding(&binding(8, 0, 5)), stale);
        assert_eq!(book.observe_binding(&binding(9, 0, 6)), Ok(()));
    }

    #[test]
    fn one_epoch_for_two_devices_is_refused() {
        let (mut book, _) = with_bo();
        assert_eq!(book.observe_binding(&binding(8, 0, 5)), Ok(()));
        assert_eq!(
            book.observe_binding(&binding(9, 0, 5)),
            Err(StaleBinding::Conflict(5))
        );
    }

    #[test]
    fn roles_have_epochs_of_their_own_up_to_a_bound() {
        let (mut book, _) = with_bo();
        for role in 0..EPOCHS_MAX {
            let role = u8::try_from(role).expect("small");
            assert_eq!(book.observe_binding(&binding(8, role, 5)), Ok(()));
        }
        assert_eq!(
            book.observe_binding(&binding(8, 200, 5)),
            Err(StaleBinding::TooManyDevices)
        );
    }

    #[test]
    fn what_a_contact_speaks_is_remembered_once_and_bounded() {
        let (mut book, bo) = with_bo();
        let name = |number: usize| format!("/p{number:03}/1").parse().expect("a name");
        let many: Vec<ProtocolName> = (0..=SPEAKS_MAX).rev().map(name).collect();
        book.observe_speaks(&bo, many.clone());
        let contact = book.contact(&bo).expect("known");
        assert_eq!(contact.speaks.len(), SPEAKS_MAX);
        assert!(contact.speaks(&name(0)) && !contact.speaks(&name(SPEAKS_MAX)));
        drain(&mut book);
        book.observe_speaks(&bo, many);
        assert!(drain(&mut book).0.is_empty(), "nothing new");
    }

    #[test]
    fn a_blocked_peer_tells_me_nothing() {
        let (mut book, bo) = with_bo();
        book.block(&bo).expect("known");
        let before = book.rows();
        book.observe_introducers(&bo, vec![introducer(3)]);
        book.observe_speaks(&bo, vec!["/x/1".parse().expect("a name")]);
        assert_eq!(book.rows(), before);
    }
}
