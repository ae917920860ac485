//! `kith introducer`: a meeting place for others. It is a node of another kind, which serves strangers, has no contacts and
//! opens no door to commands.

use kith::core::introducer::Introducer;
use kith::introducer::{IntroducerNode, TlsMode};
use serde::Serialize;
use tokio::sync::watch;

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

/// What is printed when its line has changed.
#[derive(Serialize)]
#[serde(tag = "event", rename = "changed")]
struct Changed {
    /// The line others name it by from now on. Nodes that use it learn of it by themselves.
    #[serde(rename = "where")]
    line: String,
}

/// Runs an introducer until it is told to stop.
pub(super) async fn introducer(on: &On, args: IntroducerArgs) -> Result<(), Failure> {
    let mut interrupt = Interrupt::catch()?;
    let tell: Result<Vec<Introducer>, _> = args.tell.iter().map(|line| line.parse()).collect();
    let tell = tell.map_err(|error| Failure::usage(format!("--tell: {error}")))?;
    let mut builder = IntroducerNode::builder()
        .data_dir(on.home()?.directory())
        .listen(args.listen)
        .advertise(args.address.clone())
        .tell(tell);
    if let Some(span) = args.rotate_tls {
        builder = builder.change_key_after(span);
    }
    let running = builder
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
    let shown = match shown {
        Ok(()) => tokio::select! {
            () = interrupt.wait() => Ok(()),
            shown = show_changes(on, running.line()) => shown,
        },
        failed => failed,
    };
    running.shutdown().await;
    shown
}

/// Prints the line each time it changes; ends only when it cannot.
async fn show_changes(on: &On, mut line: watch::Receiver<Introducer>) -> Result<(), Failure> {
    while line.changed().await.is_ok() {
        let changed = Changed {
            line: line.borrow_and_update().to_string(),
        };
        on.output.line(&changed, || {
            format!(
                "The TLS key has changed; others use this introducer by\n\n  {}\n",
                changed.line
            )
        })?;
    }
    // Nothing is left that could change it.
    std::future::pending().await
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
            directory: args.acme_directory,
            root: args.acme_root,
        },
        _ => TlsMode::Pinned,
    }
}
