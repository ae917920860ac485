//! The protocol `/kith/share/1`: which shares there are for whom, and what they now are. Their content is asked for in
//! [`swarm`](crate::content::swarm).
//!
//! Requests and answers are frames (see [`crate::codec::frame`]). Askers may send several requests without waiting; they are answered in
//! order.
//!
//! `Gone` is the one answer for what does not exist and what is not for the asker, so that nobody can test for either.

use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};

use crate::codec::Wire;
use crate::content::access::LinkProof;
use crate::content::grant::{GrantProof, SignedGrant};
use crate::content::referral::{REFERRAL_BYTES_MAX, REFERRALS_MAX, Referral};
use crate::ids::{BlobHash, ShareId};

/// The name of the protocol.
pub const PROTOCOL: &str = "/kith/share/1";

/// The unit of verification, in bytes: one group of 16 BLAKE3 chunks.
pub const GROUP_BYTES: u64 = 16 * 1024;

/// The most bytes sent at once: a power of two of groups, so that the parents of a range are few; small enough for a provider to look
/// whether its file has changed *before* it sends what it has read, and for a dozen in flight in a small machine's memory.
pub const RANGE_BYTES_MAX: u64 = 1 << 20;

/// The most raw bytes of a range in bao encoding (parents and groups in pre-order, without a length in front): the range, a parent of 64 bytes for each of its groups, and those above it up to the root of the
/// largest blob (2⁶⁴ bytes: 50 levels of groups).
pub const ENCODED_BYTES_MAX: u64 = RANGE_BYTES_MAX + (RANGE_BYTES_MAX / GROUP_BYTES + 2 * 50) * 64;

/// The largest signed head, in bytes. Heads are opaque here; whoever reads one verifies it.
pub const HEAD_BYTES_MAX: usize = 640;

/// The most heads in one answer; the asker goes on after the last.
pub const HEADS_MAX: usize = 64;

/// The largest request, in bytes: that of a provider, with a grant and both its routes.
pub const REQUEST_BYTES_MAX: usize = 512 + REFERRAL_BYTES_MAX;

/// The largest answer, in bytes, raw bytes not counted: a full list of heads.
pub const ANSWER_BYTES_MAX: usize = 64 + HEADS_MAX * (HEAD_BYTES_MAX + 8);

