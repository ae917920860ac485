//! Unreliable datagrams that go with a stream, as [`kith_core::routing::datagram`] writes them.
//!
//! QUIC has one queue of received datagrams per connection. One task always drains it into a queue per flow; each of those
//! is bounded and loses its oldest, so a flow that nobody reads costs a bounded memory and no other flow anything. A
//! datagram that arrives before its stream has been accepted waits a while; whether it was kept or lost, datagrams may be
//! lost.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use iroh::endpoint::{Connection as EngineConnection, SendDatagramError};
use kith_core::routing::datagram::{Flow, read};
use thiserror::Error;
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;
use tracing::trace;

/// Datagrams that wait for the reader of one flow. A quarter of a second of a game at 60 ticks for 16 players, 360 KB at
/// the largest.
pub const FLOW_DATAGRAMS_MAX: usize = 256;

/// Datagrams of a connection that wait for their flow to be joined: what a sender may send in the round trip before its
/// stream is accepted. 45 KB at the largest.
pub const EARLY_DATAGRAMS_MAX: usize = 32;

/// Why a datagram was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SendError {
    /// Longer than [`DatagramFlow::bytes_max`] says. The limit follows the path and can sink.
    #[error("the datagram is larger than the path takes")]
    TooLarge,
    /// The other side takes no datagrams.
    #[error("the other side takes no datagrams")]
    Unsupported,
    /// The connection is over.
    #[error("the connection has ended")]
    Ended,
}

/// The datagrams of one connection, and the task that drains them.
#[derive(Debug)]
pub(super) struct Datagrams {
    flows: Arc<Mutex<Flows>>,
    _reader: AbortOnDropHandle<()>,
}

#[derive(Debug, Default)]
struct Flows {
    joined: BTreeMap<Flow, Arc<Inbox>>,
    early: VecDeque<(Flow, Bytes)>,
    ended: bool,
}

#[derive(Debug, Default)]
struct Inbox {
    queue: Mutex<Queue>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    datagrams: VecDeque<Bytes>,
    dropped: u64,
    ended: bool,
}

impl Datagrams {
    /// Begins to drain the datagrams of `engine`.
    pub(super) fn start(engine: EngineConnection) -> Self {
        let flows = Arc::new(Mutex::new(Flows::default()));
        let reader = tokio::spawn(drain(engine, flows.clone()));
        Self {
            flows,
            _reader: AbortOnDropHandle::new(reader),
        }
    }
}

/// The datagrams of one flow. Dropped, what still arrives for the flow is dropped too.
#[derive(Debug)]
pub struct DatagramFlow {
    flow: Flow,
    inbox: Arc<Inbox>,
    connection: Arc<Datagrams>,
    engine: EngineConnection,
}

impl DatagramFlow {
    pub(super) fn join(connection: &Arc<Datagrams>, engine: EngineConnection, flow: Flow) -> Self {
        let inbox = Arc::new(Inbox::default());
        lock(&connection.flows).join(flow, &inbox);
        Self {
            flow,
            inbox,
            connection: connection.clone(),
            engine,
        }
    }

    /// The most bytes a datagram can carry now; `None` when the other side takes none. It follows the path: 1,162 less
    /// the tag at first, more once the path is known to take more.
    pub fn bytes_max(&self) -> Option<usize> {
        let bytes = self.engine.max_datagram_size()?;
        Some(self.flow.payload_bytes_max(bytes))
    }

    /// Sends a datagram, which may be lost. Never waits: when the network is slower than the sender, the oldest that is
    /// still here is dropped.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    pub fn send(&self, data: &[u8]) -> Result<(), SendError> {
        self.engine
            .send_datagram(self.flow.datagram(data).into())
            .map_err(|error| match error {
                SendDatagramError::TooLarge => SendError::TooLarge,
                SendDatagramError::UnsupportedByPeer | SendDatagramError::Disabled => {
                    SendError::Unsupported
                }
                _ => SendError::Ended,
            })
    }

    /// The next datagram; `None` when the connection is over or the flow was joined anew.
    pub async fn receive(&self) -> Option<Bytes> {
        loop {
            let arrived = self.inbox.arrived.notified();
            {
                let mut queue = lock(&self.inbox.queue);
                if let Some(datagram) = queue.datagrams.pop_front() {
                    return Some(datagram);
                }
                if queue.ended {
                    return None;
                }
            }
            arrived.await;
        }
    }

    /// How many datagrams were dropped because nobody received them in time.
    pub fn dropped(&self) -> u64 {
        lock(&self.inbox.queue).dropped
    }
}

