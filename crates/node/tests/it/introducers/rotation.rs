//! An introducer whose TLS key changes, and nodes that hold its old line.

use std::path::Path;
use std::time::Duration;

use kith::core::ids::Face;
use kith::core::introducer::{Introducer, Ports, Trust};
use kith::introducer::{IntroducerBuilder, IntroducerNode};
use kith::testing::local_node;
use kith::{Event, Node};
use tokio::sync::broadcast;

use super::{get, loopback_introducer, soon};

/// The line that an introducer has from now on, as a node learns it.
async fn changed(events: &mut broadcast::Receiver<Event>) -> Introducer {
    let told = async {
        loop {
            if let Event::IntroducerChanged { line } = events.recv().await.expect("it runs") {
                return line;
            }
        }
    };
    soon("the new line", told).await
}

/// Waits until the public face has its place at the relay of this line.
async fn has_place(node: &Node, line: &Introducer) {
    let endpoint = node.endpoint(Face::Public).await.expect("it runs");
    let mut routes = endpoint.expect("a public face").watch_route();
    let url = line.relay_url();
    let placed = routes.wait_for(|route| {
        let mut relays = route.relays.iter();
        relays.any(|relay| relay.trim_end_matches('/') == url)
    });
    soon("the relay", placed).await.expect("it runs");
}

async fn start(builder: IntroducerBuilder) -> IntroducerNode {
    builder.spawn().await.expect("free ports")
}

/// The same introducer again, on the ports of its line.
fn again(data: &Path, line: &Introducer) -> IntroducerBuilder {
    loopback_introducer().data_dir(data).ports(Ports {
        tcp: line.tcp_port,
        udp: line.udp_port,
        discovery: line.discovery_port,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_changes_with_its_introducer_and_remembers_it() {
    let data = tempfile::tempdir().expect("a place for files");
    let introducer = start(loopback_introducer().change_key_after(Duration::from_secs(10))).await;
    let old = introducer.introducer().clone();
    let builder = || {
        local_node()
            .introducers([old.clone()])
            .data_dir(data.path())
    };
    let node = builder().spawn().await.expect("loopback can be bound");
    let mut events = node.events();
    has_place(&node, &old).await;

    let new = changed(&mut events).await;
    let next = introducer.server().next_pin().expect("it was announced");
    assert_eq!(new.trust, Trust::Pin(next.pin));
    assert_ne!(new.trust, old.trust);
    has_place(&node, &new).await;
    let mut line = introducer.line();
    let told = line.wait_for(|line| *line == new);
    soon("the introducer's own", told).await.expect("it runs");
    assert!(get(&new, "/healthz").await.ends_with("\r\n\r\nok\n"));
    node.shutdown().await;

    // It is named by its old line still.
    let node = builder().spawn().await.expect("loopback can be bound");
    assert_eq!(node.introducers().await.expect("it runs"), [new]);
    node.shutdown().await;
    introducer.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_was_away_learns_the_new_key_from_the_introducer_itself() {
    let data = tempfile::tempdir().expect("a place for files");
    let before = start(loopback_introducer().data_dir(data.path())).await;
    let old = before.introducer().clone();
    before.shutdown().await;
    let introducer = start(again(data.path(), &old).change_key_after(Duration::ZERO)).await;
    let node = local_node().introducers([old.clone()]).spawn().await;
    let node = node.expect("loopback can be bound");
    let mut events = node.events();
    let new = changed(&mut events).await;
    assert_eq!((new.key, new.udp_port), (old.key, old.udp_port));
    has_place(&node, &new).await;
    node.shutdown().await;
    introducer.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_cannot_reach_it_learns_the_new_key_from_another_introducer() {
    let other = start(loopback_introducer()).await;
    let telling = loopback_introducer().tell([other.introducer().clone()]);
    let introducer = start(telling.change_key_after(Duration::ZERO)).await;
    let mut line = introducer.line();
    let old = introducer.introducer().clone();
    let told = line.wait_for(|line| line.trust != old.trust);
    let new = soon("the change", told).await.expect("it runs").clone();
    // As where it has moved: nothing listens there any more.
    let mut blind = old;
    (blind.tcp_port, blind.udp_port) = (1, 1);
    let lines = [blind, other.introducer().clone()];
    let node = local_node().introducers(lines).spawn().await;
    let node = node.expect("loopback can be bound");
    let mut events = node.events();
    assert_eq!(changed(&mut events).await, new);
    has_place(&node, &new).await;
    node.shutdown().await;
    introducer.shutdown().await;
    other.shutdown().await;
}
