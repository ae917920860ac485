//! The introducers' registries as a source: each visit that is ordered is paid, by a key of its own.
//!
//! Each introducer has a task of its own, so that a dead or slow one costs nothing but itself. One that cannot be reached is
//! left alone for a while, longer and longer; then the visit that failed is paid again. What the introducer missed
//! meanwhile is told to it when it is back, because that is reported as [`Finding::IntroducerUp`].

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use kith_core::discovery::{Answer, Refusal, Request};
use kith_core::ids::DeviceKey;
use kith_core::introducer::Introducer;
use kith_core::peer::Visit;
use kith_core::random::Random;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, info};

use super::source::{Finding, Order, Source};
use super::visit::Pay;
use crate::entropy;

/// The most introducers asked at a time: mine, and those of an address book's contacts, who tend to share a few. For one
/// more, the one that was asked longest ago is given up, and none of mine before all others.
const INTRODUCERS_MAX: usize = 64;

/// The most visits that wait for one introducer: four bursts of [`Presence`](kith_core::discovery::Presence). What
/// it misses beyond that comes with the next refresh.
const WAITING_MAX: usize = 1024;

/// The most visits to one introducer at once: 4 MiB of endpoints, and 16 visits a second where an endpoint takes half a second
/// to close, so that a burst of 256 is through in 16 s.
const VISITS_MAX: usize = 8;

/// How long to wait after a first failure. It doubles with each further one, until one stayed up for [`RETRY_MAX`].
const RETRY_FIRST: Duration = Duration::from_secs(1);

/// The longest wait between two attempts: as long as somebody who turned on the network again will look at a screen.
const RETRY_MAX: Duration = Duration::from_secs(60);

/// How often one visit is tried before its introducer counts as away.
const TRIES_MAX: u32 = 2;

/// How often one request is put off because the introducer is busy. Then its next refresh has to do.
const PUT_OFF_MAX: u32 = 3;

/// The longest a busy introducer is believed to need, for it says so itself.
const PUT_OFF_LONGEST: Duration = Duration::from_secs(30);

/// The registries of all introducers in use.
#[derive(Debug)]
pub struct Registries<P> {
    pay: P,
    workers: BTreeMap<DeviceKey, Worker>,
    /// How many visits were ordered.
    visits: u64,
    tasks: JoinSet<()>,
}

/// The task of one introducer, from outside.
#[derive(Debug)]
struct Worker {
    introducer: Introducer,
    is_ours: bool,
    /// The number of the last visit to it.
    last: u64,
    visits: mpsc::Sender<Visit>,
}

impl<P: Pay> Registries<P> {
    /// No introducers yet; orders name them.
    pub fn new(pay: P) -> Self {
        Self {
            pay,
            workers: BTreeMap::new(),
            visits: 0,
            tasks: JoinSet::new(),
        }
    }

    /// Has a visit paid, starting a task for an introducer that has none; what to tell where it cannot be.
    fn pay(&mut self, visit: Visit, findings: &mpsc::Sender<Finding>) -> Option<Finding> {
        let key = visit.introducer.key;
        let mut known = self.workers.remove(&key);
        // The task of one that moved ends when what it has begun is over.
        known = known.filter(|worker| worker.introducer == visit.introducer);
        if self.workers.len() >= INTRODUCERS_MAX {
            self.make_room();
        }
        let mut worker = known.unwrap_or_else(|| self.start(visit.introducer.clone(), findings));
        self.visits += 1;
        (worker.is_ours, worker.last) = (visit.is_ours, self.visits);
        let lost = worker.visits.try_send(visit).err();
        self.workers.insert(key, worker);
        let (TrySendError::Full(visit) | TrySendError::Closed(visit)) = lost?;
        debug!("an introducer takes no visits");
        unanswered(&visit)
    }

    /// Gives up the introducer that is least likely to be asked again.
    fn make_room(&mut self) {
        let rank = |worker: &Worker| (worker.is_ours, worker.last);
        let least = self.workers.iter().min_by_key(|(_, worker)| rank(worker));
        if let Some(key) = least.map(|(key, _)| *key) {
            self.workers.remove(&key);
        }
    }

