//! The node's own endpoints: their keys, their bindings to its identity, where they are, and which relays they keep to.

use super::config::{BINDING_LIFE, CONTACT_FACE_LIFE};
use super::devices::{Binding, Device, ROLE};
use super::homes::{Homes, Known};
use super::io::Output;
use super::state::Peer;
use crate::address::Route;
use crate::codec;
use crate::crypto::{Scheme, SecretKey, derive};
use crate::discovery::{Advertisement, OwnAddress, OwnFace, Told};
use crate::identity::SignedBinding;
use crate::identity::binding::Terms;
use crate::ids::{DeviceKey, Face};
use crate::introducer::Introducer;
use crate::time::Time;

impl<S: Scheme> Peer<S> {
    /// An endpoint was bound: this is the key it presents from now on.
    pub fn handle_device(&mut self, now: Time, face: Face, secret: SecretKey) {
        self.now = now;
        let key = secret.device_key();
        self.faces.current.insert(face, key);
        self.faces.routes.remove(&face);
        let binding = (face != Face::Visitor).then(|| self.bind(now, face, &secret));
        self.faces.devices.insert(
            key,
            Device {
                face,
                secret,
                since: now,
                binding,
            },
        );
        if face != Face::Visitor {
            self.tell_relays();
        }
        self.offer_relay();
        self.tell_address();
    }

    /// A key is given up: its last sessions are over.
    pub fn handle_device_gone(&mut self, device: DeviceKey) {
        if !self
            .faces
            .current
            .values()
            .any(|current| *current == device)
        {
            self.faces.devices.remove(&device);
            self.offer_relay();
        }
    }

    /// An endpoint found out where it is. A contact's relay at which it keeps a place is told to nobody.
    pub fn handle_route(&mut self, now: Time, face: Face, mut route: Route) {
        self.now = now;
        if face == Face::Contact {
            route.relays.retain(|url| self.may_tell_relay(url));
        }
        if self.faces.current.get(&face) != Some(&route.device)
            || self.faces.routes.get(&face) == Some(&route)
        {
            return;
        }
        let before = self.faces.routes.remove(&face);
        let reaches_more = before.map_or(!route.is_empty(), |before| before.lacks(&route));
        self.faces.routes.insert(face, route);
        self.tell_address();
        if face == Face::Contact && reaches_more {
            self.handle_network_changed(now);
        }
    }

    /// Others are in use than before, or other lines of the same.
    pub(super) fn follow_introducers(&mut self, now: Time) {
        let (own, away) = (&self.introducers, &self.finding.away);
        self.homes.handle_introducers(now, Known { own, away });
        self.tell_relays();
        self.renew_relays();
        self.leave_replies(now);
        self.list_again(now, 0);
        self.tell_address();
    }

    /// The keys presented now.
    pub fn devices(&self) -> Vec<(Face, DeviceKey)> {
        self.faces.devices()
    }

    /// Where a face is now, as far as it knows.
    pub fn route(&self, face: Face) -> Option<&Route> {
        self.faces.route(face)
    }

    /// Where strangers reach this node: its public face as it is; or, while that is on its way to its relay, as it will be.
    pub fn public_route(&self) -> Option<Route> {
        let known = self.faces.route(Face::Public).cloned();
        known.or_else(|| {
            let mut route = Route::new(self.faces.device(Face::Public)?);
            let (public, _) = self.homes.split(&self.introducers);
            route.relays.push(public.first()?.relay_url());
            Some(route)
        })
    }

    /// The introducers used now, each with the line that is in force.
    pub fn introducers(&self) -> &[Introducer] {
        &self.introducers
    }

    /// Renews what is due.
    pub(super) fn renew_faces(&mut self, now: Time) {
        let due: Vec<DeviceKey> = self
            .faces
            .current
            .values()
            .filter(|key| {
                self.faces
                    .devices
                    .get(key)
                    .and_then(Device::due)
                    .is_some_and(|due| due <= now)
            })
            .copied()
            .collect();
        for key in due {
            let Some(device) = self.faces.devices.get(&key) else {
                continue;
            };
            let (face, secret) = (device.face, device.secret.clone());
            if face == Face::Contact && now >= device.since + CONTACT_FACE_LIFE {
                self.outputs.push_back(Output::Rotate);
                // Asked for once a day; should the shell fail, tomorrow again.
                if let Some(device) = self.faces.devices.get_mut(&key) {
                    device.since = now;
                }
                continue;
            }
            let binding = self.bind(now, face, &secret);
            if let Some(device) = self.faces.devices.get_mut(&key) {
                device.binding = Some(binding);
            }
            self.tell_address();
        }
    }

