//! Fetching a share, or a part of one, from one provider into a folder.
//!
//! ```text
//! head ─ path ─ walk ──► directory nodes ──► items ──► ranges ──► staging ──► one barrier ──► one rename
//!                 ▲            │                          │
//!                 └────────────┴── a few streams ─────────┘
//! ```
//!
//! Requests go out ahead on every stream, within a window of bytes and of requests: large files keep several streams busy with ranges
//! of a MiB, small ones travel many to a round trip. A tree is walked while its files arrive, so it is never held in memory whole.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kith_core::content::grant::SignedGrant;
use kith_core::content::wire::{Answer, RANGE_BYTES_MAX, Request};
use kith_core::crypto::Ed25519;
use kith_core::data::head::{Head, HeadError, SignedHead};
use kith_core::data::link::LinkSecret;
use kith_core::data::walk::{Item, Walk, WalkError};
use kith_core::ids::ShareId;
use kith_core::time::Time;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::content::compare;
use crate::content::select::{self, Selected};
use crate::content::worker::{self, Brought, Connection, Done, Job};
use crate::data::staging::{self, Occupied, Staging, StagingError};

/// How many streams a transfer uses: enough that one waiting for the disk does not make the others wait.
const STREAMS: usize = 4;

/// How many requests may be unanswered on one stream: at 40 ms there and back, this many small files of 4 KiB still make 25 MB/s.
const WINDOW_REQUESTS: usize = 256;

/// How many bytes may be unanswered on one stream: with all streams, a link of 1 Gbit/s and 130 ms stays full, and memory bounded.
const WINDOW_BYTES: u64 = 4 * RANGE_BYTES_MAX;

/// How many ranges are queued before the walk pauses.
const QUEUE_MAX: usize = 4 * WINDOW_REQUESTS;

/// How long nothing at all may arrive: longer than any change of path, shorter than anybody waits before giving up.
const STALL_MAX: Duration = Duration::from_secs(60);

/// The most heads a listing takes: far more than anybody reads, and a bound against a list that never ends.
const LIST_MAX: usize = 4_096;

/// A stream of `/kith/share/1` to a provider.
#[derive(Debug)]
pub struct Stream<R, W> {
    /// The provider's half.
    pub reader: R,
    /// Our half.
    pub writer: W,
    /// The exporter of the session it belongs to.
    pub exporter: [u8; 32],
}

/// What lets us in.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Who we are.
    Session,
    /// That we hold the link.
    Link(LinkSecret),
    /// A grant of the owner.
    Grant(SignedGrant),
}

/// Which files are wanted.
#[derive(Clone)]
pub struct Filter {
    /// What tells it from other filters, such as its patterns: runs with the same filter go on where the last one ended.
    pub name: String,
    /// Whether a file is wanted, by its path below what is fetched, written with `/`.
    pub wants: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}

/// What to fetch.
#[derive(Clone)]
pub struct Get {
    /// Which share.
    pub share: ShareId,
    /// What of it, written with `/`; empty for all.
    pub path: String,
    /// The folder in which the target appears, under the share's name or the last of the path.
    pub out: PathBuf,
    /// Which files; `None` for all.
    pub only: Option<Filter>,
    /// What lets us in.
    pub credential: Credential,
    /// The time, for judging signatures.
    pub now: Time,
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Verified and written, by earlier runs too.
    pub bytes: u64,
    /// All there is; `None` where a filter leaves it open.
    pub total: Option<u64>,
    /// Files that are whole.
    pub files: u64,
}

/// A finished transfer.
#[derive(Clone, Debug)]
pub struct Got {
    /// Where it is.
    pub target: PathBuf,
    /// What was fetched, as its owner signed it.
    pub head: Head,
    /// A grant, where the provider was the owner and gave one.
    pub grant: Option<SignedGrant>,
    /// Bytes of files, by earlier runs too.
    pub bytes: u64,
    /// Files.
    pub files: u64,
    /// Bytes of files that this run fetched.
    pub fetched: u64,
    /// How long it took.
    pub time: Duration,
    /// Links that were not made, because they lead out of the part that was fetched.
    pub links_left_out: u64,
}

