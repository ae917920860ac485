//! Unreliable datagrams beside a stream (RFC 9221): which stream a datagram belongs to stands in front of it.
//!
//! ```text
//! ┌──────────────────────────┬─────────┐
//! │ flow, 1, 2, 4 or 8 bytes │ payload │
//! └──────────────────────────┴─────────┘
//! ```
//!
//! The flow is a variable-length integer of QUIC (RFC 9000 §16) in its shortest form. It numbers the bidirectional streams
//! of a connection densely, so that the first 32 of either side cost one byte.

use thiserror::Error;

/// The largest flow number: that of the last stream QUIC can number.
const FLOW_MAX: u64 = (1 << 61) - 1;

/// The longest flow number on the wire, in bytes.
pub const FLOW_BYTES_MAX: usize = 8;

/// The number of a bidirectional stream within its connection: even for the dialler's, odd for the dialled side's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow(u64);

/// Why a datagram belongs to no stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DatagramError {
    /// It ends within its flow number.
    #[error("a datagram ends within its flow number")]
    Short,
    /// The flow number is not in its shortest form, or names no stream that can exist.
    #[error("a datagram's flow number is malformed")]
    Flow,
}

impl Flow {
    /// The flow of the bidirectional stream with this QUIC stream id; `None` for a unidirectional one or a number that
    /// is no stream id (RFC 9000 §2.1).
    pub fn of_stream(id: u64) -> Option<Self> {
        let bidirectional = id & 2 == 0;
        (bidirectional && id < 1 << 62).then_some(Self((id >> 2) << 1 | (id & 1)))
    }

    /// The QUIC stream id of its stream.
    pub fn stream_id(self) -> u64 {
        (self.0 >> 1) << 2 | (self.0 & 1)
    }

    /// How many bytes it takes in front of a payload.
    pub fn header_bytes(self) -> usize {
        match self.0 {
            0..0x40 => 1,
            0x40..0x4000 => 2,
            0x4000..0x4000_0000 => 4,
            _ => 8,
        }
    }

    /// The largest payload of this flow where the connection carries datagrams of `datagram_bytes_max`.
    pub fn payload_bytes_max(self, datagram_bytes_max: usize) -> usize {
        datagram_bytes_max.saturating_sub(self.header_bytes())
    }

    /// The datagram that carries `payload` on this flow.
    pub fn datagram(self, payload: &[u8]) -> Vec<u8> {
        let header = self.header_bytes();
        let length_code = u64::from(header.trailing_zeros());
        let number = length_code << (8 * header - 2) | self.0;
        let mut bytes = Vec::with_capacity(header + payload.len());
        bytes.extend_from_slice(&number.to_be_bytes()[FLOW_BYTES_MAX - header..]);
        bytes.extend_from_slice(payload);
        bytes
    }
}

/// Takes a received datagram apart: its flow, and how many bytes of it are the header.
///
/// # Errors
/// [`DatagramError`] when it has no proper flow number; drop it.
pub fn read(datagram: &[u8]) -> Result<(Flow, usize), DatagramError> {
    let first = datagram.first().ok_or(DatagramError::Short)?;
    let header = 1usize << (first >> 6);
    let bytes = datagram.get(..header).ok_or(DatagramError::Short)?;
    let number = bytes[1..]
        .iter()
        .fold(u64::from(first & 0x3f), |number, byte| {
            number << 8 | u64::from(*byte)
        });
    let flow = Flow(number);
    if flow.header_bytes() != header || number > FLOW_MAX {
        return Err(DatagramError::Flow);
    }
    Ok((flow, header))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn flow(stream: u64) -> Flow {
        Flow::of_stream(stream).expect("a bidirectional stream")
    }

    #[test]
    fn golden_datagrams() {
        // The dialler's first stream, the dialled side's first, the dialler's 33rd, and its 8,193rd.
        for (stream, payload, golden) in [
            (0, &b"hi"[..], "006869"),
            (1, b"hi", "016869"),
            (128, b"hi", "40406869"),
            (32_768, b"", "80004000"),
            (1 << 31, b"", "c000000040000000"),
        ] {
            let datagram = flow(stream).datagram(payload);
            assert_eq!(data_encoding::HEXLOWER.encode(&datagram), golden);
        }
    }

    #[test]
    fn unidirectional_streams_have_no_flow() {
        assert_eq!(Flow::of_stream(2), None);
        assert_eq!(Flow::of_stream(3), None);
        assert_eq!(Flow::of_stream(1 << 62), None);
        assert_eq!(flow((1 << 62) - 3).stream_id(), (1 << 62) - 3);
    }

    #[test]
    fn a_flow_number_cut_short_or_too_long_is_refused() {
        assert_eq!(read(&[]), Err(DatagramError::Short));
        assert_eq!(read(&[0x40]), Err(DatagramError::Short));
        assert_eq!(read(&[0xc0, 0, 0, 0, 1, 0, 0]), Err(DatagramError::Short));
        assert_eq!(read(&[0x40, 0x01]), Err(DatagramError::Flow));
        assert_eq!(read(&[0xff; 8]), Err(DatagramError::Flow));
    }

    #[test]
    fn the_payload_limit_leaves_room_for_the_flow() {
        assert_eq!(flow(0).payload_bytes_max(1162), 1161);
        assert_eq!(flow(128).payload_bytes_max(1162), 1160);
        assert_eq!(flow(128).payload_bytes_max(1), 0);
        let full = vec![7; flow(128).payload_bytes_max(1162)];
        assert_eq!(flow(128).datagram(&full).len(), 1162);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            if let Ok((flow, header)) = read(&bytes) {
                prop_assert_eq!(flow.datagram(&bytes[header..]), bytes);
            }
        }

        #[test]
        fn every_flow_round_trips(index in 0u64..1 << 60, side in 0u64..2, payload: Vec<u8>) {
            let flow = flow(index << 2 | side);
            prop_assert_eq!(flow.stream_id(), index << 2 | side);
            let datagram = flow.datagram(&payload);
            prop_assert_eq!(read(&datagram), Ok((flow, flow.header_bytes())));
        }
    }
}
