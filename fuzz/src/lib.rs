//! What every decoder promises, as checks the targets share: no bytes panic, and what is accepted has one form only.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use kith_core::codec::{self, Wire};
use kith_core::text;

/// Decodes `bytes` as a `T`; accepted bytes are within its bound and encode to themselves.
pub fn check_wire<T: Wire>(bytes: &[u8]) {
    if let Ok(value) = codec::decode::<T>(bytes) {
        assert!(bytes.len() <= T::BYTES_MAX, "over its own bound");
        assert!(codec::encode(&value) == bytes, "a second encoding");
    }
}

/// Reads `bytes` as the text of a `T`; what is accepted is written so that it reads back as the same value.
pub fn check_text<T>(bytes: &[u8])
where
    T: FromStr + Display + PartialEq + Debug,
{
    if let Ok(text) = std::str::from_utf8(bytes) {
        check_parse::<T>(text);
    }
}

/// Reads `bytes` as the text of a `T`, and as what stands behind the checksum of the form `prefix`, which no fuzzer guesses.
pub fn check_form<T>(prefix: &str, bytes: &[u8])
where
    T: FromStr + Display + PartialEq + Debug,
{
    check_text::<T>(bytes);
    let inside = &bytes[..bytes.len().min(FORM_BYTES_MAX)];
    check_parse::<T>(&text::encode(prefix, inside));
}

/// Keeps a form under the bound of its text, eight characters for five bytes.
const FORM_BYTES_MAX: usize = text::TEXT_CHARS_MAX / 2;

fn check_parse<T>(text: &str)
where
    T: FromStr + Display + PartialEq + Debug,
{
    if let Ok(value) = text.parse::<T>() {
        let again = value.to_string().parse::<T>().ok();
        assert_eq!(again, Some(value), "what is written is not read");
    }
}
