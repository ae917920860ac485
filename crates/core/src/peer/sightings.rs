//! Who is seen on the local network, and whose the devices are that announce themselves there.

use super::config::SIGHTINGS_MAX;
use super::io::{Event, Source};
use super::places::Sighting;
use super::state::Peer;
use crate::address::Route;
use crate::crypto::Scheme;
use crate::discovery::Advertisement;
use crate::ids::{DeviceKey, Face, PeerId};
use crate::routing::{Candidate, Target};
use crate::time::Time;

// What the shell tells.
impl<S: Scheme> Peer<S> {
    /// Somebody announces themselves on the local network.
    pub fn handle_sighting(&mut self, now: Time, advertisement: Advertisement, route: Route) {
        self.now = now;
        if self
            .faces
            .devices()
            .iter()
            .any(|(_, device)| *device == advertisement.device)
        {
            return;
        }
        let peer = self.recognise(&advertisement);
        let device = advertisement.device;
        let known = self.finding.sightings.get(&device);
        let is_news = known.is_none_or(|known| known.route != route);
        if known.is_none() && !self.make_room_for_sighting(peer) {
            return;
        }
        let candidate = Candidate {
            from: Face::Contact,
            to: Face::Contact,
            route: route.clone(),
        };
        self.finding.sightings.insert(
            device,
            Sighting {
                peer,
                at: now,
                advertisement,
                route,
            },
        );
        if let Some(peer) = peer {
            self.tell(Event::Found {
                peer,
                source: Source::Lan,
            });
            self.sessions
                .handle_routes(now, Target::Peer(peer), vec![candidate]);
            if is_news {
                self.sessions.handle_alive(now, Target::Peer(peer));
            }
            self.drain();
        }
    }

    /// They are no longer announced.
    pub fn handle_sighting_gone(&mut self, device: DeviceKey) {
        self.finding.sightings.remove(&device);
    }
}

// What the rooms ask.
impl<S: Scheme> Peer<S> {
    /// Forgets whom it costs least to forget, where too many are seen: strangers before contacts, and of each who was seen
    /// first. Nobody is forgotten for a stranger who is a contact. Whether there is room.
    fn make_room_for_sighting(&mut self, newcomer: Option<PeerId>) -> bool {
        let seen = &mut self.finding.sightings;
        if seen.len() < SIGHTINGS_MAX {
            return true;
        }
        let worth = |it: &Sighting| (it.peer.is_some(), it.at);
        let least = seen.iter().min_by_key(|(_, sighting)| worth(sighting));
        let least = least.filter(|(_, it)| it.peer.is_none() || newcomer.is_some());
        let Some(device) = least.map(|(device, _)| *device) else {
            return false;
        };
        seen.remove(&device);
        true
    }

    /// Which contact an announcement is of: by its tags, or because an invite named the device.
    fn recognise(&self, advertisement: &Advertisement) -> Option<PeerId> {
        let by_tag = advertisement.recognise(self.presence.acquaintances());
        by_tag.or_else(|| {
            let mut invited = self.presence.acquaintances().map(|(peer, _)| peer);
            invited.find(|peer| {
                let waiting = self.book.waiting(peer).iter();
                let mut contacts = waiting.filter_map(|it| it.invite.contact.as_ref());
                contacts.any(|route| route.device == advertisement.device)
            })
        })
    }

    /// Sightings from before we knew whose they are.
    pub(super) fn recognise_again(&mut self) {
        let unknown: Vec<DeviceKey> = self
            .finding
            .sightings
            .iter()
            .filter(|(_, sighting)| sighting.peer.is_none())
            .map(|(device, _)| *device)
            .collect();
        for device in unknown {
            let sighting = self.finding.sightings.get(&device);
            let peer = sighting.and_then(|sighting| self.recognise(&sighting.advertisement));
            if let Some(sighting) = self.finding.sightings.get_mut(&device) {
                sighting.peer = peer;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::people::{NOW, befriend, node};
    use super::*;
    use crate::random::Random;

    /// Has `node` see a device of this number at this second; of whom it has a secret with, if `by` them.
    fn see(node: &mut Peer, number: u16, second: u64, by: Option<PeerId>) -> DeviceKey {
        let mut key = [7; 32];
        key[..2].copy_from_slice(&number.to_be_bytes());
        let (device, mut random) = (DeviceKey(key), Random::new([3; 32]));
        let secrets = node.reach_secrets();
        let secrets = secrets.iter().filter(|(peer, _)| by == Some(*peer));
        let known = secrets.map(|(peer, reach)| (*peer, reach));
        let writer = by.unwrap_or(PeerId([9; 32]));
        let advertisement = Advertisement::new(&mut random, device, writer, known);
        let at = NOW + Duration::from_secs(second);
        node.handle_sighting(at, advertisement, Route::new(device));
        device
    }

    #[test]
    fn however_many_strangers_are_seen_contacts_are_seen_too_and_the_last_who_came() {
        let mut bob = node(2);
        let alice = befriend(&mut bob, 1, None);
        let first = see(&mut bob, 0, 0, Some(alice));
        let mut last = None;
        for number in 1..1000 {
            last = Some(see(&mut bob, number, number.into(), None));
            assert!(bob.finding.sightings.len() <= SIGHTINGS_MAX);
        }
        let second = see(&mut bob, 1000, 1000, Some(alice));
        let seen = |device| bob.finding.sightings.get(&device).map(|it| it.peer);
        assert_eq!(seen(first), Some(Some(alice)));
        assert_eq!(seen(second), Some(Some(alice)));
        assert_eq!(seen(last.expect("many")), Some(None));
        assert_eq!(bob.finding.sightings.len(), SIGHTINGS_MAX);
    }

    #[test]
    fn of_too_many_contacts_the_latest_are_seen_and_no_stranger_displaces_one() {
        let mut bob = node(2);
        let alice = befriend(&mut bob, 1, None);
        let devices = 0..SIGHTINGS_MAX as u16 + 1;
        let seen: Vec<_> = devices
            .map(|number| see(&mut bob, number, number.into(), Some(alice)))
            .collect();
        let stranger = see(&mut bob, 1000, 1000, None);
        let is_seen = |device| bob.finding.sightings.contains_key(device);
        assert!(!is_seen(&seen[0]) && !is_seen(&stranger));
        assert!(seen[1..].iter().all(is_seen));
    }
}
