//! What an application holds: all transfers of a node, or a hold on one of them.

use std::path::{Path, PathBuf};

use tokio::sync::{broadcast, watch};

use super::info::{TransferFailure, TransferId, TransferInfo, TransferState};
use super::kept::TEXTS_BYTES_MAX;
use super::order::{ALL, Order};
use super::registry::{Earlier, Entry, Status, TRANSFERS_MAX};
use super::run;
use super::staged::{discard_staged, take_along};
use crate::content::{FileReader, Filter, Giver, Level};
use crate::error::{Error, ErrorKind};
use crate::peer::contents::fetched::Fetched;
use crate::peer::contents::handle::Contents;
use crate::peer::contents::options::GetOptions;
use crate::peer::contents::source::ShareName;
use crate::peer::node::Node;

/// The transfers of a node. A transfer under way keeps its node running.
#[derive(Clone, Debug)]
pub struct Transfers {
    node: Node,
}

/// A hold on a transfer. Unless the node goes on with it by itself, it is cancelled when the last hold on it is dropped; what arrived is kept.
#[derive(Debug)]
pub struct Attached {
    node: Node,
    id: TransferId,
    status: watch::Receiver<Status>,
    /// Whether the status that is, is still to be told.
    is_new: bool,
}

impl Contents {
    /// The transfers of the node: what is being fetched, by whomever it was begun.
    pub fn transfers(&self) -> Transfers {
        Transfers {
            node: self.node.clone(),
        }
    }
}

impl Transfers {
    /// Begins to fetch, or takes hold of the transfer of the same thing to the same place: one that is paused, or is over and kept, goes on.
    /// With `background` the node goes on with it by itself from now on, with the patience of these options, and after a restart too.
    ///
    /// # Errors
    /// [`Error::Usage`] for patterns that are none, or too long; [`Error::Io`] when it cannot be kept, or there are too many transfers.
    pub async fn begin(&self, options: GetOptions, background: bool) -> Result<Attached, Error> {
        self.begin_order(order(options)?, background, None).await
    }

    /// Begins what is ordered; `instead_of` another one, if that is not the same, of which this has arrived.
    async fn begin_order(
        &self,
        order: Order,
        background: bool,
        instead_of: Option<(TransferId, PathBuf)>,
    ) -> Result<Attached, Error> {
        let _changing = self.node.transfers().changing.lock().await;
        let (attached, is_to_start, before) = {
            let mut table = self.node.transfers().lock();
            let found = table.find(&order);
            let id = match found {
                Some(id) => id,
                None if table.entries.len() >= TRANSFERS_MAX => return Err(too_many()),
                None => table.insert(Entry::new(order.clone(), background)),
            };
            let entry = table.entries.get_mut(&id).expect("found or inserted");
            let before = found.map(|_| entry.standing());
            let is_to_start = entry.stop.is_none() || (background && !entry.kept);
            for (path, level) in order.levels().iter() {
                entry.priorities.set(path, level)?;
            }
            if let Some((_, folder)) = instead_of.filter(|(other, _)| *other != id) {
                entry.instead_of = Some(folder);
            }
            if background {
                entry.kept = true;
                entry.order.wait_ms = order.wait_ms;
            }
            if is_to_start {
                // Its status is the new run's before anybody looks at it.
                entry.begin();
            }
            entry.held += 1;
            let status = entry.status.subscribe();
            (self.attached(id, status), is_to_start, before)
        };
        if let Err(error) = run::write(&self.node, attached.id).await {
            // What cannot be kept is not promised; what was there before stays as it was.
            self.take_back(attached.id, before);
            return Err(error);
        }
        if is_to_start {
            run::start(&self.node, attached.id);
        }
        Ok(attached)
    }

    /// All of them, in the order in which they were begun.
    pub fn list(&self) -> Vec<TransferInfo> {
        let table = self.node.transfers().lock();
        let entries = table.entries.iter();
        entries.map(|(id, entry)| entry.info(*id)).collect()
    }

    /// Who gives something of one, or gave since the node began with it, those who gave most first; nobody, of one there is not.
    pub fn givers(&self, id: TransferId) -> Vec<Giver> {
        let table = self.node.transfers().lock();
        let givers = table.entries.get(&id).map(|entry| entry.givers.clone());
        // The getter is not asked under the lock.
        drop(table);
        givers.map_or_else(Vec::new, |givers| givers.list())
    }

    /// Follows what becomes of them: each change of state at once, and their progress twice a second. A receiver that is slow misses the oldest.
    pub fn events(&self) -> broadcast::Receiver<TransferInfo> {
        self.node.transfers().subscribe()
    }

    /// Stops one where it is; it goes on only when it is told to. Nothing changes for one that is over.
    ///
    /// # Errors
    /// [`Error::UnknownTransfer`]; [`Error::Io`] when that cannot be kept.
    pub async fn pause(&self, id: TransferId) -> Result<TransferInfo, Error> {
        let _changing = self.node.transfers().changing.lock().await;
        let info = {
            let mut table = self.node.transfers().lock();
            let entry = table.entries.get_mut(&id).ok_or_else(|| missing(id))?;
            if !entry.status.borrow().state.is_over() {
                entry.rest(TransferState::Paused);
            }
            entry.info(id)
        };
        self.node.transfers().tell(info.clone());
        run::write(&self.node, id).await?;
        Ok(info)
    }

