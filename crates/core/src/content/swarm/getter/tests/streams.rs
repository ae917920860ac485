//! What a getter promises of several lanes of one device.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Bench, CHUNK, T, data, have, span, who};
use crate::content::swarm::GetterConfig;
use crate::content::swarm::config::{
    FURTHER_LANE_BYTES, FURTHER_LANE_RATE, LANES_EACH_MAX, lanes_each,
};
use crate::content::swarm::getter::output::{EndReason, Output, PathKind};
use crate::content::swarm::getter::{SourceId, TransferId};
use crate::content::swarm::wire::{DropReason, ProviderMessage, What};

const ALICE: u64 = 7;

/// As much as makes a further lane worth it, and what comes before it is told of.
const CHUNKS: u64 = 2 * FURTHER_LANE_BYTES / CHUNK;

impl Bench {
    /// A lane to Alice that is free, on such a path.
    fn lane(&mut self, transfer: TransferId, id: u64, kind: PathKind) -> SourceId {
        let source = SourceId(id);
        self.open(transfer, id, who(ALICE), kind);
        self.getter.handle_lane(self.now, source);
        self.say(source, ProviderMessage::Everything);
        self.say(source, ProviderMessage::Free);
        source
    }

    /// A source answers for half a second at so many bytes a second.
    fn give(&mut self, source: SourceId, rate: u64) {
        let each = Duration::from_micros(CHUNK * 1_000_000 / rate);
        let (mut left, mut passed) = (Duration::from_millis(500), Duration::ZERO);
        while left >= each && self.asked(source) > 0 {
            left -= each;
            passed += each;
            let whole = Duration::from_millis(u64::try_from(passed.as_millis()).expect("short"));
            passed -= whole;
            self.now = self.now + whole;
            self.answer(source);
        }
    }

    /// For which sources a further lane was told to be worth it.
    fn further(&self) -> Vec<SourceId> {
        let told = self.others.iter().filter_map(|output| match output {
            Output::FurtherLane { source } => Some(*source),
            _ => None,
        });
        told.collect()
    }
}

#[test]
fn a_further_lane_is_told_of_once_where_it_brings_something() {
    let mut bench = Bench::wanting(CHUNKS);
    let lane = bench.lane(T, 1, PathKind::Lan);
    assert_eq!(bench.further(), [], "nobody knows how fast it is");
    bench.give(lane, FURTHER_LANE_RATE * 2);
    assert_eq!(bench.further(), [lane]);
    bench.give(lane, FURTHER_LANE_RATE * 2);
    assert_eq!(bench.further(), [lane], "there may be none");
}

#[test]
fn no_further_lane_is_told_of_where_it_brings_nothing() {
    let told = |config: GetterConfig, chunks: u64, kind, rate, is_lane| {
        let mut bench = Bench::new(config);
        bench.want(T, chunks);
        let source = match is_lane {
            true => bench.lane(T, 1, kind),
            false => bench.source_of(T, 1, kind),
        };
        bench.give(source, rate);
        !bench.further().is_empty()
    };
    let (usual, fast) = (GetterConfig::default(), 2 * FURTHER_LANE_RATE);
    assert!(told(usual.clone(), CHUNKS, PathKind::Lan, fast, true));
    assert!(!told(usual.clone(), CHUNKS, PathKind::Direct, fast, true));
    assert!(!told(usual.clone(), CHUNKS, PathKind::Relay, fast, true));
    let slow = FURTHER_LANE_RATE / 2;
    assert!(!told(usual.clone(), CHUNKS, PathKind::Lan, slow, true));
    let little = FURTHER_LANE_BYTES / CHUNK;
    assert!(!told(usual.clone(), little, PathKind::Lan, fast, true));
    assert!(!told(usual.clone(), CHUNKS, PathKind::Lan, fast, false));
    let one_core = GetterConfig {
        lanes_each: lanes_each(1),
        ..usual
    };
    assert!(!told(one_core, CHUNKS, PathKind::Lan, fast, true));
    assert_eq!([0, 1, 2, 64].map(lanes_each), [1, 1, 2, LANES_EACH_MAX]);
}

