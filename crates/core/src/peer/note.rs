//! What nodes tell each other over a standing session, beside what they speak.

use minicbor::{Decode, Encode};

use crate::address::Route;
use crate::codec::Wire;
use crate::introducer::{Introducer, Trust};

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

/// The kind of the answer to a proof that let its sender in by nothing: the proof as it was shown. A maker welcomes whom it
/// knows already, so this alone tells them that the invite is used up, withdrawn or none.
pub const INVITE_REFUSED: u8 = 6;

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
    /// The relay that the sender runs for its contacts, where it does; left out of the encoding otherwise. Its key is that of
    /// the public face, and there is no `kith/1` port.
    #[n(5)]
    pub relay: Option<Introducer>,
}

/// Whether it names a relay that a contact may have us connect to. It certifies itself: no name of the DNS is asked for it.
fn is_relay(relay: &Introducer) -> bool {
    relay.is_bounded() && matches!(relay.trust, Trust::Pin(_))
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
            relay: None,
        }
    }

    /// The same, telling of a relay.
    #[must_use]
    pub fn with_relay(mut self, relay: Option<Introducer>) -> Self {
        self.relay = relay;
        self
    }

    /// Whether every part is within its bound.
    pub fn is_bounded(&self) -> bool {
        self.version == VERSION
            && self.binding.len() <= CARD_BINDING_BYTES_MAX
            && self.contact.is_bounded()
            && self.public.as_ref().is_none_or(Route::is_bounded)
            && self.introducers.len() <= CARD_INTRODUCERS_MAX
            && self.introducers.iter().all(|it| it.check().is_ok())
            && self.relay.as_ref().is_none_or(is_relay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{decode, encode};
    use crate::ids::{DeviceKey, TlsPin};
    use crate::introducer::Ports;

    fn relay() -> Introducer {
        let ports = Ports {
            tcp: 7118,
            udp: 0,
            discovery: 7119,
        };
        let trust = Trust::Pin(TlsPin([3; 32]));
        Introducer::new(
            DeviceKey([2; 32]),
            vec![[203, 0, 113, 5].into()],
            ports,
            trust,
        )
    }

    fn card() -> Card {
        let contact = Route {
            addresses: vec![([192, 0, 2, 1], 4433).into()],
            ..Route::new(DeviceKey([1; 32]))
        };
        Card::new(vec![0xaa; 4], contact, None, &[])
    }

    #[test]
    fn golden_cards() {
        for (card, golden) in [
            (
                card(),
                "850144aaaaaaaa83582001010101010101010101010101010101010101010101010101010101010101018182008244c000020119115180f680",
            ),
            (
                card().with_relay(Some(relay())),
                "860144aaaaaaaa83582001010101010101010101010101010101010101010101010101010101010101018182008244c000020119115180f68087015820020202020202020202020202020202020202020202020202020202020202020281820044cb007105191bce00191bcf82008158200303030303030303030303030303030303030303030303030303030303030303",
            ),
        ] {
            let bytes = encode(&card);
            assert_eq!(data_encoding::HEXLOWER.encode(&bytes), golden);
            assert_eq!(decode(&bytes), Ok(card));
        }
    }

    #[test]
    fn a_relay_that_does_not_certify_itself_is_refused() {
        assert!(card().with_relay(Some(relay())).is_bounded());
        let mut by_name = relay();
        by_name.trust = Trust::Domain("router.example".into());
        assert!(!card().with_relay(Some(by_name)).is_bounded());
        let mut nowhere = relay();
        nowhere.addresses.clear();
        assert!(!card().with_relay(Some(nowhere)).is_bounded());
    }

    crate::decoding::decoder_tests! {
        card_form: Card = card().with_relay(Some(relay()));
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(at in 0_usize..120, byte: u8, rest in proptest::collection::vec(0_u8.., 0..200)) {
            let _ = decode::<Card>(&rest);
            let mut bytes = encode(&card().with_relay(Some(relay())));
            let at = at % bytes.len();
            bytes[at] = byte;
            if let Ok(read) = decode::<Card>(&bytes) {
                let _ = read.is_bounded();
                proptest::prop_assert_eq!(encode(&read), bytes);
            }
        }
    }
}
