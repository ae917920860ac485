//! The streams of a transfer, and how much may be under way on each.

use std::collections::VecDeque;

use kith_core::content::wire::RANGE_BYTES_MAX;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::content::error::{GetError, STALL_MAX};
use crate::content::worker::{Brought, Connection, Done, Job};

/// How many streams a transfer uses: enough that one waiting for the disk does not make the others wait.
const STREAMS: usize = 4;

/// How many requests may be unanswered on one stream: at 40 ms there and back, this many small files of 4 KiB still make 25 MB/s.
const WINDOW_REQUESTS: usize = 256;

/// How many bytes may be unanswered on one stream: with all streams, a link of 1 Gbit/s and 130 ms stays full, and memory bounded.
const WINDOW_BYTES: u64 = 4 * RANGE_BYTES_MAX;

/// The streams of a transfer.
pub(super) struct Streams {
    list: Vec<StreamState>,
    tasks: JoinSet<()>,
    brought: mpsc::UnboundedReceiver<Brought>,
    sender: mpsc::UnboundedSender<Brought>,
    /// How many are of use, as far as the provider lets us.
    wanted: usize,
    /// Jobs that were given and have not come back.
    pub(super) in_flight: usize,
}

/// What is under way on one stream.
struct StreamState {
    jobs: mpsc::UnboundedSender<Job>,
    /// The bytes expected of each job, in the order they were given.
    expected: VecDeque<u64>,
    bytes: u64,
}

impl Streams {
    /// None yet.
    pub(super) fn new() -> Self {
        let (sender, brought) = mpsc::unbounded_channel();
        Self {
            list: Vec::new(),
            tasks: JoinSet::new(),
            brought,
            sender,
            wanted: STREAMS,
            in_flight: 0,
        }
    }

    /// Takes another stream into use.
    pub(super) fn add<R, W>(&mut self, connection: Connection<R, W>)
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let (jobs, receiver) = mpsc::unbounded_channel();
        let work = connection.work(self.list.len(), receiver, self.sender.clone());
        self.tasks.spawn(work);
        self.list.push(StreamState {
            jobs,
            expected: VecDeque::new(),
            bytes: 0,
        });
    }

    /// The stream with the most room, if any has some.
    fn roomiest(&mut self) -> Option<&mut StreamState> {
        let stream = self.list.iter_mut().min_by_key(|stream| stream.bytes)?;
        stream.has_room().then_some(stream)
    }

    /// No further stream could be opened: these have to do.
    pub(super) fn suffice(&mut self) {
        self.wanted = self.list.len();
    }

    /// Whether another stream would be of use.
    pub(super) fn want_another(&self) -> bool {
        self.are_busy() && self.list.len() < self.wanted
    }

    /// Whether none has room for more.
    pub(super) fn are_busy(&self) -> bool {
        !self.list.iter().any(StreamState::has_room)
    }

    /// Gives a job to the stream with the most room; false when none has any.
    pub(super) fn give(&mut self, job: Job) -> bool {
        let Some(stream) = self.roomiest() else {
            return false;
        };
        stream.bytes += job.bytes();
        stream.expected.push_back(job.bytes());
        // A stream that has failed has said so, which is found when its answers are taken.
        let _ = stream.jobs.send(job);
        self.in_flight += 1;
        true
    }

    /// Ends all streams, and returns when nothing of them writes to the disk any more, so that the next run may begin.
    pub(super) async fn close(self) {
        let Self {
            list,
            mut tasks,
            mut brought,
            sender,
            ..
        } = self;
        drop((list, sender));
        tasks.shutdown().await;
        while brought.recv().await.is_some() {}
    }

    /// Waits for the next things to arrive.
    pub(super) async fn next(&mut self) -> Result<Vec<Done>, GetError> {
        let brought = tokio::time::timeout(STALL_MAX, self.brought.recv()).await;
        let (number, done) = brought
            .map_err(|_| GetError::Stalled)?
            .ok_or(GetError::Stalled)?;
        let done = done?;
        let stream = &mut self.list[number];
        for _ in &done {
            stream.bytes -= stream.expected.pop_front().unwrap_or(0);
        }
        self.in_flight -= done.len();
        Ok(done)
    }
}

impl StreamState {
    fn has_room(&self) -> bool {
        self.bytes < WINDOW_BYTES && self.expected.len() < WINDOW_REQUESTS
    }
}
