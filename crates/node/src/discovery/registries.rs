//! The introducers' registries as a source: whatever is left goes to all in use, whatever is looked for is asked of all.
//!
//! Each introducer has a task of its own, so that a dead or slow one costs nothing but itself. A stream is opened when
//! there is something to say, and opened again when the introducer closed it for idleness. One that cannot be
//! reached is tried again, less and less often; what it missed meanwhile is told to it when it is back, because that is
//! reported as [`Finding::IntroducerUp`].

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use kith_core::discovery::{Record, Refusal};
use kith_core::ids::{DeviceKey, Locator, PeerId};
use kith_core::introducer::Introducer;
use kith_core::random::Random;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info};

use super::registry::{RegistryClient, RegistryError};
use super::source::{Finding, Order, Source};
use crate::entropy;

/// The most introducers asked: mine, and those of an address book's contacts, who tend to share a few.
const INTRODUCERS_MAX: usize = 64;

/// The most requests that wait for one introducer: four bursts of [`Presence`](kith_core::discovery::Presence). What
/// it misses beyond that comes with the next refresh.
const REQUESTS_MAX: usize = 1024;

/// The most requests on their way to one introducer: as many as a stream carries without an answer.
const IN_FLIGHT_MAX: usize = 64;

/// How long a dial may take, with the negotiation of a stream: QUIC gives up a handshake after as much.
const CONNECT_MAX: Duration = Duration::from_secs(15);

/// How long to wait after a first failure. It doubles with each further one, until one stayed up for [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_secs(1);

/// The longest wait between two attempts: as long as somebody who turned on the network again will look at a screen.
const RETRY_MAX: Duration = Duration::from_secs(60);

/// How often one request is sent: once more on a new stream, for the old one may have ended unnoticed while idle.
const SENT_MAX: u32 = 2;

/// How often one request is put off because the introducer is busy. Then its next refresh has to do.
const PUT_OFF_MAX: u32 = 3;

/// The longest a busy introducer is believed to need, for it says so itself.
const PUT_OFF_LONGEST: Duration = Duration::from_secs(30);

/// How a stream to an introducer's registry comes to be: the session beneath is somebody else's business.
pub trait Connect: Clone + Send + Sync + 'static {
    /// Opens a stream of [`REGISTRY_PROTOCOL`](kith_core::discovery::REGISTRY_PROTOCOL) to the `kith/1` endpoint that
    /// `introducer` names, and to no other.
    fn connect(
        &self,
        introducer: &Introducer,
    ) -> impl Future<Output = io::Result<RegistryClient>> + Send;
}

/// The registries of all introducers in use.
#[derive(Debug)]
pub struct Registries<C> {
    connector: C,
    workers: BTreeMap<DeviceKey, Worker>,
    tasks: JoinSet<()>,
}

/// The task of one introducer, from outside.
#[derive(Debug)]
struct Worker {
    introducer: Introducer,
    requests: mpsc::Sender<Request>,
}

/// What one introducer is asked.
#[derive(Clone, Debug)]
struct Request {
    what: What,
    sent: u32,
}

#[derive(Clone, Debug)]
enum What {
    Publish(Option<PeerId>, Box<Record>),
    Lookup(Locator),
}

impl<C: Connect> Registries<C> {
    /// No introducers yet; orders name them.
    pub fn new(connector: C) -> Self {
        Self {
            connector,
            workers: BTreeMap::new(),
            tasks: JoinSet::new(),
        }
    }

    /// Asks each of `introducers`, starting a task for one that was never asked before.
    fn ask(&mut self, introducers: Vec<Introducer>, what: &What, findings: &mpsc::Sender<Finding>) {
        for introducer in introducers {
            let known = self.workers.get(&introducer.key);
            let moved = known.is_some_and(|worker| worker.introducer != introducer);
            if moved || (known.is_none() && self.workers.len() < INTRODUCERS_MAX) {
                // The task of one that moved ends when nothing can be asked of it any more.
                let worker = self.start(introducer.clone(), findings);
                self.workers.insert(introducer.key, worker);
            }
            let Some(worker) = self.workers.get(&introducer.key) else {
                debug!("too many introducers");
                continue;
            };
            let request = Request {
                what: what.clone(),
                sent: 0,
            };
            if worker.requests.try_send(request).is_err() {
                debug!("an introducer takes no requests");
            }
        }
    }

    fn start(&mut self, introducer: Introducer, findings: &mpsc::Sender<Finding>) -> Worker {
        let (requests, receiver) = mpsc::channel(REQUESTS_MAX);
        let task = Task {
            introducer: introducer.clone(),
            connector: self.connector.clone(),
            requests: receiver,
            findings: findings.clone(),
            random: Random::new(entropy::seed()),
        };
        self.tasks.spawn(task.run());
        Worker {
            introducer,
            requests,
        }
    }
}

impl<C: Connect> Source for Registries<C> {
    fn name(&self) -> &'static str {
        "registries"
    }

    async fn run(mut self, mut orders: mpsc::Receiver<Order>, findings: mpsc::Sender<Finding>) {
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Publish { peer, introducers, record }) => {
                        self.ask(introducers, &What::Publish(peer, record), &findings);
                    }
                    Some(Order::Lookup { introducers, locator }) => {
                        self.ask(introducers, &What::Lookup(locator), &findings);
                    }
                    Some(_) => {}
                    None => return,
                },
                Some(_) = self.tasks.join_next() => {}
                () = findings.closed() => return,
            }
        }
    }
}

