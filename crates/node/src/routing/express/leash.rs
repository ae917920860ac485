//! What the two halves of a lane know of each other: whether the session still holds it, and how its directions end.

use std::net::IpAddr;

use iroh::endpoint::{Connection as EngineConnection, StoppedError, VarInt};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::socket::Door;
use crate::routing::direct;
use crate::routing::end::{Ended, StreamError, ended};

/// The stop code of a reader that has everything.
pub(super) const RECEIVED: u32 = u32::MAX;

/// What both halves hold.
#[derive(Debug)]
pub(super) struct Shared {
    /// Set when the session is over, or has no path to the lane's address any more.
    pub(super) over: CancellationToken,
    engine: EngineConnection,
    _watch: AbortOnDropHandle<()>,
    _held: Option<Held>,
}

/// Something to be dropped with a lane.
pub(super) struct Held(
    #[expect(dead_code, reason = "held for its drop")] pub(super) Box<dyn Send + Sync>,
);

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Held")
    }
}

/// How sending ended.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    Received,
    GivenUp(u64),
    Ended(Ended),
    Broken(String),
    Closed,
}

impl Shared {
    /// Watches over a lane of `engine`'s, and shuts `door` when it is over. `held` lives as long.
    pub(super) fn new(engine: &EngineConnection, door: Option<Door>, held: Option<Held>) -> Self {
        let over = CancellationToken::new();
        let address = direct::selected(engine).map(|direct| direct.ip());
        let watch = watch_session(engine.clone(), address, over.clone(), door);
        Self {
            over,
            engine: engine.clone(),
            _watch: AbortOnDropHandle::new(tokio::spawn(watch)),
            _held: held,
        }
    }

    /// How the session ended, if it did.
    pub(super) fn end(&self) -> Option<Ended> {
        self.engine.close_reason().map(|error| ended(error).0)
    }

    /// Why it is over.
    pub(super) fn outcome(&self) -> Outcome {
        match self.end() {
            Some(ended) => Outcome::Ended(ended),
            None => Outcome::Broken("the session has no direct path there any more".to_owned()),
        }
    }
}

pub(super) fn stop_outcome(stopped: Result<Option<VarInt>, StoppedError>) -> Outcome {
    match stopped {
        Ok(Some(code)) if code == VarInt::from_u32(RECEIVED) => Outcome::Received,
        Ok(Some(code)) => Outcome::GivenUp(code.into_inner()),
        Err(StoppedError::ConnectionLost(error)) => Outcome::Ended(ended(error).0),
        Ok(None) | Err(_) => Outcome::Closed,
    }
}

impl From<Outcome> for StreamError {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::GivenUp(code) => Self::GivenUp(code),
            Outcome::Ended(ended) => Self::Ended(ended),
            Outcome::Broken(reason) => Self::LaneBroken(reason),
            Outcome::Received | Outcome::Closed => Self::Closed,
        }
    }
}

/// Ends a lane with its session, or when the session has no path to its address any more.
async fn watch_session(
    engine: EngineConnection,
    address: Option<IpAddr>,
    over: CancellationToken,
    door: Option<Door>,
) {
    let path_lost = async {
        match address {
            Some(address) => direct::lost(&engine, address).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = engine.closed() => {}
        () = path_lost => {}
    }
    over.cancel();
    if let Some(door) = door {
        door.shut();
    }
}
