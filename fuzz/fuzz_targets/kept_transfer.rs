//! What the database hands back of a transfer that is gone on with after a restart.
#![no_main]

use kith::peer::contents::transfers::kept::KeptTransfer;
use libfuzzer_sys::fuzz_target;

const KEY: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 9];

fuzz_target!(|value: &[u8]| {
    if let Ok(kept) = KeptTransfer::read(&KEY, value) {
        // A message that is too long is cut when it is written.
        let row = kept.row();
        let read = KeptTransfer::read(&KEY, row.value.as_deref().expect("kept"));
        assert_eq!(
            read.map(|read| read.row()),
            Ok(row),
            "what is kept is not read"
        );
    }
});
