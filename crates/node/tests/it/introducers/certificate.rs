//! An introducer with certificate files, issued by an authority of its owner's own.
//!
//! Everything is on the loopback: `localhost` is the domain, which the system resolves by itself.

use std::path::{Path, PathBuf};

use kith::core::introducer::Trust;
use kith::relay::TlsMode;
use kith::testing::local_node;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

use super::{has_place_at, loopback_introducer};
use crate::waiting::{PATIENCE, eventually};

const DOMAIN: &str = "localhost";

/// What an authority hands out: its own certificate, and a server's with its key.
struct Issued {
    root: PathBuf,
    chain: PathBuf,
    key: PathBuf,
}

/// Has a new authority certify the domain.
fn issue(place: &Path) -> Issued {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let name = &mut authority.distinguished_name;
    name.push(DnType::CommonName, "an authority of our own");
    let key = KeyPair::generate().expect("random bytes");
    let authority = CertifiedIssuer::self_signed(authority, key).expect("a plain name");
    let server = CertificateParams::new([DOMAIN.to_owned()]).expect("a plain name");
    let key = KeyPair::generate().expect("random bytes");
    let issued = server.signed_by(&key, &authority).expect("an authority");
    let file = |name: &str, text: &str| {
        let path = place.join(name);
        kith::durable::create_new(&path, text.as_bytes()).expect("a file of mode 0600");
        path
    };
    Issued {
        root: file("root.pem", &authority.pem()),
        chain: file("chain.pem", &(issued.pem() + &authority.pem())),
        key: file("key.pem", &key.serialize_pem()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_connect_by_the_domain_to_an_introducer_with_certificate_files() {
    let place = tempfile::tempdir().expect("a place for files");
    let issued = issue(place.path());
    let introducer = loopback_introducer()
        .tls(TlsMode::Files {
            domain: DOMAIN.to_owned(),
            certificate: issued.chain,
            key: issued.key,
        })
        .spawn()
        .await
        .expect("free ports");
    let line = introducer.introducer().clone();
    assert_eq!(line.trust, Trust::Domain(DOMAIN.to_owned()));
    // Who can send no UDP reaches its registry there.
    has_place_at(introducer.node(), &line).await;

    let node = local_node().introducers([line.clone()]);
    let node = node.relay_roots(issued.root).spawn().await;
    let node = node.expect("loopback can be bound");
    has_place_at(&node, &line).await;
    assert!(node.ping_introducer(&line, PATIENCE).await.is_some());
    node.shutdown().await;

    // Who does not know the authority gets in by UDP alone, where keys say who it is.
    let refused = || introducer.server().metrics().handshakes_failed.get();
    let before = refused();
    let stranger = local_node().introducers([line]).spawn().await;
    let stranger = stranger.expect("loopback can be bound");
    eventually("its handshake fails", || refused() > before).await;
    stranger.shutdown().await;
    introducer.shutdown().await;
}
