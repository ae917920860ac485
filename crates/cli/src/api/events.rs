//! What happens, as server-sent events.
//!
//! A client that was away has missed what happened meanwhile, and nothing is kept for it: it is told so first (`missed`), and reads anew what it
//! shows.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use futures_util::{Stream, StreamExt as _, stream};
use kith::Event;
use kith::content::ShareEvent;
use kith::core::identity;
use kith::core::routing::Target;
use kith::peer::TransferInfo as TransferProgressed;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::{Interval, MissedTickBehavior};
use utoipa::ToSchema;

use super::door::Door;
use super::network::{self, NetworkInfo};
use super::transfers::{self, TransferEvent, TransferInfo};

/// How soon a client that lost the connection comes back: at once for a person, and rarely enough for a node that is being restarted.
const COME_BACK_AFTER: Duration = Duration::from_secs(1);

/// How often it is looked at what is measured: as often as an eye follows a rate.
const BEAT: Duration = Duration::from_secs(1);

/// How many beats lie between two tellings of the network.
const NETWORK_EVERY: u32 = 2;

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
    /// Something is shared here, or provided as a copy, that was not; or it is no longer.
    Listed {
        /// Which share.
        share_id: String,
    },
    /// Somebody was given something of a share of this node.
    Fetched {
        /// Of which.
        share_id: String,
        /// Who; `null` for a stranger.
        peer_id: Option<String>,
    },
    /// A contact says that something they share is new, has a new version, or was taken back.
    Offered {
        /// Who.
        peer_id: String,
        /// Which share.
        share_id: String,
    },
    /// A transfer is otherwise than before.
    Transfer(TransferEvent),
    /// What is served now: once a second, and for the last time when it is nothing.
    Uploads {
        /// All of it.
        uploads: Vec<TransferInfo>,
    },
    /// The network, for clients who ask for it.
    Network(NetworkInfo),
    /// What the owner wants is otherwise: settings, limits, introducers; or somebody is let in no more.
    Settings {},
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

/// What a client wants to be told beside what happens.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wishes {
    /// The network, every two seconds.
    network: bool,
}

/// Follows what happens from now on. A client that was away, or is slow, is told by `missed` that it missed something.
#[utoipa::path(get, path = "/api/v1/events",
    params(("network" = Option<bool>, Query, description = "whether to tell of the network, at once and every two seconds, by `network`"),
        ("Last-Event-ID" = Option<String>, Header, description = "as browsers send it when they come back")),
    responses((status = 200, content_type = "text/event-stream", body = LiveEvent)))]
pub(super) async fn follow(
    State(door): State<Door>,
    Query(wishes): Query<Wishes>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Message, Infallible>>> {
    let was_here = headers.contains_key(LAST_SEEN);
    let first = was_here.then_some(LiveEvent::Missed { count: None });
    let follower = Follower::new(door, &wishes);
    let further = stream::unfold(follower, |mut follower| async move {
        let told = follower.next().await?;
        Some((told, follower))
    });
    let begun = Message::default().retry(COME_BACK_AFTER).comment("");
    let messages = stream::iter(first).chain(further).enumerate();
    let messages = messages.map(|(number, told)| message(number, &told));
    Sse::new(stream::iter([begun]).chain(messages).map(Ok)).keep_alive(KeepAlive::default())
}

/// Whoever follows what happens.
struct Follower {
    door: Door,
    events: broadcast::Receiver<Event>,
    shares: broadcast::Receiver<ShareEvent>,
    transfers: broadcast::Receiver<TransferProgressed>,
    settings: watch::Receiver<u64>,
    /// Beats for what is measured, and does not happen.
    beat: Interval,
    /// Whether anything was served when it was last looked.
    is_serving: bool,
    /// Beats until the network is told; `None` where it is not asked for.
    network_in: Option<u32>,
    /// What comes next.
    ready: VecDeque<LiveEvent>,
}

impl Follower {
    fn new(door: Door, wishes: &Wishes) -> Self {
        let contents = door.node().contents();
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            events: door.node().events(),
            shares: contents.events(),
            transfers: contents.transfers().events(),
            settings: door.settings(),
            beat,
            is_serving: false,
            network_in: wishes.network.then_some(0),
            ready: VecDeque::new(),
            door,
        }
    }

    /// What happens next; `None` when nothing more does.
    async fn next(&mut self) -> Option<LiveEvent> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            let told = tokio::select! {
                event = self.events.recv() => event.map(|event| tell(&event)),
                event = self.shares.recv() => event.map(tell_share),
                info = self.transfers.recv() => match info {
                    Ok(info) => Ok(Some(LiveEvent::Transfer(transfers::tell(&self.door, &info).await))),
                    Err(error) => Err(error),
                },
                changed = self.settings.changed() => match changed {
                    Ok(()) => Ok(Some(LiveEvent::Settings {})),
                    Err(_) => return None,
                },
                _ = self.beat.tick() => {
                    self.measure().await;
                    continue;
                }
            };
            match told {
                Ok(Some(told)) => return Some(told),
                Ok(None) => {}
                Err(RecvError::Lagged(count)) => {
                    return Some(LiveEvent::Missed { count: Some(count) });
                }
                Err(RecvError::Closed) => return None,
            }
        }
    }

    /// Looks at what is measured: what is served, as long as anything is, and the network.
    async fn measure(&mut self) {
        if let Ok(uploads) = transfers::uploads(&self.door).await {
            let is_serving = !uploads.is_empty();
            if is_serving || self.is_serving {
                self.ready.push_back(LiveEvent::Uploads { uploads });
            }
            self.is_serving = is_serving;
        }
        let Some(beats) = &mut self.network_in else {
            return;
        };
        if *beats > 0 {
            *beats -= 1;
            return;
        }
        *beats = NETWORK_EVERY - 1;
        // A database that fails tells nothing; the next beat may.
        if let Ok(network) = network::describe(&self.door).await {
            self.ready.push_back(LiveEvent::Network(network));
        }
    }
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

/// What happened to a share, as it is told.
fn tell_share(event: ShareEvent) -> Option<LiveEvent> {
    Some(match event {
        ShareEvent::Changed(head) => LiveEvent::ShareChanged {
            share_id: head.share.to_string(),
            name: head.name,
            hash: head.manifest.to_string(),
            bytes: head.totals.bytes,
            files: head.totals.files,
        },
        ShareEvent::Listed(share) | ShareEvent::Placed(share) => LiveEvent::Listed {
            share_id: share.to_string(),
        },
        ShareEvent::Given { share, peer } => LiveEvent::Fetched {
            share_id: share.to_string(),
            peer_id: peer.map(|peer| peer.to_string()),
        },
        ShareEvent::Offered { owner, share } => LiveEvent::Offered {
            peer_id: owner.to_string(),
            share_id: share.to_string(),
        },
        _ => return None,
    })
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
        Event::IntroducerChanged { .. } => LiveEvent::Settings {},
        _ => return None,
    })
}
