//! Self-certifying relay names: several introducers, changed at run time, over IPv4 and IPv6, and never the wrong one.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use kith::routing::endpoint::RelayState;
use kith::routing::{FaceEndpoint, PathKind};
use kith_core::ids::Face;
use kith_core::introducer::Introducer;
use tokio::sync::mpsc;

use super::relay::TestRelay;
use super::{joined, loopback, relay_route, soon};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

/// A face that has nothing but relays.
async fn relayed(relays: &[Introducer]) -> FaceEndpoint {
    let config = loopback(Face::Public, relays);
    FaceEndpoint::bind(config).await.expect("nothing to bind")
}

/// Dials `listener` through `relay` and passes a frame each way.
async fn talk(dialler: &FaceEndpoint, listener: &FaceEndpoint, relay: &Introducer) {
    let route = relay_route(listener, relay);
    let (dialled, accepted) = joined(dialler, listener, &route).await;
    let path = dialled.path().expect("it is open");
    assert_eq!(path.kind, PathKind::Relay);
    let (mut send, mut receive) = dialled.open_stream().await.expect("open");
    send.write_frame(b"ping").await.expect("open");
    let (mut reply, mut question) = soon("a stream", accepted.accept_stream())
        .await
        .expect("open");
    assert!(question.read_frame(16).await.expect("whole").is_some());
    reply.write_frame(b"pong").await.expect("open");
    let answer = soon("pong", receive.read_frame(16)).await;
    assert_eq!(answer.expect("whole").as_deref(), Some(&b"pong"[..]));
    dialled.close(0, "");
    soon("the end", accepted.closed()).await;
}

#[tokio::test]
async fn a_relay_that_nobody_introduced_is_dialled_by_its_url_alone() {
    for ip in [V4, V6] {
        let relay = TestRelay::start(ip).await;
        let listener = relayed(std::slice::from_ref(&relay.introducer)).await;
        soon("the relay", listener.online()).await;
        let state = RelayState {
            url: relay.introducer.relay_url(),
            is_connected: true,
            failure: None,
        };
        assert_eq!(listener.route().relays[..], [state.url.as_str()]);
        assert_eq!(listener.relay_states(), [state]);
        let stranger = relayed(&[]).await;
        talk(&stranger, &listener, &relay.introducer).await;
    }
}

#[tokio::test]
async fn introducers_come_and_go_at_run_time() {
    let (first, second) = (TestRelay::start(V4).await, TestRelay::start(V6).await);
    let listener = relayed(&[]).await;
    let dialler = relayed(&[]).await;
    for relay in [&first, &second, &first] {
        let mut routes = listener.watch_route();
        listener
            .set_relays(std::slice::from_ref(&relay.introducer))
            .await;
        let url = relay.introducer.relay_url();
        let moved = routes.wait_for(|route| route.relays == [url.clone()]);
        soon("the move", moved).await.expect("it is bound");
        soon("the relay", listener.online()).await;
        talk(&dialler, &listener, &relay.introducer).await;
    }
}

#[tokio::test]
async fn a_dead_introducer_costs_nothing_but_itself() {
    let (first, second) = (TestRelay::start(V4).await, TestRelay::start(V4).await);
    let both = [first.introducer.clone(), second.introducer.clone()];
    let listener = relayed(&both).await;
    soon("a relay", listener.online()).await;
    let home = listener.route().relays.first().cloned();
    let (dying, living) = if home == Some(first.introducer.relay_url()) {
        (first, second)
    } else {
        (second, first)
    };
    let mut routes = listener.watch_route();
    dying.stop().await;
    listener
        .set_relays(std::slice::from_ref(&living.introducer))
        .await;
    let url = living.introducer.relay_url();
    let moved = routes.wait_for(|route| route.relays == [url.clone()]);
    soon("the move", moved).await.expect("it is bound");
    let dialler = relayed(&both).await;
    talk(&dialler, &listener, &living.introducer).await;
}

/// Sends what is logged to a channel, an event a piece.
struct Log(mpsc::UnboundedSender<String>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // Nobody listens any more once the test is over.
        let _ = self.0.send(String::from_utf8_lossy(bytes).into_owned());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_wrong_pin_is_refused_and_said_without_addresses() {
    let (sender, mut warnings) = mpsc::unbounded_channel();
    let subscriber = tracing_subscriber::fmt()
        .without_time()
        .with_env_filter("kith=warn")
        .with_writer(move || Log(sender.clone()))
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let relay = TestRelay::start(V4).await;
    let listener = relayed(std::slice::from_ref(&relay.introducer)).await;
    soon("the relay", listener.online()).await;
    let dialler = relayed(&[]).await;
    let route = relay_route(&listener, &relay.mispinned());
    let warning = tokio::select! {
        dialled = dialler.connect(&route) => panic!("a dial ended: {dialled:?}"),
        accepted = listener.accept() => panic!("a dial came through: {accepted:?}"),
        warning = soon("a warning", warnings.recv()) => warning.expect("the log is open"),
    };
    assert!(
        warning.contains("WARN") && warning.contains("TLS key"),
        "{warning}"
    );
    assert!(
        !warning.contains("127") && !warning.contains("invalid"),
        "{warning}"
    );
    // The same listener by the right pin: so it was the pin.
    talk(&dialler, &listener, &relay.introducer).await;
}
