//! How a node is started: its things on disk, its machine and endpoints, and the tasks that join them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

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
use super::settings::Settings;
use super::sources::Sources;
use crate::content::swarm::Sides;
use crate::content::{Previews, SCHEMAS, Shares};
use crate::discovery::Visits;
use crate::entropy;
use crate::home::{Home, Owner};
use crate::identity::keyfile::{KeyfileError, Keys};
use crate::identity::owner::{self, OwnerError};
use crate::routing::endpoint::BindError;
use crate::routing::relay_name::{RootsError, read_roots};
use crate::store::{Store, StoreError};

/// Events a slow listener may be behind by before it misses the oldest.
const EVENTS_AHEAD_MAX: usize = 1024;

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
    /// The key file is gone from beside the database of the identity that it held.
    #[error(
        "there is no {key}, but {database} is of an identity: put its key back, from a backup, or by 'kith identity import FILE' \
         where it was exported; to be somebody new, name another directory with --data DIR"
    )]
    KeyLost {
        /// The key file.
        key: PathBuf,
        /// The database.
        database: PathBuf,
    },
    /// The key file and the database are not of one identity.
    #[error(transparent)]
    Owner(#[from] OwnerError),
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

/// Starts a node. On return it is bound; introducers and contacts are being reached.
///
/// # Errors
/// [`SpawnError`]; nothing is left running.
pub(crate) async fn start(settings: Settings) -> Result<Node, SpawnError> {
    let place = settings.place()?;
    let store = Store::open(&place.home.database(), SCHEMAS)?;
    let keys = load_keys(&place.home, &store)?;
    let shares = Arc::new(settings.shares(&place, &keys, &store)?);
    let previews = settings.previews(&place, &shares);
    let secrets = face_secrets(&keys, settings.public_face_only);
    let machine = settings.machine(&keys, &store, &secrets)?;
    shares.others().set_blocked(blocked(&machine));
    let relay = settings.relay_plan(&place, &keys);
    let relay_roots = settings.trusted_roots()?;
    let visitors = Visits::new(relay_roots.clone());
    let plan = FacePlan {
        bind: settings.bind,
        public: settings.public,
        port_mapping: settings.port_mapping,
        relay_roots,
    };
    let endpoints = plan.bind_all(&secrets).await?;

    let (inputs, inbox) = mpsc::unbounded_channel();
    let (tasks, live, protocols) = (TaskTracker::new(), Live::default(), Protocols::default());
    let (events, _) = broadcast::channel(EVENTS_AHEAD_MAX);
    let faces = Faces::new(plan, endpoints, &inputs, &tasks);
    let stop = CancellationToken::new();
    let following = follow_protocols(protocols.watch(), inputs.downgrade());
    tasks.spawn(stop.clone().run_until_cancelled_owned(following));
    let node = Node(Arc::new(Inner {
        peer: keys.identity.peer_id(),
        inputs: inputs.clone(),
        live: live.clone(),
        protocols: protocols.clone(),
        events: events.clone(),
        store: store.clone(),
        extensions: Default::default(),
        visitors: visitors.clone(),
        previews: Arc::new(previews),
        swarm: Sides::new(&shares, settings.further_lane_rate),
        shares: Arc::clone(&shares),
        transfers: Default::default(),
        reads: Default::default(),
        governor: Arc::new(Governor::new(settings.limits, contents::week_minute())),
        express: settings.express,
        place,
        tasks: tasks.clone(),
        stop,
    }));
    let lan = (settings.lan, settings.lan_later);
    let actor = Actor {
        clock: settings.clock,
        machine,
        store,
        faces,
        live,
        protocols,
        sources: Sources::start(lan, visitors, inputs.downgrade(), &tasks),
        relay: relay.map(|plan| ContactRelay::start(plan, inputs.downgrade(), &tasks)),
        events,
        shares,
        inputs,
        tasks: tasks.clone(),
        unread_max_time: settings.unread_max_time,
        state: State::default(),
    };
    tasks.spawn(actor.run(inbox));
    reach_introducers(&node, settings.introducers);
    if !settings.public_face_only {
        serve_contents(&node, settings.follows_shares, settings.resumes_transfers);
    }
    Ok(node)
}

impl Settings {
    fn owner(&self) -> Owner {
        match self.public_face_only {
            true => Owner::Introducer,
            false => Owner::Person,
        }
    }

    fn trusted_roots(&self) -> Result<Vec<CertificateDer<'static>>, RootsError> {
        let file = self.relay_roots.as_deref();
        file.map_or(Ok(Vec::new()), read_roots)
    }

    fn place(&self) -> Result<Place, PlaceError> {
        let mut place = Place::open(self.data.clone(), self.owner())?;
        place.lan_possible = self.lan.is_some() || self.lan_later.is_some();
        place.is_public_server = self.public.is_some();
        Ok(place)
    }

    fn previews(&self, place: &Place, shares: &Arc<Shares>) -> Previews {
        let folder = place.home.previews();
        Previews::new(Arc::clone(shares), &folder, self.previews.clone())
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
        let relay = self.relay.as_ref().filter(|how| how.enabled);
        config.relay = relay.map(|how| how.addresses.clone());
        config.uses_contact_relays = self.uses_contact_relays;
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

/// The keys of the directory; new ones where it is nobody's yet. From then on it is theirs.
fn load_keys(home: &Home, store: &Store) -> Result<Keys, SpawnError> {
    let keys = match Keys::load(&home.identity_key()) {
        Err(KeyfileError::Missing { path }) => {
            let is_somebodys = owner::owner(store)?.is_some()
                || !store.load(&Peer::<Ed25519>::kinds())?.is_empty();
            if is_somebodys {
                return Err(SpawnError::KeyLost {
                    key: path,
                    database: home.database(),
                });
            }
            let keys = Keys::generate();
            keys.create(&path)?;
            keys
        }
        loaded => loaded?,
    };
    owner::claim(store, keys.identity.peer_id())?;
    Ok(keys)
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

/// Whether these keys may be put beside the database of the directory, where it has one.
///
/// # Errors
/// [`SpawnError::Owner`], where it is somebody else's.
pub fn fits(home: &Home, keys: &Keys) -> Result<(), SpawnError> {
    if home.database().exists() {
        let store = Store::open(&home.database(), SCHEMAS)?;
        owner::check(&store, keys.identity.peer_id())?;
    }
    Ok(())
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
