//! What every decoder promises, as checks the targets share: no bytes panic, and what is accepted has one form only.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use kith_core::codec::{self, Wire};

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
    T: FromStr<Err: Debug> + Display + PartialEq + Debug,
{
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(value) = text.parse::<T>() {
        let again = value.to_string().parse::<T>();
        let again = again.expect("what is written is read");
        assert_eq!(again, value);
    }
}
