//! What happens, as server-sent events.

use std::convert::Infallible;

use axum::extract::State;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use futures_util::{Stream, stream};
use kith::Event;
use kith::core::data::head::Head;
use kith::core::identity;
use kith::core::routing::Target;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

use super::door::Door;
use super::transfers;

/// Follows what happens from now on. A client that is slow misses the oldest, and is told so by `missed`.
#[utoipa::path(get, path = "/api/v1/events", responses((status = 200, content_type = "text/event-stream")))]
pub(super) async fn follow(
    State(door): State<Door>,
) -> Sse<impl Stream<Item = Result<Message, Infallible>>> {
    let contents = door.node().contents();
    let followed = (
        door.node().events(),
        contents.changes(),
        contents.transfers().events(),
    );
    let events = stream::unfold(
        followed,
        |(mut events, mut changes, mut transfers)| async move {
            loop {
                let told = tokio::select! {
                    event = events.recv() => event.map(|event| tell(&event)),
                    head = changes.recv() => head.map(|head| Some(tell_change(&head))),
                    info = transfers.recv() => info.map(|info| Some(("transfer", transfers::tell(&info)))),
                };
                let (name, value) = match told {
                    Ok(Some(told)) => told,
                    Ok(None) => continue,
                    Err(RecvError::Lagged(count)) => ("missed", json!({ "count": count })),
                    Err(RecvError::Closed) => return None,
                };
                let message = Message::default().event(name).data(value.to_string());
                return Some((Ok(message), (events, changes, transfers)));
            }
        },
    );
    Sse::new(events).keep_alive(KeepAlive::default())
}

/// A share of this node that has a new head, because its files changed.
fn tell_change(head: &Head) -> (&'static str, Value) {
    let told = json!({
        "share_id": head.share.to_string(),
        "name": head.name,
        "hash": head.manifest.to_string(),
        "bytes": head.totals.bytes,
        "files": head.totals.files,
    });
    ("share_changed", told)
}

/// An event's name and what is told of it; `None` for what only the inside of a node is concerned with.
pub(super) fn tell(event: &Event) -> Option<(&'static str, Value)> {
    let peer_id = |peer: &dyn std::fmt::Display| json!({ "peer_id": peer.to_string() });
    Some(match event {
        Event::Book(identity::Event::Added { peer, .. }) => ("added", peer_id(peer)),
        Event::Book(identity::Event::Changed { peer }) => ("changed", peer_id(peer)),
        Event::Book(identity::Event::Removed { peer }) => ("removed", peer_id(peer)),
        Event::Book(identity::Event::Blocked { peer }) => ("blocked", peer_id(peer)),
        Event::Book(identity::Event::InviteBurned { invite, by }) => (
            "invite_used",
            json!({ "invite_id": invite.to_string(), "peer_id": by.to_string() }),
        ),
        Event::Up(session) => ("online", peer_id(&session.peer?)),
        Event::Down { peer, .. } => ("offline", peer_id(&(*peer)?)),
        Event::Unreachable {
            target: Target::Peer(peer),
            reason,
        } => (
            "unreachable",
            json!({ "peer_id": peer.to_string(), "reason": kith::error::reach_advice(*reason) }),
        ),
        Event::Speaks { peer, names } => {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            (
                "speaks",
                json!({ "peer_id": peer.to_string(), "protocols": names }),
            )
        }
        Event::Found { peer, source } => (
            "found",
            json!({ "peer_id": peer.to_string(), "source": source.name() }),
        ),
        _ => return None,
    })
}
