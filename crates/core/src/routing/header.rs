//! The header of every stream of `kith/1` but the control stream: what its opener would speak, and what the other side picks.
//!
//! Both are canonical CBOR ([`crate::codec`]) behind their length, a big-endian `u32`. `negotiate.rs` picks.

use minicbor::{Decode, Encode};
use thiserror::Error;

use super::wire::FrameError;
use crate::codec::{self, DecodeError, Wire};
use crate::protocol::{NAME_BYTES_MAX, ProtocolName};

/// The most protocol names offered for one stream: versions of a few protocols that would all do.
pub const OFFERS_MAX: usize = 16;

/// The header of a stream: what its opener would speak on it, in order of preference.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Offer(#[n(0)] Vec<ProtocolName>);

impl Wire for Offer {
    const BYTES_MAX: usize = 3 + OFFERS_MAX * (NAME_BYTES_MAX + 2);
}

impl Offer {
    /// Offers `names`, the most preferred first; `None` unless there are 1 to [`OFFERS_MAX`].
    pub fn new(names: Vec<ProtocolName>) -> Option<Self> {
        (1..=OFFERS_MAX)
            .contains(&names.len())
            .then_some(Self(names))
    }

    /// The names, the most preferred first.
    pub fn names(&self) -> &[ProtocolName] {
        &self.0
    }

    /// Whether the opener may send data right behind the offer, without waiting for the answer: there is only one name
    /// the data can be in.
    pub fn is_certain(&self) -> bool {
        self.0.len() == 1
    }

    /// The offer's bytes, behind their length.
    pub fn framed(&self) -> Vec<u8> {
        codec::frame(&codec::encode(self))
    }

    /// Reads an offer's body (without its length; the length's limit is [`Wire::BYTES_MAX`]).
    ///
    /// # Errors
    /// [`FrameError`] when it is malformed, empty, or has too many names.
    pub fn read(body: &[u8]) -> Result<Self, FrameError> {
        let Self(names) = codec::decode(body)?;
        Self::new(names).ok_or(FrameError::Bound("the number of offers"))
    }
}

/// The other side's answer to an [`Offer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// It speaks the offered name with this index, counted from 0.
    #[n(0)]
    Picked(#[n(0)] u8),
    /// It speaks none of them here.
    #[n(1)]
    Refused(#[n(0)] Refusal),
}

/// Why none of the offered names was picked. A stranger is only ever told [`Refusal::Unsupported`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Refusal {
    /// Not spoken here, or not with this asker, who is not told which.
    #[n(0)]
    Unsupported,
    /// Spoken here, but not with this asker.
    #[n(1)]
    NotAllowed,
    /// Spoken with this asker, but there is no room for one more stream now.
    #[n(2)]
    Busy,
}

impl Wire for Answer {
    /// Two array heads, an index and a number of one byte with its head.
    const BYTES_MAX: usize = 5;
}

impl Answer {
    /// The answer's bytes, behind their length.
    pub fn framed(&self) -> Vec<u8> {
        codec::frame(&codec::encode(self))
    }

    /// Reads an answer's body to `offer`, and gives the name that was picked.
    ///
    /// # Errors
    /// [`AnswerError`] when it is malformed, a refusal, or picks what was not offered.
    pub fn read<'offer>(
        body: &[u8],
        offer: &'offer Offer,
    ) -> Result<&'offer ProtocolName, AnswerError> {
        match codec::decode(body)? {
            Self::Picked(index) => offer
                .names()
                .get(usize::from(index))
                .ok_or(AnswerError::NotOffered),
            Self::Refused(refusal) => Err(AnswerError::Refused(refusal)),
        }
    }
}

/// Why a stream has no protocol.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// Not a canonical answer.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The other side speaks none of the offered names here.
    #[error("the other side refused: {0:?}")]
    Refused(Refusal),
    /// It picked an index beyond the offer.
    #[error("the other side picked a protocol that was not offered")]
    NotOffered,
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;

    fn names(texts: &[&str]) -> Vec<ProtocolName> {
        texts
            .iter()
            .map(|text| text.parse().expect("a valid name"))
            .collect()
    }

    #[test]
    fn golden_stream_headers() {
        let offer = Offer::new(names(&["/a/2", "/a/1"])).expect("two names");
        assert_eq!(
            HEXLOWER.encode(&offer.framed()),
            "0000000b82642f612f32642f612f31"
        );
        assert_eq!(
            HEXLOWER.encode(&Answer::Picked(1).framed()),
            "0000000482008101"
        );
        for (refusal, golden) in [
            (Refusal::Unsupported, "0000000482018100"),
            (Refusal::NotAllowed, "0000000482018101"),
            (Refusal::Busy, "0000000482018102"),
        ] {
            let answer = Answer::Refused(refusal);
            assert_eq!(HEXLOWER.encode(&answer.framed()), golden);
        }
    }

    #[test]
    fn the_largest_offer_fits() {
        let longest = format!("/{}", "a".repeat(NAME_BYTES_MAX - 1));
        let offer = Offer::new(names(&vec![longest.as_str(); OFFERS_MAX])).expect("within bounds");
        let framed = offer.framed();
        assert_eq!(
            framed.len() - codec::FRAME_HEADER_BYTES,
            Offer::BYTES_MAX - 2
        );
        assert_eq!(Offer::read(&framed[codec::FRAME_HEADER_BYTES..]), Ok(offer));
    }

    #[test]
    fn no_names_and_too_many_are_no_offer() {
        assert_eq!(Offer::new(Vec::new()), None);
        assert_eq!(Offer::new(names(&vec!["/a"; OFFERS_MAX + 1])), None);
        let empty = codec::encode(&Offer(Vec::new()));
        assert!(matches!(Offer::read(&empty), Err(FrameError::Bound(_))));
    }

    #[test]
    fn an_answer_beyond_the_offer_is_an_error() {
        let offer = Offer::new(names(&["/a/2", "/a/1"])).expect("two names");
        let read = |answer: Answer| Answer::read(&codec::encode(&answer), &offer);
        assert_eq!(read(Answer::Picked(1)), Ok(&offer.names()[1]));
        assert_eq!(read(Answer::Picked(2)), Err(AnswerError::NotOffered));
        assert_eq!(
            read(Answer::Refused(Refusal::Busy)),
            Err(AnswerError::Refused(Refusal::Busy))
        );
    }

    crate::decoding::decoder_tests! {
        offer: Offer = Offer::new(names(&["/a/1", "/b"])).expect("two names");
        picked: Answer = Answer::Picked(1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            if let Ok(offer) = Offer::read(&bytes) {
                let _ = Answer::read(&bytes, &offer);
            }
            let any = Offer::new(names(&["/a"])).expect("one name");
            let _ = Answer::read(&bytes, &any);
        }
    }
}
