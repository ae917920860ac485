//! A slow line in front of a UDP address, in this process: every packet is passed on after a fixed time, none is lost.
//!
//! It listens on the IPv6 loopback and passes on from the IPv4 one, so that two iroh endpoints that have one family each
//! cannot find a faster way around it.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

/// The largest packet: what UDP carries.
const PACKET_BYTES_MAX: usize = 65_535;

/// The line; it ends when dropped.
#[derive(Debug)]
pub(crate) struct SlowLine {
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl SlowLine {
    /// Lays a line to `target` (IPv4) on which each way takes `delay`, for one client.
    pub(crate) async fn lay(target: SocketAddr, delay: Duration) -> anyhow::Result<Self> {
        let near = Arc::new(UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).await?);
        let far = Arc::new(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?);
        far.connect(target).await?;
        let address = near.local_addr()?;
        let (client, last_client) = watch::channel(None);
        let mut tasks = JoinSet::new();
        let (there, mut arriving) = mpsc::unbounded_channel();
        let (back, mut returning) = mpsc::unbounded_channel();
        let receiving = near.clone();
        tasks.spawn(async move {
            let mut packet = vec![0; PACKET_BYTES_MAX];
            while let Ok((length, from)) = receiving.recv_from(&mut packet).await {
                client.send_replace(Some(from));
                let _ = there.send((Instant::now() + delay, packet[..length].to_vec()));
            }
        });
        let sending = far.clone();
        tasks.spawn(async move {
            while let Some((due, packet)) = arriving.recv().await {
                sleep_until(due).await;
                // What cannot be sent is lost, as on any line.
                let _ = sending.send(&packet).await;
            }
        });
        tasks.spawn(async move {
            let mut packet = vec![0; PACKET_BYTES_MAX];
            while let Ok(length) = far.recv(&mut packet).await {
                let _ = back.send((Instant::now() + delay, packet[..length].to_vec()));
            }
        });
        tasks.spawn(async move {
            while let Some((due, packet)) = returning.recv().await {
                sleep_until(due).await;
                let to: Option<SocketAddr> = *last_client.borrow();
                if let Some(to) = to {
                    let _ = near.send_to(&packet, to).await;
                }
            }
        });
        Ok(Self {
            address,
            _tasks: tasks,
        })
    }

    /// Its near end (IPv6).
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}
