//! Fetching a share, or a part of one, from everybody who has some of it, into a folder.
//!
//! ```text
//! head ─ path ─ walk ──► directory nodes ──► items ──► spans ──► staging ──► one barrier ──► one rename
//!                 ▲            │                         │
//!                 └────────────┴── streams to sources ───┘
//! ```
//!
//! What is asked of whom is the node's getter's to say ([`crate::content::swarm`]). A tree is walked while its files arrive, so it is
//! never held in memory whole.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use kith_core::data::head::{Head, HeadError};
use tracing::debug;

use crate::content::asking::Answered;
use crate::content::coming::Coming;
use crate::content::earlier::Record;
use crate::content::error::GetError;
use crate::content::request::{Get, Got, Progress};
use crate::content::select::{self, Selected};
use crate::content::selected::PartOf;
use crate::content::swarm::fetching::Fetching;
use crate::content::swarm::{Getting, Intake};
use crate::content::transfer::Transfer;
use crate::content::updating::Update;
use crate::data::nodes::Nodes;

/// Fetches, and returns when all is durable under its final name.
///
/// `ask` asks what the share now is: once at first, and when a provider has it no more. `feed` hands streams to providers in, and ends
/// when nobody is left, with what the last of them said; it goes on beside the transfer and is dropped with it. `report` is called as
/// things arrive.
///
/// # Errors
/// [`GetError`]; run it again to go on with what arrived.
pub async fn get<Asking, Feeding>(
    getting: &Arc<Getting>,
    ask: impl Fn() -> Asking + Send,
    feed: impl FnOnce(Intake) -> Feeding + Send,
    get: Get,
    mut report: impl FnMut(&Progress) + Send,
) -> Result<Got, GetError>
where
    Asking: Future<Output = Result<Answered, GetError>> + Send,
    Feeding: Future<Output = GetError> + Send,
{
    let started = Instant::now();
    let answered = ask().await?;
    let head = answered.head.clone();
    check(&head, &get)?;
    if get.stale == Some(head.manifest) {
        return Err(changed(&head));
    }
    let mut fetching = Fetching::begin(getting, &head, &get.givers)?;
    let arriving = Arc::clone(&fetching.arriving);
    let feeding = feed(fetching.intake());
    let work = async {
        let mut way = Vec::new();
        let selected = select::select(&mut fetching, &head, &get.path, &mut way).await?;
        selected.check_wanted(get.only.as_ref())?;
        let target = get.out.join(selected.name());
        let (swarm, file) = (fetching.known(), selected.file());
        let (arriving, priorities) = (Arc::clone(&arriving), get.priorities.clone());
        let coming = Coming::new(swarm, arriving, file, priorities);
        get.readers.arrives(get.share, coming);
        let mut transfer = Transfer::begin(fetching, &get, &selected, &target).await?;
        let offering = transfer.offer(&get, &answered, (&selected, way), &target);
        let offered = offering.await?;
        transfer.run(&mut report).await?;
        Ok((selected, target, transfer, offered))
    };
    let worked = tokio::select! {
        biased;
        worked = work => worked,
        error = feeding => Err(error),
    };
    // Nothing of this run writes to the disk any more when the next begins.
    arriving.settle().await;
    if worked.is_err() {
        get.readers.waits();
    }
    let (selected, target, mut transfer, offered) = match worked {
        Ok(worked) => worked,
        Err(GetError::Gone) => return Err(gone(&head, &get, ask().await)),
        Err(error) => return Err(error),
    };
    transfer.count_rest();
    let (progress, links_left_out) = (transfer.progress.clone(), transfer.links_left_out);
    if let Some(offered) = &offered {
        offered.complete();
    }
    // They can be read for as long as they are held.
    let nodes = transfer.nodes();
    put(transfer, &get, &head, (&selected, &target)).await?;
    report(&Progress {
        durable: progress.bytes,
        ..progress.clone()
    });
    tell_readers(&get, &target);
    Ok(Got {
        target,
        head,
        grant: answered.grant,
        bytes: progress.bytes,
        files: progress.files,
        fetched: progress.fetched,
        sources: progress.sources,
        time: started.elapsed(),
        links_left_out,
        updated: get.update.as_ref().map(Update::updated),
        selected_of: nodes.filter(|_| get.is_part()).map(|nodes| PartOf {
            path: get.path.trim_matches('/').to_owned(),
            nodes,
        }),
        offered,
    })
}

