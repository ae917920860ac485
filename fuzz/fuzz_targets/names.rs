//! The text forms of the names of things, as a person types them.
#![no_main]

use kith_core::ids::{BlobHash, DeviceKey, InviteId, ShareId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    kith_fuzz::check_form::<DeviceKey>(DeviceKey::PREFIX, bytes);
    kith_fuzz::check_form::<ShareId>(ShareId::PREFIX, bytes);
    kith_fuzz::check_form::<BlobHash>(BlobHash::PREFIX, bytes);
    kith_fuzz::check_form::<InviteId>(InviteId::PREFIX, bytes);
});
