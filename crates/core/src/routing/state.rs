//! The session machine: joins dialling, introductions, duplicates and farewells. See the room's `mod.rs` for its loop.

use std::collections::VecDeque;

use super::agenda::Agenda;
use super::close::CloseCode;
use super::config::{Config, FAREWELL_WITHIN, HALF_OPEN_MAX};
use super::connection::{Connection, Step};
use super::dial::Dialling;
use super::input::{Candidate, ConnId, Connected, DialId, Target};
use super::keeping::Keeping;
use super::level::Level;
use super::output::{DownReason, Event, Output, Session, UnreachableReason};
use super::seeking::Seeking;
use super::table::Table;
use super::wire::{Farewell, Frame, NOTE_BYTES_MAX, Note, SPEAKS_MAX};
use crate::ids::PeerId;
use crate::protocol::ProtocolName;
use crate::random::{Random, Seed};
use crate::time::Time;

/// Decides whom to dial, what is said on a connection, and which connections stay.
#[derive(Clone, Debug)]
pub struct Sessions {
    pub(super) config: Config,
    pub(super) dialling: Dialling,
    pub(super) table: Table,
    /// When each connection is next to be looked at.
    pub(super) agenda: Agenda<ConnId>,
    pub(super) seeking: Seeking,
    pub(super) keeping: Keeping,
    /// Whether [`Sessions::handle_leave`] was called.
    leaving: bool,
    pub(super) out: VecDeque<Output>,
}

// Commands.
impl Sessions {
    /// A node without connections. What exceeds a bound in `config` is cut off. `seed` decides the jitter of retries.
    pub fn new(config: Config, seed: Seed, _now: Time) -> Self {
        Self {
            config: config.bounded(),
            dialling: Dialling::new(Random::new(seed)),
            table: Table::default(),
            agenda: Agenda::new(),
            seeking: Seeking::default(),
            keeping: Keeping::default(),
            leaving: false,
            out: VecDeque::new(),
        }
    }

    /// Somebody needs a session with `target` now. Ends in [`Event::Up`] or [`Event::Unreachable`]; nothing happens when
    /// [`Sessions::session`] has one.
    pub fn handle_open(&mut self, now: Time, target: Target) {
        if self.leaving || self.session(target).is_some() {
            return;
        }
        self.end_lingering(now, target);
        self.dialling.open(now, target, &mut self.out);
    }

    /// Says whether a session with `target` is to stand for as long as possible.
    pub fn handle_want(&mut self, now: Time, target: Target, wanted: bool) {
        if self.leaving {
            return;
        }
        if wanted {
            let stands = self.session(target).is_some();
            if !stands {
                self.end_lingering(now, target);
            }
            self.dialling.want(now, target, stands, &mut self.out);
        } else {
            self.dialling.unwant(target);
        }
    }

    /// Routes to `target` were found, or better ones.
    pub fn handle_routes(&mut self, now: Time, target: Target, candidates: Vec<Candidate>) {
        self.dialling.routes(now, target, candidates, &mut self.out);
    }

    /// `target` was heard of just now, be it at the places where it did not answer before.
    pub fn handle_alive(&mut self, now: Time, target: Target) {
        self.dialling.alive(now, target, &mut self.out);
    }

    /// What we show `target` is another thing from now on: an attempt under way does not end by what comes of the earlier.
    pub fn handle_shown_anew(&mut self, now: Time, target: Target) {
        self.dialling.show_anew(now, target, &mut self.out);
    }

    /// Our own network is another than before, or can reach more.
    pub fn handle_network_changed(&mut self, now: Time) {
        self.dialling.network_changed(now);
    }

    /// There are no more routes to come after [`Output::Resolve`].
    pub fn handle_resolved(&mut self, now: Time, target: Target) {
        self.dialling.resolved(now, target, &mut self.out);
    }

    /// What is spoken with `peer` from now on, or with strangers (`None`): at most [`SPEAKS_MAX`] names, the rest is cut
    /// off. Standing sessions are told.
    pub fn handle_speaks(
        &mut self,
        _now: Time,
        peer: Option<PeerId>,
        mut names: Vec<ProtocolName>,
    ) {
        names.truncate(SPEAKS_MAX);
        let sessions = self.table.iter().filter(|it| it.may_be_told());
        let conns: Vec<ConnId> = sessions
            .filter(|session| session.peer == peer)
            .map(|session| session.connected.conn)
            .collect();
        for conn in conns {
            self.send(conn, &[Frame::Speaks(names.clone())]);
        }
        if peer.is_none() {
            self.config.speaks = names;
        }
    }

    /// Sends `note` to the other side of a session with a known peer. False when `conn` is none, or the note's body
    /// exceeds [`NOTE_BYTES_MAX`].
    pub fn handle_note(&mut self, _now: Time, conn: ConnId, note: Note) -> bool {
        let session = self.table.get(conn).filter(|it| it.may_be_told());
        let fits = note.body.len() <= NOTE_BYTES_MAX;
        let sent = fits && session.is_some_and(|it| it.peer.is_some());
        if sent {
            self.send(conn, &[Frame::Note(note)]);
        }
        sent
    }

