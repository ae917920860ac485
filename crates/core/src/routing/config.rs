//! What a node may set about its sessions, and the bounds that nobody sets.

use std::time::Duration;

use super::boot::Boot;
use super::wire::{AGENT_BYTES_MAX, SPEAKS_MAX};
use crate::protocol::ProtocolName;

/// What one node's [`Sessions`](super::Sessions) go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which life of this node it is, greater at each start. The other side drops what it holds of an earlier life.
    pub boot: Boot,
    /// This program and its version, at most [`AGENT_BYTES_MAX`] bytes.
    pub agent: String,
    /// What is spoken with strangers at first; see [`Sessions::handle_speaks`](super::Sessions::handle_speaks).
    pub speaks: Vec<ProtocolName>,
    /// How many strangers' sessions are kept; the one idle longest makes room for the next.
    pub strangers_max: usize,
    /// How long a session without streams is kept.
    pub idle_after: Duration,
}

impl Config {
    /// The usual settings of a node.
    pub fn new(boot: Boot, agent: String) -> Self {
        Self {
            boot,
            agent,
            speaks: Vec::new(),
            strangers_max: STRANGERS_MAX,
            idle_after: IDLE_AFTER,
        }
    }

    /// Cuts off what exceeds the bounds of a hello.
    pub(super) fn bounded(mut self) -> Self {
        let mut end = self.agent.len().min(AGENT_BYTES_MAX);
        while !self.agent.is_char_boundary(end) {
            end -= 1;
        }
        self.agent.truncate(end);
        self.speaks.truncate(SPEAKS_MAX);
        self
    }
}

/// Strangers' sessions of an ordinary node: a few people who hold a link, at 99 KiB of memory each. An introducer, whose
/// clients are all strangers, sets thousands.
pub const STRANGERS_MAX: usize = 64;

/// A session without streams is closed after this: long enough that a person who comes back finds it standing, and a
/// set of contacts met once does not cost keep-alives for good.
pub const IDLE_AFTER: Duration = Duration::from_secs(5 * 60);

/// How long nothing at all may come on a connection on which somebody here waits for the answer to a question, until it counts as
/// lost: longer than a change of paths takes (2.5 s until a dead one is given up, and the first round trips on the next).
pub const SILENT_MAX: Duration = Duration::from_secs(4);

/// From a connection to the end of its introductions. They take one round trip; a relay on another continent with two
/// lost packets takes under 3 s.
pub const HELLO_WITHIN: Duration = Duration::from_secs(5);

/// From the first to the last byte of one control frame: 16 KiB over the slowest line that still carries a call.
pub const FRAME_WITHIN: Duration = Duration::from_secs(10);

/// How long a connection that gives way to another may finish its streams. What takes longer moves over by being
/// asked for again.
pub const FAREWELL_WITHIN: Duration = Duration::from_secs(10);

/// Connections whose introductions are not through, dialled to us, in all. At 99 KiB each a flood holds 25 MB; the
/// oldest makes room, because an honest dialler needs the place for one round trip only.
pub const HALF_OPEN_MAX: usize = 256;

/// Sessions of one peer: two faces of eight devices. The oldest makes room.
pub const SESSIONS_PER_PEER_MAX: usize = 16;

/// Frames kept while the composer judges an introduction: what a peer speaks and a few notes may follow at once.
pub const EARLY_FRAMES_MAX: usize = 4;

/// Control frames a peer may send at once beyond [`FRAMES_REFILL`]'s rate: a start with all its notes, many times over.
pub const FRAMES_BURST: u32 = 64;

/// How often a peer earns one more control frame. What changes this often concerns nobody.
pub const FRAMES_REFILL: Duration = Duration::from_secs(1);

/// How long to look for routes before the attempt rests on those found. A look-up at a distant introducer over a new
/// relay connection takes 2 s.
pub const ROUTES_WITHIN: Duration = Duration::from_secs(10);

/// How long others of the same peer may still answer when one of its devices has taken us for a stranger: what one of them says is most often what
/// all say, so nothing is waited for that does not answer at once. The time after which a dial is not alone any more.
pub const REFUSED_WITHIN: Duration = DIAL_STAGGER;

/// How long one dial may take: the hole punching of the engine gives up after 10 s, and the relay path is through by then.
pub const DIAL_WITHIN: Duration = Duration::from_secs(15);

/// How long a dial may take that rests on nothing but hope: it has failed often, and nothing new is known. The engine
/// sends its first packets each second anew, to each address; a device that is there answers one of the first.
pub const DIAL_BLIND_WITHIN: Duration = Duration::from_secs(3);

/// From how many failures in a row a dial is blind.
pub const BLIND_AFTER: u32 = 3;

/// How long a dial is alone before the next route is tried beside it (RFC 8305 §5 takes 250 ms between two addresses;
/// a relayed handshake over two continents takes twice that).
pub const DIAL_STAGGER: Duration = Duration::from_millis(500);

/// Dials under way at once: each holds a handshake's state, and a home router's table must survive a start with a
/// full address book.
pub const DIALS_MAX: usize = 64;

/// Devices considered per peer and attempt: two faces of four devices.
pub const CANDIDATES_MAX: usize = 8;

/// Peers and devices that are wanted or being opened: a full address book, and as much again.
pub const TARGETS_MAX: usize = 20_000;

/// The first pause after a failed attempt: an interface that came up has its address by then.
pub const BACKOFF_MIN: Duration = Duration::from_millis(500);

/// How many times as long as the pause before each is. A path that was gone for seconds is found again by the first three
/// dials, and everybody who is away costs a dozen in the first hour.
pub const BACKOFF_GROWTH: u32 = 4;

/// The longest pause. Nobody has to wait for it: whoever comes back dials the others, leaves a newer record or is seen
/// on the local network, and each of these is tried at once. It serves those whom none of this reached.
pub const BACKOFF_MAX: Duration = Duration::from_secs(10 * 60);

/// Failures that somebody counts for who said goodbye: the next pauses are those of minutes, not of seconds. A node that
/// comes back dials by itself.
pub const BACKOFF_GOODBYE: u32 = 3;

/// A change of our own network counts once in this time: an interface that comes up changes our addresses several times.
pub const NETWORK_CHANGE_EVERY: Duration = Duration::from_secs(60);

/// Over how long dials are spread that a change of our network brings.
pub const NETWORK_CHANGE_SPREAD: Duration = Duration::from_secs(2);

/// A session that stood this long was no failure: the next pause is the shortest again.
pub const BACKOFF_RESET_AFTER: Duration = Duration::from_secs(60);
