//! Two endpoints, one connection: keys, exporter, half-close, datagrams, the end.

use std::time::Instant;

use kith::routing::stream::StreamError;
use kith::routing::{Ended, PathKind};
use kith_core::codec::DecodeError;
use kith_core::routing::config::DIAL_WITHIN;
use kith_core::routing::datagram::Flow;
use tokio::net::UdpSocket;

use super::{contact_face, direct_route, joined, pair, soon};

#[tokio::test]
async fn both_sides_export_the_same_secret_and_another_connection_another() {
    let (one, other, dialled, accepted) = pair().await;
    assert_eq!(dialled.exporter(), accepted.exporter());
    assert_eq!(
        (dialled.remote(), accepted.remote()),
        (other.device(), one.device())
    );
    assert!(dialled.is_dialler() && !accepted.is_dialler());
    let (_one, _other, second, _accepted) = pair().await;
    assert_ne!(dialled.exporter(), second.exporter());
}

#[tokio::test]
async fn a_direct_dial_is_direct_and_sees_the_other_address() {
    let (one, other, dialled, accepted) = pair().await;
    let path = dialled.path().expect("it is open");
    assert_eq!(path.kind, PathKind::Direct);
    assert_eq!(dialled.observed(), other.bound_addresses().first().copied());
    assert_eq!(accepted.observed(), one.bound_addresses().first().copied());
}

/// A route learnt while an older one is dialled in vain has a dial of its own beside it.
#[tokio::test]
async fn a_second_dial_of_a_device_does_not_wait_for_the_first() {
    let (one, other) = tokio::join!(contact_face(&[]), contact_face(&[]));
    let silent = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
    let mut stale = direct_route(&other);
    stale.addresses = vec![silent.local_addr().expect("bound")];
    let dialler = one.clone();
    let first = tokio::spawn(async move { dialler.connect(&stale).await });
    // It is under way.
    soon("a packet", silent.readable()).await.expect("bound");
    let begun = Instant::now();
    let (dialled, _accepted) = joined(&one, &other, &direct_route(&other)).await;
    assert!(begun.elapsed() < DIAL_WITHIN / 3, "{:?}", begun.elapsed());
    assert_eq!(dialled.remote(), other.device());
    first.abort();
}

#[tokio::test]
async fn a_half_that_is_finished_leaves_the_other_open() {
    let (_one, _other, dialled, accepted) = pair().await;
    let (mut send, mut receive) = dialled.open_stream().await.expect("open");
    send.write_frame(b"question").await.expect("open");
    send.finish().expect("once");
    let (mut reply, mut question) = soon("a stream", accepted.accept_stream())
        .await
        .expect("open");
    assert_eq!(
        (reply.flow(), question.flow()),
        (send.flow(), receive.flow())
    );
    let frame = question.read_frame(64).await.expect("whole");
    assert_eq!(frame.as_deref(), Some(&b"question"[..]));
    assert!(
        question
            .read_frame(64)
            .await
            .expect("a clean end")
            .is_none()
    );
    reply
        .write_all(b"answer")
        .await
        .expect("the other half is open");
    reply.finish().expect("once");
    let answer = soon("the answer", receive.read_to_end(64)).await;
    assert_eq!(answer.expect("whole"), b"answer");
    soon("delivery", reply.delivered())
        .await
        .expect("it was read");
}

#[tokio::test]
async fn a_dropped_sender_is_no_clean_end() {
    let (_one, _other, dialled, accepted) = pair().await;
    let (mut send, _receive) = dialled.open_stream().await.expect("open");
    send.write_all(b"half of it").await.expect("open");
    let (_reply, mut receive) = soon("a stream", accepted.accept_stream())
        .await
        .expect("open");
    drop(send);
    let error = soon("the reset", receive.read_to_end(64)).await;
    assert!(matches!(error, Err(StreamError::GivenUp(0))), "{error:?}");
}

#[tokio::test]
async fn an_oversized_frame_is_refused_by_its_header() {
    let (_one, _other, dialled, accepted) = pair().await;
    let (mut send, _receive) = dialled.open_stream().await.expect("open");
    send.write_all(&u32::MAX.to_be_bytes()).await.expect("open");
    let (_reply, mut receive) = soon("a stream", accepted.accept_stream())
        .await
        .expect("open");
    let error = soon("the header", receive.read_frame(16)).await;
    let too_large = DecodeError::TooLarge {
        actual: u32::MAX as usize,
        limit: 16,
    };
    assert!(
        matches!(&error, Err(StreamError::Frame(found)) if *found == too_large),
        "{error:?}"
    );
}

/// The flow of the bidirectional stream with this QUIC number.
fn flow(stream: u64) -> Flow {
    Flow::of_stream(stream).expect("a bidirectional stream")
}

#[tokio::test]
async fn datagrams_find_their_flow() {
    let (_one, _other, dialled, accepted) = pair().await;
    let here = [dialled.datagrams(flow(0)), dialled.datagrams(flow(400))];
    let there = [accepted.datagrams(flow(0)), accepted.datagrams(flow(400))];
    for (number, datagrams) in here.iter().enumerate() {
        let bytes_max = datagrams.bytes_max().expect("both sides take datagrams");
        assert!(bytes_max > 1_100, "{bytes_max}");
        datagrams.send(&[number as u8]).expect("small enough");
        datagrams
            .send(&vec![number as u8; bytes_max])
            .expect("just small enough");
        assert!(datagrams.send(&vec![0; 65_000]).is_err());
    }
    for (number, datagrams) in there.iter().enumerate() {
        let first = soon("a datagram", datagrams.receive()).await.expect("open");
        assert_eq!(first[..], [number as u8]);
        let second = soon("a datagram", datagrams.receive()).await.expect("open");
        assert!(second.len() > 1_100 && second.iter().all(|byte| *byte == number as u8));
    }
    dialled.close(7, "done");
    assert_eq!(soon("the end", there[0].receive()).await, None);
}

#[tokio::test]
async fn a_close_tells_code_and_reason() {
    let (_one, _other, dialled, accepted) = pair().await;
    dialled.close(42, "enough for today");
    let end = soon("the end", accepted.closed()).await;
    let reason = "enough for today".to_owned();
    assert_eq!(end, Ended::There { code: 42, reason });
    assert_eq!(dialled.end(), Some(Ended::Here));
}

#[tokio::test]
async fn a_closed_endpoint_accepts_no_more_and_frees_the_accepter() {
    let endpoint = contact_face(&[]).await;
    let (accepted, ()) = tokio::join!(soon("the end", endpoint.accept()), endpoint.close());
    assert!(accepted.is_none());
}
