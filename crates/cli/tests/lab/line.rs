//! A line that delays, drops, throttles and cuts: the kernels that run this lab often lack `netem`, so it is a program.
//!
//! It goes where a link enters a bridge. The link's port is taken out of the bridge and joined with a TAP device instead; a
//! second TAP device takes its place in the bridge; a thread carries frames from one to the other:
//!
//! ```text
//! link ── [port][near TAP] ══ this program ══ [far TAP] ── bridge
//! ```
//!
//! Neither end of the link notices. Frames keep their order. A test that wants a slow line first measures that it is slow.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};
use patchbay::{Ix, Router};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep_until};
use tun_rs::{AsyncDevice, DeviceBuilder, Layer};

use crate::system::{ip, ip_json};

/// The largest frame, in bytes: an Ethernet header with a VLAN tag on top of 1,500 bytes.
const FRAME_BYTES_MAX: usize = 1518;

/// The most frames on their way in one direction: 150 ms at 100 Mbit/s, as a router's buffer. More are dropped, as there.
const FRAMES_MAX: usize = 1250;

/// How long the set-up of a line may take; it is four runs of `ip`.
const SETUP_DURATION_MAX: Duration = Duration::from_secs(10);

/// What happens to frames, each way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Condition {
    /// How long each takes.
    pub(crate) delay: Duration,
    /// How many of a thousand are lost.
    pub(crate) loss_permille: u32,
    /// How many bits pass in a second; 0 for no limit.
    pub(crate) bits_per_second: u64,
    /// Whether none pass at all.
    pub(crate) is_cut: bool,
}

/// Where a line can be put: into a bridge of one of these.
pub(crate) enum Place {
    /// The exchange that joins homes and data centres.
    Internet(Ix),
    /// The LAN of a router.
    Router(Router),
}

/// A line in its place.
pub(crate) struct Line {
    condition: watch::Sender<Condition>,
    /// How many bytes it has carried, both ways.
    carried: Arc<AtomicU64>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<Result<()>>>,
}

impl Line {
    /// Puts a line where the link `port` (the index of an interface) enters the bridge at `place`.
    pub(crate) fn insert(place: Place, port: u64, condition: Condition) -> Result<Self> {
        let (condition, current) = watch::channel(condition);
        let carried = Arc::<AtomicU64>::default();
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        let counter = Arc::clone(&carried);
        let body = move || run(port, &current, &counter, stopped, &ready);
        let thread = match place {
            Place::Internet(ix) => ix.spawn_thread(body)?,
            Place::Router(router) => router.spawn_thread(body)?,
        };
        let line = Self {
            condition,
            carried,
            stop: Some(stop),
            thread: Some(thread),
        };
        match is_ready.recv_timeout(SETUP_DURATION_MAX) {
            Ok(()) => Ok(line),
            Err(_) => Err(line
                .end()
                .err()
                .unwrap_or_else(|| anyhow!("the line was not ready in time"))),
        }
    }

    /// Changes what happens to frames from now on.
    pub(crate) fn set(&self, condition: Condition) {
        self.condition.send_replace(condition);
    }

    /// How many bytes it has carried, both ways, with the headers of Ethernet.
    pub(crate) fn bytes_carried(&self) -> u64 {
        self.carried.load(Ordering::Relaxed)
    }

    fn end(mut self) -> Result<()> {
        drop(self.stop.take());
        let thread = self.thread.take().context("ended before")?;
        thread.join().map_err(|_| anyhow!("the line panicked"))?
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // What went wrong in it has shown in the test by now.
            let _ = thread.join();
        }
    }
}

/// The thread of a line, in the namespace of its bridge.
fn run(
    port: u64,
    condition: &watch::Receiver<Condition>,
    carried: &Arc<AtomicU64>,
    stopped: oneshot::Receiver<()>,
    ready: &mpsc::Sender<()>,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (near, far) = join_bridge(port)?;
        let (near, far) = (Arc::new(near), Arc::new(far));
        ready.send(()).context("nobody waits for the line")?;
        let outward = carry(Arc::clone(&near), Arc::clone(&far), condition, carried, 1);
        let inward = carry(far, near, condition, carried, 2);
        tokio::select! {
            result = outward => result,
            result = inward => result,
            _ = stopped => Ok(()),
        }
    })
}