    /// Goes on with one that is paused or has failed; nothing changes for others.
    ///
    /// # Errors
    /// As [`Transfers::pause`].
    pub async fn resume(&self, id: TransferId) -> Result<TransferInfo, Error> {
        let _changing = self.node.transfers().changing.lock().await;
        let (info, before) = {
            let mut table = self.node.transfers().lock();
            let entry = table.entries.get_mut(&id).ok_or_else(|| missing(id))?;
            let is_done = entry.status.borrow().state == TransferState::Done;
            if is_done || entry.stop.is_some() {
                return Ok(entry.info(id));
            }
            let before = entry.standing();
            entry.begin();
            (entry.info(id), before)
        };
        if let Err(error) = run::write(&self.node, id).await {
            self.take_back(id, Some(before));
            return Err(error);
        }
        run::start(&self.node, id);
        Ok(info)
    }

    /// Fetches the same as one that has failed or is done, into another folder (where one is named), in its place; the node goes on with it by
    /// itself. What has arrived is taken along, which takes a while to another disk; what cannot be read is fetched once more. Where it `adds`, what the folder lacks is put into the one that
    /// is there already, and nothing in it is replaced.
    ///
    /// # Errors
    /// As [`Transfers::begin`]; [`Error::UnknownTransfer`]; [`Error::Usage`] for one that is under way; [`Error::Io`] where there is no room for what
    /// has arrived, or the folder cannot be made: it stays where it is then.
    pub async fn again(
        &self,
        id: TransferId,
        out: Option<&Path>,
        adds: bool,
    ) -> Result<Attached, Error> {
        let (mut order, staged) = {
            let mut table = self.node.transfers().lock();
            let entry = table.entries.get_mut(&id).ok_or_else(|| missing(id))?;
            if !entry.status.borrow().state.is_over() {
                return Err(Error::Usage(format!(
                    "transfer {id} is under way; cancel it first"
                )));
            }
            let order = entry.order.clone().prioritised(&entry.priorities.levels());
            // It had not begun: what has arrived is what did for the one in whose place it is.
            if entry.staged.folder().is_none()
                && let Some(folder) = entry.instead_of.take()
            {
                entry.staged.tell(folder);
            }
            (order, entry.staged.clone())
        };
        if let Some(out) = out {
            order.set_out(&absolute(out)?);
        }
        if adds && !order.selects() {
            order.only = vec![ALL.to_owned()];
        }
        take_along(&staged, &order.out()).await?;
        {
            // Where it lies is known after a restart, too.
            let _changing = self.node.transfers().changing.lock().await;
            run::write(&self.node, id).await?;
        }
        let instead_of = staged.folder().map(|folder| (id, folder));
        let begun = self.begin_order(order, true, instead_of).await?;
        if begun.id != id {
            // What arrived is kept until that has what it wants of it.
            self.cancel(id, false).await?;
        }
        Ok(begun)
    }

    /// Ends one, and forgets it. What arrived is kept for a later one, or deleted if it is to be `discard`ed; what is whole stays in any case. Where
    /// that fails it is ended all the same, and stays in the list, to be cancelled once more.
    ///
    /// # Errors
    /// As [`Transfers::pause`], and [`Error::Io`] when what arrived cannot be deleted.
    pub async fn cancel(&self, id: TransferId, discard: bool) -> Result<TransferInfo, Error> {
        let _changing = self.node.transfers().changing.lock().await;
        let (info, arrived) = {
            let mut table = self.node.transfers().lock();
            let entry = table.entries.get_mut(&id).ok_or_else(|| missing(id))?;
            if !entry.status.borrow().state.is_over() {
                entry.rest(TransferState::Cancelled);
            }
            // Of this one, and of the one in whose place it is.
            let arrived = [entry.staged.folder(), entry.instead_of.clone()];
            (entry.info(id), arrived)
        };
        self.node.transfers().tell(info.clone());
        // A full disk that forgets nothing more has room again after this.
        for folder in arrived.into_iter().flatten().filter(|_| discard) {
            discard_staged(folder).await?;
        }
        run::forget(&self.node, id).await?;
        self.node.transfers().lock().entries.remove(&id);
        Ok(info)
    }

    /// Says how soon a file of one, or a folder with all beneath it, is wanted, by its path below what is fetched; everything, by an empty
    /// path. It holds at once, and after a restart.
    ///
    /// # Errors
    /// As [`Transfers::pause`], and [`Error::Priority`] for what is no path, or too much.
    pub async fn prioritise(
        &self,
        id: TransferId,
        path: &str,
        level: Level,
    ) -> Result<TransferInfo, Error> {
        let _changing = self.node.transfers().changing.lock().await;
        let info = {
            let mut table = self.node.transfers().lock();
            let entry = table.entries.get_mut(&id).ok_or_else(|| missing(id))?;
            entry.priorities.set(path, level)?;
            entry.info(id)
        };
        self.node.transfers().tell(info.clone());
        run::write(&self.node, id).await?;
        Ok(info)
    }

