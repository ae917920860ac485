//! A file that is made of another, of the same content, beside what arrives.

use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::content::error::GetError;
use crate::content::preparing::{lost, make_repeat};
use crate::content::swarm::arriving::File;
use crate::data::disk::StagingError;
use crate::data::incoming::Brought;

/// A file that is made of another, and where it lies on the line.
pub(super) type Repeat = (u64, File);

/// A file that is being made. It is made to its end also where the transfer is given up.
#[derive(Debug)]
pub(super) struct Making {
    pub(super) repeat: Repeat,
    made: JoinHandle<Result<Option<Brought>, StagingError>>,
}

impl Making {
    /// Begins to make a file of one that is whole, in a task of these.
    pub(super) fn begin(tasks: &TaskTracker, first: File, repeat: Repeat) -> Self {
        let file = repeat.1.clone();
        let made = tasks.spawn_blocking(move || make_repeat(&first, &file));
        Self { repeat, made }
    }

    /// Waits until it is made: what that brought; `None` where it could not be made. Given up and called again it misses nothing.
    ///
    /// # Errors
    /// What the disk says of the new file.
    pub(super) async fn made(&mut self) -> Result<Option<Brought>, GetError> {
        let made = (&mut self.made).await.map_err(lost)?;
        made.map_err(|error| GetError::staging(error, &self.repeat.1.path))
    }
}

/// The same of one that may be; for ever where none is.
pub(super) async fn made(making: &mut Option<Making>) -> Result<Option<Brought>, GetError> {
    match making {
        Some(making) => making.made().await,
        None => std::future::pending().await,
    }
}
