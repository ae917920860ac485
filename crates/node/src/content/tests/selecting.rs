//! Who fetches some files of a share, by patterns or by a path in it, gives them to others meanwhile and afterwards, whatever lies where.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kith_core::content::access::{Asker, Relation};
use kith_core::content::swarm::getter::{Path as PathTo, PathKind, Who};
use kith_core::crypto::SecretKey;
use kith_core::ids::{DeviceKey, ShareId};
use tokio::sync::watch;

use super::adding::chosen;
use super::copies::{alice, carol, grant};
use super::meanwhile::{SOME_BYTES, begun, carols, fetch, giving, keep};
use super::world::{Fault, Gate, LAN, NOW, World, bytes, getting};
use crate::content::swarm::Intake;
use crate::content::{Credential, Get, GetError, Got, Recipients, get};

/// The files of the share, in the order of its line: none begins or ends with a chunk but the first.
const FILES: [(&str, usize); 6] = [
    ("big", 4 << 20),
    ("day/a.jpg", 100_001),
    ("day/b.jpg", 700_003),
    ("night/c.jpg", 300_007),
    ("night/deep/d.jpg", 50_021),
    ("z.txt", 40),
];

/// What is chosen: chunks that are whole, and a part of one.
const CHOSEN: [&str; 2] = ["big", "day/a.jpg"];

/// A path on which little is asked for ahead.
const DIRECT: PathTo = PathTo {
    kind: PathKind::Direct,
    rtt: Duration::from_millis(20),
};

fn size_of(paths: &[&str]) -> u64 {
    let sizes = FILES.iter().filter(|(path, _)| paths.contains(path));
    sizes.map(|(_, size)| *size as u64).sum()
}

fn bob() -> SecretKey {
    SecretKey::from_bytes([2; 32])
}

/// Alice, who shares all of that.
fn alice_shares() -> (World, ShareId) {
    let mut world = World::new();
    world.asker = Asker {
        peer: Some(bob().peer_id()),
        relation: Relation::Contact,
    };
    for (number, (path, size)) in (1..).zip(FILES) {
        world.write(path, &bytes(number, size));
    }
    let share = world.share(Recipients::Contacts).head.share;
    (world, share)
}

/// Somebody who has nothing yet, and knows nobody.
fn someone(key: SecretKey) -> World {
    let mut world = World::of(key);
    world.asker = Asker::STRANGER;
    world
}

