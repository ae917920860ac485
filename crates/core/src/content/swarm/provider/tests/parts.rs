//! Who fetches some files, or fetched them, tells what it has of them as it comes, and what it has of chunks in part when no more will come.

use std::collections::BTreeMap;

use super::*;
use crate::content::swarm::Part;
use crate::content::swarm::ranges::Ranges;
use crate::content::swarm::wire::{EDGES_MAX, SPANS_MAX};

#[test]
fn who_holds_a_part_for_good_tells_its_edges_and_gives_within_them() {
    let size = u64::from(CHUNKS) * CHUNK;
    let mut held = Ranges::default();
    for (start, end) in [(CHUNK - 10, 3 * CHUNK + 10), (9 * CHUNK, size)] {
        held.insert(Span { start, end });
    }
    let Part { chunks, edges } = Part::of(size, &held);
    let mut bench = Bench::new(ProviderConfig::default(), chunks.clone());
    bench.provider.handle_final(bench.now, S, &edges);
    let asker = bench.asker(1);
    let told = ProviderMessage::Holdings(chunks.to_bytes().into());
    assert!(bench.said(asker, &told));
    let span = |start, end| Span { start, end };
    let edges = vec![span(CHUNK - 10, CHUNK), span(3 * CHUNK, 3 * CHUNK + 10)];
    assert!(bench.said(asker, &ProviderMessage::Final(edges)));
    let asks = [
        span(CHUNK - 10, CHUNK),
        span(CHUNK, 2 * CHUNK),
        span(3 * CHUNK, 3 * CHUNK + 10),
        span(CHUNK - 11, CHUNK),
        span(3 * CHUNK, 3 * CHUNK + 11),
        span(0, 5),
    ];
    for (id, span) in (1..).zip(asks) {
        let what = What::Span(span);
        bench.say(asker, AskerMessage::Request(vec![Ask { id, what }]));
        bench.provider.handle_served(bench.now, asker, id);
    }
    let served: Vec<u64> = bench.serving().iter().map(|(_, id)| *id).collect();
    assert_eq!(served, [1, 2, 3]);
    for id in 4..=6 {
        let (ids, reason) = (vec![id], DropReason::Missing);
        assert!(bench.said(asker, &ProviderMessage::Dropped { ids, reason }));
    }
}

/// These bytes.
fn ranges(spans: &[(u64, u64)]) -> Ranges {
    let mut ranges = Ranges::default();
    for (start, end) in spans {
        let (start, end) = (*start, *end);
        ranges.insert(Span { start, end });
    }
    ranges
}

/// What an asker was told since it was last looked, that is not about its place.
fn told(bench: &mut Bench, asker: AskerId) -> Vec<ProviderMessage> {
    let outputs = std::mem::take(&mut bench.outputs).into_iter();
    let messages = outputs.filter_map(|output| match output {
        Output::Send { asker: to, message } if to == asker => Some(message),
        _ => None,
    });
    let is_of_holdings = |message: &ProviderMessage| {
        !matches!(message, ProviderMessage::Free | ProviderMessage::Suggest(_))
    };
    messages.filter(is_of_holdings).collect()
}

