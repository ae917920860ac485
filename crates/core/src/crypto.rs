//! The seam of signatures, and the few primitives the formats are made of.
//!
//! Signing, verifying and key agreement go through [`Scheme`], so that the simulator can count them and use something
//! cheaper. Keys are the same under every scheme, only signatures differ: a simulated run takes the same decisions with
//! either. Every use is separated from every other by a *context*, a constant text such as `kith/1 binding`.
//!
//! Ed25519: RFC 8032, verified strictly (no small-order keys). Agreement: X25519 (RFC 7748) of the same keys, mapped to
//! Montgomery form. Sealing: XChaCha20-Poly1305. Derivation and authentication: BLAKE3.

use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use curve25519_dalek::edwards::CompressedEdwardsY;
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use subtle::ConstantTimeEq as _;
use zeroize::ZeroizeOnDrop;

use crate::codec::byte_string;
use crate::ids::{DeviceKey, Locator, PeerId, ShareId};

/// An Ed25519 secret key (the seed of RFC 8032). Wiped when dropped, never printed.
#[derive(Clone, ZeroizeOnDrop, PartialEq, Eq)]
pub struct SecretKey([u8; 32]);

impl SecretKey {
    /// Takes `seed` as a secret key; any 32 bytes are one.
    pub fn from_bytes(seed: [u8; 32]) -> Self {
        Self(seed)
    }

    /// The seed, for storing.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public key's bytes: the same under every [`Scheme`].
    pub fn public(&self) -> [u8; 32] {
        SigningKey::from_bytes(&self.0).verifying_key().to_bytes()
    }

    /// The public key as a participant.
    pub fn peer_id(&self) -> PeerId {
        PeerId(self.public())
    }

    /// The public key as a device's.
    pub fn device_key(&self) -> DeviceKey {
        DeviceKey(self.public())
    }

    /// The public key as a share's.
    pub fn share_id(&self) -> ShareId {
        ShareId(self.public())
    }

