//! Networks to test in: an internet with public hosts, homes behind NATs, and LANs cut off from everything.
//!
//! Everything is IPv4: a home with IPv6 would be reachable past its NAT. Nothing is connected to the machine's own
//! network, so no packet leaves it.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};
use patchbay::{ConntrackTimeouts, Device, Firewall, IpSupport, Lab, Nat, NatConfig, Router};

use crate::line::{Condition, Line, Place};
use crate::system::{feed, ip, ip_json};

/// A router that answers unsolicited packets itself leaves entries in its connection table that make it choose another
/// outer port for the next flow, so that holes are missed: routers of this lab drop them.
const SILENT_ROUTER: &str = r#"
table inet lab {
    chain input {
        type filter hook input priority 0; policy accept;
        iif "ix" ct state new drop
    }
}
"#;

/// What a home's router does to UDP, in the words of RFC 4787.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NatKind {
    /// Endpoint-independent mapping and filtering: whoever knows the address gets in.
    FullCone,
    /// Endpoint-independent mapping, address- and port-dependent filtering: most homes.
    PortRestricted,
    /// Another port for each destination: no hole can be punched from a like one.
    Symmetric,
}

/// A laboratory. Its namespaces and lines end with it.
pub(crate) struct World {
    lab: Lab,
    datacenter: Router,
    lines: Vec<Line>,
}

impl World {
    /// An internet with one data centre in it.
    pub(crate) async fn new() -> Result<Self> {
        // Root stays root: every thread of the lab has a private mount namespace anyway.
        let lab = Lab::builder().allow_real_root().build().await?;
        let datacenter = lab
            .add_router("datacenter")
            .ip_support(IpSupport::V4Only)
            .build()
            .await?;
        lab.ix().run_sync(keep_bridge_addresses)?;
        datacenter.run_sync(keep_bridge_addresses)?;
        Ok(Self {
            lab,
            datacenter,
            lines: Vec::new(),
        })
    }

    /// A host with a public address and no NAT: where an introducer runs.
    pub(crate) async fn public_host(&self, name: &str) -> Result<Device> {
        self.host(name, &self.datacenter).await
    }

    /// A home: a router with NAT between the internet and its hosts.
    pub(crate) async fn home(&self, name: &str, kind: NatKind) -> Result<Router> {
        let router = self
            .lab
            .add_router(name)
            .ip_support(IpSupport::V4Only)
            .nat(nat(kind))
            .firewall(match kind {
                NatKind::FullCone => Firewall::None,
                NatKind::PortRestricted | NatKind::Symmetric => Firewall::BlockInbound,
            })
            .build()
            .await?;
        router.run_sync(|| feed("nft", &["-f", "-"], SILENT_ROUTER))?;
        router.run_sync(keep_bridge_addresses)?;
        Ok(router)
    }

    /// Makes the router of `home` forget every flow and mapping, as one that was switched off and on.
    pub(crate) fn forget_mappings(home: &Router, kind: NatKind) -> Result<()> {
        home.run_sync(move || {
            feed("conntrack", &["--flush"], "")?;
            match kind {
                NatKind::FullCone | NatKind::PortRestricted => {
                    feed("nft", &["flush", "map", "ip", "nat", "fullcone"], "")
                }
                NatKind::Symmetric => Ok(()),
            }
        })
    }

    /// Drops all UDP between the network of `home` and `address`, as a link that is cut somewhere on the way; TCP, and so a
    /// relay, goes on. An earlier cut at this router is healed.
    pub(crate) fn cut_udp(home: &Router, address: Ipv4Addr) -> Result<()> {
        Self::heal_udp(home)?;
        home.run_sync(move || {
            let rules = format!(
                r#"
table inet cut {{
    chain forward {{
        type filter hook forward priority -10
        meta l4proto udp ip daddr {address} drop
        meta l4proto udp ip saddr {address} drop
    }}
}}
"#
            );
            feed("nft", &["-f", "-"], &rules)
        })
    }

