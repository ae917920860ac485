//! Who fetched some files, and will hold no more, gives what it has of them, whole chunks and parts of others; nobody waits for it.

use super::*;
use crate::content::swarm::part::Part;
use crate::content::swarm::ranges::Ranges;
use crate::content::swarm::span::Tiling;
use crate::content::swarm::wire::{EDGES_MAX, SPANS_MAX};

/// A place that no chunk begins at.
const ODD: u64 = 70_001;

fn bytes(start: u64, end: u64) -> Span {
    Span { start, end }
}

/// A free source that holds these bytes of so many chunks for good.
fn holder(bench: &mut Bench, id: u64, chunks: u64, held: &[Span]) -> SourceId {
    holder_by(bench, id, chunks, held, PathKind::Direct)
}

fn holder_by(bench: &mut Bench, id: u64, chunks: u64, held: &[Span], kind: PathKind) -> SourceId {
    let mut ranges = Ranges::default();
    held.iter().for_each(|span| ranges.insert(*span));
    let part = Part::of(chunks * CHUNK, &ranges);
    let source = SourceId(id);
    bench.open(T, id, who(id), kind);
    let bits = part.chunks.to_bytes();
    bench.say(source, ProviderMessage::Holdings(bits.into()));
    let tiling = Tiling::new(chunks * CHUNK);
    let within = |edge| {
        tiling
            .touched(edge)
            .map(move |at| tiling.span(at).overlap(edge))
    };
    let edges = part.edges.iter().flat_map(within).collect();
    bench.say(source, ProviderMessage::Final(edges));
    bench.say(source, ProviderMessage::Free);
    source
}

fn progress(bench: &Bench) -> (usize, usize) {
    let progress = bench.getter.progress(T).expect("known");
    (progress.sources, progress.spent)
}

#[test]
fn of_a_chunk_each_gives_its_part_and_none_is_asked_for_what_it_has_not() {
    let mut bench = Bench::wanting(1);
    let first = holder(&mut bench, 1, 1, &[bytes(0, ODD)]);
    assert_eq!(bench.answer(first), What::Span(bytes(0, ODD)));
    assert!(!bench.is_done());
    assert_eq!(bench.asked(first), 0, "it has no more");
    let second = holder(&mut bench, 2, 1, &[bytes(ODD, CHUNK)]);
    assert_eq!(bench.answer(second), What::Span(bytes(ODD, CHUNK)));
    assert!(bench.is_done());
}

#[test]
fn holders_of_parts_give_all_of_it_once_where_nobody_has_all() {
    let chunks = 40;
    let mut bench = Bench::wanting(chunks);
    let (a, b) = (7 * CHUNK + ODD, 23 * CHUNK + 2 * ODD);
    let parts = [
        vec![bytes(0, a)],
        vec![bytes(a, b)],
        // Two files in one chunk, and none between them.
        vec![bytes(b, b + 5), bytes(b + 10, chunks * CHUNK)],
        vec![bytes(b + 5, b + 10), bytes(ODD, 2 * ODD)],
    ];
    let sources: Vec<SourceId> = (1..)
        .zip(&parts)
        .map(|(id, held)| holder(&mut bench, id, chunks, held))
        .collect();
    let mut came = Ranges::default();
    while !bench.is_done() {
        let before = came.bytes();
        for (source, held) in sources.iter().zip(&parts) {
            while bench.asked(*source) > 0 {
                let What::Span(span) = bench.answer(*source) else {
                    panic!("no node is wanted")
                };
                let has = |held: &Span| held.start <= span.start && span.end <= held.end;
                assert!(held.iter().any(has), "{span:?} of {held:?}");
                assert_eq!(came.within(span).next(), None, "{span:?} twice");
                came.insert(span);
                bench.now = bench.now + Duration::from_millis(10);
            }
        }
        assert!(came.bytes() > before, "it stands still");
    }
    assert_eq!(came.bytes(), chunks * CHUNK);
    assert!(sources.iter().all(|source| bench.ended(*source).is_none()));
}

