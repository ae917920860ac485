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
use thiserror::Error;

use crate::address::{RELAY_URL_BYTES_MAX, RELAYS_MAX};
use crate::codec::{self, DecodeError, Wire};
use crate::crypto::{Scheme, SecretKey};
use crate::ids::{Locator, PeerId};
use crate::time::{CLOCK_SKEW_MAX, Time};

use super::address::BINDING_BYTES_MAX;
use super::record::{PAYLOAD_BYTES_MAX, Record, RecordError, Slot, Terms};

/// Which version of the format this is.
const VERSION: u8 = 1;

/// The one slot under a PeerId.
const SLOT: Slot = Slot(*b"kith/1 listing\0\0");

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

/// Why a record is no listing to be believed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ListingError {
    /// It stands under another key, or in another slot.
    #[error("not a listing of this peer")]
    Elsewhere,
    /// Its time is over, by more than a clock may be wrong.
    #[error("expired")]
    Expired,
    /// The record itself is not to be believed.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// What is signed is no listing.
    #[error("malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// What is signed breaks a bound.
    #[error("out of bounds: {0}")]
    Bounds(&'static str),
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
    /// [`ListingError::Bounds`].
    pub fn sign(
        &self,
        scheme: &impl Scheme,
        identity: &SecretKey,
        sequence: u64,
        expires: Time,
    ) -> Result<Record, ListingError> {
        self.check()?;
        let terms = Terms {
            slot: SLOT,
            sequence,
            expires,
            payload: codec::encode(self),
        };
        Ok(Record::sign(scheme, identity, terms)?)
    }

    /// Reads what stands under `peer`, checking the cheapest first.
    ///
    /// # Errors
    /// [`ListingError`], one for each check.
    pub fn open(
        scheme: &impl Scheme,
        peer: PeerId,
        record: &Record,
        now: Time,
    ) -> Result<Self, ListingError> {
        if record.locator() != Self::locator(peer) || record.slot() != SLOT {
            return Err(ListingError::Elsewhere);
        }
        if record.expires() + CLOCK_SKEW_MAX <= now {
            return Err(ListingError::Expired);
        }
        let listing: Self = codec::decode(record.payload())?;
        listing.check()?;
        record.verify(scheme)?;
        Ok(listing)
    }

    fn check(&self) -> Result<(), ListingError> {
        let is_long = |relay: &String| relay.len() > RELAY_URL_BYTES_MAX;
        match self {
            _ if self.version != VERSION => Err(ListingError::Bounds("of a newer version")),
            _ if self.binding.len() > BINDING_BYTES_MAX => {
                Err(ListingError::Bounds("binding too large"))
            }
            _ if self.relays.is_empty() => Err(ListingError::Bounds("no relay")),
            _ if self.relays.len() > RELAYS_MAX || self.relays.iter().any(is_long) => {
                Err(ListingError::Bounds("too many relays"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::Ed25519;
    use crate::time::DAY;

    const NOW: Time = Time(1_800_000_000_000);

    fn identity() -> SecretKey {
        SecretKey::from_bytes([1; 32])
    }

    fn listing() -> Listing {
        Listing::new(vec![7; 3], vec!["https://relay.example:1".to_owned()])
    }

    fn sign(listing: &Listing) -> Result<Record, ListingError> {
        listing.sign(&Ed25519, &identity(), NOW.0, NOW + DAY)
    }

    fn open(record: &Record, now: Time) -> Result<Listing, ListingError> {
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
        assert_eq!(open(&forged, NOW), Err(ListingError::Elsewhere));
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
        assert_eq!(open(&record, end), Err(ListingError::Expired));
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_what_is_over_its_bound_is_refused() {
        let long = "x".repeat(RELAY_URL_BYTES_MAX);
        let fitted = Listing::new(vec![0; BINDING_BYTES_MAX], vec![long.clone(); 9]);
        assert_eq!(fitted.relays, [long]);
        assert!(sign(&fitted).is_ok());
        let nowhere = Listing::new(vec![0; 3], Vec::new());
        assert_eq!(sign(&nowhere), Err(ListingError::Bounds("no relay")));
        let large = Listing::new(vec![0; BINDING_BYTES_MAX + 1], vec![String::new()]);
        assert!(matches!(sign(&large), Err(ListingError::Bounds(_))));
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1000)) {
            let _ = codec::decode::<Listing>(&bytes);
        }
    }
}
