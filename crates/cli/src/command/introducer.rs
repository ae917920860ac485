//! `kith introducer`: a meeting place for others. It is a node of another kind, which serves strangers, has no contacts and
//! opens no door to commands.

use kith::introducer::{IntroducerNode, TlsMode};
use serde::Serialize;

use super::on::On;
use crate::args::IntroducerArgs;
use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// What is printed once others can use it.
#[derive(Serialize)]
#[serde(tag = "event", rename = "ready")]
struct Ready {
    /// The line others name it by.
    #[serde(rename = "where")]
    line: String,
}

/// Runs an introducer until it is told to stop.
pub(super) async fn introducer(on: &On, args: IntroducerArgs) -> Result<(), Failure> {
    let mut interrupt = Interrupt::catch()?;
    let running = IntroducerNode::builder()
        .data_dir(on.home()?.directory())
        .listen(args.listen)
        .advertise(args.address.clone())
        .tls(tls(args))
        .spawn()
        .await
        .map_err(Failure::failed)?;
    let ready = Ready {
        line: running.introducer().to_string(),
    };
    let shown = on.output.line(&ready, || {
        format!(
            "Others use this introducer by\n\n  kith up --introducer {}\n",
            ready.line
        )
    });
    if shown.is_ok() {
        interrupt.wait().await;
    }
    running.shutdown().await;
    shown
}

/// How its TLS key is known: by a certificate where one is named, else by its pin. The grammar sees to it that either all
/// parts are named or none.
fn tls(args: IntroducerArgs) -> TlsMode {
    match (args.domain, args.tls_certificate, args.tls_key) {
        (Some(domain), Some(certificate), Some(key)) => TlsMode::Files {
            domain,
            certificate,
            key,
        },
        (Some(domain), _, _) => TlsMode::Acme {
            domain,
            contact: args.contact,
            directory: None,
        },
        _ => TlsMode::Pinned,
    }
}
