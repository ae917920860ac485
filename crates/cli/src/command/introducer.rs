//! `kith introducer`: a meeting place for others. It is a node of another kind, which serves strangers, has no contacts and
//! opens no door to commands.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::num::NonZeroU32;

use kith::core::content::limits::Cap;
use kith::core::introducer::Introducer;
use kith::introducer::{IntroducerError, IntroducerNode};
use kith::relay::{Limits, TlsMode};
use serde::Serialize;
use tokio::sync::watch;

use super::on::On;
use crate::args::IntroducerArgs;
use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// The TCP port where none is named.
const PORT_DEFAULT: u16 = 7118;

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
        .data_dir(on.introducer_home()?.directory())
        .listen(args.listen.unwrap_or_else(everywhere))
        .advertise(args.address.clone())
        .limits(limits(args.relay_rate))
        .tell(tell);
    if let Some(span) = args.rotate_tls {
        builder = builder.change_key_after(span);
    }
    let running = builder
        .tls(tls(args))
        .spawn()
        .await
        .map_err(|error| match error {
            IntroducerError::Told(mistake) => Failure::usage(format!("--address: {mistake}")),
            IntroducerError::LastPort(_) => Failure::usage(format!("--listen: {error}")),
            error => Failure::failed(error),
        })?;
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

/// Where it listens unless somebody says otherwise: at all addresses of both families, as far as the machine has both.
fn everywhere() -> SocketAddr {
    // A machine on which IPv6 was switched off may take [::] all the same, and has no loopback there.
    let has_ipv6 = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_ok();
    let ip: IpAddr = match has_ipv6 {
        true => Ipv6Addr::UNSPECIFIED.into(),
        false => Ipv4Addr::UNSPECIFIED.into(),
    };
    SocketAddr::new(ip, PORT_DEFAULT)
}

/// The usual bounds, and what it relays for all together.
fn limits(relay_rate: Option<Cap>) -> Limits {
    let bytes_per_second = match relay_rate {
        None | Some(Cap::Unlimited) => None,
        // 4 GiB a second are as good as no bound.
        Some(Cap::Rate(rate)) => u32::try_from(rate).ok().and_then(NonZeroU32::new),
    };
    Limits {
        bytes_per_second,
        ..Limits::default()
    }
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
