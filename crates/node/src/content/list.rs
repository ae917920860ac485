//! Looking at what somebody shares, without fetching it.

use std::future::Future;
use std::sync::Arc;

use kith_core::codec;
use kith_core::content::wire::{Answer, Request};
use kith_core::crypto::Ed25519;
use kith_core::data::head::{Head, HeadError, SignedHead};
use kith_core::data::listing::{Listing, Page};
use kith_core::data::manifest::Entry;
use kith_core::data::walk::WalkError;
use kith_core::ids::ShareId;
use kith_core::time::Time;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};

use crate::content::asking;
use crate::content::credential::Stream;
use crate::content::error::GetError;
use crate::content::givers::Givers;
use crate::content::select::{self, Selected};
use crate::content::swarm::fetching::Fetching;
use crate::content::swarm::{Getting, Intake};

/// How many heads end a page: far more than anybody reads, and a bound against a list that never ends.
pub const PAGE_SHARES: usize = 4_096;

/// Some shares, in the order of their ids.
#[derive(Clone, Debug, Default)]
pub struct SharesPage {
    /// What they are.
    pub heads: Vec<Head>,
    /// The share behind which there are more, where there are.
    pub more_after: Option<ShareId>,
}

/// Asks which shares we may see, from the first behind `after` on, until there are so many; and keeps the heads that are genuine.
///
/// # Errors
/// [`GetError`].
pub async fn list<R, W>(
    stream: Stream<R, W>,
    mut after: Option<ShareId>,
    enough: usize,
    now: Time,
) -> Result<SharesPage, GetError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (mut reader, mut writer) = (BufReader::new(stream.reader), stream.writer);
    let mut page = SharesPage::default();
    loop {
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
            page.heads.push(head);
        }
        if !more {
            return Ok(page);
        }
        if page.heads.len() >= enough {
            page.more_after = after;
            return Ok(page);
        }
    }
}

/// Lists a directory of the snapshot that `head` names, from the first entry behind the name `after` on. A file lists itself. `feed` is as in
/// [`get`](crate::content::get()).
///
/// # Errors
/// [`GetError`].
pub async fn entries<Feeding>(
    getting: &Arc<Getting>,
    head: &Head,
    (path, after): (&str, Option<&str>),
    feed: impl FnOnce(Intake) -> Feeding + Send,
) -> Result<Page, GetError>
where
    Feeding: Future<Output = GetError> + Send,
{
    let mut fetching = Fetching::begin(getting, head, &Givers::default())?;
    let feeding = feed(fetching.intake());
    tokio::select! {
        biased;
        listed = read(&mut fetching, head, path, after) => listed,
        error = feeding => Err(error),
    }
}

async fn read(
    fetching: &mut Fetching,
    head: &Head,
    path: &str,
    after: Option<&str>,
) -> Result<Page, GetError> {
    let node = match select::select(fetching, head, path, &mut Vec::new()).await? {
        Selected::File { file, .. } => return Ok(Page::of_file(Entry::File(file), after)),
        Selected::Directory { node, .. } => node,
    };
    let mut listing = Listing::new(node, after.map(str::to_owned));
    while let Some(node) = listing.next_node() {
        let node = select::fetch(fetching, node, &mut Vec::new()).await?;
        listing.handle_node(node).map_err(WalkError::from)?;
    }
    Ok(listing.finish())
}