#[test]
fn two_lanes_bring_half_each_and_nothing_twice() {
    let mut bench = Bench::wanting(100);
    let lanes = [1, 2].map(|id| bench.lane(T, id, PathKind::Lan));
    let (mut seen, mut by) = (BTreeSet::new(), [0, 0]);
    while !bench.is_done() {
        for (lane, by) in lanes.into_iter().zip(&mut by) {
            if bench.asked(lane) > 0 {
                let what = bench.answer(lane);
                assert!(seen.insert(what), "{what:?} twice");
                *by += 1;
                bench.now = bench.now + Duration::from_millis(3);
            }
        }
    }
    assert!(by.iter().all(|chunks| *chunks >= 40), "{by:?}");
    assert_eq!(seen.len(), 100);
    assert_eq!(bench.getter.in_flight(), (0, 0));
    assert!(bench.cancelled.is_empty());
    let givers = bench.getter.givers(bench.now, T);
    let [alice] = givers.as_slice() else {
        panic!("{givers:?}");
    };
    assert_eq!((alice.who, alice.bytes), (who(ALICE), 100 * CHUNK));
}

#[test]
fn what_both_lanes_are_asked_for_is_told_of_their_device() {
    let mut bench = Bench::wanting(100);
    let lanes = [1, 2].map(|id| bench.lane(T, id, PathKind::Lan));
    // The second came when the first was asked for all that its path holds.
    while bench.asked(lanes[1]) < 3 {
        bench.answer(lanes[0]);
    }
    let givers = bench.getter.givers(bench.now, T);
    assert_eq!(givers.len(), 1);
    assert_eq!(givers[0].stream, Some((lanes[0], PathKind::Lan)));
    let asked = lanes.map(|lane| bench.asked(lane)).iter().sum::<usize>();
    // A hundred chunks in 128 parts: each touches one at least.
    let parts = givers[0].asked.iter().filter(|part| **part > 0).count();
    assert!(parts >= asked, "{parts} {asked}");
}

#[test]
fn as_much_is_asked_of_two_lanes_as_of_one() {
    let asked = |lanes: u64| {
        let mut bench = Bench::wanting(1000);
        for id in 1..=lanes {
            bench.lane(T, id, PathKind::Lan);
        }
        bench.getter.in_flight().0
    };
    assert_eq!(asked(1), asked(2));
}

#[test]
fn who_lies_on_one_lane_is_done_without_on_both_and_remembered_once() {
    let mut bench = Bench::wanting(100);
    let [first, further] = [1, 2].map(|id| bench.lane(T, id, PathKind::Lan));
    bench.want(TransferId(2), 100);
    let elsewhere = SourceId(9);
    bench.open(TransferId(2), 9, who(ALICE), PathKind::Lan);
    bench.getter.handle_invalid(bench.now, further);
    bench.drain();
    assert_eq!(bench.ended(further), Some(EndReason::Lied));
    assert_eq!(bench.ended(first), Some(EndReason::Lied));
    assert_eq!(bench.ended(elsewhere), Some(EndReason::Distrusted));
    let again = bench.lane(T, 3, PathKind::Lan);
    assert_eq!(bench.ended(again), Some(EndReason::Distrusted));
    let honest = bench.source(4);
    while !bench.is_done() {
        bench.answer(honest);
    }
}

#[test]
fn a_lane_that_is_lost_or_put_off_costs_itself_alone() {
    for is_lost in [true, false] {
        let mut bench = Bench::wanting(60);
        let [first, further] = [1, 2].map(|id| bench.lane(T, id, PathKind::Lan));
        while bench.asked(further) < 5 {
            bench.answer(first);
        }
        let owed = bench.asked.remove(&further).expect("asked");
        if is_lost {
            bench.getter.handle_closed(bench.now, further);
            bench.drain();
        } else {
            let ids = owed.iter().map(|ask| ask.id).collect();
            bench.say(further, ProviderMessage::Busy);
            let reason = DropReason::Busy;
            bench.say(further, ProviderMessage::Dropped { ids, reason });
        }
        let mut came = BTreeSet::new();
        while !bench.is_done() {
            assert!(came.insert(bench.answer(first)), "twice");
        }
        assert!(owed.iter().all(|ask| came.contains(&ask.what)));
        assert_eq!(bench.ended(first), None);
    }
}

