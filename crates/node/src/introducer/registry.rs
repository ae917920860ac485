//! The registry's shell: requests from streams to the machine of [`kith_core::discovery`], its records to `registry.db`,
//! its answers back.
//!
//! One task owns the machine. It takes the requests that have gathered while the disk was busy as one batch, writes
//! what they changed in one transaction, and only then answers: nobody is told that a record is kept before it is,
//! and a thousand publishers share one write. A batch that cannot be written is not answered, and nothing more is
//! taken until it is.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kith_core::codec::{self, DecodeError, FRAME_HEADER_BYTES, Wire as _};
use kith_core::crypto::Ed25519;
use kith_core::discovery::registry::ROW_KIND;
use kith_core::discovery::{
    Answer, Client, Record, Refusal, Registry, RegistryConfig, RegistryOutput, Request,
};
use kith_core::ids::DeviceKey;
use kith_core::row::Row;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, error};

use crate::clock;
use crate::home::Home;
use crate::relay::metrics::Metrics;
use crate::store::{Store, StoreError};

/// The most requests in one transaction: at 1.2 KiB a record it stays under 1 MiB of log.
const BATCH_REQUESTS_MAX: usize = 512;

/// The most requests that wait for the machine; further streams wait to hand theirs in.
const QUEUE_REQUESTS_MAX: usize = 1_024;

/// How long a stream may stand between two requests: as long as a session without streams.
const IDLE_MAX: Duration = Duration::from_secs(5 * 60);

/// How long one request may take to arrive, and one answer to be taken: three losses in a row on a slow line.
const TRANSFER_MAX: Duration = Duration::from_secs(10);

