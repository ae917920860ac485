//! Services of one machine, reached from another as if they ran there.

use std::io;
use std::net::SocketAddr;

use kith::core::routing::Access;
use kith::protocol::service::{Forward, Local, Offered, ServiceName, ServiceOffer, Transport};
use kith::testing::local_node;
use kith::{Error, ErrorKind, Node};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use crate::friends::{all_ended, befriend, spawn, two};
use crate::waiting::{a_moment, soon};

mod kept;
mod leaks;
mod programs;
mod udp;

const ANY: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

fn name(text: &str) -> ServiceName {
    text.parse().expect("a valid name")
}

/// A server on this machine that does `serve` with each connection.
async fn server<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind(SocketAddr::from(ANY))
        .await
        .expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket));
        }
    });
    address
}

/// Sends back what it gets as it comes, and ends when its client has.
async fn echo(mut socket: TcpStream) -> io::Result<()> {
    let (mut read, mut write) = socket.split();
    tokio::io::copy(&mut read, &mut write).await?;
    write.shutdown().await
}

/// Alice offers what listens at `address` to her contacts; Bob reaches it by the forward.
async fn reach(alice: &Node, bob: &Node, address: SocketAddr) -> (Offered, Forward) {
    all_ended(bob).await;
    let offered = alice
        .offer(name("test"), Local::Tcp(address), Access::Contacts)
        .expect("a free name");
    let forward = bob
        .forward(alice.peer_id(), &name("test"), Local::Tcp(ANY.into()))
        .await
        .expect("a port");
    (offered, forward)
}

/// A service of one node, and another's forward to it; with the two, who end with what is dropped.
async fn reached(service: SocketAddr) -> ((Node, Node), Offered, Forward) {
    let (alice, bob) = two().await;
    let (offered, forward) = reach(&alice, &bob, service).await;
    ((alice, bob), offered, forward)
}

