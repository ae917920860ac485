//! Presence on the local network: what the contact face says of itself by DNS-SD (RFC 6763).
//!
//! The instance's name follows from the contact DeviceKey and changes with it. Beside that key the TXT record
//! carries *tags*: one for each contact, derived from the pair's reach secret and the key. A contact recognises its tag and
//! so knows who is there; to everybody else tags are random numbers that change whenever the key does. Random tags fill
//! their count up to a multiple of [`TAGS_STEP`], so that it tells only roughly how many contacts somebody has.
//!
//! Copying somebody's advertisement gains nothing: the TLS handshake proves the key, the session's hello the peer.

use data_encoding::BASE32_NOPAD_NOCASE;

use crate::crypto::derive;
use crate::ids::{DeviceKey, PeerId};
use crate::random::Random;

/// The DNS-SD service type (RFC 6763 §7).
pub const SERVICE_TYPE: &str = "_kith._udp";

/// The most tags in an advertisement: 1,024 bytes, with which it still fits one Ethernet frame. Who has more contacts
/// than that is recognised by the others when *they* advertise.
pub const TAGS_MAX: usize = 128;

/// What the number of tags is a multiple of.
pub const TAGS_STEP: usize = 16;

/// The bytes of a tag: a chance of 2⁻⁴⁰ that one of 128 is taken for one of 10,000 contacts', which costs a dial that
/// fails.
pub const TAG_BYTES: usize = 8;

/// The characters of an instance's name: 12 bytes in base32.
pub const NAME_CHARS: usize = 20;

/// The TXT key of the version, first as RFC 6763 §6.7 asks for.
const KEY_VERSION: &str = "txtvers";
/// The TXT key of the contact DeviceKey.
const KEY_DEVICE: &str = "d";
/// What the TXT keys of the tags begin with: `t0`, `t1`, … each [`TAGS_STEP`] tags, within the 255 bytes of a TXT string.
const KEY_TAGS: &str = "t";
/// Which version of the advertisement this is.
const VERSION: &[u8] = b"1";

/// What one contact recognises another by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(pub [u8; TAG_BYTES]);

/// A contact as far as the LAN is concerned: who, and the pair's reach secret.
pub type Acquaintance<'a> = (PeerId, &'a [u8; 32]);

/// What a device says of itself on the LAN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertisement {
    /// The contact face's key.
    pub device: DeviceKey,
    /// Sorted, so that their order tells nothing; at most [`TAGS_MAX`].
    pub tags: Vec<Tag>,
}

impl Advertisement {
    /// What `me` advertises for the contact face `device`. Of more than [`TAGS_MAX`] contacts, the first are told.
    pub fn new<'a>(
        random: &mut Random,
        device: DeviceKey,
        me: PeerId,
        contacts: impl IntoIterator<Item = Acquaintance<'a>>,
    ) -> Self {
        let mut tags: Vec<Tag> = contacts
            .into_iter()
            .take(TAGS_MAX)
            .map(|(_, reach)| tag(reach, device, me))
            .collect();
        let padded = tags.len().next_multiple_of(TAGS_STEP).max(TAGS_STEP);
        tags.resize_with(padded, || Tag(random.bytes()));
        tags.sort_unstable();
        Self { device, tags }
    }

    /// The instance's name, [`NAME_CHARS`] long.
    pub fn instance_name(&self) -> String {
        instance_name(self.device)
    }

    /// The TXT record: keys and values in order.
    pub fn to_txt(&self) -> Vec<(String, Vec<u8>)> {
        let mut entries = vec![
            (KEY_VERSION.to_owned(), VERSION.to_vec()),
            (KEY_DEVICE.to_owned(), self.device.as_bytes().to_vec()),
        ];
        let chunks = self.tags.chunks(TAGS_STEP).enumerate();
        entries.extend(chunks.map(|(index, tags)| {
            let value = tags.iter().flat_map(|tag| tag.0).collect();
            (format!("{KEY_TAGS}{index}"), value)
        }));
        entries
    }

    /// Reads a TXT record from the network; `None` when it is of another version or lacks a key. What it says of tags is
    /// read as far as it makes sense, and to [`TAGS_MAX`].
    pub fn from_txt<'a>(entries: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Option<Self> {
        let (mut version, mut device, mut tags) = (None, None, Vec::new());
        for (key, value) in entries {
            match key {
                KEY_VERSION => version = Some(value),
                KEY_DEVICE => device = value.try_into().ok().map(DeviceKey),
                _ if is_tags_key(key) => {
                    let room = TAGS_MAX - tags.len();
                    let (chunks, _) = value.as_chunks::<TAG_BYTES>();
                    tags.extend(chunks.iter().take(room).copied().map(Tag));
                }
                _ => {}
            }
        }
        tags.sort_unstable();
        (version == Some(VERSION)).then_some(())?;
        device.map(|device| Self { device, tags })
    }

    /// Which of `contacts` this is; `None` for a stranger.
    pub fn recognise<'a>(
        &self,
        contacts: impl IntoIterator<Item = Acquaintance<'a>>,
    ) -> Option<PeerId> {
        contacts.into_iter().find_map(|(peer, reach)| {
            let tag = tag(reach, self.device, peer);
            self.tags.binary_search(&tag).is_ok().then_some(peer)
        })
    }
}

