//! Who fetched some files of a share provides those, to the same audience, and is asked for nothing else.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use futures_util::future::join_all;
use kith_core::content::access::{Asker, Relation};
use kith_core::content::swarm::getter::Who;
use kith_core::content::swarm::wire::{AskerMessage, Open, ProviderMessage};
use kith_core::content::wire::Proof;
use kith_core::crypto::SecretKey;
use kith_core::data::head::Head;
use kith_core::ids::{DeviceKey, ShareId};
use tokio::io::{AsyncWriteExt as _, DuplexStream, WriteHalf};
use tokio::time::Instant;

use super::adding::chosen;
use super::copies::{alice, carol, grant, learn};
use super::world::{Faulty, LAN, NOW, World, bytes, getting, snapshot};
use crate::content::error::{SPENT_MAX, STALL_MAX};
use crate::content::swarm::Intake;
use crate::content::{
    AlreadyHere, Credential, Get, GetError, Got, Held, HoldError, Recipients, Said, Talk, frames,
    get,
};

/// A tree of files that end anywhere in a chunk, some of them small.
const FILES: [(&str, usize); 6] = [
    ("a.jpg", 700_001),
    ("b.jpg", 900_005),
    ("c.jpg", 300_000),
    ("day/d.jpg", 1_000_003),
    ("day/e.txt", 17),
    ("f", 20_000),
];

/// What Bob chooses,
const BOBS: [&str; 4] = ["a.jpg", "c.jpg", "day/e.txt", "empty"];

/// and Dave.
const DAVES: [&str; 3] = ["b.jpg", "day/d.jpg", "f"];

fn size_of(paths: &[&str]) -> u64 {
    let sizes = FILES.iter().filter(|(path, _)| paths.contains(path));
    sizes.map(|(_, size)| *size as u64).sum()
}

/// Alice, who shares all of that.
fn alice_shares(recipients: Recipients) -> (World, ShareId) {
    let world = World::new();
    for (number, (path, size)) in (1..).zip(FILES) {
        world.write(path, &bytes(number, size));
    }
    world.write("empty", b"");
    let share = world.share(recipients).head.share;
    (world, share)
}

/// Somebody with this key who chose these files of what Alice shares.
async fn chose(alice_world: &mut World, key: u8, share: ShareId, paths: &[&str]) -> (World, Got) {
    let who = SecretKey::from_bytes([key; 32]);
    alice_world.asker = Asker {
        peer: Some(who.peer_id()),
        relation: Relation::Contact,
    };
    let mut world = World::of(who);
    world.asker = Asker::STRANGER;
    learn(alice_world, &world, share, &Credential::Session).await;
    let request = Get {
        out: world.out(),
        ..chosen(alice_world, share, paths)
    };
    let got = alice_world.get(request).await.expect("fetched");
    world.shares.hold(&held(&got), NOW).expect("kept");
    (world, got)
}

fn held(got: &Got) -> Held {
    Held {
        share: got.head.share,
        manifest: got.head.manifest,
        target: got.target.clone(),
        keep: false,
        selected_of: got.selected_of.clone(),
    }
}

/// Somebody who chose these files, and provides them.
pub(super) async fn provides(
    alice_world: &mut World,
    key: u8,
    share: ShareId,
    paths: &[&str],
) -> World {
    let (world, _) = chose(alice_world, key, share, paths).await;
    assert!(world.shares.examine(&share).expect("read"));
    world
}

/// What Carol, a friend of Alice's, asks of others.
fn carols(world: &World, share: ShareId) -> Get {
    Get {
        credential: grant(&alice(), share, &carol(), 1, NOW),
        out: world.folder.path().join("carols"),
        ..world.request(share)
    }
}

/// Fetches from all of these, and from nobody else.
pub(super) async fn get_from(worlds: &[&World], request: Get) -> Result<Got, GetError> {
    let ask = || worlds[0].head(&request);
    let feed = async |intake: Intake| {
        let ends = worlds.iter().zip(202..).map(|(world, key)| {
            let device = DeviceKey([key; 32]);
            let who = Who { device, peer: None };
            intake.source(world.swarm_stream(), who, LAN, &request.credential)
        });
        let mut ends = join_all(ends).await;
        ends.pop().expect("somebody gives").into()
    };
    get(&getting(), ask, feed, request.clone(), |_| {}).await
}

