//! The source against introducers in memory: real registry machines that may be away or fail.

use std::sync::Mutex;

use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::discovery::{Client, Record, Registry, RegistryConfig, RegistryOutput, Slot, Terms};
use kith_core::ids::{Locator, PeerId, TlsPin};
use kith_core::introducer::{Ports, Trust};
use kith_core::time::Time;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::super::source::{FINDINGS_MAX, Running, start};
use super::super::visit::VisitError;
use super::*;

const NOW: Time = Time(1_000_000);
const PEER: PeerId = PeerId([9; 32]);
const A: DeviceKey = DeviceKey([1; 32]);
const B: DeviceKey = DeviceKey([2; 32]);
/// Those that are the node's own; all others are of its contacts.
const OURS: [DeviceKey; 2] = [A, B];

/// Introducers by key; one that is not in the list is dead.
#[derive(Clone, Default)]
struct World {
    introducers: Arc<Mutex<BTreeMap<DeviceKey, Host>>>,
}

/// One introducer: what it keeps, and how many visits end without an answer before it answers.
struct Host {
    registry: Registry<Ed25519>,
    failures: usize,
}

impl World {
    fn start(&self, key: DeviceKey, failures: usize) {
        let registry = Registry::new(Ed25519, RegistryConfig::default(), NOW);
        let mut introducers = self.introducers.lock().expect("no panic");
        introducers.insert(key, Host { registry, failures });
    }

    fn stop(&self, key: DeviceKey) {
        self.introducers.lock().expect("no panic").remove(&key);
    }

    fn records(&self, key: DeviceKey) -> usize {
        let introducers = self.introducers.lock().expect("no panic");
        introducers[&key].registry.counts().records
    }
}

impl Pay for World {
    async fn visit(&self, visit: Visit, _: OwnedSemaphorePermit) -> Result<Answer, VisitError> {
        let mut introducers = self.introducers.lock().expect("no panic");
        let host = introducers.get_mut(&visit.introducer.key);
        let Some(host) = host.filter(|host| host.failures == 0) else {
            if let Some(host) = introducers.get_mut(&visit.introducer.key) {
                host.failures -= 1;
            }
            return Err(VisitError::Ended);
        };
        let client = Client {
            key: visit.visitor.device_key(),
            address: None,
        };
        let request = visit.request.to_bytes();
        host.registry.handle_request(NOW, client, 0, &request);
        loop {
            match host.registry.poll_output() {
                Some(RegistryOutput::Answer { answer, .. }) => return Ok(answer),
                Some(RegistryOutput::Store(_)) => {}
                None => panic!("every request is answered"),
            }
        }
    }
}

fn introducer(key: DeviceKey) -> Introducer {
    let ports = Ports {
        tcp: 1,
        udp: 2,
        discovery: 3,
    };
    let trust = Trust::Pin(TlsPin([0; 32]));
    Introducer::new(key, vec![[127, 0, 0, 1].into()], ports, trust)
}

fn record(locator: u8, sequence: u64) -> Record {
    let terms = Terms {
        slot: Slot([0; 16]),
        sequence,
        expires: Time(2_000_000),
        payload: vec![1; 900],
    };
    let secret = SecretKey::from_bytes([locator; 32]);
    Record::sign(&Ed25519, &secret, terms).expect("within bounds")
}

fn visit(key: DeviceKey, request: Request, peer: Option<PeerId>) -> Order {
    Order::Visit(Box::new(Visit {
        introducer: introducer(key),
        is_ours: OURS.contains(&key),
        visitor: SecretKey::from_bytes(entropy::seed()),
        request,
        peer,
    }))
}

fn publish(key: DeviceKey, locator: u8, sequence: u64) -> Order {
    visit(key, Request::Publish(record(locator, sequence)), Some(PEER))
}

fn locator_of(locator: u8) -> Locator {
    SecretKey::from_bytes([locator; 32]).locator()
}

fn lookup(key: DeviceKey, locator: u8) -> Order {
    visit(key, Request::Lookup(locator_of(locator)), None)
}

fn found(locator: u8, sequence: u64) -> Finding {
    let records = vec![record(locator, sequence)];
    Finding::Records {
        locator: locator_of(locator),
        records,
    }
}

fn nothing(locator: u8) -> Finding {
    Finding::Records {
        locator: locator_of(locator),
        records: Vec::new(),
    }
}

/// A running source.
fn run(world: &World) -> (Running, mpsc::Receiver<Finding>) {
    let (findings, receiver) = mpsc::channel(FINDINGS_MAX);
    let running = start(Registries::new(world.clone()), findings);
    (running, receiver)
}

/// The next finding, waited for in the test's own time, which passes as soon as nothing else can happen.
async fn next(findings: &mut mpsc::Receiver<Finding>) -> Finding {
    let found = timeout(Duration::from_secs(600), findings.recv()).await;
    found.expect("in time").expect("running")
}

