//! Why a connection is closed, as a number on the wire (RFC 9000 §20.2).

use super::wire::Farewell;

/// Why a connection is closed: the application's close code of QUIC, seen by the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum CloseCode {
    /// Nobody needs it any more.
    Done = 0,
    /// Nothing has happened for long.
    Idle = 1,
    /// There is a better connection between the two devices.
    Duplicate = 2,
    /// The node is shutting down, or gives up this face.
    Leaving = 3,
    /// There is no room.
    Busy = 4,
    /// The introductions did not come in time.
    Late = 5,
    /// Something malformed, oversized, out of turn or too much of it.
    Misbehaved = 6,
    /// A version of the hello that is not understood here.
    Incompatible = 7,
}

impl CloseCode {
    /// The number on the wire.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// Reads a number from the wire; `None` for one of no meaning here.
    pub fn from_number(number: u64) -> Option<Self> {
        [
            Self::Done,
            Self::Idle,
            Self::Duplicate,
            Self::Leaving,
            Self::Busy,
            Self::Late,
            Self::Misbehaved,
            Self::Incompatible,
        ]
        .into_iter()
        .find(|code| u64::from(code.number()) == number)
    }
}

impl From<Farewell> for CloseCode {
    fn from(farewell: Farewell) -> Self {
        match farewell {
            Farewell::Idle => Self::Idle,
            Farewell::Duplicate => Self::Duplicate,
            Farewell::Leaving => Self::Leaving,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_for_good_and_read_back() {
        let golden = [
            (CloseCode::Done, 0),
            (CloseCode::Idle, 1),
            (CloseCode::Duplicate, 2),
            (CloseCode::Leaving, 3),
            (CloseCode::Busy, 4),
            (CloseCode::Late, 5),
            (CloseCode::Misbehaved, 6),
            (CloseCode::Incompatible, 7),
        ];
        for (code, number) in golden {
            assert_eq!(code.number(), number);
            assert_eq!(CloseCode::from_number(u64::from(number)), Some(code));
        }
        assert_eq!(CloseCode::from_number(8), None);
        assert_eq!(CloseCode::from_number(u64::MAX), None);
    }
}
