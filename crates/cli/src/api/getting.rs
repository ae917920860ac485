//! Fetching what others share.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::response::Response;
use kith::Error;
use kith::content::{self, Chosen, Updated};
use kith::core::ids::BlobHash;
use kith::peer::{GetOptions, TransferInfo, TransferState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Asked, lines};
use super::door::Door;
use super::named::names_of;
use super::paths;
use super::priority::{self, FilePriority};
use crate::failure::Failure;

/// The least time between two progress lines: what an eye follows.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// What to fetch.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct GetRequest {
    /// A link, or `PEER/SHARE[/PATH]`.
    pub(crate) source: String,
    /// The absolute path of the folder in which it appears, under its own name. Where that is a folder already, what is chosen by `only` and
    /// `files` is added to it, and nothing in it is replaced; all of a share is not, unless it is just the same.
    #[schema(value_type = String)]
    pub(crate) out: PathBuf,
    /// Patterns of the files that are wanted, 64 at most; all when there are neither these nor `files`.
    pub(crate) only: Vec<String>,
    /// Files that are wanted by their paths below the source, to the letter, and folders with all beneath; beside those of the patterns. At
    /// most 65,536, with 4 MiB of names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<String>,
    /// Whether what is there already under its name is brought up to date: what is new is added, and what nobody has changed here since it was got is
    /// replaced. Whatever else is there stays, and is named.
    #[serde(default)]
    pub(crate) update: bool,
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
        /// Whether its owner is, and it is not where they share it from: its folder was moved or removed, cannot be read, or is on a disk that is not plugged
        /// in.
        #[serde(default)]
        absent: bool,
        /// Whether files of it have changed at their owner, who is there and has not looked at them anew yet.
        #[serde(default)]
        examining: bool,
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
        /// Where this run's bytes came from, all of them.
        sources: Vec<GetSource>,
        /// Where it is.
        #[schema(value_type = String)]
        path: PathBuf,
        /// Whether it is an older version than the newest that is known here, which nobody who is there has.
        older: bool,
        /// Symbolic links that were not made: those that lead out of what was fetched, and those among chosen files.
        links_left_out: u64,
        /// What came of bringing it up to date, where that was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        updated: Option<GetUpdated>,
    },
}

/// Somebody bytes came from. All who did not say who they are, as friends of the owner who let each other in by grants, are one, the last.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct GetSource {
    /// By name, where they are a contact; none for those who did not say who they are.
    pub(crate) peer: Option<String>,
    /// By PeerId.
    pub(crate) peer_id: Option<String>,
    /// Bytes of files.
    pub(crate) bytes: u64,
}

/// What came of bringing something up to date.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct GetUpdated {
    /// Files that were not here.
    pub(crate) added: u64,
    /// Files that were replaced, or may be run now, or may not: nobody had changed them here.
    pub(crate) replaced: u64,
    /// Files that were deleted here, and are as they were then: they do not come again.
    pub(crate) deleted: u64,
    /// What is something else at its owner and stays as it is here, by the reason; each reason once.
    pub(crate) kept: Vec<KeptHere>,
    /// How much stays as it is here, for whatever reason.
    pub(crate) kept_count: u64,
}

/// What stays as it is here for one reason.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct KeptHere {
    /// The reason.
    pub(crate) why: KeptWhy,
    /// Paths below the target; the first hundred,
    pub(crate) paths: Vec<String>,
    /// of so many.
    pub(crate) count: u64,
}

/// Why something stays as it is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeptWhy {
    /// It was changed here since it came.
    Changed,
    /// It was made here, or nothing is known of how it came.
    Unknown,
    /// Something else is in its place, or on the way to it: a folder, a link, another file system; or a file where a folder is to be.
    Occupied,
    /// It cannot be read or written here, or never rests.
    Closed,
    /// No more are replaced in one go: it comes by the next update.
    Later,
}

impl From<content::KeptWhy> for KeptWhy {
    fn from(why: content::KeptWhy) -> Self {
        match why {
            content::KeptWhy::Changed => Self::Changed,
            content::KeptWhy::Unknown => Self::Unknown,
            content::KeptWhy::Occupied => Self::Occupied,
            content::KeptWhy::Closed => Self::Closed,
            content::KeptWhy::Later => Self::Later,
        }
    }
}

impl From<Updated> for GetUpdated {
    fn from(updated: Updated) -> Self {
        let kept_count = updated.kept_count();
        let kept = updated.kept.into_iter().map(|(why, kept)| KeptHere {
            why: why.into(),
            paths: kept.paths,
            count: kept.count,
        });
        Self {
            added: updated.added,
            replaced: updated.replaced,
            deleted: updated.deleted,
            kept: kept.collect(),
            kept_count,
        }
    }
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
        let mut last: Option<(Instant, TransferState, (bool, bool))> = None;
        while let Some(TransferInfo {
            id,
            state,
            progress: now,
            ..
        }) = transfer.changed().await
        {
            let why = (now.absent, now.examining);
            let is_due = last.is_none_or(|(at, before, was)| {
                let is_other = before != state || was != why;
                is_other || at.elapsed() >= PROGRESS_EVERY
            });
            if is_due || now.total == Some(now.bytes) {
                last = Some((Instant::now(), state, why));
                out.send(&GetEvent::Progress {
                    id: id.0,
                    bytes: now.bytes,
                    total: now.total,
                    rate: now.rate,
                    files: now.files,
                    waiting: state == TransferState::Waiting,
                    absent: now.absent,
                    examining: now.examining,
                    paused: state == TransferState::Paused,
                })
                .await;
            }
        }
        let done = transfer.finished().await;
        let done = done.map_err(Failure::from)?;
        let mut sources = Vec::new();
        for source in &done.sources {
            let (peer, peer_id) = names_of(&door, source.peer).await;
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
            older: done.is_older,
            links_left_out: done.links_left_out,
            updated: done.updated.map(GetUpdated::from),
        })
        .await;
        Ok(())
    }))
}

/// What was asked for, as the library takes it.
pub(super) async fn options(door: &Door, asked: GetRequest) -> Result<GetOptions, Failure> {
    paths::check(&asked.out)?;
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
        update: asked.update,
        chosen: Chosen::new(asked.files).map_err(Failure::usage)?,
        wait: Duration::from_millis(asked.wait_ms),
        at,
        provide: asked.provide,
        keep: asked.keep,
        ..GetOptions::new(source, "")
    })
}
