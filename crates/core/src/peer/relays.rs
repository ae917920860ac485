//! Relays of people: which contacts relay for us, and whom we relay for.
//!
//! Who may use a relay and which relays to use are decided here, from values alone; `relaying` applies the decisions.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use super::config::{CONTACT_RELAYS_MAX, DEVICES_PER_CONTACT_MAX, RELAYED_DEVICES_MAX};
use crate::address::Reach;
use crate::ids::{DeviceKey, PeerId};
use crate::introducer::{INTRODUCER_ADDRESSES_MAX, Introducer};
use crate::row::Row;

/// The relay a node is to run for its contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayOffer {
    /// At which addresses the contacts reach it, the best first; never empty.
    pub addresses: Vec<IpAddr>,
    /// Who may use it, and nobody else: devices, and on whose account. Our own devices are among them, to reach clients
    /// that can be reached in no other way.
    pub clients: BTreeMap<DeviceKey, PeerId>,
    /// The TCP port it had last: there the contacts look for it after a restart.
    pub port: Option<u16>,
}

/// The kind of the row that holds the relay's last port, big-endian.
pub(super) const RELAY_KIND: &str = "relay";

/// What is remembered of relays.
#[derive(Debug, Default)]
pub(super) struct Relays {
    /// The addresses of this machine's interfaces.
    pub(super) interfaces: Vec<IpAddr>,
    /// What the shell was last told to run.
    pub(super) offered: Option<RelayOffer>,
    /// Our relay, while it runs.
    pub(super) own: Option<Introducer>,
    /// The TCP port of our relay, as it was when it ran last.
    pub(super) port: Option<u16>,
    /// Contacts' relays that our contact face keeps to, and whose they are.
    pub(super) used: Vec<(PeerId, Introducer)>,
    /// The contact keys that each peer was last seen to have, each bound to it by what it signed; the latest last.
    pub(super) devices: BTreeMap<PeerId, VecDeque<DeviceKey>>,
}

/// A contact that relays for its contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Willing {
    pub(super) peer: PeerId,
    pub(super) relay: Introducer,
    /// Whether a session with them stands.
    pub(super) is_there: bool,
    /// Whether their relay is used already.
    pub(super) is_used: bool,
}

impl Relays {
    /// What was known before the last stop.
    pub(super) fn restore(rows: Vec<Row>) -> Self {
        let value = rows.into_iter().find_map(|row| row.value);
        let port = value.and_then(|value| Some(u16::from_be_bytes(value.try_into().ok()?)));
        Self {
            port,
            ..Self::default()
        }
    }
}

impl Relays {
    /// Whether a relay of a contact's is used.
    pub(super) fn has_place(&self) -> bool {
        !self.used.is_empty()
    }

    /// A device was shown to be one of `peer`'s contact face.
    pub(super) fn observe(&mut self, peer: PeerId, device: DeviceKey) {
        let known = self.devices.entry(peer).or_default();
        known.retain(|it| *it != device);
        known.push_back(device);
        while known.len() > DEVICES_PER_CONTACT_MAX {
            known.pop_front();
        }
    }
}

impl RelayOffer {
    /// The relay to run for `contacts`, by their devices; `None` without contacts, or where they could not reach it.
    /// `told` are the addresses that the owner says it is reached at; without any, those of `interfaces` count that lead
    /// here from anywhere. `own` is this node.
    pub(super) fn decide(
        told: &[IpAddr],
        interfaces: &[IpAddr],
        contacts: impl IntoIterator<Item = (DeviceKey, PeerId)>,
        own: impl IntoIterator<Item = (DeviceKey, PeerId)>,
    ) -> Option<Self> {
        let mut clients: BTreeMap<_, _> = contacts.into_iter().take(RELAYED_DEVICES_MAX).collect();
        let mut addresses = told.to_vec();
        if addresses.is_empty() {
            addresses = interfaces.to_vec();
            addresses.retain(|ip| Reach::of(*ip) == Some(Reach::Internet));
            addresses.sort_unstable();
            addresses.dedup();
        }
        addresses.truncate(INTRODUCER_ADDRESSES_MAX);
        if clients.is_empty() || addresses.is_empty() {
            return None;
        }
        clients.extend(own);
        let port = None;
        Some(Self {
            addresses,
            clients,
            port,
        })
    }
}

