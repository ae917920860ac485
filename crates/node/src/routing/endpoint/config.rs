//! How one face's endpoint is to be, and why it could not be.

use std::net::SocketAddr;

use iroh::SecretKey;
use kith_core::ids::Face;
use kith_core::introducer::Introducer;
use rustls::pki_types::CertificateDer;
use thiserror::Error;

/// How one face's endpoint is to be.
#[derive(Clone, Debug)]
pub struct FaceConfig {
    /// Which face.
    pub face: Face,
    /// The key it presents; its public half is the [`DeviceKey`](kith_core::ids::DeviceKey).
    pub secret: SecretKey,
    /// Where to listen, one address per family; empty for all addresses of both families and a port of the system's
    /// choice. Of no meaning to a public face without `public_server`.
    pub bind: Vec<SocketAddr>,
    /// Whether the public face shows its IP addresses too.
    pub public_server: bool,
    /// Whether the router may be asked for a port (UPnP, PCP, NAT-PMP).
    pub port_mapping: bool,
    /// The introducers whose relays to use from the start.
    pub relays: Vec<Introducer>,
    /// Root certificates by which relays with a domain name are known, beside those of the web.
    pub relay_roots: Vec<CertificateDer<'static>>,
    /// Whether it has no sockets, whichever face it is, and so no address to tell.
    pub relay_only: bool,
}

impl FaceConfig {
    /// The usual one: all addresses, any port, a port asked of the router, no relays yet.
    pub fn new(face: Face, secret: SecretKey) -> Self {
        Self {
            face,
            secret,
            bind: Vec::new(),
            public_server: false,
            port_mapping: true,
            relays: Vec::new(),
            relay_roots: Vec::new(),
            relay_only: false,
        }
    }

    /// Whether the endpoint has no IP sockets.
    pub fn is_relay_only(&self) -> bool {
        self.relay_only || (self.face == Face::Public && !self.public_server)
    }
}

/// Why a face could not be bound.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BindError {
    /// Two addresses of one family.
    #[error("one address to listen on per family, and not {0} as a second")]
    SecondAddress(SocketAddr),
    /// The system refused; most often a port that is taken.
    #[error("cannot listen on {}: {reason}", listed(.bind))]
    Refused {
        /// Where; empty for every interface.
        bind: Vec<SocketAddr>,
        /// What the system said.
        reason: String,
    },
}

/// Addresses as people read them.
fn listed(addresses: &[SocketAddr]) -> String {
    let listed: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    match listed.is_empty() {
        true => "any address".to_owned(),
        false => listed.join(" and "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_face_of_no_server_is_relay_only() {
        let mut config = FaceConfig::new(Face::Public, SecretKey::from_bytes(&[1; 32]));
        assert!(config.is_relay_only());
        config.public_server = true;
        assert!(!config.is_relay_only());
        let contact = FaceConfig::new(Face::Contact, SecretKey::from_bytes(&[1; 32]));
        assert!(!contact.is_relay_only());
    }
}