/// As many findings as come before `last`, and `last`.
async fn until(findings: &mut mpsc::Receiver<Finding>, last: &Finding) -> Vec<Finding> {
    let mut seen = Vec::new();
    while seen.last() != Some(last) {
        seen.push(next(findings).await);
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn a_record_goes_where_it_is_ordered_and_is_found_there() {
    let world = World::default();
    world.start(A, 0);
    world.start(B, 0);
    let (running, mut findings) = run(&world);
    for (key, locator) in [(A, 1), (B, 1), (B, 2)] {
        running.order(publish(key, locator, 5));
        running.order(lookup(key, locator));
        until(&mut findings, &found(locator, 5)).await;
    }
    assert_eq!((world.records(A), world.records(B)), (1, 2));
    running.order(publish(A, 1, 4));
    let stale = Finding::Stale {
        peer: PEER,
        locator: locator_of(1),
        newest: 5,
    };
    assert_eq!(next(&mut findings).await, stale);
}

#[tokio::test(start_paused = true)]
async fn that_a_reply_is_kept_is_told() {
    let world = World::default();
    world.start(A, 0);
    let (running, mut findings) = run(&world);
    running.order(visit(A, Request::Publish(record(1, 5)), None));
    until(&mut findings, &Finding::Kept(locator_of(1))).await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_introducer_costs_the_others_nothing_and_its_lookups_end() {
    let world = World::default();
    world.start(B, 0);
    let (running, mut findings) = run(&world);
    running.order(publish(A, 1, 5));
    running.order(publish(B, 1, 5));
    running.order(lookup(B, 1));
    until(&mut findings, &found(1, 5)).await;
    running.order(lookup(A, 1));
    until(&mut findings, &nothing(1)).await;
}

#[tokio::test(start_paused = true)]
async fn one_failed_visit_is_paid_again_and_no_failure_of_the_introducer() {
    let world = World::default();
    world.start(A, 1);
    let (running, mut findings) = run(&world);
    running.order(lookup(A, 1));
    let told = until(&mut findings, &nothing(1)).await;
    assert_eq!(told, [Finding::IntroducerUp(A), nothing(1)]);
    assert!(findings.try_recv().is_err());
}

#[tokio::test(start_paused = true)]
async fn an_introducer_that_comes_back_is_reported_and_used() {
    let world = World::default();
    let (running, mut findings) = run(&world);
    running.order(lookup(A, 1));
    until(&mut findings, &Finding::IntroducerDown(A)).await;
    world.start(A, 0);
    until(&mut findings, &Finding::IntroducerUp(A)).await;
    running.order(publish(A, 1, 5));
    running.order(lookup(A, 1));
    until(&mut findings, &found(1, 5)).await;
}

#[tokio::test(start_paused = true)]
async fn an_introducer_that_flaps_is_tried_less_and_less_often() {
    let world = World::default();
    let (running, mut findings) = run(&world);
    let began = Instant::now();
    for _ in 0..6 {
        running.order(lookup(A, 1));
        until(&mut findings, &Finding::IntroducerDown(A)).await;
        world.start(A, 0);
        until(&mut findings, &Finding::IntroducerUp(A)).await;
        world.stop(A);
    }
    let waits: u32 = (0..5).map(|n| 1 << n).sum();
    assert!(began.elapsed() >= RETRY_FIRST * waits);
}

#[tokio::test(start_paused = true)]
async fn one_that_moved_is_up_by_its_new_line() {
    let world = World::default();
    let (running, mut findings) = run(&world);
    running.order(lookup(A, 1));
    until(&mut findings, &Finding::IntroducerDown(A)).await;
    world.start(A, 0);
    let mut moved = introducer(A);
    moved.tcp_port += 1;
    running.order(Order::Visit(Box::new(Visit {
        introducer: moved,
        is_ours: true,
        visitor: SecretKey::from_bytes(entropy::seed()),
        request: Request::Lookup(locator_of(2)),
        peer: None,
    })));
    let told = until(&mut findings, &nothing(2)).await;
    assert!(told.contains(&Finding::IntroducerUp(A)), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn however_many_introducers_contacts_name_one_more_of_mine_is_asked() {
    let world = World::default();
    world.start(A, 0);
    world.start(B, 0);
    let (running, mut findings) = run(&world);
    running.order(lookup(A, 1));
    until(&mut findings, &nothing(1)).await;
    let theirs = |number: u8| DeviceKey([number; 32]);
    for number in 10..10 + 2 * INTRODUCERS_MAX as u8 {
        running.order(lookup(theirs(number), number));
    }
    // Also those that were given up while they were being asked are answered for.
    let mut waited: Vec<u8> = (10..10 + 2 * INTRODUCERS_MAX as u8).collect();
    while !waited.is_empty() {
        let found = next(&mut findings).await;
        waited.retain(|number| found != nothing(*number));
    }
    running.order(publish(B, 2, 5));
    running.order(lookup(B, 2));
    until(&mut findings, &found(2, 5)).await;
    // Mine that was asked first has kept its task: that it is up is news no more.
    running.order(lookup(A, 3));
    let told = until(&mut findings, &nothing(3)).await;
    assert!(!told.contains(&Finding::IntroducerUp(A)), "{told:?}");
}
