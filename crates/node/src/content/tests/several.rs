//! Several providers at once: each gives a part, and whoever lies, stalls or leaves costs only itself.

use std::fs;
use std::sync::{Arc, Mutex};

use futures_util::future::{BoxFuture, join_all};
use kith_core::content::swarm::getter::Who;
use kith_core::content::swarm::span::{CHUNK_BYTES_MIN, Span, groups_within};
use kith_core::content::swarm::wire::{DropReason, What};
use kith_core::content::wire::GROUP_BYTES;
use kith_core::ids::{BlobHash, DeviceKey, PeerId, ShareId};

use super::fake::{self, Reply};
use super::world::{Fault, LAN, World, bytes, getting};
use crate::content::swarm::fetching::Fetching;
use crate::content::swarm::{Getting, Intake, SourceEnd};
use crate::content::{Carrier, Credential, Get, GetError, Givers, Got, Recipients, get};
use crate::data::range::Blob;

/// What is fetched: enough for each of a few to give some of it.
const BIG_BYTES: usize = 24 << 20;

/// What may come in all: the tree's hashes are one part in 250, messages are less, and where one stream is cut, or is so much slower in the
/// end that another is asked too, a chunk or two come twice.
const RECEIVED_MAX: u64 = BIG_BYTES as u64 / 16 * 17;

/// So slow that others have time to join in, in bytes a second.
const SLOW: u64 = 8 << 20;

type Ending<'a> = BoxFuture<'a, SourceEnd>;

fn who(number: u8) -> Who {
    Who {
        device: DeviceKey([number; 32]),
        peer: Some(PeerId([number; 32])),
    }
}

fn world() -> (World, ShareId) {
    let world = World::new();
    world.write("big", &bytes(1, BIG_BYTES));
    let share = world.share(Recipients::Contacts).head.share;
    (world, share)
}

/// What a chunk takes on the wire at most, with its inner nodes and the message before it.
const CHUNK_SENT_MAX: u64 = CHUNK_BYTES_MIN + CHUNK_BYTES_MIN / 64;

/// What is read ahead of a stream by the way, and what messages without bytes take: what is held, who is free, what is suggested.
const WORDS_MAX: u64 = 32 * 1024;

/// An honest provider.
fn honest<'a>(world: &'a World, intake: &'a Intake, number: u8, fault: Fault) -> Ending<'a> {
    let stream = world.stream_to_another(fault, Some(SLOW));
    Box::pin(intake.source(stream, who(number), LAN, &Credential::Session))
}

/// One that sends as many bytes as it likes where so many are due, and wrong ones.
fn lying(intake: &Intake, number: u8, length: fn(usize) -> usize) -> Ending<'static> {
    let intake = intake.clone();
    Box::pin(fake::run_as(intake, who(number), move |ask| {
        match ask.what {
            What::Node(_) => Reply::Dropped(DropReason::Missing),
            What::Span(span) => Reply::Data(vec![7; length(encoded_bytes(span))]),
        }
    }))
}

fn encoded_bytes(span: Span) -> usize {
    let (hash, size) = (BlobHash([0; 32]), BIG_BYTES as u64);
    let groups = groups_within(0, size, span);
    let bytes = Blob { hash, size }.encoded_bytes(&groups);
    usize::try_from(bytes).expect("a chunk")
}

/// Fetches from all of these; gives how their streams ended, too.
async fn fetch(
    world: &World,
    getting: &Arc<Getting>,
    share: ShareId,
    sources: impl for<'a> Fn(&'a World, &'a Intake) -> Vec<Ending<'a>> + Send + Sync,
) -> (Result<Got, GetError>, Vec<SourceEnd>) {
    fetch_as(world, getting, world.request(share), sources).await
}

/// The same, as it is asked for.
async fn fetch_as(
    world: &World,
    getting: &Arc<Getting>,
    request: Get,
    sources: impl for<'a> Fn(&'a World, &'a Intake) -> Vec<Ending<'a>> + Send + Sync,
) -> (Result<Got, GetError>, Vec<SourceEnd>) {
    let ends = Mutex::new(Vec::new());
    let ask = || world.head(&request);
    let feed = async |intake: Intake| {
        let noted = sources(world, &intake).into_iter().map(async |source| {
            let end = source.await;
            ends.lock().expect("no panic").push(end);
        });
        join_all(noted).await;
        GetError::Stalled
    };
    let got = get(getting, ask, feed, request.clone(), |_| {}).await;
    (got, ends.into_inner().expect("no panic"))
}

