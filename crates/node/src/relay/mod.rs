//! The server that helps others meet without hearing them: run by an introducer for everybody, and by any `kith up` that can be
//! reached for its contacts.
//!
//! # Layout
//!
//! - [`config`]: what a server is told: where to listen, how its TLS key is known, its limits.
//! - [`server`]: one TCP port with TLS for the relay, `/ping`, `/healthz` and `/metrics`; `addresses` is what it says of where it is.
//! - [`tls`]: how the server is known: certificate files, ACME, or a pin; [`pinned`] is its own key and the one to follow.
//! - [`limits`]: who may open a connection: in all, per address, half open.
//! - [`admission`]: who may relay, how fast and how much a day; [`accounts`] keeps count.
//! - `forwarding`: the relay protocol over a WebSocket, metered.
//! - [`address_discovery`]: tells QUIC clients the address they come from.
//! - [`metrics`]: counts of the whole server, in Prometheus's text form.
//!
//! It sees who connects to it, from where and when, and the sizes of what it forwards; docs/exposure.md says so. It never sees
//! content: relayed bytes are encrypted end to end.

pub mod accounts;
pub mod address_discovery;
mod addresses;
pub mod admission;
mod caller;
pub mod config;
mod forwarding;
pub mod limits;
mod metered;
pub mod metrics;
pub mod pinned;
mod response;
pub mod server;
pub mod tls;
mod tls_error;

pub(crate) use addresses::own_addresses;
pub use admission::{Admission, Allowance, Doorkeeper};
pub use config::{RelayServerConfig, TlsMode};
pub(crate) use forwarding::Relay;
pub use limits::Limits;
pub use metrics::Metrics;
pub use server::{RelayServer, StartError};
pub use tls_error::TlsError;
