//! What comes between two steps of something that takes several: nothing of it is lost.

use std::io;
use std::sync::{Arc, Mutex};

use kith_core::codec;
use kith_core::data::head::SignedHead;
use kith_core::ids::PeerId;
use rusqlite::Connection;

use super::copies::{alice, carol, fetched};
use super::world::{NOW, World};
use crate::content::{Database, Held, News, Recipients, Shares};

/// What comes between, once so many steps were taken.
type Between = Arc<Mutex<(usize, Option<Box<dyn FnOnce() + Send>>)>>;

/// More steps than anything here takes.
const STEPS: usize = 24;

/// A database in which something else happens between two calls.
struct Interrupted {
    connection: Mutex<Connection>,
    between: Between,
}

impl Database for Interrupted {
    fn work(
        &self,
        work: &mut dyn FnMut(&mut Connection) -> rusqlite::Result<()>,
    ) -> io::Result<()> {
        let due = {
            let mut between = self.between.lock().expect("no panic");
            let is_due = between.0 == 0;
            between.0 = between.0.saturating_sub(1);
            between.1.take_if(|_| is_due)
        };
        if let Some(happens) = due {
            happens();
        }
        self.connection.work(work)
    }
}

/// The shares of this world; before the call of this number something else happens in it. And whether it has: else it is still to happen.
fn interrupted(
    world: &World,
    number: usize,
    happens: impl FnOnce(&Shares) + Send + 'static,
) -> (Shares, Between) {
    let same = Arc::clone(&world.shares);
    let happens: Box<dyn FnOnce() + Send> = Box::new(move || happens(&same));
    let between: Between = Arc::new(Mutex::new((number, Some(happens))));
    let connection = Connection::open(world.folder.path().join("kith.db")).expect("database");
    let database = Interrupted {
        connection: Mutex::new(connection),
        between: Arc::clone(&between),
    };
    let (blobs, owner) = (world.folder.path().join("blobs"), world.shares.owner());
    let shares = Shares::new(Box::new(database), blobs, owner.clone());
    (shares.expect("shares"), between)
}

/// What has not happened in between happens now; whether it has.
fn has_happened(between: &Between) -> bool {
    let rest = between.lock().expect("no panic").1.take();
    let is_over = rest.is_none();
    if let Some(happens) = rest {
        happens();
    }
    is_over
}

/// The epoch and the sequence of a signed head.
fn number(head: &[u8]) -> (u64, u64) {
    let head = codec::decode::<SignedHead>(head).expect("a head").trusted();
    let head = head.expect("of this version");
    (head.epoch, head.sequence)
}

#[test]
fn a_share_taken_back_while_grants_are_ends_under_a_head_of_its_own() {
    let blocked = PeerId([8; 32]);
    for step in 0..STEPS {
        let world = World::new();
        world.write("f", b"for contacts");
        let share = world.share(Recipients::Contacts).head.share;
        let raised = Arc::new(Mutex::new(None));
        let told = Arc::clone(&raised);
        let (shares, between) = interrupted(&world, step, move |shares| {
            let mut revoked = shares.revoke(&blocked, NOW).expect("signed");
            *told.lock().expect("no panic") = revoked.pop();
        });
        let ended = shares.unshare(&share, NOW).expect("taken back");
        if !has_happened(&between) {
            assert!(step > 1, "it was read, and then written");
            return;
        }
        let raised = raised.lock().expect("no panic").take();
        let (_, raised) = raised.expect("it was shared still");
        assert_eq!(
            (number(&raised), number(&ended)),
            ((2, 2), (3, 3)),
            "step {step}"
        );
        assert!(world.shares.mine().expect("read").is_empty());
    }
    panic!("more than {STEPS} steps");
}

#[tokio::test]
async fn a_copy_goes_on_under_an_epoch_that_rises_while_it_is_taken_in() {
    let (alice_world, bob, shared) = fetched(Recipients::Contacts).await;
    let share = shared.head.share;
    for step in 0..STEPS {
        let revoked = alice_world.shares.revoke(&carol().peer_id(), NOW);
        let head = revoked.expect("signed").remove(0).1;
        let (epoch, _) = number(&head);
        let (shares, between) = interrupted(&bob, step, move |shares| {
            let (grant, link) = (None, None);
            let news = News {
                share,
                head,
                grant,
                link,
            };
            let learnt = shares.learn(&news, alice().peer_id(), NOW);
            learnt.expect("genuine");
        });
        bob.shares.drop_copy(&share).expect("written");
        let held = Held {
            share,
            manifest: shared.head.manifest,
            target: bob.out().join("holiday"),
            keep: false,
            selected_of: None,
        };
        shares.hold(&held, NOW).expect("written");
        let provided = shares.examine(&share).expect("read");
        let is_over = !has_happened(&between);
        let copies = bob.shares.copies().expect("read");
        assert_eq!(
            (provided, copies[0].examined, copies[0].head.epoch),
            (true, true, epoch),
            "step {step}"
        );
        if is_over {
            assert!(step > 3, "it was held, read, scanned, and then kept");
            return;
        }
    }
    panic!("more than {STEPS} steps");
}
