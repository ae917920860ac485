//! What the database hands back of an own share from before heads said whose they are. No fuzzer guesses a key: whatever share and owner it names,
//! it is also tried as one of ours, which is signed anew as a head that everybody reads.
#![no_main]

use kith::content::unowned::{Signed, Unowned, signed_anew};
use kith_core::codec;
use kith_core::crypto::{Ed25519, SecretKey, Signature};
use kith_core::data::SignedHead;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let secret = SecretKey::from_bytes([1; 32]);
    let owner = SecretKey::from_bytes([2; 32]);
    kith_fuzz::check_wire::<Signed>(bytes);
    kith_fuzz::check_wire::<Unowned>(bytes);
    let _ = signed_anew(bytes, &secret, &owner);

    let Ok(mut old) = codec::decode::<Unowned>(bytes) else {
        return;
    };
    old.share = secret.share_id();
    old.owner = owner.peer_id();
    let kept = codec::encode(&Signed {
        body: codec::encode(&old).into(),
        by_share: Signature([0; 64]),
    });
    if let Some(anew) = signed_anew(&kept, &secret, &owner) {
        let signed: SignedHead = codec::decode(&anew).expect("a signed head");
        let head = signed.verify(&Ed25519, old.at).expect("a sound one");
        assert_eq!(head.sequence, old.sequence + 1, "another place");
        assert_eq!(head.name, old.name, "another name");
        assert_eq!(head.manifest, old.manifest, "other files");
    }
});
