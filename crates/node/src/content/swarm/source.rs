//! A stream to a source: what it is asked goes out, what it sends is verified, and handed to blocking threads, which write it.
//!
//! One task reads, verifies what it has just read and deciphered, and has written by another what came before, so that the network and the
//! disk overlap, and neither waits for the hashing. Nothing is read of raw bytes whose number is not exactly that of what was asked for, nor
//! behind any that do not verify. What all sources of a transfer have sent and is not written is bounded together.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::FusedFuture as _;
use kith_core::content::swarm::Getter;
use kith_core::content::swarm::getter::{Due, SourceId, TransferId};
use kith_core::content::swarm::span::Span;
use kith_core::content::swarm::wire::{AskerMessage, DropReason, Open, ProviderMessage, What};
use kith_core::ids::PeerId;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, timeout};

use super::arriving::{Arriving, Event, Lie, Sound, Written};
use super::end::SourceEnd;
use super::getting::{Getting, Joined};
use super::output::Output;
use crate::content::frames;

/// Messages written together at most.
const BATCH_MESSAGES: usize = 64;

/// Messages that wait to be written, at most: then nothing more is read of the stream. With a batch under way that is what one source
/// alone fills its transfer's room with ([`Arriving::room`]).
const WAITING_MAX: usize = 16;

/// What is written in one go, at most: changing threads costs as much as a small file.
const BATCH_CAME: usize = 8;

/// How long a source that hears no more may take for what it said last to come: some round trips.
const LAST_WORD_WITHIN: Duration = Duration::from_secs(1);

/// How long a source may send nothing in the middle of a message while others wait for the room that it has: longer than a mobile network
/// takes to send again what was lost.
const SILENT_MAX: Duration = Duration::from_secs(5);

/// How fast all of a message must come then on average, in bytes a second: twice as fast as the slowest line that pictures are sent by.
const SLOWEST_BYTES_PER_SECOND: u32 = 16 * 1024;

/// Something that came, and is verified.
struct Came {
    request: u64,
    due: Due,
    sound: Sound,
    /// Others may come in its place when it is written.
    room: OwnedSemaphorePermit,
}

/// What a stream's tasks share.
struct Context {
    getting: Arc<Getting>,
    arriving: Arc<Arriving>,
    transfer: TransferId,
    source: SourceId,
    peer: Option<PeerId>,
}

/// Speaks with a source until one of us ends it. `Open` was sent before.
pub(super) async fn run<R, W>(
    mut joined: Joined,
    (getting, transfer): (&Arc<Getting>, TransferId),
    arriving: &Arc<Arriving>,
    peer: Option<PeerId>,
    (reader, writer): (R, W),
) -> SourceEnd
where
    R: AsyncRead + Unpin + Send,
    W: Output,
{
    let context = Arc::new(Context {
        getting: Arc::clone(getting),
        arriving: Arc::clone(arriving),
        transfer,
        source: joined.id,
        peer,
    });
    let (came, waiting) = mpsc::channel(WAITING_MAX);
    let writing = async {
        let written = write(&mut joined.messages, writer).await;
        if written.is_err() {
            // Whoever hears no more may have said why.
            tokio::time::sleep(LAST_WORD_WITHIN).await;
        }
        written
    };
    let taking = take(&context, waiting).fuse();
    let mut taking = std::pin::pin!(taking);
    let reading = async {
        let read = read(BufReader::new(reader), &context, came);
        let (read, ()) = tokio::join!(read, &mut taking);
        read
    };
    let ended = tokio::select! {
        biased;
        end = &mut joined.end => Ok(end.unwrap_or(SourceEnd::NotNeeded)),
        read = reading => read.and_then(|()| Err(io::ErrorKind::UnexpectedEof.into())),
        written = writing => written.map(|()| SourceEnd::NotNeeded),
    };
    if matches!(&ended, Err(error) if error.kind() == io::ErrorKind::InvalidData) {
        getting.tell(|getter, now| getter.handle_unreadable(now, context.source));
    }
    // What has come is right, whoever ended the stream.
    if !taking.is_terminated() {
        taking.await;
    }
    // What the machine has decided counts, also where the stream ended of it.
    let decided = joined.end.try_recv().ok();
    decided.map_or(ended, Ok).unwrap_or_else(SourceEnd::Lost)
}

/// Sends what opens the stream.
pub(super) async fn open(writer: &mut impl Output, open: Open) -> io::Result<()> {
    writer
        .send(frames::frame(&AskerMessage::Open(open)).into(), &mut 0)
        .await
}

/// Writes messages as they come.
async fn write(
    messages: &mut mpsc::Receiver<AskerMessage>,
    mut writer: impl Output,
) -> io::Result<()> {
    let mut batch = Vec::new();
    while messages.recv_many(&mut batch, BATCH_MESSAGES).await > 0 {
        let frames: Vec<u8> = batch.drain(..).flat_map(|it| frames::frame(&it)).collect();
        writer.send(Bytes::from(frames), &mut 0).await?;
    }
    // Its end is told first.
    std::future::pending().await
}

