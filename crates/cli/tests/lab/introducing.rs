//! An introducer as its owner runs it: at the addresses of the machine, and within the rate that it is given.

use std::fs;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use kith::core::introducer::Introducer;
use libtest_mimic::Trial;
use patchbay::Device;
use tempfile::TempDir;

use crate::person::{FILE_BYTES, Person, introducer_with, meet};
use crate::system::ip;
use crate::trial;
use crate::world::{NatKind, World};

/// An address of the internet (RFC 3849).
const IPV6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);

/// The port where none is named.
const PORT_DEFAULT: u16 = 7118;

/// What the introducer may relay, in bytes a second, and how it is told so. The file takes three seconds, where a second's worth
/// passes at once; by the rate of each client alone it takes none.
const RATE: (u64, &str) = (500_000, "500 kB/s");

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "introducing::its_line_names_the_addresses_of_both_families",
            its_line_names_the_addresses_of_both_families,
        ),
        trial(
            "introducing::without_ipv6_it_runs_on_ipv4",
            without_ipv6_it_runs_on_ipv4,
        ),
        trial(
            "introducing::held_to_a_rate_it_relays_no_faster",
            held_to_a_rate_it_relays_no_faster,
        ),
    ]
}

async fn its_line_names_the_addresses_of_both_families() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let host = world.public_host("introducer").await?;
    let address = format!("{IPV6}/64");
    host.run_sync(move || ip(&["address", "add", &address, "dev", "eth0", "nodad"]))?;
    let (_running, line) = introducer_with(&host, dir.path(), &[])?;
    let introducer: Introducer = line.parse()?;
    let own = [host.ip().context("an address")?.into(), IPV6.into()];
    ensure!(
        introducer.addresses == own,
        "{:?} and not {own:?}",
        introducer.addresses
    );
    for address in own {
        is_healthy(&host, address)?;
    }
    Ok(())
}

async fn without_ipv6_it_runs_on_ipv4() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let host = world.public_host("introducer").await?;
    host.run_sync(|| {
        fs::write("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1")?;
        Ok(())
    })?;
    let (_running, line) = introducer_with(&host, dir.path(), &[])?;
    let introducer: Introducer = line.parse()?;
    let own: IpAddr = host.ip().context("an address")?.into();
    ensure!(introducer.addresses == [own], "{:?}", introducer.addresses);
    is_healthy(&host, own)
}

/// The introducer's port answers there.
fn is_healthy(host: &Device, address: IpAddr) -> Result<()> {
    let url = format!("https://{}/healthz", SocketAddr::new(address, PORT_DEFAULT));
    let mut command = Command::new("curl");
    // Its key is pinned by the line, and nobody else is on this host.
    command.args(["--silent", "--show-error", "--insecure", "--globoff", &url]);
    let output = host.run_sync(move || Ok(command.output()?))?;
    ensure!(output.stdout == b"ok\n", "{address}: {output:?}");
    Ok(())
}

async fn held_to_a_rate_it_relays_no_faster() -> Result<()> {
    let (dir, world) = (TempDir::new()?, World::new().await?);
    let (rate, told) = RATE;
    let host = world.public_host("introducer").await?;
    let (_running, line) = introducer_with(&host, dir.path(), &["--relay-rate", told])?;
    let ann_home = world.home("ann-home", NatKind::Symmetric).await?;
    let bob_home = world.home("bob-home", NatKind::Symmetric).await?;
    let ann = Person::start(world.host("ann", &ann_home).await?, dir.path(), &[&line])?;
    let bob = Person::start(world.host("bob", &bob_home).await?, dir.path(), &[&line])?;
    meet(&ann, &bob)?;
    bob.ping_until(&ann, "relay")?;
    let start = Instant::now();
    bob.send(&ann, dir.path(), "slowly")?;
    let took = start.elapsed();
    let least = Duration::from_secs(FILE_BYTES as u64 / rate - 1);
    ensure!(took >= least, "in {took:?}, and not {least:?}");
    Ok(())
}
