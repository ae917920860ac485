//! The introducer's server part: what helps strangers meet, run by `kith introducer`, by any reachable `kith up` for its
//! contacts, and by the test network.
//!
//! # Layout
//!
//! - [`node`]: a whole introducer, with its `kith/1` endpoint; `addresses` is what it says of where it is.
//! - [`config`]: what a server is told: where to listen, how its TLS key is known, its limits.
//! - [`server`]: one TCP port with TLS for the relay, `/ping`, `/healthz` and `/metrics`.
//! - [`tls`]: how the server is known: certificate files, ACME, or a pin; [`pinned`] is its own key and the one to follow.
//! - `notices`: what the introducer says of itself, so that its TLS key can change.
//! - [`limits`]: who may open a connection: in all, per address, half open.
//! - [`admission`]: who may relay, how fast and how much a day; [`accounts`] keeps count.
//! - `relay`: the relay protocol over a WebSocket, metered.
//! - [`address_discovery`]: tells QUIC clients the address they come from.
//! - [`registry`]: signed and sealed records by exact key, over a `kith/1` stream, kept in SQLite.
//! - [`metrics`]: counts of the whole server, in Prometheus's text form.
//!
//! An introducer sees who connects to it, from where and when, and the sizes of what it forwards; docs/exposure.md says
//! so. It never sees content: relayed bytes are encrypted end to end, records are sealed.

pub mod accounts;
pub mod address_discovery;
mod addresses;
pub mod admission;
mod caller;
pub mod config;
pub mod limits;
mod metered;
pub mod metrics;
pub mod node;
mod notices;
pub mod pinned;
pub mod registry;
mod relay;
mod response;
pub mod server;
pub mod tls;
mod tls_error;

pub(crate) use addresses::own_addresses;
pub use admission::{Admission, Allowance, Doorkeeper};
pub use config::{IntroducerConfig, TlsMode};
pub use limits::Limits;
pub use metrics::Metrics;
pub use node::{IntroducerBuilder, IntroducerError, IntroducerNode};
pub use notices::AnnounceError;
pub use registry::{RegistryService, ServeError};
pub use server::{RelayServer, StartError};
pub use tls_error::TlsError;
