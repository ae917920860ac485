//! What is fetched while its owner looks at what has changed, and from whom while others are away.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use futures_util::poll;
use kith_core::address::Route;
use kith_core::content::Referral;
use kith_core::content::referral::REFERRALS_MAX;
use kith_core::crypto::SecretKey;
use kith_core::ids::Face;
use kith_core::routing::Target;
use kith_core::routing::config::DIAL_WITHIN;
use tempfile::TempDir;

use super::first::First;
use crate::clock;
use crate::content::{Credential, GetError, NewShare, Provider, Recipients};
use crate::error::{Error, ErrorKind};
use crate::peer::contents::options::GetOptions;
use crate::peer::contents::reach::Reach;
use crate::peer::contents::turns::LOOKED_FOR_MAX;
use crate::peer::node::Node;
use crate::testing::{befriend, local_node};

/// How long is enough to have begun anew as often as a folder that changes all the time is, with the pauses in between.
const RENEWED_WITHIN: Duration = Duration::from_secs(10);

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Within this all who may have it are called, and whoever is there then gives it; of sixteen who are away each is called for 15 s.
const LOOKED_FOR_WITHIN: Duration = Duration::from_secs(20);

/// The size of each file.
const FILE_BYTES: usize = 6 << 20;

/// Alice, who shares a folder, and Bob, who fetches it.
struct World {
    folder: TempDir,
    alice: Node,
    bob: Node,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (alice, bob) = (
            spawn("alice", folder.path()).await,
            spawn("bob", folder.path()).await,
        );
        befriend(&alice, &bob).await.expect("they meet");
        let source = folder.path().join("holiday");
        fs::create_dir(&source).expect("created");
        fs::write(source.join("same"), bytes(1)).expect("written");
        fs::write(source.join("edited"), bytes(2)).expect("written");
        let new = NewShare {
            paths: vec![source],
            recipients: Recipients::Contacts,
            name: None,
            bare: false,
        };
        alice.contents().share(new).await.expect("shared");
        Self { folder, alice, bob }
    }

    /// From now on Alice hashes so slowly that she comes to no end before this is dropped.
    fn hash_slowly(&self) -> mpsc::Sender<()> {
        let shares = Arc::clone(self.alice.contents().node.shares());
        let (ends, end) = mpsc::channel::<()>();
        let (begun, begins) = mpsc::channel();
        std::thread::spawn(move || {
            let _scanning = shares.lock_scan();
            begun.send(()).expect("it is waited for");
            // Nothing is ever sent: it ends when the other side is dropped.
            let _ = end.recv();
        });
        begins.recv().expect("it begins");
        ends
    }

    /// Alice edits a file.
    fn edit(&self) {
        fs::write(self.at("holiday/edited"), bytes(3)).expect("written");
    }

    async fn options(&self) -> GetOptions {
        let text = format!("{}/holiday", self.alice.peer_id());
        let source = self.bob.contents().resolve(&text).await.expect("a source");
        GetOptions::new(source, self.at("out"))
    }

    fn at(&self, path: &str) -> std::path::PathBuf {
        self.folder.path().join(path)
    }
}

/// Somebody with a node, in a folder of that name.
async fn spawn(name: &str, folder: &Path) -> Node {
    let node = local_node().name(name).data_dir(folder.join(name));
    node.spawn().await.expect("loopback can be bound")
}

