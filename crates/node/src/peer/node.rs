//! The handle of a running node: what an application holds.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use kith_core::identity::Contact;
use kith_core::ids::{DeviceKey, Face, PeerId};
use kith_core::introducer::Introducer;
use kith_core::peer::Peer;
use kith_core::protocol::ProtocolName;
use kith_core::routing::{Access, Level, Offer, Target, UnreachableReason};
use kith_core::time::Time;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::event::{Event, Source};
use super::input::Input;
use super::live::{Link, Live, Standing};
use super::place::Place;
use super::protocols::{Acceptor, Protocols};
use super::stream::Stream;
use crate::content::Shares;
use crate::content::swarm::{Getting, Giving};
use crate::error::Error;
use crate::home::Home;
use crate::protocol::Services;
use crate::routing::{Connection, FaceEndpoint, PathKind, PathSummary};
use crate::store::Store;

/// How long opening a stream waits for a session: the machine's own bounds for looking up and dialling, and a second try.
pub const OPEN_WITHIN: Duration = Duration::from_secs(30);

/// How often a stream is opened anew because its session ended before the answer: once for a session that both sides know
/// to be over, once for one of two that crossed, and once more.
pub const AGREED_ATTEMPTS_MAX: u32 = 3;

/// A running node. Clones share it; it stops by [`Node::shutdown`].
#[derive(Clone, Debug)]
pub struct Node(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) peer: PeerId,
    pub(super) inputs: mpsc::UnboundedSender<Input>,
    pub(super) live: Live,
    pub(super) protocols: Protocols,
    pub(super) events: broadcast::Sender<Event>,
    pub(super) store: Store,
    pub(super) services: Services,
    pub(super) shares: Arc<Shares>,
    pub(super) getting: Arc<Getting>,
    pub(super) giving: Arc<Giving>,
    /// Whether streams may travel over TCP.
    pub(super) express: bool,
    pub(super) place: Place,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
}

/// A node whose last handle is gone ends as well as it can without anybody waiting for it.
impl Drop for Inner {
    fn drop(&mut self) {
        let (done, _) = oneshot::channel();
        // The loop may be over already.
        let _ = self.inputs.send(Input::Shutdown { done });
        self.stop.cancel();
    }
}

/// A handle that does not keep a node alive.
#[derive(Clone, Debug)]
pub(crate) struct WeakNode(Weak<Inner>);

impl WeakNode {
    pub(crate) fn upgrade(&self) -> Option<Node> {
        self.0.upgrade().map(Node)
    }
}

/// A session as it stands.
#[derive(Clone, Debug)]
pub struct SessionInfo {
    /// Who is there; `None` for a stranger.
    pub peer: Option<PeerId>,
    /// The device there.
    pub device: DeviceKey,
    /// On which of our endpoints.
    pub face: Face,
    /// The path data takes now.
    pub path: Option<PathSummary>,
    /// Streams open.
    pub streams: u32,
    /// Bytes sent and received over UDP since it stands.
    pub bytes: (u64, u64),
}

impl Node {
    /// Who this node is.
    pub fn peer_id(&self) -> PeerId {
        self.0.peer
    }

    /// Where it keeps its things.
    pub fn home(&self) -> &Home {
        &self.0.place.home
    }

    /// The services it offers for good.
    pub(crate) fn services(&self) -> &Services {
        &self.0.services
    }

    /// Its database, for rooms with tables of their own.
    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// What it shares.
    pub(super) fn shares(&self) -> &Arc<Shares> {
        &self.0.shares
    }

    /// The side of its swarms that wants.
    pub(crate) fn getting(&self) -> &Arc<Getting> {
        &self.0.getting
    }

    /// The side of its swarms that gives.
    pub(crate) fn giving(&self) -> &Arc<Giving> {
        &self.0.giving
    }

    /// Follows what happens. A receiver that is slow misses the oldest.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// The keys its faces present now.
    pub async fn devices(&self) -> Result<Vec<(Face, DeviceKey)>, Error> {
        self.ask(|machine, _| machine.devices()).await
    }

