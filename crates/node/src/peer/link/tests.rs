//! What somebody who writes without end, or never reads, can have a node keep.

use std::net::{Ipv4Addr, SocketAddr};

use iroh::SecretKey;
use kith_core::address::Route;
use kith_core::ids::Face;
use kith_core::introducer::Introducer;
use kith_core::routing::Level;

use super::super::live::{CONTROL_AHEAD_MAX, Link};
use super::*;
use crate::routing::{FaceConfig, FaceEndpoint};
use crate::testing::Testnet;

/// More than the window of a stream holds, in bytes.
const FLOOD_BYTES: usize = 4 << 20;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often a direct path is looked for until there is one; iroh looks no more often than that.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Two endpoints on loopback and both ends of a connection between them, the dialler's first.
async fn joined() -> ([FaceEndpoint; 2], Connection, Connection) {
    let bound = async || FaceEndpoint::bind(config()).await.expect("a free port");
    let (one, other) = tokio::join!(bound(), bound());
    let mut route = Route::new(other.device());
    route.addresses = other.bound_addresses();
    let (dialled, accepted) = connect(&one, &other, &route).await;
    ([one, other], dialled, accepted)
}

/// A contact face on loopback.
fn config() -> FaceConfig {
    FaceConfig {
        bind: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
        port_mapping: false,
        ..FaceConfig::new(Face::Contact, SecretKey::generate())
    }
}

/// Both ends of a new connection, the dialler's first.
async fn connect(
    one: &FaceEndpoint,
    other: &FaceEndpoint,
    route: &Route,
) -> (Connection, Connection) {
    let both = async { tokio::join!(one.connect(route), other.accept()) };
    let (dialled, accepted) = tokio::time::timeout(PATIENCE, both).await.expect("in time");
    (dialled.expect("it answers"), accepted.expect("open"))
}

/// A connection on which nobody has been introduced.
fn link(connection: Connection, control: mpsc::Sender<Said>) -> Link {
    Link {
        connection,
        face: Face::Contact,
        streams: OpenStreams::new(|| {}),
        control,
        session: None,
        stood: Stood::default(),
        since: std::time::Instant::now(),
    }
}

/// Starts the tasks of a connection. What they tell, and what the control stream is given.
fn started(
    connection: Connection,
) -> (
    mpsc::UnboundedReceiver<Input>,
    mpsc::Sender<Said>,
    watch::Sender<Option<Standing>>,
) {
    let (inputs, inbox) = mpsc::unbounded_channel();
    let (control, control_bytes) = mpsc::channel(CONTROL_AHEAD_MAX);
    let (session, session_watch) = watch::channel(None);
    LinkTasks {
        conn: ConnId(1),
        connection,
        inputs,
        protocols: Protocols::default(),
        streams: OpenStreams::new(|| {}),
        crowd: Crowd::new(Duration::from_secs(60)),
        session: session_watch,
        tasks: TaskTracker::new(),
    }
    .start(None, control_bytes);
    (inbox, control, session)
}

#[tokio::test]
async fn one_chunk_of_a_control_stream_waits_however_much_is_written() {
    let (_endpoints, dialled, accepted) = joined().await;
    let (mut inbox, _control, _session) = started(accepted);
    let (mut send, _receive) = dialled.open_stream().await.expect("open");
    let flood = tokio::spawn(async move {
        send.write_all(&vec![7; FLOOD_BYTES]).await.expect("open");
        send
    });
    let mut taken = 0;
    let takes = async {
        while taken < FLOOD_BYTES {
            let input = inbox.recv().await.expect("the connection stands");
            // Whatever else there is of this connection is not its control stream.
            if let Input::Control { bytes, .. } = &input {
                taken += bytes.len();
                tokio::task::yield_now().await;
                let next = inbox.try_recv();
                assert!(!matches!(next, Ok(Input::Control { .. })), "one at a time");
            }
        }
    };
    tokio::time::timeout(PATIENCE, takes)
        .await
        .expect("in time");
    flood.await.expect("written");
}

#[tokio::test]
async fn a_connection_on_which_nobody_reads_the_control_stream_is_closed() {
    let (_endpoints, dialled, accepted) = joined().await;
    // Nobody takes anything out of it, as where the stream's window is full.
    let (control, _unread) = mpsc::channel(CONTROL_AHEAD_MAX);
    let link = link(accepted.clone(), control);
    for _ in 0..CONTROL_AHEAD_MAX {
        link.say(vec![7]);
    }
    assert!(accepted.end().is_none(), "they may read it yet");
    link.say(vec![7]);
    assert!(accepted.end().is_some());
    let ended = tokio::time::timeout(PATIENCE, dialled.closed()).await;
    ended.expect("they are told");
}

