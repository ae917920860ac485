//! Providers that do not do as they should.

use std::io;
use std::sync::Arc;

use kith_core::content::swarm::getter::{Path, Who};
use kith_core::content::swarm::wire::{Ask, AskerMessage, DropReason, ProviderMessage, What};
use tokio::io::{AsyncRead, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};

use super::world::{EXPORTER, LAN, PROVIDER};
use crate::content::swarm::{Intake, SourceEnd};
use crate::content::{Credential, Stream, frames};

/// What a fake provider answers.
pub(super) enum Reply {
    /// These raw bytes, for all that was asked for.
    Data(Vec<u8>),
    /// The same, of which one byte comes, and then nothing any more.
    Begun(Vec<u8>),
    /// A node of so many bytes, in its encoding.
    Node(Vec<u8>, u64),
    /// That it does not, for this reason.
    Dropped(DropReason),
    /// Nothing.
    Silence,
}

type Halves = (ReadHalf<DuplexStream>, WriteHalf<DuplexStream>);

fn pair() -> (
    Stream<ReadHalf<DuplexStream>, WriteHalf<DuplexStream>>,
    Halves,
) {
    let (mine, theirs) = tokio::io::duplex(1 << 20);
    let (reader, writer) = tokio::io::split(mine);
    let stream = Stream {
        reader,
        writer,
        exporter: EXPORTER,
    };
    (stream, tokio::io::split(theirs))
}

/// A stream on which the other side says this, and nothing more.
pub(super) fn saying(
    bytes: &'static [u8],
) -> Stream<ReadHalf<DuplexStream>, WriteHalf<DuplexStream>> {
    let (stream, (_, mut writer)) = pair();
    tokio::spawn(async move { writer.write_all(bytes).await });
    stream
}

/// Hands a provider in that says it holds everything, and answers each request so.
pub(super) async fn run(
    intake: Intake,
    reply: impl Fn(Ask) -> Reply + Send + Sync + 'static,
) -> SourceEnd {
    run_as(intake, PROVIDER, reply).await
}

/// The same, as somebody.
pub(super) async fn run_as(
    intake: Intake,
    who: Who,
    reply: impl Fn(Ask) -> Reply + Send + Sync + 'static,
) -> SourceEnd {
    run_on(pair(), intake, who, LAN, reply).await
}

/// The same, on these ends of a stream, and by such a path.
pub(super) async fn run_on<R: AsyncRead + Unpin + Send>(
    (stream, theirs): (Stream<R, WriteHalf<DuplexStream>>, Halves),
    intake: Intake,
    who: Who,
    path: Path,
    reply: impl Fn(Ask) -> Reply + Send + Sync + 'static,
) -> SourceEnd {
    let reply = Arc::new(reply);
    tokio::spawn(async move {
        // The getter may end the stream at any time.
        let _ = answer(theirs, &*reply).await;
    });
    intake.source(stream, who, path, &Credential::Session).await
}

async fn answer(
    (mut reader, mut writer): Halves,
    reply: &(dyn Fn(Ask) -> Reply + Send + Sync),
) -> io::Result<()> {
    for message in [ProviderMessage::Everything, ProviderMessage::Free] {
        writer.write_all(&frames::frame(&message)).await?;
    }
    while let Some(message) = frames::read::<AskerMessage>(&mut reader).await? {
        let AskerMessage::Request(asks) = message else {
            continue;
        };
        for ask in asks {
            let reply = reply(ask);
            let stays_silent = matches!(reply, Reply::Begun(_));
            let (raw, until) = match (reply, ask.what) {
                (Reply::Data(raw) | Reply::Begun(raw), What::Span(span)) => (raw, span.end),
                (Reply::Data(raw) | Reply::Begun(raw), What::Node(_)) => {
                    let until = raw.len() as u64;
                    (raw, until)
                }
                (Reply::Node(raw, size), _) => (raw, size),
                (Reply::Dropped(reason), _) => {
                    let ids = vec![ask.id];
                    let message = ProviderMessage::Dropped { ids, reason };
                    writer.write_all(&frames::frame(&message)).await?;
                    continue;
                }
                (Reply::Silence, _) => continue,
            };
            let (id, encoded) = (ask.id, raw.len() as u64);
            let message = ProviderMessage::Data { id, until, encoded };
            writer.write_all(&frames::frame(&message)).await?;
            if stays_silent {
                writer.write_all(&raw[..1]).await?;
                return std::future::pending().await;
            }
            writer.write_all(&raw).await?;
        }
    }
    Ok(())
}