/// Reads messages, and the raw bytes behind them, until the stream ends.
async fn read<R>(mut reader: R, context: &Context, came: mpsc::Sender<Came>) -> io::Result<()>
where
    R: AsyncBufRead + Unpin,
{
    while let Some(message) = frames::read::<ProviderMessage>(&mut reader).await? {
        let lacks = match &message {
            ProviderMessage::Dropped { ids, reason } => context.lacks(ids, *reason),
            _ => Vec::new(),
        };
        let data = match &message {
            ProviderMessage::Data { id, encoded, .. } => Some((*id, *encoded)),
            _ => None,
        };
        let source = context.source;
        let due = context.getting.tell(|getter, now| {
            getter.handle_message(now, source, message);
            data.and_then(|(request, _)| getter.due(source, request))
        });
        for event in lacks {
            context.arriving.tell(event);
        }
        let (Some((request, encoded)), Some(due)) = (data, due) else {
            continue;
        };
        let expected = context.arriving.expected(&due);
        let Some((expected, _)) = expected.filter(|(_, bytes)| *bytes == encoded) else {
            // Of a transfer that was given up nothing tells any more what is right.
            if context.arriving.is_over() {
                break;
            }
            context.blame(&context.arriving.named(&due));
            return std::future::pending().await;
        };
        // Who says that something follows, and sends nothing of it, takes no room.
        if encoded > 0 {
            reader.fill_buf().await?;
        }
        let room = context.arriving.room(encoded).await;
        let length = usize::try_from(encoded).expect("bounded by the message");
        let mut raw = context.arriving.buffers.take(length);
        fill(&mut reader, &mut raw.bytes, length, &context.arriving).await?;
        let sound = match expected.verify(raw) {
            Ok(sound) => sound,
            Err(Lie(what)) => {
                context.blame(&what);
                return std::future::pending().await;
            }
        };
        let what = Came {
            request,
            due,
            sound,
            room,
        };
        if came.send(what).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Reads as many bytes as said, which have their room. Whoever is silent or slow in the middle of them keeps it, but not from others.
async fn fill<R>(
    reader: &mut R,
    bytes: &mut Vec<u8>,
    length: usize,
    arriving: &Arriving,
) -> io::Result<()>
where
    R: AsyncRead + Unpin,
{
    let begun = Instant::now();
    let within = SILENT_MAX + Duration::from_secs(length as u64) / SLOWEST_BYTES_PER_SECOND;
    let mut rest = reader.take(length as u64);
    while bytes.len() < length {
        match timeout(SILENT_MAX, rest.read_buf(bytes)).await {
            Ok(Err(error)) => return Err(error),
            Ok(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(Ok(_)) if begun.elapsed() < within => {}
            _ if arriving.is_room_wanted() => return Err(io::ErrorKind::TimedOut.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Has written what came, one batch after the other, until there is no more.
async fn take(context: &Arc<Context>, mut waiting: mpsc::Receiver<Came>) {
    let mut batch = Vec::new();
    while waiting.recv_many(&mut batch, BATCH_CAME).await > 0 {
        let (context, came) = (Arc::clone(context), std::mem::take(&mut batch));
        let tasks = context.arriving.tasks.clone();
        let taken = tasks.spawn_blocking(move || {
            came.into_iter().for_each(|came| context.take(came));
        });
        if taken.await.is_err() {
            return;
        }
    }
}

impl Context {
    /// Writes. Blocks.
    fn take(&self, came: Came) {
        let Came {
            request,
            due,
            sound,
            room,
        } = came;
        let source = self.source;
        let Written { event, outcome } = self.arriving.write(sound, self.peer);
        drop(room);
        match outcome {
            Ok(()) => self.getting.tell(|getter, now| {
                if getter.due(source, request).is_some() {
                    getter.handle_verified(now, source, request, due.until);
                    getter.handle_written(now, due.until - due.from);
                } else if let What::Span(_) = due.what {
                    // Nobody waits for it from here any more, and it is here.
                    let (start, end) = (due.from, due.until);
                    getter.handle_held(now, self.transfer, Span { start, end });
                }
            }),
            Err(error) => self.arriving.tell(Event::Failed(error)),
        }
        // The transfer looks what the machine says now that this is done.
        self.arriving.tell(event);
    }

    /// It lied about this.
    fn blame(&self, what: &str) {
        self.getting.blame(self.source, what);
    }

    /// What the source has no more by dropping these requests. Told when the machine has heard of it.
    fn lacks(&self, requests: &[u64], reason: DropReason) -> Vec<Event> {
        let is_changed = match reason {
            DropReason::Changed => true,
            DropReason::Missing => false,
            DropReason::Cancelled | DropReason::Busy => return Vec::new(),
        };
        let source = self.source;
        let due = |getter: &mut Getter, _| {
            let due = requests.iter().map(|request| getter.due(source, *request));
            due.collect::<Vec<_>>()
        };
        let lacked = self.getting.tell(due).into_iter().flatten();
        lacked
            .map(|due| Event::Lacks {
                what: self.arriving.named(&due),
                is_changed,
            })
            .collect()
    }
}
