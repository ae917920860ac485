//! What a node may set about its swarms, and the bounds that nobody sets.

use std::time::Duration;

use crate::time::DAY;

/// What a node's [`Getter`](super::Getter) goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetterConfig {
    /// The most bytes asked for and not written yet, of all transfers together.
    pub unwritten_bytes_max: u64,
    /// How many express lanes of one device, to all transfers together, a further one may make ([`lanes_each`]).
    pub lanes_each: usize,
    /// From how many bytes a second on, on the local network, what holds a lane back may be a core, and not the line.
    pub further_lane_rate: u64,
}

impl Default for GetterConfig {
    fn default() -> Self {
        Self {
            unwritten_bytes_max: UNWRITTEN_BYTES_MAX,
            lanes_each: LANES_EACH_MAX,
            further_lane_rate: FURTHER_LANE_RATE,
        }
    }
}

/// What a node's [`Provider`](super::Provider) goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderConfig {
    /// How many askers are served at once.
    pub places: usize,
}

impl Default for ProviderConfig {
    fn default() -> Self {
        Self { places: PLACES }
    }
}

/// Bytes asked for and not written, unless set otherwise: two devices at their full depth. With what the disk's queue holds it stays far
/// under the 150 MiB that a whole node may take.
pub const UNWRITTEN_BYTES_MAX: u64 = 32 << 20;

/// Streams of one device to one transfer, and express lanes of it that a further one makes: what a lane carries is sealed by one core, and opened and
/// verified by one on the other side, so two lanes keep two cores busy on each. That is half of what most machines have, and half of the lanes that a
/// session is given: further transfers have theirs.
pub const LANES_EACH_MAX: usize = 2;

/// Express lanes of one device that a further one may make where there are so many cores: by one core two are no faster than one.
pub fn lanes_each(cores: usize) -> usize {
    cores.clamp(1, LANES_EACH_MAX)
}

/// From so many bytes a second on a further lane is tried, unless set otherwise. What carries less (100 Mbit/s are 12 MB, and most radio is below this) is
/// full with one: a second TCP stream would bring nothing, and take more of it from others. A gigabit is 118 MB; there a slow core may be what
/// holds a lane back, and the line is one of a switch, which few share.
pub const FURTHER_LANE_RATE: u64 = 40_000_000;

/// As long as so much is wanted and not here a further lane is worth its beginning: some round trips, two handshakes, and a place at the provider. At the
/// rates at which it is tried that is a tenth of a second and more.
pub const FURTHER_LANE_BYTES: u64 = 64 << 20;

/// Askers served at once, unless set otherwise: as BEP 3's clients do (four to eight unchoked). With fewer the line idles while one of them
/// pauses; with more each gets its chunk so late that it cannot pass it on.
pub const PLACES: usize = 8;

/// How long an asker keeps its place while others wait: long enough for the line to reach its speed (BEP 3 takes 10 s).
pub const PLACE_FOR: Duration = Duration::from_secs(10);

/// An asker that asks for nothing for so long loses its place to one that waits.
pub const PLACE_IDLE_FOR: Duration = Duration::from_secs(2);

/// Requests of one asker being served at once: one is read while the other is sent.
pub const SERVING_EACH_MAX: usize = 2;

/// Askers of one node. An entry is a queue and a few numbers, under 4 KiB; the shell's streams bound it first.
pub const ASKERS_MAX: usize = 4096;

/// How long new holdings wait to be told together: little beside the time a chunk takes on any line where messages count.
pub const HAVE_EVERY: Duration = Duration::from_millis(200);

/// Sources of one transfer. BitTorrent's clients find 30 to 50 enough for a well-mixed swarm of any size (Legout et al. 2006, §IV).
pub const SOURCES_MAX: usize = 64;

/// Transfers of one node at once. Further ones wait at whoever starts them.
pub const TRANSFERS_MAX: usize = 256;

/// Manifest nodes of one transfer that are wanted at once: a walk is depth first and needs few; these fill a line.
pub const NODES_MAX: usize = 256;

/// Readers of one transfer, each with a window.
pub const WINDOWS_MAX: usize = 16;

/// The most bytes asked of one device and not come: 1 Gbit/s at 130 ms.
pub const DEPTH_BYTES_MAX: u64 = 16 << 20;

/// Requests are sent ahead for this long beyond the round trip, so that a device with jitter never runs dry.
pub const AHEAD: Duration = Duration::from_millis(100);

/// Chunks held before the rarest are preferred (BEP 3: *random first piece*): a newcomer needs something to give quickly, and the
/// rarest chunks come from the fewest sources.
pub const RANDOM_FIRST_CHUNKS: u32 = 4;

/// How many sources one chunk is asked of at the end. The copies are the price of not waiting for the slowest; one more source bounds it to the
/// chunks in flight.
pub const END_GAME_COPIES: usize = 2;

/// Fragments of one chunk asked for at once; a chunk of which more are missing comes in several rounds.
pub const FRAGMENTS_MAX: usize = 16;

/// A source without progress is passed by after four times what its own rate promised, but not before
pub const STALL_AFTER_MIN: Duration = Duration::from_secs(3);

/// and, however slow it was, after this: whoever loses a group in flight to a mobile network is back by then.
pub const STALL_AFTER_MAX: Duration = Duration::from_secs(30);

/// How often in a row a source may drop as busy what it was asked for, with nothing sent in between; beyond that it stalls. One whose word crosses a
/// request does so once. Who never has a place to give and says so again and again would be asked for the same each time.
pub const PUT_OFFS_MAX: u32 = 1;

/// How long a source that stalled is left alone, doubled each time.
pub const STALL_PAUSE_MIN: Duration = Duration::from_secs(5);

/// A source that stalled so many times in a row is given up.
pub const STALLS_MAX: u32 = 5;

/// Providers that one source may name: twice what a transfer asks at once. Further ones are not heard.
pub const REFERRALS_MAX: usize = 2 * SOURCES_MAX;

/// An asker is told of a provider again that was heard of again so much later: one that had nothing any more, and was given up, may have begun
/// anew. Twice as long as such a one is tried again without.
pub const REFERRED_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// How long a liar is asked for nothing: until a disk or a memory that was bad has been looked after; who lies on purpose has a new key by then.
pub const DISTRUSTED_FOR: Duration = DAY;

/// Liars remembered; the first is forgotten for a further one, and whoever keeps a longer memory was told of each.
pub const LIARS_MAX: usize = 1024;
