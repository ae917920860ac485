//! What the local network says of devices: read with suspicion, remembered within bounds.
//!
//! Anybody on the network can claim anything. A claim is taken only when its name follows from the key it names, holds a
//! bounded number of addresses and tags, and costs a bounded memory; whether it is *true* shows when the device is dialled.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use kith_core::address::ADDRESSES_MAX;
use kith_core::discovery::lan::{Advertisement, instance_name};

use super::source::{Finding, Neighbour};

/// The most devices remembered: as many as the daemon knows of before that counts as a flood, at four records each (PTR, SRV,
/// TXT, A). Beyond it the one heard first is forgotten, so that inventions hide nobody who arrives after them; whom they
/// displaced is heard anew when the flood is noticed. At some 1.5 KiB each.
pub const NEIGHBOURS_MAX: usize = 1024;

/// The TXT key of the UDP port over IPv6, in decimal, where it differs from the one in the SRV record, which has room for
/// one only (RFC 2782).
const KEY_PORT_V6: &str = "p6";

/// One service as DNS-SD resolved it.
#[derive(Clone, Debug)]
pub struct Claim<'a> {
    /// The instance, without the service type.
    pub instance: &'a str,
    /// The port of the SRV record.
    pub port: u16,
    /// The keys and values of the TXT record.
    pub txt: Vec<(&'a str, &'a [u8])>,
    /// The addresses of the host, each with the index of the interface it was heard on.
    pub addresses: Vec<(IpAddr, u32)>,
}

/// The devices heard of.
#[derive(Debug, Default)]
pub struct Neighbours {
    by_instance: BTreeMap<String, Neighbour>,
    oldest_first: VecDeque<String>,
    with_loopback: bool,
}

impl Neighbours {
    /// Nobody yet. Loopback addresses are believed only `with_loopback`: from the network they would lead to this machine.
    pub fn new(with_loopback: bool) -> Self {
        Self {
            with_loopback,
            ..Self::default()
        }
    }

    /// Takes a claim; what to tell of it, if it is sound and says something new: whom it displaces, and of whom it is.
    pub fn hear(&mut self, claim: &Claim<'_>) -> Vec<Finding> {
        let Some(neighbour) = self.read(claim) else {
            return Vec::new();
        };
        let known = self.by_instance.get(claim.instance);
        if known == Some(&neighbour) {
            return Vec::new();
        }
        let mut told = Vec::new();
        if known.is_none() {
            if self.by_instance.len() >= NEIGHBOURS_MAX {
                let oldest = self.oldest_first.front().cloned();
                told.extend(oldest.and_then(|oldest| self.lose(&oldest)));
            }
            self.oldest_first.push_back(claim.instance.to_owned());
        }
        self.by_instance
            .insert(claim.instance.to_owned(), neighbour.clone());
        told.push(Finding::Neighbour(neighbour));
        told
    }

    /// Takes a goodbye; nothing to tell of one never heard of, or forgotten.
    pub fn lose(&mut self, instance: &str) -> Option<Finding> {
        let neighbour = self.by_instance.remove(instance)?;
        self.oldest_first.retain(|name| name != instance);
        Some(Finding::Left(neighbour.advertisement.device))
    }

    /// Forgets everybody, as when the network is asked anew: whoever is still there is heard again, and the goodbyes of the
    /// others are missed.
    pub fn clear(&mut self) -> Vec<Finding> {
        self.oldest_first.clear();
        let forgotten = std::mem::take(&mut self.by_instance).into_values();
        let left = forgotten.map(|neighbour| Finding::Left(neighbour.advertisement.device));
        left.collect()
    }

