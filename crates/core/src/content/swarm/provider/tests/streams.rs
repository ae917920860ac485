//! What a provider promises those who share it with somebody that asks by several streams.

use std::time::Duration;

use super::{Bench, CHUNK, CHUNKS, S};
use crate::content::swarm::Holdings;
use crate::content::swarm::config::{PLACE_FOR, SERVING_EACH_MAX};
use crate::content::swarm::provider::{AskerId, SnapshotId};
use crate::content::swarm::wire::{AskerMessage, ProviderMessage};
use crate::ids::DeviceKey;

const MOMENT: Duration = Duration::from_millis(10);

impl Bench {
    /// A stream of a device that is interested.
    fn stream(&mut self, id: u64, device: u8, of: SnapshotId) -> AskerId {
        let asker = AskerId(id);
        let device = DeviceKey([device; 32]);
        self.provider.handle_asker(self.now, asker, device, of);
        self.say(asker, AskerMessage::Interest(true));
        asker
    }

    /// Who has a place, by what was said last.
    fn placed(&self) -> Vec<AskerId> {
        self.provider.placed.iter().copied().collect()
    }

    /// All that is served now is sent.
    fn send_all(&mut self) {
        for (asker, request) in self.serving() {
            self.provider.handle_served(self.now, asker, request);
        }
        self.outputs.clear();
        self.drain();
    }
}

#[test]
fn a_device_has_places_for_all_its_streams_while_nobody_else_wants_anything() {
    let mut bench = Bench::whole();
    let streams = [1, 2].map(|id| bench.stream(id, 9, S));
    assert_eq!(bench.placed(), streams);
    let other = bench.stream(3, 8, S);
    assert_eq!(bench.placed(), [streams[0], other]);
    assert!(bench.said(streams[1], &ProviderMessage::Busy));
    bench.outputs.clear();
    bench.say(other, AskerMessage::Interest(false));
    assert!(bench.said(streams[1], &ProviderMessage::Free));
    bench.say(other, AskerMessage::Interest(true));
    assert_eq!(bench.placed(), [streams[0], other]);
    bench.provider.handle_closed(bench.now, other);
    bench.drain();
    assert_eq!(bench.placed(), streams);
}

#[test]
fn who_asks_by_two_streams_is_given_as_much_as_who_asks_by_one() {
    let mut bench = Bench::whole();
    let (two, one) = (
        [1, 2].map(|id| bench.stream(id, 9, S)),
        bench.stream(3, 8, S),
    );
    let (mut given, mut next) = ([0, 0], 1000);
    for _ in 0..200 {
        for asker in two.into_iter().chain([one]) {
            bench.request(asker, next..next + 2);
            next += 2;
        }
        let serving = bench.serving();
        for (number, streams) in [&two[..], &[one][..]].into_iter().enumerate() {
            let count = serving
                .iter()
                .filter(|(asker, _)| streams.contains(asker))
                .count();
            assert!(count <= SERVING_EACH_MAX, "{serving:?}");
            given[number] += count;
        }
        bench.send_all();
        bench.pass(bench.now + PLACE_FOR / 20);
    }
    assert_eq!(given[0], given[1]);
    assert!(given[0] > 100);
}

#[test]
fn the_streams_of_a_device_take_turns_while_others_want_something() {
    let mut bench = Bench::whole();
    let (one, other) = (bench.stream(1, 9, S), bench.stream(2, 8, S));
    for (asker, from) in [(one, 0), (other, 50)] {
        bench.request(asker, from..from + 10);
    }
    // What is left when a stream has died and is not known to be dead is not kept waiting.
    let fresh = bench.stream(3, 9, S);
    assert_eq!(bench.placed(), [other, fresh]);
    assert!(bench.said(one, &ProviderMessage::Busy));
    bench.request(fresh, 100..110);
    bench.pass(bench.now + PLACE_FOR - MOMENT);
    assert_eq!(bench.placed(), [other, fresh]);
    bench.pass(bench.now + MOMENT);
    assert_eq!(bench.placed(), [one, other]);
}

#[test]
fn streams_that_were_given_nothing_do_not_chase_each_other() {
    let mut bench = Bench::whole();
    let other = bench.stream(1, 8, S);
    let streams = [2, 3].map(|id| bench.stream(id, 9, S));
    bench.outputs.clear();
    for _ in 0..10 {
        bench.say(other, AskerMessage::Interest(true));
    }
    assert_eq!(bench.placed(), [other, streams[0]]);
    assert_eq!(bench.outputs, []);
}

#[test]
fn streams_for_different_snapshots_are_different_transfers() {
    let mut bench = Bench::whole();
    let second = SnapshotId(2);
    let (size, all) = (u64::from(CHUNKS) * CHUNK, Holdings::all(CHUNKS));
    bench.provider.handle_snapshot(bench.now, second, size, all);
    let streams = [bench.stream(1, 9, S), bench.stream(2, 9, second)];
    let other = bench.stream(3, 8, S);
    assert_eq!(bench.placed(), [streams[0], streams[1], other]);
}
