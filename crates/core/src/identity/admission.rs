//! How peers come into the book: invites I make and others redeem, invites of others that I accept.
//!
//! ```text
//! maker                                      accepter
//! create_invite ── kith:invite1… by hand ──▶ accept_invite        (contact, not mutual yet)
//! redeem        ◀── proof in a session ───── accepted(maker)      both online, or
//! redeem_reply  ◀── mailbox ── introducer ◀─ write_reply          never online together
//!               ─── welcome, or a record ──▶ mark_mutual
//! ```
//!
//! Two peers may invite each other at once, and replies arrive late and in any order. Both then know both invites, and
//! the reach secret of the one made later counts, so that they come to the same one.

use std::time::Duration;

use thiserror::Error;

use crate::crypto::{Scheme, SecretKey};
use crate::ids::{InviteId, PeerId};
use crate::introducer::Introducer;
use crate::time::{DAY, Time};

use super::contact::{self, Contact, ContactState, Reach};
use super::invite::{Hints, Invite, InviteSecret};
use super::outputs::Event;
use super::petname::{NameError, Petname};
use super::reach::ReachSecret;
use super::reply::{Reply, ReplyError, open_reply, seal_reply};
use super::state::Book;
use super::store::{AcceptedInvite, Burned, MadeInvite};

/// The longest life of an invite. A year is a printed card; a link that leaks stays useful to a finder that long.
pub const INVITE_LIFE_MAX: Duration = Duration::from_secs(365 * DAY.as_secs());

/// After how long a reply is left again: introducers may lose what they keep, and a reply costs one record.
pub const REPLY_AGAIN_AFTER: Duration = Duration::from_secs(12 * 60 * 60);

/// What an invite is made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteTerms {
    /// Whether more than one peer may use it; those who come by it are pending.
    pub reusable: bool,
    /// How long it opens anything, up to [`INVITE_LIFE_MAX`].
    pub life: Duration,
    /// What it says of me.
    pub hints: Hints,
}

/// Why no invite is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InviteError {
    /// No time, or over [`INVITE_LIFE_MAX`].
    #[error("an invite lasts between one second and 365 days")]
    Life,
    /// The bound of open invites is reached.
    #[error("there are {0} open invites, the most there can be; withdraw some first")]
    TooMany(usize),
}

/// Why an invite is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// I made it.
    #[error("this is your own invite; give it to someone else")]
    Own,
    /// Too late.
    #[error("this invite has expired; ask for a new one")]
    Expired,
    /// Made by a peer I blocked.
    #[error("its maker is {0}, whom you blocked; unblock them first")]
    Blocked(Petname),
    /// Made with something that is no key.
    #[error("this invite is not sound: its maker's key is none")]
    BadKey,
    /// No name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Another contact has the name.
    #[error("another contact is called {0}; choose another name")]
    NameTaken(Petname),
    /// The book is full.
    #[error("the address book holds {0} contacts, the most there can be; remove some first")]
    Full(usize),
}

/// Why an invite of mine opens nothing. Whoever presented it is told none of this: they are answered as any stranger.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RedeemError {
    /// Not made here, or forgotten.
    #[error("no such invite")]
    Unknown,
    /// Too late.
    #[error("the invite has expired")]
    Expired,
    /// Used by somebody else, or by a peer that was removed or blocked since.
    #[error("the invite has been used")]
    Burned,
    /// Presented by me.
    #[error("one's own invite")]
    Own,
    /// The proof is not one of this invite, session and peer.
    #[error("the proof does not hold")]
    Proof,
    /// The sealed reply is not to be believed.
    #[error(transparent)]
    Reply(#[from] ReplyError),
    /// Presented by a peer I blocked.
    #[error("presented by a blocked peer")]
    Blocked,
    /// The peer's key is none.
    #[error("the peer's key is none")]
    BadKey,
    /// The book is full, or too many are pending.
    #[error("the address book is full")]
    Full,
}

/// Who was let in by an invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admission {
    /// Who.
    pub peer: PeerId,
    /// How far.
    pub state: ContactState,
    /// Whether this changed anything; `false` when the same peer shows the same invite again.
    pub is_new: bool,
}

/// Where replies to one of my invites may wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Which invite.
    pub invite: InviteId,
    /// The key whose public half is the locator of the mailbox.
    pub secret: SecretKey,
    /// Where to ask.
    pub introducers: Vec<Introducer>,
}

