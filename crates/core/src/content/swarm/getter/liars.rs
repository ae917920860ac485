//! Who lied: remembered by device and by peer, so that neither another stream nor another transfer lets it in again.

use std::collections::{BTreeSet, VecDeque};

use super::output::Who;
use crate::content::swarm::config::LIARS_MAX;
use crate::ids::{DeviceKey, PeerId};

/// Known liars, the last [`LIARS_MAX`].
#[derive(Clone, Debug, Default)]
pub(super) struct Liars {
    devices: BTreeSet<DeviceKey>,
    peers: BTreeSet<PeerId>,
    in_order: VecDeque<Who>,
}

impl Liars {
    /// Remembers one.
    pub(super) fn insert(&mut self, who: Who) {
        if self.contains(who) {
            return;
        }
        if self.in_order.len() == LIARS_MAX
            && let Some(first) = self.in_order.pop_front()
        {
            self.devices.remove(&first.device);
            if let Some(peer) = first.peer {
                self.peers.remove(&peer);
            }
        }
        self.devices.insert(who.device);
        self.peers.extend(who.peer);
        self.in_order.push_back(who);
    }

    /// Whether it is one: its device, or its peer with another device.
    pub(super) fn contains(&self, who: Who) -> bool {
        self.devices.contains(&who.device)
            || who.peer.is_some_and(|peer| self.peers.contains(&peer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(device: u32, peer: Option<u8>) -> Who {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&device.to_be_bytes());
        Who {
            device: DeviceKey(key),
            peer: peer.map(|peer| PeerId([peer; 32])),
        }
    }

    #[test]
    fn a_liar_is_known_by_its_peer_on_another_device() {
        let mut liars = Liars::default();
        liars.insert(who(1, Some(9)));
        assert!(liars.contains(who(1, None)));
        assert!(liars.contains(who(2, Some(9))));
        assert!(!liars.contains(who(2, None)));
    }

    #[test]
    fn the_first_is_forgotten_for_a_further_one() {
        let mut liars = Liars::default();
        (0..=LIARS_MAX as u32).for_each(|device| liars.insert(who(device, None)));
        assert!(!liars.contains(who(0, None)));
        assert!(liars.contains(who(1, None)));
        assert_eq!(liars.devices.len(), LIARS_MAX);
    }
}
