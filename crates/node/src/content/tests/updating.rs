//! What was got is brought up to date, and what was made here stays.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use kith_core::content::access::{Asker, Relation};
use kith_core::crypto::SecretKey;
use kith_core::ids::ShareId;

use super::copies::learn;
use super::got::deleted;
use super::world::{Fault, NOW, World, bytes, snapshot};
use crate::content::updating::is_closed;
use crate::content::{
    Credential, Earlier, Filter, Get, GetError, Got, Held, KeptWhy, Recipients, Update, Updated,
    known, store,
};

/// Alice, who shares a tree, and Bob, who got it and provides it.
pub(super) struct Friends {
    pub(super) alice: World,
    pub(super) bob: World,
    share: ShareId,
}

impl Friends {
    pub(super) async fn new() -> Self {
        let friends = Self::strangers();
        let got = friends.alice.get(friends.request()).await;
        friends.keep(&got.expect("fetched")).await;
        friends
    }

    /// The same, before he has got anything.
    pub(super) fn strangers() -> Self {
        let bob = SecretKey::from_bytes([2; 32]);
        let mut alice = World::new();
        alice.asker = Asker {
            peer: Some(bob.peer_id()),
            relation: Relation::Contact,
        };
        for (number, path) in (1..).zip(["a", "b", "day/c", "day/d", "gone"]) {
            alice.write(path, &bytes(number, 100_000));
        }
        let share = alice.share(Recipients::Contacts).head.share;
        let bob = World::of(bob);
        Self { alice, bob, share }
    }

    /// All of it, to Bob's.
    pub(super) fn request(&self) -> Get {
        Get {
            out: self.bob.out(),
            ..self.alice.request(self.share)
        }
    }

    /// Bob provides what he got.
    async fn keep(&self, got: &Got) {
        learn(&self.alice, &self.bob, self.share, &Credential::Session).await;
        let held = Held {
            share: self.share,
            manifest: got.head.manifest,
            target: got.target.clone(),
            keep: false,
            selected_of: got.selected_of.clone(),
        };
        self.bob.shares.hold(&held, NOW).expect("kept");
        assert!(self.bob.shares.examine(&self.share).expect("read"));
    }

    pub(super) fn updating(&self) -> Get {
        let earlier = Earlier::of(&self.bob.shares, self.share).expect("read");
        Get {
            update: Some(Update::new(earlier)),
            ..self.request()
        }
    }

    /// Alice shares what is in her folder now, and Bob brings his up to date.
    async fn update(&self) -> (Got, Updated) {
        self.alice.share(Recipients::Contacts);
        let got = self.alice.get(self.updating()).await.expect("fetched");
        let mut updated = got.updated.clone().expect("it was to be");
        sort(&mut updated);
        (got, updated)
    }

    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.bob.out().join("holiday").join(path)
    }

    /// Where a link of Bob's leads; `None` where there is none.
    fn leads(&self, path: &str) -> Option<String> {
        let to = fs::read_link(self.at(path)).ok()?;
        Some(to.into_os_string().into_string().expect("text"))
    }

    pub(super) fn is_hers(&self, path: &str) -> bool {
        let hers = fs::read(self.alice.source().join(path)).expect("shared");
        fs::read(self.at(path)).is_ok_and(|here| here == hers)
    }
}

/// What is kept was changed here.
pub(super) fn updated(added: u64, replaced: u64, kept: &[&str]) -> Updated {
    let updated = Updated {
        added,
        replaced,
        ..Updated::default()
    };
    with_kept(KeptWhy::Changed, kept, updated)
}

/// The same, and this is kept for another reason.
pub(super) fn with_kept(why: KeptWhy, paths: &[&str], updated: Updated) -> Updated {
    paths.iter().fold(updated, |mut updated, path| {
        updated.keep(path, why);
        updated
    })
}

