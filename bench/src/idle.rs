//! What a node costs that nobody uses: 20 contacts of whom five are online, one introducer, the local network.
//!
//! The node is the library in a process of its own, not the daemon: without the local API of `kith up`.
//!
//! Three processes: the introducer, the contacts, and the idle node, which alone is looked at. Memory and processor time
//! come from the kernel, bytes from the counters of the node's three endpoints; the relay's own pings and DNS-SD, which
//! stays on the loopback here, are not among them.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use clap::Args;
use kith::Node;
use kith::core::ids::Face;
use kith::discovery::Interfaces;
use serde::{Deserialize, Serialize};

use crate::child::{Parent, Process};
use crate::pair::HERE;
use crate::person;
use crate::report::{Row, Target};
use crate::usage::Usage;

/// How much memory may be resident.
const RESIDENT_MIB_MAX: f64 = 40.0;

/// How much of a core it may use, in percent.
const CORE_PERCENT_MAX: f64 = 0.2;

/// After the last contact went offline: until each is looked for no more often than ever after, once in 10 minutes. The pauses between the attempts double from 5 s
/// on.
const SETTLE: Duration = Duration::from_secs(11 * 60);

const MIB: f64 = 1024.0 * 1024.0;

#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// How many seconds the idle node is watched.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// How many contacts it has.
    #[arg(long, default_value_t = 20)]
    contacts: usize,
    /// How many of them are online.
    #[arg(long, default_value_t = 5)]
    online: usize,
}

/// What the idle node says of itself.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Sessions that stand, with the introducer's.
    sessions: usize,
    /// Bytes sent and received by its endpoints since they were bound.
    bytes: u64,
    /// Of them, over relays.
    relayed: u64,
}

pub(crate) async fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    let mut introducer = Process::start(&["introducer"])?;
    let line: String = introducer.hear().await?;
    let mut friends = Process::start(&["friends", &line, &options.contacts.to_string()])?;
    let invites: Vec<String> = friends.hear().await?;
    let mut idler = Process::start(&["idler", &line])?;
    idler.ask::<()>(&invites).await?;
    friends.ask::<()>(&options.online).await?;
    tokio::time::sleep(SETTLE).await;
    let before: Report = idler.ask(&()).await?;
    ensure!(
        before.sessions >= options.online,
        "only {} sessions stand",
        before.sessions
    );
    let usage_before = Usage::of(idler.pid()?)?;
    let watched = Duration::from_secs(options.seconds);
    tokio::time::sleep(watched).await;
    let usage = Usage::of(idler.pid()?)?;
    let after: Report = idler.ask(&()).await?;
    let share = (usage.processor - usage_before.processor).as_secs_f64() / watched.as_secs_f64();
    let per_hour = |bytes: u64| bytes as f64 / watched.as_secs_f64() * 3600.0 / 1e6;
    let row = |what: String, kith, unit, target| Row {
        bench: "idle",
        what,
        kith,
        compared: None,
        unit,
        target,
    };
    let described = format!(
        "{} contacts, {} sessions, 1 introducer, {} s",
        options.contacts,
        after.sessions,
        watched.as_secs()
    );
    Ok(vec![
        row(
            format!("resident memory ({described})"),
            usage.resident as f64 / MIB,
            "MiB",
            Some(Target::AtMost(RESIDENT_MIB_MAX)),
        ),
        row(
            "of it the process's own".into(),
            usage.anonymous as f64 / MIB,
            "MiB",
            None,
        ),
        row(
            "processor".into(),
            share * 100.0,
            "% of a core",
            Some(Target::AtMost(CORE_PERCENT_MAX)),
        ),
        row(
            "sent and received, UDP and relayed".into(),
            per_hour(after.bytes - before.bytes),
            "MB an hour",
            None,
        ),
        row(
            "of it relayed".into(),
            per_hour(after.relayed - before.relayed),
            "MB an hour",
            None,
        ),
    ])
}

/// The idle node's process.
pub(crate) async fn idle(mut parent: Parent, introducer: &str) -> anyhow::Result<()> {
    let node = person::local_node(HERE)
        .lan(Some(Interfaces::Loopback))
        .introducers([introducer.parse()?])
        .spawn()
        .await?;
    let invites: Vec<String> = parent.hear().await?.context("invites")?;
    for invite in &invites {
        person::meet(&node, invite).await?;
    }
    parent.tell(&()).await?;
    while parent.hear::<()>().await?.is_some() {
        parent.tell(&report(&node).await?).await?;
    }
    node.shutdown().await;
    Ok(())
}

async fn report(node: &Node) -> anyhow::Result<Report> {
    let (mut bytes, mut relayed) = (0, 0);
    for face in [Face::Public, Face::Contact, Face::Visitor] {
        let endpoint = node.endpoint(face).await?.context("three faces")?;
        let counts = &endpoint.engine().metrics().socket;
        let over_relays = counts.send_relay.get() + counts.recv_data_relay.get();
        let sent = counts.send_ipv4.get() + counts.send_ipv6.get();
        let received = counts.recv_data_ipv4.get() + counts.recv_data_ipv6.get();
        relayed += over_relays;
        bytes += sent + received + over_relays;
    }
    Ok(Report {
        sessions: node.sessions().len(),
        bytes,
        relayed,
    })
}

/// The contacts' process: `count` nodes, of which only some stay when the parent says how many.
pub(crate) async fn befriend(
    mut parent: Parent,
    introducer: &str,
    count: usize,
) -> anyhow::Result<()> {
    let (mut nodes, mut invites) = (Vec::new(), Vec::new());
    for number in 0..count {
        let node = person::local_node(HERE)
            .name(format!("friend {number}"))
            .introducers([introducer.parse()?])
            .spawn()
            .await?;
        invites.push(person::invite(&node).await?.to_string());
        nodes.push(node);
    }
    parent.tell(&invites).await?;
    let online: usize = parent.hear().await?.context("how many stay")?;
    for node in nodes.drain(online.min(count)..) {
        node.shutdown().await;
    }
    parent.tell(&()).await?;
    parent.hear::<()>().await?;
    for node in nodes {
        node.shutdown().await;
    }
    Ok(())
}