/// What ended did so by a reset.
fn is_reset<T: std::fmt::Debug>(end: io::Result<T>) {
    let error = end.expect_err("not a clean end");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

async fn connect(forward: &Forward) -> TcpStream {
    let connected = TcpStream::connect(forward.local_addr()).await;
    connected.expect("the forward listens")
}

/// Connects, sends a byte and reads one. What is refused may be reset as early as while it connects.
async fn first_byte(forward: &Forward) -> io::Result<()> {
    let mut client = TcpStream::connect(forward.local_addr()).await?;
    client.write_all(b"x").await?;
    client.read_exact(&mut [0]).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_arrive_both_ways_and_a_half_close_leaves_the_other_half_open() {
    // Says nothing before its client has ended, and then everything.
    let address = server(|mut socket| async move {
        let mut all = Vec::new();
        socket.read_to_end(&mut all).await?;
        all.reverse();
        socket.write_all(&all).await?;
        socket.shutdown().await
    })
    .await;
    let (_people, _offered, forward) = reached(address).await;
    let mut client = connect(&forward).await;
    let sent: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    client.write_all(&sent).await.expect("sent");
    client.shutdown().await.expect("half-closed");
    let mut got = Vec::new();
    soon("the answer", client.read_to_end(&mut got))
        .await
        .expect("all of it");
    got.reverse();
    assert!(
        got == sent,
        "{} of {} bytes came back",
        got.len(),
        sent.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_ends_first_can_still_be_written_to() {
    let (done, mut finished) = tokio::sync::mpsc::unbounded_channel();
    let address = server(move |mut socket| {
        let done = done.clone();
        async move {
            socket.write_all(b"hello").await?;
            socket.shutdown().await?;
            let mut all = Vec::new();
            socket.read_to_end(&mut all).await?;
            let _ = done.send(all);
            Ok(())
        }
    })
    .await;
    let (_people, _offered, forward) = reached(address).await;
    let mut client = connect(&forward).await;
    let mut greeting = Vec::new();
    soon("the greeting", client.read_to_end(&mut greeting))
        .await
        .expect("read");
    assert_eq!(greeting, b"hello");
    client.write_all(b"and thanks").await.expect("still open");
    client.shutdown().await.expect("half-closed");
    let heard = soon("the thanks", finished.recv()).await;
    assert_eq!(heard.as_deref(), Some(&b"and thanks"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_on_either_side_is_a_reset_on_the_other() {
    let (heard, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let address = server(move |mut socket| {
        let heard = heard.clone();
        async move {
            let mut byte = [0];
            if socket.read_exact(&mut byte).await.is_ok() && byte == *b"r" {
                socket.set_zero_linger()?;
                return Ok(());
            }
            socket.write_all(b"k").await?;
            let _ = heard.send(socket.read_exact(&mut byte).await);
            Ok(())
        }
    })
    .await;
    let (_people, _offered, forward) = reached(address).await;
    let mut byte = [0];

    let mut client = connect(&forward).await;
    client.write_all(b"r").await.expect("sent");
    is_reset(soon("the end", client.read(&mut byte)).await);

    let mut client = connect(&forward).await;
    client.write_all(b"x").await.expect("sent");
    soon("the answer", client.read_exact(&mut byte))
        .await
        .expect("it stands");
    client.set_zero_linger().expect("a socket");
    drop(client);
    is_reset(soon("the end", ends.recv()).await.expect("told"));
}

/// A client that has ended its own half and waits, and whose server then resets it, must not wait for ever; nor a server
/// whose client does so.
#[tokio::test(flavor = "multi_thread")]
async fn a_reset_is_noticed_while_there_is_nothing_to_carry() {
    let (heard, mut ends) = tokio::sync::mpsc::unbounded_channel();
    let address = server(move |mut socket| {
        let heard = heard.clone();
        async move {
            socket.write_all(b"k").await?;
            socket.shutdown().await?;
            let mut byte = [0];
            let _ = heard.send(socket.read_exact(&mut byte).await);
            Ok(())
        }
    })
    .await;
    let (_people, _offered, forward) = reached(address).await;
    let mut client = connect(&forward).await;
    let mut all = Vec::new();
    soon("the server's end", client.read_to_end(&mut all))
        .await
        .expect("clean");
    client.set_zero_linger().expect("a socket");
    drop(client);
    is_reset(soon("the end", ends.recv()).await.expect("told"));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_listens_a_connection_is_reset() {
    let listener = TcpListener::bind(SocketAddr::from(ANY))
        .await
        .expect("a port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let (_people, _offered, forward) = reached(address).await;
    let end = soon("the end", first_byte(&forward)).await;
    assert!(end.is_err(), "{end:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_named_reach_a_service() {
    let address = server(echo).await;
    let (alice, bob) = two().await;
    let carol = spawn(local_node().name("Carol")).await;
    befriend(&alice, &carol).await;
    let named = Access::Named([carol.peer_id()].into());
    let _offered = alice
        .offer(name("test"), Local::Tcp(address), named)
        .expect("a free name");
    for (node, allowed) in [(&bob, false), (&carol, true)] {
        let mut forward = node
            .forward(alice.peer_id(), &name("test"), Local::Tcp(ANY.into()))
            .await
            .expect("a port");
        let answer = soon("an answer", first_byte(&forward)).await;
        assert_eq!(answer.is_ok(), allowed);
        if !allowed {
            let failure = soon("a failure", forward.next_failure()).await;
            assert_eq!(failure.expect("told").kind(), ErrorKind::NotAllowed);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offer_that_is_dropped_ends_with_its_connections() {
    let address = server(echo).await;
    let (alice, bob) = two().await;
    let (offered, mut forward) = reach(&alice, &bob, address).await;
    let again = alice.offer(name("test"), Local::Tcp(address), Access::Contacts);
    assert!(matches!(again, Err(Error::Accept(_))), "{again:?}");
    let (mut client, mut byte) = (connect(&forward).await, [0]);
    client.write_all(b"x").await.expect("sent");
    soon("the echo", client.read_exact(&mut byte))
        .await
        .expect("it stands");
    drop(offered);
    let end = soon("the end", client.read(&mut byte)).await;
    assert!(end.is_err(), "{end:?}");
    let refused = async {
        loop {
            // The acceptor goes a moment after the offer.
            let _ = first_byte(&forward).await;
            if let Some(failure) = forward.next_failure().await {
                return failure;
            }
        }
    };
    let refused = soon("a refusal", refused).await;
    assert_eq!(refused.kind(), ErrorKind::NotFound, "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forward_that_is_dropped_ends_with_its_connections() {
    let address = server(echo).await;
    let (_people, _offered, forward) = reached(address).await;
    let listening = forward.local_addr();
    let (mut client, mut byte) = (connect(&forward).await, [0]);
    client.write_all(b"x").await.expect("sent");
    soon("the echo", client.read_exact(&mut byte))
        .await
        .expect("it stands");
    drop(forward);
    let end = soon("the end", client.read(&mut byte)).await;
    assert!(end.is_err(), "{end:?}");
    let closed = async {
        while TcpStream::connect(listening).await.is_ok() {
            a_moment().await;
        }
    };
    soon("the port's end", closed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_forwards_do_not_share_a_port() {
    let (alice, bob) = two().await;
    let first = bob
        .forward(alice.peer_id(), &name("a"), Local::Tcp(ANY.into()))
        .await
        .expect("a port");
    let second = bob
        .forward(alice.peer_id(), &name("b"), first.local())
        .await;
    let error = second.expect_err("taken");
    assert!(
        error.to_string().contains("cannot listen at 127.0.0.1:"),
        "{error}"
    );
}
