//! How many connections, from whom, and how many of them still shaking hands.
//!
//! A listener that takes whatever comes can be emptied of file descriptors by one machine. The gate counts in three
//! ways before a byte is read: all connections, those from one address group, and those whose TLS handshake is
//! not done. An IPv6 host owns a whole /64, so this is what counts as one address there.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;

use crate::address_group::AddressGroup;

/// The bounds of one server. The defaults fit a machine of 1 GiB with some hundred clients busy at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections in all; an idle relay client costs 26 KiB, measured with 2,000 of them.
    pub connections: usize,
    /// Connections from one IPv4 address or IPv6 /64.
    pub connections_per_address: usize,
    /// Connections in all whose TLS handshake is not done.
    pub half_open: usize,
    /// The same from one IPv4 address or IPv6 /64.
    pub half_open_per_address: usize,
    /// How long a TLS handshake may take, then the head of each HTTP request, then the relay's own handshake.
    pub handshake_timeout: Duration,
    /// How long a connection lives that does not become a relay client.
    pub http_lifetime: Duration,
    /// Relay connections of one client key.
    pub connections_per_client: usize,
    /// Bytes a second one client may send through the relay; above it is slowed, not dropped. Where the admission says
    /// another rate, that one counts.
    pub client_bytes_per_second: NonZeroU32,
    /// Bytes a second the clients of one IPv4 address or IPv6 /64 may send through the relay together.
    pub address_bytes_per_second: NonZeroU32,
    /// Bytes a second that all clients may send through the relay together; no bound of its own when `None`.
    pub bytes_per_second: Option<NonZeroU32>,
}

/// Connections in all: 2,000 registered peers with two faces, twice over, is what one core serves.
const CONNECTIONS: usize = 8_192;

/// Connections from one address: a household or an office behind one NAT, two faces each, and room for reconnecting.
const CONNECTIONS_PER_ADDRESS: usize = 512;

/// Half-open connections in all: at 10 s each, this still lets 100 clients a second through a flood.
const HALF_OPEN: usize = 1_024;

/// Half-open connections from one address: more than a household opens at once when its router comes back.
const HALF_OPEN_PER_ADDRESS: usize = 64;

/// The longest handshake: three losses in a row on a line of one second's round trip.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The life of a connection for probes and scrapes: enough for one on the slowest line.
const HTTP_LIFETIME: Duration = Duration::from_secs(60);

/// Relay connections of one key: the current one and those a moving client left behind.
const CONNECTIONS_PER_CLIENT: usize = 4;

/// What one client may relay a second: 4 MiB, four video calls.
const CLIENT_BYTES_PER_SECOND: NonZeroU32 =
    NonZeroU32::new(4 * 1024 * 1024).expect("a constant above zero");

/// What one address may relay a second: eight clients at their full rate.
const ADDRESS_BYTES_PER_SECOND: NonZeroU32 =
    NonZeroU32::new(8 * CLIENT_BYTES_PER_SECOND.get()).expect("a constant above zero");

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS,
            connections_per_address: CONNECTIONS_PER_ADDRESS,
            half_open: HALF_OPEN,
            half_open_per_address: HALF_OPEN_PER_ADDRESS,
            handshake_timeout: HANDSHAKE_TIMEOUT,
            http_lifetime: HTTP_LIFETIME,
            connections_per_client: CONNECTIONS_PER_CLIENT,
            client_bytes_per_second: CLIENT_BYTES_PER_SECOND,
            address_bytes_per_second: ADDRESS_BYTES_PER_SECOND,
            bytes_per_second: None,
        }
    }
}

/// Why a connection was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GateError {
    /// [`Limits::connections`] are open.
    #[error("all connections are taken")]
    Full,
    /// [`Limits::connections_per_address`] are open from there.
    #[error("too many connections from one address")]
    AddressFull,
    /// [`Limits::half_open`] or [`Limits::half_open_per_address`] are shaking hands.
    #[error("too many handshakes at once")]
    HalfOpenFull,
}

/// Counts the connections of one port.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Counted>);

#[derive(Debug)]
struct Counted {
    limits: Limits,
    counts: Mutex<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    all: Count,
    groups: HashMap<AddressGroup, Count>,
}

/// Connections: `open` in all, `half_open` of them still shaking hands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    open: usize,
    half_open: usize,
}

impl Gate {
    /// A gate with nobody inside.
    pub fn new(limits: Limits) -> Self {
        Self(Arc::new(Counted {
            limits,
            counts: Mutex::default(),
        }))
    }

