//! How soon files of a transfer are wanted, in JSON.

use kith::Error;
use kith::content::{Levels, Priorities};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::failure::Failure;

/// How soon a file of a transfer is wanted, or a folder with all beneath it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct FilePriority {
    /// Its path below what is fetched, written with `/`; empty for everything.
    pub(crate) path: String,
    /// `high`, `normal`, `low`, or `unwanted`: not now.
    pub(crate) level: String,
}

/// What was said, as the library takes it: of what is said of one path, the last.
pub(super) fn read(said: &[FilePriority]) -> Result<Priorities, Failure> {
    let priorities = Priorities::default();
    for FilePriority { path, level } in said {
        let level = level.parse().map_err(Error::from)?;
        priorities.set(path, level).map_err(Error::from)?;
    }
    Ok(priorities)
}

/// What is said now.
pub(super) fn described(levels: &Levels) -> Vec<FilePriority> {
    let described = levels.iter().map(|(path, level)| FilePriority {
        path: path.to_owned(),
        level: level.to_string(),
    });
    described.collect()
}