impl<S: Scheme> Book<S> {
    /// Makes an invite.
    ///
    /// # Errors
    /// [`InviteError`] when it would last too long, or too many are open.
    pub fn create_invite(&mut self, now: Time, terms: InviteTerms) -> Result<Invite, InviteError> {
        if terms.life < Duration::from_secs(1) || terms.life > INVITE_LIFE_MAX {
            return Err(InviteError::Life);
        }
        self.handle_timeout(now);
        self.make_room_for_invite()?;
        let invite = Invite::new(
            self.me,
            InviteSecret::from_bytes(self.random.bytes()),
            now,
            now + terms.life,
            terms.reusable,
            terms.hints,
        );
        self.put_invite(MadeInvite::new(invite.clone()));
        Ok(invite)
    }

    /// Ends an invite of mine. Whether there was one.
    pub fn withdraw_invite(&mut self, id: &InviteId) -> bool {
        let is_known = self.entries.invites.contains_key(id);
        self.forget_invite(id);
        is_known
    }

    /// Puts the maker of an invite into the book, confirmed, or refreshes what is known of them. The maker may not know
    /// until [`Book::mark_mutual`]; until then [`Book::accepted`] holds what to show them.
    ///
    /// Without a `petname` the maker's own name is taken, with a number where another contact has it.
    ///
    /// # Errors
    /// [`AcceptError`]; nothing has changed then.
    pub fn accept_invite(
        &mut self,
        now: Time,
        invite: &Invite,
        petname: Option<&str>,
    ) -> Result<PeerId, AcceptError> {
        let maker = invite.peer;
        if maker == self.me {
            return Err(AcceptError::Own);
        }
        if invite.is_expired(now) {
            return Err(AcceptError::Expired);
        }
        let known = self.contact(&maker).cloned();
        if let Some(contact) = known.as_ref()
            && contact.state == ContactState::Blocked
        {
            return Err(AcceptError::Blocked(contact.petname.clone()));
        }
        let name = self.wanted_name(&maker, petname, known.as_ref(), &invite.name)?;
        let reach = self.reach(&maker, invite).ok_or(AcceptError::BadKey)?;
        let is_known = known.is_some();
        let mut contact = match known {
            Some(contact) => contact,
            None if self.entries.contacts.len() >= self.config.contacts_max => {
                return Err(AcceptError::Full(self.config.contacts_max));
            }
            None => new_contact(maker, name.clone(), now, invite.id()),
        };
        let is_repeated = contact.mutual && contact.reach.as_ref() == Some(&reach);
        contact.petname = name;
        contact.state = ContactState::Confirmed;
        contact.introducers.clone_from(&invite.introducers);
        let earlier = contact.reach.clone();
        let is_reach_new = take_later(&mut contact.reach, reach);
        if !is_repeated {
            self.put_accepted(now, invite, earlier);
        }
        self.put_contact(contact);
        self.tell(if is_known {
            Event::Changed { peer: maker }
        } else {
            Event::Added {
                peer: maker,
                state: ContactState::Confirmed,
            }
        });
        if is_reach_new {
            self.tell(Event::ReachBegan { peer: maker });
        }
        Ok(maker)
    }

    /// Lets `peer` in, who proved in the session of `exporter` to hold an invite of mine, and whose binding has been
    /// verified in that session. A single-use invite is burned by it; the same peer may show it again.
    ///
    /// # Errors
    /// [`RedeemError`]; nothing has changed then, and the peer is to be answered as any stranger.
    pub fn redeem(
        &mut self,
        now: Time,
        id: &InviteId,
        proof: &[u8; 32],
        exporter: &[u8; 32],
        peer: PeerId,
        name: &str,
    ) -> Result<Admission, RedeemError> {
        let made = self.unexpired(now, id)?;
        if !made.invite.check_proof(exporter, &peer, proof) {
            return Err(RedeemError::Proof);
        }
        self.admit(now, made, peer, name, None)
    }

    /// Lets in whoever left this sealed reply to an invite of mine.
    ///
    /// # Errors
    /// As [`Book::redeem`].
    pub fn redeem_reply(
        &mut self,
        now: Time,
        id: &InviteId,
        bytes: &[u8],
    ) -> Result<Admission, RedeemError> {
        let made = self.unexpired(now, id)?;
        let reply = open_reply(&self.scheme, &self.secret, &made.invite, bytes)?;
        self.admit(now, made, reply.peer, &reply.name, Some(reply.introducers))
    }

    /// The maker of the invite I accepted is known to have me in its book: it welcomed my proof, or left a record under our
    /// reach secret.
    pub fn mark_mutual(&mut self, maker: &PeerId) {
        self.forget_accepted(maker);
        let contact = self.contact(maker).cloned();
        if let Some(mut contact) = contact.filter(|known| !known.mutual && known.reach.is_some()) {
            contact.mutual = true;
            self.put_contact(contact);
            self.tell(Event::Changed { peer: *maker });
        }
    }

