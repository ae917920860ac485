//! A long way between two sockets of this machine: UDP packets passed on after a while, or not at all.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// A way to one address, under another. It serves one dialler.
pub(crate) struct LongWay {
    /// Where it is entered.
    pub(crate) entrance: SocketAddr,
    open: watch::Sender<bool>,
    _tasks: [AbortOnDropHandle<()>; 4],
}

impl LongWay {
    /// Opens a way to `target` on which each packet is under way for `delay`. It is entered at 127.0.0.1.
    pub(crate) async fn open(target: SocketAddr, delay: Duration) -> Self {
        let inside = UdpSocket::bind(("127.0.0.1", 0)).await.expect("a port");
        let outside = UdpSocket::bind((target.ip(), 0)).await.expect("a port");
        outside.connect(target).await.expect("local");
        let entrance = inside.local_addr().expect("bound");
        let (inside, outside) = (Arc::new(inside), Arc::new(outside));
        let (open, is_open) = watch::channel(true);
        let (dialler, whence) = watch::channel(None);
        let (there, arriving) = mpsc::unbounded_channel();
        let (back, returning) = mpsc::unbounded_channel();
        let sender = outside.clone();
        let returned = inside.clone();
        let take_in = async move {
            let mut packet = [0; 65_536];
            while let Ok((length, from)) = inside.recv_from(&mut packet).await {
                dialler.send_replace(Some(from));
                if there
                    .send((Instant::now() + delay, packet[..length].to_vec()))
                    .is_err()
                {
                    return;
                }
            }
        };
        let take_back = async move {
            let mut packet = [0; 65_536];
            loop {
                // An error is the target's port being closed; it may open again.
                if let Ok(length) = outside.recv(&mut packet).await {
                    let due = Instant::now() + delay;
                    if back.send((due, packet[..length].to_vec())).is_err() {
                        return;
                    }
                }
            }
        };
        let may_go = is_open.clone();
        let go = deliver(arriving, is_open, async move |packet: &[u8]| {
            let _ = sender.send(packet).await;
        });
        let come = deliver(returning, may_go, async move |packet: &[u8]| {
            let to = *whence.borrow();
            if let Some(to) = to {
                let _ = returned.send_to(packet, to).await;
            }
        });
        Self {
            entrance,
            open,
            _tasks: [
                AbortOnDropHandle::new(tokio::spawn(take_in)),
                AbortOnDropHandle::new(tokio::spawn(take_back)),
                AbortOnDropHandle::new(tokio::spawn(go)),
                AbortOnDropHandle::new(tokio::spawn(come)),
            ],
        }
    }

    /// Lets packets pass, or loses them.
    pub(crate) fn let_pass(&self, passes: bool) {
        self.open.send_replace(passes);
    }
}

/// Passes each packet on when it is due. One that cannot be sent is as good as lost.
async fn deliver(
    mut packets: mpsc::UnboundedReceiver<(Instant, Vec<u8>)>,
    open: watch::Receiver<bool>,
    send: impl AsyncFn(&[u8]),
) {
    while let Some((due, packet)) = packets.recv().await {
        tokio::time::sleep_until(due).await;
        let passes = *open.borrow();
        if passes {
            send(&packet).await;
        }
    }
}
