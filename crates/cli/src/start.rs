//! How the node of a data directory is described: its `config.toml`, and what a command needs of it.

use kith::config::{Config, ConfigError};
use kith::content::Worker;
use kith::discovery::Interfaces;
use kith::home::{Home, Owner};
use kith::{Node, NodeBuilder};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// What a node is run for; each serves for those before it too.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// One command that looks at what is in the data directory, or changes it.
    Look,
    /// One command about the contacts, and about who became one while no node ran.
    Book,
    /// One command that goes to a contact.
    Reach,
    /// One command that waits for contacts.
    Serve,
    /// To be there: for contacts, and for every command.
    Daemon,
}

impl Purpose {
    /// Whether a node that is run for this does for `wanted`.
    pub(crate) fn serves(self, wanted: Self) -> bool {
        self >= wanted
    }
}

/// The data directory named on the command line, or the platform's for this owner.
///
/// # Errors
/// When none is named and the platform has none.
pub(crate) fn home(data: Option<&std::path::Path>, owner: Owner) -> Result<Home, Failure> {
    match data {
        Some(directory) => Ok(Home::at(directory)),
        None => Home::platform_default(owner).map_err(Failure::failed),
    }
}

/// Reads the settings of `home`.
///
/// # Errors
/// When there is a mistake in them, named with its line: one of usage, which starting again does not mend.
pub(crate) fn config(home: &Home) -> Result<Config, Failure> {
    Config::load(&home.config()).map_err(|error| match error {
        ConfigError::Io { .. } => Failure::failed(error),
        mistake => Failure::usage(mistake),
    })
}

/// Describes the node of `home`.
pub(crate) fn builder(home: &Home, config: &Config, purpose: Purpose) -> NodeBuilder {
    let is_looking = matches!(purpose, Purpose::Look | Purpose::Book);
    let builder = Node::builder()
        .data_dir(home.directory())
        .name(config.name.clone())
        .introducers(config.asked_introducers())
        .lan((config.lan && !is_looking).then_some(Interfaces::Network))
        .express(config.express)
        // A port that is given back in a moment is not worth asking a router for.
        .port_mapping(purpose == Purpose::Daemon)
        .use_contact_relays(config.use_contact_relays)
        .findable(config.findable && purpose == Purpose::Daemon)
        .provide(config.provide)
        .copies_bytes_max(config.copies_mebibytes.saturating_mul(1 << 20))
        .limits(config.limits.clone())
        .resume_transfers(purpose == Purpose::Daemon)
        .keep_sessions(matches!(purpose, Purpose::Daemon | Purpose::Serve))
        .follow_shares(matches!(purpose, Purpose::Daemon | Purpose::Serve));
    let builder = match &config.relay_roots {
        Some(file) => builder.relay_roots(file),
        None => builder,
    };
    // Without a path of its own a program cannot run itself; nothing else needs that.
    let builder = match std::env::current_exe() {
        Ok(program) => builder.previews(Worker::new(program, vec!["preview-worker".into()])),
        Err(_) => builder,
    };
    let builder = match purpose {
        Purpose::Daemon => builder.relay_for_contacts(config.relay_for_contacts.clone()),
        // Nobody would find a relay that is gone when its command ends.
        Purpose::Serve | Purpose::Reach | Purpose::Book | Purpose::Look => builder,
    };
    match config.public_server {
        true => builder.public_server([]),
        false => builder,
    }
}
