//! Signatures as the simulator makes them: counted, and cheap unless a run asks for the real ones.
//!
//! Keys and key agreement are the real ones under both kinds, so that locators, reach secrets and the order of everything
//! sorted by key are the same: a run takes the same decisions with either, and gives the same trace.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use kith_core::crypto::{Ed25519, PublicKey, Scheme, SecretKey, Signature};

/// How signatures are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A keyed hash under the *public* key: whoever wants to can forge it, and nobody in the simulation does.
    Keyed,
    /// Ed25519.
    Real,
}

/// How often the seam was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Signatures made.
    pub signed: u64,
    /// Signatures verified.
    pub verified: u64,
    /// Secrets agreed on.
    pub agreed: u64,
}

/// The seam of a simulated world; clones share their counts.
#[derive(Clone, Debug)]
pub struct SimScheme {
    kind: Kind,
    shared: Rc<RefCell<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    counts: Counts,
    /// The public keys of a few secrets: deriving one costs as much as a signature.
    publics: BTreeMap<[u8; 32], [u8; 32]>,
}

/// Secrets whose public keys are remembered: every node's own, in a run of 1,000 nodes. Locators' are used once or twice.
const PUBLICS_MAX: usize = 8192;

impl SimScheme {
    /// A seam of this kind that was never used.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            shared: Rc::default(),
        }
    }

    /// How often it was used.
    pub fn counts(&self) -> Counts {
        self.shared.borrow().counts
    }

    fn public(&self, secret: &SecretKey) -> [u8; 32] {
        let publics = &mut self.shared.borrow_mut().publics;
        if publics.len() >= PUBLICS_MAX {
            publics.clear();
        }
        *publics
            .entry(*secret.as_bytes())
            .or_insert_with(|| secret.public())
    }
}

/// What stands for a signature of `public`.
fn keyed(public: &[u8; 32], context: &str, message: &[u8]) -> Signature {
    let mut hasher = blake3::Hasher::new_keyed(public);
    hasher.update(&(context.len() as u64).to_be_bytes());
    hasher.update(context.as_bytes());
    hasher.update(message);
    let mut bytes = [0; 64];
    hasher.finalize_xof().fill(&mut bytes);
    Signature(bytes)
}

impl Scheme for SimScheme {
    fn sign(&self, secret: &SecretKey, context: &'static str, message: &[u8]) -> Signature {
        self.shared.borrow_mut().counts.signed += 1;
        match self.kind {
            Kind::Keyed => keyed(&self.public(secret), context, message),
            Kind::Real => Ed25519.sign(secret, context, message),
        }
    }

    fn verify(
        &self,
        public: &impl PublicKey,
        context: &'static str,
        message: &[u8],
        signature: &Signature,
    ) -> bool {
        self.shared.borrow_mut().counts.verified += 1;
        match self.kind {
            Kind::Keyed => keyed(public.public_bytes(), context, message) == *signature,
            Kind::Real => Ed25519.verify(public, context, message, signature),
        }
    }

    fn agree(&self, secret: &SecretKey, public: &impl PublicKey) -> Option<[u8; 32]> {
        self.shared.borrow_mut().counts.agreed += 1;
        Ed25519.agree(secret, public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_tell_keys_contexts_and_messages_apart_and_count() {
        for kind in [Kind::Keyed, Kind::Real] {
            let scheme = SimScheme::new(kind);
            let (ada, bo) = (
                SecretKey::from_bytes([1; 32]),
                SecretKey::from_bytes([2; 32]),
            );
            let signature = scheme.sign(&ada, "kith/1 test", b"m");
            assert!(scheme.verify(&ada.peer_id(), "kith/1 test", b"m", &signature));
            assert!(!scheme.verify(&bo.peer_id(), "kith/1 test", b"m", &signature));
            assert!(!scheme.verify(&ada.peer_id(), "kith/1 other", b"m", &signature));
            assert!(!scheme.verify(&ada.peer_id(), "kith/1 test", b"n", &signature));
            let counts = scheme.clone().counts();
            assert_eq!((counts.signed, counts.verified), (1, 4));
        }
    }
}
