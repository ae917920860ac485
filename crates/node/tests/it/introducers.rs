//! Introducers as nodes use them: one port, one line, people who meet through them, and what becomes of that when they die.

mod acme;
mod certificate;
mod findable;
mod meeting;
mod reaching;
mod rotation;
mod strangers;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use kith::Node;
use kith::core::ids::Face;
use kith::core::introducer::{Introducer, Ports, RelayName, Trust};
use kith::introducer::{IntroducerBuilder, IntroducerNode};
use kith::routing::relay_name::relay_tls_config;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::waiting::{PATIENCE, eventually, soon};

fn loopback_introducer() -> IntroducerBuilder {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    IntroducerNode::builder().listen(listen)
}

/// What `GET path` answers at an introducer's one TCP port, to somebody who knows its line.
async fn get(introducer: &Introducer, path: &str) -> String {
    let Trust::Pin(pin) = introducer.trust else {
        panic!("a pinned introducer");
    };
    let addresses = introducer.addresses.clone();
    let address = SocketAddr::new(addresses[0], introducer.tcp_port);
    let name = RelayName { pin, addresses };
    let name = ServerName::try_from(name.host()).expect("a host name");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = relay_tls_config(&[]).client_config(provider);
    let connector = TlsConnector::from(Arc::new(tls.expect("ring verifies")));
    let stream = TcpStream::connect(address).await.expect("it listens");
    let mut stream = connector.connect(name, stream).await.expect("the pin");
    let request = format!("GET {path} HTTP/1.1\r\nHost: introducer\r\nConnection: close\r\n\r\n");
    let sent = stream.write_all(request.as_bytes()).await;
    sent.expect("an open connection");
    let mut response = String::new();
    let read = stream.read_to_string(&mut response).await;
    read.expect("a whole answer");
    response
}

/// Waits until the node's public face has a place at the relay of this introducer.
async fn has_place_at(node: &Node, introducer: &Introducer) {
    let endpoint = node.endpoint(Face::Public).await.expect("it runs");
    let mut routes = endpoint.expect("a public face").watch_route();
    let url = introducer.relay_url();
    let is_there = |relay: &String| relay.trim_end_matches('/') == url.trim_end_matches('/');
    let placed = routes.wait_for(|route| route.relays.iter().any(is_there));
    soon("a place at the relay", placed).await.expect("it runs");
}

#[tokio::test]
async fn relay_health_and_metrics_are_on_the_one_tcp_port_of_the_line() {
    let introducer = loopback_introducer().spawn().await.expect("free ports");
    for (path, text) in [
        ("/healthz", "\r\n\r\nok\n"),
        ("/metrics", "\nkith_registry_records 1\n"),
        ("/relay", "Upgrade"),
    ] {
        let response = soon(path, get(introducer.introducer(), path)).await;
        assert!(response.contains(text), "{path}: {response}");
    }
    introducer.shutdown().await;
}

#[tokio::test]
async fn an_introducer_keeps_its_line_over_a_restart() {
    let data = tempfile::tempdir().expect("a place for files");
    let first = loopback_introducer()
        .data_dir(data.path())
        .spawn()
        .await
        .expect("free ports");
    let line = first.introducer().to_string();
    let Introducer {
        tcp_port: tcp,
        udp_port: udp,
        discovery_port: discovery,
        ..
    } = *first.introducer();
    soon("the end", first.shutdown()).await;
    let again = loopback_introducer()
        .data_dir(data.path())
        .ports(Ports {
            tcp,
            udp,
            discovery,
        })
        .spawn()
        .await
        .expect("the ports are free again");
    assert_eq!(again.introducer().to_string(), line);
    assert!(
        get(again.introducer(), "/healthz")
            .await
            .ends_with("\r\n\r\nok\n")
    );
    again.shutdown().await;
}
