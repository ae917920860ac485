//! The side that is dialled: issues tickets and keeps a port open for as long as one is out.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use kith_core::routing::Level;
use kith_core::routing::express::config::{PROVEN_WITHIN, TICKET_LIFE};
use kith_core::routing::express::wire::Offered;
use kith_core::routing::express::{Asker, LaneId, Refusal, SessionNumber, TicketName, Tickets};
use kith_core::time::Time;
use thiserror::Error;
use tokio::sync::oneshot;

use super::lane::Lane;
use super::listener::{Listening, Shown, Unproven};
use crate::entropy;
use crate::routing::Connection;

/// Gives lanes to those who ask. Clones share it.
#[derive(Clone, Debug)]
pub struct Giver(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    book: Mutex<Book>,
    now: fn() -> Time,
    unproven: Arc<Unproven>,
}

#[derive(Debug)]
struct Book {
    tickets: Tickets,
    awaited: BTreeMap<LaneId, Awaited>,
    listening: HashMap<IpAddr, Weak<Listening>>,
}

/// A lane that somebody may come for.
#[derive(Debug)]
struct Awaited {
    connection: Connection,
    arrived: oneshot::Sender<Lane>,
}

/// A lane that was given and has not been fetched yet. Dropped, its ticket is worth nothing any more.
#[derive(Debug)]
pub struct Given {
    /// What to tell who asked.
    pub offered: Offered,
    arriving: oneshot::Receiver<Lane>,
    place: Place,
    _port: Arc<Listening>,
}

/// Why none is given.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum GiveError {
    /// By the rules.
    #[error("not now: {0:?}")]
    Refused(Refusal),
    /// The system gave no port.
    #[error("cannot listen: {0}")]
    Listen(#[from] io::Error),
}

/// A place among the lanes; given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    giver: Giver,
    lane: LaneId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut book = self.giver.book();
        book.tickets.handle_lane_ended(self.lane);
        book.awaited.remove(&self.lane);
    }
}

impl Given {
    /// Waits until it is fetched; `None` when nobody came in time, or not who was meant.
    pub async fn arrived(self) -> Option<Lane> {
        let within = TICKET_LIFE + PROVEN_WITHIN;
        let mut lane = tokio::time::timeout(within, self.arriving)
            .await
            .ok()?
            .ok()?;
        lane.hold(self.place);
        Some(lane)
    }
}

impl Giver {
    /// Goes by the clock `now`. Listens nowhere before the first ticket.
    pub fn new(now: fn() -> Time) -> Self {
        let book = Book {
            tickets: Tickets::new(entropy::seed()),
            awaited: BTreeMap::new(),
            listening: HashMap::new(),
        };
        Self(Arc::new(Shared {
            book: Mutex::new(book),
            now,
            unproven: Arc::default(),
        }))
    }

    /// Gives a lane to whoever asks on `connection`, trusted as far as `level`.
    ///
    /// # Errors
    /// [`GiveError`].
    pub fn give(&self, connection: &Connection, level: Level) -> Result<Given, GiveError> {
        let direct = connection.selected_direct();
        let asker = Asker {
            session: SessionNumber(connection.number() as u64),
            device: connection.remote(),
            level,
            is_direct: direct.is_some(),
        };
        let mut book = self.book();
        let refused = |refusal| GiveError::Refused(refusal);
        let issued = book.tickets.handle_request((self.0.now)(), asker);
        let (lane, ticket) = issued.map_err(refused)?;
        let local = direct.and_then(|to| connection.local().address_for(to.ip()));
        let port = local
            .ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))
            .and_then(|local| self.listen(&mut book, local));
        let port = match port {
            Ok(port) => port,
            Err(error) => {
                book.tickets.handle_lane_ended(lane);
                return Err(error.into());
            }
        };
        let (arrived, arriving) = oneshot::channel();
        let connection = connection.clone();
        book.awaited.insert(
            lane,
            Awaited {
                connection,
                arrived,
            },
        );
        drop(book);
        let giver = self.clone();
        Ok(Given {
            offered: Offered {
                port: port.port(),
                ticket,
            },
            arriving,
            place: Place { giver, lane },
            _port: port,
        })
    }

    /// The port at `local`, shared by all tickets that are out.
    fn listen(&self, book: &mut Book, local: IpAddr) -> io::Result<Arc<Listening>> {
        if let Some(port) = book.listening.get(&local).and_then(Weak::upgrade) {
            return Ok(port);
        }
        let unproven = Arc::clone(&self.0.unproven);
        let giver = self.clone();
        let admit = Arc::new(move |name| giver.shown(name));
        let port = Arc::new(Listening::start(local, admit, unproven)?);
        book.listening.retain(|_, port| port.strong_count() > 0);
        book.listening.insert(local, Arc::downgrade(&port));
        Ok(port)
    }

    /// Takes a ticket that was shown; `None` for what is none.
    fn shown(&self, name: TicketName) -> Option<Shown> {
        let mut book = self.book();
        let admission = book.tickets.handle_shown((self.0.now)(), name)?;
        let awaited = book.awaited.remove(&admission.lane)?;
        Some(Shown {
            connection: awaited.connection,
            ticket: admission.ticket,
            arrived: awaited.arrived,
        })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0
            .book
            .lock()
            .expect("no code panics while it holds the book")
    }
}
