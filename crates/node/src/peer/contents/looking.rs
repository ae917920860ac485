//! Looking at what others share, and into what is shared here.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use kith_core::data::head::{Head, HeadError};
use kith_core::data::listing::Page;
use kith_core::ids::{PeerId, ShareId};
use kith_core::routing::{Target, UnreachableReason};
use tokio::sync::mpsc;
use tracing::debug;

use super::failure::{explain, missing, several};
use super::handle::Contents;
use super::opening::{copied_head, own_head};
use super::reach::Reach;
use super::source::{self, ShareName, ShareSource};
use super::sources::Feed;
use crate::clock;
use crate::content::{
    self, GetError, PAGE_SHARES, Provider, ReadError, ShareError, Shares, SharesPage, lying,
};
use crate::error::Error;

/// How long a look at what somebody shares may take: longer than their looking at a large folder anew.
const LOOK_WITHIN: Duration = Duration::from_secs(60);

/// How long the owner of something of which there is a copy here is waited for: as long as whoever looks at it sits before nothing.
const OWNER_WITHIN: Duration = Duration::from_secs(5);

/// The most pages in which a share is looked for by its name: sixty thousand of one person's, and a bound against a list that never ends.
const PAGES_MAX: usize = 16;

impl Contents {
    /// What `peer` shares with us, in the order of the shares' ids: the first page.
    ///
    /// # Errors
    /// [`Error::Unreachable`], and as any stream.
    pub async fn list(&self, peer: PeerId) -> Result<Vec<Head>, Error> {
        Ok(self.list_page(peer, None).await?.heads)
    }

    /// The same a page at a time: from the first share behind `after` on.
    ///
    /// # Errors
    /// As [`Contents::list`].
    pub async fn list_page(
        &self,
        peer: PeerId,
        after: Option<ShareId>,
    ) -> Result<SharesPage, Error> {
        let reach = Reach::peer(&self.node, peer).await?;
        let question = self.question();
        let looked = reach.ask(|target| self.look(&reach, target, peer, after));
        let listed = looked.await;
        match &listed {
            // What is remembered of somebody is the first page.
            Ok(page) if after.is_none() => self.take_in(peer, question, &page.heads).await,
            Ok(_) => {}
            Err(Error::Unreachable {
                reason: UnreachableReason::NotAContact,
                ..
            }) => {
                if let Err(error) = self.forget(peer).await {
                    debug!(%error, "what somebody shared is not forgotten");
                }
            }
            Err(_) => {}
        }
        listed
    }

    /// What a directory of a share holds, somebody's or our own, a page at a time: from the first entry behind the name `after` on. A file holds
    /// itself. Where its owner is not to be reached, or not soon, a copy of it here says what it holds.
    ///
    /// # Errors
    /// [`Error::UnknownShare`] when there is no such share or path, or not for us; [`Error::Unreachable`].
    pub async fn entries(&self, source: &ShareSource, after: Option<&str>) -> Result<Page, Error> {
        if source.owner == self.node.peer_id() {
            let (shares, source) = (Arc::clone(self.node.shares()), source.clone());
            let behind = after.map(str::to_owned);
            let own = move || own_entries(&shares, &source, behind.as_deref());
            let listed = tokio::task::spawn_blocking(own);
            return listed.await.map_err(|_| Error::Closed)?;
        }
        let Some(copied) = self.entries_of_copy(source, after).await? else {
            return self.entries_of_owner(source, after).await;
        };
        match tokio::time::timeout(OWNER_WITHIN, self.entries_of_owner(source, after)).await {
            Err(_) | Ok(Err(Error::Unreachable { .. } | Error::UnknownContact(_))) => Ok(copied),
            Ok(listed) => listed,
        }
    }

    /// What a share of somebody else is now, as its owner says: what whoever holds a link asks for, since nobody tells them.
    ///
    /// # Errors
    /// [`Error::UnknownShare`] when there is none, or not for us; [`Error::Unreachable`]; [`Error::Usage`] for what is our own.
    pub async fn head(&self, source: &ShareSource) -> Result<Head, Error> {
        let reach = Reach::source(&self.node, source).await?;
        let asked = reach.ask(|target| self.head_at(&reach, target, source));
        asked.await
    }

    async fn head_at(
        &self,
        reach: &Reach,
        target: Target,
        source: &ShareSource,
    ) -> Result<Head, Error> {
        let share = self.identify(reach, target, source).await?;
        let stream = reach.open(target).await?;
        let asked = async {
            let credential = source.credential();
            let answered = content::head(stream, share, &credential, None, clock::now()).await?;
            match answered.head.owner == source.owner {
                true => Ok(answered.head),
                false => Err(HeadError::OtherShare.into()),
            }
        };
        let asked = tokio::time::timeout(LOOK_WITHIN, asked).await;
        asked
            .unwrap_or(Err(GetError::Stalled))
            .map_err(|error| explain(error, reach.name(), Reach::is_known(target)))
    }

