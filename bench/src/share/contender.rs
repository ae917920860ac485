//! One way to get something from one process to another.

use anyhow::Result;

use crate::share::watch::Watch;
use std::path::Path;

/// A pair of programs, both up; one has the content, the other can have it any number of times.
pub(crate) trait Contender: std::fmt::Debug {
    /// What it is called in tables.
    fn name(&self) -> &'static str;

    /// The processes of the provider that stay up.
    fn provider(&self) -> Vec<u32>;

    /// Those of the getter.
    fn getter(&self) -> Vec<u32>;

    /// What its users would not wait for at each transfer.
    fn prepare(&mut self) -> Result<()> {
        Ok(())
    }

    /// Gets the content: what is timed.
    fn fetch(&mut self, watch: &Watch) -> Result<()>;

    /// The folder that holds the content now, under its name; `None` where it is not written down.
    fn out(&self) -> Option<&Path>;

    /// Lets the getter forget what it got; the folder is emptied afterwards.
    fn forget(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A program that is not installed, or cannot do what is asked of it yet.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {remedy}")]
pub(crate) struct Missing {
    /// Which.
    pub(crate) what: &'static str,
    /// What to do about it.
    pub(crate) remedy: String,
}

impl Missing {
    /// The program `what` that `remedy` installs.
    pub(crate) fn program(what: &'static str, remedy: &str) -> Self {
        let remedy = format!("not installed; `{remedy}`");
        Self { what, remedy }
    }
}
