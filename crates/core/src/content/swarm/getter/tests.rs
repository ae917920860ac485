//! What a getter promises, seen from outside: messages and facts go in, outputs come out.

mod crooked;
mod edges;
mod endgame;
mod gives;
mod streams;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::output::{EndReason, Output, Path, PathKind, Priority, ReaderId};
use super::{Getter, SourceId, TransferId, Who};
use crate::content::swarm::GetterConfig;
use crate::content::swarm::config::{
    PUT_OFFS_MAX, RANDOM_FIRST_CHUNKS, STALL_AFTER_MAX, STALL_AFTER_MIN, STALL_PAUSE_MIN,
    STALLS_MAX,
};
use crate::content::swarm::span::{CHUNK_BYTES_MIN as CHUNK, Span};
use crate::content::swarm::wire::{
    Ask, AskerMessage, DropReason, ProviderMessage, REQUESTS_MAX, Run, What,
};
use crate::ids::{BlobHash, DeviceKey, PeerId};
use crate::time::Time;

const T: TransferId = TransferId(1);
const SECOND: Duration = Duration::from_secs(1);

/// A getter, and what it has asked for and not been answered.
struct Bench {
    getter: Getter,
    now: Time,
    asked: BTreeMap<SourceId, Vec<Ask>>,
    cancelled: BTreeSet<(SourceId, u64)>,
    others: Vec<Output>,
}

impl Bench {
    fn new(config: GetterConfig) -> Self {
        let now = Time(1_000_000);
        Self {
            getter: Getter::new(config, [7; 32], now),
            now,
            asked: BTreeMap::new(),
            cancelled: BTreeSet::new(),
            others: Vec::new(),
        }
    }

    /// A bench with one transfer of so many chunks, all wanted.
    fn wanting(chunks: u64) -> Self {
        let mut bench = Self::new(GetterConfig::default());
        bench.want(T, chunks);
        bench
    }

    fn want(&mut self, id: TransferId, chunks: u64) {
        let all = span(0, chunks);
        assert!(self.getter.handle_transfer(self.now, id, all.end));
        self.getter
            .handle_wanted(self.now, id, all, Priority::Normal);
        self.drain();
    }

    /// A free source on a direct path that holds everything.
    fn source(&mut self, id: u64) -> SourceId {
        self.source_of(T, id, PathKind::Direct)
    }

    fn source_of(&mut self, transfer: TransferId, id: u64, kind: PathKind) -> SourceId {
        let source = SourceId(id);
        self.open(transfer, id, who(id), kind);
        self.say(source, ProviderMessage::Everything);
        self.say(source, ProviderMessage::Free);
        source
    }

    fn open(&mut self, transfer: TransferId, id: u64, who: Who, kind: PathKind) {
        let rtt = Duration::from_millis(match kind {
            PathKind::Lan => 1,
            PathKind::Direct => 20,
            PathKind::Relay => 4000,
        });
        let path = Path { kind, rtt };
        let source = SourceId(id);
        self.getter
            .handle_source(self.now, source, transfer, who, path);
        self.drain();
    }

    fn say(&mut self, source: SourceId, message: ProviderMessage) {
        self.getter.handle_message(self.now, source, message);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.getter.poll_output() {
            match output {
                Output::Send {
                    source,
                    message: AskerMessage::Request(asks),
                } => self.asked.entry(source).or_default().extend(asks),
                Output::Send {
                    source,
                    message: AskerMessage::Cancel(ids),
                } => self.cancelled.extend(ids.iter().map(|id| (source, *id))),
                other => self.others.push(other),
            }
        }
    }

    /// Answers the first request of a source. Says what it was for.
    fn answer(&mut self, source: SourceId) -> What {
        let ask = self.asked.get_mut(&source).expect("asked").remove(0);
        let until = match ask.what {
            What::Span(span) => span.end,
            What::Node(_) => 500,
        };
        self.say(source, data(ask.id, until));
        self.getter.handle_verified(self.now, source, ask.id, until);
        self.getter.handle_written(self.now, until);
        self.drain();
        ask.what
    }

    fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some(at) = self.getter.poll_timeout().filter(|at| *at <= until) {
            self.now = self.now.max(at);
            self.getter.handle_timeout(self.now);
            self.drain();
        }
        self.now = until;
    }

    fn asked(&self, source: SourceId) -> usize {
        self.asked.get(&source).map_or(0, Vec::len)
    }

    fn ended(&self, id: SourceId) -> Option<EndReason> {
        self.others.iter().find_map(|output| match output {
            Output::End { source, reason } if *source == id => Some(*reason),
            _ => None,
        })
    }

    fn is_done(&self) -> bool {
        self.others.contains(&Output::Done { transfer: T })
    }
}

fn span(first: u64, end: u64) -> Span {
    Span {
        start: first * CHUNK,
        end: end * CHUNK,
    }
}

fn who(id: u64) -> Who {
    let key = [id as u8; 32];
    Who {
        device: DeviceKey(key),
        peer: Some(PeerId(key)),
    }
}

fn data(id: u64, until: u64) -> ProviderMessage {
    ProviderMessage::Data {
        id,
        until,
        encoded: until.min(1000),
    }
}

fn have(first: u32, count: u32) -> ProviderMessage {
    ProviderMessage::Have(vec![Run { first, count }])
}

#[test]
fn what_is_suggested_is_asked_for_first_unless_something_is_wanted_more() {
    let mut bench = Bench::wanting(12);
    let source = SourceId(1);
    bench.open(T, 1, who(1), PathKind::Direct);
    bench.say(source, ProviderMessage::Everything);
    bench
        .getter
        .handle_wanted(bench.now, T, span(2, 4), Priority::High);
    bench.say(source, ProviderMessage::Suggest(vec![9, 3, 7]));
    bench.say(source, ProviderMessage::Free);
    let mut order = Vec::new();
    while bench.asked(source) > 0 {
        order.push(bench.answer(source));
    }
    let chunks = [3, 2, 9, 7].map(|chunk| What::Span(span(chunk, chunk + 1)));
    assert_eq!(order[..4], chunks);
    assert_eq!(order.len(), 12);
}

#[test]
fn everything_wanted_comes_once_from_several_sources() {
    let mut bench = Bench::wanting(100);
    let sources = [bench.source(1), bench.source(2)];
    let mut seen = BTreeSet::new();
    while !bench.is_done() {
        for source in sources {
            if bench.asked(source) > 0 {
                let what = bench.answer(source);
                assert!(seen.insert(what), "{what:?} twice");
                bench.now = bench.now + Duration::from_millis(10);
            }
        }
    }
    assert_eq!(seen.len(), 100);
    assert_eq!(bench.getter.in_flight(), (0, 0));
    let held = |output: &&Output| matches!(output, Output::Held { .. });
    assert_eq!(bench.others.iter().filter(held).count(), 100);
    let verified: u64 = (bench.others.iter())
        .map(|output| match output {
            Output::Verified { span, .. } => span.bytes(),
            _ => 0,
        })
        .sum();
    assert_eq!(verified, 100 * CHUNK);
}

#[test]
fn nothing_is_asked_of_a_source_that_is_busy_or_holds_nothing_wanted() {
    let mut bench = Bench::wanting(10);
    let source = SourceId(1);
    bench.open(T, 1, who(1), PathKind::Direct);
    bench.say(source, have(3, 1));
    assert_eq!(bench.asked(source), 0);
    let interest = |is| Output::Send {
        source,
        message: AskerMessage::Interest(is),
    };
    assert!(bench.others.contains(&interest(true)));
    bench.say(source, ProviderMessage::Free);
    assert_eq!(bench.answer(source), What::Span(span(3, 4)));
    assert!(bench.others.contains(&interest(false)));
    bench.say(source, have(7, 1));
    assert_eq!(bench.asked(source), 1);
}