impl Drop for DatagramFlow {
    fn drop(&mut self) {
        let mut flows = lock(&self.connection.flows);
        if flows
            .joined
            .get(&self.flow)
            .is_some_and(|inbox| Arc::ptr_eq(inbox, &self.inbox))
        {
            flows.joined.remove(&self.flow);
        }
    }
}

impl Flows {
    fn join(&mut self, flow: Flow, inbox: &Arc<Inbox>) {
        self.early.retain(|(other, datagram)| {
            let ours = *other == flow;
            if ours {
                inbox.push(datagram.clone());
            }
            !ours
        });
        if self.ended {
            inbox.end();
        } else if let Some(replaced) = self.joined.insert(flow, inbox.clone()) {
            replaced.end();
        }
    }

    fn dispatch(&mut self, mut datagram: Bytes) {
        let (flow, header_bytes) = match read(&datagram) {
            Ok(read) => read,
            Err(error) => return trace!("{error}"),
        };
        let payload = datagram.split_off(header_bytes);
        if let Some(inbox) = self.joined.get(&flow) {
            return inbox.push(payload);
        }
        if self.early.len() == EARLY_DATAGRAMS_MAX {
            self.early.pop_front();
        }
        self.early.push_back((flow, payload));
    }

    fn end(&mut self) {
        self.ended = true;
        self.early.clear();
        for inbox in std::mem::take(&mut self.joined).into_values() {
            inbox.end();
        }
    }
}

impl Inbox {
    fn push(&self, datagram: Bytes) {
        let mut queue = lock(&self.queue);
        if queue.datagrams.len() == FLOW_DATAGRAMS_MAX {
            queue.datagrams.pop_front();
            queue.dropped += 1;
        }
        queue.datagrams.push_back(datagram);
        drop(queue);
        self.arrived.notify_one();
    }

    fn end(&self) {
        lock(&self.queue).ended = true;
        self.arrived.notify_one();
    }
}

/// Drains the connection's queue until it ends.
async fn drain(engine: EngineConnection, flows: Arc<Mutex<Flows>>) {
    while let Ok(datagram) = engine.read_datagram().await {
        lock(&flows).dispatch(datagram);
    }
    lock(&flows).end();
}

/// Locks; nothing here panics while it holds a lock, and if it did, the queues would still be whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tagged(flow: Flow, payload: &[u8]) -> Bytes {
        flow.datagram(payload).into()
    }

    fn flow(stream: u64) -> Flow {
        Flow::of_stream(stream).expect("a bidirectional stream")
    }

    #[test]
    fn a_full_flow_loses_its_oldest_and_counts() {
        let mut flows = Flows::default();
        let inbox = Arc::new(Inbox::default());
        flows.join(flow(4), &inbox);
        for number in 0..=FLOW_DATAGRAMS_MAX {
            flows.dispatch(tagged(flow(4), &number.to_be_bytes()));
        }
        let queue = lock(&inbox.queue);
        assert_eq!(
            (queue.datagrams.len(), queue.dropped),
            (FLOW_DATAGRAMS_MAX, 1)
        );
        assert_eq!(queue.datagrams[0], 1_usize.to_be_bytes()[..]);
    }

    #[test]
    fn early_datagrams_wait_within_their_bound() {
        let mut flows = Flows::default();
        for index in 0..=EARLY_DATAGRAMS_MAX as u64 {
            flows.dispatch(tagged(flow(4 * index), b"early"));
        }
        let (first, second) = (Arc::new(Inbox::default()), Arc::new(Inbox::default()));
        flows.join(flow(0), &first);
        flows.join(flow(4), &second);
        assert_eq!(lock(&first.queue).datagrams.len(), 0, "the oldest is gone");
        assert_eq!(lock(&second.queue).datagrams.len(), 1);
        assert_eq!(flows.early.len(), EARLY_DATAGRAMS_MAX - 1);
    }
}
