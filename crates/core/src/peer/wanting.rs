//! With whom a session is kept up, and whom we leave alone for a while because their answers say that they want none.
//!
//! ```text
//!   they answer as to a stranger ──▶ Stranger ──┐  a session stands, or a new invite
//!                                               ├──▶ wanted again, as it is after LEFT_ALONE_FOR
//!   they let our session go idle ──▶ Guest    ──┘  their card, which only contacts are sent
//! ```
//!
//! Nothing is said on the wire for it: who removed us answers us as everybody who has no business there, and who has not
//! confirmed us closes an idle session as it closes every guest's. Only who expected more can tell what it means.

use super::config::{LEFT_ALONE_FOR, SESSIONS_KEPT_MAX};
use super::regard::Regard;
use super::state::Peer;
use crate::crypto::Scheme;
use crate::identity::ContactState;
use crate::ids::PeerId;
use crate::routing::Target;
use crate::time::Time;

impl<S: Scheme> Peer<S> {
    /// What `peer` takes us for, where its last answer told that it wants no session with us.
    pub fn regard(&self, peer: PeerId) -> Option<Regard> {
        self.regards.get(peer)
    }

    /// Whether `peer` has shown since we run that we are a contact there: it sent its card, which only contacts are sent. It has not shown it
    /// where none has come, and may have confirmed us all the same.
    pub fn is_confirmed_by(&self, peer: PeerId) -> bool {
        self.regards.is_confirmed_by(peer)
    }

    /// Keeps a session with `peer` up, if it is a contact of ours that may want one.
    pub(super) fn keep_session(&mut self, peer: PeerId) {
        let is_confirmed = |state| state == Some(ContactState::Confirmed);
        let met = self
            .book
            .contact(&peer)
            .filter(|contact| contact.reach.is_some());
        let target = Target::Peer(peer);
        if !is_confirmed(met.map(|contact| contact.state)) {
            // Who is so no more, as their invite was refused, is not called again and again.
            self.sessions.handle_want(self.now, target, false);
        } else if self.config.keeps_sessions
            && self.regard(peer).is_none()
            && self.is_among_kept(peer)
        {
            self.sessions.handle_want(self.now, target, true);
        }
    }

    /// `peer` answered as somebody does who wants no session with us.
    pub(super) fn regarded(&mut self, now: Time, peer: PeerId, regard: Regard) {
        let is_contact = self.book.contact(&peer).is_some();
        if is_contact {
            let until = now + LEFT_ALONE_FOR;
            self.regards.set(peer, regard, until);
        }
        self.sessions.handle_want(now, Target::Peer(peer), false);
    }

    /// The other side closed a session with `peer` because nothing happened there. It leaves that to a contact who wants to
    /// keep it.
    pub(super) fn let_go(&mut self, now: Time, peer: PeerId) {
        let target = Target::Peer(peer);
        if self.sessions.wants(target) && self.sessions.session(target).is_none() {
            self.regarded(now, peer, Regard::Guest);
        }
    }

    /// A session with `peer` stands, so we are not a stranger there.
    pub(super) fn is_let_in(&mut self, peer: PeerId) {
        if self.regard(peer) == Some(Regard::Stranger) {
            self.is_contact_there(peer);
        }
    }

    /// `peer` takes us for a contact, or might from now on.
    pub(super) fn is_contact_there(&mut self, peer: PeerId) {
        self.regards.want(peer);
        self.keep_session(peer);
    }

    /// Wants those again who were left alone for long enough.
    pub(super) fn want_again(&mut self, now: Time) {
        for peer in self.regards.due(now) {
            self.is_contact_there(peer);
        }
    }

    /// Whether `peer` is among the contacts with whom a session is kept up.
    fn is_among_kept(&self, peer: PeerId) -> bool {
        let before = self
            .book
            .contacts()
            .filter(|contact| contact.peer < peer && contact.reach.is_some());
        before.take(SESSIONS_KEPT_MAX).count() < SESSIONS_KEPT_MAX
    }
}
