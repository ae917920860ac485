//! The connections that live now, as the actor has set them up; whoever opens a stream reads them from here.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use kith_core::ids::{DeviceKey, Face, PeerId};
use kith_core::peer::Source;
use kith_core::routing::{CloseCode, ConnId, Level, Target};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;
use tracing::debug;

use super::streams::OpenStreams;
use crate::routing::Connection;

/// The most messages that wait to be written to a control stream, beside what its window holds (1.25 MB): ten times what a busy session
/// says at once, of 16 KiB at most each.
pub(super) const CONTROL_AHEAD_MAX: usize = 64;

/// How long a connection lives on after its last word on the control stream: two lost packets, on most paths,
const LAST_WORD_MIN: Duration = Duration::from_millis(100);

/// that is, so many round trips more,
const LAST_WORD_ROUND_TRIPS: u32 = 4;

/// and this at the most.
const LAST_WORD_MAX: Duration = Duration::from_secs(1);

/// What goes to a control stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Frames.
    Frames(Vec<u8>),
    /// Nothing any more: the session is over, for this reason.
    LastWord(CloseCode),
}

/// One connection and what belongs to it.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) connection: Connection,
    pub(super) face: Face,
    pub(super) streams: OpenStreams,
    /// What is said on the control stream.
    pub(super) control: mpsc::Sender<Said>,
    /// Who is there, once the introductions are through.
    pub(super) session: Option<Standing>,
    pub(super) stood: Stood,
    /// When the connection was made.
    pub(super) since: Instant,
}

impl Link {
    /// Says something on the control stream. Who reads none of it is left: the connection ends, as that of somebody who is away.
    pub(super) fn say(&self, bytes: Vec<u8>) {
        // A control stream that is over ends with its connection, which is told by itself.
        if let Err(mpsc::error::TrySendError::Full(_)) = self.control.try_send(Said::Frames(bytes))
        {
            debug!("closing a connection whose control stream is not read");
            self.connection.close(CloseCode::Busy.number(), "");
        }
    }

    /// Ends the connection. Where it need not be `at_once` and the engine may tell it to nobody, the other side of a session is told on the control
    /// stream first, which goes by the path that data takes.
    pub(super) fn end(self, code: CloseCode, at_once: bool, farewells: &TaskTracker) {
        let is_told = at_once || self.session.is_none() || self.connection.tells_close();
        if is_told || self.control.try_send(Said::LastWord(code)).is_err() {
            return self.connection.close(code.number(), "");
        }
        let round_trip = self.connection.path().map(|path| path.rtt);
        let within = LAST_WORD_MIN + LAST_WORD_ROUND_TRIPS * round_trip.unwrap_or_default();
        farewells.spawn(async move {
            // It has heard, or it had its time.
            let _ = tokio::time::timeout(within.min(LAST_WORD_MAX), self.connection.closed()).await;
            self.connection.close(code.number(), "");
        });
    }

    /// Whether streams may be opened on it; with `standing`, whether they would be by who is known to be there.
    pub(super) fn is_usable(&self, standing: bool) -> bool {
        self.connection.end().is_none() && (!standing || self.session.is_some())
    }
}

/// Whether a session ever stood on a connection. Streams that follow an introduction at once ask when they break: where none
/// stood, nobody was reached. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stood(Arc<AtomicBool>);

impl Stood {
    /// A session stands.
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether one ever did.
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Who is at the other end of a session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) peer: Option<PeerId>,
    pub(super) level: Level,
    pub(super) remote: DeviceKey,
}

/// All of them. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Live(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) links: HashMap<ConnId, Link>,
    /// Where streams to somebody are opened, as the machine prefers it.
    pub(super) preferred: BTreeMap<Target, ConnId>,
    /// How each contact was found last; at most one entry for each in the address book.
    pub(super) found: BTreeMap<PeerId, Source>,
}

impl Live {
    /// The table, for a moment.
    pub(super) fn lock(&self) -> MutexGuard<'_, Table> {
        self.0
            .lock()
            .expect("no code panics while it holds the table")
    }

    /// Where to open streams to `target` now.
    pub(super) fn preferred(&self, target: Target) -> Option<Link> {
        let table = self.lock();
        let conn = table.preferred.get(&target)?;
        table.links.get(conn).cloned()
    }

    /// The contacts with whom a session stands, in the order of their ids.
    pub(super) fn contacts(&self) -> Vec<PeerId> {
        self.peers_of(|level| level == Level::Contact)
    }

    /// Whoever has said who they are and has a session that stands, in the order of their ids.
    pub(super) fn peers(&self) -> Vec<PeerId> {
        self.peers_of(|_| true)
    }

    fn peers_of(&self, is_meant: impl Fn(Level) -> bool) -> Vec<PeerId> {
        let table = self.lock();
        let sessions = table.links.values().filter_map(|link| link.session);
        let meant = sessions.filter(|session| is_meant(session.level));
        let mut peers: Vec<PeerId> = meant.filter_map(|session| session.peer).collect();
        peers.sort_unstable();
        peers.dedup();
        peers
    }
}
