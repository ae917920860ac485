//! What a presence must hold to: contacts meet, whatever their clocks and wherever midnight; nobody else learns anything;
//! and none of it costs more than it must.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::address::Route;
use crate::codec;
use crate::crypto::Ed25519;
use crate::discovery::OwnFace;

mod clocks;
mod told;

const ALICE: PeerId = PeerId([1; 32]);
const BOB: PeerId = PeerId([2; 32]);
const REACH: [u8; 32] = [7; 32];
const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);
/// Noon of some day.
const NOON: Time = Time(86_400_000 * 20_000 + 43_200_000);

fn presence(me: PeerId, now: Time) -> Presence<Ed25519> {
    Presence::new(Ed25519, PresenceConfig { me, role: 0 }, me.0, now)
}

fn own(port: u16) -> OwnAddress {
    let mut contact = Route::new(DeviceKey([9; 32]));
    contact.addresses.push(([203, 0, 113, 5], port).into());
    OwnAddress {
        contact: OwnFace {
            binding: vec![3; 300],
            route: contact,
        },
        public: None,
        introducers: Vec::new(),
    }
}

/// Lets `presence` do all that is due until `end`; what comes out, with its time.
fn run(presence: &mut Presence<Ed25519>, end: Time) -> Vec<(Time, PresenceOutput)> {
    let mut outputs = Vec::new();
    let mut take = |presence: &mut Presence<Ed25519>, at| {
        outputs.extend(std::iter::from_fn(|| presence.poll_output()).map(|output| (at, output)));
    };
    take(presence, presence.now);
    while let Some(at) = presence.poll_timeout().filter(|at| *at <= end) {
        let at = at.max(presence.now);
        presence.handle_timeout(at);
        take(presence, at);
        assert!(
            presence.poll_timeout().is_none_or(|next| next > at),
            "it comes to rest"
        );
    }
    outputs
}

fn records(outputs: Vec<(Time, PresenceOutput)>) -> Vec<Record> {
    let record = |(_, output)| match output {
        PresenceOutput::Publish { record, .. } => Some(record),
        _ => None,
    };
    outputs.into_iter().filter_map(record).collect()
}

/// Alice, settled at noon, with Bob as her only contact; what she published.
fn settled() -> (Presence<Ed25519>, Vec<Record>) {
    let mut alice = presence(ALICE, NOON);
    alice.handle_contact_added(NOON, BOB, REACH, Told::Everything);
    alice.handle_address(NOON, own(1)).expect("it fits");
    let published = records(run(&mut alice, NOON + MINUTE));
    (alice, published)
}

/// Where Alice leaves her address for Bob on the day of `now`.
fn today(now: Time) -> Locator {
    let (reach, writer, day) = (&REACH, ALICE, now.day());
    Envelope { reach, writer, day }.locator()
}

/// Bob, who has just asked for Alice.
fn asking(now: Time) -> Presence<Ed25519> {
    let mut bob = presence(BOB, now);
    bob.handle_contact_added(now, ALICE, REACH, Told::Everything);
    bob.handle_wanted(now, ALICE, true);
    bob
}

fn found(bob: &mut Presence<Ed25519>) -> Option<Box<AddressRecord>> {
    std::iter::from_fn(|| bob.poll_output()).find_map(|output| match output {
        PresenceOutput::Found { address, .. } => Some(address),
        _ => None,
    })
}

#[test]
fn a_contact_finds_what_was_left_for_it() {
    let (_, published) = settled();
    let [record] = published.as_slice() else {
        panic!("{} records", published.len());
    };
    let mut bob = asking(NOON);
    let lookup = bob.poll_output();
    let locator = record.locator();
    assert_eq!(
        lookup,
        Some(PresenceOutput::Lookup {
            peer: ALICE,
            locator,
            under: None,
        })
    );
    assert_eq!(bob.handle_record(NOON, ALICE, record), Ok(()));
    let address = found(&mut bob).expect("it was hers");
    assert_eq!(
        (address.contact.clone(), &*address.binding),
        (Some(own(1).contact.route), &[3; 300][..])
    );
}

#[test]
fn a_record_with_an_older_sequence_is_refused_and_so_is_the_replay_of_an_old_one() {
    let (mut alice, mut published) = settled();
    alice
        .handle_address(NOON + MINUTE, own(2))
        .expect("it fits");
    published.extend(records(run(&mut alice, NOON + 2 * MINUTE)));
    let [old, new] = published.as_slice() else {
        panic!("{} records", published.len());
    };
    let mut bob = asking(NOON);
    assert_eq!(bob.handle_record(NOON, ALICE, new), Ok(()));
    assert_eq!(bob.handle_record(NOON, ALICE, old), Err(FindError::Stale));
    assert_eq!(
        found(&mut bob).and_then(|address| address.contact.clone()),
        Some(own(2).contact.route)
    );
    assert_eq!(
        bob.handle_record(NOON, ALICE, new),
        Ok(()),
        "the newest is no replay"
    );
    let late = old.expires() + crate::time::CLOCK_SKEW_MAX;
    let mut newcomer = asking(NOON);
    assert_eq!(
        newcomer.handle_record(late, ALICE, old),
        Err(FindError::Address(AddressError::Expired))
    );
}