/// Why a transfer did not end well. Nothing appeared under a final name then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GetError {
    /// No such share or path, or not for us.
    #[error("there is no such share, or it is not for you")]
    NotFound,
    /// It was ours to have, and is not any more.
    #[error("the share is gone, or not for you any more")]
    Gone,
    /// A file changed at the provider.
    #[error("{0} has changed at its owner meanwhile; get it again")]
    Changed(String),
    /// Bytes did not verify: the provider's fault.
    #[error("what came for {0} does not match its hash; nothing of it was kept")]
    Corrupt(String),
    /// The head is not to be trusted: the provider's fault.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The tree cannot be written safely: its owner's fault.
    #[error(transparent)]
    Tree(#[from] WalkError),
    /// There is something else under the target's name.
    #[error(
        "{0} exists already and is something else; move it away, or choose another folder with --out"
    )]
    TargetExists(PathBuf),
    /// The same is being fetched there already.
    #[error("the same is being fetched to {0} already")]
    Busy(PathBuf),
    /// No room left; what arrived is kept for the next run.
    #[error("the disk is full; make room and get it again, what arrived is kept")]
    DiskFull,
    /// The disk said something else.
    #[error("cannot write {path}: {error}")]
    Disk {
        /// What.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// The stream broke; what arrived is kept for the next run.
    #[error("the connection ended: {0}")]
    Connection(#[source] io::Error),
    /// Nothing came for a minute; what arrived is kept for the next run.
    #[error("nothing has arrived for {} seconds", STALL_MAX.as_secs())]
    Stalled,
    /// The provider does not keep to the protocol.
    #[error("the provider sent {0}")]
    Protocol(&'static str),
}

impl GetError {
    /// What an error means once the transfer has begun: what was there is gone, and not unknown.
    fn under_way(self) -> Self {
        match self {
            Self::NotFound => Self::Gone,
            other => other,
        }
    }

    /// What the staging folder says of a path.
    pub(super) fn staging(error: StagingError, path: &str) -> Self {
        match error {
            StagingError::Busy(target) => Self::Busy(target),
            StagingError::TargetExists(target) => Self::TargetExists(target),
            StagingError::DiskFull => Self::DiskFull,
            StagingError::Mismatch => Self::Corrupt(path.to_owned()),
            StagingError::Io(error) => Self::Disk {
                path: path.to_owned(),
                error,
            },
        }
    }
}

/// Asks which shares we may see, and keeps the heads that are genuine.
///
/// # Errors
/// [`GetError`].
pub async fn list<R, W>(stream: Stream<R, W>, now: Time) -> Result<Vec<Head>, GetError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (mut reader, mut writer) = (BufReader::new(stream.reader), stream.writer);
    let mut list: Vec<Head> = Vec::new();
    let mut after = None;
    while list.len() < LIST_MAX {
        worker::send(&mut writer, &Request::List { after }).await?;
        let Answer::Heads { heads, more } = worker::answer(&mut reader).await? else {
            return Err(GetError::Protocol("another answer than heads"));
        };
        for head in heads {
            let head: SignedHead = kith_core::codec::decode(&head).map_err(HeadError::from)?;
            let head = head.verify(&Ed25519, now)?;
            if after.is_some_and(|after| head.share <= after) {
                return Err(GetError::Protocol("heads out of order"));
            }
            after = Some(head.share);
            list.push(head);
        }
        if !more {
            break;
        }
    }
    Ok(list)
}

/// Asks what a share now is.
///
/// # Errors
/// [`GetError`].
pub async fn head<R, W>(
    stream: Stream<R, W>,
    share: ShareId,
    credential: &Credential,
    now: Time,
) -> Result<(Head, Option<SignedGrant>), GetError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let connection = Connection::open(stream, share, credential, now).await?;
    Ok((connection.head, connection.grant))
}

