//! The table of transfers: what was ordered, how far it is, and what stops it. No tasks and no disk are here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kith_core::ids::{PeerId, ShareId};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;

use super::info::{TransferFailure, TransferId, TransferInfo, TransferState};
use super::kept::{KeptTransfer, Standing};
use super::order::Order;
use crate::content::{Givers, Priorities, Readers, StagedAt};
use crate::peer::contents::fetched::{Fetched, TransferProgress};
use crate::peer::contents::turns::Turns;

/// The most transfers in the table: more than a person follows, few enough that each may have its streams and its task.
pub(super) const TRANSFERS_MAX: usize = 256;

/// How many that are over are still shown; the oldest go first.
pub(super) const OVER_MAX: usize = 64;

/// News that a slow listener may be behind by before it misses the oldest.
const NEWS_AHEAD_MAX: usize = 256;

/// The transfers of a node.
#[derive(Debug)]
pub(in crate::peer) struct Registry {
    table: Mutex<Table>,
    news: broadcast::Sender<TransferInfo>,
    /// Held while a change is made and written, so that two changes do not cross on their way to the disk.
    pub(super) changing: tokio::sync::Mutex<()>,
    /// Whose turn it is to be looked for, of all who may have something.
    pub(in crate::peer::contents) turns: Turns,
}

/// The transfers by their numbers.
#[derive(Debug, Default)]
pub(in crate::peer::contents) struct Table {
    pub(super) entries: BTreeMap<TransferId, Entry>,
    last: u64,
}

/// How a transfer stands.
#[derive(Clone, Debug)]
pub(super) struct Status {
    pub(super) state: TransferState,
    pub(super) progress: TransferProgress,
    pub(super) failure: Option<TransferFailure>,
    pub(super) fetched: Option<Fetched>,
}

/// A transfer.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) order: Order,
    /// Whether the node goes on with it by itself.
    pub(super) kept: bool,
    /// How many hold it.
    pub(super) held: usize,
    pub(super) status: watch::Sender<Status>,
    /// Stops the task that works on it; `None` while none does.
    pub(super) stop: Option<CancellationToken>,
    pub(super) staged: StagedAt,
    /// What arrived of the one in whose place it is: removed when all of this is here.
    pub(super) instead_of: Option<PathBuf>,
    pub(super) givers: Givers,
    /// Where its files are read: those of the last run.
    pub(super) readers: Readers,
    pub(super) priorities: Priorities,
    /// Where all of it is, once it is.
    pub(super) target: Option<PathBuf>,
}

/// How a transfer stood before it was asked for again.
#[derive(Debug)]
pub(super) struct Earlier {
    kept: bool,
    wait_ms: u64,
    instead_of: Option<PathBuf>,
    status: Status,
    /// What stopped the task that worked on it.
    stop: Option<CancellationToken>,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            table: Mutex::default(),
            news: broadcast::channel(NEWS_AHEAD_MAX).0,
            changing: tokio::sync::Mutex::default(),
            turns: Turns::default(),
        }
    }
}

impl Registry {
    /// The table; never held across a wait.
    pub(in crate::peer::contents) fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Follows what becomes of transfers.
    pub(super) fn subscribe(&self) -> broadcast::Receiver<TransferInfo> {
        self.news.subscribe()
    }

    /// Tells whoever follows.
    pub(super) fn tell(&self, info: TransferInfo) {
        // Often nobody does.
        let _ = self.news.send(info);
    }
}

impl Table {
    /// Takes in a new transfer.
    pub(super) fn insert(&mut self, entry: Entry) -> TransferId {
        self.last += 1;
        let id = TransferId(self.last);
        self.entries.insert(id, entry);
        id
    }

    /// Takes in a transfer of an earlier run of the node.
    pub(super) fn restore(&mut self, kept: KeptTransfer) {
        self.last = self.last.max(kept.id.0);
        let mut entry = Entry::restored(kept.order, kept.standing, kept.progress);
        if let Some(target) = kept.target {
            entry.readers = Readers::of_target(&target);
            entry.target = Some(target);
        }
        if let Some(folder) = kept.staged {
            entry.staged.tell(folder);
        }
        entry.instead_of = kept.instead_of;
        self.entries.insert(kept.id, entry);
    }

    /// The transfer of the same thing that is under way, or kept.
    pub(super) fn find(&self, order: &Order) -> Option<TransferId> {
        let same = |entry: &Entry| {
            let is_over = entry.status.borrow().state.is_over();
            entry.order.is_same(order) && (entry.kept || !is_over)
        };
        let found = self.entries.iter().find(|(_, entry)| same(entry));
        found.map(|(id, _)| *id)
    }

