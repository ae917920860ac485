//! `kith up`: the node that stays.

use kith::config::{Config, INTRODUCERS_MAX};
use kith::core::introducer::Introducer;
use serde::Serialize;

use super::on::On;
use crate::api::Server;
use crate::args::UpArgs;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::start::{self, Purpose};

/// What is printed once the node can be used.
#[derive(Serialize)]
#[serde(tag = "event", rename = "ready")]
struct Ready {
    peer_id: String,
    api: String,
    introducers: Vec<String>,
}

/// Runs a node until it is told to stop.
pub(super) async fn up(on: &On, args: UpArgs) -> Result<(), Failure> {
    let mut interrupt = Interrupt::catch()?;
    let home = on.home()?;
    let mut config = start::config(&home)?;
    let named = apply(&mut config, &args)?;
    if let Some(api) = args.api {
        on.output.talk(format_args!(
            "kith: nothing listens on {api}: this version has its API on the Unix socket only"
        ));
    }
    let mut builder = start::builder(&home, &config, Purpose::Daemon).bind(args.bind.clone());
    if !args.bind.is_empty() && args.bind.iter().all(|address| address.ip().is_loopback()) {
        builder = builder.port_mapping(false);
    }
    let node = builder.spawn().await.map_err(Failure::failed)?;
    let server = Server::start(node, Purpose::Daemon).await?;
    if named && let Err(error) = Config::keep_introducers(&home.config(), &config.introducers) {
        on.output.talk(format_args!(
            "kith: the introducers are used, but not kept for the next time: {error}"
        ));
    }
    let ready = Ready {
        peer_id: server.node().peer_id().to_string(),
        api: server.url(),
        introducers: config.introducers.iter().map(ToString::to_string).collect(),
    };
    let shown = on.output.line(&ready, || {
        format!(
            "{} is up, with {} introducers; stop it with Ctrl-C",
            ready.peer_id,
            ready.introducers.len()
        )
    });
    if shown.is_ok() {
        interrupt.wait().await;
    }
    server.stop().await;
    shown
}

/// Lets the flags override the settings. Whether introducers were named.
fn apply(config: &mut Config, args: &UpArgs) -> Result<bool, Failure> {
    config.lan &= !args.no_lan;
    config.findable |= args.findable;
    if let Some(api) = args.api.filter(|api| !api.ip().is_loopback()) {
        return Err(Failure::usage(format!(
            "--api {api}: the local API listens on loopback addresses only, such as 127.0.0.1"
        )));
    }
    for line in &args.introducer {
        let introducer: Introducer = line
            .parse()
            .map_err(|error| Failure::usage(format!("--introducer: {error}")))?;
        // The same one may have moved.
        config
            .introducers
            .retain(|known| known.key != introducer.key);
        config.introducers.push(introducer);
    }
    if config.introducers.len() > INTRODUCERS_MAX {
        return Err(Failure::usage(format!(
            "at most {INTRODUCERS_MAX} introducers are used; take some out of config.toml first"
        )));
    }
    Ok(!args.introducer.is_empty())
}
