//! How fast content may move.

use axum::Json;
use axum::extract::State;
use kith::config::limits::{read_cap, read_days, read_hours, write_cap, write_days, write_hours};
use kith::core::content::limits::{Cap, Caps, PEERS_MAX, PERIODS_MAX, PeerCaps, Period, Plan};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, Asked};
use super::door::Door;
use super::named::{Named, name_of};
use crate::failure::Failure;

/// The word that takes back what was said of a rate.
const DEFAULT: &str = "default";

/// The rates as they hold at this hour, and as they are wanted.
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
    /// What holds at hours that have no rates of their own.
    pub(crate) usual: UsualLimitsInfo,
    /// Whether the limits hold within the local network too.
    pub(crate) local: bool,
    /// The rates of certain hours; of two periods that hold at once, the later has the say.
    pub(crate) schedule: Vec<PeriodInfo>,
    /// The rates of single peers, near and far.
    pub(crate) peers: Vec<PeerLimitsInfo>,
}

/// The usual rates, as `2 MiB/s` or `none`.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct UsualLimitsInfo {
    /// To all distant peers together.
    pub(crate) upload: String,
    /// To each of them.
    pub(crate) upload_each: String,
    /// From all of them together.
    pub(crate) download: String,
    /// From each of them.
    pub(crate) download_each: String,
}

/// The rates of certain hours, as `2 MiB/s` or `none`; as usually where nothing is said.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct PeriodInfo {
    /// On which days it begins, such as `mon`; none for all.
    pub(crate) days: Vec<String>,
    /// Such as `22:00-06:00`, where the node is.
    pub(crate) hours: String,
    /// To all distant peers together.
    pub(crate) upload: Option<String>,
    /// To each of them.
    pub(crate) upload_each: Option<String>,
    /// From all of them together.
    pub(crate) download: Option<String>,
    /// From each of them.
    pub(crate) download_each: Option<String>,
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
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct LimitsChange {
    /// Of this peer alone, by petname or PeerId; of all when left out.
    pub(crate) peer: Option<String>,
    /// At these hours alone, such as `22:00-06:00`; usually when left out. Not with a peer.
    pub(crate) hours: Option<String>,
    /// On these days, such as `mon`; on all when left out. Only with hours.
    #[serde(default)]
    pub(crate) days: Vec<String>,
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
    let peer = match (&asked.peer, &asked.hours) {
        (Some(_), Some(_)) => {
            return Err(Failure::usage("a peer's rates hold at all hours"));
        }
        (Some(peer), None) => Some(Named::find(&door, peer).await?),
        (None, _) => None,
    };
    let change = |plan: &mut Plan| match (&peer, &asked.hours) {
        (Some(peer), _) => change_peer(plan, peer, &asked),
        (None, Some(hours)) => change_hours(plan, hours, &asked),
        (None, None) => change_usual(plan, &asked),
    };
    contents.change_plan(change).await?;
    door.settings_changed();
    Ok(Json(describe(&door).await))
}

fn change_usual(plan: &mut Plan, asked: &LimitsChange) -> Result<(), Failure> {
    if !asked.days.is_empty() {
        return Err(Failure::usage("days go with hours: 00:00-24:00 are all"));
    }
    change_caps(&mut plan.usual, asked)?;
    if plan.usual.upload.is_none() {
        plan.usual.upload = Plan::default().usual.upload;
    }
    plan.local = asked.local.unwrap_or(plan.local);
    Ok(())
}

/// Changes the period of exactly these hours and days, makes it where there is none, and takes it away when it says nothing any more.
fn change_hours(plan: &mut Plan, hours: &str, asked: &LimitsChange) -> Result<(), Failure> {
    if asked.local.is_some() {
        return Err(Failure::usage(
            "whether limits hold within the local network does not go by the hour",
        ));
    }
    let (from, until) = read_hours(hours).map_err(Failure::usage)?;
    let days = read_days(&asked.days).map_err(Failure::usage)?;
    let is_same = |it: &Period| (it.days, it.from, it.until) == (days, from, until);
    let at = plan.schedule.iter().position(is_same);
    let mut period = Period {
        days,
        from,
        until,
        caps: at.map_or_else(Caps::default, |at| plan.schedule[at].caps),
    };
    change_caps(&mut period.caps, asked)?;
    let says_nothing = period.caps == Caps::default();
    match at {
        Some(at) if says_nothing => drop(plan.schedule.remove(at)),
        Some(at) => plan.schedule[at] = period,
        None if says_nothing => {}
        None if plan.schedule.len() < PERIODS_MAX => plan.schedule.push(period),
        None => {
            let most = format!("at most {PERIODS_MAX} periods have rates of their own");
            return Err(Failure::failed(most));
        }
    }
    Ok(())
}

fn change_caps(caps: &mut Caps, asked: &LimitsChange) -> Result<(), Failure> {
    for (text, cap) in [
        (&asked.upload, &mut caps.upload),
        (&asked.upload_each, &mut caps.upload_each),
        (&asked.download, &mut caps.download),
        (&asked.download_each, &mut caps.download_each),
    ] {
        if let Some(text) = text {
            *cap = wanted(text)?;
        }
    }
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
        usual: describe_usual(&plan.usual),
        local: plan.local,
        schedule: plan.schedule.iter().map(describe_period).collect(),
        peers,
    }
}

fn describe_usual(usual: &Caps) -> UsualLimitsInfo {
    let written = |cap: Option<Cap>| write_cap(cap.unwrap_or(Cap::Unlimited));
    UsualLimitsInfo {
        upload: written(usual.upload),
        upload_each: written(usual.upload_each),
        download: written(usual.download),
        download_each: written(usual.download_each),
    }
}

fn describe_period(period: &Period) -> PeriodInfo {
    let days = write_days(period).into_iter();
    PeriodInfo {
        days: days.map(str::to_owned).collect(),
        hours: write_hours(period),
        upload: period.caps.upload.map(write_cap),
        upload_each: period.caps.upload_each.map(write_cap),
        download: period.caps.download.map(write_cap),
        download_each: period.caps.download_each.map(write_cap),
    }
}
