//! The numbers in a hello that grow: which life of the node it is, and which of its dials.
//!
//! Others compare them only between hellos of one device key (see `duplicate.rs`). So each key counts from a place of its own,
//! which follows from a secret of the node: whoever meets two of a node's keys cannot tell by these numbers that they
//! are one node's, and nobody learns when it was started or how often it dials.

use crate::crypto::derive;
use crate::ids::DeviceKey;

/// How many high bits of a derived number are left free: two numbers below 2^62 never overflow when they are added.
const HEADROOM_BITS: u32 = 2;

/// The greatest life and the greatest number of a dial that are told apart: 2^62 − 1.
const COUNT_MAX: u64 = u64::MAX >> HEADROOM_BITS;

/// Which life of a node it is, to be told under each of its keys by another number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    secret: [u8; 32],
    life: u64,
}

impl Boot {
    /// Life number `life`, which grows with each start, of the node with this secret, which stays. Lives above 2^62 − 1
    /// count as that.
    pub fn new(secret: [u8; 32], life: u64) -> Self {
        let life = life.min(COUNT_MAX);
        Self { secret, life }
    }

    /// What the key `local` says of this life: grows with each life.
    pub(super) fn nonce(&self, local: DeviceKey) -> u64 {
        self.place("kith/1 boot", &[local.as_bytes()]) + self.life
    }

    /// What the key `local` says to `remote` of its dial number `dial`: grows with each dial of one life.
    pub(super) fn dial(&self, local: DeviceKey, remote: DeviceKey, dial: u64) -> u64 {
        let life = self.life.to_be_bytes();
        let pair = [&life[..], local.as_bytes(), remote.as_bytes()];
        self.place("kith/1 dial", &pair) + dial.min(COUNT_MAX)
    }

    /// Where counting begins; at most [`COUNT_MAX`].
    fn place(&self, context: &'static str, parts: &[&[u8]]) -> u64 {
        let parts = [&[&self.secret[..]], parts].concat();
        let derived = derive(context, &parts);
        let (number, _) = derived.split_first_chunk().expect("32 bytes begin with 8");
        u64::from_be_bytes(*number) >> HEADROOM_BITS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTACT: DeviceKey = DeviceKey([1; 32]);
    const PUBLIC: DeviceKey = DeviceKey([2; 32]);
    const OTHER: DeviceKey = DeviceKey([3; 32]);

    /// A time in milliseconds, as a life is numbered by.
    const STARTED: u64 = 1_700_000_000_000;

    fn boot(life: u64) -> Boot {
        Boot::new([7; 32], life)
    }

    #[test]
    fn one_keys_numbers_grow_over_lives_and_dials() {
        for key in [CONTACT, PUBLIC] {
            assert!(boot(STARTED).nonce(key) < boot(STARTED + 1).nonce(key));
            let dial = |number| boot(STARTED).dial(key, OTHER, number);
            assert!(dial(1) < dial(2));
        }
    }

    #[test]
    fn two_keys_numbers_of_one_life_are_nowhere_near_each_other_nor_the_time() {
        let distant = |one: u64, other: u64| one.abs_diff(other) > 1 << 48;
        let (contact, public) = (boot(STARTED).nonce(CONTACT), boot(STARTED).nonce(PUBLIC));
        assert!(distant(contact, public));
        assert!(distant(contact, STARTED) && distant(public, STARTED));
        let dial = |local, remote| boot(STARTED).dial(local, remote, 1);
        assert!(distant(dial(CONTACT, OTHER), dial(PUBLIC, OTHER)));
        assert!(distant(dial(CONTACT, OTHER), dial(CONTACT, PUBLIC)));
    }

    #[test]
    fn another_nodes_numbers_for_the_same_key_are_others() {
        let theirs = Boot::new([8; 32], STARTED).nonce(CONTACT);
        assert_ne!(theirs, boot(STARTED).nonce(CONTACT));
    }

    #[test]
    fn the_greatest_life_does_not_overflow() {
        let last = boot(u64::MAX);
        assert!(last.nonce(CONTACT) >= boot(STARTED).nonce(CONTACT));
        assert!(last.dial(CONTACT, OTHER, u64::MAX) > 0);
    }
}
