//! `kith up`: the node that stays.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use kith::config::settings::Change;
use kith::config::{Config, INTRODUCERS_MAX};
use kith::core::introducer::Introducer;
use kith::discovery::Interfaces;
use kith::home::Home;
use serde::Serialize;

use super::on::On;
use crate::api::Server;
use crate::args::UpArgs;
use crate::attach::{self, Begun};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;
use crate::start::{self, Purpose};
use crate::web::{Listening, PORT_DEFAULT};

/// The loopback addresses that browsers take names below `localhost` for.
const LOOPBACK: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::LOCALHOST),
    IpAddr::V6(Ipv6Addr::LOCALHOST),
];

/// What is printed once the node can be used.
#[derive(Serialize)]
#[serde(tag = "event", rename = "ready")]
struct Ready {
    peer_id: String,
    /// Where the API is, as `--api` takes it; the same as `socket` where nothing listens on TCP.
    api: String,
    /// Where it is for commands of this machine: the path of a Unix socket.
    socket: String,
    introducers: Vec<String>,
    /// Lets one browser in.
    url: Option<String>,
}

/// Runs a node until it is told to stop.
pub(super) async fn up(on: &On, args: UpArgs) -> Result<(), Failure> {
    let mut interrupt = Interrupt::catch()?;
    let home = on.home()?;
    let mut config = start::config(&home)?;
    apply(&mut config, &args)?;
    let is_local = !args.bind.is_empty() && args.bind.iter().all(|it| it.ip().is_loopback());
    let begun = attach::spawn(&home, || {
        let builder = start::builder(&home, &config, Purpose::Daemon).bind(args.bind.clone());
        // What the command line forbids is not switched on by an app.
        let builder = match args.no_lan {
            true => builder,
            false => builder.lan_when_switched_on(Interfaces::Network),
        };
        match is_local {
            true => builder.port_mapping(false),
            false => builder,
        }
    });
    let Begun { node, is_new } = begun.await.map_err(Failure::failed)?;
    if is_new {
        on.output.talk(attach::told_of_new(&home));
    }
    let listening = match listen(on, &home, &args).await {
        Ok(listening) => listening,
        Err(failure) => {
            node.shutdown().await;
            return Err(failure);
        }
    };
    let web = listening.as_ref().map(|it| Arc::clone(it.web()));
    let port = listening.as_ref().map(Listening::port);
    let server = Server::start(node, Purpose::Daemon, listening).await?;
    keep(on, &home, &config, &args);
    let ready = Ready {
        peer_id: server.node().peer_id().to_string(),
        api: match port {
            Some(port) => SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string(),
            None => server.socket(),
        },
        socket: server.socket(),
        introducers: (config.asked_introducers().iter())
            .map(ToString::to_string)
            .collect(),
        url: web.map(|web| web.entrance()),
    };
    let shown = on.output.line(&ready, || describe(&ready));
    if let Some(url) = ready.url.as_deref().filter(|_| args.open) {
        super::web::show(on, url);
    }
    if shown.is_ok() {
        interrupt.wait().await;
    }
    server.stop().await;
    shown
}

fn describe(ready: &Ready) -> String {
    let up = format!(
        "{} is up, with {}; stop it with Ctrl-C",
        ready.peer_id,
        output::count(ready.introducers.len(), "introducer")
    );
    match &ready.url {
        Some(url) => format!("{up}\nin a browser, once: {url}"),
        None => up,
    }
}

/// Takes the place of the web app, unless there is to be none. It is had once the data directory is, so that one node alone asks.
async fn listen(on: &On, home: &Home, args: &UpArgs) -> Result<Option<Listening>, Failure> {
    if args.no_web {
        return Ok(None);
    }
    let wanted = args.api.map(|api| api.port());
    let listening = Listening::bind(home, wanted)
        .await
        .map_err(Failure::failed)?;
    if listening.is_elsewhere {
        on.output.talk(format_args!(
            "kith: another program has port {PORT_DEFAULT} of this machine, so the web app is at port {} for now; \
             addresses kept from before lead to that program",
            listening.port()
        ));
    }
    Ok(Some(listening))
}

/// Keeps for the next time what is to be kept of what the command line says. The node runs with it in any case.
fn keep(on: &On, home: &Home, config: &Config, args: &UpArgs) {
    if !args.introducer.is_empty()
        && let Err(error) = Config::keep_introducers(&home.config(), &config.introducers)
    {
        on.output.talk(format_args!(
            "kith: the introducers are used, but not kept for the next time: {error}"
        ));
    }
    let change = Change {
        name: args.name.clone(),
        // Who names one wants it to be asked.
        ask_introducers: (!args.introducer.is_empty()).then_some(true),
        ..Change::default()
    };
    if let Err(error) = Config::keep_settings(&home.config(), &change) {
        on.output.talk(format_args!(
            "kith: what the command line says is used, but not kept for the next time: {error}"
        ));
    }
}

/// Lets the flags override the settings.
fn apply(config: &mut Config, args: &UpArgs) -> Result<(), Failure> {
    if let Some(name) = &args.name {
        config.name.clone_from(name);
    }
    config.ask_introducers |= !args.introducer.is_empty();
    config.lan &= !args.no_lan;
    config.findable |= args.findable;
    let is_here = |api: &SocketAddr| LOOPBACK.contains(&api.ip());
    if let Some(api) = args.api.filter(|api| !is_here(api)) {
        return Err(Failure::usage(format!(
            "--api {api}: the local API listens on this machine's loopback addresses only, 127.0.0.1 and ::1"
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
    Ok(())
}