    fn start(&mut self, introducer: Introducer, findings: &mpsc::Sender<Finding>) -> Worker {
        let (visits, receiver) = mpsc::channel(WAITING_MAX);
        let task = Task {
            key: introducer.key,
            pay: self.pay.clone(),
            places: Arc::new(Semaphore::new(VISITS_MAX)),
            visits: receiver,
            findings: findings.clone(),
            random: Random::new(entropy::seed()),
            is_needed: true,
            mood: Mood::Untried,
            pause: RETRY_FIRST,
            up_since: Instant::now(),
        };
        self.tasks.spawn(task.run());
        Worker {
            introducer,
            is_ours: false,
            last: 0,
            visits,
        }
    }
}

impl<P: Pay> Source for Registries<P> {
    fn name(&self) -> &'static str {
        "registries"
    }

    async fn run(mut self, mut orders: mpsc::Receiver<Order>, findings: mpsc::Sender<Finding>) {
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Visit(visit)) => {
                        if let Some(finding) = self.pay(*visit, &findings)
                            && findings.send(finding).await.is_err()
                        {
                            return;
                        }
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

/// The task of one introducer, from inside.
struct Task<P> {
    key: DeviceKey,
    pay: P,
    places: Arc<Semaphore>,
    visits: mpsc::Receiver<Visit>,
    findings: mpsc::Sender<Finding>,
    random: Random,
    /// Whether more visits may come. After that it ends, and tells nothing more of its introducer.
    is_needed: bool,
    mood: Mood,
    /// How long it is left alone when it fails next.
    pause: Duration,
    up_since: Instant,
}

/// How it stands with an introducer.
enum Mood {
    /// It was not asked yet, or has not answered yet.
    Untried,
    /// It answers, as far as is known.
    Up,
    /// It did not answer this visit, and is left alone until then.
    Away { until: Instant, failed: Box<Visit> },
    /// That visit is being paid again.
    Trying,
}

/// What became of a visit: what is to be told, or the visit itself when there was no answer.
type Outcome = Result<(bool, Vec<Finding>), Box<Visit>>;

/// Nobody asks any more, or wants to know.
struct Unneeded;

impl<P: Pay> Task<P> {
    async fn run(mut self) {
        // Its end is no failure: nobody needs it any more.
        let (Ok(()) | Err(Unneeded)) = self.keep_paying().await;
    }

    async fn keep_paying(&mut self) -> Result<(), Unneeded> {
        let mut under_way = FuturesUnordered::new();
        while self.is_needed || !under_way.is_empty() {
            let again = match &self.mood {
                Mood::Away { until, .. } if self.is_needed => Some(*until),
                _ => None,
            };
            tokio::select! {
                visit = self.visits.recv(), if self.is_needed && under_way.len() < VISITS_MAX => {
                    match (visit, &self.mood) {
                        (Some(visit), Mood::Untried | Mood::Up) => under_way.push(self.carry(visit)),
                        // Not kept: when the introducer is back it is told everything.
                        (Some(visit), _) => self.tell_all(unanswered(&visit)).await?,
                        (None, _) => self.is_needed = false,
                    }
                }
                Some(outcome) = under_way.next() => self.conclude(outcome).await?,
                () = sleep_until(again.unwrap_or_else(Instant::now)), if again.is_some() => {
                    if let Mood::Away { failed, .. } = std::mem::replace(&mut self.mood, Mood::Trying) {
                        under_way.push(self.carry(*failed));
                    }
                }
                () = self.findings.closed() => return Err(Unneeded),
            }
        }
        Ok(())
    }

    /// Pays one visit, again where the introducer is busy.
    fn carry(&self, visit: Visit) -> impl Future<Output = Outcome> + use<P> {
        let (pay, places) = (self.pay.clone(), self.places.clone());
        // It may be an old one, whose look-up has been given up.
        let is_trial = matches!(self.mood, Mood::Trying);
        async move {
            carry(&pay, &places, visit)
                .await
                .map(|found| (is_trial, found))
        }
    }

    async fn conclude(&mut self, outcome: Outcome) -> Result<(), Unneeded> {
        match outcome {
            Ok((is_trial, found)) => {
                if self.is_needed && !matches!(self.mood, Mood::Up) {
                    self.mood = Mood::Up;
                    self.up_since = Instant::now();
                    self.tell(Finding::IntroducerUp(self.key)).await?;
                }
                let is_given_up =
                    |found: &Finding| is_trial && matches!(found, Finding::Records { .. });
                self.tell_all(found.into_iter().filter(|found| !is_given_up(found)))
                    .await
            }
            Err(visit) => {
                self.tell_all(unanswered(&visit)).await?;
                match self.mood {
                    _ if !self.is_needed => return Ok(()),
                    Mood::Untried | Mood::Up => {
                        info!("an introducer cannot be reached");
                        self.tell(Finding::IntroducerDown(self.key)).await?;
                        // One that is up for a moment only is told everything each time: it has to earn its next chance.
                        if self.up_since.elapsed() > RETRY_MAX {
                            self.pause = RETRY_FIRST;
                        }
                    }
                    Mood::Trying => {}
                    Mood::Away { .. } => return Ok(()),
                }
                let jitter = self.random.below(self.pause.as_millis() as u64 / 2);
                let until = Instant::now() + self.pause + Duration::from_millis(jitter);
                self.pause = (self.pause * 2).min(RETRY_MAX);
                self.mood = Mood::Away {
                    until,
                    failed: visit,
                };
                Ok(())
            }
        }
    }

    async fn tell_all(&self, findings: impl IntoIterator<Item = Finding>) -> Result<(), Unneeded> {
        for finding in findings {
            self.tell(finding).await?;
        }
        Ok(())
    }

    async fn tell(&self, finding: Finding) -> Result<(), Unneeded> {
        self.findings.send(finding).await.map_err(|_| Unneeded)
    }
}

/// Carries one request to its answer; gives the visit back when there is none.
async fn carry<P: Pay>(
    pay: &P,
    places: &Arc<Semaphore>,
    visit: Visit,
) -> Result<Vec<Finding>, Box<Visit>> {
    let (mut failures, mut put_off) = (0, 0);
    loop {
        let place = places.clone().acquire_owned().await;
        let place = place.expect("nobody closes it");
        // The same key as before: it says nothing else than it did before.
        let refusal = match pay.visit(visit.clone(), place).await {
            Ok(Answer::Refused(refusal)) => refusal,
            Ok(answer) => return Ok(found(&visit, answer)),
            Err(error) => {
                debug!(%error, "a visit to an introducer failed");
                failures += 1;
                if failures == TRIES_MAX {
                    return Err(Box::new(visit));
                }
                continue;
            }
        };
        match (refusal, refusal.retry_after()) {
            (Refusal::Stale { newest }, _) => return Ok(stale(&visit, newest)),
            (_, Some(pause)) if put_off < PUT_OFF_MAX => {
                put_off += 1;
                sleep(pause.min(PUT_OFF_LONGEST)).await;
            }
            (refusal, _) => {
                debug!(%refusal, "an introducer refuses a request");
                return Ok(unanswered(&visit).into_iter().collect());
            }
        }
    }
}

/// What an answer tells.
fn found(visit: &Visit, answer: Answer) -> Vec<Finding> {
    match (&visit.request, answer) {
        (Request::Lookup(locator), Answer::Records(records)) => {
            let locator = *locator;
            vec![Finding::Records { locator, records }]
        }
        // Addresses are published again and again; a reply is waited for.
        (Request::Publish(record), Answer::Kept) if visit.peer.is_none() => {
            vec![Finding::Kept(record.locator())]
        }
        (Request::Publish(_), Answer::Kept) => Vec::new(),
        _ => {
            debug!("an introducer answers something else than it was asked");
            unanswered(visit).into_iter().collect()
        }
    }
}

/// What to say when there will be no answer.
fn unanswered(visit: &Visit) -> Option<Finding> {
    match visit.request {
        Request::Lookup(locator) => Some(Finding::Records {
            locator,
            records: Vec::new(),
        }),
        Request::Publish(_) => None,
    }
}

fn stale(visit: &Visit, newest: u64) -> Vec<Finding> {
    match (&visit.request, visit.peer) {
        (Request::Publish(record), Some(peer)) => {
            let locator = record.locator();
            vec![Finding::Stale {
                peer,
                locator,
                newest,
            }]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
