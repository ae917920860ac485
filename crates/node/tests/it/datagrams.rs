//! Datagrams beside streams, between whole nodes.

use kith::core::routing::Access;
use kith::routing::datagram::{FLOW_DATAGRAMS_MAX, SendError};
use kith::{Acceptor, Node, Stream};

use crate::friends::two;
use crate::waiting::soon;

async fn streams(alice: &Node, bob: &Node, count: usize) -> (Vec<Stream>, Vec<Stream>) {
    let name = "/game/1".parse().expect("a name");
    let mut acceptor: Acceptor = alice.accept(name, Access::Contacts).expect("free");
    let (mut there, mut here) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let name = "/game/1".parse().expect("a name");
        let mut stream = bob.open(alice.peer_id(), &[name]).await.expect("a session");
        soon("an answer", stream.agreed()).await.expect("spoken");
        here.push(stream);
        there.push(soon("the stream", acceptor.next()).await.expect("running"));
    }
    (there, here)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_size_limit_is_visible_and_holds() {
    let (alice, bob) = two().await;
    let (there, here) = streams(&alice, &bob, 1).await;
    let (receiving, sending) = (there[0].datagrams(), here[0].datagrams());
    let bytes_max = sending.bytes_max().expect("they take datagrams");
    assert!((1_100..65_536).contains(&bytes_max), "{bytes_max}");
    // The limit may rise meanwhile, when the path is found to take more.
    let far_too_large = vec![0; 65_536];
    assert_eq!(sending.send(&far_too_large), Err(SendError::TooLarge));
    for length in [0, 1, bytes_max] {
        let sent = vec![7; length];
        let got = async {
            loop {
                // Datagrams may be lost.
                sending.send(&sent).expect("within the limit");
                let wait = std::time::Duration::from_millis(500);
                if let Ok(got) = tokio::time::timeout(wait, receiving.receive()).await
                    && let Some(got) = got
                    && got.len() == length
                {
                    return got;
                }
            }
        };
        assert_eq!(soon("a datagram", got).await[..], sent[..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn flows_do_not_mix() {
    let (alice, bob) = two().await;
    let (there, here) = streams(&alice, &bob, 8).await;
    let sending: Vec<_> = here.iter().map(Stream::datagrams).collect();
    let receiving: Vec<_> = there.iter().map(Stream::datagrams).collect();
    for round in 0..20_u8 {
        for (number, flow) in sending.iter().enumerate() {
            flow.send(&[number as u8, round]).expect("small");
        }
    }
    for (number, flow) in receiving.iter().enumerate() {
        for _ in 0..10 {
            let got = soon("a datagram", flow.receive()).await.expect("it stands");
            assert_eq!(usize::from(got[0]), number, "another flow's");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_is_late_loses_the_oldest_and_no_other_flow_anything() {
    let (alice, bob) = two().await;
    let (there, here) = streams(&alice, &bob, 2).await;
    let (late, lively) = (there[0].datagrams(), there[1].datagrams());
    let (flood, calm) = (here[0].datagrams(), here[1].datagrams());
    let mut number = 0_u32;
    let dropped = async {
        while late.dropped() < 100 {
            flood.send(&number.to_be_bytes()).expect("small");
            number += 1;
            tokio::task::yield_now().await;
        }
    };
    soon("a full queue", dropped).await;
    let first = soon("the oldest kept", late.receive())
        .await
        .expect("it stands");
    let first = u32::from_be_bytes(first[..].try_into().expect("four bytes"));
    assert!(first >= 100, "the oldest {first} was kept");
    let kept = async {
        let mut kept = 1;
        while kept < FLOW_DATAGRAMS_MAX {
            late.receive().await.expect("it stands");
            kept += 1;
        }
    };
    soon("as many as are kept", kept).await;
    let got = async {
        loop {
            calm.send(b"calm").expect("small");
            let wait = std::time::Duration::from_millis(500);
            if let Ok(got) = tokio::time::timeout(wait, lively.receive()).await {
                return got;
            }
        }
    };
    assert_eq!(
        soon("the other flow", got).await.as_deref(),
        Some(&b"calm"[..])
    );
    assert_eq!(lively.dropped(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_end_with_their_connection() {
    let (alice, bob) = two().await;
    let (_there, here) = streams(&alice, &bob, 1).await;
    let flow = here[0].datagrams();
    let ended = tokio::spawn(async move {
        let end = flow.receive().await;
        (end, flow.send(b"late"))
    });
    alice.shutdown().await;
    let (end, late) = soon("the end", ended).await.expect("no panic");
    assert_eq!(end, None);
    assert_eq!(late, Err(SendError::Ended));
}
