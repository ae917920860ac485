//! Local services, reached by peer: one offers what listens on its machine, the other reaches it as if it ran on its own.
//!
//! A service has a [`ServiceName`] and is TCP or UDP. It is the protocol `/kith/tcp/NAME/1` or `/kith/udp/NAME/1`, so who
//! may use it is decided where all protocols are, and each connection is a stream of its own:
//!
//! - TCP: the bytes of the connection are the bytes of the stream, both ways, a half-close is a half-close, and an error on
//!   one side resets the other. The opener sends at once, so a connection costs no round trip of its own.
//! - UDP: one stream for each local address that sends, called a flow. Payloads travel as the datagrams beside it; those
//!   that no datagram takes travel as frames on it. A flow ends after [`FLOW_IDLE_MAX`] without a payload.
//!
//! - `name`: what a service is called. `ending` and `work`: what ends with its owner. `kept`: the stored form of an offer.
//! - `offer` and `services`: the offering side. `forward`: the side that listens locally. `asked`: whether there is what it is to lead to.
//! - `tcp`, `udp`: how a stream is joined to a socket.

mod asked;
mod ending;
mod forward;
mod kept;
mod name;
mod offer;
mod services;
mod tcp;
mod udp;
mod work;

pub use forward::{FORWARD_CONNECTIONS_MAX, FORWARD_FLOWS_MAX, Forward};
pub use kept::ServiceOffer;
pub use name::{Local, SERVICE_NAME_BYTES_MAX, ServiceName, ServiceNameError, Transport};
pub(crate) use offer::restore;
pub use offer::{Offered, SERVICES_KEPT_MAX};
pub use udp::{FLOW_IDLE_MAX, PAYLOAD_BYTES_MAX};
