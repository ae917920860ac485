//! Takes connections in: handshakes side by side, but a bounded number of them.
//!
//! A handshake costs us a signature and some 100 KiB while it costs a forged packet nothing. So past a threshold whoever
//! comes has to show first that it receives at the address it sends from (Retry, RFC 9000 §8.1.2). Whoever shows it and
//! then stalls takes its address's share of the places at most: beyond it, it is refused.
//!
//! Who comes by a relay has no address of its own, but a key that the relay has seen proven, and keys cost nothing. So they have
//! places apart, of which one key has few. Where many keys take all, the handshake that is under way for longest makes
//! room, if an honest one would long be done; where many honest ones come at once, those under way are finished, and whoever is
//! refused comes again. The same holds among many addresses.
//!
//! There is no 0-RTT: nothing of a connection is looked at before its handshake is done, so nothing can be replayed.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::{Duration, Instant};

use iroh::Endpoint;
use iroh::endpoint::{Incoming, IncomingAddr};
use kith_core::routing::config::HALF_OPEN_MAX;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, trace};

use super::connection::Connection;
use crate::address_group::AddressGroup;

/// Handshakes under way that came by a relay, in all: half of the places, so that neither way is shut by the other. A flood has to
/// bring as many each [`SURE_FOR`] to keep honest ones out, and each of its clients is held to the relay's rate.
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

/// How long a handshake has its place for certain: a round trip around the world. Whoever is slower has to make room where all places are
/// taken: longer, and those who stall would hold them; shorter, and of many honest ones at once, as when an introducer is back, none would
/// come to its end.
pub const SURE_FOR: Duration = Duration::from_millis(300);

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
        let finish = |incoming| Handshake::start(incoming, endpoint.clone(), ready.clone());
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

/// The handshakes under way of one kind, with whom each is and since when; the oldest first.
#[derive(Debug)]
struct Places<K> {
    all: usize,
    each: usize,
    under_way: VecDeque<(K, Instant, Handshake)>,
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
    fn take(&mut self, who: K, incoming: Incoming, finish: impl FnOnce(Incoming) -> Handshake) {
        let now = Instant::now();
        match self.judge(now, who, incoming.remote_addr_validated()) {
            Verdict::Enter => self.enter(now, who, finish(incoming)),
            Verdict::ShowAddress => {
                trace!("asking for a proof of address");
                // Fails only for an address that is proven already.
                let _ = incoming.retry();
            }
            Verdict::Refuse => {
                let held = self.under_way.len();
                debug!("refusing a handshake: {held} are under way, or too many of the same");
                incoming.refuse();
            }
        }
    }

    /// Whether there is room for one more of `who`, who has shown to receive where it sends from or has not.
    fn judge(&mut self, now: Instant, who: K, is_shown: bool) -> Verdict {
        self.under_way.retain(|(_, _, it)| !it.task.is_finished());
        let held = self.under_way.len();
        let here = self.under_way.iter().filter(|it| it.0 == who).count();
        let is_beyond = |held: usize, bound: usize| held >= bound / UNPROVEN_PART;
        if !is_shown && (is_beyond(held, self.all) || is_beyond(here, self.each)) {
            Verdict::ShowAddress
        } else if here >= self.each || (held >= self.all && self.stalled(now).is_none()) {
            Verdict::Refuse
        } else {
            Verdict::Enter
        }
    }

    /// A handshake with `who` is under way. Where there are too many, one that stalls makes room.
    fn enter(&mut self, now: Instant, who: K, handshake: Handshake) {
        if self.under_way.len() >= self.all
            && let Some(stalled) = self.stalled(now)
        {
            debug!("giving up a handshake: {} are under way", self.all);
            // It ends with its place.
            self.under_way.remove(stalled);
        }
        self.under_way.push_back((who, now, handshake));
    }

    /// Which has been under way for longest, if for longer than an honest one.
    fn stalled(&self, now: Instant) -> Option<usize> {
        let is_stalled = |(_, since, it): &(K, Instant, Handshake)| {
            !it.is_done() && now.saturating_duration_since(*since) >= SURE_FOR
        };
        self.under_way.iter().position(is_stalled)
    }
}

/// A handshake under way, or done and not yet taken. One that is not done is given up when this is dropped.
#[derive(Debug)]
struct Handshake {
    task: JoinHandle<()>,
    /// The other end is there until it is done.
    wanted: oneshot::Sender<Infallible>,
}

impl Handshake {
    /// Sees it through and hands the connection over. Its place is kept until it is taken, so that a taker who falls behind holds new
    /// handshakes back instead of collecting connections.
    fn start(incoming: Incoming, endpoint: Endpoint, ready: mpsc::Sender<Connection>) -> Self {
        Self::run(async move |given_up| {
            let done = tokio::select! {
                done = finish(incoming, &endpoint) => done,
                _ = given_up => return,
            };
            if let Some(connection) = done {
                // Fails only when the endpoint is gone.
                let _ = ready.send(connection).await;
            }
        })
    }

