//! The task of a transfer under way, and the beginning of those of an earlier run of the node.

use std::time::{Duration, Instant};

use kith_core::row::Row;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::info::{TransferFailure, TransferId, TransferState};
use super::kept::{self, KeptTransfer};
use super::order::Order;
use super::staged::{discard_staged, retain_staged};
use crate::content::GetError;
use crate::error::Error;
use crate::peer::contents::fetched::Fetched;
use crate::peer::contents::handle::Contents;
use crate::peer::contents::options::GetOptions;
use crate::peer::contents::release::{RELEASE_STEP, RELEASE_WITHIN};
use crate::peer::contents::source::{ShareName, ShareSource};
use crate::peer::contents::transfer::Transfer;
use crate::peer::node::Node;

/// Between two news of a transfer that only goes on: what an eye follows.
const NEWS_EVERY: Duration = Duration::from_millis(500);

/// Takes in the transfers that are kept, and goes on with them if the node is to `resume`.
/// What cannot be read is left where it is.
pub(in crate::peer) fn restore(node: &Node, resume: bool) {
    let registry = node.transfers();
    let rows = node.store().load(&[kept::KIND]).unwrap_or_else(|error| {
        warn!(%error, "the kept transfers cannot be read");
        Vec::new()
    });
    for (_, key, value) in rows {
        match KeptTransfer::read(&key, &value) {
            Ok(kept) => registry.lock().restore(kept),
            Err(error) => warn!(%error, "a kept transfer cannot be read"),
        }
    }
    if resume {
        let wanted: Vec<TransferId> = (registry.lock().entries.iter())
            .filter(|(_, entry)| entry.status.borrow().state == TransferState::Waiting)
            .map(|(id, _)| *id)
            .collect();
        for id in wanted {
            start(node, id);
        }
    }
}

/// Begins to work on a transfer, or begins anew.
pub(super) fn start(node: &Node, id: TransferId) {
    let mut table = node.transfers().lock();
    let Some(entry) = table.entries.get_mut(&id) else {
        return;
    };
    let stop = entry.begin();
    let mut options = options(&entry.order);
    options.staged = entry.staged.clone();
    options.givers = entry.givers.clone();
    options.priorities = entry.priorities.clone();
    entry.readers = options.readers.clone();
    let info = entry.info(id);
    drop(table);
    node.transfers().tell(info);
    let contents = node.contents();
    node.spawn(async move {
        let outcome = tokio::select! {
            outcome = work(&contents, id, &stop, options) => outcome,
            () = stop.cancelled() => return,
        };
        settle(&contents.node, id, &stop, outcome).await;
    });
}

/// Writes what a kept transfer has become.
///
/// # Errors
/// [`Error::Io`] when it cannot be written.
pub(super) async fn write(node: &Node, id: TransferId) -> Result<(), Error> {
    let row = {
        let table = node.transfers().lock();
        match table.entries.get(&id) {
            Some(entry) if entry.kept => entry.keep(id).row(),
            _ => return Ok(()),
        }
    };
    write_rows(node, vec![row]).await
}

/// Writes that a transfer is kept no longer.
///
/// # Errors
/// As [`write`].
pub(super) async fn forget(node: &Node, id: TransferId) -> Result<(), Error> {
    write_rows(node, vec![kept::no_row(id)]).await
}

async fn write_rows(node: &Node, rows: Vec<Row>) -> Result<(), Error> {
    let written = node.store().call(move |store| store.write(&rows)).await;
    written.map_err(|error| Error::io("a transfer cannot be kept", std::io::Error::other(error)))
}

/// Fetches until all is there or it does not go on.
async fn work(
    contents: &Contents,
    id: TransferId,
    stop: &CancellationToken,
    options: GetOptions,
) -> Result<Fetched, Error> {
    let begun = Instant::now();
    loop {
        // Before this one looks what lies beside it.
        let staged = contents.node.transfers().lock().staged();
        retain_staged(staged).await;
        let mut transfer = contents.get(options.clone());
        follow(&contents.node, id, stop, &mut transfer).await;
        match transfer.finished().await {
            Err(Error::Get {
                error: GetError::Busy(_),
                ..
            }) if begun.elapsed() < RELEASE_WITHIN => tokio::time::sleep(RELEASE_STEP).await,
            outcome => return outcome,
        }
    }
}

