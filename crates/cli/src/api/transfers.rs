//! What is being fetched and served, and who says how it goes on.

use std::path::PathBuf;

use axum::Json;
use axum::extract::{Path, State};
use kith::Error;
use kith::peer::{self, TransferId, TransferState, Transfers, UploadInfo};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, Asked};
use super::door::Door;
use super::getting::{self, GetRequest, GetUpdated};
use super::named::{name_of, names_of};
use super::paths;
use super::priority::{self, FilePriority};
use crate::failure::Failure;

/// The word for each transfer there is, in the place of a number.
pub(crate) const ALL: &str = "all";

/// Something that is being fetched or served.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TransferInfo {
    /// The number by which it is paused, resumed and cancelled; none for what is served.
    pub(crate) id: Option<u64>,
    /// `download` or `upload`.
    pub(crate) direction: String,
    /// `waiting` (for somebody who has it), `running`, `paused`, `done`, `failed` or `cancelled`.
    pub(crate) state: String,
    /// Whether its owner is there, and it is not where they share it from: its folder was moved or removed, cannot be read, or is on a disk that is not
    /// plugged in.
    #[serde(default)]
    pub(crate) absent: bool,
    /// Whether files of it have changed at their owner, who is there and has not looked at them anew yet.
    #[serde(default)]
    pub(crate) examining: bool,
    /// Whose it is, or who is served: by name where they are a contact; none for a stranger.
    pub(crate) peer: Option<String>,
    /// By PeerId.
    pub(crate) peer_id: Option<String>,
    /// Whether it is fetched by a link.
    #[serde(default)]
    pub(crate) by_link: bool,
    /// What: the share's name, and the path in it.
    pub(crate) what: String,
    /// Bytes that are verified and written, those of earlier runs too; or that were served.
    pub(crate) bytes: u64,
    /// All bytes there are, where that is known.
    pub(crate) total: Option<u64>,
    /// Files that are whole.
    pub(crate) files: u64,
    /// Bytes a second, lately.
    pub(crate) rate: u64,
    /// How long it still takes at this rate, where that is known.
    pub(crate) seconds_left: Option<u64>,
    /// Whether the node goes on with it by itself.
    pub(crate) background: bool,
    /// The folder in which it appears.
    #[schema(value_type = Option<String>)]
    pub(crate) out: Option<PathBuf>,
    /// Why it failed.
    pub(crate) failure: Option<Failure>,
    /// Whether files of it were chosen: those are added to a folder that is there already, and nothing there is replaced.
    #[serde(default)]
    pub(crate) selects: bool,
    /// How soon its files are wanted, where that was said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) priorities: Vec<FilePriority>,
    /// Who gives what of it, or gave since the node began with it, those who gave most first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) sources: Vec<TransferSource>,
    /// What came of bringing it up to date, where that was wanted, since the node runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) updated: Option<GetUpdated>,
}

/// Somebody who gives something of a download.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TransferSource {
    /// By name where they are a contact; none for one that proved nothing.
    pub(crate) peer: Option<String>,
    /// By PeerId.
    pub(crate) peer_id: Option<String>,
    /// By what it comes now: `lane` (TLS on TCP), `lan`, `direct` or `relay`; none where nothing does.
    pub(crate) path: Option<String>,
    /// Bytes of files that came from them.
    pub(crate) bytes: u64,
    /// Bytes a second, lately.
    pub(crate) rate: u64,
    /// How much of each of 128 equal parts of the whole share came from them, in per cent.
    pub(crate) gave: Vec<u8>,
    /// How much of each part they are asked for now.
    pub(crate) asked: Vec<u8>,
}

/// How far a transfer is, as events tell it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TransferEvent {
    /// Its number.
    pub(crate) id: u64,
    /// As in the list of transfers.
    pub(crate) state: String,
    /// As in the list of transfers.
    pub(crate) absent: bool,
    /// As in the list of transfers.
    pub(crate) examining: bool,
    /// Whose it is.
    pub(crate) peer_id: String,
    /// What is fetched: the share and the path in it.
    pub(crate) what: String,
    /// Bytes that are verified and durable.
    pub(crate) bytes: u64,
    /// All bytes there are, where that is known.
    pub(crate) total: Option<u64>,
    /// Bytes a second, lately.
    pub(crate) rate: u64,
    /// As in the list of transfers.
    pub(crate) sources: Vec<TransferSource>,
}

/// How to end it.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
pub(crate) struct CancelRequest {
    /// Whether to keep what arrived of what is not whole yet, for the next time; it is deleted else.
    pub(crate) keep: bool,
}

/// Where to fetch it again.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AgainRequest {
    /// The absolute path of the folder in which it appears; the one of before when left out.
    #[schema(value_type = Option<String>)]
    pub(crate) out: Option<PathBuf>,
    /// Whether what is missing is added to what is there already under its name. Nothing there is replaced.
    pub(crate) adds: bool,
}

