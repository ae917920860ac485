//! An introducer's registry, seen from the node that uses it: records left, records found.
//!
//! Requests go out one after the other without waiting for answers, which come back in the same order
//! ([`kith_core::discovery::wire`]): publishing for a hundred contacts costs one round trip. The stream beneath belongs to a
//! session with the introducer; when it ends, so does this client, and a further one needs a further stream.
//!
//! Nothing that comes back is believed here. Who asked verifies.

use std::future::pending;
use std::io;
use std::time::Duration;

use kith_core::codec::{self, DecodeError, FRAME_HEADER_BYTES, Wire as _};
use kith_core::discovery::{Answer, Record, Refusal, Request};
use kith_core::ids::Locator;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tracing::debug;

/// The most requests without an answer. At 1 KiB each, and 100 ms to the introducer and back, they carry 640 records
/// a second, more than any introducer takes from one node.
const UNANSWERED_MAX: usize = 64;

/// How long the next answer may take. A registry answers from memory, after one write to its disk; what takes longer is a
/// dead path that the session has not noticed yet.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// One stream to an introducer's registry. Clones share it; it ends with the last of them.
#[derive(Clone, Debug)]
pub struct RegistryClient {
    asked: mpsc::Sender<Asked>,
}

/// Why a request came to nothing.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The registry does not want to.
    #[error("the introducer refuses: {0}")]
    Refused(Refusal),
    /// The stream ended or broke before the answer came.
    #[error("the stream to the introducer ended")]
    Ended,
    /// No answer within 10 s.
    #[error("the introducer does not answer")]
    Silent,
    /// The introducer's mistake: what came is no answer.
    #[error("the introducer's answer is malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// The introducer's mistake: an answer to another kind of request.
    #[error("the introducer answers something else than it was asked")]
    OffTopic,
}

/// A request, and where its answer goes.
#[derive(Debug)]
struct Asked {
    request: Request,
    answer: Waiting,
}

type Waiting = oneshot::Sender<Result<Answer, RegistryError>>;

impl RegistryClient {
    /// Speaks [`REGISTRY_PROTOCOL`](kith_core::discovery::REGISTRY_PROTOCOL) on a stream that negotiated it. Must be
    /// called inside a runtime: the stream is driven by a task of its own.
    pub fn new(
        receive: impl AsyncRead + Unpin + Send + 'static,
        send: impl AsyncWrite + Unpin + Send + 'static,
    ) -> Self {
        let (asked, requests) = mpsc::channel(UNANSWERED_MAX);
        tokio::spawn(drive(receive, send, requests));
        Self { asked }
    }

    /// Leaves `record`; kept by the introducer, also over its restart, when this returns.
    ///
    /// # Errors
    /// [`RegistryError`]. [`Refusal::Stale`] says which sequence is there already.
    pub async fn publish(&self, record: Record) -> Result<(), RegistryError> {
        match self.ask(Request::Publish(record)).await? {
            Answer::Kept => Ok(()),
            _ => Err(RegistryError::OffTopic),
        }
    }

    /// What stands under `locator`: at most
    /// [`RECORDS_PER_LOCATOR_MAX`](kith_core::discovery::wire::RECORDS_PER_LOCATOR_MAX) records, not verified.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn lookup(&self, locator: Locator) -> Result<Vec<Record>, RegistryError> {
        match self.ask(Request::Lookup(locator)).await? {
            Answer::Records(records) => Ok(records),
            _ => Err(RegistryError::OffTopic),
        }
    }

    /// Whether the stream has ended, so that nothing more can be asked.
    pub fn is_ended(&self) -> bool {
        self.asked.is_closed()
    }

    async fn ask(&self, request: Request) -> Result<Answer, RegistryError> {
        let (answer, answered) = oneshot::channel();
        let asked = Asked { request, answer };
        if self.asked.send(asked).await.is_err() {
            return Err(RegistryError::Ended);
        }
        match answered.await.map_err(|_| RegistryError::Ended)?? {
            Answer::Refused(refusal) => Err(RegistryError::Refused(refusal)),
            answer => Ok(answer),
        }
    }
}

