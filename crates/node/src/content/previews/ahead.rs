//! Previews made before anybody asks: the small ones of all pictures that are shared, those of the newest share first.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use kith_core::content::preview::Size;
use kith_core::data::head::Head;
use kith_core::data::manifest::{Body, Entry, File, Node};
use kith_core::ids::{BlobHash, ShareId};
use tokio::task::JoinSet;
use tracing::debug;

use super::making::Previews;
use crate::content::lying::Lying;
use crate::content::shares::Shares;
use crate::content::store;

/// What pictures of formats that are known end in. Others are not tried before somebody asks.
const ENDS: [&str; 5] = ["gif", "jpeg", "jpg", "png", "webp"];

/// The most pictures of one share that are looked at ahead; what is beyond is made when it is asked for.
const PICTURES_MAX: usize = 100_000;

impl Previews {
    /// Makes what there is to make, now and whenever what is shared changes.
    pub async fn run_ahead(self: Arc<Self>) {
        if !self.makes() {
            return;
        }
        let mut changes = self.shares.doubts();
        let mut done: BTreeMap<ShareId, BlobHash> = BTreeMap::new();
        loop {
            changes.mark_unchanged();
            let shares = Arc::clone(&self.shares);
            let heads = tokio::task::spawn_blocking(move || newest_first(&shares)).await;
            let heads = heads.map_err(io::Error::other).flatten();
            let heads = heads.unwrap_or_else(|error| {
                debug!(%error, "cannot look for pictures");
                Vec::new()
            });
            done.retain(|share, _| heads.iter().any(|head| head.share == *share));
            for head in heads {
                if done.get(&head.share) == Some(&head.manifest) {
                    continue;
                }
                self.all_of(&head).await;
                if changes.has_changed().unwrap_or(true) {
                    // Something newer may go first. What is made is found made.
                    break;
                }
                done.insert(head.share, head.manifest);
            }
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    async fn all_of(self: &Arc<Self>, head: &Head) {
        let (shares, of) = (Arc::clone(&self.shares), head.clone());
        let found = tokio::task::spawn_blocking(move || pictures(&shares, &of)).await;
        let found = found.map_err(io::Error::other).flatten();
        let mut making = JoinSet::new();
        for lying in found.unwrap_or_default() {
            while making.len() >= self.width {
                making.join_next().await;
            }
            let this = Arc::clone(self);
            making.spawn(async move { this.of_ahead(&lying, Size::Small).await });
        }
        while making.join_next().await.is_some() {}
    }
}

fn newest_first(shares: &Shares) -> io::Result<Vec<Head>> {
    let mut heads: Vec<Head> = shares.mine()?.into_iter().map(|mine| mine.head).collect();
    heads.sort_by_key(|head| std::cmp::Reverse(head.at));
    Ok(heads)
}

/// The pictures of an own share, by the ends of their names.
fn pictures(shares: &Arc<Shares>, head: &Head) -> io::Result<Vec<Lying>> {
    let (mut nodes, mut files) = (vec![head.manifest], Vec::new());
    while let Some(hash) = nodes.pop() {
        let bytes = store::run(shares.database(), |connection| {
            store::node(connection, &head.share, &hash)
        })?;
        let Some(node) = bytes.and_then(|bytes| Node::decode(&bytes).ok()) else {
            continue;
        };
        match node.into_body() {
            Body::Parts(parts) => nodes.extend(parts.into_iter().map(|part| part.node)),
            Body::Entries(entries) => {
                for entry in entries {
                    match entry {
                        Entry::File(file) if is_picture(&file) => files.push(file),
                        Entry::Directory(directory) => nodes.push(directory.node),
                        Entry::File(_) | Entry::Symlink(_) => {}
                    }
                }
            }
        }
        if files.len() >= PICTURES_MAX {
            break;
        }
    }
    files
        .iter()
        .map(|file| Lying::of(shares, head, file))
        .collect()
}

fn is_picture(file: &File) -> bool {
    let end = file
        .name
        .rsplit_once('.')
        .map(|(_, end)| end.to_lowercase());
    end.is_some_and(|end| ENDS.contains(&end.as_str()))
}
