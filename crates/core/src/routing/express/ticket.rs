//! A ticket: 32 random bytes for one lane, what stands for them in the open, and what proves them.
//!
//! The *name* goes in front of the TLS handshake, as its server name (RFC 6066 §3), where everybody on the path can read it: it
//! tells nothing of the ticket, and is worth nothing once it was shown. The *proofs* go inside. Each is derived from the ticket,
//! the session's exporter and the lane's (RFC 8446 §7.5): so it is good for this session and this TLS connection only, and
//! whoever sits between the two sides has neither.

use data_encoding::BASE32_NOPAD_NOCASE;
use minicbor::{Decode, Encode};
use zeroize::ZeroizeOnDrop;

use crate::crypto;

/// The length of a proof, in bytes.
pub const PROOF_BYTES: usize = 32;

/// Ends the server name: a domain that no resolver knows (RFC 2606 §2).
const NAME_SUFFIX: &str = ".invalid";

/// What entitles to one lane. Never printed, wiped when dropped.
#[derive(Clone, PartialEq, Eq, ZeroizeOnDrop, Encode, Decode)]
#[cbor(transparent)]
pub struct Ticket(
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    [u8; 32],
);

/// What a ticket is called in the open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TicketName([u8; 32]);

impl Ticket {
    /// Takes 32 random bytes as a ticket.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// What it is called in the open.
    pub fn name(&self) -> TicketName {
        TicketName(crypto::derive("kith/1 express name", &[&self.0]))
    }

    /// What the getter shows first: it holds the ticket, in this `session` and on this `lane` (the exporters of both).
    pub fn getter_proof(&self, session: &[u8; 32], lane: &[u8; 32]) -> [u8; PROOF_BYTES] {
        crypto::derive("kith/1 express getter", &[&self.0, session, lane])
    }

    /// What the giver answers: the lane stands.
    pub fn giver_proof(&self, session: &[u8; 32], lane: &[u8; 32]) -> [u8; PROOF_BYTES] {
        crypto::derive("kith/1 express giver", &[&self.0, session, lane])
    }
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ticket(…)")
    }
}

impl TicketName {
    /// The name as a TLS server name.
    pub fn server_name(&self) -> String {
        let mut name = BASE32_NOPAD_NOCASE.encode(&self.0).to_ascii_lowercase();
        name.push_str(NAME_SUFFIX);
        name
    }

    /// Reads a server name; `None` for anything that is no ticket's.
    pub fn from_server_name(name: &str) -> Option<Self> {
        let label = name.strip_suffix(NAME_SUFFIX)?;
        let bytes = BASE32_NOPAD_NOCASE.decode(label.as_bytes()).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    #[test]
    fn golden_name_and_proofs() {
        let ticket = Ticket::from_bytes([1; 32]);
        assert_eq!(
            ticket.name().server_name(),
            "ovx6otd5oluxalaudp6qk7p5zx3sd3fl64u3aqkyxujyf3l7iv5a.invalid"
        );
        let (session, lane) = ([2; 32], [3; 32]);
        let getter = HEXLOWER.encode(&ticket.getter_proof(&session, &lane));
        assert_eq!(
            getter,
            "ee029205cb7e9ef4445e736ebdceed42a279dc382a3cbae871a9120bfdb5a358"
        );
        let giver = HEXLOWER.encode(&ticket.giver_proof(&session, &lane));
        assert_eq!(
            giver,
            "ce1031bc78b73f236344f9eeea18f1ea78a112a3f497d9cdb7037f4e35819cf1"
        );
    }

    #[test]
    fn a_proof_is_good_for_one_ticket_session_lane_and_side() {
        let ticket = Ticket::from_bytes([1; 32]);
        let proof = ticket.getter_proof(&[2; 32], &[3; 32]);
        assert_ne!(proof, ticket.getter_proof(&[9; 32], &[3; 32]));
        assert_ne!(proof, ticket.getter_proof(&[2; 32], &[9; 32]));
        assert_ne!(proof, ticket.getter_proof(&[3; 32], &[2; 32]));
        assert_ne!(proof, ticket.giver_proof(&[2; 32], &[3; 32]));
        let other = Ticket::from_bytes([9; 32]);
        assert_ne!(proof, other.getter_proof(&[2; 32], &[3; 32]));
    }

    #[test]
    fn a_ticket_is_not_printed() {
        assert_eq!(format!("{:?}", Ticket::from_bytes([1; 32])), "Ticket(…)");
    }

    proptest! {
        #[test]
        fn names_are_read_back(bytes: [u8; 32]) {
            let name = Ticket::from_bytes(bytes).name();
            let text = name.server_name();
            prop_assert!(text.len() < 64 + NAME_SUFFIX.len());
            prop_assert_eq!(TicketName::from_server_name(&text), Some(name));
        }

        #[test]
        fn no_server_name_makes_the_reader_panic(name in "\\PC{0,80}") {
            let _ = TicketName::from_server_name(&name);
            let _ = TicketName::from_server_name(&format!("{name}{NAME_SUFFIX}"));
        }
    }
}
