//! The folders of this machine, so that its owner can point to one instead of typing its path, or make one.

use std::path::PathBuf;
use std::time::Duration;

use axum::Json;
use axum::extract::Query;
use kith::ErrorKind;
use kith::data::directories::{self, Directory, DirectoryError};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, Asked};
use crate::failure::Failure;

/// How long a disk may take: one that is asleep wakes up in this time, and one across a network that is gone never answers.
const LOOK_WITHIN: Duration = Duration::from_secs(20);

/// Where to look.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FolderAt {
    /// A whole path; the home of whoever runs the node when left out.
    #[param(value_type = Option<String>)]
    pub(crate) path: Option<PathBuf>,
}

/// A folder of this machine, and those in it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct FolderInfo {
    /// Where it is, links followed.
    pub(crate) path: String,
    /// The folder that it lies in; none for the root.
    pub(crate) parent: Option<String>,
    /// The names of the folders in it, sorted; without hidden ones, which begin with a dot.
    pub(crate) folders: Vec<String>,
    /// Whether there are more than are told.
    pub(crate) is_cut: bool,
    /// Whether something can be put into it.
    pub(crate) is_writable: bool,
    /// Where people keep things on this machine.
    pub(crate) places: Vec<FolderPlace>,
}

/// A folder where people keep things.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct FolderPlace {
    /// `home`, `desktop`, `pictures`, `videos`, `documents`, `downloads` or `root`.
    pub(crate) kind: String,
    /// Where it is.
    pub(crate) path: String,
}

/// A folder to be made.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFolder {
    /// The whole path of the folder in which it is made.
    #[schema(value_type = String)]
    pub(crate) path: PathBuf,
    /// What it is called: one name, which is not hidden.
    pub(crate) name: String,
}

/// The folders in a folder of this machine. Nothing is changed or shared.
#[utoipa::path(get, path = "/api/v1/folders", params(FolderAt), responses((status = 200, body = FolderInfo)))]
pub(super) async fn look(Query(at): Query<FolderAt>) -> Answer<FolderInfo> {
    tell(move |places| {
        let home = || places.first().map(|place| place.path.clone());
        let path = at.path.or_else(home).unwrap_or_else(|| "/".into());
        directories::look(&path)
    })
    .await
}

/// Makes a folder in a folder of this machine, and tells of it. Nothing that is there is touched.
#[utoipa::path(post, path = "/api/v1/folders", request_body = NewFolder,
    responses((status = 200, body = FolderInfo)))]
pub(super) async fn make(Asked(asked): Asked<NewFolder>) -> Answer<FolderInfo> {
    tell(move |_| directories::make(&asked.path, &asked.name)).await
}

/// What the disk says of a folder, in the time that it has.
async fn tell(
    look: impl FnOnce(&[directories::Place]) -> Result<Directory, DirectoryError> + Send + 'static,
) -> Answer<FolderInfo> {
    let looking = tokio::task::spawn_blocking(move || {
        let places = directories::places();
        (look(&places), places)
    });
    let looked = tokio::time::timeout(LOOK_WITHIN, looking).await;
    let looked = looked.map_err(|_| {
        Failure::failed("the disk that this folder is on does not answer; choose another one")
    })?;
    let (found, places) = looked.map_err(Failure::failed)?;
    let found = found.map_err(failure)?;
    let told = |path: PathBuf| path.into_os_string().into_string().ok();
    let path = told(found.path.clone()).ok_or_else(|| {
        Failure::usage("the name of this folder is no Unicode; choose another one")
    })?;
    let places = places.into_iter().filter_map(|place| {
        let path = told(place.path)?;
        let kind = place.kind.to_owned();
        Some(FolderPlace { kind, path })
    });
    Ok(Json(FolderInfo {
        path,
        parent: found.path.parent().and_then(|it| told(it.to_owned())),
        folders: found.folders,
        is_cut: found.is_cut,
        is_writable: found.is_writable,
        places: places.collect(),
    }))
}

fn failure(error: DirectoryError) -> Failure {
    let kind = match &error {
        DirectoryError::NotWhole(_)
        | DirectoryError::NotAFolder(_)
        | DirectoryError::Name { .. }
        | DirectoryError::Exists(_) => ErrorKind::Usage,
        DirectoryError::Missing(_) => ErrorKind::NotFound,
        DirectoryError::NotAllowed(_) | DirectoryError::NotWritable(_) => ErrorKind::NotAllowed,
        _ => ErrorKind::Failed,
    };
    Failure::new(kind, error)
}
