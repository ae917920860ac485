//! Streams of `/kith/swarm/1` to everybody who may have a share, for as long as a transfer needs them.
//!
//! Where the session's path is direct, or becomes so, a stream travels over an express lane; when the lane fails, or there is none, over
//! the session itself. The getter does not notice: what one stream owed is asked for on the next. When it finds one lane more worth it, that is
//! asked for beside the first, which is not kept waiting by it, and goes on alone where there is none, or it fails.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use kith_core::content::limits::Nearness;
use kith_core::content::swarm::getter::{Path, PathKind, Who};
use kith_core::content::swarm::wire::PROTOCOL;
use kith_core::ids::{DeviceKey, PeerId};
use kith_core::protocol::ProtocolName;
use kith_core::routing::Target;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, watch};
use tracing::debug;

use super::attempts::{self, Found};
use super::fetched::TransferProgress;
use super::limits::{self, Metered};
use crate::content::swarm::{Intake, SourceEnd};
use crate::content::{self, GetError, Provider};
use crate::error::Error;
use crate::peer::event::Event;
use crate::peer::express::NoLane;
use crate::peer::node::Node;
use crate::peer::opening::OPEN_WITHIN;
use crate::peer::stream::{Stream, StreamReader, StreamWriter};
use crate::routing;

/// From this size on a snapshot is worth the three round trips that a lane takes.
const LANE_BYTES_MIN: u64 = 1 << 20;

/// How often a lane is asked for after a path became direct here, which the other side may see later,
const LATER_LANES_MAX: u32 = 3;

/// and the pause in between, so many times longer each time: some round trips even of a slow path.
const LATER_LANE_PAUSE: Duration = Duration::from_secs(1);

/// How long nothing comes after a new session with a provider began, until the old one counts as dead: their node has been restarted,
/// and QUIC would take half a minute to say so.
const SILENT_MAX: Duration = Duration::from_secs(3);

