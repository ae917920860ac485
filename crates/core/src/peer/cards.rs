//! Cards: contacts with whom a session stands tell each other where they are, and each time that changes.

use super::io::{Event, Source};
use super::note::{CARD, Card};
use super::state::Peer;
use crate::codec;
use crate::crypto::Scheme;
use crate::identity::SignedBinding;
use crate::identity::binding::{Binding, BindingError};
use crate::ids::{DeviceKey, Face, PeerId};
use crate::routing::{Candidate, ConnId, Level, Note, Target};
use crate::time::Time;

impl<S: Scheme> Peer<S> {
    /// Our card, as it is now.
    fn card(&self) -> Option<Card> {
        let binding = self
            .faces
            .binding(self.faces.device(Face::Contact)?)?
            .to_vec();
        let contact = self.faces.route(Face::Contact)?.clone();
        let public = self.faces.route(Face::Public).cloned();
        let card = Card::new(binding, contact, public, &self.introducers);
        Some(card.with_relay(self.relays.own.clone()))
    }

    pub(super) fn send_card(&mut self, conn: ConnId) {
        if let Some(card) = self.card() {
            let note = Note {
                kind: CARD,
                body: codec::encode(&card),
            };
            self.sessions.handle_note(self.now, conn, note);
        }
    }

    /// Tells every contact with whom a session stands where we are.
    pub(super) fn send_cards(&mut self) {
        let conns: Vec<ConnId> = self
            .connections
            .conns
            .values()
            .filter_map(|known| known.session)
            .filter(|session| session.level == Level::Contact)
            .map(|session| session.conn)
            .collect();
        for conn in conns {
            self.send_card(conn);
        }
        self.drain();
    }

    /// A contact, or one to be, says where it is.
    pub(super) fn take_card(&mut self, now: Time, peer: PeerId, note: &Note) {
        let Ok(card) = codec::decode::<Card>(&note.body) else {
            return;
        };
        let face = (Face::Contact, card.contact.device);
        if !card.is_bounded() || !self.is_theirs(now, peer, &card.binding, face) {
            return;
        }
        self.is_contact_there(peer);
        if self.regards.confirmed(peer) {
            self.tell(Event::ConfirmedBy { peer });
        }
        self.book
            .observe_introducers(&peer, card.introducers.clone());
        self.drain_book(now);
        let device = card.contact.device;
        let candidate = Candidate {
            from: Face::Contact,
            to: Face::Contact,
            route: card.contact.clone(),
        };
        self.learn_card(peer, card, Source::Session);
        // A pending contact is not told our contact face by a dial from it: the card is for the day they are confirmed.
        let is_contact = self.level_of(peer) == Level::Contact;
        if is_contact && !self.connections.is_best(peer, device) {
            // Over a public face everything is relayed, and a contact face that got another key ends soon.
            let target = Target::Device(device);
            self.sessions.handle_open(now, target);
            self.sessions.handle_routes(now, target, vec![candidate]);
            self.sessions.handle_resolved(now, target);
        }
    }

    /// Whether `binding` binds the device of this face to `peer`, as of now.
    pub(super) fn is_theirs(
        &mut self,
        now: Time,
        peer: PeerId,
        binding: &[u8],
        (face, device): (Face, DeviceKey),
    ) -> bool {
        let Some(binding) = self.believe(now, binding, device, SignedBinding::verify_of) else {
            return false;
        };
        let sound = binding.peer == peer
            && binding.face == face
            && self.book.observe_binding(&binding).is_ok();
        self.drain_book(now);
        sound
    }

    /// What a binding of `device` says, as of now, if it is valid, as `verify` finds. The very one that stands on its peer's card was verified when it
    /// came there: its signatures are not looked at each time that they say it again.
    pub(super) fn believe(
        &self,
        now: Time,
        bytes: &[u8],
        device: DeviceKey,
        verify: impl FnOnce(&SignedBinding, &S, Time, DeviceKey) -> Result<Binding, BindingError>,
    ) -> Option<Binding> {
        let signed: SignedBinding = codec::decode(bytes).ok()?;
        let read = signed.read_of(now, device).ok()?;
        let card = self.finding.cards.get(&read.peer);
        match card.is_some_and(|card| card.binding == bytes) {
            true => Some(read),
            false => verify(&signed, &self.scheme, now, device).ok(),
        }
    }
}