#[test]
fn who_will_hold_no_more_is_neither_waited_for_nor_given_up() {
    let mut bench = Bench::wanting(4);
    let source = holder(&mut bench, 1, 4, &[bytes(ODD, 2 * CHUNK)]);
    assert_eq!(progress(&bench), (1, 0));
    while bench.asked(source) > 0 {
        bench.answer(source);
    }
    assert_eq!(progress(&bench), (0, 1));
    let not_interested = Output::Send {
        source,
        message: AskerMessage::Interest(false),
    };
    assert!(bench.others.contains(&not_interested));
    bench.pass(STALL_AFTER_MAX * 100);
    assert_eq!(bench.ended(source), None);
    // One that still fetches is waited for.
    bench.open(T, 2, who(2), PathKind::Direct);
    bench.say(SourceId(2), ProviderMessage::Holdings(vec![0].into()));
    assert_eq!(progress(&bench), (1, 1));
    // And so is who said that nothing more would come, and has begun again.
    bench.say(source, have(3, 1));
    assert_eq!(progress(&bench), (2, 0));
    assert_eq!(bench.answer(source), What::Span(span(3, 4)));
}

#[test]
fn who_still_fetches_some_files_is_waited_for_and_gives_parts_of_chunks_at_the_end() {
    let mut bench = Bench::wanting(3);
    let source = SourceId(1);
    bench.open(T, 1, who(1), PathKind::Direct);
    bench.say(source, ProviderMessage::Holdings(vec![0].into()));
    bench.say(source, ProviderMessage::Free);
    assert_eq!((bench.asked(source), progress(&bench)), (0, (1, 0)));
    bench.say(source, have(1, 1));
    assert_eq!(bench.answer(source), What::Span(span(1, 2)));
    assert_eq!((bench.asked(source), progress(&bench)), (0, (1, 0)));
    let edges = vec![bytes(ODD, CHUNK), bytes(2 * CHUNK, 2 * CHUNK + ODD)];
    bench.say(source, ProviderMessage::Final(edges));
    // More of it, and in the same chunk, in a second choice.
    bench.say(source, have(0, 1));
    let edge = bytes(2 * CHUNK + ODD, 3 * CHUNK);
    bench.say(source, ProviderMessage::Final(vec![edge]));
    while bench.asked(source) > 0 {
        bench.answer(source);
    }
    assert!(bench.is_done() && bench.ended(source).is_none());
}

#[test]
fn an_edge_is_asked_for_when_it_is_wanted_and_not_when_it_is_here() {
    let mut bench = Bench::new(GetterConfig::default());
    assert!(bench.getter.handle_transfer(bench.now, T, 2 * CHUNK));
    let source = holder(&mut bench, 1, 2, &[bytes(ODD, CHUNK + ODD)]);
    let want = |bench: &mut Bench, span| {
        let now = bench.now;
        bench.getter.handle_wanted(now, T, span, Priority::Normal);
        bench.drain();
    };
    want(&mut bench, bytes(0, ODD));
    assert_eq!(bench.asked(source), 0);
    bench
        .getter
        .handle_held(bench.now, T, bytes(CHUNK, CHUNK + ODD));
    want(&mut bench, bytes(CHUNK, 2 * CHUNK));
    assert_eq!(bench.asked(source), 0);
    want(&mut bench, bytes(ODD, ODD + 10));
    assert_eq!(bench.answer(source), What::Span(bytes(ODD, ODD + 10)));
    assert_eq!(bench.asked(source), 0);
}