/// Fetches, and returns when all is durable under its final name. `open` opens another stream to the same provider; `report` is called
/// as things arrive.
///
/// # Errors
/// [`GetError`]; run it again to go on with what arrived.
pub async fn get<Open, Opening, R, W>(
    open: Open,
    get: Get,
    mut report: impl FnMut(Progress) + Send,
) -> Result<Got, GetError>
where
    Open: Fn() -> Opening + Send + Sync,
    Opening: Future<Output = io::Result<Stream<R, W>>> + Send,
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let started = Instant::now();
    let connect = async || {
        let stream = open().await.map_err(GetError::Connection)?;
        Connection::open(stream, get.share, &get.credential, get.now).await
    };
    let mut first = connect().await?;
    let (head, grant) = (first.head.clone(), first.grant.clone());
    let selected = select::select(&mut first, &head, &get.path).await?;
    let target = get.out.join(selected.name());
    let mut transfer = Transfer::begin(&get, &selected, &target).await?;
    let mut streams = Streams::new();
    streams.add(first);
    loop {
        transfer.fill(&mut streams);
        report(transfer.progress);
        if streams.in_flight == 0 {
            break;
        }
        if streams.are_busy() && streams.list.len() < STREAMS {
            let another = connect().await.map_err(GetError::under_way)?;
            streams.add(another);
            continue;
        }
        for done in streams.next().await? {
            transfer.take(done).await?;
        }
    }
    drop(streams);
    let progress = transfer.progress;
    let (fetched, links_left_out) = (transfer.fetched, transfer.links_left_out);
    transfer.finish(&selected, &target).await?;
    Ok(Got {
        target,
        head,
        grant,
        bytes: progress.bytes,
        files: progress.files,
        fetched,
        time: started.elapsed(),
        links_left_out,
    })
}

/// The streams of a transfer.
struct Streams {
    list: Vec<StreamState>,
    tasks: JoinSet<()>,
    brought: mpsc::UnboundedReceiver<Brought>,
    sender: mpsc::UnboundedSender<Brought>,
    in_flight: usize,
}

/// What is under way on one stream.
struct StreamState {
    jobs: mpsc::UnboundedSender<Job>,
    /// The bytes expected of each job, in the order they were given.
    expected: VecDeque<u64>,
    bytes: u64,
}

impl Streams {
    fn new() -> Self {
        let (sender, brought) = mpsc::unbounded_channel();
        Self {
            list: Vec::new(),
            tasks: JoinSet::new(),
            brought,
            sender,
            in_flight: 0,
        }
    }

    fn add<R, W>(&mut self, connection: Connection<R, W>)
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let (jobs, receiver) = mpsc::unbounded_channel();
        let work = connection.work(self.list.len(), receiver, self.sender.clone());
        self.tasks.spawn(work);
        self.list.push(StreamState {
            jobs,
            expected: VecDeque::new(),
            bytes: 0,
        });
    }

    /// The stream with the most room, if any has some.
    fn roomiest(&mut self) -> Option<&mut StreamState> {
        let stream = self.list.iter_mut().min_by_key(|stream| stream.bytes)?;
        stream.has_room().then_some(stream)
    }

    /// Whether another stream would be of use.
    fn are_busy(&self) -> bool {
        !self.list.iter().any(StreamState::has_room)
    }

    fn give(&mut self, job: Job) -> bool {
        let Some(stream) = self.roomiest() else {
            return false;
        };
        stream.bytes += job.bytes();
        stream.expected.push_back(job.bytes());
        // A stream that has failed has said so, which is found when its answers are taken.
        let _ = stream.jobs.send(job);
        self.in_flight += 1;
        true
    }

    /// Waits for the next things to arrive.
    async fn next(&mut self) -> Result<Vec<Done>, GetError> {
        let brought = tokio::time::timeout(STALL_MAX, self.brought.recv()).await;
        let (number, done) = brought
            .map_err(|_| GetError::Stalled)?
            .ok_or(GetError::Stalled)?;
        let done = done?;
        let stream = &mut self.list[number];
        for _ in &done {
            stream.bytes -= stream.expected.pop_front().unwrap_or(0);
        }
        self.in_flight -= done.len();
        Ok(done)
    }
}

