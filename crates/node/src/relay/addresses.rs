//! Which addresses an introducer tells strangers, and a node its contacts of its relay, where the owner names none.

use std::io;
use std::net::IpAddr;

use kith_core::address::Reach;
use kith_core::introducer::INTRODUCER_ADDRESSES_MAX;

/// The addresses at which somebody else may reach what listens on `listen`: itself, or for "everywhere" those of this
/// machine's interfaces, as many as a line has room for, the ones of most use first.
///
/// # Errors
/// When the system does not tell its interfaces.
pub(crate) fn own_addresses(listen: IpAddr) -> io::Result<Vec<IpAddr>> {
    if !listen.is_unspecified() {
        return Ok(vec![listen]);
    }
    let interfaces = if_addrs::get_if_addrs()?;
    let all = interfaces.into_iter().map(|interface| interface.ip());
    // A socket on 0.0.0.0 takes IPv4 alone; one on [::] takes both.
    Ok(useful(all.filter(|ip| ip.is_ipv4() || listen.is_ipv6())))
}

/// Those that lead here from another machine, without repetition.
fn useful(all: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut useful: Vec<IpAddr> = all.filter(|ip| Reach::of(*ip).is_some()).collect();
    useful.sort_by_key(|ip| (Reach::of(*ip), *ip));
    useful.dedup();
    useful.truncate(INTRODUCER_ADDRESSES_MAX);
    useful
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leads_nowhere_is_left_out_and_the_internet_comes_first() {
        let all = [
            "127.0.0.1",
            "10.0.0.7",
            "169.254.3.4",
            "fe80::1",
            "fd00::2",
            "2001:db8::3",
            "203.0.113.5",
            "203.0.113.5",
            "::1",
        ];
        let all = all.iter().map(|text| text.parse().expect("literal"));
        let kept: Vec<String> = useful(all).iter().map(ToString::to_string).collect();
        assert_eq!(kept, ["203.0.113.5", "2001:db8::3", "10.0.0.7", "fd00::2"]);
    }

    #[test]
    fn a_named_address_is_told_as_it_is() {
        let loopback: IpAddr = "127.0.0.1".parse().expect("literal");
        assert_eq!(own_addresses(loopback).ok(), Some(vec![loopback]));
    }
}