#[test]
fn requests_dropped_for_want_of_a_place_go_to_others() {
    let mut bench = Bench::wanting(4);
    let first = bench.source(1);
    let ids: Vec<u64> = bench.asked[&first].iter().map(|ask| ask.id).collect();
    bench.say(first, ProviderMessage::Busy);
    let reason = DropReason::Busy;
    bench.say(first, ProviderMessage::Dropped { ids, reason });
    let second = bench.source(2);
    while !bench.is_done() {
        bench.answer(second);
    }
}

#[test]
fn who_puts_off_again_and_again_is_passed_by_for_who_gives() {
    let mut bench = Bench::wanting(2);
    let put_off = |bench: &mut Bench, source| {
        let ids: Vec<u64> = (bench.asked.remove(&source).unwrap_or_default().iter())
            .map(|ask| ask.id)
            .collect();
        bench.say(source, ProviderMessage::Busy);
        if !ids.is_empty() {
            let reason = DropReason::Busy;
            bench.say(source, ProviderMessage::Dropped { ids, reason });
        }
        bench.say(source, ProviderMessage::Free);
    };
    let boaster = bench.source(1);
    for _ in 0..=PUT_OFFS_MAX {
        assert_eq!(bench.asked(boaster), 2);
        put_off(&mut bench, boaster);
    }
    assert_eq!(bench.asked(boaster), 0, "left alone");
    let other = bench.source(2);
    assert_eq!(bench.asked(other), 2);
    bench.answer(other);
    // Each time for longer, and in the end for good.
    while bench.ended(boaster).is_none() {
        assert!(bench.now < Time(2_000_000), "it is tried for ever");
        bench.pass(STALL_PAUSE_MIN);
        put_off(&mut bench, boaster);
    }
    assert_eq!(bench.ended(boaster), Some(EndReason::Stalled));
}

#[test]
fn who_puts_off_and_gives_in_turn_is_not_passed_by() {
    let mut bench = Bench::wanting(8);
    let source = bench.source(1);
    while !bench.is_done() {
        bench.answer(source);
        let asks = bench.asked.remove(&source).unwrap_or_default();
        bench.say(source, ProviderMessage::Busy);
        if !asks.is_empty() {
            let (ids, reason) = (asks.iter().map(|ask| ask.id).collect(), DropReason::Busy);
            bench.say(source, ProviderMessage::Dropped { ids, reason });
        }
        bench.say(source, ProviderMessage::Free);
    }
    assert_eq!(bench.ended(source), None);
}

#[test]
fn an_edited_file_is_no_lie_and_is_asked_of_others() {
    let mut bench = Bench::wanting(1);
    let owner = bench.source(1);
    let ids = vec![bench.asked[&owner][0].id];
    let reason = DropReason::Changed;
    bench.say(owner, ProviderMessage::Dropped { ids, reason });
    assert_eq!(bench.ended(owner), None);
    let changed = Output::Changed {
        transfer: T,
        source: owner,
    };
    assert!(bench.others.contains(&changed));
    assert_eq!(bench.asked(owner), 1, "not asked again");
    let other = bench.source(2);
    bench.answer(other);
    assert!(bench.is_done());
}

#[test]
fn a_silent_source_is_passed_by_and_what_comes_late_is_kept() {
    let mut bench = Bench::wanting(2);
    let silent = bench.source(1);
    assert_eq!(bench.asked(silent), 2);
    let other = bench.source(2);
    assert_eq!(bench.asked(other), 0, "it was all asked for");
    bench.pass(STALL_AFTER_MIN);
    assert_eq!(bench.cancelled.len(), 2);
    assert_eq!(bench.asked(other), 2);
    bench.answer(silent);
    assert_eq!(bench.cancelled.len(), 3, "the other need not bring it");
    let ids = vec![bench.asked[&silent][0].id];
    let reason = DropReason::Cancelled;
    bench.say(silent, ProviderMessage::Dropped { ids, reason });
    while bench.asked(other) > 0 {
        bench.answer(other);
    }
    assert!(bench.is_done());
}

