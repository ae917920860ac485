//! The loop that drives the machine: what happens goes in, what it asks for is done. There are no decisions here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kith_core::address::Route;
use kith_core::discovery::Advertisement;
use kith_core::identity::{self, ContactState};
use kith_core::ids::{Face, PeerId};
use kith_core::peer::{Event, Output, Peer};
use kith_core::routing::{
    CloseCode, ConnId, Connected, DialId, Session, Target, UnreachableReason,
};
use kith_core::row::Row;
use kith_core::time::Time;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;
use tracing::{debug, error, info, trace, warn};

use super::begun::{Begun, ControlStream};
use super::faces::Faces;
use super::input::{Input, Reply};
use super::link::LinkTasks;
use super::live::{Link, Live, Standing, Stood, Table};
use super::paths::Paths;
use super::protocols::Protocols;
use super::relay::ContactRelay;
use super::sources::Sources;
use super::streams::OpenStreams;
use super::unread::Crowd;
use crate::clock::Clock;
use crate::content::Shares;
use crate::discovery::{Announcement, Finding, Order};
use crate::error::Error;
use crate::routing::{Connection, Ended, PathSummary};
use crate::store::Store;

/// How long a shutdown waits for the other sides to finish their streams and say goodbye.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

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
    dials: HashMap<DialId, UnderWay>,
    sessions: HashMap<ConnId, watch::Sender<Option<Standing>>>,
    waiting: BTreeMap<Target, Vec<Waiting>>,
    paths: Paths,
    /// Rows that could not be written yet.
    unwritten: Vec<Row>,
}

/// Who waits to open streams.
struct Waiting {
    /// Whether only a session that stands will do.
    standing: bool,
    reached: oneshot::Sender<Result<(), UnreachableReason>>,
}

/// A dial that has not ended: an attempt for each route it was given.
struct UnderWay {
    face: Face,
    attempts: Vec<AbortHandle>,
    failed: usize,
}

impl Actor {
    /// Runs until it is told to shut down.
    pub(super) async fn run(mut self, mut inputs: mpsc::UnboundedReceiver<Input>) {
        loop {
            let wait = self.wait();
            let input = tokio::select! {
                input = inputs.recv() => input,
                () = tokio::time::sleep(wait) => {
                    self.machine.handle_timeout(self.clock.now());
                    self.seek_paths();
                    self.settle(None).await;
                    continue;
                }
            };
            match input {
                None => return,
                Some(Input::Shutdown { done }) => {
                    self.leave(&mut inputs).await;
                    // Who asked may have gone.
                    let _ = done.send(());
                    return;
                }
                Some(input) => {
                    let reply = self.take(input);
                    self.settle(reply).await;
                }
            }
        }
    }

    /// How long until the machine has something to do.
    fn wait(&self) -> Duration {
        let due = [self.machine.poll_timeout(), self.state.paths.next_due()];
        let due = due.into_iter().flatten().min();
        due.map_or(LOOK_AT_CLOCK, |due| {
            due.since(self.clock.now()).min(LOOK_AT_CLOCK)
        })
    }

