//! Takes connections in: handshakes side by side, but a bounded number of them.
//!
//! A handshake costs us a signature and some 100 KiB while it costs a forged packet nothing. So past a threshold whoever
//! comes has to show first that it receives at the address it sends from (Retry, RFC 9000 §8.1.2). Whoever shows it and
//! then stalls takes its address's share of the places at most: beyond it, it is refused.
//!
//! Who comes by a relay has no address of its own, but a key that the relay has seen proven, and keys cost nothing. So they have
//! places apart, of which one key has few. Where many keys take all, the handshake that is under way for longest makes
//! room: an honest one needs its place for one round trip only. The same holds among many addresses.
//!
//! There is no 0-RTT: nothing of a connection is looked at before its handshake is done, so nothing can be replayed.

use std::collections::VecDeque;
use std::time::Duration;

use iroh::Endpoint;
use iroh::endpoint::{Incoming, IncomingAddr};
use kith_core::routing::config::HALF_OPEN_MAX;
use tokio::sync::{Mutex, mpsc};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, trace};

use super::connection::Connection;
use crate::address_group::AddressGroup;

/// Handshakes under way that came by a relay, in all: half of the places, so that neither way is shut by the other. A flood has to
/// bring as many within a round trip to push an honest one out, and each of its clients is held to the relay's rate.
pub const HALF_OPEN_RELAYED_MAX: usize = HALF_OPEN_MAX / 2;

/// Handshakes under way that came directly, in all: the other half.
pub const HALF_OPEN_DIRECT_MAX: usize = HALF_OPEN_MAX - HALF_OPEN_RELAYED_MAX;

/// Handshakes under way from one address (IPv4, or a /64 of IPv6): an office behind one NAT whose line comes back begins some at
/// once, each done after a round trip. An eighth of the places, so that one machine that stalls leaves seven to the others.
pub const HALF_OPEN_PER_ADDRESS: usize = HALF_OPEN_DIRECT_MAX / 8;

/// Handshakes under way with one key by relays: a dial, and those that it or its owner's restart left behind.
pub const HALF_OPEN_PER_KEY: usize = 4;

/// Of each bound this part is for those who have not shown that they receive where they send from: a flood of forged
/// addresses meets the retry long before it meets the bound, also where all forge one and the same, whose owner keeps the rest.
/// Ordinary days never do.
const UNPROVEN_PART: usize = 4;

/// How long a handshake may take: three round trips of the slowest link (a satellite's, 0.7 s) with a loss in each.
pub const HANDSHAKE_WAIT_MAX: Duration = Duration::from_secs(5);

/// Finished handshakes that wait to be taken over; the taker does nothing but register them.
const READY_MAX: usize = 64;

/// The accepting side of an endpoint.
#[derive(Debug)]
pub(super) struct Acceptor {
    ready: Mutex<mpsc::Receiver<Connection>>,
    _task: AbortOnDropHandle<()>,
}

impl Acceptor {
    /// Starts to accept.
    pub(super) fn start(endpoint: Endpoint) -> Self {
        let (sender, ready) = mpsc::channel(READY_MAX);
        let task = tokio::spawn(accept_all(endpoint, sender));
        Self {
            ready: Mutex::new(ready),
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// The next connection; `None` once the endpoint is closed.
    pub(super) async fn next(&self) -> Option<Connection> {
        self.ready.lock().await.recv().await
    }
}

async fn accept_all(endpoint: Endpoint, ready: mpsc::Sender<Connection>) {
    let mut direct = Places::new(HALF_OPEN_DIRECT_MAX, HALF_OPEN_PER_ADDRESS);
    let mut relayed = Places::new(HALF_OPEN_RELAYED_MAX, HALF_OPEN_PER_KEY);
    while let Some(incoming) = endpoint.accept().await {
        let from = incoming.remote_addr();
        let finish = |incoming| tokio::spawn(finish(incoming, endpoint.clone(), ready.clone()));
        match from {
            IncomingAddr::Ip(from) => direct.take(AddressGroup::of(from.ip()), incoming, finish),
            IncomingAddr::Relay { endpoint_id, .. } => relayed.take(endpoint_id, incoming, finish),
            // No face has another transport.
            _ => incoming.refuse(),
        }
    }
}

/// What becomes of one who comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Enter,
    ShowAddress,
    Refuse,
}

/// The handshakes under way of one kind, and whom each is with; the oldest first.
#[derive(Debug)]
struct Places<K> {
    all: usize,
    each: usize,
    under_way: VecDeque<(K, AbortHandle)>,
}

impl<K: Copy + Eq> Places<K> {
    /// Room for `all`, of which `each` may take so many.
    fn new(all: usize, each: usize) -> Self {
        Self {
            all,
            each,
            under_way: VecDeque::with_capacity(all),
        }
    }

