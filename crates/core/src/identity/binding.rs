//! Bindings: the statement that a device acts for a peer, signed by both of their keys (DESIGN §1).
//!
//! A peer's identity key never appears in TLS; a device's key does. The binding joins them for one face and one role,
//! for at most 30 days. It takes both signatures: with the peer's alone, one could claim somebody else's device as
//! one's own; with the device's alone, somebody else's name. A higher epoch revokes every lower one of the same peer,
//! face and role; that is judged by who remembers epochs, the address book.
//!
//! ```text
//! SignedBinding = [body: bytes, by_peer: bytes .size 64, by_device: bytes .size 64]
//! body          = [version, peer, device, face, role, epoch, from, until, next_identity / null]
//! ```

use std::time::Duration;

use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::codec::{self, DecodeError, Wire};
use crate::crypto::{Scheme, SecretKey, Signature, derive};
use crate::ids::{DeviceKey, Face, PeerId};
use crate::time::{CLOCK_SKEW_MAX, DAY, Time};

/// The longest life of a binding: a device that was lost with its keys stops being believed within a month, even by
/// those whom no newer epoch reaches.
pub const BINDING_LIFE_MAX: Duration = Duration::from_secs(30 * DAY.as_secs());

/// Which version of the body this is.
const VERSION: u8 = 1;

/// What the peer signs under.
const PEER_CONTEXT: &str = "kith/1 binding by peer";

/// What the device signs under; another than the peer's, so that neither signature can stand for the other.
const DEVICE_CONTEXT: &str = "kith/1 binding by device";

/// What a binding says.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Binding {
    #[n(0)]
    version: u8,
    /// The peer the device acts for.
    #[n(1)]
    pub peer: PeerId,
    /// The device.
    #[n(2)]
    pub device: DeviceKey,
    /// The face it shows with this key.
    #[n(3)]
    pub face: Face,
    /// Which of the peer's devices it is; 0 is the first.
    #[n(4)]
    pub role: u8,
    /// Revokes every lower epoch of this peer, face and role.
    #[n(5)]
    pub epoch: u64,
    /// When it begins.
    #[n(6)]
    pub from: Time,
    /// When it ends, at most [`BINDING_LIFE_MAX`] after `from`.
    #[n(7)]
    pub until: Time,
    /// The [`commitment`] to the peer's next identity key, where it made one.
    #[cbor(n(8), with = "minicbor::bytes")]
    pub next_identity: Option<[u8; 32]>,
}

impl Wire for Binding {
    const BYTES_MAX: usize = 192;
}

/// What a binding is made with, besides the two keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The face the device shows with this key.
    pub face: Face,
    /// Which of the peer's devices it is; 0 is the first.
    pub role: u8,
    /// Higher than that of any earlier binding of this face and role.
    pub epoch: u64,
    /// When it begins.
    pub from: Time,
    /// When it ends.
    pub until: Time,
    /// The [`commitment`] to the next identity key.
    pub next_identity: Option<[u8; 32]>,
}

/// A binding as it is sent: the bytes that were signed, and both signatures.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct SignedBinding {
    #[cbor(n(0), with = "minicbor::bytes")]
    body: Vec<u8>,
    #[n(1)]
    by_peer: Signature,
    #[n(2)]
    by_device: Signature,
}

impl Wire for SignedBinding {
    const BYTES_MAX: usize = 512;
}

/// Why a binding is not believed. All but [`BindingError::NotYet`] and [`BindingError::Expired`] are somebody's fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum BindingError {
    /// Not a binding.
    #[error("the binding is {0}")]
    Decode(#[from] DecodeError),
    /// Of a version this one does not know.
    #[error("the binding has version {0}, which a newer kith made")]
    Version(u8),
    /// One key for peer and device.
    #[error("peer and device are one key")]
    SameKey,
    /// The end does not follow the beginning by at most [`BINDING_LIFE_MAX`].
    #[error("the binding does not last between 0 and 30 days")]
    Period,
    /// Begins later than the clocks' difference explains.
    #[error("the binding is not valid yet; is a clock wrong?")]
    NotYet,
    /// Over.
    #[error("the binding has expired")]
    Expired,
    /// The peer did not sign it.
    #[error("the peer did not sign this binding")]
    PeerSignature,
    /// The device did not sign it.
    #[error("the device did not sign this binding")]
    DeviceSignature,
    /// Valid, but of another device than the one that presents it.
    #[error("the binding is another device's")]
    AnotherDevice,
}

