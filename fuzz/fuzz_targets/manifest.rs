//! A node of a manifest (`data::manifest::NodeForm`), from whoever provides it.
#![no_main]

use kith_core::data::Node;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = Node::decode(bytes);
});
