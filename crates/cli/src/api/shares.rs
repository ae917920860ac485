//! What is shared here, and copies of what others share.

use std::path::PathBuf;

use axum::Json;
use axum::extract::{Path, State};
use kith::Error;
use kith::content::{AudienceKind, Copy, NewShare};
use kith::core::data::head::Head;
use kith::core::data::link::Link;
use kith::data::scan::LeftOut;
use kith::peer::MyShare;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, Asked};
use super::door::Door;
use super::named::name_of;
use super::paths;

/// What to share, and with whom.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShareRequest {
    /// Absolute paths of files and folders.
    #[schema(value_type = Vec<String>)]
    pub(crate) paths: Vec<PathBuf>,
    /// Who may have it: `contacts`, `named`, `link` or `public`. When left out, `named` where somebody is, else what the settings say.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(crate) audience: Option<AudienceKind>,
    /// The named contacts, petnames or PeerIds.
    #[serde(default)]
    pub(crate) with: Vec<String>,
    /// What to call it; the first path's own name when left out.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// Whether pictures are shared without what they say beside their pixels (place, time, camera, words), and nothing else is: JPEG, PNG and
    /// WebP, also those that come later. The files stay as they are.
    #[serde(default)]
    pub(crate) bare: bool,
}

/// Who may have something from now on.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AudienceRequest {
    /// `contacts`, `named`, `link` or `public`.
    #[schema(value_type = String)]
    pub(crate) audience: AudienceKind,
    /// The named contacts, petnames or PeerIds: all of them, whoever was named before.
    #[serde(default)]
    pub(crate) with: Vec<String>,
}

/// A share of this node.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ShareInfo {
    /// Its id.
    pub(crate) share_id: String,
    /// The link to hand to others.
    pub(crate) link: String,
    /// The hash of this version.
    pub(crate) hash: String,
    /// Bytes of its files.
    pub(crate) bytes: u64,
    /// Its files.
    pub(crate) files: u64,
    /// What it is called.
    pub(crate) name: String,
    /// Who may have it: `contacts`, `named`, `link` or `public`.
    #[schema(value_type = String)]
    pub(crate) audience: AudienceKind,
    /// The named contacts.
    pub(crate) with: Vec<String>,
    /// Their PeerIds, in the same order.
    pub(crate) with_peers: Vec<String>,
    /// Where it lies.
    #[schema(value_type = Vec<String>)]
    pub(crate) paths: Vec<PathBuf>,
    /// The first of these that is not there, or cannot be read, such as a folder on a disk that is not plugged in: nobody gets what is not there, and it
    /// goes on when it is back. Left out where all are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub(crate) absent: Option<PathBuf>,
    /// Whether that is because its disk does not answer, as a network disk whose server is away; left out where it does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) silent: bool,
    /// Whether its pictures are shared without what they say beside their pixels, and nothing else is.
    pub(crate) bare: bool,
    /// Whether its folder is the node's own, so that files can be put into it.
    pub(crate) album: bool,
    /// Whose it is, where it is a copy of somebody else's that is provided here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    /// Their PeerId.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owner_id: Option<String>,
    /// Whether it is provided for good, and makes no room for other copies: every own share is.
    pub(crate) kept: bool,
    /// The contacts who provide it too, as far as they said so.
    pub(crate) providers: Vec<String>,
    /// Who was given what of it by this node, the latest first; the last few hundred.
    pub(crate) fetches: Vec<FetchInfo>,
    /// What is not in it, and why; the first hundred of them, when it has just been made or is asked for by itself.
    pub(crate) left_out: Vec<String>,
    /// How many things that lie there are not in it.
    pub(crate) left_out_count: u64,
}

/// What somebody was given of a share.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct FetchInfo {
    /// By name, where they are a contact; left out for all who came as strangers, by a link or to a public share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peer: Option<String>,
    /// Who.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peer_id: Option<String>,
    /// Bytes of files, in all.
    pub(crate) bytes: u64,
    /// When the first were given, in milliseconds since 1970.
    pub(crate) first: u64,
    /// When the last were.
    pub(crate) last: u64,
    /// Whether they were given as many bytes of one version as it holds.
    pub(crate) whole: bool,
}

/// A share that is no more.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Unshared {
    /// Its id.
    pub(crate) share_id: String,
    /// What it was called.
    pub(crate) name: String,
}

/// Shares files where they lie.
#[utoipa::path(post, path = "/api/v1/shares", request_body = ShareRequest,
    responses((status = 200, body = ShareInfo)))]
pub(super) async fn share(
    State(door): State<Door>,
    Asked(asked): Asked<ShareRequest>,
) -> Answer<ShareInfo> {
    for path in &asked.paths {
        paths::check(path)?;
    }
    let contents = door.node().contents();
    let recipients = contents.recipients(asked.audience, &asked.with).await?;
    let new = NewShare {
        paths: asked.paths,
        recipients,
        name: asked.name,
        bare: asked.bare,
    };
    let published = contents.share(new).await?;
    let mut info = describe(&door, published.share).await;
    info.left_out = told(&published.left_out);
    Ok(Json(info))
}

