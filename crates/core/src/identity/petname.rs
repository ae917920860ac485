//! Petnames and tags: what I call people, and what I know them for. Names are never global (Zooko's triangle): the key
//! is global, the petname meaningful, and the safety words make the bond secure.
//!
//! A petname can be typed on a command line where `NAME/SHARE/PATH` and `NAME:SERVICE` have a meaning, so it holds
//! neither `/` nor `:`; and two names that a person would take for one are one (case, Unicode's compatible forms, joiners without width).

use std::fmt;

use minicbor::{Decode, Encode};
use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;

use super::visible;
use crate::ids::PeerId;

/// The longest petname, in bytes: the width of a line in a list of contacts.
pub const PETNAME_BYTES_MAX: usize = 64;

/// The longest tag, in bytes; as long as a petname.
pub const TAG_BYTES_MAX: usize = 64;

/// My name for a peer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode)]
#[cbor(transparent)]
pub struct Petname(#[n(0)] String);

/// A word that contacts are found by: where I know them from, what they are for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Encode)]
#[cbor(transparent)]
pub struct Tag(#[n(0)] String);

/// A form in which two names are equal that a person would take for one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Folded(String);

/// Why a text is no petname and no tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// Nothing to read.
    #[error("a name needs at least one character")]
    Empty,
    /// Over [`PETNAME_BYTES_MAX`].
    #[error("a name has at most {PETNAME_BYTES_MAX} bytes")]
    TooLong,
    /// A control character, or one that reverses or hides others.
    #[error(
        "a name has no control or invisible characters, and joiners only between letters or emoji"
    )]
    Invisible,
    /// `/` or `:`.
    #[error("a name has neither '/' nor ':'")]
    Reserved,
    /// Has no one lower-case form; a few rare characters do not.
    #[error("a tag with these characters has no single lower-case form")]
    Unstable,
    /// Begins as the text form of a key does, or as an option.
    #[error("a name begins neither with 'peer1' nor with '-'")]
    LooksLikeKey,
}

impl Petname {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form by which names are compared.
    pub fn folded(&self) -> Folded {
        fold(&self.0)
    }

    /// Makes a name of what a peer calls itself, leaving out what no name may have; falls back to the beginning of
    /// its key.
    pub fn suggested(text: &str, peer: &PeerId) -> Self {
        let kept = presentable(&text.replace(['/', ':'], ""));
        let kept = kept.trim().trim_start_matches('-');
        kept.parse().unwrap_or_else(|_| {
            let text = peer.to_string();
            Self(format!(
                "someone-{}",
                &text[PeerId::PREFIX.len() + 1..][..8]
            ))
        })
    }

    /// This name with a number behind it, cut to its bound.
    pub fn numbered(&self, number: usize) -> Self {
        let suffix = format!("-{number}");
        let begun = visible::cleaned(&self.0, PETNAME_BYTES_MAX - suffix.len());
        // Names of before may be nothing without what they hide.
        let name = Self::read(&format!("{begun}{suffix}"), visible::is_sound);
        name.unwrap_or_else(|_| Self(format!("someone{suffix}")))
    }
}

impl Petname {
    fn read(text: &str, is_allowed: fn(&str) -> bool) -> Result<Self, NameError> {
        let name = checked(text, is_allowed)?;
        let looks_like_key = fold(&name).0.starts_with("peer1");
        if looks_like_key || name.starts_with('-') {
            return Err(NameError::LooksLikeKey);
        }
        Ok(Self(name))
    }
}

impl Tag {
    fn read(text: &str, is_allowed: fn(&str) -> bool) -> Result<Self, NameError> {
        // Folding can bring forth what no name may have (℀ becomes a/c), so the folded form is what is checked.
        let folded = in_one_case(&checked(text, is_allowed)?);
        let tag = checked(&folded, is_allowed)?;
        if in_one_case(&tag) != folded {
            return Err(NameError::Unstable);
        }
        Ok(Self(tag))
    }