/// Just these files came, as Alice has them.
fn assert_has(alice: &World, got: &Got, paths: &[&str]) {
    assert_eq!((got.files, got.bytes), (paths.len() as u64, size_of(paths)));
    for path in paths {
        let is_same = fs::read(got.target.join(path)).expect("there")
            == fs::read(alice.source().join(path)).expect("shared");
        assert!(is_same, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_chosen_is_given_as_it_comes_and_parts_of_chunks_when_no_more_will() {
    let (mut alice_world, share) = alice_shares();
    let mut bob_world = someone(bob());
    let half = size_of(&CHOSEN) / 2;
    // He gets the rest when she has some of what he has, and she when his copy is there.
    let (she_has_some, gate) = Gate::behind(half);
    alice_world.gate = Some(gate);
    let has_some = Arc::new(move || {
        she_has_some.send_replace(true);
    });
    bob_world.fault = Fault::At(SOME_BYTES, has_some);
    let (copy_is_there, gate) = Gate::behind(half);
    bob_world.gate = Some(gate);
    let request = giving(chosen(&alice_world, share, &CHOSEN), &bob_world);
    let his = async {
        let got = fetch(&alice_world, &request, |_| {}).await;
        let got = got.expect("fetched");
        keep(&alice_world, &bob_world, &got).await;
        drop(got);
        copy_is_there.send_replace(true);
    };
    let hers = async {
        begun(&request).await;
        let request = carols(chosen(&bob_world, share, &CHOSEN), &bob_world);
        // Her one stream is all she has: where it ended, so would this.
        bob_world.get(request).await.expect("fetched")
    };
    let ((), got) = tokio::join!(his, hers);
    assert_has(&alice_world, &got, &CHOSEN);
}

/// Fetches from Alice, and from another as soon as they have begun with theirs.
async fn from_both(
    alice: &World,
    own: &Get,
    (other, world, credential): (&Get, &World, Credential),
) -> Got {
    let ask = || alice.head(own);
    let who = |key| Who {
        device: DeviceKey([key; 32]),
        peer: None,
    };
    let feed = async |intake: Intake| {
        let stream = alice.swarm_stream();
        let from_alice = intake.source(stream, who(202), DIRECT, &own.credential);
        let from_other = async {
            begun(other).await;
            let stream = world.swarm_stream();
            intake.source(stream, who(203), LAN, &credential).await
        };
        let (end, _) = tokio::join!(from_alice, from_other);
        end.into()
    };
    let got = get(&getting(), ask, feed, own.clone(), |_| {}).await;
    got.expect("fetched")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_choose_the_same_of_a_slow_owner_get_it_from_each_other() {
    let (mut alice_world, share) = alice_shares();
    alice_world.rate = Some(1 << 20);
    let (bob_world, carol_world) = (someone(bob()), someone(carol()));
    let request = || chosen(&alice_world, share, &CHOSEN);
    let (bobs, carols) = (
        giving(request(), &bob_world),
        giving(request(), &carol_world),
    );
    let of = |holder: &SecretKey| grant(&alice(), share, holder, 1, NOW);
    let (got, hers) = tokio::join!(
        from_both(&alice_world, &bobs, (&carols, &carol_world, of(&bob()))),
        from_both(&alice_world, &carols, (&bobs, &bob_world, of(&carol()))),
    );
    for got in [&got, &hers] {
        assert_has(&alice_world, got, &CHOSEN);
    }
    let (once, given) = (size_of(&CHOSEN), alice_world.received());
    assert!(given + SOME_BYTES < once * 2, "{given} of {once}, for both");
    let exchanged = [&bob_world, &carol_world].map(World::received);
    assert!(exchanged.iter().all(|it| *it > SOME_BYTES), "{exchanged:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_choice_that_is_given_up_is_gone_and_what_was_there_before_stays() {
    let (alice_world, share) = alice_shares();
    let bob_world = someone(bob());
    let before = giving(chosen(&alice_world, share, &["z.txt"]), &bob_world);
    let got = fetch(&alice_world, &before, |_| {}).await.expect("fetched");
    keep(&alice_world, &bob_world, &got).await;
    drop(got);
    let request = giving(chosen(&alice_world, share, &CHOSEN), &bob_world);
    let (told, mut has) = watch::channel(0);
    let his = fetch(&alice_world, &request, |progress| {
        told.send_replace(progress.bytes);
    });
    let his = async {
        tokio::select! {
            got = his => panic!("not so fast: {got:?}"),
            _ = has.wait_for(|has| *has > size_of(&CHOSEN) / 2) => {}
        }
    };
    let hers = async {
        begun(&request).await;
        let request = carols(chosen(&bob_world, share, &CHOSEN), &bob_world);
        bob_world.get(request).await
    };
    let ((), hers) = tokio::join!(his, hers);
    let error = hers.expect_err("he has only half of it");
    assert!(matches!(error, GetError::Gone), "{error}");
    let request = carols(chosen(&bob_world, share, &["z.txt"]), &bob_world);
    let got = bob_world.get(request).await.expect("he has it still");
    assert_has(&alice_world, &got, &["z.txt"]);
}

/// Somebody gets this path of what Alice shares, and keeps it.
async fn gets(alice: &World, world: &World, share: ShareId, path: &str, out: PathBuf) -> Got {
    let request = Get {
        path: path.to_owned(),
        ..alice.request(share)
    };
    let request = Get {
        out,
        ..giving(request, world)
    };
    let got = fetch(alice, &request, |_| {}).await.expect("fetched");
    assert!(got.offered.is_some(), "it is given meanwhile");
    keep(alice, world, &got).await;
    got
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_at_a_path_is_given_with_all_that_lies_at_others_after_a_restart_too() {
    let (alice_world, share) = alice_shares();
    let bob_world = someone(bob());
    let out = |name: &str| bob_world.folder.path().join(name);
    let day = gets(&alice_world, &bob_world, share, "day/", out("one")).await;
    assert_eq!(day.target, out("one").join("day"));
    let night = gets(&alice_world, &bob_world, share, "night/deep", out("two")).await;
    let file = gets(&alice_world, &bob_world, share, "night/c.jpg", out("three")).await;
    assert_eq!(file.target, out("three").join("c.jpg"));
    let paths = ["day/a.jpg", "day/b.jpg", "night/c.jpg", "night/deep/d.jpg"];
    let part = |world: &World| {
        let copies = world.shares.copies().expect("read");
        let part = copies[0].part.expect("not all of it");
        (part.files, part.bytes)
    };
    assert_eq!(part(&bob_world), (4, size_of(&paths)));
    drop((day, night, file));
    let bob_world = bob_world.restarted(&[]);
    // By a path, and chosen of the whole.
    let request = Get {
        path: "night".to_owned(),
        ..bob_world.request(share)
    };
    let got = bob_world.get(carols(request, &bob_world)).await;
    let got = got.expect("he has it");
    assert_eq!((got.files, got.fetched), (2, size_of(&paths[2..])));
    let request = carols(chosen(&bob_world, share, &paths), &bob_world);
    let got = bob_world.get(request).await.expect("he has it");
    assert_has(&alice_world, &got, &paths);

    // What is moved away is not given, all else is.
    fs::remove_dir_all(bob_world.folder.path().join("three")).expect("removed");
    assert!(bob_world.shares.provided(&share).expect("read").is_some());
    let request = carols(chosen(&bob_world, share, &paths[..2]), &bob_world);
    let again = Get {
        out: bob_world.folder.path().join("again"),
        ..request
    };
    let got = bob_world.get(again).await.expect("he has it");
    assert_has(&alice_world, &got, &paths[..2]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_lay_there_already_is_no_copy_of_the_whole() {
    let (alice_world, share) = alice_shares();
    let bob_world = someone(bob());
    let request = Get {
        path: "night".to_owned(),
        ..alice_world.request(share)
    };
    let request = giving(request, &bob_world);
    let got = fetch(&alice_world, &request, |_| {})
        .await
        .expect("fetched");
    assert_eq!(got.fetched, size_of(&["night/c.jpg", "night/deep/d.jpg"]));
    let again = fetch(&alice_world, &request, |_| {}).await.expect("there");
    assert_eq!((again.fetched, again.bytes), (0, got.fetched));
    assert!(again.selected_of.is_none() && again.offered.is_none());
}
