//! Two nodes joined by streams in memory: one shares, one fetches.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use kith_core::content::access::{Asker, Relation};
use kith_core::content::swarm::getter::{Path as PathTo, PathKind, Who};
use kith_core::content::swarm::{GetterConfig, ProviderConfig};
use kith_core::crypto::SecretKey;
use kith_core::data::head::Head;
use kith_core::data::manifest::Entry;
use kith_core::ids::DeviceKey;
use kith_core::ids::{PeerId, ShareId};
use kith_core::random::Random;
use kith_core::time::Time;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWriteExt as _, DuplexStream, ReadBuf, ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::content::shares::trusted;
use crate::content::store;
use crate::content::swarm::fetching::Fetching;
use crate::content::swarm::{Getting, Giving, Intake, Output};
use crate::content::{
    Answered, Credential, Get, GetError, Givers, Got, NewShare, PAGE_SHARES, Progress, Readers,
    Recipients, Session, Shared, Shares, Stream, asking, entries, get, list, serve,
};
use crate::data::hash::Stamp;
use crate::entropy;

pub(in crate::content) const NOW: Time = Time(1_800_000_000_000);
pub(super) const EXPORTER: [u8; 32] = [42; 32];
pub(super) const FRIEND: PeerId = PeerId([200; 32]);

/// Who fetches, as the provider sees it,
const ASKER_DEVICE: DeviceKey = DeviceKey([201; 32]);

/// and who provides.
pub(super) const PROVIDER: Who = Who {
    device: DeviceKey([202; 32]),
    peer: None,
};

/// A path without delay.
pub(super) const LAN: PathTo = PathTo {
    kind: PathKind::Lan,
    rtt: Duration::ZERO,
};

/// How much a stream in memory holds, in bytes: about one QUIC stream window.
const STREAM_BYTES: usize = 1 << 20;

/// What happens to the bytes a provider sends.
#[derive(Clone, Default)]
pub(super) enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The byte at this position, counted over all streams, is changed.
    Flip(u64),
    /// The streams end after so many bytes in all.
    Cut(u64),
    /// Called once, when so many bytes have come in all.
    At(u64, Arc<dyn Fn() + Send + Sync>),
}

/// Where a provider's stream stops until it is opened.
#[derive(Clone)]
pub(super) struct Gate {
    after: u64,
    open: watch::Receiver<bool>,
}

impl Gate {
    /// One behind so many bytes, and what opens it.
    pub(super) fn behind(after: u64) -> (watch::Sender<bool>, Self) {
        let (opens, open) = watch::channel(false);
        (opens, Self { after, open })
    }
}

pub(in crate::content) struct World {
    pub(super) folder: TempDir,
    pub(in crate::content) shares: Arc<Shares>,
    pub(super) giving: Arc<Giving>,
    pub(super) asker: Asker,
    pub(super) fault: Fault,
    /// How many bytes a second are given on each stream at most.
    pub(super) rate: Option<u64>,
    /// How far each stream is given before something else has happened.
    pub(super) gate: Option<Gate>,
    received: Arc<AtomicU64>,
    received_in_all: Arc<AtomicU64>,
}

impl World {
    pub(in crate::content) fn new() -> Self {
        Self::of(SecretKey::from_bytes([1; 32]))
    }

