//! Many streams on one session.

use super::*;

/// How long a hundred thousand streams may take that are opened and given up.
const GIVEN_UP_WITHIN: Duration = Duration::from_secs(120);

/// Resident memory of this process, in bytes; `None` where the system does not tell.
fn resident_bytes() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: usize = status.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// Fails if 90,000 streams have left a kilobyte each since `before`; other tests run in this process too, and take far less.
fn assert_nothing_left_of_90_000(before: Option<usize>) {
    if let (Some(before), Some(after)) = (before, resident_bytes()) {
        let grown = after.saturating_sub(before);
        assert!(grown < 90_000 * 1024, "{grown} bytes more");
    }
}

/// Writes until the other side's window is full.
async fn fill(stream: &mut Stream) {
    let full = Duration::from_millis(100);
    while let Ok(written) = tokio::time::timeout(full, stream.write(&[0; 65_536])).await {
        written.expect("it stands");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_nobody_reads_do_not_starve_the_others() {
    let (alice, bob) = two().await;
    let mut unread = alice
        .accept(protocol("/stalled/1"), Access::Contacts)
        .expect("free");
    echo(&alice, "/echo/1");
    let stalled = protocol("/stalled/1");
    let mut held = Vec::new();
    for _ in 0..40 {
        let mut stream = bob
            .open(alice.peer_id(), std::slice::from_ref(&stalled))
            .await
            .expect("a session");
        stream.agreed().await.expect("spoken");
        if held.len() < 4 {
            soon("a full window", fill(&mut stream)).await;
        } else {
            let part = stream.write_all(&[0; 256 * 1024]).await;
            part.expect("it stands");
        }
        held.push((stream, soon("the stream", unread.next()).await));
    }
    let mut stream = bob
        .open(alice.peer_id(), &[protocol("/echo/1")])
        .await
        .expect("a session");
    let (mut reader, mut writer) = {
        soon("an answer", ask(&mut stream))
            .await
            .expect("it is not starved");
        stream.into_split()
    };
    let bytes = 16 * 1024 * 1024;
    let write = async {
        for _ in 0..bytes / 65_536 {
            writer.write_all(&[7; 65_536]).await.expect("it stands");
        }
        writer.shutdown().await.expect("it stands");
    };
    let mut read = tokio::io::sink();
    let (copied, ()) = soon("16 MiB both ways", async {
        tokio::join!(tokio::io::copy(&mut reader, &mut read), write)
    })
    .await;
    assert_eq!(copied.expect("it stands"), bytes as u64);
    assert_eq!(held.len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_streams_leave_no_memory_behind() {
    let (alice, bob) = two().await;
    echo(&alice, "/echo/1");
    let name = protocol("/echo/1");
    let round = async |count: usize| {
        for _ in 0..count {
            let mut stream = bob
                .open(alice.peer_id(), std::slice::from_ref(&name))
                .await
                .expect("a session");
            stream.write_all(b"x").await.expect("it stands");
            stream.shutdown().await.expect("it stands");
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.expect("it stands");
            assert_eq!(answer, b"x");
        }
    };
    round(10_000).await;
    let before = resident_bytes();
    // Eight at a time: as many hands as a busy program has.
    tokio::join!(
        round(12_000),
        round(12_000),
        round(12_000),
        round(12_000),
        round(12_000),
        round(10_000),
        round(10_000),
        round(10_000),
    );
    assert_nothing_left_of_90_000(before);
    assert_eq!(bob.sessions().len(), 1, "all on one session");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_thousand_streams_that_are_given_up_at_once_are_nobodys_burden() {
    let (alice, bob) = two().await;
    echo(&alice, "/echo/1");
    let name = protocol("/echo/1");
    let abandon = async |count: usize| {
        for at in 0..count {
            let mut stream = bob
                .open(alice.peer_id(), std::slice::from_ref(&name))
                .await
                .expect("a session");
            // Some before they have said anything, some with a word under way: each is reset, and what comes back is not read.
            if at % 2 == 0 {
                stream.write_all(b"x").await.expect("it stands");
            }
        }
    };
    let answered = async || {
        let mut stream = bob
            .open(alice.peer_id(), std::slice::from_ref(&name))
            .await
            .expect("a session");
        soon("an answer", ask(&mut stream)).await.expect("answered");
    };
    abandon(10_000).await;
    answered().await;
    let before = resident_bytes();
    let all = async {
        tokio::join!(
            abandon(22_500),
            abandon(22_500),
            abandon(22_500),
            abandon(22_500)
        )
    };
    let done = tokio::time::timeout(GIVEN_UP_WITHIN, all).await;
    done.expect("a hundred thousand in time");
    answered().await;
    assert_nothing_left_of_90_000(before);
    assert_eq!(bob.sessions().len(), 1, "all on one session");
}
