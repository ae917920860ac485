//! What the other process does.

use std::net::{IpAddr, SocketAddr};

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::{bare, tls};

/// What the other process does.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Role {
    /// Answers on a kith node and on bare endpoints.
    Answerer,
    /// An introducer, bounded for many clients of one address.
    Introducer {
        /// Where it listens.
        address: IpAddr,
    },
    /// Peers registered at an introducer, many in one process.
    Peers {
        /// The introducer's line.
        introducer: String,
    },
    /// The contacts of an idle node.
    Friends {
        /// Where they bind.
        address: IpAddr,
        /// Their introducer's line.
        introducer: String,
        /// How many.
        count: usize,
    },
    /// Sends on bare streams.
    Source {
        /// Where it binds.
        address: IpAddr,
    },
    /// Receives on bare streams.
    Drain {
        /// Where it binds.
        address: IpAddr,
    },
    /// Floods a line.
    FloodSource {
        /// Where it binds.
        address: IpAddr,
    },
    /// Counts what comes of a flood.
    FloodSink {
        /// Where it binds.
        address: IpAddr,
    },
    /// A BitTorrent tracker.
    Tracker {
        /// Where it listens.
        address: SocketAddr,
    },
}

/// Where an answerer is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answerer {
    /// An invite of the kith node.
    pub(crate) invite: String,
    /// A bare endpoint with kith's numbers.
    pub(crate) tuned: bare::Place,
    /// One with iroh's own.
    pub(crate) stock: bare::Place,
    /// A bare TLS listener.
    pub(crate) tls: tls::Place,
}