#[test]
fn a_part_is_told_as_it_grows_and_its_edges_when_no_more_will_come() {
    let none = Holdings::none(CHUNKS);
    let mut bench = Bench::new(ProviderConfig::default(), none.clone());
    let asker = bench.asker(1);
    bench.drain();
    let holdings = |held: &Holdings| ProviderMessage::Holdings(held.to_bytes().into());
    assert_eq!(told(&mut bench, asker), [holdings(&none)]);
    let have = |first| ProviderMessage::Have(vec![Run { first, count: 1 }]);
    let hold = |bench: &mut Bench, chunk| {
        bench.provider.handle_held(bench.now, S, chunk);
        bench.drain();
    };
    let settle = |bench: &mut Bench, edges: &[(u64, u64)]| {
        bench.provider.handle_final(bench.now, S, &ranges(edges));
        bench.drain();
    };
    // What was not told yet goes before that no more will come.
    hold(&mut bench, 3);
    settle(&mut bench, &[(4 * CHUNK, 4 * CHUNK + 9)]);
    let edge = |start, end| ProviderMessage::Final(vec![Span { start, end }]);
    let first = edge(4 * CHUNK, 4 * CHUNK + 9);
    assert_eq!(told(&mut bench, asker), [have(3), first.clone()]);
    settle(&mut bench, &[(4 * CHUNK, 4 * CHUNK + 9)]);
    assert_eq!(
        told(&mut bench, asker),
        [] as [ProviderMessage; 0],
        "nothing is new"
    );

    // More is chosen: who comes now waits for it, and who is there hears what is new.
    bench.provider.handle_growing(bench.now, S);
    let second = bench.asker(2);
    bench.drain();
    let mut held = none;
    held.insert(3);
    assert_eq!(told(&mut bench, second), [holdings(&held)]);
    hold(&mut bench, 9);
    settle(&mut bench, &[(20 * CHUNK + 5, 20 * CHUNK + 6)]);
    let outputs = bench.outputs.clone();
    let new = edge(20 * CHUNK + 5, 20 * CHUNK + 6);
    assert_eq!(told(&mut bench, asker), [have(9), new]);
    bench.outputs = outputs;
    let both = ranges(&[(4 * CHUNK, 4 * CHUNK + 9), (20 * CHUNK + 5, 20 * CHUNK + 6)]);
    let both = ProviderMessage::Final(both.iter().collect());
    assert_eq!(told(&mut bench, second), [have(9), both]);
    // Both may ask for all of that.
    for asker in [asker, second] {
        for (id, (start, end)) in [
            (1, (4 * CHUNK + 1, 4 * CHUNK + 9)),
            (2, (20 * CHUNK + 5, 20 * CHUNK + 6)),
        ] {
            let what = What::Span(Span { start, end });
            bench.say(asker, AskerMessage::Request(vec![Ask { id, what }]));
        }
    }
    assert_eq!(bench.serving().len(), 4);
    // A chunk alone says that more is coming, until the next end.
    hold(&mut bench, 11);
    bench.pass(bench.now + Duration::from_secs(1));
    bench.outputs.clear();
    settle(&mut bench, &[]);
    assert_eq!(
        told(&mut bench, second),
        [ProviderMessage::Final(Vec::new())]
    );
}

#[test]
fn nobody_is_told_of_more_edges_than_a_getter_takes() {
    let mut bench = Bench::new(ProviderConfig::default(), Holdings::none(CHUNKS));
    let (early, mut told_of) = (bench.asker(1), BTreeMap::new());
    for round in 0..3 {
        // Each a byte, with one between them and the next.
        let edges: Vec<(u64, u64)> = (0..EDGES_MAX as u64 / 2)
            .map(|at| (2 * (at * 3 + round), 2 * (at * 3 + round) + 1))
            .collect();
        bench.provider.handle_final(bench.now, S, &ranges(&edges));
        bench.drain();
        if round == 1 {
            bench.asker(2);
            bench.drain();
        }
        for output in std::mem::take(&mut bench.outputs) {
            if let Output::Send {
                asker,
                message: ProviderMessage::Final(spans),
            } = output
            {
                assert!(spans.len() <= SPANS_MAX);
                *told_of.entry(asker).or_insert(0) += spans.len();
            }
        }
    }
    assert_eq!(told_of[&early], EDGES_MAX);
    assert_eq!(told_of[&AskerId(2)], EDGES_MAX);
}

#[test]
fn what_is_here_now_is_told_where_it_is_more_and_withdrawn_where_something_is_gone() {
    let some = |chunks: &[u32]| {
        let mut held = Holdings::none(CHUNKS);
        for chunk in chunks {
            held.insert(*chunk);
        }
        held
    };
    let edge = |chunk: u64| {
        let mut edges = Ranges::default();
        let start = chunk * CHUNK;
        edges.insert(Span {
            start,
            end: start + 10,
        });
        edges
    };
    // What was told first, whether more comes, and what is here then.
    let cases = [
        (some(&[1, 2, 3]), Some(edge(5)), true),
        // The edge's chunk is whole by now, or will be known again when no more is being fetched.
        (some(&[1, 2, 5]), Some(Ranges::default()), true),
        (some(&[1, 2]), None, true),
        (Holdings::all(CHUNKS), None, true),
        (some(&[1]), Some(edge(5)), false),
        (some(&[1, 2]), Some(edge(6)), false),
    ];
    for (held, edges, stays) in cases {
        let mut bench = Bench::new(ProviderConfig::default(), some(&[1, 2]));
        bench.provider.handle_final(bench.now, S, &edge(5));
        let asker = bench.asker(1);
        let provided = bench
            .provider
            .handle_here(bench.now, S, &held, edges.as_ref());
        assert_eq!(provided, stays, "{held:?} {edges:?}");
        bench.drain();
        let gone = (!stays).then_some(CloseReason::Gone);
        assert_eq!(bench.closed(asker), gone, "{held:?} {edges:?}");
        let again = bench
            .provider
            .handle_here(bench.now, S, &held, edges.as_ref());
        assert_eq!(again, stays);
    }
}
