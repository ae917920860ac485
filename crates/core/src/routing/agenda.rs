//! When something is next due: one point in time per key.

use std::collections::{BTreeMap, BTreeSet};

use crate::time::Time;

/// At most one point in time for each key.
#[derive(Clone, Debug)]
pub(super) struct Agenda<Key> {
    by_time: BTreeSet<(Time, Key)>,
    times: BTreeMap<Key, Time>,
}

impl<Key: Copy + Ord> Agenda<Key> {
    /// Nothing is due.
    pub(super) fn new() -> Self {
        Self {
            by_time: BTreeSet::new(),
            times: BTreeMap::new(),
        }
    }

    /// Makes `key` due at `time`, or never.
    pub(super) fn set(&mut self, key: Key, time: Option<Time>) {
        let before = match time {
            Some(time) => self.times.insert(key, time),
            None => self.times.remove(&key),
        };
        if let Some(before) = before {
            self.by_time.remove(&(before, key));
        }
        if let Some(time) = time {
            self.by_time.insert((time, key));
        }
    }

    /// When the next key is due.
    pub(super) fn next(&self) -> Option<Time> {
        self.by_time.first().map(|(time, _)| *time)
    }

    /// Takes one key that is due at `now`.
    pub(super) fn pop_due(&mut self, now: Time) -> Option<Key> {
        let (time, key) = *self.by_time.first()?;
        if time > now {
            return None;
        }
        self.set(key, None);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_due_once_at_its_latest_time() {
        let mut agenda = Agenda::new();
        agenda.set('a', Some(Time(5)));
        agenda.set('b', Some(Time(3)));
        agenda.set('a', Some(Time(1)));
        agenda.set('b', None);
        assert_eq!(agenda.next(), Some(Time(1)));
        assert_eq!(agenda.pop_due(Time(0)), None);
        assert_eq!(agenda.pop_due(Time(9)), Some('a'));
        assert_eq!(agenda.pop_due(Time(9)), None);
        assert_eq!(agenda.next(), None);
    }
}