/// What feeds a transfer.
pub(super) struct Feed {
    node: Node,
    intake: Intake,
    /// How far the transfer is; `None` for a mere look, which is not worth a lane.
    progress: Option<watch::Receiver<TransferProgress>>,
    /// Who serves.
    serving: Mutex<BTreeSet<DeviceKey>>,
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
            serving: Mutex::default(),
        }
    }

    /// Hands streams to providers in, to those known from the beginning and to those that are found meanwhile, all at once. Ends as
    /// [`attempts::run`] does.
    pub(super) async fn run(
        self,
        known: Vec<Provider>,
        found: &mut mpsc::UnboundedReceiver<Found>,
    ) -> GetError {
        attempts::run(known, found, |provider| self.attend(provider)).await
    }

    /// Has a provider serve, where it is reached first.
    async fn attend(&self, provider: Provider) -> SourceEnd {
        let mut end = SourceEnd::Lost(std::io::ErrorKind::NotConnected.into());
        for target in &provider.targets {
            end = self.attend_at(&provider, *target).await;
            if !matches!(end, SourceEnd::Lost(_)) {
                break;
            }
        }
        end
    }

    /// Has it serve, by a lane as long as one holds, else by the session. Over a relay only until the path is direct and a lane is there.
    async fn attend_at(&self, provider: &Provider, target: Target) -> SourceEnd {
        let mut lane = match self.first_lane(target).await {
            Ok(lane) => lane,
            Err(error) => return SourceEnd::Lost(std::io::Error::other(error)),
        };
        loop {
            if let Some(lane) = lane.take() {
                let intake = self.intake.by_lane();
                match self.serve((provider, target), lane, intake).await {
                    SourceEnd::Lost(error) => debug!(%error, "an express lane is lost"),
                    end => return end,
                }
            }
            let stream = match self.node.open_to(target, &[protocol()]).await {
                Ok(stream) => stream,
                Err(error) => return SourceEnd::Lost(std::io::Error::other(error)),
            };
            let connection = stream.connection().clone();
            let is_direct = connection.selected_direct().is_some();
            tokio::select! {
                end = self.serve((provider, target), stream, self.intake.clone()) => return end,
                found = self.later_lane(target, &connection), if self.wants_lanes() && !is_direct => {
                    lane = Some(found);
                }
            }
        }
    }

    fn wants_lanes(&self) -> bool {
        self.progress.is_some() && self.intake.size() >= LANE_BYTES_MIN
    }

    /// A lane, if it is worth one and there is one now. A session is made for it: those whom referrals name have none with us yet.
    async fn first_lane(&self, target: Target) -> Result<Option<Stream>, Error> {
        if !self.wants_lanes() {
            return Ok(None);
        }
        let deadline = Instant::now() + OPEN_WITHIN;
        // A device is whoever it is.
        let standing = matches!(target, Target::Peer(_));
        self.node.link(target, standing, deadline).await?;
        let lane = self.node.open_express_to(target, &protocol()).await;
        let lane = lane.inspect_err(|reason| debug!(%reason, "no express lane"));
        Ok(lane.ok())
    }

    /// A lane, once the path has become direct; never, if there is none even then.
    async fn later_lane(&self, target: Target, connection: &routing::Connection) -> Stream {
        for attempt in 1..=LATER_LANES_MAX {
            if connection.wait_direct().await.is_none() {
                break;
            }
            match self.node.open_express_to(target, &protocol()).await {
                Ok(lane) => return lane,
                // To the other side it is not direct yet.
                Err(NoLane::Relayed) => tokio::time::sleep(LATER_LANE_PAUSE * attempt).await,
                Err(reason) => {
                    debug!(%reason, "no express lane, though the path became direct");
                    break;
                }
            }
        }
        std::future::pending().await
    }

    async fn serve(
        &self,
        (provider, target): (&Provider, Target),
        stream: Stream,
        intake: Intake,
    ) -> SourceEnd {
        let connection = stream.connection().clone();
        // One may be found by a referral and be a contact who is there, too.
        let Some(_serving) = Serving::begin(&self.serving, connection.remote()) else {
            return SourceEnd::NotNeeded;
        };
        let peer = match target {
            // The stream may be opened before their session is up, in which they are the only ones it can be.
            Target::Peer(peer) => Some(peer),
            // Whoever a link or a referral leads to may be anybody, whatever it says.
            Target::Device(_) => stream.peer(),
        };
        let who = Who {
            device: connection.remote(),
            peer,
        };
        let now = path(&connection);
        let halves = self.halves(stream);
        let source = intake.source(halves, who, now, &provider.credential);
        tokio::select! {
            end = source => end,
            () = broken(self.node.events(), self.progress.clone(), peer) => {
                SourceEnd::Lost(std::io::ErrorKind::NotConnected.into())
            }
            never = self.serve_beside((provider, target), (&intake, who), &connection) => {
                match never {}
            }
            never = self.follow_path(&connection) => match never {},
        }
    }

    fn halves(&self, stream: Stream) -> content::Stream<Metered<StreamReader>, StreamWriter> {
        let exporter = *stream.exporter();
        let (reader, writer) = limits::incoming(&self.node, stream);
        content::Stream {
            reader,
            writer,
            exporter,
        }
    }

    /// Has whoever serves by a lane of `first` serve by one more, whenever the getter finds that worth it. However such a lane ends, this goes on: where that is
    /// their own fault the getter ends the first, too, for the same reason. Ends with the first.
    async fn serve_beside(
        &self,
        (provider, target): (&Provider, Target),
        (first, who): (&Intake, Who),
        connection: &routing::Connection,
    ) -> Infallible {
        loop {
            first.further_lane().await;
            let lane = match self.node.open_express_to(target, &protocol()).await {
                // It ends with the session that the first belongs to.
                Ok(lane) if lane.connection().number() == connection.number() => lane,
                Ok(_) => continue,
                Err(reason) => {
                    debug!(%reason, "no further express lane");
                    continue;
                }
            };
            let (intake, path, credential) = (
                first.by_lane(),
                path(connection),
                provider.credential.clone(),
            );
            let halves = self.halves(lane);
            let serving = async move { intake.source(halves, who, path, &credential).await };
            // What comes is deciphered and verified by the task that reads it: where more threads than one wait for sockets, another has that work.
            let end = self.intake.spawn(serving).await;
            debug!(?end, "a further express lane is over");
        }
    }

    /// Tells the getter what becomes of the path to a provider. Never ends.
    async fn follow_path(&self, connection: &routing::Connection) -> Infallible {
        let mut changes = connection.path_changes();
        while changes.next().await.is_some() {
            self.intake.path(connection.remote(), path(connection));
        }
        std::future::pending().await
    }
}

/// A device serves, until this is dropped.
struct Serving<'a> {
    all: &'a Mutex<BTreeSet<DeviceKey>>,
    device: DeviceKey,
}

impl<'a> Serving<'a> {
    /// `None` where it serves already.
    fn begin(all: &'a Mutex<BTreeSet<DeviceKey>>, device: DeviceKey) -> Option<Self> {
        let mut serving = all.lock().unwrap_or_else(PoisonError::into_inner);
        let is_first = serving.insert(device);
        // Made only then: what is dropped removes the device again.
        is_first.then(|| Self { all, device })
    }
}

impl Drop for Serving<'_> {
    fn drop(&mut self) {
        let mut serving = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        serving.remove(&self.device);
    }
}

/// The path to a provider, as the engine knows it.
fn path(connection: &routing::Connection) -> Path {
    let kind = match connection.selected_direct() {
        Some(address) if Nearness::of(address.ip()) == Nearness::Local => PathKind::Lan,
        Some(_) => PathKind::Direct,
        None => PathKind::Relay,
    };
    let rtt = connection.path().map(|path| path.rtt).unwrap_or_default();
    Path { kind, rtt }
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
