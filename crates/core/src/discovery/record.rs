//! A record: a signed, sequenced, expiring statement under a key of its own. It is all that a registry holds: sealed
//! addresses of contacts, and sealed replies to invites.
//!
//! The key ([`Locator`]) says nothing of the writer, and neither does the record: its payload is sealed by whoever wrote
//! it, its sequence is a time. The shape follows mutable items of the BitTorrent DHT (BEP 44: key, salt, sequence,
//! value of at most 1,000 bytes), so that the same records can be left there.

use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::codec::{self, Wire};
use crate::crypto::{Scheme, SecretKey, Signature};
use crate::ids::Locator;
use crate::random::Random;
use crate::time::Time;

/// The largest payload, in bytes: with a slot as its salt and some framing it stays under the 1,000 of BEP 44.
pub const PAYLOAD_BYTES_MAX: usize = 936;

/// What a signature of a record is separated by.
const CONTEXT: &str = "kith/1 record";

/// Which version of the format this is.
const VERSION: u8 = 1;

/// Array heads, version, locator, slot, two integers, the payload's head and the signature.
const FRAMING_BYTES: usize = 2 + 1 + 34 + 17 + 9 + 9 + 3 + 66;

/// Tells records under one locator apart: a device's of several, a reply of many. Random, or as good as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Slot(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 16]);

impl Slot {
    /// A slot nobody else has taken: for a mailbox, where each writer needs its own.
    pub fn random(random: &mut Random) -> Self {
        Self(random.bytes())
    }
}

/// What a writer says of its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Which of the locator's records it is; a later one in the same slot replaces it.
    pub slot: Slot,
    /// Rises with each record in the slot. By custom a time in milliseconds, so that nothing needs to be remembered
    /// over a restart and an observer cannot join two locators by a counter.
    pub sequence: u64,
    /// When it ends.
    pub expires: Time,
    /// The sealed bytes, at most [`PAYLOAD_BYTES_MAX`].
    pub payload: Vec<u8>,
}

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
struct Statement {
    #[n(0)]
    version: u8,
    #[n(1)]
    locator: Locator,
    #[n(2)]
    slot: Slot,
    #[n(3)]
    sequence: u64,
    #[n(4)]
    expires: Time,
    #[cbor(n(5), with = "minicbor::bytes")]
    payload: Vec<u8>,
}

/// A statement with the signature of its locator's key. Nothing in it is to be believed before [`Record::verify`].
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Record {
    #[n(0)]
    statement: Statement,
    #[n(1)]
    signature: Signature,
}

impl Wire for Record {
    const BYTES_MAX: usize = PAYLOAD_BYTES_MAX + FRAMING_BYTES;
}

/// Why a record is not to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Made by a newer kith.
    #[error("a record of version {0}, which this kith does not know")]
    Version(u8),
    /// A payload over [`PAYLOAD_BYTES_MAX`].
    #[error("a payload of {0} bytes, where {PAYLOAD_BYTES_MAX} are allowed")]
    PayloadTooLarge(usize),
    /// Not signed by its locator's key.
    #[error("the signature is not its locator's")]
    Signature,
}

impl Record {
    /// Signs `terms` as the holder of a locator's key.
    ///
    /// # Errors
    /// [`RecordError::PayloadTooLarge`].
    pub fn sign(
        scheme: &impl Scheme,
        secret: &SecretKey,
        terms: Terms,
    ) -> Result<Self, RecordError> {
        if terms.payload.len() > PAYLOAD_BYTES_MAX {
            return Err(RecordError::PayloadTooLarge(terms.payload.len()));
        }
        let statement = Statement {
            version: VERSION,
            locator: secret.locator(),
            slot: terms.slot,
            sequence: terms.sequence,
            expires: terms.expires,
            payload: terms.payload,
        };
        let signature = scheme.sign(secret, CONTEXT, &codec::encode(&statement));
        Ok(Self {
            statement,
            signature,
        })
    }

    /// Checks version, size and signature; not whether it has expired, which depends on who asks.
    ///
    /// # Errors
    /// [`RecordError`], one for each of these.
    pub fn verify(&self, scheme: &impl Scheme) -> Result<(), RecordError> {
        self.check()?;
        // The codec lets through only canonical bytes, so these are the bytes as received.
        let signed = codec::encode(&self.statement);
        if scheme.verify(&self.statement.locator, CONTEXT, &signed, &self.signature) {
            Ok(())
        } else {
            Err(RecordError::Signature)
        }
    }

