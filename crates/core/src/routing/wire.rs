//! Bytes on the wire of `kith/1`: the frames of the control stream, and the header of every other stream.
//!
//! The control stream is the first bidirectional stream of a connection, opened by the dialler:
//!
//! ```text
//! dialler                                dialled
//!    │ Hello, Introduce ───────────────────▶│   at once, nothing is waited for
//!    │◀─────────────── Hello, Welcome ──────│   or Hello, Stranger: it shows itself only after proof
//!    │◀── Speaks, Note ──▶   as things change, both ways
//!    │◀── Bye ──▶            no more streams from me here
//! ```
//!
//! Every message is canonical CBOR ([`crate::codec`]) behind its length, a big-endian `u32`. All of it lives under the ALPN
//! `kith/1`, which is its version; [`Hello`] adds one for small changes.

use std::net::SocketAddr;

use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::codec::{self, DecodeError, Wire};
use crate::protocol::{NAME_BYTES_MAX, ProtocolName};

/// The ALPN of all this.
pub const ALPN: &[u8] = b"kith/1";

/// The version of [`Hello`] written and understood here.
pub const HELLO_VERSION: u8 = 1;

/// The largest control frame, in bytes: a hello with all its names (8.4 KiB), and as much room again.
pub const FRAME_BYTES_MAX: usize = 16 * 1024;

/// The longest agent text, in bytes: a program's name and version.
pub const AGENT_BYTES_MAX: usize = 64;

/// The longest name a peer suggests for itself, in bytes: as long as in an invite.
pub const NAME_SUGGESTED_BYTES_MAX: usize = 64;

/// The most protocol names a peer says it speaks: far above what one node runs, and 8 KiB at the longest.
pub const SPEAKS_MAX: usize = 64;

/// The largest signed binding, in bytes: two signatures, two keys and a commitment take 330.
pub const BINDING_BYTES_MAX: usize = 512;

/// The largest proof, in bytes: an invite's takes 100, a grant with its share's head under 900.
pub const PROOF_BYTES_MAX: usize = 1024;

/// The largest note, in bytes: four introducers and two routes take under 4,000.
pub const NOTE_BYTES_MAX: usize = 4096;

/// The most protocol names offered for one stream: versions of a few protocols that would all do.
pub const OFFERS_MAX: usize = 16;

/// One message on the control stream.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Frame {
    /// The first frame of either side.
    #[n(0)]
    Hello(#[n(0)] Hello),
    /// The dialler's second frame: who it is, as far as it wishes to say.
    #[n(1)]
    Introduce(#[n(0)] Introduction),
    /// The dialled side's second frame: who it is. Its binding is always there.
    #[n(2)]
    Welcome(#[n(0)] Introduction),
    /// The dialled side's other second frame: it does not say who it is. Whatever the reason, these bytes are the same.
    #[n(3)]
    Stranger,
    /// All that the sender speaks to this receiver, in place of what it said before.
    #[n(4)]
    Speaks(#[n(0)] Vec<ProtocolName>),
    /// Something for the receiving node's other rooms.
    #[n(5)]
    Note(#[n(0)] Note),
    /// The sender has no streams open here and opens no more.
    #[n(6)]
    Bye(#[n(0)] Farewell),
}

/// What both sides say first. It tells a stranger what any stranger may know.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Hello {
    /// [`HELLO_VERSION`].
    #[n(0)]
    pub version: u8,
    /// Which life of the sending node this is: greater after each start.
    #[n(1)]
    pub boot: u64,
    /// Which of the dials of this life it is, counted from 1; 0 from the dialled side.
    #[n(2)]
    pub dial: u64,
    /// The sender's program and version, at most [`AGENT_BYTES_MAX`] bytes.
    #[n(3)]
    pub agent: String,
    /// What the sender speaks with strangers, at most [`SPEAKS_MAX`] names.
    #[n(4)]
    pub speaks: Vec<ProtocolName>,
    /// The receiver's address as the sender sees it; `None` over a relay.
    #[n(5)]
    pub observed: Option<SocketAddr>,
}

/// Who somebody is, as far as they say. The bytes are opaque here: who can verify them gets them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Introduction {
    /// A signed binding of the sender's device to its identity, at most [`BINDING_BYTES_MAX`] bytes.
    #[cbor(n(0), with = "minicbor::bytes")]
    pub binding: Option<Vec<u8>>,
    /// What entitles it to more than a stranger gets, at most [`PROOF_BYTES_MAX`] bytes.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub proof: Option<Vec<u8>>,
    /// What it would like to be called, at most [`NAME_SUGGESTED_BYTES_MAX`] bytes.
    #[n(2)]
    pub name: Option<String>,
}

/// A message between two nodes' other rooms, which this room only carries.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Note {
    /// What kind it is; the composer numbers them, and ignores what it does not know.
    #[n(0)]
    pub kind: u8,
    /// Its bytes, at most [`NOTE_BYTES_MAX`].
    #[cbor(n(1), with = "minicbor::bytes")]
    pub body: Vec<u8>,
}

/// Why the sender is done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Farewell {
    /// Nothing has happened here for long. A proposal: who still wants the session does not close it.
    #[n(0)]
    Idle,
    /// There is a better connection between the same two devices.
    #[n(1)]
    Duplicate,
    /// The node is shutting down, or gives up this face.
    #[n(2)]
    Leaving,
}

impl Wire for Frame {
    const BYTES_MAX: usize = FRAME_BYTES_MAX;
}

/// Why a frame was refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Not a canonical frame.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A part of it is larger than this module allows.
    #[error("{0} is over its bound")]
    Bound(&'static str),
}

impl Frame {
    /// The frame's bytes, behind their length.
    pub fn framed(&self) -> Vec<u8> {
        codec::frame(&codec::encode(self))
    }

    /// Reads one frame's body (without its length).
    ///
    /// # Errors
    /// [`FrameError`] when it is malformed or a part exceeds its bound.
    pub fn read(body: &[u8]) -> Result<Self, FrameError> {
        let frame: Self = codec::decode(body)?;
        let excess = match &frame {
            Self::Hello(hello) => hello.excess(),
            Self::Introduce(introduction) | Self::Welcome(introduction) => introduction.excess(),
            Self::Speaks(names) => (names.len() > SPEAKS_MAX).then_some("the list of protocols"),
            Self::Note(note) => (note.body.len() > NOTE_BYTES_MAX).then_some("a note"),
            Self::Stranger | Self::Bye(_) => None,
        };
        match excess {
            Some(part) => Err(FrameError::Bound(part)),
            None => Ok(frame),
        }
    }
}

impl Hello {
    /// The part that exceeds its bound.
    fn excess(&self) -> Option<&'static str> {
        if self.agent.len() > AGENT_BYTES_MAX {
            Some("the agent's name")
        } else if self.speaks.len() > SPEAKS_MAX {
            Some("the list of protocols")
        } else {
            None
        }
    }
}