    /// Where a file of the share that `is_it` (by its owner, id and name) is read, where a transfer under way brings it; and its path
    /// there. By whatever name a transfer was begun, what arrives of it tells the id.
    pub(in crate::peer::contents) fn under_way(
        &self,
        is_it: impl Fn(&PeerId, Option<&ShareId>, &str) -> bool,
        path: &str,
    ) -> Option<(Readers, String)> {
        let running = self.entries.values().filter(|entry| {
            let status = entry.status.borrow();
            status.state == TransferState::Running && !status.progress.waiting
        });
        let mut found = running.filter_map(|entry| {
            let arrives = entry.readers.share();
            let is_it = |owner: &PeerId, share: Option<&ShareId>, name: &str| {
                is_it(owner, share.or(arrives.as_ref()), name)
            };
            let path = entry.order.brings(is_it, path)?;
            Some((entry.readers.clone(), path))
        });
        found.next()
    }

    /// Where what arrived for those lies that are not over, and what they go on with.
    pub(super) fn staged(&self) -> Vec<PathBuf> {
        let entries = self.entries.values();
        let wanted = entries.filter(|entry| !entry.status.borrow().state.is_over());
        let folders = wanted.flat_map(|entry| [entry.staged.folder(), entry.instead_of.clone()]);
        folders.flatten().collect()
    }

    /// The oldest of those that are over and that nobody holds, as far as there are more than are shown.
    pub(super) fn surplus(&self) -> Vec<TransferId> {
        let is_over = |entry: &Entry| entry.held == 0 && entry.status.borrow().state.is_over();
        let over: Vec<TransferId> = (self.entries.iter())
            .filter(|(_, entry)| is_over(entry))
            .map(|(id, _)| *id)
            .collect();
        let surplus = over.len().saturating_sub(OVER_MAX);
        over[..surplus].to_vec()
    }

    /// A transfer as it stands.
    pub(super) fn info(&self, id: TransferId) -> Option<TransferInfo> {
        self.entries.get(&id).map(|entry| entry.info(id))
    }
}

impl Status {
    pub(super) fn new(state: TransferState) -> Self {
        Self {
            state,
            progress: TransferProgress::default(),
            failure: None,
            fetched: None,
        }
    }
}

impl Entry {
    /// What was just asked for.
    pub(super) fn new(order: Order, kept: bool) -> Self {
        Self {
            priorities: Priorities::new(order.levels()),
            target: None,
            order,
            kept,
            held: 0,
            status: watch::Sender::new(Status::new(TransferState::Waiting)),
            stop: None,
            staged: StagedAt::default(),
            instead_of: None,
            givers: Givers::default(),
            readers: Readers::ended(),
        }
    }

    fn restored(order: Order, standing: Standing, progress: TransferProgress) -> Self {
        let (state, failure) = match standing {
            Standing::Wanted => (TransferState::Waiting, None),
            Standing::Paused => (TransferState::Paused, None),
            Standing::Done => (TransferState::Done, None),
            Standing::Failed(failure) => (TransferState::Failed, Some(failure)),
        };
        let status = Status {
            state,
            progress,
            failure,
            fetched: None,
        };
        Self {
            status: watch::Sender::new(status),
            ..Self::new(order, true)
        }
    }

    /// Makes it wait for its first byte again, with somebody who can stop it. Whoever waits for the end of an earlier run keeps that run's end.
    pub(super) fn begin(&mut self) -> CancellationToken {
        self.end();
        let before = self.status.borrow().clone();
        let status = Status {
            progress: before.progress,
            ..Status::new(TransferState::Waiting)
        };
        if before.state.is_over() {
            self.status = watch::Sender::new(status);
        } else {
            self.status.send_replace(status);
        }
        let stop = CancellationToken::new();
        self.stop = Some(stop.clone());
        stop
    }

    /// How it stands, to go back to.
    pub(super) fn standing(&self) -> Earlier {
        Earlier {
            kept: self.kept,
            wait_ms: self.order.wait_ms,
            instead_of: self.instead_of.clone(),
            status: self.status.borrow().clone(),
            stop: self.stop.clone(),
        }
    }

    /// Stands as it did. Whether somebody worked on it then whom a new run has stopped, so that it is to be started again.
    pub(super) fn go_back(&mut self, to: Earlier) -> bool {
        self.kept = to.kept;
        self.order.wait_ms = to.wait_ms;
        self.instead_of = to.instead_of;
        match &to.stop {
            Some(stop) => stop.is_cancelled(),
            None => {
                self.end();
                self.status.send_replace(to.status);
                false
            }
        }
    }

