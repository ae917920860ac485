//! The loop that drives the machine: what happens goes in, what it asks for is done. There are no decisions here.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kith_core::address::Route;
use kith_core::identity::ContactState;
use kith_core::ids::{Face, PeerId};
use kith_core::peer::{Event, Output, Peer};
use kith_core::routing::{CloseCode, ConnId, Connected, DialId, Target};
use kith_core::row::Row;
use kith_core::time::Time;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::task::TaskTracker;
use tracing::{debug, error, info, warn};

use super::begun::{Begun, ControlStream};
use super::dials::Dials;
use super::faces::Faces;
use super::input::{Input, Reply};
use super::link::LinkTasks;
use super::live::{CONTROL_AHEAD_MAX, Link, Live, Standing, Stood, Table};
use super::protocols::Protocols;
use super::relay::ContactRelay;
use super::sources::Sources;
use super::streams::OpenStreams;
use super::unread::Crowd;
use super::waiting::{Waiting, WaitingRoom};
use crate::clock::Clock;
use crate::content::Shares;
use crate::discovery::Finding;
use crate::error::Error;
use crate::routing::{Connection, Ended, PathKind};
use crate::store::Store;

/// How long a shutdown waits for the other sides to finish their streams and say goodbye.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// How long after a write that failed it is tried again: as soon as somebody who made room would look.
const WRITE_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How long the machine may go without being asked what is due. A clock that jumps is noticed within it.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(60);

/// Owns the machine and everything it steers.
pub(super) struct Actor {
    pub(super) clock: Clock,
    pub(super) machine: Peer,
    pub(super) store: Store,
    pub(super) faces: Faces,
    pub(super) live: Live,
    pub(super) protocols: Protocols,
    pub(super) sources: Sources,
    /// The relay for contacts; `None` where none is wanted.
    pub(super) relay: Option<ContactRelay>,
    pub(super) events: broadcast::Sender<Event>,
    pub(super) shares: Arc<Shares>,
    pub(super) inputs: mpsc::UnboundedSender<Input>,
    pub(super) tasks: TaskTracker,
    /// How long a stream may be left unread while others wait.
    pub(super) unread_max_time: Duration,
    pub(super) state: State,
}

/// What the loop remembers between two inputs.
#[derive(Default)]
pub(super) struct State {
    connections: u64,
    pub(super) dials: Dials,
    pub(super) sessions: HashMap<ConnId, watch::Sender<Option<Standing>>>,
    pub(super) waiting: WaitingRoom,
    /// Connections that end as soon as the other side can know.
    pub(super) farewells: TaskTracker,
    /// Rows that could not be written yet. While there are any, nothing that the machine asks for is done: it follows from them.
    unwritten: Vec<Row>,
    /// What happened meanwhile, for the machine to be told of later. Each source of it has a bound, so this has one.
    put_off: VecDeque<Input>,
}

impl Actor {
    /// Runs until it is told to shut down.
    pub(super) async fn run(mut self, mut inputs: mpsc::UnboundedReceiver<Input>) {
        while let Some(input) = self.next(&mut inputs).await {
            match input {
                Input::Shutdown { done } => {
                    self.leave(&mut inputs).await;
                    // Who asked may have gone.
                    let _ = done.send(());
                    return;
                }
                input if self.is_held() && input.waits_for_the_disk() => {
                    self.state.put_off.push_back(input);
                }
                input => {
                    let reply = self.take(input);
                    self.settle(reply).await;
                }
            }
        }
    }

    /// What happens next; what is due meanwhile is done.
    async fn next(&mut self, inputs: &mut mpsc::UnboundedReceiver<Input>) -> Option<Input> {
        loop {
            if !self.is_held()
                && let Some(input) = self.state.put_off.pop_front()
            {
                return Some(input);
            }
            tokio::select! {
                input = inputs.recv() => return input,
                () = tokio::time::sleep(self.wait()) => {
                    if !self.is_held() {
                        self.machine.handle_timeout(self.clock.now());
                    }
                    self.settle(None).await;
                }
            }
        }
    }

