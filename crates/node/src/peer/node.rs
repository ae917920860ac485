//! The handle of a running node: what an application holds.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use kith_core::identity::Contact;
use kith_core::ids::{DeviceKey, Face, PeerId};
use kith_core::introducer::Introducer;
use kith_core::peer::Peer;
use kith_core::protocol::ProtocolName;
use kith_core::routing::{Access, Target, UnreachableReason};
use kith_core::time::Time;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::contents::limits::governor::Governor;
use super::contents::reads::Reads;
use super::contents::transfers::registry::Registry;
use super::event::{Event, Source};
use super::extension::Extensions;
use super::input::Input;
use super::live::Live;
use super::place::Place;
use super::protocols::{Acceptor, Protocols};
use crate::content::swarm::{Getting, Giving, Sides};
use crate::content::{Previews, Shares};
use crate::discovery::Visits;
use crate::error::Error;
use crate::home::Home;
use crate::routing::{Connection, FaceEndpoint, PathInfo, PathKind, PathSummary};
use crate::store::Store;

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
    pub(super) extensions: Extensions,
    pub(super) visitors: Visits,
    pub(super) shares: Arc<Shares>,
    pub(super) previews: Arc<Previews>,
    pub(super) swarm: Sides,
    pub(super) transfers: Registry,
    pub(super) reads: Reads,
    pub(super) governor: Arc<Governor>,
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
    /// When its connection was made.
    pub since: Instant,
    /// The paths that are open, the one that data takes first.
    pub paths: Vec<PathInfo>,
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

    /// What a protocol keeps with the node, made when it is first asked for.
    pub(crate) fn extension<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        self.0.extensions.get()
    }

    /// Its database, for rooms with tables of their own.
    pub(crate) fn store(&self) -> &Store {
        &self.0.store
    }

    /// What it shares.
    pub(super) fn shares(&self) -> &Arc<Shares> {
        &self.0.shares
    }

    /// Small pictures of it.
    pub(super) fn previews(&self) -> &Arc<Previews> {
        &self.0.previews
    }

    /// The side of its swarms that wants.
    pub(crate) fn getting(&self) -> &Arc<Getting> {
        &self.0.swarm.getting
    }

    /// The side of its swarms that gives.
    pub(crate) fn giving(&self) -> &Arc<Giving> {
        &self.0.swarm.giving
    }

    /// What it is fetching.
    pub(super) fn transfers(&self) -> &Registry {
        &self.0.transfers
    }

    /// What is read of others' shares.
    pub(super) fn reads(&self) -> &Reads {
        &self.0.reads
    }

    /// What holds content back.
    pub(super) fn governor(&self) -> &Arc<Governor> {
        &self.0.governor
    }

    /// Follows what happens. A receiver that is slow misses the oldest.
    pub fn events(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// The keys its faces present now.
    pub async fn devices(&self) -> Result<Vec<(Face, DeviceKey)>, Error> {
        self.look(|machine, _| machine.devices()).await
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
        self.look(|machine, _| machine.introducers().to_vec()).await
    }

    /// Uses these introducers from now on, and no others.
    pub async fn set_introducers(&self, introducers: Vec<Introducer>) -> Result<(), Error> {
        self.ask(|machine, now| machine.handle_introducers(now, introducers))
            .await
    }

    /// The relay that this node runs for its contacts, while it does.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn own_relay(&self) -> Result<Option<Introducer>, Error> {
        self.look(|machine, _| machine.own_relay().cloned()).await
    }

    /// The relays of contacts that its contact face keeps to, having no introducer that answers.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn contact_relays(&self) -> Result<Vec<(PeerId, Introducer)>, Error> {
        let listed = |machine: &Peer, _: Time| {
            let relays = machine.contact_relays();
            relays.map(|(peer, relay)| (peer, relay.clone())).collect()
        };
        self.look(listed).await
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
                let turn = None;
                self.send(Input::Route { face, route, turn })?;
            }
        }
        Ok(())
    }

    /// How this node asks introducers.
    pub(crate) fn visitors(&self) -> Visits {
        self.0.visitors.clone()
    }

    /// How long the way to an introducer and back takes; `None` where it does not answer within `wait`. It is asked by nobody: with
    /// a key made for this.
    pub async fn ping_introducer(
        &self,
        introducer: &Introducer,
        wait: Duration,
    ) -> Option<Duration> {
        let answers = self.0.visitors.knock(introducer);
        tokio::time::timeout(wait, answers).await.ok().flatten()
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

    /// Those whom something is for that is offered to `names`, petnames or PeerIds; all confirmed contacts when there are none.
    ///
    /// # Errors
    /// [`Error::UnknownContact`]; [`Error::NotAllowed`] for one whom we blocked.
    pub async fn audience(&self, names: &[String]) -> Result<Access, Error> {
        let mut peers = BTreeSet::new();
        for name in names {
            let peer = self.find(name).await?.peer;
            self.unblocked(peer).await?;
            peers.insert(peer);
        }
        Ok(match peers.is_empty() {
            true => Access::Contacts,
            false => Access::Named(peers),
        })
    }

    /// The contact, petname or PeerId, that `text` names.
    ///
    /// # Errors
    /// [`Error::UnknownContact`].
    pub async fn find(&self, text: &str) -> Result<Contact, Error> {
        let wanted = text.to_owned();
        let book = self.look(move |machine, _| {
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
                    since: link.since,
                    paths: link.connection.paths(),
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
        let link = self.link(Target::Peer(peer), false, deadline).await?;
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

    /// Looks at the machine as it is, be the disk as it may: only this node's owner is told.
    pub(crate) async fn look<R: Send + 'static>(
        &self,
        question: impl FnOnce(&Peer, Time) -> R + Send + 'static,
    ) -> Result<R, Error> {
        let (sender, receiver) = oneshot::channel();
        self.send(Input::Look(Box::new(move |machine, now| {
            // Who asked may have gone.
            let _ = sender.send(question(machine, now));
        })))?;
        receiver.await.map_err(|_| Error::Closed)
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
