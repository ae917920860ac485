//! One stream of a transfer: requests go out ahead, answers come back in order and are verified and written on blocking
//! threads.

use std::io;
use std::sync::Arc;

use kith_core::codec;
use kith_core::content::grant::SignedGrant;
use kith_core::content::wire::{Answer, BlobRequest, GROUP_BYTES, Proof, RANGE_BYTES_MAX, Request};
use kith_core::crypto::Ed25519;
use kith_core::data::head::{Head, HeadError, SignedHead};
use kith_core::data::manifest::NODE_BYTES_MAX;
use kith_core::ids::{BlobHash, ShareId};
use kith_core::time::Time;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::{Semaphore, mpsc};

use crate::content::error::{GetError, STALL_MAX};
use crate::content::frames;
use crate::content::request::{Credential, Stream};
use crate::data::incoming::Incoming;
use crate::data::range::Blob;

/// How many answers are verified and written in one go at most: for small files the change of threads costs as much as the file.
const BATCH_JOBS: usize = 64;

/// How many bytes are verified and written in one go at most, before a batch is closed.
const BATCH_BYTES: usize = 1 << 20;

/// How many batches of one stream are worked on at once: one is written while the next is verified.
const BATCHES: usize = 2;

/// Something to fetch.
#[derive(Debug)]
pub(super) enum Job {
    /// A directory node, for the walk.
    Node {
        /// The walk's name for the request.
        ticket: u64,
        /// Which.
        hash: BlobHash,
    },
    /// A range of a file.
    Range {
        /// Which file.
        incoming: Arc<Incoming>,
        /// Its path, for errors.
        path: Arc<str>,
        /// Where the range begins.
        offset: u64,
    },
}

impl Job {
    /// How many bytes it is expected to bring.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Node { .. } => GROUP_BYTES,
            Self::Range {
                incoming, offset, ..
            } => (incoming.blob.size - offset).min(RANGE_BYTES_MAX),
        }
    }

    fn request(&self, share: ShareId) -> Request {
        let (hash, offset) = match self {
            Self::Node { hash, .. } => (*hash, 0),
            Self::Range {
                incoming, offset, ..
            } => (incoming.blob.hash, *offset),
        };
        Request::Blob(BlobRequest {
            share,
            hash,
            offset,
            length: RANGE_BYTES_MAX,
            proof: Proof::Session,
        })
    }

    fn path(&self) -> String {
        match self {
            Self::Node { .. } => "a directory".to_owned(),
            Self::Range { path, .. } => path.to_string(),
        }
    }
}

/// Something fetched, verified and written.
#[derive(Debug)]
pub(super) enum Done {
    /// A node.
    Node {
        /// The walk's name for the request.
        ticket: u64,
        /// Its content.
        bytes: Vec<u8>,
    },
    /// A range of a file.
    Range {
        /// How many bytes.
        bytes: u64,
        /// Whether the file is whole with it.
        is_last: bool,
    },
}

/// What one stream has brought, and by which bytes it is lighter.
pub(super) type Brought = (usize, Result<Vec<Done>, GetError>);

