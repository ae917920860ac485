//! Streams of `/kith/swarm/1` to everybody who may have a share, for as long as a transfer needs them.
//!
//! Where the session's path is direct, a stream travels over an express lane; when the lane fails, or there is none, over the session
//! itself. The getter does not notice: what one stream owed is asked for on the next.

use std::net::IpAddr;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use kith_core::content::swarm::getter::{Path, PathKind, Who};
use kith_core::content::swarm::wire::PROTOCOL;
use kith_core::ids::PeerId;
use kith_core::protocol::ProtocolName;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tracing::debug;

use super::fetched::TransferProgress;
use super::limits;
use crate::content::swarm::{Intake, SourceEnd};
use crate::content::{self, GetError, Provider, Providers};
use crate::peer::event::Event;
use crate::peer::node::Node;
use crate::peer::stream::Stream;
use crate::routing;

/// The pause before a provider is tried again that was lost while others give, doubled each time,
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// up to this.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// From this size on a snapshot is worth the three round trips that a lane takes.
const LANE_BYTES_MIN: u64 = 1 << 20;

/// How long nothing comes after a new session with a provider began, until the old one counts as dead: their node has been restarted,
/// and QUIC would take half a minute to say so.
const SILENT_MAX: Duration = Duration::from_secs(3);

/// What feeds a transfer.
pub(super) struct Feed {
    node: Node,
    intake: Intake,
    /// How far the transfer is; `None` for a mere look, which is not worth a lane.
    progress: Option<watch::Receiver<TransferProgress>>,
}

/// A provider, and how often it was lost in a row.
struct Attempt {
    provider: Provider,
    losses: u32,
}

impl Feed {
    /// Of what hands its streams in at `intake`.
    pub(super) fn new(
        node: Node,
        intake: Intake,
        progress: Option<watch::Receiver<TransferProgress>>,
    ) -> Self {
        Self {
            node,
            intake,
            progress,
        }
    }

    /// Hands streams to providers in. Ends when nobody is left, with what the last of them said.
    pub(super) async fn run(self, mut providers: impl Providers) -> GetError {
        let mut attempts: FuturesUnordered<BoxFuture<'_, (Attempt, SourceEnd)>> =
            FuturesUnordered::new();
        let mut pauses: FuturesUnordered<BoxFuture<'_, Attempt>> = FuturesUnordered::new();
        loop {
            let attempt = tokio::select! {
                biased;
                provider = std::future::poll_fn(|cx| providers.poll_next(cx)) => {
                    let losses = 0;
                    Attempt { provider, losses }
                }
                others = self.intake.learned() => {
                    providers.learned(others);
                    continue;
                }
                Some((mut attempt, end)) = attempts.next() => {
                    debug!(?end, "a provider of a transfer is lost");
                    if attempts.is_empty() {
                        return end.into();
                    }
                    if matches!(end, SourceEnd::Lost(_)) {
                        attempt.losses += 1;
                        pauses.push(Box::pin(pause(attempt)));
                    }
                    continue;
                }
                Some(attempt) = pauses.next() => attempt,
            };
            attempts.push(Box::pin(self.attend(attempt)));
        }
    }

    /// Has a provider serve, by a lane as long as one holds, else by the session.
    async fn attend(&self, attempt: Attempt) -> (Attempt, SourceEnd) {
        let provider = &attempt.provider;
        if self.progress.is_some() && self.intake.size() >= LANE_BYTES_MIN {
            let protocol = protocol();
            let lane = self.node.open_express_to(provider.target, &protocol);
            match lane.await {
                Ok(lane) => match self.serve(provider, lane).await {
                    SourceEnd::Lost(error) => debug!(%error, "an express lane is lost"),
                    end => return (attempt, end),
                },
                Err(reason) => debug!(%reason, "no express lane"),
            }
        }
        let opened = self.node.open_to(provider.target, &[protocol()]).await;
        let end = match opened {
            Ok(stream) => self.serve(provider, stream).await,
            Err(error) => SourceEnd::Lost(std::io::Error::other(error)),
        };
        (attempt, end)
    }

    async fn serve(&self, provider: &Provider, stream: Stream) -> SourceEnd {
        let connection = stream.connection().clone();
        let peer = provider.peer.or(stream.peer());
        let who = Who {
            device: connection.remote(),
            peer,
        };
        let path = path(&connection);
        let exporter = *stream.exporter();
        let (reader, writer) = limits::incoming(&self.node, stream);
        let halves = content::Stream {
            reader,
            writer,
            exporter,
        };
        let source = (self.intake).source(halves, who, path, &provider.credential);
        tokio::select! {
            end = source => end,
            () = broken(self.node.events(), self.progress.clone(), peer) => {
                SourceEnd::Lost(std::io::ErrorKind::NotConnected.into())
            }
        }
    }
}

async fn pause(attempt: Attempt) -> Attempt {
    let pause = PAUSE_MIN * 2u32.saturating_pow(attempt.losses - 1);
    tokio::time::sleep(pause.min(PAUSE_MAX)).await;
    attempt
}

/// The path to a provider, as the engine knows it.
fn path(connection: &routing::Connection) -> Path {
    let kind = match connection.selected_direct() {
        Some(address) if is_local(address.ip()) => PathKind::Lan,
        Some(_) => PathKind::Direct,
        None => PathKind::Relay,
    };
    let rtt = connection.path().map(|path| path.rtt).unwrap_or_default();
    Path { kind, rtt }
}

/// Whether an address is one of a local network (RFC 1918, 3927, 4193, 4291).
fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

/// Waits until a new session with `peer` begins and nothing comes on the old one any more.
async fn broken(
    mut events: broadcast::Receiver<Event>,
    progress: Option<watch::Receiver<TransferProgress>>,
    peer: Option<PeerId>,
) {
    let (Some(mut progress), Some(peer)) = (progress, peer) else {
        return std::future::pending().await;
    };
    loop {
        arrival(&mut events, peer).await;
        progress.mark_unchanged();
        let silent = tokio::time::timeout(SILENT_MAX, progress.changed()).await;
        if silent.is_err() {
            return;
        }
    }
}

/// Waits until a session with `peer` begins, or they are found.
pub(super) async fn arrival(events: &mut broadcast::Receiver<Event>, peer: PeerId) {
    loop {
        match events.recv().await {
            Ok(Event::Up(session)) if session.peer == Some(peer) => return,
            Ok(Event::Found { peer: found, .. }) if found == peer => return,
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// The protocol's name.
pub(super) fn protocol() -> ProtocolName {
    PROTOCOL.parse().expect("a valid name")
}
