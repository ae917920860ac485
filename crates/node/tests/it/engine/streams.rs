//! Many streams on one connection, some of which nobody reads. The first two tests hold back an engine that closes the
//! whole connection over a reader who sleeps (noq-proto 1.4.0: "too many gaps in stream buffer").

use std::net::Ipv4Addr;
use std::pin::pin;

use bytes::Bytes;
use futures_util::poll;
use iroh::endpoint::{Endpoint, QuicTransportConfig, VarInt, presets};
use iroh::{EndpointAddr, TransportAddr};
use kith::routing::ConnectionEnded;
use kith::routing::stream::StreamError;
use kith::routing::transport::STREAM_WINDOW_BYTES;
use kith::routing::{Connection, ReceiveHalf, SendHalf};
use kith_core::routing::{STREAMS_CONTACT_MAX, STREAMS_STRANGER_MAX};

use super::{pair, soon};

/// Messages a sleeping reader lets pile up; the fault came at some 2,050.
const UNREAD_MESSAGES: usize = 20_000;

/// Opens a stream and shows it to the other side with one byte: the opener's send half, the other's receive half.
async fn stream(opener: &Connection, other: &Connection) -> (SendHalf, ReceiveHalf) {
    let open = async {
        let (mut send, _) = opener.open_stream().await?;
        // Waits only when there is no credit for a single byte.
        send.write_all(b"!").await.expect("open");
        let (_, mut receive) = other.accept_stream().await?;
        let first = receive.read_chunk(1).await.expect("open");
        assert_eq!(first, Some(Bytes::from_static(b"!")));
        Ok::<_, ConnectionEnded>((send, receive))
    };
    soon("a stream", open).await.expect("open")
}

/// Reads to the end and counts.
async fn count(mut receive: ReceiveHalf) -> Result<usize, StreamError> {
    let mut bytes = 0;
    while let Some(chunk) = receive.read_chunk(usize::MAX).await? {
        bytes += chunk.len();
    }
    Ok(bytes)
}

/// Two endpoints of the bare engine with a connection between them, on which a stream may be this far ahead of its
/// reader: further than [`STREAM_WINDOW_BYTES`], so that many messages lie unread.
struct Ahead {
    dialled: iroh::endpoint::Connection,
    accepted: iroh::endpoint::Connection,
    window_bytes: usize,
    _endpoints: [Endpoint; 2],
}

impl Ahead {
    async fn start(window_bytes: u32) -> Self {
        const ALPN: &[u8] = b"window";
        let endpoint = || async {
            let transport = QuicTransportConfig::builder()
                .stream_receive_window(VarInt::from_u32(window_bytes))
                .build();
            let builder = Endpoint::builder(presets::Minimal)
                .transport_config(transport)
                .alpns(vec![ALPN.to_vec()])
                .clear_ip_transports()
                .bind_addr((Ipv4Addr::LOCALHOST, 0))
                .expect("an address");
            builder.bind().await.expect("a free port")
        };
        let (one, other) = tokio::join!(endpoint(), endpoint());
        let places = other.bound_sockets().into_iter().map(TransportAddr::Ip);
        let target = EndpointAddr::from_parts(other.id(), places);
        let accept = async {
            let incoming = other.accept().await.expect("open");
            incoming.await.expect("a handshake")
        };
        let (dialled, accepted) = tokio::join!(one.connect(target, ALPN), soon("a dial", accept));
        Self {
            dialled: dialled.expect("it answers"),
            accepted,
            window_bytes: window_bytes as usize,
            _endpoints: [one, other],
        }
    }

    /// Sends messages, each in a packet of its own, until all have arrived and nobody has read a byte; then reads them.
    async fn read_late(&self, messages: usize, message_bytes: usize) {
        assert!(messages * message_bytes <= self.window_bytes);
        let (mut send, _receive) = self.dialled.open_bi().await.expect("open");
        let message = Bytes::from(vec![7; message_bytes]);
        for _ in 0..messages {
            let sent = soon("room", send.write_chunk(message.clone())).await;
            sent.expect("open");
            // As from a program that sends now and then.
            tokio::task::yield_now().await;
        }
        send.finish().expect("once");
        let unread = soon("arrival", send.stopped()).await.expect("open");
        assert_eq!(unread, None, "all of it was taken");
        let (_reply, mut receive) = self.accepted.accept_bi().await.expect("open");
        let all = soon("reading", receive.read_to_end(self.window_bytes)).await;
        assert_eq!(all.expect("open").len(), messages * message_bytes);
        assert!(self.dialled.close_reason().is_none());
        assert!(self.accepted.close_reason().is_none());
    }
}

