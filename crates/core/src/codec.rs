//! The one codec for all that is stored, signed or sent: deterministic CBOR (RFC 8949 §4.2.1), strict on input.
//!
//! Values are CBOR arrays with integer positions (`minicbor` derives). Strict means: within the type's size,
//! nothing after the value, and *canonical*: encoding what was decoded gives back the very same bytes. So a value
//! has one encoding, and whoever signs or hashes one agrees with everybody else on what was signed.

use minicbor::{Decode, Encode};
use thiserror::Error;

/// A value with a wire form of bounded size.
pub trait Wire: Encode<()> + for<'b> Decode<'b, ()> {
    /// The largest encoding accepted, in bytes; checked before anything is decoded.
    const BYTES_MAX: usize;
}

/// Why bytes were refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Longer than the type allows.
    #[error("{actual} bytes where at most {limit} are allowed")]
    TooLarge {
        /// What arrived, in bytes.
        actual: usize,
        /// What the type allows, in bytes.
        limit: usize,
    },
    /// Not CBOR, cut short, or not of this type.
    #[error("malformed: {0}")]
    Malformed(String),
    /// A second encoding of the same value, or bytes after it.
    #[error("not in canonical form")]
    NotCanonical,
}

/// The canonical bytes of `value`.
pub fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).expect("writing to a Vec cannot fail")
}

/// Reads exactly one canonical `T`.
///
/// # Errors
/// [`DecodeError`] when the bytes are too many, malformed, or not the canonical form.
pub fn decode<T: Wire>(bytes: &[u8]) -> Result<T, DecodeError> {
    if bytes.len() > T::BYTES_MAX {
        return Err(DecodeError::TooLarge {
            actual: bytes.len(),
            limit: T::BYTES_MAX,
        });
    }
    let value: T =
        minicbor::decode(bytes).map_err(|error| DecodeError::Malformed(error.to_string()))?;
    if encode(&value) != bytes {
        return Err(DecodeError::NotCanonical);
    }
    Ok(value)
}

/// Makes a tuple struct around an array of bytes a CBOR byte string of exactly that length.
macro_rules! byte_string {
    ($name:ident, $length:literal) => {
        impl<C> minicbor::Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut minicbor::Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.bytes(&self.0)?.ok()
            }
        }

        impl<'b, C> minicbor::Decode<'b, C> for $name {
            fn decode(
                d: &mut minicbor::Decoder<'b>,
                ctx: &mut C,
            ) -> Result<Self, minicbor::decode::Error> {
                let bytes = minicbor::bytes::ByteArray::<$length>::decode(d, ctx)?;
                Ok(Self(bytes.into()))
            }
        }
    };
}
pub(crate) use byte_string;

/// The length prefix of a frame on a stream, in bytes.
pub const FRAME_HEADER_BYTES: usize = 4;

/// Prefixes `body` with its length (big-endian `u32`), as every message on a stream is framed.
pub fn frame(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("frames are bounded far below 4 GiB");
    let mut framed = Vec::with_capacity(FRAME_HEADER_BYTES + body.len());
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(body);
    framed
}

/// The length a frame header announces, checked against `limit` before anything is allocated.
///
/// # Errors
/// [`DecodeError::TooLarge`] when it announces more than `limit` bytes.
pub fn frame_length(header: [u8; FRAME_HEADER_BYTES], limit: usize) -> Result<usize, DecodeError> {
    let actual = u32::from_be_bytes(header) as usize;
    if actual > limit {
        Err(DecodeError::TooLarge { actual, limit })
    } else {
        Ok(actual)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Encode, Decode)]
    struct Pair(#[n(0)] u32, #[n(1)] String);
    impl Wire for Pair {
        const BYTES_MAX: usize = 16;
    }

    #[test]
    fn a_frame_has_the_golden_bytes() {
        assert_eq!(
            data_encoding::HEXLOWER.encode(&frame(b"hi")),
            "000000026869"
        );
    }

    #[test]
    fn a_value_has_exactly_one_encoding() {
        let bytes = encode(&Pair(7, "ab".into()));
        assert_eq!(decode::<Pair>(&bytes), Ok(Pair(7, "ab".into())));
        let long_integer = [0x82, 0x18, 0x07, 0x62, b'a', b'b'];
        assert_eq!(
            decode::<Pair>(&long_integer),
            Err(DecodeError::NotCanonical)
        );
        let indefinite = [0x9f, 0x07, 0x62, b'a', b'b', 0xff];
        assert_eq!(decode::<Pair>(&indefinite), Err(DecodeError::NotCanonical));
        let longer_array = [0x83, 0x07, 0x62, b'a', b'b', 0x00];
        assert_eq!(
            decode::<Pair>(&longer_array),
            Err(DecodeError::NotCanonical)
        );
    }

    #[test]
    fn trailing_and_missing_bytes_are_refused() {
        let mut bytes = encode(&Pair(7, "ab".into()));
        bytes.push(0);
        assert_eq!(decode::<Pair>(&bytes), Err(DecodeError::NotCanonical));
        assert!(matches!(
            decode::<Pair>(&bytes[..3]),
            Err(DecodeError::Malformed(_))
        ));
    }

    #[test]
    fn size_is_checked_before_decoding() {
        let error = decode::<Pair>(&[0; 17]).expect_err("seventeen bytes");
        assert_eq!(
            error,
            DecodeError::TooLarge {
                actual: 17,
                limit: 16
            }
        );
    }

    #[test]
    fn a_frame_that_announces_too_much_is_refused() {
        assert_eq!(frame(b"abc"), [0, 0, 0, 3, b'a', b'b', b'c']);
        assert_eq!(frame_length([0, 0, 0, 3], 3), Ok(3));
        assert!(frame_length([0xff; 4], 1024).is_err());
    }
}
