//! Replies: how an invite is answered when both are never online together (DESIGN §1).
//!
//! The reply waits at an introducer under the invite's mailbox locator, and reaches the invite's maker whenever they ask.
//! It is signed by the replier's identity, then sealed to the maker's: a fresh key agrees with it (as in ECIES), mixed
//! with the invite's secret. So the introducer learns neither who replied nor to whom, and somebody else who holds the
//! invite cannot read who replied. Around that comes a cover under a key of the invite's secret alone: all that an
//! introducer sees has the size of a sealed address, and is random from the first byte to the last as that is.
//!
//! ```text
//! CoveredReply = XChaCha20-Poly1305(SealedReply)                            always REPLY_BYTES long
//! SealedReply = [version, ephemeral: bytes .size 32, sealed: bytes]
//! sealed      = XChaCha20-Poly1305(length: u16 big-endian, SignedReply, zeros)
//! SignedReply = [body: bytes, by_peer: bytes .size 64]
//! body        = [version, invite, peer, name, at, [introducer]]
//! ```

use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::codec::{self, DecodeError, Wire};
use crate::crypto::{self, SEAL_OVERHEAD_BYTES, Scheme, SecretKey, Signature, derive};
use crate::ids::{InviteId, PeerId};
use crate::introducer::Introducer;
use crate::random::Random;
use crate::time::Time;

use super::invite::Invite;
use super::petname;

/// The size of every reply as it is left, in bytes: that of every sealed address, so that nobody tells one from the other.
pub const REPLY_BYTES: usize = 936;

/// The most introducers in a reply; as many as in an invite.
pub const REPLY_INTRODUCERS_MAX: usize = 4;

/// What is under the cover, in bytes.
const SEALED_BYTES: usize = REPLY_BYTES - SEAL_OVERHEAD_BYTES;

/// What the outer array takes: its head, the version, a key of 32 bytes and the head of the sealed bytes.
const ENVELOPE_BYTES: usize = 1 + 1 + 34 + 3;

/// What is sealed, in bytes.
const PLAIN_BYTES: usize = SEALED_BYTES - ENVELOPE_BYTES - SEAL_OVERHEAD_BYTES;

/// The length in front of the padded reply, in bytes.
const LENGTH_BYTES: usize = 2;

/// Which version of envelope and body this is.
const VERSION: u8 = 1;

/// What the replier signs under.
const CONTEXT: &str = "kith/1 invite reply";

/// What a reply says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Reply {
    #[n(0)]
    version: u8,
    /// The invite that is accepted.
    #[n(1)]
    pub invite: InviteId,
    /// Who accepts it.
    #[n(2)]
    pub peer: PeerId,
    /// What the replier calls itself, at most 64 bytes; empty where it does not say.
    #[n(3)]
    pub name: String,
    /// When the invite was accepted, by the replier's clock: as of then what both share by it counts.
    #[n(4)]
    pub at: Time,
    /// Where the replier leaves its address records, at most [`REPLY_INTRODUCERS_MAX`].
    #[n(5)]
    pub introducers: Vec<Introducer>,
}

impl Wire for Reply {
    const BYTES_MAX: usize = PLAIN_BYTES;
}

/// The body as it was signed.
#[derive(Encode, Decode)]
pub struct SignedReply {
    #[cbor(n(0), with = "minicbor::bytes")]
    body: Vec<u8>,
    #[n(1)]
    by_peer: Signature,
}

impl Wire for SignedReply {
    const BYTES_MAX: usize = PLAIN_BYTES;
}

/// The envelope: all that another holder of the invite sees.
#[derive(Encode, Decode)]
pub struct SealedReply {
    #[n(0)]
    version: u8,
    /// The public half of a key made for this reply.
    #[n(1)]
    ephemeral: PeerId,
    #[cbor(n(2), with = "minicbor::bytes")]
    sealed: Vec<u8>,
}

impl Wire for SealedReply {
    const BYTES_MAX: usize = SEALED_BYTES;
}