#[test]
fn a_source_silent_for_good_is_given_up() {
    let mut bench = Bench::wanting(2);
    let silent = bench.source(1);
    bench.pass(STALL_AFTER_MAX + SECOND * 5 * (1 << STALLS_MAX));
    assert_eq!(bench.ended(silent), Some(EndReason::Stalled));
    assert_eq!(bench.getter.poll_timeout(), None);
    assert_eq!(bench.getter.in_flight(), (0, 0));
}

#[test]
fn the_local_network_is_asked_first() {
    let mut bench = Bench::new(GetterConfig {
        unwritten_bytes_max: 4 * CHUNK,
        ..GetterConfig::default()
    });
    let (relay, lan) = (SourceId(1), SourceId(2));
    for (source, kind) in [(relay, PathKind::Relay), (lan, PathKind::Lan)] {
        bench.getter.handle_transfer(bench.now, T, 100 * CHUNK);
        bench.open(T, source.0, who(source.0), kind);
        bench.say(source, ProviderMessage::Everything);
        bench.say(source, ProviderMessage::Free);
    }
    bench
        .getter
        .handle_wanted(bench.now, T, span(0, 100), Priority::Normal);
    bench.drain();
    assert_eq!((bench.asked(lan), bench.asked(relay)), (4, 0));
}

#[test]
fn a_path_that_becomes_direct_is_asked_more() {
    let mut bench = Bench::wanting(100);
    let (source, rtt) = (SourceId(1), Duration::from_millis(100));
    let path = |kind| Path { kind, rtt };
    let relay = path(PathKind::Relay);
    bench
        .getter
        .handle_source(bench.now, source, T, who(1), relay);
    bench.say(source, ProviderMessage::Everything);
    bench.say(source, ProviderMessage::Free);
    assert_eq!(bench.asked(source), 2);
    let direct = path(PathKind::Direct);
    bench.getter.handle_path(bench.now, who(1).device, direct);
    bench.drain();
    assert_eq!(bench.asked(source), 4);
}

#[test]
fn what_is_not_written_is_not_added_to() {
    let mut bench = Bench::new(GetterConfig {
        unwritten_bytes_max: 4 * CHUNK,
        ..GetterConfig::default()
    });
    bench.want(T, 100);
    let source = bench.source_of(T, 1, PathKind::Lan);
    assert_eq!(bench.asked(source), 4);
    for ask in bench.asked.remove(&source).expect("four") {
        let What::Span(span) = ask.what else {
            panic!("chunks only")
        };
        bench.say(source, data(ask.id, span.end));
        bench
            .getter
            .handle_verified(bench.now, source, ask.id, span.end);
        bench.drain();
    }
    assert_eq!(bench.getter.in_flight(), (0, 4 * CHUNK));
    assert_eq!(bench.asked(source), 0);
    bench.getter.handle_written(bench.now, CHUNK);
    bench.drain();
    assert_eq!(bench.asked(source), 1);
}

#[test]
fn a_reader_is_served_in_order_and_a_seek_goes_elsewhere() {
    let mut bench = Bench::wanting(1000);
    let reader = ReaderId(1);
    let window = |bench: &mut Bench, span| {
        let now = bench.now;
        bench.getter.handle_window(now, T, reader, span);
    };
    window(&mut bench, Some(span(50, 60)));
    let source = bench.source(1);
    let place = |what| match what {
        What::Span(span) => span.start / CHUNK,
        What::Node(_) => panic!("chunks only"),
    };
    let first = place(bench.answer(source));
    assert_eq!([first, place(bench.answer(source))], [50, 51]);
    window(&mut bench, Some(span(700, 710)));
    let left = bench.asked(source);
    for _ in 0..left {
        bench.answer(source);
    }
    assert_eq!(place(bench.answer(source)), 700);
}

#[test]
fn nodes_go_before_chunks_and_from_one_who_has_them() {
    let mut bench = Bench::wanting(10);
    let node = BlobHash([5; 32]);
    assert!(bench.getter.handle_node_wanted(bench.now, T, node));
    let source = bench.source(1);
    assert_eq!(bench.asked[&source][0].what, What::Node(node));
    let ids = vec![bench.asked[&source][0].id];
    let reason = DropReason::Missing;
    bench.say(source, ProviderMessage::Dropped { ids, reason });
    let again = bench.asked[&source][1..].iter();
    assert!(again.into_iter().all(|ask| ask.what != What::Node(node)));
    let other = bench.source(2);
    assert_eq!(bench.answer(other), What::Node(node));
    assert!(bench.getter.handle_node_wanted(bench.now, T, node));
}

