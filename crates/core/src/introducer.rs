//! The line that names an introducer, and relay URLs that certify themselves.
//!
//! An introducer needs no domain and no public authority. Its line (`WHERE` on the command line) holds its key, its
//! addresses and the pin of its TLS key. The relay's URL carries pin and addresses in its host name,
//!
//! ```text
//! https://<pin in base32>.v4-203-0-113-5.v6-20010db8000000000000000000000001.relay.kith.invalid:7118
//! ```
//!
//! so that whoever reads the URL can resolve it without DNS and verify the server without anything else. The name ends in
//! `.invalid` (RFC 6761), which no resolver answers: it cannot be mistaken for a name of the DNS.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use data_encoding::{BASE32_NOPAD_NOCASE, HEXLOWER_PERMISSIVE};
use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::address::Route;
use crate::codec::{self, Wire};
use crate::ids::{DeviceKey, TlsPin};
use crate::text::{self, TextError};

/// What the host name of a self-certifying relay ends in.
pub const RELAY_SUFFIX: &str = "relay.kith.invalid";

/// The most addresses of an introducer: two families on two networks.
pub const INTRODUCER_ADDRESSES_MAX: usize = 4;

/// The longest domain name, in bytes (RFC 1035 §2.3.4).
pub const DOMAIN_BYTES_MAX: usize = 253;

/// Which version of the line this is.
const VERSION: u8 = 1;

/// Names an introducer: everything needed to reach it and to know that it is the one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub struct Introducer {
    #[n(0)]
    version: u8,
    /// The key of its `kith/1` endpoint; it also signs a change of the pin.
    #[n(1)]
    pub key: DeviceKey,
    /// Its public addresses.
    #[n(2)]
    pub addresses: Vec<IpAddr>,
    /// The TCP port of relay, health and metrics.
    #[n(3)]
    pub tcp_port: u16,
    /// The UDP port of its `kith/1` endpoint.
    #[n(4)]
    pub udp_port: u16,
    /// The UDP port of QUIC address discovery; 0 where it offers none.
    #[n(5)]
    pub discovery_port: u16,
    /// How its TLS key is known.
    #[n(6)]
    pub trust: Trust,
}

/// How the TLS server of an introducer is known to be the right one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Trust {
    /// By the hash of its key.
    #[n(0)]
    Pin(#[n(0)] TlsPin),
    /// By its domain name, as any web server.
    #[n(1)]
    Domain(#[n(0)] String),
}

impl Wire for Introducer {
    const BYTES_MAX: usize = 128 + INTRODUCER_ADDRESSES_MAX * 20 + DOMAIN_BYTES_MAX;
}

/// Why addresses cannot be told to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ToldAddressesError {
    /// It is no address of any one machine.
    #[error("{0} is no address of one machine, and leads nobody here; name one that others reach")]
    Nobodys(IpAddr),
    /// More than [`INTRODUCER_ADDRESSES_MAX`].
    #[error(
        "{0} addresses; others are told {max} at most: two families on two networks",
        max = INTRODUCER_ADDRESSES_MAX
    )]
    TooMany(usize),
}

/// Whether these addresses, which somebody chose, can be told to others as those of a machine.
///
/// # Errors
/// [`ToldAddressesError`].
pub fn check_told(addresses: &[IpAddr]) -> Result<(), ToldAddressesError> {
    let is_nobodys = |ip: &&IpAddr| {
        let ip = ip.to_canonical();
        let is_broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
        ip.is_unspecified() || ip.is_multicast() || is_broadcast
    };
    if let Some(ip) = addresses.iter().find(is_nobodys) {
        return Err(ToldAddressesError::Nobodys(*ip));
    }
    match addresses.len() {
        0..=INTRODUCER_ADDRESSES_MAX => Ok(()),
        count => Err(ToldAddressesError::TooMany(count)),
    }
}

/// What a self-certifying host name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayName {
    /// The hash of the server's key.
    pub pin: TlsPin,
    /// Where it is.
    pub addresses: Vec<IpAddr>,
}

impl Introducer {
    /// What the text form begins with, before the `1`.
    pub const PREFIX: &'static str = "introducer";

