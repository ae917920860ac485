//! The registry as its clients see it, over streams in memory and a database on disk.

use std::net::{IpAddr, Ipv4Addr};

use kith_core::address::Route;
use kith_core::crypto::SecretKey;
use kith_core::discovery::{Record, Refusal, Slot, Terms};
use kith_core::ids::{DeviceKey, Face};
use tempfile::TempDir;
use tokio::io::{DuplexStream, ReadHalf, WriteHalf, duplex, split};

use super::*;
use crate::routing::{FaceConfig, FaceEndpoint};

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn client(number: u8) -> Client {
    Client {
        key: DeviceKey([number; 32]),
        address: Some(IpAddr::V4(Ipv4Addr::new(203, 0, 113, number))),
    }
}

fn secret(number: u8) -> SecretKey {
    SecretKey::from_bytes([number; 32])
}

fn record(writer: u8, sequence: u64) -> Record {
    let terms = Terms {
        slot: Slot([0; 16]),
        sequence,
        expires: clock::now() + Duration::from_secs(600),
        payload: vec![writer; 100],
    };
    Record::sign(&Ed25519, &secret(writer), terms).expect("within bounds")
}

async fn open(data: &TempDir) -> (Arc<RegistryService>, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::default());
    let opened = RegistryService::open(data.path(), RegistryConfig::default(), metrics.clone());
    (Arc::new(opened.await.expect("a usable database")), metrics)
}

/// A client's end of a stream that is being served.
struct Caller {
    receive: ReadHalf<DuplexStream>,
    send: WriteHalf<DuplexStream>,
    served: tokio::task::JoinHandle<Result<(), ServeError>>,
}

impl Caller {
    fn new(service: &Arc<RegistryService>, client: Client) -> Self {
        let (ours, theirs) = duplex(4096);
        let service = service.clone();
        let served = tokio::spawn(async move {
            let (receive, send) = split(theirs);
            service.serve(receive, send, client).await
        });
        let (receive, send) = split(ours);
        Self {
            receive,
            send,
            served,
        }
    }

    async fn ask(&mut self, request: &Request) -> Answer {
        let framed = codec::frame(&request.to_bytes());
        self.send.write_all(&framed).await.expect("served");
        self.answer().await
    }

    async fn answer(&mut self) -> Answer {
        let read = async {
            let mut header = [0; FRAME_HEADER_BYTES];
            self.receive.read_exact(&mut header).await?;
            let mut body = vec![0; u32::from_be_bytes(header) as usize];
            self.receive.read_exact(&mut body).await?;
            Ok::<_, io::Error>(body)
        };
        let body = timeout(PATIENCE, read).await.expect("an answer");
        Answer::from_bytes(&body.expect("a whole answer")).expect("an answer's bytes")
    }

    /// How serving ended, after this side sent nothing more.
    async fn end(mut self) -> Result<(), ServeError> {
        self.send.shutdown().await.expect("served");
        let ended = timeout(PATIENCE, self.served).await.expect("an end");
        ended.expect("no panic")
    }
}

#[tokio::test]
async fn what_one_client_leaves_another_finds_by_exact_key_only() {
    let data = tempfile::tempdir().expect("a place for files");
    let (service, metrics) = open(&data).await;
    let mut writer = Caller::new(&service, client(1));
    let published = record(7, 1);
    let answer = writer.ask(&Request::Publish(published.clone())).await;
    assert_eq!(answer, Answer::Kept);
    let mut reader = Caller::new(&service, client(2));
    let answer = reader.ask(&Request::Lookup(secret(7).locator())).await;
    assert_eq!(answer, Answer::Records(vec![published]));
    let answer = reader.ask(&Request::Lookup(secret(8).locator())).await;
    assert_eq!(answer, Answer::Records(Vec::new()));
    let counted = (
        metrics.records_published.get(),
        metrics.lookups.get(),
        metrics.records.get(),
    );
    assert_eq!(counted, (1, 2, 1));
    assert!(writer.end().await.is_ok());
    assert!(reader.end().await.is_ok());
}

#[tokio::test]
async fn records_are_there_after_a_restart_and_still_ordered() {
    let data = tempfile::tempdir().expect("a place for files");
    let (service, _) = open(&data).await;
    let mut caller = Caller::new(&service, client(1));
    let newer = record(7, 2);
    let answer = caller.ask(&Request::Publish(newer.clone())).await;
    assert_eq!(answer, Answer::Kept);
    caller.end().await.expect("a proper end");
    service.close().await;
    drop(service);
    let (service, _) = open(&data).await;
    let mut caller = Caller::new(&service, client(2));
    let answer = caller.ask(&Request::Publish(record(7, 1))).await;
    assert_eq!(answer, Answer::Refused(Refusal::Stale { newest: 2 }));
    let answer = caller.ask(&Request::Lookup(newer.locator())).await;
    assert_eq!(answer, Answer::Records(vec![newer]));
}

