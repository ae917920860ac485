//! Randomness as the machines use it: a seeded stream (ChaCha20), so that a run can be repeated.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng as _, SeedableRng as _};

/// What a machine's random choices follow from: 32 bytes, from the system's source outside the simulator.
pub type Seed = [u8; 32];

/// A seeded random stream, fit for keys and nonces when its seed is secret.
#[derive(Clone, Debug)]
pub struct Random(ChaCha20Rng);

impl Random {
    /// The stream that follows from `seed`.
    pub fn new(seed: Seed) -> Self {
        Self(ChaCha20Rng::from_seed(seed))
    }

    /// The next `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill_bytes(&mut bytes);
        bytes
    }

    /// The next number, uniform over all 64 bits.
    pub fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..bound`, or 0 when `bound` is 0. The bias, below 2⁻³², matters to jitter as little as to sampling.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.number()) * u128::from(bound);
        u64::try_from(wide >> 64).expect("the high half of a product fits")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_streams() {
        let (mut a, mut b) = (Random::new([1; 32]), Random::new([1; 32]));
        assert_eq!(a.bytes::<40>(), b.bytes::<40>());
        assert_ne!(a.number(), Random::new([2; 32]).number());
    }

    #[test]
    fn numbers_stay_below_their_bound() {
        let mut random = Random::new([3; 32]);
        assert!((0..1000).all(|_| random.below(7) < 7));
        assert_eq!(random.below(0), 0);
    }
}