/// What the asker shows to be let in.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Proof {
    /// Who it is, which the session has proven; or what it showed for this share earlier on this stream.
    #[n(0)]
    Session,
    /// That it holds the share's link.
    #[n(1)]
    Link(#[n(0)] LinkProof),
    /// A grant of the owner.
    #[n(2)]
    Grant(#[n(0)] Box<GrantProof>),
}

/// What an asker says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Request {
    /// Which shares may I see? Answered by `Heads`.
    #[n(0)]
    List {
        /// Only those after this one, in the order of their ids.
        #[n(0)]
        after: Option<ShareId>,
    },
    /// What is this share now? Answered by `Head` or `Gone`.
    #[n(1)]
    Head {
        /// Which.
        #[n(0)]
        share: ShareId,
        /// What the asker shows.
        #[n(1)]
        proof: Proof,
    },
    /// Who else provides this share? Answered by `Providers` or `Gone`.
    #[n(3)]
    Providers {
        /// Which.
        #[n(0)]
        share: ShareId,
        /// What the asker shows.
        #[n(1)]
        proof: Proof,
    },
    /// I provide this share, and may be found so by whoever may have it. Answered by `Noted` or `Gone`.
    #[n(4)]
    Provide {
        /// Which.
        #[n(0)]
        share: ShareId,
        /// What the asker shows.
        #[n(1)]
        proof: Proof,
        /// Where it is reached.
        #[n(2)]
        referral: Referral,
    },
    /// This is the newest head of a share, at most [`HEAD_BYTES_MAX`]. Always answered by `Noted`: the head speaks for itself, and nothing is told of
    /// what is here.
    #[n(5)]
    Notice(#[n(0)] ByteVec),
    /// Do you provide a share with this tag (see [`tag`](crate::content::referral::tag))? Answered by `Noted` or `Gone`.
    #[n(6)]
    Find(#[cbor(n(0), with = "minicbor::bytes")] [u8; 32]),
    /// What was this share when it had this manifest? Answered by `Head` or `Gone`.
    #[n(7)]
    Version {
        /// Which share.
        #[n(0)]
        share: ShareId,
        /// The manifest of the version.
        #[n(1)]
        manifest: BlobHash,
        /// What the asker shows.
        #[n(2)]
        proof: Proof,
    },
    /// Is this share where it is shared from? `Noted` where it is, as far as that can be seen, `Gone` where its folder or file is not there or cannot be
    /// read, and where it is not for the asker. Who does not know this request resets the stream.
    #[n(8)]
    Place {
        /// Which.
        #[n(0)]
        share: ShareId,
        /// What the asker shows.
        #[n(1)]
        proof: Proof,
    },
}

impl Request {
    /// Which share it is about, and what is shown for it; `None` where nothing is to be shown.
    pub fn claim(&self) -> Option<(&ShareId, &Proof)> {
        match self {
            Self::Head { share, proof }
            | Self::Version { share, proof, .. }
            | Self::Providers { share, proof }
            | Self::Provide { share, proof, .. }
            | Self::Place { share, proof } => Some((share, proof)),
            Self::List { .. } | Self::Notice(_) | Self::Find(_) => None,
        }
    }
}

impl Wire for Request {
    const BYTES_MAX: usize = REQUEST_BYTES_MAX;
}

/// What a provider says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Answer {
    /// Heads of shares, in the order of their ids.
    #[n(0)]
    Heads {
        /// Signed heads, at most [`HEADS_MAX`] of [`HEAD_BYTES_MAX`].
        #[n(0)]
        heads: Vec<ByteVec>,
        /// Whether there are more after the last.
        #[n(1)]
        more: bool,
    },
    /// The newest head or that of the version asked for, and a fresh grant where the provider is the owner and knows the asker.
    #[n(1)]
    Head {
        /// The signed head, at most [`HEAD_BYTES_MAX`].
        #[n(0)]
        head: ByteVec,
        /// The grant.
        #[n(1)]
        grant: Option<SignedGrant>,
    },
    /// Not here, or not for you.
    #[n(3)]
    Gone,
    /// It was here for you, and is not any more: the owner has taken it back, by this signed head of a higher epoch.
    #[n(5)]
    Ended(#[n(0)] ByteVec),
    /// Others who provide it, at most [`REFERRALS_MAX`].
    #[n(6)]
    Providers(#[n(0)] Vec<Referral>),
    /// Taken note of.
    #[n(7)]
    Noted,
}

impl Wire for Answer {
    const BYTES_MAX: usize = ANSWER_BYTES_MAX;
}

impl Answer {
    /// Whether the counts in it are within their bounds.
    pub fn is_bounded(&self) -> bool {
        match self {
            Self::Heads { heads, more } => {
                heads.len() <= HEADS_MAX
                    && heads.iter().all(|head| head.len() <= HEAD_BYTES_MAX)
                    && (!more || !heads.is_empty())
            }
            Self::Head { head, .. } | Self::Ended(head) => head.len() <= HEAD_BYTES_MAX,
            Self::Providers(referrals) => {
                referrals.len() <= REFERRALS_MAX && referrals.iter().all(Referral::is_bounded)
            }
            Self::Gone | Self::Noted => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{decode, encode};
    use crate::crypto::{Ed25519, SecretKey};
    use crate::ids::PeerId;
    use crate::time::Time;

    fn grant() -> GrantProof {
        let owner = SecretKey::from_bytes([1; 32]);
        let grant = SignedGrant::sign(
            &Ed25519,
            &owner,
            ShareId([2; 32]),
            PeerId([3; 32]),
            u64::MAX,
            Time(u64::MAX),
        );
        GrantProof::sign(&Ed25519, &owner, grant, &[4; 32])
    }

    #[test]
    fn the_largest_messages_fit_their_bounds() {
        let request = Request::Head {
            share: ShareId([1; 32]),
            proof: Proof::Grant(Box::new(grant())),
        };
        assert_eq!(decode(&encode(&request)), Ok(request));
        let request = Request::Provide {
            share: ShareId([1; 32]),
            proof: Proof::Grant(Box::new(grant())),
            referral: Referral::largest(),
        };
        assert_eq!(decode(&encode(&request)), Ok(request));
        let answer = Answer::Providers(vec![Referral::largest(); REFERRALS_MAX]);
        assert!(answer.is_bounded());
        assert_eq!(decode(&encode(&answer)), Ok(answer));
        let answer = Answer::Heads {
            heads: vec![vec![255; HEAD_BYTES_MAX].into(); HEADS_MAX],
            more: true,
        };
        assert!(answer.is_bounded());
        assert_eq!(decode(&encode(&answer)), Ok(answer));
    }

    #[test]
    fn messages_have_known_bytes() {
        let request = Request::Head {
            share: ShareId([1; 32]),
            proof: Proof::Session,
        };
        let hex = |bytes: Vec<u8>| data_encoding::HEXLOWER.encode(&bytes);
        let golden = format!("8201825820{}820080", "01".repeat(32));
        assert_eq!(hex(encode(&request)), golden);
        assert_eq!(hex(encode(&Request::List { after: None })), "820080");
        let version = Request::Version {
            share: ShareId([1; 32]),
            manifest: BlobHash([2; 32]),
            proof: Proof::Session,
        };
        let golden = format!("8207835820{}5820{}820080", "01".repeat(32), "02".repeat(32));
        assert_eq!(hex(encode(&version)), golden);
        assert_eq!(hex(encode(&Answer::Gone)), "820380");
        let find = Request::Find([7; 32]);
        assert_eq!(hex(encode(&find)), format!("8206815820{}", "07".repeat(32)));
        assert_eq!(
            hex(encode(&Request::Notice(vec![1, 2].into()))),
            "820581420102"
        );
        let providers = Request::Providers {
            share: ShareId([1; 32]),
            proof: Proof::Session,
        };
        let golden = format!("8203825820{}820080", "01".repeat(32));
        assert_eq!(hex(encode(&providers)), golden);
        let place = Request::Place {
            share: ShareId([1; 32]),
            proof: Proof::Session,
        };
        let golden = format!("8208825820{}820080", "01".repeat(32));
        assert_eq!(hex(encode(&place)), golden);
        assert_eq!(hex(encode(&Answer::Ended(vec![1].into()))), "8205814101");
        assert_eq!(hex(encode(&Answer::Providers(Vec::new()))), "82068180");
        assert_eq!(hex(encode(&Answer::Noted)), "820780");
        let empty = Answer::Heads {
            heads: Vec::new(),
            more: false,
        };
        assert_eq!(hex(encode(&empty)), "82008280f4");
    }

    #[test]
    fn answers_that_announce_too_much_are_found() {
        assert!(!Answer::Providers(vec![Referral::largest(); REFERRALS_MAX + 1]).is_bounded());
        assert!(!Answer::Ended(vec![0; HEAD_BYTES_MAX + 1].into()).is_bounded());
        assert!(
            !Answer::Heads {
                heads: Vec::new(),
                more: true
            }
            .is_bounded()
        );
    }

    crate::decoding::decoder_tests! {
        list: Request = Request::List { after: Some(ShareId([1; 32])) };
        head_request: Request = Request::Head { share: ShareId([1; 32]), proof: Proof::Grant(Box::new(grant())) };
        provide: Request = Request::Provide {
            share: ShareId([1; 32]),
            proof: Proof::Grant(Box::new(grant())),
            referral: Referral::largest(),
        };
        place: Request = Request::Place { share: ShareId([1; 32]), proof: Proof::Session };
        heads: Answer = Answer::Heads { heads: vec![vec![1; 40].into()], more: true };
        providers: Answer = Answer::Providers(vec![Referral::largest()]);
        head_answer: Answer = Answer::Head { head: vec![1; 40].into(), grant: None };
    }
}
