//! Sessions that go on while their peer becomes more than they were.

use kith::Event;
use kith::core::peer::InviteOptions;
use kith::core::routing::{Level, STREAMS_GUEST_MAX};

use super::*;

/// Alice, and Bob who came by a reusable invite and waits to be confirmed.
pub(super) async fn maker_and_guest(alice: kith::NodeBuilder) -> (Node, Node) {
    let alice = spawn(alice.name("Alice")).await;
    let bob = spawn(local_node().name("Bob")).await;
    let options = InviteOptions {
        reusable: true,
        life: Duration::from_secs(3600),
        with_addresses: true,
    };
    let invite = alice.address_book().invite(options).await;
    let book = bob.address_book();
    let added = book.add(invite.expect("an invite"), None);
    added.await.expect("a good invite");
    soon("a meeting", wait_for_contact(&alice, bob.peer_id()))
        .await
        .expect("running");
    stands(&alice, bob.peer_id()).await;
    stands(&bob, alice.peer_id()).await;
    (alice, bob)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_who_is_confirmed_keeps_the_session_and_may_use_all_of_it() {
    let (alice, bob) = maker_and_guest(local_node()).await;
    let mut streams = alice
        .accept(protocol("/guests/1"), Access::Guests)
        .expect("free");
    echo(&alice, "/contacts/1");
    let name = [protocol("/guests/1")];
    let mut held = Vec::new();
    for _ in 0..STREAMS_GUEST_MAX {
        let mut stream = bob.open(alice.peer_id(), &name).await.expect("a session");
        stream.agreed().await.expect("spoken");
        held.push((stream, soon("the stream", streams.next()).await));
    }
    let first = held[0].0.connection().number();
    let one_more = bob.open(alice.peer_id(), &name);
    tokio::pin!(one_more);
    assert!(
        tokio::time::timeout(Duration::from_millis(300), &mut one_more)
            .await
            .is_err(),
        "no room for a guest's next stream"
    );

    let book = alice.address_book();
    book.confirm(bob.peer_id()).await.expect("pending");
    let mut stream = soon("room", &mut one_more).await.expect("a session");
    stream.agreed().await.expect("spoken");
    assert_eq!(stream.connection().number(), first, "on the same session");
    let mut stream = bob
        .open(alice.peer_id(), &[protocol("/contacts/1")])
        .await
        .expect("a session");
    soon("an answer", ask(&mut stream))
        .await
        .expect("contacts are served");
    for (stream, there) in &mut held {
        stream.write_all(b"x").await.expect("it stands");
        let there = there.as_mut().expect("running");
        there.read_exact(&mut [0]).await.expect("it stands");
        assert_eq!(there.level(), Level::Guest, "as when it was opened");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_confirmed_us_need_not_do_so_again_by_an_invite_for_many() {
    let (alice, bob) = maker_and_guest(local_node()).await;
    let for_many = InviteOptions {
        reusable: true,
        life: Duration::from_secs(3600),
        with_addresses: true,
    };
    let adds_again = async |invite| {
        let book = bob.address_book();
        let added = book.add_unless_refused(invite, None, Duration::from_secs(5));
        added.await.expect("a good invite").to_be_confirmed
    };
    let invite = alice.address_book().invite(for_many).await;
    let invite = invite.expect("an invite");
    assert!(adds_again(invite.clone()).await, "Bob waits");

    let mut events = bob.events();
    let book = alice.address_book();
    book.confirm(bob.peer_id()).await.expect("pending");
    soon("the news", async {
        while !matches!(events.recv().await, Ok(Event::ConfirmedBy { .. })) {}
    })
    .await;
    assert!(!adds_again(invite).await, "by the same invite");
    let other = alice.address_book().invite(for_many).await;
    assert!(!adds_again(other.expect("an invite")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_confirmed_us_shows_it_while_an_invite_for_many_is_taken() {
    let (alice, bob) = maker_and_guest(local_node()).await;
    let book = alice.address_book();
    let for_many = InviteOptions {
        reusable: true,
        life: Duration::from_secs(3600),
        with_addresses: true,
    };
    let invite = book.invite(for_many).await.expect("an invite");
    book.confirm(bob.peer_id()).await.expect("pending");
    // Whatever Bob has heard by now: the session stands.
    let added = bob.address_book();
    let added = added.add_unless_refused(invite, None, Duration::from_secs(5));
    assert!(!added.await.expect("a good invite").to_be_confirmed);
}
