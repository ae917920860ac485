//! The node itself: who it is, and what it is doing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use kith::Node;
use kith::core::ids::Face;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Answer;
use super::contacts::{Path, Taken, path_of};
use super::door::Door;

/// Who a node is.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct NodeInfo {
    /// The peer.
    pub(crate) peer_id: String,
    /// This device: the key of its public face, which stays.
    pub(crate) device_id: String,
    /// The keys its faces present now, by face.
    pub(crate) faces: BTreeMap<String, String>,
    /// Whether the node goes on when the present command is over.
    pub(crate) daemon: bool,
}

/// What a node is doing.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Status {
    /// The peer.
    pub(crate) peer_id: String,
    /// The program's version.
    pub(crate) version: String,
    /// Whether the node goes on when the present command is over.
    pub(crate) daemon: bool,
    /// For how long it has run, in seconds.
    pub(crate) seconds: u64,
    /// The introducers it uses.
    pub(crate) introducers: Vec<String>,
    /// How many contacts it has.
    pub(crate) contacts: usize,
    /// The connections that stand.
    pub(crate) sessions: Vec<Session>,
    /// The contacts who want no session with this node.
    pub(crate) left_alone: Vec<LeftAlone>,
    /// The own shares that are not where they are shared from.
    pub(crate) absent: Vec<AbsentShare>,
}

/// An own share that cannot be given to anybody, because it is not where it is shared from.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct AbsentShare {
    /// Its id.
    pub(crate) share_id: String,
    /// What it is called.
    pub(crate) name: String,
    /// What is not there, or cannot be read.
    #[schema(value_type = String)]
    pub(crate) path: PathBuf,
    /// Whether that is because its disk does not answer; left out where it does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) silent: bool,
}

/// Why an own share cannot be given.
pub(crate) fn why_absent(is_silent: bool) -> &'static str {
    match is_silent {
        true => "its disk does not answer",
        false => "it is not there, not mounted, or cannot be read",
    }
}

/// The own shares that are not where they are shared from.
pub(super) async fn absent(node: &Node) -> Result<Vec<AbsentShare>, kith::Error> {
    let shares = node.contents().shares().await?.into_iter();
    let absent = shares.filter_map(|share| {
        Some(AbsentShare {
            share_id: share.head.share.to_string(),
            name: share.head.name,
            path: share.absent?,
            silent: share.silent,
        })
    });
    Ok(absent.collect())
}

/// A contact with whom no session is kept up, because they want none.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct LeftAlone {
    /// The petname.
    pub(crate) name: String,
    /// Who it is.
    pub(crate) peer_id: String,
    /// What they take this node for.
    pub(crate) takes_you_for: Taken,
}

/// One connection.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Session {
    /// The peer there, by name where it is a contact; absent for a stranger.
    pub(crate) name: Option<String>,
    /// The peer there.
    pub(crate) peer_id: Option<String>,
    /// On which of our faces.
    pub(crate) face: String,
    /// What carries it.
    pub(crate) path: Path,
    /// The round trip, in milliseconds.
    pub(crate) rtt_ms: Option<f64>,
    /// Streams that are open.
    pub(crate) streams: u32,
    /// Bytes sent since it stands, as packets.
    pub(crate) bytes_sent: u64,
    /// Bytes received since it stands, as packets.
    pub(crate) bytes_received: u64,
}

/// Who the node is.
#[utoipa::path(get, path = "/api/v1/node", responses((status = 200, body = NodeInfo)))]
pub(super) async fn read(State(door): State<Door>) -> Answer<NodeInfo> {
    let devices = door.node().devices().await?;
    let shown = devices.iter().filter(|(face, _)| *face != Face::Visitor);
    let faces: BTreeMap<String, String> = shown
        .map(|(face, device)| (face_name(*face).to_owned(), device.to_string()))
        .collect();
    let device_id = faces
        .get(face_name(Face::Public))
        .cloned()
        .unwrap_or_default();
    let peer_id = door.node().peer_id().to_string();
    Ok(Json(NodeInfo {
        peer_id,
        device_id,
        faces,
        daemon: door.is_daemon(),
    }))
}

/// What the node is doing.
#[utoipa::path(get, path = "/api/v1/status", responses((status = 200, body = Status)))]
pub(super) async fn status(State(door): State<Door>) -> Answer<Status> {
    let node = door.node();
    let contacts = node.address_book().contacts().await?;
    let introducers = node.introducers().await?;
    let regards = node.address_book().regards().await?;
    let left_alone = contacts.iter().filter_map(|contact| {
        Some(LeftAlone {
            name: contact.petname.to_string(),
            peer_id: contact.peer.to_string(),
            takes_you_for: regards.get(&contact.peer).copied().map(Taken::of)?,
        })
    });
    let left_alone = left_alone.collect();
    let name_of = |peer| {
        let contact = contacts.iter().find(|contact| Some(contact.peer) == peer);
        contact.map(|contact| contact.petname.to_string())
    };
    let mut sessions = Vec::new();
    for session in node.sessions() {
        let (path, rtt_ms) = path_of(session.path);
        sessions.push(Session {
            name: name_of(session.peer),
            peer_id: session.peer.map(|peer| peer.to_string()),
            face: face_name(session.face).to_owned(),
            path,
            rtt_ms,
            streams: session.streams,
            bytes_sent: session.bytes.0,
            bytes_received: session.bytes.1,
        });
    }
    Ok(Json(Status {
        peer_id: node.peer_id().to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        daemon: door.is_daemon(),
        seconds: door.seconds(),
        introducers: introducers.iter().map(ToString::to_string).collect(),
        contacts: contacts.len(),
        sessions,
        left_alone,
        absent: absent(node).await?,
    }))
}

pub(super) fn face_name(face: Face) -> &'static str {
    match face {
        Face::Public => "public",
        Face::Contact => "contact",
        Face::Visitor => "visitor",
    }
}
