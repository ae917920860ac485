//! The numbers QUIC runs with (RFC 9000; multipath: draft-ietf-quic-multipath), and why each is what it is.
//!
//! Memory a peer can make us hold is bounded by *how many streams* it may open times the window of each, not by the
//! window of the connection. A small connection window would bound it too, but all streams share that one: a few that
//! nobody reads would use it up and stop every other.

use std::time::Duration;

use iroh::endpoint::{QuicTransportConfig, VarInt};
use kith_core::routing::STREAMS_STRANGER_MAX;

/// Bytes a peer may send on one stream ahead of its reader. They fill a path of 100 Mbit/s at 100 ms, or of 1 Gbit/s at
/// 10 ms; QUIC fixes it for the life of a connection. More is slower where the path is fast: with 2 MiB one stream over
/// the loopback had 0.69 of the rate, and 0.84 to 0.87 in an unoptimised build (`bench/`, `stream`).
pub const STREAM_WINDOW_BYTES: u32 = 1_250_000;

/// Bytes a peer may send ahead on all streams together: no bound of its own (the largest number QUIC has). Credit is
/// announced only in steps of an eighth of this window, so any finite one that stalled streams fill up to that step
/// would hold back the others.
pub const CONNECTION_WINDOW_BYTES: VarInt = VarInt::MAX;

/// Bytes sent and not yet acknowledged on one connection: eight stream windows, so that a few stalled readers' windows
/// do not keep the other streams from being sent.
pub const SEND_WINDOW_BYTES: u64 = 8 * STREAM_WINDOW_BYTES as u64;

/// Bytes of datagrams received and not yet picked up by the one reader, which always picks up: 8 ms of a gigabit, more
/// than a busy scheduler lets pass. The oldest are dropped beyond it.
pub const DATAGRAM_RECEIVE_BUFFER_BYTES: usize = 1024 * 1024;

/// Bytes of datagrams waiting to be sent. Old ones are dropped beyond it, and a datagram older than 1 MiB of its
/// successors is of no use to anybody.
pub const DATAGRAM_SEND_BUFFER_BYTES: usize = 1024 * 1024;

/// How long a direct path may be silent before it is given up and traffic moves to the next one. This *is* the longest gap an
/// application sees when a path dies while another (a relay) lives: nothing is sent on the other before. Under the 3 s
/// that people take for a broken call; more than twice [`KEEP_ALIVE_EVERY`](kith_core::routing::KEEP_ALIVE_EVERY), after which the session machine has each direct
/// path in use give a sign of life; and so much more than [`KEEP_ALIVE_IDLE_EVERY`](kith_core::routing::KEEP_ALIVE_IDLE_EVERY) that the engine has repeated a lost one.
pub const PATH_IDLE_MAX: Duration = Duration::from_millis(2500);

/// How often the engine itself asks a silent path whether it is alive: relayed ones, which iroh gives up after 30 s. It
/// also keeps every NAT mapping (30 s and more, RFC 4787 §4.3) open. No direct path lives by it: noq could be told another
/// number for each path, but iroh 1.3.0 gives out neither noq's connection nor its paths, and what it asks it asks of
/// every path, relays too.
///
/// Once in 30 s would do, if it were certain. But noq 1.3.0 restarts the timer of whoever is asked as well, and acknowledges by the path that data takes
/// what came by a spare one (<https://github.com/n0-computer/noq/issues/803>). So where both ends' timers are due, the first one stops the other, hears nothing
/// by that path itself, and gives it up once it has been the first for 30 s. Who is first is chance each time: at 5 s that takes some minutes, at this hours.
pub const PATH_KEEP_ALIVE: Duration = Duration::from_millis(2200);

/// How long a connection survives without any path that answers: a laptop carried from one room's network to the
/// next. The last path is kept this long, whatever [`PATH_IDLE_MAX`] says.
pub const CONNECTION_IDLE_MAX: Duration = Duration::from_secs(30);

/// The configuration of every `kith/1` connection, dialled or accepted.
pub fn transport_config() -> QuicTransportConfig {
    let idle = CONNECTION_IDLE_MAX
        .try_into()
        .expect("30 s is far below the 2^62 ms of a QUIC time-out");
    QuicTransportConfig::builder()
        // Whoever comes is a stranger; the session raises it by what is proven.
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS_STRANGER_MAX))
        // kith speaks on bidirectional streams only.
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW_BYTES))
        .receive_window(CONNECTION_WINDOW_BYTES)
        .send_window(SEND_WINDOW_BYTES)
        .send_fairness(true)
        .datagram_receive_buffer_size(Some(DATAGRAM_RECEIVE_BUFFER_BYTES))
        .datagram_send_buffer_size(DATAGRAM_SEND_BUFFER_BYTES)
        .max_idle_timeout(Some(idle))
        .default_path_max_idle_timeout(PATH_IDLE_MAX)
        .default_path_keep_alive_interval(PATH_KEEP_ALIVE)
        // The spin bit shows everybody on the path the round-trip time (RFC 9000 §17.4): nobody's business.
        .allow_spin(false)
        .build()
}

#[cfg(test)]
mod tests {
    use kith_core::routing::{KEEP_ALIVE_EVERY, KEEP_ALIVE_IDLE_EVERY};

    use super::*;

    #[test]
    fn the_connection_window_covers_every_stream_of_a_contact() {
        let streams =
            u64::from(kith_core::routing::STREAMS_CONTACT_MAX) * u64::from(STREAM_WINDOW_BYTES);
        // An eighth of the window may be unannounced.
        let usable = CONNECTION_WINDOW_BYTES.into_inner() / 8 * 7;
        assert!(streams <= usable, "{streams} of {usable}");
    }

    #[test]
    fn a_path_gives_two_signs_of_life_before_it_is_given_up() {
        assert!(KEEP_ALIVE_EVERY * 2 < PATH_IDLE_MAX);
        // A probe time-out on a round trip of 200 ms, RFC 9002 §6.2.1: that, four times its variation, and the other side's delay.
        let repeated = Duration::from_millis(200 + 4 * 50 + 25);
        assert!(KEEP_ALIVE_IDLE_EVERY + repeated < PATH_IDLE_MAX);
        assert!(PATH_IDLE_MAX < CONNECTION_IDLE_MAX);
    }
}
