//! Two networks joined by a line that delays, drops and throttles.
//!
//! Each end is a TAP device that is made here and given to a namespace; what goes into one comes out of the other, later or
//! never. The namespaces last as long as the processes that hold them.

use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tun_rs::{AsyncDevice, DeviceBuilder, Layer};

use crate::share::program::{Program, START_DURATION_MAX, run};
use crate::share::site::{Site, Sites};

/// The largest frame, in bytes: an Ethernet header with a VLAN tag on top of 1,500 bytes.
const FRAME_BYTES_MAX: usize = 1518;

/// The most frames on their way in one direction beyond those that the delay holds: 75 ms at 100 Mbit/s, as a router's buffer.
/// More are dropped, as there.
const FRAMES_MAX: usize = 625;

/// What happens to frames, each way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Condition {
    /// How long each takes.
    pub(crate) delay: Duration,
    /// How many of a thousand are lost.
    pub(crate) loss_permille: u32,
    /// How many bits pass in a second.
    pub(crate) bits_per_second: u64,
}

/// The line, and a network at each end.
#[derive(Debug)]
pub(crate) struct Line {
    near: Network,
    far: Network,
    _carriers: JoinSet<Result<()>>,
}

#[derive(Debug)]
struct Network {
    device: &'static str,
    holder: Program,
    address: Ipv4Addr,
}

impl Line {
    /// Lays one between two new networks.
    pub(crate) fn lay(condition: Condition) -> Result<Self> {
        let runtime = Handle::current();
        let _entered = runtime.enter();
        let (near_device, far_device) = (Arc::new(tap("near")?), Arc::new(tap("far")?));
        let near = Network::make("near", Ipv4Addr::new(10, 78, 0, 1))?;
        let far = Network::make("far", Ipv4Addr::new(10, 78, 0, 2))?;
        let mut carriers = JoinSet::new();
        carriers.spawn(carry(near_device.clone(), far_device.clone(), condition, 1));
        carriers.spawn(carry(far_device, near_device, condition, 2));
        Ok(Self {
            near,
            far,
            _carriers: carriers,
        })
    }

    /// How many bytes the getter's end has sent and received: whole frames.
    pub(crate) fn carried_of_getter(&self) -> Result<u64> {
        self.far.carried()
    }

    /// Its ends.
    pub(crate) fn sites(&self) -> Sites {
        let site = |network: &Network| Site {
            address: network.address,
            holder: Some(network.holder.pid()),
        };
        Sites {
            provider: site(&self.near),
            getter: site(&self.far),
        }
    }
}

impl Network {
    /// A namespace with the device `device`, which leaves ours.
    fn make(device: &'static str, address: Ipv4Addr) -> Result<Self> {
        let mut command = Command::new("unshare");
        // It says that it is there, and then holds the namespace until its input ends.
        command.args(["--net", "--", "sh", "-c", "echo up; exec cat"]);
        let log = std::path::Path::new("/dev/null");
        let holder = Program::start("namespace", command, log)?;
        holder.line(START_DURATION_MAX)?;
        let pid = holder.pid().to_string();
        run(Command::new("ip").args(["link", "set", device, "netns", &pid]))?;
        let site = Site {
            address,
            holder: Some(holder.pid()),
        };
        let with_prefix = format!("{address}/24");
        for arguments in [
            &["link", "set", "lo", "up"][..],
            &["address", "add", &with_prefix, "dev", device],
            &["link", "set", device, "up"],
        ] {
            run(site.command("ip").args(arguments))?;
        }
        Ok(Self {
            device,
            holder,
            address,
        })
    }

    /// How many bytes its device has sent and received (`/proc/net/dev`, proc(5)).
    fn carried(&self) -> Result<u64> {
        let path = format!("/proc/{}/net/dev", self.holder.pid());
        let devices = std::fs::read_to_string(path)?;
        carried_by(&devices, self.device)
    }
}

/// Bytes received and sent by `device`, of a table as the kernel writes it: a name, eight numbers of what came, the first of them bytes,
/// and as many of what went.
fn carried_by(devices: &str, device: &str) -> Result<u64> {
    let numbers = devices.lines().find_map(|line| {
        let (name, numbers) = line.split_once(':')?;
        (name.trim() == device).then_some(numbers)
    });
    let numbers: Vec<&str> = numbers.context("no device")?.split_whitespace().collect();
    let [received, sent] = [0, 8].map(|place| numbers.get(place).copied().unwrap_or_default());
    Ok(received.parse::<u64>()? + sent.parse::<u64>()?)
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
    condition: Condition,
    seed: u64,
) -> Result<()> {
    let bits_delayed = condition.delay.as_secs_f64() * condition.bits_per_second as f64;
    let frames_delayed = (bits_delayed / 8.0 / FRAME_BYTES_MAX as f64) as usize;
    let (sender, mut queue) = mpsc::channel::<(Instant, Vec<u8>)>(frames_delayed + FRAMES_MAX);
    let receive = async {
        let mut chance = StdRng::seed_from_u64(seed);
        let mut free_at = Instant::now();
        loop {
            let mut frame = vec![0; FRAME_BYTES_MAX];
            let length = from.recv(&mut frame).await?;
            frame.truncate(length);
            if chance.random_range(0..1000) < condition.loss_permille {
                continue;
            }
            let bits = length as u64 * 8;
            let nanoseconds = bits * 1_000_000_000 / condition.bits_per_second;
            let free_then = free_at.max(Instant::now()) + Duration::from_nanos(nanoseconds);
            // A full queue drops the frame: that is what a queue of a router does. It does not occupy the line.
            if sender
                .try_send((free_then + condition.delay, frame))
                .is_ok()
            {
                free_at = free_then;
            }
        }
    };
    let send = async {
        while let Some((due, frame)) = queue.recv().await {
            sleep_until(due).await;
            to.send(&frame).await?;
        }
        Ok(())
    };
    tokio::select! {
        result = receive => result,
        result = send => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_carried_is_what_came_and_what_went() {
        let devices = "Inter-|   Receive    |  Transmit\n face |bytes packets\n    lo: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n   far: 100 1 0 0 0 0 0 0 20 2 0 0 0 0 0 0\n";
        assert_eq!(carried_by(devices, "far").expect("there"), 120);
        assert!(carried_by(devices, "near").is_err());
    }
}