/// What is being fetched and served, and what has been fetched lately.
#[utoipa::path(get, path = "/api/v1/transfers", responses((status = 200, body = Vec<TransferInfo>)))]
pub(super) async fn list(State(door): State<Door>) -> Answer<Vec<TransferInfo>> {
    let contents = door.node().contents();
    let Json(mut all) = describe_all(&door, contents.transfers().list()).await?;
    all.extend(uploads(&door).await?);
    Ok(Json(all))
}

/// What is served.
pub(super) async fn uploads(door: &Door) -> Result<Vec<TransferInfo>, Error> {
    let mut described = Vec::new();
    for upload in door.node().contents().uploads().await? {
        described.push(describe_upload(door, upload).await);
    }
    Ok(described)
}

/// Begins to fetch, and leaves it to the node: it goes on when the call is over, and after a restart.
#[utoipa::path(post, path = "/api/v1/transfers", request_body = GetRequest,
    responses((status = 200, body = TransferInfo)))]
pub(super) async fn begin(
    State(door): State<Door>,
    Asked(asked): Asked<GetRequest>,
) -> Answer<TransferInfo> {
    if !door.is_daemon() {
        return Err(Failure::usage(
            "no node stays here that could go on with it: run 'kith up' first, or get it in the foreground",
        ));
    }
    let options = getting::options(&door, asked).await?;
    let transfers = door.node().contents().transfers();
    begun_as(&door, transfers.begin(options, true).await?.id()).await
}

/// What was just begun.
async fn begun_as(door: &Door, id: TransferId) -> Answer<TransferInfo> {
    let all = door.node().contents().transfers().list();
    let info = all.into_iter().find(|info| info.id == id);
    let info = info.ok_or_else(|| Failure::failed("it was cancelled meanwhile"))?;
    Ok(Json(describe(door, info).await))
}

/// Says how soon a file of a transfer is wanted, or a folder with all beneath it. It holds at once.
#[utoipa::path(post, path = "/api/v1/transfers/{id}/priority", params(("id", description = "a number")),
    request_body = FilePriority, responses((status = 200, body = Vec<TransferInfo>)))]
pub(super) async fn prioritise(
    State(door): State<Door>,
    Path(id): Path<String>,
    Asked(asked): Asked<FilePriority>,
) -> Answer<Vec<TransferInfo>> {
    let level = asked.level.parse().map_err(Error::from)?;
    let transfers = door.node().contents().transfers();
    let info = transfers
        .prioritise(id.parse()?, &asked.path, level)
        .await?;
    describe_all(&door, vec![info]).await
}

/// Stops transfers where they are.
#[utoipa::path(post, path = "/api/v1/transfers/{id}/pause", params(("id", description = "a number, or all")),
    responses((status = 200, body = Vec<TransferInfo>)))]
pub(super) async fn pause(
    State(door): State<Door>,
    Path(id): Path<String>,
) -> Answer<Vec<TransferInfo>> {
    let transfers = door.node().contents().transfers();
    let ids = named(&transfers, &id, |state| !state.is_over())?;
    let paused = each(ids.into_iter().map(|id| transfers.pause(id))).await?;
    describe_all(&door, paused).await
}

/// Goes on with transfers that are paused or have failed.
#[utoipa::path(post, path = "/api/v1/transfers/{id}/resume", params(("id", description = "a number, or all")),
    responses((status = 200, body = Vec<TransferInfo>)))]
pub(super) async fn resume(
    State(door): State<Door>,
    Path(id): Path<String>,
) -> Answer<Vec<TransferInfo>> {
    let transfers = door.node().contents().transfers();
    let is_to_resume = |state| matches!(state, TransferState::Paused | TransferState::Failed);
    let ids = named(&transfers, &id, is_to_resume)?;
    let resumed = each(ids.into_iter().map(|id| transfers.resume(id))).await?;
    describe_all(&door, resumed).await
}

/// Fetches the same as a transfer that has failed or is done once more, in its place: into another folder, or adding what is missing to the one that is
/// there already.
#[utoipa::path(post, path = "/api/v1/transfers/{id}/again", params(("id", description = "a number")),
    request_body = AgainRequest, responses((status = 200, body = TransferInfo)))]
pub(super) async fn again(
    State(door): State<Door>,
    Path(id): Path<String>,
    Asked(asked): Asked<AgainRequest>,
) -> Answer<TransferInfo> {
    if let Some(out) = &asked.out {
        paths::check(out)?;
    }
    let transfers = door.node().contents().transfers();
    let begun = transfers.again(id.parse()?, asked.out.as_deref(), asked.adds);
    begun_as(&door, begun.await?.id()).await
}

