//! How a peer is reached, step by step.

use std::time::Instant;

use axum::extract::State;
use axum::response::Response;
use kith::Event;
use kith::core::peer::Source;
use kith::core::routing::{Session, Target};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Asked, lines};
use super::contacts::{Path, milliseconds, path_of};
use super::door::Door;
use super::named::Named;
use crate::failure::Failure;

/// Whom to look at.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TraceRequest {
    /// Petname or PeerId.
    pub(crate) peer: String,
}

/// One step.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TraceStep {
    /// Since the beginning, in milliseconds.
    pub(crate) ms: f64,
    /// What happened.
    #[serde(flatten)]
    pub(crate) what: Step,
}

/// What happened.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum Step {
    /// They are in the address book. Not told of somebody who wants to be found and is no contact.
    Contact {
        /// The petname.
        name: String,
        /// Who it is.
        peer_id: String,
        /// Whether they are known to have this node in theirs.
        mutual: bool,
    },
    /// A place where they may be is known.
    Found {
        /// How: `invite`, `session`, `introducer` or `lan`.
        source: String,
    },
    /// They answered, and are who they should be.
    Session {
        /// Whether it stood before.
        standing: bool,
    },
    /// A ping came back.
    Pong {
        /// In milliseconds.
        rtt_ms: f64,
        /// Over which path.
        path: Path,
    },
}

/// Reaches a peer and tells each step.
#[utoipa::path(post, path = "/api/v1/trace", request_body = TraceRequest,
    responses((status = 200, body = TraceStep, content_type = "application/x-ndjson")))]
pub(super) async fn trace(
    State(door): State<Door>,
    Asked(asked): Asked<TraceRequest>,
) -> Result<Response, Failure> {
    let named = Named::find(&door, &asked.peer).await?;
    let contact = door.node().find(&asked.peer).await.ok();
    Ok(lines(async move |out| {
        let begun = Instant::now();
        let tell = async |what| {
            out.send(&TraceStep {
                ms: milliseconds(begun.elapsed()),
                what,
            })
            .await
        };
        let peer = named.peer;
        if let Some(contact) = contact {
            tell(Step::Contact {
                name: contact.petname.to_string(),
                peer_id: peer.to_string(),
                mutual: contact.mutual,
            })
            .await;
        }
        let mut events = door.node().events();
        if let Some(source) = door.node().found_by(peer) {
            tell(Step::Found {
                source: source.name().to_owned(),
            })
            .await;
        }
        let (mut standing, mut is_told) = (door.node().path_to(peer).is_some(), false);
        let mut pinger = door.node().pinger(peer);
        let mut reaching = std::pin::pin!(pinger.ping());
        let mut target = Target::Peer(peer);
        let pong = loop {
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Ok(Event::Found { peer: found, source }) if found == peer => {
                        tell(Step::Found { source: source.name().to_owned() }).await;
                    }
                    // Who is no contact is met as the device that they are listed with.
                    Ok(Event::Located { peer: found, device: Some(device) }) if found == peer => {
                        target = Target::Device(device);
                        tell(Step::Found { source: Source::Record.name().to_owned() }).await;
                        if door.node().sessions().iter().any(|session| session.device == device) {
                            standing = true;
                        }
                    }
                    Ok(Event::Up(session)) if !is_told && is_with(&session, target) => {
                        is_told = true;
                        tell(Step::Session { standing: false }).await;
                    }
                    _ => {}
                },
                pong = &mut reaching => break pong.map_err(|error| named.failure(error))?,
            }
        };
        // Of a session that stood nothing is told while one is looked for; and a pong may come before the news.
        if !is_told {
            tell(Step::Session { standing }).await;
        }
        let (path, _) = path_of(pong.path);
        tell(Step::Pong {
            rtt_ms: milliseconds(pong.round_trip),
            path,
        })
        .await;
        Ok(())
    }))
}

/// Whether a session is with whom it is looked for.
fn is_with(session: &Session, target: Target) -> bool {
    match target {
        Target::Peer(peer) => session.peer == Some(peer),
        Target::Device(device) => session.remote == device,
    }
}
