//! One connection to the TCP port, as every part of the server that handles it knows it.

use std::net::IpAddr;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::limits::Pass;

/// Who is at the other end of a connection; holds the connection's place at the gate.
#[derive(Debug)]
pub(super) struct Caller {
    /// Where it comes from.
    pub(super) ip: IpAddr,
    /// Where its tasks are counted.
    pub(super) tasks: TaskTracker,
    /// Cancelled when the server stops.
    pub(super) closing: CancellationToken,
    _pass: Pass,
}

impl Caller {
    /// Somebody at `ip` who was given `pass`.
    pub(super) fn new(
        ip: IpAddr,
        pass: Pass,
        tasks: TaskTracker,
        closing: CancellationToken,
    ) -> Self {
        Self {
            ip,
            tasks,
            closing,
            _pass: pass,
        }
    }
}