/// Notes how far it is, until it is over.
async fn follow(node: &Node, id: TransferId, stop: &CancellationToken, transfer: &mut Transfer) {
    let mut told: Option<(Instant, TransferState, (bool, bool))> = None;
    while let Some(progress) = transfer.changed().await {
        let state = match progress.waiting {
            true => TransferState::Waiting,
            false => TransferState::Running,
        };
        let table = node.transfers().lock();
        let Some(entry) = table.entries.get(&id).filter(|_| !stop.is_cancelled()) else {
            return;
        };
        entry.status.send_modify(|status| {
            status.state = state;
            status.progress = progress;
        });
        let why = (progress.absent, progress.examining);
        let is_due = |(at, before, was): (Instant, TransferState, (bool, bool))| {
            before != state || was != why || at.elapsed() >= NEWS_EVERY
        };
        if told.is_none_or(is_due) {
            told = Some((Instant::now(), state, why));
            node.transfers().tell(entry.info(id));
        }
    }
}

/// Takes in how it ended, unless somebody stopped it meanwhile.
async fn settle(
    node: &Node,
    id: TransferId,
    stop: &CancellationToken,
    outcome: Result<Fetched, Error>,
) {
    let _changing = node.transfers().changing.lock().await;
    let mut rows = Vec::new();
    {
        let mut table = node.transfers().lock();
        let Some(entry) = table.entries.get_mut(&id).filter(|_| !stop.is_cancelled()) else {
            return;
        };
        entry.stop = None;
        // Before whoever waits for the end hears of it, and may let go.
        // The node stops: what is kept stays as it is there, and goes on when it runs again.
        let is_kept = entry.kept && !matches!(outcome, Err(Error::Closed));
        let fetched = outcome.as_ref().ok();
        if let Some(folder) = entry.instead_of.take_if(|_| fetched.is_some()) {
            node.spawn(async move {
                if let Err(error) = discard_staged(folder).await {
                    debug!(%error, "what arrived before is left");
                }
            });
        }
        entry.target = fetched.map(|fetched| fetched.target.clone());
        entry.status.send_modify(|status| {
            status.progress.rate = 0;
            status.progress.waiting = false;
            status.progress.absent = false;
            status.progress.examining = false;
            match outcome {
                Ok(fetched) => {
                    status.state = TransferState::Done;
                    status.progress.bytes = fetched.bytes;
                    status.progress.total = Some(fetched.bytes);
                    status.progress.files = fetched.files;
                    status.fetched = Some(fetched);
                }
                Err(error) => {
                    status.state = TransferState::Failed;
                    status.failure = Some(TransferFailure::from(&error));
                }
            }
        });
        let info = entry.info(id);
        if is_kept {
            rows.push(entry.keep(id).row());
        }
        node.transfers().tell(info);
        for id in table.surplus() {
            table.entries.remove(&id);
            rows.push(kept::no_row(id));
        }
    }
    if !rows.is_empty()
        && let Err(error) = write_rows(node, rows).await
    {
        warn!(%error, "what became of a transfer is forgotten at the next start");
    }
}

/// An order as a transfer takes it.
fn options(order: &Order) -> GetOptions {
    let share = match order.share {
        Some(share) => ShareName::Id(share),
        None => ShareName::Name(order.name.clone()),
    };
    let source = ShareSource {
        owner: order.owner,
        share,
        path: order.path.clone(),
        link: order.link.clone().map(Box::new),
    };
    GetOptions {
        only: order.only.clone(),
        chosen: order.chosen.clone().unwrap_or_default(),
        update: order.update.unwrap_or(false),
        wait: order.wait(),
        at: order.at,
        provide: order.provide,
        keep: order.keep,
        ..GetOptions::new(source, order.out())
    }
}