/// Why a reply is not believed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// Not a reply.
    #[error("the reply is {0}")]
    Decode(#[from] DecodeError),
    /// Of a version this one does not know.
    #[error("the reply has version {0}, which a newer kith made")]
    Version(u8),
    /// Not sealed for this maker and this invite, or damaged.
    #[error("the reply was not sealed for this invite")]
    Unreadable,
    /// Its parts exceed their bounds, or its padding is none.
    #[error("the reply is out of bounds")]
    Bounds,
    /// Written for another invite.
    #[error("the reply answers another invite")]
    AnotherInvite,
    /// Not signed by the peer it names.
    #[error("the reply is not signed by the peer it names")]
    Signature,
}

impl Reply {
    /// The reply of `peer` to `invite`. Introducers that do not fit are left out, the last first.
    pub fn new(
        invite: InviteId,
        peer: PeerId,
        name: &str,
        at: Time,
        mut introducers: Vec<Introducer>,
    ) -> Self {
        introducers.retain(|it| it.check().is_ok());
        introducers.truncate(REPLY_INTRODUCERS_MAX);
        let mut reply = Self {
            version: VERSION,
            invite,
            peer,
            name: petname::presentable(name),
            at,
            introducers,
        };
        while signed_bytes(&codec::encode(&reply)) > PLAIN_BYTES - LENGTH_BYTES {
            if reply.introducers.pop().is_none() {
                break; // Without any it has under 200 bytes.
            }
        }
        reply
    }

    /// Whether its parts are within their bounds.
    fn is_bounded(&self) -> bool {
        petname::is_presentable(&self.name)
            && self.introducers.len() <= REPLY_INTRODUCERS_MAX
            && self.introducers.iter().all(|it| it.check().is_ok())
    }
}

/// How long a body becomes by being signed, in bytes: an array of two, the body with its head, the signature with its.
fn signed_bytes(body: &[u8]) -> usize {
    1 + 3 + body.len() + 66
}

/// Signs `reply` with its author's identity key and seals it to the maker of `invite`. Always [`REPLY_BYTES`] long.
/// `None` when the maker's key is no proper one.
pub fn seal_reply<S: Scheme>(
    scheme: &S,
    random: &mut Random,
    invite: &Invite,
    mine: &SecretKey,
    reply: &Reply,
) -> Option<Vec<u8>> {
    let body = codec::encode(reply);
    let signed = codec::encode(&SignedReply {
        by_peer: scheme.sign(mine, CONTEXT, &body),
        body,
    });
    let length = u16::try_from(signed.len()).ok()?;
    let mut plain = [&length.to_be_bytes(), signed.as_slice()].concat();
    if plain.len() > PLAIN_BYTES {
        return None;
    }
    plain.resize(PLAIN_BYTES, 0);

    let ephemeral = SecretKey::from_bytes(random.bytes());
    let shared = scheme.agree(&ephemeral, &invite.peer)?;
    let key = sealing_key(&shared, invite, &ephemeral.peer_id());
    let sealed = crypto::seal(&key, random.bytes(), &[VERSION], &plain);
    let envelope = codec::encode(&SealedReply {
        version: VERSION,
        ephemeral: ephemeral.peer_id(),
        sealed,
    });
    Some(crypto::seal(
        &cover_key(invite),
        random.bytes(),
        &[VERSION],
        &envelope,
    ))
}

/// Opens what [`seal_reply`] made, with the secret key of the maker of `invite`.
///
/// # Errors
/// [`ReplyError`] for the first reason found. Whether the invite still opens anything is not judged here.
pub fn open_reply<S: Scheme>(
    scheme: &S,
    maker: &SecretKey,
    invite: &Invite,
    bytes: &[u8],
) -> Result<Reply, ReplyError> {
    let envelope =
        crypto::open(&cover_key(invite), &[VERSION], bytes).ok_or(ReplyError::Unreadable)?;
    let envelope: SealedReply = codec::decode(&envelope)?;
    if envelope.version != VERSION {
        return Err(ReplyError::Version(envelope.version));
    }
    let shared = scheme
        .agree(maker, &envelope.ephemeral)
        .ok_or(ReplyError::Unreadable)?;
    let key = sealing_key(&shared, invite, &envelope.ephemeral);
    let plain = crypto::open(&key, &[VERSION], &envelope.sealed).ok_or(ReplyError::Unreadable)?;
    let signed: SignedReply = codec::decode(unpadded(&plain).ok_or(ReplyError::Bounds)?)?;
    let reply: Reply = codec::decode(&signed.body)?;
    if reply.version != VERSION {
        return Err(ReplyError::Version(reply.version));
    }
    if !reply.is_bounded() {
        return Err(ReplyError::Bounds);
    }
    if reply.invite != invite.id() {
        return Err(ReplyError::AnotherInvite);
    }
    if !scheme.verify(&reply.peer, CONTEXT, &signed.body, &signed.by_peer) {
        return Err(ReplyError::Signature);
    }
    Ok(reply)
}

