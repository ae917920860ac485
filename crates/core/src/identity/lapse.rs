//! Accepted invites that lapse: they expired before their makers were heard of, or their makers do not take them.
//!
//! Accepting puts the maker into the book, or changes what is known of them ([`super::acceptance`]). Of an invite that was
//! forged, used up or withdrawn none of it may stay: the maker knows of nothing but what was before.
//!
//! Several of one maker may wait, and any of them may be the one that opens something: what was before counts again when the last
//! of them lapses, and until then the one of the rest that was accepted last.

use crate::crypto::Scheme;
use crate::ids::{InviteId, PeerId};

use super::contact::{Contact, ContactState, Reach};
use super::invite::Invite;
use super::kept_invite::{AcceptedInvite, AcceptedInvites, Before};
use super::outputs::Event;
use super::state::Book;

impl<S: Scheme> Book<S> {
    /// The maker of this invite that I accepted does not take it. Who is in the book by it alone is forgotten; who was
    /// there before is again what they were. Without such an invite nothing changes.
    pub fn give_up_invite(&mut self, maker: &PeerId, invite: &InviteId) {
        let waiting = self.waiting(maker);
        if !waiting.iter().any(|it| it.invite.id() == *invite) {
            return;
        }
        let is_last = waiting.len() == 1;
        let contact = self.contact(maker).filter(|_| is_last).cloned();
        match contact.filter(|known| !known.mutual && known.source == Some(*invite)) {
            Some(new) => self.forget_contact(&new),
            None => self.lapse(maker, invite),
        }
        self.tell(Event::InviteRefused {
            peer: *maker,
            invite: *invite,
        });
    }

    /// Forgets an accepted invite that expired before its maker was heard of, or that they do not take. What was known of
    /// them before and what was shared with them count again, because they know of nothing else, unless others of theirs wait.
    pub(super) fn lapse(&mut self, maker: &PeerId, id: &InviteId) {
        let Some(mut accepted) = self.entries.accepted.remove(maker) else {
            return;
        };
        let lapsed = accepted.take(id);
        let (is_last, rest) = (accepted.waiting.is_empty(), accepted.clone());
        if !is_last {
            self.entries.accepted.insert(*maker, accepted);
        }
        let Some(lapsed) = lapsed else {
            return;
        };
        self.aside.remove(id);
        self.store(self.entries.accepted_row(maker));
        let Some(contact) = self.contact(maker).cloned() else {
            return;
        };
        let contact = match rest.waiting.first() {
            Some(next) => self.without(contact, &lapsed, next, rest.earlier),
            None => self.as_before(contact, &lapsed, rest),
        };
        self.give_back(contact);
    }

    /// What a contact is where one accepted invite of theirs lapsed and others wait, of which `next` was accepted last.
    fn without(
        &self,
        mut contact: Contact,
        lapsed: &Invite,
        next: &AcceptedInvite,
        earlier: Option<Reach>,
    ) -> Contact {
        let id = lapsed.id();
        if contact.reach.as_ref().is_some_and(|it| it.invite == id) {
            contact.reach = earlier;
            if let Some(reach) = self.reach(&contact.peer, &next.invite, next.at) {
                contact.take_later(reach);
            }
        }
        if contact.introducers == lapsed.introducers {
            contact.introducers.clone_from(&next.invite.introducers);
        }
        if contact.source == Some(id) {
            contact.source = Some(next.invite.id());
        }
        contact
    }

    /// What a contact is where the last accepted invite of theirs lapsed.
    fn as_before(&self, mut contact: Contact, lapsed: &Invite, was: AcceptedInvites) -> Contact {
        let AcceptedInvites {
            earlier, before, ..
        } = was;
        let is_of_it = |reach: &Reach| reach.invite == lapsed.id();
        // Who was not in the book before keeps what the invite gave: there is nothing else to find them by.
        if (earlier.is_some() || before.is_some()) && contact.reach.as_ref().is_some_and(is_of_it) {
            contact.reach = earlier;
        }
        if let Some(before) = before {
            contact.petname = self.free_name(before.petname, &contact.peer);
            contact.state = before.state;
            contact.introducers = before.introducers;
        }
        contact
    }

