//! Relaying among contacts: a node that can be reached forwards between its contacts, and one without a working introducer
//! keeps its contact face at the relays of its contacts.
//!
//! ```text
//! Bob ──┐ place at Alice's relay                                       ┌── Carol
//!       └────────── Alice: both are her contacts, so both may ─────────┘
//! ```
//!
//! Alice tells her contacts of her relay on her card. Bob tells *nobody* that he sits there: neither his card nor an invite
//! nor a record names a contact's relay, so his other contacts do not learn where Alice is and that he knows her. They need
//! not be told, for who is no contact of Alice could not use it. Carol, who is, tries the relays that she uses
//! herself, for everybody of whom she knows no other.

use std::net::IpAddr;

use super::io::Output;
use super::relays::{RELAY_KIND, RelayOffer, Willing, choose};
use super::state::Peer;
use crate::crypto::Scheme;
use crate::identity::Standing;
use crate::ids::{DeviceKey, Face, PeerId};
use crate::introducer::Introducer;
use crate::routing::{Level, Target};
use crate::row::Row;
use crate::time::Time;

// What the shell tells.
impl<S: Scheme> Peer<S> {
    /// These are the addresses of this machine's interfaces. To be told at the start and at each change, by a shell that can
    /// run a relay.
    pub fn handle_interfaces(&mut self, now: Time, interfaces: Vec<IpAddr>) {
        self.now = now;
        self.relays.interfaces = interfaces;
        self.offer_relay();
    }

    /// Whether a relay is wanted for contacts from now on, and at which addresses beside those of the interfaces it is reached; `None` wants none.
    pub fn handle_relaying(&mut self, now: Time, wanted: Option<Vec<IpAddr>>) {
        self.now = now;
        self.config.relay = wanted;
        self.offer_relay();
    }

    /// Whether contacts' relays are used from now on, where no introducer answers.
    pub fn handle_contact_relays(&mut self, now: Time, uses: bool) {
        self.now = now;
        self.config.uses_contact_relays = uses;
        let had_place = self.relays.has_place();
        self.renew_relays();
        self.leave_place(had_place);
        self.drain();
    }

    /// The relay that [`Output::OfferRelay`] asked for runs here; `None` when it does not run any more.
    pub fn handle_own_relay(&mut self, now: Time, relay: Option<Introducer>) {
        self.now = now;
        let port = relay.as_ref().map(|relay| relay.tcp_port);
        if port.is_some() && self.relays.port != port {
            self.relays.port = port;
            let row = Row {
                kind: RELAY_KIND,
                key: Vec::new(),
                value: port.map(|port| port.to_be_bytes().to_vec()),
            };
            self.outputs.push_back(Output::Store(vec![row]));
        }
        if self.relays.own != relay {
            self.relays.own = relay;
            self.send_cards();
            // Contacts who lost us in a restart come to it, and wait to be found there.
            self.try_relays();
            self.drain();
        }
    }

    /// The relays of contacts that our contact face keeps to now.
    pub fn contact_relays(&self) -> impl Iterator<Item = (PeerId, &Introducer)> {
        self.relays.used.iter().map(|(peer, relay)| (*peer, relay))
    }

    /// The relay we run for our contacts, while it runs.
    pub fn own_relay(&self) -> Option<&Introducer> {
        self.relays.own.as_ref()
    }
}

// What follows from what the node learns.
impl<S: Scheme> Peer<S> {
    /// Has the shell run our relay for whom it is to serve now.
    pub(super) fn offer_relay(&mut self) {
        let offer = self.config.relay.as_ref().and_then(|told| {
            let contacts = self.contact_devices();
            let own = self.faces.devices.iter();
            let own = own.filter(|(_, device)| device.face == Face::Contact);
            let own = own.map(|(key, _)| (*key, self.me));
            RelayOffer::decide(told, &self.relays.interfaces, contacts, own)
        });
        let port = match &self.relays.offered {
            Some(offered) => offered.port,
            None => self.relays.port,
        };
        let offer = offer.map(|offer| RelayOffer { port, ..offer });
        if self.relays.offered != offer {
            self.relays.offered.clone_from(&offer);
            self.outputs.push_back(Output::OfferRelay(offer));
        }
    }

    /// The devices of confirmed contacts. A session may be lost before a card came by it, and the relay be what is left.
    fn contact_devices(&self) -> Vec<(DeviceKey, PeerId)> {
        let known = self.relays.devices.iter();
        let confirmed = known.filter(|(peer, _)| self.book.standing(peer) == Standing::Confirmed);
        confirmed
            .flat_map(|(peer, devices)| devices.iter().map(|device| (*device, *peer)))
            .collect()
    }

    /// Goes on after a restart, with the devices that contacts' last cards named.
    pub(super) fn recall_devices(&mut self) {
        let cards = self.finding.cards.iter();
        let bound = cards.filter(|(_, card)| !card.binding.is_empty());
        for (peer, card) in bound {
            self.relays.observe(*peer, card.contact.device);
        }
    }