    fn read(&self, claim: &Claim<'_>) -> Option<Neighbour> {
        let advertisement = Advertisement::from_txt(claim.txt.iter().copied())?;
        if claim.instance != instance_name(advertisement.device) {
            return None;
        }
        let port_v6 = read_port_v6(&claim.txt).unwrap_or(claim.port);
        let mut addresses: Vec<SocketAddr> = claim
            .addresses
            .iter()
            .filter_map(|(ip, _)| match ip {
                IpAddr::V4(ip) => Some(SocketAddr::from((*ip, claim.port))),
                // They mean something on one interface only (RFC 4007 §6), and iroh 1.3 forgets which: its packets to them
                // fail, and a handshake that such a packet happened to begin hangs, though others would have led there.
                IpAddr::V6(ip) if ip.is_unicast_link_local() => None,
                IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some() => None,
                IpAddr::V6(ip) => Some(SocketAddr::from((*ip, port_v6))),
            })
            .filter(|address| self.is_credible(address))
            .collect();
        addresses.sort_unstable_by_key(|address| (is_link_local(address), *address));
        addresses.dedup();
        addresses.truncate(ADDRESSES_MAX);
        (!addresses.is_empty()).then_some(Neighbour {
            advertisement,
            addresses,
        })
    }

    /// Whether a single device can be behind an address.
    fn is_credible(&self, address: &SocketAddr) -> bool {
        let ip = address.ip();
        let broadcast = matches!(ip, IpAddr::V4(ip) if ip.is_broadcast());
        address.port() != 0
            && !ip.is_unspecified()
            && !ip.is_multicast()
            && !broadcast
            && (self.with_loopback || !ip.is_loopback())
    }
}

/// The TXT record of an advertisement, with the port it has no field for.
pub fn write_txt(advertisement: &Advertisement, port_v6: Option<u16>) -> Vec<(String, Vec<u8>)> {
    let mut txt = advertisement.to_txt();
    txt.extend(port_v6.map(|port| (KEY_PORT_V6.to_owned(), port.to_string().into_bytes())));
    txt
}

