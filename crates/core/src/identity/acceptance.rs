//! Invites of others that I accept, until their makers know.
//!
//! Accepting puts the maker into the book at once. Then there are two ways to let them know, tried side by side: to show
//! the invite's proof in a session, and to leave a sealed reply where the maker looks for it ([`super::admission`]).
//!
//! Nobody sees in an invite whether somebody else has used it up. So all that were accepted of one maker wait until one is taken: a
//! reply is left to each, and in sessions they are shown one after the other, the one accepted last first.

use std::time::Duration;

use thiserror::Error;

use crate::crypto::Scheme;
use crate::ids::{InviteId, PeerId};
use crate::introducer::Introducer;
use crate::time::{CLOCK_SKEW_MAX, Time};

use super::admission::INVITE_LIFE_MAX;
use super::contact::{Contact, ContactState};
use super::invite::Invite;
use super::kept_invite::{ACCEPTED_PER_MAKER_MAX, AcceptedInvite, AcceptedInvites, Before};
use super::outputs::Event;
use super::petname::{NameError, Petname};
use super::reply::{Reply, seal_reply};
use super::state::Book;

/// After how long a reply is left again: introducers may lose what they keep, and a reply costs one record.
pub const REPLY_AGAIN_AFTER: Duration = Duration::from_secs(12 * 60 * 60);

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
    /// Made over [`CLOCK_SKEW_MAX`] from now: by clocks as far apart neither side believes the other's bindings.
    #[error(
        "this invite is of a time to come: the clock of this machine is wrong, or that of whoever made it"
    )]
    Ahead,
    /// Good for longer than [`INVITE_LIFE_MAX`], which nobody makes.
    #[error("this invite is not sound: it lasts longer than any invite")]
    TooLong,
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
    /// As many invites of theirs wait as may.
    #[error(
        "{ACCEPTED_PER_MAKER_MAX} invites of {0} wait already, the most there can be, and none was answered; wait until {0} is online, or remove {0} and add this one alone"
    )]
    Unanswered(Petname),
    /// The book is full.
    #[error("the address book holds {0} contacts, the most there can be; remove some first")]
    Full(usize),
}

