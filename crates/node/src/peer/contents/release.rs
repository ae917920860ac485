//! How long a transfer that ended may still hold the folder that it wrote to: what is under way to the disk when it ends is written.

use std::time::Duration;

/// How long the next one of the same waits for that.
pub(super) const RELEASE_WITHIN: Duration = Duration::from_secs(5);

/// Between two looks whether it does.
pub(super) const RELEASE_STEP: Duration = Duration::from_millis(50);
