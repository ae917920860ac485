//! What can happen to a node, as its loop takes it.

use kith_core::address::Route;
use kith_core::crypto::SecretKey;
use kith_core::ids::Face;
use kith_core::introducer::Introducer;
use kith_core::peer::Peer;
use kith_core::routing::{ConnId, DialId, Target, UnreachableReason};
use kith_core::time::Time;
use tokio::sync::oneshot;

use super::begun::Begun;
use crate::discovery::Finding;
use crate::error::Error;
use crate::routing::{Connection, Ended, FaceEndpoint, PathSummary};

/// What a question's answer does once everything the question led to is durable.
pub(super) type Reply = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// Something to do with the machine.
pub(super) type Question = Box<dyn FnOnce(&mut Peer, Time) -> Reply + Send>;

/// Something for the machine.
pub(super) enum Input {
    /// Somebody wants to open streams: as soon as they may be sent, or once it is known that the target is there.
    Open {
        target: Target,
        standing: bool,
        reached: oneshot::Sender<Result<(), UnreachableReason>>,
    },
    /// Something to do with the machine itself.
    Ask(Question),
    /// A dial is over.
    Dialled {
        dial: DialId,
        face: Face,
        begun: Option<Begun>,
    },
    /// Somebody dialled us.
    Incoming { face: Face, connection: Connection },
    /// Bytes of a control stream.
    Control { conn: ConnId, bytes: Vec<u8> },
    /// Another path.
    Path { conn: ConnId, path: PathSummary },
    /// The end of a connection.
    Closed { conn: ConnId, ended: Ended },
    /// How many streams are open.
    Streams { conn: ConnId, open: u32 },
    /// A face is elsewhere.
    Route { face: Face, route: Route },
    /// A face's relay carries its traffic no more.
    RelayLost { url: String },
    /// The relay for contacts runs here, or not any more.
    OwnRelay(Option<Introducer>),
    /// What a source of discovery found.
    Finding(Finding),
    /// The table of protocols is different.
    ProtocolsChanged,
    /// Somebody asks for the endpoint behind a face.
    Endpoint {
        face: Face,
        answer: oneshot::Sender<Option<FaceEndpoint>>,
    },
    /// The interfaces are different.
    NetworkChanged,
    /// The contact face was bound anew.
    Rotated {
        endpoint: FaceEndpoint,
        secret: SecretKey,
    },
    /// The end.
    Shutdown { done: oneshot::Sender<()> },
}
