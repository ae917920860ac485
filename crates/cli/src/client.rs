//! The typed client of the local API, over the Unix socket of a data directory.

use std::path::PathBuf;

use crate::api::{RAW, STREAM_HEADER};
use crate::failure::Failure;
use crate::socket;
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HOST, UPGRADE};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kith::ErrorKind;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest line the daemon sends, in bytes: a list entry with room for a manifest's longest names.
const LINE_BYTES_MAX: usize = 1 << 20;

/// Speaks to the daemon of one data directory.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    socket: PathBuf,
}

/// What an upgraded call becomes.
#[derive(Debug)]
pub(crate) struct Raw {
    /// Raw bytes both ways.
    pub(crate) bytes: TokioIo<hyper::upgrade::Upgraded>,
    /// The stream that they are: `GET /streams/{stream}` tells how it ended.
    pub(crate) stream: u64,
}

impl Client {
    /// Will speak to the daemon behind `socket`.
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Reads something.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.call(Method::GET, path, None::<&()>).await
    }

    /// Does something.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Removes something.
    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.call(Method::DELETE, path, None::<&()>).await
    }

    /// Announces that the end of the bytes sent on this stream will be the end that is meant.
    pub(crate) async fn finish(&self, stream: u64) -> Result<(), Failure> {
        let path = format!("/streams/{stream}/finish");
        let _: serde_json::Value = self.post(&path, &()).await?;
        Ok(())
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Failure> {
        let response = self.send(method, path, body, false).await?;
        let bytes = whole(response).await?;
        serde_json::from_slice(&bytes).map_err(Failure::failed)
    }

    /// Does something whose answer arrives as JSON lines, while it goes on. Dropping the answer ends it.
    pub(crate) async fn lines(&self, path: &str, body: &impl Serialize) -> Result<Lines, Failure> {
        let response = self.send(Method::POST, path, Some(body), false).await?;
        Ok(Lines {
            body: response.into_body(),
            buffer: BytesMut::new(),
        })
    }

    /// Does something that turns the call into raw bytes both ways.
    pub(crate) async fn upgrade(&self, path: &str, body: &impl Serialize) -> Result<Raw, Failure> {
        let response = self.send(Method::POST, path, Some(body), true).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(Failure::failed("the node did not switch to raw bytes"));
        }
        let named = response
            .headers()
            .get(STREAM_HEADER)
            .and_then(|value| value.to_str().ok());
        let stream = named.and_then(|value| value.parse().ok());
        let stream = stream.ok_or_else(|| Failure::failed("the node did not name the stream"))?;
        let bytes = TokioIo::new(hyper::upgrade::on(response).await.map_err(lost)?);
        Ok(Raw { bytes, stream })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        upgrade: bool,
    ) -> Result<Response<Incoming>, Failure> {
        let stream = socket::connect(&self.socket).await.map_err(lost)?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(lost)?;
        tokio::spawn(connection.with_upgrades());
        let body = match body {
            Some(body) => serde_json::to_vec(body).map_err(Failure::failed)?,
            None => Vec::new(),
        };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header(HOST, "kith.localhost")
            .header(CONTENT_TYPE, "application/json");
        if upgrade {
            request = request.header(CONNECTION, "upgrade").header(UPGRADE, RAW);
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(Failure::usage)?;
        let response = sender.send_request(request).await.map_err(lost)?;
        if response.status().is_success() || response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(response);
        }
        let status = response.status();
        let bytes = whole(response).await?;
        Err(serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Failure::failed(format!("the node answered {status}"))))
    }
}

/// All of an answer.
async fn whole(response: Response<Incoming>) -> Result<Bytes, Failure> {
    let collected = response.into_body().collect().await.map_err(lost)?;
    Ok(collected.to_bytes())
}

/// An answer that arrives line by line.
#[derive(Debug)]
pub(crate) struct Lines {
    body: Incoming,
    buffer: BytesMut,
}

impl Lines {
    /// The next line; `None` at the end.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, Failure> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(end + 1);
                return read_line(&line).map(Some);
            }
            if self.buffer.len() > LINE_BYTES_MAX {
                return Err(Failure::failed("the node sent a line without an end"));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => return Err(lost(error)),
                None => return Ok(None),
            }
        }
    }
}

/// A line is a result, or `{"failure": …}` when the work failed after it began.
fn read_line<T: DeserializeOwned>(line: &[u8]) -> Result<T, Failure> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Failed {
        failure: Failure,
    }
    if let Ok(Failed { failure }) = serde_json::from_slice(line) {
        return Err(failure);
    }
    serde_json::from_slice(line).map_err(Failure::failed)
}

/// The daemon went away in the middle.
fn lost(error: impl std::fmt::Display) -> Failure {
    Failure::new(
        ErrorKind::Failed,
        format!("lost the connection to the node: {error}"),
    )
}
