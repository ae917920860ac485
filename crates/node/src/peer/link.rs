//! The tasks of one connection: its control stream both ways, its incoming streams, its paths, its end.
//!
//! None of them decides anything: what comes in goes to the machine, what the machine says goes out.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kith_core::codec::Wire as _;
use kith_core::routing::{Answer, CloseCode, ConnId, Offer, SILENT_MAX};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_util::task::TaskTracker;
use tracing::{debug, trace};

use super::begun::ControlStream;
use super::input::{Input, Turn};
use super::live::{Said, Standing, Stood};
use super::protocols::Protocols;
use super::stream::{About, Stream};
use super::streams::{OpenStream, OpenStreams};
use super::unread::{Crowd, Seat};
use crate::routing::stream::StreamError;
use crate::routing::{Connection, Ended, ReceiveHalf, SendHalf};

/// How long the opener of a stream may take to say what it offers: it sends the offer with the stream's first byte.
pub const OFFER_WITHIN: Duration = Duration::from_secs(10);

/// What is read of a control stream at once, in bytes: a whole frame in most cases.
const CONTROL_CHUNK_BYTES: usize = 4096;

/// In how many looks silence is noticed: a process that stood still for a while hears what came meanwhile before the next.
const LOOKS_AT_SILENCE: u32 = 8;

/// What the tasks of a connection share.
#[derive(Clone, Debug)]
pub(super) struct LinkTasks {
    pub(super) conn: ConnId,
    pub(super) connection: Connection,
    pub(super) inputs: mpsc::UnboundedSender<Input>,
    pub(super) protocols: Protocols,
    pub(super) streams: OpenStreams,
    pub(super) crowd: Crowd,
    pub(super) session: watch::Receiver<Option<Standing>>,
    pub(super) tasks: TaskTracker,
}

impl LinkTasks {
    /// Starts them. `control` gives the bytes for the control stream, which the dialler has `opened`.
    pub(super) fn start(self, opened: Option<ControlStream>, control: mpsc::Receiver<Said>) {
        let tasks = self.tasks.clone();
        tasks.spawn(self.clone().watch_end());
        tasks.spawn(self.clone().watch_paths());
        tasks.spawn(self.clone().watch_silence());
        tasks.spawn(self.run(opened, control));
    }

    /// The control stream, and then the streams that follow it.
    async fn run(self, opened: Option<ControlStream>, control: mpsc::Receiver<Said>) {
        let (send, receive) = match opened {
            Some(opened) => opened,
            None => match self.connection.accept_stream().await {
                Ok(accepted) => accepted,
                Err(_) => return, // The end of the connection is told by its own task.
            },
        };
        self.tasks.spawn(write_control(send, control));
        self.take(receive).await;
    }