/// The key of one envelope. The ephemeral key itself is an input, because an agreement does not tell a point from its
/// negative: without it, one bit of the envelope could be flipped unnoticed.
fn sealing_key(shared: &[u8; 32], invite: &Invite, ephemeral: &PeerId) -> [u8; 32] {
    derive(
        "kith/1 invite reply key",
        &[
            shared,
            invite.secret.as_bytes(),
            ephemeral.as_bytes(),
            invite.peer.as_bytes(),
        ],
    )
}

/// The key of the cover. It keeps nothing from those who hold the invite: it hides from everybody else that there is an
/// envelope.
fn cover_key(invite: &Invite) -> [u8; 32] {
    derive(
        "kith/1 invite reply cover",
        &[invite.secret.as_bytes(), invite.peer.as_bytes()],
    )
}

/// What stands before the padding, which is zeros and nothing else.
fn unpadded(plain: &[u8]) -> Option<&[u8]> {
    let (length, rest) = plain.split_first_chunk::<LENGTH_BYTES>()?;
    let (signed, padding) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    (plain.len() == PLAIN_BYTES && padding.iter().all(|byte| *byte == 0)).then_some(signed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::Ed25519;
    use crate::identity::fixture::{hex, introducer, invite, key};
    use crate::ids::DeviceKey;
    use crate::introducer::{Ports, Trust};

    fn reply(introducers: Vec<Introducer>) -> Reply {
        let at = Time(1_800_000_000_000);
        Reply::new(invite(1, 7).id(), key(2).peer_id(), "Bo", at, introducers)
    }

    fn sealed(reply: &Reply) -> Vec<u8> {
        let mut random = Random::new([3; 32]);
        seal_reply(&Ed25519, &mut random, &invite(1, 7), &key(2), reply).expect("proper keys")
    }

    fn opened(bytes: &[u8]) -> Result<Reply, ReplyError> {
        open_reply(&Ed25519, &key(1), &invite(1, 7), bytes)
    }

    #[test]
    fn the_maker_reads_who_replied() {
        let reply = reply(vec![introducer(1)]);
        assert_eq!(opened(&sealed(&reply)), Ok(reply));
    }

    #[test]
    fn a_sealed_reply_has_the_golden_bytes() {
        let reply = reply(vec![introducer(1)]);
        assert_eq!(hex(&codec::encode(&reply)), GOLDEN_BODY);
        let whole = derive("kith/1 golden", &[&sealed(&reply)]);
        assert_eq!(hex(&whole), GOLDEN_SEALED_HASH);
    }

    #[test]
    fn every_reply_has_one_size() {
        let ports = Ports {
            tcp: 1,
            udp: 1,
            discovery: 1,
        };
        let domain = Trust::Domain("d".repeat(253));
        let large = Introducer::new(
            DeviceKey([9; 32]),
            vec![[255u16; 8].into(); 4],
            ports,
            domain,
        );
        let full = Reply {
            name: "n".repeat(64),
            ..reply(vec![large; 9])
        };
        assert!(!full.introducers.is_empty());
        for reply in [reply(vec![]), full] {
            assert_eq!(sealed(&reply).len(), REPLY_BYTES);
            assert!(opened(&sealed(&reply)).is_ok());
        }
    }

    #[test]
    fn no_two_replies_have_a_byte_in_one_place_more_often_than_chance() {
        let mut random = Random::new([4; 32]);
        let replies: Vec<Vec<u8>> = (0..32)
            .map(|_| {
                let sealed = seal_reply(
                    &Ed25519,
                    &mut random,
                    &invite(1, 7),
                    &key(2),
                    &reply(vec![]),
                );
                sealed.expect("proper keys")
            })
            .collect();
        for place in 0..REPLY_BYTES {
            let mut values: Vec<u8> = replies.iter().map(|reply| reply[place]).collect();
            values.sort_unstable();
            values.dedup();
            // Of 32 random bytes about 30 differ.
            assert!(
                values.len() > 16,
                "byte {place} has {} values",
                values.len()
            );
        }
    }

    #[test]
    fn nobody_but_the_maker_opens_a_reply_not_even_with_the_invite() {
        let bytes = sealed(&reply(vec![]));
        let stranger = open_reply(&Ed25519, &key(3), &invite(1, 7), &bytes);
        assert_eq!(stranger, Err(ReplyError::Unreadable));
        let without_invite = open_reply(&Ed25519, &key(1), &invite(1, 8), &bytes);
        assert_eq!(without_invite, Err(ReplyError::Unreadable));
    }

    #[test]
    fn a_reply_in_anothers_name_is_refused() {
        let forged = Reply {
            peer: key(3).peer_id(),
            ..reply(vec![])
        };
        assert_eq!(opened(&sealed(&forged)), Err(ReplyError::Signature));
    }

    #[test]
    fn a_reply_to_another_invite_is_refused() {
        let other = Reply {
            invite: InviteId([0; 16]),
            ..reply(vec![])
        };
        assert_eq!(opened(&sealed(&other)), Err(ReplyError::AnotherInvite));
    }

    #[test]
    fn a_reply_out_of_bounds_is_refused() {
        let crooked = Reply {
            name: "a\nb".into(),
            ..reply(vec![])
        };
        assert_eq!(opened(&sealed(&crooked)), Err(ReplyError::Bounds));
    }

    #[test]
    fn the_other_sign_of_the_ephemeral_key_is_refused() {
        let key = cover_key(&invite(1, 7));
        let covered = sealed(&reply(vec![]));
        let mut envelope = crypto::open(&key, &[VERSION], &covered).expect("our own");
        envelope[4 + 31] ^= 0x80;
        let forged = crypto::seal(&key, [1; 24], &[VERSION], &envelope);
        assert_eq!(opened(&forged), Err(ReplyError::Unreadable));
    }

    #[test]
    fn any_flipped_bit_of_a_sealed_reply_is_refused() {
        let sound = sealed(&reply(vec![introducer(1)]));
        for bit in 0..sound.len() * 8 {
            let mut bytes = sound.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(opened(&bytes).is_err(), "bit {bit}");
        }
    }

    crate::decoding::decoder_tests! {
        reply_form: Reply = reply(vec![introducer(1)]);
        signed_form: SignedReply = SignedReply {
            body: codec::encode(&reply(Vec::new())),
            by_peer: Ed25519.sign(&key(2), "context", b"body"),
        };
        sealed_form: SealedReply = SealedReply {
            version: VERSION,
            ephemeral: key(3).peer_id(),
            sealed: vec![7; 200],
        };
    }

    proptest! {
        #[test]
        fn no_bytes_panic_the_decoder(bytes in prop::collection::vec(any::<u8>(), 0..1000)) {
            prop_assert!(opened(&bytes).is_err());
            let _ = unpadded(&bytes);
        }
    }

    const GOLDEN_BODY: &str = "860150b68a7403b742135c5de49d6f2e5e2b9658208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b39462426f1b000001a3185c50008187015820010101010101010101010101010101010101010101010101010101010101010181820044cb007101191bce191bcf191bd082008158200101010101010101010101010101010101010101010101010101010101010101";
    const GOLDEN_SEALED_HASH: &str =
        "278c52840d22699ee458cda4367de02877b9198e89b8bbdaa51a71780e48260a";
}
