//! What a sealed address must keep: its size, its secret, its bounds.

use std::net::SocketAddr;

use data_encoding::HEXLOWER;
use proptest::prelude::*;

use super::*;
use crate::crypto::Ed25519;
use crate::ids::{DeviceKey, TlsPin};
use crate::introducer::{Ports, Trust};

const REACH: [u8; 32] = [7; 32];
const NOW: Time = Time(86_400_000 * 20_000 + 43_200_000);

fn introducer(byte: u8) -> Introducer {
    let addresses = ["203.0.113.5", "2001:db8::1"].map(|text| text.parse().expect("literal"));
    let ports = Ports {
        tcp: 7118,
        udp: 7119,
        discovery: 7120,
    };
    let trust = Trust::Pin(TlsPin([byte; 32]));
    Introducer::new(DeviceKey([byte; 32]), addresses.to_vec(), ports, trust)
}

fn route(byte: u8, addresses: usize, relays: usize) -> Route {
    let address = |n: usize| -> SocketAddr {
        let text = if n.is_multiple_of(2) {
            format!("203.0.113.{n}:4001{n}")
        } else {
            format!("[2001:db8:1234:5678:9abc:def0:1234:{n}]:4001{n}")
        };
        text.parse().expect("literal")
    };
    Route {
        device: DeviceKey([byte; 32]),
        addresses: (0..addresses).map(address).collect(),
        relays: (0..relays)
            .map(|n| introducer(u8::try_from(n).expect("few")).relay_url())
            .collect(),
    }
}

fn address(binding: usize, contact: Route, public: Option<Route>, lines: u8) -> AddressRecord {
    let introducers = (0..lines).map(introducer).collect();
    AddressRecord::new(0, vec![9; binding], Some(contact), public, introducers, NOW)
        .expect("within bounds")
}

/// For whom is not told the contact face.
fn public_only(binding: usize, relays: usize, lines: u8) -> AddressRecord {
    let introducers = (0..lines).map(introducer).collect();
    let public = Some(route(3, 0, relays));
    AddressRecord::new(0, vec![9; binding], None, public, introducers, NOW).expect("within bounds")
}

fn envelope(day: Day) -> Envelope<'static> {
    Envelope {
        reach: &REACH,
        writer: PeerId([1; 32]),
        day,
    }
}

fn seal(address: &AddressRecord) -> Record {
    let mut random = Random::new([5; 32]);
    address
        .seal(
            &Ed25519,
            &mut random,
            envelope(NOW.day()),
            NOW.0,
            NOW + CLOCK_SKEW_MAX,
        )
        .expect("within bounds")
}

#[test]
fn a_real_address_fits_untrimmed() {
    let (contact, public) = (route(2, 6, 2), Some(route(3, 0, 2)));
    let address = address(300, contact.clone(), public.clone(), 1);
    let bytes = codec::encode(&address).len();
    assert!(bytes <= ADDRESS_BYTES_MAX, "{bytes}");
    assert_eq!(address.contact, Some(contact));
    assert_eq!((address.public, address.introducers.len()), (public, 1));
}

#[test]
fn sealed_sizes_are_constant() {
    let small = seal(&address(0, Route::new(DeviceKey([2; 32])), None, 0));
    let large = seal(&address(512, route(2, 8, 4), Some(route(3, 0, 4)), 4));
    assert_eq!(small.payload().len(), PAYLOAD_BYTES_MAX);
    assert_eq!(codec::encode(&small).len(), codec::encode(&large).len());
}

#[test]
fn surplus_goes_in_order_of_use() {
    let full = address(300, route(2, 8, 2), Some(route(3, 0, 2)), 4);
    let lines = full.introducers.len();
    let relays = full.public.as_ref().map(|public| public.relays.len());
    let places = |of: &AddressRecord| {
        let contact = of.contact.clone().expect("it is told");
        (contact.addresses, contact.relays.len())
    };
    assert_eq!(places(&full), (route(2, 4, 0).addresses, 2));
    assert_eq!((relays, lines), (Some(1), 2));
    let crowded = address(BINDING_BYTES_MAX, route(2, 8, 2), Some(route(3, 0, 2)), 4);
    assert!(crowded.public.is_none());
    assert_eq!(places(&crowded), (route(2, 4, 0).addresses, 2));
    assert!(codec::encode(&crowded).len() <= ADDRESS_BYTES_MAX);
}

