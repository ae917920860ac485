//! What lets us in at a provider, and the stream on which it is shown.

use kith_core::content::access::LinkProof;
use kith_core::content::grant::{GrantProof, SignedGrant};
use kith_core::content::wire::Proof;
use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::data::link::LinkSecret;
use kith_core::ids::ShareId;

/// A stream to a provider.
#[derive(Debug)]
pub struct Stream<R, W> {
    /// The provider's half.
    pub reader: R,
    /// Our half.
    pub writer: W,
    /// The exporter of the session it belongs to.
    pub exporter: [u8; 32],
}

/// What lets us in.
#[derive(Clone, Debug)]
pub enum Credential {
    /// Who we are.
    Session,
    /// That we hold the link.
    Link(LinkSecret),
    /// A grant of the owner.
    Grant {
        /// The grant.
        grant: SignedGrant,
        /// The key of whom it names, us.
        holder: SecretKey,
    },
}

impl Credential {
    /// What is shown of it for a share, in the session of `exporter`.
    pub(in crate::content) fn proof(&self, share: &ShareId, exporter: &[u8; 32]) -> Proof {
        match self {
            Self::Session => Proof::Session,
            Self::Link(secret) => Proof::Link(LinkProof::sign(
                &Ed25519,
                &secret.key(share),
                *share,
                exporter,
            )),
            Self::Grant { grant, holder } => {
                let grant = GrantProof::sign(&Ed25519, holder, grant.clone(), exporter);
                Proof::Grant(Box::new(grant))
            }
        }
    }
}
