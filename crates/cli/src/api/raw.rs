//! Calls that become a stream to a peer: after `101 Switching Protocols` the connection carries its bytes and nothing
//! else, with half-close both ways.
//!
//! An end of bytes cannot say whether it is the end that was meant. So the answer names the stream (`Kith-Stream: 7`),
//! `POST /streams/7/finish` announces that the end of the caller's bytes will be, and `GET /streams/7` waits until it is all over
//! and says how it ended.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::header::{CONNECTION, UPGRADE};
use axum::http::request::Parts;
use axum::http::{HeaderName, StatusCode};
use axum::response::Response;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use kith::Stream;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional_with_sizes};
use utoipa::ToSchema;

use super::answer::{Answer, Asked};
use super::contacts::protocol;
use super::door::Door;
use super::named::Named;
use super::streams::{Ended, LastBytes, no_stream};
use crate::failure::Failure;

/// What a call asks to become.
pub(crate) const RAW: &str = "kith-raw";

/// The header that names the stream a call has become.
pub(crate) const STREAM_HEADER: HeaderName = HeaderName::from_static("kith-stream");

/// Bytes on their way in each direction: what a Unix socket holds anyway, so that no copy waits for the other side.
const BUFFER_BYTES: usize = 64 * 1024;

/// How long the last bytes may take to arrive once everything is written. Past it the path is as good as dead.
const DELIVERED_WITHIN: Duration = Duration::from_secs(30);

/// To whom, and in what.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct PipeRequest {
    /// Petname or PeerId.
    pub(crate) peer: String,
    /// The protocols to offer, best first.
    pub(crate) protocols: Vec<String>,
}

/// A request that asks to become raw bytes.
pub(super) struct Upgrading(OnUpgrade);

impl<S: Send + Sync> FromRequestParts<S> for Upgrading {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let asked = parts.headers.get(UPGRADE).is_some_and(|value| value == RAW);
        match parts.extensions.remove::<OnUpgrade>() {
            Some(upgrade) if asked => Ok(Self(upgrade)),
            _ => Err(Failure::usage(format!(
                "this call becomes raw bytes: send 'Connection: upgrade' and 'Upgrade: {RAW}'"
            ))),
        }
    }
}

/// Opens a stream to a peer; the call becomes it.
#[utoipa::path(post, path = "/api/v1/pipe", request_body = PipeRequest,
    responses((status = 101, description = "raw bytes; the header Kith-Stream names the stream")))]
pub(super) async fn pipe(
    State(door): State<Door>,
    upgrading: Upgrading,
    Asked(asked): Asked<PipeRequest>,
) -> Result<Response, Failure> {
    let names = asked.protocols.iter().map(|name| protocol(name));
    let names = names.collect::<Result<Vec<_>, _>>()?;
    let named = Named::find(&door, &asked.peer).await?;
    // Nothing is switched before the other side has agreed, so that a refusal is an answer and not an early end.
    let opened = door.node().open_agreed(named.peer, &names).await;
    let stream = opened.map_err(|error| named.failure(error))?;
    Ok(become_stream(&door, named.name, stream, upgrading))
}

/// Takes an incoming stream that a listener was told of; the call becomes it.
#[utoipa::path(post, path = "/api/v1/streams/{number}", params(("number" = u64, description = "as the listener was told")),
    responses((status = 101, description = "raw bytes; the header Kith-Stream names the stream")))]
pub(super) async fn take(
    State(door): State<Door>,
    Path(number): Path<u64>,
    upgrading: Upgrading,
) -> Result<Response, Failure> {
    let taken = door.streams().take(number);
    let (name, stream) = taken.ok_or_else(|| no_stream(number))?;
    Ok(become_stream(&door, name, stream, upgrading))
}

/// Waits until a stream is over, and says how it ended.
#[utoipa::path(get, path = "/api/v1/streams/{number}", params(("number" = u64, description = "of Kith-Stream")),
    responses((status = 200, body = Ended)))]
pub(super) async fn outcome(State(door): State<Door>, Path(number): Path<u64>) -> Answer<Ended> {
    let mut begun = door.streams().begun(number)?;
    let ended = match begun.outcome.wait_for(Option::is_some).await {
        Ok(outcome) => outcome.clone().unwrap_or_else(|| Err(no_stream(number))),
        Err(_) => Err(Failure::failed("the node gave the stream up")),
    };
    door.streams().forget(number);
    ended.map(Json)
}

/// Announces the last bytes of a stream: their end, when it comes, is meant. Without it the end of a caller's bytes is that of
/// somebody who was killed, and the peer sees that the stream broke.
#[utoipa::path(post, path = "/api/v1/streams/{number}/finish", params(("number" = u64, description = "of Kith-Stream")),
    responses((status = 200, description = "an empty object")))]
pub(super) async fn finish(State(door): State<Door>, Path(number): Path<u64>) -> Answer<Value> {
    door.streams().begun(number)?.last_bytes.announce();
    Ok(Json(json!({})))
}

/// Joins `stream` to what the call becomes.
fn become_stream(door: &Door, name: String, stream: Stream, upgrading: Upgrading) -> Response {
    let (number, done, last_bytes) = door.streams().begin();
    tokio::spawn(async move {
        let outcome = carry(upgrading.0, last_bytes, stream).await;
        let failed = |error| Failure::failed(format!("the stream to {name} broke: {error}"));
        // Whoever opened it may not want to know.
        done.send_replace(Some(outcome.map_err(failed)));
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(CONNECTION, "upgrade")
        .header(UPGRADE, RAW)
        .header(STREAM_HEADER, number)
        .body(Body::empty())
        .expect("constant names, and a number")
}

/// Carries bytes both ways until both sides have ended theirs, and what was sent has arrived.
async fn carry(upgrade: OnUpgrade, last_bytes: LastBytes, stream: Stream) -> io::Result<Ended> {
    let bytes = TokioIo::new(upgrade.await.map_err(io::Error::other)?);
    let mut near = Caller { bytes, last_bytes };
    let (reader, writer) = stream.into_split();
    let mut far = tokio::io::join(reader, writer);
    let copied = copy_bidirectional_with_sizes(&mut near, &mut far, BUFFER_BYTES, BUFFER_BYTES);
    let (sent, received) = copied.await?;
    let (_, writer) = far.into_inner();
    tokio::time::timeout(DELIVERED_WITHIN, writer.delivered()).await??;
    Ok(Ended { sent, received })
}

/// The caller's side of a stream. Its end is an error unless it was announced.
struct Caller {
    bytes: TokioIo<Upgraded>,
    last_bytes: LastBytes,
}

impl AsyncRead for Caller {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.bytes).poll_read(cx, buffer))?;
        let is_end = buffer.filled().len() == before && buffer.remaining() > 0;
        if is_end && !self.last_bytes.are_announced() {
            let gone = "whoever sent it here went away in the middle";
            let gone = io::Error::new(io::ErrorKind::ConnectionAborted, gone);
            return Poll::Ready(Err(gone));
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Caller {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.bytes).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_shutdown(cx)
    }
}
