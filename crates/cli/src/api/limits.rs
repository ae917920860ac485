//! How fast content may move.

use axum::Json;
use axum::extract::State;
use kith::config::Config;
use kith::config::limits::{read_cap, write_cap};
use kith::core::content::limits::{Cap, PEERS_MAX, PeerCaps, Plan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, Asked};
use super::door::Door;
use super::named::{Named, name_of};
use crate::failure::Failure;

/// The word that takes back what was said of a rate.
const DEFAULT: &str = "default";

/// The rates as they are wanted, and as they hold at this hour.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct LimitsInfo {
    /// To all distant peers together, in bytes a second now; none where there is no limit.
    pub(crate) upload: Option<u64>,
    /// To each of them.
    pub(crate) upload_each: Option<u64>,
    /// From all of them together.
    pub(crate) download: Option<u64>,
    /// From each of them.
    pub(crate) download_each: Option<u64>,
    /// Whether the limits hold within the local network too.
    pub(crate) local: bool,
    /// How many periods the schedule in config.toml has.
    pub(crate) periods: usize,
    /// The rates of single peers, near and far.
    pub(crate) peers: Vec<PeerLimitsInfo>,
}

/// The rates of one peer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct PeerLimitsInfo {
    /// By name, where they are a contact.
    pub(crate) peer: String,
    /// Who.
    pub(crate) peer_id: String,
    /// To them, as `2 MiB/s` or `none`; as for each where nothing is said.
    pub(crate) upload: Option<String>,
    /// From them.
    pub(crate) download: Option<String>,
}

/// What is to be otherwise; what is left out stays. A rate is written as `2 MiB/s`, `16 Mbit/s`, `none` or `default`.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct LimitsChange {
    /// Of this peer alone, by petname or PeerId; of all when left out.
    pub(crate) peer: Option<String>,
    /// To all together, or to the peer.
    pub(crate) upload: Option<String>,
    /// To each; not with a peer.
    pub(crate) upload_each: Option<String>,
    /// From all together, or from the peer.
    pub(crate) download: Option<String>,
    /// From each; not with a peer.
    pub(crate) download_each: Option<String>,
    /// Whether limits hold within the local network too; not with a peer.
    pub(crate) local: Option<bool>,
}

/// What holds.
#[utoipa::path(get, path = "/api/v1/limits", responses((status = 200, body = LimitsInfo)))]
pub(super) async fn read(State(door): State<Door>) -> Answer<LimitsInfo> {
    Ok(Json(describe(&door).await))
}

/// Changes what holds, from now on and in config.toml.
#[utoipa::path(post, path = "/api/v1/limits", request_body = LimitsChange,
    responses((status = 200, body = LimitsInfo)))]
pub(super) async fn change(
    State(door): State<Door>,
    Asked(asked): Asked<LimitsChange>,
) -> Answer<LimitsInfo> {
    let contents = door.node().contents();
    let mut plan = contents.plan();
    match &asked.peer {
        Some(peer) => change_peer(&mut plan, &Named::find(&door, peer).await?, &asked)?,
        None => change_all(&mut plan, &asked)?,
    }
    Config::keep_limits(&door.node().home().config(), &plan).map_err(Failure::failed)?;
    contents.set_plan(plan);
    Ok(Json(describe(&door).await))
}

fn change_all(plan: &mut Plan, asked: &LimitsChange) -> Result<(), Failure> {
    let (usual, default) = (&mut plan.usual, Plan::default().usual);
    for (text, cap, default) in [
        (&asked.upload, &mut usual.upload, default.upload),
        (&asked.upload_each, &mut usual.upload_each, None),
        (&asked.download, &mut usual.download, None),
        (&asked.download_each, &mut usual.download_each, None),
    ] {
        if let Some(text) = text {
            *cap = wanted(text)?.or(default);
        }
    }
    plan.local = asked.local.unwrap_or(plan.local);
    Ok(())
}

fn change_peer(plan: &mut Plan, named: &Named, asked: &LimitsChange) -> Result<(), Failure> {
    if asked.upload_each.is_some() || asked.download_each.is_some() || asked.local.is_some() {
        return Err(Failure::usage(
            "one peer has an upload and a download rate; the others are for all",
        ));
    }
    let mut caps = plan.peers.get(&named.peer).copied().unwrap_or_default();
    if let Some(text) = &asked.upload {
        caps.upload = wanted(text)?;
    }
    if let Some(text) = &asked.download {
        caps.download = wanted(text)?;
    }
    if caps == PeerCaps::default() {
        plan.peers.remove(&named.peer);
    } else if plan.peers.contains_key(&named.peer) || plan.peers.len() < PEERS_MAX {
        plan.peers.insert(named.peer, caps);
    } else {
        let most = format!("at most {PEERS_MAX} peers have rates of their own");
        return Err(Failure::failed(most));
    }
    Ok(())
}

/// A rate as it is wanted; `None` to say nothing of it.
fn wanted(text: &str) -> Result<Option<Cap>, Failure> {
    if text == DEFAULT {
        return Ok(None);
    }
    read_cap(text).map(Some).map_err(Failure::usage)
}

async fn describe(door: &Door) -> LimitsInfo {
    let contents = door.node().contents();
    let (plan, limits) = (contents.plan(), *contents.limits().borrow());
    let mut peers = Vec::new();
    for (peer, caps) in &plan.peers {
        let peer_id = peer.to_string();
        peers.push(PeerLimitsInfo {
            peer: name_of(door, &peer_id).await,
            peer_id,
            upload: caps.upload.map(write_cap),
            download: caps.download.map(write_cap),
        });
    }
    LimitsInfo {
        upload: limits.upload,
        upload_each: limits.upload_each,
        download: limits.download,
        download_each: limits.download_each,
        local: plan.local,
        periods: plan.schedule.len(),
        peers,
    }
}
