//! What is chosen of a share comes to what is there of it already, and nothing that is there is ever touched.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use kith_core::ids::ShareId;

use super::world::{Fault, World, bytes, snapshot};
use crate::content::{Chosen, Filter, Get, GetError, Got, Recipients};

/// Enough that it is not all there before the walk has come to the end of the tree.
const BIG_BYTES: usize = 2 << 20;

/// A tree of which the last file is found long after the first.
const FILES: [&str; 5] = ["a/f", "b", "c", "both", "deep/er/and/deeper/f"];

/// A share of these files, a big one, and one without bytes.
fn shared() -> (World, ShareId) {
    let world = World::new();
    for name in FILES {
        world.write(name, name.as_bytes());
    }
    world.write("none", b"");
    world.write("big", &bytes(1, BIG_BYTES));
    let share = world.share(Recipients::Contacts).head.share;
    (world, share)
}

pub(super) fn chosen(world: &World, share: ShareId, paths: &[&str]) -> Get {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    let chosen = Chosen::new(paths).expect("few");
    Get {
        only: Filter::wanted(&[], &chosen).expect("no patterns"),
        ..world.request(share)
    }
}

/// Whether just these files of the share lie in the folder, each as it was shared, and no staging folder beside it.
fn assert_has(world: &World, paths: &[&str]) {
    let mut found = snapshot(&world.out().join("holiday"));
    found.retain(|_, content| *content != b"a folder");
    let wanted = paths.iter().map(|path| {
        let content = fs::read(world.source().join(path)).expect("shared");
        (PathBuf::from(path), content)
    });
    assert!(
        found == wanted.collect(),
        "{paths:?}: {:?}",
        found.into_keys()
    );
    assert_eq!(world.out_names(), ["holiday"]);
}

