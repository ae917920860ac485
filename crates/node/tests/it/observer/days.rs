//! What an observer can join across a midnight: nothing.

use std::collections::{BTreeMap, BTreeSet};

use kith_core::address::Route;
use kith_core::discovery::{OwnAddress, OwnFace, Presence, PresenceConfig, PresenceOutput, Told};
use kith_core::ids::{Locator, PeerId};
use kith_core::time::{Day, Time};

use super::*;

/// The shortest piece of a sealed payload that two records must not share, in bytes: in some megabytes of random ones
/// the same eight stand twice by a chance of one in a hundred thousand.
const PIECE_BYTES: usize = 8;

/// What was left, and by which key somebody came to leave it; none where the registry is not asked over a network.
#[derive(Clone, Debug)]
struct Left {
    client: Option<DeviceKey>,
    record: Record,
}

impl Left {
    fn day(&self) -> Day {
        Time(self.record.sequence()).day()
    }
}

/// By what the two can be told to be of one person, or of one pair.
fn joined_by(one: &Left, other: &Left) -> Option<&'static str> {
    let (a, b) = (&one.record, &other.record);
    let pieces: BTreeSet<_> = a.payload().windows(PIECE_BYTES).collect();
    if one.client.is_some() && one.client == other.client {
        Some("the key by which it came")
    } else if a.locator() == b.locator() {
        Some("the locator")
    } else if a.slot() == b.slot() {
        Some("the slot")
    } else if a.payload().len() != b.payload().len() {
        Some("the size")
    } else if b
        .payload()
        .windows(PIECE_BYTES)
        .any(|it| pieces.contains(it))
    {
        Some("a piece of what is sealed")
    } else {
        None
    }
}

/// Fails where a record of one day can be joined to one of another; gives how many locators there are on each.
fn assert_days_apart(one: &[Left], other: &[Left]) -> [usize; 2] {
    for one in one {
        for other in other {
            assert_eq!(joined_by(one, other), None, "{one:?} {other:?}");
        }
    }
    [one, other].map(|day| {
        let locators: BTreeSet<Locator> = day.iter().map(|left| left.record.locator()).collect();
        locators.len()
    })
}

/// What the observer was given.
fn left_with(observer: &Observer) -> Vec<Left> {
    let sessions = observer.sessions.lock().expect("a test").clone();
    let mut left = Vec::new();
    for seen in sessions {
        for request in requests(&seen.requests.lock().expect("a test")) {
            if let Request::Publish(record) = request {
                let client = Some(seen.client);
                left.push(Left { client, record });
            }
        }
    }
    left
}

#[tokio::test]
async fn over_a_midnight_nothing_joins_what_two_people_leave() {
    // Noon of tomorrow: a registry takes no records that have ended, and near midnight both days' are left.
    let day = Day(clock::now().day().0 + 1);
    let ahead = (day.start() + DAY / 2).since(clock::now());
    let ahead_ms = i64::try_from(ahead.as_millis()).expect("under two days");
    let clock = Clock::default();
    clock.set_ahead(ahead_ms);
    let observer = Observer::start().await;
    let (alice, bob) = meet_by(&clock, &observer).await;

    clock.set_ahead(ahead_ms + i64::try_from(DAY.as_millis()).expect("a day"));
    let next = Day(day.0 + 1);
    let again = async {
        loop {
            // A node that is asked something looks at its clock.
            for node in [&alice, &bob] {
                node.devices().await.expect("it runs");
            }
            let left = left_with(&observer);
            let new = left.iter().filter(|left| left.day() == next);
            let locators: BTreeSet<_> = new.map(|left| left.record.locator()).collect();
            if locators.len() >= 2 {
                break;
            }
        }
    };
    soon("the next day's records", again).await;
    futures_util::future::join(alice.shutdown(), bob.shutdown()).await;
    let (one, other): (Vec<_>, Vec<_>) = left_with(&observer)
        .into_iter()
        .partition(|left| left.day() != next);
    let [before, after] = assert_days_apart(&one, &other);
    // Bob's reply has a locator of its own.
    assert!(before >= 3 && after == 2, "{before}, {after}");
}

/// The control: what would join two records is noticed.
#[test]
fn each_thing_that_two_records_have_in_common_joins_them() {
    let left = |client: u8, locator: u8, slot: u8, payload: Vec<u8>| {
        let terms = Terms {
            slot: Slot([slot; 16]),
            sequence: 1,
            expires: Time(1),
            payload,
        };
        let record = Record::sign(&Ed25519, &SecretKey::from_bytes([locator; 32]), terms);
        Left {
            client: Some(DeviceKey([client; 32])),
            record: record.expect("small enough"),
        }
    };
    let sealed = |from: u8| (from..from + 100).collect::<Vec<u8>>();
    let one = left(1, 1, 1, sealed(0));
    assert_eq!(joined_by(&one, &left(2, 2, 2, sealed(100))), None);
    for (other, by) in [
        (left(1, 2, 2, sealed(100)), "the key by which it came"),
        (left(2, 1, 2, sealed(100)), "the locator"),
        (left(2, 2, 1, sealed(100)), "the slot"),
        (left(2, 2, 2, vec![200; 99]), "the size"),
        (left(2, 2, 2, sealed(92)), "a piece of what is sealed"),
    ] {
        assert_eq!(joined_by(&one, &other), Some(by));
    }
}

/// What a node that runs all the time leaves for its contact in the 24 hours from `from`.
fn left_on(presence: &mut Presence<Ed25519>, from: Time) -> Vec<Record> {
    let mut records = Vec::new();
    while let Some(due) = presence.poll_timeout().filter(|due| *due < from + DAY) {
        presence.handle_timeout(due.max(from));
        while let Some(output) = presence.poll_output() {
            if let PresenceOutput::Publish { record, .. } = output {
                records.push(record);
            }
        }
    }
    records
}

#[test]
fn two_days_records_have_nothing_in_common() {
    let noon = Time(20_000 * DAY.as_millis() as u64) + DAY / 2;
    let me = PeerId([1; 32]);
    let config = PresenceConfig { me, role: 0 };
    let mut presence = Presence::new(Ed25519, config, [3; 32], noon);
    presence.handle_contact_added(noon, PeerId([2; 32]), [4; 32], Told::Everything);
    let mut contact = Route::new(DeviceKey([5; 32]));
    contact.addresses = vec![([192, 0, 2, 1], 7).into()];
    let own = OwnAddress {
        contact: OwnFace {
            binding: vec![6; 300],
            route: contact,
        },
        public: None,
        introducers: Vec::new(),
    };
    presence.handle_address(noon, own).expect("within bounds");
    let records = [
        left_on(&mut presence, noon),
        left_on(&mut presence, noon + DAY),
    ];
    let mut days: BTreeMap<Locator, Vec<Left>> = BTreeMap::new();
    for record in records.concat() {
        let left = Left {
            client: None,
            record,
        };
        days.entry(left.record.locator()).or_default().push(left);
    }
    // The days of both noons, the day between midnight and the second noon being one of them, and the day after.
    assert!(days.len() >= 3, "{} locators", days.len());
    let days: Vec<_> = days.into_values().collect();
    for (number, day) in days.iter().enumerate() {
        for other in &days[number + 1..] {
            assert_days_apart(day, other);
        }
        // One day's records replace each other.
        let slots: BTreeSet<_> = day.iter().map(|left| left.record.slot()).collect();
        assert_eq!(slots.len(), 1);
    }
}
