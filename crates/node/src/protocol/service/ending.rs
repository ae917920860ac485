//! Work that ends with its owner: whoever drops an [`Ending`] ends what was begun under it.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The owner's end.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    pub(super) ended: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Ending {
    /// Ends the work and waits until nothing of it is left.
    pub(super) async fn finish(self) {
        self.ended.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}