    /// Ends whatever there is with `peer`, at once: they were blocked or removed.
    pub fn handle_close_peer(&mut self, now: Time, peer: PeerId, code: CloseCode) {
        let target = Target::Peer(peer);
        self.dialling.cancel(now, target, &mut self.out);
        for conn in self.conns_where(target, |_| true) {
            self.close(now, conn, code);
        }
        let meant = |it: &&Connection| it.dialled.is_some_and(|(_, meant)| meant == target);
        let half_open: Vec<ConnId> = self
            .table
            .iter()
            .filter(meant)
            .map(|it| it.connected.conn)
            .collect();
        for conn in half_open {
            self.close(now, conn, code);
        }
    }

    /// The node shuts down: nothing new begins, and sessions end as soon as their streams do, at the latest after
    /// [`FAREWELL_WITHIN`]. Done when [`Sessions::sessions`] is empty.
    pub fn handle_leave(&mut self, now: Time) {
        self.leaving = true;
        self.dialling.cancel_all(now, &mut self.out);
        let conns: Vec<ConnId> = self.table.iter().map(|it| it.connected.conn).collect();
        for conn in conns {
            match self.table.get(conn).map(|it| it.up_since.is_some()) {
                Some(true) => self.begin_farewell(now, conn, Farewell::Leaving),
                Some(false) => self.close(now, conn, CloseCode::Leaving),
                None => {}
            }
        }
    }
}

// What the shell reports of connections.
impl Sessions {
    /// A handshake is complete.
    pub fn handle_connected(&mut self, now: Time, connected: Connected) {
        let Connected { conn, dial, .. } = connected;
        debug_assert!(!self.table.contains(conn), "numbers are used once");
        let target = match dial {
            Some(dial) => {
                let target = self.dialling.connected(now, dial, conn, &mut self.out);
                target.map(|target| Some((dial, target)))
            }
            None => Some(None),
        };
        let code = match target {
            _ if self.leaving => CloseCode::Leaving,
            Some(dialled) => return self.admit(now, connected, dialled),
            None => CloseCode::Done,
        };
        self.out.push_back(Output::Close {
            conn,
            code,
            at_once: false,
        });
    }

    /// A dial led to nothing.
    pub fn handle_dial_failed(&mut self, now: Time, dial: DialId) {
        self.dialling.dial_failed(now, dial, &mut self.out);
    }

    /// Bytes of a control stream came, cut anyhow.
    pub fn handle_bytes(&mut self, now: Time, conn: ConnId, mut bytes: &[u8]) {
        while let Some(connection) = self.table.get_mut(conn) {
            let step = match connection.framing.next_frame(now, &mut bytes) {
                Ok(None) => return self.schedule(conn),
                Ok(Some(frame)) => connection.take(frame),
                Err(code) => Err(code),
            };
            match step {
                Ok(step) => self.perform(now, conn, step),
                Err(code) => self.close(now, conn, code),
            }
        }
    }

    /// How many streams are open on a connection, ours and theirs, without the control stream. To be told of each change.
    pub fn handle_streams(&mut self, now: Time, conn: ConnId, streams: u32) {
        let Some(connection) = self.table.get_mut(conn) else {
            return;
        };
        connection.streams = streams;
        let idle = (streams == 0).then_some(now);
        self.keeping.handle_use(conn, idle);
        if streams == 0 {
            connection.idle_since = now;
            self.part(now, conn);
        } else if connection.is_idling() {
            self.resume(now, conn);
        }
        self.schedule(conn);
    }

    /// A connection runs over a direct path from now on, or over a relay. To be told of its first path and of each change.
    pub fn handle_path(&mut self, now: Time, conn: ConnId, is_direct: bool) {
        let dialled = self.table.get(conn).filter(|it| it.dialled.is_some());
        if let Some(connection) = dialled {
            let face = connection.connected.face;
            let idle = (connection.streams == 0).then_some(connection.idle_since);
            self.seeking.handle_path(now, conn, face, is_direct);
            self.keeping.handle_path(now, conn, is_direct, idle);
        }
    }

    /// A connection is gone: the other side closed it with `code`, or the path died.
    pub fn handle_closed(&mut self, now: Time, conn: ConnId, code: Option<CloseCode>) {
        let reason = code.map_or(DownReason::Lost, DownReason::ClosedByPeer);
        self.end(now, conn, reason, UnreachableReason::Dropped);
    }

