//! What ends with its owner: whoever drops an [`Ending`] ends the tasks bound to it.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The end of some tasks, held by who owns them.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    pub(super) ended: CancellationToken,
    pub(super) tasks: TaskTracker,
}

impl Ending {
    /// Ends the tasks and waits until nothing of them is left.
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