    fn bind(&mut self, now: Time, face: Face, device: &SecretKey) -> Binding {
        let epoch = self.book.next_epoch(now, face, ROLE);
        self.drain_book(now);
        let until = now + BINDING_LIFE;
        let terms = Terms {
            face,
            role: ROLE,
            epoch,
            from: now,
            until,
            next_identity: None,
        };
        let signed = SignedBinding::sign(&self.scheme, &self.identity, device, terms);
        Binding {
            bytes: codec::encode(&signed),
            until,
        }
    }

    /// Tells contacts, records and the local network where this node is.
    pub(super) fn tell_address(&mut self) {
        let Some(device) = self.faces.device(Face::Contact) else {
            return;
        };
        let Some(binding) = self.faces.binding(device).map(<[u8]>::to_vec) else {
            return;
        };
        let contact = self
            .faces
            .routes
            .get(&Face::Contact)
            .cloned()
            .unwrap_or_else(|| Route::new(device));
        let public = self.faces.route(Face::Public).and_then(|route| {
            let binding = self.faces.binding(route.device)?.to_vec();
            let route = route.clone();
            Some(OwnFace { binding, route })
        });
        let own = OwnAddress {
            contact: OwnFace {
                binding,
                route: contact,
            },
            public,
            introducers: self.introducers.clone(),
        };
        // It fails only for a binding over its bound, which ours never is.
        let told = self.presence.handle_address(self.now, own);
        debug_assert!(told.is_ok(), "our own address is within bounds");
        self.drain_presence();
        self.list_self(self.now);
        self.send_cards();
        self.advertise();
    }

    /// Announces the contact face on the local network, where it changed for whom. Only who is confirmed recognises it.
    pub(super) fn advertise(&mut self) {
        let Some(device) = self.faces.device(Face::Contact) else {
            return;
        };
        let mut reached = self.reach_secrets();
        reached.retain(|(peer, _)| self.told(*peer) == Told::Everything);
        let parts = reached.iter();
        let parts: Vec<&[u8]> = parts
            .flat_map(|(peer, reach)| [&peer.0[..], reach])
            .collect();
        let key = (device, derive("kith/1 advertised", &parts));
        if self.advertised == Some(key) {
            return;
        }
        let known = reached.iter().map(|(peer, reach)| (*peer, reach));
        let advertisement = Advertisement::new(&mut self.random, device, self.me, known);
        self.advertised = Some(key);
        self.outputs.push_back(Output::Advertise(advertisement));
    }

    /// Which relays each face keeps to, by [`Homes::split`]. A contact's relay is for the contact face only: strangers do not
    /// learn of it.
    pub(super) fn tell_relays(&mut self) {
        let (public, mut contact) = self.homes.split(&self.introducers);
        contact.extend(self.contact_relays().map(|(_, relay)| relay.clone()));
        for (face, introducers) in [(Face::Public, public), (Face::Contact, contact)] {
            if self.faces.device(face).is_some() {
                self.outputs.push_back(Output::Relays { face, introducers });
            }
        }
    }

    /// What places depend on has changed: faces that are to be elsewhere by that are told.
    pub(super) fn follow_homes(&mut self, change: impl FnOnce(&mut Homes, Known<'_>) -> bool) {
        let known = Known {
            own: &self.introducers,
            away: &self.finding.away,
        };
        if change(&mut self.homes, known) {
            self.tell_relays();
        }
    }

    /// Does what is due.
    pub(super) fn renew_homes(&mut self, now: Time) {
        self.follow_homes(|homes, known| homes.handle_timeout(now, known));
    }
}

#[cfg(test)]
mod tests {
    use super::super::InviteOptions;
    use super::super::config::{HOME_BACK_AFTER, HOME_LEFT_AFTER};
    use super::super::people::{NOW, introducer, invite, node, outputs, places, secret};
    use super::*;
    use crate::identity::Shown;
    use crate::routing::Target;
    use crate::time::DAY;