    /// The time [`Sessions::poll_timeout`] gave has come.
    pub fn handle_timeout(&mut self, now: Time) {
        self.dialling.handle_timeout(now, &mut self.out);
        while let Some(conn) = self.agenda.pop_due(now) {
            self.expire(now, conn);
            self.schedule(conn);
        }
        let faces = self.seeking.take_due(now).into_iter();
        self.out
            .extend(faces.map(|face| Output::SeekPaths { face }));
        let conns = self.keeping.take_due(now);
        if !conns.is_empty() {
            self.out.push_back(Output::KeepAlive { conns });
        }
    }
}

// What the machine gives.
impl Sessions {
    /// The next thing to do; call until `None` after each `handle_*`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When to call [`Sessions::handle_timeout`] next.
    pub fn poll_timeout(&self) -> Option<Time> {
        let timeouts = [
            self.agenda.next(),
            self.dialling.next_timeout(),
            self.seeking.next_due(),
            self.keeping.next_due(),
        ];
        timeouts.into_iter().flatten().min()
    }

    /// The session on which to open new streams to `target`, if one stands.
    pub fn session(&self, target: Target) -> Option<Session> {
        self.table.best(target).map(Connection::session)
    }

    /// Whether a session with `target` is to stand for as long as possible.
    pub fn wants(&self, target: Target) -> bool {
        self.dialling.wants(target)
    }

    /// All sessions, those that are ending too, in the order of their connections' numbers.
    pub fn sessions(&self) -> impl Iterator<Item = Session> {
        self.table
            .iter()
            .filter(|connection| connection.up_since.is_some())
            .map(Connection::session)
    }
}

// How connections live.
impl Sessions {
    /// Takes in a connection.
    fn admit(&mut self, now: Time, connected: Connected, dialled: Option<(DialId, Target)>) {
        let Connected {
            conn, face, remote, ..
        } = connected;
        if let Some((_, target)) = dialled {
            self.out.push_back(Output::AskIntroduction {
                conn,
                target,
                remote,
                face,
            });
        } else if let Some(oldest) = self.table.half_open_surplus(HALF_OPEN_MAX) {
            self.close(now, oldest, CloseCode::Busy);
        }
        self.table.insert(Connection::new(now, connected, dialled));
        self.schedule(conn);
    }

    /// Does what a frame calls for.
    fn perform(&mut self, now: Time, conn: ConnId, step: Step) {
        match step {
            Step::Wait => {}
            Step::Greet => {
                let hello = self.hello(conn, None);
                self.send(conn, &[hello]);
            }
            Step::Judge(introduction) => self.authenticate(conn, introduction),
            Step::TakenForStranger => match self.table.get(conn).and_then(|it| it.dialled) {
                Some((_, Target::Device(_))) => self.open(now, conn, None, Level::Stranger),
                _ => self.fail(now, conn, UnreachableReason::NotAContact),
            },
            Step::Told(frame) => self.told(now, conn, frame),
        }
    }

    /// A frame of a standing session.
    pub(super) fn told(&mut self, now: Time, conn: ConnId, frame: Frame) {
        let Some(connection) = self.table.get_mut(conn) else {
            return;
        };
        let peer = connection.peer;
        match (frame, peer) {
            (Frame::Speaks(names), _) => self.tell(Event::Speaks { conn, peer, names }),
            (Frame::Note(note), Some(peer)) => self.tell(Event::Noted { conn, peer, note }),
            (Frame::Bye(Farewell::Idle), _) if connection.is_open() => {
                // A stream that came and went just now may have crossed the proposal, which it took back.
                let is_idle =
                    connection.streams == 0 && now >= connection.idle_since + FAREWELL_WITHIN;
                if is_idle && !self.needs(conn) {
                    self.close(now, conn, CloseCode::Idle);
                }
            }
            (Frame::Bye(farewell), _) => {
                connection.bye_received = true;
                let device = Target::Device(connection.connected.remote);
                // The better connection may come up here later than there; until then this one serves.
                let is_only = self.session(device).is_some_and(|it| it.conn == conn);
                if farewell != Farewell::Duplicate || !is_only {
                    self.begin_farewell(now, conn, farewell);
                }
                self.part(now, conn);
            }
            _ => self.close(now, conn, CloseCode::Misbehaved),
        }
    }
}

// What is said.
impl Sessions {
    pub(super) fn send(&mut self, conn: ConnId, frames: &[Frame]) {
        let bytes: Vec<u8> = frames.iter().flat_map(Frame::framed).collect();
        if !bytes.is_empty() {
            self.out.push_back(Output::Send { conn, bytes });
        }
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    pub(super) fn schedule(&mut self, conn: ConnId) {
        let deadline = self
            .table
            .get(conn)
            .and_then(|connection| connection.deadline(self.config.idle_after));
        self.agenda.set(conn, deadline);
    }

    /// The numbers of the connections of `target` for which `holds`.
    pub(super) fn conns_where(
        &self,
        target: Target,
        holds: impl Fn(&Connection) -> bool,
    ) -> Vec<ConnId> {
        self.table
            .of(target)
            .filter(|connection| holds(connection))
            .map(|connection| connection.connected.conn)
            .collect()
    }
}
