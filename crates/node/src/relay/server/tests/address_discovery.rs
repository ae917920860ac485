//! Address discovery as its clients see it.

use std::collections::BTreeMap;

use iroh_relay::quic::QuicClient;
use tokio::net::UdpSocket;

use super::*;

/// A client and the address it sends from.
fn quic_client() -> (QuicClient, SocketAddr) {
    let endpoint = noq::Endpoint::client(SocketAddr::new(LOCAL, 0)).expect("a socket");
    let address = endpoint.local_addr().expect("bound");
    (QuicClient::new(endpoint, client_tls()), address)
}

async fn ask(client: &QuicClient, server: &RelayServer) -> Option<noq::Connection> {
    let host = host(server, None).to_str().into_owned();
    let asked = client.create_conn(server.discovery_addresses()[0], &host);
    timeout(PATIENCE, asked).await.expect("an answer").ok()
}

#[tokio::test]
async fn it_tells_a_client_its_own_address() {
    let (server, _data) = server(Limits::default()).await;
    let (client, own) = quic_client();
    let connection = ask(&client, &server).await.expect("the pinned key");
    let mut observed = connection.observed_external_addr();
    let address = timeout(PATIENCE, observed.next()).await.expect("a report");
    assert_eq!(address, Some(own));
    assert_eq!(server.metrics().discovery_accepted.get(), 1);
}

#[tokio::test]
async fn it_refuses_what_is_over_the_limit() {
    let (server, _data) = server(Limits {
        connections_per_address: 1,
        ..Limits::default()
    })
    .await;
    let (client, _) = quic_client();
    let first = ask(&client, &server).await.expect("within the limit");
    assert!(ask(&client, &server).await.is_none());
    assert_eq!(server.metrics().discovery_refused.get(), 1);
    assert!(first.close_reason().is_none(), "the first one stays");
}

#[tokio::test]
async fn a_flood_of_beginnings_does_not_keep_an_honest_client_out() {
    const FLOOD: usize = 100;
    let (server, _data) = server(Limits {
        half_open_per_address: FLOOD,
        ..Limits::default()
    })
    .await;
    // Real first packets, caught on their way and sent on by somebody who never answers.
    let forger = UdpSocket::bind(SocketAddr::new(LOCAL, 0)).await;
    let forger = forger.expect("a socket");
    let caught = forger.local_addr().expect("bound");
    let name = host(&server, None).to_str().into_owned();
    let mut beginnings = BTreeMap::new();
    while beginnings.len() < FLOOD {
        let (client, _) = quic_client();
        let name = name.clone();
        let begun = tokio::spawn(async move { client.create_conn(caught, &name).await });
        let mut packet = vec![0; 2048];
        let received = timeout(PATIENCE, forger.recv_from(&mut packet)).await;
        let (length, _) = received.expect("a packet").expect("a packet");
        packet.truncate(length);
        begun.abort();
        // The aborted client says goodbye under the same connection id (RFC 9000 §17.2), which begins nothing.
        let id = packet[6..6 + usize::from(packet[5])].to_vec();
        beginnings.entry(id).or_insert(packet);
    }
    let metrics = server.metrics();
    let answered = || metrics.discovery_accepted.get() + metrics.discovery_retried.get();
    for (sent, packet) in (1..).zip(beginnings.into_values()) {
        let sending = forger.send_to(&packet, server.discovery_addresses()[0]);
        sending.await.expect("sent");
        // One by one, lest the socket's buffer drops some.
        eventually(|| answered() == sent).await;
    }
    assert!(metrics.discovery_retried.get() > 0);
    let (client, _) = quic_client();
    assert!(ask(&client, &server).await.is_some());
    assert_eq!(metrics.discovery_refused.get(), 0);
    assert!(metrics.discovery_accepted.get() < FLOOD as u64);
}
