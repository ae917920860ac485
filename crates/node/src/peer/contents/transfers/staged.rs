//! What arrived for a transfer that is over: taken along to another folder, or deleted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::content::StagedAt;
use crate::data::disk::StagingError;
use crate::data::relocating::relocate;
use crate::data::staging::Staging;
use crate::error::Error;
use crate::peer::contents::release::{RELEASE_STEP, RELEASE_WITHIN};

/// Takes what arrived along to another folder.
pub(super) async fn take_along(staged: &StagedAt, out: &Path) -> Result<(), Error> {
    let Some(folder) = staged.folder() else {
        return Ok(());
    };
    let context = format!("cannot take along what has arrived to {}", out.display());
    let (staged, out) = (staged.clone(), out.to_owned());
    when_released(context, move || {
        if let Some(folder) = relocate(&folder, &out)? {
            staged.tell(folder);
        }
        Ok(())
    })
    .await
}

/// Deletes a staging folder.
pub(super) async fn discard_staged(folder: PathBuf) -> Result<(), Error> {
    let context = format!("cannot delete {}", folder.display());
    when_released(context, move || Staging::discard(&folder)).await
}

/// Does something with a staging folder, as soon as the run that ended has let go of it.
async fn when_released(
    context: String,
    work: impl Fn() -> Result<(), StagingError> + Clone + Send + 'static,
) -> Result<(), Error> {
    let mut waited = Duration::ZERO;
    loop {
        let done = tokio::task::spawn_blocking(work.clone()).await;
        match done.map_err(|_| Error::Closed)? {
            Ok(()) => return Ok(()),
            Err(StagingError::Busy(_)) if waited < RELEASE_WITHIN => {
                tokio::time::sleep(RELEASE_STEP).await;
                waited += RELEASE_STEP;
            }
            Err(error) => return Err(Error::io(context, std::io::Error::other(error))),
        }
    }
}
