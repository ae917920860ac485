//! Clocks that are wrong.

use kith::clock::Clock;
use kith::testing::Testnet;

use super::*;

const HOUR_MS: i64 = 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn people_whose_clocks_are_an_hour_off_meet_and_reach_each_other() {
    let mut testnet = Testnet::start(1, 1).await.expect("loopback");
    for ahead_ms in [HOUR_MS, -HOUR_MS] {
        let clock = Clock::default();
        clock.set_ahead(ahead_ms);
        let late = testnet.node_builder().name("Bob").clock(clock);
        let bob = testnet.add(late).await.expect("loopback");
        testnet.befriend(0, bob).await.expect("invited by Alice");
    }
    testnet
        .befriend(1, 2)
        .await
        .expect("two hours apart, at the bound");
    testnet.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_an_hour_while_a_session_stands_ends_nothing() {
    let clock = Clock::default();
    let alice = spawn(local_node().name("Alice").clock(clock.clone())).await;
    let bob = spawn(local_node().name("Bob")).await;
    befriend(&alice, &bob).await;
    echo(&alice, "/echo/1");
    let mut stream = bob
        .open(alice.peer_id(), &[protocol("/echo/1")])
        .await
        .expect("a session");
    soon("an answer", ask(&mut stream)).await.expect("spoken");
    for ahead_ms in [HOUR_MS, -HOUR_MS, 0] {
        clock.set_ahead(ahead_ms);
        // Whoever is asked something looks at the clock.
        alice.devices().await.expect("it runs");
        soon("an answer", ask(&mut stream))
            .await
            .expect("it goes on");
        let mut pinger = alice.pinger(bob.peer_id());
        soon("a pong", pinger.ping()).await.expect("an answer");
    }
}