    /// The checks that cost nothing.
    pub(super) fn check(&self) -> Result<(), RecordError> {
        let Statement {
            version, payload, ..
        } = &self.statement;
        match (*version, payload.len()) {
            (VERSION, 0..=PAYLOAD_BYTES_MAX) => Ok(()),
            (VERSION, length) => Err(RecordError::PayloadTooLarge(length)),
            (version, _) => Err(RecordError::Version(version)),
        }
    }

    /// The key it stands under.
    pub fn locator(&self) -> Locator {
        self.statement.locator
    }

    /// Which of the locator's records it is.
    pub fn slot(&self) -> Slot {
        self.statement.slot
    }

    /// Its place in the order of the slot's records.
    pub fn sequence(&self) -> u64 {
        self.statement.sequence
    }

    /// When it ends.
    pub fn expires(&self) -> Time {
        self.statement.expires
    }

    /// The sealed bytes.
    pub fn payload(&self) -> &[u8] {
        &self.statement.payload
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::Ed25519;

    fn secret() -> SecretKey {
        SecretKey::from_bytes([1; 32])
    }

    fn terms(payload: Vec<u8>) -> Terms {
        Terms {
            slot: Slot([2; 16]),
            sequence: 1_800_000_000_123,
            expires: Time(1_800_000_123_456),
            payload,
        }
    }

    fn sample(payload: Vec<u8>) -> Record {
        Record::sign(&Ed25519, &secret(), terms(payload)).expect("within bounds")
    }

    #[test]
    fn a_record_of_the_first_version_keeps_its_bytes() {
        let golden = concat!(
            "82860158208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c50",
            "020202020202020202020202020202021b000001a3185c507b1b000001a3185e3240",
            "467365616c65645840b0694d29bafb34f3b190b7cd2200d6a151c75b00a2bdc2c5cb69ffcf1c73e3e6",
            "77e6cb7c231bcb071bbb735a6fd54c0f6260c7a53c7c63e52e275acc17491d09",
        );
        let record = sample(b"sealed".to_vec());
        assert_eq!(HEXLOWER.encode(&codec::encode(&record)), golden);
    }

    #[test]
    fn the_largest_record_fits_its_bound_exactly() {
        let mut largest = terms(vec![255; PAYLOAD_BYTES_MAX]);
        (largest.sequence, largest.expires) = (u64::MAX, Time(u64::MAX));
        let record = Record::sign(&Ed25519, &secret(), largest).expect("within bounds");
        let bytes = codec::encode(&record);
        assert_eq!(bytes.len(), Record::BYTES_MAX);
        assert_eq!(codec::decode(&bytes), Ok(record));
    }

    #[test]
    fn a_payload_one_byte_too_large_is_neither_signed_nor_believed() {
        let error = RecordError::PayloadTooLarge(PAYLOAD_BYTES_MAX + 1);
        let large = vec![0; PAYLOAD_BYTES_MAX + 1];
        assert_eq!(
            Record::sign(&Ed25519, &secret(), terms(large.clone())),
            Err(error)
        );
        let mut record = sample(Vec::new());
        record.statement.payload = large;
        assert_eq!(record.verify(&Ed25519), Err(error));
    }

    #[test]
    fn every_changed_bit_is_noticed() {
        let bytes = codec::encode(&sample(b"sealed".to_vec()));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let believed = codec::decode::<Record>(&changed)
                .is_ok_and(|record| record.verify(&Ed25519).is_ok());
            assert!(!believed, "bit {bit}");
        }
    }

    #[test]
    fn a_record_of_a_newer_version_is_named_as_such() {
        let mut record = sample(Vec::new());
        record.statement.version = 2;
        assert_eq!(record.verify(&Ed25519), Err(RecordError::Version(2)));
    }

    crate::decoding::decoder_tests! {
        record: Record = sample(b"sealed".to_vec());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
            if let Ok(record) = codec::decode::<Record>(&bytes) {
                let _ = record.verify(&Ed25519);
            }
        }

        #[test]
        fn records_round_trip(payload in proptest::collection::vec(any::<u8>(), 0..=PAYLOAD_BYTES_MAX), sequence: u64, expires: u64) {
            let record = Record::sign(&Ed25519, &secret(), Terms { sequence, expires: Time(expires), ..terms(payload) }).expect("within bounds");
            let read: Record = codec::decode(&codec::encode(&record)).expect("our own bytes");
            prop_assert_eq!(read.verify(&Ed25519), Ok(()));
            prop_assert_eq!(read, record);
        }
    }
}
