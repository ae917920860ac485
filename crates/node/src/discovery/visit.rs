//! A visit to an introducer's registry: an endpoint of its own under the visit's key, one connection, one request.
//!
//! What a visit may say and under which key is decided in [`kith_core::peer::Visit`]; nothing here outlives it. The request
//! does not wait for the introducer's hello. It goes over the introducer's own relay, by an endpoint without sockets: one that
//! has some tells the other side the addresses of its interfaces, and so what is the same from visit to visit, and
//! where else somebody is. An endpoint is some 0.5 MiB, which is why [`registries`](super::registries) bounds how many there are at once.
//!
//! Nothing that comes back is believed here. Who asked verifies.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use iroh::SecretKey as EngineKey;
use kith_core::codec::{self, DecodeError, Wire as _};
use kith_core::crypto::SecretKey;
use kith_core::discovery::{Answer, REGISTRY_PROTOCOL, Request};
use kith_core::ids::{DeviceKey, Face};
use kith_core::introducer::Introducer;
use kith_core::peer::Visit;
use kith_core::protocol::ProtocolName;
use kith_core::routing::{Answer as OfferAnswer, CloseCode, Offer};
use rustls::pki_types::CertificateDer;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;
use tracing::trace;

use crate::entropy;
use crate::routing::endpoint::{BindError, DialError};
use crate::routing::{Connection, ConnectionEnded, FaceConfig, FaceEndpoint};

/// How long one dial may take: the seven round trips of TCP, TLS, the relay and QUIC over a satellite (0.7 s), with a loss.
/// What takes longer is tried again from the beginning, which is quicker than to wait for a third loss to be noticed.
const DIAL_MAX: Duration = Duration::from_secs(8);

/// How long the request and its answer may take on a connection that stands. A registry answers from memory, after one
/// write to its disk; what takes longer is a dead path.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// How long to wait until the introducer is told of the end. It costs nobody anything not to be told: the connection
/// times out there.
const FAREWELL_MAX: Duration = Duration::from_secs(1);

/// How visits are paid.
pub trait Pay: Clone + Send + Sync + 'static {
    /// Pays a visit, and gives its place back when nothing is left of it.
    ///
    /// # Errors
    /// [`VisitError`].
    fn visit(
        &self,
        visit: Visit,
        place: OwnedSemaphorePermit,
    ) -> impl Future<Output = Result<Answer, VisitError>> + Send;
}

/// Pays visits, each from an endpoint of its own.
#[derive(Clone, Debug, Default)]
pub struct Visits {
    relay_roots: Arc<[CertificateDer<'static>]>,
    /// How long the way to each of our introducers and back took when it was visited last; others that contacts name would be without number.
    round_trips: Arc<Mutex<BTreeMap<DeviceKey, Duration>>>,
}

/// Why a visit came to nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VisitError {
    /// No socket to be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The introducer cannot be reached.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The connection or its stream ended before the answer.
    #[error("the connection to the introducer ended")]
    Ended,
    /// No answer within 10 s.
    #[error("the introducer does not answer")]
    Silent,
    /// The introducer's mistake: it does not speak the registry's protocol.
    #[error("the introducer keeps no registry")]
    NoRegistry,
    /// The introducer's mistake: what came is no answer.
    #[error("the introducer's answer is malformed: {0}")]
    Malformed(#[from] DecodeError),
}

impl From<ConnectionEnded> for VisitError {
    fn from(_: ConnectionEnded) -> Self {
        Self::Ended
    }
}

impl Visits {
    /// Visits that believe these root certificates of relays with a domain name, beside those of the web.
    pub fn new(relay_roots: Vec<CertificateDer<'static>>) -> Self {
        Self {
            relay_roots: relay_roots.into(),
            ..Self::default()
        }
    }

    /// Whether an introducer is there, and how long the way to it and back takes: a visit that asks nothing.
    pub async fn knock(&self, introducer: &Introducer) -> Option<Duration> {
        let visitor = SecretKey::from_bytes(entropy::seed());
        let (endpoint, connection) = self.dial(introducer, &visitor).await.ok()?;
        let took = connection.path().map(|path| path.rtt);
        endpoint.close().await;
        took
    }

