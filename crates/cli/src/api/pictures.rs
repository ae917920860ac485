//! What pictures say beside their pixels, for their owner to know before sharing them.

use std::path::PathBuf;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, Asked};
use super::door::Door;
use super::paths;

/// Which pictures.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TracesRequest {
    /// Files and folders of this machine, as absolute paths.
    #[schema(value_type = Vec<String>)]
    pub(crate) paths: Vec<PathBuf>,
}

/// What they say. Numbers are of files.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TracesInfo {
    /// Pictures and films that were looked through: JPEG, PNG, WebP, HEIC, AVIF, MP4 and MOV.
    pub(crate) pictures: u64,
    /// Those that say where they were taken.
    pub(crate) place: u64,
    /// Those that say when.
    pub(crate) time: u64,
    /// Those that say by which camera.
    pub(crate) camera: u64,
    /// Those that say something else: descriptions, programs, edits.
    pub(crate) words: u64,
    /// Files of other kinds, and damaged ones, of which it is not known.
    pub(crate) unknown: u64,
    /// The first of those that say where they were taken.
    pub(crate) examples: Vec<TracesExample>,
    /// Whether there were more files than are looked at.
    pub(crate) is_cut: bool,
}

/// A file that says where it was taken.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TracesExample {
    /// Its path.
    pub(crate) path: String,
    /// Where, as far as that was read.
    pub(crate) at: Option<TracesPosition>,
}

/// A place on earth, in degrees.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TracesPosition {
    /// To the north; below zero to the south.
    pub(crate) latitude: f64,
    /// To the east; below zero to the west.
    pub(crate) longitude: f64,
}

/// Looks what pictures say beside their pixels. Nothing is changed or shared.
#[utoipa::path(post, path = "/api/v1/pictures/traces", request_body = TracesRequest,
    responses((status = 200, body = TracesInfo)))]
pub(super) async fn traces(
    State(door): State<Door>,
    Asked(asked): Asked<TracesRequest>,
) -> Answer<TracesInfo> {
    for path in &asked.paths {
        paths::check(path)?;
    }
    let found = door.node().contents().traces(asked.paths).await?;
    let degrees = |millionths: i32| f64::from(millionths) / 1e6;
    let examples = found.examples.iter().map(|example| TracesExample {
        path: example.path.display().to_string(),
        at: example.at.map(|at| TracesPosition {
            latitude: degrees(at.latitude),
            longitude: degrees(at.longitude),
        }),
    });
    Ok(Json(TracesInfo {
        pictures: found.pictures,
        place: found.place,
        time: found.time,
        camera: found.camera,
        words: found.words,
        unknown: found.unknown,
        examples: examples.collect(),
        is_cut: found.is_cut,
    }))
}
