<<<<<<< HEAD
//! What serves an offer or a forward: tasks of the node that end with their owner.
=======
//! Tasks of a service: they end with the service, and with the node.
>>>>>>> main

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ending::Ending;
use crate::peer::{Node, WeakNode};

<<<<<<< HEAD
/// The tasks bound to an [`Ending`]. They do not keep the node alive.
=======
/// The workers' end. It does not keep the node alive.
>>>>>>> main
#[derive(Clone, Debug)]
pub(super) struct Work {
    node: WeakNode,
    ended: CancellationToken,
    tasks: TaskTracker,
}

<<<<<<< HEAD
impl Work {
    /// Work of `node` until `ending`.
    pub(super) fn new(node: &Node, ending: &Ending) -> Self {
        Self {
            node: node.downgrade(),
            ended: ending.ended.clone(),
            tasks: ending.tasks.clone(),
        }
    }

=======
impl Ending {
    /// Work of `node` that ends with this.
    pub(super) fn work(&self, node: &Node) -> Work {
        Work {
            node: node.downgrade(),
            ended: self.ended.clone(),
            tasks: self.tasks.clone(),
        }
    }
}

impl Work {
>>>>>>> main
    /// Begins a task.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let Some(node) = self.node() else {
            return;
        };
<<<<<<< HEAD
        let ended = self.ended.clone();
        node.spawn(self.tasks.track_future(async move {
=======
        let (ended, tasks) = (self.ended.clone(), self.tasks.clone());
        node.spawn(tasks.track_future(async move {
>>>>>>> main
            let _ = ended.run_until_cancelled(task).await;
        }));
    }

    /// The node, while it lives.
    pub(super) fn node(&self) -> Option<Node> {
        self.node.upgrade()
    }
}
