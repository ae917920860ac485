//! What a getter promises of chunks that come late where they were asked for.

use std::time::Duration;

use super::{Bench, SECOND, T, have, span, who};
use crate::content::swarm::getter::SourceId;
use crate::content::swarm::getter::output::PathKind;
use crate::content::swarm::wire::{DropReason, ProviderMessage, What};

/// A source that holds these chunks and answers.
fn source(bench: &mut Bench, id: u64, kind: PathKind, (first, count): (u32, u32)) -> SourceId {
    let source = SourceId(id);
    bench.open(T, id, who(id), kind);
    bench.say(source, have(first, count));
    bench.say(source, ProviderMessage::Free);
    source
}

#[test]
fn the_last_chunk_is_asked_of_a_faster_source_and_the_loser_is_cancelled() {
    let mut bench = Bench::wanting(3);
    let slow = source(&mut bench, 1, PathKind::Relay, (0, 1));
    let fast = bench.source_of(T, 2, PathKind::Lan);
    bench.now = bench.now + SECOND;
    bench.answer(fast);
    bench.answer(fast);
    let (first, second) = (bench.asked[&slow][0], bench.asked[&fast][0]);
    assert_eq!(first.what, second.what);
    assert!(bench.cancelled.is_empty(), "it may be on its way");
    bench.answer(fast);
    assert!(bench.is_done());
    assert!(bench.cancelled.contains(&(slow, first.id)));
}

#[test]
fn what_waits_at_a_slower_source_is_moved_and_comes_once() {
    let mut bench = Bench::wanting(8);
    let slow = source(&mut bench, 1, PathKind::Relay, (0, 6));
    assert_eq!(bench.asked(slow), 6);
    let fast = bench.source_of(T, 2, PathKind::Lan);
    assert_eq!(bench.asked(fast), 2);
    bench.now = bench.now + SECOND / 2;
    bench.answer(fast);
    let last = bench.asked[&slow][5];
    assert_eq!(bench.asked[&fast][1].what, last.what);
    assert!(bench.cancelled.contains(&(slow, last.id)), "at once");
    let ids = vec![last.id];
    let reason = DropReason::Cancelled;
    bench.say(slow, ProviderMessage::Dropped { ids, reason });
    bench.answer(fast);
    bench.answer(fast);
    let again = bench.asked[&slow]
        .iter()
        .filter(|ask| ask.what == last.what);
    assert_eq!(again.count(), 1, "it is not given back");
}

#[test]
fn what_is_on_its_way_is_asked_for_twice_only_where_that_saves_a_wait() {
    let its = [0, 1].map(|chunk| What::Span(span(chunk, chunk + 1)));
    for (each, is_doubled) in [(SECOND / 3, false), (SECOND * 4, true)] {
        let mut bench = Bench::wanting(40);
        let slow = source(&mut bench, 1, PathKind::Direct, (0, 2));
        assert_eq!(bench.asked(slow), 2);
        bench.now = bench.now + each;
        bench.answer(slow);
        let left = bench.asked[&slow][0].what;
        assert!(its.contains(&left));
        // It brings a chunk a hundred times as fast.
        let fast = bench.source_of(T, 2, PathKind::Lan);
        let mut doubled = 0;
        while bench.asked(fast) > 0 {
            bench.now = bench.now + Duration::from_millis(10);
            doubled += usize::from(bench.answer(fast) == left);
        }
        assert_eq!(doubled, usize::from(is_doubled), "{each:?} a chunk");
    }
}
