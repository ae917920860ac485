//! What every command has at hand.

use std::time::Duration;

use kith::home::{Home, Owner};

use crate::args::Common;
use crate::attach::{self, Attached};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::start::{self, Purpose};

/// How long others may go on with this command's node before that is said: most are done by then.
const GUESTS_SILENT: Duration = Duration::from_secs(1);

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
        if attached.is_new() {
            self.output.talk(attach::told_of_new(&home));
        }
        let result = tokio::select! {
            result = work(&attached) => {
                tokio::select! {
                    () = self.wait_for_guests(&attached) => {}
                    () = interrupt.wait() => {}
                }
                result
            }
            () = interrupt.wait() => stopped(),
        };
        attached.release().await;
        result
    }

    /// Other commands that use this one's node end first; whoever waits for that is told.
    async fn wait_for_guests(&self, attached: &Attached) {
        let mut gone = std::pin::pin!(attached.wait_for_guests());
        if tokio::time::timeout(GUESTS_SILENT, &mut gone)
            .await
            .is_err()
        {
            self.output
                .talk("another command uses this one's node, which stays until it is done; Ctrl-C ends both");
            gone.await;
        }
    }
}
