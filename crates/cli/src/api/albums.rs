//! Albums: shares that files are put into over HTTP, because they lie nowhere else.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use kith::ErrorKind;
use kith::content::AudienceKind;
use kith::peer::{AlbumError, Upload};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, Asked};
use super::door::Door;
use super::shares::{self, ShareInfo, Unshared};
use crate::failure::Failure;

/// An album to be made.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlbumRequest {
    /// What it is called; also its folder below `albums/` of the data directory.
    pub(crate) name: String,
    /// Who may have it: `contacts`, `named`, `link` or `public`. When left out, `named` where somebody is, else what the settings say.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub(crate) audience: Option<AudienceKind>,
    /// The named contacts, petnames or PeerIds.
    #[serde(default)]
    pub(crate) with: Vec<String>,
    /// Whether what is put into it is put there without what pictures say beside their pixels; what is no whole JPEG, PNG, WebP, HEIC, AVIF, MP4 or MOV is refused then.
    #[serde(default)]
    pub(crate) bare: bool,
}

/// A file that is in an album now.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct AlbumFile {
    /// Its path in the album.
    pub(crate) path: String,
    /// Its size.
    pub(crate) bytes: u64,
    /// Whether it was there before, by this name and with this content, so that nothing was added.
    pub(crate) already_there: bool,
}

/// How a file is put.
#[derive(Debug, Deserialize)]
pub(super) struct PutOptions {
    /// Without what a picture says beside its pixels.
    #[serde(default)]
    bare: bool,
}

/// A file that is in an album no more.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct AlbumFileRemoved {
    /// Its path in the album.
    pub(crate) path: String,
}

/// Makes an album: an empty folder of the node's own, shared.
#[utoipa::path(post, path = "/api/v1/albums", request_body = AlbumRequest,
    responses((status = 200, body = ShareInfo)))]
pub(super) async fn make(
    State(door): State<Door>,
    Asked(asked): Asked<AlbumRequest>,
) -> Answer<ShareInfo> {
    let contents = door.node().contents();
    let recipients = contents.recipients(asked.audience, &asked.with).await?;
    let made = contents
        .make_album(&asked.name, recipients, asked.bare)
        .await;
    let made = made.map_err(failure)?;
    Ok(Json(shares::describe(&door, made.share).await))
}

/// Adds a file to an album: the request's body, which appears when it is whole. Where something else is called so already it gets a number, and nothing is replaced; the answer says its path. One that is there with the same content is not added again, so a call may be made anew whose answer was lost.
#[utoipa::path(post, path = "/api/v1/albums/{album}/files/{path}",
    params(("album", description = "id, name or link"), ("path", description = "where in the album"),
        ("bare" = Option<bool>, Query, description = "whether what a picture says beside its pixels (place, time, camera) is left out; what is no whole JPEG, PNG, WebP, HEIC, AVIF, MP4 or MOV is refused then")),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 200, body = AlbumFile), (status = 507, description = "the disk is full", body = Failure)))]
pub(super) async fn add(
    State(door): State<Door>,
    Path((album, path)): Path<(String, String)>,
    Query(options): Query<PutOptions>,
    body: Body,
) -> Response {
    let added = async {
        receive(&door, &album, &path, options, body)
            .await?
            .add()
            .await
    };
    answer(added.await)
}

/// Puts a file into an album: the request's body, which appears under its name when it is whole. It replaces what is there.
#[utoipa::path(put, path = "/api/v1/albums/{album}/files/{path}",
    params(("album", description = "id, name or link"), ("path", description = "where in the album"),
        ("bare" = Option<bool>, Query, description = "whether what a picture says beside its pixels (place, time, camera) is left out; what is no whole JPEG, PNG, WebP, HEIC, AVIF, MP4 or MOV is refused then")),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 200, body = AlbumFile), (status = 507, description = "the disk is full", body = Failure)))]
pub(super) async fn put(
    State(door): State<Door>,
    Path((album, path)): Path<(String, String)>,
    Query(options): Query<PutOptions>,
    body: Body,
) -> Response {
    let put = async {
        let received = receive(&door, &album, &path, options, body).await?;
        received.replace().await
    };
    answer(put.await)
}

/// All of a file that is on its way into an album.
async fn receive(
    door: &Door,
    album: &str,
    path: &str,
    options: PutOptions,
    body: Body,
) -> Result<Upload, AlbumError> {
    let mut upload = door.node().contents().upload(album, path).await?;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|error| AlbumError::Io(std::io::Error::other(error)))?;
        upload = upload.write(piece).await?;
    }
    match options.bare {
        true => upload.bare().await,
        false => Ok(upload),
    }
}

fn answer(put: Result<kith::peer::AlbumFile, AlbumError>) -> Response {
    match put {
        Ok(file) => Json(AlbumFile {
            path: file.path,
            bytes: file.bytes,
            already_there: file.already_there,
        })
        .into_response(),
        Err(error @ AlbumError::NoSpace) => {
            let failure = failure(error);
            (StatusCode::INSUFFICIENT_STORAGE, Json(failure)).into_response()
        }
        Err(error) => failure(error).into_response(),
    }
}

/// Takes a file out of an album; it is gone then.
#[utoipa::path(delete, path = "/api/v1/albums/{album}/files/{path}",
    params(("album", description = "id, name or link"), ("path", description = "where in the album")),
    responses((status = 200, body = AlbumFileRemoved)))]
pub(super) async fn remove(
    State(door): State<Door>,
    Path((album, path)): Path<(String, String)>,
) -> Answer<AlbumFileRemoved> {
    let contents = door.node().contents();
    let removed = contents.remove_from_album(&album, &path).await;
    removed.map_err(failure)?;
    Ok(Json(AlbumFileRemoved { path }))
}

/// Takes an album back, and deletes all that was put into it: the node's own copies, which may be the only ones. What others fetched stays theirs.
#[utoipa::path(delete, path = "/api/v1/albums/{album}", params(("album", description = "id, name or link")),
    responses((status = 200, body = Unshared)))]
pub(super) async fn delete(
    State(door): State<Door>,
    Path(album): Path<String>,
) -> Answer<Unshared> {
    let deleted = door.node().contents().delete_album(&album).await;
    Ok(Json(Unshared::from(deleted.map_err(failure)?)))
}

fn failure(error: AlbumError) -> Failure {
    let kind = match &error {
        AlbumError::Path(_)
        | AlbumError::Name(_)
        | AlbumError::InTheWay(_)
        | AlbumError::SharedToo(_)
        | AlbumError::NotBare(_) => ErrorKind::Usage,
        AlbumError::NoAlbum(_) | AlbumError::NoFile(_) => ErrorKind::NotFound,
        AlbumError::Node(error) => error.kind(),
        _ => ErrorKind::Failed,
    };
    Failure::new(kind, error)
}
