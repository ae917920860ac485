//! What nodes tell each other over a standing session, beside what they speak.

use minicbor::{Decode, Encode};

use crate::address::Route;
use crate::codec::Wire;
use crate::introducer::Introducer;

/// The kind of a [`Card`].
pub const CARD: u8 = 1;

/// The kind of a message of the safety words' short form ([`WordsMessage`](crate::identity::words::WordsMessage)).
pub const WORDS: u8 = 2;

/// The kind of a [`Proof`](super::proof::Proof) shown on a standing session: of an invite that was accepted while the session
/// stood, or on a connection that the invite's maker dialled.
pub const INVITE_SHOWN: u8 = 4;

/// The kind of the answer to a proof that let its sender in: the same invite proven by its maker. Only this tells that an
/// invite has arrived, for a maker welcomes whom it knows already, whatever they show.
pub const INVITE_TAKEN: u8 = 5;

/// The most introducers on a card.
pub const CARD_INTRODUCERS_MAX: usize = 4;

/// The largest signed binding on a card, in bytes.
const CARD_BINDING_BYTES_MAX: usize = 512;

/// Which version of the card this is.
const VERSION: u8 = 1;

/// How the sender is reached: sent to contacts when a session stands, and when it changes.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Card {
    #[n(0)]
    version: u8,
    /// The binding of the contact face.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub binding: Vec<u8>,
    /// The contact face.
    #[n(2)]
    pub contact: Route,
    /// The public face.
    #[n(3)]
    pub public: Option<Route>,
    /// The introducers where its records are left.
    #[n(4)]
    pub introducers: Vec<Introducer>,
}

impl Wire for Card {
    const BYTES_MAX: usize = 4096;
}

impl Card {
    /// A card, cut down to its bounds.
    pub fn new(
        binding: Vec<u8>,
        contact: Route,
        public: Option<Route>,
        introducers: &[Introducer],
    ) -> Self {
        let introducers = introducers
            .iter()
            .take(CARD_INTRODUCERS_MAX)
            .cloned()
            .collect();
        Self {
            version: VERSION,
            binding,
            contact: contact.bounded(),
            public: public.map(Route::bounded),
            introducers,
        }
    }

    /// Whether every part is within its bound.
    pub fn is_bounded(&self) -> bool {
        self.version == VERSION
            && self.binding.len() <= CARD_BINDING_BYTES_MAX
            && self.contact.is_bounded()
            && self.public.as_ref().is_none_or(Route::is_bounded)
            && self.introducers.len() <= CARD_INTRODUCERS_MAX
            && self.introducers.iter().all(|it| it.check().is_ok())
    }
}
