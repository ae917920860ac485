//! Unreliable datagrams that go with a stream (RFC 9221), each led by the number of its flow as a QUIC varint, much as
//! HTTP datagrams are (RFC 9297 §2.1).
//!
//! QUIC has one queue of received datagrams per connection. One task always drains it into a queue per flow; each of those
//! is bounded and loses its oldest, so a flow that nobody reads costs a bounded memory and no other flow anything. A
//! datagram that arrives before its stream has been accepted waits a while; whether it was kept or lost, datagrams may be
//! lost.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::{BufMut as _, Bytes, BytesMut};
use iroh::endpoint::{Connection as EngineConnection, SendDatagramError};
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
    joined: BTreeMap<u64, Arc<Flow>>,
    early: VecDeque<(u64, Bytes)>,
    ended: bool,
}

#[derive(Debug, Default)]
struct Flow {
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
    number: u64,
    flow: Arc<Flow>,
    connection: Arc<Datagrams>,
    engine: EngineConnection,
}

impl DatagramFlow {
    pub(super) fn join(connection: &Arc<Datagrams>, engine: EngineConnection, number: u64) -> Self {
        let flow = Arc::new(Flow::default());
        lock(&connection.flows).join(number, &flow);
        Self {
            number,
            flow,
            connection: connection.clone(),
            engine,
        }
    }

    /// The most bytes a datagram can carry now; `None` when the other side takes none. It follows the path: 1,162 less
    /// the tag at first, more once the path is known to take more.
    pub fn bytes_max(&self) -> Option<usize> {
        let bytes = self.engine.max_datagram_size()?;
        Some(bytes.saturating_sub(tag_length(flow_of(self.number))))
    }

    /// Sends a datagram, which may be lost. Never waits: when the network is slower than the sender, the oldest that is
    /// still here is dropped.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent.
    pub fn send(&self, data: &[u8]) -> Result<(), SendError> {
        self.engine
            .send_datagram(tagged(self.number, data))
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
            let arrived = self.flow.arrived.notified();
            {
                let mut queue = lock(&self.flow.queue);
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
        lock(&self.flow.queue).dropped
    }
}

impl Drop for DatagramFlow {
    fn drop(&mut self) {
        let mut flows = lock(&self.connection.flows);
        if flows
            .joined
            .get(&self.number)
            .is_some_and(|flow| Arc::ptr_eq(flow, &self.flow))
        {
            flows.joined.remove(&self.number);
        }
    }
}

impl Flows {
    fn join(&mut self, number: u64, flow: &Arc<Flow>) {
        let mut early = std::mem::take(&mut self.early);
        early.retain(|(other, datagram)| {
            let ours = *other == number;
            if ours {
                flow.push(datagram.clone());
            }
            !ours
        });
        self.early = early;
        if self.ended {
            flow.end();
        } else if let Some(replaced) = self.joined.insert(number, flow.clone()) {
            replaced.end();
        }
    }

    fn dispatch(&mut self, mut datagram: Bytes) {
        let Some(number) = take_tag(&mut datagram) else {
            return trace!("a datagram without a flow number");
        };
        if let Some(flow) = self.joined.get(&number) {
            return flow.push(datagram);
        }
        if self.early.len() == EARLY_DATAGRAMS_MAX {
            self.early.pop_front();
        }
        self.early.push_back((number, datagram));
    }