/// Just these files lie in a folder, as Alice has them.
fn assert_has(alice_world: &World, folder: &Path, paths: &[&str]) {
    for path in paths {
        let is_same = fs::read(folder.join(path)).expect("there")
            == fs::read(alice_world.source().join(path)).expect("shared");
        assert!(is_same, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_chose_different_files_give_all_of_it_after_a_restart_without_the_owner() {
    let (mut alice_world, share) = alice_shares(Recipients::Contacts);
    let bob = provides(&mut alice_world, 2, share, &BOBS).await;
    let dave = provides(&mut alice_world, 4, share, &DAVES).await;
    let given = alice_world.received();
    let (bob, dave) = (bob.restarted(&[]), dave.restarted(&[]));
    let copies = bob.shares.copies().expect("read");
    let part = copies[0].part.expect("not all of it");
    assert_eq!((part.files, part.bytes), (4, size_of(&BOBS)));
    assert!(copies[0].examined);
    let got = get_from(&[&bob, &dave], carols(&bob, share)).await;
    let got = got.expect("all of it");
    assert!(snapshot(&got.target) == snapshot(&alice_world.source()));
    let all = FILES.map(|(path, _)| path);
    assert_eq!((got.bytes, got.fetched), (size_of(&all), size_of(&all)));
    assert_eq!(alice_world.received(), given, "she is away");
    // Neither gave what they have not, and neither sent anything twice.
    let encoded = |world: &World, paths: &[&str]| {
        let (came, least) = (world.received(), size_of(paths));
        assert!(
            (least..least + least / 20).contains(&came),
            "{came} {least}"
        );
    };
    encoded(&bob, &BOBS);
    encoded(&dave, &DAVES);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_one_with_a_part_for_files_of_it_gets_them() {
    let (mut alice_world, share) = alice_shares(Recipients::Contacts);
    let bob = provides(&mut alice_world, 2, share, &BOBS).await;
    let request = Get {
        only: chosen(&bob, share, &["a.jpg"]).only,
        ..carols(&bob, share)
    };
    let got = get_from(&[&bob], request).await.expect("he has it");
    assert_eq!(got.fetched, size_of(&["a.jpg"]));
    assert_has(&alice_world, &got.target, &["a.jpg"]);
}

#[tokio::test(start_paused = true)]
async fn who_has_a_part_alone_is_not_waited_for() {
    let (mut alice_world, share) = alice_shares(Recipients::Contacts);
    let bob = provides(&mut alice_world, 2, share, &BOBS).await;
    let begun = Instant::now();
    let refused = get_from(&[&bob], carols(&bob, share)).await;
    assert!(matches!(refused, Err(GetError::Incomplete)), "{refused:?}");
    let took = begun.elapsed();
    assert!(took >= SPENT_MAX && took < STALL_MAX / 2, "{took:?}");
    // What came is there for the next run.
    let dave = provides(&mut alice_world, 4, share, &DAVES).await;
    let got = get_from(&[&dave, &bob], carols(&bob, share)).await;
    assert_eq!(got.expect("all of it").fetched, size_of(&DAVES));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_is_for_whom_the_whole_is_for_and_ends_with_it() {
    let (mut alice_world, share) = alice_shares(Recipients::Contacts);
    let bob = provides(&mut alice_world, 2, share, &BOBS).await;
    let of_epoch = |epoch| Get {
        credential: grant(&alice(), share, &carol(), epoch, NOW),
        only: chosen(&bob, share, &["c.jpg"]).only,
        ..carols(&bob, share)
    };
    let stranger = Get {
        credential: Credential::Session,
        ..of_epoch(1)
    };
    let refused = get_from(&[&bob], stranger).await;
    assert!(matches!(refused, Err(GetError::NotFound)), "{refused:?}");
    // Alice takes it back from somebody: void grants open it no more, new ones do.
    let revoked = alice_world.shares.revoke(&carol().peer_id(), NOW);
    let (_, head) = revoked.expect("signed").remove(0);
    let mut talk = Talk::new(bob.stream());
    talk.notice(head).await.expect("noted");
    let refused = get_from(&[&bob], of_epoch(1)).await;
    assert!(matches!(refused, Err(GetError::NotFound)), "{refused:?}");
    let got = get_from(&[&bob], of_epoch(2)).await;
    assert_eq!(got.expect("by a new grant").files, 1);
    let ended = alice_world.shares.unshare(&share, NOW).expect("taken back");
    let mut talk = Talk::new(bob.stream());
    talk.notice(ended).await.expect("noted");
    assert!(bob.shares.copies().expect("read").is_empty());
    let (mut talk, shown) = (Talk::new(bob.stream()), of_epoch(2).credential);
    let said = talk.head(share, &shown).await;
    assert!(!matches!(said, Ok(Said::Head(_))), "{said:?}");
    assert!(bob.out().join("holiday/c.jpg").exists(), "files stay");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_as_it_came_is_no_part_of_it_and_nothing_at_all_is_no_copy() {
    let (mut alice_world, share) = alice_shares(Recipients::Contacts);
    let (bob, got) = chose(&mut alice_world, 2, share, &BOBS).await;
    fs::write(got.target.join("c.jpg"), bytes(9, 300_000)).expect("edited");
    fs::write(got.target.join("mine"), b"beside it").expect("written");
    assert!(bob.shares.examine(&share).expect("read"));
    let of = |path: &str| Get {
        only: chosen(&bob, share, &[path]).only,
        ..carols(&bob, share)
    };
    assert!(get_from(&[&bob], of("a.jpg")).await.is_ok());
    fs::remove_dir_all(&got.target).expect("removed");
    assert!(bob.shares.provided(&share).expect("read").is_none());
    bob.shares.hold(&held(&got), NOW).expect("kept");
    assert!(!bob.shares.examine(&share).expect("read"));
    assert!(bob.shares.copies().expect("read").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_choice_adds_to_the_first_and_none_takes_the_place_of_the_whole() {
    let (mut alice_world, share) = alice_shares(Recipients::Contacts);
    let bob = provides(&mut alice_world, 2, share, &BOBS).await;
    let request = |paths| Get {
        out: bob.out(),
        ..chosen(&alice_world, share, paths)
    };
    let got = alice_world.get(request(&DAVES)).await.expect("fetched");
    bob.shares.hold(&held(&got), NOW).expect("kept");
    assert!(bob.shares.examine(&share).expect("read"));
    let all = get_from(&[&bob], carols(&bob, share)).await;
    let all = all.expect("all of it");
    assert!(snapshot(&all.target) == snapshot(&alice_world.source()));
    // The whole takes the place of the part, and not the other way round.
    let whole = Held {
        target: all.target.clone(),
        ..held(&all)
    };
    bob.shares.hold(&whole, NOW).expect("kept");
    assert!(bob.shares.examine(&share).expect("read"));
    let refused = bob.shares.hold(&held(&got), NOW);
    assert!(matches!(refused, Err(HoldError::WholeHere)), "{refused:?}");
    let copies = bob.shares.copies().expect("read");
    assert!(copies[0].part.is_none() && copies[0].target == all.target);
}

/// Somebody who asks for a snapshot, and is told what is here of it.
struct Listener {
    reader: Faulty,
    /// Open as long as this is.
    _writer: WriteHalf<DuplexStream>,
}

impl Listener {
    async fn open(world: &World, head: &Head) -> Self {
        let stream = world.swarm_stream();
        let (reader, mut writer) = (stream.reader, stream.writer);
        let (root, size) = (head.manifest, head.totals.bytes);
        let open = Open::new(head.share, root, size, Proof::Session);
        let asked = frames::frame(&AskerMessage::Open(open));
        writer.write_all(&asked).await.expect("it is heard");
        Self {
            reader,
            _writer: writer,
        }
    }

    async fn next(&mut self) -> ProviderMessage {
        let message = frames::read::<ProviderMessage>(&mut self.reader);
        let message = tokio::time::timeout(STALL_MAX, message).await;
        let message = message.expect("in time").expect("a frame");
        message.expect("not the end")
    }

    /// What is told at first, up to the last of it.
    async fn told(&mut self) -> Vec<ProviderMessage> {
        let mut told = Vec::new();
        while !matches!(told.last(), Some(ProviderMessage::Final(_))) {
            told.push(self.next().await);
        }
        told
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_told_of_files_that_are_gone_is_told_anew_and_who_comes_then_hears_of_what_is_left()
 {
    let (mut alice_world, share) = alice_shares(Recipients::Public);
    let (bob, got) = chose(&mut alice_world, 2, share, &BOBS).await;
    assert!(bob.shares.examine(&share).expect("read"));
    let mut present = Listener::open(&bob, &got.head).await;
    let before = present.told().await;
    // Nothing has changed: nobody is disturbed, and another hears the same.
    assert!(bob.shares.examine_anew(&share).expect("read"));
    assert_eq!(Listener::open(&bob, &got.head).await.told().await, before);

    fs::remove_file(got.target.join("a.jpg")).expect("there");
    assert!(bob.shares.examine_anew(&share).expect("read"));
    let mut newcomer = Listener::open(&bob, &got.head).await;
    assert_ne!(newcomer.told().await, before);
    loop {
        match present.next().await {
            ProviderMessage::Gone => break,
            ProviderMessage::Free | ProviderMessage::Busy => {}
            other => panic!("{other:?}"),
        }
    }
    let mut again = Listener::open(&bob, &got.head).await;
    assert_ne!(again.told().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_takes_room_like_a_copy() {
    let (mut alice_world, share) = alice_shares(Recipients::Contacts);
    let (bob, got) = chose(&mut alice_world, 2, share, &BOBS).await;
    bob.shares.others().set_room_bytes(100);
    assert!(!bob.shares.examine(&share).expect("read"));
    assert!(bob.shares.copies().expect("read").is_empty());
    let kept = Held {
        keep: true,
        ..held(&got)
    };
    bob.shares.hold(&kept, NOW).expect("kept");
    assert!(bob.shares.examine(&share).expect("read"), "it is to stay");
    assert!(bob.shares.drop_copy(&share).expect("dropped"));
    assert!(bob.shares.copies().expect("read").is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_chosen_before_is_not_fetched_again_with_the_whole() {
    let (mut alice_world, share) = alice_shares(Recipients::Contacts);
    let bob = provides(&mut alice_world, 2, share, &BOBS).await;
    let shares = Arc::clone(&bob.shares);
    let here: AlreadyHere = Arc::new(move |wanted| shares.already_here(wanted).expect("read"));
    let request = Get {
        here: Some(here),
        out: bob.folder.path().join("elsewhere"),
        ..alice_world.request(share)
    };
    let got = alice_world.get(request).await.expect("fetched");
    assert_eq!(got.fetched, size_of(&DAVES));
    assert!(snapshot(&got.target) == snapshot(&alice_world.source()));
}

/// What is here of the copy of a share, as whoever looks for all of it finds.
fn part(world: &World) -> (u64, u64, bool) {
    let copies = world.shares.copies().expect("read");
    let part = copies[0].part.expect("not all of it");
    (part.files, part.bytes, copies[0].examined)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_chosen_while_an_earlier_choice_is_examined_is_provided_too() {
    for is_found in [true, false] {
        let (mut alice_world, share) = alice_shares(Recipients::Contacts);
        let (bob, _) = chose(&mut alice_world, 2, share, &BOBS).await;
        let examined = bob.shares.begin_examining(&share).expect("read");
        let examined = examined.expect("it is to be examined");
        let head = bob.shares.copies().expect("read").remove(0).head;
        let places = &examined.places;
        let found = bob.shares.examine_part(&head, places).expect("read");
        assert!(found.is_some());

        // More of it comes into the same folder.
        let request = Get {
            out: bob.out(),
            ..chosen(&alice_world, share, &DAVES)
        };
        let got = alice_world.get(request).await.expect("fetched");
        bob.shares.hold(&held(&got), NOW).expect("kept");
        let found = found.filter(|_| is_found);
        let ended = (bob.shares).end_examining(&examined, &head, found.as_ref());
        assert!(!ended.expect("written"), "there is more to be examined");
        assert!(bob.shares.examine(&share).expect("read"));
        let files = FILES.map(|(path, _)| path);
        // The empty one, too.
        assert_eq!(part(&bob), (7, size_of(&files), true));
        let got = get_from(&[&bob], carols(&bob, share)).await;
        assert_eq!(got.expect("all of it").bytes, size_of(&files));
    }
}
