//! Finding a path of a share: which part of its tree is meant.

use kith_core::data::head::{Head, Layout};
use kith_core::data::manifest::{self, Body, Entry, Found, ManifestError, Node, Totals};
use kith_core::data::path;
use kith_core::data::walk::WalkError;
use kith_core::ids::BlobHash;
use tokio::io::{AsyncRead, AsyncWrite};

use crate::content::error::GetError;
use crate::content::worker::Connection;

/// What is to be fetched.
#[derive(Clone, Debug)]
pub(super) enum Selected {
    /// A directory with all beneath.
    Directory {
        /// What the target is called.
        name: String,
        /// Its node.
        node: BlobHash,
        /// What it holds.
        totals: Totals,
        /// How deep in the share it lies.
        depth: usize,
    },
    /// One file.
    File(manifest::File),
}

impl Selected {
    /// What the target is called.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Directory { name, .. } => name,
            Self::File(file) => &file.name,
        }
    }

    /// What it is fetched as: names its staging folder.
    pub(super) fn hash(&self) -> BlobHash {
        match self {
            Self::Directory { node, .. } => *node,
            Self::File(file) => file.hash,
        }
    }

    /// What it holds.
    pub(super) fn totals(&self) -> Totals {
        match self {
            Self::Directory { totals, .. } => *totals,
            Self::File(file) => Totals {
                bytes: file.size,
                files: 1,
            },
        }
    }
}

/// Follows `path` from the root of the share.
pub(super) async fn select<R, W>(
    connection: &mut Connection<R, W>,
    head: &Head,
    path: &str,
) -> Result<Selected, GetError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let names = path::split(path).map_err(|_| GetError::NotFound)?;
    let mut selected = Selected::Directory {
        name: head.name.clone(),
        node: head.manifest,
        totals: head.totals,
        depth: 0,
    };
    if names.is_empty() && head.layout == Layout::File {
        return only_file(connection, head.manifest).await;
    }
    for (depth, name) in names.into_iter().enumerate() {
        let Selected::Directory { node, .. } = selected else {
            return Err(GetError::NotFound);
        };
        selected = match find(connection, node, name).await? {
            Entry::File(file) => Selected::File(file),
            Entry::Directory(directory) => Selected::Directory {
                name: directory.name,
                node: directory.node,
                totals: directory.totals,
                depth: depth + 1,
            },
            Entry::Symlink(_) => return Err(GetError::NotFound),
        };
    }
    Ok(selected)
}

/// The one file of a share that is one.
async fn only_file<R, W>(
    connection: &mut Connection<R, W>,
    root: BlobHash,
) -> Result<Selected, GetError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    match fetch(connection, root).await?.into_body() {
        Body::Entries(entries) => match <[Entry; 1]>::try_from(entries) {
            Ok([Entry::File(file)]) => Ok(Selected::File(file)),
            _ => Err(WalkError::Parts(String::new()).into()),
        },
        Body::Parts(_) => Err(WalkError::Parts(String::new()).into()),
    }
}

/// The entry of this name in a directory.
async fn find<R, W>(
    connection: &mut Connection<R, W>,
    mut node: BlobHash,
    name: &str,
) -> Result<Entry, GetError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    for _ in 0..=manifest::PARTS_DEPTH_MAX {
        match fetch(connection, node).await?.find(name) {
            Found::Entry(entry) => return Ok(entry.clone()),
            Found::Part(part) => node = part.node,
            Found::Nothing => return Err(GetError::NotFound),
        }
    }
    Err(WalkError::Parts(String::new()).into())
}

/// One node, verified and checked.
pub(super) async fn fetch<R, W>(
    connection: &mut Connection<R, W>,
    node: BlobHash,
) -> Result<Node, GetError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let bytes = connection.node(node).await?;
    Ok(Node::decode(&bytes).map_err(|error: ManifestError| WalkError::from(error))?)
}
