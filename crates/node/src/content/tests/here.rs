//! What lies here already is not fetched again.

use std::fs;
use std::sync::Arc;

use kith_core::ids::ShareId;

use super::adding::chosen;
use super::copies::{alice, carol, grant};
use super::part::{get_from, provides};
use super::world::{Fault, NOW, World, bytes, snapshot};
use crate::content::{AlreadyHere, Get, GetError, Level, Priorities, Recipients};

/// How often one content is in a tree.
const TIMES: u64 = 4;

/// Its size, in bytes: far more than is asked for at once of a slow provider.
const REPEATED_BYTES: u64 = 3 << 20;

/// What `world` itself shares, as what lies here.
fn here(world: &World) -> Option<AlreadyHere> {
    let shares = Arc::clone(&world.shares);
    Some(Arc::new(move |wanted: &_| {
        shares.already_here(wanted).expect("read")
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_of_my_own_shares_are_copied_and_only_the_others_are_fetched() {
    let (theirs, mine) = (World::new(), World::new());
    let common = bytes(1, 3 << 20);
    theirs.write("sub/common", &common);
    theirs.write("sub/again", &common);
    theirs.write("new", &bytes(2, 70_000));
    theirs.write("empty", b"");
    mine.write("elsewhere/under another name", &common);
    mine.share(Recipients::Contacts);
    let share = theirs.share(Recipients::Contacts).head.share;
    let request = Get {
        here: here(&mine),
        ..theirs.request(share)
    };
    let got = theirs.get(request).await.expect("fetched");
    assert_eq!(got.fetched, 70_000);
    assert_eq!(got.bytes, 2 * (3 << 20) + 70_000);
    assert_eq!(got.files, 4);
    assert_eq!(snapshot(&got.target), snapshot(&theirs.source()));
    let modified = |path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let theirs_at = modified(theirs.source().join("sub/common")).expect("there");
    let ours_at = modified(got.target.join("sub/common")).expect("there");
    let apart = theirs_at.duration_since(ours_at).expect("rounded down");
    assert!(apart.as_millis() == 0, "{apart:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_here_that_was_edited_meanwhile_is_fetched_instead() {
    let (theirs, mine) = (World::new(), World::new());
    theirs.write("f", &bytes(1, 100_000));
    mine.write("f", &bytes(1, 100_000));
    mine.share(Recipients::Contacts);
    // Even one that hides it behind its old time.
    let at = mine.source().join("f");
    let time = fs::metadata(&at).and_then(|metadata| metadata.modified());
    fs::write(&at, bytes(2, 100_000)).expect("written");
    let times = fs::FileTimes::new().set_modified(time.expect("a time"));
    let file = fs::File::options().write(true).open(&at).expect("opened");
    file.set_times(times).expect("set");
    let share = theirs.share(Recipients::Contacts).head.share;
    let request = Get {
        here: here(&mine),
        ..theirs.request(share)
    };
    let got = theirs.get(request).await.expect("fetched");
    assert_eq!(got.fetched, 100_000);
    assert_eq!(snapshot(&got.target), snapshot(&theirs.source()));
}

/// A share in which one content lies several times, with something else between.
fn share_repeats(world: &World) -> ShareId {
    for time in 0..TIMES {
        let content = bytes(1, REPEATED_BYTES as usize);
        world.write(&format!("same {time}"), &content);
        world.write(&format!("{time}"), &bytes(2 + time, 70_000));
    }
    world.share(Recipients::Contacts).head.share
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_in_a_tree_several_times_is_fetched_once() {
    let world = World::new();
    let share = share_repeats(&world);
    let got = world.get(world.request(share)).await.expect("fetched");
    assert_eq!(got.fetched, REPEATED_BYTES + TIMES * 70_000);
    assert_eq!(got.bytes, TIMES * (REPEATED_BYTES + 70_000));
    assert_eq!(got.files, 2 * TIMES);
    assert_eq!(snapshot(&got.target), snapshot(&world.source()));
    let received = world.received();
    assert!(received < REPEATED_BYTES * 5 / 4, "{received} bytes");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_later_run_goes_on_with_it_and_makes_the_others_of_it() {
    let mut world = World::new();
    let share = share_repeats(&world);
    let request = world.request(share);
    world.fault = Fault::Cut(2 << 20);
    world.get(request.clone()).await.expect_err("it is cut");
    world.fault = Fault::None;
    let got = world.get(request).await.expect("fetched");
    let fetched = got.fetched;
    assert!(
        fetched < REPEATED_BYTES + TIMES * 70_000 - (1 << 20),
        "{fetched}"
    );
    assert_eq!(got.files, 2 * TIMES);
    assert_eq!(snapshot(&got.target), snapshot(&world.source()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_wanted_sooner_than_the_first_of_its_content_is_not_kept_waiting_by_it() {
    let world = World::new();
    let share = share_repeats(&world);
    let request = world.request(share);
    request
        .priorities
        .set("same 0", Level::Unwanted)
        .expect("a path");
    let rest = (TIMES - 1) * REPEATED_BYTES + TIMES * 70_000;
    let mut is_said = false;
    let got = world.get_reporting(request.clone(), |now| {
        if now.bytes == rest && !std::mem::replace(&mut is_said, true) {
            let all = request.priorities.set("", Level::Normal);
            all.expect("a path");
        }
    });
    let got = got.await.expect("fetched");
    // One of the others was fetched, and the one that was put off is made of it in the end.
    assert_eq!(got.fetched, REPEATED_BYTES + TIMES * 70_000);
    assert_eq!(snapshot(&got.target), snapshot(&world.source()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_of_files_on_the_way_holds_for_those_that_are_made_of_others() {
    let world = World::new();
    let share = share_repeats(&world);
    let request = world.request(share);
    let all = ["same 0", "same 1", "same 2", "same 3"];
    for path in all {
        let off = request.priorities.set(path, Level::Unwanted);
        off.expect("a path");
    }
    let begun = tokio::sync::watch::Sender::new(false);
    let mut is_said = false;
    let fetching = world.get_reporting(request.clone(), |now| {
        begun.send_replace(now.bytes >= TIMES * 70_000);
        let is_third = now.bytes == REPEATED_BYTES + TIMES * 70_000;
        if is_third && !std::mem::replace(&mut is_said, true) {
            let rest = request.priorities.set("", Level::Low);
            rest.expect("a path");
        }
    });
    let saying = async {
        begun
            .subscribe()
            .wait_for(|begun| *begun)
            .await
            .expect("told");
        // The first of its content stays put off, and so does the second.
        let third = request.priorities.set("same 2", Level::High);
        third.expect("a path");
    };
    let (got, ()) = tokio::join!(fetching, saying);
    let got = got.expect("fetched");
    assert_eq!(got.fetched, REPEATED_BYTES + TIMES * 70_000);
    assert_eq!(snapshot(&got.target), snapshot(&world.source()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_while_files_are_made_of_others_does_not_fetch_them() {
    let world = World::new();
    let share = share_repeats(&world);
    let request = world.request(share);
    let mut levels = [Level::High, Level::Low].into_iter().cycle();
    let mut said = 0;
    let got = world.get_reporting(request.clone(), |now| {
        // The first of its content is whole, and not all of the others are made.
        if (REPEATED_BYTES + TIMES * 70_000..TIMES * REPEATED_BYTES).contains(&now.bytes) {
            let level = levels.next().expect("there is always one");
            request.priorities.set("", level).expect("a path");
            said += 1;
        }
    });
    let got = got.await.expect("fetched");
    assert!(said > 1, "said {said} times");
    assert_eq!(got.fetched, REPEATED_BYTES + TIMES * 70_000);
    assert_eq!(snapshot(&got.target), snapshot(&world.source()));
}

#[tokio::test(start_paused = true)]
async fn of_somebody_who_has_the_content_under_another_name_alone_it_comes_under_that() {
    let mut alice_world = World::new();
    let share = share_repeats(&alice_world);
    let bob = provides(&mut alice_world, 2, share, &["same 1"]).await;
    let request = Get {
        credential: grant(&alice(), share, &carol(), 1, NOW),
        out: bob.folder.path().join("carols"),
        ..chosen(&bob, share, &["same 0", "same 1"])
    };
    let got = get_from(&[&bob], request.clone()).await;
    assert!(matches!(got, Err(GetError::Incomplete)), "{got:?}");
    let staged = request.staged.folder().expect("told").join("tree");
    assert!(fs::read(staged.join("same 1")).expect("there") == bytes(1, REPEATED_BYTES as usize));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_made_of_another_is_read_while_that_arrives() {
    let world = World::new();
    let share = share_repeats(&world);
    let mut request = world.request(share);
    // Nothing comes but what is read.
    request.priorities = Priorities::unwanted();
    let readers = request.readers.clone();
    let mut seen = 0;
    let fetching = world.get_reporting(request, |now| seen = now.bytes);
    let content = bytes(1, REPEATED_BYTES as usize);
    let reading = async {
        for name in ["same 3", "same 0", "same 1"] {
            let mut reader = readers.open(name).expect("a path").until(100_000);
            let mut read = Vec::new();
            while read.len() < 100_000 {
                read.extend(reader.read(read.len() as u64).await.expect("it comes"));
            }
            assert!(content.starts_with(&read), "{name}");
        }
    };
    tokio::select! {
        _ = fetching => panic!("it is not wanted"),
        () = reading => {}
    }
    // Seven groups, which came for the first of them; the last of them may not be told yet.
    assert!(seen <= 7 * (16 << 10), "{seen}");
}
