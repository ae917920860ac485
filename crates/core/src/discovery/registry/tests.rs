//! What a registry must hold to: it keeps what verifies, gives out what is asked for exactly, forgets in time, and no
//! client takes what others need.

use proptest::prelude::*;

use super::*;
use crate::crypto::{Ed25519, SecretKey};
use crate::discovery::quota::Rate;
use crate::discovery::record::Terms;

const NOW: Time = Time(1_800_000_000_000);
const HOUR: Duration = Duration::from_secs(3600);

fn registry(config: RegistryConfig) -> Registry<Ed25519> {
    Registry::new(Ed25519, config, NOW)
}

fn small() -> RegistryConfig {
    RegistryConfig {
        records_max: 160,
        records_per_key_max: 4,
        records_per_prefix_max: 8,
        clients_max: 64,
        ..RegistryConfig::default()
    }
}

fn client(key: u8, network: u8) -> Client {
    Client {
        key: DeviceKey([key; 32]),
        address: Some([203, 0, network, key].into()),
    }
}

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_bytes([byte; 32])
}

fn record(key: u8, slot: u8, sequence: u64, expires: Time) -> Record {
    let terms = Terms {
        slot: Slot([slot; 16]),
        sequence,
        expires,
        payload: vec![slot; 40],
    };
    Record::sign(&Ed25519, &secret(key), terms).expect("within bounds")
}

/// Asks, and gives back the rows stored before the answer, and the answer.
fn ask(
    registry: &mut Registry<Ed25519>,
    now: Time,
    client: Client,
    request: &Request,
) -> (Vec<Row>, Answer) {
    registry.handle_request(now, client, 7, &request.to_bytes());
    let mut rows = Vec::new();
    loop {
        match registry.poll_output().expect("every request is answered") {
            RegistryOutput::Store(row) => rows.push(row),
            RegistryOutput::Answer { request, answer } => {
                assert_eq!((request, registry.poll_output()), (7, None));
                return (rows, answer);
            }
        }
    }
}

fn publish(registry: &mut Registry<Ed25519>, now: Time, client: Client, record: Record) -> Answer {
    ask(registry, now, client, &Request::Publish(record)).1
}