/// Writes requests and reads answers, until either fails or nobody asks any more. Only when nothing more can be asked
/// are those told who still wait: by an error, or by the drop of their channel.
async fn drive(
    receive: impl AsyncRead + Unpin,
    send: impl AsyncWrite + Unpin,
    requests: mpsc::Receiver<Asked>,
) {
    let (sent, mut waiting) = mpsc::channel(UNANSWERED_MAX);
    let write = async {
        match write_requests(send, requests, sent).await {
            // What was sent is still to be answered; reading ends this.
            Ok(()) => pending().await,
            Err(error) => debug!(%error, "cannot write to a registry"),
        }
    };
    let failed = tokio::select! {
        () = write => None,
        failed = read_answers(receive, &mut waiting) => failed,
    };
    if let Some((answer, error)) = failed {
        let _ = answer.send(Err(error));
    }
}

async fn write_requests(
    mut send: impl AsyncWrite + Unpin,
    mut requests: mpsc::Receiver<Asked>,
    sent: mpsc::Sender<Waiting>,
) -> io::Result<()> {
    while let Some(Asked { request, answer }) = requests.recv().await {
        // First the place in the queue: it bounds what is sent, and starts the clock also where writing gets stuck.
        if sent.send(answer).await.is_err() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        send.write_all(&codec::frame(&request.to_bytes())).await?;
        if requests.is_empty() {
            send.flush().await?;
        }
    }
    send.shutdown().await
}

/// Reads an answer for each who waits; who waited for one that cannot be had, and why.
async fn read_answers(
    mut receive: impl AsyncRead + Unpin,
    waiting: &mut mpsc::Receiver<Waiting>,
) -> Option<(Waiting, RegistryError)> {
    while let Some(answer) = waiting.recv().await {
        match timeout(ANSWER_MAX, read_answer(&mut receive)).await {
            Ok(Ok(read)) => {
                // Who asked may have lost interest.
                let _ = answer.send(Ok(read));
            }
            Ok(Err(error)) => return Some((answer, error)),
            Err(_) => return Some((answer, RegistryError::Silent)),
        }
    }
    None
}