/// Why a stream of requests ended early.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The stream broke.
    #[error("the stream broke: {0}")]
    Stream(#[from] io::Error),
    /// A request of more bytes than any has.
    #[error(transparent)]
    TooLarge(#[from] DecodeError),
    /// A request did not arrive whole, or its answer was not taken, within 10 s.
    #[error("the other side is too slow")]
    TooSlow,
    /// The records cannot be written now; the reason is in the log.
    #[error("the registry cannot keep records now")]
    Unwritable,
    /// The registry was closed.
    #[error("the registry is closed")]
    Closed,
}

/// A running registry.
#[derive(Debug)]
pub struct RegistryService {
    calls: mpsc::Sender<Call>,
    closing: CancellationToken,
    tasks: TaskTracker,
}

/// One request on its way to the machine.
#[derive(Debug)]
struct Call {
    client: Client,
    request: Vec<u8>,
    answer: oneshot::Sender<Answer>,
    /// Whether it is one of those that are counted: a stranger's.
    counted: bool,
}

impl RegistryService {
    /// Loads what `data` holds and begins to serve.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be used.
    pub async fn open(
        data: &Path,
        config: RegistryConfig,
        metrics: Arc<Metrics>,
    ) -> Result<Self, StoreError> {
        let store = Store::open(&Home::at(data).registry(), &[])?;
        let rows = store.call(|store| store.load(&[ROW_KIND])).await?;
        let rows = rows.into_iter().map(|(_, key, value)| Row {
            kind: ROW_KIND,
            key,
            value: Some(value),
        });
        let keeper = Keeper {
            machine: Registry::restore(Ed25519, config, clock::now(), rows),
            store,
            unwritten: Vec::new(),
            metrics,
        };
        keeper.report();
        let (calls, queue) = mpsc::channel(QUEUE_REQUESTS_MAX);
        let (closing, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(keeper.run(queue, closing.clone()));
        tasks.close();
        Ok(Self {
            calls,
            closing,
            tasks,
        })
    }

    /// Answers the requests of `client` on one stream, in turn, until it ends its half or is idle for five minutes.
    ///
    /// # Errors
    /// [`ServeError`]; the stream is then to be reset.
    pub async fn serve(
        &self,
        mut receive: impl AsyncRead + Unpin,
        mut send: impl AsyncWrite + Unpin,
        client: Client,
    ) -> Result<(), ServeError> {
        while let Some(request) = read_request(&mut receive).await? {
            let answer = self.hand_in(client, request, true).await?;
            let framed = codec::frame(&answer.to_bytes());
            let written = async {
                send.write_all(&framed).await?;
                send.flush().await
            };
            timeout(TRANSFER_MAX, written)
                .await
                .map_err(|_| ServeError::TooSlow)??;
        }
        send.shutdown().await?;
        Ok(())
    }

    /// Keeps a record of the introducer's own; why it does not, where it refuses.
    ///
    /// # Errors
    /// [`ServeError::Unwritable`] and [`ServeError::Closed`].
    pub(super) async fn keep(&self, record: Record) -> Result<Option<Refusal>, ServeError> {
        let client = Client {
            key: DeviceKey(record.locator().0),
            address: None,
        };
        let request = Request::Publish(record).to_bytes();
        match self.hand_in(client, request, false).await? {
            Answer::Refused(refusal) => Ok(Some(refusal)),
            _ => Ok(None),
        }
    }

    /// Finishes what it has taken, and closes the database.
    pub async fn close(&self) {
        self.closing.cancel();
        self.tasks.wait().await;
    }

    async fn hand_in(
        &self,
        client: Client,
        request: Vec<u8>,
        counted: bool,
    ) -> Result<Answer, ServeError> {
        let (answer, answered) = oneshot::channel();
        let call = Call {
            client,
            request,
            answer,
            counted,
        };
        let taken = self.calls.send(call).await;
        taken.map_err(|_| ServeError::Closed)?;
        answered.await.map_err(|_| ServeError::Unwritable)
    }
}

/// The next request's bytes; `None` when there are no more, or none for a long time.
async fn read_request(
    receive: &mut (impl AsyncRead + Unpin),
) -> Result<Option<Vec<u8>>, ServeError> {
    let mut header = [0; FRAME_HEADER_BYTES];
    match timeout(IDLE_MAX, receive.read(&mut header[..1])).await {
        Ok(Ok(1)) => {}
        Ok(Ok(_)) | Err(_) => return Ok(None),
        Ok(Err(error)) => return Err(error.into()),
    }
    let whole = async {
        receive.read_exact(&mut header[1..]).await?;
        let mut request = vec![0; codec::frame_length(header, Request::BYTES_MAX)?];
        receive.read_exact(&mut request).await?;
        Ok(Some(request))
    };
    timeout(TRANSFER_MAX, whole)
        .await
        .unwrap_or(Err(ServeError::TooSlow))
}

/// The task that owns the machine.
struct Keeper {
    machine: Registry<Ed25519>,
    store: Store,
    /// What the machine changed and the disk refused.
    unwritten: Vec<Row>,
    metrics: Arc<Metrics>,
}

impl Keeper {
    /// Serves until `closing`, and then what is in the queue.
    async fn run(mut self, mut queue: mpsc::Receiver<Call>, closing: CancellationToken) {
        let mut batch = Vec::new();
        loop {
            tokio::select! {
                () = closing.cancelled(), if !queue.is_closed() => queue.close(),
                () = due(self.machine.poll_timeout()) => {}
                taken = queue.recv_many(&mut batch, BATCH_REQUESTS_MAX) => {
                    if taken == 0 {
                        break;
                    }
                }
            }
            self.handle(std::mem::take(&mut batch)).await;
            self.report();
        }
    }

    /// Shows how many records there are.
    fn report(&self) {
        let records = self.machine.counts().records;
        self.metrics.records.set(records as u64);
    }

    /// Decides a batch, writes what it changed, and answers it. Dropping a call tells its stream that it failed.
    async fn handle(&mut self, batch: Vec<Call>) {
        if !self.unwritten.is_empty() && !self.write().await {
            return;
        }
        let now = clock::now();
        self.machine.handle_timeout(now);
        let mut waiting = Vec::with_capacity(batch.len());
        for (number, call) in (0..).zip(batch) {
            self.machine
                .handle_request(now, call.client, number, &call.request);
            waiting.push((call.answer, call.counted));
        }
        // The machine answers in the order of the requests.
        let mut answers = Vec::with_capacity(waiting.len());
        while let Some(output) = self.machine.poll_output() {
            match output {
                RegistryOutput::Store(row) => self.unwritten.push(row),
                RegistryOutput::Answer { answer, .. } => answers.push(answer),
            }
        }
        if !self.write().await {
            return;
        }
        for ((waiting, counted), answer) in waiting.into_iter().zip(answers) {
            if counted {
                self.count(&answer);
            }
            if waiting.send(answer).is_err() {
                debug!("a registry client left before its answer");
            }
        }
    }

    /// Whether everything the machine changed is on the disk now.
    async fn write(&mut self) -> bool {
        if self.unwritten.is_empty() {
            return true;
        }
        let rows = Arc::new(std::mem::take(&mut self.unwritten));
        let to_write = rows.clone();
        let written = self.store.call(move |store| store.write(&to_write)).await;
        if let Err(error) = &written {
            error!(%error, "the registry cannot be written");
            self.unwritten = Arc::unwrap_or_clone(rows);
        }
        let unwritable = u64::from(written.is_err());
        self.metrics.registry_unwritable.set(unwritable);
        written.is_ok()
    }

    fn count(&self, answer: &Answer) {
        match answer {
            Answer::Kept => self.metrics.records_published.increment(),
            Answer::Records(_) => self.metrics.lookups.increment(),
            Answer::Refused(_) => self.metrics.registry_refused.increment(),
        }
    }
}

/// Waits until `time`; for good where there is none.
async fn due(time: Option<kith_core::time::Time>) {
    match time {
        Some(time) => sleep_until(Instant::now() + time.since(clock::now())).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