    /// Describes an introducer; surplus addresses are left out.
    pub fn new(key: DeviceKey, mut addresses: Vec<IpAddr>, ports: Ports, trust: Trust) -> Self {
        addresses.truncate(INTRODUCER_ADDRESSES_MAX);
        let Ports {
            tcp: tcp_port,
            udp: udp_port,
            discovery: discovery_port,
        } = ports;
        Self {
            version: VERSION,
            key,
            addresses,
            tcp_port,
            udp_port,
            discovery_port,
            trust,
        }
    }

    /// The URL of its relay, as a reader of URLs writes it again: the host in small letters, and no port where it is that of `https` (WHATWG
    /// URL, 4.5).
    pub fn relay_url(&self) -> String {
        let host = match &self.trust {
            Trust::Domain(domain) => domain.to_ascii_lowercase(),
            Trust::Pin(pin) => RelayName {
                pin: *pin,
                addresses: self.addresses.clone(),
            }
            .host(),
        };
        match self.tcp_port {
            HTTPS_PORT => format!("https://{host}"),
            port => format!("https://{host}:{port}"),
        }
    }

    /// How to reach its `kith/1` endpoint: directly, or by its own relay where UDP does not pass.
    pub fn route(&self) -> Route {
        Route {
            device: self.key,
            addresses: self
                .addresses
                .iter()
                .map(|ip| SocketAddr::new(*ip, self.udp_port))
                .collect(),
            relays: vec![self.relay_url()],
        }
    }

    /// Whether its parts are within their bounds, which every reader of a format with an introducer checks.
    pub fn is_bounded(&self) -> bool {
        self.check().is_ok()
    }

    /// Whether its parts are within their bounds, as [`Introducer::is_bounded`] says.
    ///
    /// # Errors
    /// Which of them is not.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.version != VERSION {
            return Err("it was made by a newer kith; update this one");
        }
        if self.addresses.len() > INTRODUCER_ADDRESSES_MAX {
            return Err("too many addresses");
        }
        match &self.trust {
            Trust::Domain(domain) if !is_domain(domain) => Err("not a domain name"),
            Trust::Pin(_) if self.addresses.is_empty() => Err("no address"),
            _ => Ok(()),
        }
    }
}

/// The port of `https` (RFC 9110, 4.2.2).
const HTTPS_PORT: u16 = 443;

/// The ports of an introducer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// TCP: relay, health, metrics.
    pub tcp: u16,
    /// UDP: its `kith/1` endpoint.
    pub udp: u16,
    /// UDP: QUIC address discovery; 0 for none.
    pub discovery: u16,
}

/// Letters, digits, hyphens and dots: what may stand in a URL's host without changing its meaning.
fn is_domain(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= DOMAIN_BYTES_MAX
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
}

impl std::fmt::Display for Introducer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&text::encode_uri(Self::PREFIX, &codec::encode(self)))
    }
}

impl std::str::FromStr for Introducer {
    type Err = TextError;
    fn from_str(line: &str) -> Result<Self, TextError> {
        let bytes = text::decode(Self::PREFIX, line)?;
        let introducer: Self =
            codec::decode(&bytes).map_err(|error| TextError::Content(error.to_string()))?;
        introducer
            .check()
            .map_err(|reason| TextError::Content(reason.to_owned()))?;
        Ok(introducer)
    }
}

impl RelayName {
    /// The host name. At most 52 + 2 × 19 + 2 × 36 + 18 characters with separators, under the 253 of a name.
    pub fn host(&self) -> String {
        let mut host = BASE32_NOPAD_NOCASE
            .encode(self.pin.as_bytes())
            .to_ascii_lowercase();
        for address in &self.addresses {
            host.push('.');
            host.push_str(&match address {
                IpAddr::V4(ip) => format!("v4-{}", ip.to_string().replace('.', "-")),
                IpAddr::V6(ip) => format!("v6-{}", HEXLOWER_PERMISSIVE.encode(&ip.octets())),
            });
        }
        format!("{host}.{RELAY_SUFFIX}")
    }

    /// Reads a host name; `None` for any other kind of name.
    pub fn parse(host: &str) -> Option<Self> {
        let labels = host.trim_end_matches('.').to_ascii_lowercase();
        let mut labels = labels
            .strip_suffix(RELAY_SUFFIX)?
            .strip_suffix('.')?
            .split('.');
        let pin = BASE32_NOPAD_NOCASE.decode(labels.next()?.as_bytes()).ok()?;
        let addresses: Option<Vec<IpAddr>> = labels.map(parse_label).collect();
        let addresses =
            addresses.filter(|list| (1..=INTRODUCER_ADDRESSES_MAX).contains(&list.len()))?;
        Some(Self {
            pin: TlsPin(pin.try_into().ok()?),
            addresses,
        })
    }
}

