//! What a service is called, and where it listens.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use kith_core::protocol::ProtocolName;
use thiserror::Error;

/// The longest name of a service, in bytes: what people type, and half a DNS label.
pub const SERVICE_NAME_BYTES_MAX: usize = 32;

/// What a service is called: lower-case letters, digits and hyphens.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceName(String);

/// A text that is no service's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a service is called by 1 to {SERVICE_NAME_BYTES_MAX} lower-case letters, digits and hyphens, as in web-1"
)]
pub struct ServiceNameError;

/// What carries a service on the local machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// A TCP connection: bytes in order.
    Tcp,
    /// UDP datagrams, which may be lost.
    Udp,
}

/// An address of the local machine, or of one it reaches: where a service listens, or where a forward does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Local {
    /// A TCP port.
    Tcp(SocketAddr),
    /// A UDP port.
    Udp(SocketAddr),
}

impl ServiceName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The protocol that reaches it.
    pub fn protocol(&self, transport: Transport) -> ProtocolName {
        let text = format!("/kith/{transport}/{}/1", self.0);
        text.parse()
            .expect("a service's name is visible ASCII without '/', and short")
    }

    /// The service that a protocol reaches; `None` for one that reaches none.
    pub fn of_protocol(protocol: &ProtocolName) -> Option<(Self, Transport)> {
        let inside = protocol.as_str().strip_prefix("/kith/")?;
        let (transport, name) = inside.strip_suffix("/1")?.split_once('/')?;
        let transports = [Transport::Tcp, Transport::Udp];
        let transport = transports
            .into_iter()
            .find(|it| it.to_string() == transport)?;
        Some((name.parse().ok()?, transport))
    }
}

impl FromStr for ServiceName {
    type Err = ServiceNameError;

    fn from_str(text: &str) -> Result<Self, ServiceNameError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if text.is_empty() || text.len() > SERVICE_NAME_BYTES_MAX || !text.bytes().all(allowed) {
            return Err(ServiceNameError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

impl Local {
    /// The address.
    pub fn address(&self) -> SocketAddr {
        match self {
            Self::Tcp(address) | Self::Udp(address) => *address,
        }
    }

    /// What is spoken there.
    pub fn transport(&self) -> Transport {
        match self {
            Self::Tcp(_) => Transport::Tcp,
            Self::Udp(_) => Transport::Udp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_a_protocol_of_its_transport() {
        let name: ServiceName = "web-1".parse().expect("valid");
        assert_eq!(name.protocol(Transport::Tcp).as_str(), "/kith/tcp/web-1/1");
        assert_eq!(name.protocol(Transport::Udp).as_str(), "/kith/udp/web-1/1");
        let longest: ServiceName = "a".repeat(32).parse().expect("valid");
        assert_eq!(
            longest.protocol(Transport::Udp).family(),
            format!("/kith/udp/{longest}")
        );
    }

    #[test]
    fn a_protocol_of_a_service_leads_back_to_it_and_another_to_none() {
        let name: ServiceName = "web-1".parse().expect("valid");
        for transport in [Transport::Tcp, Transport::Udp] {
            let protocol = name.protocol(transport);
            assert_eq!(
                ServiceName::of_protocol(&protocol),
                Some((name.clone(), transport))
            );
        }
        for other in [
            "/kith/ping/1",
            "/kith/tcp/web/2",
            "/kith/tcp/Web/1",
            "/tcp/web/1",
        ] {
            let protocol = other.parse().expect("a name");
            assert_eq!(ServiceName::of_protocol(&protocol), None, "{other}");
        }
    }

    #[test]
    fn what_would_be_another_protocol_is_no_service_name() {
        for text in ["", "Web", "a/b", "a b", "é", "a_b", "..", &"a".repeat(33)] {
            assert_eq!(text.parse::<ServiceName>(), Err(ServiceNameError), "{text}");
        }
    }
}