/// Paths come in any order.
pub(super) fn sort(updated: &mut Updated) {
    let kept = updated.kept.values_mut();
    kept.for_each(|kept| kept.paths.sort());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_new_comes_what_is_untouched_is_replaced_and_what_was_made_here_stays() {
    let friends = Friends::new().await;
    let Friends { alice, bob, .. } = &friends;
    // Alice changes three, adds two, and one of hers is gone; Bob has edited one of those, and one that she has not.
    for (number, path) in (11..).zip(["a", "b", "day/c", "new", "night/new"]) {
        alice.write(path, &bytes(number, 120_000));
    }
    fs::remove_file(alice.source().join("gone")).expect("there");
    fs::write(friends.at("b"), b"Bob's").expect("written");
    fs::write(friends.at("day/d"), b"Bob's, too").expect("written");
    fs::write(friends.at("day/mine"), b"beside it").expect("written");
    let (got, came) = friends.update().await;
    assert_eq!(came, updated(2, 2, &["b", "day/d"]));
    assert_eq!(got.fetched, 4 * 120_000, "nothing else was fetched");
    for path in ["a", "day/c", "new", "night/new"] {
        assert!(friends.is_hers(path), "{path}");
    }
    for (path, content) in [
        ("b", "Bob's"),
        ("day/d", "Bob's, too"),
        ("day/mine", "beside it"),
    ] {
        assert_eq!(
            fs::read_to_string(friends.at(path)).expect("there"),
            content
        );
    }
    assert!(friends.at("gone").exists(), "nothing is deleted");
    assert_eq!(bob.out_names(), ["holiday"], "no staging folder is left");

    // He provides what is hers of it; and of the next version he knows what it was.
    friends.keep(&got).await;
    let copies = bob.shares.copies().expect("read");
    assert_eq!(copies[0].part.expect("not all of it").files, 4);
    alice.write("a", &bytes(21, 90_000));
    alice.write("day/d", &bytes(22, 90_000));
    let (_, came) = friends.update().await;
    assert_eq!(came, updated(0, 1, &["b", "day/d"]));
    assert!(friends.is_hers("a"));
    let (got, came) = friends.update().await;
    assert_eq!((came, got.fetched), (updated(0, 0, &["b", "day/d"]), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_that_was_given_up_because_of_an_edit_still_tells_what_it_was() {
    let friends = Friends::new().await;
    let Friends { alice, bob, share } = &friends;
    fs::write(friends.at("b"), b"Bob's").expect("written");
    assert!(!bob.shares.examine_anew(share).expect("read"), "edited");
    assert!(bob.shares.copies().expect("read").is_empty());
    for (number, path) in (11..).zip(["a", "b", "day/c"]) {
        alice.write(path, &bytes(number, 120_000));
    }
    let (_, came) = friends.update().await;
    assert_eq!(came, updated(0, 2, &["b"]));
    assert_eq!(fs::read(friends.at("b")).expect("there"), b"Bob's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_got_before_the_version_that_lies_elsewhere_is_known_too() {
    let friends = Friends::new().await;
    let Friends { alice, bob, .. } = &friends;
    alice.write("a", &bytes(11, 120_000));
    alice.share(Recipients::Contacts);
    let elsewhere = Get {
        out: bob.folder.path().join("elsewhere"),
        ..friends.request()
    };
    let got = alice.get(elsewhere).await.expect("fetched");
    friends.keep(&got).await;
    fs::write(friends.at("b"), b"Bob's").expect("written");
    alice.write("b", &bytes(12, 120_000));
    let (_, came) = friends.update().await;
    assert_eq!(came, updated(0, 1, &["b"]));
    assert!(friends.is_hers("a"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_known_of_what_it_was_nothing_is_replaced() {
    let friends = Friends::new().await;
    let Friends { alice, share, .. } = &friends;
    let stranger = World::of(SecretKey::from_bytes([5; 32]));
    alice.write("a", &bytes(11, 120_000));
    alice.write("new", &bytes(12, 120_000));
    alice.share(Recipients::Contacts);
    let earlier = Earlier::of(&stranger.shares, *share).expect("read");
    let request = Get {
        update: Some(Update::new(earlier)),
        ..friends.request()
    };
    let got = alice.get(request).await.expect("fetched");
    let mine = |updated| with_kept(KeptWhy::Unknown, &["a"], updated);
    assert_eq!(got.updated, Some(mine(updated(1, 0, &[]))));
    assert_eq!(fs::read(friends.at("a")).expect("there"), bytes(1, 100_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_of_another_kind_here_stays_and_a_new_link_comes() {
    let friends = Friends::new().await;
    let Friends { alice, .. } = &friends;
    // A folder where she has a file, a file where she has a folder, and a link instead of a folder of hers.
    let elsewhere = friends.bob.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).expect("made");
    fs::remove_file(friends.at("a")).expect("there");
    fs::create_dir(friends.at("a")).expect("made");
    fs::rename(friends.at("day"), elsewhere.join("day")).expect("moved");
    fs::write(friends.at("day"), b"no folder").expect("written");
    std::os::unix::fs::symlink(&elsewhere, friends.at("night")).expect("made");
    alice.write("night/deep/new", &bytes(11, 50_000));
    std::os::unix::fs::symlink("b", alice.source().join("to-b")).expect("made");
    alice.write("b", &bytes(12, 50_000));
    let (got, came) = friends.update().await;
    let kept = ["a", "day", "day/c", "day/d", "night", "night/deep/new"];
    let occupied = with_kept(KeptWhy::Occupied, &kept, updated(1, 1, &[]));
    assert_eq!(came, occupied);
    assert_eq!(got.links_left_out, 0);
    assert_eq!(friends.leads("to-b").as_deref(), Some("b"));
    assert!(friends.is_hers("b") && friends.at("a").is_dir());
    assert_eq!(fs::read(friends.at("day")).expect("there"), b"no folder");
    assert!(
        !elsewhere.join("deep").exists(),
        "nothing is written through a link"
    );
}

/// A link of Alice's leads there from now on.
fn relink(alice: &World, path: &str, to: &str) {
    let at = alice.source().join(path);
    if fs::symlink_metadata(&at).is_ok() {
        fs::remove_file(&at).expect("there");
    }
    std::os::unix::fs::symlink(to, at).expect("made");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_come_are_replaced_where_nobody_touched_them_and_stay_where_somebody_did() {
    let friends = Friends::strangers();
    let Friends { alice, bob, .. } = &friends;
    for path in ["lib", "day/lib", "changed", "deleted", "other", "same"] {
        relink(alice, path, "a");
    }
    alice.share(Recipients::Contacts);
    friends.get(friends.request()).await;
    assert_eq!(friends.leads("day/lib").as_deref(), Some("a"));
    // Bob has one lead elsewhere, deletes two, and makes a file of one.
    fs::remove_file(friends.at("changed")).expect("there");
    std::os::unix::fs::symlink("gone", friends.at("changed")).expect("made");
    fs::remove_file(friends.at("deleted")).expect("there");
    fs::remove_file(friends.at("same")).expect("there");
    fs::remove_file(friends.at("other")).expect("there");
    fs::write(friends.at("other"), b"Bob's").expect("written");
    for path in ["lib", "day/lib", "changed", "deleted", "other"] {
        relink(alice, path, "b");
    }
    fs::create_dir(alice.source().join("night")).expect("made");
    relink(alice, "new", "t");
    relink(alice, "night/up", "../b");
    // This one leads out of it, and so is not shared.
    relink(alice, "out", "../../secret");
    alice.share(Recipients::Contacts);
    let got = friends.get(friends.updating()).await;
    let came = got.updated.clone().expect("it was to be");
    // One did not change.
    let changed = updated(3, 2, &["changed"]);
    let occupied = with_kept(KeptWhy::Occupied, &["other"], changed);
    assert_eq!(came, deleted(1, occupied));
    assert_eq!((got.links_left_out, got.fetched), (0, 0));
    for (path, to) in [
        ("lib", Some("b")),
        ("day/lib", Some("b")),
        ("changed", Some("gone")),
        ("deleted", Some("b")),
        ("same", None),
        ("other", None),
        ("new", Some("t")),
        ("night/up", Some("../b")),
        ("out", None),
    ] {
        assert_eq!(friends.leads(path).as_deref(), to, "{path}");
    }
    assert_eq!(fs::read(friends.at("other")).expect("there"), b"Bob's");
    assert_eq!(bob.out_names(), ["holiday"], "no staging folder is left");

    // Of the next version it is known what came; what was in the way is moved away, and comes.
    relink(alice, "lib", "day/c");
    fs::remove_file(friends.at("changed")).expect("there");
    let came = friends.renew(&[]).await;
    let occupied = with_kept(KeptWhy::Occupied, &["other"], updated(1, 1, &[]));
    assert_eq!(came, deleted(1, occupied));
    assert_eq!(friends.leads("lib").as_deref(), Some("day/c"));
    assert_eq!(friends.leads("changed").as_deref(), Some("b"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_link_is_made_through_one_or_in_the_place_of_what_comes_meanwhile() {
    let mut friends = Friends::new().await;
    friends.alice.write("a", &bytes(11, 1_000_000));
    relink(&friends.alice, "day/lib", "c");
    relink(&friends.alice, "new", "a");
    let elsewhere = friends.bob.folder.path().join("elsewhere");
    let (day, new, to) = (friends.at("day"), friends.at("new"), elsewhere.clone());
    let makes = move || {
        fs::rename(&day, &to).expect("moved");
        std::os::unix::fs::symlink(&to, &day).expect("made");
        std::os::unix::fs::symlink("mine", &new).expect("made");
    };
    friends.alice.fault = Fault::At(500_000, Arc::new(makes));
    let (_, came) = friends.update().await;
    let occupied = &came.kept[&KeptWhy::Occupied].paths;
    assert!(occupied.contains(&"day/lib".to_owned()), "{came:?}");
    let new = |why: &KeptWhy| came.kept.get(why).is_some_and(|it| it.paths == ["new"]);
    assert!(new(&KeptWhy::Unknown) || new(&KeptWhy::Changed), "{came:?}");
    assert!(fs::symlink_metadata(elsewhere.join("lib")).is_err());
    assert_eq!(friends.leads("new").as_deref(), Some("mine"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_comes_by_itself_where_the_file_was_not_touched() {
    let friends = Friends::new().await;
    let Friends { alice, .. } = &friends;
    let at = |days: u64| std::time::UNIX_EPOCH + Duration::from_secs(days * 86_400);
    let set = |path: PathBuf, days| {
        let file = fs::File::options().write(true).open(path);
        file.and_then(|file| file.set_modified(at(days)))
            .expect("set");
    };
    set(friends.at("b"), 20_000);
    for path in ["a", "b"] {
        set(alice.source().join(path), 10_000);
    }
    let (got, came) = friends.update().await;
    assert_eq!((came, got.fetched), (updated(0, 1, &[]), 0));
    let time = |path| fs::metadata(friends.at(path)).and_then(|it| it.modified());
    assert_eq!(time("a").expect("there"), at(10_000));
    assert_eq!(time("b").expect("there"), at(20_000), "Bob's own");
    let (_, came) = friends.update().await;
    assert_eq!(came, updated(0, 0, &[]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn empty_files_are_counted_in_what_was_brought_up_to_date() {
    let friends = Friends::new().await;
    let Friends { alice, bob, .. } = &friends;
    for path in ["0", "day/empty", "zero"] {
        alice.write(path, b"");
    }
    alice.write("a", &bytes(11, 90_000));
    fs::write(friends.at("b"), b"Bob's").expect("written");
    let (got, _) = friends.update().await;
    friends.keep(&got).await;
    let copies = bob.shares.copies().expect("read");
    let part = copies[0].part.expect("not all of it");
    assert_eq!((part.files, got.head.totals.files), (7, 8));
    assert_eq!(part.bytes, 90_000 + 3 * 100_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_cut_off_goes_on_and_replaces_nothing_before_all_is_there() {
    let mut friends = Friends::new().await;
    for (number, path) in (11..).zip(["a", "b", "day/c", "day/d"]) {
        friends.alice.write(path, &bytes(number, 1_000_000));
    }
    friends.alice.share(Recipients::Contacts);
    friends.alice.fault = Fault::Cut(friends.alice.received() + 2_500_000);
    let cut = friends.alice.get(friends.updating()).await;
    assert!(matches!(cut, Err(GetError::Connection(_))), "{cut:?}");
    assert_eq!(fs::read(friends.at("a")).expect("there"), bytes(1, 100_000));
    // Meanwhile he edits one that has come.
    fs::write(friends.at("a"), b"Bob's").expect("written");
    friends.alice.fault = Fault::None;
    let (got, came) = friends.update().await;
    assert_eq!(came, updated(0, 3, &["a"]));
    assert!(got.fetched < 2_000_000, "{}", got.fetched);
    assert_eq!(fs::read(friends.at("a")).expect("there"), b"Bob's");
    assert!(friends.is_hers("day/d"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_is_there_all_comes_and_what_is_chosen_alone_is_updated() {
    let friends = Friends::new().await;
    let Friends { alice, bob, .. } = &friends;
    let elsewhere = Get {
        out: bob.folder.path().join("elsewhere"),
        ..friends.updating()
    };
    let got = alice.get(elsewhere).await.expect("fetched");
    assert!(snapshot(&got.target) == snapshot(&alice.source()));
    alice.write("a", &bytes(11, 120_000));
    alice.write("day/c", &bytes(12, 120_000));
    alice.write("day/new", &bytes(13, 120_000));
    alice.share(Recipients::Contacts);
    let below = Get {
        only: Filter::globs(&["day/*".to_owned()]).expect("a pattern"),
        ..friends.updating()
    };
    let got = alice.get(below).await.expect("fetched");
    assert_eq!(got.updated, Some(updated(1, 1, &[])));
    assert!(friends.is_hers("day/c") && !friends.is_hers("a"));
    // One file of it, where it lies by itself.
    let one = |out: &Path| Get {
        path: "day/c".to_owned(),
        out: out.to_owned(),
        ..friends.updating()
    };
    let out = bob.folder.path().join("one");
    fs::create_dir(&out).expect("made");
    fs::write(out.join("c"), bytes(3, 100_000)).expect("written");
    let got = alice.get(one(&out)).await.expect("fetched");
    assert_eq!(got.updated, Some(updated(0, 1, &[])));
    assert_eq!(fs::read(out.join("c")).expect("there"), bytes(12, 120_000));
    fs::write(out.join("c"), b"Bob's").expect("written");
    let got = alice.get(one(&out)).await.expect("fetched");
    assert_eq!(got.updated, Some(updated(0, 0, &["c"])));
    assert_eq!(fs::read_dir(&out).expect("there").count(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_rests_stays_and_the_rest_comes() {
    let friends = Friends::new().await;
    for (number, path) in (11..).zip(["a", "b"]) {
        friends.alice.write(path, &bytes(number, 120_000));
    }
    // So large that it grows while it is read, each time.
    let mut restless = fs::File::options()
        .append(true)
        .open(friends.at("a"))
        .expect("there");
    restless.set_len(64 << 20).expect("room");
    let rests = Arc::new(AtomicBool::new(false));
    let writer = std::thread::spawn({
        let rests = Arc::clone(&rests);
        move || {
            while !rests.load(Ordering::Relaxed) {
                restless.write_all(b"x").expect("room");
            }
        }
    });
    let (_, came) = friends.update().await;
    rests.store(true, Ordering::Relaxed);
    writer.join().expect("it ends");
    let restless = with_kept(KeptWhy::Closed, &["a"], updated(0, 1, &[]));
    assert_eq!(came, restless);
    assert!(friends.is_hers("b"));
}

#[test]
fn what_cannot_be_read_is_kept_and_a_broken_disk_is_told() {
    use std::io::ErrorKind;
    for (kind, is_kept) in [
        (ErrorKind::PermissionDenied, true),
        (ErrorKind::ResourceBusy, true),
        (ErrorKind::StorageFull, false),
        (ErrorKind::Other, false),
    ] {
        assert_eq!(is_closed(&kind.into()), is_kept, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_an_earlier_run_staged_does_not_stand_in_the_way_of_what_was_made_here() {
    let mut friends = Friends::new().await;
    for (number, path) in (11..).zip(["a", "b", "day/c", "x/deep/new"]) {
        friends.alice.write(path, &bytes(number, 1_000_000));
    }
    friends.alice.share(Recipients::Contacts);
    friends.alice.fault = Fault::Cut(friends.alice.received() + 2_500_000);
    let cut = friends.alice.get(friends.updating()).await;
    assert!(matches!(cut, Err(GetError::Connection(_))), "{cut:?}");
    fs::write(friends.at("x"), b"Bob's").expect("written");
    friends.alice.fault = Fault::None;
    let (_, came) = friends.update().await;
    let occupied = with_kept(KeptWhy::Occupied, &["x", "x/deep/new"], updated(0, 3, &[]));
    assert_eq!(came, occupied);
    assert_eq!(fs::read(friends.at("x")).expect("there"), b"Bob's");
    assert_eq!(friends.bob.out_names(), ["holiday"], "nothing else is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_made_here_while_it_is_fetched_stays_and_no_link_is_followed() {
    let mut friends = Friends::new().await;
    for (number, path) in (11..).zip(["a", "day/c", "new", "night/new"]) {
        friends.alice.write(path, &bytes(number, 1_000_000));
    }
    let elsewhere = friends.bob.folder.path().join("elsewhere");
    let (day, new, night) = (friends.at("day"), friends.at("new"), friends.at("night"));
    let to = elsewhere.clone();
    let makes = move || {
        fs::rename(&day, &to).expect("moved");
        std::os::unix::fs::symlink(&to, &day).expect("made");
        fs::write(&new, b"Bob's").expect("written");
        fs::write(&night, b"Bob's, too").expect("written");
    };
    friends.alice.fault = Fault::At(500_000, Arc::new(makes));
    let (_, came) = friends.update().await;
    let occupied = ["day", "day/c", "night", "night/new"];
    let kept = with_kept(KeptWhy::Occupied, &occupied, updated(0, 1, &[]));
    assert_eq!(came, with_kept(KeptWhy::Unknown, &["new"], kept));
    assert!(friends.is_hers("a"));
    assert_eq!(
        fs::read(elsewhere.join("c")).expect("there"),
        bytes(3, 100_000)
    );
    assert_eq!(fs::read(friends.at("new")).expect("there"), b"Bob's");
    assert_eq!(fs::read(friends.at("night")).expect("there"), b"Bob's, too");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_hashed_meanwhile_holds_no_update_up() {
    let friends = Friends::new().await;
    let share = friends.share;
    let shares = Arc::clone(&friends.bob.shares);
    store::run(shares.database(), |connection| {
        known::doubt_copy(connection, &share)
    })
    .expect("written");
    let scanning = shares.lock_scan();
    let (tell, told) = mpsc::channel();
    let same = Arc::clone(&shares);
    std::thread::spawn(move || tell.send(same.examine_now(&share)));
    let told = told.recv_timeout(Duration::from_secs(60));
    assert!(!told.expect("it does not wait").expect("read"));
    drop(scanning);
    assert!(shares.examine_now(&share).expect("read"));
}
