//! Two nodes joined by streams in memory: one shares, one fetches.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use kith_core::content::access::{Asker, Relation};
use kith_core::crypto::SecretKey;
use kith_core::ids::{PeerId, ShareId};
use kith_core::random::Random;
use kith_core::time::Time;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::io::{AsyncRead, DuplexStream, ReadBuf, ReadHalf, WriteHalf};

use crate::content::{
    Credential, Get, GetError, Got, NewShare, Recipients, Session, Shared, Shares, Stream, get,
    serve,
};
use crate::entropy;

pub(super) const NOW: Time = Time(1_800_000_000_000);
pub(super) const EXPORTER: [u8; 32] = [42; 32];
pub(super) const FRIEND: PeerId = PeerId([200; 32]);

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

pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) shares: Arc<Shares>,
    pub(super) asker: Asker,
    pub(super) fault: Fault,
    received: Arc<AtomicU64>,
}

impl World {
    pub(super) fn new() -> Self {
        Self::of(SecretKey::from_bytes([1; 32]))
    }

    /// Somebody else's.
    pub(super) fn of(owner: SecretKey) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let connection = Connection::open(folder.path().join("kith.db")).expect("database");
        for piece in crate::SCHEMAS {
            connection.execute_batch(piece).expect("tables");
        }
        let blobs = folder.path().join("blobs");
        let shares = Shares::new(Box::new(Mutex::new(connection)), blobs, owner).expect("shares");
        let world = Self {
            folder,
            shares: Arc::new(shares),
            asker: Asker {
                peer: Some(FRIEND),
                relation: Relation::Contact,
            },
            fault: Fault::None,
            received: Arc::default(),
        };
        fs::create_dir(world.source()).expect("created");
        world
    }

    /// The shared folder.
    pub(super) fn source(&self) -> PathBuf {
        self.folder.path().join("holiday")
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

    pub(super) fn share(&self, recipients: Recipients) -> Shared {
        let new = NewShare {
            paths: vec![self.source()],
            recipients,
            name: None,
        };
        self.shares
            .share(&new, &mut Random::new(entropy::seed()), NOW)
            .expect("shared")
    }

    /// Another stream to the provider, which is served by a task of its own.
    pub(super) fn stream(&self) -> Stream<Faulty, WriteHalf<DuplexStream>> {
        let (mine, theirs) = tokio::io::duplex(STREAM_BYTES);
        let session = Session {
            asker: self.asker,
            exporter: EXPORTER,
            now: || NOW,
            asks: Arc::new(|_| {}),
        };
        let (reader, writer) = tokio::io::split(theirs);
        tokio::spawn(serve(Arc::clone(&self.shares), reader, writer, session));
        let (reader, writer) = tokio::io::split(mine);
        let reader = Faulty {
            inner: reader,
            fault: self.fault.clone(),
            received: Arc::clone(&self.received),
        };
        Stream {
            reader,
            writer,
            exporter: EXPORTER,
        }
    }

    pub(super) fn request(&self, share: ShareId) -> Get {
        Get {
            share,
            owner: SecretKey::from_bytes([1; 32]).peer_id(),
            at: None,
            path: String::new(),
            out: self.out(),
            only: None,
            here: None,
            credential: Credential::Session,
            now: NOW,
            staged: Default::default(),
        }
    }

    pub(super) async fn get(&self, request: Get) -> Result<Got, GetError> {
        self.received.store(0, Ordering::SeqCst);
        let open = || std::future::ready(Ok::<_, io::Error>(self.stream()));
        tokio::time::timeout(
            std::time::Duration::from_secs(120),
            get(open, request, |_| {}, std::future::pending()),
        )
        .await
        .expect("a transfer in memory ends")
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

/// The provider's bytes, with a fault.
pub(super) struct Faulty {
    inner: ReadHalf<DuplexStream>,
    fault: Fault,
    received: Arc<AtomicU64>,
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
