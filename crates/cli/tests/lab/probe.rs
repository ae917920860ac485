//! What a network really does, measured: how a NAT maps and filters, whether a hole can be punched, how long a ping takes.
//!
//! The method is that of RFC 5780: one host asks two hosts with two ports each from where they see it, and asks them to
//! answer from elsewhere.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use patchbay::Device;
use tokio::net::UdpSocket;
use tokio::time::timeout;

/// How long an answer may take before the question is repeated.
const ANSWER_DURATION_MAX: Duration = Duration::from_millis(500);

/// How often a question is asked, and how many packets punch a hole.
const ATTEMPTS: usize = 5;

/// The longest question or answer, in bytes: a number, a word and an address.
const MESSAGE_BYTES_MAX: usize = 64;

/// How a NAT chooses outer ports, or which packets it lets in (RFC 4787 §4.1, §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Whatever the other side.
    EndpointIndependent,
    /// By the other side's address.
    AddressDependent,
    /// By the other side's address and port.
    AddressAndPortDependent,
}

/// A host that tells others from where it sees them, on two ports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mirror {
    ports: [SocketAddr; 2],
}

impl Mirror {
    /// Runs a mirror on `host` for as long as its namespace lasts.
    pub(crate) async fn run(host: &Device) -> Result<Self> {
        let ip = host.ip().context("no address")?;
        let (first, second) = host
            .spawn(async move |_| {
                let first = Arc::new(UdpSocket::bind((ip, 0)).await?);
                let second = Arc::new(UdpSocket::bind((ip, 0)).await?);
                tokio::spawn(mirror(Arc::clone(&first), Arc::clone(&second)));
                tokio::spawn(mirror(Arc::clone(&second), Arc::clone(&first)));
                anyhow::Ok((first.local_addr()?, second.local_addr()?))
            })?
            .await??;
        Ok(Self {
            ports: [first, second],
        })
    }
}

/// Answers `here` from this port, `there` from the other one, and `send` by sending from this one to the address in the
/// question. Each answer begins with the number of its question, so that a late one is not taken for another.
async fn mirror(socket: Arc<UdpSocket>, other: Arc<UdpSocket>) -> Result<()> {
    let mut buffer = [0; MESSAGE_BYTES_MAX];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).await?;
        let question = std::str::from_utf8(&buffer[..length])?;
        let mut words = question.split(' ');
        let mut next = || words.next().context("a shorter question than any");
        let (number, word, address) = (next()?, next()?, next()?);
        let answer = format!("{number} {from}");
        match word {
            "here" => socket.send_to(answer.as_bytes(), from).await?,
            "there" => other.send_to(answer.as_bytes(), from).await?,
            "send" => {
                let address: SocketAddr = address.parse()?;
                socket.send_to(answer.as_bytes(), address).await?
            }
            _ => bail!("unknown question {word}"),
        };
    }
}

/// A UDP socket on a host, with what a mirror says of it.
pub(crate) struct Probe {
    socket: UdpSocket,
}

impl Probe {
    /// Opens a socket on `host`.
    pub(crate) async fn open(host: &Device) -> Result<Self> {
        let socket = host
            .spawn(async |_| UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await)?
            .await??;
        Ok(Self { socket })
    }

    /// Asks a question; gives its number.
    async fn ask(&self, mirror: SocketAddr, word: &str, address: SocketAddr) -> Result<u64> {
        static QUESTIONS: AtomicU64 = AtomicU64::new(0);
        let number = QUESTIONS.fetch_add(1, Ordering::Relaxed);
        let question = format!("{number} {word} {address}");
        self.socket.send_to(question.as_bytes(), mirror).await?;
        Ok(number)
    }

    /// The answer to a question when it comes in time, from `sender`.
    async fn answer(&self, number: u64, sender: SocketAddr) -> Result<Option<SocketAddr>> {
        let begins = format!("{number} ");
        let answered = timeout(ANSWER_DURATION_MAX, async {
            loop {
                let packet = self.packet_from(sender).await?;
                if let Some(address) = packet.strip_prefix(&begins) {
                    return anyhow::Ok(address.parse()?);
                }
            }
        });
        answered.await.ok().transpose()
    }

    /// The next packet from `sender`.
    async fn packet_from(&self, sender: SocketAddr) -> Result<String> {
        let mut buffer = [0; MESSAGE_BYTES_MAX];
        loop {
            let (length, from) = self.socket.recv_from(&mut buffer).await?;
            if from == sender {
                return Ok(String::from_utf8(buffer[..length].to_vec())?);
            }
        }
    }

    /// The address under which `mirror` sees this socket.
    pub(crate) async fn address_seen_by(&self, mirror: SocketAddr) -> Result<SocketAddr> {
        for _ in 0..ATTEMPTS {
            let number = self.ask(mirror, "here", mirror).await?;
            if let Some(address) = self.answer(number, mirror).await? {
                return Ok(address);
            }
        }
        bail!("{mirror} does not answer");
    }

