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

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;

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
    fn golden_stream_headers() {
        let offer = Offer::new(names(&["/a/2", "/a/1"])).expect("two names");
        assert_eq!(
            HEXLOWER.encode(&offer.framed()),
            "0000000b82642f612f32642f612f31"
        );
        assert_eq!(
            HEXLOWER.encode(&Answer::Picked(1).framed()),
            "0000000482008101"
        );
        for (refusal, golden) in [
            (Refusal::Unsupported, "0000000482018100"),
            (Refusal::NotAllowed, "0000000482018101"),
            (Refusal::Busy, "0000000482018102"),
        ] {
            let answer = Answer::Refused(refusal);
            assert_eq!(HEXLOWER.encode(&answer.framed()), golden);
        }
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
        let offer = Offer::new(names(&vec![longest.as_str(); OFFERS_MAX])).expect("within bounds");
        let framed = offer.framed();
        assert_eq!(
            framed.len() - codec::FRAME_HEADER_BYTES,
            Offer::BYTES_MAX - 2
        );
        assert_eq!(Offer::read(&framed[codec::FRAME_HEADER_BYTES..]), Ok(offer));
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
        assert_eq!(Offer::new(Vec::new()), None);
        assert_eq!(Offer::new(names(&vec!["/a"; OFFERS_MAX + 1])), None);
        let empty = codec::encode(&Offer(Vec::new()));
        assert!(matches!(Offer::read(&empty), Err(FrameError::Bound(_))));
    }

    #[test]
    fn an_answer_beyond_the_offer_is_an_error() {
        let offer = Offer::new(names(&["/a/2", "/a/1"])).expect("two names");
        let read = |answer: Answer| Answer::read(&codec::encode(&answer), &offer);
        assert_eq!(read(Answer::Picked(1)), Ok(&offer.names()[1]));
        assert_eq!(read(Answer::Picked(2)), Err(AnswerError::NotOffered));
        assert_eq!(
            read(Answer::Refused(Refusal::Busy)),
            Err(AnswerError::Refused(Refusal::Busy))
        );
    }

    crate::decoding::decoder_tests! {
        hello_frame: Frame = Frame::Hello(hello());
        introduction_frame: Frame = Frame::Introduce(introduction());
        speaks_frame: Frame = Frame::Speaks(names(&["/a/1", "/b"]));
        offer: Offer = Offer::new(names(&["/a/1", "/b"])).expect("two names");
        picked: Answer = Answer::Picked(1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            if let Ok(frame) = Frame::read(&bytes) {
                prop_assert_eq!(codec::encode(&frame), &bytes[..]);
            }
            if let Ok(offer) = Offer::read(&bytes) {
                let _ = Answer::read(&bytes, &offer);
            }
            let any = Offer::new(names(&["/a"])).expect("one name");
            let _ = Answer::read(&bytes, &any);
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