    /// Tells the machine.
    fn take(&mut self, input: Input) -> Option<Reply> {
        let now = self.clock.now();
        match input {
            Input::Ask(question) => return Some(question(&mut self.machine, now)),
            Input::Open {
                target,
                standing,
                reached,
            } => self.open(now, target, Waiting { standing, reached }),
            Input::Dialled { dial, face, begun } => self.dialled(now, dial, face, begun),
            Input::Incoming { face, connection } => self.connected(now, None, face, connection),
            Input::Control { conn, bytes } => self.machine.handle_bytes(now, conn, &bytes),
            Input::Path { conn, path } => self.on_path(now, conn, path),
            Input::Closed { conn, ended } => {
                self.forget(conn);
                self.machine.handle_closed(now, conn, close_code(&ended));
            }
            Input::Streams { conn, open } => self.machine.handle_streams(now, conn, open),
            Input::Route { face, route } => {
                // The contact face is elsewhere when an interface came or went.
                if let Some(relay) = self.relay.as_ref().filter(|_| face == Face::Contact) {
                    self.machine.handle_interfaces(now, relay.interfaces());
                }
                self.machine.handle_route(now, face, route);
            }
            Input::OwnRelay(relay) => self.machine.handle_own_relay(now, relay),
            Input::Finding(finding) => self.found(now, finding),
            Input::ProtocolsChanged => {
                let spoken = self.protocols.listed();
                self.machine.handle_protocols(now, spoken);
            }
            Input::Endpoint { face, answer } => {
                // Who asked may have gone.
                let _ = answer.send(self.faces.endpoint(face));
            }
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

    /// A connection runs over another path.
    fn on_path(&mut self, now: Time, conn: ConnId, path: PathSummary) {
        debug!(conn = conn.0, kind = ?path.kind, "path");
        let table = self.live.lock();
        let dialled = table.links.get(&conn);
        if let Some(link) = dialled.filter(|link| link.connection.is_dialler()) {
            let paths = &mut self.state.paths;
            paths.handle_path(now, conn, link.face, path.kind);
        }
    }

    /// Looks for the direct paths that were lost, where it is time to.
    fn seek_paths(&mut self) {
        for face in self.state.paths.take_due(self.clock.now()) {
            if let Some(endpoint) = self.faces.endpoint(face) {
                debug!(?face, "seeking direct paths");
                self.tasks
                    .spawn(async move { endpoint.seek_direct_paths().await });
            }
        }
    }

    /// One attempt of a dial is over: the dial is when one led somewhere, or all led nowhere.
    fn dialled(&mut self, now: Time, dial: DialId, face: Face, begun: Option<Begun>) {
        if let Some(Begun {
            connection,
            control,
        }) = begun
        {
            self.end_dial(dial);
            self.connected(now, Some((dial, control)), face, connection);
            return;
        }
        let Some(under_way) = self.state.dials.get_mut(&dial) else {
            return;
        };
        under_way.failed += 1;
        if under_way.failed >= under_way.attempts.len() {
            self.state.dials.remove(&dial);
            self.machine.handle_dial_failed(now, dial);
        }
    }

    fn end_dial(&mut self, dial: DialId) {
        for attempt in self
            .state
            .dials
            .remove(&dial)
            .into_iter()
            .flat_map(|it| it.attempts)
        {
            attempt.abort();
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
            // Who asked may have given up.
            let _ = waiting.reached.send(Ok(()));
            return;
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
        self.state.waiting.entry(target).or_default().push(waiting);
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
        self.forget(conn);
        self.machine.handle_closed(now, conn, close_code(&ended));
        true
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
        let streams = OpenStreams::new(move |open| {
            // A node that is shutting down need not be told.
            let _ = inputs.send(Input::Streams { conn, open });
        });
        let (control, control_bytes) = mpsc::unbounded_channel();
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

    /// Does everything the machine asks for, and answers once it is done.
    async fn settle(&mut self, reply: Option<Reply>) {
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Store(rows) => self.write(rows).await,
                output => self.perform(output),
            }
        }
        if let Some(reply) = reply {
            let durable = if self.state.unwritten.is_empty() {
                Ok(())
            } else {
                let full = std::io::Error::other("the database cannot be written now; see the log");
                Err(Error::io("not saved", full))
            };
            reply(durable);
        }
    }

    /// Makes rows durable. What cannot be written is kept and written first the next time.
    async fn write(&mut self, rows: Vec<Row>) {
        let mut all = std::mem::take(&mut self.state.unwritten);
        all.extend(rows);
        let batch = all.clone();
        if let Err(error) = self.store.call(move |store| store.write(&batch)).await {
            error!(%error, "cannot write the database; keeping {} rows in memory", all.len());
            self.state.unwritten = all;
        }
    }

    fn perform(&mut self, output: Output) {
        trace!(?output, "the machine asks");
        match output {
            Output::Dial { dial, face, route } => self.dial(dial, face, route),
            Output::Refine { dial, route } => {
                // A second attempt beside the first: the engine learns the route, and whichever answers first counts.
                if let Some(face) = self.state.dials.get(&dial).map(|under_way| under_way.face) {
                    self.dial(dial, face, route);
                }
            }
            Output::CancelDial { dial } => {
                self.end_dial(dial);
            }
            Output::Send { conn, bytes } => {
                if let Some(link) = self.live.lock().links.get(&conn) {
                    // A control stream that is over ends with its connection, which is told by itself.
                    let _ = link.control.send(bytes);
                }
            }
            Output::Close { conn, code } => {
                if let Some(link) = self.forget(conn) {
                    link.connection.close(code.number(), "");
                }
            }
            Output::StreamLimit { conn, streams_max } => {
                if let Some(link) = self.live.lock().links.get(&conn) {
                    // The control stream counts as one.
                    link.connection.set_stream_limit(streams_max + 1);
                }
            }
            Output::Prefer { target, conn } => {
                let preferred = &mut self.live.lock().preferred;
                match conn {
                    Some(conn) => preferred.insert(target, conn),
                    None => preferred.remove(&target),
                };
            }
            Output::Relays { face, introducers } => self.faces.set_relays(face, introducers),
            Output::OfferRelay(offer) => {
                if let Some(relay) = &self.relay {
                    let port = self.faces.contact_ports().map_or(0, |(port, _)| port);
                    relay.offer(offer, port);
                }
            }
            Output::Visit(visit) => self.sources.order(&Order::Visit(visit)),
            Output::Learn { peer, routes } => self.sources.order(&Order::Learn { peer, routes }),
            Output::Advertise(advertisement) => self.announce(advertisement),
            Output::Rotate => self.faces.bind_anew(&self.inputs, &self.tasks),
            Output::Event(event) => self.tell(event),
            Output::Store(_) => {}
        }
    }

    fn dial(&mut self, dial: DialId, face: Face, route: Route) {
        let inputs = self.inputs.clone();
        let endpoint = self.faces.endpoint(face);
        let task = self.tasks.spawn(async move {
            let connection = match endpoint {
                Some(endpoint) => endpoint.connect(&route).await.map_err(|error| {
                    debug!(dial = dial.0, %error, "dial failed");
                }),
                None => Err(()),
            };
            let begun = match connection {
                Ok(connection) => Begun::on(connection).await,
                Err(()) => None,
            };
            let _ = inputs.send(Input::Dialled { dial, face, begun });
        });
        let under_way = self.state.dials.entry(dial).or_insert_with(|| UnderWay {
            face,
            attempts: Vec::new(),
            failed: 0,
        });
        under_way.attempts.push(task.abort_handle());
    }

    fn announce(&self, advertisement: Advertisement) {
        let Some((port, port_v6)) = self.faces.contact_ports() else {
            return;
        };
        let announcement = Announcement {
            advertisement,
            port,
            port_v6,
            addresses: Vec::new(),
        };
        self.sources.order(&Order::Announce(Some(announcement)));
    }

    fn tell(&mut self, event: Event) {
        match &event {
            Event::Up(session) | Event::Trusted(session) => self.stand(session),
            Event::Reached { target } => {
                let preferred = self.live.preferred(*target);
                let stands = preferred.is_some_and(|link| link.is_usable(true));
                self.wake(*target, stands, Ok(()));
            }
            Event::Unreachable { target, reason } => self.wake(*target, true, Err(*reason)),
            Event::Down { reason, .. } => info!(?reason, "a session ended"),
            Event::Found { peer, source } => {
                self.live.lock().found.insert(*peer, *source);
            }
            Event::Book(identity::Event::Removed { peer }) => {
                self.live.lock().found.remove(peer);
            }
            _ => {}
        }
        if let Event::Book(
            identity::Event::Blocked { .. }
            | identity::Event::Changed { .. }
            | identity::Event::Removed { .. },
        ) = event
        {
            // Before whoever asked for the change is answered.
            self.shares.others().set_blocked(blocked(&self.machine));
        }
        // Nobody may be listening.
        let _ = self.events.send(event);
    }

    /// Who is at the other end of a connection is known from now on, and how far they are trusted.
    fn stand(&mut self, session: &Session) {
        let standing = Standing {
            peer: session.peer,
            level: session.level,
            remote: session.remote,
        };
        if let Some(link) = self.live.lock().links.get_mut(&session.conn) {
            link.session = Some(standing);
            link.stood.set();
        }
        if let Some(sender) = self.state.sessions.get(&session.conn) {
            sender.send_replace(Some(standing));
        }
        info!(level = ?session.level, face = ?session.face, "a session stands");
    }

    /// Tells those who wait for `target`; while no session stands, only those who do not wait for one.
    fn wake(&mut self, target: Target, stands: bool, result: Result<(), UnreachableReason>) {
        let waiting = self.state.waiting.remove(&target).unwrap_or_default();
        let (woken, patient): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|it| stands || !it.standing);
        for waiting in woken {
            // Who asked may have given up.
            let _ = waiting.reached.send(result);
        }
        if !patient.is_empty() {
            self.state.waiting.insert(target, patient);
        }
    }

    fn forget(&mut self, conn: ConnId) -> Option<Link> {
        self.state.sessions.remove(&conn);
        self.state.paths.handle_closed(conn);
        self.live.lock().links.remove(&conn)
    }

    /// Tells everybody, and waits a little for them to say goodbye.
    async fn leave(&mut self, inputs: &mut mpsc::UnboundedReceiver<Input>) {
        // First who has streams open all the time: a session ends when its streams have.
        std::mem::take(&mut self.sources).stop().await;
        self.machine.handle_leave(self.clock.now());
        self.settle(None).await;
        let deadline = tokio::time::Instant::now() + LEAVE_WITHIN;
        while !self.live.lock().links.is_empty() {
            match tokio::time::timeout_at(deadline, inputs.recv()).await {
                Ok(Some(input)) => {
                    let reply = self.take(input);
                    self.settle(reply).await;
                }
                Ok(None) | Err(_) => break,
            }
        }
        if !self.state.unwritten.is_empty() {
            self.write(Vec::new()).await;
        }
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
