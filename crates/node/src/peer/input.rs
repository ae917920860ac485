//! What can happen to a node, as its loop takes it.

use kith_core::address::Route;
use kith_core::crypto::SecretKey;
use kith_core::ids::Face;
use kith_core::introducer::Introducer;
use kith_core::peer::Peer;
use kith_core::routing::{ConnId, DialId, Target, UnreachableReason};
use kith_core::time::Time;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::begun::Begun;
use crate::discovery::Finding;
use crate::error::Error;
use crate::routing::{Connection, Ended, FaceEndpoint, PathSummary};

/// What a question's answer does once everything the question led to is durable.
pub(super) type Reply = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// Something to do with the machine.
pub(super) type Question = Box<dyn FnOnce(&mut Peer, Time) -> Reply + Send>;

/// A look at it.
pub(super) type Look = Box<dyn FnOnce(&Peer, Time) + Send>;

/// Held by what others can cause, until the loop has taken it: whoever brings it waits for its turn before it brings more. So each source
/// has so many inputs ahead as it has turns, and what it does not bring stays with the engine, whose windows are bounded.
pub(super) type Turn = OwnedSemaphorePermit;

/// Something for the machine. What may come at any rate holds a [`Turn`], or is told once until it is taken; of the rest there is one for
/// each thing this node does.
pub(super) enum Input {
    /// Somebody wants to open streams: as soon as they may be sent, or once it is known that the target is there.
    Open {
        target: Target,
        standing: bool,
        reached: oneshot::Sender<Result<(), UnreachableReason>>,
    },
    /// Something to do with the machine itself.
    Ask(Question),
    /// Something to be seen of it.
    Look(Look),
    /// A dial is over.
    Dialled {
        dial: DialId,
        face: Face,
        begun: Option<Begun>,
    },
    /// Somebody dialled us.
    Incoming {
        face: Face,
        connection: Connection,
        turn: Turn,
    },
    /// Bytes of a control stream.
    Control {
        conn: ConnId,
        bytes: Vec<u8>,
        turn: Turn,
    },
    /// Another path.
    Path {
        conn: ConnId,
        path: PathSummary,
        turn: Turn,
    },
    /// Somebody waits for an answer, and nothing comes on a connection after so many packets that were heard.
    Silence { conn: ConnId, heard: u64 },
    /// The end of a connection.
    Closed { conn: ConnId, ended: Ended },
    /// Another number of streams is open: none, or some.
    Streams { conn: ConnId },
    /// A face is elsewhere.
    Route {
        face: Face,
        route: Route,
        turn: Option<Turn>,
    },
    /// A face's relay carries its traffic no more.
    RelayLost { url: String, turn: Turn },
    /// The relay for contacts runs here, or not any more.
    OwnRelay(Option<Introducer>),
    /// What a source of discovery found.
    Finding { finding: Finding, turn: Turn },
    /// The table of protocols is different.
    ProtocolsChanged,
    /// Somebody asks for the endpoint behind a face.
    Endpoint {
        face: Face,
        answer: oneshot::Sender<Option<FaceEndpoint>>,
    },
    /// Contacts on the local network are to find this node, and it them; or not any more.
    Lan(bool),
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

impl Input {
    /// Whether it is to wait while the machine waits for the disk: all but what this node's owner asks. A question is answered at once, that it
    /// was not saved; a look with what is there, which a crash may undo; who wants a stream waits for the peer as usual, and may be there when the disk is again.
    pub(super) fn waits_for_the_disk(&self) -> bool {
        !matches!(
            self,
            Self::Open { .. }
                | Self::Ask(_)
                | Self::Look(_)
                | Self::Endpoint { .. }
                | Self::Shutdown { .. }
        )
    }
}
