//! A database that refuses writes, as on a full disk: nobody is told what a crash would undo, and with room again it goes on.
//! The owner sees meanwhile what there is, and changes nothing.

use std::fs;
use std::path::Path;
use std::time::Duration;

use kith::Node;
use kith::content::{NewShare, Recipients};
use kith::core::identity::{Event as BookEvent, Invite};
use kith::peer::Event;
use kith::testing::local_node;
use rusqlite::Connection;
use tempfile::TempDir;

use crate::friends::befriend;
use crate::waiting::{a_moment, soon};

/// Has every write of the machine fail.
const REFUSE: &str = "
    CREATE TRIGGER refuse_insert BEFORE INSERT ON state BEGIN SELECT RAISE(ABORT, 'refused'); END;
    CREATE TRIGGER refuse_delete BEFORE DELETE ON state BEGIN SELECT RAISE(ABORT, 'refused'); END;
";

/// Ends that.
const ALLOW: &str = "DROP TRIGGER refuse_insert; DROP TRIGGER refuse_delete;";

fn change(database: &Path, how: &str) {
    let connection = Connection::open(database).expect("a node's database");
    connection
        .busy_timeout(Duration::from_secs(5))
        .expect("set");
    connection.execute_batch(how).expect("room");
}

async fn spawn(directory: &TempDir) -> Node {
    let builder = local_node().data_dir(directory.path());
    builder.spawn().await.expect("loopback can be bound")
}

/// Alice, whose database refuses what an invite of hers changes that Bob has accepted and shown.
async fn with_a_shown_invite(directory: &TempDir) -> (Node, Node, Invite) {
    let alice = spawn(directory).await;
    let bob = local_node().spawn().await.expect("loopback can be bound");
    let invite = alice
        .address_book()
        .invite_one(Duration::from_secs(3600))
        .await;
    let invite = invite.expect("makes invites");
    assert!(invite.contact.is_some(), "it says where she is");
    change(&alice.home().database(), REFUSE);
    let added = bob.address_book().add(invite.clone(), None).await;
    added.expect("a good invite");
    let shown = async {
        while alice.address_book().open_invites().await.is_ok() {
            a_moment().await;
        }
    };
    soon("a write that fails", shown).await;
    (alice, bob, invite)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invite_whose_use_cannot_be_kept_is_answered_when_it_can() {
    let directory = tempfile::tempdir().expect("a place");
    let (alice, bob, invite) = with_a_shown_invite(&directory).await;
    assert_eq!(alice.sessions().len(), 0, "not before it is durable");
    assert_eq!(bob.sessions().len(), 0);
    let mut events = bob.events();
    change(&alice.home().database(), ALLOW);
    let taken = async {
        loop {
            match events.recv().await.expect("Bob runs") {
                Event::Book(BookEvent::InviteTaken { invite: of, .. }) if of == invite.id() => {
                    return;
                }
                _ => {}
            }
        }
    };
    soon("the answer", taken).await;
    let open = alice.address_book().open_invites().await;
    assert_eq!(open.expect("kept").len(), 0);
    bob.shutdown().await;
    alice.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_sees_what_there_is_while_nothing_can_be_written() {
    let directory = tempfile::tempdir().expect("a place");
    let alice = spawn(&directory).await;
    let carol = local_node().spawn().await.expect("loopback can be bound");
    befriend(&alice, &carol).await;
    let folder = tempfile::tempdir().expect("a place");
    let letter = folder.path().join("letter");
    fs::write(&letter, b"to all").expect("room");
    let new = NewShare {
        paths: vec![letter],
        recipients: Recipients::Link,
        name: None,
        bare: false,
    };
    alice.contents().share(new).await.expect("shared");

    change(&alice.home().database(), REFUSE);
    let (book, carol_id) = (alice.address_book(), carol.peer_id());
    let renamed = book.rename(carol_id, "caroline").await;
    assert!(renamed.is_err(), "it is not kept");
    let contacts = book.contacts().await.expect("there to be seen");
    assert_eq!(contacts.len(), 1);
    assert_eq!(contacts[0].peer, carol_id);
    book.last_seen().await.expect("there to be seen");
    book.regards().await.expect("there to be seen");
    alice.find("caroline").await.expect("there to be seen");
    let devices = alice.devices().await.expect("there to be seen");
    assert!(!devices.is_empty());
    assert_eq!(
        alice.introducers().await.expect("there to be seen").len(),
        0
    );
    alice.introducer_states().await.expect("there to be seen");
    alice.own_relay().await.expect("there to be seen");
    alice.contact_relays().await.expect("there to be seen");
    alice.preferences().await.expect("there to be seen");
    let shares = alice.contents().shares().await.expect("there to be seen");
    assert_eq!(shares.len(), 1);
    let again = book.rename(carol_id, "cara").await;
    assert!(again.is_err(), "it is still so");

    change(&alice.home().database(), ALLOW);
    let kept = async {
        while book.rename(carol_id, "carla").await.is_err() {
            a_moment().await;
        }
    };
    soon("room", kept).await;
    carol.shutdown().await;
    alice.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_crash_nobody_was_told_of_what_was_not_kept() {
    let directory = tempfile::tempdir().expect("a place");
    let (alice, bob, invite) = with_a_shown_invite(&directory).await;
    alice.shutdown().await;
    let book = bob.address_book();
    let alone = book.contacts().await.expect("Bob runs");
    assert!(alone.iter().all(|contact| !contact.mutual), "{alone:?}");
    change(&directory.path().join("kith.db"), ALLOW);
    let alice = spawn(&directory).await;
    let open = alice.address_book().open_invites().await.expect("runs");
    assert_eq!(open[0].invite.id(), invite.id());
    let contacts = alice.address_book().contacts().await.expect("runs");
    assert_eq!(contacts.len(), 0);
    bob.shutdown().await;
    alice.shutdown().await;
}
