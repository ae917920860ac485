//! Bytes on the wire of `kith/1`: the frames of the control stream. The header of every other stream is in `header.rs`.
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
use crate::protocol::ProtocolName;

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
    /// Which life of the sending node this is, told of this key alone: greater after each start.
    #[n(1)]
    pub boot: u64,
    /// Which of the dials of this life it is, told of this pair of keys alone: greater with each; 0 from the dialled side.
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

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::NAME_BYTES_MAX;

    fn names(texts: &[&str]) -> Vec<ProtocolName> {
        texts
            .iter()
            .map(|text| text.parse().expect("a valid name"))
            .collect()
    }

    fn hello() -> Hello {
        Hello {
            version: HELLO_VERSION,
            boot: 1_700_000_000_000,
            dial: 3,
            agent: "kith/0.1".into(),
            speaks: names(&["/a/1"]),
            observed: Some(([192, 0, 2, 1], 7119).into()),
        }
    }

    fn introduction() -> Introduction {
        Introduction {
            binding: Some(vec![1, 2]),
            proof: None,
            name: Some("ann".into()),
        }
    }

    /// The body of `frame` in hex, once it is known to read back.
    fn hex(frame: &Frame) -> String {
        let framed = frame.framed();
        let body = &framed[codec::FRAME_HEADER_BYTES..];
        assert_eq!(Frame::read(body).as_ref(), Ok(frame));
        HEXLOWER.encode(body)
    }

    #[test]
    fn golden_hello() {
        assert_eq!(
            hex(&Frame::Hello(hello())),
            "82008186011b0000018bcfe5680003686b6974682f302e3181642f612f3182008244c0000201191bcf"
        );
        let relayed = Hello {
            observed: None,
            ..hello()
        };
        assert_eq!(
            hex(&Frame::Hello(relayed)),
            "82008185011b0000018bcfe5680003686b6974682f302e3181642f612f31"
        );
    }

    #[test]
    fn golden_introductions() {
        assert_eq!(
            hex(&Frame::Introduce(introduction())),
            "82018183420102f663616e6e"
        );
        assert_eq!(hex(&Frame::Introduce(Introduction::default())), "82018180");
        assert_eq!(
            hex(&Frame::Welcome(introduction())),
            "82028183420102f663616e6e"
        );
        assert_eq!(hex(&Frame::Stranger), "820380");
    }

    #[test]
    fn golden_frames_of_a_session() {
        let note = Note {
            kind: 1,
            body: vec![0xff],
        };
        assert_eq!(
            hex(&Frame::Speaks(names(&["/a/1", "/b"]))),
            "82048182642f612f31622f62"
        );
        assert_eq!(hex(&Frame::Note(note)), "820581820141ff");
        assert_eq!(hex(&Frame::Bye(Farewell::Idle)), "82068100");
        assert_eq!(hex(&Frame::Bye(Farewell::Duplicate)), "82068101");
        assert_eq!(hex(&Frame::Bye(Farewell::Leaving)), "82068102");
    }

    #[test]
    fn the_largest_hello_fits_a_frame() {
        let longest = format!("/{}", "a".repeat(NAME_BYTES_MAX - 1));
        let largest = Hello {
            boot: u64::MAX,
            dial: u64::MAX,
            agent: "a".repeat(AGENT_BYTES_MAX),
            speaks: names(&vec![longest.as_str(); SPEAKS_MAX]),
            ..hello()
        };
        hex(&Frame::Hello(largest));
    }

    #[test]
    fn each_part_is_refused_one_beyond_its_bound() {
        let speaks = names(&vec!["/a"; SPEAKS_MAX + 1]);
        let binding = Some(vec![0; BINDING_BYTES_MAX + 1]);
        let proof = Some(vec![0; PROOF_BYTES_MAX + 1]);
        let name = Some("a".repeat(NAME_SUGGESTED_BYTES_MAX + 1));
        let none = Introduction::default;
        let excessive = [
            Frame::Hello(Hello {
                agent: "a".repeat(AGENT_BYTES_MAX + 1),
                ..hello()
            }),
            Frame::Hello(Hello {
                speaks: speaks.clone(),
                ..hello()
            }),
            Frame::Speaks(speaks),
            Frame::Introduce(Introduction { binding, ..none() }),
            Frame::Welcome(Introduction { proof, ..none() }),
            Frame::Introduce(Introduction { name, ..none() }),
            Frame::Note(Note {
                kind: 0,
                body: vec![0; NOTE_BYTES_MAX + 1],
            }),
        ];
        for frame in excessive {
            let read = Frame::read(&codec::encode(&frame));
            assert!(matches!(read, Err(FrameError::Bound(_))), "{frame:?}");
        }
    }

    crate::decoding::decoder_tests! {
        hello_frame: Frame = Frame::Hello(hello());
        introduction_frame: Frame = Frame::Introduce(introduction());
        speaks_frame: Frame = Frame::Speaks(names(&["/a/1", "/b"]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            if let Ok(frame) = Frame::read(&bytes) {
                prop_assert_eq!(codec::encode(&frame), &bytes[..]);
            }
        }

        #[test]
        fn a_frame_with_a_byte_changed_is_read_without_a_panic(
            at in 0usize..60,
            byte: u8,
            which in 0usize..3,
        ) {
            let frames = [
                Frame::Hello(hello()),
                Frame::Introduce(introduction()),
                Frame::Speaks(names(&["/a/1", "/b"])),
            ];
            let mut bytes = codec::encode(&frames[which]);
            let length = bytes.len();
            bytes[at % length] = byte;
            if let Ok(frame) = Frame::read(&bytes) {
                prop_assert_eq!(codec::encode(&frame), bytes);
            }
        }

        #[test]
        fn introductions_round_trip(
            binding: Option<Vec<u8>>,
            proof: Option<Vec<u8>>,
            name in proptest::option::of("[a-z]{0,64}"),
        ) {
            let frame = Frame::Introduce(Introduction { binding, proof, name });
            prop_assert_eq!(Frame::read(&codec::encode(&frame)), Ok(frame));
        }
    }
}
