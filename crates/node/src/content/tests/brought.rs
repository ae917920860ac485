//! What came to a folder last, of all of it or of some files, decides what an update does there.

use std::fs;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use rustix::fs::inotify::{self, ReadFlags};

use super::full::is_not_tested;
use super::got::{deleted, mode};
use super::updating::{Friends, updated, with_kept};
use super::world::bytes;
use crate::content::updated::KEPT_NAMED_MAX;
use crate::content::{Filter, Get, KeptHere, KeptWhy, Recipients, store};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("one's own");
}

fn only(pattern: &str) -> Option<Filter> {
    Filter::globs(&[pattern.to_owned()]).expect("a pattern")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_kept_and_moved_away_comes_though_its_owner_never_changed_it() {
    let friends = Friends::got().await;
    fs::write(friends.at("a"), b"Bob's").expect("written");
    friends.change(11, &["b"]);
    assert_eq!(friends.renew(&[]).await, updated(0, 1, &["a"]));
    fs::remove_file(friends.at("a")).expect("there");
    assert_eq!(friends.renew(&[]).await, updated(1, 0, &[]));
    assert!(friends.is_hers("a"));
    // Now it is as it came.
    fs::remove_file(friends.at("a")).expect("there");
    assert_eq!(friends.renew(&[]).await, deleted(1, updated(0, 0, &[])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_stays_so_however_often_something_else_is_chosen() {
    let friends = Friends::got().await;
    fs::remove_file(friends.at("day/c")).expect("there");
    for version in 1..6 {
        friends.change(10 * version, &["a"]);
        assert_eq!(friends.renew(&["a"]).await, updated(0, 1, &[]));
    }
    assert_eq!(friends.renew(&[]).await, deleted(1, updated(0, 0, &[])));
    assert!(!friends.at("day/c").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_stays_so_beside_more_edits_than_are_named() {
    let friends = Friends::strangers();
    let many: Vec<String> = (0..=KEPT_NAMED_MAX)
        .map(|number| format!("many/{number}"))
        .collect();
    for path in &many {
        friends.alice.write(path, path.as_bytes());
    }
    friends.alice.share(Recipients::Contacts);
    friends.get(friends.request()).await;
    for path in &many {
        fs::write(friends.at(path), b"Bob's").expect("written");
    }
    fs::remove_file(friends.at("day/c")).expect("there");
    for version in 1..6 {
        friends.change(10 * version, &["a"]);
        let kept = friends.renew(&[]).await.kept;
        let kept: Vec<_> = kept.iter().collect();
        let [(KeptWhy::Changed, KeptHere { paths, count })] = kept.as_slice() else {
            panic!("version {version}: {kept:?}");
        };
        assert_eq!((paths.len(), *count), (KEPT_NAMED_MAX, many.len() as u64));
        assert!(!friends.at("day/c").exists(), "version {version}");
    }
    // And the last of those that were kept comes when it is moved away.
    let last = many.iter().max().expect("many");
    fs::remove_file(friends.at(last)).expect("there");
    assert_eq!(friends.renew(&[]).await.added, 1);
    assert!(friends.is_hers(last));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_of_a_selection_stays_so() {
    let friends = Friends::strangers();
    let chosen = Get {
        only: only("day/*"),
        ..friends.request()
    };
    friends.get(chosen).await;
    fs::remove_file(friends.at("day/c")).expect("there");
    for version in 1..6 {
        friends.change(10 * version, &["day/d"]);
        let came = friends.renew(&["day/*"]).await;
        assert_eq!(came, deleted(1, updated(0, 1, &[])), "version {version}");
    }
    // Of all of it the others are new.
    assert_eq!(friends.renew(&[]).await, deleted(1, updated(3, 0, &[])));
    friends.change(70, &["day/c"]);
    assert_eq!(friends.renew(&["day/*"]).await, updated(1, 0, &[]));
    assert!(friends.is_hers("day/c"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whether_a_file_may_be_run_comes_though_its_version_came_in_part_or_elsewhere() {
    let friends = Friends::got().await;
    let hers = |path: &str| friends.alice.source().join(path);
    set_mode(&hers("b"), 0o755);
    friends.change(11, &["a"]);
    assert_eq!(friends.renew(&["a"]).await, updated(0, 1, &[]));
    assert_eq!(friends.renew(&[]).await, updated(0, 1, &[]));
    assert_eq!(
        mode(&friends.at("b")) & 0o111,
        mode(&friends.at("b")) >> 2 & 0o111
    );

    set_mode(&hers("day/c"), 0o755);
    friends.change(21, &["a"]);
    friends.alice.share(Recipients::Contacts);
    let elsewhere = Get {
        out: friends.bob.folder.path().join("elsewhere"),
        ..friends.request()
    };
    friends.get(elsewhere).await;
    assert_eq!(friends.renew(&[]).await, updated(0, 2, &[]));
    assert!(mode(&friends.at("day/c")) & 0o100 != 0);

    // One that was killed when it had been written down, and nothing had its name.
    let (before, bits) = (fs::read(friends.at("a")), mode(&friends.at("day/d")));
    set_mode(&hers("day/d"), 0o755);
    friends.change(31, &["a"]);
    assert_eq!(friends.renew(&[]).await, updated(0, 2, &[]));
    fs::write(friends.at("a"), before.expect("read")).expect("written");
    set_mode(&friends.at("day/d"), bits);
    store::run(friends.bob.shares.database(), |connection| {
        let last =
            "UPDATE share_was SET whole = 0 WHERE number = (SELECT max(number) FROM share_was)";
        connection.execute(last, [])
    })
    .expect("written");
    assert_eq!(friends.renew(&[]).await, updated(0, 2, &[]));
    assert!(friends.is_hers("a") && mode(&friends.at("day/d")) & 0o100 != 0);
}

/// More versions than are remembered.
const VERSIONS: u64 = 7;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_changed_here_is_told_as_that_however_many_versions_come() {
    let friends = Friends::strangers();
    let leads = |folder: &Path, to: &str| {
        let link = folder.join("link");
        let _ = fs::remove_file(&link);
        symlink(to, link).expect("made");
    };
    leads(&friends.alice.source(), "a");
    friends.alice.share(Recipients::Contacts);
    friends.get(friends.request()).await;
    // He edits a file and a link of hers, and makes one that she makes, too.
    fs::write(friends.at("a"), b"Bob's").expect("written");
    fs::write(friends.at("mine"), b"Bob's").expect("written");
    leads(&friends.at(""), "gone");
    for version in 1..=VERSIONS {
        friends.change(10 * version, &["a", "b", "mine"]);
        leads(
            &friends.alice.source(),
            if version % 2 == 0 { "a" } else { "b" },
        );
        let changed = updated(0, 1, &["a", "link"]);
        let kept = with_kept(KeptWhy::Unknown, &["mine"], changed);
        assert_eq!(friends.renew(&[]).await, kept, "version {version}");
    }
    // What he moves away comes, and is hers.
    fs::remove_file(friends.at("a")).expect("there");
    let kept = with_kept(KeptWhy::Unknown, &["mine"], updated(1, 0, &["link"]));
    assert_eq!(friends.renew(&[]).await, kept);
    friends.change(100, &["a"]);
    let kept = with_kept(KeptWhy::Unknown, &["mine"], updated(0, 1, &["link"]));
    assert_eq!(friends.renew(&[]).await, kept);
    assert!(friends.is_hers("a"));
}

/// What was written down of the version that came last is this instead.
fn write_down(friends: &Friends, what: &str) {
    let written = store::run(friends.bob.shares.database(), |connection| {
        let last = "number = (SELECT max(number) FROM share_was)";
        connection.execute(&format!("UPDATE share_was SET {what} WHERE {last}"), [])
    });
    assert_eq!(written.expect("written"), 1, "something came");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_run_brought_that_was_killed_before_it_said_so_is_not_kept() {
    let friends = Friends::got().await;
    let source = friends.alice.source();
    symlink("a", source.join("link")).expect("made");
    symlink("mine", friends.at("link")).expect("made");
    fs::write(friends.at("a"), b"Bob's").expect("written");
    friends.change(11, &["a", "b"]);
    let kept = with_kept(KeptWhy::Unknown, &["link"], updated(0, 1, &["a"]));
    assert_eq!(friends.renew(&[]).await, kept);
    // He moves his away; what is hers comes to their places, and that is not written down.
    fs::remove_file(friends.at("link")).expect("there");
    symlink("a", friends.at("link")).expect("made");
    fs::copy(source.join("a"), friends.at("a")).expect("copied");
    friends.change(21, &["a"]);
    fs::remove_file(source.join("link")).expect("there");
    symlink("b", source.join("link")).expect("made");
    assert_eq!(friends.renew(&[]).await, updated(0, 2, &[]));
    assert!(friends.is_hers("a"));
    assert_eq!(
        fs::read_link(friends.at("link")).expect("there"),
        Path::new("b")
    );

    // The same of what could not come at first.
    write_down(&friends, "waiting = 'a'");
    friends.change(31, &["a"]);
    assert_eq!(friends.renew(&[]).await, updated(0, 1, &[]));
    assert!(friends.is_hers("a"));
    // And what he changes is his, whatever could not come.
    write_down(&friends, "waiting = 'a'");
    fs::write(friends.at("a"), b"Bob's").expect("written");
    friends.change(41, &["a"]);
    assert_eq!(friends.renew(&[]).await, updated(0, 0, &["a"]));
}

/// What becomes of a file is told from now on: whether it was opened, and whether its mode was changed.
fn watch(path: &Path) -> OwnedFd {
    let watch = inotify::init(inotify::CreateFlags::NONBLOCK).expect("some may watch");
    let what = inotify::WatchFlags::OPEN | inotify::WatchFlags::ATTRIB;
    inotify::add_watch(&watch, path, what).expect("there");
    watch
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_of_which_the_mode_alone_changes_is_opened_afterwards_to_make_that_durable() {
    let friends = Friends::got().await;
    set_mode(&friends.alice.source().join("b"), 0o755);
    let watch = watch(&friends.at("b"));
    assert_eq!(friends.renew(&[]).await, updated(0, 1, &[]));
    assert!(mode(&friends.at("b")) & 0o100 != 0);
    let mut buffer = [MaybeUninit::uninit(); 4_096];
    let mut reader = inotify::Reader::new(watch, &mut buffer);
    let mut events = Vec::new();
    while let Ok(event) = reader.next() {
        events.push(event.events());
    }
    // It was read before; nothing else opens it afterwards.
    let last = [ReadFlags::ATTRIB, ReadFlags::OPEN];
    assert!(events.ends_with(&last), "{events:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_put_back_on_purpose_stays_and_is_named() {
    let friends = Friends::got().await;
    let before = fs::read(friends.at("a")).expect("there");
    friends.change(11, &["a"]);
    assert_eq!(friends.renew(&[]).await, updated(0, 1, &[]));
    fs::write(friends.at("a"), &before).expect("written");
    assert_eq!(friends.renew(&[]).await, updated(0, 0, &["a"]));
    friends.change(21, &["a"]);
    assert_eq!(friends.renew(&[]).await, updated(0, 0, &["a"]));
    assert_eq!(fs::read(friends.at("a")).expect("there"), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_was_moved_and_one_in_it_that_is_got_by_itself_are_brought_up_to_date() {
    let friends = Friends::got().await;
    friends.change(11, &["day/c"]);
    friends.alice.share(Recipients::Contacts);
    let below = Get {
        path: "day".to_owned(),
        out: friends.at(""),
        ..friends.updating()
    };
    let got = friends.get(below).await;
    assert_eq!(got.updated, Some(updated(0, 1, &[])));
    // What came to the folder in it is known of all of it.
    friends.change(21, &["day/c", "a"]);
    assert_eq!(friends.renew(&[]).await, updated(0, 2, &[]));

    friends.change(31, &["day/c"]);
    friends.alice.share(Recipients::Contacts);
    let moved = friends.bob.folder.path().join("moved");
    fs::rename(friends.bob.out(), &moved).expect("moved");
    let there = Get {
        out: moved,
        ..friends.updating()
    };
    let got = friends.get(there).await;
    assert_eq!(got.updated, Some(updated(0, 1, &[])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_in_a_folder_that_was_a_file_is_new_whatever_lay_beside_that() {
    let friends = Friends::got().await;
    let source = friends.alice.source();
    fs::remove_file(source.join("a")).expect("there");
    fs::create_dir(source.join("a")).expect("made");
    fs::copy(source.join("b"), source.join("a/b")).expect("copied");
    fs::remove_file(friends.at("a")).expect("there");
    assert_eq!(friends.renew(&[]).await, updated(1, 0, &[]));
    assert!(friends.is_hers("a/b"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_file_is_brought_up_to_date_in_a_folder_behind_a_link() {
    let friends = Friends::got().await;
    let (disk, downloads) = (
        friends.bob.folder.path().join("disk"),
        friends.bob.folder.path().join("downloads"),
    );
    fs::create_dir(&disk).expect("made");
    symlink(&disk, &downloads).expect("made");
    let one = |get: Get| Get {
        path: "day/c".to_owned(),
        out: downloads.clone(),
        ..get
    };
    friends.get(one(friends.request())).await;
    friends.change(11, &["day/c"]);
    friends.alice.share(Recipients::Contacts);
    let got = friends.get(one(friends.updating())).await;
    assert_eq!(got.updated, Some(updated(0, 1, &[])));
    assert!(fs::read(disk.join("c")).expect("there") == bytes(11, 110_000));
    assert_eq!(fs::read_dir(&disk).expect("there").count(), 1, "no more");
    // What he has put there stays, as often as it is looked at.
    fs::write(disk.join("c"), b"Bob's").expect("written");
    for _ in 0..2 {
        let got = friends.get(one(friends.updating())).await;
        assert_eq!(got.updated, Some(updated(0, 0, &["c"])));
    }
}

#[test]
fn a_folder_that_takes_nothing_keeps_nothing_else_away() {
    as_somebody("brought::update_beside_a_closed_folder");
}

#[test]
fn a_file_that_cannot_be_read_keeps_nothing_else_away() {
    as_somebody("brought::update_beside_a_closed_file");
}

/// Runs an ignored test beside these as somebody to whom something can be closed.
pub(super) fn as_somebody(test: &str) {
    let this = std::env::current_exe().expect("a program");
    let closed = tempfile::tempdir().expect("temporary folder");
    set_mode(closed.path(), 0o500);
    // Who may do everything, as root may, is to do without that.
    let mut command = match fs::write(closed.path().join("f"), b"") {
        Err(_) => Command::new(this),
        Ok(()) => {
            let mut command = Command::new("setpriv");
            let nothing = "--bounding-set=-dac_override,-dac_read_search";
            command.args([nothing, "--inh-caps=-all"]).arg(this);
            command
        }
    };
    let name = format!("content::tests::{test}");
    let ran = command
        .args([&name, "--exact", "--ignored", "--nocapture"])
        .output();
    match ran {
        Err(_) => is_not_tested(test, "setpriv"),
        Ok(ran) => {
            let said = String::from_utf8_lossy(&ran.stdout);
            let cried = String::from_utf8_lossy(&ran.stderr);
            assert!(ran.status.success(), "{said}{cried}");
            assert!(said.contains("1 passed"), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by a test above, as somebody to whom a folder can be closed"]
async fn update_beside_a_closed_folder() {
    let friends = Friends::got().await;
    friends.change(11, &["a", "day/c", "day/new", "day/deep/new", "night/new"]);
    let kept = ["day/c", "day/deep", "day/deep/new", "day/new"];
    // Nobody can tell what lies there of what she did not change.
    let unseen = ["day/c", "day/d", "day/deep", "day/deep/new", "day/new"];
    let cases = [
        (0o500, 1, &kept[..]),
        (0o500, 0, &kept[..]),
        (0o000, 0, &unseen[..]),
    ];
    for (mode, came, kept) in cases {
        set_mode(&friends.at("day"), mode);
        let closed = with_kept(KeptWhy::Closed, kept, updated(came, came, &[]));
        assert_eq!(friends.renew(&[]).await, closed);
        assert!(friends.is_hers("a") && friends.is_hers("night/new"));
        assert_eq!(friends.bob.out_names(), ["holiday"], "nothing else is left");
    }
    // When it takes something again, all of that comes.
    set_mode(&friends.at("day"), 0o700);
    assert_eq!(friends.renew(&[]).await, updated(2, 1, &[]));
    assert!(friends.is_hers("day/c") && friends.is_hers("day/deep/new"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by a test above, as somebody to whom a file can be closed"]
async fn update_beside_a_closed_file() {
    let friends = Friends::got().await;
    for (path, mode) in [("a", 0o200), ("b", 0o000), ("day/d", 0o200)] {
        set_mode(&friends.at(path), mode);
    }
    // Names can be put into this one, though nobody can see what is in it.
    set_mode(&friends.at("day"), 0o300);
    friends.change(11, &["a", "day/c", "day/d", "day/new", "new"]);
    for (added, replaced) in [(2, 1), (0, 0)] {
        // Nobody can tell what the one holds that she did not change.
        let closed = ["a", "b", "day/d"];
        let closed = with_kept(KeptWhy::Closed, &closed, updated(added, replaced, &[]));
        assert_eq!(friends.renew(&[]).await, closed);
        for path in ["day/c", "day/new", "new"] {
            assert!(friends.is_hers(path), "{path}");
        }
    }
    assert_eq!(mode(&friends.at("a")), 0o200, "it is as it was");
    for path in ["a", "b", "day/d"] {
        set_mode(&friends.at(path), 0o600);
    }
    assert_eq!(friends.renew(&[]).await, updated(0, 2, &[]));
    set_mode(&friends.at("day"), 0o700);
    assert!(friends.is_hers("a") && friends.is_hers("day/d"));
    assert_eq!(friends.bob.out_names(), ["holiday"], "nothing else is left");
}
