//! Invites on sessions: shown by who accepted them, and answered by their makers.
//!
//! ```text
//! accepter                                         maker
//!    │ ▶ Introduce with the proof        (it dials)  │
//!    │ ▶ INVITE_SHOWN       (a session stands anyway) │
//!    │               INVITE_TAKEN or INVITE_REFUSED ◀ │
//! ```
//!
//! That a session stands tells nothing of an invite: a maker welcomes whom it knows already, and whose proof it refused.
//! So only the answer, or a record under the new reach secret, ends the waiting. What a refused invite changed in the
//! address book is undone: it was used up, withdrawn or never made, and the maker shares nothing by it.
//!
//! With the proof goes when the invite was accepted: of all that two share what was accepted last counts.
//!
//! Of several that wait one is shown at a time, and the next where it is refused. Where whoever answers takes us for a stranger,
//! which anybody may say, none is given up: the next is shown on a new connection, until each was.

use super::note::{INVITE_REFUSED, INVITE_SHOWN, INVITE_TAKEN};
use super::proof::Proof;
use super::state::Peer;
use crate::codec;
use crate::crypto::Scheme;
use crate::identity::{Invite, Shown};
use crate::ids::{InviteId, PeerId};
use crate::routing::{ConnId, Note, Target};
use crate::time::Time;

impl<S: Scheme> Peer<S> {
    /// Takes a proof that `peer` holds an invite of ours; gives what they are told of it, should a session stand.
    pub(super) fn redeem(
        &mut self,
        now: Time,
        proof: &[u8],
        exporter: &[u8; 32],
        peer: PeerId,
        name: &str,
    ) -> Option<Note> {
        let shown: Proof = codec::decode(proof).ok()?;
        let Proof::Invite { invite, mac, at } = &shown;
        let held = Shown {
            invite,
            proof: mac,
            at: *at,
            exporter,
            name,
        };
        let admission = self.book.redeem(now, peer, &held);
        match self.book.invite(invite) {
            Some(made) if admission.is_ok() => {
                let proven = Proof::of_invite(&made.invite, exporter, &self.me);
                Some(note(INVITE_TAKEN, &proven))
            }
            // Taken once and forgotten since: what we share with them is by it, and their next record from us says so.
            _ if self.is_shared_by(peer, invite, *at) => None,
            _ => Some(note(INVITE_REFUSED, &shown)),
        }
    }

    /// Whether what we share with `peer` is by this invite, as of when they say to have accepted it.
    fn is_shared_by(&self, peer: PeerId, invite: &InviteId, at: Option<Time>) -> bool {
        let known = self.book.contact(&peer);
        let reach = known.and_then(|contact| contact.reach.as_ref());
        reach.is_some_and(|it| it.invite == *invite && at.is_none_or(|at| at == it.at))
    }

    /// Shows the invite of `peer` that we accepted on every session with them, where it was not shown yet.
    pub(super) fn show_invites(&mut self, peer: PeerId) {
        let with_them = |target: Option<Target>| target == Some(Target::Peer(peer));
        let conns: Vec<ConnId> = self
            .connections
            .conns
            .iter()
            .filter(|(_, known)| known.session.is_some() && with_them(known.target))
            .map(|(conn, _)| *conn)
            .collect();
        for conn in conns {
            self.show_invite(conn, peer);
        }
    }

    /// Shows the invite of `peer` that we accepted on a session with them, if it was not shown there yet.
    pub(super) fn show_invite(&mut self, conn: ConnId, peer: PeerId) {
        let Some(known) = self.connections.conns.get_mut(&conn) else {
            return;
        };
        let accepted = self.book.accepted(&peer);
        let Some(accepted) = accepted.filter(|it| known.shown != Some(it.invite.id())) else {
            return;
        };
        let proof = Proof::of_accepted(accepted, &known.exporter, &self.me);
        let shown = note(INVITE_SHOWN, &proof);
        if self.sessions.handle_note(self.now, conn, shown) {
            known.shown = Some(accepted.invite.id());
        }
    }

    /// Says what became of the invite of ours that was shown on a connection.
    pub(super) fn answer_proof(&mut self, conn: ConnId) {
        let known = self.connections.conns.get_mut(&conn);
        if let Some(answer) = known.and_then(|known| known.answer.take()) {
            self.sessions.handle_note(self.now, conn, answer);
        }
    }

    /// A peer shows an invite of ours on a standing session.
    pub(super) fn take_shown(&mut self, now: Time, conn: ConnId, peer: PeerId, note: &Note) {
        let Some(exporter) = self.connections.conns.get(&conn).map(|it| it.exporter) else {
            return;
        };
        let answer = self.redeem(now, &note.body, &exporter, peer, "");
        if let Some(known) = self.connections.conns.get_mut(&conn) {
            known.answer = answer;
        }
        self.answer_proof(conn);
        self.drain_book(now);
    }

    /// A peer acknowledges an invite of theirs.
    pub(super) fn take_taken(&mut self, now: Time, conn: ConnId, peer: PeerId, note: &Note) {
        let Some(exporter) = self.connections.conns.get(&conn).map(|it| it.exporter) else {
            return;
        };
        let Ok(Proof::Invite { invite, mac, .. }) = codec::decode(&note.body) else {
            return;
        };
        self.answered(conn, &invite);
        let accepted = self.accepted_as(peer, &invite);
        if accepted.is_some_and(|it| it.check_proof(&exporter, &peer, &mac)) {
            self.book.mark_taken(&peer, &invite);
            self.drain_book(now);
            self.show_invite(conn, peer);
            self.drain();
        }
    }

    /// A peer does not take an invite of theirs. Only what we showed on this very connection is believed to be refused.
    pub(super) fn take_refused(&mut self, now: Time, conn: ConnId, peer: PeerId, note: &Note) {
        let Some(exporter) = self.connections.conns.get(&conn).map(|it| it.exporter) else {
            return;
        };
        let Ok(Proof::Invite { invite, mac, .. }) = codec::decode(&note.body) else {
            return;
        };
        self.answered(conn, &invite);
        let accepted = self.accepted_as(peer, &invite);
        if accepted.is_some_and(|it| it.check_proof(&exporter, &self.me, &mac)) {
            self.book.give_up_invite(&peer, &invite);
            self.drain_book(now);
            // Another of theirs may be good, and was not shown while this one waited.
            self.show_invite(conn, peer);
            self.drain();
        }
    }

    /// A peer said what becomes of an invite of theirs: accepted again it is shown again, also on this connection.
    fn answered(&mut self, conn: ConnId, invite: &InviteId) {
        if let Some(known) = self.connections.conns.get_mut(&conn) {
            known.shown = known.shown.filter(|shown| shown != invite);
        }
    }

    /// The invite of `peer` that we accepted, by its name.
    fn accepted_as(&self, peer: PeerId, invite: &InviteId) -> Option<&Invite> {
        let waiting = self.book.waiting(&peer).iter();
        let mut waiting = waiting.map(|accepted| &accepted.invite);
        waiting.find(|it| it.id() == *invite)
    }

    /// Who answers in place of `peer` takes us for a stranger. Where another invite of theirs waits, that is shown next; whether there is.
    pub(super) fn show_next_invite(&mut self, now: Time, peer: PeerId) -> bool {
        let is_one_left = self.book.set_aside(&peer);
        if is_one_left {
            self.sessions.handle_open(now, Target::Peer(peer));
        }
        is_one_left
    }
}

fn note(kind: u8, proof: &Proof) -> Note {
    let body = codec::encode(proof);
    Note { kind, body }
}