    /// Where replies to my invites may wait at `now`.
    pub fn open_mailboxes(&self, now: Time) -> Vec<Mailbox> {
        let open = self.invites().filter(|made| made.is_open(now));
        open.map(|made| Mailbox {
            invite: made.invite.id(),
            secret: made.invite.mailbox_secret(),
            introducers: made.invite.introducers.clone(),
        })
        .collect()
    }

    /// The accepted invites whose makers may not know, and for whom no reply was left within [`REPLY_AGAIN_AFTER`].
    pub fn unanswered(&self, now: Time) -> impl Iterator<Item = &AcceptedInvite> {
        self.entries.accepted.values().filter(move |accepted| {
            !accepted.invite.is_expired(now)
                && accepted
                    .left
                    .is_none_or(|left| now.since(left) >= REPLY_AGAIN_AFTER)
        })
    }

    /// Writes the sealed reply to the invite by `maker` that I accepted, always [`super::reply::REPLY_BYTES`] long.
    /// `name` is what I call myself, `introducers` where I leave my records. `None` without such an invite.
    pub fn write_reply(
        &mut self,
        now: Time,
        maker: &PeerId,
        name: &str,
        introducers: Vec<Introducer>,
    ) -> Option<Vec<u8>> {
        let invite = &self.entries.accepted.get(maker)?.invite;
        let reply = Reply::new(invite.id(), self.me, name, now, introducers);
        seal_reply(&self.scheme, &mut self.random, invite, &self.secret, &reply)
    }

    /// A reply to `maker` now waits at an introducer.
    pub fn mark_reply_left(&mut self, now: Time, maker: &PeerId) {
        if let Some(accepted) = self.entries.accepted.get_mut(maker) {
            accepted.left = Some(now);
            self.store(self.entries.accepted_row(maker));
        }
    }

    /// A copy of an invite of mine that has not expired, used up or not.
    fn unexpired(&self, now: Time, id: &InviteId) -> Result<MadeInvite, RedeemError> {
        let made = self.invite(id).cloned().ok_or(RedeemError::Unknown)?;
        if made.invite.is_expired(now) {
            return Err(RedeemError::Expired);
        }
        Ok(made)
    }

    /// Lets in a peer that holds an invite of mine.
    fn admit(
        &mut self,
        now: Time,
        mut made: MadeInvite,
        peer: PeerId,
        name: &str,
        introducers: Option<Vec<Introducer>>,
    ) -> Result<Admission, RedeemError> {
        if peer == self.me {
            return Err(RedeemError::Own);
        }
        let known = self.contact(&peer).cloned();
        if known
            .as_ref()
            .is_some_and(|known| known.state == ContactState::Blocked)
        {
            return Err(RedeemError::Blocked);
        }
        if let Some(burned) = made.burned {
            // Shown again by the same peer, who may not have heard that it was let in. Whoever was removed or blocked
            // since shares no reach secret with me, and is not let in by an old invite.
            let met = known.filter(|known| burned.by == peer && known.reach.is_some());
            return met.map(admitted_again).ok_or(RedeemError::Burned);
        }
        let reach = self.reach(&peer, &made.invite).ok_or(RedeemError::BadKey)?;
        if made.invite.reusable
            && let Some(known) = known.as_ref()
            && known.reach.as_ref() == Some(&reach)
        {
            return Ok(admitted_again(known.clone()));
        }
        let before = known.as_ref().map(|known| known.state);
        let state = match before {
            Some(ContactState::Confirmed) => ContactState::Confirmed,
            _ if made.invite.reusable => ContactState::Pending,
            _ => ContactState::Confirmed,
        };
        let mut contact = match known {
            Some(contact) => contact,
            None => self.make_room_for_contact(now, &made.invite, peer, name, state)?,
        };
        contact.state = state;
        contact.mutual = true;
        if let Some(introducers) = introducers {
            contact.introducers = introducers;
        }
        let is_reach_new = take_later(&mut contact.reach, reach);
        made.admitted = made.admitted.saturating_add(1);
        if !made.invite.reusable {
            made.burned = Some(Burned { by: peer, at: now });
        }
        self.settle(made, contact, before, is_reach_new);
        Ok(Admission {
            peer,
            state,
            is_new: true,
        })
    }

