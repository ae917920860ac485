//! Addresses of content, which let whoever has one read what it names, and nothing else.
//!
//! Pages of the app load pictures and films from the content's origin, to which no cookie goes. So the address itself is the permission
//! (a capability): what it names and until when, under a keyed hash of the node's own. Nothing is remembered; an address is good until it ends, also
//! after a restart.

use blake3::Hash;
use kith::core::data::path::DEPTH_MAX;
use kith::core::time::Time;

use crate::path::segment;

/// What the key is derived in (BLAKE3's key derivation).
const KEY_CONTEXT: &str = "kith web 1: addresses of content";

/// How long an address is good at least, in milliseconds: a day in front of an open page, and a bit.
const LIFE_MS: u64 = 26 * 60 * 60 * 1000;

/// Addresses made within this time end together, and are the same for the same content, so that a browser finds it among what it keeps.
const STEP_MS: u64 = 6 * 60 * 60 * 1000;

/// The digits of the keyed hash: 128 bits.
const HASH_DIGITS: usize = 32;

/// The most segments of a path: those of the deepest file of a share, and before them the address's own and up to three that say whose it is.
const SEGMENTS_MAX: usize = DEPTH_MAX + 4;

/// Makes addresses, and knows its own.
#[derive(Debug)]
pub(super) struct Capabilities {
    key: [u8; blake3::KEY_LEN],
}

/// An address below the content's origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Granted {
    /// Its path.
    pub(super) path: String,
    /// Until when it is good.
    pub(super) expires: Time,
}

impl Capabilities {
    /// Those of the node with this key.
    pub(super) fn new(key: &Hash) -> Self {
        let key = blake3::derive_key(KEY_CONTEXT, key.as_bytes());
        Self { key }
    }

    /// An address of what is at these segments of the API, and of all below.
    pub(super) fn grant(&self, segments: &[String], now: Time) -> Granted {
        let step = now.0.saturating_add(LIFE_MS) / STEP_MS + 1;
        let expires = Time(step.saturating_mul(STEP_MS));
        let hash = self.hash(segments, expires);
        let path: String = segments
            .iter()
            .map(|it| format!("/{}", segment(it)))
            .collect();
        let (count, seconds) = (segments.len(), expires.0 / 1000);
        Granted {
            path: format!("/{seconds:x}-{count:x}-{hash}{path}"),
            expires,
        }
    }

    /// What of the API an address leads to, without what it begins with; `None` where it is not one that is good now.
    pub(super) fn open(&self, path: &str, now: Time) -> Option<Vec<String>> {
        let mut segments = decoded(path)?;
        if segments.is_empty() {
            return None;
        }
        let token = segments.remove(0);
        let mut parts = token.split('-');
        let (seconds, count, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let expires = u64::from_str_radix(seconds, 16).ok()?.checked_mul(1000)?;
        let expires = Time(expires);
        let count = usize::from_str_radix(count, 16).ok()?;
        let granted = segments.get(..count)?;
        let is_own = is_same(&self.hash(granted, expires), hash) && parts.next().is_none();
        (is_own && now < expires).then_some(segments)
    }

    fn hash(&self, segments: &[String], expires: Time) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&expires.0.to_le_bytes());
        for segment in segments {
            hasher.update(&(segment.len() as u64).to_le_bytes());
            hasher.update(segment.as_bytes());
        }
        hasher.finalize().to_hex()[..HASH_DIGITS].to_owned()
    }
}

/// Whether two texts are the same, in a time that does not tell how far they are.
fn is_same(one: &str, other: &str) -> bool {
    blake3::hash(one.as_bytes()) == blake3::hash(other.as_bytes())
}

/// The segments of an absolute path (RFC 3986, section 3.3), as what they mean. `None` for what could be taken for another path by whoever
/// reads it next: steps up or on the spot, empty segments, separators and zero bytes within one. Other control characters may stand in names of shares, and
/// whoever writes a segment again encodes them.
pub(super) fn decoded(path: &str) -> Option<Vec<String>> {
    let path = path.strip_prefix('/')?;
    let segments: Option<Vec<String>> = path.split('/').map(decoded_segment).collect();
    segments.filter(|segments| segments.len() <= SEGMENTS_MAX)
}

