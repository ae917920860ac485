//! Routing: a key becomes a session, and a session carries negotiated streams.
//!
//! [`Sessions`] decides whom to dial and when, what is said first on a connection, which of two connections between the
//! same devices stays, and when a session ends. The shell opens connections and moves bytes. Streams other than the control
//! stream do not pass through it: their headers are [`Offer`] and [`Answer`], chosen by [`negotiate::choose`],
//! and their datagrams are tagged by [`datagram::Flow`].
//!
//! # The loop
//!
//! ```text
//! let mut sessions = Sessions::new(config, seed, now);
//! loop {
//!     while let Some(output) = sessions.poll_output() {
//!         match output {
//!             Resolve { target }           => look up, then handle_routes, at last handle_resolved
//!             Dial { dial, face, route }   => connect, then handle_connected or handle_dial_failed
//!             Refine { dial, route }       => connect there too
//!             CancelDial { dial }          => stop connecting
//!             AskIntroduction { conn, .. } => handle_introduction
//!             Authenticate { conn, .. }    => verify, then handle_verdict
//!             Send { conn, bytes }         => write to the control stream
//!             StreamLimit { .. }           => set it
//!             SeekPaths { face }           => look for direct paths
//!             KeepAlive { conns }          => send an empty datagram on each
//!             Close { conn, code, at_once } => close
//!             Event(event)                 => tell
//!         }
//!     }
//!     wait for bytes of a control stream   => handle_bytes
//!              a connection, or its end    => handle_connected, handle_closed
//!              streams opened or ended     => handle_streams
//!              another kind of path        => handle_path
//!              questions and no sound      => handle_silence
//!              poll_timeout()              => handle_timeout
//!              news of a peer, of our net  => handle_routes, handle_alive, handle_network_changed
//!              somebody who wants a peer   => handle_open (once) or handle_want (for as long as it is said)
//! }
//! ```
//!
//! Streams that the other side opens before [`Event::Up`] wait for it: only then is known who asks. Ours may follow
//! [`Event::Reached`] at once, where the composer knows the device to be theirs.
//!
//! # A connection
//!
//! States are named by what they wait for; every one before `Open` ends at the latest after
//! [`config::HELLO_WITHIN`].
//!
//! ```text
//!   we dialled                                   they dialled
//!       │                                             │
//!  WaitIntroduction   (the composer: what we show)    │
//!       │ ▶ Hello, Introduce                          │
//!    WaitHello                                    WaitHello
//!       │                                             │ ▶ Hello
//!    WaitAnswer                                  WaitIntroduce
//!       │ Welcome    │ Stranger                       │
//!    WaitVerdict     │                            WaitVerdict   (the composer: who is it)
//!       │            │                                │ ▶ Welcome or Stranger
//!       ▼            ▼                                ▼
//!     Open ◀── only where a device was dialled       Open
//!       │  ▲
//!       │  └── an idle session is used after all
//!       ▼
//!   WaitFarewell   (our streams to end, and their Bye)
//! ```
//!
//! # A target
//!
//! ```text
//!                                   a session comes up, whoever dialled
//!   handle_open, ──▶  WaitSession  ─────────────────────────────────────▶  WaitLoss
//!   handle_want       (routes, dials             while it is wanted            │
//!                      and hellos side  ──▶ WaitRetry ◀─────────────────────────┘
//!                      by side)         ◀──  (backoff)
//! ```
//!
//! # Crossing dials
//!
//! Two devices that dial each other get two connections. Each side ranks them by the same rule, and the lower ones end
//! their streams and close: a later life of the other node before an earlier one; then the one dialled by the smaller
//! device key; then the later dial. See `duplicate.rs`.

pub mod config;
pub mod datagram;
pub mod express;
pub mod negotiate;
pub mod wire;

mod access;
mod agenda;
mod attempt;
mod backoff;
mod boot;
mod close;
mod connection;
mod dial;
mod duplicate;
mod farewell;
mod framing;
mod header;
mod input;
mod introductions;
mod keeping;
mod level;
mod output;
mod seeking;
mod state;
mod table;

#[cfg(test)]
mod tests;

pub use access::Access;
pub use boot::Boot;
pub use close::CloseCode;
pub use config::{Config, SILENT_MAX};
pub use header::{Answer, AnswerError, OFFERS_MAX, Offer, Refusal};
pub use input::{Candidate, ConnId, Connected, DialId, Target, Verdict};
pub use keeping::{KEEP_ALIVE_EVERY, KEEP_ALIVE_IDLE_EVERY, USED_FOR};
pub use level::{Level, STREAMS_CONTACT_MAX, STREAMS_GUEST_MAX, STREAMS_STRANGER_MAX};
pub use negotiate::{Standing, choose};
pub use output::{DownReason, Event, Output, Session, UnreachableReason};
pub use state::Sessions;
pub use wire::{Introduction, Note, SPEAKS_MAX};
