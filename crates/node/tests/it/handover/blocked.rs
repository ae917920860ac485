//! Who is blocked has nothing left of what they were granted, whenever the power fails.

use kith::content::Recipients;
use kith::core::identity::ContactState;
use kith::core::ids::PeerId;
use rusqlite::Connection;

use super::people::Person;
use super::two_who_met;

/// In which state somebody is in Alice's book, and under which epoch her one share is signed.
async fn standing(alice: &Person, peer: PeerId) -> (ContactState, u64) {
    let contacts = alice.node.address_book().contacts().await.expect("running");
    let contact = contacts.iter().find(|contact| contact.peer == peer);
    let shares = alice.node.contents().shares().await.expect("read");
    (contact.expect("known").state, shares[0].head.epoch)
}

/// Has each write of this kind fail, as on a disk that goes away at this moment, or succeed again.
fn refuse(alice: &Person, what: &str) {
    let database = Connection::open(alice.at("data/kith.db")).expect("there");
    database.execute_batch(what).expect("changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_while_somebody_is_blocked_leaves_nobody_blocked_whose_grants_are_good() {
    let (mut alice, bob) = two_who_met().await;
    let peer = bob.node.peer_id();
    alice.write("note", b"read me");
    alice.share("note", Recipients::Contacts).await;
    let before = standing(&alice, peer).await;
    assert_eq!(before, (ContactState::Confirmed, 1));
    // So that nothing else is written of him.
    bob.node.shutdown().await;

    // Before the first of the two writes,
    refuse(
        &alice,
        "CREATE TRIGGER gone BEFORE UPDATE ON share BEGIN SELECT RAISE(ABORT, 'gone'); END",
    );
    let book = alice.node.address_book();
    book.block(peer).await.expect_err("not written");
    alice.restart().await;
    assert_eq!(standing(&alice, peer).await, before);

    // and between them.
    refuse(
        &alice,
        "DROP TRIGGER gone;
         CREATE TRIGGER gone BEFORE INSERT ON state WHEN new.kind = 'contact'
         BEGIN SELECT RAISE(ABORT, 'gone'); END",
    );
    let book = alice.node.address_book();
    book.block(peer).await.expect_err("not written");
    alice.restart().await;
    assert_eq!(
        standing(&alice, peer).await,
        (ContactState::Confirmed, 2),
        "the grants are void"
    );

    refuse(&alice, "DROP TRIGGER gone");
    let book = alice.node.address_book();
    book.block(peer).await.expect("blocked");
    alice.restart().await;
    assert_eq!(standing(&alice, peer).await, (ContactState::Blocked, 3));
}
