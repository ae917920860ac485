//! Slow lines are slow, lossy lines lose, cut links carry nothing, islands are alone: measured, before anything relies on it.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;
use patchbay::Device;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::line::Condition;
use crate::probe::{ping, ping_until};
use crate::trial;
use crate::world::{NatKind, World};

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("lines::a_slow_line_is_slow", a_slow_line_is_slow),
        trial("lines::a_lossy_line_loses", a_lossy_line_loses),
        trial(
            "lines::a_throttled_line_carries_no_more_than_its_rate",
            a_throttled_line_carries_no_more_than_its_rate,
        ),
        trial(
            "lines::a_cut_link_carries_nothing_until_it_is_healed",
            a_cut_link_carries_nothing_until_it_is_healed,
        ),
        trial(
            "lines::an_island_reaches_itself_and_nothing_else",
            an_island_reaches_itself_and_nothing_else,
        ),
        trial(
            "lines::a_host_with_a_new_address_still_reaches_the_internet",
            a_host_with_a_new_address_still_reaches_the_internet,
        ),
    ]
}

/// A public host and one in a home.
async fn server_and_client(world: &World) -> Result<(Device, patchbay::Router, Device)> {
    let server = world.public_host("server").await?;
    let home = world.home("home", NatKind::PortRestricted).await?;
    let client = world.host("client", &home).await?;
    Ok((server, home, client))
}

async fn a_slow_line_is_slow() -> Result<()> {
    const DELAY: Duration = Duration::from_millis(40);
    let mut world = World::new().await?;
    let (server, home, client) = server_and_client(&world).await?;
    let address = server.ip().context("an address")?;
    // A new link may lose its first question who is there, and is asked again a second later.
    ping_until(&client, address, 1).await?;
    let before = ping_until(&client, address, 10).await?;
    ensure!(
        before.answered >= 10 && before.round_trip_min < DELAY,
        "without a line: {before:?}"
    );
    let slow = Condition {
        delay: DELAY,
        ..Condition::default()
    };
    let line = world.line_to_internet(&home, slow)?;
    ping_until(&client, address, 1).await?;
    let with = ping_until(&client, address, 10).await?;
    ensure!(with.answered >= 10, "with a line: {with:?}");
    ensure!(
        (2 * DELAY..4 * DELAY).contains(&with.round_trip_min),
        "with a line: {with:?}"
    );
    ensure!(line.bytes_carried() >= 2 * 10 * 84, "it goes another way");
    Ok(())
}

async fn a_lossy_line_loses() -> Result<()> {
    let mut world = World::new().await?;
    let (server, home, client) = server_and_client(&world).await?;
    let address = server.ip().context("an address")?;
    let line = world.line_to_internet(&home, Condition::default())?;
    ping_until(&client, address, 1).await?;
    let sound = ping_until(&client, address, 50).await?;
    // A late answer has one more sent.
    ensure!(
        sound.answered >= 50 && sound.sent <= 60,
        "a sound line: {sound:?}"
    );
    line.set(Condition {
        loss_permille: 300,
        ..Condition::default()
    });
    // 0.7 × 0.7 of 100 come back; 20 to 78 leaves six standard deviations each way.
    let lossy = ping(&client, address, 100).await?;
    ensure!(
        (20..78).contains(&lossy.answered),
        "a lossy line: {lossy:?}"
    );
    Ok(())
}

async fn a_throttled_line_carries_no_more_than_its_rate() -> Result<()> {
    const BITS_PER_SECOND: u64 = 8_000_000;
    const BYTES: usize = 1_000_000;
    let mut world = World::new().await?;
    let (server, home, client) = server_and_client(&world).await?;
    let throttled = Condition {
        bits_per_second: BITS_PER_SECOND,
        ..Condition::default()
    };
    world.line_to_internet(&home, throttled)?;
    let ip = server.ip().context("an address")?;
    let listener = server
        .spawn(async move |_| TcpListener::bind((ip, 0)).await)?
        .await??;
    let address = listener.local_addr()?;
    let receiving = server.spawn(async move |_| {
        let (mut stream, _) = listener.accept().await?;
        let mut received = Vec::new();
        stream.read_to_end(&mut received).await?;
        anyhow::Ok(received.len())
    })?;
    let start = Instant::now();
    client
        .spawn(async move |_| {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(&vec![7; BYTES]).await?;
            stream.shutdown().await
        })?
        .await??;
    ensure!(receiving.await?? == BYTES, "bytes are missing");
    let elapsed = start.elapsed();
    let at_least = Duration::from_secs_f64(BYTES as f64 * 8.0 / BITS_PER_SECOND as f64);
    ensure!(
        (at_least..4 * at_least).contains(&elapsed),
        "took {elapsed:?}"
    );
    Ok(())
}

async fn a_cut_link_carries_nothing_until_it_is_healed() -> Result<()> {
    let mut world = World::new().await?;
    let (server, home, client) = server_and_client(&world).await?;
    let address = server.ip().context("an address")?;
    let link = client.iface("eth0").context("an interface")?;
    link.link_down().await?;
    ensure!(
        ping(&client, address, 2).await?.answered == 0,
        "the link is down"
    );
    link.link_up().await?;
    ensure!(
        ping_until(&client, address, 2).await?.answered >= 2,
        "the link is up"
    );
    let line = world.line_to_host(&home, &client, Condition::default())?;
    ensure!(
        ping_until(&client, address, 2).await?.answered >= 2,
        "the line is sound"
    );
    line.set(Condition {
        is_cut: true,
        ..Condition::default()
    });
    ensure!(
        ping(&client, address, 2).await?.answered == 0,
        "the line is cut"
    );
    line.set(Condition::default());
    ensure!(
        ping_until(&client, address, 2).await?.answered >= 2,
        "the line is healed"
    );
    Ok(())
}

async fn an_island_reaches_itself_and_nothing_else() -> Result<()> {
    let world = World::new().await?;
    let outside = world.public_host("outside").await?;
    let island = world.island("island").await?;
    let here = world.host("here", &island).await?;
    let there = world.host("there", &island).await?;
    let neighbour = there.ip().context("an address")?;
    ensure!(
        ping_until(&here, neighbour, 2).await?.answered >= 2,
        "the neighbour is there"
    );
    let far = outside.ip().context("an address")?;
    ensure!(
        ping(&here, far, 2).await?.answered == 0,
        "the internet is there"
    );
    Ok(())
}

async fn a_host_with_a_new_address_still_reaches_the_internet() -> Result<()> {
    let world = World::new().await?;
    let (server, home, client) = server_and_client(&world).await?;
    let address = server.ip().context("an address")?;
    let before = client.ip();
    World::renew_address(&client, &home).await?;
    ensure!(client.ip() != before, "it is the same address");
    ensure!(
        ping_until(&client, address, 2).await?.answered >= 2,
        "it is cut off"
    );
    Ok(())
}