fn assert_whole(got: &Got) {
    assert!(fs::read(got.target.join("big")).expect("there") == bytes(1, BIG_BYTES));
}

fn came_from(got: &Got, number: u8) -> u64 {
    let peer = Some(PeerId([number; 32]));
    got.sources.get(&peer).copied().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_three_gives_a_part_and_nothing_comes_twice() {
    let (world, share) = world();
    let (got, _) = fetch(&world, &getting(), share, |world, intake| {
        let numbers = [1, 2, 3].into_iter();
        numbers
            .map(|number| honest(world, intake, number, Fault::None))
            .collect()
    })
    .await;
    let got = got.expect("fetched");
    assert_whole(&got);
    let parts: Vec<u64> = [1, 2, 3].map(|number| came_from(&got, number)).to_vec();
    assert!(parts.iter().all(|part| *part > 0), "{parts:?}");
    assert_eq!(parts.iter().sum::<u64>(), BIG_BYTES as u64);
    assert_eq!(got.fetched, BIG_BYTES as u64);
    let received = world.received();
    assert!(received <= RECEIVED_MAX, "{received} bytes");
}

/// Fetches from one who lies, which is found out, and from another.
async fn find_a_liar_out(
    world: &World,
    getting: &Arc<Getting>,
    share: ShareId,
    length: fn(usize) -> usize,
) {
    let (got, ends) = fetch(world, getting, share, |world, intake| {
        let liar = lying(intake, 2, length);
        vec![honest(world, intake, 1, Fault::None), liar]
    })
    .await;
    let got = got.expect("fetched from the other");
    assert_whole(&got);
    assert_eq!(came_from(&got, 2), 0);
    assert!(
        matches!(&ends[..], [SourceEnd::Lied(what)] if what == "big"),
        "{ends:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_liar_is_dropped_and_remembered_and_the_others_give_the_rest() {
    let (world, share) = world();
    let getting = getting();
    find_a_liar_out(&world, &getting, share, |due| due).await;

    fs::remove_dir_all(world.out()).expect("removed");
    let (got, ends) = fetch(&world, &getting, share, |world, intake| {
        vec![honest(world, intake, 2, Fault::None)]
    })
    .await;
    assert!(got.is_err(), "nothing is asked of a liar again");
    assert!(matches!(&ends[..], [SourceEnd::Distrusted]), "{ends:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_sends_a_group_too_much_or_too_little_lied_and_the_others_give_the_rest() {
    const GROUP: usize = GROUP_BYTES as usize;
    let lengths: [fn(usize) -> usize; 2] = [|due| due + GROUP, |due| due - GROUP];
    for length in lengths {
        let (world, share) = world();
        find_a_liar_out(&world, &getting(), share, length).await;
    }
}

/// Fetches from one whose byte at this position is wrong. How much of what it sent was read.
async fn read_of_a_liar(lies_at: u64) -> u64 {
    let (world, share) = world();
    let (_, ends) = fetch(&world, &getting(), share, |world, intake| {
        // As fast as it is read.
        let stream = world.stream_to_another(Fault::Flip(lies_at), None);
        let end: Ending<'_> = Box::pin(intake.source(stream, who(2), LAN, &Credential::Session));
        vec![end]
    })
    .await;
    assert!(matches!(&ends[..], [SourceEnd::Lied(_)]), "{ends:?}");
    world.received()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_liar_nothing_is_read_behind_what_does_not_verify() {
    for lies_at in [CHUNK_BYTES_MIN / 2, BIG_BYTES as u64 / 2] {
        let read = read_of_a_liar(lies_at).await;
        assert!(read <= lies_at + CHUNK_SENT_MAX + WORDS_MAX, "{read}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_liar_sent_before_its_lie_is_not_fetched_again() {
    let (world, share) = world();
    let lies_at = BIG_BYTES as u64 / 2;
    let (lied, _) = fetch(&world, &getting(), share, |world, intake| {
        let stream = world.stream_to_another(Fault::Flip(lies_at), None);
        let end: Ending<'_> = Box::pin(intake.source(stream, who(2), LAN, &Credential::Session));
        vec![end]
    })
    .await;
    lied.expect_err("nobody else has it");
    let (got, _) = fetch(&world, &getting(), share, |world, intake| {
        vec![honest(world, intake, 1, Fault::None)]
    })
    .await;
    let got = got.expect("fetched");
    assert_whole(&got);
    let lost = got.fetched + lies_at - BIG_BYTES as u64;
    assert!(lost <= CHUNK_SENT_MAX + WORDS_MAX, "{lost}");
}

#[tokio::test]
async fn nobody_is_missed_while_nothing_is_wanted() {
    let (world, share) = world();
    let head = world
        .head(&world.request(share))
        .await
        .expect("shared")
        .head;
    let fetching = Fetching::begin(&getting(), &head, &Givers::default()).expect("room");
    assert!(!fetching.is_stranded(), "what comes next may be on its way");
    assert!(fetching.want_node(head.manifest));
    assert!(fetching.is_stranded(), "there is nobody");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_stalls_is_passed_by() {
    let (world, share) = world();
    let (got, _) = fetch(&world, &getting(), share, |world, intake| {
        let stalling = fake::run_as(intake.clone(), who(2), |_| Reply::Silence);
        vec![honest(world, intake, 1, Fault::None), Box::pin(stalling)]
    })
    .await;
    let got = got.expect("fetched from the other");
    assert_whole(&got);
    assert_eq!(came_from(&got, 1), BIG_BYTES as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_one_leaves_the_rest_comes_from_another() {
    let (world, share) = world();
    let (got, ends) = fetch(&world, &getting(), share, |world, intake| {
        vec![
            honest(world, intake, 1, Fault::None),
            honest(world, intake, 2, Fault::Cut(4 << 20)),
        ]
    })
    .await;
    let got = got.expect("fetched");
    assert_whole(&got);
    assert!(matches!(&ends[..], [SourceEnd::Lost(_)]), "{ends:?}");
    let (stayed, left) = (came_from(&got, 1), came_from(&got, 2));
    assert!(left > 0 && left < 5 << 20, "{left}");
    assert_eq!(stayed + left, BIG_BYTES as u64);
    let received = world.received();
    assert!(received <= RECEIVED_MAX, "{received} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_told_who_gives_which_parts_while_they_do_and_afterwards() {
    let (world, share) = world();
    let givers = Givers::default();
    let request = Get {
        givers: givers.clone(),
        ..world.request(share)
    };
    let getting = getting();
    let fetching = fetch_as(&world, &getting, request, |world, intake| {
        // Not held by the future of the stream.
        let lane = Box::leak(Box::new(intake.by_lane()));
        vec![
            honest(world, lane, 1, Fault::None),
            honest(world, intake, 2, Fault::None),
        ]
    });
    let (mut seen_lane, mut seen_session) = (false, false);
    let looking = async {
        loop {
            for giver in givers.list() {
                let is_asked = giver.asked.iter().any(|part| *part > 0);
                seen_lane |= is_asked && giver.carrier == Some(Carrier::Lane);
                seen_session |= is_asked && giver.carrier == Some(Carrier::Lan);
            }
            tokio::task::yield_now().await;
        }
    };
    let (got, _) = tokio::select! {
        fetched = fetching => fetched,
        never = looking => never,
    };
    let got = got.expect("fetched");
    assert!(seen_lane && seen_session);
    let told = givers.list();
    assert_eq!(told.len(), 2);
    for giver in &told {
        assert_eq!(giver.carrier, None, "it is over");
        assert_eq!(giver.bytes, came_from(&got, giver.device.0[0]));
    }
    // Each byte came from one of them.
    let both = told[0].gave.iter().zip(told[1].gave);
    assert!(
        both.clone()
            .all(|(one, other)| (100..=101).contains(&(one + other)))
    );
}