#[test]
fn of_nodes_that_prove_small_more_are_asked_for_at_once() {
    let mut bench = Bench::wanting(10);
    bench.getter.handle_unwanted(bench.now, T, span(0, 10));
    for number in 0..200 {
        let node = BlobHash([number; 32]);
        assert!(bench.getter.handle_node_wanted(bench.now, T, node));
    }
    let source = bench.source(1);
    assert!(bench.asked(source) < REQUESTS_MAX / 4, "they may be large");
    for _ in 0..20 {
        bench.answer(source);
    }
    assert_eq!(bench.asked(source), REQUESTS_MAX);
}

#[test]
fn one_who_fetches_it_too_is_waited_for_and_asked_again_for_a_node_that_had_not_come() {
    let mut bench = Bench::wanting(10);
    let node = BlobHash([5; 32]);
    assert!(bench.getter.handle_node_wanted(bench.now, T, node));
    let source = SourceId(1);
    bench.open(T, 1, who(1), PathKind::Direct);
    bench.say(source, ProviderMessage::Holdings(vec![0, 0].into()));
    bench.say(source, ProviderMessage::Free);
    let ids = vec![bench.asked[&source][0].id];
    let reason = DropReason::Missing;
    bench.say(source, ProviderMessage::Dropped { ids, reason });
    let sources = |bench: &Bench| bench.getter.progress(T).expect("known").sources;
    assert_eq!((bench.asked(source), sources(&bench)), (1, 1));
    bench.say(
        source,
        ProviderMessage::Have(vec![Run { first: 3, count: 1 }]),
    );
    assert_eq!(bench.asked[&source][1].what, What::Node(node));
    // One that holds everything and lacks it will never have it.
    let whole = SourceId(2);
    bench.open(T, 2, who(2), PathKind::Direct);
    bench.getter.handle_closed(bench.now, source);
    assert_eq!(sources(&bench), 1, "nothing is known of it");
    bench.getter.handle_unwanted(bench.now, T, span(0, 10));
    bench.say(whole, ProviderMessage::Everything);
    bench.say(whole, ProviderMessage::Free);
    let ids = vec![bench.asked[&whole][0].id];
    bench.say(whole, ProviderMessage::Dropped { ids, reason });
    assert_eq!(sources(&bench), 0);
}

#[test]
fn what_is_here_is_not_asked_for() {
    let mut bench = Bench::wanting(4);
    bench.getter.handle_held(bench.now, T, span(1, 3));
    let half = Span {
        start: 0,
        end: CHUNK / 2,
    };
    bench.getter.handle_held(bench.now, T, half);
    let source = bench.source(1);
    let mut wanted = BTreeSet::new();
    while !bench.is_done() {
        wanted.insert(bench.answer(source));
    }
    let rest = Span {
        start: CHUNK / 2,
        end: CHUNK,
    };
    let expected = [What::Span(rest), What::Span(span(3, 4))];
    assert_eq!(wanted, expected.into());
}

#[test]
fn two_transfers_share_a_source_evenly() {
    let mut bench = Bench::wanting(500);
    let other = TransferId(2);
    bench.want(other, 500);
    let first = bench.source(1);
    bench.getter.handle_closed(bench.now, first);
    bench.asked.clear();
    let sources = [(T, 11), (other, 12)].map(|(transfer, id)| {
        let source = SourceId(id);
        bench.open(transfer, id, who(1), PathKind::Direct);
        bench.say(source, ProviderMessage::Everything);
        source
    });
    for source in sources {
        bench.say(source, ProviderMessage::Free);
    }
    let mut counts = [0usize; 2];
    for _ in 0..100 {
        bench.now = bench.now + Duration::from_millis(50);
        let next = (0..2).max_by_key(|at| bench.asked(sources[*at]));
        let next = next.expect("two of them");
        bench.answer(sources[next]);
        counts[next] += 1;
    }
    assert!(counts[0].abs_diff(counts[1]) <= 10, "{counts:?}");
}

