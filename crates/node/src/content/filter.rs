//! Which files of a tree are wanted.

use std::sync::Arc;

/// Which files are wanted.
#[derive(Clone)]
pub struct Filter {
    /// What tells it from other filters, such as its patterns: runs with the same filter go on where the last one ended.
    pub name: String,
    /// Whether a file is wanted, by its path below what is fetched, written with `/`.
    pub wants: Arc<dyn Fn(&str) -> bool + Send + Sync>,
}