#[test]
fn what_nobody_asked_for_or_nobody_known_left_is_passed_over() {
    let (_, published) = settled();
    let mut bob = presence(BOB, NOON);
    let handed = |bob: &mut Presence<Ed25519>, peer| bob.handle_record(NOON, peer, &published[0]);
    assert_eq!(handed(&mut bob, ALICE), Err(FindError::Unknown));
    bob.handle_contact_added(NOON, ALICE, [8; 32], Told::Everything);
    assert_eq!(handed(&mut bob, ALICE), Err(FindError::NotAsked));
    bob.handle_wanted(NOON, ALICE, true);
    assert_eq!(
        handed(&mut bob, ALICE),
        Err(FindError::Address(AddressError::Elsewhere))
    );
}

#[test]
fn records_for_two_contacts_have_nothing_in_common() {
    let mut alice = presence(ALICE, NOON);
    alice.handle_contact_added(NOON, BOB, REACH, Told::Everything);
    alice.handle_contact_added(NOON, PeerId([3; 32]), [8; 32], Told::Everything);
    alice.handle_address(NOON, own(1)).expect("it fits");
    let published = records(run(&mut alice, NOON + MINUTE));
    let distinct = |part: fn(&Record) -> Vec<u8>| {
        published.iter().map(part).collect::<BTreeSet<_>>().len() == published.len()
    };
    assert_eq!(published.len(), 2);
    assert!(distinct(|record| record.locator().0.to_vec()));
    assert!(distinct(|record| record.slot().0.to_vec()));
    assert!(distinct(|record| record.sequence().to_be_bytes().to_vec()));
    assert!(distinct(|record| record.payload()[..24].to_vec()));
    let sizes: BTreeSet<usize> = published
        .iter()
        .map(|record| codec::encode(record).len())
        .collect();
    assert_eq!(sizes.len(), 1);
}

#[test]
fn a_route_change_republishes_once() {
    let (mut alice, _) = settled();
    let start = NOON + 2 * MINUTE;
    for step in 0..5_u16 {
        let now = start + Duration::from_millis(200) * u32::from(step);
        assert!(run(&mut alice, now).is_empty());
        alice.handle_address(now, own(100 + step)).expect("it fits");
    }
    let outputs = run(&mut alice, start + 5 * MINUTE);
    let times: Vec<Time> = outputs.iter().map(|(at, _)| *at).collect();
    assert_eq!(times, [start + Duration::from_millis(800) + DEBOUNCE]);
    let mut bob = asking(start);
    bob.handle_record(start, ALICE, &records(outputs)[0])
        .expect("hers");
    assert_eq!(
        found(&mut bob).and_then(|address| address.contact.clone()),
        Some(own(104).contact.route)
    );
    alice
        .handle_address(start + 5 * MINUTE, own(104))
        .expect("it fits");
    assert!(
        run(&mut alice, start + 6 * MINUTE).is_empty(),
        "nothing changed"
    );
}

#[test]
fn a_route_that_never_stands_still_is_published_all_the_same() {
    let (mut alice, _) = settled();
    let start = NOON + 2 * MINUTE;
    let mut published = Vec::new();
    for step in 0..20_u16 {
        let now = start + Duration::from_millis(500) * u32::from(step);
        published.extend(run(&mut alice, now));
        alice.handle_address(now, own(100 + step)).expect("it fits");
    }
    assert_eq!(
        published.first().map(|(at, _)| *at),
        Some(start + DEBOUNCE_MAX)
    );
}

#[test]
fn an_address_that_fits_no_record_changes_nothing() {
    let (mut alice, _) = settled();
    let mut too_large = own(5);
    too_large.contact.binding = vec![0; 513];
    assert!(alice.handle_address(NOON + MINUTE, too_large).is_err());
    assert!(run(&mut alice, NOON + 2 * MINUTE).is_empty());
}