    /// Ends a cut.
    pub(crate) fn heal_udp(home: &Router) -> Result<()> {
        // A table has to be there to be deleted.
        let rules = "table inet cut {}\ndelete table inet cut\n";
        home.run_sync(move || feed("nft", &["-f", "-"], rules))
    }

    /// Lets no UDP in or out of `host` from now on: it has relays and nothing else.
    pub(crate) fn refuse_udp(host: &Device) -> Result<()> {
        let rules = r"
table inet refusing {
    chain input { type filter hook input priority 0; meta l4proto udp drop; }
    chain output { type filter hook output priority 0; meta l4proto udp drop; }
}
";
        host.run_sync(move || feed("nft", &["-f", "-"], rules))
    }

    /// A LAN without internet: a switch for its hosts, and a router whose way out is down.
    pub(crate) async fn island(&self, name: &str) -> Result<Router> {
        let router = self
            .lab
            .add_router(name)
            .ip_support(IpSupport::V4Only)
            .build()
            .await?;
        router.run_sync(|| ip(&["link", "set", "ix", "down"]))?;
        router.run_sync(keep_bridge_addresses)?;
        Ok(router)
    }

    /// A host in the network of `router`, on its interface `eth0`.
    pub(crate) async fn host(&self, name: &str, router: &Router) -> Result<Device> {
        self.lab
            .add_device(name)
            .iface("eth0", router.id())
            .build()
            .await
    }

    /// Gives `host` another address of the LAN of `router`, as a DHCP server that forgot it does.
    pub(crate) async fn renew_address(host: &Device, router: &Router) -> Result<()> {
        let gateway = router.downstream_gw().context("no LAN")?.to_string();
        let interface = host.iface("eth0").context("no interface")?;
        interface.renew_ip().await?;
        // The route went with the old address.
        host.run_sync(move || ip(&["route", "replace", "default", "via", &gateway]))
    }

    /// Puts a line between `home` and the internet.
    pub(crate) fn line_to_internet(
        &mut self,
        home: &Router,
        condition: Condition,
    ) -> Result<&Line> {
        let port = home.run_sync(|| link_index("ix"))?;
        let line = Line::insert(Place::Internet(self.lab.ix()), port, condition)?;
        self.lines.push(line);
        Ok(&self.lines[self.lines.len() - 1])
    }

    /// Puts a line between `host` and its router.
    pub(crate) fn line_to_host(
        &mut self,
        router: &Router,
        host: &Device,
        condition: Condition,
    ) -> Result<&Line> {
        let port = host.run_sync(|| link_index("eth0"))?;
        let line = Line::insert(Place::Router(router.clone()), port, condition)?;
        self.lines.push(line);
        Ok(&self.lines[self.lines.len() - 1])
    }
}

fn nat(kind: NatKind) -> NatConfig {
    let kind = match kind {
        NatKind::FullCone => Nat::Open,
        NatKind::PortRestricted => Nat::Moderate,
        NatKind::Symmetric => Nat::Strict,
    };
    let mut config = kind.to_config().expect("every kind is a NAT");
    config.timeouts = ConntrackTimeouts::default();
    config
}

/// Gives the bridges of this namespace their addresses for good. One that was never given an address takes the lowest of
/// its ports', so the next port may change it, and whoever knows the old one speaks into the void until ARP asks again.
fn keep_bridge_addresses() -> Result<()> {
    let bridges = ip_json(&["link", "show", "type", "bridge"])?;
    for bridge in bridges.as_array().context("a list of bridges")? {
        let name = bridge["ifname"].as_str().context("a name")?;
        let address = bridge["address"].as_str().context("an address")?;
        ip(&["link", "set", "dev", name, "address", address])?;
    }
    Ok(())
}

/// The index of the other end of the veth pair that `interface` is one end of.
fn link_index(interface: &str) -> Result<u64> {
    let links = ip_json(&["link", "show", "dev", interface])?;
    links[0]["link_index"]
        .as_u64()
        .with_context(|| format!("{interface} is no veth: {links}"))
}
