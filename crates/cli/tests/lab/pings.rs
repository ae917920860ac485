//! A ping that goes on: what an application notices of what happens to its session.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::person::{DIRECT_DURATION_MAX, Person};
use crate::program::Program;

/// The longest an application may wait while another path is there.
pub(crate) const GAP_MAX: Duration = Duration::from_secs(3);

/// A ping that runs.
pub(crate) struct Pings(Program);

/// What it told for a while.
#[derive(Debug)]
pub(crate) struct Told {
    /// The longest time between two answers, or between the beginning and the first.
    pub(crate) gap_max: Duration,
    /// How long after the beginning the last answer came by the relay.
    pub(crate) relayed_until: Duration,
    /// The path of the last answer.
    pub(crate) path: String,
}

impl Pings {
    /// `from` pings `to` from now on, ten times a second: on one stream, and on another where that one ends.
    pub(crate) fn start(from: &Person, to: &Person) -> Result<Self> {
        let arguments = ["ping", to.host.name(), "-c", "10000", "-i", "100ms"];
        Ok(Self(from.command(&arguments)?))
    }

    /// Waits until they go directly.
    pub(crate) fn wait_until_direct(&self) -> Result<()> {
        let direct = |line: &Value| line["path"] == "direct";
        self.0.wait_for(DIRECT_DURATION_MAX, direct).map(drop)
    }

    /// The next answer.
    pub(crate) fn answer(&self, within: Duration) -> Result<Value> {
        self.0.wait_for(within, |line| !line["rtt_ms"].is_null())
    }

    /// Reads answers from now on, for `duration`.
    pub(crate) fn listen(&self, duration: Duration) -> Result<Told> {
        let start = Instant::now();
        let mut last = start;
        let mut told = Told {
            gap_max: Duration::ZERO,
            relayed_until: Duration::ZERO,
            path: String::new(),
        };
        while start.elapsed() < duration {
            let answer = self.answer(2 * GAP_MAX);
            let answer = answer.with_context(|| format!("so far {told:?}"))?;
            let now = Instant::now();
            told.gap_max = told.gap_max.max(now - last);
            last = now;
            answer["path"]
                .as_str()
                .context("a path")?
                .clone_into(&mut told.path);
            if told.path != "direct" {
                told.relayed_until = now - start;
            }
        }
        Ok(told)
    }
}