    /// Somebody else's.
    pub(in crate::content) fn of(owner: SecretKey) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let world = Self::in_folder(folder, owner, crate::content::SCHEMAS);
        fs::create_dir(world.source()).expect("created");
        world
    }

    fn in_folder(folder: TempDir, owner: SecretKey, pieces: &[&str]) -> Self {
        let connection = Connection::open(folder.path().join("kith.db")).expect("database");
        for piece in pieces {
            connection.execute_batch(piece).expect("tables");
        }
        Self::at(folder, connection, owner)
    }

    /// The same after a restart, by a version that brings these pieces of schema: nothing is left but what is on the disk.
    pub(super) fn restarted(self, pieces: &[&str]) -> Self {
        let (owner, asker) = (self.shares.owner().clone(), self.asker);
        Self {
            asker,
            ..Self::in_folder(self.folder, owner, pieces)
        }
    }

    fn at(folder: TempDir, connection: Connection, owner: SecretKey) -> Self {
        let blobs = folder.path().join("blobs");
        let shares = Shares::new(Box::new(Mutex::new(connection)), blobs, owner).expect("shares");
        let shares = Arc::new(shares);
        let giving = Arc::new(Giving::new(
            Arc::clone(&shares),
            ProviderConfig::default(),
            entropy::seed(),
        ));
        let run = Arc::clone(&giving);
        // Some tests share and serve nothing.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { run.run().await });
        }
        Self {
            folder,
            shares,
            giving,
            asker: Asker {
                peer: Some(FRIEND),
                relation: Relation::Contact,
            },
            fault: Fault::None,
            rate: None,
            gate: None,
            received: Arc::default(),
            received_in_all: Arc::default(),
        }
    }

    /// The shared folder.
    pub(super) fn source(&self) -> PathBuf {
        self.folder.path().join("holiday")
    }

    /// How many bytes have come on all streams, whatever became of them.
    pub(super) fn received(&self) -> u64 {
        self.received_in_all.load(Ordering::SeqCst)
    }

    /// Where what is fetched appears.
    pub(super) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub(super) fn write(&self, path: &str, bytes: &[u8]) {
        let at = self.source().join(path);
        fs::create_dir_all(at.parent().expect("beneath the source")).expect("created");
        fs::write(at, bytes).expect("written");
    }

    /// Edits a file that is shared behind its owner's back: it seems to be what was hashed.
    pub(super) fn edit_unseen(&self, path: &str, bytes: &[u8]) {
        use std::os::unix::ffi::OsStrExt as _;
        let at = self.source().join(path);
        let modified = fs::metadata(&at).and_then(|metadata| metadata.modified());
        self.write(path, bytes);
        let file = fs::File::options().write(true).open(&at).expect("there");
        file.set_modified(modified.expect("a time")).expect("set");
        let stamp = Stamp::of(&file.metadata().expect("there"));
        let count = store::run(self.shares.database(), |connection| {
            connection.execute(
                "UPDATE share_file SET mtime_ns = ?1, ctime_ns = ?2 WHERE path = ?3",
                (stamp.mtime_ns, stamp.ctime_ns, at.as_os_str().as_bytes()),
            )
        });
        assert_eq!(count.expect("written"), 1, "it is shared");
    }

    pub(super) fn share(&self, recipients: Recipients) -> Shared {
        let new = NewShare {
            paths: vec![self.source()],
            recipients,
            name: None,
            bare: false,
        };
        self.shares
            .share(&new, &mut Random::new(entropy::seed()), NOW)
            .expect("shared")
    }

    /// The root node of a share.
    pub(super) fn root(&self, share: ShareId) -> Vec<u8> {
        let row = self.shares.row(&share).expect("read").expect("a share");
        let root = trusted(&row).expect("our own").manifest;
        let found = store::run(self.shares.database(), |connection| {
            store::node(connection, &share, &root)
        });
        found.expect("read").expect("its root")
    }

    /// Another stream of `/kith/share/1` to the provider, which is served by a task of its own.
    pub(super) fn stream(&self) -> Stream<Faulty, WriteHalf<DuplexStream>> {
        let (stream, reader, writer) = self.pair();
        let session = self.session();
        tokio::spawn(serve(Arc::clone(&self.shares), reader, writer, session));
        stream
    }

    /// The same, of `/kith/swarm/1`.
    pub(super) fn swarm_stream(&self) -> Stream<Faulty, WriteHalf<DuplexStream>> {
        let (stream, reader, writer) = self.pair();
        self.answer(&self.giving, reader, self.throttled(writer, self.rate));
        stream
    }

    /// The same, with a fault of its own, and how many bytes have come by it.
    pub(super) fn counted_stream(
        &self,
        fault: Fault,
    ) -> (Stream<Faulty, WriteHalf<DuplexStream>>, Arc<AtomicU64>) {
        let mut stream = self.swarm_stream();
        let received = Arc::<AtomicU64>::default();
        stream.reader.fault = fault;
        stream.reader.received = Arc::clone(&received);
        (stream, received)
    }

    /// A stream of `/kith/swarm/1` to another node that has the same, and gives so many bytes a second at most.
    pub(super) fn stream_to_another(
        &self,
        fault: Fault,
        rate: Option<u64>,
    ) -> Stream<Faulty, WriteHalf<DuplexStream>> {
        let config = ProviderConfig::default();
        let giving = Giving::new(Arc::clone(&self.shares), config, entropy::seed());
        let giving = Arc::new(giving);
        let (mut stream, reader, writer) = self.pair();
        stream.reader.fault = fault;
        stream.reader.received = Arc::default();
        self.answer(&giving, reader, self.throttled(writer, rate));
        tokio::spawn(async move { giving.run().await });
        stream
    }

    fn answer(&self, giving: &Arc<Giving>, reader: ReadHalf<DuplexStream>, writer: Throttled) {
        let (giving, session) = (Arc::clone(giving), self.session());
        tokio::spawn(async move { giving.answer(reader, writer, session, ASKER_DEVICE).await });
    }

    fn throttled(&self, inner: WriteHalf<DuplexStream>, rate: Option<u64>) -> Throttled {
        Throttled {
            inner,
            rate,
            gate: self.gate.clone(),
            since: Instant::now(),
            sent: 0,
        }
    }

    pub(super) fn session(&self) -> Session {
        Session {
            asker: self.asker,
            exporter: EXPORTER,
            now: || NOW,
            asks: Arc::new(|_| {}),
        }
    }

    /// Both ends of a stream; what is read of the first is counted.
    pub(super) fn pair(
        &self,
    ) -> (
        Stream<Faulty, WriteHalf<DuplexStream>>,
        ReadHalf<DuplexStream>,
        WriteHalf<DuplexStream>,
    ) {
        let (mine, theirs) = tokio::io::duplex(STREAM_BYTES);
        let (their_reader, their_writer) = tokio::io::split(theirs);
        let (reader, writer) = tokio::io::split(mine);
        let reader = Faulty {
            inner: reader,
            fault: self.fault.clone(),
            received: Arc::clone(&self.received),
            all: Arc::clone(&self.received_in_all),
        };
        let stream = Stream {
            reader,
            writer,
            exporter: EXPORTER,
        };
        (stream, their_reader, their_writer)
    }

    /// What the share now is.
    pub(super) async fn head(&self, request: &Get) -> Result<Answered, GetError> {
        let stream = self.stream();
        let (share, credential) = (request.share, &request.credential);
        asking::head(stream, share, credential, request.at, NOW).await
    }

    /// Hands one stream to the provider in.
    pub(super) async fn feed(&self, intake: Intake, credential: Credential) -> GetError {
        let stream = self.swarm_stream();
        let end = intake.source(stream, PROVIDER, LAN, &credential);
        end.await.into()
    }

    pub(super) fn request(&self, share: ShareId) -> Get {
        Get {
            share,
            owner: SecretKey::from_bytes([1; 32]).peer_id(),
            at: None,
            path: String::new(),
            out: self.out(),
            only: None,
            update: None,
            was: None,
            here: None,
            credential: Credential::Session,
            readers: Readers::default(),
            priorities: Default::default(),
            now: NOW,
            staged: Default::default(),
            givers: Default::default(),
            newest: None,
            stale: None,
            providing: None,
        }
    }

    pub(super) async fn get(&self, request: Get) -> Result<Got, GetError> {
        self.get_reporting(request, |_| {}).await
    }

    pub(super) async fn get_reporting(
        &self,
        request: Get,
        report: impl FnMut(&Progress) + Send,
    ) -> Result<Got, GetError> {
        self.received.store(0, Ordering::SeqCst);
        let getting = getting();
        let ask = || self.head(&request);
        let feed = |intake| self.feed(intake, request.credential.clone());
        let got = get(&getting, ask, feed, request.clone(), report);
        tokio::time::timeout(std::time::Duration::from_secs(120), got)
            .await
            .expect("a transfer in memory ends")
    }

    /// Fetches the root of the snapshot that a head names.
    /// The shares that the asker may see.
    pub(super) async fn listed(&self) -> Vec<Head> {
        let page = list(self.stream(), None, PAGE_SHARES, NOW).await;
        page.expect("answered").heads
    }

    pub(super) async fn fetch_node(&self, head: &Head) -> Result<Vec<u8>, GetError> {
        let getting = getting();
        let mut fetching = Fetching::begin(&getting, head, &Givers::default()).expect("room");
        let feed = self.feed(fetching.intake(), Credential::Session);
        tokio::select! {
            node = fetching.node(head.manifest) => node,
            error = feed => Err(error),
        }
    }

    /// Lists a directory.
    pub(super) async fn entries(&self, share: ShareId, path: &str) -> Result<Vec<Entry>, GetError> {
        let head = self.head(&self.request(share)).await?.head;
        let feed = |intake| self.feed(intake, Credential::Session);
        let page = entries(&getting(), &head, (path, None), feed).await?;
        Ok(page.entries)
    }

    /// What is in the folder that things are fetched into, staging folders included.
    pub(super) fn out_names(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.out()) else {
            return Vec::new();
        };
        entries
            .map(|entry| {
                entry
                    .expect("entry")
                    .file_name()
                    .to_string_lossy()
                    .into_owned()
            })
            .collect()
    }
}

