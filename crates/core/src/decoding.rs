//! What the tests ask of every decoder, stated once: [`decoder_tests`] for what has a wire form, [`text_tests`] for what
//! has a text form. The house (`tests/it/house/`) asks every `Wire` type for them.
//!
//! Random bytes hardly ever come behind the first byte of a format, so the tests also begin with a sound value and damage
//! it. What comes of that is refused, or is another value whose only encoding it is; it is never a panic.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;

use crate::codec::{self, Wire};

/// One way in which bytes change.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    /// A bit is flipped.
    Flip(Index, u8),
    /// A byte becomes another.
    Put(Index, u8),
    /// A byte comes in between.
    Insert(Index, u8),
    /// A byte is lost.
    Lose(Index),
    /// The end is lost, at least one byte.
    Cut(Index),
    /// Something follows.
    Extend(Vec<u8>),
}

/// Any damage.
pub(crate) fn damage() -> impl Strategy<Value = Damage> {
    let more = vec(any::<u8>(), 1..40);
    let parts = (0..6_u8, any::<Index>(), any::<u8>(), more);
    parts.prop_map(|(kind, at, byte, more)| match kind {
        0 => Damage::Flip(at, byte % 8),
        1 => Damage::Put(at, byte),
        2 => Damage::Insert(at, byte),
        3 => Damage::Lose(at),
        4 => Damage::Cut(at),
        _ => Damage::Extend(more),
    })
}

impl Damage {
    /// Does it to `bytes`, of which there is at least one.
    pub(crate) fn done_to(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let length = bytes.len();
        match self {
            Self::Flip(at, bit) => bytes[at.index(length)] ^= 1 << bit,
            Self::Put(at, byte) => bytes[at.index(length)] = *byte,
            Self::Insert(at, byte) => bytes.insert(at.index(length + 1), *byte),
            Self::Lose(at) => drop(bytes.remove(at.index(length))),
            Self::Cut(at) => bytes.truncate(at.index(length)),
            Self::Extend(more) => bytes.extend(more),
        }
        bytes
    }
}

/// Whatever the bytes are, they are refused, or within their bound and the one encoding of a value.
pub(crate) fn ensure_strict<T: Wire>(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(value) = codec::decode::<T>(bytes) {
        prop_assert!(bytes.len() <= T::BYTES_MAX, "over its bound");
        prop_assert_eq!(codec::encode(&value), bytes, "a second encoding");
    }
    Ok(())
}

/// A sound value is read; damaged it is refused or another, and refused for certain when its end is lost or something
/// follows.
pub(crate) fn ensure_damage_is_found<T: Wire>(
    sound: &T,
    damage: &Damage,
) -> Result<(), TestCaseError> {
    let sound = codec::encode(sound);
    prop_assert!(codec::decode::<T>(&sound).is_ok(), "not sound at all");
    let bytes = damage.done_to(sound);
    if matches!(damage, Damage::Cut(_) | Damage::Extend(_)) {
        prop_assert!(codec::decode::<T>(&bytes).is_err(), "{:?}", damage);
    }
    ensure_strict::<T>(&bytes)
}

/// Whatever the text is, it is refused, or written so that it reads back as the same value.
pub(crate) fn ensure_text_returns<T>(text: &str) -> Result<(), TestCaseError>
where
    T: FromStr + Display + PartialEq + Debug,
{
    if let Ok(value) = text.parse::<T>() {
        prop_assert_eq!(value.to_string().parse().ok(), Some(value));
    }
    Ok(())
}

/// The damaged text of a sound value is refused, or still that value (case and blanks do not matter): its checksum sees
/// to it.
pub(crate) fn ensure_typo_is_found<T>(sound: &T, damage: &Damage) -> Result<(), TestCaseError>
where
    T: FromStr + Display + PartialEq + Debug,
{
    let bytes = damage.done_to(sound.to_string().into_bytes());
    if let Some(read) = String::from_utf8(bytes)
        .ok()
        .and_then(|text| text.parse::<T>().ok())
    {
        prop_assert_eq!(&read, sound);
    }
    Ok(())
}

/// The property tests of wire forms: `name: Type = a sound value;` each.
macro_rules! decoder_tests {
    ($($name:ident: $type:ty = $sound:expr;)+) => {$(
        mod $name {
            use super::*;

            proptest::proptest! {
                #[test]
                fn any_bytes_are_refused_or_the_one_encoding_of_a_value(
                    bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600)
                ) {
                    $crate::decoding::ensure_strict::<$type>(&bytes)?;
                }

                #[test]
                fn a_damaged_value_is_refused_or_another(damage in $crate::decoding::damage()) {
                    let sound: $type = $sound;
                    $crate::decoding::ensure_damage_is_found(&sound, &damage)?;
                }
            }
        }
    )+};
}
pub(crate) use decoder_tests;

/// The property tests of text forms with a checksum: `name: Type = a sound value;` each.
macro_rules! text_tests {
    ($($name:ident: $type:ty = $sound:expr;)+) => {$(
        mod $name {
            use super::*;

            proptest::proptest! {
                #[test]
                fn any_text_is_refused_or_reads_back(
                    text in proptest::prelude::any::<String>(),
                    inside in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
                ) {
                    $crate::decoding::ensure_text_returns::<$type>(&text)?;
                    let sound = $crate::text::encode(<$type>::PREFIX, &inside);
                    $crate::decoding::ensure_text_returns::<$type>(&sound)?;
                }

                #[test]
                fn a_typo_is_found(damage in $crate::decoding::damage()) {
                    let sound: $type = $sound;
                    $crate::decoding::ensure_typo_is_found(&sound, &damage)?;
                }
            }
        }
    )+};
}
pub(crate) use text_tests;