/// An opened stream on which the asker has been let in.
pub(super) struct Connection<R, W> {
    reader: BufReader<R>,
    writer: W,
    share: ShareId,
    pub(super) head: Head,
    pub(super) grant: Option<SignedGrant>,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Connection<R, W> {
    /// Shows the credential and asks for the head.
    pub(super) async fn open(
        stream: Stream<R, W>,
        share: ShareId,
        credential: &Credential,
        now: Time,
    ) -> Result<Self, GetError> {
        let Stream {
            reader,
            mut writer,
            exporter,
        } = stream;
        let mut reader = BufReader::new(reader);
        let proof = credential.proof(&share, &exporter);
        send(&mut writer, &Request::Head { share, proof }).await?;
        let (head, grant) = head_answer(&mut reader, share, now)
            .await?
            .ok_or(GetError::NotFound)?;
        Ok(Self {
            reader,
            writer,
            share,
            head,
            grant,
        })
    }

    /// Asks for the version of this manifest, where it is not the newest.
    pub(super) async fn turn_to(&mut self, manifest: BlobHash, now: Time) -> Result<(), GetError> {
        if self.head.manifest == manifest {
            return Ok(());
        }
        let (share, proof) = (self.share, Proof::Session);
        let request = Request::Version {
            share,
            manifest,
            proof,
        };
        send(&mut self.writer, &request).await?;
        let answered = head_answer(&mut self.reader, share, now).await?;
        let (head, grant) = answered.ok_or(GetError::Version)?;
        if head.manifest != manifest {
            return Err(GetError::Protocol("another version than it was asked for"));
        }
        self.head = head;
        self.grant = grant;
        Ok(())
    }

    /// Fetches one node by itself.
    pub(super) async fn node(&mut self, hash: BlobHash) -> Result<Vec<u8>, GetError> {
        let job = Job::Node { ticket: 0, hash };
        send(&mut self.writer, &job.request(self.share)).await?;
        let received = tokio::time::timeout(STALL_MAX, receive(&mut self.reader, &job)).await;
        let received = received.map_err(|_| GetError::Stalled)??;
        match verify(job, &received)? {
            Done::Node { bytes, .. } => Ok(bytes),
            Done::Range { .. } => Err(GetError::Protocol("a range for a node")),
        }
    }

    /// Works on jobs until there are no more, and tells what they brought.
    pub(super) async fn work(
        self,
        number: usize,
        jobs: mpsc::UnboundedReceiver<Job>,
        brought: mpsc::UnboundedSender<Brought>,
    ) {
        let (waiting, waiting_receiver) = mpsc::unbounded_channel();
        let requests = ask(self.writer, self.share, jobs, waiting);
        let answers = take(self.reader, number, waiting_receiver, brought.clone());
        if let Err(error) = tokio::try_join!(requests, answers) {
            // Nobody listens any more when another stream has failed before.
            let _ = brought.send((number, Err(error)));
        }
    }
}

/// Sends requests as jobs come.
async fn ask<W: AsyncWrite + Unpin>(
    mut writer: W,
    share: ShareId,
    mut jobs: mpsc::UnboundedReceiver<Job>,
    waiting: mpsc::UnboundedSender<Job>,
) -> Result<(), GetError> {
    let mut batch = Vec::new();
    while jobs.recv_many(&mut batch, BATCH_JOBS).await > 0 {
        let mut frames = Vec::new();
        for job in batch.drain(..) {
            frames.extend_from_slice(&frames::frame(&job.request(share)));
            if waiting.send(job).is_err() {
                return Ok(());
            }
        }
        writer
            .write_all(&frames)
            .await
            .map_err(GetError::Connection)?;
        writer.flush().await.map_err(GetError::Connection)?;
    }
    writer.shutdown().await.map_err(GetError::Connection)
}

/// Takes the answers in order, in batches.
async fn take<R: AsyncRead + Unpin>(
    mut reader: BufReader<R>,
    number: usize,
    mut waiting: mpsc::UnboundedReceiver<Job>,
    brought: mpsc::UnboundedSender<Brought>,
) -> Result<(), GetError> {
    let places = Arc::new(Semaphore::new(BATCHES));
    let mut batch: Vec<(Job, Received)> = Vec::new();
    let mut bytes = 0;
    while let Some(job) = waiting.recv().await {
        let received = receive(&mut reader, &job).await?;
        bytes += received.encoded.len();
        batch.push((job, received));
        if batch.len() < BATCH_JOBS && bytes < BATCH_BYTES && !waiting.is_empty() {
            continue;
        }
        bytes = 0;
        let (batch, brought) = (std::mem::take(&mut batch), brought.clone());
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return Ok(());
        };
        tokio::task::spawn_blocking(move || {
            let done = batch
                .into_iter()
                .map(|(job, received)| verify(job, &received))
                .collect();
            let _ = brought.send((number, done));
            drop(place);
        });
    }
    Ok(())
}