    /// Keeps the invite and the contact that came by it, and tells.
    fn settle(
        &mut self,
        made: MadeInvite,
        contact: Contact,
        before: Option<ContactState>,
        is_reach_new: bool,
    ) {
        let (peer, state, id) = (contact.peer, contact.state, made.invite.id());
        let is_burned = made.burned.is_some();
        self.put_invite(made);
        self.put_contact(contact);
        if is_burned {
            self.tell(Event::InviteBurned {
                invite: id,
                by: peer,
            });
        }
        self.tell(match before {
            None => Event::Added { peer, state },
            Some(_) => Event::Changed { peer },
        });
        if is_reach_new {
            self.tell(Event::ReachBegan { peer });
        }
    }

    /// A contact for a peer that came by an invite of mine, if there is room.
    fn make_room_for_contact(
        &self,
        now: Time,
        invite: &Invite,
        peer: PeerId,
        name: &str,
        state: ContactState,
    ) -> Result<Contact, RedeemError> {
        let pending = |known: &&Contact| known.state == ContactState::Pending;
        let is_full = self.entries.contacts.len() >= self.config.contacts_max;
        if is_full
            || (state == ContactState::Pending
                && self.contacts().filter(pending).count() >= self.config.pending_max)
        {
            return Err(RedeemError::Full);
        }
        let name = self.free_name(Petname::suggested(name, &peer), &peer);
        Ok(new_contact(peer, name, now, invite.id()))
    }

    /// Forgets the invite that was used up first, where the bound is reached: it opens nothing anyway.
    fn make_room_for_invite(&mut self) -> Result<(), InviteError> {
        if self.entries.invites.len() < self.config.invites_max {
            return Ok(());
        }
        let burned = self.entries.invites.iter().filter_map(|(id, made)| {
            let burned = made.burned?;
            Some((burned.at, *id))
        });
        let (_, oldest) = burned
            .min()
            .ok_or(InviteError::TooMany(self.config.invites_max))?;
        self.forget_invite(&oldest);
        Ok(())
    }

    /// What the maker of an accepted invite will be called.
    fn wanted_name(
        &self,
        maker: &PeerId,
        petname: Option<&str>,
        known: Option<&Contact>,
        suggestion: &str,
    ) -> Result<Petname, AcceptError> {
        if let Some(text) = petname {
            let name: Petname = text.parse()?;
            if !self.is_free(&name, maker) {
                return Err(AcceptError::NameTaken(name));
            }
            return Ok(name);
        }
        Ok(match known {
            Some(known) => known.petname.clone(),
            None => self.free_name(Petname::suggested(suggestion, maker), maker),
        })
    }

    /// What is shared with `other` by an invite of either.
    fn reach(&self, other: &PeerId, invite: &Invite) -> Option<Reach> {
        let secret = ReachSecret::between(&self.scheme, &self.secret, other, &invite.secret)?;
        Some(Reach {
            secret,
            invite: invite.id(),
            made: invite.made,
        })
    }

    fn put_invite(&mut self, made: MadeInvite) {
        let id = made.invite.id();
        self.entries.invites.insert(id, made);
        self.store(self.entries.invite_row(&id));
    }

    /// Keeps an accepted invite until its maker knows. Of two by one maker the later made stays.
    fn put_accepted(&mut self, now: Time, invite: &Invite, earlier: Option<Reach>) {
        let maker = invite.peer;
        let before = self.entries.accepted.get(&maker);
        if before.is_some_and(|before| before.invite == *invite || before.invite.made > invite.made)
        {
            return;
        }
        let earlier = before.map_or(earlier, |before| before.earlier.clone());
        let accepted = AcceptedInvite::new(invite.clone(), now, earlier);
        self.entries.accepted.insert(maker, accepted);
        self.store(self.entries.accepted_row(&maker));
    }
}

/// Takes `new` unless the present one is of an invite made later. Whether it was taken and differs.
fn take_later(present: &mut Option<Reach>, new: Reach) -> bool {
    let rank = |reach: &Reach| (reach.made, reach.invite);
    if present.as_ref().is_some_and(|old| rank(old) >= rank(&new)) {
        return false;
    }
    *present = Some(new);
    true
}

fn admitted_again(contact: Contact) -> Admission {
    Admission {
        peer: contact.peer,
        state: contact.state,
        is_new: false,
    }
}

fn new_contact(peer: PeerId, petname: Petname, added: Time, source: InviteId) -> Contact {
    Contact {
        version: contact::VERSION,
        peer,
        petname,
        state: ContactState::Confirmed,
        mutual: false,
        tags: Vec::new(),
        note: String::new(),
        reach: None,
        introducers: Vec::new(),
        speaks: Vec::new(),
        epochs: Vec::new(),
        added,
        source: Some(source),
    }
}
