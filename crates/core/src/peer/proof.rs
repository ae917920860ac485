//! What an introduction may carry as proof.

use minicbor::{Decode, Encode};

use crate::codec::Wire;
use crate::identity::Invite;
use crate::ids::{InviteId, PeerId};

/// What entitles a dialler to more than a stranger gets.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Proof {
    /// It holds this invite: a MAC under the invite's secret over the session's exporter and the dialler's PeerId.
    #[n(0)]
    Invite {
        /// Which invite.
        #[n(0)]
        invite: InviteId,
        /// The MAC.
        #[n(1)]
        mac: minicbor::bytes::ByteArray<32>,
    },
}

impl Proof {
    /// Proves that `prover` holds `invite`, in the session of `exporter`.
    pub fn of_invite(invite: &Invite, exporter: &[u8; 32], prover: &PeerId) -> Self {
        Self::Invite {
            invite: invite.id(),
            mac: invite.proof(exporter, prover).into(),
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

    #[test]
    fn a_proof_round_trips_within_its_bound() {
        let proof = Proof::Invite {
            invite: InviteId([1; 16]),
            mac: [2; 32].into(),
        };
        assert_eq!(decode(&encode(&proof)), Ok(proof));
    }

    crate::decoding::decoder_tests! {
        proof: Proof = Proof::Invite { invite: InviteId([1; 16]), mac: [2; 32].into() };
    }
}