#[test]
fn a_lane_that_stalls_is_passed_by_for_the_other() {
    let mut bench = Bench::wanting(40);
    let [first, further] = [1, 2].map(|id| bench.lane(T, id, PathKind::Lan));
    while bench.asked(further) < 3 {
        bench.answer(first);
    }
    for _ in 0..300 {
        if bench.asked(first) > 0 {
            bench.answer(first);
        }
        bench.pass(Duration::from_millis(100));
    }
    assert!(bench.is_done());
}

#[test]
fn there_are_no_more_streams_of_a_device_than_its_bound() {
    let mut bench = Bench::wanting(100);
    let most = LANES_EACH_MAX as u64;
    for id in 1..=most {
        let lane = bench.lane(T, id, PathKind::Lan);
        assert_eq!(bench.ended(lane), None);
    }
    let beyond = bench.lane(T, most + 1, PathKind::Lan);
    assert_eq!(bench.ended(beyond), Some(EndReason::NotNeeded));
    let other = bench.source(99);
    assert_eq!(bench.ended(other), None);
}

#[test]
fn the_lanes_of_a_device_are_one_copy_of_what_it_holds() {
    for lost in [None, Some(1), Some(2)] {
        let mut bench = Bench::wanting(10);
        bench.getter.handle_held(bench.now, T, span(0, 4));
        for id in [1, 2] {
            bench.open(T, id, who(ALICE), PathKind::Lan);
            bench.say(SourceId(id), have(4, 2));
            bench.say(SourceId(id), have(6, 1));
        }
        for id in [3, 4] {
            bench.open(T, id, who(id), PathKind::Lan);
            bench.say(SourceId(id), have(7, 1));
        }
        if let Some(lost) = lost {
            bench.getter.handle_closed(bench.now, SourceId(lost));
        }
        let all = bench.source_of(T, 5, PathKind::Lan);
        let order: Vec<What> = bench.asked[&all].iter().map(|ask| ask.what).collect();
        assert_eq!(order.len(), 6);
        let last = What::Span(span(7, 8));
        assert_eq!(order[5], last, "two devices have it: {order:?}");
        let nobodys = [8, 9].map(|chunk| What::Span(span(chunk, chunk + 1)));
        assert!(
            nobodys.iter().all(|it| order[..2].contains(it)),
            "{order:?}"
        );
    }
}

#[test]
fn a_further_lane_gives_way_to_a_lane_for_another_transfer_and_is_told_of_again() {
    let other = TransferId(2);
    let mut bench = Bench::wanting(4 * CHUNKS);
    let first = bench.lane(T, 1, PathKind::Lan);
    bench.give(first, FURTHER_LANE_RATE * 2);
    let further = bench.lane(T, 2, PathKind::Lan);
    bench.want(other, 4 * CHUNKS);
    let session = bench.source_of(other, 3, PathKind::Lan);
    assert_eq!(bench.ended(further), None, "{session:?} is no lane");
    let others = bench.lane(other, 4, PathKind::Lan);
    assert_eq!(bench.ended(further), Some(EndReason::NotNeeded));
    assert_eq!((bench.ended(first), bench.ended(others)), (None, None));
    bench.give(first, FURTHER_LANE_RATE * 2);
    assert_eq!(bench.further(), [first], "there are two as it is");
    bench.getter.handle_transfer_ended(bench.now, other);
    bench.drain();
    bench.give(first, FURTHER_LANE_RATE * 2);
    assert_eq!(bench.further(), [first, first]);
}

#[test]
fn what_a_lane_announced_is_due_on_it_alone() {
    let mut bench = Bench::wanting(100);
    let [first, further] = [1, 2].map(|id| bench.lane(T, id, PathKind::Lan));
    let ask = bench.asked[&first][0];
    let What::Span(asked) = ask.what else {
        panic!("{ask:?}");
    };
    bench.say(further, data(ask.id, asked.end));
    assert_eq!(bench.ended(further), Some(EndReason::Breach));
}

#[test]
fn who_breaks_the_protocol_on_one_lane_is_done_without_on_both() {
    for by in 0..2 {
        let mut bench = Bench::wanting(100);
        let lanes = [1, 2].map(|id| bench.lane(T, id, PathKind::Lan));
        let other = bench.source(3);
        bench.getter.handle_unreadable(bench.now, lanes[by]);
        bench.drain();
        let ends = lanes.map(|lane| bench.ended(lane));
        assert_eq!(ends, [Some(EndReason::Breach); 2]);
        while !bench.is_done() {
            bench.answer(other);
        }
    }
}
