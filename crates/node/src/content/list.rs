//! Looking at what somebody shares, without fetching it.

use std::future::Future;
use std::sync::Arc;

use kith_core::codec;
use kith_core::content::wire::{Answer, Request};
use kith_core::crypto::Ed25519;
use kith_core::data::head::{Head, HeadError, SignedHead};
use kith_core::data::manifest::{Body, Entry};
use kith_core::time::Time;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};

use crate::content::asking;
use crate::content::credential::Stream;
use crate::content::error::GetError;
use crate::content::givers::Givers;
use crate::content::select::{self, Selected};
use crate::content::swarm::fetching::Fetching;
use crate::content::swarm::{Getting, Intake};

/// The most heads a listing takes: far more than anybody reads, and a bound against a list that never ends.
const LIST_MAX: usize = 4_096;

/// The most entries of a directory that are listed: a terminal's or a page's worth many times over, at some 30 MB.
pub const ENTRIES_MAX: usize = 100_000;

/// The most nodes read for one listing: with the longest names they hold [`ENTRIES_MAX`] entries several times over. A tree of mere lists of parts
/// ends here.
const NODES_MAX: usize = 1_000;

/// Asks which shares we may see, and keeps the heads that are genuine.
///
/// # Errors
/// [`GetError`].
pub async fn list<R, W>(stream: Stream<R, W>, now: Time) -> Result<Vec<Head>, GetError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (mut reader, mut writer) = (BufReader::new(stream.reader), stream.writer);
    let mut list: Vec<Head> = Vec::new();
    let mut after = None;
    while list.len() < LIST_MAX {
        asking::send(&mut writer, &Request::List { after }).await?;
        let Answer::Heads { heads, more } = asking::answer(&mut reader).await? else {
            return Err(GetError::Protocol("another answer than heads"));
        };
        for head in heads {
            let head: SignedHead = codec::decode(&head).map_err(HeadError::from)?;
            let head = head.verify(&Ed25519, now)?;
            if after.is_some_and(|after| head.share <= after) {
                return Err(GetError::Protocol("heads out of order"));
            }
            after = Some(head.share);
            list.push(head);
        }
        if !more {
            break;
        }
    }
    Ok(list)
}

/// Lists a directory of the snapshot that `head` names. A file lists itself. At most [`ENTRIES_MAX`] entries. `feed` is as in
/// [`get`](crate::content::get()).
///
/// # Errors
/// [`GetError`].
pub async fn entries<Feeding>(
    getting: &Arc<Getting>,
    head: &Head,
    path: &str,
    feed: impl FnOnce(Intake) -> Feeding + Send,
) -> Result<Vec<Entry>, GetError>
where
    Feeding: Future<Output = GetError> + Send,
{
    let mut fetching = Fetching::begin(getting, head, &Givers::default())?;
    let feeding = feed(fetching.intake());
    tokio::select! {
        biased;
        listed = read(&mut fetching, head, path) => listed,
        error = feeding => Err(error),
    }
}

async fn read(fetching: &mut Fetching, head: &Head, path: &str) -> Result<Vec<Entry>, GetError> {
    let node = match select::select(fetching, head, path, &mut Vec::new()).await? {
        Selected::File { file, .. } => return Ok(vec![Entry::File(file)]),
        Selected::Directory { node, .. } => node,
    };
    let mut list = Vec::new();
    let mut nodes = vec![node];
    let mut nodes_left = NODES_MAX;
    while let Some(node) = nodes.pop() {
        match select::fetch(fetching, node, &mut Vec::new())
            .await?
            .into_body()
        {
            Body::Entries(entries) => list.extend(entries),
            Body::Parts(parts) => nodes.extend(parts.into_iter().rev().map(|part| part.node)),
        }
        nodes_left -= 1;
        if list.len() >= ENTRIES_MAX || nodes_left == 0 {
            list.truncate(ENTRIES_MAX);
            break;
        }
    }
    Ok(list)
}
