//! The network as this node knows it: its own sessions and introducers, and nothing of what others do.

use axum::Json;
use axum::extract::State;
use kith::core::introducer::Introducer;
use kith::peer::SessionInfo;
use kith::routing::PathInfo;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Answer;
use super::contacts::{Path, milliseconds, path_of};
use super::door::Door;
use super::node::face_name;

/// What this node knows of the network.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct NetworkInfo {
    /// This node.
    pub(crate) peer_id: String,
    /// The connections that stand.
    pub(crate) sessions: Vec<NetworkSession>,
    /// The introducers it uses.
    pub(crate) introducers: Vec<IntroducerInfo>,
}

/// One connection.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct NetworkSession {
    /// The peer there, by name where it is a contact; absent for a stranger.
    pub(crate) name: Option<String>,
    /// The peer there.
    pub(crate) peer_id: Option<String>,
    /// The device there.
    pub(crate) device_id: String,
    /// On which of our faces.
    pub(crate) face: String,
    /// What carries it now.
    pub(crate) path: Path,
    /// The round trip over that, in milliseconds.
    pub(crate) rtt_ms: Option<f64>,
    /// Who told where they are, when they were looked for last: `invite`, `lan`, `introducer` and so on.
    pub(crate) found_by: Option<String>,
    /// For how long its connection has stood, in seconds.
    pub(crate) seconds: u64,
    /// Streams that are open.
    pub(crate) streams: u32,
    /// Bytes sent since it stands, as packets.
    pub(crate) bytes_sent: u64,
    /// Bytes received since it stands, as packets.
    pub(crate) bytes_received: u64,
    /// The paths that are open, the one that data takes first.
    pub(crate) paths: Vec<NetworkPath>,
}

/// One path of a connection.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct NetworkPath {
    /// What carries it.
    pub(crate) path: Path,
    /// Whether data takes it now.
    pub(crate) selected: bool,
    /// The round trip, in milliseconds.
    pub(crate) rtt_ms: f64,
    /// Bytes sent over it, as packets.
    pub(crate) bytes_sent: u64,
    /// Bytes received over it, as packets.
    pub(crate) bytes_received: u64,
}

/// An introducer that is used.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct IntroducerInfo {
    /// Its line, by which others use it too.
    pub(crate) line: String,
    /// Its key.
    pub(crate) device_id: String,
    /// The addresses that its line says.
    pub(crate) addresses: Vec<String>,
    /// Whether it answered when it was asked last, as far as it was.
    pub(crate) answers: bool,
    /// The round trip then, in milliseconds; none where it does not answer, or was not asked yet.
    pub(crate) rtt_ms: Option<f64>,
    /// Bytes sent through its relay, as packets, on the paths that are open now.
    pub(crate) bytes_sent: u64,
    /// Bytes received through it on these.
    pub(crate) bytes_received: u64,
}

/// What this node knows of the network: its sessions, over which paths, and its introducers.
#[utoipa::path(get, path = "/api/v1/network", responses((status = 200, body = NetworkInfo)))]
pub(super) async fn read(State(door): State<Door>) -> Answer<NetworkInfo> {
    Ok(Json(describe(&door).await?))
}

/// The network as it is now.
pub(super) async fn describe(door: &Door) -> Result<NetworkInfo, kith::Error> {
    let node = door.node();
    let contacts = node.address_book().contacts().await?;
    let name_of = |peer| {
        let contact = contacts.iter().find(|contact| contact.peer == peer);
        contact.map(|contact| contact.petname.to_string())
    };
    let sessions = node.sessions().into_iter().map(|session| {
        let name = session.peer.and_then(name_of);
        let found_by = session.peer.and_then(|peer| node.found_by(peer));
        let found_by = found_by.map(|source| source.name().to_owned());
        describe_session(session, name, found_by)
    });
    let sessions = sessions.collect();
    Ok(NetworkInfo {
        peer_id: node.peer_id().to_string(),
        sessions,
        introducers: introducers(door).await?,
    })
}

/// The introducers that are used.
pub(super) async fn introducers(door: &Door) -> Result<Vec<IntroducerInfo>, kith::Error> {
    let states = door.node().introducer_states().await?;
    let told = states.into_iter().map(|state| IntroducerInfo {
        device_id: state.introducer.key.to_string(),
        addresses: (state.introducer.addresses.iter())
            .map(ToString::to_string)
            .collect(),
        line: state.introducer.to_string(),
        answers: state.answers,
        rtt_ms: state.round_trip.map(milliseconds),
        bytes_sent: state.bytes.0,
        bytes_received: state.bytes.1,
    });
    Ok(told.collect())
}

/// Those that would be used, and are not asked.
pub(super) fn introducers_off(introducers: &[Introducer]) -> Vec<IntroducerInfo> {
    let told = introducers.iter().map(|introducer| IntroducerInfo {
        line: introducer.to_string(),
        device_id: introducer.key.to_string(),
        addresses: introducer
            .addresses
            .iter()
            .map(ToString::to_string)
            .collect(),
        answers: false,
        rtt_ms: None,
        bytes_sent: 0,
        bytes_received: 0,
    });
    told.collect()
}

fn describe_session(
    session: SessionInfo,
    name: Option<String>,
    found_by: Option<String>,
) -> NetworkSession {
    let (path, rtt_ms) = path_of(session.path);
    NetworkSession {
        name,
        peer_id: session.peer.map(|peer| peer.to_string()),
        device_id: session.device.to_string(),
        face: face_name(session.face).to_owned(),
        path,
        rtt_ms,
        found_by,
        seconds: session.since.elapsed().as_secs(),
        streams: session.streams,
        bytes_sent: session.bytes.0,
        bytes_received: session.bytes.1,
        paths: session.paths.into_iter().map(describe_path).collect(),
    }
}

fn describe_path(path: PathInfo) -> NetworkPath {
    let (kind, _) = path_of(Some(path.summary));
    NetworkPath {
        path: kind,
        selected: path.is_selected,
        rtt_ms: milliseconds(path.summary.rtt),
        bytes_sent: path.bytes.0,
        bytes_received: path.bytes.1,
    }
}
