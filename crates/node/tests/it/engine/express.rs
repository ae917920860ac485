//! Express lanes between two endpoints: what goes through, who is kept out, how it ends.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use kith::clock;
use kith::routing::express::dial::{DialError, dial};
use kith::routing::express::{GiveError, Given, Giver, Lane};
use kith::routing::stream::StreamError;
use kith::routing::{Connection, Ended, FaceEndpoint, ReceiveHalf, SendHalf};
use kith_core::ids::Face;
use kith_core::routing::Level;
use kith_core::routing::express::config::{
    DIAL_WITHIN, LANES_SESSION_MAX, PROVEN_WITHIN, TICKET_LIFE, UNPROVEN_ADDRESS_MAX,
};
use kith_core::routing::express::wire::Offered;
use kith_core::routing::express::{Refusal, Ticket};
use kith_core::time::Time;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;

use super::paths::until_direct;
use super::relay::TestRelay;
use super::{contact_face, direct_route, joined, loopback, pair, relay_route, soon};
use crate::street::{Street, Traffic};
use crate::waiting::a_moment;

/// What a busy machine may add to a bound.
const BUSY: Duration = Duration::from_secs(5);

/// The two halves of one side of a stream.
type Halves = (SendHalf, ReceiveHalf);

fn give(giver: &Giver, connection: &Connection) -> Given {
    giver.give(connection, Level::Contact).expect("room")
}

/// A lane as its two ends, the getter's first.
async fn lane(getter: &Connection, giving: &Connection, giver: &Giver) -> (Lane, Lane) {
    let given = give(giver, giving);
    let offered = given.offered.clone();
    let (dialled, arrived) = tokio::join!(
        soon("dialling", dial(getter, &offered)),
        soon("an arrival", given.arrived())
    );
    (dialled.expect("a good ticket"), arrived.expect("a lane"))
}

/// A stream of the two, carried by a lane.
async fn stream(getter: &Connection, giving: &Connection, giver: &Giver) -> (Halves, Halves) {
    leashed(getter, giving, lane(getter, giving, giver).await).await
}

/// A stream of the two, on the leash of which `lanes` carry it.
async fn leashed(
    getter: &Connection,
    giving: &Connection,
    (dialled, arrived): (Lane, Lane),
) -> (Halves, Halves) {
    let (mut send, mut receive) = getter.open_stream().await.expect("open");
    send.write_frame(b"leash").await.expect("open");
    let accepted = soon("a stream", giving.accept_stream()).await;
    let (mut other_send, mut other_receive) = accepted.expect("open");
    other_receive.read_frame(64).await.expect("whole");
    getter.carry(&mut send, &mut receive, dialled);
    giving.carry(&mut other_send, &mut other_receive, arrived);
    ((send, receive), (other_send, other_receive))
}