/// What came for a job.
struct Received {
    size: u64,
    encoded: Vec<u8>,
}

/// Reads the answer to a job with its raw bytes.
async fn receive(reader: &mut (impl AsyncRead + Unpin), job: &Job) -> Result<Received, GetError> {
    match answer(reader).await? {
        Answer::Blob { size, encoded } => {
            let is_right = match job {
                Job::Node { .. } => size <= NODE_BYTES_MAX as u64,
                Job::Range { incoming, .. } => size == incoming.blob.size,
            };
            if !is_right {
                return Err(GetError::Corrupt(job.path()));
            }
            let length =
                usize::try_from(encoded).map_err(|_| GetError::Protocol("an absurd size"))?;
            let mut raw = Vec::with_capacity(length);
            let read = reader.take(encoded).read_to_end(&mut raw).await;
            if read.map_err(GetError::Connection)? != length {
                return Err(GetError::Connection(io::ErrorKind::UnexpectedEof.into()));
            }
            Ok(Received { size, encoded: raw })
        }
        Answer::Changed => Err(GetError::Changed(job.path())),
        Answer::Gone => Err(GetError::Gone),
        _ => Err(GetError::Protocol("another answer than a blob")),
    }
}

/// Verifies what came for a job, and writes it. Blocks.
fn verify(job: Job, received: &Received) -> Result<Done, GetError> {
    match job {
        Job::Node { ticket, hash } => {
            let blob = Blob {
                hash,
                size: received.size,
            };
            let bytes = blob
                .decode(&received.encoded, 0, RANGE_BYTES_MAX)
                .map_err(|_| GetError::Corrupt("a directory".to_owned()))?;
            Ok(Done::Node { ticket, bytes })
        }
        Job::Range {
            incoming,
            path,
            offset,
        } => {
            let bytes = (incoming.blob.size - offset).min(RANGE_BYTES_MAX);
            let is_last = incoming
                .write(&received.encoded, offset)
                .map_err(|error| GetError::staging(error, &path))?;
            Ok(Done::Range { bytes, is_last })
        }
    }
}

/// Sends one request.
pub(super) async fn send(
    writer: &mut (impl AsyncWrite + Unpin),
    request: &Request,
) -> Result<(), GetError> {
    let frame = frames::frame(request);
    writer
        .write_all(&frame)
        .await
        .map_err(GetError::Connection)?;
    writer.flush().await.map_err(GetError::Connection)
}

/// A head of `share`, if it is there and for us.
async fn head_answer<R: AsyncRead + Unpin>(
    reader: &mut R,
    share: ShareId,
    now: Time,
) -> Result<Option<(Head, Option<SignedGrant>)>, GetError> {
    // The provider may look at its files again before it answers.
    let answer = tokio::time::timeout(STALL_MAX, answer(reader)).await;
    match answer.map_err(|_| GetError::Stalled)?? {
        Answer::Head { head, grant } => {
            let head: SignedHead = codec::decode(&head).map_err(HeadError::from)?;
            let head = head.verify(&Ed25519, now)?;
            if head.share != share {
                return Err(HeadError::OtherShare.into());
            }
            Ok(Some((head, grant)))
        }
        Answer::Gone | Answer::Ended(_) => Ok(None),
        _ => Err(GetError::Protocol("another answer than a head")),
    }
}

/// Reads one answer.
pub(super) async fn answer(reader: &mut (impl AsyncRead + Unpin)) -> Result<Answer, GetError> {
    let answer: Answer = frames::read(reader)
        .await
        .map_err(GetError::Connection)?
        .ok_or_else(|| GetError::Connection(io::ErrorKind::UnexpectedEof.into()))?;
    if answer.is_bounded() {
        Ok(answer)
    } else {
        Err(GetError::Protocol("an answer beyond its bounds"))
    }
}