    /// A device was shown to be one of `peer`'s contact face.
    pub(super) fn observe_device(&mut self, peer: PeerId, device: DeviceKey) {
        self.relays.observe(peer, device);
        self.offer_relay();
    }

    /// Keeps the contact face to other relays, where others are better now.
    pub(super) fn renew_relays(&mut self) {
        let chosen = match self.config.uses_contact_relays && !self.has_introducer() {
            true => choose(self.willing()),
            false => Vec::new(),
        };
        if self.relays.used == chosen {
            return;
        }
        let is_new = |it| !self.relays.used.contains(it);
        let has_more = chosen.iter().any(is_new);
        self.relays.used = chosen;
        self.tell_relays();
        if has_more {
            self.try_relays();
        }
    }

    /// No relay of a contact is to be used any more, where one was. An engine without any relay keeps the place that it had, so the contact face gets another
    /// key: the place ends with the face of before.
    pub(super) fn leave_place(&mut self, had_place: bool) {
        if had_place && !self.relays.has_place() && !self.has_introducer() {
            self.outputs.push_back(Output::Rotate);
        }
    }

    /// Whether an introducer of ours may answer.
    fn has_introducer(&self) -> bool {
        let away = &self.finding.away;
        self.introducers.iter().any(|it| !away.contains(&it.key))
    }

    /// The contacts that relay for us.
    fn willing(&self) -> Vec<Willing> {
        let cards = self.finding.cards.iter();
        let present = self.connections.peers();
        cards
            .filter(|(peer, _)| self.level_of(**peer) == Level::Contact)
            .filter_map(|(peer, card)| {
                Some(Willing {
                    peer: *peer,
                    relay: card.relay.clone()?,
                    is_there: present.contains(peer),
                    is_used: self.relays.used.iter().any(|(owner, _)| owner == peer),
                })
            })
            .collect()
    }

    /// There are more relays at which contacts may be: whoever waits to be reached is tried there at once.
    fn try_relays(&mut self) {
        let present = self.connections.peers();
        let known = self.finding.cards.keys();
        let missing: Vec<PeerId> = known
            .filter(|peer| !present.contains(*peer))
            .copied()
            .collect();
        for peer in missing {
            let candidates = self.candidates(peer);
            self.sessions
                .handle_routes(self.now, Target::Peer(peer), candidates);
        }
    }

    /// The relays at which `peer` may be, as far as it is told to nobody where it is: those that both of us may use.
    pub(super) fn shared_relays(&self, peer: PeerId) -> Vec<String> {
        let used = self.relays.used.iter();
        // Whoever runs a relay has no place at it.
        let used = used.filter(|(owner, _)| *owner != peer);
        let own = self.relays.own.iter();
        let own = own.filter(|_| self.level_of(peer) == Level::Contact);
        let all = used.map(|(_, relay)| relay).chain(own);
        all.map(Introducer::relay_url).collect()
    }

    /// Whether `url` is that of an introducer of ours, and no contact's relay.
    pub(super) fn may_tell_relay(&self, url: &str) -> bool {
        self.introducers.iter().any(|it| it.relay_url() == url)
    }
}

#[cfg(test)]
mod tests {
    use super::super::people::{NOW, befriend, device, introducer, node, outputs, places};
    use super::*;
    use crate::address::Route;

    #[test]
    fn a_contacts_relay_is_for_the_contact_face_alone_and_told_to_nobody() {
        let mut bob = node(2);
        let alice = befriend(&mut bob, 1, Some(introducer(9)));
        let outputs = outputs(&mut bob);
        assert_eq!(places(&outputs, Face::Contact), Some(vec![introducer(9)]));
        assert_eq!(places(&outputs, Face::Public), Some(Vec::new()));
        let used: Vec<_> = bob.contact_relays().map(|(peer, _)| peer).collect();
        assert_eq!(used, [alice]);

        let mut route = Route::new(device(103));
        route.addresses = vec![([10, 0, 0, 2], 4433).into()];
        route.relays = vec![introducer(9).relay_url()];
        bob.handle_route(NOW, Face::Contact, route);
        let told = bob.route(Face::Contact).expect("it has an address");
        assert!(told.relays.is_empty(), "{told:?}");
    }

    #[test]
    fn the_relays_one_uses_are_tried_for_contacts_who_told_of_none() {
        let mut bob = node(2);
        let alice = befriend(&mut bob, 1, Some(introducer(9)));
        let carol = befriend(&mut bob, 3, None);
        let relays = |peer| {
            let candidates = bob.candidates(peer);
            candidates
                .into_iter()
                .flat_map(|it| it.route.relays)
                .collect::<Vec<_>>()
        };
        assert_eq!(relays(carol), [introducer(9).relay_url()]);
        assert!(relays(alice).is_empty(), "Alice does not sit at her own");
    }