async fn read_answer(receive: &mut (impl AsyncRead + Unpin)) -> Result<Answer, RegistryError> {
    let mut header = [0; FRAME_HEADER_BYTES];
    receive
        .read_exact(&mut header)
        .await
        .map_err(|_| RegistryError::Ended)?;
    let mut bytes = vec![0; codec::frame_length(header, Answer::BYTES_MAX)?];
    receive
        .read_exact(&mut bytes)
        .await
        .map_err(|_| RegistryError::Ended)?;
    Ok(Answer::from_bytes(&bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;
    use kith_core::crypto::{Ed25519, SecretKey};
    use kith_core::discovery::{Client, Registry, RegistryConfig, RegistryOutput, Slot, Terms};
    use kith_core::ids::DeviceKey;
    use kith_core::time::Time;
    use tokio::io::{DuplexStream, duplex, split};

    const NOW: Time = Time(1_000_000);

    /// A client, and the introducer's end of its stream.
    fn connect() -> (RegistryClient, DuplexStream) {
        let (near, far) = duplex(4096);
        let (receive, send) = split(near);
        (RegistryClient::new(receive, send), far)
    }

    fn secret(byte: u8) -> SecretKey {
        SecretKey::from_bytes([byte; 32])
    }

    fn record(locator: u8, sequence: u64) -> Record {
        let terms = Terms {
            slot: Slot([0; 16]),
            sequence,
            expires: Time(2_000_000),
            payload: vec![locator; 900],
        };
        Record::sign(&Ed25519, &secret(locator), terms).expect("within bounds")
    }

    async fn read_request(stream: &mut DuplexStream) -> Option<Vec<u8>> {
        let mut header = [0; FRAME_HEADER_BYTES];
        stream.read_exact(&mut header).await.ok()?;
        let length = codec::frame_length(header, Request::BYTES_MAX).expect("a request");
        let mut bytes = vec![0; length];
        stream
            .read_exact(&mut bytes)
            .await
            .expect("the whole of it");
        Some(bytes)
    }

    /// A real registry at the other end, that answers nothing before `at_once` requests are there.
    async fn serve(mut stream: DuplexStream, at_once: usize) {
        let mut registry = Registry::new(Ed25519, RegistryConfig::default(), NOW);
        let client = Client {
            key: DeviceKey([1; 32]),
            address: None,
        };
        loop {
            for number in 0..at_once {
                let Some(request) = read_request(&mut stream).await else {
                    return;
                };
                registry.handle_request(NOW, client, number as u64, &request);
            }
            while let Some(output) = registry.poll_output() {
                if let RegistryOutput::Answer { answer, .. } = output {
                    let framed = codec::frame(&answer.to_bytes());
                    stream.write_all(&framed).await.expect("the client reads");
                }
            }
        }
    }

    #[tokio::test]
    async fn what_was_left_is_found() {
        let (client, far) = connect();
        tokio::spawn(serve(far, 1));
        client.publish(record(1, 5)).await.expect("kept");
        let found = client.lookup(secret(1).locator()).await.expect("answered");
        assert_eq!(found, [record(1, 5)]);
        let found = client.lookup(secret(2).locator()).await.expect("answered");
        assert_eq!(found, []);
        let error = client.publish(record(1, 4)).await.expect_err("older");
        assert!(matches!(
            error,
            RegistryError::Refused(Refusal::Stale { newest: 5 })
        ));
    }

    #[tokio::test]
    async fn requests_do_not_wait_for_answers() {
        let (client, far) = connect();
        // This registry never answers one request alone.
        tokio::spawn(serve(far, 32));
        let publish = |number| client.publish(record(number, 1));
        let kept = join_all((1..=32).map(publish)).await;
        assert!(kept.iter().all(Result::is_ok), "{kept:?}");
    }

    #[tokio::test]
    async fn an_ended_stream_ends_everybody_who_waits_and_who_comes_after() {
        let (client, mut far) = connect();
        let (first, second) = (client.clone(), client.clone());
        let waiting = tokio::spawn(async move {
            tokio::join!(
                first.lookup(secret(1).locator()),
                second.lookup(secret(2).locator())
            )
        });
        read_request(&mut far).await.expect("the first");
        read_request(&mut far).await.expect("the second");
        drop(far);
        let (first, second) = waiting.await.expect("no panic");
        assert!(matches!(first, Err(RegistryError::Ended)), "{first:?}");
        assert!(matches!(second, Err(RegistryError::Ended)), "{second:?}");
        let after = client.lookup(secret(1).locator()).await;
        assert!(matches!(after, Err(RegistryError::Ended)), "{after:?}");
        assert!(client.is_ended());
    }

    #[tokio::test]
    async fn an_answer_that_is_none_ends_the_stream() {
        let oversized = [0xff; FRAME_HEADER_BYTES].to_vec();
        for bytes in [oversized, codec::frame(b"nonsense")] {
            let (client, mut far) = connect();
            far.write_all(&bytes).await.expect("room");
            let answer = client.lookup(secret(1).locator()).await;
            assert!(
                matches!(answer, Err(RegistryError::Malformed(_))),
                "{answer:?}"
            );
            let after = client.lookup(secret(1).locator()).await;
            assert!(matches!(after, Err(RegistryError::Ended)), "{after:?}");
        }
    }

    #[tokio::test]
    async fn an_answer_to_another_question_is_not_taken() {
        let (client, mut far) = connect();
        let kept = codec::frame(&Answer::Kept.to_bytes());
        far.write_all(&kept).await.expect("room");
        let answer = client.lookup(secret(1).locator()).await;
        assert!(matches!(answer, Err(RegistryError::OffTopic)), "{answer:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_registry_is_given_up() {
        // Keeps the stream open, and reads nothing once its buffer of 4 KiB is full.
        let (client, _far) = connect();
        let publish = |number| client.publish(record(number, 1));
        let results = join_all((1..=8).map(publish)).await;
        assert!(matches!(results[0], Err(RegistryError::Silent)));
        assert!(results[1..].iter().all(Result::is_err));
    }

    #[tokio::test]
    async fn the_stream_ends_with_its_last_client() {
        let (client, mut far) = connect();
        drop(client);
        assert_eq!(read_request(&mut far).await, None);
    }
}
