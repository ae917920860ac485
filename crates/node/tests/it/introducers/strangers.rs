//! What somebody gets who knows the key of a public face and its relay, and nothing else.

use std::net::{Ipv4Addr, SocketAddr};

use iroh::SecretKey;
use kith::clock;
use kith::protocol::ping::PING;
use kith::routing::{Connection, FaceConfig, FaceEndpoint, PathKind};
use kith::testing::Testnet;
use kith_core::address::Route;
use kith_core::codec::Wire as _;
use kith_core::ids::Face;
use kith_core::protocol::ProtocolName;
use kith_core::routing::wire::{FRAME_BYTES_MAX, Frame, HELLO_VERSION, Hello};
use kith_core::routing::{Answer, AnswerError, Introduction, Offer, Refusal};

use super::soon;

/// The public face of a node, once it has its place at a relay.
async fn public_route(testnet: &Testnet) -> Route {
    let endpoint = testnet.node(0).endpoint(Face::Public).await;
    let endpoint = endpoint.expect("it runs").expect("a public face");
    let mut routes = endpoint.watch_route();
    let relayed = routes.wait_for(|route| !route.is_empty());
    soon("the relay", relayed).await.expect("it runs").clone()
}

/// An endpoint that takes every address it is told, as anybody's may.
async fn stranger() -> FaceEndpoint {
    let config = FaceConfig {
        bind: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
        port_mapping: false,
        ..FaceConfig::new(Face::Contact, SecretKey::generate())
    };
    FaceEndpoint::bind(config).await.expect("a free port")
}

/// Introduces itself as nobody; what is said to that, and the control stream, with which the session would end.
async fn greet(connection: &Connection) -> (Vec<Frame>, impl Sized + use<>) {
    let (mut send, mut receive) = connection.open_stream().await.expect("open");
    let hello = Frame::Hello(Hello {
        version: HELLO_VERSION,
        boot: 1,
        dial: 1,
        agent: "stranger".to_owned(),
        speaks: Vec::new(),
        observed: None,
    });
    for frame in [hello, Frame::Introduce(Introduction::default())] {
        send.write_all(&frame.framed()).await.expect("open");
    }
    let mut told = Vec::new();
    for _ in 0..2 {
        let body = soon("a frame", receive.read_frame(FRAME_BYTES_MAX)).await;
        let body = body.expect("open").expect("more to come");
        told.push(Frame::read(&body).expect("a frame"));
    }
    (told, (send, receive))
}

#[tokio::test]
async fn the_hellos_of_two_faces_have_no_number_in_common_and_tell_no_time() {
    let testnet = soon("the network", Testnet::start(1, 1)).await;
    let testnet = testnet.expect("free ports");
    let public = public_route(&testnet).await;
    let contact = testnet.node(0).endpoint(Face::Contact).await;
    let contact = contact.expect("it runs").expect("a contact face").route();
    let mut boots = vec![clock::now().0];
    for route in [public, contact] {
        let stranger = stranger().await;
        let connection = soon("dialling", stranger.connect(&route)).await;
        let (told, _control) = greet(&connection.expect("it answers")).await;
        let [Frame::Hello(hello), Frame::Stranger] = &told[..] else {
            panic!("told a stranger {told:?}");
        };
        assert_eq!(hello.dial, 0);
        boots.push(hello.boot);
    }
    // Three random numbers below 2^62 are this near to each other once in many thousand runs.
    let distant = |one: usize, other: usize| boots[one].abs_diff(boots[other]) > 1 << 44;
    assert!(distant(0, 1) && distant(0, 2) && distant(1, 2), "{boots:?}");
    testnet.shutdown().await;
}

#[tokio::test]
async fn a_stranger_at_the_public_face_is_told_nothing_and_no_address() {
    let testnet = soon("the network", Testnet::start(1, 1)).await;
    let testnet = testnet.expect("free ports");
    let route = public_route(&testnet).await;
    assert_eq!(route.addresses, []);
    let stranger = stranger().await;
    let connection = soon("dialling", stranger.connect(&route)).await;
    let connection = connection.expect("its relay forwards");

    let (told, _control) = greet(&connection).await;
    let [Frame::Hello(hello), Frame::Stranger] = &told[..] else {
        panic!("told a stranger {told:?}");
    };
    assert_eq!((&hello.speaks, hello.observed), (&Vec::new(), None));

    // What a contact may use, a stranger is told there is not.
    let ping: ProtocolName = PING.parse().expect("a valid name");
    let offer = Offer::new(vec![ping]).expect("one");
    let (mut send, mut receive) = connection.open_stream().await.expect("open");
    send.write_all(&offer.framed()).await.expect("open");
    let answer = soon("an answer", receive.read_frame(Answer::BYTES_MAX)).await;
    let answer = answer.expect("open").expect("an answer");
    let refused = Answer::read(&answer, &offer);
    let unsupported = AnswerError::Refused(Refusal::Unsupported);
    assert_eq!(refused, Err(unsupported));

    assert_eq!(stranger.known_addresses(route.device).await, []);
    let path = connection.path().expect("it is open");
    assert_eq!(path.kind, PathKind::Relay);
    testnet.shutdown().await;
}

#[tokio::test]
async fn a_withdrawn_invite_opens_nothing() {
    let testnet = soon("the network", Testnet::start(1, 2)).await;
    let testnet = testnet.expect("free ports");
    public_route(&testnet).await;
    let (alice, mallory) = (testnet.node(0), testnet.node(1));
    let book = alice.address_book();
    let made = book.invite_one(super::PATIENCE).await.expect("makes one");
    let withdrawn = book.withdraw(made.id()).await.expect("it runs");
    assert!(withdrawn);
    let added = mallory.address_book().add(made, None).await;
    added.expect("it looks like a good one");
    let pong = soon("a ping", mallory.pinger(alice.peer_id()).ping()).await;
    pong.expect_err("no answer");
    assert_eq!(book.contacts().await.expect("it runs"), []);
    testnet.shutdown().await;
}