    #[test]
    fn an_introducer_that_answers_is_preferred_to_contacts() {
        let mut bob = node(2);
        bob.handle_introducers(NOW, vec![introducer(8)]);
        befriend(&mut bob, 1, Some(introducer(9)));
        assert_eq!(bob.contact_relays().count(), 0);
        bob.handle_introducer_down(NOW, introducer(8).key);
        assert_eq!(bob.contact_relays().count(), 1);
        bob.handle_introducer_up(NOW, introducer(8).key);
        assert_eq!(bob.contact_relays().count(), 0);
        let places = places(&outputs(&mut bob), Face::Contact);
        assert_eq!(places, Some(vec![introducer(8)]));
    }

    #[test]
    fn contacts_relays_are_left_and_taken_up_again_as_their_owner_wishes() {
        let mut bob = node(2);
        let carol = befriend(&mut bob, 3, None);
        befriend(&mut bob, 1, Some(introducer(9)));
        outputs(&mut bob);
        bob.handle_contact_relays(NOW, false);
        assert_eq!(bob.contact_relays().count(), 0);
        let left = outputs(&mut bob);
        assert_eq!(places(&left, Face::Contact), Some(Vec::new()));
        let rotations = left.iter().filter(|it| matches!(it, Output::Rotate));
        assert_eq!(rotations.count(), 1, "the engine keeps its place");
        assert!(bob.shared_relays(carol).is_empty());
        befriend(&mut bob, 4, Some(introducer(8)));
        assert_eq!(bob.contact_relays().count(), 0);
        bob.handle_contact_relays(NOW, true);
        assert_eq!(bob.contact_relays().count(), 2);
        bob.handle_introducers(NOW, vec![introducer(7)]);
        outputs(&mut bob);
        bob.handle_contact_relays(NOW, false);
        let left = outputs(&mut bob);
        assert!(
            !left.iter().any(|it| matches!(it, Output::Rotate)),
            "there was no place"
        );
    }

    #[test]
    fn whoever_is_removed_keeps_no_place_of_ours_at_their_relay() {
        let mut bob = node(2);
        let alice = befriend(&mut bob, 1, Some(introducer(9)));
        let carol = befriend(&mut bob, 3, Some(introducer(8)));
        let rotations = |bob: &mut Peer| {
            let told = outputs(bob).into_iter();
            told.filter(|it| matches!(it, Output::Rotate)).count()
        };
        rotations(&mut bob);
        let removed = bob.edit_book(NOW, |book| book.remove(&alice));
        removed.expect("known");
        assert_eq!(rotations(&mut bob), 0, "there is another");
        let blocked = bob.edit_book(NOW, |book| book.block(&carol));
        blocked.expect("known");
        assert_eq!(rotations(&mut bob), 1);
    }

    #[test]
    fn a_relay_is_offered_to_contacts_and_taken_from_who_is_blocked() {
        let mut alice = node(1);
        alice.handle_interfaces(NOW, vec![[203, 0, 113, 1].into()]);
        let offers = |alice: &mut Peer| {
            let offers = outputs(alice)
                .into_iter()
                .filter_map(|output| match output {
                    Output::OfferRelay(offer) => Some(offer),
                    _ => None,
                });
            offers.collect::<Vec<_>>()
        };
        assert_eq!(offers(&mut alice), [], "nobody to relay for");
        let bob = befriend(&mut alice, 2, None);
        assert_eq!(offers(&mut alice).len(), 1);
        alice.handle_relaying(NOW, None);
        assert_eq!(offers(&mut alice), [None], "it is wanted no more");
        alice.handle_relaying(NOW, None);
        assert_eq!(offers(&mut alice), []);
        alice.handle_relaying(NOW, Some(Vec::new()));
        let offered = offers(&mut alice).pop().flatten().expect("somebody");
        assert_eq!(offered.clients.get(&device(103)), Some(&bob));
        assert_eq!(offered.clients.get(&device(102)), Some(&alice.me()));
        alice
            .edit_book(NOW, |book| book.block(&bob))
            .expect("a contact");
        assert_eq!(offers(&mut alice), [None]);
    }

    #[test]
    fn the_port_of_the_relay_is_kept_for_the_next_life() {
        let mut alice = node(1);
        alice.handle_own_relay(NOW, Some(introducer(9)));
        let stored = outputs(&mut alice)
            .into_iter()
            .find_map(|output| match output {
                Output::Store(rows) => rows.into_iter().find(|row| row.kind == RELAY_KIND),
                _ => None,
            });
        assert_eq!(stored.and_then(|row| row.value), Some(vec![0x1b, 0xce]));
        assert_eq!(alice.own_relay(), Some(&introducer(9)));
    }
}