    /// The endpoint behind a face as it is now, for a look at the network; the contact face's is another every day.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn endpoint(&self, face: Face) -> Result<Option<FaceEndpoint>, Error> {
        let (answer, answered) = oneshot::channel();
        self.send(Input::Endpoint { face, answer })?;
        answered.await.map_err(|_| Error::Closed)
    }

    /// The introducers it uses.
    pub async fn introducers(&self) -> Result<Vec<Introducer>, Error> {
        self.ask(|machine, _| machine.introducers().to_vec()).await
    }

    /// Uses these introducers from now on, and no others.
    pub async fn set_introducers(&self, introducers: Vec<Introducer>) -> Result<(), Error> {
        self.ask(|machine, now| machine.handle_introducers(now, introducers))
            .await
    }

    /// Waits until the faces are reachable by a relay, for `within` at most; not at all where no introducer is used.
    pub(super) async fn wait_for_place(&self, within: Duration) -> Result<(), Error> {
        if self.introducers().await?.is_empty() {
            return Ok(());
        }
        let deadline = tokio::time::Instant::now() + within;
        for face in [Face::Public, Face::Contact] {
            let Some(endpoint) = self.endpoint(face).await? else {
                continue;
            };
            let mut routes = endpoint.watch_route();
            let placed = routes.wait_for(|route| !route.relays.is_empty());
            if let Ok(Ok(route)) = tokio::time::timeout_at(deadline, placed).await {
                // The machine hears of it by itself, but perhaps after the next question.
                let route = route.clone();
                self.send(Input::Route { face, route })?;
            }
        }
        Ok(())
    }

    /// Whether the introducer of this key, one of [`Node::introducers`], answers within `wait`.
    pub async fn introducer_answers(&self, introducer: DeviceKey, wait: Duration) -> bool {
        let target = Target::Device(introducer);
        self.link(target, Instant::now() + wait).await.is_ok()
    }

    /// Opens a stream to a contact, in the first of these protocols that both speak; or to a peer that is none but wants to
    /// be found ([`NodeBuilder::findable`](super::NodeBuilder::findable)), as a stranger.
    ///
    /// With one protocol nothing is waited for on a standing session: write at once; a refusal shows when reading (or in
    /// [`Stream::agreed`]). With several the other side's choice is waited for.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when there is no way to them, [`Error::Refused`] when they speak none of several.
    pub async fn open(&self, peer: PeerId, protocols: &[ProtocolName]) -> Result<Stream, Error> {
        let target = self.target_of(peer).await?;
        self.open_to(target, protocols).await
    }

    /// As whom to reach a peer: a contact as such, anybody else by the device that they are listed with.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when no introducer in use lists them.
    async fn target_of(&self, peer: PeerId) -> Result<Target, Error> {
        let contact = Target::Peer(peer);
        if self.0.live.preferred(contact).is_some() {
            return Ok(contact);
        }
        let mut events = self.events();
        let is_contact = self.ask(move |machine, now| {
            let is_contact = machine.book().contact(&peer).is_some();
            if !is_contact {
                machine.handle_locate(now, peer);
            }
            is_contact
        });
        if is_contact.await? {
            return Ok(contact);
        }
        let located = async {
            loop {
                match events.recv().await {
                    Ok(Event::Located { peer: of, device }) if of == peer => return device,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        };
        let located = tokio::time::timeout(OPEN_WITHIN, located).await;
        let device = located.ok().flatten();
        device
            .map(Target::Device)
            .ok_or_else(|| Error::unreachable(peer, None, UnreachableReason::NoRoute))
    }

    /// Opens a stream to a contact and waits until they agree to speak one of these protocols. Where the session ends
    /// before they answer, it is tried again on another.
    ///
    /// # Errors
    /// As [`Node::open`], and [`Error::Refused`] with a single protocol too.
    pub async fn open_agreed(
        &self,
        peer: PeerId,
        protocols: &[ProtocolName],
    ) -> Result<Stream, Error> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let mut stream = self.open(peer, protocols).await?;
            let agreed = stream.agreed().await.map(|_| ());
            match agreed {
                Ok(()) => return Ok(stream),
                Err(_) if stream.connection().end().is_some() && attempts < AGREED_ATTEMPTS_MAX => {
                }
                Err(error) => return Err(Error::stream(&peer.to_string(), &protocols[0], error)),
            }
        }
    }

    /// Opens a stream to a device, whoever it is: an introducer.
    pub(crate) async fn open_to(
        &self,
        target: Target,
        protocols: &[ProtocolName],
    ) -> Result<Stream, Error> {
        let offer = Offer::new(protocols.to_vec()).ok_or(Error::Offers)?;
        let deadline = Instant::now() + OPEN_WITHIN;
        loop {
            let link = self.link(target, deadline).await?;
            match open_on(&link, target, &offer).await {
                Ok(mut stream) => {
                    if !offer.is_certain() {
                        let refused =
                            |error| Error::stream(&target_name(target), &protocols[0], error);
                        stream.agreed().await.map_err(refused)?;
                    }
                    return Ok(stream);
                }
                // The session ended under us; the machine has been told and finds another.
                Err(_) if Instant::now() < deadline => tokio::task::yield_now().await,
                Err(error) => {
                    return Err(Error::io(
                        format!("the session with {} ended", target_name(target)),
                        error,
                    ));
                }
            }
        }
    }

    /// The connection to open streams on, once there is one.
    async fn link(&self, target: Target, deadline: Instant) -> Result<Link, Error> {
        let unreachable = |reason| Error::Unreachable {
            name: target_name(target),
            reason,
        };
        loop {
            if let Some(link) = self.0.live.preferred(target)
                && link.connection.end().is_none()
            {
                return Ok(link);
            }
            let (sender, receiver) = oneshot::channel();
            self.send(Input::Open {
                target,
                reached: sender,
            })?;
            let wait = tokio::time::timeout_at(deadline.into(), receiver);
            match wait.await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(reason))) => return Err(unreachable(reason)),
                Ok(Err(_)) => return Err(Error::Closed),
                Err(_) => return Err(unreachable(UnreachableReason::NoAnswer)),
            }
        }
    }

    /// Begins to accept streams in a protocol from those who have `access`, and tells them that it is spoken.
    ///
    /// # Errors
    /// [`Error::Accept`] when somebody in this process accepts it already.
    pub fn accept(&self, protocol: ProtocolName, access: Access) -> Result<Acceptor, Error> {
        Ok(self.0.protocols.accept(protocol, access.clone(), access)?)
    }

    /// As [`Node::accept`], but tells only those in `listed` that it is spoken.
    pub(crate) fn accept_unlisted(
        &self,
        protocol: ProtocolName,
        access: Access,
        listed: Access,
    ) -> Result<Acceptor, Error> {
        Ok(self.0.protocols.accept(protocol, access, listed)?)
    }

    /// The contact, petname or PeerId, that `text` names.
    ///
    /// # Errors
    /// [`Error::UnknownContact`].
    pub async fn find(&self, text: &str) -> Result<Contact, Error> {
        let wanted = text.to_owned();
        let book = self.ask(move |machine, _| {
            let book = machine.book();
            book.find(&wanted).map(|peer| book.contact(&peer).cloned())
        });
        book.await??
            .ok_or_else(|| Error::UnknownContact(text.to_owned()))
    }

    /// The sessions that stand.
    pub fn sessions(&self) -> Vec<SessionInfo> {
        let table = self.0.live.lock();
        let mut sessions: Vec<_> = table
            .links
            .values()
            .filter_map(|link| {
                let standing = link.session?;
                let stats = link.connection.engine().stats();
                Some(SessionInfo {
                    peer: standing.peer,
                    device: standing.remote,
                    face: link.face,
                    path: link.connection.path(),
                    streams: link.streams.open(),
                    bytes: (stats.udp_tx.bytes, stats.udp_rx.bytes),
                })
            })
            .collect();
        sessions.sort_by_key(|session| (session.peer, session.face));
        sessions
    }

    /// The path to a contact: `None` while no session stands.
    pub fn path_to(&self, peer: PeerId) -> Option<PathSummary> {
        self.0
            .live
            .preferred(Target::Peer(peer))
            .and_then(|link| link.connection.path())
    }

    /// Whether a stream to `peer` would be opened on this connection now.
    pub(crate) fn prefers(&self, peer: PeerId, connection: &Connection) -> bool {
        let preferred = self.0.live.preferred(Target::Peer(peer));
        preferred.is_some_and(|link| link.connection.number() == connection.number())
    }

    /// How a contact was found last since this node runs; `None` when it was not looked for, or is nowhere to be found.
    pub fn found_by(&self, peer: PeerId) -> Option<Source> {
        self.0.live.lock().found.get(&peer).copied()
    }

    /// Waits until the path to a contact is direct.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when it is not within `wait`.
    pub async fn wait_direct(&self, peer: PeerId, wait: Duration) -> Result<PathSummary, Error> {
        let deadline = Instant::now() + wait;
        let link = self.link(Target::Peer(peer), deadline).await?;
        let mut changes = link.connection.path_changes();
        let direct = async {
            loop {
                match link.connection.path() {
                    Some(path) if path.kind == PathKind::Direct => return Some(path),
                    _ => changes.next().await?,
                };
            }
        };
        let found = tokio::time::timeout_at(deadline.into(), direct)
            .await
            .ok()
            .flatten();
        found.ok_or_else(|| Error::unreachable(peer, None, UnreachableReason::NoAnswer))
    }

    /// Tells the engine that an interface came, went or changed, where the system does not say so itself.
    pub fn network_changed(&self) {
        // A node that is shutting down has no use for it.
        let _ = self.send(Input::NetworkChanged);
    }

    /// Ends all sessions, waits until the other sides are told and everything is on disk. Its data directory is free then.
    pub async fn shutdown(&self) {
        let (sender, receiver) = oneshot::channel();
        if self.send(Input::Shutdown { done: sender }).is_ok() {
            let _ = receiver.await;
        }
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.place.release();
    }

    /// Runs `question` where the machine is.
    pub(crate) async fn ask<R: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Peer, Time) -> R + Send + 'static,
    ) -> Result<R, Error> {
        let (sender, receiver) = oneshot::channel();
        self.send(Input::Ask(Box::new(move |machine, now| {
            let answer = question(machine, now);
            Box::new(move |durable: Result<(), Error>| {
                // Who asked may have gone.
                let _ = sender.send(durable.map(|()| answer));
            })
        })))?;
        receiver.await.map_err(|_| Error::Closed)?
    }

    pub(super) fn send(&self, input: Input) -> Result<(), Error> {
        self.0.inputs.send(input).map_err(|_| Error::Closed)
    }

    /// Tells the machine, if it still runs.
    pub(super) fn tell(&self, input: Input) {
        // A node that is shutting down need not be told.
        let _ = self.send(input);
    }

    /// Runs a task that ends with the node.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.0.stop.clone();
        self.0.tasks.spawn(async move {
            let _ = stop.run_until_cancelled(task).await;
        });
    }

    pub(crate) fn downgrade(&self) -> WeakNode {
        WeakNode(Arc::downgrade(&self.0))
    }
}

/// Opens a stream and sends the offer; nothing is waited for but room for one more stream.
pub(super) async fn open_on(link: &Link, target: Target, offer: &Offer) -> std::io::Result<Stream> {
    let open = link.streams.count();
    let (mut send, receive) = link
        .connection
        .open_stream()
        .await
        .map_err(std::io::Error::other)?;
    send.write_chunk(offer.framed().into())
        .await
        .map_err(std::io::Error::other)?;
    let standing = link.session.or(match target {
        // A stream may be opened before they have answered who they are; it ends if they turn out to be another.
        Target::Peer(peer) => Some(Standing {
            peer: Some(peer),
            level: Level::Guest,
            remote: link.connection.remote(),
        }),
        Target::Device(_) => None,
    });
    Ok(Stream::opened(
        (send, receive),
        offer.clone(),
        standing,
        link.connection.clone(),
        open,
    ))
}

fn target_name(target: Target) -> String {
    match target {
        Target::Peer(peer) => peer.to_string(),
        Target::Device(device) => device.to_string(),
    }
}
