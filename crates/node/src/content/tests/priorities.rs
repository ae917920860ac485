//! What is wanted sooner comes sooner, also when that is said on the way; and what is put off does not come.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kith_core::ids::ShareId;

use super::world::{Fault, Gate, LAN, PROVIDER, World, bytes, getting};
use crate::content::swarm::Intake;
use crate::content::{
    Credential, Get, GetError, Got, Level, Priorities, Progress, Recipients, get,
};

/// What is under way at once, 16 MiB at most, is far less than two of them.
const FILE_BYTES: usize = 10 << 20;

/// What is given of several before it is said that another is wanted sooner, in bytes: one of them, and the 4 MiB that may be asked for before all are
/// known. With what is asked for ahead it is less than three of them.
const GIVEN_BEFORE: u64 = FILE_BYTES as u64 + (5 << 20);

/// So slow that there is time to change one's mind, in bytes a second.
const SLOW: u64 = 8 << 20;

/// When all files were modified that are shared here.
fn long_ago() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000_000)
}

fn share_files(world: &World, names: &[&str]) -> ShareId {
    for (seed, name) in names.iter().enumerate() {
        world.write(name, &bytes(seed as u64, FILE_BYTES));
        let file = File::options()
            .write(true)
            .open(world.source().join(name))
            .expect("there");
        file.set_modified(long_ago()).expect("set");
    }
    world.share(Recipients::Contacts).head.share
}

/// The files that are whole in the staging folder of a transfer: they have got their times.
fn whole(request: &Get, names: &[&str]) -> Vec<String> {
    let Some(folder) = request.staged.folder() else {
        return Vec::new();
    };
    let is_whole = |name: &&&str| {
        let metadata = fs::metadata(folder.join("tree").join(name));
        metadata.is_ok_and(|metadata| metadata.modified().expect("a time") == long_ago())
    };
    names
        .iter()
        .filter(is_whole)
        .map(|it| (*it).to_owned())
        .collect()
}

/// The same of files that were fetched, in the order in which they became whole: nothing has touched them since.
fn in_order(world: &World, names: &[&'static str]) -> Vec<&'static str> {
    let mut order = names.to_vec();
    order.sort_by_key(|name| {
        let path = world.out().join("holiday").join(name);
        let metadata = fs::metadata(path).expect("fetched");
        (metadata.ctime(), metadata.ctime_nsec())
    });
    order
}

async fn fetch(
    world: &World,
    request: &Get,
    report: impl FnMut(&Progress) + Send,
) -> Result<Got, GetError> {
    let ask = || world.head(request);
    let feed = async |intake: Intake| {
        let stream = world.stream_to_another(Fault::None, Some(SLOW));
        let end = intake.source(stream, PROVIDER, LAN, &Credential::Session);
        end.await.into()
    };
    get(&getting(), ask, feed, request.clone(), report).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wanted_sooner_is_whole_sooner_also_when_that_is_said_on_the_way() {
    let mut world = World::new();
    let (is_said, gate) = Gate::behind(GIVEN_BEFORE);
    world.gate = Some(gate);
    let names = ["a", "b", "d/a", "d/b", "d/c", "e"];
    let share = share_files(&world, &names);
    let request = world.request(share);
    request.priorities.set("e", Level::High).expect("a path");
    request.priorities.set("d", Level::Low).expect("a path");
    let got = fetch(&world, &request, |now| {
        if now.files > 0 && !*is_said.borrow() {
            request.priorities.set("d/b", Level::High).expect("a path");
            is_said.send_replace(true);
        }
    });
    got.await.expect("fetched");
    let order = in_order(&world, &names);
    let place = |name: &str| order.iter().position(|it| *it == name).expect("it came");
    assert_eq!(place("e"), 0, "{order:?}");
    for sooner in ["a", "b", "d/b"] {
        for later in ["d/a", "d/c"] {
            assert!(place(sooner) < place(later), "{order:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_put_off_comes_when_it_is_wanted() {
    let world = World::new();
    let names = ["a", "d/a", "d/b"];
    let share = share_files(&world, &names);
    let request = world.request(share);
    request
        .priorities
        .set("d", Level::Unwanted)
        .expect("a path");
    let (told, mut rests) = tokio::sync::watch::channel(0);
    let fetching = fetch(&world, &request, |now| {
        told.send_if_modified(|before| std::mem::replace(before, now.bytes) != now.bytes);
    });
    let watching = async {
        let one_file = |bytes: &u64| *bytes == FILE_BYTES as u64;
        rests.wait_for(one_file).await.expect("it goes on");
        // What was still to come of the others is here a moment later, if anything was.
        let more = tokio::time::timeout(Duration::from_millis(300), rests.changed()).await;
        assert!(more.is_err(), "more came than was wanted");
        assert_eq!(whole(&request, &names), ["a"]);
        request.priorities.set("d/b", Level::Low).expect("a path");
        let two_files = |bytes: &u64| *bytes == 2 * FILE_BYTES as u64;
        rests.wait_for(two_files).await.expect("it goes on");
        assert_eq!(whole(&request, &names), ["a", "d/b"]);
        request.priorities.set("", Level::Normal).expect("a path");
    };
    let (got, ()) = tokio::join!(fetching, watching);
    assert_eq!(got.expect("fetched").files, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_what_is_put_off_just_that_comes_which_is_read() {
    let world = World::new();
    let film = bytes(1, 16 << 20);
    world.write("film.mkv", &film);
    let share = world.share(Recipients::Contacts).head.share;
    let mut request = world.request(share);
    request.path = "film.mkv".to_owned();
    request.priorities = Priorities::unwanted();
    let readers = request.readers.clone();
    let mut seen = 0;
    let fetching = fetch(&world, &request, |now| seen = now.bytes);
    let reading = async {
        let open = || readers.open("").expect("a path");
        let mut first = open().until(9 << 20);
        assert_eq!(first.size().await.expect("known"), 16 << 20);
        let from = (9 << 20) - 1_000;
        let read = first.read(from).await.expect("it comes");
        assert!(read == film[from as usize..9 << 20]);
        assert!(first.read(9 << 20).await.expect("its end").is_empty());
        // Two at once, of which one leaves.
        let mut second = open().until(5_000);
        let mut third = open().until(300_000);
        assert!(film.starts_with(&second.read(0).await.expect("it comes")));
        drop(second);
        let mut read = Vec::new();
        while read.len() < 300_000 {
            read.extend(third.read(read.len() as u64).await.expect("it comes"));
        }
        assert!(film.starts_with(&read));
    };
    tokio::select! {
        _ = fetching => panic!("it is not wanted"),
        () = reading => {}
    }
    // One group, and those that 300,000 bytes are in; the last of them may not be told yet.
    assert!(seen <= (1 + 19) * (16 << 10), "{seen}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wanted_while_it_is_read_comes_also_when_it_is_read_no_more() {
    let world = World::new();
    let names = ["film"];
    let share = share_files(&world, &names);
    let request = world.request(share);
    let put_off = request.priorities.set("film", Level::Unwanted);
    put_off.expect("a path");
    let fetching = fetch(&world, &request, |_| {});
    let reading = async {
        let mut reader = request.readers.open("film").expect("a path");
        reader.read(0).await.expect("it comes");
        let wanted = request.priorities.set("film", Level::Normal);
        wanted.expect("a path");
        // Long enough for that to be heard, and far too short for all of its window to come.
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let both = async { tokio::join!(fetching, reading).0 };
    let got = tokio::time::timeout(Duration::from_secs(30), both).await;
    assert_eq!(got.expect("it ends").expect("fetched").files, 1);
}
