//! Visits: how a node asks introducers without their learning what belongs together.
//!
//! An introducer sees the key of whoever asks, and could join all that one key asks for: the records that one person leaves,
//! today's locator and tomorrow's, a pair of contacts where one key leaves a record under one locator and looks up
//! another. So a visit has a key that is made for it, says one thing, and is over. What remains to join visits by is where they
//! come from, and when.

use crate::crypto::SecretKey;
use crate::discovery::Request;
use crate::ids::PeerId;
use crate::introducer::Introducer;
use crate::routing::Introduction;
use crate::routing::wire::{Frame, HELLO_VERSION, Hello};

/// One request to one introducer, as nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Whom to ask.
    pub introducer: Introducer,
    /// Whether it is one that we use ourselves.
    pub is_ours: bool,
    /// The key to present: of this visit alone.
    pub visitor: SecretKey,
    /// What to ask.
    pub request: Request,
    /// Whom the record is for, to be given back with [`handle_stale`](super::Peer::handle_stale); `None` for a reply to an
    /// invite, and for a look-up.
    pub peer: Option<PeerId>,
}

impl Visit {
    /// What a visitor says on the control stream: the same bytes in every visit of every node. Nothing has to be waited
    /// for; the stream of the request may follow at once.
    pub fn greeting() -> Vec<u8> {
        let hello = Frame::Hello(Hello {
            version: HELLO_VERSION,
            boot: 0,
            dial: 0,
            agent: String::new(),
            speaks: Vec::new(),
            observed: None,
        });
        let introduce = Frame::Introduce(Introduction::default());
        [hello.framed(), introduce.framed()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    #[test]
    fn a_greeting_says_nothing_and_keeps_its_bytes() {
        let golden = "000000098200818501000060800000000482018180";
        assert_eq!(HEXLOWER.encode(&Visit::greeting()), golden);
    }
}