#[test]
fn a_part_counts_as_a_copy_when_the_rarest_is_looked_for() {
    let mut bench = Bench::new(GetterConfig {
        unwritten_bytes_max: CHUNK,
        ..GetterConfig::default()
    });
    let chunks = 100;
    bench.want(T, chunks);
    // Of the last ten there is one copy; of all others another holds a half, and has no place.
    let half = |chunk: u64| bytes(chunk * CHUNK, chunk * CHUNK + CHUNK / 2);
    bench.open(T, 1, who(1), PathKind::Direct);
    bench.say(SourceId(1), ProviderMessage::Holdings(vec![0; 13].into()));
    let halves = (0..chunks - 10).map(half).collect();
    bench.say(SourceId(1), ProviderMessage::Final(halves));
    let whole = bench.source(2);
    let (first, next) = first_and_next(&mut bench, whole);
    let rarest = next.iter().filter(|chunk| **chunk >= chunks - 10).count();
    assert!(rarest >= 10 - first.len(), "{first:?} {next:?}");
}

#[test]
fn who_has_an_edge_stands_in_for_another_only_where_that_owes_no_more() {
    let of = |chunk, from| bytes(chunk * CHUNK + from, (chunk + 1) * CHUNK);
    let edges: Vec<Span> = (0..6).map(|chunk| of(chunk, ODD)).collect();
    for (wanted_from, is_moved) in [(0, false), (ODD, true)] {
        let mut bench = Bench::new(GetterConfig::default());
        assert!(bench.getter.handle_transfer(bench.now, T, 8 * CHUNK));
        let whole = [of(6, 0), of(7, 0)];
        let wanted = (0..6).map(|chunk| of(chunk, wanted_from)).chain(whole);
        for span in wanted {
            let now = bench.now;
            bench.getter.handle_wanted(now, T, span, Priority::Normal);
        }
        bench.drain();
        let slow = SourceId(1);
        bench.open(T, 1, who(1), PathKind::Relay);
        bench.say(slow, have(0, 6));
        bench.say(slow, ProviderMessage::Free);
        let fast = holder_by(
            &mut bench,
            2,
            8,
            &[&edges[..], &whole].concat(),
            PathKind::Lan,
        );
        assert_eq!((bench.asked(slow), bench.asked(fast)), (6, 2));
        bench.now = bench.now + SECOND / 2;
        bench.answer(fast);
        assert_eq!(bench.cancelled.is_empty(), !is_moved);
        assert_eq!(bench.asked(fast) > 1, is_moved);
        // Nor does it when somebody waits to read that.
        let (reader, now) = (ReaderId(1), bench.now);
        bench.getter.handle_window(now, T, reader, Some(span(0, 1)));
        bench.drain();
        assert_eq!(bench.asked(fast) > 1, is_moved);
        assert!(bench.ended(fast).is_none() && bench.ended(slow).is_none());
    }
}

#[test]
fn ends_that_break_the_protocol_end_the_source() {
    let bad: [&[ProviderMessage]; 4] = [
        &[ProviderMessage::Final(Vec::new())],
        &[
            ProviderMessage::Holdings(vec![0].into()),
            ProviderMessage::Final(vec![bytes(CHUNK - 1, CHUNK + 1)]),
        ],
        &[
            ProviderMessage::Holdings(vec![0].into()),
            ProviderMessage::Final(vec![bytes(5, 5)]),
        ],
        &[
            ProviderMessage::Holdings(vec![0].into()),
            ProviderMessage::Final(vec![bytes(4 * CHUNK - 1, 4 * CHUNK + 1)]),
        ],
    ];
    for messages in bad {
        let mut bench = Bench::wanting(4);
        bench.open(T, 1, who(1), PathKind::Direct);
        for message in messages {
            bench.say(SourceId(1), message.clone());
        }
        assert_eq!(bench.ended(SourceId(1)), Some(EndReason::Breach));
    }
    let mut bench = Bench::wanting(4);
    bench.open(T, 1, who(1), PathKind::Direct);
    bench.say(SourceId(1), ProviderMessage::Holdings(vec![0].into()));
    for told in 0..=EDGES_MAX / SPANS_MAX {
        assert_eq!(bench.ended(SourceId(1)), None, "{told}");
        bench.say(
            SourceId(1),
            ProviderMessage::Final(vec![bytes(0, 1); SPANS_MAX]),
        );
    }
    assert_eq!(bench.ended(SourceId(1)), Some(EndReason::Breach));
}
