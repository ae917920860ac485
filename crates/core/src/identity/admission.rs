//! How peers come into the book by invites that I make and they redeem.
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
//! the reach secret of the one accepted later counts, so that they come to the same one. When it was accepted says who accepted it,
//! with a proof and in a reply: after all that they ever shared with its maker. So where one of them has forgotten the other, and
//! the other has not, both go on by the invite that brings them together again, however old it is.

use std::time::Duration;

use thiserror::Error;

use crate::crypto::{Scheme, SecretKey};
use crate::ids::{InviteId, PeerId};
use crate::introducer::Introducer;
use crate::time::{DAY, Time};

use super::contact::{Contact, ContactState, Reach};
use super::invite::{Hints, Invite, InviteSecret};
use super::kept_invite::{ACCEPTED_AHEAD_MAX, Burned, MadeInvite, TURNED_AWAY_MAX};
use super::outputs::Event;
use super::petname::Petname;
use super::reply::{ReplyError, open_reply};
use super::state::Book;

/// The longest life of an invite. A year is a printed card; a link that leaks stays useful to a finder that long.
pub const INVITE_LIFE_MAX: Duration = Duration::from_secs(365 * DAY.as_secs());

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
    /// Accepted over [`ACCEPTED_AHEAD_MAX`] from now.
    #[error("accepted in a time to come")]
    Ahead,
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

/// An invite of mine as it is shown in a session.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// Which.
    pub invite: &'a InviteId,
    /// That it is held.
    pub proof: &'a [u8; 32],
    /// When its holder accepted it, as they say; else when it was made.
    pub at: Option<Time>,
    /// What only the two ends of the session know.
    pub exporter: &'a [u8; 32],
    /// What its holder calls itself.
    pub name: &'a str,
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

    /// Lets `peer` in, who shows in a session to hold an invite of mine, and whose binding has been verified in that
    /// session. A single-use invite is burned by it; the same peer may show it again.
    ///
    /// # Errors
    /// [`RedeemError`]; nothing has changed then, and the peer is to be answered as any stranger.
    pub fn redeem(
        &mut self,
        now: Time,
        peer: PeerId,
        shown: &Shown<'_>,
    ) -> Result<Admission, RedeemError> {
        let made = self.unexpired(now, shown.invite)?;
        if !made.invite.check_proof(shown.exporter, &peer, shown.proof) {
            return Err(RedeemError::Proof);
        }
        let reach = self.reach_told(now, &peer, &made, shown.at)?;
        self.admit(now, made, reach, peer, shown.name, None)
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
        let reach = self.reach_told(now, &reply.peer, &made, Some(reply.at))?;
        let introducers = Some(reply.introducers);
        self.admit(now, made, reach, reply.peer, &reply.name, introducers)
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

    /// A copy of an invite of mine that has not expired, used up or not.
    fn unexpired(&self, now: Time, id: &InviteId) -> Result<MadeInvite, RedeemError> {
        let made = self.invite(id).cloned().ok_or(RedeemError::Unknown)?;
        if made.invite.is_expired(now) {
            return Err(RedeemError::Expired);
        }
        Ok(made)
    }

    /// What I share with a peer by an invite of mine that they accepted `at` that time, as they say.
    fn reach_told(
        &self,
        now: Time,
        peer: &PeerId,
        made: &MadeInvite,
        at: Option<Time>,
    ) -> Result<Reach, RedeemError> {
        let at = at.unwrap_or(made.invite.made);
        if at > now + ACCEPTED_AHEAD_MAX {
            return Err(RedeemError::Ahead);
        }
        let reach = self.reach(peer, &made.invite, at);
        reach.ok_or(RedeemError::BadKey)
    }

    /// Lets in a peer that holds an invite of mine, and shares `reach` by it.
    fn admit(
        &mut self,
        now: Time,
        mut made: MadeInvite,
        reach: Reach,
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
            let met = met.ok_or(RedeemError::Burned)?;
            return Ok(self.admit_again(met, reach));
        }
        if made.turned_away.contains(&peer) {
            return Err(RedeemError::Burned);
        }
        let is_settled = |settled: &Reach| settled.is_as_late_as(&reach);
        if made.invite.reusable
            && let Some(known) = known.as_ref()
            && known.mutual
            && self.settled(&peer).is_some_and(is_settled)
        {
            // A reply is read again with every look into the mailbox, also after both met anew by another invite.
            return Ok(admitted_again(known));
        }
        let before = known.as_ref().map(|known| known.state);
        let by_this = match made.invite.reusable {
            true => ContactState::Pending,
            false => ContactState::Confirmed,
        };
        let state = match before {
            Some(ContactState::Confirmed) => ContactState::Confirmed,
            _ => by_this,
        };
        let mut contact = match known {
            Some(contact) => contact,
            None => self.make_room_for_contact(now, &made.invite, peer, name, state)?,
        };
        contact.state = state;
        if !contact.mutual && self.waiting(&peer).is_empty() {
            contact.reach = None; // By an invite of theirs that lapsed: they never heard of it.
        }
        contact.mutual = true;
        if let Some(introducers) = introducers {
            contact.introducers = introducers;
        }
        let is_reach_new = contact.take_later(reach.clone());
        self.admit_beneath(&peer, reach, by_this);
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

    /// Somebody shows again what it came by, and may have accepted it anew, after it forgot what else was shared with it.
    fn admit_again(&mut self, mut contact: Contact, reach: Reach) -> Admission {
        let (peer, admission) = (contact.peer, admitted_again(&contact));
        let is_heard = std::mem::replace(&mut contact.mutual, true);
        let settled = match self.entries.accepted.get(&peer) {
            Some(accepted) => accepted.earlier.as_ref(),
            None => contact.reach.as_ref().filter(|_| is_heard),
        };
        if is_heard && settled.is_some_and(|settled| settled.is_as_late_as(&reach)) {
            return admission;
        }
        if settled.is_none() && self.waiting(&peer).is_empty() {
            contact.reach = None; // As in `admit`.
        }
        let is_reach_new = contact.take_later(reach.clone());
        self.put_contact(contact);
        if let Some(accepted) = self.entries.accepted.get_mut(&peer) {
            accepted.share_beneath(reach);
            self.store(self.entries.accepted_row(&peer));
        }
        if !is_heard {
            self.tell(Event::Changed { peer });
        }
        if is_reach_new {
            self.tell(Event::ReachBegan { peer });
        }
        admission
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
        Ok(Contact::new(peer, name, now, invite.id()))
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

    /// Lets `peer` in no more by the invites that are open now: it may hold one that it has not shown yet.
    pub(super) fn turn_away(&mut self, peer: PeerId) {
        let open: Vec<MadeInvite> = self
            .invites()
            .filter(|made| made.burned.is_none() && !made.turned_away.contains(&peer))
            .cloned()
            .collect();
        for mut made in open {
            if made.turned_away.len() < TURNED_AWAY_MAX {
                made.turned_away.push(peer);
                self.put_invite(made);
            } else {
                self.forget_invite(&made.invite.id());
            }
        }
    }

    fn put_invite(&mut self, made: MadeInvite) {
        let id = made.invite.id();
        self.entries.invites.insert(id, made);
        self.store(self.entries.invite_row(&id));
    }
}

fn admitted_again(contact: &Contact) -> Admission {
    Admission {
        peer: contact.peer,
        state: contact.state,
        is_new: false,
    }
}
