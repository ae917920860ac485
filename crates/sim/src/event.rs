//! What can be on its way in a simulated world: everything that happens later than it was caused.

use kith_core::ids::{DeviceKey, Face};
use kith_core::peer::InviteOptions;
use kith_core::routing::{CloseCode, DialId};
use kith_core::time::Time;

/// When every world begins: noon of an arbitrary day.
pub const EPOCH: Time = Time(86_400_000 * 20_000 + 43_200_000);

/// A node, by its place in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

/// A connection between two nodes; both call it by this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub u64);

/// Which life of a node: it ends with a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Life(pub u64);

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Who dialled.
    Dialler,
    /// Who was dialled.
    Dialled,
}

impl Side {
    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Dialler => Self::Dialled,
            Self::Dialled => Self::Dialler,
        }
    }
}

/// What travels over a link, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parcel {
    /// Bytes of the control stream.
    Control(Vec<u8>),
    /// A request on a registry's stream, of a stranger who repeats what others said.
    Request(u64, Vec<u8>),
    /// The end, with a code.
    Close(CloseCode),
}

/// What is to happen at some time.
#[derive(Clone, Debug)]
pub enum Event {
    /// A node asked to be woken.
    Wake(NodeId, Life),
    /// A dial comes to its end.
    Dialled(Dial),
    /// The dialled side's handshake is complete.
    Accepted(LinkId),
    /// Something arrives.
    Arrive(LinkId, Side, Parcel),
    /// Two ends that know each other over a relay try a direct path.
    Punch(LinkId),
    /// A link that has been cut for as long as an engine waits.
    Expire(LinkId, Time),
    /// A node finds out where it is.
    Route(NodeId, Life),
    /// The shell has bound another key for the contact face.
    Rotated(NodeId, Life),
    /// An old key of a node is closed.
    Retired(NodeId, Life, DeviceKey),
    /// A visit's request arrives at an introducer.
    Visited(Call),
    /// An introducer's answer arrives at whoever visited.
    Answered(Call, Vec<u8>),
    /// A visit has taken longer than anybody waits.
    Overdue(NodeId, Life, DeviceKey, u64),
    /// Visits to an introducer are paid again.
    Retry(NodeId, Life, DeviceKey),
    /// An announcement on the local network is heard.
    Sighted(NodeId, NodeId, Life),
    /// Somebody's announcement is gone.
    Vanished(NodeId, DeviceKey),
    /// A person does something.
    Command(NodeId, Command),
}

/// A visit under way.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its number in the world.
    pub number: u64,
    /// Who visits.
    pub node: NodeId,
    /// In which life.
    pub life: Life,
    /// Under which key.
    pub visitor: DeviceKey,
    /// Whom.
    pub introducer: NodeId,
    /// Whether it goes over the introducer's own relay, which hides the address it comes from.
    pub is_relayed: bool,
    /// What is asked.
    pub request: Vec<u8>,
}

/// A dial under way.
#[derive(Clone, Debug)]
pub struct Dial {
    /// Who dials.
    pub node: NodeId,
    /// In which life.
    pub life: Life,
    /// The machine's number for it.
    pub dial: DialId,
    /// From which face.
    pub face: Face,
    /// The route to try.
    pub route: kith_core::address::Route,
}

/// What a person can do to a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make an invite; it is number so-and-so of the world.
    Invite(InviteOptions),
    /// Accept an invite of the world.
    Accept(usize),
    /// Let a pending contact in.
    Confirm(NodeId),
    /// Block a contact.
    Block(NodeId),
    /// Unblock it.
    Unblock(NodeId),
    /// Remove a contact.
    Remove(NodeId),
    /// The power fails.
    Crash,
    /// The power fails after so many more outputs.
    CrashAfter(u32),
    /// The power does not fail after all.
    Spare,
    /// It comes back.
    Start,
    /// An owner stops the program.
    Leave,
}
