//! `kith introducer`: a meeting place for others.

use kith::introducer::{IntroducerNode, TlsMode};
use serde::Serialize;

use super::On;
use crate::args::IntroducerArgs;
use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// What is printed once others can use it.
#[derive(Serialize)]
#[serde(tag = "event", rename = "ready")]
struct Ready {
    /// Its line, for `kith up --introducer`.
    r#where: String,
}

/// Runs an introducer until it is told to stop.
pub(super) async fn introducer(on: &On, args: IntroducerArgs) -> Result<(), Failure> {
    let mut interrupt = Interrupt::catch()?;
    let home = on.home()?;
    let introducer = IntroducerNode::builder()
        .listen(args.listen)
        .data_dir(home.directory())
        .tls(tls(&args))
        .advertise(args.address)
        .spawn()
        .await
        .map_err(Failure::failed)?;
    let ready = Ready {
        r#where: introducer.introducer().to_string(),
    };
    let shown = on.output.line(&ready, || {
        format!(
            "{}\nis up; others use it by `kith up --introducer` with this line; stop it with Ctrl-C",
            ready.r#where
        )
    });
    if shown.is_ok() {
        interrupt.wait().await;
    }
    introducer.shutdown().await;
    shown
}

/// How clients know its TLS key: by a certificate where one is named, else by a pin.
fn tls(args: &IntroducerArgs) -> TlsMode {
    match (&args.domain, &args.tls_certificate, &args.tls_key) {
        (Some(domain), Some(certificate), Some(key)) => TlsMode::Files {
            domain: domain.clone(),
            certificate: certificate.clone(),
            key: key.clone(),
        },
        _ => TlsMode::Pinned,
    }
}
