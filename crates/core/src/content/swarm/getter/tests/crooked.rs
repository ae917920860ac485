//! What a getter promises of sources that lie, boast or break the protocol.

use std::time::Duration;

use super::{Bench, CHUNK, SECOND, T, data, have, who};
use crate::address::Route;
use crate::content::referral::Referral;
use crate::content::swarm::config::{DISTRUSTED_FOR, REFERRALS_MAX, STALL_AFTER_MIN, STALLS_MAX};
use crate::content::swarm::getter::output::{EndReason, Output, PathKind};
use crate::content::swarm::getter::{SourceId, Who};
use crate::content::swarm::span::CHUNKS_MAX;
use crate::content::swarm::wire::{
    DropReason, PROVIDERS_MAX, ProviderMessage, SPAN_BYTES_MAX, What,
};
use crate::ids::{BlobHash, DeviceKey};

#[test]
fn a_liar_is_dropped_and_known_by_its_peer() {
    let mut bench = Bench::wanting(10);
    let liar = bench.source(1);
    let ask = bench.asked[&liar][0];
    let until = CHUNK * 10;
    let What::Span(asked) = ask.what else {
        panic!("chunks only")
    };
    bench.say(liar, data(ask.id, asked.end.min(until)));
    bench.getter.handle_invalid(bench.now, liar);
    bench.drain();
    assert_eq!(bench.ended(liar), Some(EndReason::Lied));
    let elsewhere = Who {
        device: DeviceKey([99; 32]),
        ..who(1)
    };
    bench.open(T, 2, elsewhere, PathKind::Lan);
    assert_eq!(bench.ended(SourceId(2)), Some(EndReason::Distrusted));
    let honest = bench.source(3);
    while !bench.is_done() {
        bench.answer(honest);
    }
}

#[test]
fn a_liar_is_asked_again_after_a_day_however_often_it_came_meanwhile() {
    let mut bench = Bench::wanting(1);
    bench.now = bench.now + DISTRUSTED_FOR;
    let liar = bench.source(1);
    bench.getter.handle_invalid(bench.now, liar);
    bench.drain();
    assert_eq!(bench.ended(liar), Some(EndReason::Lied));
    // One of whom an earlier run knows.
    let earlier = bench.now - DISTRUSTED_FOR / 2;
    bench.getter.handle_liar(bench.now, who(2), earlier);
    bench.now = bench.now + DISTRUSTED_FOR / 2 - SECOND;
    for (source, liar) in [(3, who(1)), (4, who(2))] {
        bench.open(T, source, liar, PathKind::Lan);
        assert_eq!(bench.ended(SourceId(source)), Some(EndReason::Distrusted));
    }
    bench.now = bench.now + SECOND;
    bench.open(T, 5, who(1), PathKind::Lan);
    assert_eq!(bench.ended(SourceId(5)), Some(EndReason::Distrusted));
    bench.open(T, 6, who(2), PathKind::Lan);
    bench.now = bench.now + DISTRUSTED_FOR / 2;
    bench.open(T, 7, who(1), PathKind::Lan);
    for source in [6, 7] {
        assert_eq!(bench.ended(SourceId(source)), None);
    }
}

#[test]
fn messages_against_the_protocol_end_a_source() {
    let dropped = |id, reason| {
        let ids = vec![id];
        ProviderMessage::Dropped { ids, reason }
    };
    let breaches: [&dyn Fn(u64) -> ProviderMessage; 10] = [
        &|_| data(999, 1),
        &|id| data(id, u64::MAX),
        &|id| data(id, 0),
        &|_| ProviderMessage::Everything,
        &|_| ProviderMessage::Holdings(vec![0].into()),
        &|_| have(10, 1),
        &|_| have(u32::MAX, 1),
        &|id| dropped(id, DropReason::Busy),
        &|id| dropped(id, DropReason::Cancelled),
        &|_| dropped(999, DropReason::Missing),
    ];
    for breach in breaches {
        let mut bench = Bench::wanting(10);
        let source = bench.source(1);
        let message = breach(bench.asked[&source][0].id);
        bench.say(source, message.clone());
        assert_eq!(bench.ended(source), Some(EndReason::Breach), "{message:?}");
        assert_eq!(bench.getter.in_flight(), (0, 0));
    }
    let mut bench = Bench::wanting(10);
    bench.open(T, 1, who(1), PathKind::Direct);
    let other = vec![0; 3].into();
    bench.say(SourceId(1), ProviderMessage::Holdings(other));
    assert_eq!(bench.ended(SourceId(1)), Some(EndReason::Breach));
}

