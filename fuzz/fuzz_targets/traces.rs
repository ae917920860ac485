//! What pictures and films say beside their pixels: EXIF and XMP in JPEG, PNG and WebP, and all of it in boxes (HEIC, AVIF, MP4, MOV). Without it they
//! say nothing of that kind, and are what they are.
#![no_main]

use kith_core::data::traces::{exif, find, strip, strip_to};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    exif::read(bytes);
    let bare = strip(bytes);
    assert_eq!(bare.is_some(), find(bytes).is_some(), "one of them reads it");
    let mut parts = Vec::new();
    let told = strip_to(bytes, &mut |part| parts.extend_from_slice(part));
    assert!(told.map(|_| parts) == bare, "in parts it is another");
    if let Some(bare) = bare {
        let left = find(&bare).expect("still a picture");
        assert!(!left.is_any(), "{left:?} is left");
        assert!(strip(&bare) == Some(bare), "more is left out the second time");
    }
});
