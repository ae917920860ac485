//! How many who may have something are looked for at once, on behalf of all transfers together.

use kith_core::routing::config::DIALS_MAX;
use tokio::sync::{Semaphore, SemaphorePermit};

/// The most who are looked for at once beside owners: what two transfers may look for. It is half of what a node dials at once, so that an owner, or
/// whoever is asked for by name, never waits for a dial behind the absent friends of others, however many transfers wait.
pub(super) const LOOKED_FOR_MAX: usize = DIALS_MAX / 2;

/// The turns of those who are looked for, first come first served. Whoever is there already needs none.
#[derive(Debug)]
pub(super) struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        Self(Semaphore::new(LOOKED_FOR_MAX))
    }
}

impl Turns {
    /// Waits for a turn, which lasts until this is dropped.
    pub(super) async fn turn(&self) -> SemaphorePermit<'_> {
        self.0.acquire().await.expect("it is never closed")
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn so_many_are_looked_for_and_the_next_when_one_is_found_or_given_up() {
        let turns = Turns::default();
        let turn = || turns.turn().now_or_never();
        let mut taken: Vec<_> = (0..LOOKED_FOR_MAX).map_while(|_| turn()).collect();
        assert_eq!(taken.len(), LOOKED_FOR_MAX);
        assert!(turn().is_none());
        taken.pop();
        assert!(turn().is_some());
    }
}
