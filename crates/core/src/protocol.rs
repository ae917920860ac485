//! Protocol names: what two sides of a stream agree to speak (DESIGN §4).

use std::fmt;

use minicbor::{Decode, Encode};
use thiserror::Error;

/// The longest name, in bytes: four times the longest in use, and short enough that a list of 64 stays under 8 KiB.
pub const NAME_BYTES_MAX: usize = 128;

/// The most segments in a name; paths deeper than this are a mistake.
pub const NAME_SEGMENTS_MAX: usize = 8;

/// The name of a protocol: one to eight `/`-led segments of visible ASCII. Names match whole, never by prefix; a
/// last segment of the form `v?N(.N)*` is the version.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode)]
#[cbor(transparent)]
pub struct ProtocolName(#[n(0)] String);

/// Why a text is no protocol name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProtocolNameError {
    /// Does not begin with `/`.
    #[error("a protocol name begins with '/', as in /chat/1")]
    NoLeadingSlash,
    /// A segment has no characters.
    #[error("a protocol name has no empty segments")]
    EmptySegment,
    /// Not visible ASCII.
    #[error("a protocol name is visible ASCII without blanks")]
    NotVisibleAscii,
    /// Over [`NAME_BYTES_MAX`].
    #[error("a protocol name has at most {NAME_BYTES_MAX} bytes")]
    TooLong,
    /// Over [`NAME_SEGMENTS_MAX`].
    #[error("a protocol name has at most {NAME_SEGMENTS_MAX} segments")]
    TooManySegments,
}

impl ProtocolName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The version in the last segment, numbers from the most significant; `None` for a name without one.
    pub fn version(&self) -> Option<Vec<u64>> {
        let last = self.0.rsplit('/').next()?;
        let digits = last.strip_prefix('v').unwrap_or(last);
        digits.split('.').map(parse_number).collect()
    }

    /// The name without its version: what two versions of one protocol have in common.
    pub fn family(&self) -> &str {
        match self.version() {
            Some(_) => &self.0[..self.0.rfind('/').unwrap_or(0)],
            None => &self.0,
        }
    }
}

/// A decimal number of at least one digit, so that neither `+1` nor an empty text is a version.
fn parse_number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

impl std::str::FromStr for ProtocolName {
    type Err = ProtocolNameError;

    fn from_str(text: &str) -> Result<Self, ProtocolNameError> {
        if text.len() > NAME_BYTES_MAX {
            return Err(ProtocolNameError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(ProtocolNameError::NotVisibleAscii);
        }
        let segments = text
            .strip_prefix('/')
            .ok_or(ProtocolNameError::NoLeadingSlash)?;
        if segments.split('/').any(str::is_empty) {
            return Err(ProtocolNameError::EmptySegment);
        }
        if segments.split('/').count() > NAME_SEGMENTS_MAX {
            return Err(ProtocolNameError::TooManySegments);
        }
        Ok(Self(text.to_owned()))
    }
}

impl<'b, C> Decode<'b, C> for ProtocolName {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        d.str()?.parse().map_err(minicbor::decode::Error::custom)
    }
}

impl fmt::Display for ProtocolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ProtocolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::decoding::{damage, ensure_text_returns};

    fn name(text: &str) -> ProtocolName {
        text.parse().expect("a valid name")
    }

    #[test]
    fn versions_are_read_from_the_last_segment_only() {
        assert_eq!(name("/kith/swarm/1").version(), Some(vec![1]));
        assert_eq!(name("/doc/automerge/v2").version(), Some(vec![2]));
        assert_eq!(name("/a/v1.10.3").version(), Some(vec![1, 10, 3]));
        assert_eq!(name("/voice/rtp").version(), None);
        assert_eq!(name("/1/rtp").version(), None);
        assert_eq!(name("/a/v").version(), None);
        assert_eq!(name("/a/1.").version(), None);
        assert_eq!(name("/doc/automerge/v2").family(), "/doc/automerge");
        assert_eq!(name("/voice/rtp").family(), "/voice/rtp");
    }

    #[test]
    fn malformed_names_are_refused_each_for_its_reason() {
        let refused = |text: &str| text.parse::<ProtocolName>().expect_err("malformed");
        assert_eq!(refused("chat"), ProtocolNameError::NoLeadingSlash);
        assert_eq!(refused(""), ProtocolNameError::NoLeadingSlash);
        assert_eq!(refused("/"), ProtocolNameError::EmptySegment);
        assert_eq!(refused("/a//b"), ProtocolNameError::EmptySegment);
        assert_eq!(refused("/a b"), ProtocolNameError::NotVisibleAscii);
        assert_eq!(refused("/é"), ProtocolNameError::NotVisibleAscii);
        assert_eq!(
            refused("/1/2/3/4/5/6/7/8/9"),
            ProtocolNameError::TooManySegments
        );
        assert_eq!(
            refused(&format!("/{}", "a".repeat(128))),
            ProtocolNameError::TooLong
        );
        assert!(
            format!("/{}", "a".repeat(127))
                .parse::<ProtocolName>()
                .is_ok()
        );
    }

    proptest! {
        #[test]
        fn a_text_is_no_name_or_one_that_reads_back(text: String, damage in damage()) {
            let damaged = String::from_utf8(damage.done_to(b"/kith/share/1".to_vec()));
            for text in [Ok(text), damaged].into_iter().flatten() {
                ensure_text_returns::<ProtocolName>(&text)?;
                if let Ok(name) = text.parse::<ProtocolName>() {
                    prop_assert!(text.starts_with(name.family()));
                }
            }
        }
    }
}
