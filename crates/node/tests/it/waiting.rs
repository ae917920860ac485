//! Waiting for something that happens by itself, but not for ever.

use std::future::Future;
use std::time::Duration;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How often somebody looks whether something is so; seldom enough to leave the processor to what makes it so.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Waits for `future`.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: not within {PATIENCE:?}"),
    }
}

/// Between two looks at what nothing tells of.
pub(crate) async fn a_moment() {
    tokio::time::sleep(LOOK_EVERY).await;
}

/// Waits until `fact` holds, of which nothing tells.
pub(crate) async fn eventually(what: &str, fact: impl Fn() -> bool) {
    let held = async {
        while !fact() {
            a_moment().await;
        }
    };
    soon(what, held).await;
}