#[test]
fn a_removed_contact_finds_noise() {
    let (mut alice, published) = settled();
    let now = NOON + 2 * MINUTE;
    alice.handle_contact_removed(now, BOB);
    let withdrawn = records(run(&mut alice, now + 2 * HOUR));
    let [noise] = withdrawn.as_slice() else {
        panic!("{} records", withdrawn.len());
    };
    let place = |record: &Record| (record.locator(), record.slot());
    assert_eq!(place(noise), place(&published[0]));
    assert!(noise.sequence() > published[0].sequence());
    assert_eq!(
        codec::encode(noise).len(),
        codec::encode(&published[0]).len()
    );
    let mut bob = asking(now);
    assert_eq!(
        bob.handle_record(now, ALICE, noise),
        Err(FindError::Address(AddressError::Sealed))
    );
}

#[test]
fn another_reach_secret_begins_anew_and_the_same_one_does_not() {
    let (mut alice, published) = settled();
    let now = NOON + 2 * MINUTE;
    alice.handle_contact_added(now, BOB, REACH, Told::Everything);
    assert!(run(&mut alice, now + MINUTE).is_empty());
    alice.handle_contact_added(now + MINUTE, BOB, [8; 32], Told::Everything);
    let again = records(run(&mut alice, now + 2 * MINUTE));
    assert_eq!(again.len(), 1);
    assert_ne!(again[0].locator(), published[0].locator());
}

#[test]
fn ten_times_a_burst_is_published_in_bursts_and_leaves_nobody_out() {
    let mut alice = presence(ALICE, NOON);
    for n in 0..600_u16 {
        let mut peer = [0; 32];
        peer[..2].copy_from_slice(&n.to_be_bytes());
        alice.handle_contact_added(NOON, PeerId(peer), peer, Told::Everything);
    }
    alice.handle_address(NOON, own(1)).expect("it fits");
    let outputs = run(&mut alice, NOON + DEBOUNCE + 2 * PUBLISH_PACE);
    let at = |step: u32| {
        let time = NOON + DEBOUNCE + PUBLISH_PACE * step;
        outputs.iter().filter(|(at, _)| *at == time).count()
    };
    assert_eq!((at(0), at(1), at(2)), (PUBLISH_BURST, PUBLISH_BURST, 88));
    let told: BTreeSet<Locator> = records(outputs).iter().map(Record::locator).collect();
    assert_eq!(told.len(), 600);
}

#[test]
fn an_introducer_that_comes_back_is_told_everything_and_the_others_nothing() {
    let (mut alice, _) = settled();
    let now = NOON + 2 * MINUTE;
    let back = DeviceKey([6; 32]);
    alice.handle_introducer_up(now, back);
    let outputs = run(&mut alice, now + MINUTE);
    let targets: Vec<PublishTarget> = outputs
        .iter()
        .filter_map(|(_, output)| match output {
            PresenceOutput::Publish { target, .. } => Some(*target),
            _ => None,
        })
        .collect();
    assert_eq!(targets, [PublishTarget::One(back)]);
    alice.handle_introducer_up(now + MINUTE, back);
    alice.handle_introducer_down(now + MINUTE, back);
    assert!(run(&mut alice, now + 2 * MINUTE).is_empty());
}

#[test]
fn a_clock_that_was_ahead_before_a_restart_is_overtaken_and_a_liar_is_not_followed() {
    let (mut alice, _) = settled();
    let now = NOON + 2 * MINUTE;
    let newest = (now + HOUR).0;
    let locator = today(now);
    alice.handle_stale(now, BOB, locator, newest);
    let corrected = records(run(&mut alice, now));
    assert_eq!(corrected.len(), 1);
    assert!(corrected[0].sequence() > newest);
    alice.handle_stale(now, BOB, locator, u64::MAX - 1);
    assert!(
        run(&mut alice, now).is_empty(),
        "no time can be that far ahead"
    );
    let mut more = 0;
    for lie in 1..10 {
        alice.handle_stale(now, BOB, locator, newest + 10 * lie);
        more += run(&mut alice, now).len();
    }
    assert_eq!(more, 2, "a liar gains two more records");
}

#[test]
fn a_liars_sequence_under_one_locator_shows_nothing_under_another() {
    let (mut alice, _) = settled();
    let evening = NOON + 11 * HOUR;
    let before = records(run(&mut alice, evening));
    let newest = (evening + HOUR).0;
    alice.handle_stale(evening, BOB, today(evening), newest);
    let at_once = records(run(&mut alice, evening));
    let places: Vec<Locator> = at_once.iter().map(Record::locator).collect();
    assert_eq!(places, [today(evening)], "the other day's is left alone");
    let later = records(run(&mut alice, evening + HOUR));
    let other = |record: &&Record| record.locator() != today(evening);
    assert!(
        before.iter().any(|record| other(&record)) && later.iter().any(|record| other(&record))
    );
    assert!(
        later
            .iter()
            .filter(other)
            .all(|record| record.sequence() < newest)
    );
    alice.handle_stale(
        evening + HOUR,
        BOB,
        Locator([0; 32]),
        (evening + 2 * HOUR).0,
    );
    assert!(
        run(&mut alice, evening + HOUR).is_empty(),
        "nobody's locator"
    );
}