/// The commitment to a next identity key, which a binding carries so that the change of keys can be believed later.
pub fn commitment(next: &PeerId) -> [u8; 32] {
    derive("kith/1 next identity", &[next.as_bytes()])
}

impl SignedBinding {
    /// Binds the device to the peer. A period beyond [`BINDING_LIFE_MAX`] is cut to it.
    pub fn sign<S: Scheme>(scheme: &S, peer: &SecretKey, device: &SecretKey, terms: Terms) -> Self {
        let binding = Binding {
            version: VERSION,
            peer: peer.peer_id(),
            device: device.device_key(),
            face: terms.face,
            role: terms.role,
            epoch: terms.epoch,
            from: terms.from,
            until: terms.until.min(terms.from + BINDING_LIFE_MAX),
            next_identity: terms.next_identity,
        };
        Self::sign_body(scheme, peer, device, codec::encode(&binding))
    }

    /// Verifies both signatures and the period, with [`CLOCK_SKEW_MAX`] for clocks that differ.
    ///
    /// # Errors
    /// [`BindingError`] for the first reason found, cheap ones first. Epochs are not judged here.
    pub fn verify<S: Scheme>(&self, scheme: &S, now: Time) -> Result<Binding, BindingError> {
        let binding = self.read(now)?;
        self.verify_peer(scheme, &binding)?;
        if !scheme.verify(&binding.device, DEVICE_CONTEXT, &self.body, &self.by_device) {
            return Err(BindingError::DeviceSignature);
        }
        Ok(binding)
    }

    /// As [`SignedBinding::verify`], for a binding of the device `device`.
    ///
    /// # Errors
    /// [`BindingError::AnotherDevice`] when it binds another device, and those of [`SignedBinding::verify`].
    pub fn verify_of<S: Scheme>(
        &self,
        scheme: &S,
        now: Time,
        device: DeviceKey,
    ) -> Result<Binding, BindingError> {
        self.read_of(now, device)?;
        self.verify(scheme, now)
    }

    /// As [`SignedBinding::verify`], for a binding presented by the device that TLS says is `presenter`. That it agrees to be bound it says by
    /// presenting it, so its own signature, which tells that to everybody else, is not looked at.
    ///
    /// # Errors
    /// [`BindingError::AnotherDevice`] when it binds another device, and those of [`SignedBinding::verify`].
    pub fn verify_presented<S: Scheme>(
        &self,
        scheme: &S,
        now: Time,
        presenter: DeviceKey,
    ) -> Result<Binding, BindingError> {
        let binding = self.read_of(now, presenter)?;
        self.verify_peer(scheme, &binding)?;
        Ok(binding)
    }

    /// What a binding of `device` says whose signatures were verified at another time: the period is looked at, and they are not.
    ///
    /// # Errors
    /// Those of [`SignedBinding::verify_of`] but for the signatures.
    pub fn read_of(&self, now: Time, device: DeviceKey) -> Result<Binding, BindingError> {
        let binding = self.read(now)?;
        match binding.device == device {
            true => Ok(binding),
            false => Err(BindingError::AnotherDevice),
        }
    }

    fn read(&self, now: Time) -> Result<Binding, BindingError> {
        let binding: Binding = codec::decode(&self.body)?;
        if binding.version != VERSION {
            return Err(BindingError::Version(binding.version));
        }
        if binding.peer.as_bytes() == binding.device.as_bytes() {
            return Err(BindingError::SameKey);
        }
        if binding.until <= binding.from || binding.until.since(binding.from) > BINDING_LIFE_MAX {
            return Err(BindingError::Period);
        }
        if now + CLOCK_SKEW_MAX < binding.from {
            return Err(BindingError::NotYet);
        }
        if now > binding.until + CLOCK_SKEW_MAX {
            return Err(BindingError::Expired);
        }
        Ok(binding)
    }

    fn verify_peer<S: Scheme>(&self, scheme: &S, binding: &Binding) -> Result<(), BindingError> {
        match scheme.verify(&binding.peer, PEER_CONTEXT, &self.body, &self.by_peer) {
            true => Ok(()),
            false => Err(BindingError::PeerSignature),
        }
    }