    /// The tag as text, folded.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The form in which `text` is compared with petnames.
pub fn fold(text: &str) -> Folded {
    Folded(in_one_case(&visible::without_joiners(text)))
}

fn in_one_case(text: &str) -> String {
    let lower = text.trim().nfkc().collect::<String>().to_lowercase();
    lower.nfkc().collect()
}

/// Whether a text that a peer calls itself may be carried in a format: within `PETNAME_BYTES_MAX`, nothing that reorders.
/// Empty means that it does not say.
pub fn is_presentable(text: &str) -> bool {
    text.len() <= PETNAME_BYTES_MAX && visible::is_carried(text)
}

/// Cuts what I call myself down to what a name may have, in `PETNAME_BYTES_MAX`.
pub fn presentable(text: &str) -> String {
    visible::cleaned(text.trim(), PETNAME_BYTES_MAX)
}

/// The text in its composed form (Unicode NFC), if it may be a name.
fn checked(text: &str, is_allowed: fn(&str) -> bool) -> Result<String, NameError> {
    // Composing at most triples the length; a text over thrice the bound cannot come to lie within it.
    if text.len() > 3 * PETNAME_BYTES_MAX {
        return Err(NameError::TooLong);
    }
    let name: String = text.trim().nfc().collect();
    if name.is_empty() {
        return Err(NameError::Empty);
    }
    if name.len() > PETNAME_BYTES_MAX {
        return Err(NameError::TooLong);
    }
    if !is_allowed(&name) {
        return Err(NameError::Invisible);
    }
    if name.contains(['/', ':']) {
        return Err(NameError::Reserved);
    }
    Ok(name)
}

/// Reads a name as it was checked, so that a stored one cannot be another than one that was typed; those of before may have what is given to nobody any more.
macro_rules! read_checked {
    ($($name:ident),*) => {$(
        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::read(text, visible::is_sound)
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                Self::read(d.str()?, visible::is_carried).map_err(minicbor::decode::Error::custom)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.0)
            }
        }
    )*};
}
read_checked!(Petname, Tag);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> Petname {
        text.parse().expect("a name")
    }

    #[test]
    fn names_that_look_alike_are_one() {
        assert_eq!(name("Ada").folded(), name(" ada ").folded());
        assert_eq!(name("ÉMILE").folded(), name("e\u{301}mile").folded());
        assert_ne!(name("Ada").folded(), name("Eda").folded());
        let (joined, plain) = (name("علی\u{200c}رضا"), name("علیرضا"));
        assert_eq!(joined.folded(), plain.folded());
        assert_ne!(joined, plain, "and each is kept as it is written");
    }

    #[test]
    fn a_name_of_before_is_read_as_it_is_and_not_given_again() {
        let bytes = minicbor::to_vec("a\u{3164}").expect("a text");
        let read: Petname = minicbor::decode(&bytes).expect("it was one");
        assert_eq!(read.as_str(), "a\u{3164}");
        assert_eq!(read.as_str().parse::<Petname>(), Err(NameError::Invisible));
        assert!(is_presentable("a\u{3164}") && !is_presentable("a\u{202e}"));
        assert!(is_presentable("علی\u{200c}رضا"));
    }

    #[test]
    fn texts_with_a_meaning_of_their_own_are_no_names() {
        let refused = |text: &str| text.parse::<Petname>().expect_err("no name");
        assert_eq!(refused("  "), NameError::Empty);
        assert_eq!(refused("a/b"), NameError::Reserved);
        assert_eq!(refused("a:b"), NameError::Reserved);
        assert_eq!(refused("a\u{202e}b"), NameError::Invisible);
        assert_eq!(refused("a\nb"), NameError::Invisible);
        assert_eq!(refused("Peer1abc"), NameError::LooksLikeKey);
        assert_eq!(refused("-rf"), NameError::LooksLikeKey);
        assert_eq!(refused(&"x".repeat(65)), NameError::TooLong);
        assert!("x".repeat(64).parse::<Petname>().is_ok());
    }

    #[test]
    fn a_name_that_a_peer_gives_itself_is_cleaned() {
        let peer = PeerId([7; 32]);
        assert_eq!(
            Petname::suggested("--Ada/Love\u{200b}", &peer).as_str(),
            "AdaLove"
        );
        let unnamed = Petname::suggested("", &peer);
        assert!(unnamed.as_str().starts_with("someone-"), "{unnamed}");
        assert_eq!(Petname::suggested("peer1x", &peer), unnamed);
        let long = Petname::suggested(&"x".repeat(1000), &peer);
        assert_eq!(long.as_str(), "x".repeat(PETNAME_BYTES_MAX));
    }

    #[test]
    fn a_name_of_before_gets_a_number_that_can_be_read_again() {
        for (before, numbered) in [
            ("\u{3164}", "someone-2"),
            ("\u{3164}bob", "bob-2"),
            ("\u{3164}-bob", "someone-2"),
            ("\u{3164}peer1", "someone-2"),
        ] {
            let before = Petname::read(before, visible::is_carried).expect("it was allowed");
            assert_eq!(before.numbered(2).as_str(), numbered);
        }
    }

    #[test]
    fn a_tag_is_stored_in_the_form_it_is_found_by() {
        let tag: Tag = "Straße ÉTÉ".parse().expect("a tag");
        assert_eq!(tag.as_str(), "straße été");
        // Folds to a blank with a mark, and the blank is trimmed.
        assert_eq!("\u{a8}".parse::<Tag>(), Err(NameError::Unstable));
        // Folds to what no name may have.
        assert_eq!("\u{2100}".parse::<Tag>(), Err(NameError::Reserved));
    }

    proptest! {
        #[test]
        fn suggestions_and_numbers_are_names(text in any::<String>(), number in 2..20_000usize) {
            let suggested = Petname::suggested(&text, &PeerId([7; 32]));
            prop_assert_eq!(suggested.as_str().parse(), Ok(suggested.clone()));
            let numbered = suggested.numbered(number);
            prop_assert!(numbered.as_str().len() <= PETNAME_BYTES_MAX);
            prop_assert_eq!(numbered.as_str().parse(), Ok(numbered.clone()));
            prop_assert!(is_presentable(&presentable(&text)));
        }

        #[test]
        fn checking_a_name_twice_changes_nothing(text in any::<String>()) {
            if let Ok(name) = text.parse::<Petname>() {
                prop_assert_eq!(name.as_str().parse(), Ok(name.clone()));
            }
            if let Ok(tag) = text.parse::<Tag>() {
                prop_assert_eq!(tag.as_str().parse(), Ok(tag.clone()));
            }
        }
    }
}