/// Makes the two TAP devices and puts them between the port and its bridge.
fn join_bridge(port: u64) -> Result<(AsyncDevice, AsyncDevice)> {
    let links = ip_json(&["link", "show"])?;
    let link = links
        .as_array()
        .and_then(|links| links.iter().find(|link| link["ifindex"] == port))
        .with_context(|| format!("no link {port} here: {links}"))?;
    let name = |key: &str| -> Result<&str> {
        link[key]
            .as_str()
            .with_context(|| format!("no {key}: {link}"))
    };
    let (interface, bridge) = (name("ifname")?, name("master")?);
    // Interface names end at 15 characters; the port's index is unique in its namespace.
    let (near_name, far_name, pair) = (
        format!("near{port}"),
        format!("far{port}"),
        format!("pair{port}"),
    );
    let (near, far) = (tap(&near_name)?, tap(&far_name)?);
    // A bridge wears the address of one of its ports. When that port leaves, its neighbours would go on sending to an address
    // that the port now takes for its own, past the line: the bridge keeps the address, and the port gets another.
    let address = ip_json(&["link", "show", "dev", bridge])?;
    let address = address[0]["address"].as_str().context("no address")?;
    ip(&["link", "set", bridge, "address", address])?;
    let unused = format!("02:00:00:00:{:02x}:{:02x}", port >> 8 & 0xff, port & 0xff);
    ip(&["link", "set", interface, "address", &unused])?;
    forget_bridged_packets()?;
    // The pair is a piece of wire: it passes every multicast on, and answers no question for an address of this machine.
    ip(&[
        "link",
        "add",
        &pair,
        "type",
        "bridge",
        "mcast_snooping",
        "0",
    ])?;
    ip(&[
        "link",
        "set",
        &pair,
        "arp",
        "off",
        "addrgenmode",
        "none",
        "up",
    ])?;
    // The bridge's new port comes before the old one goes: a bridge without ports is down for a second.
    for (member, master) in [
        (far_name.as_str(), bridge),
        (near_name.as_str(), pair.as_str()),
        (interface, pair.as_str()),
    ] {
        ip(&["link", "set", member, "master", master, "up"])?;
    }
    Ok((near, far))
}

/// Keeps the NAT of a router away from frames that only cross a bridge: a connection that it has seen there once is never
/// translated afterwards. Only some kernels have the module that mixes the two.
fn forget_bridged_packets() -> Result<()> {
    for switch in ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"] {
        let path = Path::new("/proc/sys/net/bridge").join(switch);
        if path.exists() {
            fs::write(&path, "0").with_context(|| format!("{} stays on", path.display()))?;
        }
    }
    Ok(())
}

fn tap(name: &str) -> Result<AsyncDevice> {
    DeviceBuilder::new()
        .name(name)
        .layer(Layer::L2)
        .build_async()
        .with_context(|| format!("no TAP device {name}"))
}

/// Carries frames one way until a device fails. `seed` tells which are lost.
async fn carry(
    from: Arc<AsyncDevice>,
    to: Arc<AsyncDevice>,
    condition: &watch::Receiver<Condition>,
    carried: &AtomicU64,
    seed: u64,
) -> Result<()> {
    let (sender, mut queue) = tokio::sync::mpsc::channel::<(Instant, Vec<u8>)>(FRAMES_MAX);
    let receive = async {
        let mut chance = StdRng::seed_from_u64(seed);
        let mut free_at = Instant::now();
        loop {
            let mut frame = vec![0; FRAME_BYTES_MAX];
            let length = from.recv(&mut frame).await?;
            frame.truncate(length);
            let now = *condition.borrow();
            if now.is_cut || chance.random_range(0..1000) < now.loss_permille {
                continue;
            }
            free_at = free_at.max(Instant::now()) + transmission(length, now.bits_per_second);
            // A full queue drops the frame: that is what a queue of a router does.
            let _ = sender.try_send((free_at + now.delay, frame));
        }
    };
    let send = async {
        while let Some((due, frame)) = queue.recv().await {
            sleep_until(due).await;
            if !condition.borrow().is_cut {
                to.send(&frame).await?;
                carried.fetch_add(frame.len() as u64, Ordering::Relaxed);
            }
        }
        Ok(())
    };
    tokio::select! {
        result = receive => result,
        result = send => result,
    }
}

/// How long a frame occupies the line.
fn transmission(bytes: usize, bits_per_second: u64) -> Duration {
    match bits_per_second {
        0 => Duration::ZERO,
        rate => Duration::from_nanos(bytes as u64 * 8 * 1_000_000_000 / rate),
    }
}
