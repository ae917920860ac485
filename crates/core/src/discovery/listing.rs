//! A listing: where the public face of a peer is who wants to be found by PeerId.
//!
//! Nobody is listed unless they ask for it. It is a [`Record`] under the PeerId itself, signed by the identity key, so that
//! whoever knows the PeerId finds it at the introducers and nobody else can write it. It has room for relays and none for
//! addresses, and says nothing of the contact face: a stranger who follows it arrives where strangers arrive.
//!
//! ```text
//! payload = [version, binding of the public face: bytes, relays: [text]]
//! ```

use minicbor::{Decode, Encode};

use crate::address::{RELAY_URL_BYTES_MAX, RELAYS_MAX};
use crate::codec::{self, Wire};
use crate::crypto::{Scheme, SecretKey};
use crate::ids::{Locator, PeerId};
use crate::time::Time;

use super::address::BINDING_BYTES_MAX;
use super::plain::{self, Plain, PlainError};
use super::record::{PAYLOAD_BYTES_MAX, Record, Slot};

/// Which version of the format this is.
const VERSION: u8 = 1;

/// Where a public face is, and whose.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Listing {
    #[n(0)]
    version: u8,
    /// The signed binding of peer and public device, at most [`BINDING_BYTES_MAX`]. Opaque here: whoever follows it
    /// verifies it.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub binding: Vec<u8>,
    /// The relays it keeps a place at, at most [`RELAYS_MAX`].
    #[n(2)]
    pub relays: Vec<String>,
}

impl Wire for Listing {
    const BYTES_MAX: usize = PAYLOAD_BYTES_MAX;
}

impl Plain for Listing {
    const SLOT: Slot = Slot(*b"kith/1 listing\0\0");

    fn check(&self, _: Locator) -> Result<(), PlainError> {
        let is_long = |relay: &String| relay.len() > RELAY_URL_BYTES_MAX;
        match self {
            _ if self.version != VERSION => Err(PlainError::Bounds("of a newer version")),
            _ if self.binding.len() > BINDING_BYTES_MAX => {
                Err(PlainError::Bounds("binding too large"))
            }
            _ if self.relays.is_empty() => Err(PlainError::Bounds("no relay")),
            _ if self.relays.len() > RELAYS_MAX || self.relays.iter().any(is_long) => {
                Err(PlainError::Bounds("too many relays"))
            }
            _ => Ok(()),
        }
    }
}

impl Listing {
    /// Where the public face of `binding` is; the last relays are left out until the rest fits.
    pub fn new(binding: Vec<u8>, mut relays: Vec<String>) -> Self {
        relays.truncate(RELAYS_MAX);
        let mut listing = Self {
            version: VERSION,
            binding,
            relays,
        };
        while codec::encode(&listing).len() > PAYLOAD_BYTES_MAX && listing.relays.pop().is_some() {}
        listing
    }

    /// Where the listing of a peer stands.
    pub fn locator(peer: PeerId) -> Locator {
        Locator(peer.0)
    }

    /// Signs it with the identity key.
    ///
    /// # Errors
    /// [`PlainError::Bounds`].
    pub fn sign(
        &self,
        scheme: &impl Scheme,
        identity: &SecretKey,
        sequence: u64,
        expires: Time,
    ) -> Result<Record, PlainError> {
        plain::sign(scheme, identity, self, sequence, expires)
    }

    /// Reads what stands under `peer`, checking the cheapest first.
    ///
    /// # Errors
    /// [`PlainError`], one for each check.
    pub fn open(
        scheme: &impl Scheme,
        peer: PeerId,
        record: &Record,
        now: Time,
    ) -> Result<Self, PlainError> {
        plain::open(scheme, Self::locator(peer), record, now)
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;
    use crate::crypto::Ed25519;
    use crate::time::{CLOCK_SKEW_MAX, DAY};

    const NOW: Time = Time(1_800_000_000_000);

    fn identity() -> SecretKey {
        SecretKey::from_bytes([1; 32])
    }

    fn listing() -> Listing {
        Listing::new(vec![7; 3], vec!["https://relay.example:1".to_owned()])
    }

    fn sign(listing: &Listing) -> Result<Record, PlainError> {
        listing.sign(&Ed25519, &identity(), NOW.0, NOW + DAY)
    }

    fn open(record: &Record, now: Time) -> Result<Listing, PlainError> {
        Listing::open(&Ed25519, identity().peer_id(), record, now)
    }

    #[test]
    fn a_listing_of_the_first_version_keeps_its_bytes() {
        let golden = "83014307070781776874747073 3a2f2f72656c61792e6578616d706c653a31";
        let bytes = HEXLOWER.encode(&codec::encode(&listing()));
        assert_eq!(bytes, golden.replace(' ', ""));
    }

    #[test]
    fn only_the_peer_itself_is_believed() {
        let record = sign(&listing()).expect("bounded");
        assert_eq!(open(&record, NOW), Ok(listing()));
        let other = SecretKey::from_bytes([2; 32]);
        let forged = listing().sign(&Ed25519, &other, NOW.0, NOW + DAY);
        let forged = forged.expect("their own");
        assert_eq!(open(&forged, NOW), Err(PlainError::Elsewhere));
        let bytes = codec::encode(&record);
        for byte in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[byte] ^= 1;
            let believed =
                codec::decode::<Record>(&changed).is_ok_and(|record| open(&record, NOW).is_ok());
            assert!(!believed, "byte {byte}");
        }
    }

    #[test]
    fn a_listing_ends() {
        let record = sign(&listing()).expect("bounded");
        let end = NOW + DAY + CLOCK_SKEW_MAX;
        assert_eq!(open(&record, end), Err(PlainError::Expired));
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_what_is_over_its_bound_is_refused() {
        let long = "x".repeat(RELAY_URL_BYTES_MAX);
        let fitted = Listing::new(vec![0; BINDING_BYTES_MAX], vec![long.clone(); 9]);
        assert_eq!(fitted.relays, [long]);
        assert!(sign(&fitted).is_ok());
        let nowhere = Listing::new(vec![0; 3], Vec::new());
        assert_eq!(sign(&nowhere), Err(PlainError::Bounds("no relay")));
        let large = Listing::new(vec![0; BINDING_BYTES_MAX + 1], vec![String::new()]);
        assert!(matches!(sign(&large), Err(PlainError::Bounds(_))));
    }

    crate::decoding::decoder_tests! {
        listing_form: Listing = listing();
    }
}