#[tokio::test]
async fn a_record_that_cannot_be_written_is_not_said_to_be_kept() {
    let data = tempfile::tempdir().expect("a place for files");
    let (service, metrics) = open(&data).await;
    let breaking =
        rusqlite::Connection::open(data.path().join("registry.db")).expect("the database");
    let broken = breaking.execute_batch(
        "CREATE TRIGGER full BEFORE INSERT ON state BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    );
    broken.expect("a trigger");
    let publish = Request::Publish(record(7, 1));
    let framed = codec::frame(&publish.to_bytes());
    for attempt in ["decided and not written", "not even decided"] {
        let mut caller = Caller::new(&service, client(1));
        caller.send.write_all(&framed).await.expect("served");
        let ended = caller.end().await;
        assert!(matches!(ended, Err(ServeError::Unwritable)), "{attempt}");
    }
    assert_eq!(metrics.records_published.get(), 0);
    assert_eq!(metrics.registry_unwritable.get(), 1);
    let mended = breaking.execute_batch("DROP TRIGGER full");
    mended.expect("there is one");
    let mut caller = Caller::new(&service, client(1));
    let answer = caller.ask(&publish).await;
    assert_eq!(answer, Answer::Kept);
    assert_eq!(metrics.registry_unwritable.get(), 0);
    service.close().await;
    let (service, _) = open(&data).await;
    let mut caller = Caller::new(&service, client(2));
    let answer = caller.ask(&Request::Lookup(secret(7).locator())).await;
    assert!(matches!(answer, Answer::Records(records) if records.len() == 1));
}

#[tokio::test]
async fn a_frame_that_announces_too_much_ends_the_stream_and_nothing_else() {
    let data = tempfile::tempdir().expect("a place for files");
    let (service, _) = open(&data).await;
    let mut liar = Caller::new(&service, client(1));
    liar.send.write_all(&[0xff; 4]).await.expect("served");
    assert!(matches!(liar.end().await, Err(ServeError::TooLarge(_))));
    let mut other = Caller::new(&service, client(2));
    let garbage = codec::frame(b"no request");
    other.send.write_all(&garbage).await.expect("served");
    assert_eq!(other.answer().await, Answer::Refused(Refusal::Invalid));
    let answer = other.ask(&Request::Lookup(secret(8).locator())).await;
    assert_eq!(answer, Answer::Records(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_never_ends_is_given_up() {
    let data = tempfile::tempdir().expect("a place for files");
    let (service, _) = open(&data).await;
    let mut slow = Caller::new(&service, client(1));
    slow.send.write_all(&[0, 0]).await.expect("served");
    let ended = (&mut slow.served).await.expect("no panic");
    assert!(matches!(ended, Err(ServeError::TooSlow)));
    let idle = Caller::new(&service, client(2));
    let start = Instant::now();
    idle.served.await.expect("no panic").expect("no error");
    assert_eq!(start.elapsed(), IDLE_MAX);
}

#[tokio::test]
async fn a_closed_registry_serves_nobody() {
    let data = tempfile::tempdir().expect("a place for files");
    let (service, _) = open(&data).await;
    service.close().await;
    let mut caller = Caller::new(&service, client(1));
    let framed = codec::frame(&Request::Lookup(secret(8).locator()).to_bytes());
    caller.send.write_all(&framed).await.expect("buffered");
    assert!(matches!(caller.end().await, Err(ServeError::Closed)));
}

#[tokio::test]
async fn it_serves_over_the_stream_of_a_session() {
    let data = tempfile::tempdir().expect("a place for files");
    let (service, _) = open(&data).await;
    let face = || async {
        let config = FaceConfig {
            bind: vec![(Ipv4Addr::LOCALHOST, 0).into()],
            port_mapping: false,
            ..FaceConfig::new(Face::Contact, iroh_base::SecretKey::generate())
        };
        FaceEndpoint::bind(config).await.expect("free ports")
    };
    let (introducer, asker) = (face().await, face().await);
    let mut route = Route::new(introducer.device());
    route.addresses = introducer.bound_addresses();
    let serving = async {
        let session = introducer.accept().await.expect("a call");
        let (send, receive) = session.accept_stream().await.expect("a stream");
        let client = Client {
            key: session.remote(),
            address: None,
        };
        service
            .serve(receive, send, client)
            .await
            .expect("a proper end");
        session.closed().await;
    };
    let asking = async {
        let session = asker.connect(&route).await.expect("an answer");
        let (mut send, mut receive) = session.open_stream().await.expect("a stream");
        let published = Request::Publish(record(7, 1));
        for (request, expected) in [
            (published, Answer::Kept),
            (
                Request::Lookup(secret(8).locator()),
                Answer::Records(Vec::new()),
            ),
        ] {
            send.write_frame(&request.to_bytes()).await.expect("sent");
            let answer = receive.read_frame(Answer::BYTES_MAX).await;
            let answer = answer.expect("an answer").expect("not the end");
            assert_eq!(Answer::from_bytes(&answer), Ok(expected));
        }
        send.finish().expect("open until now");
        let end = receive.read_frame(Answer::BYTES_MAX).await;
        assert_eq!(end.expect("a proper end"), None);
        session.close(0, "done");
    };
    timeout(PATIENCE, async { tokio::join!(serving, asking) })
        .await
        .expect("a conversation");
}
