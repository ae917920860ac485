//! Thousands of connections leave nothing behind.

use super::*;

/// File descriptors this process has open; `None` where the system does not tell.
fn descriptors() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count())
}

/// Other tests of this process open and close files too: a leak of one per connection is far beyond them.
const DESCRIPTORS_OTHERS: usize = 300;

/// Connections one after the other.
const IN_SEQUENCE: usize = 5_000;

/// Connections at once.
const AT_ONCE: usize = 500;

async fn exchange(forward: &Forward, number: usize) -> TcpStream {
    let mut client = connect(forward).await;
    let sent = number.to_be_bytes();
    client.write_all(&sent).await.expect("sent");
    let mut got = [0; 8];
    soon("the echo", client.read_exact(&mut got))
        .await
        .expect("it stands");
    assert_eq!(got, sent);
    client
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_by_the_thousand_leave_no_stream_and_no_file_open() {
    let address = server(echo).await;
    let (alice, bob) = two().await;
    let (_offered, forward) = reach(&alice, &bob, address).await;
    drop(exchange(&forward, 0).await);
    let before = descriptors();

    for number in 0..IN_SEQUENCE {
        let mut client = exchange(&forward, number).await;
        if number % 2 == 0 {
            client.shutdown().await.expect("half-closed");
            let end = soon("the end", client.read(&mut [0])).await;
            assert_eq!(end.expect("clean"), 0);
        }
    }
    all_ended(&alice).await;
    all_ended(&bob).await;

    let mut clients = Vec::new();
    for number in 0..AT_ONCE {
        clients.push(exchange(&forward, number).await);
    }
    let streams = bob.sessions().iter().map(|session| session.streams).max();
    assert_eq!(streams, Some(AT_ONCE as u32),);
    drop(clients);
    all_ended(&alice).await;
    all_ended(&bob).await;
    if let (Some(before), Some(after)) = (before, descriptors()) {
        assert!(
            after <= before + DESCRIPTORS_OTHERS,
            "{before} before, {after} after"
        );
    }
}
