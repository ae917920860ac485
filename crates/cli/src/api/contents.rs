//! What is shared here, and what others share.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use futures_util::future::join_all;
use kith::Error;
use kith::content::{Copy, NewShare, Recipients};
use kith::core::data::head::{Audience, Head};
use kith::core::data::link::Link;
use kith::core::data::manifest::Entry;
use kith::core::identity::{Contact, ContactState};
use kith::core::ids::BlobHash;
use kith::peer::{GetOptions, MyShare, TransferInfo, TransferState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, Asked, lines};
use super::door::Door;
use super::named::name_of;
use super::priority::{self, FilePriority};
use crate::failure::Failure;

/// The least time between two progress lines: what an eye follows.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// How long each contact may take to say what they share, when all are asked.
const EACH_WITHIN: Duration = Duration::from_secs(5);

/// What to share, and with whom.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ShareRequest {
    /// Absolute paths of files and folders.
    #[schema(value_type = Vec<String>)]
    pub(crate) paths: Vec<PathBuf>,
    /// With these contacts, petnames or PeerIds; with all confirmed ones when empty.
    pub(crate) with: Vec<String>,
    /// With whoever holds the link, instead.
    pub(crate) link: bool,
    /// With everyone, instead.
    pub(crate) public: bool,
    /// What to call it; the first path's own name when left out.
    pub(crate) name: Option<String>,
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
    pub(crate) audience: String,
    /// The named contacts.
    pub(crate) with: Vec<String>,
    /// Where it lies.
    #[schema(value_type = Vec<String>)]
    pub(crate) paths: Vec<PathBuf>,
    /// Whether its folder is the node's own, so that files can be put into it.
    pub(crate) album: bool,
    /// Whose it is, where it is a copy of somebody else's that is provided here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owner: Option<String>,
    /// Whether it is provided for good, and makes no room for other copies: every own share is.
    pub(crate) kept: bool,
    /// The contacts who provide it too, as far as they said so.
    pub(crate) providers: Vec<String>,
    /// Who was given what of it by this node, the latest first; the last few hundred.
    pub(crate) fetches: Vec<FetchInfo>,
    /// What is not in it, and why; the first of them, when it has just been made.
    pub(crate) left_out: Vec<String>,
    /// How many things are not in it.
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

/// Where to look.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LookAt {
    /// `PEER[/SHARE[/PATH]]` or a link; what every contact shares when left out.
    pub(crate) path: Option<String>,
}

/// Something that somebody shares.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Listed {
    /// `share`, `file`, `directory` or `symlink`.
    pub(crate) kind: String,
    /// What it is called.
    pub(crate) name: String,
    /// Bytes of its files.
    pub(crate) bytes: u64,
    /// Its files.
    pub(crate) files: u64,
    /// Whose it is, when shares are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peer: Option<String>,
    /// Its id, when shares are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) share_id: Option<String>,
    /// The hash of this version, when shares are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hash: Option<String>,
}

/// What to fetch.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct GetRequest {
    /// A link, or `PEER/SHARE[/PATH]`.
    pub(crate) source: String,
    /// The absolute path of the folder in which it appears.
    #[schema(value_type = String)]
    pub(crate) out: PathBuf,
    /// Patterns of the files that are wanted; all when empty.
    pub(crate) only: Vec<String>,
    /// For how long to wait for someone who has it, in milliseconds.
    pub(crate) wait_ms: u64,
    /// The hash of the version it must have.
    pub(crate) at: Option<String>,
    /// Whether to provide it to others who may have it.
    pub(crate) provide: bool,
    /// Whether it never makes room for other copies.
    pub(crate) keep: bool,
    /// How soon its files are wanted, where that is to be other than normal.
    #[serde(default)]
    pub(crate) priorities: Vec<FilePriority>,
}

/// How fetching goes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum GetEvent {
    /// It goes on.
    Progress {
        /// Bytes that are verified and durable, those of earlier runs too.
        bytes: u64,
        /// All bytes there are, where that is known.
        total: Option<u64>,
        /// Bytes a second, lately.
        rate: u64,
        /// Files that are whole.
        files: u64,
        /// Whether nobody who has it is there now.
        waiting: bool,
        /// Whether it was paused, and goes on when it is resumed.
        paused: bool,
        /// The number by which it is paused, resumed and cancelled.
        id: u64,
    },
    /// All is there.
    Done {
        /// Bytes of files, those of earlier runs too.
        bytes: u64,
        /// Files.
        files: u64,
        /// How long this run took.
        seconds: f64,
        /// Where this run's bytes came from.
        sources: Vec<GetSource>,
        /// Where it is.
        #[schema(value_type = String)]
        path: PathBuf,
        /// Symbolic links that were not made, because they lead out of what was fetched.
        links_left_out: u64,
    },
}

