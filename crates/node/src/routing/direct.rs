//! Direct paths of a connection: where they lead, when there is one, and when they are lost.

use std::net::{IpAddr, SocketAddr};

use futures_util::StreamExt as _;
use iroh::TransportAddr;
use iroh::endpoint::Connection as EngineConnection;

/// Where the other side is, when data takes a direct path now.
pub(super) fn selected(engine: &EngineConnection) -> Option<SocketAddr> {
    let paths = engine.paths();
    let selected = paths.iter().find(|path| path.is_selected())?;
    address(selected.remote_addr())
}

/// Waits until data takes a direct path, and says where it leads; `None` when the connection is over.
pub(super) async fn taken(engine: &EngineConnection) -> Option<SocketAddr> {
    let mut events = engine.path_events();
    loop {
        if let Some(there) = selected(engine) {
            return Some(there);
        }
        events.next().await?;
    }
}

/// Waits until no direct path leads to `there` any more, selected or not.
pub(super) async fn lost(engine: &EngineConnection, there: IpAddr) {
    let mut events = engine.path_events();
    loop {
        let paths = engine.paths();
        let mut open = paths.iter().filter_map(|path| address(path.remote_addr()));
        if !open.any(|open| open.ip() == there) || events.next().await.is_none() {
            return;
        }
    }
}

/// The address of a path, if it is a direct one.
fn address(remote: &TransportAddr) -> Option<SocketAddr> {
    match remote {
        TransportAddr::Ip(address) => {
            let ip = address.ip().to_canonical();
            // The scope of a link-local address is kept: it is reached by that interface only.
            Some(match address {
                SocketAddr::V6(_) if ip.is_ipv6() => *address,
                _ => SocketAddr::new(ip, address.port()),
            })
        }
        _ => None,
    }
}
