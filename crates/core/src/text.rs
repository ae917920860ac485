//! Text forms that survive being read aloud, typed and scanned: Bech32m (BIP 350), `<prefix>1<data><checksum>`.
//!
//! Any change of up to four characters in an id is found, and a longer form takes a wrong one with a chance of 2⁻³⁰; so a
//! typo is an error and never somebody else. What people hand each other (invites, links, introducers) is
//! written as a URI, `kith:<form>`; reading takes it with or without `kith:`, in either case, with blanks around it.

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Checksum, Fe1024, Hrp};
use thiserror::Error;

/// The scheme of everything handed over as text.
pub const SCHEME: &str = "kith:";

/// The longest text read, in characters: the capacity of the largest QR code in alphanumeric mode (4,296).
pub const TEXT_CHARS_MAX: usize = 4296;

/// Why a text is not the form it should be. Each says what a person can do about it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TextError {
    /// A valid form of another kind.
    #[error("this is a kith {found}, but a kith {expected} is needed here")]
    WrongKind {
        /// What was needed.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The checksum does not match, or there is a character that cannot be in it.
    #[error("this kith {0} is damaged: a character is wrong, missing or too many; copy it again")]
    Damaged(String),
    /// The right kind, but not as many bytes as it should hold.
    #[error("holds {0} bytes, which is the wrong length")]
    Length(usize),
    /// The right kind and undamaged, but this version cannot read what it holds.
    #[error("cannot be read: {0}")]
    Content(String),
}

/// Bech32m without its limit of 1,023 characters: an invite with addresses is longer. The guarantee for short
/// forms is kept, because the checksum is the same.
enum LongBech32m {}

impl Checksum for LongBech32m {
    type MidstateRepr = u32;
    type CorrectionField = Fe1024;
    const ROOT_GENERATOR: Fe1024 = Bech32m::ROOT_GENERATOR;
    const ROOT_EXPONENTS: core::ops::RangeInclusive<usize> = Bech32m::ROOT_EXPONENTS;
    const CODE_LENGTH: usize = TEXT_CHARS_MAX;
    const CHECKSUM_LENGTH: usize = Bech32m::CHECKSUM_LENGTH;
    const GENERATOR_SH: [u32; 5] = Bech32m::GENERATOR_SH;
    const TARGET_RESIDUE: u32 = Bech32m::TARGET_RESIDUE;
}

/// Writes `bytes` as `<prefix>1…`.
///
/// # Panics
/// When `prefix` is no Bech32 prefix or the text would exceed [`TEXT_CHARS_MAX`]: both are constants of the caller.
pub fn encode(prefix: &str, bytes: &[u8]) -> String {
    let prefix = Hrp::parse(prefix).expect("prefixes are constants");
    bech32::encode::<LongBech32m>(prefix, bytes).expect("forms are bounded by their types")
}

/// Writes `bytes` as `kith:<prefix>1…`.
pub fn encode_uri(prefix: &str, bytes: &[u8]) -> String {
    format!("{SCHEME}{}", encode(prefix, bytes))
}

/// Reads `[kith:]<prefix>1…`.
///
/// # Errors
/// [`TextError::WrongKind`] for another prefix, [`TextError::Damaged`] for anything that fails the checksum.
pub fn decode(prefix: &str, text: &str) -> Result<Vec<u8>, TextError> {
    let damaged = || TextError::Damaged(prefix.to_owned());
    let text = without_scheme(text);
    if text.len() > TEXT_CHARS_MAX {
        return Err(damaged());
    }
    let checked = CheckedHrpstring::new::<LongBech32m>(text).map_err(|_| damaged())?;
    if checked.hrp().to_lowercase() != prefix {
        return Err(TextError::WrongKind {
            expected: prefix.to_owned(),
            found: checked.hrp().to_lowercase(),
        });
    }
    Ok(checked.byte_iter().collect())
}

/// The text without blanks around it and without [`SCHEME`], where it begins so.
pub(crate) fn without_scheme(text: &str) -> &str {
    let text = text.trim();
    match text.get(..SCHEME.len()) {
        Some(scheme) if scheme.eq_ignore_ascii_case(SCHEME) => &text[SCHEME.len()..],
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_checksum_is_well_formed() {
        LongBech32m::sanity_check();
    }

    #[test]
    fn case_scheme_and_blanks_do_not_matter() {
        let text = encode_uri("invite", b"hello");
        assert_eq!(
            decode("invite", &format!(" {}\n", text.to_uppercase())),
            Ok(b"hello".to_vec())
        );
        assert_eq!(
            decode("invite", &text["kith:".len()..]),
            Ok(b"hello".to_vec())
        );
    }

    #[test]
    fn another_kind_is_named() {
        let text = encode("peer", b"x");
        let error = decode("invite", &text).expect_err("a peer is no invite");
        assert_eq!(
            error.to_string(),
            "this is a kith peer, but a kith invite is needed here"
        );
    }

    #[test]
    fn short_forms_agree_with_plain_bech32m() {
        let hrp = Hrp::parse("peer").expect("constant");
        let plain = bech32::encode::<Bech32m>(hrp, &[1; 32]).expect("short");
        assert_eq!(encode("peer", &[1; 32]), plain);
    }
}
