//! What a node and a registry say to each other, in [`REGISTRY_PROTOCOL`]: on a stream, requests and answers in turn, each
//! framed by its length ([`crate::codec::frame`]).
//!
//! The version is the protocol's, negotiated with the stream; records carry their own. One request names one locator: a
//! list of them would tell the introducer which belong to the same person.

use std::time::Duration;

use minicbor::{Decode, Encode};

use crate::codec::{self, DecodeError, Wire};
use crate::ids::Locator;

use super::record::Record;

/// The protocol's name, under the introducer's own key.
pub const REGISTRY_PROTOCOL: &str = "/kith/registry/1";

/// The most records under one locator, and so in one answer: devices of a peer are few; what fills it are replies to
/// a reusable invite, which are fetched and answered long before.
pub const RECORDS_PER_LOCATOR_MAX: usize = 64;

/// What a node asks for.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Request {
    /// Keep this record and give it to whoever asks for its locator.
    #[n(0)]
    Publish(#[n(0)] Record),
    /// What stands under this locator?
    #[n(1)]
    Lookup(#[n(0)] Locator),
}

/// What a registry answers.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// The record is kept.
    #[n(0)]
    Kept,
    /// What stands there, at most [`RECORDS_PER_LOCATOR_MAX`], unverified.
    #[n(1)]
    Records(#[n(0)] Vec<Record>),
    /// No.
    #[n(2)]
    Refused(#[n(0)] Refusal),
}

/// Why a registry refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Not a request, or a record that does not verify.
    #[n(0)]
    #[error("the request is malformed or its signature wrong")]
    Invalid,
    /// The record has expired, by the registry's clock.
    #[n(1)]
    #[error("the record has expired")]
    Expired,
    /// The record would stay longer than the registry keeps any.
    #[n(2)]
    #[error("the record would stay too long")]
    TooLong,
    /// There is a newer one in its slot.
    #[n(3)]
    #[error("a newer record is there already")]
    Stale {
        /// The sequence of the one there.
        #[n(0)]
        newest: u64,
    },
    /// The client holds as many records as it may, or the locator does.
    #[n(4)]
    #[error("no more records may be left here")]
    Quota,
    /// The client asks too often.
    #[n(5)]
    #[error("too many requests; again in {retry_ms} ms")]
    Busy {
        /// When to ask again, in milliseconds.
        #[n(0)]
        retry_ms: u64,
    },
}

impl Wire for Request {
    const BYTES_MAX: usize = 4 + Record::BYTES_MAX;
}

impl Wire for Answer {
    const BYTES_MAX: usize = 8 + RECORDS_PER_LOCATOR_MAX * Record::BYTES_MAX;
}

impl Request {
    /// The bytes of one frame.
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads one frame's bytes.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        codec::decode(bytes)
    }
}

impl Answer {
    /// The bytes of one frame.
    pub fn to_bytes(&self) -> Vec<u8> {
        codec::encode(self)
    }

    /// Reads one frame's bytes.
    ///
    /// # Errors
    /// [`DecodeError`], also for more than [`RECORDS_PER_LOCATOR_MAX`] records.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        match codec::decode(bytes)? {
            Self::Records(records) if records.len() > RECORDS_PER_LOCATOR_MAX => Err(
                DecodeError::Malformed(format!("{} records in one answer", records.len())),
            ),
            answer => Ok(answer),
        }
    }
}

impl Refusal {
    /// When to ask again; `None` where asking again changes nothing.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_ms } => Some(Duration::from_millis(*retry_ms)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::{Ed25519, SecretKey};
    use crate::discovery::record::{PAYLOAD_BYTES_MAX, Slot, Terms};
    use crate::time::Time;

    fn record(slot: u8, payload: usize) -> Record {
        let terms = Terms {
            slot: Slot([slot; 16]),
            sequence: u64::MAX,
            expires: Time(u64::MAX),
            payload: vec![0; payload],
        };
        Record::sign(&Ed25519, &SecretKey::from_bytes([1; 32]), terms).expect("within bounds")
    }

    #[test]
    fn requests_and_answers_of_the_first_version_keep_their_bytes() {
        let hex = |bytes: Vec<u8>| HEXLOWER.encode(&bytes);
        let lookup = Request::Lookup(Locator([5; 32]));
        assert_eq!(
            hex(lookup.to_bytes()),
            format!("8201815820{}", "05".repeat(32))
        );
        let publish = Request::Publish(record(2, 3));
        assert_eq!(
            hex(publish.to_bytes()),
            format!("820081{}", hex(codec::encode(&record(2, 3))))
        );
        assert_eq!(hex(Answer::Kept.to_bytes()), "820080");
        assert_eq!(hex(Answer::Records(Vec::new()).to_bytes()), "82018180");
        let refused = |refusal| hex(Answer::Refused(refusal).to_bytes());
        assert_eq!(refused(Refusal::Invalid), "820281820080");
        assert_eq!(refused(Refusal::Expired), "820281820180");
        assert_eq!(refused(Refusal::TooLong), "820281820280");
        assert_eq!(refused(Refusal::Stale { newest: 7 }), "82028182038107");
        assert_eq!(refused(Refusal::Quota), "820281820480");
        assert_eq!(refused(Refusal::Busy { retry_ms: 9 }), "82028182058109");
    }

    #[test]
    fn the_fullest_answer_fits_and_one_record_more_is_refused() {
        let full =
            |count: usize| Answer::Records(vec![record(1, PAYLOAD_BYTES_MAX); count]).to_bytes();
        assert!(Answer::from_bytes(&full(RECORDS_PER_LOCATOR_MAX)).is_ok());
        assert!(Answer::from_bytes(&full(RECORDS_PER_LOCATOR_MAX + 1)).is_err());
        let many_small = Answer::Records(vec![record(1, 0); RECORDS_PER_LOCATOR_MAX + 1]);
        assert!(matches!(
            Answer::from_bytes(&many_small.to_bytes()),
            Err(DecodeError::Malformed(_))
        ));
        let publish = Request::Publish(record(1, PAYLOAD_BYTES_MAX));
        assert_eq!(Request::from_bytes(&publish.to_bytes()), Ok(publish));
    }

    crate::decoding::decoder_tests! {
        publish: Request = Request::Publish(record(2, 3));
        lookup: Request = Request::Lookup(Locator([5; 32]));
        records: Answer = Answer::Records(vec![record(1, 3), record(2, 0)]);
        refused: Answer = Answer::Refused(Refusal::Busy { retry_ms: 9 });
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoders_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
            let _ = Request::from_bytes(&bytes);
            let _ = Answer::from_bytes(&bytes);
        }
    }
}
