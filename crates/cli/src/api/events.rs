//! What happens, as server-sent events.
//!
//! A client that was away has missed what happened meanwhile, and nothing is kept for it: it is told so first (`missed`), and reads anew what it
//! shows.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use futures_util::{Stream, StreamExt as _, stream};
use kith::Event;
use kith::core::data::head::Head;
use kith::core::identity;
use kith::core::routing::Target;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use utoipa::ToSchema;

use super::door::Door;
use super::transfers::{self, TransferEvent};

/// How soon a client that lost the connection comes back: at once for a person, and rarely enough for a node that is being restarted.
const COME_BACK_AFTER: Duration = Duration::from_secs(1);

/// How a client says which event it saw last (HTML, section 9.2).
const LAST_SEEN: &str = "last-event-id";

/// Something that happened: `event` is the event's name, `data` its data.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub(crate) enum LiveEvent {
    /// Somebody is in the address book.
    Added(PeerEvent),
    /// A contact is called otherwise, tagged, confirmed, or speaks something else.
    Changed(PeerEvent),
    /// Somebody is in the address book no more.
    Removed(PeerEvent),
    /// Somebody is blocked.
    Blocked(PeerEvent),
    /// An invite for one was used.
    InviteUsed {
        /// Which.
        invite_id: String,
        /// By whom.
        peer_id: String,
    },
    /// A session with somebody stands.
    Online(PeerEvent),
    /// No session with somebody stands any more.
    Offline(PeerEvent),
    /// Somebody was looked for in vain.
    Unreachable {
        /// Who.
        peer_id: String,
        /// Why, and what helps.
        reason: String,
    },
    /// Somebody said what they speak.
    Speaks {
        /// Who.
        peer_id: String,
        /// The protocols.
        protocols: Vec<String>,
    },
    /// It is known where somebody is.
    Found {
        /// Who.
        peer_id: String,
        /// Who told.
        source: String,
    },
    /// A share of this node has a new version, because its files changed.
    ShareChanged {
        /// Which.
        share_id: String,
        /// What it is called.
        name: String,
        /// The hash of the new version.
        hash: String,
        /// Bytes of its files.
        bytes: u64,
        /// Its files.
        files: u64,
    },
    /// A transfer is otherwise than before.
    Transfer(TransferEvent),
    /// The client missed events: all of them since it was here last, or the oldest because it was slow.
    Missed {
        /// How many; `null` where nobody counted.
        count: Option<u64>,
    },
}

/// Somebody something happened to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PeerEvent {
    /// Who.
    pub(crate) peer_id: String,
}

/// Follows what happens from now on. A client that was away, or is slow, is told by `missed` that it missed something.
#[utoipa::path(get, path = "/api/v1/events",
    params(("Last-Event-ID" = Option<String>, Header, description = "as browsers send it when they come back")),
    responses((status = 200, content_type = "text/event-stream", body = LiveEvent)))]
pub(super) async fn follow(
    State(door): State<Door>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Message, Infallible>>> {
    let contents = door.node().contents();
    let followed = (
        door.node().events(),
        contents.changes(),
        contents.transfers().events(),
    );
    let was_here = headers.contains_key(LAST_SEEN);
    let first = was_here.then_some(LiveEvent::Missed { count: None });
    let further = stream::unfold(
        followed,
        |(mut events, mut changes, mut transfers)| async move {
            loop {
                let told = tokio::select! {
                    event = events.recv() => event.map(|event| tell(&event)),
                    head = changes.recv() => head.map(|head| Some(tell_change(&head))),
                    info = transfers.recv() => info.map(|info| Some(LiveEvent::Transfer(transfers::tell(&info)))),
                };
                let told = match told {
                    Ok(Some(told)) => told,
                    Ok(None) => continue,
                    Err(RecvError::Lagged(count)) => LiveEvent::Missed { count: Some(count) },
                    Err(RecvError::Closed) => return None,
                };
                return Some((told, (events, changes, transfers)));
            }
        },
    );
    let begun = Message::default().retry(COME_BACK_AFTER).comment("");
    let messages = stream::iter(first).chain(further).enumerate();
    let messages = messages.map(|(number, told)| message(number, &told));
    Sse::new(stream::iter([begun]).chain(messages).map(Ok)).keep_alive(KeepAlive::default())
}

/// An event as it is sent. Its number only tells a browser that comes back from one that is new.
fn message(number: usize, told: &LiveEvent) -> Message {
    let mut value = serde_json::to_value(told).expect("what the API sends has text keys only");
    let data = value["data"].take();
    let name = value["event"].as_str().unwrap_or_default();
    Message::default()
        .id(number.to_string())
        .event(name)
        .data(data.to_string())
}

/// A share of this node that has a new head, because its files changed.
fn tell_change(head: &Head) -> LiveEvent {
    LiveEvent::ShareChanged {
        share_id: head.share.to_string(),
        name: head.name.clone(),
        hash: head.manifest.to_string(),
        bytes: head.totals.bytes,
        files: head.totals.files,
    }
}

/// An event as it is told; `None` for what only the inside of a node is concerned with.
fn tell(event: &Event) -> Option<LiveEvent> {
    let peer = |peer: &dyn std::fmt::Display| PeerEvent {
        peer_id: peer.to_string(),
    };
    Some(match event {
        Event::Book(identity::Event::Added { peer: it, .. }) => LiveEvent::Added(peer(it)),
        Event::Book(identity::Event::Changed { peer: it }) => LiveEvent::Changed(peer(it)),
        Event::Book(identity::Event::Removed { peer: it }) => LiveEvent::Removed(peer(it)),
        Event::Book(identity::Event::Blocked { peer: it }) => LiveEvent::Blocked(peer(it)),
        Event::Book(identity::Event::InviteBurned { invite, by }) => LiveEvent::InviteUsed {
            invite_id: invite.to_string(),
            peer_id: by.to_string(),
        },
        Event::Up(session) => LiveEvent::Online(peer(&session.peer?)),
        Event::Down { peer: it, .. } => LiveEvent::Offline(peer(&(*it)?)),
        Event::Unreachable {
            target: Target::Peer(peer),
            reason,
        } => LiveEvent::Unreachable {
            peer_id: peer.to_string(),
            reason: kith::error::reach_advice(*reason).to_string(),
        },
        Event::Speaks { peer, names } => LiveEvent::Speaks {
            peer_id: peer.to_string(),
            protocols: names.iter().map(ToString::to_string).collect(),
        },
        Event::Found { peer, source } => LiveEvent::Found {
            peer_id: peer.to_string(),
            source: source.name().to_owned(),
        },
        _ => return None,
    })
}
