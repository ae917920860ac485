//! Previews over HTTP: small pictures of the pictures in any share, as whoever provides it made them.

use axum::extract::{Path, Query, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use kith::Error;
use kith::content::PreviewError;
use kith::core::content::preview::{Refusal, Size};
use serde::Deserialize;

use super::door::Door;
use super::files::SANDBOX;
use crate::failure::Failure;

/// It is asked whether it is still that of the file each time, and sent only where it is not.
const KEPT: &str = "private, no-cache";

/// Which preview.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// How long the longer side is shown, in pixels.
    size: Option<u32>,
    /// Whether it is given only where it is here, without asking anybody.
    #[serde(default)]
    here: bool,
}

/// A small picture of a picture in a share, upright and without anything beside its pixels.
#[utoipa::path(get, path = "/api/v1/previews/{source}",
    params(("source", description = "PEER/SHARE/PATH or LINK/PATH, as for files; the path of a share that is one file is its name, or left out"),
        ("size" = Option<u32>, Query, description = "how long its longer side is shown, in pixels: there are previews of 320 (given up to 512, and without a word) and of 1280"),
        ("here" = Option<bool>, Query, description = "whether it is given only where it is here, without asking anybody"),
        ("If-None-Match" = Option<String>, Header, description = "the ETag of the one that is there")),
    responses((status = 200, description = "a JPEG; the ETag changes with the file", content_type = "image/jpeg"),
        (status = 304, description = "the one that is there is that of the file"),
        (status = 404, description = "there is none: no file or share, or whoever has it makes none"),
        (status = 409, description = "the file is not any more what was shared"),
        (status = 413, description = "the picture is too large"),
        (status = 415, description = "it is no picture, or none of a known kind"),
        (status = 422, description = "the picture is damaged"),
        (status = 503, description = "nobody who has it is there")))]
pub(super) async fn read(
    State(door): State<Door>,
    Path(source): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Response {
    let size = Size::for_side(asked.size.unwrap_or(0));
    let made = async {
        let contents = door.node().contents();
        let source = contents.resolve(&source).await?;
        match asked.here {
            true => contents.preview_here(&source, size).await,
            false => contents.preview(&source, size).await,
        }
    };
    let preview = match made.await {
        Ok(preview) => preview,
        Err(error) => return none(error),
    };
    let hash = blake3::Hash::from_bytes(preview.hash.0).to_hex();
    let tag = format!("\"{hash}-{}\"", size.side_max());
    let known = headers.get_all(IF_NONE_MATCH).iter();
    let is_known = known
        .filter_map(|known| known.to_str().ok())
        .flat_map(|known| known.split(','))
        .any(|known| known.trim().trim_start_matches("W/") == tag);
    let told = [
        (ETAG, tag),
        (CACHE_CONTROL, KEPT.to_owned()),
        (CONTENT_TYPE, "image/jpeg".to_owned()),
        (X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (CONTENT_SECURITY_POLICY, SANDBOX.to_owned()),
    ];
    match is_known {
        true => (StatusCode::NOT_MODIFIED, told).into_response(),
        false => (told, preview.jpeg).into_response(),
    }
}

/// Why there is none; the status says it to programs.
fn none(error: Error) -> Response {
    let status = match &error {
        Error::Preview(PreviewError::Away(_)) => Some(StatusCode::SERVICE_UNAVAILABLE),
        Error::Preview(PreviewError::Refused(why)) => Some(match why {
            Refusal::NoPicture => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::Broken => StatusCode::UNPROCESSABLE_ENTITY,
            Refusal::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::Changed => StatusCode::CONFLICT,
            Refusal::NoFile | Refusal::NotMade => StatusCode::NOT_FOUND,
        }),
        _ => None,
    };
    let mut response = Failure::from(error).into_response();
    if let Some(status) = status {
        *response.status_mut() = status;
    }
    response
}
