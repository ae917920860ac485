//! The loop that drives the machine: what happens goes in, what it asks for is done. There are no decisions here.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use kith_core::crypto::SecretKey;
use kith_core::discovery::Record;
use kith_core::ids::{DeviceKey, Face, Locator, PeerId};
use kith_core::peer::{Event, Output, Peer};
use kith_core::routing::{CloseCode, ConnId, Connected, DialId, Target, UnreachableReason};
use kith_core::row::Row;
use kith_core::time::Time;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::AbortHandle;
use tokio_util::task::TaskTracker;
use tracing::{debug, error, info, warn};

use super::faces::Faces;
use super::link::LinkTasks;
use super::live::{Link, Live, Standing};
use super::protocols::Protocols;
use super::registrar::{Errand, Registrars};
use super::streams::OpenStreams;
use crate::clock;
use crate::discovery::{Announcement, Finding, Order, Running};
use crate::error::Error;
use crate::routing::{Connection, Ended, FaceEndpoint, PathSummary};
use crate::store::Store;

/// How long a shutdown waits for the other sides to finish their streams and say goodbye.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);

/// How long the machine may go without being asked what is due. A clock that jumps is noticed within it.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(60);

/// What a question's answer does once everything the question led to is durable.
pub(super) type Reply = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// Something for the machine.
pub(super) enum Input {
    /// Somebody wants to open streams.
    Open { target: Target, reached: oneshot::Sender<Result<(), UnreachableReason>> },
    /// Something to do with the machine itself.
    Ask(Box<dyn FnOnce(&mut Peer, Time) -> Reply + Send>),
    /// A dial is over.
    Dialled { dial: DialId, face: Face, connection: Option<Connection> },
    /// Somebody dialled us.
    Incoming { face: Face, connection: Connection },
    /// Bytes of a control stream.
    Control { conn: ConnId, bytes: Vec<u8> },
    /// Another path.
    Path { conn: ConnId, path: PathSummary },
    /// The end of a connection.
    Closed { conn: ConnId, ended: Ended },
    /// How many streams are open.
    Streams { conn: ConnId, open: u32 },
    /// A face is elsewhere.
    Route { face: Face, route: kith_core::address::Route },
    /// An introducer's answer to a look-up.
    Records { locator: Locator, records: Vec<Record> },
    /// An introducer holds a newer record.
    Stale { peer: PeerId, newest: u64 },
    /// An introducer does not answer.
    IntroducerDown(DeviceKey),
    /// Somebody on the local network.
    Finding(Finding),
    /// The table of protocols is different.
    ProtocolsChanged,
    /// The interfaces are different.
    NetworkChanged,
    /// The contact face was bound anew.
    Rotated { endpoint: FaceEndpoint, secret: SecretKey },
    /// The end.
    Shutdown { done: oneshot::Sender<()> },
}

/// Owns the machine and everything it steers.
pub(super) struct Actor {
    pub(super) machine: Peer,
    pub(super) store: Store,
    pub(super) faces: Faces,
    pub(super) live: Live,
    pub(super) protocols: Protocols,
    pub(super) registrars: Registrars,
    pub(super) lan: Option<Running>,
    pub(super) events: broadcast::Sender<Event>,
    pub(super) inputs: mpsc::UnboundedSender<Input>,
    pub(super) tasks: TaskTracker,
    pub(super) state: State,
}

/// What the loop remembers between two inputs.
#[derive(Default)]
pub(super) struct State {
    connections: u64,
    dials: HashMap<DialId, AbortHandle>,
    sessions: HashMap<ConnId, watch::Sender<Option<Standing>>>,
    waiting: BTreeMap<Target, Vec<oneshot::Sender<Result<(), UnreachableReason>>>>,
    /// Rows that could not be written yet.
    unwritten: Vec<Row>,
}