/// Tells whoever reads it that all is there.
fn tell_readers(get: &Get, target: &Path) {
    match get.update {
        // What was kept is not what arrived.
        Some(_) => get.readers.is_whole(target),
        None => get.readers.has_arrived(target),
    }
}

/// Gives what is here its name, and writes down before and after it what that is.
async fn put(
    transfer: Transfer,
    get: &Get,
    head: &Head,
    (selected, target): (&Selected, &Path),
) -> Result<(), GetError> {
    let nodes = transfer.nodes().filter(|_| !transfer.has_nothing());
    let record = begin_record(get, head, target, nodes).await;
    transfer.finish(selected, target).await?;
    if let Some(record) = record {
        complete_record(get, record, selected.folder(target).to_owned()).await;
    }
    Ok(())
}

/// Writes down what is about to get its name, where that is wanted: what nobody has touched can be brought up to date then, whatever happens next.
async fn begin_record(
    get: &Get,
    head: &Head,
    target: &Path,
    nodes: Option<Arc<Nodes>>,
) -> Option<Record> {
    let place = (target, get.only.as_ref());
    let record = Record::new(get.was.as_ref()?, get.share, head.manifest, place);
    let (nodes, begun) = (nodes?, record.clone());
    let began = tokio::task::spawn_blocking(move || begun.begin(&nodes)).await;
    let began = began.map_err(io::Error::other).flatten();
    // It is fetched, whether that can be known later or not.
    let began = began.inspect_err(|error| debug!(%error, "what was got is not written down"));
    began.is_ok().then_some(record)
}

/// All of that has its name now, but for what stays as it is in its folder.
async fn complete_record(get: &Get, record: Record, folder: PathBuf) {
    let kept = get.update.as_ref().map(Update::kept).unwrap_or_default();
    if !kept.is_all() {
        return;
    }
    let completed = tokio::task::spawn_blocking(move || record.complete(&folder, &kept)).await;
    if let Err(error) = completed.map_err(io::Error::other).flatten() {
        debug!(%error, "it is not written down that all came");
    }
}

/// Whether a head is of the owner and the version that were asked for, and not older than is good enough.
fn check(head: &Head, get: &Get) -> Result<(), GetError> {
    if head.share != get.share || head.owner != get.owner {
        return Err(HeadError::OtherShare.into());
    }
    match get.at {
        Some(at) if at != head.manifest => Err(GetError::Version),
        None if is_newer(get.newest.as_ref(), head) => Err(GetError::Older),
        _ => Ok(()),
    }
}

/// Whether what is known is a newer version than this head's.
fn is_newer(known: Option<&Head>, head: &Head) -> bool {
    known.is_some_and(|known| known.is_newer_version_than(head))
}

/// Something of this version has changed at its owner.
fn changed(head: &Head) -> GetError {
    GetError::Changed {
        path: head.name.clone(),
        version: head.manifest,
    }
}

/// What was there is gone: replaced by another version, where there still is a head for us; or it is a past version, of which the
/// files are gone.
fn gone(head: &Head, get: &Get, now: Result<Answered, GetError>) -> GetError {
    match now.map(|now| now.head) {
        Ok(_) if get.at.is_some() => GetError::Version,
        Ok(now) if now.manifest != head.manifest => changed(head),
        Ok(now) => check(&now, get).err().unwrap_or(GetError::Gone),
        Err(GetError::Connection(error)) => GetError::Connection(error),
        Err(GetError::Version) => GetError::Version,
        Err(_) => GetError::Gone,
    }
}
