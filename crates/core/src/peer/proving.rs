//! Invites on sessions: shown by who accepted them, and acknowledged by their makers.
//!
//! ```text
//! accepter                                         maker
//!    │ ▶ Introduce with the proof        (it dials)  │
//!    │ ▶ INVITE_SHOWN       (a session stands anyway) │
//!    │                                 INVITE_TAKEN ◀ │
//! ```
//!
//! That a session stands tells nothing of an invite: a maker welcomes whom it knows already, and whose proof it refused.
//! So only the acknowledgement, or a record under the new reach secret, ends the waiting.

use super::note::{INVITE_SHOWN, INVITE_TAKEN};
use super::proof::Proof;
use super::state::Peer;
use crate::codec;
use crate::crypto::Scheme;
use crate::ids::{InviteId, PeerId};
use crate::routing::{ConnId, Note, Target};
use crate::time::Time;

impl<S: Scheme> Peer<S> {
    /// Takes a proof that `peer` holds an invite of ours; gives the invite when it let them in, now or before.
    pub(super) fn redeem(
        &mut self,
        now: Time,
        proof: &[u8],
        exporter: &[u8; 32],
        peer: PeerId,
        name: &str,
    ) -> Option<InviteId> {
        let Proof::Invite { invite, mac } = codec::decode(proof).ok()?;
        let admission = self.book.redeem(now, &invite, &mac, exporter, peer, name);
        admission.is_ok().then_some(invite)
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
        let accepted = self.book.accepted(&peer).map(|accepted| &accepted.invite);
        let Some(invite) = accepted.filter(|invite| known.shown != Some(invite.id())) else {
            return;
        };
        known.shown = Some(invite.id());
        let proof = Proof::of_invite(invite, &known.exporter, &self.me);
        self.send_proof(conn, INVITE_SHOWN, &proof);
    }

    /// Acknowledges the invite that was shown with the introduction on a connection.
    pub(super) fn say_taken(&mut self, conn: ConnId) {
        let known = self.connections.conns.get_mut(&conn);
        let Some((invite, exporter)) =
            known.and_then(|known| Some((known.taken.take()?, known.exporter)))
        else {
            return;
        };
        if let Some(made) = self.book.invite(&invite) {
            let proof = Proof::of_invite(&made.invite, &exporter, &self.me);
            self.send_proof(conn, INVITE_TAKEN, &proof);
        }
    }

    /// A peer shows an invite of ours on a standing session.
    pub(super) fn take_shown(&mut self, now: Time, conn: ConnId, peer: PeerId, note: &Note) {
        let Some(exporter) = self.connections.conns.get(&conn).map(|it| it.exporter) else {
            return;
        };
        let taken = self.redeem(now, &note.body, &exporter, peer, "");
        if let Some(known) = self.connections.conns.get_mut(&conn) {
            known.taken = taken;
        }
        self.say_taken(conn);
        self.drain_book(now);
    }

    /// A peer acknowledges an invite of theirs.
    pub(super) fn take_taken(&mut self, now: Time, conn: ConnId, peer: PeerId, note: &Note) {
        let Some(exporter) = self.connections.conns.get(&conn).map(|it| it.exporter) else {
            return;
        };
        let Ok(Proof::Invite { invite, mac }) = codec::decode(&note.body) else {
            return;
        };
        let accepted = self.book.accepted(&peer).map(|accepted| &accepted.invite);
        let arrived =
            accepted.is_some_and(|it| it.id() == invite && it.check_proof(&exporter, &peer, &mac));
        if arrived {
            self.book.mark_mutual(&peer);
            self.drain_book(now);
        }
    }

    fn send_proof(&mut self, conn: ConnId, kind: u8, proof: &Proof) {
        let body = codec::encode(proof);
        self.sessions
            .handle_note(self.now, conn, Note { kind, body });
    }
}
