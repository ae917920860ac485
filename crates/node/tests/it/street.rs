//! A piece of network between two sockets of this machine that can be long or cut: UDP packets passed on from one address to
//! another, and back.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// Which packets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// Both ways.
    Open,
    /// Towards the target only.
    OneWay,
    /// Towards the target, and back what asks for a proof of address (Retry, RFC 9000 §17.2.5): handshakes begin, and stall.
    Stalling,
    /// None.
    Cut,
}

/// Of a packet with a long header: fixed bits and type (RFC 9000 §17.2).
const LONG_HEADER_BITS: u8 = 0xf0;

/// A Retry packet's (RFC 9000 §17.2.5).
const RETRY: u8 = 0xf0;

/// Whether the packet that begins so asks for a proof of address.
pub(crate) fn is_retry(first: u8) -> bool {
    first & LONG_HEADER_BITS == RETRY
}

/// A way to one address, under another.
pub(crate) struct Street {
    /// Where it is entered.
    pub(crate) entrance: SocketAddr,
    traffic: watch::Sender<Traffic>,
    /// The first bytes of the last packet that came back from the target.
    pub(crate) returned: watch::Receiver<u8>,
    _tasks: [AbortOnDropHandle<()>; 4],
}

/// Packets on their way, each with the time at which it is through.
type UnderWay = mpsc::UnboundedSender<(Instant, Vec<u8>)>;

impl Street {
    /// Opens a way to `target`, entered at a loopback address of the family of `entrance`. It serves one dialler.
    pub(crate) async fn open(entrance: IpAddr, target: SocketAddr, traffic: Traffic) -> Self {
        Self::open_long(entrance, target, traffic, Duration::ZERO).await
    }

    /// Opens a way on which each packet is under way for `delay`.
    pub(crate) async fn open_long(
        entrance: IpAddr,
        target: SocketAddr,
        traffic: Traffic,
        delay: Duration,
    ) -> Self {
        let inside = UdpSocket::bind((entrance, 0)).await.expect("a free port");
        let outside = UdpSocket::bind((target.ip(), 0))
            .await
            .expect("a free port");
        outside.connect(target).await.expect("loopback");
        let entrance = inside.local_addr().expect("bound");
        let (inside, outside) = (Arc::new(inside), Arc::new(outside));
        let (traffic, allowed) = watch::channel(traffic);
        let (dialler, whence) = watch::channel(None);
        let (seen, returned) = watch::channel(0);
        let (there, arriving) = mpsc::unbounded_channel();
        let (back, returning) = mpsc::unbounded_channel();
        let go = deliver(arriving, allowed.clone(), Traffic::OneWay, {
            let outside = Arc::clone(&outside);
            async move |packet: &[u8]| {
                let _ = outside.send(packet).await;
            }
        });
        let come = deliver(returning, allowed, Traffic::Open, {
            let inside = Arc::clone(&inside);
            async move |packet: &[u8]| {
                let to = *whence.borrow();
                if let Some(to) = to {
                    let _ = inside.send_to(packet, to).await;
                }
            }
        });
        let tasks = [
            tokio::spawn(take_in(inside, dialler, there, delay)),
            tokio::spawn(take_back(outside, seen, back, delay)),
            tokio::spawn(go),
            tokio::spawn(come),
        ];
        Self {
            entrance,
            traffic,
            returned,
            _tasks: tasks.map(AbortOnDropHandle::new),
        }
    }

    /// Changes what passes.
    pub(crate) fn allow(&self, traffic: Traffic) {
        self.traffic.send_replace(traffic);
    }
}

/// Takes what the dialler sends.
async fn take_in(
    inside: Arc<UdpSocket>,
    dialler: watch::Sender<Option<SocketAddr>>,
    there: UnderWay,
    delay: Duration,
) {
    let mut packet = [0; 65_536];
    while let Ok((length, from)) = inside.recv_from(&mut packet).await {
        dialler.send_replace(Some(from));
        let due = Instant::now() + delay;
        if there.send((due, packet[..length].to_vec())).is_err() {
            return;
        }
    }
}

/// Takes what the target sends.
async fn take_back(
    outside: Arc<UdpSocket>,
    seen: watch::Sender<u8>,
    back: UnderWay,
    delay: Duration,
) {
    let mut packet = [0; 65_536];
    loop {
        // An error is the target's port being closed; it may open again.
        if let Ok(length) = outside.recv(&mut packet).await {
            seen.send_replace(packet[0]);
            let due = Instant::now() + delay;
            if back.send((due, packet[..length].to_vec())).is_err() {
                return;
            }
        }
    }
}

/// Passes each packet on when it is through, if so much traffic is allowed then as `least`. One that cannot be sent is as
/// good as lost.
async fn deliver(
    mut packets: mpsc::UnboundedReceiver<(Instant, Vec<u8>)>,
    allowed: watch::Receiver<Traffic>,
    least: Traffic,
    send: impl AsyncFn(&[u8]),
) {
    while let Some((due, packet)) = packets.recv().await {
        // A timer would round the time up to a whole millisecond.
        if due > Instant::now() {
            tokio::time::sleep_until(due).await;
        }
        let traffic = *allowed.borrow();
        let passes = match traffic {
            Traffic::Open => true,
            Traffic::Stalling => least == Traffic::OneWay || is_retry(packet[0]),
            Traffic::OneWay | Traffic::Cut => traffic == least,
        };
        if passes {
            send(&packet).await;
        }
    }
}
