//! What every command has at hand.

use kith::home::{Home, Owner};

use crate::args::Common;
use crate::attach::Attached;
use crate::failure::Failure;
use crate::output::Output;
use crate::start::{self, Purpose};

/// What a command works on: a data directory, and the terminal.
#[derive(Clone, Debug)]
pub(super) struct On {
    pub(super) common: Common,
    pub(super) output: Output,
}

impl On {
    pub(super) fn home(&self) -> Result<Home, Failure> {
        start::home(self.common.data.as_deref(), Owner::Person)
    }

    /// Where an introducer keeps its things: never where its owner's node does.
    pub(super) fn introducer_home(&self) -> Result<Home, Failure> {
        start::home(self.common.data.as_deref(), Owner::Introducer)
    }

    /// Does `work` with a node: the one that runs, or one of its own.
    pub(super) async fn node<R>(
        &self,
        purpose: Purpose,
        work: impl AsyncFnOnce(&Attached) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let attached = Attached::to(&self.home()?, purpose).await?;
        let result = work(&attached).await;
        attached.release().await;
        result
    }
}