    /// Whether the machine waits for the disk.
    fn is_held(&self) -> bool {
        !self.state.unwritten.is_empty()
    }

    /// How long until there is something to do.
    fn wait(&self) -> Duration {
        if self.is_held() {
            return WRITE_AGAIN_AFTER;
        }
        let due = self.machine.poll_timeout();
        due.map_or(LOOK_AT_CLOCK, |due| {
            due.since(self.clock.now()).min(LOOK_AT_CLOCK)
        })
    }

    /// Tells the machine.
    fn take(&mut self, input: Input) -> Option<Reply> {
        let now = self.clock.now();
        match input {
            Input::Ask(question) => return Some(question(&mut self.machine, now)),
            Input::Look(look) => look(&self.machine, now),
            Input::Open {
                target,
                standing,
                reached,
            } => self.open(now, target, Waiting { standing, reached }),
            Input::Dialled { dial, face, begun } => self.dialled(now, dial, face, begun),
            Input::Incoming {
                face,
                connection,
                turn: _turn,
            } => self.connected(now, None, face, connection),
            Input::Control {
                conn,
                bytes,
                turn: _turn,
            } => self.machine.handle_bytes(now, conn, &bytes),
            Input::Path {
                conn,
                path,
                turn: _turn,
            } => {
                debug!(conn = conn.0, kind = ?path.kind, "path");
                let is_direct = path.kind == PathKind::Direct;
                self.machine.handle_path(now, conn, is_direct);
            }
            Input::Closed { conn, ended } => self.closed(now, conn, &ended),
            Input::Silence { conn, heard } => self.silent(now, conn, heard),
            Input::Streams { conn } => self.count_streams(now, conn),
            Input::Route {
                face,
                route,
                turn: _turn,
            } => {
                // The contact face is elsewhere when an interface came or went.
                if let Some(relay) = self.relay.as_ref().filter(|_| face == Face::Contact) {
                    self.machine.handle_interfaces(now, relay.interfaces());
                }
                self.machine.handle_route(now, face, route);
            }
            Input::RelayLost { url, turn: _turn } => self.machine.handle_relay_lost(now, &url),
            Input::OwnRelay(relay) => self.machine.handle_own_relay(now, relay),
            Input::Finding {
                finding,
                turn: _turn,
            } => self.found(now, finding),
            Input::ProtocolsChanged => {
                let spoken = self.protocols.listed();
                self.machine.handle_protocols(now, spoken);
            }
            Input::Endpoint { face, answer } => {
                // Who asked may have gone.
                let _ = answer.send(self.faces.endpoint(face));
            }
            Input::Lan(is_on) => self.sources.set_lan(is_on, &self.tasks),
            Input::NetworkChanged => {
                self.faces.network_changed(&self.tasks);
                self.machine.handle_network_changed(now);
            }
            Input::Rotated { endpoint, secret } => {
                self.faces.rotate(endpoint, &self.inputs, &self.tasks);
                self.machine.handle_device(now, Face::Contact, secret);
            }
            Input::Shutdown { .. } => {}
        }
        None
    }

    /// Tells the machine how many streams of a connection are open now.
    fn count_streams(&mut self, now: Time, conn: ConnId) {
        let link = self.live.lock().links.get(&conn).cloned();
        if let Some(link) = link {
            let open = link.streams.take_change();
            self.machine.handle_streams(now, conn, open);
        }
    }

    /// One attempt of a dial is over: the dial is when one led somewhere, or all led nowhere.
    fn dialled(&mut self, now: Time, dial: DialId, face: Face, begun: Option<Begun>) {
        if let Some(Begun {
            connection,
            control,
        }) = begun
        {
            self.state.dials.end(dial);
            self.connected(now, Some((dial, control)), face, connection);
            return;
        }
        if self.state.dials.fail(dial) {
            self.machine.handle_dial_failed(now, dial);
        }
    }

