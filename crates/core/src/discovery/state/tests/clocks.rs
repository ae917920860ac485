//! Clocks that differ, and midnight: a writer, a registry and a reader, each with a time of its own.

use super::*;
use crate::discovery::Registry;
use crate::discovery::config::RegistryConfig;
use crate::discovery::registry::{Client, RegistryOutput};
use crate::discovery::wire::{Answer, Request};

#[test]
fn near_midnight_the_neighbouring_day_is_published_too() {
    let (mut alice, _) = settled();
    let days = |outputs: Vec<(Time, PresenceOutput)>| -> BTreeSet<u32> {
        let bob = asking(NOON);
        let published: BTreeSet<Locator> = records(outputs).iter().map(Record::locator).collect();
        (19_998..20_004)
            .filter(|day| {
                let locator = bob.locator_of(ALICE, Day(*day)).expect("a contact");
                published.contains(&locator)
            })
            .collect()
    };
    let hours = |hours: f64| NOON + Duration::from_secs_f64(hours * 3600.0);
    assert_eq!(days(run(&mut alice, hours(9.4))), [20_000].into());
    assert_eq!(days(run(&mut alice, hours(11.9))), [20_000, 20_001].into());
    let _across = run(&mut alice, hours(12.5));
    assert_eq!(days(run(&mut alice, hours(13.9))), [20_000, 20_001].into());
    let _across = run(&mut alice, hours(14.5));
    assert_eq!(days(run(&mut alice, hours(21.4))), [20_001].into());
}

/// Publishes through `registry` by the writer's clock, and looks up by the reader's every ten minutes from eight in the
/// evening to four in the morning; when the reader found nothing.
fn missed(writer: impl Fn(Time) -> Time, reader: impl Fn(Time) -> Time) -> Vec<Time> {
    let start = NOON + 8 * HOUR;
    let client = Client {
        key: DeviceKey([5; 32]),
        address: None,
    };
    let mut registry = Registry::new(Ed25519, RegistryConfig::default(), start);
    let mut ask = |now, request: Request| {
        registry.handle_timeout(now);
        registry.handle_request(now, client, 0, &request.to_bytes());
        let outputs = std::iter::from_fn(|| registry.poll_output());
        let answer = outputs.filter_map(|output| match output {
            RegistryOutput::Answer { answer, .. } => Some(answer),
            RegistryOutput::Store(_) => None,
        });
        answer.last().expect("every request is answered")
    };
    let mut alice = presence(ALICE, writer(start));
    alice.handle_contact_added(writer(start), BOB, REACH, Told::Everything);
    alice
        .handle_address(writer(start), own(1))
        .expect("it fits");
    let mut missed = Vec::new();
    for step in 1..=48 {
        let now = start + 10 * MINUTE * step;
        for record in records(run(&mut alice, writer(now))) {
            assert_eq!(ask(now, Request::Publish(record)), Answer::Kept);
        }
        let mut bob = asking(reader(now));
        let Some(PresenceOutput::Lookup { locator, .. }) = bob.poll_output() else {
            panic!("he asked");
        };
        let Answer::Records(records) = ask(now, Request::Lookup(locator)) else {
            panic!("a registry answers a lookup");
        };
        for record in records {
            let _ = bob.handle_record(reader(now), ALICE, &record);
        }
        if found(&mut bob).is_none() {
            missed.push(now);
        }
    }
    missed
}

#[test]
fn clocks_an_hour_off_on_either_side_still_meet() {
    let clocks: [fn(Time) -> Time; 3] = [|now| now - HOUR, |now| now, |now| now + HOUR];
    for (writer, reader) in (0..9).map(|pair| (clocks[pair / 3], clocks[pair % 3])) {
        assert_eq!(missed(writer, reader), []);
    }
}

#[test]
fn clocks_half_a_day_off_do_not_meet_around_midnight() {
    assert_ne!(missed(|now| now, |now| now + 12 * HOUR), []);
}
