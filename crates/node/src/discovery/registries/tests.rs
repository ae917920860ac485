//! The source against introducers in memory: real registry machines behind streams that can be cut.

use std::sync::{Arc, Mutex};

use kith_core::codec::{self, FRAME_HEADER_BYTES, Wire as _};
use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::discovery::{Client, Registry, RegistryConfig, RegistryOutput, Slot, Terms};
use kith_core::ids::{PeerId, TlsPin};
use kith_core::introducer::{Ports, Trust};
use kith_core::time::Time;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex, split};

use super::super::source::{FINDINGS_MAX, Running, start};
use super::*;

const NOW: Time = Time(1_000_000);
const PEER: PeerId = PeerId([9; 32]);
const A: DeviceKey = DeviceKey([1; 32]);
const B: DeviceKey = DeviceKey([2; 32]);

/// Introducers by key; one that is not in the list is dead.
#[derive(Clone, Default)]
struct World {
    introducers: Arc<Mutex<BTreeMap<DeviceKey, Host>>>,
}

/// One introducer: what it keeps, and how many requests a stream of it carries before it is cut.
#[derive(Clone)]
struct Host {
    registry: Arc<Mutex<Registry<Ed25519>>>,
    requests_per_stream: usize,
}

impl World {
    fn start(&self, key: DeviceKey, requests_per_stream: usize) {
        let registry = Registry::new(Ed25519, RegistryConfig::default(), NOW);
        let host = Host {
            registry: Arc::new(Mutex::new(registry)),
            requests_per_stream,
        };
        let mut introducers = self.introducers.lock().expect("no panic");
        introducers.insert(key, host);
    }

    fn records(&self, key: DeviceKey) -> usize {
        let introducers = self.introducers.lock().expect("no panic");
        let registry = introducers[&key].registry.lock().expect("no panic");
        registry.counts().records
    }
}

impl Connect for World {
    async fn connect(&self, introducer: &Introducer) -> io::Result<RegistryClient> {
        let introducers = self.introducers.lock().expect("no panic");
        let host = introducers.get(&introducer.key);
        let host = host.ok_or(io::ErrorKind::ConnectionRefused)?.clone();
        let (near, far) = duplex(4096);
        tokio::spawn(host.serve(far));
        let (receive, send) = split(near);
        Ok(RegistryClient::new(receive, send))
    }
}

impl Host {
    async fn serve(self, mut stream: DuplexStream) {
        let client = Client {
            key: DeviceKey([7; 32]),
            address: None,
        };
        for _ in 0..self.requests_per_stream {
            let mut header = [0; FRAME_HEADER_BYTES];
            if stream.read_exact(&mut header).await.is_err() {
                return;
            }
            let limit = kith_core::discovery::Request::BYTES_MAX;
            let length = codec::frame_length(header, limit).expect("a request");
            let mut request = vec![0; length];
            stream.read_exact(&mut request).await.expect("all of it");
            let answer = self.answer(client, &request);
            stream.write_all(&answer).await.expect("read");
        }
    }