/// One address of a host name.
fn parse_label(label: &str) -> Option<IpAddr> {
    if let Some(v4) = label.strip_prefix("v4-") {
        return v4
            .replace('-', ".")
            .parse::<Ipv4Addr>()
            .ok()
            .map(IpAddr::V4);
    }
    let octets = HEXLOWER_PERMISSIVE
        .decode(label.strip_prefix("v6-")?.as_bytes())
        .ok()?;
    Some(IpAddr::V6(Ipv6Addr::from(
        <[u8; 16]>::try_from(octets).ok()?,
    )))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decoding::damage;

    fn sample(addresses: &[&str]) -> Introducer {
        let addresses = addresses
            .iter()
            .map(|text| text.parse().expect("literal"))
            .collect();
        let ports = Ports {
            tcp: 7118,
            udp: 7119,
            discovery: 7120,
        };
        Introducer::new(
            DeviceKey([1; 32]),
            addresses,
            ports,
            Trust::Pin(TlsPin([2; 32])),
        )
    }

    #[test]
    fn a_line_round_trips_and_a_typo_is_found() {
        let introducer = sample(&["203.0.113.5", "2001:db8::1"]);
        let line = introducer.to_string();
        assert_eq!(line.parse(), Ok(introducer));
        let typo = line.replacen('q', "p", 1);
        assert!(matches!(
            typo.parse::<Introducer>(),
            Err(TextError::Damaged(_))
        ));
    }

    #[test]
    fn the_host_name_says_pin_and_addresses() {
        let all = [
            "203.0.113.5",
            "198.51.100.255",
            "2001:db8::1",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ];
        let introducer = sample(&all);
        let url = introducer.relay_url();
        let host = url.trim_start_matches("https://").trim_end_matches(":7118");
        assert!(
            host.len() <= 253 && host.split('.').all(|label| label.len() <= 63),
            "{host}"
        );
        let name = RelayName::parse(host).expect("our own name");
        assert_eq!(
            (name.pin, name.addresses),
            (TlsPin([2; 32]), introducer.addresses)
        );
    }

    #[test]
    fn other_host_names_are_not_taken_for_relays() {
        let pin = "a".repeat(52);
        for host in [
            "example.org".to_owned(),
            RELAY_SUFFIX.to_owned(),
            format!("{pin}.{RELAY_SUFFIX}"),
            format!("{pin}.v4-1-2-3.{RELAY_SUFFIX}"),
            format!("{pin}.v4-1-2-3-4{RELAY_SUFFIX}"),
            format!("short.v4-1-2-3-4.{RELAY_SUFFIX}"),
            format!("{pin}.v6-20.{RELAY_SUFFIX}"),
        ] {
            assert_eq!(RelayName::parse(&host), None, "{host}");
        }
    }

    #[test]
    fn a_line_with_a_crooked_domain_is_refused() {
        let mut introducer = sample(&["203.0.113.5"]);
        introducer.trust = Trust::Domain("evil.example/path?".into());
        assert!(introducer.to_string().parse::<Introducer>().is_err());
        introducer.trust = Trust::Domain("relay.example.org".into());
        assert_eq!(introducer.relay_url(), "https://relay.example.org:7118");
        introducer.trust = Trust::Domain("Relay.Example.ORG".into());
        introducer.tcp_port = 443;
        assert_eq!(introducer.relay_url(), "https://relay.example.org");
    }

    crate::decoding::decoder_tests! {
        introducer_form: Introducer = sample(&["203.0.113.5", "2001:db8::1"]);
    }

    crate::decoding::text_tests! {
        introducer_line: Introducer = sample(&["203.0.113.5", "2001:db8::1"]);
    }

    proptest! {
        #[test]
        fn a_host_name_is_no_relay_or_one_that_reads_back(host: String, damage in damage()) {
            let name = RelayName {
                pin: TlsPin([2; 32]),
                addresses: vec![[203, 0, 113, 5].into(), [0x2001; 8].into()],
            };
            let damaged = String::from_utf8(damage.done_to(name.host().into_bytes()));
            for host in [Ok(host), damaged].into_iter().flatten() {
                if let Some(read) = RelayName::parse(&host) {
                    prop_assert_eq!(RelayName::parse(&read.host()), Some(read));
                }
            }
        }
    }
}
