//! Who waits to open streams, and for whom.

use std::collections::BTreeMap;

use kith_core::routing::{Target, UnreachableReason};
use tokio::sync::oneshot;

/// Somebody who waits.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Whether only a session that stands will do.
    pub(super) standing: bool,
    /// Where the answer goes.
    pub(super) reached: oneshot::Sender<Result<(), UnreachableReason>>,
}

impl Waiting {
    /// Answers. Who asked may have given up.
    pub(super) fn answer(self, result: Result<(), UnreachableReason>) {
        let _ = self.reached.send(result);
    }
}

/// All who wait; whoever asks the node for a stream is one, for as long as it asks.
#[derive(Debug, Default)]
pub(super) struct WaitingRoom(BTreeMap<Target, Vec<Waiting>>);

impl WaitingRoom {
    /// Somebody waits for `target` from now on.
    pub(super) fn enter(&mut self, target: Target, waiting: Waiting) {
        self.0.entry(target).or_default().push(waiting);
    }

    /// Tells those who wait for `target`; while no session stands, only those who do not wait for one.
    pub(super) fn wake(
        &mut self,
        target: Target,
        stands: bool,
        result: Result<(), UnreachableReason>,
    ) {
        let waiting = self.0.remove(&target).unwrap_or_default();
        let (woken, patient): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|it| stands || !it.standing);
        for waiting in woken {
            waiting.answer(result);
        }
        if !patient.is_empty() {
            self.0.insert(target, patient);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::ids::PeerId;

    #[test]
    fn who_waits_for_a_session_is_told_when_it_stands() {
        let target = Target::Peer(PeerId([1; 32]));
        let mut room = WaitingRoom::default();
        let mut enter = |standing| {
            let (reached, answer) = oneshot::channel();
            room.enter(target, Waiting { standing, reached });
            answer
        };
        let (mut hasty, mut patient) = (enter(false), enter(true));
        room.wake(target, false, Ok(()));
        assert_eq!(hasty.try_recv(), Ok(Ok(())));
        assert!(patient.try_recv().is_err());
        room.wake(target, true, Err(UnreachableReason::NoAnswer));
        assert_eq!(patient.try_recv(), Ok(Err(UnreachableReason::NoAnswer)));
    }
}
