//! What a local network says of devices, one claim after the other, as DNS-SD resolved it: anybody there can make up anything. Each names a
//! version and a device, for `advertisement` tries the rest; and without a name of its own it gets the sound one, since no fuzzer guesses a hash.
#![no_main]

use std::net::IpAddr;

use kith::discovery::Finding;
use kith::discovery::neighbours::{Claim, Neighbours};
use kith_core::address::ADDRESSES_MAX;
use kith_core::discovery::lan::instance_name;
use kith_core::ids::DeviceKey;
use libfuzzer_sys::fuzz_target;

/// A TXT record.
type Entries<'a> = Vec<(&'a str, &'a [u8])>;

/// An instance, its device, its port, further TXT entries, its addresses with their interfaces; and whether it says goodbye.
type Said<'a> = (
    Option<&'a str>,
    [u8; 32],
    u16,
    Entries<'a>,
    Vec<(IpAddr, u32)>,
    bool,
);

fuzz_target!(|said: Vec<Said<'_>>| {
    let mut neighbours = Neighbours::new(false);
    for (instance, device, port, entries, addresses, is_leaving) in &said {
        let sound = instance_name(DeviceKey(*device));
        let instance = instance.unwrap_or(&sound);
        if *is_leaving {
            neighbours.lose(instance);
            continue;
        }
        let own: [(&str, &[u8]); 2] = [("txtvers", b"1"), ("d", device)];
        let claim = Claim {
            instance,
            port: *port,
            txt: entries.iter().copied().chain(own).collect(),
            addresses: addresses.clone(),
        };
        if let Some(Finding::Neighbour(heard)) = neighbours.hear(&claim).last() {
            assert_eq!(instance, sound, "somebody else");
            assert_eq!(heard.advertisement.device, DeviceKey(*device));
            assert!((1..=ADDRESSES_MAX).contains(&heard.addresses.len()));
            let leads_here = |ip: IpAddr| ip.is_loopback() || ip.is_unspecified();
            let mut addresses = heard.addresses.iter();
            assert!(addresses.all(|it| it.port() != 0 && !leads_here(it.ip())));
            assert_eq!(neighbours.hear(&claim), [], "the same is no news");
        }
    }
});
