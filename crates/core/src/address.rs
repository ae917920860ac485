//! Where a device can be reached: socket addresses and relays.

use std::net::{IpAddr, SocketAddr};

use minicbor::{Decode, Encode};

use crate::codec::Wire;
use crate::ids::DeviceKey;

/// The most socket addresses in a route: two address families on two interfaces, inside and outside of a NAT.
pub const ADDRESSES_MAX: usize = 8;

/// The most relays in a route. A device keeps its place at one or two; the rest is room.
pub const RELAYS_MAX: usize = 4;

/// The longest relay URL, in bytes: a host name (253) with scheme and port.
pub const RELAY_URL_BYTES_MAX: usize = 272;

/// How to reach one device: its key, and wherever it may answer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct Route {
    /// Who answers there; the TLS handshake proves it.
    #[n(0)]
    pub device: DeviceKey,
    /// Direct UDP addresses, most promising first.
    #[n(1)]
    pub addresses: Vec<SocketAddr>,
    /// URLs of the relays it keeps a connection to.
    #[n(2)]
    pub relays: Vec<String>,
}

impl Wire for Route {
    const BYTES_MAX: usize = 64 + ADDRESSES_MAX * 32 + RELAYS_MAX * RELAY_URL_BYTES_MAX;
}

impl Route {
    /// A route to `device` with nowhere to look yet.
    pub fn new(device: DeviceKey) -> Self {
        Self {
            device,
            addresses: Vec::new(),
            relays: Vec::new(),
        }
    }

    /// Whether there is nowhere to look.
    pub fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.relays.is_empty()
    }

    /// Whether it is within the bounds of this module, which every reader of a format with a route checks.
    pub fn is_bounded(&self) -> bool {
        self.addresses.len() <= ADDRESSES_MAX
            && self.relays.len() <= RELAYS_MAX
            && self
                .relays
                .iter()
                .all(|relay| relay.len() <= RELAY_URL_BYTES_MAX)
    }

    /// Cuts it down to the bounds of this module.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        self.relays
            .retain(|relay| relay.len() <= RELAY_URL_BYTES_MAX);
        self.addresses.truncate(ADDRESSES_MAX);
        self.relays.truncate(RELAYS_MAX);
        self
    }

    /// Whether `other` knows somewhere to look that this one does not.
    pub fn lacks(&self, other: &Route) -> bool {
        let mut addresses = other.addresses.iter();
        let mut relays = other.relays.iter();
        addresses.any(|it| !self.addresses.contains(it))
            || relays.any(|it| !self.relays.contains(it))
    }

    /// Adds what `other` knows of the same device.
    pub fn merge(&mut self, other: &Route) {
        debug_assert_eq!(self.device, other.device, "routes of one device");
        for address in &other.addresses {
            if !self.addresses.contains(address) {
                self.addresses.push(*address);
            }
        }
        for relay in &other.relays {
            if !self.relays.contains(relay) {
                self.relays.push(relay.clone());
            }
        }
    }
}

/// From how far an address of one of this machine's interfaces leads here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    /// From anywhere, unless a firewall stands between.
    Internet,
    /// From within a private network (RFC 1918, RFC 4193) or one provider's (RFC 6598).
    Network,
}

impl Reach {
    /// `None` where no other machine gets here by it.
    pub fn of(ip: IpAddr) -> Option<Self> {
        let private = match ip {
            IpAddr::V4(v4) if v4.is_link_local() => return None,
            // 100.64.0.0/10: behind the NAT of a provider.
            IpAddr::V4(v4) => {
                v4.is_private() || matches!(v4.octets(), [100, second, ..] if second & 0xc0 == 64)
            }
            IpAddr::V6(v6) if v6.is_unicast_link_local() => return None,
            IpAddr::V6(v6) => v6.is_unique_local(),
        };
        let somewhere = !(ip.is_loopback() || ip.is_unspecified() || ip.is_multicast());
        somewhere.then_some(if private {
            Self::Network
        } else {
            Self::Internet
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{decode, encode};

    #[test]
    fn only_addresses_of_the_internet_lead_here_from_anywhere() {
        let reach = |text: &str| Reach::of(text.parse().expect("literal"));
        for internet in ["203.0.113.5", "100.128.0.1", "2001:db8::3"] {
            assert_eq!(reach(internet), Some(Reach::Internet), "{internet}");
        }
        for network in [
            "10.0.0.7",
            "192.168.1.1",
            "100.64.0.1",
            "100.127.255.255",
            "fd00::2",
        ] {
            assert_eq!(reach(network), Some(Reach::Network), "{network}");
        }
        for nowhere in [
            "127.0.0.1",
            "169.254.3.4",
            "0.0.0.0",
            "fe80::1",
            "::1",
            "ff02::1",
        ] {
            assert_eq!(reach(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn a_full_route_fits_its_bound() {
        let address: SocketAddr = "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535"
            .parse()
            .expect("literal");
        let route = Route {
            device: DeviceKey([255; 32]),
            addresses: vec![address; ADDRESSES_MAX],
            relays: vec!["x".repeat(RELAY_URL_BYTES_MAX); RELAYS_MAX],
        };
        assert!(route.is_bounded());
        assert_eq!(decode(&encode(&route)), Ok(route));
    }

    #[test]
    fn merging_adds_only_what_is_new() {
        let mut route = Route::new(DeviceKey([1; 32]));
        let other = Route {
            addresses: vec![([127, 0, 0, 1], 1).into()],
            ..route.clone()
        };
        assert!(route.lacks(&other) && !other.lacks(&route));
        route.merge(&other);
        route.merge(&other);
        assert_eq!(route, other);
        assert!(!route.lacks(&other));
    }

    crate::decoding::decoder_tests! {
        route: Route = Route {
            device: DeviceKey([1; 32]),
            addresses: vec![([192, 0, 2, 1], 7).into(), "[2001:db8::1]:7".parse().expect("literal")],
            relays: vec!["https://relay.example:1".into()],
        };
    }
}
