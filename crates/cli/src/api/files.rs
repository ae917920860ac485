//! Files over HTTP, of transfers while they arrive and of any share: whole or a range (RFC 9110, section 14), so that a player can seek. Each version of
//! one has a strong tag (`ETag`), by which whoever goes on with a range is not given a part of another.

use std::io;
use std::ops::Range;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{
    ACCEPT_RANGES, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures_util::stream::{self, StreamExt as _};
use kith::Error;
use kith::content::{FileReader, FileVersion, ReadError};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::conditions::{Terms, may_be_a_range, terms};
use super::door::Door;
use crate::failure::Failure;
use crate::path::segment;

/// How long it may take until something is known of a file, and the first of what is wanted of it is here: longer than a provider takes that looks at a
/// large folder anew.
const BEGUN_WITHIN: Duration = Duration::from_secs(60);

/// What is said when nothing was.
const NOBODY: &str = "nobody who has it is there now; try again when they are";

/// What a browser may do with a file that it shows: no scripts, no forms, nothing from elsewhere, and no origin.
pub(super) const SANDBOX: &str = "sandbox; default-src 'none'";

/// What is sent as what, by the end of its name. Nothing that a browser would run.
const TYPES: &[(&str, &str)] = &[
    ("avi", "video/x-msvideo"),
    ("avif", "image/avif"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("heic", "image/heic"),
    ("heif", "image/heif"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("m4a", "audio/mp4"),
    ("m4v", "video/mp4"),
    ("md", "text/plain; charset=utf-8"),
    ("mkv", "video/x-matroska"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("ogg", "audio/ogg"),
    ("opus", "audio/ogg"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("srt", "text/plain; charset=utf-8"),
    ("txt", "text/plain; charset=utf-8"),
    ("vtt", "text/vtt"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webp", "image/webp"),
];

/// What anything else is sent as.
const ANY_TYPE: &str = "application/octet-stream";

/// How a file is wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wishes {
    /// Only where it is here whole, without asking anybody.
    here: bool,
}

/// What a caller wants of a file.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(Range<u64>),
    /// Nothing that it has.
    Beyond,
}

/// A file of a transfer, or a range of it, as its bytes arrive, and afterwards. What is asked for is fetched first.
#[utoipa::path(get, path = "/api/v1/transfers/{id}/files/{path}",
    params(("id", description = "a number"), ("path", description = "the file below what is fetched; its name, where that is one file"),
        ("Range" = Option<String>, Header, description = "bytes=FIRST-LAST, bytes=FIRST- or bytes=-LENGTH"),
        ("If-Range" = Option<String>, Header, description = "the ETag of the version of which a range is wanted: all is sent of another"),
        ("If-None-Match" = Option<String>, Header, description = "ETags of versions that are had already"),
        ("If-Match" = Option<String>, Header, description = "ETags of the versions that are meant")),
    responses((status = 200, description = "all of it", content_type = "application/octet-stream",
            headers(("ETag" = String, description = "the version: a strong tag, another for each content"))),
        (status = 206, description = "the range", content_type = "application/octet-stream"),
        (status = 304, description = "it is what is had already (If-None-Match)"),
        (status = 409, description = "it is not any more what was shared"),
        (status = 412, description = "it is another version than is meant (If-Match)"),
        (status = 416, description = "the file has nothing there; Content-Range says how long it is"),
        (status = 503, description = "nobody who has it is there, or the transfer rests")))]
pub(super) async fn read_fetched(
    State(door): State<Door>,
    Path((id, path)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let opened = async {
        let transfers = door.node().contents().transfers();
        Ok::<_, Failure>(transfers.open(id.parse()?, &path)?)
    };
    match opened.await {
        Ok(reader) => answer(reader, &path, &method, &headers).await,
        Err(failure) => failure.into_response(),
    }
}

/// A file of any share, or a range of it: of an own share where it lies; of somebody else's it need not have been fetched, and just what
/// is read is.
#[utoipa::path(get, path = "/api/v1/files/{source}",
    params(("source", description = "PEER/SHARE/PATH or LINK/PATH, as for get; the path of a share that is one file is its name, or left out"),
        ("here" = Option<bool>, Query, description = "whether it is given only where it is here whole, without asking anybody"),
        ("Range" = Option<String>, Header, description = "bytes=FIRST-LAST, bytes=FIRST- or bytes=-LENGTH"),
        ("If-Range" = Option<String>, Header, description = "the ETag of the version of which a range is wanted: all is sent of another"),
        ("If-None-Match" = Option<String>, Header, description = "ETags of versions that are had already"),
        ("If-Match" = Option<String>, Header, description = "ETags of the versions that are meant")),
    responses((status = 200, description = "all of it", content_type = "application/octet-stream",
            headers(("ETag" = String, description = "the version: a strong tag, another for each content"))),
        (status = 206, description = "the range", content_type = "application/octet-stream"),
        (status = 304, description = "it is what is had already (If-None-Match)"),
        (status = 409, description = "it is not any more what was shared"),
        (status = 412, description = "it is another version than is meant (If-Match)"),
        (status = 416, description = "the file has nothing there; Content-Range says how long it is"),
        (status = 503, description = "nobody who has it is there")))]
pub(super) async fn read(
    State(door): State<Door>,
    Path(source): Path<String>,
    Query(wishes): Query<Wishes>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let opened = async {
        let contents = door.node().contents();
        let wanted = contents.resolve(&source).await?;
        match wishes.here {
            true => contents.open_here(&wanted).await,
            false => contents.open(&wanted).await,
        }
    };
    match opened.await {
        Ok(reader) => answer(reader, &source, &method, &headers).await,
        Err(Error::Read(error)) => unread(error),
        Err(error) => Failure::from(error).into_response(),
    }
}

/// What is wanted of a file. Nothing is told of it before the first of its bytes is here, or it is known that none comes: who was told has no way to
/// hear why the rest does not follow.
async fn answer(
    mut reader: FileReader,
    path: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Response {
    let deadline = Instant::now() + BEGUN_WITHIN;
    let FileVersion { size, tag } = match in_time(deadline, reader.version()).await {
        Ok(version) => version,
        Err(error) => return unread(error),
    };
    let tag = format!("\"{tag}\"");
    let tagged = [(ETAG, tag.clone())];
    match terms(headers, &tag) {
        Terms::Met => {}
        Terms::HasIt => return (StatusCode::NOT_MODIFIED, tagged).into_response(),
        Terms::Another => return (StatusCode::PRECONDITION_FAILED, tagged).into_response(),
    }
    let range = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let range = range.filter(|_| may_be_a_range(headers, &tag));
    let (status, range) = match wanted(range, size) {
        Wanted::All => (StatusCode::OK, 0..size),
        Wanted::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Wanted::Beyond => {
            let told = [(CONTENT_RANGE, format!("bytes */{size}")), (ETAG, tag)];
            return (StatusCode::RANGE_NOT_SATISFIABLE, told).into_response();
        }
    };
    let mut reader = reader.until(range.end);
    let first = match range.is_empty() || *method == Method::HEAD {
        true => Ok(Vec::new()),
        false => in_time(deadline, next(&mut reader, &range)).await,
    };
    let first = match first {
        Ok(first) => first,
        Err(error) => return unread(error),
    };
    let mut response = (status, told(path, tag, &range)).into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let told = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        let told = told.parse().expect("digits are good in a header");
        response.headers_mut().insert(CONTENT_RANGE, told);
    }
    *response.body_mut() = body(reader, range, first);
    response
}

/// Headers that keep a browser from taking a file for anything but data: it may be of somebody who means ill.
fn told(path: &str, tag: String, range: &Range<u64>) -> [(HeaderName, String); 7] {
    let name = path.rsplit('/').next().unwrap_or_default();
    let (content_type, shown) = match content_type(name) {
        Some(known) => (known, "inline"),
        None => (ANY_TYPE, "attachment"),
    };
    [
        (ACCEPT_RANGES, "bytes".to_owned()),
        (ETAG, tag),
        (CONTENT_LENGTH, (range.end - range.start).to_string()),
        (CONTENT_TYPE, content_type.to_owned()),
        (
            CONTENT_DISPOSITION,
            format!("{shown}; filename*=UTF-8''{}", segment(name)),
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (CONTENT_SECURITY_POLICY, SANDBOX.to_owned()),
    ]
}

/// What is waited for no longer than until then.
async fn in_time<T>(
    deadline: Instant,
    reading: impl Future<Output = Result<T, ReadError>>,
) -> Result<T, ReadError> {
    match timeout_at(deadline, reading).await {
        Ok(read) => read,
        Err(_) => Err(ReadError::Away(NOBODY.to_owned())),
    }
}

/// The first bytes of a range, one at least.
async fn next(reader: &mut FileReader, range: &Range<u64>) -> Result<Vec<u8>, ReadError> {
    let mut bytes = reader.read(range.start).await?;
    let left = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    bytes.truncate(left);
    match bytes.is_empty() {
        // It was cut since.
        true => Err(ReadError::Changed),
        false => Ok(bytes),
    }
}

/// The bytes of a range, as the caller takes them, of which these are the first.
fn body(reader: FileReader, range: Range<u64>, first: Vec<u8>) -> Body {
    let rest = range.start + first.len() as u64..range.end;
    let first = (!first.is_empty()).then_some(Ok::<_, io::Error>(first));
    let pieces = stream::try_unfold((reader, rest), async |(mut reader, rest)| {
        if rest.is_empty() {
            return Ok(None);
        }
        let bytes = next(&mut reader, &rest).await.map_err(io::Error::other)?;
        let start = rest.start + bytes.len() as u64;
        Ok::<_, io::Error>(Some((bytes, (reader, start..rest.end))))
    });
    Body::from_stream(stream::iter(first).chain(pieces))
}

/// What a `Range` asks for. Several ranges, other units and what is no range count as none, as they may.
fn wanted(range: Option<&str>, size: u64) -> Wanted {
    let range = range.and_then(|range| range.trim().strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
        return Wanted::All;
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
        (Some(first), None) if last.is_empty() => first..size,
        (None, Some(length)) if first.is_empty() => size.saturating_sub(length)..size,
        _ => return Wanted::All,
    };
    match range.is_empty() {
        true => Wanted::Beyond,
        false => Wanted::Part(range),
    }
}

/// Digits and nothing else; more than there can be are as many as there can be.
fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().unwrap_or(u64::MAX))
}

