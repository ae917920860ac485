//! The system's randomness, read in this one place: machines are handed a seed, keys are made from one.

use kith_core::random::Seed;
use rand::TryRng as _;
use rand::rngs::SysRng;

/// 32 bytes nobody can predict, fit for keys.
///
/// # Panics
/// When the system has no randomness: a node must not run with keys that can be guessed.
pub fn seed() -> Seed {
    let mut seed = Seed::default();
    SysRng
        .try_fill_bytes(&mut seed)
        .expect("the operating system provides randomness");
    seed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_seeds_are_equal() {
        assert_ne!(seed(), seed());
    }
}