/// Somebody bytes came from.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct GetSource {
    /// By name, where they are a contact.
    pub(crate) peer: String,
    /// Who.
    pub(crate) peer_id: String,
    /// Bytes of files.
    pub(crate) bytes: u64,
}

/// Shares files where they lie.
#[utoipa::path(post, path = "/api/v1/shares", request_body = ShareRequest,
    responses((status = 200, body = ShareInfo)))]
pub(super) async fn share(
    State(door): State<Door>,
    Asked(asked): Asked<ShareRequest>,
) -> Answer<ShareInfo> {
    let recipients = match (asked.link, asked.public, asked.with.is_empty()) {
        (false, false, true) => Recipients::Contacts,
        (true, false, true) => Recipients::Link,
        (false, true, true) => Recipients::Public,
        (false, false, false) => {
            let mut named = Vec::new();
            for name in &asked.with {
                named.push(door.node().find(name).await?.peer);
            }
            Recipients::Named(named)
        }
        _ => {
            return Err(Failure::usage(
                "share with named contacts, by link, or with everyone",
            ));
        }
    };
    let new = NewShare {
        paths: asked.paths,
        recipients,
        name: asked.name,
    };
    let published = door.node().contents().share(new).await?;
    let mut info = describe(&door, published.share).await;
    let left_out = published.left_out.iter();
    info.left_out = left_out
        .map(|it| format!("{}: {}", it.path.display(), it.why))
        .collect();
    info.left_out_count = published.left_out_count;
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
    Ok(Json(match contents.my_share(&share).await {
        Err(Error::NotFound(_)) => describe_copy(&door, contents.copy(&share).await?).await,
        mine => describe(&door, mine?).await,
    }))
}

/// Takes a share back, or provides a copy no longer.
#[utoipa::path(delete, path = "/api/v1/shares/{share}", params(("share", description = "id, name or link")),
    responses((status = 200, body = Unshared)))]
pub(super) async fn unshare(
    State(door): State<Door>,
    Path(share): Path<String>,
) -> Answer<Unshared> {
    let head = door.node().contents().unshare(&share).await?;
    Ok(Json(Unshared {
        share_id: head.share.to_string(),
        name: head.name,
    }))
}

/// What others share.
#[utoipa::path(get, path = "/api/v1/ls", params(LookAt), responses((status = 200, body = Vec<Listed>)))]
pub(super) async fn list(
    State(door): State<Door>,
    Query(at): Query<LookAt>,
) -> Answer<Vec<Listed>> {
    let contents = door.node().contents();
    let Some(path) = at.path.as_deref().map(|path| path.trim_end_matches('/')) else {
        return all(&door).await.map(Json);
    };
    if !path.contains(['/', ':']) {
        let contact = door.node().find(path).await?;
        let heads = contents.list(contact.peer).await;
        let heads =
            heads.map_err(|error| Failure::about(contact.peer, contact.petname.as_str(), error))?;
        return Ok(Json(
            heads
                .into_iter()
                .map(|head| listed(&contact, head))
                .collect(),
        ));
    }
    let entries = contents.entries(&contents.resolve(path).await?).await?;
    let listed = entries.into_iter().map(|entry| Listed {
        kind: match &entry {
            Entry::File(_) => "file",
            Entry::Directory(_) => "directory",
            Entry::Symlink(_) => "symlink",
        }
        .to_owned(),
        name: entry.name().to_owned(),
        bytes: entry.totals().bytes,
        files: entry.totals().files,
        peer: None,
        share_id: None,
        hash: None,
    });
    Ok(Json(listed.collect()))
}

/// Fetches what somebody shares, for as long as the call lasts; a later call goes on where it ended. A transfer of the same that is under way is
/// followed instead, and what the node goes on with by itself outlasts the call.
#[utoipa::path(post, path = "/api/v1/get", request_body = GetRequest,
    responses((status = 200, body = GetEvent, content_type = "application/x-ndjson")))]