    /// Stops whoever works on it.
    pub(super) fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.cancel();
        }
    }

    /// Stops it where it is.
    pub(super) fn rest(&mut self, state: TransferState) {
        self.end();
        self.status.send_modify(|status| {
            status.state = state;
            status.progress.rate = 0;
        });
    }

    /// As it stands.
    pub(super) fn info(&self, id: TransferId) -> TransferInfo {
        let status = self.status.borrow();
        TransferInfo {
            id,
            peer: self.order.owner,
            by_link: self.order.link.is_some(),
            what: self.order.what(),
            out: self.order.out(),
            state: status.state,
            progress: status.progress,
            background: self.kept,
            failure: status.failure.clone(),
            selects: self.order.is_choice(),
            priorities: self.priorities.levels(),
            updated: (status.fetched.as_ref()).and_then(|fetched| fetched.updated.clone()),
        }
    }

    /// What is kept of it.
    pub(super) fn keep(&self, id: TransferId) -> KeptTransfer {
        let status = self.status.borrow();
        let standing = match (status.state, &status.failure) {
            (TransferState::Paused, _) => Standing::Paused,
            (TransferState::Done, _) => Standing::Done,
            (TransferState::Failed, Some(failure)) => Standing::Failed(failure.clone()),
            _ => Standing::Wanted,
        };
        KeptTransfer {
            id,
            order: (self.order.clone()).prioritised(&self.priorities.levels()),
            standing,
            progress: TransferProgress {
                rate: 0,
                waiting: false,
                absent: false,
                examining: false,
                ..status.progress
            },
            staged: self.staged.folder(),
            target: self.target.clone(),
            instead_of: self.instead_of.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kith_core::ids::PeerId;
    use std::path::Path;

    fn entry(kept: bool) -> Entry {
        let order = Order::new(PeerId([1; 32]), None, "holiday".into(), Path::new("/out"));
        Entry::new(order, kept)
    }

    #[test]
    fn what_is_over_is_found_again_only_where_it_is_kept() {
        for kept in [false, true] {
            let mut table = Table::default();
            let id = table.insert(entry(kept));
            let order = entry(kept).order;
            assert_eq!(table.find(&order), Some(id));
            let entry = table.entries.get_mut(&id).expect("inserted");
            entry.rest(TransferState::Failed);
            assert_eq!(table.find(&order), kept.then_some(id));
        }
    }

    #[test]
    fn the_oldest_that_are_over_are_too_many() {
        let mut table = Table::default();
        let ids: Vec<TransferId> = (0..OVER_MAX + 3)
            .map(|_| table.insert(entry(true)))
            .collect();
        assert_eq!(table.surplus(), []);
        for id in &ids {
            let entry = table.entries.get_mut(id).expect("inserted");
            entry.rest(TransferState::Done);
        }
        assert_eq!(table.surplus(), ids[..3]);
        table.entries.get_mut(&ids[0]).expect("inserted").held = 1;
        assert_eq!(table.surplus(), ids[1..3]);
    }

    #[test]
    fn a_transfer_begun_again_leaves_its_earlier_end_to_those_who_wait_for_it() {
        let mut entry = entry(true);
        let stop = entry.begin();
        let earlier = entry.status.subscribe();
        entry.rest(TransferState::Done);
        assert!(stop.is_cancelled());
        entry.begin();
        assert_eq!(earlier.borrow().state, TransferState::Done);
        assert_eq!(entry.status.borrow().state, TransferState::Waiting);
    }

    #[test]
    fn what_cannot_be_kept_stands_as_it_did() {
        // It works, and somebody wants to be told of it, too; nothing is begun for them.
        let mut working = entry(true);
        let stop = working.begin();
        let before = working.standing();
        assert!(!working.go_back(before) && !stop.is_cancelled());

        // It works for those who hold it, and the node was to go on with it by itself.
        let mut held = entry(false);
        held.begin();
        let before = held.standing();
        held.kept = true;
        held.order.wait_ms += 1;
        held.begin();
        assert!(held.go_back(before), "its task was stopped");
        assert_eq!((held.kept, held.order.wait_ms), (false, 0));

        // It rests, and was to go on.
        let mut resting = entry(true);
        resting.rest(TransferState::Failed);
        let before = resting.standing();
        let stop = resting.begin();
        assert!(!resting.go_back(before) && stop.is_cancelled());
        assert_eq!(resting.status.borrow().state, TransferState::Failed);
    }

    #[test]
    fn numbers_go_on_after_those_of_an_earlier_run() {
        let mut table = Table::default();
        table.restore(entry(true).keep(TransferId(7)));
        assert_eq!(table.insert(entry(true)), TransferId(8));
        let standing = table.entries[&TransferId(7)].status.borrow().state;
        assert_eq!(standing, TransferState::Waiting);
    }
}