impl Request {
    /// What to say when there will be no answer.
    fn unanswered(&self) -> Option<Finding> {
        match self.what {
            What::Lookup(locator) => Some(Finding::Records {
                locator,
                records: Vec::new(),
            }),
            What::Publish(..) => None,
        }
    }

    fn stale(&self, newest: u64) -> Vec<Finding> {
        match self.what {
            What::Publish(Some(peer), _) => vec![Finding::Stale { peer, newest }],
            _ => Vec::new(),
        }
    }
}

/// The task of one introducer, from inside.
struct Task<C> {
    introducer: Introducer,
    connector: C,
    requests: mpsc::Receiver<Request>,
    findings: mpsc::Sender<Finding>,
    random: Random,
}

/// Nobody asks any more, or wants to know.
struct Unneeded;

impl<C: Connect> Task<C> {
    async fn run(mut self) {
        // Its end is no failure: nobody needs it any more.
        let Err(Unneeded) = self.keep_serving().await;
    }

    async fn keep_serving(&mut self) -> Result<Infallible, Unneeded> {
        let key = self.introducer.key;
        let mut pause = RETRY_FIRST;
        let mut is_down = false;
        loop {
            if let Some(client) = self.connect().await {
                let since = Instant::now();
                is_down = false;
                self.tell(Finding::IntroducerUp(key)).await?;
                self.serve(client).await?;
                // One that is up for a moment only is told everything each time: it has to earn its next chance.
                if since.elapsed() > RETRY_MAX {
                    pause = RETRY_FIRST;
                }
            }
            if !is_down {
                is_down = true;
                info!("an introducer cannot be reached");
                self.tell(Finding::IntroducerDown(key)).await?;
            }
            self.stay_away(pause).await?;
            pause = (pause * 2).min(RETRY_MAX);
        }
    }

    /// A stream; `None` when there is none to be had now.
    async fn connect(&self) -> Option<RegistryClient> {
        match timeout(CONNECT_MAX, self.connector.connect(&self.introducer)).await {
            Ok(Ok(client)) => Some(client),
            Ok(Err(error)) => {
                debug!(%error, "no stream to an introducer");
                None
            }
            Err(_) => {
                debug!("an introducer did not answer in time");
                None
            }
        }
    }

    /// Sends what is asked and reports what comes, until the introducer cannot be reached any more.
    async fn serve(&mut self, mut client: RegistryClient) -> Result<(), Unneeded> {
        let mut in_flight = FuturesUnordered::new();
        loop {
            let next = tokio::select! {
                request = self.requests.recv(), if in_flight.len() < IN_FLIGHT_MAX => {
                    request.ok_or(Unneeded)?
                }
                Some(outcome) = in_flight.next() => match outcome as Result<Vec<Finding>, Request> {
                    Ok(found) => {
                        for finding in found {
                            self.tell(finding).await?;
                        }
                        continue;
                    }
                    // The stream ended. What it did not carry twice goes again, on a new one.
                    Err(request) if request.sent >= SENT_MAX => {
                        if let Some(finding) = request.unanswered() {
                            self.tell(finding).await?;
                        }
                        return Ok(());
                    }
                    Err(request) => request,
                },
                () = self.findings.closed() => return Err(Unneeded),
            };
            if client.is_ended() {
                match self.connect().await {
                    Some(new) => client = new,
                    None => return Ok(()),
                }
            }
            in_flight.push(carry(client.clone(), next));
        }
    }

    /// Waits for about `pause`. What is asked meanwhile is not kept: when the introducer is back it is told everything.
    async fn stay_away(&mut self, pause: Duration) -> Result<(), Unneeded> {
        let jitter = self.random.below(pause.as_millis() as u64 / 2);
        let pause = sleep(pause + Duration::from_millis(jitter));
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = &mut pause => return Ok(()),
                request = self.requests.recv() => {
                    let request = request.ok_or(Unneeded)?;
                    if let Some(finding) = request.unanswered() {
                        self.tell(finding).await?;
                    }
                }
                () = self.findings.closed() => return Err(Unneeded),
            }
        }
    }

    async fn tell(&self, finding: Finding) -> Result<(), Unneeded> {
        self.findings.send(finding).await.map_err(|_| Unneeded)
    }
}

/// Carries one request to its answer; gives it back when the stream ended before.
async fn carry(client: RegistryClient, mut request: Request) -> Result<Vec<Finding>, Request> {
    request.sent += 1;
    for _ in 0..PUT_OFF_MAX {
        let refusal = match ask(&client, &request).await {
            Ok(found) => return Ok(found),
            Err(RegistryError::Refused(refusal)) => refusal,
            Err(error) => {
                debug!(%error, "a request was not answered");
                return Err(request);
            }
        };
        match (refusal, refusal.retry_after()) {
            (Refusal::Stale { newest }, _) => return Ok(request.stale(newest)),
            (_, Some(pause)) => sleep(pause.min(PUT_OFF_LONGEST)).await,
            (refusal, None) => {
                debug!(%refusal, "an introducer refuses a request");
                break;
            }
        }
    }
    Ok(request.unanswered().into_iter().collect())
}

async fn ask(client: &RegistryClient, request: &Request) -> Result<Vec<Finding>, RegistryError> {
    match &request.what {
        What::Publish(peer, record) => {
            client.publish(Record::clone(record)).await?;
            // Addresses are published again and again; a reply is waited for.
            let kept = peer.is_none().then(|| Finding::Kept(record.locator()));
            Ok(kept.into_iter().collect())
        }
        What::Lookup(locator) => {
            let records = client.lookup(*locator).await?;
            let locator = *locator;
            Ok(vec![Finding::Records { locator, records }])
        }
    }
}

#[cfg(test)]
mod tests;
