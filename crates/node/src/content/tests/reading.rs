//! Files are read while they arrive, and what is read next comes first.

use std::sync::Arc;

use kith_core::content::swarm::wire::What;

use super::fake::{self, Reply};
use super::world::{Fault, LAN, PROVIDER, World, bytes, getting};
use crate::content::swarm::Intake;
use crate::content::{Credential, GetError, ReadError, Readers, Recipients, get};

const FILM_BYTES: usize = 32 << 20;

/// So slow that a reader is always ahead of what arrives by itself, in bytes a second.
const SLOW: u64 = 4 << 20;

async fn all_of(readers: &Readers, path: &str) -> Vec<u8> {
    let mut film = readers.open(path).expect("a path");
    let mut read = Vec::new();
    loop {
        let piece = film.read(read.len() as u64).await.expect("arrives");
        if piece.is_empty() {
            return read;
        }
        read.extend(piece);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seek_is_served_before_what_lies_ahead_of_it() {
    let world = World::new();
    let film = bytes(1, FILM_BYTES);
    world.write("a/film.mkv", &film);
    world.write("b/other", &bytes(2, FILM_BYTES));
    let share = world.share(Recipients::Contacts).head.share;
    let request = world.request(share);
    let readers = request.readers.clone();
    let ask = || world.head(&request);
    let feed = async |intake: Intake| {
        let stream = world.stream_to_another(Fault::None, Some(SLOW));
        let end = intake.source(stream, PROVIDER, LAN, &Credential::Session);
        end.await.into()
    };
    let getting = getting();
    let mut seen = 0;
    let fetching = get(&getting, ask, feed, request.clone(), |now| seen = now.bytes);
    let watching = async {
        let mut reader = readers.open("a/film.mkv").expect("a path");
        assert_eq!(reader.size().await.expect("known"), FILM_BYTES as u64);
        for from in [20 << 20, 1_000_003, FILM_BYTES - 5] {
            let piece = reader.read(from as u64).await.expect("arrives");
            assert!(
                !piece.is_empty() && film[from..].starts_with(&piece),
                "{from}"
            );
        }
        let end = reader.read(FILM_BYTES as u64).await;
        assert!(end.expect("its end").is_empty());
    };
    tokio::select! {
        _ = fetching => panic!("all came before three places of it were read"),
        () = watching => {}
    }
    assert!(seen < FILM_BYTES as u64, "{seen} bytes came meanwhile");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_is_read_whole_while_it_arrives_and_afterwards() {
    let world = World::new();
    let film = bytes(1, 5_000_000);
    world.write("film.mkv", &film);
    world.write("empty", b"");
    let share = world.share(Recipients::Contacts).head.share;
    let request = world.request(share);
    let readers = request.readers.clone();
    let (got, read) = tokio::join!(world.get(request), all_of(&readers, "film.mkv"));
    got.expect("fetched");
    assert!(read == film);
    assert!(all_of(&readers, "/film.mkv").await == film);
    assert_eq!(all_of(&readers, "empty").await, b"");
    let mut nothing = readers.open("nothing").expect("a path");
    assert!(matches!(nothing.read(0).await, Err(ReadError::NotFound)));
    for outside in ["../holiday/film.mkv", "a//b", "."] {
        let opened = readers.open(outside);
        assert!(matches!(opened, Err(ReadError::NotFound)), "{outside}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_what_never_comes_is_told_when_the_transfer_is_over() {
    let world = World::new();
    world.write("film.mkv", &bytes(1, 1 << 20));
    let share = world.share(Recipients::Contacts).head.share;
    let request = world.request(share);
    let readers = request.readers.clone();
    let root = Arc::new(world.root(share));
    let ask = || world.head(&request);
    let feed = async |intake: Intake| {
        let end = fake::run(intake, move |asked| match asked.what {
            What::Node(_) => Reply::Data(root.to_vec()),
            What::Span(_) => Reply::Silence,
        });
        end.await.into()
    };
    let getting = getting();
    let fetching = get(&getting, ask, feed, request.clone(), |_| {});
    let mut reader = readers.open("film.mkv").expect("a path");
    let reading = async {
        reader.size().await.expect("known");
        tokio::join!(reader.read(0), async { readers.end() }).0
    };
    tokio::select! {
        got = fetching => panic!("{:?}", got.map_err(|error: GetError| error.to_string())),
        read = reading => assert!(matches!(read, Err(ReadError::Ended))),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_a_file_does_not_hold_up_the_run_that_goes_on_with_it() {
    let mut world = World::new();
    let film = bytes(1, FILM_BYTES);
    world.write("film.mkv", &film);
    let request = world.request(world.share(Recipients::Contacts).head.share);
    let mut reader = request.readers.open("film.mkv").expect("a path");
    world.fault = Fault::Cut(FILM_BYTES as u64 / 2);
    let (got, first) = tokio::join!(world.get(request.clone()), reader.read(0));
    assert!(matches!(got, Err(GetError::Connection(_))), "{got:?}");
    assert!(film.starts_with(&first.expect("it came")));

    // It is paused, and looks at nothing.
    world.fault = Fault::None;
    world.get(request).await.expect("it goes on");
    let last = reader.read(FILM_BYTES as u64 - 5).await;
    assert!(film.ends_with(&last.expect("it is here")));
}