impl StreamState {
    fn has_room(&self) -> bool {
        self.bytes < WINDOW_BYTES && self.expected.len() < WINDOW_REQUESTS
    }
}

/// Where what arrives goes.
#[derive(Clone)]
enum Place {
    /// Into a staging folder.
    Staging(Arc<Staging>),
    /// Nowhere: the target exists, and is compared.
    Target(PathBuf),
}

/// A transfer under way.
struct Transfer {
    walk: Option<Walk>,
    place: Place,
    only: Option<Filter>,
    ranges: VecDeque<Job>,
    symlinks: Vec<(String, String)>,
    progress: Progress,
    fetched: u64,
    entries: u64,
    links_left_out: u64,
}

/// What became of some items on the disk.
#[derive(Default)]
struct Prepared {
    ranges: Vec<Job>,
    symlinks: Vec<(String, String)>,
    bytes: u64,
    files: u64,
    links_left_out: u64,
}

impl Transfer {
    async fn begin(get: &Get, selected: &Selected, target: &Path) -> Result<Self, GetError> {
        let (at, hash) = (target.to_owned(), selected.hash());
        let is_filtered = get.only.is_some();
        let filter = get
            .only
            .as_ref()
            .map_or_else(String::new, |only| only.name.clone());
        let is_directory = matches!(selected, Selected::Directory { .. });
        let place = blocking(target, move || {
            let same_kind = match staging::occupied(&at)? {
                Occupied::Free => {
                    return Ok(Place::Staging(Arc::new(Staging::open(
                        &at, &hash, &filter,
                    )?)));
                }
                Occupied::Folder => is_directory,
                Occupied::File => !is_directory,
                Occupied::Other => false,
            };
            if same_kind && !is_filtered {
                Ok(Place::Target(at))
            } else {
                Err(StagingError::TargetExists(at))
            }
        })
        .await?;
        let mut transfer = Self {
            walk: None,
            place,
            only: get.only.clone(),
            ranges: VecDeque::new(),
            symlinks: Vec::new(),
            progress: Progress {
                total: (!is_filtered).then_some(selected.totals().bytes),
                ..Progress::default()
            },
            fetched: 0,
            entries: 0,
            links_left_out: 0,
        };
        match selected {
            Selected::Directory {
                node,
                totals,
                depth,
                ..
            } => {
                transfer.walk = Some(Walk::new(*node, *totals, *depth));
            }
            Selected::File(file) => {
                let path = match transfer.place {
                    Place::Staging(_) => file.name.clone(),
                    Place::Target(_) => String::new(),
                };
                let file = file.clone();
                transfer.prepare(vec![Item::File { path, file }]).await?;
            }
        }
        Ok(transfer)
    }

    /// Gives the streams what they have room for: nodes first, because they bring more to do.
    fn fill(&mut self, streams: &mut Streams) {
        while self.ranges.len() < QUEUE_MAX && !streams.are_busy() {
            let Some(wanted) = self.walk.as_mut().and_then(Walk::poll_wanted) else {
                break;
            };
            let (ticket, hash) = (wanted.ticket, wanted.node);
            streams.give(Job::Node { ticket, hash });
        }
        while !streams.are_busy() {
            let Some(job) = self.ranges.pop_front() else {
                break;
            };
            streams.give(job);
        }
    }

    async fn take(&mut self, done: Done) -> Result<(), GetError> {
        match done {
            Done::Range { bytes, is_last } => {
                self.progress.bytes += bytes;
                self.progress.files += u64::from(is_last);
                self.fetched += bytes;
                Ok(())
            }
            Done::Node { ticket, bytes } => {
                let Some(walk) = &mut self.walk else {
                    return Err(GetError::Protocol("a node that nobody asked for"));
                };
                let items = walk.handle_node(ticket, &bytes)?;
                self.prepare(items).await
            }
        }
    }

