//! Two changes at one time.

use std::net::Ipv4Addr;
use std::sync::mpsc;

use futures_util::poll;
use kith_core::content::limits::Plan;
use kith_core::crypto::SecretKey;
use kith_core::ids::TlsPin;
use kith_core::introducer::{Ports, Trust};

use super::*;
use crate::testing::local_node;

async fn node() -> Node {
    local_node().spawn().await.expect("loopback can be bound")
}

/// The node's loop stands still until what this gives is dropped.
fn hold(node: &Node) -> mpsc::Sender<()> {
    let (ends, end) = mpsc::channel::<()>();
    node.tell(Input::Look(Box::new(move |_, _| {
        // Nothing is ever sent.
        let _ = end.recv();
    })));
    ends
}

fn called(name: &str) -> Change {
    Change {
        name: Some(name.to_owned()),
        ..Change::default()
    }
}

/// One that never answers.
fn introducer(number: u8) -> Introducer {
    let ports = Ports {
        tcp: 1,
        udp: 2,
        discovery: 3,
    };
    let key = SecretKey::from_bytes([number; 32]).device_key();
    let trust = Trust::Pin(TlsPin([number; 32]));
    Introducer::new(key, vec![Ipv4Addr::LOCALHOST.into()], ports, trust)
}

fn kept(node: &Node) -> Config {
    Config::load(&node.home().config()).expect("sound")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_written_last_is_what_holds() {
    let node = node().await;
    let held = hold(&node);
    let mut first = std::pin::pin!(node.change_preferences(called("first")));
    assert!(poll!(&mut first).is_pending(), "the loop stands still");
    assert_eq!(kept(&node).name, "first");
    let mut second = std::pin::pin!(node.change_preferences(called("second")));
    let contents = node.contents();
    let mut limits = std::pin::pin!(contents.change_plan(|plan: &mut Plan| {
        plan.local = true;
        Ok::<_, Error>(())
    }));
    assert!(poll!(&mut second).is_pending());
    assert!(poll!(&mut limits).is_pending());
    let now = kept(&node);
    assert_eq!(now.name, "first", "it does not hold yet");
    assert!(!now.limits.local);

    drop(held);
    let (first, second, limits) = tokio::join!(first, second, limits);
    first.and(second).and(limits).expect("changed");
    let (now, holds) = (kept(&node), node.preferences().await.expect("running"));
    assert_eq!(
        (now.name.as_str(), holds.name.as_str()),
        ("second", "second")
    );
    assert!(now.limits.local && contents.plan().local);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_introducers_added_at_once_both_are_used() {
    let node = node().await;
    let held = hold(&node);
    let mut first = std::pin::pin!(node.add_introducer(introducer(1)));
    let mut second = std::pin::pin!(node.add_introducer(introducer(2)));
    assert!(poll!(&mut first).is_pending() && poll!(&mut second).is_pending());
    drop(held);
    let (first, second) = tokio::join!(first, second);
    first.and(second).expect("room for both");
    let both = [introducer(1), introducer(2)];
    assert_eq!(node.introducers().await.expect("running"), both);
    assert_eq!(kept(&node).introducers, both);
    node.shutdown().await;
}

#[tokio::test]
async fn a_name_that_others_would_be_told_otherwise_is_refused_and_not_kept() {
    let node = node().await;
    for (name, is_taken) in [
        ("علی\u{200c}رضا", true),
        ("Bob 👨\u{200d}👩\u{200d}👧", true),
        ("", true),
        ("a/b:c", false),
        ("\u{200c}علی", false),
        ("Ada\u{ad}", false),
        ("peer1x", false),
    ] {
        node.change_preferences(called("before"))
            .await
            .expect("one");
        let changed = node.change_preferences(called(name)).await;
        assert_eq!(changed.is_ok(), is_taken, "{name:?}");
        if let Err(error) = changed {
            assert!(error.is_about_name(), "{error}");
            assert_eq!(error.kind(), crate::ErrorKind::Usage);
        }
        let holds = if is_taken { name } else { "before" };
        assert_eq!(kept(&node).name, holds);
    }
    node.shutdown().await;
}

#[tokio::test]
async fn the_local_network_is_not_on_where_the_node_was_started_without() {
    let node = node().await;
    let switch_on = Change {
        lan: Some(true),
        ..Change::default()
    };
    node.change_preferences(switch_on)
        .await
        .expect("kept for the next start");
    assert!(kept(&node).lan);
    let holds = node.preferences().await.expect("running");
    assert!(!holds.lan && !holds.lan_possible);
    node.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn introducers_that_are_switched_off_are_kept_and_used_again() {
    let node = node().await;
    let asks = |asks| {
        let change = Change {
            ask_introducers: Some(asks),
            ..Change::default()
        };
        node.change_preferences(change)
    };
    let used = async || node.introducers().await.expect("running");
    let [one, other] = [introducer(1), introducer(2)];
    node.add_introducer(one.clone()).await.expect("room");
    asks(false).await.expect("changed");
    assert_eq!(used().await, []);
    let now = node.preferences().await.expect("running");
    assert!(!now.ask_introducers);
    assert_eq!(now.introducers_off, std::slice::from_ref(&one));
    assert_eq!(kept(&node).asked_introducers(), []);

    // The list is edited as before, and nobody on it is asked.
    node.add_introducer(other.clone()).await.expect("room");
    assert_eq!(used().await, []);
    node.remove_introducer(&one).await.expect("listed");
    assert_eq!(kept(&node).introducers, std::slice::from_ref(&other));

    asks(true).await.expect("changed");
    assert_eq!(used().await, std::slice::from_ref(&other));
    let now = node.preferences().await.expect("running");
    assert!(now.ask_introducers && now.introducers_off.is_empty());

    // One that this run was given and no file names comes back, too.
    let all = vec![other, one];
    node.set_introducers(all.clone()).await.expect("running");
    asks(false).await.expect("changed");
    asks(false).await.expect("as it was");
    assert_eq!(used().await, []);
    asks(true).await.expect("changed");
    assert_eq!(used().await, all);
    node.shutdown().await;
}