/// A getter that has just started.
pub(super) fn getting() -> Arc<Getting> {
    let getting = Arc::new(Getting::new(GetterConfig::default(), entropy::seed()));
    let run = Arc::clone(&getting);
    tokio::spawn(async move { run.run(|_| std::future::ready(())).await });
    getting
}

impl Output for WriteHalf<DuplexStream> {
    async fn send(&mut self, bytes: Bytes, handed: &mut usize) -> io::Result<()> {
        self.write_all(&bytes).await?;
        *handed += bytes.len();
        Ok(())
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.shutdown().await
    }
}

/// A provider's stream that takes so many bytes a second at most, which it waits for when it has taken them, and stops at a gate.
struct Throttled {
    inner: WriteHalf<DuplexStream>,
    rate: Option<u64>,
    gate: Option<Gate>,
    since: Instant,
    sent: u64,
}

impl Output for Throttled {
    async fn send(&mut self, bytes: Bytes, handed: &mut usize) -> io::Result<()> {
        if let Some(gate) = &mut self.gate
            && self.sent >= gate.after
        {
            // Whoever could open it may be gone.
            let _ = gate.open.wait_for(|is_open| *is_open).await;
        }
        self.sent += bytes.len() as u64;
        self.inner.send(bytes, handed).await?;
        if let Some(rate) = self.rate {
            sleep_until(self.since + Duration::from_secs_f64(self.sent as f64 / rate as f64)).await;
        }
        Ok(())
    }

