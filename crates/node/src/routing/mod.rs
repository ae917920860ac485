//! Routing's shell: iroh turns a device's key into a connection, and a connection carries streams and datagrams.
//!
//! No decision is taken here. Which peer to dial, which of two crossing connections stays, who may open how many streams:
//! all that is [`kith_core::routing`]'s, and this room does as it is told.
//!
//! - [`endpoint`]: one iroh endpoint per face; binding, dialling, accepting, changing relays at run time.
//! - [`relay_name`]: how a relay's URL resolves and certifies itself, without DNS and without an authority.
//! - [`accept`]: handshakes from outside, a bounded number at once.
//! - [`transport`]: every number given to QUIC, and why it is that number.
//! - [`connection`]: one connection; its keys and its paths. `direct`: where the direct ones lead. [`end`]: how it ended.
//! - [`express`]: streams of a session carried by TLS on TCP, where the path is direct.
//! - [`stream`]: the two halves of a stream, and frames on them.
//! - [`negotiation`]: why no protocol came of it.
//! - [`datagram`]: unreliable datagrams beside a stream.

pub mod accept;
pub mod connection;
pub mod datagram;
mod direct;
pub mod end;
pub mod endpoint;
pub mod express;
pub mod negotiation;
pub mod relay_name;
pub mod stream;
pub mod transport;

pub use connection::{Connection, PathInfo, PathKind, PathSummary};
pub use datagram::DatagramFlow;
pub use end::{ConnectionEnded, Ended};
pub(crate) use end::{is_connection_over, is_given_up};
pub use endpoint::{FaceConfig, FaceEndpoint};
pub use negotiation::{AcceptError, Refused};
pub use stream::{ReceiveHalf, SendHalf};
