//! Express lanes between nodes: `/kith/express/1`, both sides of it.
//!
//! Who may have a lane is who may open a stream: the protocol that it is for decides. To whoever serves that protocol the lane
//! is a [`Stream`] like any other.

use std::time::Duration;

use kith_core::codec::{self, Wire};
use kith_core::ids::PeerId;
use kith_core::protocol::ProtocolName;
use kith_core::routing::express::{Answer, PROTOCOL, Refusal, Request};
use kith_core::routing::{self, Access, Offer, Target};
use thiserror::Error;
use tokio::io::AsyncWriteExt as _;
use tracing::{debug, warn};

use super::live::Link;
use super::node::Node;
use super::opening::open_on;
use super::protocols::Protocols;
use super::stream::Stream;
use crate::clock;
use crate::routing::Refused;
use crate::routing::express::dial::{DialError, dial};
use crate::routing::express::{GiveError, Giver};

/// How long asking may take: one round trip on the path that the session has.
const ASK_WITHIN: Duration = Duration::from_secs(1);

/// Round trips of the session's path that asking may take on top: one for the question, and one lost.
const ROUND_TRIPS: u32 = 3;

/// Why there is no lane. A stream of the session does as well, only slower.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NoLane {
    /// It is switched off here.
    #[error("express lanes are switched off here")]
    Off,
    /// No session stands, or it ended.
    #[error("there is no session")]
    NoSession,
    /// The session runs over a relay.
    #[error("the session runs over a relay")]
    Relayed,
    /// They speak the protocol not at all, or not with us; or they give no lanes.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// They did not say within a second and three round trips, or nothing that can be read.
    #[error("they did not answer")]
    NoAnswer,
    /// A lane was offered, and did not come about. On this path another try will hardly do better.
    #[error(transparent)]
    Dial(#[from] DialError),
}

impl Node {
    /// Opens a stream to a contact in `protocol` over TLS on TCP, for bulk data: faster than one of the session, of the same
    /// trust, and ended with it. Takes at most two seconds and six round trips.
    ///
    /// # Errors
    /// [`NoLane`] where there is none, most often because the path needs NAT traversal: use [`Node::open`] then. No session is
    /// sought or kept up for it.
    pub async fn open_express(
        &self,
        peer: PeerId,
        protocol: &ProtocolName,
    ) -> Result<Stream, NoLane> {
        self.open_express_to(Target::Peer(peer), protocol).await
    }

    /// As [`Node::open_express`], to a device, whoever it is.
    pub(crate) async fn open_express_to(
        &self,
        target: Target,
        protocol: &ProtocolName,
    ) -> Result<Stream, NoLane> {
        if !self.0.express {
            return Err(NoLane::Off);
        }
        let link = self.0.live.preferred(target).ok_or(NoLane::NoSession)?;
        let path = link.connection.path().ok_or(NoLane::NoSession)?;
        if link.connection.selected_direct().is_none() {
            return Err(NoLane::Relayed);
        }
        let within = ASK_WITHIN + path.rtt * ROUND_TRIPS;
        let asked = tokio::time::timeout(within, ask(&link, target, protocol)).await;
        let (stream, offered) = match asked.map_err(|_| NoLane::NoAnswer)?? {
            (stream, Answer::Lane(offered)) => (stream, offered),
            (_, Answer::Refused(refusal)) => return Err(refusal.into()),
        };
        let lane = dial(&link.connection, &offered).await?;
        Ok(stream.over(lane, protocol.clone()))
    }
}

/// Asks for a lane.
async fn ask(
    link: &Link,
    target: Target,
    protocol: &ProtocolName,
) -> Result<(Stream, Answer), NoLane> {
    let offer = Offer::new(vec![name()]).ok_or(NoLane::NoAnswer)?;
    let opened = open_on(link, target, &offer).await;
    let mut stream = opened.map_err(|_| NoLane::NoSession)?;
    let request = Request {
        protocol: protocol.clone(),
    };
    let sent = stream.write_frame(&codec::encode(&request)).await;
    sent.map_err(|_| NoLane::NoSession)?;
    let frame = stream.read_frame(Answer::BYTES_MAX).await;
    let frame = frame.map_err(|error| match error.downcast::<Refused>() {
        Ok(refused) => NoLane::Refused(refused),
        Err(_) => NoLane::NoAnswer,
    })?;
    let answer = frame.and_then(|frame| codec::decode(&frame).ok());
    Ok((stream, answer.ok_or(NoLane::NoAnswer)?))
}

/// Begins to give lanes.
pub(super) fn serve(node: &Node) {
    let mut acceptor = match node.accept_unlisted(name(), Access::Anyone, Access::Contacts) {
        Ok(acceptor) => acceptor,
        Err(error) => return warn!(%error, "giving no express lanes"),
    };
    let giver = Giver::new(clock::now);
    let weak = node.downgrade();
    node.spawn(async move {
        while let Some(stream) = acceptor.next().await {
            if let Some(node) = weak.upgrade() {
                let protocols = node.0.protocols.clone();
                let giver = giver.clone();
                node.spawn(async move {
                    if let Some(lane) = give(&protocols, &giver, stream).await {
                        protocols.deliver(lane);
                    }
                });
            }
        }
    });
}

/// Answers one request; the stream over the lane, once it was fetched.
async fn give(protocols: &Protocols, giver: &Giver, mut stream: Stream) -> Option<Stream> {
    let connection = stream.connection().clone();
    let within = ASK_WITHIN + connection.path()?.rtt * ROUND_TRIPS;
    let frame = stream.read_frame(Request::BYTES_MAX);
    let frame = tokio::time::timeout(within, frame).await.ok()?.ok()??;
    let Request { protocol } = codec::decode(&frame).ok()?;
    let offer = Offer::new(vec![protocol.clone()])?;
    let chosen = match protocols.choose(stream.peer(), stream.level(), &offer) {
        // A lane for lanes leads nowhere.
        routing::Answer::Picked(_) if protocol == name() => Err(Refusal::Unsupported),
        routing::Answer::Picked(_) => Ok(()),
        routing::Answer::Refused(refusal) => Err(refusal.into()),
    };
    let given = chosen.map_err(GiveError::Refused);
    let given = given.and_then(|()| giver.give(&connection, stream.level()));
    let given = match given {
        Ok(given) => given,
        Err(error) => {
            debug!(%error, "no express lane");
            let refusal = match error {
                GiveError::Refused(refusal) => refusal,
                _ => Refusal::Busy,
            };
            refuse(stream, refusal).await;
            return None;
        }
    };
    let answer = codec::encode(&Answer::Lane(given.offered.clone()));
    stream.write_frame(&answer).await.ok()?;
    let lane = tokio::select! {
        biased;
        lane = given.arrived() => lane?,
        // Whoever asked gives it up, or the session ended.
        _ = stream.read_frame(0) => return None,
    };
    Some(stream.over(lane, protocol))
}

async fn refuse(mut stream: Stream, refusal: Refusal) {
    let answer = codec::encode(&Answer::Refused(refusal));
    if stream.write_frame(&answer).await.is_ok() {
        // Fails only for a stream that is over.
        let _ = stream.shutdown().await;
    }
}

impl From<Refusal> for NoLane {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unsupported => Self::Refused(Refused::Unsupported),
            Refusal::NotAllowed => Self::Refused(Refused::NotAllowed),
            Refusal::Busy => Self::Refused(Refused::Busy),
            Refusal::Relayed => Self::Relayed,
        }
    }
}

/// The protocol's name.
fn name() -> ProtocolName {
    PROTOCOL.parse().expect("a valid name")
}
