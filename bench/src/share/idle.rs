//! What a `kith up` costs that nobody uses: 20 contacts of whom five are online, one introducer, the local network, the web app.
//!
//! It is alone in a network of its own; the introducer and the contacts are in another, at the end of a line that neither delays nor
//! loses. So whatever it sends and receives, relays' pings and DNS-SD too, goes by one device, which the kernel counts, headers and all.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::child::Parent;
use crate::person;
use crate::report::{Findings, Row, Target};
use crate::share::contenders::kith::{Kith, KithNode};
use crate::share::ground::Ground;
use crate::share::lab::Lab;
use crate::share::program::{Program, START_DURATION_MAX, run as run_command};
use crate::share::site::Site;
use crate::share::tap::{Condition, Line};
use crate::usage::Usage;

const BENCH: &str = "idle";

/// How much memory may be resident.
const RESIDENT_MIB_MAX: f64 = 40.0;

/// How much of a core it may use, in percent.
const CORE_PERCENT_MAX: f64 = 0.2;

/// After the last contact went offline: until the pauses between two attempts at one of them, which grow fourfold, have come to what they are ever after, 10 minutes.
const SETTLE: Duration = Duration::from_secs(11 * 60);

/// A line that is in nobody's way.
const SHORT: Condition = Condition {
    delay: Duration::ZERO,
    loss_permille: 0,
    bits_per_second: 1_000_000_000,
};

const MIB: f64 = 1024.0 * 1024.0;

#[derive(Clone, Debug, Args)]
pub(crate) struct Sizes {
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

pub(crate) fn run(lab: &Lab, sizes: &Sizes) -> Result<Findings> {
    let ground = Ground::clear(&lab.ground)?;
    let line = Line::lay(SHORT)?;
    let sites = line.sites();
    let introducer = start(sites.provider, "introducer", &[], &ground)?;
    let where_it_is: String = introducer.hear(START_DURATION_MAX)?;
    let arguments = [where_it_is.as_str(), &sizes.contacts.to_string()];
    let mut friends = start(sites.provider, "friends", &arguments, &ground)?;
    let invites: Vec<String> = friends.hear(START_DURATION_MAX)?;
    let kith = Kith::whole(&lab.kith()?, &where_it_is);
    let node = KithNode::start(&kith, sites.getter, &ground, "idler")?;
    for invite in &invites {
        run_command(node.command().args(["add", invite]))?;
    }
    friends.tell(&sizes.online)?;
    friends.hear::<()>(START_DURATION_MAX)?;
    std::thread::sleep(SETTLE);
    let online = node.online()?;
    ensure!(online == sizes.online, "{online} contacts are online");
    let (before, carried_before) = (Usage::of(node.pid())?, line.carried_of_getter()?);
    let watched = Duration::from_secs(sizes.seconds);
    std::thread::sleep(watched);
    let (after, carried) = (Usage::of(node.pid())?, line.carried_of_getter()?);
    let share = (after.processor - before.processor).as_secs_f64() / watched.as_secs_f64();
    let per_hour = (carried - carried_before) as f64 / watched.as_secs_f64() * 3600.0 / 1e6;
    let what = format!(
        "resident memory ({} contacts, {online} online, 1 introducer, {} s)",
        sizes.contacts, sizes.seconds
    );
    let resident = after.resident as f64 / MIB;
    let (memory, core) = (
        Some(Target::AtMost(RESIDENT_MIB_MAX)),
        Some(Target::AtMost(CORE_PERCENT_MAX)),
    );
    let own = after.anonymous as f64 / MIB;
    let rows = vec![
        Row::alone(BENCH, &what, "MiB", resident, memory),
        Row::alone(BENCH, "of it the process's own", "MiB", own, None),
        Row::alone(BENCH, "processor", "% of a core", share * 100.0, core),
        Row::alone(
            BENCH,
            "sent and received, whole frames",
            "MB an hour",
            per_hour,
            None,
        ),
    ];
    Ok(rows.into())
}

/// This program in a role, at `site`.
fn start(site: Site, role: &str, arguments: &[&str], ground: &Ground) -> Result<Program> {
    let mut command = site.command(std::env::current_exe()?);
    command.args(["child", role, &site.address.to_string()]);
    command.args(arguments);
    Program::start(role, command, &ground.log(&format!("{role}.log"))?)
}

/// The contacts' process: `count` nodes, of which only some stay when the parent says how many.
pub(crate) async fn befriend(
    mut parent: Parent,
    address: IpAddr,
    introducer: &str,
    count: usize,
) -> Result<()> {
    let (mut nodes, mut invites) = (Vec::new(), Vec::new());
    for number in 0..count {
        let node = person::local_node(SocketAddr::new(address, 0))
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
