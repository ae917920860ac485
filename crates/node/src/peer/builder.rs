//! How a node is described and started.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kith_core::content::limits::Plan;
use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::ids::Face;
use kith_core::introducer::Introducer;
use kith_core::peer::{Config as MachineConfig, Peer, StartError};
use kith_core::row::Row;
use rustls::pki_types::CertificateDer;
use thiserror::Error;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::actor::{Actor, State, blocked};
use super::contents;
use super::contents::limits::governor::Governor;
use super::express;
use super::faces::{FacePlan, Faces};
use super::input::Input;
use super::live::Live;
use super::node::{Inner, Node};
use super::place::{Place, PlaceError};
use super::protocols::Protocols;
use super::relay::{ContactRelay, RelayPlan};
use super::sources::Sources;
use super::unread::UNREAD_MAX_TIME;
use crate::clock::Clock;
use crate::config::RelayForContacts;
use crate::content::Shares;
use crate::content::quota::COPIES_BYTES_MAX;
use crate::content::swarm::Sides;
use crate::discovery::{Interfaces, Visits};
use crate::entropy;
use crate::home::Home;
use crate::identity::keyfile::{KeyfileError, Keys};
use crate::routing::endpoint::BindError;
use crate::routing::relay_name::{RootsError, read_roots};
use crate::store::{Store, StoreError};

/// Events a slow listener may be behind by before it misses the oldest.
const EVENTS_AHEAD_MAX: usize = 1024;

/// What a node says of the program it runs in.
const AGENT: &str = concat!("kith/", env!("CARGO_PKG_VERSION"));

/// A node to be. Every setting has a default that offers nothing to strangers.
#[derive(Clone, Debug)]
pub struct NodeBuilder {
    data: Option<PathBuf>,
    name: String,
    agent: String,
    introducers: Vec<Introducer>,
    lan: Option<Interfaces>,
    bind: Vec<SocketAddr>,
    public: Option<Vec<SocketAddr>>,
    port_mapping: bool,
    relay_roots: Option<PathBuf>,
    findable: bool,
    keeps_sessions: bool,
    follows_shares: bool,
    resumes_transfers: bool,
    limits: Plan,
    unread_max_time: Duration,
    express: bool,
    strangers_max: Option<usize>,
    public_face_only: bool,
    provides: bool,
    copies_bytes_max: u64,
    relay: Option<RelayForContacts>,
    clock: Clock,
}

impl Default for NodeBuilder {
    fn default() -> Self {
        Self {
            data: None,
            name: String::new(),
            agent: AGENT.to_owned(),
            introducers: Vec::new(),
            lan: Some(Interfaces::Network),
            bind: Vec::new(),
            public: None,
            port_mapping: true,
            relay_roots: None,
            findable: false,
            keeps_sessions: true,
            follows_shares: true,
            resumes_transfers: true,
            limits: Plan::default(),
            unread_max_time: UNREAD_MAX_TIME,
            express: true,
            strangers_max: None,
            public_face_only: false,
            provides: true,
            copies_bytes_max: COPIES_BYTES_MAX,
            relay: None,
            clock: Clock::default(),
        }
    }
}

