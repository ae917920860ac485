//! What the machines of this room are told at their start.

use std::time::Duration;

use crate::ids::PeerId;

use super::quota::Rate;

/// How [`Presence`](super::Presence) publishes.
#[derive(Clone, Copy, Debug)]
pub struct PresenceConfig {
    /// Whose addresses are published.
    pub me: PeerId,
    /// Which of my devices this is, under [`ROLES_MAX`](super::locator::ROLES_MAX).
    pub role: u8,
}

/// What a [`Registry`](super::Registry) gives to all and to each.
#[derive(Clone, Copy, Debug)]
pub struct RegistryConfig {
    /// The most records held. Each takes about 1.2 KiB of memory.
    pub records_max: u32,
    /// The most records one client key holds. Visits come by a key each, so this bounds only who keeps one.
    pub records_per_key_max: u32,
    /// The most records the clients of one address prefix hold together; less when room is scarce, see
    /// [`FREE_SHARE`](super::registry::FREE_SHARE).
    pub records_per_prefix_max: u32,
    /// The most client keys, and the most prefixes, told apart. Further keys are bounded by their prefix alone, further
    /// prefixes share one account.
    pub clients_max: usize,
    /// How often one client key may ask, where somebody keeps one.
    pub key_rate: Rate,
    /// How often the clients of one prefix may ask together.
    pub prefix_rate: Rate,
}

impl Default for RegistryConfig {
    /// For a small machine with 2,000 peers and a few contacts each.
    fn default() -> Self {
        Self {
            // About 160 MiB; 2,000 peers with 32 contacts, each under two days' locators.
            records_max: 131_072,
            // An eighth of its prefix's: a program that keeps its key cannot take the prefix by itself. Nodes, who come by
            // another key each time, hold one record a key.
            records_per_key_max: 2_048,
            // What carries the load: 256 peers behind one provider's address, with 32 contacts each under two days' locators.
            records_per_prefix_max: 16_384,
            // About 6 MiB of accounts.
            clients_max: 65_536,
            // An eighth of its prefix's, as above.
            key_rate: Rate {
                interval: Duration::from_millis(30),
                burst: 1_024,
            },
            // A provider's address gets another network: 256 nodes republish for 32 contacts each at once. After that 250 a
            // second, where 2,000 idle nodes with 20 contacts ask 72 times.
            prefix_rate: Rate {
                interval: Duration::from_millis(4),
                burst: 8_192,
            },
        }
    }
}