/// Ends transfers, and forgets those that are over.
#[utoipa::path(post, path = "/api/v1/transfers/{id}/cancel", params(("id", description = "a number, or all")),
    request_body = CancelRequest, responses((status = 200, body = Vec<TransferInfo>)))]
pub(super) async fn cancel(
    State(door): State<Door>,
    Path(id): Path<String>,
    Asked(asked): Asked<CancelRequest>,
) -> Answer<Vec<TransferInfo>> {
    let transfers = door.node().contents().transfers();
    let ids = named(&transfers, &id, |_| true)?;
    let cancelled = ids.into_iter().map(|id| transfers.cancel(id, !asked.keep));
    let cancelled = each(cancelled).await?;
    describe_all(&door, cancelled).await
}

/// Does something with each of several transfers, one after the other, also where it fails with some: the first failure is what is said then.
async fn each<F>(acts: impl Iterator<Item = F>) -> Result<Vec<peer::TransferInfo>, kith::Error>
where
    F: Future<Output = Result<peer::TransferInfo, kith::Error>>,
{
    let mut infos = Vec::new();
    let mut failed = Ok(());
    for act in acts {
        match act.await {
            Ok(info) => infos.push(info),
            Err(error) => failed = failed.and(Err(error)),
        }
    }
    failed.map(|()| infos)
}

/// A transfer as an event tells it.
pub(super) async fn tell(door: &Door, info: &peer::TransferInfo) -> TransferEvent {
    TransferEvent {
        id: info.id.0,
        state: info.state.name().to_owned(),
        absent: info.progress.absent,
        examining: info.progress.examining,
        peer_id: info.peer.to_string(),
        what: info.what.clone(),
        bytes: info.progress.bytes,
        total: info.progress.total,
        rate: info.progress.rate,
        sources: sources(door, info.id).await,
    }
}

/// Who gives what of a download.
async fn sources(door: &Door, id: TransferId) -> Vec<TransferSource> {
    let mut sources = Vec::new();
    for giver in door.node().contents().transfers().givers(id) {
        let (peer, peer_id) = names_of(door, giver.peer).await;
        sources.push(TransferSource {
            peer,
            peer_id,
            path: giver.carrier.map(|carrier| carrier.name().to_owned()),
            bytes: giver.bytes,
            rate: giver.rate,
            gave: giver.gave.to_vec(),
            asked: giver.asked.to_vec(),
        });
    }
    sources
}

/// The transfers that are meant: one, or all in these states.
fn named(
    transfers: &Transfers,
    text: &str,
    is_meant: impl Fn(TransferState) -> bool,
) -> Result<Vec<TransferId>, Failure> {
    if text != ALL {
        return Ok(vec![text.parse()?]);
    }
    let meant = transfers.list().into_iter();
    let meant = meant.filter(|info| is_meant(info.state));
    Ok(meant.map(|info| info.id).collect())
}

async fn describe_all(door: &Door, infos: Vec<peer::TransferInfo>) -> Answer<Vec<TransferInfo>> {
    let mut described = Vec::new();
    for info in infos {
        described.push(describe(door, info).await);
    }
    Ok(Json(described))
}

async fn describe(door: &Door, info: peer::TransferInfo) -> TransferInfo {
    let seconds_left = info.left().map(|left| left.as_secs());
    let peer_id = info.peer.to_string();
    let sources = sources(door, info.id).await;
    TransferInfo {
        id: Some(info.id.0),
        direction: "download".to_owned(),
        state: info.state.name().to_owned(),
        absent: info.progress.absent,
        examining: info.progress.examining,
        peer: Some(name_of(door, &peer_id).await),
        peer_id: Some(peer_id),
        by_link: info.by_link,
        what: info.what,
        bytes: info.progress.bytes,
        total: info.progress.total,
        files: info.progress.files,
        rate: info.progress.rate,
        seconds_left,
        background: info.background,
        out: Some(info.out),
        failure: info.failure.map(Failure::from),
        selects: info.selects,
        priorities: priority::described(&info.priorities),
        sources,
        updated: info.updated.map(GetUpdated::from),
    }
}

async fn describe_upload(door: &Door, upload: UploadInfo) -> TransferInfo {
    let peer_id = upload.peer.map(|peer| peer.to_string());
    let peer = match &peer_id {
        Some(peer_id) => Some(name_of(door, peer_id).await),
        None => None,
    };
    TransferInfo {
        id: None,
        direction: "upload".to_owned(),
        state: "running".to_owned(),
        absent: false,
        examining: false,
        peer,
        peer_id,
        by_link: false,
        what: upload.name,
        bytes: upload.bytes,
        total: None,
        files: 0,
        rate: upload.rate,
        seconds_left: None,
        background: false,
        out: None,
        failure: None,
        selects: false,
        priorities: Vec::new(),
        sources: Vec::new(),
        updated: None,
    }
}