    /// Sends to `other` and waits for a packet from there: one end of a hole being punched.
    pub(crate) async fn punch(&self, other: SocketAddr) -> Result<bool> {
        for _ in 0..ATTEMPTS {
            self.socket.send_to(b"punch", other).await?;
            if let Ok(packet) = timeout(ANSWER_DURATION_MAX, self.packet_from(other)).await {
                packet?;
                // The other side may have sent its last before its hole was open.
                self.socket.send_to(b"punch", other).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether a packet from `mirror` to the address `seen` reaches `probe`, when another socket of its host asks for it.
async fn is_reached(
    probe: &Probe,
    seen: SocketAddr,
    host: &Device,
    mirror: SocketAddr,
) -> Result<bool> {
    let messenger = Probe::open(host).await?;
    // So that the question itself is not lost.
    messenger.address_seen_by(mirror).await?;
    let number = messenger.ask(mirror, "send", seen).await?;
    Ok(probe.answer(number, mirror).await?.is_some())
}

/// Whether a host that was asked once still gets through, before and after `forget`.
pub(crate) async fn remembers(
    host: &Device,
    mirror: Mirror,
    forget: impl FnOnce() -> Result<()>,
) -> Result<(bool, bool)> {
    let mirror = mirror.ports[0];
    let probe = Probe::open(host).await?;
    let seen = probe.address_seen_by(mirror).await?;
    let before = is_reached(&probe, seen, host, mirror).await?;
    forget()?;
    Ok((before, is_reached(&probe, seen, host, mirror).await?))
}

/// How the NAT in front of `host` maps.
pub(crate) async fn mapping(host: &Device, near: Mirror, far: Mirror) -> Result<Behaviour> {
    let probe = Probe::open(host).await?;
    let first = probe.address_seen_by(near.ports[0]).await?;
    let other_port = probe.address_seen_by(near.ports[1]).await?;
    let other_host = probe.address_seen_by(far.ports[0]).await?;
    let own = host.ip().context("no address")?;
    ensure!(first.ip() != own, "there is no NAT at all");
    Ok(if first == other_port && first == other_host {
        Behaviour::EndpointIndependent
    } else if first == other_port {
        Behaviour::AddressDependent
    } else {
        Behaviour::AddressAndPortDependent
    })
}

/// What the NAT in front of `host` lets in.
pub(crate) async fn filtering(host: &Device, near: Mirror, far: Mirror) -> Result<Behaviour> {
    let probe = Probe::open(host).await?;
    let seen = probe.address_seen_by(near.ports[0]).await?;
    let number = probe.ask(near.ports[0], "there", seen).await?;
    let by_other_port = probe.answer(number, near.ports[1]).await?.is_some();
    // The far mirror has never heard from this socket.
    let by_other_host = is_reached(&probe, seen, host, far.ports[0]).await?;
    Ok(match (by_other_port, by_other_host) {
        (_, true) => Behaviour::EndpointIndependent,
        (true, false) => Behaviour::AddressDependent,
        (false, false) => Behaviour::AddressAndPortDependent,
    })
}

/// Whether two hosts that know each other's outer addresses get through to each other, both ways.
pub(crate) async fn hole_punches(left: &Device, right: &Device, mirror: Mirror) -> Result<bool> {
    let (left, right) = (Probe::open(left).await?, Probe::open(right).await?);
    let left_seen = left.address_seen_by(mirror.ports[0]).await?;
    let right_seen = right.address_seen_by(mirror.ports[0]).await?;
    let (from_left, from_right) = tokio::join!(left.punch(right_seen), right.punch(left_seen));
    Ok(from_left? && from_right?)
}

/// How long to wait for the answers that shall come: longer than any takes on a busy machine.
const ANSWERS_WITHIN_SECONDS: &str = "20";

/// What `ping` measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pings {
    /// How many were sent.
    pub(crate) sent: usize,
    /// How many were answered.
    pub(crate) answered: usize,
    /// The shortest round trip.
    pub(crate) round_trip_min: Duration,
}

/// Sends `count` pings from `host` to `address`, 20 ms apart. A second passes before silence is believed; of several the last
/// has 20 ms only, once others were answered.
pub(crate) async fn ping(host: &Device, address: Ipv4Addr, count: usize) -> Result<Pings> {
    pinged(host, address, &["-W", "1", "-c", &count.to_string()]).await
}

/// Sends pings from `host` to `address`, 20 ms apart, until `count` or a few more were answered: for what shall be there,
/// however late the answers of a busy machine come.
pub(crate) async fn ping_until(host: &Device, address: Ipv4Addr, count: usize) -> Result<Pings> {
    let count = count.to_string();
    pinged(host, address, &["-w", ANSWERS_WITHIN_SECONDS, "-c", &count]).await
}

async fn pinged(host: &Device, address: Ipv4Addr, bounds: &[&str]) -> Result<Pings> {
    let mut command = tokio::process::Command::new("ping");
    command
        .args(["-n", "-i", "0.02"])
        .args(bounds)
        .arg(address.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let output = host.spawn_command(command)?.wait_with_output().await?;
    let told = String::from_utf8_lossy(&output.stdout);
    let times: Vec<f64> = told
        .split("time=")
        .skip(1)
        .filter_map(|rest| rest.split_whitespace().next()?.parse().ok())
        .collect();
    let summary = told
        .lines()
        .find(|line| line.contains("packets transmitted"));
    // Without a way there none is sent, and nothing is summed up.
    let sent = summary.and_then(|line| line.split_whitespace().next()?.parse().ok());
    let shortest_ms = times.iter().copied().reduce(f64::min).unwrap_or(0.0);
    Ok(Pings {
        sent: sent.unwrap_or(0),
        answered: times.len(),
        round_trip_min: Duration::from_secs_f64(shortest_ms / 1000.0),
    })
}