/// What is shared here, and copies of what others share.
#[utoipa::path(get, path = "/api/v1/shares", responses((status = 200, body = Vec<ShareInfo>)))]
pub(super) async fn shares(State(door): State<Door>) -> Answer<Vec<ShareInfo>> {
    let mut infos = Vec::new();
    let contents = door.node().contents();
    for share in contents.shares().await? {
        infos.push(describe(&door, share).await);
    }
    for copy in contents.copies().await? {
        infos.push(describe_copy(&door, copy).await);
    }
    Ok(Json(infos))
}

/// One share of this node, or one copy.
#[utoipa::path(get, path = "/api/v1/shares/{share}", params(("share", description = "id, name or link")),
    responses((status = 200, body = ShareInfo)))]
pub(super) async fn my_share(
    State(door): State<Door>,
    Path(share): Path<String>,
) -> Answer<ShareInfo> {
    let contents = door.node().contents();
    let mine = match contents.my_share(&share).await {
        Err(Error::UnknownOwnShare) => {
            return Ok(Json(
                describe_copy(&door, contents.copy(&share).await?).await,
            ));
        }
        mine => mine?,
    };
    let left_out = contents.left_out(mine.head.share).await?;
    let mut info = describe(&door, mine).await;
    info.left_out = told(&left_out);
    Ok(Json(info))
}

/// What is left out, as it is told.
fn told(left_out: &[LeftOut]) -> Vec<String> {
    let each = left_out.iter();
    each.map(|it| format!("{}: {}", it.path.display(), it.why))
        .collect()
}

/// Shares something with others than until now. Who may not have it any more gets nothing from then on; who comes in addition has it at once.
#[utoipa::path(post, path = "/api/v1/shares/{share}/audience", params(("share", description = "id, name or link")),
    request_body = AudienceRequest, responses((status = 200, body = ShareInfo)))]
pub(super) async fn set_audience(
    State(door): State<Door>,
    Path(share): Path<String>,
    Asked(asked): Asked<AudienceRequest>,
) -> Answer<ShareInfo> {
    let contents = door.node().contents();
    let recipients = contents
        .recipients(Some(asked.audience), &asked.with)
        .await?;
    let share = contents.set_audience(&share, recipients).await?;
    Ok(Json(describe(&door, share).await))
}

/// Takes a share back, or provides a copy no longer.
#[utoipa::path(delete, path = "/api/v1/shares/{share}", params(("share", description = "id, name or link")),
    responses((status = 200, body = Unshared)))]
pub(super) async fn unshare(
    State(door): State<Door>,
    Path(share): Path<String>,
) -> Answer<Unshared> {
    let head = door.node().contents().unshare(&share).await?;
    Ok(Json(head.into()))
}

impl From<Head> for Unshared {
    fn from(head: Head) -> Self {
        Self {
            share_id: head.share.to_string(),
            name: head.name,
        }
    }
}

/// A share of this node, as it is told.
pub(super) async fn describe(door: &Door, share: MyShare) -> ShareInfo {
    let (mut with, mut with_peers) = (Vec::new(), Vec::new());
    for peer in &share.named {
        with.push(name_of(door, &peer.to_string()).await);
        with_peers.push(peer.to_string());
    }
    let mut providers = Vec::new();
    for peer in door.node().contents().provided_by(&share.head.share) {
        providers.push(name_of(door, &peer.to_string()).await);
    }
    let mut fetches = Vec::new();
    for fetch in &share.fetches {
        let peer_id = fetch.peer.map(|peer| peer.to_string());
        let peer = match &peer_id {
            Some(peer_id) => Some(name_of(door, peer_id).await),
            None => None,
        };
        fetches.push(FetchInfo {
            peer,
            peer_id,
            bytes: fetch.bytes,
            first: fetch.first.0,
            last: fetch.last.0,
            whole: fetch.whole.is_some(),
        });
    }
    let album = door.node().contents().is_album(&share);
    ShareInfo {
        share_id: share.head.share.to_string(),
        link: share.link.to_string(),
        hash: share.head.manifest.to_string(),
        bytes: share.head.totals.bytes,
        files: share.head.totals.files,
        name: share.head.name,
        audience: AudienceKind::from(&share.head.audience),
        with,
        with_peers,
        bare: share.bare,
        album,
        paths: share.roots,
        absent: share.absent,
        silent: share.silent,
        owner: None,
        owner_id: None,
        kept: true,
        providers,
        fetches,
        left_out: Vec::new(),
        left_out_count: share.left_out,
    }
}

/// A copy, told as a share.
async fn describe_copy(door: &Door, copy: Copy) -> ShareInfo {
    let owner_id = copy.head.owner.to_string();
    let owner = name_of(door, &owner_id).await;
    let totals = copy.part.unwrap_or(copy.head.totals);
    let copied = MyShare {
        link: Link::new(copy.head.share, copy.head.owner, None, &copy.head.name),
        head: copy.head,
        roots: vec![copy.target],
        absent: None,
        silent: false,
        named: Vec::new(),
        bare: false,
        left_out: 0,
        fetches: Vec::new(),
    };
    ShareInfo {
        owner: Some(owner),
        owner_id: Some(owner_id),
        kept: copy.kept,
        bytes: totals.bytes,
        files: totals.files,
        ..describe(door, copied).await
    }
}