    /// Signs `body` with both keys, whatever it says.
    fn sign_body<S: Scheme>(
        scheme: &S,
        peer: &SecretKey,
        device: &SecretKey,
        body: Vec<u8>,
    ) -> Self {
        Self {
            by_peer: scheme.sign(peer, PEER_CONTEXT, &body),
            by_device: scheme.sign(device, DEVICE_CONTEXT, &body),
            body,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::crypto::Ed25519;
    use crate::identity::fixture::{hex, key};

    const NOW: Time = Time(1_800_000_000_000);

    fn terms() -> Terms {
        Terms {
            face: Face::Contact,
            role: 0,
            epoch: 7,
            from: NOW,
            until: NOW + DAY,
            next_identity: None,
        }
    }

    fn signed(terms: Terms) -> SignedBinding {
        SignedBinding::sign(&Ed25519, &key(1), &key(2), terms)
    }

    /// Changes what a binding says and signs it with both keys again.
    fn crooked(change: impl FnOnce(&mut Binding)) -> SignedBinding {
        let mut binding = signed(terms()).verify(&Ed25519, NOW).expect("sound");
        change(&mut binding);
        SignedBinding::sign_body(&Ed25519, &key(1), &key(2), codec::encode(&binding))
    }

    #[test]
    fn a_binding_joins_both_keys_for_its_period() {
        let wire = codec::encode(&signed(terms()));
        let read: SignedBinding = codec::decode(&wire).expect("our own");
        let binding = read.verify(&Ed25519, NOW).expect("valid");
        assert_eq!(binding.peer, key(1).peer_id());
        assert_eq!(binding.device, key(2).device_key());
        assert_eq!((binding.face, binding.epoch), (Face::Contact, 7));
        assert!(read.verify_of(&Ed25519, NOW, key(2).device_key()).is_ok());
    }

    #[test]
    fn a_binding_has_the_golden_bytes() {
        let mut terms = terms();
        terms.next_identity = Some(commitment(&key(3).peer_id()));
        assert_eq!(hex(&codec::encode(&signed(terms))), GOLDEN);
    }

    #[test]
    fn claiming_another_peers_device_is_refused() {
        let claim = codec::encode(&Binding {
            device: key(9).device_key(),
            ..signed(terms()).verify(&Ed25519, NOW).expect("sound")
        });
        let forged = SignedBinding::sign_body(&Ed25519, &key(1), &key(2), claim);
        assert_eq!(
            forged.verify(&Ed25519, NOW),
            Err(BindingError::DeviceSignature)
        );
    }

    #[test]
    fn claiming_another_peers_name_is_refused() {
        let claim = codec::encode(&Binding {
            peer: key(9).peer_id(),
            ..signed(terms()).verify(&Ed25519, NOW).expect("sound")
        });
        let forged = SignedBinding::sign_body(&Ed25519, &key(1), &key(2), claim);
        assert_eq!(
            forged.verify(&Ed25519, NOW),
            Err(BindingError::PeerSignature)
        );
    }

    #[test]
    fn the_two_signatures_cannot_be_exchanged() {
        let sound = signed(terms());
        let swapped = SignedBinding {
            by_peer: sound.by_device,
            by_device: sound.by_peer,
            ..sound
        };
        assert!(swapped.verify(&Ed25519, NOW).is_err());
    }

    #[test]
    fn whoever_presents_a_binding_agrees_to_it_and_only_that_device() {
        let (sound, device) = (signed(terms()), key(2).device_key());
        let presented =
            |it: &SignedBinding, now, by| it.verify_presented(&Ed25519, now, by).map(|it| it.peer);
        assert_eq!(presented(&sound, NOW, device), Ok(key(1).peer_id()));
        let mut unsigned = sound.clone();
        unsigned.by_device.0[0] ^= 1;
        assert_eq!(presented(&unsigned, NOW, device), Ok(key(1).peer_id()));
        let heard = unsigned.verify_of(&Ed25519, NOW, device);
        assert_eq!(heard, Err(BindingError::DeviceSignature));
        let by_another = presented(&sound, NOW, key(9).device_key());
        assert_eq!(by_another, Err(BindingError::AnotherDevice));
        let mut forged = sound.clone();
        forged.by_peer.0[0] ^= 1;
        let forged = presented(&forged, NOW, device);
        assert_eq!(forged, Err(BindingError::PeerSignature));
        let late = presented(&sound, NOW + 3 * DAY, device);
        assert_eq!(late, Err(BindingError::Expired));
    }

    #[test]
    fn a_binding_replayed_by_another_device_is_refused() {
        assert_eq!(
            signed(terms()).verify_of(&Ed25519, NOW, key(9).device_key()),
            Err(BindingError::AnotherDevice)
        );
    }

    #[test]
    fn an_expired_binding_is_refused_once_no_clock_explains_it() {
        let last = NOW + DAY + CLOCK_SKEW_MAX;
        assert!(signed(terms()).verify(&Ed25519, last).is_ok());
        let late = last + Duration::from_millis(1);
        assert_eq!(
            signed(terms()).verify(&Ed25519, late),
            Err(BindingError::Expired)
        );
    }

    #[test]
    fn a_binding_of_the_future_is_refused_but_a_clock_an_hour_off_is_not() {
        let hour = Duration::from_secs(3600);
        assert!(signed(terms()).verify(&Ed25519, NOW - hour).is_ok());
        assert_eq!(
            signed(terms()).verify(&Ed25519, NOW - 3 * hour),
            Err(BindingError::NotYet)
        );
    }

    #[test]
    fn more_than_thirty_days_are_refused_and_never_signed() {
        let long = crooked(|binding| binding.until = NOW + BINDING_LIFE_MAX + DAY);
        assert_eq!(long.verify(&Ed25519, NOW), Err(BindingError::Period));
        let cut = signed(Terms {
            until: NOW + BINDING_LIFE_MAX + DAY,
            ..terms()
        });
        let binding = cut.verify(&Ed25519, NOW).expect("cut to its bound");
        assert_eq!(binding.until, NOW + BINDING_LIFE_MAX);
        let backwards = crooked(|binding| binding.until = NOW - DAY);
        assert_eq!(backwards.verify(&Ed25519, NOW), Err(BindingError::Period));
    }

    #[test]
    fn one_key_for_both_and_unknown_versions_are_refused() {
        let same = SignedBinding::sign(&Ed25519, &key(1), &key(1), terms());
        assert_eq!(same.verify(&Ed25519, NOW), Err(BindingError::SameKey));
        let newer = crooked(|binding| binding.version = 2);
        assert_eq!(newer.verify(&Ed25519, NOW), Err(BindingError::Version(2)));
    }

    #[test]
    fn any_flipped_bit_of_a_binding_is_refused() {
        let sound = codec::encode(&signed(terms()));
        for bit in 0..sound.len() * 8 {
            let mut wire = sound.clone();
            wire[bit / 8] ^= 1 << (bit % 8);
            let believed = codec::decode::<SignedBinding>(&wire)
                .ok()
                .and_then(|read| read.verify(&Ed25519, NOW).ok());
            assert_eq!(believed, None, "bit {bit}");
        }
    }

    crate::decoding::decoder_tests! {
        binding_form: Binding = signed(terms()).verify(&Ed25519, NOW).expect("sound");
        signed_form: SignedBinding = signed(terms());
    }

    proptest! {
        #[test]
        fn no_bytes_panic_the_decoder(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            if let Ok(read) = codec::decode::<SignedBinding>(&bytes) {
                prop_assert!(read.verify(&Ed25519, NOW).is_err());
            }
        }
    }

    const GOLDEN: &str = "83587d890158208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c58208139770ea87d175f56a35466c34c7ecccb8d8a91b4ee37a25df60f5b8fc9b3940100071b000001a3185c50001b000001a31d82ac005820d6d01f0ee7e5b8a18cba8395c3aa89ca3c9530126ae0833e40f27bff347b52cd5840dca67d3462586b1b6404932ffb33e861c161c2ff7ac72a1c9fc369246ba72d9c89e6be8e9383268662ce776ad903b86f5f51fd01cfba35e16e6392e668e85f095840d4a5cd152d0c3b5e49805b970630ebeed8c2f26c5d9fba4c46acdbead2887c3266a7575588cfbfa8fd4021ede58b5b02de2ed8ddbbe7d1a38528f85a1c9a540d";
}