    #[test]
    fn with_either_of_two_introducers_dead_both_faces_are_at_the_other() {
        let (first, second) = (introducer(8), introducer(9));
        for (dead, other) in [(&first, &second), (&second, &first)] {
            let mut bob = node(2);
            bob.handle_introducers(NOW, vec![first.clone(), second.clone()]);
            let at = |told: &[Output]| [Face::Public, Face::Contact].map(|face| places(told, face));
            let only = |it: &Introducer| Some(vec![it.clone()]);
            let told = outputs(&mut bob);
            assert_eq!(at(&told), [only(&first), only(&second)]);

            bob.handle_introducer_down(NOW, dead.key);
            let left = NOW + HOME_LEFT_AFTER;
            assert!(bob.poll_timeout().is_some_and(|due| due <= left));
            bob.handle_timeout(left);
            let told = outputs(&mut bob);
            assert_eq!(at(&told), [only(other), only(other)]);
            let public = bob.public_route().expect("it has a place");
            assert_eq!(public.relays, [other.relay_url()]);

            bob.handle_introducer_up(left, dead.key);
            bob.handle_timeout(left + HOME_BACK_AFTER);
            let told = outputs(&mut bob);
            assert_eq!(at(&told), [only(&first), only(&second)]);
        }
    }

    /// How `bob` was last told to be announced.
    fn advertised(bob: &mut Peer) -> Option<Advertisement> {
        let told = outputs(bob).into_iter().rev();
        let mut told = told.filter_map(|output| match output {
            Output::Advertise(advertisement) => Some(advertisement),
            _ => None,
        });
        told.next()
    }

    #[test]
    fn who_has_a_new_secret_with_us_recognises_us_by_it_at_once() {
        let (mut alice, mut bob) = (node(1), node(2));
        let me = bob.me();
        let mut meet = |now| {
            let invite = invite(&mut alice, now);
            bob.accept_invite(now, &invite, None).expect("a good one");
            let secrets = bob.reach_secrets();
            let announced = advertised(&mut bob).expect("for whom is new");
            let recognised = announced.recognise([(me, &secrets[0].1)]);
            assert_eq!(recognised, Some(me));
            secrets
        };
        let before = meet(NOW);
        assert_ne!(meet(NOW + CONTACT_FACE_LIFE / 2), before);
        bob.advertise();
        assert_eq!(advertised(&mut bob), None);
    }

    #[test]
    fn whoever_waits_to_be_confirmed_is_told_the_public_face_alone() {
        let mut alice = node(1);
        let options = InviteOptions {
            reusable: true,
            life: DAY,
            with_addresses: false,
        };
        let invite = alice.create_invite(NOW, options).expect("one of a few");
        let (guest, exporter) = (secret(2).peer_id(), [5; 32]);
        let shown = Shown {
            invite: &invite.id(),
            proof: &invite.proof(&exporter, &guest),
            at: None,
            exporter: &exporter,
            name: "Bob",
        };
        alice.book.redeem(NOW, guest, &shown).expect("a good one");
        alice.drain_book(NOW);
        let (me, secrets) = (alice.me, alice.reach_secrets());
        let recognised = |announced: Option<Advertisement>| {
            let announced = announced.expect("it is announced");
            announced.recognise([(me, &secrets[0].1)])
        };
        assert_eq!(recognised(advertised(&mut alice)), None);
        assert_eq!(alice.told(guest), Told::PublicFace);
        alice.book.confirm(&guest).expect("they wait");
        alice.drain_book(NOW);
        assert_eq!(recognised(advertised(&mut alice)), Some(me));
        assert_eq!(alice.told(guest), Told::Everything);
        assert!(alice.sessions.wants(Target::Peer(guest)));
    }

    #[test]
    fn who_waits_again_as_their_invite_was_refused_is_called_no_more_and_told_less() {
        let (mut alice, mut bob) = (node(1), node(2));
        let guest = bob.me();
        let options = InviteOptions {
            reusable: true,
            life: DAY,
            with_addresses: false,
        };
        let hers = alice.create_invite(NOW, options).expect("one of a few");
        bob.accept_invite(NOW, &hers, None).expect("a good one");
        let reply = bob.book.write_reply(&hers, "Bob", vec![]);
        let reply = reply.expect("it was accepted");
        let taken = alice.book.redeem_reply(NOW, &hers.id(), &reply);
        taken.expect("a good one");
        alice.drain_book(NOW);
        let holds = |alice: &Peer| {
            let is_wanted = alice.sessions.wants(Target::Peer(guest));
            (alice.told(guest), is_wanted)
        };
        assert_eq!(holds(&alice), (Told::PublicFace, false));
        let his = invite(&mut bob, NOW);
        alice
            .accept_invite(NOW, &his, None)
            .expect("nobody can tell");
        assert_eq!(holds(&alice), (Told::Everything, true));
        alice.book.give_up_invite(&guest, &his.id());
        alice.drain_book(NOW);
        assert_eq!(holds(&alice), (Told::PublicFace, false));
    }
}
