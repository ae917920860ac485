//! What a face binds, and what it says when it cannot.

use std::net::{IpAddr, Ipv4Addr};

use kith::routing::FaceEndpoint;
use kith::routing::endpoint::{BindError, DialError};
use kith_core::address::Route;
use kith_core::ids::{DeviceKey, Face};

use super::relay::TestRelay;
use super::{contact_face, direct_route, joined, loopback, relay_route};

#[tokio::test]
async fn a_taken_port_is_a_clear_error() {
    let first = contact_face(&[]).await;
    let mut config = loopback(Face::Contact, &[]);
    config.bind = first.bound_addresses();
    let error = FaceEndpoint::bind(config).await.expect_err("it is taken");
    assert!(
        error.to_string().to_lowercase().contains("in use"),
        "{error}"
    );
}

#[tokio::test]
async fn a_second_address_of_a_family_is_refused() {
    let mut config = loopback(Face::Contact, &[]);
    let second = (Ipv4Addr::LOCALHOST, 0).into();
    config.bind.push(second);
    let error = FaceEndpoint::bind(config).await.expect_err("two of IPv4");
    assert!(matches!(error, BindError::SecondAddress(address) if address == second));
}

#[tokio::test]
async fn a_public_server_is_dialled_directly() {
    let mut config = loopback(Face::Public, &[]);
    config.public_server = true;
    let server = FaceEndpoint::bind(config).await.expect("a free port");
    let dialler = contact_face(&[]).await;
    let (dialled, _accepted) = joined(&dialler, &server, &direct_route(&server)).await;
    assert_eq!(dialled.remote(), server.device());
}

#[tokio::test]
async fn a_dial_to_nowhere_fails_at_once() {
    let relay = TestRelay::start(IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
    let (contact, other) = tokio::join!(contact_face(&[]), contact_face(&[]));
    let empty = Route::new(other.device());
    let error = contact.connect(&empty).await.expect_err("no address");
    assert!(matches!(error, DialError::NoRoute), "{error}");
    // No point of the curve.
    let no_key = Route {
        device: DeviceKey([2; 32]),
        ..relay_route(&other, &relay.introducer)
    };
    let error = contact.connect(&no_key).await.expect_err("no key");
    assert!(matches!(error, DialError::NotAKey), "{error}");
    let config = loopback(Face::Public, &[]);
    let public = FaceEndpoint::bind(config).await.expect("nothing to bind");
    let error = public.connect(&direct_route(&other)).await;
    let error = error.expect_err("a relay-only face dials no address");
    assert!(matches!(error, DialError::NoRoute), "{error}");
}