impl Introduction {
    /// The part that exceeds its bound.
    fn excess(&self) -> Option<&'static str> {
        let over = |part: &Option<Vec<u8>>, max| part.as_ref().is_some_and(|b| b.len() > max);
        if over(&self.binding, BINDING_BYTES_MAX) {
            Some("a binding")
        } else if over(&self.proof, PROOF_BYTES_MAX) {
            Some("a proof")
        } else if self
            .name
            .as_ref()
            .is_some_and(|name| name.len() > NAME_SUGGESTED_BYTES_MAX)
        {
            Some("a name")
        } else {
            None
        }
    }
}

/// The header of a stream: what its opener would speak on it, in order of preference.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Offer(#[n(0)] Vec<ProtocolName>);

impl Wire for Offer {
    const BYTES_MAX: usize = 3 + OFFERS_MAX * (NAME_BYTES_MAX + 2);
}

impl Offer {
    /// Offers `names`, the most preferred first; `None` unless there are 1 to [`OFFERS_MAX`].
    pub fn new(names: Vec<ProtocolName>) -> Option<Self> {
        (1..=OFFERS_MAX)
            .contains(&names.len())
            .then_some(Self(names))
    }

    /// The names, the most preferred first.
    pub fn names(&self) -> &[ProtocolName] {
        &self.0
    }

    /// Whether the opener may send data right behind the offer, without waiting for the answer: there is only one name
    /// the data can be in.
    pub fn is_certain(&self) -> bool {
        self.0.len() == 1
    }

    /// The offer's bytes, behind their length.
    pub fn framed(&self) -> Vec<u8> {
        codec::frame(&codec::encode(self))
    }

    /// Reads an offer's body (without its length; the length's limit is [`Wire::BYTES_MAX`]).
    ///
    /// # Errors
    /// [`FrameError`] when it is malformed, empty, or has too many names.
    pub fn read(body: &[u8]) -> Result<Self, FrameError> {
        let Self(names) = codec::decode(body)?;
        Self::new(names).ok_or(FrameError::Bound("the number of offers"))
    }
}

/// The other side's answer to an [`Offer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// It speaks the offered name with this index, counted from 0.
    #[n(0)]
    Picked(#[n(0)] u8),
    /// It speaks none of them here.
    #[n(1)]
    Refused(#[n(0)] Refusal),
}

/// Why none of the offered names was picked. A stranger is only ever told [`Refusal::Unsupported`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
#[cbor(index_only)]
pub enum Refusal {
    /// Not spoken here, or not with this asker, who is not told which.
    #[n(0)]
    Unsupported,
    /// Spoken here, but not with this asker.
    #[n(1)]
    NotAllowed,
    /// Spoken with this asker, but there is no room for one more stream now.
    #[n(2)]
    Busy,
}

impl Wire for Answer {
    /// Two array heads, an index and a number of one byte with its head.
    const BYTES_MAX: usize = 5;
}

impl Answer {
    /// The answer's bytes, behind their length.
    pub fn framed(&self) -> Vec<u8> {
        codec::frame(&codec::encode(self))
    }

    /// Reads an answer's body to `offer`, and gives the name that was picked.
    ///
    /// # Errors
    /// [`AnswerError`] when it is malformed, a refusal, or picks what was not offered.
    pub fn read<'offer>(
        body: &[u8],
        offer: &'offer Offer,
    ) -> Result<&'offer ProtocolName, AnswerError> {
        match codec::decode(body)? {
            Self::Picked(index) => offer
                .names()
                .get(usize::from(index))
                .ok_or(AnswerError::NotOffered),
            Self::Refused(refusal) => Err(AnswerError::Refused(refusal)),
        }
    }
}

/// Why a stream has no protocol.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// Not a canonical answer.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The other side speaks none of the offered names here.
    #[error("the other side refused: {0:?}")]
    Refused(Refusal),
    /// It picked an index beyond the offer.
    #[error("the other side picked a protocol that was not offered")]
    NotOffered,
}
