//! A piece of network between two sockets that can be cut: UDP packets passed on from one address to another, and back.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// Which packets pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Traffic {
    /// Both ways.
    Open,
    /// Towards the target only.
    OneWay,
    /// None.
    Cut,
}

/// A way to one address, under another.
pub(super) struct Street {
    /// Where it is entered.
    pub(super) entrance: SocketAddr,
    traffic: watch::Sender<Traffic>,
    /// The first bytes of the last packet that came back from the target.
    pub(super) returned: watch::Receiver<u8>,
    _task: AbortOnDropHandle<()>,
}

impl Street {
    /// Opens a way to `target`, entered at a loopback address of the family of `entrance`. It serves one dialler.
    pub(super) async fn open(entrance: IpAddr, target: SocketAddr, traffic: Traffic) -> Self {
        let inside = UdpSocket::bind((entrance, 0)).await.expect("a free port");
        let outside = UdpSocket::bind((target.ip(), 0))
            .await
            .expect("a free port");
        outside.connect(target).await.expect("loopback");
        let entrance = inside.local_addr().expect("bound");
        let (traffic, allowed) = watch::channel(traffic);
        let (seen, returned) = watch::channel(0);
        let task = tokio::spawn(pass(Arc::new(inside), outside, allowed, seen));
        Self {
            entrance,
            traffic,
            returned,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// Changes what passes.
    pub(super) fn allow(&self, traffic: Traffic) {
        self.traffic.send_replace(traffic);
    }
}

/// Passes packets on. A packet that cannot be sent is as good as a lost one.
async fn pass(
    inside: Arc<UdpSocket>,
    outside: UdpSocket,
    allowed: watch::Receiver<Traffic>,
    seen: watch::Sender<u8>,
) {
    let (mut there, mut back) = ([0; 65_536], [0; 65_536]);
    let mut dialler = None;
    loop {
        tokio::select! {
            Ok((length, from)) = inside.recv_from(&mut there) => {
                dialler = Some(from);
                if *allowed.borrow() != Traffic::Cut {
                    let _ = outside.send(&there[..length]).await;
                }
            }
            Ok(length) = outside.recv(&mut back) => {
                seen.send_replace(back[0]);
                if let Some(dialler) = dialler && *allowed.borrow() == Traffic::Open {
                    let _ = inside.send_to(&back[..length], dialler).await;
                }
            }
        }
    }
}
