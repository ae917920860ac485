//! Dials that have not ended: an attempt for each route that one was given.

use std::collections::HashMap;

use kith_core::ids::Face;
use kith_core::routing::DialId;
use tokio::task::AbortHandle;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Dials(HashMap<DialId, UnderWay>);

#[derive(Debug)]
struct UnderWay {
    face: Face,
    attempts: Vec<AbortHandle>,
    failed: usize,
}

impl Dials {
    /// From which face a dial goes, while it has not ended.
    pub(super) fn face(&self, dial: DialId) -> Option<Face> {
        self.0.get(&dial).map(|under_way| under_way.face)
    }

    /// An attempt begins, the first of its dial or another beside those before.
    pub(super) fn add(&mut self, dial: DialId, face: Face, attempt: AbortHandle) {
        let under_way = self.0.entry(dial).or_insert_with(|| UnderWay {
            face,
            attempts: Vec::new(),
            failed: 0,
        });
        under_way.attempts.push(attempt);
    }

    /// An attempt led nowhere. Whether it was the last of its dial, which has ended then.
    pub(super) fn fail(&mut self, dial: DialId) -> bool {
        let Some(under_way) = self.0.get_mut(&dial) else {
            return false;
        };
        under_way.failed += 1;
        let is_over = under_way.failed >= under_way.attempts.len();
        if is_over {
            self.0.remove(&dial);
        }
        is_over
    }

    /// Ends a dial: its attempts are given up.
    pub(super) fn end(&mut self, dial: DialId) {
        let under_way = self.0.remove(&dial);
        for attempt in under_way.into_iter().flat_map(|it| it.attempts) {
            attempt.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt() -> (tokio::task::JoinHandle<()>, AbortHandle) {
        let task = tokio::spawn(std::future::pending());
        let handle = task.abort_handle();
        (task, handle)
    }

    #[tokio::test]
    async fn a_dial_fails_with_the_last_of_its_attempts() {
        let mut dials = Dials::default();
        let dial = DialId(1);
        dials.add(dial, Face::Contact, attempt().1);
        dials.add(dial, Face::Contact, attempt().1);
        assert_eq!(dials.face(dial), Some(Face::Contact));
        assert!(!dials.fail(dial), "another goes on");
        assert!(dials.fail(dial));
        assert_eq!(dials.face(dial), None);
        assert!(!dials.fail(dial), "it is over once");
    }

    #[tokio::test]
    async fn the_attempts_of_a_dial_that_ends_are_given_up() {
        let mut dials = Dials::default();
        let (task, handle) = attempt();
        dials.add(DialId(1), Face::Contact, handle);
        dials.end(DialId(1));
        assert!(task.await.expect_err("given up").is_cancelled());
    }
}