    /// Keeps a contact as it was before, and tells what that changes.
    fn give_back(&mut self, contact: Contact) {
        let peer = contact.peer;
        let Some(now) = self.contact(&peer).filter(|now| **now != contact) else {
            return;
        };
        let is_reach_other = now.reach != contact.reach;
        let is_rest_other = (&now.petname, now.state, &now.introducers)
            != (&contact.petname, contact.state, &contact.introducers);
        let reach = match contact.reach {
            Some(_) => Event::ReachBegan { peer },
            None => Event::ReachEnded { peer },
        };
        self.put_contact(contact);
        if is_rest_other {
            self.tell(Event::Changed { peer });
        }
        if is_reach_other {
            self.tell(reach);
        }
    }

    /// What the owner of the book or the contact itself says of it holds also when an accepted invite of theirs lapses.
    pub(super) fn hold_beyond_lapse(&mut self, peer: &PeerId, change: impl FnOnce(&mut Before)) {
        let Some(accepted) = self.entries.accepted.get_mut(peer) else {
            return;
        };
        let Some(mut before) = accepted.before.clone() else {
            return;
        };
        change(&mut before);
        let before = Some(before);
        if accepted.before != before {
            accepted.before = before;
            self.store(self.entries.accepted_row(peer));
        }
    }

