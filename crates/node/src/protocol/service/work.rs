//! What serves an offer or a forward: tasks of the node that end with their owner.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ending::Ending;
use crate::peer::{Node, WeakNode};

/// The tasks bound to an [`Ending`]. They do not keep the node alive.
#[derive(Clone, Debug)]
pub(super) struct Work {
    node: WeakNode,
    ended: CancellationToken,
    tasks: TaskTracker,
}

impl Work {
    /// Work of `node` until `ending`.
    pub(super) fn new(node: &Node, ending: &Ending) -> Self {
        Self {
            node: node.downgrade(),
            ended: ending.ended.clone(),
            tasks: ending.tasks.clone(),
        }
    }

    /// Begins a task.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let Some(node) = self.node() else {
            return;
        };
        let ended = self.ended.clone();
        node.spawn(self.tasks.track_future(async move {
            let _ = ended.run_until_cancelled(task).await;
        }));
    }

    /// The node, while it lives.
    pub(super) fn node(&self) -> Option<Node> {
        self.node.upgrade()
    }
}
