//! The node's endpoints, one per face, and the old contact face while it still carries sessions.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use iroh::SecretKey as EngineKey;
use kith_core::crypto::SecretKey;
use kith_core::ids::{DeviceKey, Face};
use kith_core::introducer::Introducer;
use rustls::pki_types::CertificateDer;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::input::Input;
use crate::entropy;
use crate::routing::endpoint::BindError;
use crate::routing::{FaceConfig, FaceEndpoint};

/// How long an old contact face lives on after another took its place: contacts have been told the new one by then, and
/// streams that take longer are opened anew on it.
const OLD_FACE_LIFE: Duration = Duration::from_secs(15 * 60);

/// The most connections of a face that wait for the loop, which takes one in some microseconds. Then further ones wait in the engine.
const INCOMING_AHEAD_MAX: usize = 16;

/// How the endpoints are to be bound.
#[derive(Clone, Debug)]
pub(super) struct FacePlan {
    /// Where the contact face listens; empty for everywhere.
    pub(super) bind: Vec<SocketAddr>,
    /// Where a public server's public face listens; `None` for a relay-only one.
    pub(super) public: Option<Vec<SocketAddr>>,
    /// Whether the router may be asked for a port.
    pub(super) port_mapping: bool,
    /// Root certificates of relays, beside those of the web.
    pub(super) relay_roots: Vec<CertificateDer<'static>>,
}

impl FacePlan {
    /// Binds an endpoint for each face of `secrets`; with an error none stays bound.
    pub(super) async fn bind_all(
        &self,
        secrets: &BTreeMap<Face, SecretKey>,
    ) -> Result<BTreeMap<Face, FaceEndpoint>, BindError> {
        let mut endpoints = BTreeMap::new();
        for (face, secret) in secrets {
            endpoints.insert(*face, self.bind(*face, secret).await?);
        }
        Ok(endpoints)
    }

    /// Binds one face.
    pub(super) async fn bind(
        &self,
        face: Face,
        secret: &SecretKey,
    ) -> Result<FaceEndpoint, BindError> {
        let mut config = FaceConfig::new(face, EngineKey::from_bytes(secret.as_bytes()));
        config.relay_roots.clone_from(&self.relay_roots);
        config.port_mapping = self.port_mapping && face == Face::Contact;
        match face {
            Face::Contact => config.bind.clone_from(&self.bind),
            Face::Visitor => {
                // It dials from where the contact face may: same interfaces, any port.
                config.bind = self
                    .bind
                    .iter()
                    .map(|address| SocketAddr::new(address.ip(), 0))
                    .collect();
            }
            Face::Public => {
                if let Some(bind) = &self.public {
                    config.public_server = true;
                    config.bind.clone_from(bind);
                }
            }
        }
        FaceEndpoint::bind(config).await
    }
}

/// The endpoints.
pub(super) struct Faces {
    plan: FacePlan,
    endpoints: BTreeMap<Face, FaceEndpoint>,
    /// The contact face before this one, which may live on for a while.
    old: Option<FaceEndpoint>,
    /// Which relays each face is to use. An endpoint takes them one list after the other, the newest always last.
    relays: BTreeMap<Face, watch::Sender<Vec<Introducer>>>,
}

impl Faces {
    /// Takes over bound endpoints, and begins to report what comes in and where they are.
    pub(super) fn new(
        plan: FacePlan,
        endpoints: BTreeMap<Face, FaceEndpoint>,
        inputs: &mpsc::UnboundedSender<Input>,
        tasks: &TaskTracker,
    ) -> Self {
        let mut relays = BTreeMap::new();
        for (face, endpoint) in &endpoints {
            report(endpoint, inputs, tasks);
            let sender = watch::Sender::default();
            tasks.spawn(use_relays(endpoint.clone(), sender.subscribe()));
            relays.insert(*face, sender);
        }
        Self {
            plan,
            endpoints,
            old: None,
            relays,
        }
    }

    pub(super) fn endpoint(&self, face: Face) -> Option<FaceEndpoint> {
        self.endpoints.get(&face).cloned()
    }

    pub(super) fn device(&self, face: Face) -> Option<DeviceKey> {
        self.endpoints.get(&face).map(FaceEndpoint::device)
    }

    /// The UDP ports of the contact face: any family's, and IPv6's where that is another.
    pub(super) fn contact_ports(&self) -> Option<(u16, Option<u16>)> {
        let bound = self.endpoints.get(&Face::Contact)?.bound_addresses();
        let v4 = bound
            .iter()
            .find(|address| address.is_ipv4())
            .map(SocketAddr::port);
        let v6 = bound
            .iter()
            .find(|address| address.is_ipv6())
            .map(SocketAddr::port);
        Some((v4.or(v6)?, v6.filter(|port| Some(*port) != v4)))
    }