    /// `peer` came by an invite of mine, by which we share `reach`, while one of theirs may wait to be taken. Should that
    /// lapse, mine counts, and lets them in as far as it did.
    pub(super) fn admit_beneath(&mut self, peer: &PeerId, reach: Reach, state: ContactState) {
        let Some(accepted) = self.entries.accepted.get_mut(peer) else {
            return;
        };
        accepted.share_beneath(reach);
        if let Some(before) = accepted.before.as_mut() {
            // Confirmed is the first of them: nobody gets less by an invite.
            before.state = before.state.min(state);
        }
        self.store(self.entries.accepted_row(peer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Ed25519;
    use crate::identity::contact::Standing;
    use crate::identity::fixture::{
        NOW, book, drain, friends, introducer, invite, key, made, reach, restored, say, show,
    };
    use crate::time::DAY;

    /// An invite of Ada's that she never made, of a day after the two met, with another introducer in it.
    fn forged() -> Invite {
        let mut forged = invite(1, 8);
        forged.made = NOW + DAY;
        forged.introducers = vec![introducer(9)];
        forged
    }

    /// Bo accepts what Ada never made, and calls her something else by the way.
    fn accept_forged(bo: &mut Book<Ed25519>) -> PeerId {
        let accepted = bo.accept_invite(NOW + DAY, &forged(), Some("Countess"));
        accepted.expect("nobody can tell yet")
    }

    #[test]
    fn an_invite_that_lapses_gives_back_what_was_shared_before() {
        let (mut ada, mut bo) = friends();
        let before = reach(&bo, 1);
        let fresh = made(&mut ada, NOW + DAY, false);
        bo.accept_invite(NOW + DAY, &fresh, None).expect("fresh");
        assert_ne!(reach(&bo, 1), before);
        drain(&mut bo);
        bo.handle_timeout(fresh.expires);
        assert_eq!(reach(&bo, 1), before);
        assert_eq!(reach(&bo, 1), reach(&ada, 2));
        let peer = key(1).peer_id();
        assert_eq!(drain(&mut bo).1, [Event::ReachBegan { peer }]);
        assert_eq!(bo.poll_timeout(), None);
    }

    #[test]
    fn a_refused_invite_leaves_nobody_in_the_book_who_came_by_it() {
        let mut book = book(2);
        let open = made(&mut book, NOW, true);
        let before = book.rows();
        let maker = book.accept_invite(NOW, &invite(1, 7), None).expect("room");
        drain(&mut book);
        book.give_up_invite(&maker, &invite(1, 7).id());
        assert_eq!(book.rows(), before);
        let peer = maker;
        let refused = Event::InviteRefused {
            peer,
            invite: invite(1, 7).id(),
        };
        let told = [Event::ReachEnded { peer }, Event::Removed { peer }, refused];
        assert_eq!(drain(&mut book).1, told);
        assert!(show(&mut book, NOW, &open, 1).is_ok(), "nor turned away");
    }

    #[test]
    fn a_refused_invite_leaves_a_contact_as_it_was() {
        let (_, mut bo) = friends();
        let before = bo.rows();
        let maker = accept_forged(&mut bo);
        assert_ne!(bo.rows(), before);
        let mut bo = restored(&bo);
        bo.give_up_invite(&maker, &forged().id());
        assert_eq!(bo.rows(), before);
        let (peer, invite) = (maker, forged().id());
        let told = [
            Event::Changed { peer },
            Event::ReachBegan { peer },
            Event::InviteRefused { peer, invite },
        ];
        assert_eq!(drain(&mut bo).1, told);
        bo.give_up_invite(&maker, &forged().id());
        assert_eq!(bo.rows(), before, "no invite is left to give up");
    }

    #[test]
    fn a_refused_invite_confirms_nobody_who_waits() {
        let mut bo = book(2);
        let reusable = made(&mut bo, NOW, true);
        show(&mut bo, NOW, &reusable, 1).expect("reusable");
        let before = bo.rows();
        let maker = accept_forged(&mut bo);
        assert_eq!(bo.standing(&maker), Standing::Confirmed);
        bo.give_up_invite(&maker, &forged().id());
        assert_eq!(bo.standing(&maker), Standing::Pending);
        assert_eq!(bo.rows(), before);
    }

    #[test]
    fn a_refused_invite_makes_nobody_a_contact_again_who_was_blocked() {
        let (_, mut bo) = friends();
        let maker = key(1).peer_id();
        bo.block(&maker).expect("known");
        bo.unblock(&maker).expect("known");
        let before = bo.rows();
        accept_forged(&mut bo);
        drain(&mut bo);
        bo.give_up_invite(&maker, &forged().id());
        assert_eq!(bo.rows(), before);
        assert_eq!(bo.standing(&maker), Standing::Stranger);
        let ended = Event::ReachEnded { peer: maker };
        assert!(drain(&mut bo).1.contains(&ended));
    }

    #[test]
    fn what_the_owner_and_the_contact_said_meanwhile_stays() {
        let mut bo = book(2);
        let reusable = made(&mut bo, NOW, true);
        show(&mut bo, NOW, &reusable, 1).expect("reusable");
        let maker = accept_forged(&mut bo);
        bo.rename(&maker, "Ada L").expect("free");
        bo.confirm(&maker).expect("known");
        bo.observe_introducers(&maker, vec![introducer(3)]);
        bo.give_up_invite(&maker, &forged().id());
        let contact = bo.contact(&maker).expect("known");
        assert_eq!(contact.petname.as_str(), "Ada L");
        assert_eq!(contact.state, ContactState::Confirmed);
        assert_eq!(contact.introducers, [introducer(3)]);
    }

    #[test]
    fn a_name_given_to_another_meanwhile_is_theirs() {
        let (_, mut bo) = friends();
        let maker = accept_forged(&mut bo);
        let mine = made(&mut bo, NOW, false);
        let other = show(&mut bo, NOW, &mine, 3).expect("fresh").peer;
        bo.rename(&other, "Ada").expect("given up");
        bo.give_up_invite(&maker, &forged().id());
        let name = &bo.contact(&maker).expect("known").petname;
        assert_eq!(name.as_str(), "Ada-2");
    }

    /// Two invites of Ada's, the second of which somebody else used up, and Bo, who accepted that one last.
    fn accept_used_up_and_open() -> (Book<Ed25519>, Book<Ed25519>, Invite, Invite) {
        let (mut ada, mut bo) = (book(1), book(2));
        let open = made(&mut ada, NOW, false);
        let used_up = made(&mut ada, NOW + DAY, false);
        show(&mut ada, NOW + DAY, &used_up, 3).expect("fresh");
        bo.accept_invite(NOW + DAY, &open, None).expect("sound");
        bo.accept_invite(NOW + DAY, &used_up, None).expect("sound");
        drain(&mut bo);
        (ada, bo, used_up, open)
    }

    fn accepted(bo: &Book<Ed25519>) -> Option<Invite> {
        let accepted = bo.accepted(&key(1).peer_id());
        accepted.map(|accepted| accepted.invite.clone())
    }

    #[test]
    fn an_open_invite_counts_once_one_accepted_later_is_refused() {
        let (mut ada, bo, used_up, open) = accept_used_up_and_open();
        let maker = key(1).peer_id();
        let mut bo = restored(&bo);
        assert_eq!(accepted(&bo), Some(used_up.clone()), "the later first");
        assert!(show(&mut ada, NOW + DAY, &used_up, 2).is_err());
        bo.give_up_invite(&maker, &used_up.id());
        assert_eq!(accepted(&bo), Some(open.clone()));
        assert!(!bo.contact(&maker).expect("the other waits").mutual);
        say(&mut bo, &mut ada, NOW + DAY).expect("it waits");
        bo.mark_taken(&maker, &open.id());
        assert_eq!(reach(&bo, 1), reach(&ada, 2));
        assert!(reach(&bo, 1).is_some());
        assert_eq!(accepted(&bo), None);
    }

    #[test]
    fn an_open_invite_that_is_taken_first_counts_once_one_accepted_later_is_refused() {
        let (mut ada, mut bo, used_up, open) = accept_used_up_and_open();
        let maker = key(1).peer_id();
        assert!(bo.set_aside(&maker), "the other is left");
        assert_eq!(accepted(&bo), Some(open.clone()));
        say(&mut bo, &mut ada, NOW + DAY).expect("it waits");
        drain(&mut bo);
        bo.mark_taken(&maker, &open.id());
        let invite = open.id();
        let taken = Event::InviteTaken {
            peer: maker,
            invite,
        };
        assert!(drain(&mut bo).1.contains(&taken));
        assert_eq!(accepted(&bo), Some(used_up.clone()), "its turn");
        let mut bo = restored(&bo);
        bo.give_up_invite(&maker, &used_up.id());
        assert_eq!(reach(&bo, 1), reach(&ada, 2));
        let contact = bo.contact(&maker).expect("they met");
        assert!(contact.mutual && contact.standing() == Standing::Confirmed);
    }

    #[test]
    fn when_the_last_of_several_is_refused_nobody_is_left_in_the_book() {
        for is_later_first in [true, false] {
            let (_, mut bo, used_up, open) = accept_used_up_and_open();
            let maker = key(1).peer_id();
            let order = match is_later_first {
                true => [&used_up, &open],
                false => [&open, &used_up],
            };
            bo.give_up_invite(&maker, &order[0].id());
            assert!(bo.contact(&maker).is_some(), "one waits");
            bo.give_up_invite(&maker, &order[1].id());
            assert_eq!(bo.rows(), []);
        }
    }

    #[test]
    fn of_several_each_that_expires_leaves_the_others_waiting() {
        let (ada, mut bo, used_up, open) = accept_used_up_and_open();
        bo.handle_timeout(open.expires);
        assert_eq!(accepted(&bo), Some(used_up.clone()));
        assert_eq!(bo.poll_timeout(), Some(used_up.expires));
        bo.handle_timeout(used_up.expires);
        assert_eq!((accepted(&bo), bo.poll_timeout()), (None, None));
        drop(ada);
    }

    #[test]
    fn a_stranger_answer_ends_no_invite_and_leads_to_the_next() {
        let (_, mut bo, used_up, open) = accept_used_up_and_open();
        let maker = key(1).peer_id();
        assert!(bo.set_aside(&maker));
        assert_eq!(accepted(&bo), Some(open.clone()));
        assert!(!bo.set_aside(&maker), "each was shown");
        assert_eq!(accepted(&bo), Some(used_up.clone()), "from the first again");
        assert!(bo.set_aside(&maker));
        bo.accept_invite(NOW + DAY, &open, None).expect("again");
        assert_eq!(accepted(&bo), Some(used_up), "whatever was answered before");
        assert_eq!(bo.waiting(&maker).len(), 2);
        assert!(!bo.set_aside(&key(9).peer_id()), "of whom none waits");
    }

    #[test]
    fn a_genuine_invite_used_while_a_forged_one_waits_counts_once_that_is_refused() {
        let (mut ada, mut bo) = (book(1), book(2));
        let maker = accept_forged(&mut bo);
        let genuine = made(&mut bo, NOW, false);
        ada.accept_invite(NOW, &genuine, None).expect("fresh");
        show(&mut bo, NOW, &genuine, 1).expect("fresh");
        assert_ne!(reach(&bo, 1), reach(&ada, 2));
        let mut bo = restored(&bo);
        bo.give_up_invite(&maker, &forged().id());
        assert_eq!(reach(&bo, 1), reach(&ada, 2));
        assert_eq!(bo.standing(&maker), Standing::Confirmed);
    }
}
