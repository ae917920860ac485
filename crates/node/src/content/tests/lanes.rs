//! One provider gives by two lanes: each carries a part, and what happens to one costs the other nothing.

use std::fs;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};
use kith_core::content::swarm::getter::Who;
use kith_core::content::swarm::span::{Span, groups_within};
use kith_core::content::swarm::wire::{DropReason, What};
use kith_core::ids::{BlobHash, DeviceKey, PeerId, ShareId};
use tokio::sync::oneshot;

use super::fake::{self, Reply};
use super::world::{FRIEND, Fault, LAN, PROVIDER, World, bytes, getting};
use crate::content::swarm::{Intake, SourceEnd};
use crate::content::{Credential, GetError, Got, Recipients, get};
use crate::data::range::Blob;

/// What is fetched: enough for both to give much of it.
const BIG_BYTES: usize = 24 << 20;

/// What may come in all: the tree's hashes are one part in 250, messages are less, and of a stream that is cut some is asked for again.
const RECEIVED_MAX: u64 = BIG_BYTES as u64 / 16 * 17;

/// So slow that the second has time to join in, in bytes a second.
const SLOW: u64 = 8 << 20;

type Ending<'a> = BoxFuture<'a, SourceEnd>;

fn world() -> (World, ShareId) {
    let mut world = World::new();
    world.rate = Some(SLOW);
    world.write("big", &bytes(1, BIG_BYTES));
    let share = world.share(Recipients::Contacts).head.share;
    (world, share)
}

/// A lane to the provider, and how many bytes have come by it.
fn lane(world: &World, intake: &Intake, fault: Fault) -> (Ending<'static>, Arc<AtomicU64>) {
    let (stream, received) = world.counted_stream(fault);
    let intake = intake.by_lane();
    let end = async move {
        let credential = Credential::Session;
        intake.source(stream, PROVIDER, LAN, &credential).await
    };
    (Box::pin(end), received)
}

/// Fetches by all of these; gives how they ended, too.
async fn fetch(
    world: &World,
    share: ShareId,
    lanes: impl Fn(&Intake) -> Vec<Ending<'static>> + Send + Sync,
) -> (Result<Got, GetError>, Vec<SourceEnd>) {
    let ends = Mutex::new(Vec::new());
    let request = world.request(share);
    let ask = || world.head(&request);
    let feed = async |intake: Intake| {
        let noted = lanes(&intake).into_iter().map(async |lane| {
            let end = lane.await;
            ends.lock().expect("no panic").push(end);
        });
        join_all(noted).await;
        GetError::Stalled
    };
    let got = get(&getting(), ask, feed, request.clone(), |_| {}).await;
    (got, ends.into_inner().expect("no panic"))
}