#[test]
fn more_of_the_line_at_once_than_may_be_ends_a_source() {
    for (brings, ended) in [
        (SPAN_BYTES_MAX, None),
        (SPAN_BYTES_MAX + 1, Some(EndReason::Breach)),
    ] {
        // So large that its chunks are twice the smallest.
        let mut bench = Bench::wanting(2 * u64::from(CHUNKS_MAX));
        let source = bench.source(1);
        let ask = bench.asked[&source][0];
        let What::Span(asked) = ask.what else {
            panic!("chunks only")
        };
        bench.say(source, data(ask.id, asked.start + brings));
        assert_eq!(bench.ended(source), ended);
    }
}

#[test]
fn a_source_names_others_and_not_without_end() {
    let mut bench = Bench::wanting(1);
    let source = bench.source(1);
    let referral = Referral::new(Some(Route::new(DeviceKey([1; 32]))), None);
    for _ in 0..REFERRALS_MAX {
        let many = vec![referral.clone(); PROVIDERS_MAX];
        bench.say(source, ProviderMessage::Providers(many));
    }
    let named: usize = (bench.others.iter())
        .map(|output| match output {
            Output::Learned { providers, .. } => providers.len(),
            _ => 0,
        })
        .sum();
    assert_eq!(named, REFERRALS_MAX);
}

#[test]
fn one_who_claims_what_it_has_not_costs_nobody_anything() {
    let mut bench = Bench::wanting(10);
    let node = BlobHash([5; 32]);
    assert!(bench.getter.handle_node_wanted(bench.now, T, node));
    let boaster = bench.source(1);
    let mut asked = 0;
    for _ in 0..100 {
        let ids: Vec<u64> = (bench.asked.remove(&boaster).into_iter().flatten())
            .map(|ask| ask.id)
            .collect();
        asked += ids.len();
        let reason = DropReason::Missing;
        bench.say(boaster, ProviderMessage::Dropped { ids, reason });
        bench.say(boaster, have(0, 10));
    }
    assert_eq!(asked, 11, "each chunk and the node are asked of it once");
    let honest = bench.source(2);
    while !bench.is_done() {
        bench.answer(honest);
    }
}

/// Has a source be free for so long, be asked, and drop what it was asked for because it is busy. Whether it was asked.
fn tease(bench: &mut Bench, source: SourceId, free_for: Duration) -> bool {
    bench.say(source, ProviderMessage::Free);
    bench.pass(free_for);
    bench.say(source, ProviderMessage::Busy);
    let asked = bench.asked.remove(&source).unwrap_or_default();
    let ids: Vec<u64> = asked.into_iter().map(|ask| ask.id).collect();
    let is_asked = !ids.is_empty();
    if is_asked {
        let reason = DropReason::Busy;
        bench.say(source, ProviderMessage::Dropped { ids, reason });
    }
    is_asked
}

#[test]
fn one_who_is_free_and_gives_nothing_is_passed_by_and_given_up() {
    let mut bench = Bench::wanting(4);
    let teaser = SourceId(1);
    bench.open(T, 1, who(1), PathKind::Direct);
    bench.say(teaser, ProviderMessage::Everything);
    let mut asked = 0;
    for _ in 0..1000 {
        // In time: it does not stall once.
        asked += u32::from(tease(&mut bench, teaser, STALL_AFTER_MIN * 2 / 3));
    }
    assert_eq!(bench.ended(teaser), Some(EndReason::Stalled));
    assert!(asked <= 3 * (STALLS_MAX + 1), "{asked} times");
    let honest = bench.source(2);
    while !bench.is_done() {
        bench.answer(honest);
    }
}

#[test]
fn one_who_is_busy_again_and_again_and_gives_in_between_is_not_given_up() {
    let mut bench = Bench::wanting(100);
    let busy = SourceId(1);
    bench.open(T, 1, who(1), PathKind::Direct);
    bench.say(busy, ProviderMessage::Everything);
    while !bench.is_done() {
        assert!(tease(&mut bench, busy, STALL_AFTER_MIN * 2 / 3));
        // It waits for its place.
        bench.pass(SECOND * 60);
        bench.say(busy, ProviderMessage::Free);
        bench.answer(busy);
    }
    assert_eq!(bench.ended(busy), None);
}
