//! The swarm: everybody who wants a snapshot gets it from everybody who holds some of it.
//!
//! Two machines, unaware of each other: the [`Getter`] wants, the [`Provider`] gives. A node that does both has one of each, and tells the
//! provider what the getter holds. The shell opens streams, reads files, verifies and writes; which bytes are asked of whom, who is served,
//! and who is done without, is decided here.
//!
//! - [`span`]: a snapshot as one line of bytes, cut into chunks. [`ranges`], [`holdings`]: sets of bytes and of chunks. [`part`]: what is held
//!   for good of a snapshot of which some files were fetched.
//! - [`wire`]: the protocol `/kith/swarm/1`.
//! - [`getter`]: rarest first, end game, readers' windows, stalls, liars. [`provider`]: places, turns, suggestions.
//! - [`config`]: what may be set, and the bounds that nobody sets. Rates are not among them: the shell holds each stream to the node's
//!   [`limits`](crate::content::limits), and both machines go by what then comes through.
//!
//! # The loop
//!
//! ```text
//! while let Some(output) = getter.poll_output() {
//!     match output {
//!         Send { source, message }      => write a frame
//!         End { source, reason }        => close the stream; remember who Lied
//!         Learned { providers, .. }     => open streams to those we may reach, then handle_source
//!         Held { chunk, .. }            => provider.handle_held
//!         FurtherLane { source }        => ask its device for one express lane more, then handle_source and handle_lane
//!         Verified, Changed, Done       => news for whoever counts; nothing has to follow
//!     }
//! }
//! while let Some(output) = provider.poll_output() {
//!     match output {
//!         Send { asker, message }       => write a frame
//!         Serve { asker, ask, .. }      => may it still? read, write Data, then handle_served or handle_failed
//!         Close { asker, .. }           => close the stream
//!     }
//! }
//! wait for a frame of a source          => getter.handle_message; after Data read what due() says, verify it,
//!                                          then handle_verified and, once written, handle_written, or handle_invalid
//!          a frame of an asker          => provider.handle_message
//!          Open on a new stream         => content::may, the size of our snapshot, then provider.handle_asker and handle_referrals
//!          somebody begins to provide   => provider.handle_referrals, for whoever may know of it
//!          poll_timeout() of either     => handle_timeout
//! ```
//!
//! # A source, as the getter sees it
//!
//! ```text
//!          Everything, Holdings, Have, Final        Free
//!   WaitHoldings ───────────────────────▶ WaitPlace ─────▶ Asked ──▶ passed by ──▶ given up
//!                                             ▲   Busy       │  stall   ▲  │ pause, data
//!                                             └──────────────┘          └──┘
//! ```
//!
//! # Back-pressure
//!
//! What is asked for and not written is bounded for the whole node ([`GetterConfig::unwritten_bytes_max`]), and of each device by twice its
//! bandwidth times its delay. A disk that does not keep up stops the asking; a provider sends nothing unasked; an asker that does not read
//! stops its own stream, of which two requests are read ahead.

pub mod config;
pub mod getter;
pub mod holdings;
pub mod part;
pub mod provider;
pub mod ranges;
pub mod span;
pub mod wire;

pub use config::{GetterConfig, ProviderConfig};
pub use getter::Getter;
pub use holdings::Holdings;
pub use part::Part;
pub use provider::Provider;
pub use span::{Span, Tiling};