#[tokio::test]
async fn a_reader_asleep_under_20_000_messages_keeps_its_connection() {
    for message_bytes in [64, 100] {
        let ahead = Ahead::start(2 * STREAM_WINDOW_BYTES).await;
        ahead.read_late(UNREAD_MESSAGES, message_bytes).await;
    }
}

#[tokio::test]
async fn the_engine_bears_a_full_window_of_8_mib_in_small_messages() {
    const WINDOW_BYTES: u32 = 8 * 1024 * 1024;
    let ahead = Ahead::start(WINDOW_BYTES).await;
    for message_bytes in [64, 100, 300, 500] {
        let messages = UNREAD_MESSAGES.min(WINDOW_BYTES as usize / message_bytes);
        ahead.read_late(messages, message_bytes).await;
    }
}

#[tokio::test]
async fn streams_that_nobody_reads_do_not_starve_the_others() {
    /// Streams whose readers sleep. 64 MiB in all, eight times the window at which everything stood still.
    const STALLED: usize = 32;
    /// Goes through a window four times.
    const BULK_BYTES: usize = 4 * STREAM_WINDOW_BYTES as usize;
    let (_one, _other, dialled, accepted) = pair().await;
    accepted.set_stream_limit(STREAMS_CONTACT_MAX);
    let mut asleep = Vec::new();
    for _ in 0..STALLED {
        let (mut send, receive) = stream(&dialled, &accepted).await;
        // One byte of the window is gone already.
        let rest = vec![0; STREAM_WINDOW_BYTES as usize - 1];
        soon("a full window", send.write_all(&rest))
            .await
            .expect("open");
        asleep.push((send, receive));
    }
    {
        let (stalled, _) = asleep.first_mut().expect("there are some");
        let mut more = pin!(stalled.write_all(b"?"));
        assert!(poll!(&mut more).is_pending(), "the window has no room left");
    }
    let mut quick = Vec::new();
    for _ in STALLED..STREAMS_CONTACT_MAX as usize {
        quick.push(stream(&dialled, &accepted).await);
    }
    let (mut bulk, bulk_reader) = quick.pop().expect("there are some");
    let reading = tokio::spawn(count(bulk_reader));
    soon("the bulk", bulk.write_all(&vec![1; BULK_BYTES]))
        .await
        .expect("open");
    bulk.finish().expect("once");
    let bytes = soon("the bulk", reading).await.expect("no panic");
    assert_eq!(bytes.expect("open"), BULK_BYTES);
    for (mut send, receive) in quick {
        soon("credit", send.write_all(b"ok")).await.expect("open");
        send.finish().expect("once");
        let bytes = soon("a short word", count(receive)).await;
        assert_eq!(bytes.expect("open"), 2);
    }
    for (_, receive) in asleep.iter_mut() {
        let chunk = soon("waking up", receive.read_chunk(1))
            .await
            .expect("open");
        assert_eq!(chunk.map(|bytes| bytes.len()), Some(1));
    }
}

#[tokio::test]
async fn a_stranger_holds_sixteen_streams_until_it_is_a_contact() {
    let (_one, _other, dialled, accepted) = pair().await;
    let mut held = Vec::new();
    for _ in 0..STREAMS_STRANGER_MAX {
        held.push(stream(&dialled, &accepted).await);
    }
    let mut one_more = pin!(dialled.open_stream());
    assert!(poll!(&mut one_more).is_pending());
    // A word there shows that the other side has had the time to give credit, and did not.
    let (send, receive) = held.last_mut().expect("there are some");
    send.write_all(b"?").await.expect("open");
    soon("a word", receive.read_chunk(1)).await.expect("open");
    assert!(poll!(&mut one_more).is_pending());
    accepted.set_stream_limit(STREAMS_CONTACT_MAX);
    soon("a place", one_more).await.expect("open");
}

#[tokio::test]
async fn a_finished_stream_makes_room_for_another() {
    let (_one, _other, dialled, accepted) = pair().await;
    for _ in 0..4 * STREAMS_STRANGER_MAX {
        let (mut send, receive) = stream(&dialled, &accepted).await;
        send.finish().expect("once");
        assert_eq!(soon("the end", count(receive)).await.expect("open"), 0);
    }
}