/// Why a node does not start. Each says what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// The data directory cannot be used.
    #[error(transparent)]
    Place(#[from] PlaceError),
    /// The key file cannot be used.
    #[error(transparent)]
    Keys(#[from] KeyfileError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The folder for what is shared and fetched cannot be used.
    #[error("cannot use the folder of shared files: {0}")]
    Blobs(#[source] std::io::Error),
    /// What the database holds cannot be read.
    #[error(transparent)]
    Rows(#[from] StartError),
    /// The root certificates of relays cannot be read.
    #[error(transparent)]
    Roots(#[from] RootsError),
    /// An endpoint cannot be bound.
    #[error(transparent)]
    Bind(#[from] BindError),
}

impl Node {
    /// Begins to describe a node.
    pub fn builder() -> NodeBuilder {
        NodeBuilder::default()
    }
}

impl NodeBuilder {
    /// Keeps identity, address book and downloads in this directory. Without one, the node is a new one each time.
    #[must_use]
    pub fn data_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.data = Some(directory.into());
        self
    }

    /// What the owner would like to be called: suggested in invites.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// What the node says of the program it runs in, such as `chess/2.1`.
    #[must_use]
    pub fn agent(mut self, agent: impl Into<String>) -> Self {
        self.agent = agent.into();
        self
    }

    /// The introducers to use: several are better than one, and none is needed on a local network.
    #[must_use]
    pub fn introducers(mut self, introducers: impl IntoIterator<Item = Introducer>) -> Self {
        self.introducers = introducers.into_iter().collect();
        self
    }

    /// Where to announce itself on the local network; `None` for nowhere.
    #[must_use]
    pub fn lan(mut self, interfaces: Option<Interfaces>) -> Self {
        self.lan = interfaces;
        self
    }

    /// Where the contact face listens (UDP), one address per family; everywhere when left out.
    #[must_use]
    pub fn bind(mut self, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.bind = addresses.into_iter().collect();
        self
    }

    /// Runs a public server: its public face listens here, and strangers learn its addresses.
    #[must_use]
    pub fn public_server(mut self, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.public = Some(addresses.into_iter().collect());
        self
    }

    /// Whether the router may be asked for a port (UPnP, PCP, NAT-PMP).
    #[must_use]
    pub fn port_mapping(mut self, allowed: bool) -> Self {
        self.port_mapping = allowed;
        self
    }

    /// The root certificates (a PEM file) of a private authority, by which introducers with a domain name are known beside
    /// those of the web.
    #[must_use]
    pub fn relay_roots(mut self, file: impl Into<PathBuf>) -> Self {
        self.relay_roots = Some(file.into());
        self
    }

    /// Whether whoever knows the PeerId may look up the public face at the introducers, and reach it as a stranger: for
    /// protocols that are open to [`Anyone`](kith_core::routing::Access::Anyone).
    #[must_use]
    pub fn findable(mut self, findable: bool) -> Self {
        self.findable = findable;
        self
    }

    /// Whether sessions with contacts are kept up while nobody uses them, so that everybody sees who is online.
    #[must_use]
    pub fn keep_sessions(mut self, kept: bool) -> Self {
        self.keeps_sessions = kept;
        self
    }

    /// Whether what was fetched is provided to others who may have it.
    #[must_use]
    pub fn provide(mut self, provides: bool) -> Self {
        self.provides = provides;
        self
    }

    /// How much is kept for the sake of copies, in bytes ([`COPIES_BYTES_MAX`] when left out); those that nobody asked for longest make room.
    #[must_use]
    pub fn copies_bytes_max(mut self, bytes: u64) -> Self {
        self.copies_bytes_max = bytes;
        self
    }

    /// Whether shared folders are watched, so that what changes in them becomes a new head by itself. Without, they are looked at
    /// when somebody asks for them.
    #[must_use]
    pub fn follow_shares(mut self, followed: bool) -> Self {
        self.follows_shares = followed;
        self
    }

    /// Whether transfers that an earlier run of the node was to go on with are gone on with; they are listed in any case.
    #[must_use]
    pub fn resume_transfers(mut self, resumed: bool) -> Self {
        self.resumes_transfers = resumed;
        self
    }

    /// How fast content may move; without a word, uploads to distant peers are held to [`UPLOAD_DEFAULT`](kith_core::content::limits::UPLOAD_DEFAULT).
    #[must_use]
    pub fn limits(mut self, plan: Plan) -> Self {
        self.limits = plan;
        self
    }

    /// Relays for contacts in this way, where they can reach this machine; not at all when left out. For nodes that stay: a
    /// relay that comes and goes helps nobody.
    #[must_use]
    pub fn relay_for_contacts(mut self, how: RelayForContacts) -> Self {
        // With nothing to give there is nothing to offer.
        let gives = how.enabled && how.mebibytes_per_day > 0 && how.kibibytes_per_second > 0;
        self.relay = gives.then_some(how);
        self
    }

    /// How long a stream may be left unread while the other side cannot open another because all its places are taken
    /// ([`UNREAD_MAX_TIME`] when left out); then it is reset. Where there is room, a stream may be left unread for ever.
    #[must_use]
    pub fn unread_max_time(mut self, time: Duration) -> Self {
        self.unread_max_time = time;
        self
    }

    /// Whether bulk data may travel over TCP, given and taken, where a session's path is direct.
    #[must_use]
    pub fn express(mut self, allowed: bool) -> Self {
        self.express = allowed;
        self
    }

    /// Another clock than the system's, for tests: sessions, the address book and records go by it. What is shared keeps the
    /// system's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// How many strangers' sessions are kept.
    #[must_use]
    pub fn strangers_max(mut self, sessions: usize) -> Self {
        self.strangers_max = Some(sessions);
        self
    }

    /// Binds the public face alone: an introducer has nobody to reach and no contacts to reach it.
    #[must_use]
    pub(crate) fn public_face_only(mut self) -> Self {
        self.public_face_only = true;
        self
    }

    /// Starts the node. On return it is bound; introducers and contacts are being reached.
    ///
    /// # Errors
    /// [`SpawnError`]; nothing is left running.
    pub async fn spawn(self) -> Result<Node, SpawnError> {
        let place = Place::open(self.data.clone())?;
        let keys = load_keys(&place.home)?;
        let store = Store::open(&place.home.database(), crate::SCHEMAS)?;
        let shares = Arc::new(self.shares(&place, &keys, &store)?);
        let secrets = face_secrets(&keys, self.public_face_only);
        let machine = self.machine(&keys, &store, &secrets)?;
        shares.others().set_blocked(blocked(&machine));
        let relay = self.relay_plan(&place, &keys);
        let relay_roots = self.trusted_roots()?;
        let visitors = Visits::new(relay_roots.clone());
        let plan = FacePlan {
            bind: self.bind,
            public: self.public,
            port_mapping: self.port_mapping,
            relay_roots,
        };
        let endpoints = plan.bind_all(&secrets).await?;

        let (inputs, inbox) = mpsc::unbounded_channel();
        let (tasks, live, protocols) = (TaskTracker::new(), Live::default(), Protocols::default());
        let (events, _) = broadcast::channel(EVENTS_AHEAD_MAX);
        let faces = Faces::new(plan, endpoints, &inputs, &tasks);
        let stop = CancellationToken::new();
        let protocols_changed = follow_protocols(protocols.watch(), inputs.downgrade());
        tasks.spawn(stop.clone().run_until_cancelled_owned(protocols_changed));
        let node = Node(Arc::new(Inner {
            peer: keys.identity.peer_id(),
            inputs: inputs.clone(),
            live: live.clone(),
            protocols: protocols.clone(),
            events: events.clone(),
            store: store.clone(),
            services: Default::default(),
            visitors: visitors.clone(),
            swarm: Sides::new(&shares),
            shares: Arc::clone(&shares),
            transfers: Default::default(),
            reads: Default::default(),
            governor: Arc::new(Governor::new(self.limits, contents::week_minute())),
            express: self.express,
            place,
            tasks: tasks.clone(),
            stop,
        }));
        let sources = Sources::start(self.lan, visitors.clone(), inputs.downgrade(), &tasks);
        let relay = relay.map(|plan| ContactRelay::start(plan, inputs.downgrade(), &tasks));
        let actor = Actor {
            clock: self.clock,
            machine,
            store,
            faces,
            live,
            protocols,
            sources,
            relay,
            events,
            shares,
            inputs,
            tasks: tasks.clone(),
            unread_max_time: self.unread_max_time,
            state: State::default(),
        };
        tasks.spawn(actor.run(inbox));
        reach_introducers(&node, self.introducers);
        crate::protocol::serve(&node);
        if !self.public_face_only {
            serve_contents(&node, self.follows_shares, self.resumes_transfers);
        }
        Ok(node)
    }

    fn trusted_roots(&self) -> Result<Vec<CertificateDer<'static>>, RootsError> {
        let file = self.relay_roots.as_deref();
        file.map_or(Ok(Vec::new()), read_roots)
    }

    fn shares(&self, place: &Place, keys: &Keys, store: &Store) -> Result<Shares, SpawnError> {
        let (database, owner) = (Box::new(store.clone()), keys.identity.clone());
        let shares = Shares::new(database, place.home.blobs(), owner).map_err(SpawnError::Blobs)?;
        shares.others().set_provides(self.provides);
        shares.others().set_room_bytes(self.copies_bytes_max);
        Ok(shares)
    }

    fn relay_plan(&self, place: &Place, keys: &Keys) -> Option<RelayPlan> {
        Some(RelayPlan {
            settings: self.relay.clone()?,
            bind: self.bind.clone(),
            data: place.home.directory().to_owned(),
            me: keys.identity.peer_id(),
            key: keys.public_device.device_key(),
        })
    }

    fn machine(
        &self,
        keys: &Keys,
        store: &Store,
        secrets: &BTreeMap<Face, SecretKey>,
    ) -> Result<Peer, SpawnError> {
        let now = self.clock.now();
        let kinds = Peer::<Ed25519>::kinds();
        let rows = store
            .load(&kinds)?
            .into_iter()
            .filter_map(|(kind, key, value)| {
                let kind = *kinds.iter().find(|known| **known == kind)?;
                Some(Row {
                    kind,
                    key,
                    value: Some(value),
                })
            });
        let mut config = MachineConfig::new(self.agent.clone());
        config.name.clone_from(&self.name);
        config.keeps_sessions = self.keeps_sessions;
        config.findable = self.findable;
        config.relay = self.relay.as_ref().map(|how| how.addresses.clone());
        if let Some(strangers_max) = self.strangers_max {
            config.strangers_max = strangers_max;
        }
        let me = keys.identity.clone();
        let seed = entropy::seed();
        let mut machine = Peer::new(config, Ed25519, me, rows.collect(), seed, now)?;
        // Before anything is heard of where they are.
        for (face, secret) in secrets {
            machine.handle_device(now, *face, secret.clone());
        }
        Ok(machine)
    }
}

/// The key of each face: the public one's stays, the others have a new one at each start.
fn face_secrets(keys: &Keys, public_face_only: bool) -> BTreeMap<Face, SecretKey> {
    let mut secrets = BTreeMap::from([(Face::Public, keys.public_device.clone())]);
    if !public_face_only {
        for face in [Face::Contact, Face::Visitor] {
            secrets.insert(face, SecretKey::from_bytes(entropy::seed()));
        }
    }
    secrets
}

fn load_keys(home: &Home) -> Result<Keys, KeyfileError> {
    match Keys::load(&home.identity_key()) {
        Err(KeyfileError::Missing { path }) => {
            let keys = Keys::generate();
            keys.create(&path)?;
            Ok(keys)
        }
        loaded => loaded,
    }
}

fn reach_introducers(node: &Node, introducers: Vec<Introducer>) {
    node.tell(Input::Ask(Box::new(move |machine, now| {
        machine.handle_introducers(now, introducers);
        Box::new(|_| {})
    })));
}

/// Serves what is shared, and takes up earlier transfers. An introducer has no contents.
fn serve_contents(node: &Node, follows_shares: bool, resumes_transfers: bool) {
    contents::serve(node);
    if follows_shares {
        contents::follow(node);
    }
    contents::follow_hours(node);
    if node.0.express {
        express::serve(node);
    }
    contents::restore(node, resumes_transfers);
}

/// Tells the machine when what is spoken changes.
async fn follow_protocols(
    mut changed: watch::Receiver<u64>,
    inputs: mpsc::WeakUnboundedSender<Input>,
) {
    while changed.changed().await.is_ok() {
        let Some(inputs) = inputs.upgrade() else {
            return;
        };
        if inputs.send(Input::ProtocolsChanged).is_err() {
            return;
        }
    }
}
