//! How a handler is asked and how it answers: JSON, JSON lines while long work goes on, or a failure.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::future::BoxFuture;
use kith::ErrorKind;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::failure::Failure;

/// The most bytes of a call's JSON: a selection of as many files as a transfer takes (4 MiB of names), each in quotes, and as much again for
/// what JSON escapes. Files that are put into albums are no JSON, and as large as the disk.
pub(super) const BODY_BYTES_MAX: usize = 10 << 20;

/// Lines that wait for the client to read; then the work waits.
const LINES_AHEAD_MAX: usize = 64;

/// What a handler gives back.
pub(super) type Answer<T> = Result<Json<T>, Failure>;

/// A request's JSON. What cannot be read is answered as every other mistake.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Asked<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(asked)) => Ok(Self(asked)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                let most = BODY_BYTES_MAX >> 20;
                Err(Failure::usage(format!("more than {most} MiB were sent")))
            }
            Err(rejection) => Err(Failure::usage(rejection.body_text())),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match self.kind {
            ErrorKind::Usage => StatusCode::BAD_REQUEST,
            ErrorKind::NotFound => StatusCode::NOT_FOUND,
            ErrorKind::NotAllowed => StatusCode::FORBIDDEN,
            ErrorKind::NotVerified => StatusCode::UNPROCESSABLE_ENTITY,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, Json(self)).into_response()
    }
}

/// Where long work puts its lines.
#[derive(Clone, Debug)]
pub(super) struct LineSender(mpsc::Sender<Bytes>);

impl LineSender {
    /// Sends one line; waits while the client is slow.
    pub(super) async fn send(&self, value: &impl Serialize) {
        // Once the client is gone the work is dropped where it stands.
        let _ = self.0.send(line(value)).await;
    }
}

/// Answers with the lines of `work`, which ends when the client goes away. Its failure is the last line,
/// `{"failure": …}`.
pub(super) fn lines<W>(work: impl FnOnce(LineSender) -> W) -> Response
where
    W: Future<Output = Result<(), Failure>> + Send + 'static,
{
    let (sender, lines) = mpsc::channel(LINES_AHEAD_MAX);
    let work = Some(Box::pin(work(LineSender(sender))) as BoxFuture<'static, _>);
    let body = Body::from_stream(LineStream {
        work,
        lines,
        failure: None,
    });
    ([(CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

/// Runs the work while its lines are read.
struct LineStream {
    work: Option<BoxFuture<'static, Result<(), Failure>>>,
    lines: mpsc::Receiver<Bytes>,
    failure: Option<Failure>,
}

impl Stream for LineStream {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(work) = &mut self.work
            && let Poll::Ready(result) = work.as_mut().poll(cx)
        {
            self.work = None;
            self.failure = result.err();
        }
        match std::task::ready!(self.lines.poll_recv(cx)) {
            Some(line) => Poll::Ready(Some(Ok(line))),
            // Every line is out, and the work that held their sender is over.
            None => {
                let failure = self.failure.take();
                Poll::Ready(
                    failure.map(|failure| Ok(line(&serde_json::json!({ "failure": failure })))),
                )
            }
        }
    }
}

fn line(value: &impl Serialize) -> Bytes {
    let mut line = serde_json::to_vec(value).expect("what the API sends has text keys only");
    line.push(b'\n');
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    async fn text(response: Response) -> String {
        let body = response
            .into_body()
            .collect()
            .await
            .expect("whole")
            .to_bytes();
        String::from_utf8(body.to_vec()).expect("text")
    }

    #[tokio::test]
    async fn what_is_too_long_is_refused_in_words() {
        // Beyond the bound that holds where a router sets none.
        let long = format!("\"{}\"", "x".repeat(3 << 20));
        let request = Request::builder().header(CONTENT_TYPE, "application/json");
        let request = request.body(Body::from(long)).expect("sound");
        let refused = Asked::<String>::from_request(request, &()).await;
        let refused = refused.err().expect("too long");
        assert_eq!(refused.kind, ErrorKind::Usage);
        assert_eq!(refused.message, "more than 10 MiB were sent");
    }

    #[tokio::test]
    async fn lines_end_with_the_work() {
        let response = lines(async |out: LineSender| {
            for number in 0..2 * LINES_AHEAD_MAX {
                out.send(&number).await;
            }
            Ok(())
        });
        assert_eq!(text(response).await.lines().count(), 2 * LINES_AHEAD_MAX);
    }

    #[tokio::test]
    async fn a_failure_is_the_last_line() {
        let response = lines(async |out: LineSender| {
            out.send(&1).await;
            Err(Failure::usage("no"))
        });
        let expected = "1\n{\"failure\":{\"kind\":\"usage\",\"message\":\"no\"}}\n";
        assert_eq!(text(response).await, expected);
    }

    #[tokio::test]
    async fn work_ends_when_nobody_reads_it() {
        let (guard, gone) = tokio::sync::oneshot::channel::<()>();
        let response = lines(async move |_| {
            let _guard = guard;
            std::future::pending().await
        });
        drop(response);
        gone.await.expect_err("the work was dropped");
    }
}
