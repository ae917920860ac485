//! UDP services.

use super::*;
use std::collections::BTreeSet;

/// A server that sends each payload back to where it came from.
async fn echo_server() -> SocketAddr {
    let socket = UdpSocket::bind(SocketAddr::from(ANY))
        .await
        .expect("a port");
    let address = socket.local_addr().expect("bound");
    tokio::spawn(async move {
        let mut payload = vec![0; 65_536];
        while let Ok((length, client)) = socket.recv_from(&mut payload).await {
            let _ = socket.send_to(&payload[..length], client).await;
        }
    });
    address
}

async fn client(forward: &Forward) -> UdpSocket {
    let socket = UdpSocket::bind(SocketAddr::from(ANY))
        .await
        .expect("a port");
    socket.connect(forward.local_addr()).await.expect("local");
    socket
}

async fn reach_udp(alice: &Node, bob: &Node) -> (Offered, Forward) {
    all_ended(bob).await;
    let service = Local::Udp(echo_server().await);
    let offered = alice
        .offer(name("game"), service, Access::Contacts)
        .expect("a free name");
    let forward = bob
        .forward(alice.peer_id(), &name("game"), Local::Udp(ANY.into()))
        .await
        .expect("a port");
    (offered, forward)
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_of_every_size_come_back_whole() {
    let (alice, bob) = two().await;
    let (_offered, forward) = reach_udp(&alice, &bob).await;
    let socket = client(&forward).await;
    for length in [0, 1, 1_100, 1_200, 1_500, 9_000, 65_507] {
        let sent: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
        socket.send(&sent).await.expect("local");
        let mut got = vec![0; 65_536];
        let length = soon("the echo", socket.recv(&mut got))
            .await
            .expect("local");
        assert!(got[..length] == sent, "{length} of {}", sent.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_client_gets_its_own_answers() {
    let (alice, bob) = two().await;
    let (_offered, forward) = reach_udp(&alice, &bob).await;
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(client(&forward).await);
    }
    for round in 0..5_u8 {
        for (number, socket) in clients.iter().enumerate() {
            socket.send(&[number as u8, round]).await.expect("local");
        }
        for (number, socket) in clients.iter().enumerate() {
            let mut got = [0; 16];
            let length = soon("the echo", socket.recv(&mut got))
                .await
                .expect("local");
            assert_eq!(got[..length], [number as u8, round]);
        }
    }
    let flows: BTreeSet<_> = bob
        .sessions()
        .iter()
        .map(|session| session.streams)
        .collect();
    assert_eq!(flows, [20].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_clients_than_a_forward_has_room_for_are_dropped() {
    use kith::protocol::service::FORWARD_FLOWS_MAX;
    let (alice, bob) = two().await;
    let (_offered, forward) = reach_udp(&alice, &bob).await;
    let mut clients = Vec::new();
    for _ in 0..FORWARD_FLOWS_MAX {
        let socket = client(&forward).await;
        socket.send(b"x").await.expect("local");
        soon("the echo", socket.recv(&mut [0]))
            .await
            .expect("local");
        clients.push(socket);
    }
    let late = client(&forward).await;
    late.send(b"x").await.expect("local");
    // The forward takes payloads in their order: once an old client has its answer, the late one's was passed over.
    clients[0].send(b"y").await.expect("local");
    soon("the echo", clients[0].recv(&mut [0]))
        .await
        .expect("local");
    let streams = bob.sessions().iter().map(|session| session.streams).max();
    assert_eq!(streams, Some(FORWARD_FLOWS_MAX as u32));
    assert!(late.try_recv(&mut [0]).is_err());
}