    async fn finish(&mut self) -> io::Result<()> {
        self.inner.shutdown().await
    }
}

/// The provider's bytes, with a fault.
pub(super) struct Faulty {
    inner: ReadHalf<DuplexStream>,
    fault: Fault,
    /// What the fault counts.
    received: Arc<AtomicU64>,
    /// Of all streams to this world.
    all: Arc<AtomicU64>,
}

impl AsyncRead for Faulty {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer))?;
        let came = (buffer.filled().len() - before) as u64;
        let position = self.received.fetch_add(came, Ordering::SeqCst);
        self.all.fetch_add(came, Ordering::SeqCst);
        match &self.fault {
            Fault::Flip(at) if (position..position + came).contains(at) => {
                let index = before + usize::try_from(at - position).expect("within the buffer");
                buffer.filled_mut()[index] ^= 1;
            }
            Fault::Cut(at) if position + came > *at => {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            Fault::At(at, act) if (position..position + came).contains(at) => act(),
            _ => {}
        }
        Poll::Ready(Ok(()))
    }
}

/// What a tree holds: by path, a file's bytes, a link's target, or that it is a folder.
pub(super) fn snapshot(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("entry").path();
            let metadata = fs::symlink_metadata(&path).expect("there");
            let content = if metadata.is_dir() {
                folders.push(path.clone());
                b"a folder".to_vec()
            } else if metadata.is_symlink() {
                let target = fs::read_link(&path).expect("a link");
                [b"a link to ", target.as_os_str().as_encoded_bytes()].concat()
            } else {
                fs::read(&path).expect("a file")
            };
            found.insert(
                path.strip_prefix(root).expect("beneath").to_owned(),
                content,
            );
        }
    }
    found
}

/// Bytes that do not repeat within a group.
pub(super) fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut out = vec![0; length];
    blake3::Hasher::new()
        .update(&seed.to_be_bytes())
        .finalize_xof()
        .fill(&mut out);
    out
}
