//! Safety words: how two people check, by reading words to each other, that each has the other's key and nobody
//! stands between them.
//!
//! The *static* form is a hash of both keys: 12 words, 132 bits, the same for ever, too many for an attacker to find a
//! key whose words match. The *short* form is 4 words of a live session. So few could be matched by trying keys or
//! nonces, unless everybody is bound to a nonce before seeing another's: each side first commits to its own, and reveals
//! it when it holds the other's commitment (as in ZRTP, RFC 6189 §4.4). Someone in the middle then has one guess in 2⁴⁴.
//!
//! ```text
//! A                                              B
//!   ── Commit(hash(session, A, nonce of A)) ───▶
//!   ◀── Commit(hash(session, B, nonce of B)) ───
//!   ── Reveal(nonce of A) ─────────────────────▶      each checks the other's commitment
//!   ◀── Reveal(nonce of B) ─────────────────────      words = hash(session, keys, nonces)
//! ```
//!
//! The words are those of BIP 39: English, told apart by their first four letters, and known to many.

use std::fmt;

use bip39::Language;
use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::codec::Wire;
use crate::crypto::{derive, equal};
use crate::ids::PeerId;
use crate::random::Random;

/// How many words the static form has: 132 bits, over the 128 that no search reaches.
pub const STATIC_WORDS: usize = 12;

/// How many words the short form has: 44 bits against one guess.
pub const SHORT_WORDS: usize = 4;

/// What a word stands for, in bits: there are 2,048.
const WORD_BITS: usize = 11;

/// Words to compare, in their order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Words<const COUNT: usize>([&'static str; COUNT]);

/// The words of two keys, the same on both sides and for ever.
pub fn static_words(one: &PeerId, other: &PeerId) -> Words<STATIC_WORDS> {
    let (low, high) = (one.min(other), one.max(other));
    Words::of(&derive(
        "kith/1 safety words",
        &[low.as_bytes(), high.as_bytes()],
    ))
}

/// What the two sides of the short form say to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum WordsMessage {
    /// Binds the sender to its nonce.
    #[n(0)]
    Commit(#[n(0)] ByteArray<32>),
    /// The nonce.
    #[n(1)]
    Reveal(#[n(0)] ByteArray<32>),
}

impl Wire for WordsMessage {
    const BYTES_MAX: usize = 40;
}

/// Why there are no words to compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WordsError {
    /// A message that does not come now, or came before.
    #[error("the other side broke the order of the comparison")]
    Order,
    /// The revealed nonce is not the one committed to: somebody may stand between.
    #[error("the other side did not keep to its commitment: do not trust this connection")]
    Commitment,
}

/// One side of one comparison. Each session makes a new one: nothing in it may be used twice.
#[derive(Clone, Debug)]
pub struct Comparison {
    session: [u8; 32],
    me: PeerId,
    other: PeerId,
    nonce: [u8; 32],
    state: State,
}

/// What a comparison waits for.
#[derive(Clone, Copy, Debug)]
enum State {
    Commit,
    Reveal([u8; 32]),
    Done,
}

/// What to do after a message of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this.
    Send(WordsMessage),
    /// Show these words, to be compared aloud.
    Show(Words<SHORT_WORDS>),
}

impl Comparison {
    /// Begins a comparison in the TLS session that `session` was exported from, between `me` and the peer whose binding
    /// was verified there. Its [`Comparison::commitment`] is to be sent at once.
    pub fn new(random: &mut Random, session: [u8; 32], me: PeerId, other: PeerId) -> Self {
        Self {
            session,
            me,
            other,
            nonce: random.bytes(),
            state: State::Commit,
        }
    }

    /// The first message.
    pub fn commitment(&self) -> WordsMessage {
        WordsMessage::Commit(commit(&self.session, &self.me, &self.nonce).into())
    }

    /// Takes the next message of the other side. The nonce is sent only after the other's commitment has come.
    ///
    /// # Errors
    /// [`WordsError`]; the comparison is over then.
    pub fn handle_message(&mut self, message: &WordsMessage) -> Result<Step, WordsError> {
        let state = std::mem::replace(&mut self.state, State::Done);
        match (state, message) {
            (State::Commit, WordsMessage::Commit(commitment)) => {
                self.state = State::Reveal(**commitment);
                Ok(Step::Send(WordsMessage::Reveal(self.nonce.into())))
            }
            (State::Reveal(commitment), WordsMessage::Reveal(nonce)) => {
                if !equal(&commit(&self.session, &self.other, nonce), &commitment) {
                    return Err(WordsError::Commitment);
                }
                Ok(Step::Show(self.words(nonce)))
            }
            _ => Err(WordsError::Order),
        }
    }

    /// The words of both nonces, in the order of the keys.
    fn words(&self, theirs: &[u8; 32]) -> Words<SHORT_WORDS> {
        let mine = (&self.me, &self.nonce);
        let (low, high) = if self.me < self.other {
            (mine, (&self.other, theirs))
        } else {
            ((&self.other, theirs), mine)
        };
        Words::of(&derive(
            "kith/1 short words",
            &[
                &self.session,
                low.0.as_bytes(),
                high.0.as_bytes(),
                low.1,
                high.1,
            ],
        ))
    }
}

/// Binds `sender` to a nonce in one session. The sender is part of it, so that nobody can send a commitment back to
/// where it came from.
fn commit(session: &[u8; 32], sender: &PeerId, nonce: &[u8; 32]) -> [u8; 32] {
    derive(
        "kith/1 short words commitment",
        &[session, sender.as_bytes(), nonce],
    )
}

impl<const COUNT: usize> Words<COUNT> {
    /// The words.
    pub fn as_slice(&self) -> &[&'static str] {
        &self.0
    }