    /// Tells the machine what a source found.
    fn found(&mut self, now: Time, finding: Finding) {
        let machine = &mut self.machine;
        match finding {
            Finding::Neighbour(neighbour) => {
                let mut route = Route::new(neighbour.advertisement.device);
                route.addresses = neighbour.addresses;
                machine.handle_sighting(now, neighbour.advertisement, route);
            }
            Finding::Left(device) => machine.handle_sighting_gone(device),
            Finding::Route { peer, face, route } => {
                machine.handle_route_found(now, peer, face, route);
            }
            Finding::Records { locator, records } => {
                machine.handle_records(now, locator, &records);
            }
            Finding::Kept(locator) => machine.handle_kept(now, locator),
            Finding::Stale {
                peer,
                locator,
                newest,
            } => machine.handle_stale(now, peer, locator, newest),
            Finding::IntroducerUp(key) => machine.handle_introducer_up(now, key),
            Finding::IntroducerDown(key) => machine.handle_introducer_down(now, key),
        }
    }

    fn open(&mut self, now: Time, target: Target, waiting: Waiting) {
        let preferred = self.live.preferred(target);
        let stands = preferred.is_some_and(|link| link.is_usable(waiting.standing));
        if stands {
            return waiting.answer(Ok(()));
        }
        if self.end_preferred(now, target) {
            // What follows from that end is told to those who waited for it, and not to who asks now.
            let Waiting { standing, reached } = waiting;
            let _ = self.inputs.send(Input::Open {
                target,
                standing,
                reached,
            });
            return;
        }
        self.state.waiting.enter(target, waiting);
        self.machine.handle_open(now, target);
    }

    /// Tells the machine at once of a connection that is over. Its own task may not have told yet, and the machine would
    /// take it for standing and dial nobody. Whether there was one.
    fn end_preferred(&mut self, now: Time, target: Target) -> bool {
        let preferred = self.live.lock().preferred.get(&target).copied();
        let Some(conn) = preferred else {
            return false;
        };
        let link = self.live.lock().links.get(&conn).cloned();
        let Some(ended) = link.and_then(|link| link.connection.end()) else {
            return false;
        };
        self.closed(now, conn, &ended);
        true
    }

    /// Tells the machine that nobody answers, where nothing has come since that was noticed: it may have waited for the disk.
    fn silent(&mut self, now: Time, conn: ConnId, heard: u64) {
        let link = self.live.lock().links.get(&conn).cloned();
        if let Some(link) = link.filter(|link| link.connection.packets_received() == heard) {
            let in_use = link.streams.in_use();
            self.machine.handle_silence(now, conn, in_use);
        }
    }

    fn closed(&mut self, now: Time, conn: ConnId, ended: &Ended) {
        self.forget(conn);
        self.machine.handle_closed(now, conn, close_code(ended));
    }

    fn connected(
        &mut self,
        now: Time,
        dialled: Option<(DialId, ControlStream)>,
        face: Face,
        connection: Connection,
    ) {
        let Some(local) = self.faces.device(face) else {
            return;
        };
        let (dial, opened) = dialled.unzip();
        self.state.connections += 1;
        let conn = ConnId(self.state.connections);
        let inputs = self.inputs.clone();
        let streams = OpenStreams::new(move || {
            // A node that is shutting down need not be told.
            let _ = inputs.send(Input::Streams { conn });
        });
        let (control, control_bytes) = mpsc::channel(CONTROL_AHEAD_MAX);
        let (session, session_watch) = watch::channel(None);
        let link = Link {
            connection: connection.clone(),
            face,
            streams: streams.clone(),
            control,
            session: None,
            stood: Stood::default(),
            since: Instant::now(),
        };
        self.live.lock().links.insert(conn, link);
        self.state.sessions.insert(conn, session);
        let (remote, observed, exporter) = (
            connection.remote(),
            connection.observed(),
            *connection.exporter(),
        );
        LinkTasks {
            conn,
            connection,
            inputs: self.inputs.clone(),
            protocols: self.protocols.clone(),
            streams,
            crowd: Crowd::new(self.unread_max_time),
            session: session_watch,
            tasks: self.tasks.clone(),
        }
        .start(opened, control_bytes);
        let connected = Connected {
            conn,
            dial,
            face,
            local,
            remote,
            observed,
        };
        self.machine.handle_connected(now, connected, exporter);
    }

