//! The names of things: keys, hashes and small tokens, each a type of its own.

use std::fmt;

use minicbor::{Decode, Encode};

use crate::codec::byte_string;
use crate::text::{self, TextError};

/// Defines a fixed-size byte string: CBOR bytes on the wire, hex in debug output.
macro_rules! byte_name {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $length]);

        impl $name {
            /// The bytes of this name.
            pub fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}(", stringify!($name))?;
                for byte in &self.0[..self.0.len().min(5)] {
                    write!(f, "{byte:02x}")?;
                }
                write!(f, ")")
            }
        }

        byte_string!($name, $length);
    };
}

/// Gives a byte name its checksummed text form, `<prefix>1…` (see [`crate::text`]).
macro_rules! text_form {
    ($name:ident, $prefix:literal) => {
        impl $name {
            /// What the text form begins with, before the `1`.
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&text::encode(Self::PREFIX, &self.0))
            }
        }

        impl std::str::FromStr for $name {
            type Err = TextError;
            fn from_str(s: &str) -> Result<Self, TextError> {
                let bytes = text::decode(Self::PREFIX, s)?;
                let length = bytes.len();
                Ok(Self(
                    bytes.try_into().map_err(|_| TextError::Length(length))?,
                ))
            }
        }
    };
}

byte_name!(
    /// A participant: the long-lived Ed25519 public key of a person or a thing.
    PeerId, 32
);
text_form!(PeerId, "peer");

byte_name!(
    /// The Ed25519 public key a node presents in TLS on one face (iroh's `EndpointId`). Never a [`PeerId`].
    DeviceKey, 32
);
text_form!(DeviceKey, "device");

byte_name!(
    /// A share: the Ed25519 public key that signs its heads.
    ShareId, 32
);
text_form!(ShareId, "share");

byte_name!(
    /// The BLAKE3 hash of a blob.
    BlobHash, 32
);
text_form!(BlobHash, "blob");

byte_name!(
    /// A registry key: an Ed25519 public key that signs the records left under it, and says nothing of their writer.
    Locator, 32
);

byte_name!(
    /// Names an invite without disclosing its secret.
    InviteId, 16
);
text_form!(InviteId, "inviteid");

byte_name!(
    /// The BLAKE3 hash of a TLS server's SubjectPublicKeyInfo (DER). It stays the same whatever certificate stands around
    /// the key.
    TlsPin, 32
);

impl TlsPin {
    /// The pin of the key whose SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) is `spki`, in DER.
    pub fn of(spki: &[u8]) -> Self {
        Self(*blake3::hash(spki).as_bytes())
    }
}

/// Which of a node's endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Face {
    /// For strangers: a stable key, reachable through relays only.
    #[n(0)]
    Public,
    /// For contacts: a key that rotates, with direct connections.
    #[n(1)]
    Contact,
    /// For asking as nobody: a throwaway key that is bound to nobody and never stands in a binding. Introducers are
    /// asked under one that is made for each request, whom a link names by an address under one that lasts until the node
    /// stops.
    #[n(2)]
    Visitor,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_forms_round_trip_and_do_not_mix() {
        let peer = PeerId([7; 32]);
        assert_eq!(peer.to_string().parse(), Ok(peer));
        assert!(peer.to_string().parse::<DeviceKey>().is_err());
        assert!(peer.to_string().starts_with("peer1"));
    }

    #[test]
    fn every_single_typo_in_a_peer_id_is_an_error() {
        let text = PeerId([0xa5; 32]).to_string();
        for position in 0..text.len() {
            for replacement in "qpzry9x8gf2tvdw0s3jn54khce6mua7l".chars() {
                let mut typo: Vec<char> = text.chars().collect();
                if typo[position] == replacement {
                    continue;
                }
                typo[position] = replacement;
                let typo: String = typo.into_iter().collect();
                assert!(typo.parse::<PeerId>().is_err(), "{typo} was accepted");
            }
        }
    }

    crate::decoding::text_tests! {
        peer: PeerId = PeerId([7; 32]);
        device: DeviceKey = DeviceKey([7; 32]);
        share: ShareId = ShareId([7; 32]);
        blob: BlobHash = BlobHash([7; 32]);
        invite: InviteId = InviteId([7; 16]);
    }
}