    /// The words that the first bits of `hash` stand for, [`WORD_BITS`] each.
    fn of(hash: &[u8; 32]) -> Self {
        let list = Language::English.word_list();
        let bit = |position: usize| usize::from(hash[position / 8] >> (7 - position % 8) & 1);
        Self(std::array::from_fn(|word| {
            let bits = word * WORD_BITS..(word + 1) * WORD_BITS;
            list[bits.fold(0, |index, position| index << 1 | bit(position))]
        }))
    }
}

impl<const COUNT: usize> fmt::Display for Words<COUNT> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

impl<const COUNT: usize> fmt::Debug for Words<COUNT> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::codec;
    use crate::identity::fixture::{hex, key};

    fn side(seed: u8, session: u8, me: u8, other: u8) -> Comparison {
        let mut random = Random::new([seed; 32]);
        let (me, other) = (key(me).peer_id(), key(other).peer_id());
        Comparison::new(&mut random, [session; 32], me, other)
    }

    /// Lets two sides talk to each other; what each shows.
    fn compare(mut a: Comparison, mut b: Comparison) -> [Result<Step, WordsError>; 2] {
        let (to_b, to_a) = (a.commitment(), b.commitment());
        let (from_a, from_b) = (a.handle_message(&to_a), b.handle_message(&to_b));
        let (Ok(Step::Send(to_b)), Ok(Step::Send(to_a))) = (from_a, from_b) else {
            panic!("a commitment is answered by a reveal");
        };
        [a.handle_message(&to_a), b.handle_message(&to_b)]
    }

    fn hashes_to(hash: [u8; 32]) -> String {
        Words::<SHORT_WORDS>::of(&hash).to_string()
    }

    #[test]
    fn the_static_words_are_those_of_both_keys_in_any_order() {
        let (a, b) = (key(1).peer_id(), key(2).peer_id());
        let words = static_words(&a, &b);
        assert_eq!(words, static_words(&b, &a));
        assert_ne!(words, static_words(&a, &key(3).peer_id()));
        assert_eq!(words.to_string(), GOLDEN_STATIC);
    }

    #[test]
    fn words_take_the_bits_in_their_order() {
        assert_eq!(hashes_to([0; 32]), "abandon abandon abandon abandon");
        assert_eq!(hashes_to([255; 32]), "zoo zoo zoo zoo");
        let mut hash = [0; 32];
        hash[1] = 0b0010_0000;
        assert_eq!(hashes_to(hash), "ability abandon abandon abandon");
    }

    #[test]
    fn both_sides_of_a_session_show_the_same_four_words() {
        let [a, b] = compare(side(1, 9, 1, 2), side(2, 9, 2, 1));
        let Ok(Step::Show(words)) = a else {
            panic!("no words: {a:?}");
        };
        assert_eq!(a, b);
        assert_eq!(words.to_string(), GOLDEN_SHORT);
    }

    #[test]
    fn someone_in_between_has_two_sessions_and_hence_other_words() {
        let [a, _] = compare(side(1, 9, 1, 2), side(3, 9, 2, 1));
        let [_, b] = compare(side(3, 8, 1, 2), side(2, 8, 2, 1));
        assert!(matches!((a, b), (Ok(Step::Show(a)), Ok(Step::Show(b))) if a != b));
    }

    #[test]
    fn a_nonce_chosen_after_the_commitment_is_refused() {
        let (mut a, b) = (side(1, 9, 1, 2), side(2, 9, 2, 1));
        assert!(a.handle_message(&b.commitment()).is_ok());
        let other = WordsMessage::Reveal([7; 32].into());
        assert_eq!(a.handle_message(&other), Err(WordsError::Commitment));
        assert_eq!(a.handle_message(&other), Err(WordsError::Order));
    }

    #[test]
    fn nothing_is_revealed_before_the_other_side_committed() {
        let (mut a, mut b) = (side(1, 9, 1, 2), side(2, 9, 2, 1));
        let Ok(Step::Send(reveal)) = b.handle_message(&a.commitment()) else {
            panic!("a commitment is answered by a reveal");
        };
        assert_eq!(a.handle_message(&reveal), Err(WordsError::Order));
    }

    #[test]
    fn a_commitment_sent_back_to_its_sender_is_refused() {
        let mut a = side(1, 9, 1, 2);
        let own = a.commitment();
        let Ok(Step::Send(reveal)) = a.handle_message(&own) else {
            panic!("a commitment is answered by a reveal");
        };
        assert_eq!(a.handle_message(&reveal), Err(WordsError::Commitment));
    }

    #[test]
    fn messages_have_the_golden_bytes() {
        let commitment = codec::encode(&side(1, 9, 1, 2).commitment());
        assert_eq!(hex(&commitment), GOLDEN_COMMIT);
        let reveal = WordsMessage::Reveal([7; 32].into());
        assert_eq!(codec::decode(&codec::encode(&reveal)), Ok(reveal));
    }

    crate::decoding::decoder_tests! {
        commitment: WordsMessage = side(1, 9, 1, 2).commitment();
        reveal: WordsMessage = WordsMessage::Reveal([7; 32].into());
    }

    proptest! {
        #[test]
        fn no_bytes_panic_the_decoder(bytes in prop::collection::vec(any::<u8>(), 0..48)) {
            if let Ok(message) = codec::decode::<WordsMessage>(&bytes) {
                let _ = side(1, 9, 1, 2).handle_message(&message);
            }
        }
    }

    const GOLDEN_STATIC: &str =
        "surface type tissue ladder general dragon solution income fold pattern find cart";
    const GOLDEN_SHORT: &str = "cabin produce one return";
    const GOLDEN_COMMIT: &str =
        "82008158208e1eec46fe010b30dae3e967378eff7d41b094a61a8b1c7df51215c81d634a66";
}
