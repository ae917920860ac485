//! When to look for direct paths: where a connection is relayed, because it has just begun or because it lost the direct path
//! that it had.
//!
//! The engine looks for a direct way when a connection begins and when an address of either device changes, and otherwise
//! once a minute. It cannot see that the packets of its first look were lost, that a router forgot its mappings, or that a
//! link between here and there was cut and is whole again; and a minute over a relay is long. So the way is sought from here
//! too: soon and a few times for a connection that never was direct, since behind some NATs there is no direct way and a
//! look is in vain; at once and for longer for one that had a direct path, since there is a way.
//!
//! Only the side that dialled does it: the engine lets no other begin. It looks for all connections of a face at once, so a
//! look that is due for one of them counts for all.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::input::ConnId;
use crate::ids::Face;
use crate::time::Time;

/// When a connection that begins relayed is looked after, in seconds since the look before. The engine's own first look is
/// over within one, and a packet that was lost by chance is hardly lost six times; after half a minute the engine's own
/// look once a minute is as good. Where there is no direct way, this is all that it costs.
const NEW_PAUSES_SECONDS: [u64; 5] = [1, 1, 2, 4, 8];

/// The same where a direct path was lost. A connection outlives the loss of all paths by 30 s; until then none is over 4 s,
/// so that whatever heals is noticed, sought and found within 5 s. Later ones double.
const LOST_PAUSES_SECONDS: [u64; 13] = [0, 1, 2, 4, 4, 4, 4, 4, 4, 4, 8, 16, 32];

/// Which connections are relayed, and when direct paths are sought next.
#[derive(Clone, Debug, Default)]
pub(super) struct Seeking {
    /// Connections that have, or had, a direct path.
    direct_once: BTreeSet<ConnId>,
    /// Connections for which there are looks to come.
    searches: BTreeMap<ConnId, Search>,
}

/// The looks for one connection.
#[derive(Clone, Debug)]
struct Search {
    face: Face,
    due: Time,
    /// The pauses after the look that is due.
    pauses: &'static [u64],
}

impl Search {
    /// Begins with the first pause, if there is one more look.
    fn begin(now: Time, face: Face, pauses: &'static [u64]) -> Option<Self> {
        let (first, pauses) = pauses.split_first()?;
        let due = now + Duration::from_secs(*first);
        Some(Self { face, due, pauses })
    }
}

impl Seeking {
    /// A connection that this side dialled runs over a direct path from now on, or over a relay.
    pub(super) fn handle_path(&mut self, now: Time, conn: ConnId, face: Face, is_direct: bool) {
        if is_direct {
            self.direct_once.insert(conn);
            self.searches.remove(&conn);
            return;
        }
        let pauses = if self.direct_once.contains(&conn) {
            &LOST_PAUSES_SECONDS[..]
        } else {
            &NEW_PAUSES_SECONDS[..]
        };
        if let Some(search) = Search::begin(now, face, pauses) {
            self.searches.insert(conn, search);
        }
    }

    /// A connection is over.
    pub(super) fn handle_closed(&mut self, conn: ConnId) {
        self.direct_once.remove(&conn);
        self.searches.remove(&conn);
    }

    /// When [`Self::take_due`] has something to give.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.searches.values().map(|search| search.due).min()
    }

    /// The faces whose direct paths are to be sought now.
    pub(super) fn take_due(&mut self, now: Time) -> BTreeSet<Face> {
        let due = self.searches.values().filter(|search| search.due <= now);
        let faces: BTreeSet<Face> = due.map(|search| search.face).collect();
        self.searches.retain(|_, search| {
            if !faces.contains(&search.face) {
                return true;
            }
            let next = Search::begin(now, search.face, search.pauses);
            next.map(|next| *search = next).is_some()
        });
        faces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time(1_000_000);
    const CONTACT: Face = Face::Contact;

    /// When looks are due until there are no more, in seconds since the start.
    fn looks(seeking: &mut Seeking) -> Vec<u64> {
        let mut seconds = Vec::new();
        while let Some(due) = seeking.next_due() {
            let early = Time(due.0 - 1);
            assert!(due == START || seeking.take_due(early).is_empty());
            assert_eq!(seeking.take_due(due), BTreeSet::from([CONTACT]));
            seconds.push(due.since(START).as_secs());
        }
        seconds
    }

    fn relayed(conn: ConnId) -> Seeking {
        let mut seeking = Seeking::default();
        seeking.handle_path(START, conn, CONTACT, false);
        seeking
    }

    fn lost(conn: ConnId) -> Seeking {
        let mut seeking = Seeking::default();
        seeking.handle_path(START, conn, CONTACT, true);
        seeking.handle_path(START, conn, CONTACT, false);
        seeking
    }

    #[test]
    fn a_new_relayed_connection_is_looked_after_five_times_and_then_left_alone() {
        assert_eq!(looks(&mut relayed(ConnId(1))), [1, 2, 4, 8, 16]);
    }

    #[test]
    fn a_lost_path_is_sought_at_once_and_for_longer() {
        let expected = [0, 1, 3, 7, 11, 15, 19, 23, 27, 31, 39, 55, 87];
        assert_eq!(looks(&mut lost(ConnId(1))), expected);
    }

    #[test]
    fn a_search_ends_when_the_connection_is_direct_or_over() {
        for begun in [relayed, lost] {
            let mut seeking = begun(ConnId(1));
            seeking.handle_path(START, ConnId(1), CONTACT, true);
            assert_eq!(seeking.next_due(), None);
            let mut seeking = begun(ConnId(1));
            seeking.handle_closed(ConnId(1));
            assert_eq!(seeking.next_due(), None);
        }
    }

    #[test]
    fn a_connection_that_begins_direct_is_not_looked_after() {
        let mut seeking = Seeking::default();
        seeking.handle_path(START, ConnId(1), CONTACT, true);
        assert_eq!(seeking.next_due(), None);
    }

    #[test]
    fn another_loss_begins_the_pauses_anew() {
        let mut seeking = lost(ConnId(1));
        for _ in 0..5 {
            let due = seeking.next_due().expect("more looks");
            seeking.take_due(due);
        }
        seeking.handle_path(START, ConnId(1), CONTACT, true);
        seeking.handle_path(START, ConnId(1), CONTACT, false);
        assert_eq!(looks(&mut seeking).len(), LOST_PAUSES_SECONDS.len());
    }

    #[test]
    fn one_look_counts_for_all_relayed_connections_of_a_face() {
        let mut seeking = relayed(ConnId(1));
        for conn in 2..100 {
            seeking.handle_path(Time(START.0 + conn), ConnId(conn), CONTACT, false);
        }
        seeking.handle_path(START, ConnId(100), Face::Visitor, false);
        let first = START + Duration::from_secs(1);
        let both = BTreeSet::from([CONTACT, Face::Visitor]);
        assert_eq!(seeking.take_due(first), both);
        seeking.handle_closed(ConnId(100));
        assert_eq!(looks(&mut seeking), [2, 4, 8, 16]);
    }
}
