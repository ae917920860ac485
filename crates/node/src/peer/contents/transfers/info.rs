//! What is told of a transfer.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use kith_core::ids::PeerId;

use crate::content::{Levels, Updated};
use crate::error::{Error, ErrorKind};
use crate::peer::contents::fetched::TransferProgress;

/// What names a transfer in its data directory. Counted up; never given twice while the node runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(pub u64);

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TransferId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = text
            .parse()
            .map_err(|_| Error::Usage(format!("{text:?} is no number of a transfer")))?;
        Ok(Self(number))
    }
}

/// What a transfer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferState {
    /// Nobody who has it is there now.
    Waiting,
    /// It goes on.
    Running,
    /// It goes on when it is told to.
    Paused,
    /// All is there, durable and under its name.
    Done,
    /// It goes on only when it is told to, because something went wrong.
    Failed,
    /// It is no more; what arrived is kept, unless that was to be discarded.
    Cancelled,
}

impl TransferState {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing further comes of it by itself, and whoever waits for its end need not wait longer.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// Why a transfer did not end well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TransferFailure {
    /// What kind of failure.
    pub kind: ErrorKind,
    /// What happened, to whom, and what to do next.
    pub message: String,
    /// Whether something else lies where it should go, so that another folder helps.
    pub exists: bool,
}

impl From<&Error> for TransferFailure {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            message: error.to_string(),
            exists: error.is_in_the_way(),
        }
    }
}

/// A transfer as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferInfo {
    /// Its number.
    pub id: TransferId,
    /// Whose it is.
    pub peer: PeerId,
    /// Whether it was named by a link, which leads to whoever made it and says nothing of what they are called.
    pub by_link: bool,
    /// What: the share's name, or its id where no name is known, and the path in it.
    pub what: String,
    /// The folder in which it appears.
    pub out: PathBuf,
    /// What it does.
    pub state: TransferState,
    /// How far it is.
    pub progress: TransferProgress,
    /// Whether the node goes on with it by itself, after a restart too.
    pub background: bool,
    /// Why it failed.
    pub failure: Option<TransferFailure>,
    /// Whether files of it were chosen: those are added to a folder that is there already.
    pub selects: bool,
    /// How soon its files are wanted, by their paths below what is fetched.
    pub priorities: Levels,
    /// What came of bringing something up to date, where that was wanted and this run of the node has done it.
    pub updated: Option<Updated>,
}

impl TransferInfo {
    /// How long it still takes at its present rate; `None` while that cannot be told.
    pub fn left(&self) -> Option<Duration> {
        let missing = self.progress.total?.checked_sub(self.progress.bytes)?;
        let is_moving = self.state == TransferState::Running && self.progress.rate > 0;
        is_moving.then(|| Duration::from_secs(missing.div_ceil(self.progress.rate)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(state: TransferState, total: Option<u64>, rate: u64) -> TransferInfo {
        TransferInfo {
            id: TransferId(1),
            peer: PeerId([1; 32]),
            by_link: false,
            what: "holiday".into(),
            out: "/out".into(),
            state,
            progress: TransferProgress {
                bytes: 100,
                total,
                rate,
                ..TransferProgress::default()
            },
            background: true,
            failure: None,
            selects: false,
            priorities: Levels::default(),
            updated: None,
        }
    }

    #[test]
    fn time_left_is_told_of_what_moves_towards_a_known_end() {
        let left = |state, total, rate| info(state, total, rate).left();
        let running = TransferState::Running;
        assert_eq!(left(running, Some(301), 100), Some(Duration::from_secs(3)));
        assert_eq!(left(running, Some(301), 0), None);
        assert_eq!(left(running, None, 100), None);
        assert_eq!(left(TransferState::Paused, Some(301), 100), None);
        assert_eq!(left(running, Some(99), 100), None);
    }
}