    fn answer(&self, client: Client, request: &[u8]) -> Vec<u8> {
        let mut registry = self.registry.lock().expect("no panic");
        registry.handle_request(NOW, client, 0, request);
        loop {
            match registry.poll_output().expect("every request is answered") {
                RegistryOutput::Answer { answer, .. } => return codec::frame(&answer.to_bytes()),
                RegistryOutput::Store(_) => {}
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

fn record(locator: u8, sequence: u64) -> Box<Record> {
    let terms = Terms {
        slot: Slot([0; 16]),
        sequence,
        expires: Time(2_000_000),
        payload: vec![1; 900],
    };
    let secret = SecretKey::from_bytes([locator; 32]);
    Box::new(Record::sign(&Ed25519, &secret, terms).expect("within bounds"))
}

fn publish(keys: &[DeviceKey], locator: u8, sequence: u64) -> Order {
    Order::Publish {
        peer: Some(PEER),
        introducers: keys.iter().copied().map(introducer).collect(),
        record: record(locator, sequence),
    }
}

fn locator_of(locator: u8) -> Locator {
    SecretKey::from_bytes([locator; 32]).locator()
}

fn lookup(keys: &[DeviceKey], locator: u8) -> Order {
    Order::Lookup {
        introducers: keys.iter().copied().map(introducer).collect(),
        locator: locator_of(locator),
    }
}

fn found(locator: u8, sequence: u64) -> Finding {
    let records = vec![*record(locator, sequence)];
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
async fn a_record_goes_to_all_that_are_named_and_is_found_at_each() {
    let world = World::default();
    world.start(A, usize::MAX);
    world.start(B, usize::MAX);
    let (running, mut findings) = run(&world);
    running.order(publish(&[A, B], 1, 5));
    running.order(lookup(&[A], 1));
    until(&mut findings, &found(1, 5)).await;
    running.order(lookup(&[B], 1));
    until(&mut findings, &found(1, 5)).await;
    running.order(publish(&[B], 2, 5));
    running.order(lookup(&[B], 2));
    until(&mut findings, &found(2, 5)).await;
    assert_eq!((world.records(A), world.records(B)), (1, 2));
    running.order(publish(&[A], 1, 4));
    let stale = Finding::Stale {
        peer: PEER,
        newest: 5,
    };
    assert_eq!(next(&mut findings).await, stale);
}

#[tokio::test(start_paused = true)]
async fn a_dead_introducer_costs_the_others_nothing_and_its_lookups_end() {
    let world = World::default();
    world.start(B, usize::MAX);
    let (running, mut findings) = run(&world);
    running.order(publish(&[A, B], 1, 5));
    running.order(lookup(&[B], 1));
    let seen = until(&mut findings, &found(1, 5)).await;
    assert!(seen.contains(&Finding::IntroducerUp(B)) && !seen.contains(&Finding::IntroducerUp(A)));
    running.order(lookup(&[A], 1));
    until(&mut findings, &nothing(1)).await;
}

#[tokio::test(start_paused = true)]
async fn an_introducer_that_comes_back_is_reported_and_used() {
    let world = World::default();
    let (running, mut findings) = run(&world);
    running.order(lookup(&[A], 1));
    until(&mut findings, &Finding::IntroducerDown(A)).await;
    world.start(A, usize::MAX);
    until(&mut findings, &Finding::IntroducerUp(A)).await;
    running.order(publish(&[A], 1, 5));
    running.order(lookup(&[A], 1));
    until(&mut findings, &found(1, 5)).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_closed_for_idleness_is_opened_again_unnoticed() {
    let world = World::default();
    world.start(A, 2);
    let (running, mut findings) = run(&world);
    for sequence in 1..=5 {
        running.order(publish(&[A], 1, sequence));
        running.order(lookup(&[A], 1));
        // What is sent again on a new stream may overtake: which of the records is found does not matter here.
        let found = loop {
            match next(&mut findings).await {
                Finding::Records { records, .. } => break records,
                Finding::IntroducerDown(_) => panic!("an idle stream's end is no failure"),
                _ => {}
            }
        };
        assert!(sequence > 1 || !found.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn an_introducer_that_flaps_is_tried_less_and_less_often() {
    let world = World::default();
    world.start(A, 0);
    let (running, mut findings) = run(&world);
    let began = Instant::now();
    for _ in 0..6 {
        running.order(lookup(&[A], 1));
        until(&mut findings, &Finding::IntroducerDown(A)).await;
        until(&mut findings, &Finding::IntroducerUp(A)).await;
    }
    let waits: u32 = (0..5).map(|n| 1 << n).sum();
    assert!(began.elapsed() >= RETRY_FIRST * waits);
}

#[tokio::test(start_paused = true)]
async fn an_introducer_that_is_not_named_is_not_asked() {
    let world = World::default();
    world.start(A, usize::MAX);
    world.start(B, usize::MAX);
    let (running, mut findings) = run(&world);
    running.order(publish(&[B], 1, 5));
    running.order(lookup(&[B], 1));
    until(&mut findings, &found(1, 5)).await;
    assert_eq!((world.records(A), world.records(B)), (0, 1));
}
