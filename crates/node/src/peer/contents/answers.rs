//! Whose answer counts, of what contacts say they share: the latest of each, and for how long it holds.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kith_core::ids::PeerId;

/// What is being asked, and whose answer counts.
#[derive(Debug, Default)]
pub(super) struct Asking {
    /// Held for a moment and never while the database works, since tasks wait for it.
    table: Mutex<Table>,
    /// Held while an answer is written, so that of two the later one stays; on threads that may block alone.
    writing: Mutex<()>,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    /// Counts questions.
    clock: u64,
    /// The question whose answer was taken in last, for each contact who ever answered.
    answered: BTreeMap<PeerId, u64>,
    /// When each of those last came, or said that something changed: what they answered before may hold no more.
    doubted: BTreeMap<PeerId, u64>,
    /// Who is being asked, and whether to ask once more.
    pub(super) looking: BTreeMap<PeerId, bool>,
}

impl Asking {
    pub(super) fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what somebody answered to a question, where that is news.
    pub(super) fn write<T: Default, E>(
        &self,
        owner: PeerId,
        question: u64,
        write: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.lock().take(owner, question) {
            return Ok(T::default());
        }
        write().inspect_err(|_| self.lock().doubt(owner))
    }
}

impl Table {
    pub(super) fn next(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Whether the answer to this question is news: none to a later one was taken in.
    fn take(&mut self, owner: PeerId, question: u64) -> bool {
        let last = self.answered.entry(owner).or_default();
        let is_news = question > *last;
        *last = question.max(*last);
        is_news
    }

    /// What somebody answered until now may hold no more.
    pub(super) fn doubt(&mut self, owner: PeerId) {
        if self.answered.contains_key(&owner) {
            let now = self.next();
            self.doubted.insert(owner, now);
        }
    }

    /// Whether what somebody answered last holds as far as they ever said.
    pub(super) fn holds(&self, owner: &PeerId) -> bool {
        let answered = self.answered.get(owner);
        answered.is_some_and(|answered| Some(answered) > self.doubted.get(owner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: PeerId = PeerId([1; 32]);

    #[test]
    fn what_somebody_answered_holds_until_they_come_again_or_say_that_it_changed() {
        let mut table = Table::default();
        table.doubt(ANN);
        assert!(
            table.doubted.is_empty() && !table.holds(&ANN),
            "no answer ever"
        );
        let first = table.next();
        assert!(table.take(ANN, first) && table.holds(&ANN));
        // They come again, and the list fails.
        let asked_before = table.next();
        table.doubt(ANN);
        assert!(!table.holds(&ANN));
        assert!(table.take(ANN, asked_before));
        assert!(!table.holds(&ANN), "asked before they said that it changed");
        let second = table.next();
        assert!(table.take(ANN, second) && table.holds(&ANN));
    }

    #[test]
    fn of_two_answers_the_later_one_stays_and_what_cannot_be_written_does_not_hold() {
        let asking = Asking::default();
        let [first, second] = [(); 2].map(|()| asking.lock().next());
        let write = |question, said: Result<u8, ()>| asking.write(ANN, question, || said);
        assert_eq!(write(second, Ok(2)), Ok(2));
        assert_eq!(write(first, Ok(1)), Ok(0), "not written");
        assert!(asking.lock().holds(&ANN));
        let third = asking.lock().next();
        assert_eq!(write(third, Err(())), Err(()));
        assert!(!asking.lock().holds(&ANN));
    }

    #[test]
    fn nobody_waits_for_the_database_to_ask_a_question() {
        let asking = Asking::default();
        let question = asking.lock().next();
        let written = asking.write(ANN, question, || {
            // While it writes.
            let table = asking.table.try_lock().map_err(|_| ())?;
            drop(table);
            Ok::<_, ()>(1)
        });
        assert_eq!(written, Ok(1));
    }
}