fn decoded_segment(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let meant = match byte {
            b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                u8::try_from(high << 4 | low).ok()?
            }
            plain => plain,
        };
        bytes.push(meant);
    }
    let segment = String::from_utf8(bytes).ok()?;
    let is_sound =
        !matches!(segment.as_str(), "" | "." | "..") && !segment.contains(['/', '\\', '\0']);
    is_sound.then_some(segment)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Time = Time(1_700_000_000_000);

    fn capabilities() -> Capabilities {
        Capabilities::new(&Hash::from_bytes([7; 32]))
    }

    fn segments(path: &str) -> Vec<String> {
        decoded(path).expect("sound")
    }

    #[test]
    fn an_address_leads_to_what_it_names_and_below() {
        let capabilities = capabilities();
        let granted = capabilities.grant(&segments("/files/ann/day%201"), NOW);
        let open = |path: &str| capabilities.open(path, NOW);
        assert_eq!(open(&granted.path), Some(segments("/files/ann/day%201")));
        let below = format!("{}/sea/a.jpg", granted.path);
        assert_eq!(open(&below), Some(segments("/files/ann/day%201/sea/a.jpg")));
        let other = granted.path.replace("day", "night");
        assert_eq!(open(&other), None);
        let above = granted.path.replace("/day%201", "");
        assert_eq!(open(&above), None);
        let longer = granted.path.replace("-3-", "-2-");
        assert_eq!(open(&longer), None);
    }

    #[test]
    fn an_address_ends_and_is_the_same_for_hours() {
        let capabilities = capabilities();
        let granted = capabilities.grant(&segments("/files/ann/a"), NOW);
        assert!(granted.expires.0 - NOW.0 >= LIFE_MS);
        assert!(granted.expires.0 - NOW.0 <= LIFE_MS + STEP_MS);
        let last = Time(granted.expires.0 - 1);
        assert!(capabilities.open(&granted.path, last).is_some());
        assert!(capabilities.open(&granted.path, granted.expires).is_none());
        let again = capabilities.grant(&segments("/files/ann/a"), Time(NOW.0 + 1));
        assert_eq!(again.path, granted.path);
    }

    #[test]
    fn an_address_of_another_node_is_none() {
        let other = Capabilities::new(&Hash::from_bytes([8; 32]));
        let granted = other.grant(&segments("/files/ann/a"), NOW);
        assert_eq!(capabilities().open(&granted.path, NOW), None);
    }

    #[test]
    fn paths_that_could_be_others_are_none() {
        for path in [
            "",
            "a",
            "/",
            "//a",
            "/a//b",
            "/a/",
            "/..",
            "/%2e%2e/a",
            "/a/./b",
            "/a%2fb",
            "/a%5Cb",
            "/a%00",
            "/%",
            "/%4",
            "/%zz",
            "/%ff",
            "/%+1",
        ] {
            assert_eq!(decoded(path), None, "{path}");
        }
        assert_eq!(
            decoded("/ä%20%25/…"),
            Some(vec!["ä %".to_owned(), "…".to_owned()])
        );
    }

    #[test]
    fn any_file_that_a_share_can_have_has_an_address() {
        let capabilities = capabilities();
        let granted = capabilities.grant(&segments("/files/ann/holiday"), NOW);
        let opened = |names: &[&str]| {
            let path: String = names.iter().map(|it| format!("/{}", segment(it))).collect();
            let mut opened = capabilities.open(&format!("{}{path}", granted.path), NOW)?;
            Some(opened.split_off(3))
        };
        for name in [
            "line\nbreak.jpg",
            "bell\u{7}.jpg",
            "esc\u{1b}[2J.jpg",
            "\u{85}.jpg",
        ] {
            assert_eq!(opened(&[name]), Some(vec![name.to_owned()]), "{name:?}");
        }
        assert!(opened(&["d"; DEPTH_MAX]).is_some());
        assert_eq!(opened(&["d"; DEPTH_MAX + 1]), None);
    }

    proptest! {
        #[test]
        fn no_path_makes_it_panic_or_let_in(path in "/[0-9a-f%./-]{0,80}") {
            prop_assert_eq!(capabilities().open(&path, NOW), None);
        }
    }
}