    fn end(&mut self) {
        self.ended = true;
        self.early.clear();
        for flow in std::mem::take(&mut self.joined).into_values() {
            flow.end();
        }
    }
}

impl Flow {
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

/// The flow of the bidirectional stream with this QUIC number, counted without gaps: even for the dialler's, odd for the
/// dialled side's (of QUIC's numbers, RFC 9000 §2.1, two in four are unidirectional).
fn flow_of(stream: u64) -> u64 {
    stream >> 2 << 1 | stream & 1
}

/// The stream of a flow.
fn stream_of(flow: u64) -> u64 {
    flow >> 1 << 2 | flow & 1
}

/// The bytes of `flow` as a varint (RFC 9000 §16).
fn tag_length(flow: u64) -> usize {
    match flow {
        0..=0x3f => 1,
        0x40..=0x3fff => 2,
        0x4000..=0x3fff_ffff => 4,
        _ => 8,
    }
}

/// The datagram that carries `payload` for the stream of this number.
fn tagged(stream: u64, payload: &[u8]) -> Bytes {
    let flow = flow_of(stream);
    let length = tag_length(flow);
    let size_bits = u64::from(length.trailing_zeros()) << (8 * length - 2);
    let tag = (size_bits | flow).to_be_bytes();
    let mut datagram = BytesMut::with_capacity(length + payload.len());
    datagram.put_slice(&tag[8 - length..]);
    datagram.put_slice(payload);
    datagram.freeze()
}

/// Takes the tag off the front and says which stream it names; `None` when there is none, or not in its shortest form.
fn take_tag(datagram: &mut Bytes) -> Option<u64> {
    let first = *datagram.first()?;
    let length = 1 << (first >> 6);
    if datagram.len() < length {
        return None;
    }
    let tag = datagram.split_to(length);
    let mut flow = u64::from(tag[0] & 0x3f);
    for byte in &tag[1..] {
        flow = flow << 8 | u64::from(*byte);
    }
    // Numbers from 2⁶¹ on name no stream that QUIC can number.
    (tag_length(flow) == length && flow < 1 << 61).then(|| stream_of(flow))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_datagrams() {
        // The dialler's first stream, the dialled side's first, the dialler's 33rd, its 8,193rd, its last.
        assert_eq!(tagged(0, b"hi")[..], [0x00, b'h', b'i']);
        assert_eq!(tagged(1, b"hi")[..], [0x01, b'h', b'i']);
        assert_eq!(tagged(128, b"")[..], [0x40, 0x40]);
        assert_eq!(tagged(32_768, b"")[..], [0x80, 0, 0x40, 0]);
        assert_eq!(tagged((1 << 62) - 4, b"")[..2], [0xdf, 0xff]);
    }

    #[test]
    fn a_tag_gives_its_stream_back() {
        for stream in [0, 1, 4, 5, 124, 125, 128, 32_764, 32_768, (1 << 62) - 3] {
            let mut datagram = tagged(stream, b"x");
            assert_eq!(take_tag(&mut datagram), Some(stream));
            assert_eq!(datagram, b"x"[..]);
        }
    }

    #[test]
    fn a_crooked_tag_is_no_tag() {
        let short: [&[u8]; 4] = [&[], &[0x40], &[0x80, 1, 2], &[0xc0; 7]];
        let not_shortest: [&[u8]; 2] = [&[0x40, 1], &[0x80, 0, 0, 1]];
        let no_stream: [&[u8]; 1] = [&[0xff; 8]];
        for bytes in short.iter().chain(&not_shortest).chain(&no_stream) {
            assert_eq!(
                take_tag(&mut Bytes::copy_from_slice(bytes)),
                None,
                "{bytes:?}"
            );
        }
    }

    #[test]
    fn a_full_flow_loses_its_oldest_and_counts() {
        let mut flows = Flows::default();
        let flow = Arc::new(Flow::default());
        flows.join(4, &flow);
        for number in 0..=FLOW_DATAGRAMS_MAX {
            flows.dispatch(tagged(4, &number.to_be_bytes()));
        }
        let queue = lock(&flow.queue);
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
            flows.dispatch(tagged(4 * index, b"early"));
        }
        let (first, second) = (Arc::new(Flow::default()), Arc::new(Flow::default()));
        flows.join(0, &first);
        flows.join(4, &second);
        assert_eq!(lock(&first.queue).datagrams.len(), 0, "the oldest is gone");
        assert_eq!(lock(&second.queue).datagrams.len(), 1);
        assert_eq!(flows.early.len(), EARLY_DATAGRAMS_MAX - 1);
    }
}