    /// How long the way to an introducer and back took when it answered last: over its own relay, as QUIC estimates it. `None`
    /// where it never did.
    pub fn round_trip(&self, introducer: &DeviceKey) -> Option<Duration> {
        self.round_trips().get(introducer).copied()
    }

    fn round_trips(&self) -> MutexGuard<'_, BTreeMap<DeviceKey, Duration>> {
        self.round_trips
            .lock()
            .expect("no code panics while it holds them")
    }

    /// Pays one visit by itself.
    ///
    /// # Errors
    /// [`VisitError`].
    pub async fn pay(&self, visit: Visit) -> Result<Answer, VisitError> {
        let alone = Arc::new(Semaphore::new(1));
        let place = alone.acquire_owned().await.map_err(|_| VisitError::Ended)?;
        self.visit(visit, place).await
    }

    /// An endpoint and its connection.
    async fn dial(
        &self,
        introducer: &Introducer,
        visitor: &SecretKey,
    ) -> Result<(FaceEndpoint, Connection), VisitError> {
        let mut route = introducer.route();
        route.addresses.clear();
        let key = EngineKey::from_bytes(visitor.as_bytes());
        let endpoint = FaceEndpoint::bind(FaceConfig {
            relay_only: true,
            relay_roots: self.relay_roots.to_vec(),
            ..FaceConfig::new(Face::Visitor, key)
        })
        .await?;
        let dialled = timeout(DIAL_MAX, endpoint.connect(&route)).await;
        match dialled.unwrap_or(Err(DialError::NoAnswer)) {
            Ok(connection) => Ok((endpoint, connection)),
            Err(error) => {
                endpoint.close().await;
                Err(error.into())
            }
        }
    }

    /// Says when it has the answer, and then closes all, which takes a few round trips.
    async fn go(
        self,
        visit: Visit,
        place: OwnedSemaphorePermit,
        answered: oneshot::Sender<Result<Answer, VisitError>>,
    ) {
        let (endpoint, connection) = match self.dial(&visit.introducer, &visit.visitor).await {
            Ok(dialled) => dialled,
            Err(error) => {
                // Who asked may have lost interest, here and below.
                let _ = answered.send(Err(error));
                return;
            }
        };
        let answer = timeout(ANSWER_MAX, ask(&connection, &visit.request)).await;
        let answer = answer.unwrap_or(Err(VisitError::Silent));
        trace!(is_answered = answer.is_ok(), "visited an introducer");
        if let (Ok(_), Some(path), true) = (&answer, connection.path(), visit.is_ours) {
            self.round_trips().insert(visit.introducer.key, path.rtt);
        }
        let _ = answered.send(answer);
        connection.close(CloseCode::Done.number(), "");
        let _ = timeout(FAREWELL_MAX, endpoint.close()).await;
        drop(place);
    }
}

impl Pay for Visits {
    async fn visit(&self, visit: Visit, place: OwnedSemaphorePermit) -> Result<Answer, VisitError> {
        let (answered, answer) = oneshot::channel();
        // A task of its own, so that an endpoint is closed properly also where nobody waits any more.
        tokio::spawn(self.clone().go(visit, place, answered));
        answer.await.map_err(|_| VisitError::Ended)?
    }
}

/// Greets, and asks.
async fn ask(connection: &Connection, request: &Request) -> Result<Answer, VisitError> {
    let name: ProtocolName = REGISTRY_PROTOCOL.parse().expect("a valid name");
    let offer = Offer::new(vec![name]).expect("one name is an offer");
    // The control stream stays open for as long as the visit.
    let (mut control, _heard) = connection.open_stream().await?;
    let ended = |_| VisitError::Ended;
    control.write_all(&Visit::greeting()).await.map_err(ended)?;
    let (mut send, mut receive) = connection.open_stream().await?;
    let asked = [offer.framed(), codec::frame(&request.to_bytes())].concat();
    send.write_all(&asked).await.map_err(ended)?;
    let picked = receive.read_frame(OfferAnswer::BYTES_MAX).await;
    let picked = picked.map_err(ended)?.ok_or(VisitError::Ended)?;
    OfferAnswer::read(&picked, &offer).map_err(|_| VisitError::NoRegistry)?;
    let answer = receive.read_frame(Answer::BYTES_MAX).await;
    let answer = answer.map_err(ended)?.ok_or(VisitError::Ended)?;
    Ok(Answer::from_bytes(&answer)?)
}