#[test]
fn what_was_fitted_still_fits_at_any_later_time() {
    let mut fitted = AddressRecord::new(
        0,
        vec![9; BINDING_BYTES_MAX],
        Some(route(2, 8, 4)),
        Some(route(3, 0, 4)),
        (0..4).map(introducer).collect(),
        Time(0),
    )
    .expect("within bounds");
    fitted.at = Time(u64::MAX);
    assert_eq!(seal(&fitted).payload().len(), PAYLOAD_BYTES_MAX);
}

#[test]
fn the_largest_parts_leave_at_least_a_relay() {
    let mut contact = route(2, 8, 0);
    contact.relays = vec!["x".repeat(crate::address::RELAY_URL_BYTES_MAX); 4];
    let address = address(BINDING_BYTES_MAX, contact, None, 4);
    let contact = address.contact.as_ref().expect("it is told");
    assert_eq!(contact.relays.len(), 1);
    assert!(codec::encode(&address).len() <= ADDRESS_BYTES_MAX);
}

#[test]
fn a_contact_opens_what_was_sealed_for_it() {
    for address in [
        address(300, route(2, 6, 2), Some(route(3, 0, 1)), 1),
        public_only(300, 2, 1),
    ] {
        let opened = AddressRecord::open(&Ed25519, envelope(NOW.day()), &seal(&address), NOW);
        assert_eq!(opened, Ok(address));
    }
}

#[test]
fn one_that_tells_no_contact_face_looks_like_any_other_and_keeps_a_relay() {
    let full = seal(&address(300, route(2, 6, 2), Some(route(3, 0, 1)), 1));
    let bare = seal(&public_only(300, 2, 1));
    assert_eq!(codec::encode(&full).len(), codec::encode(&bare).len());

    let mut public = route(3, 0, 0);
    public.relays = vec!["x".repeat(crate::address::RELAY_URL_BYTES_MAX); 4];
    let introducers = (0..4).map(introducer).collect();
    let binding = vec![9; BINDING_BYTES_MAX];
    let crowded = AddressRecord::new(0, binding, None, Some(public), introducers, NOW);
    let crowded = crowded.expect("within bounds");
    assert!(codec::encode(&crowded).len() <= ADDRESS_BYTES_MAX);
    assert_eq!(crowded.public.map(|public| public.relays.len()), Some(1));

    let nowhere = AddressRecord::new(0, Vec::new(), None, None, Vec::new(), NOW);
    assert_eq!(nowhere, Err(AddressError::Bounds("no face")));
}

#[test]
fn a_non_contact_cannot_open_or_link_two_days_locators() {
    let address = address(300, route(2, 6, 2), None, 1);
    let record = seal(&address);
    let stranger = Envelope {
        reach: &[8; 32],
        ..envelope(NOW.day())
    };
    let opened = AddressRecord::open(&Ed25519, stranger, &record, NOW);
    assert_eq!(opened, Err(AddressError::Elsewhere));

    let tomorrow = Day(NOW.day().0 + 1);
    let mut random = Random::new([6; 32]);
    let next = address
        .seal(
            &Ed25519,
            &mut random,
            envelope(tomorrow),
            NOW.0 + 1,
            NOW + CLOCK_SKEW_MAX,
        )
        .expect("within bounds");
    assert_ne!(record.locator(), next.locator());
    assert_ne!(record.slot(), next.slot());
    let bytes = (codec::encode(&record), codec::encode(&next));
    let needles: [&[u8]; 4] = [&[9; 8], &[2; 8], &[1; 8], b"relay.kith"];
    for needle in needles {
        for bytes in [&bytes.0, &bytes.1] {
            assert!(!bytes.windows(needle.len()).any(|window| window == needle));
        }
    }
    let common = record
        .payload()
        .windows(6)
        .filter(|window| next.payload().windows(6).any(|other| other == *window));
    assert_eq!(common.count(), 0, "equal plaintexts share no ciphertext");
}

