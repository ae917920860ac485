//! What the owner of the book changes in it, and what contacts tell about themselves.

use thiserror::Error;

use crate::crypto::Scheme;
use crate::ids::PeerId;
use crate::introducer::Introducer;
use crate::protocol::ProtocolName;

use super::binding::Binding;
use super::contact::{Contact, ContactState, NOTE_BYTES_MAX, SPEAKS_MAX, StaleBinding, TAGS_MAX};
use super::invite::{INVITE_INTRODUCERS_MAX, is_sound};
use super::outputs::Event;
use super::petname::{NameError, Petname, Tag};
use super::state::Book;

/// Why a command changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BookError {
    /// Not in the book.
    #[error("{0} is not in the address book; `kith add INVITE` puts someone there")]
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
    /// [`BookError::Blocked`].
    pub fn confirm(&mut self, peer: &PeerId) -> Result<(), BookError> {
        let mut contact = self.known(peer)?;
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
        let had_reach = contact.reach.take().is_some();
        contact.introducers.clear();
        self.put_contact(contact);
        self.forget_accepted(peer);
        self.tell(Event::Blocked { peer: *peer });
        if had_reach {
            self.tell(Event::ReachEnded { peer: *peer });
        }
        Ok(())
    }

    /// Ends a block. The peer is pending then, and stays a stranger until a fresh invite, by either, is used: what was shared
    /// with it is gone.
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
        self.entries.names.remove(&contact.petname.folded());
        self.entries.contacts.remove(peer);
        self.store(self.entries.contact_row(peer));
        self.forget_accepted(peer);
        if contact.reach.is_some() {
            self.tell(Event::ReachEnded { peer: *peer });
        }
        self.tell(Event::Removed { peer: *peer });
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
        introducers.retain(is_sound);
        introducers.truncate(INVITE_INTRODUCERS_MAX);
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

    /// Forgets an invite of theirs that I accepted.
    pub(super) fn forget_accepted(&mut self, maker: &PeerId) {
        if self.entries.accepted.remove(maker).is_some() {
            self.store(self.entries.accepted_row(maker));
        }
    }
}
