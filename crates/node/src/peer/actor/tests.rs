//! What the loop makes of news that are late.

use kith_core::routing::DownReason;
use tokio::sync::broadcast::error::TryRecvError;

use super::*;
use crate::peer::node::Node;
use crate::testing::{befriend, local_node};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tells that so many packets were heard on a connection when nothing came for too long, and waits until that was taken. Whether it ended the session.
async fn ends_by_silence(
    node: &Node,
    events: &mut broadcast::Receiver<Event>,
    conn: ConnId,
    heard: u64,
) -> bool {
    node.tell(Input::Silence { conn, heard });
    node.look(|_, _| ()).await.expect("running");
    loop {
        match events.try_recv() {
            Ok(Event::Down {
                conn: of, reason, ..
            }) if of == conn => return reason == DownReason::Lost,
            Ok(_) | Err(TryRecvError::Lagged(_)) => {}
            Err(TryRecvError::Empty | TryRecvError::Closed) => return false,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_that_is_over_when_it_is_told_ends_no_session() {
    let (alice, bob) = tokio::join!(local_node().spawn(), local_node().spawn());
    let (alice, bob) = (alice.expect("a port"), bob.expect("a port"));
    befriend(&alice, &bob).await.expect("they meet");
    let target = Target::Peer(alice.peer_id());
    let mut events = bob.events();
    let told = async {
        loop {
            let deadline = Instant::now() + PATIENCE;
            let link = bob
                .link(target, true, deadline)
                .await
                .expect("she is there");
            let conn = bob.0.live.lock().preferred.get(&target).copied();
            let Some(conn) = conn else { continue };
            // Something has come since: the news waited.
            let before = link.connection.packets_received().wrapping_sub(1);
            let is_ended = ends_by_silence(&bob, &mut events, conn, before).await;
            assert!(!is_ended, "she has been heard since");
            // Nothing has, unless it comes just now, or the session is in use for a moment.
            let now = link.connection.packets_received();
            if ends_by_silence(&bob, &mut events, conn, now).await {
                return;
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, told).await;
    told.expect("silence that lasts ends it");
    tokio::join!(alice.shutdown(), bob.shutdown());
}
