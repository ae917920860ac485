//! The bounds of express lanes.

use std::time::Duration;

/// How long a ticket waits to be shown: the bound of a dial ([`DIAL_WITHIN`]) and of what is said before it, on the slowest
/// path. It also bounds how long a port stays open for somebody who never comes.
pub const TICKET_LIFE: Duration = Duration::from_secs(5);

/// From beginning to dial a lane until it carries: three round trips on the slowest path people still share over (0.3 s), and no
/// longer than a getter should idle before it takes QUIC instead. A port that a firewall swallows costs this once.
pub const DIAL_WITHIN: Duration = Duration::from_secs(1);

/// Lanes of one session, awaited ones among them. One fills a gigabit; a second helps where one core ciphers slower than the
/// network carries; further ones let two transfers have theirs.
pub const LANES_SESSION_MAX: usize = 4;

/// Lanes of all strangers: holders of a link may have some, and leave the rest to the owner's contacts.
pub const LANES_STRANGERS_MAX: usize = 16;

/// Lanes of all: 4 MiB of buffers each at the very most, on both sides of the kernel's door.
pub const LANES_MAX: usize = 64;

/// Connections that have not shown a good proof yet. Those who hold tickets come within milliseconds, and there are at most
/// [`LANES_MAX`] of them; as many again may knock for nothing.
pub const UNPROVEN_MAX: usize = 2 * LANES_MAX;

/// Of these, from one household (an IPv4 address, a /64 of IPv6): a few people behind one NAT, each with their lanes at once.
pub const UNPROVEN_ADDRESS_MAX: usize = 16;

/// From a connection to its proof. Twice what a dialler waits for, so that none is cut off that still comes.
pub const PROVEN_WITHIN: Duration = Duration::from_secs(2);

/// What is read of a connection before its proof is found good, in bytes: a hello of some 300 bytes, a raw key, a
/// signature and the proof, ten times over.
pub const UNPROVEN_BYTES_MAX: u64 = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_outlives_the_dial_it_is_for() {
        assert!(PROVEN_WITHIN > DIAL_WITHIN && TICKET_LIFE > PROVEN_WITHIN);
    }
}