    pub(super) fn set_relays(&self, face: Face, introducers: Vec<Introducer>) {
        if let Some(relays) = self.relays.get(&face) {
            relays.send_replace(introducers);
        }
    }

    pub(super) fn network_changed(&self, tasks: &TaskTracker) {
        for endpoint in self.endpoints.values() {
            let endpoint = endpoint.clone();
            tasks.spawn(async move { endpoint.network_changed().await });
        }
    }

    /// Binds a contact face with another key; [`Input::Rotated`] tells when it is there.
    pub(super) fn bind_anew(&self, inputs: &mpsc::UnboundedSender<Input>, tasks: &TaskTracker) {
        let (mut plan, inputs) = (self.plan.clone(), inputs.clone());
        // The old one keeps its ports until it is closed.
        for address in &mut plan.bind {
            address.set_port(0);
        }
        tasks.spawn(async move {
            let secret = SecretKey::from_bytes(entropy::seed());
            match plan.bind(Face::Contact, &secret).await {
                Ok(endpoint) => {
                    let _ = inputs.send(Input::Rotated { endpoint, secret });
                }
                Err(error) => {
                    warn!(%error, "cannot give the contact face another key; keeping the old one")
                }
            }
        });
    }

    /// Puts a new contact face in the old one's place, which ends a little later.
    pub(super) fn rotate(
        &mut self,
        endpoint: FaceEndpoint,
        inputs: &mpsc::UnboundedSender<Input>,
        tasks: &TaskTracker,
    ) {
        report(&endpoint, inputs, tasks);
        if let Some(relays) = self.relays.get(&Face::Contact) {
            tasks.spawn(use_relays(endpoint.clone(), relays.subscribe()));
        }
        if let Some(old) = self.endpoints.insert(Face::Contact, endpoint) {
            let closing = old.clone();
            // Not among the tracked tasks: a shutdown does not wait for it, but closes the face itself.
            tokio::spawn(async move {
                tokio::time::sleep(OLD_FACE_LIFE).await;
                closing.close().await;
            });
            if let Some(older) = self.old.replace(old) {
                tokio::spawn(async move { older.close().await });
            }
        }
    }

    /// Closes all of them, side by side.
    pub(super) async fn close(&self) {
        let all = self.endpoints.values().chain(&self.old);
        let closing = all.map(FaceEndpoint::close);
        futures_util::future::join_all(closing).await;
    }
}

/// Has an endpoint use the relays it is told to, until it is closed.
async fn use_relays(endpoint: FaceEndpoint, mut told: watch::Receiver<Vec<Introducer>>) {
    let closed = endpoint.engine().closed();
    let follow = async {
        loop {
            let introducers = told.borrow_and_update().clone();
            endpoint.set_relays(&introducers).await;
            if told.changed().await.is_err() {
                return;
            }
        }
    };
    closed.run_until(follow).await;
}

/// Reports an endpoint's connections and places, and the loss of these.
fn report(endpoint: &FaceEndpoint, inputs: &mpsc::UnboundedSender<Input>, tasks: &TaskTracker) {
    let face = endpoint.face();
    let (accepting, sender) = (endpoint.clone(), inputs.clone());
    tasks.spawn(async move {
        let turns = Arc::new(Semaphore::new(INCOMING_AHEAD_MAX));
        loop {
            let turn = turns.clone().acquire_owned().await.expect("never closed");
            let Some(connection) = accepting.accept().await else {
                return;
            };
            let incoming = Input::Incoming {
                face,
                connection,
                turn,
            };
            if sender.send(incoming).is_err() {
                return;
            }
        }
    });
    let (lost, sender) = (endpoint.lost_relays(), inputs.clone());
    tasks.spawn(async move {
        let turns = Arc::new(Semaphore::new(1));
        let mut lost = std::pin::pin!(lost);
        while let Some(url) = lost.next().await {
            let turn = turns.clone().acquire_owned().await.expect("never closed");
            if sender.send(Input::RelayLost { url, turn }).is_err() {
                return;
            }
        }
    });
    let (mut routes, sender) = (endpoint.watch_route(), inputs.clone());
    tasks.spawn(async move {
        let turns = Arc::new(Semaphore::new(1));
        loop {
            let turn = Some(turns.clone().acquire_owned().await.expect("never closed"));
            let route = routes.borrow_and_update().clone();
            let elsewhere = Input::Route { face, route, turn };
            if sender.send(elsewhere).is_err() || routes.changed().await.is_err() {
                return;
            }
        }
    });
}
