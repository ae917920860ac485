//! What arrives is what was shared.

use std::fs;
use std::sync::Arc;

use super::world::{World, bytes, snapshot};
use crate::content::{Filter, Get, GetError, NewShare, Progress, Recipients};
use crate::data::hash::Stamp;

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nested_tree_arrives_as_it_is() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let world = World::new();
    for number in 0..1_000u64 {
        let path = format!("d{}/e{}/{number}.bin", number % 7, number % 11);
        world.write(
            &path,
            &bytes(
                number,
                usize::try_from(number * 37 % 40_000).expect("small"),
            ),
        );
    }
    world.write("empty", b"");
    world.write("unicode/日本語 ünï 👩‍👩‍👧.txt", b"names");
    world.write("run.sh", b"#!/bin/sh\n");
    fs::create_dir_all(world.source().join("hollow/inner")).expect("created");
    fs::set_permissions(
        world.source().join("run.sh"),
        fs::Permissions::from_mode(0o755),
    )
    .expect("set");
    symlink("run.sh", world.source().join("link")).expect("link");
    symlink("../../run.sh", world.source().join("hollow/inner/up")).expect("link");
    let shared = world.share(Recipients::Contacts);
    assert_eq!(shared.left_out_count, 0);
    assert_eq!(shared.head.totals.files, 1_003);

    let got = world
        .get(world.request(shared.head.share))
        .await
        .expect("fetched");
    assert_eq!(got.target, world.out().join("holiday"));
    assert_eq!(snapshot(&got.target), snapshot(&world.source()));
    assert_eq!((got.bytes, got.files), (shared.head.totals.bytes, 1_003));
    assert_eq!(got.fetched, got.bytes);
    let mode = |path: &str| {
        fs::metadata(got.target.join(path))
            .expect("there")
            .permissions()
            .mode()
            & 0o111
    };
    assert_ne!(mode("run.sh"), 0);
    assert_eq!(mode("empty"), 0);
    for path in ["run.sh", "d1/e1/1.bin"] {
        let mtime = |root: &std::path::Path| {
            Stamp::of(&fs::metadata(root.join(path)).expect("there")).mtime_ms()
        };
        assert_eq!(mtime(&got.target), mtime(&world.source()));
    }
    assert_eq!(world.out_names(), ["holiday"]);
}

