//! A provider who goes away in the middle and comes back a week later, and somebody who waits for that.

use std::time::Duration;

use kith::clock::Clock;
use kith::content::Recipients;
use kith::core::content::limits::{Cap, Plan};
use kith::core::ids::{DeviceKey, Face};
use kith::core::time::DAY;
use kith::testing::Testnet;

use super::people::{Person, bytes};
use super::transfers::{done, until};
use crate::waiting::soon;

/// How long the provider is away.
const AWAY: Duration = DAY.saturating_mul(7);

/// What is fetched, in bytes,
const BYTES: u64 = 64 << 20;

/// how much of it has come before the provider goes: more than may be fetched twice, so that who begins anew is found out,
const BEFORE: u64 = 24 << 20;

/// and how fast, in bytes a second: the rest takes five seconds, and she is gone long before.
const RATE: u64 = 8 << 20;

/// The most that may be fetched twice.
const TWICE_MAX: u64 = 16 << 20;

async fn contact_face(person: &Person) -> DeviceKey {
    let devices = person.node.devices().await.expect("it runs");
    let mut devices = devices.into_iter();
    let (_, key) = devices
        .find(|(face, _)| *face == Face::Contact)
        .expect("each has one");
    key
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_whose_provider_is_gone_for_a_week_goes_on_when_she_is_back() {
    let testnet = Testnet::start(1, 0).await.expect("loopback");
    let clock = Clock::default();
    let node = || testnet.node_builder().clock(clock.clone());
    let mut alice = Person::with("alice", node()).await;
    let bob = Person::with("bob", node()).await;
    alice.meet(&bob).await;
    let faces = (contact_face(&alice).await, contact_face(&bob).await);
    let mut slow = Plan::unlimited();
    slow.usual.upload = Some(Cap::Rate(RATE));
    slow.local = true;
    alice.node.contents().set_plan(slow);
    let content = bytes(1, BYTES as usize);
    alice.write("big", &content);
    alice.share("big", Recipients::Contacts).await;
    let mut options = bob.options("alice/big").await.expect("a source");
    options.wait = 2 * AWAY;
    let transfers = bob.node.contents().transfers();
    let mut transfer = transfers.begin(options, true).await.expect("a transfer");
    until(&mut transfer, BEFORE).await;
    alice.node.shutdown().await;
    assert!(bob.fetched().is_empty(), "she was too fast");

    clock.set_ahead(i64::try_from(AWAY.as_millis()).expect("a week"));
    let other_face = async {
        // A node that is asked something looks at its clock.
        while contact_face(&bob).await == faces.1 {
            tokio::task::yield_now().await;
        }
    };
    soon("another day's face", other_face).await;
    // Under another key and at another port: nothing that he knew of her leads there.
    alice.come_back(node()).await;
    assert_ne!(contact_face(&alice).await, faces.0);
    let fetched = done(transfer).await;
    let came: u64 = fetched.sources.iter().map(|source| source.bytes).sum();
    assert!(
        (BYTES..=BYTES + TWICE_MAX).contains(&came),
        "{came} bytes for {BYTES}"
    );
    assert!(std::fs::read(bob.at("out/big")).expect("there") == content);
    futures_util::future::join(alice.node.shutdown(), bob.node.shutdown()).await;
    testnet.shutdown().await;
}
