//! Work that ends with its owner: whoever drops an [`Ending`] ends what was begun under it.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::peer::{Node, WeakNode};

/// The owner's end.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    ended: CancellationToken,
    tasks: TaskTracker,
}

/// The workers' end. It does not keep the node alive.
#[derive(Clone, Debug)]
pub(super) struct Work {
    node: WeakNode,
    ended: CancellationToken,
    tasks: TaskTracker,
}

impl Ending {
    /// Work of `node` that ends with this.
    pub(super) fn work(&self, node: &Node) -> Work {
        Work {
            node: node.downgrade(),
            ended: self.ended.clone(),
            tasks: self.tasks.clone(),
        }
    }

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

impl Work {
    /// Begins a task.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let Some(node) = self.node() else {
            return;
        };
        let (ended, tasks) = (self.ended.clone(), self.tasks.clone());
        node.spawn(tasks.track_future(async move {
            let _ = ended.run_until_cancelled(task).await;
        }));
    }

    /// The node, while it lives.
    pub(super) fn node(&self) -> Option<Node> {
        self.node.upgrade()
    }
}