    /// Takes what comes: streams as soon as it is known who opens them, and the bytes of the control stream. Streams go
    /// first: a farewell there means that there are no streams, so those that came before it have to be counted before it.
    async fn take(mut self, mut control: ReceiveHalf) {
        let mut control_stands = true;
        // A chunk is read when the one before it was taken: what comes faster than that fills the stream's window and nothing else.
        let turns = Arc::new(Semaphore::new(1));
        loop {
            let standing = *self.session.borrow_and_update();
            let places = standing.map_or(u32::MAX - 1, |standing| standing.level.streams_max());
            tokio::select! {
                biased;
                // Introduced, or a pending contact was confirmed. Or the session is over, and who opens streams while the connection lingers is not answered.
                changed = self.session.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    if let Some(standing) = *self.session.borrow() {
                        // Places announced a moment ago may have been those of the earlier level.
                        let places = standing.level.streams_max();
                        self.connection.set_stream_limit(places + 1);
                    }
                }
                halves = self.connection.accept_stream(), if standing.is_some() => {
                    let (Ok(halves), Some(standing)) = (halves, standing) else {
                        return; // The end of the connection is told by its own task.
                    };
                    let place = (self.streams.count(), self.crowd.enter());
                    self.tasks.spawn(self.clone().answer(halves, place, standing));
                }
                (turn, read) = read_chunk(&turns, &mut control), if control_stands => match read {
                    Err(StreamError::GivenUp(code)) => return self.heard_last_word(code),
                    Ok(Some(chunk)) => {
                        let (conn, bytes) = (self.conn, chunk.to_vec());
                        if self.inputs.send(Input::Control { conn, bytes, turn }).is_err() {
                            return;
                        }
                    }
                    _ => control_stands = false,
                },
                () = tokio::time::sleep(self.crowd.look_again_after()), if self.crowd.is_crowded(places) => {
                    // The control stream counts as one.
                    self.connection.announce_streams(places + 1);
                    if self.crowd.is_full(places) {
                        self.crowd.reset_unread();
                    }
                }
                _ = self.connection.closed() => return,
            }
        }
    }

    async fn watch_paths(self) {
        let turns = Arc::new(Semaphore::new(1));
        let mut changes = self.connection.path_changes();
        loop {
            let (conn, turn) = (self.conn, next_turn(&turns).await);
            let Some(path) = changes.next().await else {
                return;
            };
            trace!(conn = conn.0, kind = ?path.kind, rtt = ?path.rtt, "path");
            if self.inputs.send(Input::Path { conn, path, turn }).is_err() {
                return;
            }
        }
    }

    /// The other side has ended the session.
    fn heard_last_word(self, code: u64) {
        let (conn, reason) = (self.conn, String::new());
        let ended = Ended::There { code, reason };
        debug!(conn = conn.0, ?ended, "the control stream ended");
        // A node that is shutting down needs not be told.
        let _ = self.inputs.send(Input::Closed { conn, ended });
        self.connection.close(CloseCode::Done.number(), "");
    }

    /// Tells when somebody waits for an answer and nothing at all comes. What is asked is acknowledged within a round trip, so a question that takes
    /// long to answer is no silence.
    async fn watch_silence(self) {
        loop {
            tokio::select! {
                () = self.streams.asked() => {}
                _ = self.connection.closed() => return,
            }
            let mut heard = self.connection.packets_received();
            let mut looks = 0;
            while looks < LOOKS_AT_SILENCE && self.streams.asking() > 0 {
                let look = tokio::time::sleep(SILENT_MAX / LOOKS_AT_SILENCE);
                tokio::select! {
                    () = look => {}
                    _ = self.connection.closed() => return,
                }
                let before = std::mem::replace(&mut heard, self.connection.packets_received());
                looks = if heard == before { looks + 1 } else { 0 };
            }
            if looks == LOOKS_AT_SILENCE {
                let conn = self.conn;
                debug!(conn = conn.0, "nobody answers");
                if self.inputs.send(Input::Silence { conn, heard }).is_err() {
                    return;
                }
            }
        }
    }

    async fn watch_end(self) {
        let ended = self.connection.closed().await;
        debug!(conn = self.conn.0, ?ended, "connection ended");
        // A node that is shutting down needs not be told.
        let _ = self.inputs.send(Input::Closed {
            conn: self.conn,
            ended,
        });
    }

    /// Answers the offer of one stream and hands it to who accepts its protocol.
    async fn answer(
        self,
        halves: (SendHalf, ReceiveHalf),
        (open, seat): (OpenStream, Arc<Seat>),
        standing: Standing,
    ) {
        let (mut send, mut receive) = halves;
        let read = tokio::time::timeout(OFFER_WITHIN, receive.read_frame(Offer::BYTES_MAX)).await;
        let Ok(Ok(Some(body))) = read else {
            return; // Dropped, and so reset: there is nothing to answer to.
        };
        let Ok(offer) = Offer::read(&body) else {
            debug!(
                conn = self.conn.0,
                "a stream began with something that is no offer"
            );
            return;
        };
        let answer = self.protocols.choose(standing.peer, standing.level, &offer);
        match send.write_chunk(answer.framed().into()).await {
            // Who only sends may have given up its reading half: what it sent is still for somebody.
            Ok(()) | Err(StreamError::GivenUp(_)) => {}
            Err(_) => return,
        }
        let Answer::Picked(index) = answer else {
            debug!(conn = self.conn.0, offer = ?offer.names(), ?answer, "refused a stream");
            let _ = send.finish();
            let _ = send.delivered().await;
            return;
        };
        let name = offer.names()[usize::from(index)].clone();
        let stood = Stood::default();
        stood.set();
        let about = About {
            peer: standing.peer,
            level: standing.level,
            protocol: name,
            connection: self.connection.clone(),
            stood,
            open,
            seat: Some(seat),
        };
        let stream = Stream::accepted((send, receive), about);
        self.protocols.deliver(stream);
    }
}

/// The right to bring one more input.
async fn next_turn(turns: &Arc<Semaphore>) -> Turn {
    turns.clone().acquire_owned().await.expect("never closed")
}

/// Reads what there is of a control stream, when it is its turn.
async fn read_chunk(
    turns: &Arc<Semaphore>,
    control: &mut ReceiveHalf,
) -> (Turn, Result<Option<Bytes>, StreamError>) {
    let turn = next_turn(turns).await;
    (turn, control.read_chunk(CONTROL_CHUNK_BYTES).await)
}

async fn write_control(mut send: SendHalf, mut control: mpsc::Receiver<Said>) {
    while let Some(said) = control.recv().await {
        match said {
            Said::Frames(bytes) => {
                if send.write_chunk(bytes.into()).await.is_err() {
                    return;
                }
            }
            // The engine repeats it until it has arrived.
            Said::LastWord(code) => return send.reset(code.number()),
        }
    }
}

#[cfg(test)]
mod tests;