    /// Counts one more connection from `ip`, half open, for as long as the pass lives.
    ///
    /// # Errors
    /// [`GateError`] when a limit is reached; nothing is counted then.
    pub fn enter(&self, ip: IpAddr) -> Result<Pass, GateError> {
        let limits = &self.0.limits;
        let group = AddressGroup::of(ip);
        let mut counts = self.0.counts();
        let here = counts.groups.get(&group).copied().unwrap_or_default();
        if counts.all.open >= limits.connections {
            return Err(GateError::Full);
        }
        if here.open >= limits.connections_per_address {
            return Err(GateError::AddressFull);
        }
        if counts.all.half_open >= limits.half_open
            || here.half_open >= limits.half_open_per_address
        {
            return Err(GateError::HalfOpenFull);
        }
        counts.change(group, |count| {
            count.open += 1;
            count.half_open += 1;
        });
        Ok(Pass {
            gate: self.0.clone(),
            group,
            half_open: true,
        })
    }

    /// How many connections are open.
    pub fn open(&self) -> usize {
        self.0.counts().all.open
    }

    /// How many of them are still shaking hands.
    pub fn half_open(&self) -> usize {
        self.0.counts().all.half_open
    }
}

impl Counted {
    /// The counts. They are whole between any two statements, so a panic elsewhere does not spoil them.
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Applies `change` to the sum and to the group, and forgets a group without connections.
    fn change(&mut self, group: AddressGroup, change: impl Fn(&mut Count)) {
        change(&mut self.all);
        let count = self.groups.entry(group).or_default();
        change(count);
        if *count == Count::default() {
            self.groups.remove(&group);
        }
    }
}

/// One connection that was let in; dropping it makes room.
#[derive(Debug)]
pub struct Pass {
    gate: Arc<Counted>,
    group: AddressGroup,
    half_open: bool,
}

impl Pass {
    /// Says that the handshake is done.
    #[must_use = "dropping the pass gives up the connection's place"]
    pub fn established(mut self) -> Self {
        if std::mem::take(&mut self.half_open) {
            let mut counts = self.gate.counts();
            counts.change(self.group, |count| count.half_open -= 1);
        }
        self
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let half_open = self.half_open;
        let mut counts = self.gate.counts();
        counts.change(self.group, |count| {
            count.open -= 1;
            count.half_open -= usize::from(half_open);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("literal")
    }

    fn gate() -> Gate {
        Gate::new(Limits {
            connections: 5,
            connections_per_address: 3,
            half_open: 4,
            half_open_per_address: 2,
            ..Limits::default()
        })
    }

    #[test]
    fn one_address_cannot_take_more_than_its_share() {
        let gate = gate();
        let passes: Vec<Pass> = (0..3)
            .map(|_| {
                let pass = gate.enter(ip("203.0.113.5")).expect("within its share");
                pass.established()
            })
            .collect();
        assert_eq!(
            gate.enter(ip("203.0.113.5")).expect_err("the fourth"),
            GateError::AddressFull
        );
        assert_eq!(
            gate.enter(ip("::ffff:203.0.113.5")).expect_err("the same"),
            GateError::AddressFull
        );
        let other = gate.enter(ip("203.0.113.6"));
        assert!(other.is_ok());
        drop(passes);
        assert!(gate.enter(ip("203.0.113.5")).is_ok());
    }

    #[test]
    fn a_slash_64_is_one_address() {
        let gate = gate();
        let _one = gate.enter(ip("2001:db8:0:1::1")).expect("the first");
        let _two = gate.enter(ip("2001:db8:0:1:ffff::2")).expect("the second");
        assert_eq!(
            gate.enter(ip("2001:db8:0:1::3")).expect_err("a neighbour"),
            GateError::HalfOpenFull
        );
        assert!(gate.enter(ip("2001:db8:0:2::1")).is_ok());
    }

    #[test]
    fn an_established_connection_frees_its_half_open_place_but_not_its_own() {
        let gate = gate();
        let passes: Vec<Pass> = (1..=4)
            .map(|last| gate.enter(IpAddr::from([203, 0, 113, last])).expect("room"))
            .collect();
        assert_eq!(
            gate.enter(ip("203.0.113.9")).expect_err("four half open"),
            GateError::HalfOpenFull
        );
        let passes: Vec<Pass> = passes.into_iter().map(Pass::established).collect();
        assert_eq!((gate.open(), gate.half_open()), (4, 0));
        let fifth = gate.enter(ip("203.0.113.9")).expect("the fifth");
        assert_eq!(
            gate.enter(ip("203.0.113.10")).expect_err("the sixth"),
            GateError::Full
        );
        drop((passes, fifth));
        assert_eq!((gate.open(), gate.half_open()), (0, 0));
        assert!(gate.0.counts().groups.is_empty(), "no group is remembered");
    }
}