    fn run<F>(run: impl FnOnce(oneshot::Receiver<Infallible>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (wanted, given_up) = oneshot::channel();
        Self {
            task: tokio::spawn(run(given_up)),
            wanted,
        }
    }

    fn is_done(&self) -> bool {
        self.wanted.is_closed()
    }
}

/// One handshake.
async fn finish(incoming: Incoming, endpoint: &Endpoint) -> Option<Connection> {
    let handshake = incoming.accept();
    let handshake = handshake.map_err(|error| debug!("a handshake did not begin: {error:#}"));
    match tokio::time::timeout(HANDSHAKE_WAIT_MAX, handshake.ok()?).await {
        Ok(Ok(connection)) => return Connection::new(connection, endpoint),
        Ok(Err(error)) => debug!("a handshake failed: {error:#}"),
        Err(_) => debug!("a handshake took more than {HANDSHAKE_WAIT_MAX:?}"),
    }
    None
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    const ALL: usize = 32;
    const EACH: usize = 8;

    /// One that is never done.
    fn stalling() -> Handshake {
        Handshake::run(async |given_up| {
            let _ = given_up.await;
        })
    }

    /// One that is done, whose connection nobody takes.
    fn done() -> Handshake {
        Handshake::run(async |given_up| {
            drop(given_up);
            pending().await
        })
    }

    async fn until(is_so: impl Fn() -> bool) {
        for _ in 0..1_000 {
            if is_so() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("it does not come about");
    }

    fn ids<K: Copy>(places: &Places<K>) -> Vec<K> {
        places.under_way.iter().map(|it| it.0).collect()
    }

    #[tokio::test]
    async fn one_who_stalls_takes_its_share_and_leaves_the_rest() {
        let (mut places, now) = (Places::new(ALL, EACH), Instant::now());
        for _ in 0..EACH {
            assert_eq!(places.judge(now, 1, true), Verdict::Enter);
            places.enter(now, 1, stalling());
        }
        assert_eq!(places.judge(now, 1, true), Verdict::Refuse);
        assert_eq!(places.judge(now, 2, true), Verdict::Enter);
        places.under_way[0].2.task.abort();
        until(|| places.under_way[0].2.task.is_finished()).await;
        assert_eq!(
            places.judge(now, 1, true),
            Verdict::Enter,
            "a place is free again"
        );
    }

    #[tokio::test]
    async fn whoever_forges_an_address_leaves_its_owner_most_places() {
        let (mut places, now) = (Places::new(ALL, EACH), Instant::now());
        for _ in 0..EACH / UNPROVEN_PART {
            assert_eq!(places.judge(now, 1, false), Verdict::Enter);
            places.enter(now, 1, stalling());
        }
        assert_eq!(places.judge(now, 1, false), Verdict::ShowAddress);
        assert_eq!(places.judge(now, 1, true), Verdict::Enter);
        for forged in 2..=1 + (ALL - EACH) / UNPROVEN_PART {
            assert_eq!(places.judge(now, forged, false), Verdict::Enter);
            places.enter(now, forged, stalling());
        }
        assert_eq!(
            places.judge(now, ALL, false),
            Verdict::ShowAddress,
            "so many did not"
        );
    }

    #[tokio::test]
    async fn where_many_stall_the_oldest_makes_room_and_never_one_that_may_be_honest() {
        let (mut places, now) = (Places::new(ALL, EACH), Instant::now());
        for who in 0..ALL {
            assert_eq!(places.judge(now, who, true), Verdict::Enter);
            let since = now + SURE_FOR * u32::from(who > 1);
            places.enter(since, who, stalling());
        }
        let soon = now + SURE_FOR / 2;
        assert_eq!(places.judge(soon, ALL, true), Verdict::Refuse);
        let later = now + SURE_FOR;
        for who in [ALL, ALL + 1] {
            assert_eq!(places.judge(later, who, true), Verdict::Enter);
            places.enter(later, who, stalling());
        }
        assert_eq!(places.judge(later, ALL + 2, true), Verdict::Refuse);
        assert_eq!(ids(&places), (2..ALL + 2).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn who_is_given_up_ends_and_who_is_done_is_not_given_up() {
        let (mut places, now) = (Places::new(2, 2), Instant::now());
        let (ended, end) = oneshot::channel();
        places.enter(now, 1, done());
        let given_up = Handshake::run(async move |given_up| {
            let _ = given_up.await;
            let _ = ended.send(());
        });
        places.enter(now, 2, given_up);
        until(|| places.under_way[0].2.is_done()).await;
        let later = now + SURE_FOR;
        assert_eq!(places.judge(later, 3, true), Verdict::Enter);
        places.enter(later, 3, stalling());
        end.await.expect("it is told");
        assert_eq!(ids(&places), [1, 3]);
        assert_eq!(places.judge(later, 4, true), Verdict::Refuse);
    }
}