/// Which of the contacts' relays to use: those of contacts who are there, then those in use, so that a place is not given
/// up for nothing.
pub(super) fn choose(mut willing: Vec<Willing>) -> Vec<(PeerId, Introducer)> {
    willing.sort_by_key(|it| (!it.is_there, !it.is_used, it.peer));
    willing.truncate(CONTACT_RELAYS_MAX);
    let mut chosen: Vec<_> = willing.into_iter().map(|it| (it.peer, it.relay)).collect();
    // One set, one order: that somebody came or went changes nothing by itself.
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::TlsPin;
    use crate::introducer::{Ports, Trust};

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("literal")
    }

    fn client(number: u8) -> (DeviceKey, PeerId) {
        (DeviceKey([number; 32]), PeerId([number; 32]))
    }

    fn offer(told: &[&str], interfaces: &[&str], contacts: &[u8]) -> Option<RelayOffer> {
        let addresses = |list: &[&str]| list.iter().map(|text| ip(text)).collect::<Vec<_>>();
        let contacts = contacts.iter().map(|number| client(*number));
        RelayOffer::decide(
            &addresses(told),
            &addresses(interfaces),
            contacts,
            [client(99)],
        )
    }

    #[test]
    fn a_node_with_a_public_address_and_a_contact_relays_for_it_and_for_itself() {
        let offer = offer(&[], &["10.0.0.2", "203.0.113.5", "127.0.0.1"], &[1]);
        let offer = offer.expect("reachable, and somebody to relay for");
        assert_eq!(offer.addresses, [ip("203.0.113.5")]);
        assert_eq!(offer.clients, BTreeMap::from([client(1), client(99)]));
    }

    #[test]
    fn nobody_relays_without_contacts_or_where_nobody_gets_to() {
        assert_eq!(offer(&[], &["203.0.113.5"], &[]), None);
        let inside = [
            "192.168.1.4",
            "100.64.3.2",
            "fd00::1",
            "fe80::1",
            "127.0.0.1",
        ];
        assert_eq!(offer(&[], &inside, &[1]), None);
    }

    #[test]
    fn what_the_owner_says_of_its_addresses_counts() {
        let offer = offer(&["198.51.100.7"], &["203.0.113.5", "10.0.0.2"], &[1]);
        assert_eq!(offer.expect("told").addresses, [ip("198.51.100.7")]);
    }

    #[test]
    fn addresses_and_clients_are_bounded() {
        let many: Vec<String> = (1..=9).map(|last| format!("203.0.113.{last}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(
            offer(&[], &many, &[1]).expect("reachable").addresses.len(),
            INTRODUCER_ADDRESSES_MAX
        );
        let device = |number: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            (DeviceKey(key), PeerId([1; 32]))
        };
        let contacts = (0..RELAYED_DEVICES_MAX + 5).map(device);
        let offer = RelayOffer::decide(&[ip("203.0.113.5")], &[], contacts, []);
        assert_eq!(offer.expect("told").clients.len(), RELAYED_DEVICES_MAX);
    }

    #[test]
    fn of_a_contact_the_present_device_and_the_one_before_are_known() {
        let mut relays = Relays::default();
        let (bob, key) = (PeerId([1; 32]), |number| DeviceKey([number; 32]));
        for number in [1, 2, 1, 3] {
            relays.observe(bob, key(number));
        }
        assert_eq!(relays.devices[&bob], [key(1), key(3)]);
    }

    #[test]
    fn the_port_is_read_back_and_a_damaged_row_is_forgotten() {
        let restore = |value: &[u8]| {
            let row = Row {
                kind: RELAY_KIND,
                key: Vec::new(),
                value: Some(value.to_vec()),
            };
            Relays::restore(vec![row]).port
        };
        assert_eq!(restore(&7119_u16.to_be_bytes()), Some(7119));
        assert_eq!(restore(&[1]), None);
    }

    fn willing(number: u8, is_there: bool, is_used: bool) -> Willing {
        let ports = Ports {
            tcp: 7118,
            udp: 0,
            discovery: 7119,
        };
        let trust = Trust::Pin(TlsPin([number; 32]));
        let address = vec![[203, 0, 113, number].into()];
        Willing {
            peer: PeerId([number; 32]),
            relay: Introducer::new(DeviceKey([number; 32]), address, ports, trust),
            is_there,
            is_used,
        }
    }

    #[test]
    fn relays_of_those_who_are_there_come_first_then_those_in_use() {
        let all = vec![
            willing(1, false, false),
            willing(2, false, false),
            willing(3, false, true),
            willing(4, true, false),
            willing(5, true, false),
        ];
        let chosen: Vec<u8> = choose(all).iter().map(|(peer, _)| peer.0[0]).collect();
        assert_eq!(chosen, [3, 4, 5]);
        assert_eq!(CONTACT_RELAYS_MAX, chosen.len());
    }

    #[test]
    fn a_choice_does_not_change_because_somebody_comes_or_goes() {
        let both = |one, two| choose(vec![willing(1, one, true), willing(2, two, true)]);
        assert_eq!(both(true, false), both(false, true));
    }
}