    /// What it holds where there is a copy of it here; `None` where there is none.
    pub(super) async fn entries_of_copy(
        &self,
        source: &ShareSource,
        after: Option<&str>,
    ) -> Result<Option<Page>, Error> {
        let (shares, here) = (Arc::clone(self.node.shares()), source.clone());
        let behind = after.map(str::to_owned);
        let copied =
            tokio::task::spawn_blocking(move || copied_entries(&shares, &here, behind.as_deref()));
        copied.await.map_err(|_| Error::Closed)?
    }

    /// What the owner says that it holds.
    async fn entries_of_owner(
        &self,
        source: &ShareSource,
        after: Option<&str>,
    ) -> Result<Page, Error> {
        let reach = Reach::source(&self.node, source).await?;
        let listed = reach.ask(|target| self.entries_at(&reach, target, source, after));
        listed.await
    }

    /// What a text names: a link, or `PEER/SHARE[/PATH]` with a petname or PeerId and the share's name or id. The network is not
    /// asked; whether there is such a share shows when it is looked at or fetched.
    ///
    /// # Errors
    /// [`Error::Usage`] when it is neither, [`Error::Find`] when nobody in the address book goes by the name.
    pub async fn resolve(&self, text: &str) -> Result<ShareSource, Error> {
        source::resolve(&self.node, text).await
    }

    /// Which share is meant.
    pub(super) async fn identify(
        &self,
        reach: &Reach,
        target: Target,
        source: &ShareSource,
    ) -> Result<ShareId, Error> {
        let name = match &source.share {
            ShareName::Id(share) => return Ok(*share),
            ShareName::Name(name) => name,
        };
        let (mut named, mut after) = (Vec::new(), None);
        for _ in 0..PAGES_MAX {
            let mut page = self.look(reach, target, source.owner, after).await?;
            page.heads.retain(|head| head.name == *name);
            named.append(&mut page.heads);
            after = page.more_after;
            if after.is_none() {
                break;
            }
        }
        match named.as_slice() {
            [] => Err(missing(reach.name())),
            [head] => Ok(head.share),
            heads => Err(several(heads.iter())),
        }
    }

    /// The shares of `owner` that whoever is at `target` lists for us, a page of them.
    async fn look(
        &self,
        reach: &Reach,
        target: Target,
        owner: PeerId,
        after: Option<ShareId>,
    ) -> Result<SharesPage, Error> {
        let stream = reach.open(target).await?;
        let listed = content::list(stream, after, PAGE_SHARES, clock::now());
        let listed = tokio::time::timeout(LOOK_WITHIN, listed).await;
        let mut page = listed
            .unwrap_or(Err(GetError::Stalled))
            .map_err(|error| explain(error, reach.name(), Reach::is_known(target)))?;
        page.heads.retain(|head| head.owner == owner);
        Ok(page)
    }

    async fn entries_at(
        &self,
        reach: &Reach,
        target: Target,
        source: &ShareSource,
        after: Option<&str>,
    ) -> Result<Page, Error> {
        let share = self.identify(reach, target, source).await?;
        let credential = source.credential();
        let listed = async {
            let stream = reach.open(target).await;
            let stream = stream.map_err(|error| GetError::Connection(io::Error::other(error)))?;
            let answered = content::head(stream, share, &credential, None, clock::now()).await?;
            let head = answered.head;
            if head.owner != source.owner {
                return Err(HeadError::OtherShare.into());
            }
            let provider = Provider {
                targets: vec![target],
                credential: credential.clone(),
            };
            let feed = |intake| async move {
                let feed = Feed::new(self.node.clone(), intake, None);
                feed.run(vec![provider], &mut mpsc::unbounded_channel().1)
                    .await
            };
            let at = (source.path.as_str(), after);
            let page = content::entries(self.node.getting(), &head, at, feed).await?;
            Ok((head, page))
        };
        let listed = tokio::time::timeout(LOOK_WITHIN, listed).await;
        let (head, page) = listed
            .unwrap_or(Err(GetError::Stalled))
            .map_err(|error| explain(error, reach.name(), Reach::is_known(target)))?;
        // What is remembered of a folder is its first page.
        if source.link.is_none() && after.is_none() {
            self.take_in_folder(&head, &source.path, &page.entries)
                .await;
        }
        Ok(page)
    }
}

/// What a directory of an own share holds.
fn own_entries(shares: &Shares, source: &ShareSource, after: Option<&str>) -> Result<Page, Error> {
    let head = own_head(shares, source)?;
    let at = (source.path.as_str(), after);
    let listed = lying::entries(shares, &head, at).map_err(ShareError::from)?;
    Ok(listed.ok_or(ReadError::NotFound)?)
}

/// What a directory of a copy holds; `None` where there is no copy, or nothing at its path.
fn copied_entries(
    shares: &Shares,
    source: &ShareSource,
    after: Option<&str>,
) -> Result<Option<Page>, Error> {
    let Some(head) = copied_head(shares, source)? else {
        return Ok(None);
    };
    let at = (source.path.as_str(), after);
    Ok(lying::entries(shares, &head, at).map_err(ShareError::from)?)
}
