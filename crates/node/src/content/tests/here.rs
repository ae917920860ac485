//! What lies here already is not fetched again.

use std::fs;
use std::sync::Arc;

use super::world::{World, bytes, snapshot};
use crate::content::{AlreadyHere, Get, Recipients};

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