#[test]
fn a_wanted_contact_is_looked_up_less_and_less_often_until_it_is_there() {
    let mut bob = asking(NOON);
    let times: Vec<Time> = run(&mut bob, NOON + HOUR)
        .iter()
        .map(|(at, _)| *at)
        .collect();
    let gaps: Vec<Duration> = times
        .windows(2)
        .map(|pair| pair[1].since(pair[0]))
        .collect();
    assert_eq!(times[0], NOON);
    assert!(gaps[0] <= schedule::LOOKUP_AFTER);
    assert!(gaps.iter().all(|gap| *gap <= schedule::LOOKUP_AFTER_MAX));
    assert!(gaps.last() > Some(&(schedule::LOOKUP_AFTER_MAX / 2)));
    assert!((12..=16).contains(&times.len()), "{}", times.len());
    bob.handle_wanted(NOON + HOUR, ALICE, false);
    assert!(run(&mut bob, NOON + 2 * HOUR).is_empty());
}

#[test]
fn what_is_wanted_already_is_not_looked_up_again_because_it_is_wanted() {
    let mut bob = asking(NOON);
    run(&mut bob, NOON + HOUR);
    bob.handle_wanted(NOON + HOUR, ALICE, true);
    assert!(run(&mut bob, NOON + HOUR).is_empty());
}

#[test]
fn who_asks_has_an_absent_contact_looked_up_at_once_and_soon_again() {
    let mut bob = asking(NOON);
    run(&mut bob, NOON + HOUR);
    bob.handle_asked(NOON + HOUR, ALICE);
    let looked_up = run(&mut bob, NOON + HOUR + MINUTE);
    assert!((4..=6).contains(&looked_up.len()), "{looked_up:?}");
}

#[test]
fn another_network_has_those_looked_up_who_are_wanted_and_nobody_else() {
    let mut bob = asking(NOON);
    bob.handle_contact_added(NOON, PeerId([9; 32]), [9; 32], Told::Everything);
    run(&mut bob, NOON + HOUR);
    bob.handle_network_changed(NOON + HOUR);
    let looked_up = run(&mut bob, NOON + HOUR + schedule::NETWORK_CHANGE_SPREAD);
    assert!(matches!(
        looked_up.as_slice(),
        [(_, PresenceOutput::Lookup { peer: ALICE, .. })]
    ));
}

#[test]
fn attempts_one_after_the_other_do_not_look_up_more_often_and_a_person_who_asks_is_not_kept_waiting()
 {
    let mut bob = asking(NOON);
    let mut lookups = 0;
    for minute in 1..=60 {
        let now = NOON + minute * MINUTE;
        lookups += run(&mut bob, now).len();
        bob.handle_wanted(now, ALICE, false);
        bob.handle_wanted(now, ALICE, true);
    }
    assert!((12..30).contains(&lookups), "{lookups}");
    let now = NOON + HOUR + MINUTE / 2;
    run(&mut bob, now);
    bob.handle_asked(now, ALICE);
    assert_eq!(run(&mut bob, now).len(), 1);
    bob.handle_wanted(now, ALICE, false);
    bob.handle_present(now, ALICE);
    bob.handle_wanted(now, ALICE, true);
    assert_eq!(run(&mut bob, now).len(), 1, "it was there meanwhile");
}

#[test]
fn a_contact_takes_little_memory() {
    assert!(size_of::<Contact>() <= 136, "{}", size_of::<Contact>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn equal_seeds_and_inputs_give_equal_bytes(inputs in proptest::collection::vec((0..8_u8, 0..4_u8, 0..2 * 3_600_000_u64), 0..30)) {
        let play = || {
            let mut alice = presence(ALICE, NOON);
            let (mut now, mut outputs) = (NOON, Vec::new());
            for (input, value, later) in &inputs {
                now = now + Duration::from_millis(*later);
                let peer = PeerId([*value; 32]);
                outputs.extend(run(&mut alice, now));
                match input {
                    0 | 1 => alice.handle_contact_added(now, peer, [*value; 32], Told::Everything),
                    2 => alice.handle_contact_removed(now, peer),
                    3 => alice.handle_address(now, own(u16::from(*value))).expect("it fits"),
                    4 => alice.handle_introducer_up(now, DeviceKey([*value; 32])),
                    5 => alice.handle_stale(now, peer, Locator([*value; 32]), now.0 + later),
                    6 => alice.handle_wanted(now, peer, *value < 2),
                    _ => alice.handle_timeout(now),
                }
            }
            outputs.extend(run(&mut alice, now + HOUR));
            outputs
        };
        prop_assert_eq!(play(), play());
    }
}