fn lookup(registry: &mut Registry<Ed25519>, now: Time, key: u8) -> Vec<Record> {
    let request = Request::Lookup(secret(key).locator());
    match ask(registry, now, client(250, 250), &request).1 {
        Answer::Records(records) => records,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_record_is_stored_before_it_is_acknowledged_and_found_by_its_locator_only() {
    let mut registry = registry(small());
    let record = record(1, 1, 5, NOW + HOUR);
    let request = Request::Publish(record.clone());
    let (rows, answer) = ask(&mut registry, NOW, client(1, 1), &request);
    let key = [record.locator().0.as_slice(), &[1; 16]].concat();
    let value = Some(codec::encode(&record));
    let kind = ROW_KIND;
    assert_eq!(
        (rows, answer),
        (vec![Row { kind, key, value }], Answer::Kept)
    );
    assert_eq!(lookup(&mut registry, NOW, 1), [record]);
    assert_eq!(lookup(&mut registry, NOW, 2), []);
}

#[test]
fn only_a_newer_sequence_replaces_a_record() {
    let mut registry = registry(small());
    let mut answer = |record| ask(&mut registry, NOW, client(1, 1), &Request::Publish(record));
    let first = record(1, 1, 5, NOW + HOUR);
    assert_eq!(answer(first.clone()).1, Answer::Kept);
    assert_eq!(
        answer(first),
        (Vec::new(), Answer::Kept),
        "said twice, kept once"
    );
    let stale = Answer::Refused(Refusal::Stale { newest: 5 });
    assert_eq!(
        answer(record(1, 1, 4, NOW + HOUR)),
        (Vec::new(), stale.clone())
    );
    assert_eq!(answer(record(1, 1, 5, NOW + 2 * HOUR)), (Vec::new(), stale));
    assert_eq!(answer(record(1, 1, 6, NOW + HOUR)).1, Answer::Kept);
    assert_eq!(
        answer(record(1, 2, 1, NOW + HOUR)).1,
        Answer::Kept,
        "another slot"
    );
    assert_eq!(lookup(&mut registry, NOW, 1).len(), 2);
}

#[test]
fn a_record_expires_on_the_instant_is_forgotten_soon_and_cannot_be_replayed() {
    let mut registry = registry(small());
    let end = NOW + HOUR;
    let record = record(1, 1, 5, end);
    assert_eq!(
        publish(&mut registry, NOW, client(1, 1), record.clone()),
        Answer::Kept
    );
    assert_eq!(lookup(&mut registry, Time(end.0 - 1), 1).len(), 1);
    assert_eq!(lookup(&mut registry, end, 1), []);
    let expired = Answer::Refused(Refusal::Expired);
    assert_eq!(publish(&mut registry, end, client(1, 1), record), expired);

    registry.handle_timeout(end);
    let deleted = registry.poll_output();
    assert!(matches!(
        deleted,
        Some(RegistryOutput::Store(Row { value: None, .. }))
    ));
    let later = registry
        .poll_timeout()
        .expect("accounts are still remembered");
    assert!(later <= end + SWEEP_AFTER);
    registry.handle_timeout(later);
    assert_eq!(registry.counts(), RegistryCounts::default());
    assert_eq!(registry.poll_timeout(), None);
}

#[test]
fn a_record_stays_thirty_days_at_most() {
    let mut registry = registry(small());
    let edge = NOW + LIFE_MAX + CLOCK_SKEW_MAX;
    let too_long = record(1, 1, 5, Time(edge.0 + 1));
    assert_eq!(
        publish(&mut registry, NOW, client(1, 1), too_long),
        Answer::Refused(Refusal::TooLong)
    );
    let longest = record(1, 1, 5, edge);
    assert_eq!(
        publish(&mut registry, NOW, client(1, 1), longest),
        Answer::Kept
    );
}

#[test]
fn what_does_not_verify_is_not_kept() {
    let mut registry = registry(small());
    let mut bytes = Request::Publish(record(1, 1, 5, NOW + HOUR)).to_bytes();
    *bytes.last_mut().expect("not empty") ^= 1;
    for bytes in [bytes.as_slice(), &bytes[..9], &[], &[0xff; 5000]] {
        registry.handle_request(NOW, client(1, 1), 1, bytes);
        let answer = Answer::Refused(Refusal::Invalid);
        let request = 1;
        assert_eq!(
            registry.poll_output(),
            Some(RegistryOutput::Answer { request, answer })
        );
    }
    assert_eq!(registry.counts().records, 0);
}

#[test]
fn a_restart_keeps_what_is_live_and_deletes_the_rest() {
    let row = |record: Record| {
        row(
            (record.locator(), record.slot()),
            Some(codec::encode(&record)),
        )
    };
    let (live, expired) = (record(1, 1, 5, NOW + HOUR), record(2, 1, 5, NOW));
    let damaged = Row {
        kind: ROW_KIND,
        key: vec![1],
        value: Some(vec![1]),
    };
    let rows = [row(live.clone()), row(expired), damaged];
    let mut registry = Registry::restore(Ed25519, small(), NOW, rows);
    for _ in 0..2 {
        let deleted = registry.poll_output();
        assert!(matches!(
            deleted,
            Some(RegistryOutput::Store(Row { value: None, .. }))
        ));
    }
    assert_eq!(registry.poll_output(), None);
    assert_eq!(lookup(&mut registry, NOW, 1), [live]);
    assert_eq!(registry.counts().records, 1);
    let renewed = record(1, 1, 6, NOW + HOUR);
    assert_eq!(
        publish(&mut registry, NOW, client(1, 1), renewed),
        Answer::Kept
    );
}

#[test]
fn a_key_holds_its_quota_and_not_one_more_and_a_prefix_likewise() {
    let mut registry = registry(small());
    let quota = Answer::Refused(Refusal::Quota);
    let mut leave = |who: Client, key, sequence| {
        publish(
            &mut registry,
            NOW,
            who,
            record(key, 1, sequence, NOW + HOUR),
        )
    };
    for key in 0..4 {
        assert_eq!(leave(client(1, 1), key, 1), Answer::Kept);
    }
    assert_eq!(leave(client(1, 1), 4, 1), quota);
    assert_eq!(
        leave(client(1, 1), 0, 2),
        Answer::Kept,
        "renewing takes no room"
    );
    for key in 4..8 {
        assert_eq!(leave(client(2, 1), key, 1), Answer::Kept);
    }
    assert_eq!(leave(client(3, 1), 8, 1), quota, "eight from one prefix");
    assert_eq!(leave(client(3, 2), 8, 1), Answer::Kept);
    assert_eq!(
        leave(client(3, 2), 0, 3),
        Answer::Kept,
        "taken over by another client"
    );
    assert_eq!(leave(client(1, 1), 9, 1), Answer::Kept, "which left room");
}

#[test]
fn expired_records_no_longer_count() {
    let mut registry = registry(small());
    let leave = |registry: &mut _, now, key| {
        publish(registry, now, client(1, 1), record(key, 1, 1, now + HOUR))
    };
    for key in 0..4 {
        assert_eq!(leave(&mut registry, NOW, key), Answer::Kept);
    }
    registry.handle_timeout(NOW + HOUR);
    while registry.poll_output().is_some() {}
    assert_eq!(leave(&mut registry, NOW + HOUR, 5), Answer::Kept);
}

#[test]
fn a_mailbox_holds_sixty_four_replies() {
    let config = RegistryConfig {
        records_per_key_max: 1_000,
        records_per_prefix_max: 1_000,
        records_max: 100_000,
        ..small()
    };
    let mut registry = registry(config);
    let full = u8::try_from(RECORDS_PER_LOCATOR_MAX).expect("64");
    let mut leave = |slot| {
        let reply = record(1, slot, 1, NOW + LIFE_MAX);
        publish(&mut registry, NOW, client(1, 1), reply)
    };
    assert!((0..full).all(|slot| leave(slot) == Answer::Kept));
    assert_eq!(leave(full), Answer::Refused(Refusal::Quota));
    assert_eq!(lookup(&mut registry, NOW, 1).len(), RECORDS_PER_LOCATOR_MAX);
}

#[test]
fn a_flood_of_requests_by_one_client_does_not_starve_another() {
    let rate = |milliseconds, burst| Rate {
        interval: Duration::from_millis(milliseconds),
        burst,
    };
    let config = RegistryConfig {
        key_rate: rate(100, 10),
        prefix_rate: rate(50, 20),
        ..small()
    };
    let mut registry = registry(config);
    let request = Request::Lookup(secret(1).locator());
    let mut answered = |who, now| {
        let answer = ask(&mut registry, now, who, &request).1;
        assert!(matches!(
            answer,
            Answer::Records(_) | Answer::Refused(Refusal::Busy { retry_ms: 1..=100 })
        ));
        answer == Answer::Records(Vec::new())
    };
    let flood = (0..1_000).filter(|_| answered(client(1, 1), NOW)).count();
    assert_eq!(flood, 10);
    assert!(
        answered(client(2, 1), NOW),
        "a neighbour on the same network"
    );
    // A flood of keys from one network stops itself.
    let keys = (3..200).flat_map(|key| [key; 5]);
    let flood = keys.filter(|key| answered(client(*key, 1), NOW)).count();
    assert_eq!(flood, 9);
    assert!(
        answered(client(1, 2), NOW + Duration::from_millis(100)),
        "another network"
    );
    assert!(
        answered(client(2, 1), NOW + Duration::from_millis(100)),
        "after a while"
    );
}

#[test]
fn a_flood_of_keys_from_one_network_is_not_the_limit_of_another() {
    let key_rate = Rate {
        interval: HOUR,
        burst: 1,
    };
    let config = RegistryConfig {
        key_rate,
        ..small()
    };
    let mut registry = registry(config);
    let request = Request::Lookup(secret(1).locator());
    let mut answer = |who| ask(&mut registry, NOW, who, &request).1;
    for key in 0..200 {
        assert_eq!(answer(client(key, 1)), Answer::Records(Vec::new()));
    }
    for key in 201..250 {
        assert_eq!(answer(client(key, 2)), Answer::Records(Vec::new()));
    }
}

#[test]
fn a_flood_of_records_leaves_room_for_the_next_network() {
    let config = RegistryConfig {
        records_per_key_max: 1_000,
        records_per_prefix_max: 1_000,
        ..small()
    };
    let mut registry = registry(config);
    let mut keys = 0..=255;
    let mut fill = |network| {
        let who = client(1, network);
        let taken = keys.by_ref().take_while(|key| {
            let record = record(*key, network, 1, NOW + HOUR);
            publish(&mut registry, NOW, who, record) == Answer::Kept
        });
        taken.count()
    };
    let taken: Vec<usize> = (0..8).map(&mut fill).collect();
    assert_eq!(taken[0], 17, "an eighth of what is then free, of 160");
    assert!(taken.is_sorted_by(|a, b| a >= b), "{taken:?}");
    assert!(taken.iter().all(|taken| *taken > 0), "{taken:?}");
}

#[test]
fn the_last_free_place_goes_to_somebody_who_holds_nothing() {
    let config = RegistryConfig {
        records_max: 2,
        ..small()
    };
    let mut registry = registry(config);
    let mut leave = |network, key| {
        publish(
            &mut registry,
            NOW,
            client(1, network),
            record(key, 1, 1, NOW + HOUR),
        )
    };
    assert_eq!(leave(1, 1), Answer::Kept);
    assert_eq!(leave(1, 2), Answer::Refused(Refusal::Quota));
    assert_eq!(leave(2, 2), Answer::Kept);
    assert_eq!(leave(3, 3), Answer::Refused(Refusal::Quota), "full is full");
}

#[test]
fn nothing_kept_names_a_client() {
    let mut registry = registry(small());
    let who = client(77, 77);
    let request = Request::Publish(record(1, 1, 5, NOW + HOUR));
    let (rows, _) = ask(&mut registry, NOW, who, &request);
    let value = rows[0].value.as_deref().expect("kept");
    assert!(!value.windows(4).any(|window| window == [77; 4]));
    assert!(!rows[0].key.windows(4).any(|window| window == [77; 4]));
}

proptest! {
    #[test]
    fn any_bytes_get_exactly_one_answer(bytes in proptest::collection::vec(any::<u8>(), 0..1200)) {
        let mut registry = registry(small());
        registry.handle_request(NOW, client(1, 1), 1, &bytes);
        let is_answer = matches!(registry.poll_output(), Some(RegistryOutput::Answer { request: 1, .. }));
        prop_assert!(is_answer);
        prop_assert_eq!(registry.poll_output(), None);
    }
}
