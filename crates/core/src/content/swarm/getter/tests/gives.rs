//! What a getter says of who gives what: the parts that came, those that are asked for, and nothing that is decided by it.

use std::time::Duration;

use super::{Bench, CHUNK, T, span};
use crate::content::swarm::getter::output::PathKind;
use crate::content::swarm::getter::{Giver, PARTS};

/// A chunk for each part.
const CHUNKS: u64 = PARTS as u64;

fn givers(bench: &Bench) -> Vec<Giver> {
    bench.getter.givers(bench.now, T)
}

#[test]
fn each_is_told_with_the_parts_they_gave_and_are_asked_for() {
    let mut bench = Bench::wanting(CHUNKS);
    let (quick, relayed) = (bench.source(1), bench.source_of(T, 2, PathKind::Relay));
    for _ in 0..10 {
        bench.now = bench.now + Duration::from_millis(200);
        bench.answer(quick);
    }
    bench.answer(relayed);
    let told = givers(&bench);
    let [one, other] = told.as_slice() else {
        panic!("{told:?}");
    };
    assert_eq!((one.bytes, other.bytes), (10 * CHUNK, CHUNK));
    assert_eq!(one.stream, Some((quick, PathKind::Direct)));
    assert_eq!(other.stream, Some((relayed, PathKind::Relay)));
    assert!(one.rate > 0);
    let count = |parts: &[u8; PARTS]| parts.iter().filter(|part| **part == 100).count();
    assert_eq!((count(&one.gave), count(&other.gave)), (10, 1));
    for giver in &told {
        let source = giver.stream.expect("it serves").0;
        assert_eq!(count(&giver.asked), bench.asked[&source].len());
        let both = giver.gave.iter().zip(giver.asked);
        assert!(both.clone().all(|(gave, asked)| *gave == 0 || asked == 0));
    }
}

#[test]
fn what_was_here_came_from_nobody_and_what_comes_twice_counts_once() {
    let mut bench = Bench::wanting(CHUNKS);
    bench.getter.handle_held(bench.now, T, span(0, CHUNKS - 1));
    bench.drain();
    let (one, other) = (bench.source(1), bench.source(2));
    // At the end both are asked for the last chunk.
    bench.answer(one);
    if bench.asked.get(&other).is_some_and(|asks| !asks.is_empty()) {
        bench.answer(other);
    }
    let bytes = givers(&bench).iter().map(|giver| giver.bytes).sum::<u64>();
    assert_eq!(bytes, CHUNK);
}

#[test]
fn whoever_leaves_is_told_with_what_they_gave_and_asked_for_nothing() {
    let mut bench = Bench::wanting(CHUNKS);
    let (gone, idle) = (bench.source(1), bench.source(2));
    bench.answer(gone);
    for source in [gone, idle] {
        bench.getter.handle_closed(bench.now, source);
    }
    bench.drain();
    let told = givers(&bench);
    assert_eq!(told.len(), 1, "who gave nothing is not told");
    assert_eq!((told[0].stream, told[0].bytes), (None, CHUNK));
    assert_eq!(told[0].asked, [0; PARTS]);
    bench.getter.handle_transfer_ended(bench.now, T);
    assert_eq!(givers(&bench), []);
}
