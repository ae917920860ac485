//! What kith takes for granted of its engine, iroh 1.3.0, and of its wrapper: the answers to the questions settled in
//! docs/decisions.md, each as a test that a later engine has to pass too.

mod binding;
mod disclosure;
mod express;
mod flood;
mod lockfile;
mod paths;
mod relay;
mod relay_names;
mod sessions;
mod streams;

use std::net::{Ipv4Addr, SocketAddr};

use iroh::SecretKey;
use kith::routing::{Connection, FaceConfig, FaceEndpoint};
use kith_core::address::Route;
use kith_core::ids::Face;
use kith_core::introducer::Introducer;

use crate::waiting::soon;

/// A configuration that stays on this machine.
fn loopback(face: Face, relays: &[Introducer]) -> FaceConfig {
    FaceConfig {
        bind: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
        port_mapping: false,
        relays: relays.to_vec(),
        ..FaceConfig::new(face, SecretKey::generate())
    }
}

/// A contact face on loopback.
async fn contact_face(relays: &[Introducer]) -> FaceEndpoint {
    let config = loopback(Face::Contact, relays);
    FaceEndpoint::bind(config).await.expect("a free port")
}

/// A route by the sockets an endpoint is bound to, and nothing else.
fn direct_route(endpoint: &FaceEndpoint) -> Route {
    Route {
        addresses: endpoint.bound_addresses(),
        ..Route::new(endpoint.device())
    }
}

/// A route by relay alone.
fn relay_route(endpoint: &FaceEndpoint, relay: &Introducer) -> Route {
    Route {
        relays: vec![relay.relay_url()],
        ..Route::new(endpoint.device())
    }
}

/// Both ends of a new connection, the dialler's first.
async fn joined(
    dialler: &FaceEndpoint,
    listener: &FaceEndpoint,
    route: &Route,
) -> (Connection, Connection) {
    let (dialled, accepted) = tokio::join!(
        soon("dialling", dialler.connect(route)),
        soon("accepting", listener.accept()),
    );
    (
        dialled.expect("it answers"),
        accepted.expect("the listener is open"),
    )
}

/// Two contact faces with one direct connection.
async fn pair() -> (FaceEndpoint, FaceEndpoint, Connection, Connection) {
    let (one, other) = tokio::join!(contact_face(&[]), contact_face(&[]));
    let (dialled, accepted) = joined(&one, &other, &direct_route(&other)).await;
    (one, other, dialled, accepted)
}