#[cfg(unix)]
#[tokio::test]
async fn a_part_with_links_out_of_it_is_there_already_when_it_is_got_again() {
    let world = World::new();
    world.write("top", b"above");
    world.write("day/picture", b"content");
    std::os::unix::fs::symlink("../top", world.source().join("day/up")).expect("link");
    let share = world.share(Recipients::Contacts).head.share;
    let part = || Get {
        path: "day".to_owned(),
        ..world.request(share)
    };
    let got = world.get(part()).await.expect("fetched");
    assert_eq!((got.files, got.links_left_out), (1, 1));
    let again = world.get(part()).await.expect("identical");
    assert_eq!((again.target, again.fetched), (got.target, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_arrives_by_itself_and_progress_reaches_its_end() {
    let world = World::new();
    let content = bytes(1, 64 << 20);
    world.write("film.mkv", &content);
    let new = NewShare {
        paths: vec![world.source().join("film.mkv")],
        recipients: Recipients::Contacts,
        name: None,
        bare: false,
    };
    let mut random = kith_core::random::Random::new([8; 32]);
    let shared = world
        .shares
        .share(&new, &mut random, super::world::NOW)
        .expect("shared");
    let mut seen = Vec::new();
    let request = world.request(shared.head.share);
    let report = |progress: &Progress| seen.push((progress.bytes, progress.total));
    let got = world.get_reporting(request, report).await.expect("fetched");
    assert_eq!(got.target, world.out().join("film.mkv"));
    assert!(fs::read(&got.target).expect("there") == content);
    assert!(seen.windows(2).all(|pair| pair[0].0 <= pair[1].0));
    let last = seen.last().expect("reported");
    assert_eq!(*last, (64 << 20, Some(64 << 20)));
}

#[tokio::test]
async fn a_part_of_a_share_is_fetched_by_its_path() {
    let world = World::new();
    world.write("a/b/one.txt", b"one");
    world.write("a/two.txt", b"two");
    let share = world.share(Recipients::Contacts).head.share;
    let at = |path: &str| Get {
        path: path.to_owned(),
        ..world.request(share)
    };
    let got = world.get(at("a/b")).await.expect("a folder");
    assert_eq!(got.target, world.out().join("b"));
    assert_eq!(fs::read(got.target.join("one.txt")).expect("there"), b"one");
    let got = world.get(at("/a/two.txt")).await.expect("a file");
    assert_eq!(fs::read(got.target).expect("there"), b"two");
    for missing in ["a/c", "a/two.txt/x", "../a"] {
        assert!(
            matches!(world.get(at(missing)).await, Err(GetError::NotFound)),
            "{missing}"
        );
    }
}

#[tokio::test]
async fn only_the_wanted_files_are_fetched() {
    let world = World::new();
    for name in ["a/1.jpg", "a/1.txt", "b/2.txt", "3.jpg"] {
        world.write(name, name.as_bytes());
    }
    let share = world.share(Recipients::Contacts).head.share;
    let only = Filter {
        name: "*.jpg".into(),
        wants: Arc::new(|path| path.ends_with(".jpg")),
    };
    let request = Get {
        only: Some(only),
        ..world.request(share)
    };
    let got = world.get(request).await.expect("fetched");
    let names: Vec<_> = snapshot(&got.target).into_keys().collect();
    assert_eq!(
        names,
        ["3.jpg", "a", "a/1.jpg"].map(std::path::PathBuf::from)
    );
}

#[tokio::test]
async fn several_paths_become_one_folder() {
    let world = World::new();
    world.write("x/one", b"1");
    world.write("y/two", b"2");
    let new = NewShare {
        paths: vec![world.source().join("x"), world.source().join("y/two")],
        recipients: Recipients::Contacts,
        name: Some("both".into()),
        bare: false,
    };
    let mut random = kith_core::random::Random::new([9; 32]);
    let shared = world
        .shares
        .share(&new, &mut random, super::world::NOW)
        .expect("shared");
    let got = world
        .get(world.request(shared.head.share))
        .await
        .expect("fetched");
    let names: Vec<_> = snapshot(&got.target).into_keys().collect();
    assert_eq!(got.target, world.out().join("both"));
    assert_eq!(names, ["two", "x", "x/one"].map(std::path::PathBuf::from));
}

#[tokio::test]
async fn a_changed_folder_is_a_new_head_of_the_same_share() {
    let world = World::new();
    world.write("f", b"before");
    let shared = world.share(Recipients::Contacts);
    let share = shared.head.share;
    assert!(
        world
            .shares
            .rescan(&share, super::world::NOW)
            .expect("scanned")
            .is_none()
    );
    world.write("f", b"afterwards");
    let changed = world
        .shares
        .rescan(&share, super::world::NOW)
        .expect("scanned")
        .expect("changed");
    assert!(changed.head.is_newer_than(&shared.head));
    let got = world.get(world.request(share)).await.expect("fetched");
    assert_eq!(
        fs::read(got.target.join("f")).expect("there"),
        b"afterwards"
    );
}

#[tokio::test]
async fn what_is_there_already_is_not_fetched_and_not_touched() {
    let world = World::new();
    world.write("a/f", b"content");
    let share = world.share(Recipients::Contacts).head.share;
    world.get(world.request(share)).await.expect("fetched");
    let again = world.get(world.request(share)).await.expect("identical");
    assert_eq!((again.bytes, again.fetched), (7, 0));
    fs::write(world.out().join("holiday/mine"), b"mine").expect("written");
    assert!(matches!(
        world.get(world.request(share)).await,
        Err(GetError::TargetExists(_))
    ));
    fs::remove_file(world.out().join("holiday/mine")).expect("removed");
    fs::write(world.out().join("holiday/a/f"), b"edited").expect("written");
    assert!(matches!(
        world.get(world.request(share)).await,
        Err(GetError::TargetExists(_))
    ));
    assert_eq!(
        fs::read(world.out().join("holiday/a/f")).expect("there"),
        b"edited"
    );
}

#[tokio::test]
async fn sharing_the_same_again_keeps_the_link() {
    let world = World::new();
    world.write("f", b"before");
    let first = world.share(Recipients::Link);
    world.write("g", b"more");
    let again = world.share(Recipients::Link);
    assert_eq!(
        (again.head.share, again.link),
        (first.head.share, first.link)
    );
    assert_eq!(again.head.totals.files, 2);
    let other = NewShare {
        paths: vec![world.source()],
        recipients: Recipients::Contacts,
        name: None,
        bare: false,
    };
    let mut random = kith_core::random::Random::new([10; 32]);
    let other = world
        .shares
        .share(&other, &mut random, super::world::NOW)
        .expect("shared");
    assert_ne!(other.head.share, first.head.share);
}

#[tokio::test]
async fn transfers_run_as_tasks_of_their_own() {
    let world = Arc::new(World::new());
    world.write("f", b"content");
    let share = world.share(Recipients::Contacts).head.share;
    let task = {
        let (world, request) = (Arc::clone(&world), world.request(share));
        tokio::spawn(async move { world.get(request).await })
    };
    assert_eq!(task.await.expect("no panic").expect("fetched").files, 1);
}