    /// A file of one, to be read while it arrives and after (see [`Readers::open`](crate::content::Readers::open)).
    ///
    /// # Errors
    /// [`Error::UnknownTransfer`]; [`Error::Read`] for a path that can be none.
    pub fn open(&self, id: TransferId, path: &str) -> Result<FileReader, Error> {
        let table = self.node.transfers().lock();
        let entry = table.entries.get(&id).ok_or_else(|| missing(id))?;
        Ok(entry.readers.open(path)?)
    }

    /// A transfer stands as it did before it was asked for just now; one that was not there goes.
    fn take_back(&self, id: TransferId, before: Option<Earlier>) {
        let mut table = self.node.transfers().lock();
        let Some(before) = before else {
            if let Some(mut entry) = table.entries.remove(&id) {
                entry.end();
            }
            return;
        };
        let entry = table.entries.get_mut(&id);
        let is_to_start = entry.is_some_and(|entry| entry.go_back(before));
        drop(table);
        if is_to_start {
            run::start(&self.node, id);
        }
    }

    fn attached(&self, id: TransferId, status: watch::Receiver<Status>) -> Attached {
        Attached {
            node: self.node.clone(),
            id,
            status,
            is_new: true,
        }
    }
}

impl Attached {
    /// Its number.
    pub fn id(&self) -> TransferId {
        self.id
    }

    /// How it stands: at once when this is first called, and then whenever something has changed; `None` when it is over.
    pub async fn changed(&mut self) -> Option<TransferInfo> {
        if !std::mem::take(&mut self.is_new) {
            self.status.changed().await.ok()?;
        }
        let state = self.status.borrow_and_update().state;
        if state.is_over() {
            return None;
        }
        self.node.transfers().lock().info(self.id)
    }

    /// Waits until all is there, durable and under its name.
    ///
    /// # Errors
    /// Why it is not; what arrived is kept, unless somebody has cancelled it and had that discarded.
    pub async fn finished(mut self) -> Result<Fetched, TransferFailure> {
        let over = self.status.wait_for(|status| status.state.is_over()).await;
        let status = match over {
            Ok(status) => status.clone(),
            Err(_) => return Err(TransferFailure::from(&Error::Closed)),
        };
        match (status.fetched, status.failure) {
            (Some(fetched), _) => Ok(fetched),
            (None, Some(failure)) => Err(failure),
            (None, None) => Err(TransferFailure {
                kind: ErrorKind::Failed,
                message: format!("transfer {} was cancelled", self.id),
                exists: false,
            }),
        }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        let mut table = self.node.transfers().lock();
        let Some(entry) = table.entries.get_mut(&self.id) else {
            return;
        };
        entry.held = entry.held.saturating_sub(1);
        if entry.kept || entry.held > 0 {
            return;
        }
        if !entry.status.borrow().state.is_over() {
            entry.rest(TransferState::Cancelled);
        }
        let info = entry.info(self.id);
        table.entries.remove(&self.id);
        drop(table);
        if info.state == TransferState::Cancelled {
            self.node.transfers().tell(info);
        }
    }
}

/// What was asked for, if it makes sense.
fn order(options: GetOptions) -> Result<Order, Error> {
    Filter::globs(&options.only).map_err(|error| Error::Usage(error.to_string()))?;
    let out = absolute(&options.out)?;
    let source = options.source;
    let link = source.link.map(|link| *link);
    let (share, name) = match (source.share, &link) {
        (ShareName::Id(share), Some(link)) => (Some(share), link.name.clone()),
        (ShareName::Id(share), None) => (Some(share), String::new()),
        (ShareName::Name(name), _) => (None, name),
    };
    let patterns = options.only.iter().map(|pattern| pattern.len() + 1);
    let texts = name.len() + source.path.len() + out.as_os_str().len() + patterns.sum::<usize>();
    if texts > TEXTS_BYTES_MAX {
        return Err(Error::Usage(format!(
            "names and patterns of more than {TEXTS_BYTES_MAX} bytes"
        )));
    }
    Ok(Order {
        path: source.path,
        link,
        only: options.only,
        chosen: Some(options.chosen).filter(|chosen| !chosen.is_empty()),
        at: options.at,
        update: options.update.then_some(true),
        provide: options.provide,
        keep: options.keep,
        wait_ms: u64::try_from(options.wait.as_millis()).unwrap_or(u64::MAX),
        ..Order::new(source.owner, share, name, &out).prioritised(&options.priorities.levels())
    })
}

fn absolute(out: &Path) -> Result<PathBuf, Error> {
    std::path::absolute(out).map_err(|error| Error::Usage(format!("{}: {error}", out.display())))
}

fn missing(id: TransferId) -> Error {
    Error::UnknownTransfer(id.0)
}

fn too_many() -> Error {
    let advice = std::io::Error::other("cancel some");
    Error::io(
        format!("{TRANSFERS_MAX} transfers are all there can be"),
        advice,
    )
}