/// A connection whose data has left its oldest path, by which the engine tells its end: it was dialled by a relay, and became direct.
async fn moved(relay: &Introducer) -> ([FaceEndpoint; 2], Connection, Connection) {
    let bound = async || {
        let config = FaceConfig {
            relays: vec![relay.clone()],
            ..config()
        };
        FaceEndpoint::bind(config).await.expect("a free port")
    };
    let (one, other) = tokio::join!(bound(), bound());
    let online = tokio::time::timeout(PATIENCE, other.online()).await;
    online.expect("by the relay");
    let mut route = Route::new(other.device());
    route.relays = vec![relay.relay_url()];
    let (dialled, accepted) = connect(&one, &other, &route).await;
    let moves = async {
        loop {
            one.seek_direct_paths().await;
            let direct = tokio::time::timeout(LOOK_AGAIN, dialled.wait_direct()).await;
            if direct.is_ok() && !dialled.tells_close() {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, moves).await.expect("direct");
    ([one, other], dialled, accepted)
}

#[tokio::test]
async fn who_is_to_hear_the_end_of_a_session_has_a_moment_and_who_is_silent_has_none() {
    let testnet = Testnet::start(1, 0).await.expect("an introducer");
    for at_once in [false, true] {
        let (_endpoints, dialled, _accepted) = moved(&testnet.lines()[0]).await;
        let (control, mut said) = mpsc::channel(CONTROL_AHEAD_MAX);
        let link = Link {
            session: Some(Standing {
                peer: None,
                level: Level::Stranger,
                remote: dialled.remote(),
            }),
            ..link(dialled.clone(), control)
        };
        let farewells = TaskTracker::new();
        link.end(CloseCode::Done, at_once, &farewells);
        assert_eq!(dialled.end().is_some(), at_once);
        let last_word = Said::LastWord(CloseCode::Done);
        assert_eq!(said.try_recv().ok(), (!at_once).then_some(last_word));
        let closed = tokio::time::timeout(PATIENCE, dialled.closed()).await;
        closed.expect("it ends");
    }
    testnet.shutdown().await;
}

#[tokio::test]
async fn the_last_word_on_a_control_stream_ends_the_session_with_its_code() {
    let (_endpoints, dialled, accepted) = joined().await;
    let (mut inbox, _control, _session) = started(accepted.clone());
    let (send, _receive) = dialled.open_stream().await.expect("open");
    let (control, said) = mpsc::channel(CONTROL_AHEAD_MAX);
    tokio::spawn(write_control(send, said));
    let first = Said::Frames(vec![7]);
    control.send(first).await.expect("it is written");
    let ended = async {
        loop {
            match inbox.recv().await.expect("the connection stands") {
                // It is there.
                Input::Control { .. } => {
                    let last = Said::LastWord(CloseCode::Idle);
                    control.send(last).await.expect("it is written");
                }
                Input::Closed { ended, .. } => return ended,
                _ => {}
            }
        }
    };
    let ended = tokio::time::timeout(PATIENCE, ended)
        .await
        .expect("in time");
    let code = u64::from(CloseCode::Idle.number());
    assert!(matches!(ended, Ended::There { code: told, .. } if told == code));
    let closed = tokio::time::timeout(PATIENCE, accepted.closed()).await;
    closed.expect("nothing is left of it");
}

#[tokio::test]
async fn silence_is_told_while_somebody_asks_and_not_before() {
    let theirs = tokio::runtime::Runtime::new().expect("threads");
    let bound = theirs.spawn(FaceEndpoint::bind(config()));
    let other = bound.await.expect("it runs").expect("a free port");
    let one = FaceEndpoint::bind(config()).await.expect("a free port");
    let mut route = Route::new(other.device());
    route.addresses = other.bound_addresses();
    let (dialled, _accepted) = connect(&one, &other, &route).await;
    let (inputs, mut inbox) = mpsc::unbounded_channel();
    let (_session, session) = watch::channel(None);
    let streams = OpenStreams::new(|| {});
    let tasks = LinkTasks {
        conn: ConnId(1),
        connection: dialled,
        inputs,
        protocols: Protocols::default(),
        streams: streams.clone(),
        crowd: Crowd::new(Duration::from_secs(60)),
        session,
        tasks: TaskTracker::new(),
    };
    let (asks, _used) = (streams.count(), streams.count());
    tokio::spawn(tasks.watch_silence());
    // From now on nothing comes, not even what an engine says by itself.
    theirs.shutdown_background();
    tokio::task::yield_now().await;
    assert!(inbox.try_recv().is_err());
    let begun = std::time::Instant::now();
    asks.ask();
    let told = tokio::time::timeout(PATIENCE, inbox.recv()).await;
    let told = told.expect("in time").expect("it runs");
    let conn = ConnId(1);
    assert!(matches!(told, Input::Silence { conn: of, .. } if of == conn));
    assert!(begun.elapsed() >= SILENT_MAX);
}