    /// Does everything the machine asks for, and answers once it is done. What cannot be written holds back what follows it: nobody is
    /// told what a crash would undo. The other sides wait, or take this one for away.
    async fn settle(&mut self, reply: Option<Reply>) {
        if self.is_held() {
            self.write(Vec::new()).await;
        }
        while !self.is_held()
            && let Some(output) = self.machine.poll_output()
        {
            match output {
                Output::Store(rows) => self.write(rows).await,
                output => self.perform(output),
            }
        }
        if let Some(reply) = reply {
            let durable = match self.is_held() {
                false => Ok(()),
                true => {
                    let reason = "the database cannot be written now; see the log";
                    Err(Error::io("not saved", std::io::Error::other(reason)))
                }
            };
            reply(durable);
        }
    }

    /// Makes rows durable, after those that could not be written before. What cannot be written is kept for the next time.
    async fn write(&mut self, rows: Vec<Row>) {
        let was_held = self.is_held();
        let mut all = std::mem::take(&mut self.state.unwritten);
        all.extend(rows);
        let batch = all.clone();
        match self.store.call(move |store| store.write(&batch)).await {
            Ok(()) if was_held => info!("the database can be written again"),
            Ok(()) => {}
            Err(error) => {
                if !was_held {
                    error!(%error, "cannot write the database; nobody is told anything until it can be written");
                }
                self.state.unwritten = all;
            }
        }
    }

    /// Tells everybody, and waits a little for them to say goodbye.
    async fn leave(&mut self, inputs: &mut mpsc::UnboundedReceiver<Input>) {
        // Who waits for a session hears that the node stops, and nothing of those whom they wait for.
        self.state.waiting = WaitingRoom::default();
        // First who has streams open all the time: a session ends when its streams have.
        std::mem::take(&mut self.sources).stop().await;
        self.machine.handle_leave(self.clock.now());
        self.settle(None).await;
        let deadline = tokio::time::Instant::now() + LEAVE_WITHIN;
        while !self.is_held() && !self.live.lock().links.is_empty() {
            let input = match self.state.put_off.pop_front() {
                Some(input) => Some(input),
                None => {
                    let next = tokio::time::timeout_at(deadline, inputs.recv());
                    next.await.ok().flatten()
                }
            };
            let Some(input) = input else {
                break;
            };
            let reply = self.take(input);
            self.settle(reply).await;
        }
        self.state.farewells.close();
        // Whoever has not heard by then is told by the engine.
        let _ = tokio::time::timeout_at(deadline, self.state.farewells.wait()).await;
        self.faces.close().await;
        // What did not say goodbye in time: the tasks of a connection end when nobody can ask anything of it.
        *self.live.lock() = Table::default();
        if !self.state.unwritten.is_empty() {
            warn!("{} rows could not be written", self.state.unwritten.len());
        }
    }
}

/// Everybody whom the owner of this node has blocked.
pub(super) fn blocked(machine: &Peer) -> BTreeSet<PeerId> {
    let contacts = machine.book().contacts();
    contacts
        .filter(|contact| contact.state == ContactState::Blocked)
        .map(|contact| contact.peer)
        .collect()
}

/// The code the other side gave, if it closed and its code means something here.
fn close_code(ended: &Ended) -> Option<CloseCode> {
    match ended {
        Ended::There { code, .. } => CloseCode::from_number(*code),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