#[test]
fn an_expired_record_is_refused_only_past_the_skew_of_clocks() {
    let record = seal(&address(0, route(2, 1, 0), None, 0));
    let edge = record.expires() + CLOCK_SKEW_MAX;
    let open = |now| AddressRecord::open(&Ed25519, envelope(NOW.day()), &record, now);
    assert!(open(Time(edge.0 - 1)).is_ok());
    assert_eq!(open(edge), Err(AddressError::Expired));
}

#[test]
fn a_crooked_introducer_is_refused_by_writer_and_reader() {
    let mut address = address(0, route(2, 1, 0), None, 1);
    address.introducers[0].trust = Trust::Domain("evil.example/path?".into());
    assert!(matches!(
        address.check(),
        Err(AddressError::Bounds("a crooked introducer"))
    ));
}

#[test]
fn a_role_or_binding_beyond_its_bound_is_refused() {
    let make = |role, binding| {
        let contact = Route::new(DeviceKey([2; 32]));
        AddressRecord::new(role, vec![0; binding], Some(contact), None, Vec::new(), NOW)
    };
    assert!(make(ROLES_MAX - 1, BINDING_BYTES_MAX).is_ok());
    assert!(make(ROLES_MAX, 0).is_err());
    assert!(make(0, BINDING_BYTES_MAX + 1).is_err());
}

#[test]
fn an_address_of_the_first_version_keeps_its_bytes() {
    let golden = concat!(
        "87010042090983582002020202020202020202020202020202020202020202020202020202020202",
        "028282008244cb007100199c4a8201825020010db8123456789abcdef012340001199c4b81820183",
        "5820000000000000000000000000000000000000000000000000000000000000000082820044cb00",
        "710582015020010db8000000000000000000000001191bce83582003030303030303030303030303",
        "03030303030303030303030303030303030303808081870158200000000000000000000000000000",
        "00000000000000000000000000000000000082820044cb00710582015020010db800000000000000",
        "0000000001191bce191bcf191bd08200815820000000000000000000000000000000000000000000",
        "00000000000000000000001b000001925766ae00",
    );
    let address = address(2, route(2, 2, 1), Some(route(3, 0, 0)), 1);
    assert_eq!(HEXLOWER.encode(&codec::encode(&address)), golden);
    let sealed = codec::encode(&seal(&address));
    let hash = "5af29e346f2f08dc595972b4114f3521ee453ff9387a4915233a95db7e7724d2";
    assert_eq!(blake3::hash(&sealed).to_hex().as_str(), hash);
}

#[test]
fn one_without_a_contact_face_keeps_its_bytes() {
    let golden = concat!(
        "870100420909f6835820030303030303030303030303030303030303030303030303030303030303",
        "030380818201835820000000000000000000000000000000000000000000000000000000000000000",
        "082820044cb00710582015020010db8000000000000000000000001191bce801b000001925766ae00",
    );
    let bytes = codec::encode(&public_only(2, 1, 0));
    assert_eq!(HEXLOWER.encode(&bytes), golden);
}

crate::decoding::decoder_tests! {
    address_form: AddressRecord = address(2, route(2, 2, 1), Some(route(3, 0, 0)), 1);
    address_of_the_public_face_form: AddressRecord = public_only(2, 1, 1);
}

proptest! {
    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..1000)) {
        if let Ok(address) = codec::decode::<AddressRecord>(&bytes) {
            let _ = address.check();
        }
        let _ = unpad(&bytes);
    }

    #[test]
    fn whatever_is_said_fits_and_opens(
        binding in 0..=BINDING_BYTES_MAX, addresses in 0..=8_usize, relays in 0..=4_usize,
        public in proptest::option::of(0..=4_usize), lines in 0..=4_u8,
    ) {
        let public = public.map(|relays| route(3, 0, relays));
        let address = address(binding, route(2, addresses, relays), public, lines);
        let opened = AddressRecord::open(&Ed25519, envelope(NOW.day()), &seal(&address), NOW);
        prop_assert_eq!(opened, Ok(address));
    }
}