pub(super) async fn get(
    State(door): State<Door>,
    Asked(asked): Asked<GetRequest>,
) -> Result<Response, Failure> {
    let options = options(&door, asked).await?;
    let transfers = door.node().contents().transfers();
    let mut transfer = transfers.begin(options, false).await?;
    Ok(lines(async move |out| {
        let mut last: Option<(Instant, TransferState)> = None;
        while let Some(TransferInfo {
            id,
            state,
            progress: now,
            ..
        }) = transfer.changed().await
        {
            let is_due =
                last.is_none_or(|(at, before)| before != state || at.elapsed() >= PROGRESS_EVERY);
            if is_due || now.total == Some(now.bytes) {
                last = Some((Instant::now(), state));
                out.send(&GetEvent::Progress {
                    id: id.0,
                    bytes: now.bytes,
                    total: now.total,
                    rate: now.rate,
                    files: now.files,
                    waiting: state == TransferState::Waiting,
                    paused: state == TransferState::Paused,
                })
                .await;
            }
        }
        let done = transfer.finished().await;
        let done = done.map_err(|failure| Failure::new(failure.kind, failure.message))?;
        let mut sources = Vec::new();
        for source in &done.sources {
            let peer_id = source.peer.to_string();
            let peer = name_of(&door, &peer_id).await;
            sources.push(GetSource {
                peer,
                peer_id,
                bytes: source.bytes,
            });
        }
        out.send(&GetEvent::Done {
            bytes: done.bytes,
            files: done.files,
            seconds: done.time.as_secs_f64(),
            sources,
            path: done.target,
            links_left_out: done.links_left_out,
        })
        .await;
        Ok(())
    }))
}

/// What was asked for, as the library takes it.
pub(super) async fn options(door: &Door, asked: GetRequest) -> Result<GetOptions, Failure> {
    let source = door.node().contents().resolve(&asked.source).await?;
    let at = asked
        .at
        .as_deref()
        .map(str::parse::<BlobHash>)
        .transpose()
        .map_err(Error::from)?;
    Ok(GetOptions {
        priorities: priority::read(&asked.priorities)?,
        out: asked.out,
        only: asked.only,
        wait: Duration::from_millis(asked.wait_ms),
        at,
        provide: asked.provide,
        keep: asked.keep,
        ..GetOptions::new(source, "")
    })
}

/// What everybody shares who answers.
async fn all(door: &Door) -> Result<Vec<Listed>, Failure> {
    let contacts = door.node().address_book().contacts().await?;
    let confirmed = contacts
        .iter()
        .filter(|contact| contact.state == ContactState::Confirmed);
    let asked = confirmed.map(async |contact| {
        let contents = door.node().contents();
        let heads = tokio::time::timeout(EACH_WITHIN, contents.list(contact.peer)).await;
        // Who does not answer has nothing to show now.
        let heads = heads.ok().and_then(Result::ok).unwrap_or_default();
        heads
            .into_iter()
            .map(|head| listed(contact, head))
            .collect::<Vec<_>>()
    });
    Ok(join_all(asked).await.into_iter().flatten().collect())
}

fn listed(contact: &Contact, head: Head) -> Listed {
    Listed {
        kind: "share".to_owned(),
        bytes: head.totals.bytes,
        files: head.totals.files,
        peer: Some(contact.petname.to_string()),
        share_id: Some(head.share.to_string()),
        hash: Some(head.manifest.to_string()),
        name: head.name,
    }
}

pub(super) async fn describe(door: &Door, share: MyShare) -> ShareInfo {
    let mut with = Vec::new();
    for peer in &share.named {
        with.push(name_of(door, &peer.to_string()).await);
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
    let audience = match share.head.audience {
        Audience::Contacts => "contacts",
        Audience::Named => "named",
        Audience::Link { .. } => "link",
        Audience::Public => "public",
    };
    let album = door.node().contents().is_album(&share);
    ShareInfo {
        share_id: share.head.share.to_string(),
        link: share.link.to_string(),
        hash: share.head.manifest.to_string(),
        bytes: share.head.totals.bytes,
        files: share.head.totals.files,
        name: share.head.name,
        audience: audience.to_owned(),
        with,
        album,
        paths: share.roots,
        owner: None,
        kept: true,
        providers,
        fetches,
        left_out: Vec::new(),
        left_out_count: 0,
    }
}

async fn describe_copy(door: &Door, copy: Copy) -> ShareInfo {
    let owner = name_of(door, &copy.head.owner.to_string()).await;
    let copied = MyShare {
        link: Link::new(copy.head.share, copy.head.owner, None, &copy.head.name),
        head: copy.head,
        roots: vec![copy.target],
        named: Vec::new(),
        fetches: Vec::new(),
    };
    ShareInfo {
        owner: Some(owner),
        kept: copy.kept,
        ..describe(door, copied).await
    }
}
