//! When to look for direct paths again, after one was lost.
//!
//! QUIC gives a silent path up after [`PATH_IDLE_MAX`](crate::routing::transport::PATH_IDLE_MAX) and goes on over the
//! relay. The engine then looks for a direct way when an address of a device changes, and otherwise once a minute: it
//! cannot see that a router forgot its mappings, or that a link between here and there was cut and is whole again. For
//! a session that *had* a direct path, a minute over a relay is long. So the way is sought at once, and again after
//! pauses; a session that never had one is left to the engine.
//!
//! Only the side that dialled does it: the engine lets no other begin. One search serves all sessions of a face, because
//! they most often lose their paths together, and the engine looks for all of them at once.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use kith_core::ids::Face;
use kith_core::routing::ConnId;
use kith_core::time::Time;

use crate::routing::PathKind;

/// The pauses between two looks, in seconds. A connection outlives the loss of all paths by 30 s; until then none is over
/// 4 s, so that whatever heals is noticed, sought and found within 5 s. Later ones double, until the engine's own look
/// once a minute is as good.
const PAUSES_SECONDS: [u64; 12] = [1, 2, 4, 4, 4, 4, 4, 4, 4, 8, 16, 32];

/// Which connections have lost their direct path, and when it is sought next.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// Connections that have, or had, a direct path.
    direct_once: HashSet<ConnId>,
    searches: BTreeMap<Face, Search>,
}

/// The search of one face.
#[derive(Debug)]
struct Search {
    connections: BTreeSet<ConnId>,
    looks: usize,
    due: Time,
}

impl Paths {
    /// A connection that this side dialled runs over a path of another kind than before.
    pub(super) fn handle_path(&mut self, now: Time, conn: ConnId, face: Face, kind: PathKind) {
        match kind {
            PathKind::Direct => {
                self.direct_once.insert(conn);
                self.leave_search(conn);
            }
            PathKind::Relay if self.direct_once.contains(&conn) => {
                let search = self.searches.entry(face).or_insert(Search {
                    connections: BTreeSet::new(),
                    looks: 0,
                    due: now,
                });
                search.connections.insert(conn);
                (search.looks, search.due) = (0, now);
            }
            PathKind::Relay => {}
        }
    }

    /// A connection is over.
    pub(super) fn handle_closed(&mut self, conn: ConnId) {
        self.direct_once.remove(&conn);
        self.leave_search(conn);
    }

    /// When [`Self::take_due`] has something to give.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.searches.values().map(|search| search.due).min()
    }

    /// The faces whose direct paths are to be sought now.
    pub(super) fn take_due(&mut self, now: Time) -> Vec<Face> {
        let mut faces = Vec::new();
        self.searches.retain(|face, search| {
            if search.due > now {
                return true;
            }
            faces.push(*face);
            let pause = PAUSES_SECONDS.get(search.looks);
            search.looks += 1;
            search.due = now + Duration::from_secs(pause.copied().unwrap_or(0));
            pause.is_some()
        });
        faces
    }

    fn leave_search(&mut self, conn: ConnId) {
        self.searches.retain(|_, search| {
            search.connections.remove(&conn);
            !search.connections.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Time = Time(1_000_000);
    const CONTACT: Face = Face::Contact;

    fn lost() -> Paths {
        let mut paths = Paths::default();
        paths.handle_path(START, ConnId(1), CONTACT, PathKind::Direct);
        paths.handle_path(START, ConnId(1), CONTACT, PathKind::Relay);
        paths
    }

    #[test]
    fn a_lost_path_is_sought_at_once_and_after_growing_pauses() {
        let mut paths = lost();
        let mut now = START;
        for pause in PAUSES_SECONDS {
            assert_eq!(paths.take_due(now), [CONTACT]);
            assert_eq!(paths.take_due(now), []);
            now = now + Duration::from_secs(pause);
            assert_eq!(paths.next_due(), Some(now));
        }
        assert_eq!(paths.take_due(now), [CONTACT], "the last look");
        assert_eq!(paths.next_due(), None, "the engine looks once a minute");
    }

    #[test]
    fn a_path_that_never_was_direct_is_not_sought() {
        let mut paths = Paths::default();
        paths.handle_path(START, ConnId(1), CONTACT, PathKind::Relay);
        assert_eq!(paths.next_due(), None);
    }

    #[test]
    fn a_search_ends_when_the_last_connection_is_direct_or_over() {
        let mut paths = lost();
        paths.handle_path(START, ConnId(2), CONTACT, PathKind::Direct);
        paths.handle_path(START, ConnId(2), CONTACT, PathKind::Relay);
        paths.handle_path(START, ConnId(1), CONTACT, PathKind::Direct);
        assert_eq!(paths.next_due(), Some(START), "one is still lost");
        paths.handle_closed(ConnId(2));
        assert_eq!(paths.next_due(), None);
    }

    #[test]
    fn another_loss_begins_the_pauses_anew() {
        let mut paths = lost();
        let mut now = START;
        for pause in &PAUSES_SECONDS[..5] {
            assert_eq!(paths.take_due(now), [CONTACT]);
            now = now + Duration::from_secs(*pause);
        }
        paths.handle_path(now, ConnId(1), CONTACT, PathKind::Direct);
        paths.handle_path(now, ConnId(1), CONTACT, PathKind::Relay);
        assert_eq!(paths.take_due(now), [CONTACT]);
        let first = Duration::from_secs(PAUSES_SECONDS[0]);
        assert_eq!(paths.next_due(), Some(now + first));
    }
}
