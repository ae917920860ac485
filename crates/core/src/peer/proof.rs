//! What an introduction may carry as proof.

use minicbor::{Decode, Encode};

use crate::codec::Wire;
use crate::ids::InviteId;

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
}
