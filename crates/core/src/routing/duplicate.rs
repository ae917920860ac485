//! Which of several connections between the same two devices stays.
//!
//! Both sides must come to the same answer without asking, from what both know once the hellos are exchanged. So
//! connections have a rank, and the highest stays:
//!
//! 1. One to a later life of the other node. The node that died does not know of the earlier one, so there is nobody to
//!    disagree with.
//! 2. One dialled by the device with the smaller key. This decides when both dialled at once.
//! 3. The later dial, by the dialler's own count: it would not have dialled again had the earlier one been of use.

use crate::ids::DeviceKey;

/// The rank of a connection among those between the same two devices. The greatest stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// The life of the other node.
    pub(super) boot: u64,
    /// Whether the device with the smaller key dialled.
    by_smaller: bool,
    /// Which of the dialler's dials it is.
    dial: u64,
}

impl Rank {
    /// The rank of a connection between `dialler` and `dialled`, to life `boot` of the other node; `dial` is the
    /// dialler's count.
    pub(super) fn new(boot: u64, dialler: DeviceKey, dialled: DeviceKey, dial: u64) -> Self {
        Self {
            boot,
            by_smaller: dialler < dialled,
            dial,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: DeviceKey = DeviceKey([1; 32]);
    const LARGE: DeviceKey = DeviceKey([2; 32]);

    #[test]
    fn the_smaller_keys_dial_outranks_a_later_one_of_the_larger() {
        assert!(Rank::new(7, SMALL, LARGE, 1) > Rank::new(7, LARGE, SMALL, 9));
    }

    #[test]
    fn of_two_dials_in_one_direction_the_later_stays() {
        assert!(Rank::new(7, LARGE, SMALL, 2) > Rank::new(7, LARGE, SMALL, 1));
    }

    #[test]
    fn a_later_life_outranks_everything() {
        assert!(Rank::new(8, LARGE, SMALL, 1) > Rank::new(7, SMALL, LARGE, 9));
    }
}
