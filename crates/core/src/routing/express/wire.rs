//! The protocol `/kith/express/1`: asking for a lane, on a stream of the session that it is to serve.
//!
//! One request, one answer, each a frame (see [`crate::codec::frame`]). Nothing else is said on the stream; it stays open for
//! as long as the lane does, and its two halves end when the lane's do.

use minicbor::{Decode, Encode};

use super::ticket::Ticket;
use crate::codec::Wire;
use crate::protocol::{NAME_BYTES_MAX, ProtocolName};

/// The name of the protocol.
pub const PROTOCOL: &str = "/kith/express/1";

/// The lowest port a lane may be at. Below it are well-known services (RFC 6335 §6), and nobody shall be made to knock there.
pub const PORT_MIN: u16 = 1024;

/// Asks for a lane.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Request {
    /// What is to be spoken on it.
    #[n(0)]
    pub protocol: ProtocolName,
}

impl Wire for Request {
    const BYTES_MAX: usize = NAME_BYTES_MAX + 8;
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// A lane waits.
    #[n(0)]
    Lane(#[n(0)] Offered),
    /// There is none.
    #[n(1)]
    Refused(#[n(0)] Refusal),
}

impl Wire for Answer {
    const BYTES_MAX: usize = 48;
}

/// Where a lane waits, for [`TICKET_LIFE`](super::config::TICKET_LIFE).
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Offered {
    /// The TCP port, [`PORT_MIN`] or above, at the address the session has.
    #[n(0)]
    #[cbor(decode_with = "decode_port")]
    pub port: u16,
    /// Good for one connection.
    #[n(1)]
    pub ticket: Ticket,
}

/// Why there is no lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Refusal {
    /// The protocol is not spoken, or does not exist for the asker.
    #[n(0)]
    Unsupported,
    /// The protocol is spoken, but not with the asker.
    #[n(1)]
    NotAllowed,
    /// There are as many lanes as there may be, or streams in the protocol.
    #[n(2)]
    Busy,
    /// The session runs over a relay.
    #[n(3)]
    Relayed,
}

impl From<crate::routing::Refusal> for Refusal {
    fn from(refusal: crate::routing::Refusal) -> Self {
        match refusal {
            crate::routing::Refusal::Unsupported => Self::Unsupported,
            crate::routing::Refusal::NotAllowed => Self::NotAllowed,
            crate::routing::Refusal::Busy => Self::Busy,
        }
    }
}

fn decode_port<C>(
    d: &mut minicbor::Decoder<'_>,
    _: &mut C,
) -> Result<u16, minicbor::decode::Error> {
    let port = d.u16()?;
    match port >= PORT_MIN {
        true => Ok(port),
        false => Err(minicbor::decode::Error::message("a well-known port")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec;
    use data_encoding::HEXLOWER;

    fn hex<T: Wire + PartialEq + std::fmt::Debug>(value: &T) -> String {
        let bytes = codec::encode(value);
        assert_eq!(codec::decode::<T>(&bytes).as_ref(), Ok(value));
        HEXLOWER.encode(&bytes)
    }

    fn lane(port: u16) -> Answer {
        let ticket = Ticket::from_bytes([1; 32]);
        Answer::Lane(Offered { port, ticket })
    }

    #[test]
    fn golden_request_and_answers() {
        let protocol = "/kith/share/1".parse().expect("a valid name");
        assert_eq!(hex(&Request { protocol }), "816d2f6b6974682f73686172652f31");
        assert_eq!(
            hex(&lane(40_000)),
            "82008182199c4058200101010101010101010101010101010101010101010101010101010101010101"
        );
        for (refusal, golden) in [
            (Refusal::Unsupported, "82018100"),
            (Refusal::NotAllowed, "82018101"),
            (Refusal::Busy, "82018102"),
            (Refusal::Relayed, "82018103"),
        ] {
            assert_eq!(hex(&Answer::Refused(refusal)), golden);
        }
    }

    #[test]
    fn the_largest_messages_fit() {
        let longest = format!("/{}", "a".repeat(NAME_BYTES_MAX - 1));
        let protocol = longest.parse().expect("as long as may be");
        hex(&Request { protocol });
        hex(&lane(u16::MAX));
    }

    #[test]
    fn nobody_is_sent_to_a_well_known_port() {
        let read = |port| codec::decode::<Answer>(&codec::encode(&lane(port)));
        assert!(read(PORT_MIN).is_ok());
        for port in [0, 22, 443, PORT_MIN - 1] {
            assert!(read(port).is_err(), "{port}");
        }
    }

    crate::decoding::decoder_tests! {
        request: Request = Request { protocol: "/kith/share/1".parse().expect("a valid name") };
        lane_answer: Answer = lane(40_000);
        refusal: Answer = Answer::Refused(Refusal::Busy);
    }
}