#[test]
fn requests_of_one_source_are_bounded() {
    let mut bench = Bench::new(GetterConfig {
        unwritten_bytes_max: u64::MAX,
        ..GetterConfig::default()
    });
    bench.want(T, 5000);
    let source = bench.source_of(T, 1, PathKind::Lan);
    for _ in 0..200 {
        bench.now = bench.now + Duration::from_millis(300);
        for _ in 0..bench.asked(source) {
            bench.answer(source);
        }
        assert!(bench.asked(source) <= REQUESTS_MAX);
    }
}

#[test]
fn what_closes_is_asked_of_others_and_an_end_closes_them() {
    let mut bench = Bench::wanting(2);
    let first = bench.source(1);
    assert_eq!(bench.asked(first), 2);
    let second = bench.source(2);
    assert_eq!(bench.asked(second), 0);
    bench.getter.handle_closed(bench.now, first);
    bench.drain();
    while !bench.is_done() {
        bench.answer(second);
    }
    bench.getter.handle_transfer_ended(bench.now, T);
    bench.drain();
    assert_eq!(bench.ended(second), Some(EndReason::NotNeeded));
    assert_eq!(bench.getter.progress(T), None);
}

#[test]
fn of_two_direct_sources_the_faster_is_asked_first() {
    let mut bench = Bench::new(GetterConfig {
        unwritten_bytes_max: 4 * CHUNK,
        ..GetterConfig::default()
    });
    bench.want(T, 200);
    let (slow, fast) = (SourceId(1), SourceId(2));
    // Each gives for a second what it has: the second twenty times as much.
    for (source, first, chunks) in [(slow, 0, 2), (fast, 100, 40)] {
        bench.open(T, source.0, who(source.0), PathKind::Direct);
        bench.say(source, have(first, chunks));
        bench.say(source, ProviderMessage::Free);
        for _ in 0..chunks {
            bench.now = bench.now + SECOND / chunks;
            bench.answer(source);
        }
    }
    // Both hold the next, may be asked at the same moment, and there is room for four chunks.
    bench.getter.handle_unwanted(bench.now, T, span(0, 200));
    for source in [slow, fast] {
        bench.say(source, have(40, 60));
    }
    bench
        .getter
        .handle_wanted(bench.now, T, span(40, 100), Priority::Normal);
    bench.drain();
    assert_eq!((bench.asked(slow), bench.asked(fast)), (0, 4));
}

/// The first chunks that a source is asked for, which are random, and the ten behind them.
fn first_and_next(bench: &mut Bench, source: SourceId) -> (Vec<u64>, Vec<u64>) {
    let mut order = (0..RANDOM_FIRST_CHUNKS + 10).map(|_| match bench.answer(source) {
        What::Span(span) => span.start / CHUNK,
        What::Node(_) => panic!("chunks only"),
    });
    let first = order.by_ref().take(RANDOM_FIRST_CHUNKS as usize).collect();
    (first, order.collect())
}

#[test]
fn the_first_chunks_are_any_and_the_next_the_rarest() {
    let mut bench = Bench::new(GetterConfig {
        unwritten_bytes_max: CHUNK,
        ..GetterConfig::default()
    });
    bench.want(T, 400);
    // Of the last ten there is one copy, of all others there are two.
    bench.open(T, 2, who(2), PathKind::Direct);
    bench.say(SourceId(2), have(0, 390));
    let whole = bench.source(1);
    let (first, next) = first_and_next(&mut bench, whole);
    assert!(first.iter().any(|chunk| *chunk < 390), "{first:?}");
    assert_ne!(first, [0, 1, 2, 3]);
    let rarest = next.iter().filter(|chunk| **chunk >= 390).count();
    assert!(rarest >= 10 - first.len(), "{next:?}");
}
