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
        if known.is_none() && self.finding.sightings.len() >= SIGHTINGS_MAX {
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
    /// Which contact an announcement is of: by its tags, or because an invite named the device.
    fn recognise(&self, advertisement: &Advertisement) -> Option<PeerId> {
        let reached = self.reach_secrets();
        let by_tag = advertisement.recognise(reached.iter().map(|(peer, reach)| (*peer, reach)));
        by_tag.or_else(|| {
            let invited = reached.iter().map(|(peer, _)| *peer);
            invited.into_iter().find(|peer| {
                let contact = self
                    .book
                    .accepted(peer)
                    .and_then(|it| it.invite.contact.as_ref());
                contact.is_some_and(|route| route.device == advertisement.device)
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
