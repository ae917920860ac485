//! What every command has at hand.

use kith::home::{Home, Owner};

use crate::args::Common;
use crate::attach::Attached;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
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

    /// Does `work` with a node: the one that runs, or one of its own. A signal ends it, and it has failed then.
    pub(super) async fn node<R>(
        &self,
        purpose: Purpose,
        work: impl AsyncFnOnce(&Attached) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let stopped = || Err(Failure::failed("stopped before it was done"));
        self.until_done(purpose, work, stopped).await
    }

    /// As [`On::node`], for what goes on until a signal ends it.
    pub(super) async fn until_stopped(
        &self,
        purpose: Purpose,
        work: impl AsyncFnOnce(&Attached) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.until_done(purpose, work, || Ok(())).await
    }

    /// However it ends, a node of its own says goodbye to those it was with.
    async fn until_done<R>(
        &self,
        purpose: Purpose,
        work: impl AsyncFnOnce(&Attached) -> Result<R, Failure>,
        stopped: impl FnOnce() -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let home = self.home()?;
        let mut interrupt = Interrupt::catch()?;
        let attached = tokio::select! {
            attached = Attached::to(&home, purpose) => attached?,
            () = interrupt.wait() => return stopped(),
        };
        let result = tokio::select! {
            result = work(&attached) => {
                tokio::select! {
                    () = attached.wait_for_guests() => {}
                    () = interrupt.wait() => {}
                }
                result
            }
            () = interrupt.wait() => stopped(),
        };
        attached.release().await;
        result
    }
}