/// The file at this path in the folder is told to be in the way.
#[track_caller]
fn assert_in_the_way(world: &World, got: Result<Got, GetError>, path: &str) {
    let at = world.out().join("holiday").join(path);
    let error = got.expect_err("something is in the way");
    assert!(
        matches!(&error, GetError::TargetExists(told) if *told == at),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_selection_comes_to_the_first_and_what_both_have_counts_as_there() {
    let (world, share) = shared();
    let first = ["a/f", "b", "none"];
    let got = world.get(chosen(&world, share, &first)).await;
    let got = got.expect("fetched");
    assert_eq!((got.files, got.fetched), (3, 4));
    // A node that ended just before it noted that all is there asks once more.
    let again = world.get(chosen(&world, share, &first)).await;
    let again = again.expect("there");
    assert_eq!((again.files, again.bytes, again.fetched), (3, 4, 0));
    assert_has(&world, &first);
    let second = ["a/f", "big", "deep", "none"];
    let got = world.get(chosen(&world, share, &second)).await;
    let got = got.expect("added");
    let deep = "deep/er/and/deeper/f";
    let new = (BIG_BYTES + deep.len()) as u64;
    assert_eq!((got.files, got.bytes, got.fetched), (4, new + 3, new));
    assert_has(&world, &["a/f", "b", "none", "big", deep]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_selection_comes_to_a_folder_of_ones_own_and_leaves_what_is_in_it() {
    let (world, share) = shared();
    let own = world.out().join("holiday/a");
    fs::create_dir_all(&own).expect("created");
    fs::write(own.join("mine"), b"mine").expect("written");
    let got = world.get(chosen(&world, share, &["a/f"])).await;
    assert_eq!(got.expect("added").fetched, 3);
    assert_eq!(fs::read(own.join("mine")).expect("there"), b"mine");
    assert_eq!(fs::read(own.join("f")).expect("there"), b"a/f");
    let edited = b"edited here";
    fs::write(own.join("f"), edited).expect("written");
    let again = world.get(chosen(&world, share, &["a/f"])).await;
    assert_in_the_way(&world, again, "a/f");
    assert_eq!(fs::read(own.join("f")).expect("there"), edited);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_different_is_named_before_anything_is_fetched() {
    let (world, share) = shared();
    let last = "deep/er/and/deeper/f";
    let first = world.get(chosen(&world, share, &["b", last])).await;
    first.expect("fetched");
    let at = world.out().join("holiday").join(last);
    // As long as the one that is shared.
    let edited = last.to_uppercase();
    fs::write(&at, &edited).expect("written");
    let mut fetched = 0;
    let request = chosen(&world, share, &["big", "c", last]);
    let refused = world.get_reporting(request, |progress| fetched = progress.fetched);
    let refused = refused.await;
    assert_in_the_way(&world, refused, last);
    assert!(world.received() < BIG_BYTES as u64 / 2);
    assert_eq!(fetched, 0);
    assert_eq!(fs::read_to_string(&at).expect("there"), edited);
    assert!(!world.out().join("holiday/c").exists());
    // Moved away, as the error says.
    fs::remove_file(&at).expect("there");
    let got = world.get(chosen(&world, share, &["big", "c", last])).await;
    assert_eq!(got.expect("added").files, 3);
    assert_has(&world, &["b", "big", "c", last]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_matches_it_is_told_and_nothing_is_left() {
    let (world, share) = shared();
    let nothing = async |path: &str| {
        let request = Get {
            path: path.to_owned(),
            ..chosen(&world, share, &["nowhere"])
        };
        let got = world.get(request).await;
        assert!(
            matches!(got, Err(GetError::NothingMatches)),
            "{path}: {got:?}"
        );
    };
    for path in ["", "deep/er", "a/f"] {
        nothing(path).await;
        assert_eq!(world.out_names(), Vec::<String>::new(), "{path}");
    }
    // What is there of it stays as it is.
    let first = world.get(chosen(&world, share, &["b"])).await;
    first.expect("fetched");
    nothing("").await;
    assert_has(&world, &["b"]);
    let whole = Get {
        path: "c".to_owned(),
        ..world.request(share)
    };
    world.get(whole).await.expect("fetched");
    nothing("c").await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_links_and_no_empty_folders_are_among_what_is_chosen_and_links_are_counted() {
    use std::os::unix::fs::symlink;
    let world = World::new();
    world.write("a/f", b"a file");
    fs::create_dir(world.source().join("a/hollow")).expect("created");
    symlink("f", world.source().join("a/link")).expect("link");
    symlink("a/f", world.source().join("other")).expect("link");
    let share = world.share(Recipients::Contacts).head.share;
    let got = world.get(chosen(&world, share, &["a"])).await;
    let got = got.expect("fetched");
    assert_eq!((got.files, got.links_left_out), (1, 1));
    let made = snapshot(&got.target).into_keys().collect::<Vec<_>>();
    assert_eq!(made, ["a", "a/f"].map(PathBuf::from));
    let got = world.get(chosen(&world, share, &["other"])).await;
    assert!(matches!(got, Err(GetError::NothingMatches)), "{got:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_selections_at_once_come_into_one_folder() {
    let (mut world, share) = shared();
    // So slow that the small one ends while the big one is under way to a folder that was not there.
    world.rate = Some(BIG_BYTES as u64);
    let small = world.get(chosen(&world, share, &["a/f", "both", "c"]));
    let big = world.get(chosen(&world, share, &["a", "b", "both", "big"]));
    let (small, big) = tokio::join!(small, big);
    assert_eq!(small.expect("fetched").files, 3);
    assert_eq!(big.expect("fetched").files, 4);
    assert_has(&world, &["a/f", "b", "big", "both", "c"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_selection_that_was_added_in_part_goes_on_and_fetches_nothing_twice() {
    let (mut world, share) = shared();
    world
        .get(chosen(&world, share, &["none"]))
        .await
        .expect("fetched");
    // Appears while the files are on their way, so that it is found when some may have been moved.
    let at = world.out().join("holiday/c");
    let appear = {
        let at = at.clone();
        move || fs::write(&at, b"mine").expect("written")
    };
    world.fault = Fault::At(BIG_BYTES as u64 / 2, Arc::new(appear));
    let wanted = ["a/f", "b", "big", "both", "c"];
    let refused = world.get(chosen(&world, share, &wanted)).await;
    assert_in_the_way(&world, refused, "c");
    assert_eq!(fs::read(&at).expect("there"), b"mine");
    let staging = world.out_names().into_iter();
    let staging = staging.filter(|name| name != "holiday").collect::<Vec<_>>();
    let tree = world.out().join(&staging[0]).join("tree");
    // Whatever was moved, one more is, as by a node that ended then.
    for path in ["b", "both"] {
        let (from, to) = (tree.join(path), world.out().join("holiday").join(path));
        if from.exists() {
            fs::rename(from, to).expect("moved");
            break;
        }
    }
    fs::remove_file(&at).expect("there");
    world.fault = Fault::None;
    let got = world.get(chosen(&world, share, &wanted)).await;
    let got = got.expect("added");
    assert_eq!((got.files, got.fetched), (5, 0));
    assert_has(&world, &["a/f", "b", "big", "both", "c", "none"]);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_link_leads_a_selection_elsewhere() {
    use std::os::unix::fs::symlink;
    let (world, share) = shared();
    let outside = world.folder.path().join("outside");
    fs::create_dir_all(outside.join("a")).expect("created");
    fs::write(outside.join("b"), b"b").expect("written");
    let folder = world.out().join("holiday");
    fs::create_dir_all(&folder).expect("created");
    symlink(outside.join("a"), folder.join("a")).expect("link");
    symlink(outside.join("b"), folder.join("b")).expect("link");
    // Even to what is the same, or is to be a folder.
    for (path, link) in [("a/f", "a"), ("b", "b")] {
        let refused = world.get(chosen(&world, share, &[path, "c"])).await;
        assert_in_the_way(&world, refused, link);
    }
    assert!(!folder.join("c").exists());
    fs::remove_dir_all(&folder).expect("removed");
    symlink(&outside, &folder).expect("link");
    let refused = world.get(chosen(&world, share, &["c"])).await;
    assert_in_the_way(&world, refused, "");
    assert_eq!(snapshot(&outside).len(), 2);
}

/// After how much the first of several selections is cut off.
const CUT_AT: u64 = 3_000_000;

#[tokio::test]
async fn what_came_of_a_selection_that_was_cut_off_is_not_fetched_again_by_another_nor_by_the_whole()
 {
    let mut world = World::new();
    for (number, name) in (1..).zip(["a", "b", "c"]) {
        world.write(name, &bytes(number, 800_001));
    }
    world.write("film", &bytes(50, 4_000_000));
    let share = world.share(Recipients::Contacts).head.share;
    let (first, second) = (["a", "film"], ["b", "film"]);
    world.fault = Fault::Cut(CUT_AT);
    let mut arrived = 0;
    let cut = chosen(&world, share, &first);
    let cut = world.get_reporting(cut, |now| arrived = now.bytes).await;
    assert!(matches!(cut, Err(GetError::Connection(_))), "{cut:?}");
    // What was told last, which is less than what came where the machine is busy.
    assert!(arrived > CUT_AT / 4, "{arrived}");
    // The film goes from one to the next, and what only the first wants stays where it is.
    let mut taken = 0;
    world.fault = Fault::Cut(CUT_AT / 3);
    let cut = chosen(&world, share, &second);
    let cut = world.get_reporting(cut, |now| taken = now.bytes - now.fetched);
    cut.await.expect_err("cut off");
    assert!(taken > 0 && taken <= CUT_AT, "{taken} of {CUT_AT}");
    assert_eq!(world.out_names().len(), 2, "two staging folders");
    world.fault = Fault::None;
    let got = world.get(world.request(share)).await.expect("fetched");
    let missing = got.bytes - arrived;
    assert!(got.fetched <= missing, "{} of {missing}", got.fetched);
    assert!(snapshot(&got.target) == snapshot(&world.source()));
    // Whoever goes on with a selection finds what went elsewhere there.
    for selection in [first, second] {
        let again = world.get(chosen(&world, share, &selection)).await;
        assert_eq!(again.expect("there").fetched, 0);
    }
    assert_eq!(world.out_names(), ["holiday"], "nothing else is left");
}