    /// Begins a handshake, if there is room for one more of `who`.
    fn take(
        &mut self,
        who: K,
        incoming: Incoming,
        finish: impl FnOnce(Incoming) -> JoinHandle<()>,
    ) {
        match self.judge(who, incoming.remote_addr_validated()) {
            Verdict::Enter => self.enter(who, finish(incoming).abort_handle()),
            Verdict::ShowAddress => {
                trace!("asking for a proof of address");
                // Fails only for an address that is proven already.
                let _ = incoming.retry();
            }
            Verdict::Refuse => {
                debug!(
                    "refusing a handshake: {} of the same are under way",
                    self.each
                );
                incoming.refuse();
            }
        }
    }

    /// Whether there is room for one more of `who`, who has shown to receive where it sends from or has not.
    fn judge(&mut self, who: K, is_shown: bool) -> Verdict {
        self.under_way
            .retain(|(_, handshake)| !handshake.is_finished());
        let here = self.under_way.iter().filter(|(it, _)| *it == who).count();
        let is_beyond = |held: usize, bound: usize| held >= bound / UNPROVEN_PART;
        if !is_shown && (is_beyond(self.under_way.len(), self.all) || is_beyond(here, self.each)) {
            Verdict::ShowAddress
        } else if here >= self.each {
            Verdict::Refuse
        } else {
            Verdict::Enter
        }
    }

    /// A handshake with `who` is under way. Where there are too many the oldest makes room.
    fn enter(&mut self, who: K, handshake: AbortHandle) {
        if self.under_way.len() >= self.all
            && let Some((_, oldest)) = self.under_way.pop_front()
        {
            debug!("giving up a handshake: {} are under way", self.all);
            oldest.abort();
        }
        self.under_way.push_back((who, handshake));
    }
}

/// Sees one handshake through and hands the connection over. Its place is kept until it is taken, so that a taker who
/// falls behind holds new handshakes back instead of collecting connections.
async fn finish(incoming: Incoming, endpoint: Endpoint, ready: mpsc::Sender<Connection>) {
    let handshake = match incoming.accept() {
        Ok(handshake) => handshake,
        Err(error) => return debug!("a handshake did not begin: {error:#}"),
    };
    match tokio::time::timeout(HANDSHAKE_WAIT_MAX, handshake).await {
        Ok(Ok(connection)) => {
            if let Some(connection) = Connection::new(connection, &endpoint) {
                // Fails only when the endpoint is gone.
                let _ = ready.send(connection).await;
            }
        }
        Ok(Err(error)) => debug!("a handshake failed: {error:#}"),
        Err(_) => debug!("a handshake took more than {HANDSHAKE_WAIT_MAX:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const ALL: usize = 32;
    const EACH: usize = 8;

    fn stalled() -> JoinHandle<()> {
        tokio::spawn(pending())
    }

    #[tokio::test]
    async fn one_who_stalls_takes_its_share_and_leaves_the_rest() {
        let mut places = Places::new(ALL, EACH);
        let mut stalling = Vec::new();
        for _ in 0..EACH {
            assert_eq!(places.judge(1, true), Verdict::Enter);
            stalling.push(stalled());
            places.enter(1, stalling[stalling.len() - 1].abort_handle());
        }
        assert_eq!(places.judge(1, true), Verdict::Refuse);
        assert_eq!(places.judge(2, true), Verdict::Enter);
        let over = stalling.remove(0);
        over.abort();
        over.await.expect_err("given up");
        assert_eq!(
            places.judge(1, true),
            Verdict::Enter,
            "a place is free again"
        );
    }

    #[tokio::test]
    async fn whoever_forges_an_address_leaves_its_owner_most_places() {
        let mut places = Places::new(ALL, EACH);
        for _ in 0..EACH / UNPROVEN_PART {
            assert_eq!(places.judge(1, false), Verdict::Enter);
            places.enter(1, stalled().abort_handle());
        }
        assert_eq!(places.judge(1, false), Verdict::ShowAddress);
        assert_eq!(places.judge(1, true), Verdict::Enter);
        for forged in 2..=1 + (ALL - EACH) / UNPROVEN_PART {
            assert_eq!(places.judge(forged, false), Verdict::Enter);
            places.enter(forged, stalled().abort_handle());
        }
        assert_eq!(
            places.judge(ALL, false),
            Verdict::ShowAddress,
            "so many did not"
        );
    }

    #[tokio::test]
    async fn where_many_stall_the_oldest_makes_room() {
        let mut places = Places::new(ALL, EACH);
        let stalling: Vec<_> = (0..=ALL).map(|_| stalled()).collect();
        for (who, stalling) in stalling.iter().enumerate() {
            assert_eq!(places.judge(who, true), Verdict::Enter);
            places.enter(who, stalling.abort_handle());
        }
        let mut stalling = stalling.into_iter();
        let oldest = stalling.next().expect("one more than there is room for");
        assert!(oldest.await.expect_err("given up").is_cancelled());
        assert!(stalling.all(|stalled| !stalled.is_finished()));
        assert_eq!(places.under_way.len(), ALL);
    }
}