/// Bytes that do not repeat.
fn bytes(seed: u64) -> Vec<u8> {
    let mut out = vec![0; FILE_BYTES];
    let mut hasher = blake3::Hasher::new();
    hasher
        .update(&seed.to_be_bytes())
        .finalize_xof()
        .fill(&mut out);
    out
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).expect("it is there")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_waits_for_an_owner_who_hashes_what_changed_and_ends_with_what_is_new() {
    let world = World::new().await;
    let hashing = world.hash_slowly();
    world.edit();
    let mut transfer = world.bob.contents().get(world.options().await);
    let begun = Instant::now();
    let waiting = async {
        while begun.elapsed() < RENEWED_WITHIN || !transfer.progress().examining {
            let progress = transfer.changed().await;
            progress.expect("it goes on as long as she is there");
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    waited.expect("it is told that she is looking");
    drop(hashing);

    let finished = tokio::time::timeout(PATIENCE, transfer.finished()).await;
    let fetched = finished.expect("it ends").expect("fetched");
    assert!(
        read(&world.at("out/holiday/edited")) == bytes(3),
        "what is new"
    );
    assert!(read(&world.at("out/holiday/same")) == bytes(1));
    // What had come of the version of before was not fetched again. What was just being written when an attempt ended is not counted.
    let came: u64 = fetched.sources.iter().map(|source| source.bytes).sum();
    let all = 2 * FILE_BYTES as u64;
    assert!(came > all / 2 && came <= all, "{came}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_who_never_comes_to_look_at_what_changed_is_told_as_such() {
    let world = World::new().await;
    let hashing = world.hash_slowly();
    world.edit();
    let options = GetOptions {
        examined_within: Duration::from_millis(1),
        ..world.options().await
    };
    let transfer = world.bob.contents().get(options);
    let finished = tokio::time::timeout(PATIENCE, transfer.finished()).await;
    let refused = finished.expect("it ends").expect_err("nothing new came");
    drop(hashing);
    assert_eq!(refused.kind(), ErrorKind::Failed);
    let told = refused.to_string();
    assert!(told.contains("has still not looked at it anew"), "{told}");
    assert!(
        matches!(&refused, Error::Get { error: GetError::Unexamined(path), .. } if path == "edited"),
        "{told}"
    );
    assert!(!world.at("out/holiday").exists());
}

/// Who is said to have something, at an address where nobody ever answers.
fn absent(number: u8) -> (UdpSocket, Route) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let mut route = Route::new(SecretKey::from_bytes([number; 32]).device_key());
    route.addresses.push(socket.local_addr().expect("bound"));
    (socket, route)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_there_gives_at_once_however_many_others_are_away() {
    let mut world = World::new().await;
    let mut options = world.options().await;
    options.only = vec!["same".to_owned()];
    let some = world.bob.contents().get(options);
    let some = some.finished().await.expect("fetched");
    world.alice.shutdown().await;

    let contents = world.bob.contents();
    let others = contents.node.shares().others();
    let (mut sockets, mut numbers) = (Vec::new(), 1..);
    for _ in 0..REFERRALS_MAX {
        let mut face = || {
            let (socket, route) = absent(numbers.next().expect("without end"));
            sockets.push(socket);
            Some(route)
        };
        let referral = Referral::new(face(), face());
        others.hear_of(&some.head.share, &referral, clock::now());
    }
    let options = GetOptions {
        wait: PATIENCE,
        out: world.at("all"),
        ..world.options().await
    };
    let further = world.bob.contents().further(&options.source).await;
    let further = further.expect("running");
    assert_eq!(further.len(), REFERRALS_MAX, "they are to be looked for");
    let transfer = world.bob.contents().get(options);
    for socket in &sockets {
        // Each has been called before any was given up.
        let called = socket.set_read_timeout(Some(LOOKED_FOR_WITHIN));
        called.expect("more than none");
        let (socket, mut datagram) = (socket.try_clone().expect("a socket"), [0; 2_048]);
        let heard = tokio::task::spawn_blocking(move || socket.recv(&mut datagram));
        heard.await.expect("it runs").expect("each is called");
    }
    world.alice = spawn("alice", world.folder.path()).await;
    let fetched = tokio::time::timeout(LOOKED_FOR_WITHIN, transfer.finished()).await;
    fetched.expect("soon").expect("fetched");
    assert!(read(&world.at("all/holiday/edited")) == bytes(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_friends_who_are_dead_while_the_owner_is_alive() {
    let mut world = World::new().await;
    // Bob learns what she shares, and is away for a while.
    let first = GetOptions {
        provide: false,
        only: vec!["same".to_owned()],
        ..world.options().await
    };
    let first = world.bob.contents().get(first).finished().await;
    let share = first.expect("fetched").head.share;
    world.bob.shutdown().await;
    let again = local_node().name("bob").data_dir(world.at("bob"));
    let again = again.keep_sessions(false).spawn().await;
    world.bob = again.expect("loopback can be bound");
    let options = world.options().await;
    // Two friends had it, with two faces each.
    let absent: Vec<_> = (1..=4).map(absent).collect();
    for faces in absent.chunks(2) {
        let [contact, public] = [0, 1].map(|face| Some(faces[face].1.clone()));
        let referral = Referral::new(public, contact);
        let contents = world.bob.contents();
        let others = contents.node.shares().others();
        others.hear_of(&share, &referral, clock::now());
    }
    let further = world.bob.contents().further(&options.source).await;
    let further = further.expect("running");
    assert_eq!(
        further.iter().flat_map(|it| &it.targets).count(),
        absent.len()
    );
    assert!(world.bob.sessions().is_empty(), "she is to be looked for");

    let options = GetOptions {
        wait: Duration::from_secs(30),
        out: world.at("whole"),
        ..options
    };
    let begun = Instant::now();
    let finished = tokio::time::timeout(PATIENCE, world.bob.contents().get(options).finished());
    let fetched = finished.await.expect("it ends").expect("fetched");
    assert!(begun.elapsed() < DIAL_WITHIN, "{:?}", begun.elapsed());
    assert!(read(&world.at("whole/holiday/same")) == bytes(1));
    assert_eq!(fetched.sources[0].peer, Some(world.alice.peer_id()));
}

#[tokio::test(flavor = "multi_thread")]
async fn friends_wait_for_their_turn_and_an_owner_never_does() {
    let node = local_node().spawn().await.expect("loopback can be bound");
    let mut turns = Vec::new();
    for _ in 0..LOOKED_FOR_MAX {
        turns.push(node.transfers().turns.turn().await);
    }
    let [(friend, friend_at), (owner, owner_at)] = [1, 2].map(absent);
    let (friend_at, owner_at) = (at(&node, friend_at).await, at(&node, owner_at).await);
    let reach = Reach::provider(&node, "owner", owner_at.targets[0]);
    let owner_at = First::owner(&owner_at, &reach).expect("somewhere");
    let friend_at = First::other(&node, &friend_at, "owner", PATIENCE);
    let friend_at = friend_at.expect("somewhere");
    let mut friend_found = std::pin::pin!(friend_at.found());
    assert!(poll!(&mut friend_found).is_pending());
    let owner_called = called(&owner);
    tokio::select! {
        _ = owner_at.found() => panic!("nobody answers before it is heard"),
        _ = &mut friend_found => panic!("nobody answers before it is heard"),
        called = owner_called => called,
    }
    friend.set_nonblocking(true).expect("a socket");
    let heard = friend.recv(&mut [0]).expect_err("it is not their turn");
    assert_eq!(heard.kind(), std::io::ErrorKind::WouldBlock);
    friend.set_nonblocking(false).expect("a socket");
    drop(turns);
    tokio::select! {
        _ = friend_found => panic!("nobody answers before it is heard"),
        called = called(&friend) => called,
    }
    node.shutdown().await;
}

/// A provider at this place, which the node knows.
async fn at(node: &Node, route: Route) -> Provider {
    let target = Target::Device(route.device);
    node.ask(move |machine, _| machine.handle_link(Face::Contact, route))
        .await
        .expect("running");
    Provider {
        targets: vec![target],
        credential: Credential::Session,
    }
}

/// Waits until somebody calls there.
async fn called(socket: &UdpSocket) {
    let socket = socket.try_clone().expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("some time");
    let heard = tokio::task::spawn_blocking(move || socket.recv(&mut [0; 2_048]));
    heard.await.expect("it runs").expect("they are called");
}