impl Actor {
    /// Runs until it is told to shut down.
    pub(super) async fn run(mut self, mut inputs: mpsc::UnboundedReceiver<Input>) {
        loop {
            let wait = self.wait();
            let input = tokio::select! {
                input = inputs.recv() => input,
                () = tokio::time::sleep(wait) => {
                    self.machine.handle_timeout(clock::now());
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
        let due = self.machine.poll_timeout();
        due.map_or(LOOK_AT_CLOCK, |due| due.since(clock::now()).min(LOOK_AT_CLOCK))
    }

    /// Tells the machine.
    fn take(&mut self, input: Input) -> Option<Reply> {
        let now = clock::now();
        match input {
            Input::Ask(question) => return Some(question(&mut self.machine, now)),
            Input::Open { target, reached } => self.open(now, target, reached),
            Input::Dialled { dial, face, connection } => {
                self.state.dials.remove(&dial);
                match connection {
                    Some(connection) => self.connected(now, Some(dial), face, connection),
                    None => self.machine.handle_dial_failed(now, dial),
                }
            }
            Input::Incoming { face, connection } => self.connected(now, None, face, connection),
            Input::Control { conn, bytes } => self.machine.handle_bytes(now, conn, &bytes),
            Input::Path { conn, path } => debug!(conn = conn.0, kind = ?path.kind, "path"),
            Input::Closed { conn, ended } => {
                self.forget(conn);
                self.machine.handle_closed(now, conn, close_code(&ended));
            }
            Input::Streams { conn, open } => self.machine.handle_streams(now, conn, open),
            Input::Route { face, route } => self.machine.handle_route(now, face, route),
            Input::Records { locator, records } => self.machine.handle_records(now, locator, &records),
            Input::Stale { peer, newest } => self.machine.handle_stale(now, peer, newest),
            Input::IntroducerDown(key) => self.machine.handle_introducer_down(now, key),
            Input::Finding(Finding::Neighbour(neighbour)) => {
                let mut route = kith_core::address::Route::new(neighbour.advertisement.device);
                route.addresses = neighbour.addresses;
                self.machine.handle_sighting(now, neighbour.advertisement, route);
            }
            Input::Finding(Finding::Left(device)) => self.machine.handle_sighting_gone(device),
            Input::Finding(_) => {}
            Input::ProtocolsChanged => {
                let spoken = self.protocols.listed();
                self.machine.handle_protocols(now, spoken);
            }
            Input::NetworkChanged => self.faces.network_changed(&self.tasks),
            Input::Rotated { endpoint, secret } => {
                self.faces.rotate(endpoint, &self.inputs, &self.tasks);
                self.machine.handle_device(now, Face::Contact, secret);
            }
            Input::Shutdown { .. } => {}
        }
        None
    }

    fn open(&mut self, now: Time, target: Target, reached: oneshot::Sender<Result<(), UnreachableReason>>) {
        let stands = self.live.preferred(target).is_some_and(|link| link.connection.end().is_none());
        if stands {
            // Who asked may have given up.
            let _ = reached.send(Ok(()));
            return;
        }
        self.state.waiting.entry(target).or_default().push(reached);
        self.machine.handle_open(now, target);
    }

    fn connected(&mut self, now: Time, dial: Option<DialId>, face: Face, connection: Connection) {
        let Some(local) = self.faces.device(face) else { return };
        self.state.connections += 1;
        let conn = ConnId(self.state.connections);
        let inputs = self.inputs.clone();
        let streams = OpenStreams::new(move |open| {
            // A node that is shutting down need not be told.
            let _ = inputs.send(Input::Streams { conn, open });
        });
        let (control, control_bytes) = mpsc::unbounded_channel();
        let (session, session_watch) = watch::channel(None);
        let link = Link { connection: connection.clone(), face, streams: streams.clone(), control, session: None };
        self.live.lock().links.insert(conn, link);
        self.state.sessions.insert(conn, session);
        let (remote, observed, exporter) = (connection.remote(), connection.observed(), *connection.exporter());
        LinkTasks {
            conn,
            connection,
            inputs: self.inputs.clone(),
            protocols: self.protocols.clone(),
            streams,
            session: session_watch,
            tasks: self.tasks.clone(),
        }
        .start(control_bytes);
        let connected = Connected { conn, dial, face, local, remote, observed };
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
        match output {
            Output::Dial { dial, face, route } => self.dial(dial, face, route),
            Output::CancelDial { dial } => {
                if let Some(task) = self.state.dials.remove(&dial) {
                    task.abort();
                }
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
            Output::Relays { face, introducers } => self.faces.set_relays(face, introducers, &self.tasks),
            Output::Publish { record, introducers, peer } => {
                for introducer in introducers {
                    self.registrars.send(&introducer, Errand::Publish { record: record.clone(), peer });
                }
            }
            Output::Lookup { locator, introducers } => {
                for introducer in introducers {
                    self.registrars.send(&introducer, Errand::Lookup { locator });
                }
            }
            Output::Advertise(advertisement) => self.announce(advertisement),
            Output::Rotate => self.faces.bind_anew(&self.inputs, &self.tasks),
            Output::Event(event) => self.tell(event),
            Output::Store(_) => {}
        }
    }

    fn dial(&mut self, dial: DialId, face: Face, route: kith_core::address::Route) {
        let inputs = self.inputs.clone();
        let Some(endpoint) = self.faces.endpoint(face) else {
            let _ = inputs.send(Input::Dialled { dial, face, connection: None });
            return;
        };
        let task = self.tasks.spawn(async move {
            let connection = match endpoint.connect(&route).await {
                Ok(connection) => Some(connection),
                Err(error) => {
                    debug!(dial = dial.0, %error, "dial failed");
                    None
                }
            };
            let _ = inputs.send(Input::Dialled { dial, face, connection });
        });
        self.state.dials.insert(dial, task.abort_handle());
    }

    fn announce(&self, advertisement: kith_core::discovery::Advertisement) {
        let (Some(lan), Some((port, port_v6))) = (&self.lan, self.faces.contact_ports()) else { return };
        let announcement = Announcement { advertisement, port, port_v6, addresses: Vec::new() };
        lan.order(Order::Announce(Some(announcement)));
    }

    fn tell(&mut self, event: Event) {
        match &event {
            Event::Up(session) => {
                let standing = Standing { peer: session.peer, level: session.level, remote: session.remote };
                if let Some(link) = self.live.lock().links.get_mut(&session.conn) {
                    link.session = Some(standing);
                }
                if let Some(sender) = self.state.sessions.get(&session.conn) {
                    sender.send_replace(Some(standing));
                }
                info!(level = ?session.level, face = ?session.face, "a session stands");
            }
            Event::Reached { target } => self.wake(*target, Ok(())),
            Event::Unreachable { target, reason } => self.wake(*target, Err(*reason)),
            Event::Down { reason, .. } => info!(?reason, "a session ended"),
            _ => {}
        }
        // Nobody may be listening.
        let _ = self.events.send(event);
    }

    fn wake(&mut self, target: Target, result: Result<(), UnreachableReason>) {
        for waiting in self.state.waiting.remove(&target).unwrap_or_default() {
            let _ = waiting.send(result);
        }
    }

    fn forget(&mut self, conn: ConnId) -> Option<Link> {
        self.state.sessions.remove(&conn);
        self.live.lock().links.remove(&conn)
    }

    /// Tells everybody, and waits a little for them to say goodbye.
    async fn leave(&mut self, inputs: &mut mpsc::UnboundedReceiver<Input>) {
        self.machine.handle_leave(clock::now());
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
        if let Some(lan) = self.lan.take() {
            lan.stop().await;
        }
        self.faces.close().await;
        if !self.state.unwritten.is_empty() {
            warn!("{} rows could not be written", self.state.unwritten.len());
        }
    }
}

/// The code the other side gave, if it closed and its code means something here.
fn close_code(ended: &Ended) -> Option<CloseCode> {
    match ended {
        Ended::There { code, .. } => CloseCode::from_number(*code),
        _ => None,
    }
}