fn read_port_v6(txt: &[(&str, &[u8])]) -> Option<u16> {
    let (_, value) = txt.iter().find(|(key, _)| *key == KEY_PORT_V6)?;
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn is_link_local(address: &SocketAddr) -> bool {
    match address.ip() {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::address::Route;
    use kith_core::crypto::{Ed25519, SecretKey};
    use kith_core::discovery::lan::{TAGS_MAX, Tag};
    use kith_core::ids::{DeviceKey, Face, PeerId};
    use kith_core::peer::{self, Config, Event, InviteOptions, Output, Peer};
    use kith_core::time::Time;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::time::Duration;

    fn advertisement(device: u16) -> Advertisement {
        let mut key = [7; 32];
        key[..2].copy_from_slice(&device.to_be_bytes());
        Advertisement {
            device: DeviceKey(key),
            tags: vec![Tag([1; 8]); 16],
        }
    }

    fn ips(texts: &[&str]) -> Vec<(IpAddr, u32)> {
        let ip = |text: &&str| (text.parse().expect("literal"), 3);
        texts.iter().map(ip).collect()
    }

    /// Hears `advertisement` under its own name and at `addresses`.
    fn hear(
        neighbours: &mut Neighbours,
        advertisement: &Advertisement,
        port_v6: Option<u16>,
        addresses: &[(IpAddr, u32)],
    ) -> Vec<Finding> {
        let txt = write_txt(advertisement, port_v6);
        let claim = Claim {
            instance: &advertisement.instance_name(),
            port: 70,
            txt: txt.iter().map(|(key, value)| (&**key, &**value)).collect(),
            addresses: addresses.to_vec(),
        };
        neighbours.hear(&claim)
    }

    fn addresses_of(told: Vec<Finding>) -> Vec<String> {
        match told.as_slice() {
            [Finding::Neighbour(found)] => {
                found.addresses.iter().map(ToString::to_string).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_address_family_has_its_port_and_ipv6_link_local_addresses_are_left_out() {
        let mut neighbours = Neighbours::new(false);
        let addresses = ips(&["fe80::1", "2001:db8::1", "192.168.1.2"]);
        let found = hear(&mut neighbours, &advertisement(1), Some(71), &addresses);
        assert_eq!(addresses_of(found), ["192.168.1.2:70", "[2001:db8::1]:71"]);
        let found = hear(&mut neighbours, &advertisement(1), None, &addresses[1..2]);
        assert_eq!(addresses_of(found), ["[2001:db8::1]:70"]);
    }

    #[test]
    fn what_is_known_is_told_once_and_its_end_once() {
        let mut neighbours = Neighbours::new(false);
        let (seen, at) = (advertisement(1), ips(&["192.168.1.2"]));
        assert_eq!(hear(&mut neighbours, &seen, None, &at).len(), 1);
        assert_eq!(hear(&mut neighbours, &seen, None, &at), []);
        let elsewhere = ips(&["192.168.1.3"]);
        assert_eq!(hear(&mut neighbours, &seen, None, &elsewhere).len(), 1);
        let left = Some(Finding::Left(seen.device));
        assert_eq!(neighbours.lose(&seen.instance_name()), left);
        assert_eq!(neighbours.lose(&seen.instance_name()), None);
    }

    #[test]
    fn a_name_that_does_not_follow_from_its_key_is_passed_over() {
        let txt = write_txt(&advertisement(1), None);
        let claim = Claim {
            instance: &advertisement(2).instance_name(),
            port: 70,
            txt: txt.iter().map(|(key, value)| (&**key, &**value)).collect(),
            addresses: ips(&["192.168.1.2"]),
        };
        assert_eq!(Neighbours::new(false).hear(&claim), []);
    }

    #[test]
    fn addresses_that_lead_nowhere_or_to_ourselves_are_passed_over() {
        let bad = ips(&[
            "127.0.0.1",
            "::1",
            "0.0.0.0",
            "::",
            "224.0.0.251",
            "ff02::fb",
            "255.255.255.255",
            "::ffff:127.0.0.1",
        ]);
        let mut neighbours = Neighbours::new(false);
        assert_eq!(hear(&mut neighbours, &advertisement(1), None, &bad), []);
        let found = hear(&mut Neighbours::new(true), &advertisement(1), None, &bad);
        assert_eq!(addresses_of(found), ["127.0.0.1:70", "[::1]:70"]);
    }

    #[test]
    fn no_more_addresses_are_kept_than_a_route_has() {
        let many: Vec<(IpAddr, u32)> = (1..100).map(|n| ([10, 0, 0, n].into(), 3)).collect();
        let found = hear(&mut Neighbours::new(false), &advertisement(1), None, &many);
        assert_eq!(addresses_of(found).len(), ADDRESSES_MAX);
    }

    #[test]
    fn a_flood_of_devices_is_bounded_and_hides_nobody_after_it() {
        let mut neighbours = Neighbours::new(false);
        let at = ips(&["192.168.1.2"]);
        for device in 0..2000 {
            let told = hear(&mut neighbours, &advertisement(device), None, &at);
            assert!(matches!(told.last(), Some(Finding::Neighbour(_))));
        }
        assert_eq!(neighbours.by_instance.len(), NEIGHBOURS_MAX);
        assert_eq!(neighbours.oldest_first.len(), NEIGHBOURS_MAX);
        assert_eq!(neighbours.lose(&advertisement(0).instance_name()), None);
        let last = advertisement(1999);
        let left = Some(Finding::Left(last.device));
        assert_eq!(neighbours.lose(&last.instance_name()), left);
        assert_eq!(neighbours.oldest_first.len(), NEIGHBOURS_MAX - 1);
    }

    #[test]
    fn whoever_is_told_of_leaves_or_is_remembered() {
        let mut neighbours = Neighbours::new(false);
        let (at, mut told) = (ips(&["192.168.1.2"]), BTreeSet::new());
        let mut take = |findings: Vec<Finding>| {
            for finding in findings {
                match finding {
                    Finding::Neighbour(found) => told.insert(found.advertisement.device),
                    Finding::Left(device) => told.remove(&device),
                    other => panic!("{other:?}"),
                };
            }
            told.len()
        };
        for device in 0..2000 {
            let findings = hear(&mut neighbours, &advertisement(device), None, &at);
            assert!(take(findings) <= NEIGHBOURS_MAX);
        }
        assert_eq!(take(neighbours.clear()), 0);
        assert_eq!(take(neighbours.clear()), 0);
        let again = hear(&mut neighbours, &advertisement(1999), None, &at);
        assert_eq!(take(again), 1);
    }

    /// Bob's machine, and a device of Alice's whom he has an invite of.
    fn bob() -> (Peer, DeviceKey, PeerId) {
        let now = Time(1_700_000_000_000);
        let machine = |number: u8| {
            let (config, identity) = (
                Config::new("test".into()),
                SecretKey::from_bytes([number; 32]),
            );
            let made = Peer::new(config, Ed25519, identity, Vec::new(), [number; 32], now);
            let mut peer = made.expect("no rows");
            let secret = SecretKey::from_bytes([number + 100; 32]);
            let mut route = Route::new(secret.device_key());
            peer.handle_device(now, Face::Contact, secret);
            route.addresses = vec![([192, 168, 1, number], 70).into()];
            peer.handle_route(now, Face::Contact, route);
            peer
        };
        let (mut alice, mut bob) = (machine(1), machine(2));
        let options = InviteOptions {
            reusable: false,
            life: Duration::from_secs(3600),
            with_addresses: true,
        };
        let invite = alice.create_invite(now, options).expect("the first");
        let peer = bob.accept_invite(now, &invite, None).expect("a good one");
        let device = invite.contact.expect("with addresses").device;
        (bob, device, peer)
    }

    /// Tells the machine what was found; whether it found `contact` by it.
    fn finds(machine: &mut Peer, told: Vec<Finding>, contact: PeerId) -> bool {
        let now = Time(1_700_000_001_000);
        for finding in told {
            match finding {
                Finding::Neighbour(found) => {
                    let mut route = Route::new(found.advertisement.device);
                    route.addresses = found.addresses;
                    machine.handle_sighting(now, found.advertisement, route);
                }
                Finding::Left(device) => machine.handle_sighting_gone(device),
                other => panic!("{other:?}"),
            }
        }
        let source = peer::Source::Lan;
        let found = Output::Event(Event::Found {
            peer: contact,
            source,
        });
        std::iter::from_fn(|| machine.poll_output()).any(|output| output == found)
    }

    #[test]
    fn after_any_number_of_inventions_and_of_daemons_a_contact_is_found() {
        let (mut machine, device, contact) = bob();
        let (mut neighbours, at) = (Neighbours::new(false), ips(&["192.168.1.2"]));
        let alice = Advertisement {
            device,
            tags: Vec::new(),
        };
        for round in 0..4 {
            for number in 0..1100 {
                let invented = advertisement(round * 2000 + number);
                let told = hear(&mut neighbours, &invented, None, &at);
                finds(&mut machine, told, contact);
            }
            let told = hear(&mut neighbours, &alice, None, &at);
            assert!(finds(&mut machine, told, contact), "round {round}");
            let forgotten = neighbours.clear();
            assert!(forgotten.contains(&Finding::Left(device)));
            finds(&mut machine, forgotten, contact);
        }
    }

    proptest! {
        #[test]
        fn no_claim_exceeds_the_bounds(
            entries in proptest::collection::vec(("(txtvers|d|p6|t[0-9]{1,3}|.{0,4})", proptest::collection::vec(any::<u8>(), 0..255)), 0..40),
            own_name in any::<bool>(),
            port in any::<u16>(),
            addresses in proptest::collection::vec((any::<IpAddr>(), any::<u32>()), 0..20),
        ) {
            let key = DeviceKey([9; 32]);
            let sound: [(&str, &[u8]); 2] = [("txtvers", b"1"), ("d", &[9; 32])];
            let entries = entries.iter().map(|(key, value)| (&**key, &**value));
            let claim = Claim {
                instance: &if own_name { instance_name(key) } else { String::new() },
                port,
                txt: entries.chain(sound).collect(),
                addresses,
            };
            if let [Finding::Neighbour(found)] = &Neighbours::new(false).hear(&claim)[..] {
                prop_assert!((1..=ADDRESSES_MAX).contains(&found.addresses.len()));
                prop_assert!(found.advertisement.tags.len() <= TAGS_MAX);
                prop_assert!(found.addresses.iter().all(|address| address.port() != 0));
            }
        }
    }
}