/// The name under which the contact face `device` is advertised.
pub fn instance_name(device: DeviceKey) -> String {
    let derived = derive("kith/1 lan name", &[device.as_bytes()]);
    let mut name = BASE32_NOPAD_NOCASE.encode(&derived[..12]);
    name.make_ascii_lowercase();
    name
}

/// The tag by which the contact that shares `reach` with `writer` recognises the latter's device.
fn tag(reach: &[u8; 32], device: DeviceKey, writer: PeerId) -> Tag {
    let parts: [&[u8]; 3] = [reach, device.as_bytes(), writer.as_bytes()];
    let derived = derive("kith/1 lan tag", &parts);
    Tag(*derived.first_chunk().expect("32 bytes begin with eight"))
}

/// `t` and a number.
fn is_tags_key(key: &str) -> bool {
    key.strip_prefix(KEY_TAGS).is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ME: PeerId = PeerId([1; 32]);
    const CONTACT: PeerId = PeerId([2; 32]);
    const REACH: [u8; 32] = [3; 32];
    const OTHER_REACH: [u8; 32] = [4; 32];

    fn advertise(device: u8, reaches: &[[u8; 32]]) -> Advertisement {
        let contacts = reaches.iter().map(|reach| (CONTACT, reach));
        Advertisement::new(
            &mut Random::new([device; 32]),
            DeviceKey([device; 32]),
            ME,
            contacts,
        )
    }

    #[test]
    fn only_a_contact_recognises_an_advertisement() {
        let advertisement = advertise(9, &[OTHER_REACH, REACH]);
        assert_eq!(advertisement.recognise([(ME, &REACH)]), Some(ME));
        assert_eq!(advertisement.recognise([(ME, &[5; 32])]), None);
        assert_eq!(
            advertisement.recognise([(CONTACT, &REACH)]),
            None,
            "my own tag is not my contact's"
        );
        let listed = [(CONTACT, &[5; 32]), (ME, &REACH)];
        assert_eq!(advertisement.recognise(listed), Some(ME));
    }

    #[test]
    fn name_and_tags_change_with_the_device_key() {
        let (today, tomorrow) = (advertise(9, &[REACH]), advertise(10, &[REACH]));
        assert_ne!(today.instance_name(), tomorrow.instance_name());
        assert!(today.tags.iter().all(|tag| !tomorrow.tags.contains(tag)));
        let copied = Advertisement {
            device: tomorrow.device,
            tags: today.tags,
        };
        assert_eq!(copied.recognise([(ME, &REACH)]), None);
    }

    #[test]
    fn the_number_of_tags_tells_contacts_only_in_steps() {
        for (contacts, tags) in [(0, 16), (1, 16), (16, 16), (17, 32), (128, 128), (200, 128)] {
            let reaches: Vec<[u8; 32]> = (0..contacts).map(|n| [n; 32]).collect();
            let advertisement = advertise(9, &reaches);
            assert_eq!(advertisement.tags.len(), tags, "{contacts} contacts");
            assert!(advertisement.tags.is_sorted());
        }
    }

    #[test]
    fn the_largest_txt_record_keeps_the_limits_of_dns_sd() {
        let advertisement = advertise(9, &[REACH; TAGS_MAX]);
        let entries = advertisement.to_txt();
        let sizes = entries
            .iter()
            .map(|(key, value)| key.len() + value.len() + 2);
        assert!(sizes.clone().all(|size| size <= 256));
        assert!(sizes.sum::<usize>() <= 1300, "RFC 6763 §6.2");
        assert_eq!(advertisement.instance_name().len(), NAME_CHARS);
        let pairs = entries.iter().map(|(key, value)| (&**key, &**value));
        assert_eq!(Advertisement::from_txt(pairs), Some(advertisement));
    }

    #[test]
    fn a_record_of_another_version_or_without_a_key_is_passed_over() {
        let key: (&str, &[u8]) = ("d", &[9; 32]);
        assert!(Advertisement::from_txt([("txtvers", &b"1"[..]), key]).is_some());
        assert!(Advertisement::from_txt([("txtvers", &b"2"[..]), key]).is_none());
        assert!(Advertisement::from_txt([key]).is_none());
        assert!(Advertisement::from_txt([("txtvers", &b"1"[..])]).is_none());
        assert!(Advertisement::from_txt([("txtvers", &b"1"[..]), ("d", &[9; 31])]).is_none());
    }

    #[test]
    fn an_advertisement_of_the_first_version_keeps_its_bytes() {
        let advertisement = advertise(9, &[REACH]);
        assert_eq!(advertisement.instance_name(), "2ggp6c4flfjx4hidec4a");
        let tag = tag(&REACH, DeviceKey([9; 32]), ME);
        assert_eq!(data_encoding::HEXLOWER.encode(&tag.0), "b6c1a10ca528d0aa");
    }

    proptest! {
        #[test]
        fn no_txt_record_makes_the_reader_panic_or_exceed_its_bound(
            entries in proptest::collection::vec(("(txtvers|d|t[0-9]{0,3}|.{0,4})", proptest::collection::vec(any::<u8>(), 0..300)), 0..40)
        ) {
            let pairs = entries.iter().map(|(key, value)| (&**key, &**value));
            let read = Advertisement::from_txt(pairs);
            prop_assert!(read.is_none_or(|advertisement| advertisement.tags.len() <= TAGS_MAX));
        }
    }
}
