//! How long to pause after a failure: several times as long each time, with jitter, so that nodes that lost each other at
//! one instant do not all come back at one instant.

use std::time::Duration;

use super::config::{BACKOFF_GOODBYE, BACKOFF_GROWTH, BACKOFF_MAX, BACKOFF_MIN, BLIND_AFTER};
use crate::random::Random;

/// The failures since the last success.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Counts a failure. The pause is uniform between half a ceiling and the ceiling, which grows from twice
    /// [`BACKOFF_MIN`] by [`BACKOFF_GROWTH`] up to [`BACKOFF_MAX`].
    pub(super) fn pause(&mut self, random: &mut Random) -> Duration {
        let grown = BACKOFF_GROWTH.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1);
        let ceiling = (BACKOFF_MIN * 2).saturating_mul(grown).min(BACKOFF_MAX);
        let half_ms = u64::try_from(ceiling.as_millis() / 2).unwrap_or(u64::MAX);
        Duration::from_millis(half_ms + random.below(half_ms + 1))
    }

    /// Forgets the failures.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Whether there is nothing but hope: [`BLIND_AFTER`].
    pub(super) fn is_blind(self) -> bool {
        self.failures >= BLIND_AFTER
    }

    /// Whoever it is about said goodbye: [`BACKOFF_GOODBYE`].
    pub(super) fn handle_goodbye(&mut self) {
        self.failures = self.failures.max(BACKOFF_GOODBYE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_grows_with_jitter_and_resets() {
        let mut random = Random::new([1; 32]);
        let mut backoff = Backoff::default();
        let mut ceiling = BACKOFF_MIN * 2;
        for _ in 0..40 {
            let pause = backoff.pause(&mut random);
            assert!(pause >= ceiling / 2 && pause <= ceiling, "{pause:?}");
            ceiling = (ceiling * BACKOFF_GROWTH).min(BACKOFF_MAX);
        }
        backoff.reset();
        assert!(backoff.pause(&mut random) <= BACKOFF_MIN * 2);
        backoff.reset();
        backoff.handle_goodbye();
        assert!(backoff.pause(&mut random) > Duration::from_secs(30));

        let pauses: std::collections::BTreeSet<_> = (0..20)
            .map(|_| Backoff::default().pause(&mut random))
            .collect();
        assert!(pauses.len() > 10, "little jitter: {pauses:?}");
    }
}
