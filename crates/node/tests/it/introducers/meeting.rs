//! People who meet through an introducer: by invites that say no address, online together or not.

use std::time::Duration;

use kith::core::identity::Invite;
use kith::core::peer::InviteOptions;
use kith::testing::{Testnet, wait_for_contact};
use kith::{Event, Node};
use tempfile::TempDir;

use super::{eventually, soon};
use crate::friends::stands;

/// How long an invite opens anything: much longer than a test runs.
const LIFE: Duration = Duration::from_secs(3600);

/// A node that can be started again.
struct Person {
    name: &'static str,
    data: TempDir,
}

impl Person {
    fn new(name: &'static str) -> Self {
        let data = tempfile::tempdir().expect("a place for files");
        Self { name, data }
    }

    async fn start(&self, testnet: &Testnet) -> Node {
        let builder = testnet.node_builder().name(self.name);
        let started = builder.data_dir(self.data.path()).spawn().await;
        started.expect("loopback can be bound")
    }
}

/// An invite that does not say where the contact face is.
async fn invite(node: &Node) -> Invite {
    let options = InviteOptions {
        reusable: false,
        life: LIFE,
        with_addresses: false,
    };
    let invite = node.address_book().invite(options).await;
    let invite = invite.expect("makes invites");
    assert_eq!(invite.contact, None);
    assert!(!invite.introducers.is_empty());
    invite
}

async fn testnet(introducers: usize) -> Testnet {
    let started = soon("the introducers", Testnet::start(introducers, 0)).await;
    started.expect("free ports")
}

async fn knows(node: &Node, other: &Node) {
    let known = soon("the invite", wait_for_contact(node, other.peer_id())).await;
    known.expect("it runs");
}

/// Both reach each other.
async fn reach(one: &Node, other: &Node) {
    for (from, to) in [(one, other), (other, one)] {
        let pong = soon("a ping", from.pinger(to.peer_id()).ping()).await;
        pong.expect("an answer");
    }
}

/// Waits until the introducer holds so many records more than `before`.
async fn records(testnet: &Testnet, more_than: u64) -> u64 {
    let published = || {
        testnet
            .introducer(0)
            .server()
            .metrics()
            .records_published
            .get()
    };
    eventually("a record", || published() > more_than).await;
    published()
}

#[tokio::test]
async fn an_invite_without_addresses_works_while_its_maker_is_online() {
    let testnet = testnet(1).await;
    let (alice, bob) = (Person::new("Alice"), Person::new("Bob"));
    let (alice, bob) = (alice.start(&testnet).await, bob.start(&testnet).await);
    let added = bob.address_book().add(invite(&alice).await, None).await;
    assert_eq!(added.expect("a good invite").petname.as_str(), "Alice");
    knows(&alice, &bob).await;
    reach(&alice, &bob).await;
    futures_util::future::join(alice.shutdown(), bob.shutdown()).await;
    testnet.shutdown().await;
}

#[tokio::test]
async fn an_invite_works_when_its_maker_comes_back_later() {
    let testnet = testnet(1).await;
    let (alice_at_home, bob) = (Person::new("Alice"), Person::new("Bob"));
    let alice = alice_at_home.start(&testnet).await;
    let invite = invite(&alice).await;
    alice.shutdown().await;
    let bob = bob.start(&testnet).await;
    let added = bob.address_book().add(invite, Some("Allie")).await;
    assert_eq!(added.expect("a good invite").petname.as_str(), "Allie");
    let alice = alice_at_home.start(&testnet).await;
    knows(&alice, &bob).await;
    // She may know him by his reply, before his address is anywhere; they find each other all the same.
    stands(&alice, bob.peer_id()).await;
    stands(&bob, alice.peer_id()).await;
    reach(&alice, &bob).await;
    futures_util::future::join(alice.shutdown(), bob.shutdown()).await;
    testnet.shutdown().await;
}

#[tokio::test]
async fn an_open_invite_counts_beside_a_later_one_that_somebody_else_used_up() {
    let testnet = testnet(1).await;
    let (alice_at_home, bob) = (Person::new("Alice"), Person::new("Bob"));
    let alice = alice_at_home.start(&testnet).await;
    let open = invite(&alice).await;
    let used_up = invite(&alice).await;
    let carol = Person::new("Carol");
    let carol = carol.start(&testnet).await;
    let added = carol.address_book().add(used_up.clone(), None).await;
    added.expect("a good invite");
    knows(&alice, &carol).await;
    alice.shutdown().await;
    let bob = bob.start(&testnet).await;
    for accepted in [used_up, open] {
        let added = bob.address_book().add(accepted, None).await;
        added.expect("nobody can tell");
    }
    let alice = alice_at_home.start(&testnet).await;
    knows(&alice, &bob).await;
    // She may know him by his reply, as above.
    stands(&alice, bob.peer_id()).await;
    stands(&bob, alice.peer_id()).await;
    reach(&alice, &bob).await;
    let ends = [alice.shutdown(), bob.shutdown(), carol.shutdown()];
    futures_util::future::join_all(ends).await;
    testnet.shutdown().await;
}

#[tokio::test]
async fn two_who_are_never_online_together_become_contacts() {
    let testnet = testnet(1).await;
    let (alice_at_home, bob_at_home) = (Person::new("Alice"), Person::new("Bob"));
    let alice = alice_at_home.start(&testnet).await;
    let invite = invite(&alice).await;
    alice.shutdown().await;

    let bob = bob_at_home.start(&testnet).await;
    let added = bob.address_book().add(invite, None).await;
    added.expect("a good invite");
    let book = bob.address_book();
    let told = soon("the reply", book.wait_until_told(alice.peer_id())).await;
    told.expect("it runs");
    let left = records(&testnet, 0).await;
    let bob_is = bob.peer_id();
    bob.shutdown().await;

    let alice = alice_at_home.start(&testnet).await;
    let known = wait_for_contact(&alice, bob_is);
    soon("the reply", known).await.expect("it runs");
    records(&testnet, left).await;
    let alice_is = alice.peer_id();
    alice.shutdown().await;

    let bob = bob_at_home.start(&testnet).await;
    let mut events = bob.events();
    let found = async {
        loop {
            match events.recv().await.expect("it runs") {
                Event::Found { peer, .. } if peer == alice_is => return,
                _ => {}
            }
        }
    };
    soon("Alice's record", found).await;
    bob.shutdown().await;
    testnet.shutdown().await;
}