impl<S: Scheme> Book<S> {
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
        self.check_terms(now, invite)?;
        let maker = invite.peer;
        let known = self.contact(&maker).cloned();
        if let Some(contact) = known.as_ref()
            && contact.state == ContactState::Blocked
        {
            return Err(AcceptError::Blocked(contact.petname.clone()));
        }
        let name = self.wanted_name(&maker, petname, known.as_ref(), &invite.name)?;
        let at = self.accepted_at(now, invite);
        let reach = self.reach(&maker, invite, at);
        let reach = reach.ok_or(AcceptError::BadKey)?;
        let accepted = self.entries.accepted.get(&maker);
        if accepted.is_some_and(|accepted| !accepted.has_room_for(&invite.id())) {
            return Err(AcceptError::Unanswered(name));
        }
        let mut contact = match known.clone() {
            Some(contact) => contact,
            None if self.entries.contacts.len() >= self.config.contacts_max => {
                return Err(AcceptError::Full(self.config.contacts_max));
            }
            None => Contact::new(maker, name.clone(), now, invite.id()),
        };
        // One by which they have met, or came into the book, says nothing new to a maker who still shares something.
        let shared = contact.reach.as_ref().map(|shared| Some(shared.invite));
        let met_by = shared.map(|shared| [shared, contact.source]);
        let is_repeated =
            contact.mutual && met_by.is_some_and(|it| it.contains(&Some(reach.invite)));
        contact.petname = name;
        contact.state = ContactState::Confirmed;
        contact.introducers.clone_from(&invite.introducers);
        let is_reach_new = !is_repeated && contact.take_later(reach);
        if !is_repeated {
            self.put_accepted(at, invite, known.as_ref());
        }
        self.put_contact(contact);
        self.tell(if known.is_some() {
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

    /// Whether an invite may be accepted, whatever is known of its maker.
    fn check_terms(&self, now: Time, invite: &Invite) -> Result<(), AcceptError> {
        if invite.peer == self.me {
            return Err(AcceptError::Own);
        }
        if invite.is_expired(now) {
            return Err(AcceptError::Expired);
        }
        if invite.made > now + CLOCK_SKEW_MAX {
            return Err(AcceptError::Ahead);
        }
        if invite.expires.since(invite.made) > INVITE_LIFE_MAX {
            return Err(AcceptError::TooLong);
        }
        Ok(())
    }

    /// The maker of invites I accepted left a record under the secret that counts between us: it has me in its book. Of one that waits it
    /// took that by which we share it.
    pub fn mark_mutual(&mut self, maker: &PeerId) {
        let contact = self.contact(maker).cloned();
        let Some((mut contact, reach)) = contact.and_then(|it| Some((it.clone(), it.reach?)))
        else {
            return;
        };
        let mut waiting = self.waiting(maker).iter();
        if waiting.any(|it| it.invite.id() == reach.invite) {
            return self.mark_taken(maker, &reach.invite);
        }
        if !contact.mutual {
            contact.mutual = true;
            self.put_contact(contact);
            self.tell(Event::Changed { peer: *maker });
        }
    }

    /// The maker took this one of the invites I accepted. Should others wait that were accepted later, they are shown too, for they
    /// count where they are taken; where not, this one does.
    pub fn mark_taken(&mut self, maker: &PeerId, taken: &InviteId) {
        let Some(mut accepted) = self.entries.accepted.get(maker).cloned() else {
            return;
        };
        let mut places = accepted.waiting.iter();
        let Some(place) = places.position(|it| it.invite.id() == *taken) else {
            return;
        };
        let done = accepted.waiting.split_off(place);
        let by = &done[0].invite;
        let reach = self.reach(maker, by, done[0].at);
        if let Some(reach) = reach.clone() {
            accepted.share_beneath(reach);
        }
        let contact = self.contact(maker).cloned();
        if let Some(contact) = contact.as_ref().filter(|_| !accepted.waiting.is_empty()) {
            let mut before = Before::of(contact);
            let is_said_by = |it: &AcceptedInvite| it.invite.introducers == before.introducers;
            if accepted.waiting.iter().any(is_said_by) {
                before.introducers.clone_from(&by.introducers);
            }
            accepted.before = Some(before);
        }
        if accepted.waiting.is_empty() {
            self.entries.accepted.remove(maker);
        } else {
            self.entries.accepted.insert(*maker, accepted);
        }
        self.store(self.entries.accepted_row(maker));
        let peer = *maker;
        for accepted in done {
            let invite = accepted.invite.id();
            self.aside.remove(&invite);
            self.tell(Event::InviteTaken { peer, invite });
        }
        let Some(mut contact) = contact else { return };
        contact.mutual = true;
        let is_reach_new = reach.is_some_and(|reach| contact.take_later(reach));
        self.put_contact(contact);
        self.tell(Event::Changed { peer });
        if is_reach_new {
            self.tell(Event::ReachBegan { peer });
        }
    }

    /// Whoever answers for `maker` takes us for a stranger, to whom [`Book::accepted`] was shown: that one is shown again only
    /// behind all others that wait, for an answer that nobody signed ends none of them. False where none is left to show.
    pub fn set_aside(&mut self, maker: &PeerId) -> bool {
        let Some(shown) = self.accepted(maker).map(|it| it.invite.id()) else {
            return false;
        };
        self.aside.insert(shown);
        let mut waiting = self.waiting(maker).iter();
        let is_one_left = waiting.any(|it| !self.aside.contains(&it.invite.id()));
        if !is_one_left {
            self.try_all_again(maker);
        }
        is_one_left
    }

    /// None of the invites by `maker` is passed over any more.
    pub(super) fn try_all_again(&mut self, maker: &PeerId) {
        let waiting = self.entries.accepted.get(maker);
        for accepted in waiting.iter().flat_map(|of| &of.waiting) {
            self.aside.remove(&accepted.invite.id());
        }
    }

    /// The accepted invites whose makers may not know, and for whom no reply was left within [`REPLY_AGAIN_AFTER`].
    pub fn unanswered(&self, now: Time) -> impl Iterator<Item = &AcceptedInvite> {
        let accepted = self.entries.accepted.values().flat_map(|of| &of.waiting);
        accepted.filter(move |accepted| {
            !accepted.invite.is_expired(now)
                && accepted
                    .left
                    .is_none_or(|left| now.since(left) >= REPLY_AGAIN_AFTER)
        })
    }

    /// Writes the sealed reply to this invite that I accepted, always [`super::reply::REPLY_BYTES`] long.
    /// `name` is what I call myself, `introducers` where I leave my records. `None` without such an invite.
    pub fn write_reply(
        &mut self,
        invite: &Invite,
        name: &str,
        introducers: Vec<Introducer>,
    ) -> Option<Vec<u8>> {
        let id = invite.id();
        let mut waiting = self.waiting(&invite.peer).iter();
        let at = waiting.find(|it| it.invite.id() == id)?.at;
        let reply = Reply::new(id, self.me, name, at, introducers);
        seal_reply(&self.scheme, &mut self.random, invite, &self.secret, &reply)
    }

    /// A reply to this invite by `maker` now waits at an introducer.
    pub fn mark_reply_left(&mut self, now: Time, maker: &PeerId, id: &InviteId) {
        let accepted = self.entries.accepted.get_mut(maker);
        let mut waiting = accepted.into_iter().flat_map(|of| &mut of.waiting);
        if let Some(accepted) = waiting.find(|it| it.invite.id() == *id) {
            accepted.left = Some(now);
            self.store(self.entries.accepted_row(maker));
        }
    }

    /// Nobody knows whether the replies left so far have arrived: each is due again. Of no consequence for what is kept.
    pub fn leave_replies_again(&mut self) {
        let accepted = self.entries.accepted.values_mut();
        for accepted in accepted.flat_map(|of| &mut of.waiting) {
            accepted.left = None;
        }
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

    /// As of when an invite counts that is accepted now; one that waits already, as of when it was accepted first.
    fn accepted_at(&self, now: Time, invite: &Invite) -> Time {
        let (maker, id) = (&invite.peer, invite.id());
        let mut waiting = self.waiting(maker).iter();
        let already = waiting.find(|it| it.invite.id() == id);
        already.map_or_else(|| self.later_than_shared(now, maker), |it| it.at)
    }

    /// Keeps an accepted invite until its maker knows, with what was `known` of them before the first that waits.
    fn put_accepted(&mut self, at: Time, invite: &Invite, known: Option<&Contact>) {
        let maker = invite.peer;
        self.try_all_again(&maker);
        let accepted = self.entries.accepted.entry(maker);
        let accepted = accepted.or_insert_with(|| AcceptedInvites::none(known));
        if accepted.add(invite.clone(), at) {
            self.store(self.entries.accepted_row(&maker));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Ed25519;
    use crate::identity::config::BookConfig;
    use crate::identity::contact::Standing;
    use crate::identity::fixture::{NOW, book, bounded_book, friends, invite, key, made};
    use crate::time::DAY;

    fn refused(book: &mut Book<Ed25519>, now: Time, invite: &Invite) -> AcceptError {
        let before = book.rows();
        let error = book.accept_invite(now, invite, None).expect_err("refused");
        assert_eq!(book.rows(), before, "nothing has changed");
        error
    }

    #[test]
    fn ones_own_invite_is_refused() {
        let mut book = book(1);
        let own = made(&mut book, NOW, false);
        assert_eq!(refused(&mut book, NOW, &own), AcceptError::Own);
    }

    #[test]
    fn an_expired_invite_is_refused() {
        let invite = invite(1, 7);
        let expires = invite.expires;
        assert_eq!(
            refused(&mut book(2), expires, &invite),
            AcceptError::Expired
        );
    }

    #[test]
    fn an_invite_of_a_time_to_come_is_refused() {
        let mut ahead = invite(1, 7);
        ahead.made = NOW + CLOCK_SKEW_MAX;
        assert!(book(2).accept_invite(NOW, &ahead, None).is_ok());
        ahead.made = ahead.made + Duration::from_millis(1);
        assert_eq!(refused(&mut book(2), NOW, &ahead), AcceptError::Ahead);
    }

    #[test]
    fn an_invite_that_lasts_longer_than_any_is_refused() {
        let mut lasting = invite(1, 7);
        lasting.expires = lasting.made + INVITE_LIFE_MAX;
        assert!(book(2).accept_invite(NOW, &lasting, None).is_ok());
        lasting.made = lasting.made - Duration::from_millis(1);
        assert_eq!(refused(&mut book(2), NOW, &lasting), AcceptError::TooLong);
        lasting.expires = Time(u64::MAX);
        assert_eq!(refused(&mut book(2), NOW, &lasting), AcceptError::TooLong);
    }

    #[test]
    fn a_blocked_peers_new_invite_is_refused() {
        let (mut ada, mut bo) = friends();
        bo.block(&key(1).peer_id()).expect("known");
        let fresh = made(&mut ada, NOW + DAY, false);
        assert!(matches!(
            refused(&mut bo, NOW + DAY, &fresh),
            AcceptError::Blocked(_)
        ));
        bo.unblock(&key(1).peer_id()).expect("known");
        assert!(bo.accept_invite(NOW + DAY, &fresh, None).is_ok());
        assert_eq!(bo.standing(&key(1).peer_id()), Standing::Confirmed);
    }

    #[test]
    fn a_key_that_is_none_is_refused() {
        let mut crooked = invite(1, 7);
        crooked.peer = PeerId([0; 32]);
        assert_eq!(refused(&mut book(2), NOW, &crooked), AcceptError::BadKey);
    }

    #[test]
    fn a_chosen_name_must_be_free_and_a_suggested_one_gets_a_number() {
        let mut book = book(2);
        book.accept_invite(NOW, &invite(1, 7), Some("ADA"))
            .expect("free");
        let taken = book.accept_invite(NOW, &invite(3, 7), Some("ada"));
        assert!(matches!(taken, Err(AcceptError::NameTaken(_))));
        let other = book
            .accept_invite(NOW, &invite(3, 7), None)
            .expect("numbered");
        let name = &book.contact(&other).expect("known").petname;
        assert_eq!(name.as_str(), "Ada-2");
    }

    #[test]
    fn a_full_book_takes_nobody() {
        let config = BookConfig {
            contacts_max: 1,
            ..BookConfig::default()
        };
        let mut book = bounded_book(2, config);
        book.accept_invite(NOW, &invite(1, 7), None).expect("room");
        assert_eq!(refused(&mut book, NOW, &invite(3, 7)), AcceptError::Full(1));
        assert!(book.accept_invite(NOW, &invite(1, 8), None).is_ok());
    }

    #[test]
    fn an_invite_accepted_twice_is_one_contact() {
        let mut book = book(2);
        book.accept_invite(NOW, &invite(1, 7), None).expect("room");
        let rows = book.rows();
        book.accept_invite(NOW + DAY, &invite(1, 7), None)
            .expect("again");
        assert_eq!(book.rows(), rows);
    }

    #[test]
    fn more_unanswered_invites_of_one_maker_than_the_bound_are_refused() {
        let mut book = book(2);
        let bound = u8::try_from(ACCEPTED_PER_MAKER_MAX).expect("small");
        for secret in 0..bound {
            let accepted = book.accept_invite(NOW, &invite(1, secret), None);
            accepted.expect("room");
        }
        let refusal = refused(&mut book, NOW, &invite(1, bound));
        assert!(matches!(refusal, AcceptError::Unanswered(_)));
        assert!(
            book.accept_invite(NOW, &invite(1, 0), None).is_ok(),
            "there already"
        );
        assert_eq!(book.unanswered(NOW).count(), ACCEPTED_PER_MAKER_MAX);
        book.give_up_invite(&key(1).peer_id(), &invite(1, 0).id());
        assert!(book.accept_invite(NOW, &invite(1, bound), None).is_ok());
    }

    #[test]
    fn a_reply_is_left_until_the_maker_is_known_to_know() {
        let mut book = book(2);
        let maker = book.accept_invite(NOW, &invite(1, 7), None).expect("room");
        assert_eq!(book.unanswered(NOW).count(), 1);
        book.mark_reply_left(NOW, &maker, &invite(1, 7).id());
        assert_eq!(book.unanswered(NOW + DAY / 4).count(), 0);
        assert_eq!(book.unanswered(NOW + REPLY_AGAIN_AFTER).count(), 1);
        book.mark_mutual(&maker);
        assert_eq!(book.unanswered(NOW + DAY).count(), 0);
        assert!(book.contact(&maker).expect("known").mutual);
        assert_eq!(book.write_reply(&invite(1, 7), "Bo", vec![]), None);
    }

    #[test]
    fn a_reply_that_may_not_have_arrived_is_due_again() {
        let mut book = book(2);
        let maker = book.accept_invite(NOW, &invite(1, 7), None).expect("room");
        book.mark_reply_left(NOW, &maker, &invite(1, 7).id());
        assert_eq!(book.unanswered(NOW).count(), 0);
        book.leave_replies_again();
        assert_eq!(book.unanswered(NOW).count(), 1);
    }

    #[test]
    fn an_invite_both_already_met_by_needs_no_answer() {
        let (mut ada, mut bo) = friends();
        let met_by = ada.invites().next().expect("burned").invite.clone();
        assert!(bo.accept_invite(NOW, &met_by, Some("A")).is_ok());
        assert_eq!(bo.unanswered(NOW).count(), 0);
        ada.block(&key(2).peer_id()).expect("known");
        assert!(!ada.contact(&key(2).peer_id()).expect("known").mutual);
    }

    #[test]
    fn a_maker_who_is_blocked_is_not_answered() {
        let mut book = book(2);
        let maker = book.accept_invite(NOW, &invite(1, 7), None).expect("room");
        book.block(&maker).expect("known");
        assert_eq!(book.unanswered(NOW).count(), 0);
        assert!(book.accepted(&maker).is_none());
        let contact = book.contact(&maker).expect("known");
        assert!(contact.introducers.is_empty());
    }

    #[test]
    fn removing_the_maker_takes_the_accepted_invite_along() {
        let mut book = book(2);
        let maker = book.accept_invite(NOW, &invite(1, 7), None).expect("room");
        book.remove(&maker).expect("known");
        let whose = *book.entries.latest.keys().next().expect("one date");
        assert_eq!(book.rows(), [book.entries.latest_row(&whose)]);
    }
}
