//! Looking at what somebody shares, without fetching it.

use kith_core::codec;
use kith_core::content::grant::SignedGrant;
use kith_core::content::wire::{Answer, Request};
use kith_core::crypto::Ed25519;
use kith_core::data::head::{Head, HeadError, SignedHead};
use kith_core::data::manifest::{Body, Entry};
use kith_core::ids::{PeerId, ShareId};
use kith_core::time::Time;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};

use crate::content::error::GetError;
use crate::content::request::{Credential, Stream};
use crate::content::select::{self, Selected};
use crate::content::worker::{self, Connection};

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
        worker::send(&mut writer, &Request::List { after }).await?;
        let Answer::Heads { heads, more } = worker::answer(&mut reader).await? else {
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

/// Asks what a share now is.
///
/// # Errors
/// [`GetError`].
pub async fn head<R, W>(
    stream: Stream<R, W>,
    share: ShareId,
    credential: &Credential,
    now: Time,
) -> Result<(Head, Option<SignedGrant>), GetError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let connection = Connection::open(stream, share, credential, now).await?;
    Ok((connection.head, connection.grant))
}

/// A directory to look into.
#[derive(Clone, Debug)]
pub struct Directory {
    /// Of which share.
    pub share: ShareId,
    /// Whose it must be.
    pub owner: PeerId,
    /// Where in it, written with `/`; empty for the root.
    pub path: String,
    /// What lets us in.
    pub credential: Credential,
}

/// Lists a directory of a share. A file lists itself. At most [`ENTRIES_MAX`] entries.
///
/// # Errors
/// [`GetError`].
pub async fn entries<R, W>(
    stream: Stream<R, W>,
    directory: &Directory,
    now: Time,
) -> Result<Vec<Entry>, GetError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let (share, credential) = (directory.share, &directory.credential);
    let mut connection = Connection::open(stream, share, credential, now).await?;
    let head = connection.head.clone();
    if head.owner != directory.owner {
        return Err(HeadError::OtherShare.into());
    }
    let node = match select::select(&mut connection, &head, &directory.path).await? {
        Selected::File(file) => return Ok(vec![Entry::File(file)]),
        Selected::Directory { node, .. } => node,
    };
    let mut list = Vec::new();
    let mut nodes = vec![node];
    let mut nodes_left = NODES_MAX;
    while let Some(node) = nodes.pop() {
        match select::fetch(&mut connection, node).await?.into_body() {
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