/// The offer, with another port.
fn at_port(given: &Given, port: u16) -> Offered {
    Offered {
        port,
        ticket: given.offered.ticket.clone(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_is_a_stream_with_two_ends() {
    let (_one, _other, getter, giving) = pair().await;
    let giver = Giver::new(clock::now);
    let ((mut send, mut receive), (mut other_send, mut other_receive)) =
        stream(&getter, &giving, &giver).await;
    let megabytes = Bytes::from((0..3_000_000_u32).map(|i| i as u8).collect::<Vec<_>>());
    let sent = megabytes.clone();
    let sending = tokio::spawn(async move {
        send.write_chunk(sent).await.expect("open");
        send.finish().expect("once");
        let delivered = send.delivered().await;
        (send, delivered)
    });
    let all = soon("all of it", other_receive.read_to_end(4_000_000)).await;
    assert_eq!(all.expect("whole"), megabytes);
    let (send, delivered) = soon("delivery", sending).await.expect("no panic");
    delivered.expect("they have it");
    assert_eq!(send.flow(), other_receive.flow());

    other_send
        .write_frame(b"thanks")
        .await
        .expect("the other half is open");
    let frame = soon("a frame", receive.read_frame(64))
        .await
        .expect("whole");
    assert_eq!(frame.as_deref(), Some(&b"thanks"[..]));
    other_send.finish().expect("once");
    let end = soon("the end", receive.read_frame(64))
        .await
        .expect("clean");
    assert_eq!(end, None);
    soon("delivery", other_send.delivered())
        .await
        .expect("read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_that_is_given_up_is_told_and_leaves_the_other_open() {
    let (_one, _other, getter, giving) = pair().await;
    let giver = Giver::new(clock::now);
    let ((mut send, mut receive), (mut other_send, other_receive)) =
        stream(&getter, &giving, &giver).await;
    drop(other_receive);
    let unwanted = soon("the news", send.delivered()).await;
    assert!(
        matches!(unwanted, Err(StreamError::GivenUp(0))),
        "{unwanted:?}"
    );
    let refused = async {
        loop {
            if let Err(error) = send.write_all(&[0; 1000]).await {
                return error;
            }
        }
    };
    let refused = soon("no more", refused).await;
    assert!(matches!(refused, StreamError::GivenUp(0)), "{refused:?}");

    other_send.write_frame(b"still here").await.expect("open");
    let frame = soon("a frame", receive.read_frame(64))
        .await
        .expect("whole");
    assert_eq!(frame.as_deref(), Some(&b"still here"[..]));
    other_send.reset(7);
    let reset = soon("the reset", receive.read_chunk(64)).await;
    // TCP may be faster than the session to tell that it is over.
    let is_told = matches!(
        reset,
        Err(StreamError::GivenUp(7) | StreamError::LaneBroken(_))
    );
    assert!(is_told, "{reset:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_ends_with_its_session() {
    let (_one, _other, getter, giving) = pair().await;
    let giver = Giver::new(clock::now);
    let ((send, mut receive), (mut other_send, mut other_receive)) =
        stream(&getter, &giving, &giver).await;
    other_send.write_all(b"on its way").await.expect("open");
    soon("bytes", receive.read_chunk(64)).await.expect("there");
    giving.close(3, "enough");
    let here = soon("the end", other_receive.read_chunk(64)).await;
    assert!(
        matches!(here, Err(StreamError::Ended(Ended::Here))),
        "{here:?}"
    );
    let there = soon("the end", receive.read_chunk(64)).await;
    let expected = |error: &StreamError| {
        matches!(error, StreamError::Ended(Ended::There { code: 3, .. }))
            || matches!(error, StreamError::LaneBroken(_))
    };
    assert!(there.as_ref().is_err_and(expected), "{there:?}");
    let unsent = soon("the end", send.delivered()).await;
    assert!(unsent.is_err());
    assert!(soon("the end", other_send.delivered()).await.is_err());
    let written = other_send.write_all(b"more").await;
    assert!(written.is_err(), "nothing goes out after the end");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_good_once() {
    let (_one, _other, getter, giving) = pair().await;
    let giver = Giver::new(clock::now);
    let (first, second) = (give(&giver, &giving), give(&giver, &giving));
    soon("dialling", dial(&getter, &first.offered))
        .await
        .expect("good");
    let again = soon("dialling", dial(&getter, &first.offered)).await;
    assert!(matches!(again, Err(DialError::NotThem(_))), "{again:?}");
    soon("dialling", dial(&getter, &second.offered))
        .await
        .expect("another's fate is not its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_was_never_issued_is_hung_up_on() {
    let (_one, _other, getter, giving) = pair().await;
    let giver = Giver::new(clock::now);
    let given = give(&giver, &giving);
    let forged = Offered {
        port: given.offered.port,
        ticket: Ticket::from_bytes([7; 32]),
    };
    let refused = soon("dialling", dial(&getter, &forged)).await;
    let hung_up = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
    assert!(
        matches!(&refused, Err(DialError::NotThem(error)) if hung_up(error)),
        "{refused:?}"
    );
    soon("dialling", dial(&getter, &given.offered))
        .await
        .expect("unharmed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_of_another_session_or_device_is_refused_and_used_up() {
    let (getter_face, giving_face, getter, giving) = pair().await;
    let giver = Giver::new(clock::now);
    // The same two devices once more.
    let route = direct_route(&giving_face);
    let (second, _second_giving) = joined(&getter_face, &giving_face, &route).await;
    let given = give(&giver, &giving);
    let refused = soon("dialling", dial(&second, &given.offered)).await;
    assert!(refused.is_err(), "another session");
    let late = soon("dialling", dial(&getter, &given.offered)).await;
    assert!(late.is_err(), "it was shown");
    assert!(soon("no lane", given.arrived()).await.is_none());

    // Somebody who overheard it.
    let mallory_face = contact_face(&[]).await;
    let (mallory, _mallory_giving) = joined(&mallory_face, &giving_face, &route).await;
    let given = give(&giver, &giving);
    let refused = soon("dialling", dial(&mallory, &given.offered)).await;
    assert!(refused.is_err(), "another device key");
    assert!(soon("no lane", given.arrived()).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_answers_with_another_key_gets_nothing() {
    let (_one, giving_face, getter, giving) = pair().await;
    let (_three, _four, _, other_giving) = pair().await;
    drop(giving_face);
    // A port of somebody else, who even has the ticket.
    let (giver, other) = (Giver::new(clock::now), Giver::new(clock::now));
    let given = give(&giver, &giving);
    let elsewhere = give(&other, &other_giving);
    let mixed = Offered {
        port: elsewhere.offered.port,
        ticket: elsewhere.offered.ticket.clone(),
    };
    drop(given);
    let refused = soon("dialling", dial(&getter, &mixed)).await;
    assert!(matches!(refused, Err(DialError::NotThem(_))), "{refused:?}");
}

/// The clock of one test, in milliseconds.
static CLOCK: AtomicU64 = AtomicU64::new(1_000_000);

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_expired_is_refused() {
    let (_one, _other, getter, giving) = pair().await;
    let giver = Giver::new(|| Time(CLOCK.load(Ordering::Relaxed)));
    let given = give(&giver, &giving);
    let life = u64::try_from(TICKET_LIFE.as_millis()).expect("seconds");
    CLOCK.fetch_add(life, Ordering::Relaxed);
    let refused = soon("dialling", dial(&getter, &given.offered)).await;
    assert!(matches!(refused, Err(DialError::NotThem(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_port_is_open_only_while_a_ticket_is_out() {
    let (_one, _other, getter, giving) = pair().await;
    let giver = Giver::new(clock::now);
    let given = give(&giver, &giving);
    let port = given.offered.port;
    let (_dialled, _arrived) = lane(&getter, &giving, &giver).await;
    assert!(
        TcpStream::connect(("127.0.0.1", port)).await.is_ok(),
        "one is out"
    );
    drop(given);
    let closed = async {
        while TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            a_moment().await;
        }
    };
    soon("a closed port", closed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_has_so_many_lanes_and_each_gives_its_place_back() {
    let (_one, _other, getter, giving) = pair().await;
    let giver = Giver::new(clock::now);
    let mut lanes = Vec::new();
    for _ in 0..LANES_SESSION_MAX {
        lanes.push(stream(&getter, &giving, &giver).await);
    }
    let refused = giver.give(&giving, Level::Contact).map(drop);
    assert!(
        matches!(refused, Err(GiveError::Refused(Refusal::Busy))),
        "{refused:?}"
    );
    lanes.pop();
    let room = async {
        while giver.give(&giving, Level::Contact).is_err() {
            a_moment().await;
        }
    };
    soon("room", room).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_over_a_relay_gets_none_and_seeks_none() {
    let relay = TestRelay::start(Ipv4Addr::LOCALHOST.into()).await;
    let relays = [relay.introducer.clone()];
    let public = FaceEndpoint::bind(loopback(Face::Public, &relays)).await;
    let public = public.expect("nothing to bind");
    soon("a place at the relay", public.online()).await;
    let getter_face = contact_face(&relays).await;
    let route = relay_route(&public, &relay.introducer);
    let (getter, giving) = joined(&getter_face, &public, &route).await;
    let giver = Giver::new(clock::now);
    let refused = giver.give(&giving, Level::Contact).map(drop);
    assert!(
        matches!(refused, Err(GiveError::Refused(Refusal::Relayed))),
        "{refused:?}"
    );
    let nowhere = Offered {
        port: 1024,
        ticket: Ticket::from_bytes([7; 32]),
    };
    let refused = dial(&getter, &nowhere).await;
    assert!(matches!(refused, Err(DialError::Relayed)), "{refused:?}");
    relay.stop().await;
}

/// Has what comes to [::1] at `port` go on to 127.0.0.1 at the same port.
async fn pass_on(port: u16) -> AbortOnDropHandle<()> {
    let entrance = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).await;
    let entrance = entrance.expect("free in one family, free in the other");
    AbortOnDropHandle::new(tokio::spawn(async move {
        let (mut inside, _) = entrance.accept().await.expect("open");
        let outside = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await;
        // Ends as either side does.
        let _ = copy_bidirectional(&mut inside, &mut outside.expect("open")).await;
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lane_ends_when_its_session_loses_the_path_and_the_session_goes_on() {
    let relay = TestRelay::start(Ipv4Addr::LOCALHOST.into()).await;
    let relays = [relay.introducer.clone()];
    // One has IPv6 only and the other IPv4 only: the street is their one direct way.
    let mut config = loopback(Face::Contact, &relays);
    config.bind = vec![SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
    let getter_face = FaceEndpoint::bind(config).await.expect("a free port");
    let giving_face = contact_face(&relays).await;
    soon("the relay", getter_face.online()).await;
    soon("the relay", giving_face.online()).await;
    let target = giving_face.bound_addresses()[0];
    let street = Street::open(Ipv6Addr::LOCALHOST.into(), target, Traffic::Open).await;
    // As a router's mapping would be. An address that only the route says would be tried while dialling and never again.
    giving_face
        .engine()
        .add_external_addr(street.entrance)
        .await;
    let route = relay_route(&giving_face, &relay.introducer);
    let (getter, giving) = joined(&getter_face, &giving_face, &route).await;
    until_direct(&getter_face, [&getter, &giving]).await;
    let giver = Giver::new(clock::now);
    let given = give(&giver, &giving);
    let _way = pass_on(given.offered.port).await;
    let offered = given.offered.clone();
    let (dialled, arrived) = tokio::join!(dial(&getter, &offered), given.arrived());
    let lanes = (dialled.expect("a good ticket"), arrived.expect("a lane"));
    let ((_send, mut receive), (mut other_send, _other_receive)) =
        leashed(&getter, &giving, lanes).await;
    other_send.write_all(b"over TCP").await.expect("open");
    soon("bytes", receive.read_chunk(64)).await.expect("there");

    street.allow(Traffic::Cut);
    let broken = soon("the end", receive.read_chunk(64)).await;
    assert!(
        matches!(broken, Err(StreamError::LaneBroken(_))),
        "{broken:?}"
    );
    let broken = soon("the end", other_send.delivered()).await;
    assert!(broken.is_err(), "{broken:?}");
    let (mut send, _receive) = getter.open_stream().await.expect("open");
    send.write_frame(b"over QUIC").await.expect("open");
    let accepted = soon("a stream", giving.accept_stream()).await;
    let (_other_send, mut receive) = accepted.expect("open");
    let frame = soon("a frame", receive.read_frame(64)).await;
    assert_eq!(frame.expect("whole").as_deref(), Some(&b"over QUIC"[..]));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_and_a_silent_one_are_given_up_quickly() {
    let (_one, _other, getter, giving) = pair().await;
    let giver = Giver::new(clock::now);
    let given = give(&giver, &giving);
    let closed = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = closed.local_addr().expect("bound").port();
    drop(closed);
    let begun = Instant::now();
    let refused = dial(&getter, &at_port(&given, port)).await;
    assert!(
        matches!(refused, Err(DialError::Unreachable(_))),
        "{refused:?}"
    );

    // The kernel takes the connection, and nobody says anything: what a firewall that swallows packets looks like.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = silent.local_addr().expect("bound").port();
    let unanswered = dial(&getter, &at_port(&given, port)).await;
    assert!(
        matches!(unanswered, Err(DialError::NoAnswer(_))),
        "{unanswered:?}"
    );
    assert!(
        begun.elapsed() < DIAL_WITHIN + BUSY,
        "{:?}",
        begun.elapsed()
    );
}

/// Connects from an address of the loopback network.
async fn knock(from: Ipv4Addr, port: u16) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    socket
        .connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_unauthenticated_connections_costs_only_itself() {
    let (_one, _other, getter, giving) = pair().await;
    let giver = Giver::new(clock::now);
    let given = give(&giver, &giving);
    let (port, offered) = (given.offered.port, given.offered.clone());
    let flooder = Ipv4Addr::new(127, 0, 0, 2);
    let mut flood = Vec::new();
    for _ in 0..4 * UNPROVEN_ADDRESS_MAX {
        flood.push(knock(flooder, port).await.expect("the kernel takes it"));
    }
    let begun = Instant::now();
    soon("dialling", dial(&getter, &offered))
        .await
        .expect("others come through");
    let mut listening = JoinSet::new();
    for mut connection in flood {
        listening.spawn(async move {
            let mut got = Vec::new();
            // Hung up on, in order or not.
            let _ = soon("the end", connection.read_to_end(&mut got)).await;
            assert_eq!(got, b"", "nothing is said before a ticket is shown");
            begun.elapsed() > PROVEN_WITHIN / 2
        });
    }
    let listened = listening.join_all().await;
    let kept = listened.into_iter().filter(|kept| *kept).count();
    let bound = 1..=UNPROVEN_ADDRESS_MAX;
    assert!(bound.contains(&kept), "{kept} were listened to for a while");
    assert!(begun.elapsed() < PROVEN_WITHIN + BUSY);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scanner_is_told_nothing_whatever_it_sends() {
    let (_one, _other, _getter, giving) = pair().await;
    let giver = Giver::new(clock::now);
    let given = give(&giver, &giving);
    let endless = vec![0x16; 100_000];
    let requests: [&[u8]; 5] = [
        b"GET / HTTP/1.0\r\n\r\n",
        b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
        b"\x16\x03\x01\xff\xff",
        b"SSH-2.0-scanner\r\n",
        &endless,
    ];
    for request in requests {
        let mut connection = knock(Ipv4Addr::LOCALHOST, given.offered.port)
            .await
            .expect("open");
        // It may hang up before all is written.
        let _ = connection.write_all(request).await;
        let mut got = Vec::new();
        let _ = soon("the end", connection.read_to_end(&mut got)).await;
        assert_eq!(got, b"", "{:?}", &request[..5]);
    }
}
