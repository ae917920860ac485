//! What an introduction may carry as proof.

use minicbor::{Decode, Encode};

use crate::codec::Wire;
use crate::identity::{AcceptedInvite, Invite};
use crate::ids::{InviteId, PeerId};
use crate::time::Time;

/// What entitles a dialler to more than a stranger gets.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Proof {
    /// It holds this invite: a MAC under the invite's secret over the session's exporter and its own PeerId.
    #[n(0)]
    Invite {
        /// Which invite.
        #[n(0)]
        invite: InviteId,
        /// The MAC.
        #[n(1)]
        mac: minicbor::bytes::ByteArray<32>,
        /// When it accepted the invite: as of then what both share by it counts. Left out of the encoding by the invite's maker.
        #[n(2)]
        at: Option<Time>,
    },
}

impl Proof {
    /// Proves that `prover` holds `invite`, in the session of `exporter`.
    pub fn of_invite(invite: &Invite, exporter: &[u8; 32], prover: &PeerId) -> Self {
        Self::Invite {
            invite: invite.id(),
            mac: invite.proof(exporter, prover).into(),
            at: None,
        }
    }

    /// Proves in the session of `exporter` that `prover` holds what it accepted.
    pub fn of_accepted(accepted: &AcceptedInvite, exporter: &[u8; 32], prover: &PeerId) -> Self {
        let invite = &accepted.invite;
        Self::Invite {
            invite: invite.id(),
            mac: invite.proof(exporter, prover).into(),
            at: Some(accepted.at),
        }
    }
}

impl Wire for Proof {
    const BYTES_MAX: usize = 64;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{decode, encode};

    fn proof(at: Option<Time>) -> Proof {
        Proof::Invite {
            invite: InviteId([1; 16]),
            mac: [2; 32].into(),
            at,
        }
    }

    #[test]
    fn golden_proofs() {
        for (proof, golden) in [
            (proof(Some(Time(1_800_000_000_000))), ACCEPTED),
            (proof(None), MADE),
        ] {
            let bytes = encode(&proof);
            assert_eq!(data_encoding::HEXLOWER.encode(&bytes), golden);
            assert_eq!(decode(&bytes), Ok(proof));
        }
    }

    crate::decoding::decoder_tests! {
        proof_of_its_maker: Proof = proof(None);
        proof_of_who_accepted: Proof = proof(Some(Time(u64::MAX)));
    }

    const ACCEPTED: &str = "8200835001010101010101010101010101010101582002020202020202020202020202020202020202020202020202020202020202021b000001a3185c5000";
    const MADE: &str = "820082500101010101010101010101010101010158200202020202020202020202020202020202020202020202020202020202020202";
}