    /// The public key as a registry key.
    pub fn locator(&self) -> Locator {
        Locator(self.public())
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// An Ed25519 signature, or what stands for one in the simulator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature(pub [u8; 64]);

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

byte_string!(Signature, 64);

/// Something with the bytes of an Ed25519 public key.
pub trait PublicKey {
    /// The compressed point.
    fn public_bytes(&self) -> &[u8; 32];
}

/// Marks the names that are public keys.
macro_rules! public_key {
    ($($name:ident),*) => {$(
        impl PublicKey for $name {
            fn public_bytes(&self) -> &[u8; 32] {
                self.as_bytes()
            }
        }
    )*};
}
public_key!(PeerId, DeviceKey, ShareId, Locator);

/// How signatures are made and verified, and how two keys agree on a secret.
pub trait Scheme: Clone + fmt::Debug {
    /// Signs `message` under `context`.
    fn sign(&self, secret: &SecretKey, context: &'static str, message: &[u8]) -> Signature;

    /// Whether `signature` is `public`'s over `message` under `context`.
    fn verify(
        &self,
        public: &impl PublicKey,
        context: &'static str,
        message: &[u8],
        signature: &Signature,
    ) -> bool;

    /// The secret two keys share; `None` when `public` is no proper key (of small order, or no point).
    fn agree(&self, secret: &SecretKey, public: &impl PublicKey) -> Option<[u8; 32]>;
}

/// The real thing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ed25519;

impl Scheme for Ed25519 {
    fn sign(&self, secret: &SecretKey, context: &'static str, message: &[u8]) -> Signature {
        let key = SigningKey::from_bytes(&secret.0);
        Signature(key.sign(&separated(context, message)).to_bytes())
    }

    fn verify(
        &self,
        public: &impl PublicKey,
        context: &'static str,
        message: &[u8],
        signature: &Signature,
    ) -> bool {
        let Ok(key) = VerifyingKey::from_bytes(public.public_bytes()) else {
            return false;
        };
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(&separated(context, message), &signature)
            .is_ok()
    }

    fn agree(&self, secret: &SecretKey, public: &impl PublicKey) -> Option<[u8; 32]> {
        let scalar = SigningKey::from_bytes(&secret.0).to_scalar_bytes();
        let point = CompressedEdwardsY(*public.public_bytes()).decompress()?;
        let shared = point.to_montgomery().mul_clamped(scalar).to_bytes();
        // All zero only for points of small order (RFC 7748 §6.1).
        (!bool::from(shared.ct_eq(&[0; 32]))).then_some(shared)
    }
}

/// What is signed: the context, a zero byte that no context contains, the message.
fn separated(context: &str, message: &[u8]) -> Vec<u8> {
    debug_assert!(!context.contains('\0'), "a zero byte ends the context");
    [context.as_bytes(), &[0], message].concat()
}

/// Derives 32 bytes from `parts` for one purpose (BLAKE3's `derive_key`). Each part is preceded by its length,
/// so that no two lists of parts give the same input.
pub fn derive(context: &'static str, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(context);
    for part in parts {
        hasher.update(&(part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    *hasher.finalize().as_bytes()
}

/// Compares two secrets without telling by its duration where they differ.
pub fn equal(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.ct_eq(b).into()
}

/// What sealing adds to a plaintext: a nonce of 24 bytes and a tag of 16.
pub const SEAL_OVERHEAD_BYTES: usize = 40;

/// Encrypts `plaintext` under `key`, bound to `associated`; the random `nonce` goes in front.
pub fn seal(key: &[u8; 32], nonce: [u8; 24], associated: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let payload = Payload {
        msg: plaintext,
        aad: associated,
    };
    let sealed = XChaCha20Poly1305::new(key.into())
        .encrypt(&XNonce::from(nonce), payload)
        .expect("records are far below the cipher's limit of 256 GiB");
    [nonce.as_slice(), &sealed].concat()
}

/// Decrypts what [`seal`] made; `None` when the key, the associated bytes or a bit of it differ.
pub fn open(key: &[u8; 32], associated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_first_chunk::<24>()?;
    let payload = Payload {
        msg: sealed,
        aad: associated,
    };
    XChaCha20Poly1305::new(key.into())
        .decrypt(&XNonce::from(*nonce), payload)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SecretKey {
        SecretKey::from_bytes([byte; 32])
    }

    #[test]
    fn a_signature_holds_for_its_key_context_and_message_only() {
        let signature = Ed25519.sign(&key(1), "kith/1 test", b"m");
        assert!(Ed25519.verify(&key(1).peer_id(), "kith/1 test", b"m", &signature));
        assert!(!Ed25519.verify(&key(2).peer_id(), "kith/1 test", b"m", &signature));
        assert!(!Ed25519.verify(&key(1).peer_id(), "kith/1 other", b"m", &signature));
        assert!(!Ed25519.verify(&key(1).peer_id(), "kith/1 test", b"n", &signature));
    }

    #[test]
    fn both_sides_agree_on_one_secret() {
        let ab = Ed25519.agree(&key(1), &key(2).peer_id());
        assert!(ab.is_some());
        assert_eq!(ab, Ed25519.agree(&key(2), &key(1).peer_id()));
        assert_ne!(ab, Ed25519.agree(&key(1), &key(3).peer_id()));
    }

    #[test]
    fn small_order_keys_agree_on_nothing_and_verify_nothing() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert_eq!(Ed25519.agree(&key(1), &PeerId(identity)), None);
        let signature = Signature([0; 64]);
        assert!(!Ed25519.verify(&PeerId(identity), "kith/1 test", b"m", &signature));
    }

    #[test]
    fn sealed_bytes_open_only_whole_and_where_they_belong() {
        let sealed = seal(&[1; 32], [2; 24], b"here", b"secret");
        assert_eq!(sealed.len(), 6 + SEAL_OVERHEAD_BYTES);
        assert_eq!(open(&[1; 32], b"here", &sealed), Some(b"secret".to_vec()));
        assert_eq!(open(&[1; 32], b"there", &sealed), None);
        assert_eq!(open(&[3; 32], b"here", &sealed), None);
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&[1; 32], b"here", &flipped), None);
        }
        assert_eq!(open(&[1; 32], b"here", &sealed[..23]), None);
    }

    #[test]
    fn derivation_tells_lists_of_parts_apart() {
        assert_ne!(
            derive("kith/1 t", &[b"ab", b"c"]),
            derive("kith/1 t", &[b"a", b"bc"])
        );
        assert_ne!(derive("kith/1 t", &[b"ab"]), derive("kith/1 u", &[b"ab"]));
    }

    #[test]
    fn secrets_are_not_printed() {
        assert_eq!(format!("{:?}", key(9)), "SecretKey(…)");
    }
}
