//! What came and is not written is bounded, however many sources sent it.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use futures_util::future::join_all;
use kith_core::content::swarm::getter::{Path, PathKind, Who};
use kith_core::content::swarm::span::{CHUNK_BYTES_MIN, Span};
use kith_core::content::swarm::wire::{Ask, SPAN_BYTES_MAX, What};
use kith_core::ids::DeviceKey;
use tokio::sync::oneshot;

use super::fake::{self, Reply};
use super::world::{World, bytes, getting};
use crate::content::swarm::Intake;
use crate::content::swarm::arriving::UNWRITTEN_BYTES_MAX;
use crate::content::swarm::reading::Reading;
use crate::content::{GetError, Recipients, get};
use crate::data::encoding::Encoding;

/// What is fetched: twice what comes before nothing is written for a while, so that then everybody has more to send than has room.
const BYTES: usize = 32 << 20;

/// So many chunks are sent before: each source was right so often that it is read as far ahead as any.
const SENT_BEFORE: usize = BYTES / 2 / CHUNK_BYTES_MIN as usize;

/// A path on which much is asked for ahead.
const FAR: Path = Path {
    kind: PathKind::Direct,
    rtt: Duration::from_secs(2),
};

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Nothing is written, from a moment on until somebody lets go.
struct Pause {
    begun: oneshot::Sender<()>,
    over: mpsc::Receiver<()>,
}

/// What a provider sends that reads from here, and pauses all writing when all of them have sent so much.
fn reply(reading: &Reading, ask: Ask, sent: &AtomicUsize, pause: &Mutex<Option<Pause>>) -> Reply {
    if sent.fetch_add(1, Ordering::SeqCst) == SENT_BEFORE
        && let Some(Pause { begun, over }) = pause.lock().expect("no panic").take()
    {
        // The one thread that writes does nothing else.
        tokio::task::spawn_blocking(move || {
            begun.send(()).expect("it is waited for");
            // The other end is dropped.
            let _ = over.recv();
        });
    }
    Reply::Data(answer(reading, ask))
}

/// What answers a request, as it lies here.
fn answer(reading: &Reading, ask: Ask) -> Vec<u8> {
    let from = match ask.what {
        What::Span(span) => span.start,
        What::Node(_) => 0,
    };
    let mut encoded = Encoding::default();
    let read = reading.read(ask.what, from, &mut encoded);
    read.expect("it lies here");
    encoded.as_ref().to_vec()
}

/// Waits until something is so.
async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.expect("in time");
}

/// Fetches from three while nothing is written for a while.
async fn fetch_from_three() {
    let world = World::new();
    world.write("big", &bytes(1, BYTES));
    let head = world.share(Recipients::Contacts).head;
    let request = world.request(head.share);
    let (begun, has_begun) = oneshot::channel();
    let (go_on, over) = mpsc::channel();
    let pause = Arc::new(Mutex::new(Some(Pause { begun, over })));
    let sent = Arc::new(AtomicUsize::new(0));
    let ask = || world.head(&request);
    let feed = async |intake: Intake| {
        let sources = [1, 2, 3].map(|number| {
            let who = Who {
                device: DeviceKey([number; 32]),
                peer: None,
            };
            let (stream, reader, writer) = world.pair();
            let reading = Reading::new(Arc::clone(&world.shares), head.share, head.manifest);
            let (sent, pause) = (Arc::clone(&sent), Arc::clone(&pause));
            let reply = move |ask| reply(&reading, ask, &sent, &pause);
            fake::run_on((stream, (reader, writer)), intake.clone(), who, FAR, reply)
        });
        let watching = async {
            has_begun.await.expect("half of it comes");
            let (_, file) = intake.arriving.find("big").expect("it arrives");
            let missing: u64 = (file.incoming.missing().iter())
                .map(|part| part.end - part.start)
                .sum();
            let unwritten = || world.received() - (BYTES as u64 - missing);
            until(|| intake.arriving.room_left() < CHUNK_BYTES_MIN).await;
            until(|| unwritten() >= UNWRITTEN_BYTES_MAX - CHUNK_BYTES_MIN).await;
            for _ in 0..1000 {
                tokio::task::yield_now().await;
            }
            // Inner nodes and messages came, too.
            let most = UNWRITTEN_BYTES_MAX + BYTES as u64 / 64;
            assert!(unwritten() <= most, "{} bytes", unwritten());
            drop(go_on);
        };
        tokio::join!(join_all(sources), watching);
        GetError::Stalled
    };
    let got = get(&getting(), ask, feed, request.clone(), |_| {}).await;
    let got = got.expect("fetched");
    assert!(fs::read(got.target.join("big")).expect("there") == bytes(1, BYTES));
}

#[test]
fn what_several_sources_sent_and_is_not_written_is_bounded_together() {
    // Who writes is a thread for what blocks, of which there is one.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(fetch_from_three());
}

#[tokio::test]
async fn who_falls_silent_in_the_middle_of_something_keeps_no_room_from_others() {
    const SILENT: u8 = 24;
    let world = World::new();
    world.write("big", &bytes(1, BYTES));
    let head = world.share(Recipients::Contacts).head;
    let request = world.request(head.share);
    let ask = || world.head(&request);
    let reading = Reading::new(Arc::clone(&world.shares), head.share, head.manifest);
    let reading = Arc::new(reading);
    let encoded = move |ask: Ask| answer(&reading, ask);
    let feed = async |intake: Intake| {
        let who = |number| Who {
            device: DeviceKey([number; 32]),
            peer: None,
        };
        let silent = (1..=SILENT).map(|number| {
            let encoded = encoded.clone();
            let reply = move |ask: Ask| match ask.what {
                What::Span(_) => Reply::Begun(encoded(ask)),
                What::Node(_) => Reply::Data(encoded(ask)),
            };
            fake::run_as(intake.clone(), who(number), reply)
        });
        let honest = async {
            until(|| intake.arriving.room_left() < CHUNK_BYTES_MIN).await;
            let encoded = encoded.clone();
            let reply = move |ask| Reply::Data(encoded(ask));
            fake::run_as(intake.clone(), who(SILENT + 1), reply).await
        };
        tokio::join!(join_all(silent), honest);
        GetError::Stalled
    };
    let getting = getting();
    let got = get(&getting, ask, feed, request.clone(), |_| {});
    let got = tokio::time::timeout(PATIENCE, got).await;
    let got = got.expect("in time").expect("fetched");
    assert!(fs::read(got.target.join("big")).expect("there") == bytes(1, BYTES));
}

#[tokio::test]
async fn of_a_large_chunk_so_much_is_read_at_once_as_is_sent() {
    let world = World::new();
    world.write("big", &bytes(1, 1 << 20));
    let head = world.share(Recipients::Contacts).head;
    let reading = Reading::new(Arc::clone(&world.shares), head.share, head.manifest);
    let chunk = What::Span(Span {
        start: 0,
        end: 1 << 20,
    });
    let read = reading.read(chunk, SPAN_BYTES_MAX, &mut Encoding::default());
    assert_eq!(read.expect("it lies here"), 2 * SPAN_BYTES_MAX);
}