    /// Makes directories and files, and queues what is missing of them.
    async fn prepare(&mut self, items: Vec<Item>) -> Result<(), GetError> {
        self.entries += items.len() as u64;
        let (place, only) = (self.place.clone(), self.only.clone());
        let prepared = tokio::task::spawn_blocking(move || match place {
            Place::Staging(staging) => prepare_all(&staging, items, only.as_ref()),
            Place::Target(target) => compare_all(&target, &items),
        });
        let prepared = prepared.await.map_err(lost)??;
        self.ranges.extend(prepared.ranges);
        self.symlinks.extend(prepared.symlinks);
        self.progress.bytes += prepared.bytes;
        self.progress.files += prepared.files;
        self.links_left_out += prepared.links_left_out;
        Ok(())
    }

    /// Links, the barrier, the name.
    async fn finish(self, selected: &Selected, target: &Path) -> Result<(), GetError> {
        let inner = match selected {
            Selected::Directory { .. } => String::new(),
            Selected::File(file) => file.name.clone(),
        };
        let at = target.to_owned();
        blocking(target, move || match self.place {
            Place::Staging(staging) => {
                for (path, link) in &self.symlinks {
                    staging.symlink(path, link)?;
                }
                staging.finish(&inner, &at)
            }
            Place::Target(_) => {
                if at.is_dir() && compare::count(&at)? != self.entries {
                    return Err(StagingError::TargetExists(at));
                }
                Ok(())
            }
        })
        .await
    }
}

fn prepare_all(
    staging: &Staging,
    items: Vec<Item>,
    only: Option<&Filter>,
) -> Result<Prepared, GetError> {
    let mut prepared = Prepared::default();
    for item in items {
        match item {
            Item::Directory { path } if only.is_none() => {
                staging
                    .directory(&path)
                    .map_err(|error| GetError::staging(error, &path))?;
            }
            Item::File { path, file } if only.is_none_or(|only| (only.wants)(&path)) => {
                let disk = |error| GetError::staging(error, &path);
                if only.is_some() {
                    staging.parents(&path).map_err(disk)?;
                }
                let (incoming, missing) = staging.incoming(&path, &file).map_err(disk)?;
                let (incoming, path) = (Arc::new(incoming), Arc::<str>::from(path));
                let jobs = missing.into_iter().map(|range| Job::Range {
                    incoming: Arc::clone(&incoming),
                    path: Arc::clone(&path),
                    offset: range * RANGE_BYTES_MAX,
                });
                let before = prepared.ranges.len();
                prepared.ranges.extend(jobs);
                let missing = &prepared.ranges[before..];
                prepared.bytes += file.size - missing.iter().map(Job::bytes).sum::<u64>();
                prepared.files += u64::from(missing.is_empty());
            }
            Item::Symlink { path, target } if only.is_none() => {
                prepared.symlinks.push((path, target))
            }
            Item::Outside { .. } => prepared.links_left_out += 1,
            Item::Directory { .. } | Item::File { .. } | Item::Symlink { .. } => {}
        }
    }
    Ok(prepared)
}

fn compare_all(target: &Path, items: &[Item]) -> Result<Prepared, GetError> {
    let are_there = compare::are_there(target, items);
    if !are_there.map_err(|error| GetError::staging(error.into(), &target.to_string_lossy()))? {
        return Err(GetError::TargetExists(target.to_owned()));
    }
    let mut prepared = Prepared::default();
    for item in items {
        if let Item::File { file, .. } = item {
            prepared.bytes += file.size;
            prepared.files += 1;
        }
    }
    Ok(prepared)
}

async fn blocking<T: Send + 'static>(
    target: &Path,
    work: impl FnOnce() -> Result<T, StagingError> + Send + 'static,
) -> Result<T, GetError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(lost)?
        .map_err(|error| GetError::staging(error, &target.to_string_lossy()))
}

/// The runtime is stopping.
fn lost(error: tokio::task::JoinError) -> GetError {
    GetError::Disk {
        path: "the target".to_owned(),
        error: io::Error::other(error),
    }
}
