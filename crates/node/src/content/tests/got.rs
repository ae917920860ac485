//! What was got is written down before it gets its name: it can be brought up to date though it is no copy, and what was deleted stays deleted.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use super::updating::{Friends, sort, updated, with_kept};
use super::world::{Fault, bytes};
use crate::content::{Filter, Get, Got, KeptWhy, Recipients, Updated};

impl Friends {
    /// Alice, and Bob, who got all that she shares and provides nothing.
    pub(super) async fn got() -> Self {
        let friends = Self::strangers();
        friends.get(friends.request()).await;
        friends
    }

    pub(super) async fn get(&self, get: Get) -> Got {
        let written = Get {
            was: Some(Arc::clone(&self.bob.shares)),
            ..get
        };
        self.alice.get(written).await.expect("fetched")
    }

    /// Alice shares what is in her folder now, and Bob brings his up to date, or these files of it.
    pub(super) async fn renew(&self, only: &[&str]) -> Updated {
        self.alice.share(Recipients::Contacts);
        let only: Vec<String> = only.iter().map(|only| (*only).to_owned()).collect();
        let only = match only.is_empty() {
            true => None,
            false => Filter::globs(&only).expect("patterns"),
        };
        let got = self.get(Get {
            only,
            ..self.updating()
        });
        let mut updated = got.await.updated.expect("wanted");
        sort(&mut updated);
        updated
    }

    pub(super) fn change(&self, number: u64, paths: &[&str]) {
        for (number, path) in (number..).zip(paths) {
            self.alice.write(path, &bytes(number, 110_000));
        }
    }
}

pub(super) fn deleted(deleted: u64, updated: Updated) -> Updated {
    Updated { deleted, ..updated }
}

pub(super) fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_got_and_is_no_copy_is_brought_up_to_date() {
    let friends = Friends::got().await;
    assert!(friends.bob.shares.copies().expect("read").is_empty());
    friends.change(11, &["a", "b"]);
    fs::write(friends.at("b"), b"Bob's").expect("written");
    assert_eq!(friends.renew(&[]).await, updated(0, 1, &["b"]));
    assert!(friends.is_hers("a"));

    // Of one version these files, of another those: what is left of either is known.
    friends.change(21, &["a", "day/c"]);
    assert_eq!(friends.renew(&["a"]).await, updated(0, 1, &[]));
    friends.change(31, &["day/c", "day/d"]);
    assert_eq!(friends.renew(&["day/d"]).await, updated(0, 1, &[]));
    friends.change(41, &["a", "day/c", "day/d"]);
    assert_eq!(friends.renew(&[]).await, updated(0, 3, &["b"]));
    assert!(
        ["a", "day/c", "day/d"]
            .iter()
            .all(|path| friends.is_hers(path))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_deleted_here_stays_deleted_until_it_is_another() {
    let friends = Friends::got().await;
    fs::remove_file(friends.at("b")).expect("there");
    fs::remove_dir_all(friends.at("day")).expect("there");
    friends.change(11, &["a", "new"]);
    for added in [1, 0] {
        assert_eq!(
            friends.renew(&[]).await,
            deleted(3, updated(added, added, &[]))
        );
        assert!(!friends.at("b").exists() && !friends.at("day").exists());
    }
    let some = friends.renew(&["b"]).await;
    assert_eq!(
        some,
        deleted(1, updated(0, 0, &[])),
        "nor when it is chosen"
    );
    // What is new in a folder comes, and what is new in place of a file.
    friends.change(21, &["day/deep/e", "b"]);
    assert_eq!(friends.renew(&[]).await, deleted(2, updated(2, 0, &[])));
    assert!(friends.is_hers("day/deep/e") && friends.is_hers("b"));
    assert!(!friends.at("day/c").exists());
    // Elsewhere all of it comes.
    let elsewhere = friends.bob.folder.path().join("elsewhere");
    let got = friends.get(Get {
        out: elsewhere,
        ..friends.request()
    });
    assert!(got.await.target.join("day/c").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_kept_and_moved_away_comes_from_its_owner() {
    let friends = Friends::got().await;
    friends.change(11, &["a", "x/new"]);
    fs::write(friends.at("a"), b"Bob's").expect("written");
    fs::write(friends.at("x"), b"Bob's, too").expect("written");
    let kept = updated(0, 0, &["a"]);
    let kept = with_kept(KeptWhy::Occupied, &["x", "x/new"], kept);
    assert_eq!(friends.renew(&[]).await, kept);
    fs::remove_file(friends.at("a")).expect("there");
    fs::remove_file(friends.at("x")).expect("there");
    assert_eq!(friends.renew(&[]).await, updated(2, 0, &[]));
    assert!(friends.is_hers("a") && friends.is_hers("x/new"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_came_was_not_deleted() {
    // The folder was there, with one file, and what was to come to it was cut off just before its end.
    let mut friends = Friends::strangers();
    let chosen = Get {
        only: Filter::globs(&["a".to_owned()]).expect("a pattern"),
        ..friends.request()
    };
    friends.get(chosen).await;
    friends.alice.fault = Fault::Cut(250_000);
    let cut = Get {
        was: Some(Arc::clone(&friends.bob.shares)),
        ..friends.updating()
    };
    friends.alice.get(cut).await.expect_err("cut off");
    friends.alice.fault = Fault::None;
    assert_eq!(friends.renew(&[]).await, updated(4, 0, &[]));
    assert!(friends.is_hers("day/d"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whether_a_file_may_be_run_goes_with_it_and_the_rest_of_its_mode_stays() {
    let friends = Friends::got().await;
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("one's own");
    };
    friends.change(11, &["b", "day/c"]);
    for path in ["a", "day/c"] {
        set(&friends.alice.source().join(path), 0o755);
    }
    set(&friends.at("a"), 0o640);
    set(&friends.at("b"), 0o600);
    set(&friends.at("day/c"), 0o644);
    // This is his own wish, which nothing of hers has changed.
    set(&friends.at("day/d"), 0o700);
    assert_eq!(friends.renew(&[]).await, updated(0, 3, &[]));
    let modes = ["a", "b", "day/c", "day/d"].map(|path| mode(&friends.at(path)));
    assert_eq!(modes, [0o750, 0o600, 0o755, 0o700]);
    assert_eq!(friends.renew(&[]).await, updated(0, 0, &[]));
    // What he has taken back stays so.
    set(&friends.at("a"), 0o640);
    assert_eq!(friends.renew(&[]).await, updated(0, 0, &[]));
    assert_eq!(mode(&friends.at("a")), 0o640);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_kept_for_its_own_reason_and_for_the_same_one_when_it_is_looked_at_again() {
    let friends = Friends::got().await;
    friends.change(11, &["a", "b", "day/c", "day/d", "mine"]);
    fs::write(friends.at("a"), b"Bob's").expect("written");
    fs::write(friends.at("mine"), b"Bob's, and never hers").expect("written");
    fs::remove_file(friends.at("b")).expect("there");
    fs::create_dir(friends.at("b")).expect("made");
    let kept = |replaced| {
        let kept = with_kept(KeptWhy::Unknown, &["mine"], updated(0, replaced, &["a"]));
        with_kept(KeptWhy::Occupied, &["b"], kept)
    };
    for replaced in [2, 0] {
        let came = friends.renew(&[]).await;
        assert_eq!((came.kept_count(), came), (3, kept(replaced)));
    }
    // Each is still so when its owner has changed it once more.
    friends.change(21, &["a", "b", "mine"]);
    assert_eq!(friends.renew(&[]).await, kept(0));
}