fn assert_whole(got: &Got) {
    assert!(fs::read(got.target.join("big")).expect("there") == bytes(1, BIG_BYTES));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_two_lanes_carries_a_part_and_their_device_is_told_once() {
    let (world, share) = world();
    let received = Mutex::new(Vec::new());
    let (got, _) = fetch(&world, share, |intake| {
        let lanes = [(); 2].map(|()| lane(&world, intake, Fault::None));
        let (lanes, counts): (Vec<_>, Vec<_>) = lanes.into_iter().unzip();
        *received.lock().expect("no panic") = counts;
        lanes
    })
    .await;
    let got = got.expect("fetched");
    assert_whole(&got);
    let received = received.into_inner().expect("no panic");
    let received: Vec<u64> = (received.iter().map(|it| it.load(Ordering::Relaxed))).collect();
    assert!(
        received.iter().all(|it| *it > BIG_BYTES as u64 / 4),
        "{received:?}"
    );
    assert!(received.iter().sum::<u64>() <= RECEIVED_MAX, "{received:?}");
    let from: Vec<_> = got.sources.into_iter().collect();
    assert_eq!(from, [(PROVIDER.peer, BIG_BYTES as u64)]);
    // The owner, too, is shown one who fetched it, once.
    let fetches = super::fetches::remembered(&world, BIG_BYTES as u64).await;
    let [fetch] = fetches.as_slice() else {
        panic!("{fetches:?}");
    };
    assert_eq!(fetch.peer, Some(FRIEND));
    assert!(fetch.bytes <= RECEIVED_MAX, "{fetch:?}");
    assert!(fetch.whole.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lane_that_breaks_leaves_the_rest_to_the_other() {
    let (world, share) = world();
    let (got, ends) = fetch(&world, share, |intake| {
        let faults = [Fault::None, Fault::Cut(4 << 20)];
        let lanes = faults.map(|fault| lane(&world, intake, fault).0);
        lanes.into_iter().collect()
    })
    .await;
    let got = got.expect("fetched");
    assert_whole(&got);
    assert!(matches!(&ends[..], [SourceEnd::Lost(_)]), "{ends:?}");
    let received = world.received();
    assert!(received <= RECEIVED_MAX, "{received} bytes");
}

#[tokio::test(start_paused = true)]
async fn a_transfer_is_not_over_before_the_task_of_its_second_lane_is() {
    let world = World::new();
    world.write("small", &bytes(1, 100_000));
    let share = world.share(Recipients::Contacts).head.share;
    let (ends, end) = oneshot::channel::<()>();
    // It goes on for as long as this is held.
    let (end, task) = (Mutex::new(Some(end)), Mutex::new(None));
    let request = world.request(share);
    let ask = || world.head(&request);
    let feed = async |intake: Intake| {
        let end = end.lock().expect("no panic").take();
        let second = intake.spawn(end.expect("fed once"));
        *task.lock().expect("no panic") = Some(second);
        lane(&world, &intake, Fault::None).0.await.into()
    };
    let getting = getting();
    let mut got = pin!(get(&getting, ask, feed, request.clone(), |_| {}));
    // Time passes only while there is nothing to do.
    tokio::select! {
        got = &mut got => panic!("{got:?}, and something reads for it"),
        () = tokio::time::sleep(Duration::from_secs(60)) => {}
    }
    assert!(!world.out().join("holiday").exists());
    ends.send(()).expect("it is waited for");
    let got = got.await.expect("fetched");
    assert!(got.target.join("small").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lies_by_one_lane_gives_nothing_more_by_the_other() {
    let (world, share) = world();
    let honest = Who {
        device: DeviceKey([77; 32]),
        peer: Some(PeerId([77; 32])),
    };
    let (got, ends) = fetch(&world, share, |intake| {
        let first = lane(&world, intake, Fault::None).0;
        let lying = fake::run_as(intake.by_lane(), PROVIDER, |ask| match ask.what {
            What::Node(_) => Reply::Dropped(DropReason::Missing),
            What::Span(span) => Reply::Data(vec![7; encoded_bytes(span)]),
        });
        let (stream, intake) = (world.swarm_stream(), intake.clone());
        let other = async move {
            let credential = Credential::Session;
            intake.source(stream, honest, LAN, &credential).await
        };
        vec![first, Box::pin(lying), Box::pin(other)]
    })
    .await;
    assert_whole(&got.expect("fetched from the other"));
    let [one, other] = ends.as_slice() else {
        panic!("{ends:?}");
    };
    let told = [one, other].map(|end| match end {
        SourceEnd::Lied(what) => what.as_str(),
        end => panic!("{end:?}"),
    });
    assert_eq!(told, ["big"; 2], "of both lanes the same");
}

fn encoded_bytes(span: Span) -> usize {
    let (hash, size) = (BlobHash([0; 32]), BIG_BYTES as u64);
    let groups = groups_within(0, size, span);
    let bytes = Blob { hash, size }.encoded_bytes(&groups);
    usize::try_from(bytes).expect("a chunk")
}