/// What a file of this name is sent as; `None` where it is nothing that is shown.
fn content_type(name: &str) -> Option<&'static str> {
    let end = name.rsplit_once('.').map(|(_, end)| end.to_lowercase());
    let known = TYPES
        .iter()
        .find(|(known, _)| Some(*known) == end.as_deref());
    known.map(|(_, content_type)| *content_type)
}

/// Why nothing of a file is sent.
fn unread(error: ReadError) -> Response {
    let status = match error {
        ReadError::Away(_) | ReadError::Ended => Some(StatusCode::SERVICE_UNAVAILABLE),
        ReadError::Changed => Some(StatusCode::CONFLICT),
        _ => None,
    };
    let mut response = Failure::from(Error::from(error)).into_response();
    if let Some(status) = status {
        *response.status_mut() = status;
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_http_says() {
        for (range, meant) in [
            (None, Wanted::All),
            (Some("bytes=0-3"), Wanted::Part(0..4)),
            (Some("bytes=4-"), Wanted::Part(4..10)),
            (Some("bytes=-4"), Wanted::Part(6..10)),
            (Some("bytes=-40"), Wanted::Part(0..10)),
            (Some("bytes=8-99999999999999999999"), Wanted::Part(8..10)),
            (Some("bytes=10-"), Wanted::Beyond),
            (Some("bytes=99999999999999999999-"), Wanted::Beyond),
            (Some("bytes=-0"), Wanted::Beyond),
            (Some("bytes=4-3"), Wanted::All),
            (Some("bytes=0-1,4-5"), Wanted::All),
            (Some("bytes=+1-2"), Wanted::All),
            (Some("bytes=-"), Wanted::All),
            (Some("lines=0-1"), Wanted::All),
        ] {
            assert_eq!(wanted(range, 10), meant, "{range:?}");
        }
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Beyond);
    }

    #[test]
    fn nothing_is_sent_as_what_a_browser_runs() {
        assert_eq!(content_type("film.MKV"), Some("video/x-matroska"));
        for name in ["page.html", "picture.svg", "script.js", "film", "mkv"] {
            assert_eq!(content_type(name), None, "{name}");
        }
    }
}
