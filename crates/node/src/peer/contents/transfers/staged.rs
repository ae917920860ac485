//! What arrived for a transfer: kept while it is wanted, taken along to another folder, or deleted.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::{debug, warn};

use crate::content::StagedAt;
use crate::data::disk::StagingError;
use crate::data::relocating::relocate;
use crate::data::staging::Staging;
use crate::error::Error;
use crate::peer::contents::release::{RELEASE_STEP, RELEASE_WITHIN};

/// Takes what arrived along to another folder. Where it cannot be, as where its disk cannot be read, it stays; where there is no room for it that is
/// told, and so is a folder that cannot be made.
pub(super) async fn take_along(staged: &StagedAt, out: &Path) -> Result<(), Error> {
    let Some(folder) = staged.folder() else {
        return Ok(());
    };
    let context = format!("cannot take along what has arrived to {}", out.display());
    let (staged, out) = (staged.clone(), out.to_owned());
    when_released(context, move || {
        std::fs::create_dir_all(&out)?;
        match relocate(&folder, &out) {
            Ok(Some(folder)) => staged.tell(folder),
            Ok(None) => {}
            Err(error @ (StagingError::Busy(_) | StagingError::DiskFull)) => return Err(error),
            Err(error) => {
                warn!("what has arrived cannot be taken along; it is fetched once more");
                debug!(%error, "what has arrived stays where it is");
            }
        }
        Ok(())
    })
    .await
}

/// Has these staging folders stay, however long nobody went on with them: a download removes what was abandoned beside it. What cannot be reached in time
/// is left as it is.
pub(super) async fn retain_staged(folders: Vec<PathBuf>) {
    let retaining = tokio::task::spawn_blocking(move || {
        for folder in folders {
            if let Err(error) = Staging::retain(&folder) {
                debug!(%error, "what has arrived is not said to be wanted");
            }
        }
    });
    // A disk that hangs holds up no transfer to another.
    drop(tokio::time::timeout(RELEASE_WITHIN, retaining).await);
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

#[cfg(test)]
mod tests {
    use std::fs;

    use kith_core::ids::{BlobHash, ShareId};

    use super::*;
    use crate::data::staging::Download;

    fn open(parent: &Path) -> Staging {
        let download = Download {
            share: &ShareId([9; 32]),
            tree: &BlobHash([1; 32]),
            filter: "",
        };
        Staging::open(&parent.join("holiday"), download).expect("opened")
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_read_stays_where_it_is_and_what_is_held_is_told() {
        let place = tempfile::tempdir().expect("temporary folder");
        let (was, is) = (place.path().join("was"), place.path().join("is"));
        let staging = open(&was);
        let folder = staging.folder().to_owned();
        let staged = StagedAt::default();
        staged.tell(folder.clone());
        take_along(&staged, &is).await.expect_err("it is held");
        drop(staging);
        // It opens no more than what lies on a disk that breaks.
        let (lock, away) = (folder.join("lock"), folder.join("away"));
        fs::rename(&lock, &away).expect("renamed");
        std::os::unix::fs::symlink(&away, &lock).expect("made");
        take_along(&staged, &is).await.expect("without it");
        assert_eq!(staged.folder().as_ref(), Some(&folder));
        fs::rename(&away, &lock).expect("renamed");
        let file = place.path().join("file");
        fs::write(&file, b"").expect("written");
        take_along(&staged, &file).await.expect_err("no folder");
        take_along(&staged, &is).await.expect("taken along");
        let name = folder.file_name().expect("named");
        assert_eq!(staged.folder(), Some(is.join(name)));
    }
}
