//! Remembering what contacts share, so that it can be shown while they are away: their shares, what lay in the folders that were looked into, and
//! small pictures.
//!
//! Somebody of whom something is remembered is asked again when they come and when they say that something changed, whoever looks meanwhile: what
//! they take back is forgotten then.

use std::time::Duration;

use kith_core::content::preview::Size;
use kith_core::data::head::Head;
use kith_core::data::listing::{PAGE_ENTRIES_MAX, Page};
use kith_core::data::manifest::Entry;
use kith_core::identity::ContactState;
use kith_core::ids::{PeerId, ShareId};
use kith_core::peer::Regard;
use kith_core::time::Time;
use tokio::sync::broadcast::error::RecvError;
use tracing::debug;

use super::answers::Asking;
use super::handle::Contents;
use super::previews;
use super::source::{ShareName, ShareSource};
use crate::clock;
use crate::content::remembered::{Forgotten, Remembered};
use crate::content::{Preview, PreviewError, ShareEvent};
use crate::error::Error;
use crate::peer::event::Event;
use crate::peer::node::Node;

/// How long somebody who was asked is not asked again, whatever they say: who says all the time that something changed is asked this often.
const LOOK_PAUSE: Duration = Duration::from_secs(1);

/// How long the preview of a file stays that is not remembered: one that was seen by a link, or whose share was taken back while this node ended.
const UNREMEMBERED_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// How often those are swept away, beside the start: they stay a day and this much at most.
const SWEEP_EVERY: Duration = Duration::from_secs(6 * 60 * 60);

/// Begins to keep what is remembered true.
pub(super) fn remember(node: &Node) {
    sweep(node);
    let (weak, mut events) = (node.downgrade(), node.events());
    let mut told = node.shares().events();
    node.spawn(async move {
        loop {
            let (owner, is_there) = tokio::select! {
                event = events.recv() => match event {
                    Ok(Event::Up(session)) => (session.peer, true),
                    Ok(Event::Down { peer, .. }) => (peer, false),
                    Ok(_) | Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return,
                },
                event = told.recv() => match event {
                    Ok(ShareEvent::Offered { owner, .. }) => (Some(owner), true),
                    Ok(_) | Err(RecvError::Lagged(_)) => continue,
                    Err(RecvError::Closed) => return,
                },
            };
            let (Some(node), Some(owner)) = (weak.upgrade(), owner) else {
                continue;
            };
            let contents = node.contents();
            if is_there {
                node.extension::<Asking>().lock().doubt(owner);
            }
            node.spawn(async move {
                let done = match is_there {
                    true => contents.look_again(owner).await,
                    false => contents.saw_last(owner).await,
                };
                if let Err(error) = done {
                    debug!(%error, "what is remembered of a contact is not brought up to date");
                }
            });
        }
    });
}

/// Begins to remove, now and then, small pictures of what nobody remembers.
fn sweep(node: &Node) {
    let weak = node.downgrade();
    node.spawn(async move {
        let mut every = tokio::time::interval(SWEEP_EVERY);
        loop {
            every.tick().await;
            let Some(node) = weak.upgrade() else { return };
            if let Err(error) = node.contents().sweep_previews(clock::now()).await {
                debug!(%error, "small pictures that nobody remembers stay");
            }
        }
    });
}

impl Contents {
    /// What contacts shared when they last said, in the order of the shares' ids: of those who are contacts, and have us as one as far as is known.
    ///
    /// # Errors
    /// [`Error::Share`] when the database cannot be read, [`Error::Closed`].
    pub async fn remembered(&self) -> Result<Vec<Remembered>, Error> {
        let book = self.node.address_book();
        let (contacts, regards) = (book.contacts().await?, book.regards().await?);
        let mut remembered = self.blocking(|shares| Ok(shares.remembered()?)).await?;
        let is_told = |owner: &PeerId| {
            let known = contacts.iter().find(|contact| contact.peer == *owner);
            known.is_some_and(|contact| contact.state == ContactState::Confirmed)
                && regards.get(owner) != Some(&Regard::Stranger)
        };
        remembered.retain(|it| is_told(&it.owner));
        Ok(remembered)
    }

    /// What a folder of a share holds as far as that is known here, without asking anybody: of our own share, of a copy, or as it was when it was
    /// looked into last. A page at a time, as [`Contents::entries`]; of what was looked into, the first is known.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it was not; as [`Contents::entries`] of our own.
    pub async fn entries_here(
        &self,
        source: &ShareSource,
        after: Option<&str>,
    ) -> Result<Page, Error> {
        if source.owner == self.node.peer_id() {
            return self.entries(source, after).await;
        }
        if let Some(copied) = self.entries_of_copy(source, after).await? {
            return Ok(copied);
        }
        let all = self.remembered().await?;
        let known = all.iter().find(|it| {
            it.owner == source.owner
                && match &source.share {
                    ShareName::Id(share) => it.share == *share,
                    ShareName::Name(name) => it.name == *name,
                }
        });
        let not_here = || {
            let why = "its owner is away, and nobody looked into it here before; it shows when they are back";
            Error::NotFound(why.to_owned())
        };
        let (owner, share) = known.map(|it| (it.owner, it.share)).ok_or_else(not_here)?;
        let path = source.path.clone();
        let seen = self
            .blocking(move |shares| Ok(shares.remembered_folder(&owner, &share, &path)?))
            .await?;
        behind(seen.ok_or_else(not_here)?, after).ok_or_else(not_here)
    }

    /// The preview of a picture as far as it is here, without asking anybody.
    ///
    /// # Errors
    /// [`Error::Preview`].
    pub async fn preview_here(&self, source: &ShareSource, size: Size) -> Result<Preview, Error> {
        if let Some(made) = self.preview_of_lying(source, size).await? {
            return Ok(made);
        }
        let kept = self.given_before(&previews::name(source, size), size).await;
        let away = "its owner is away, and there is no small picture of it here";
        kept.ok_or_else(|| PreviewError::Away(away.to_owned()).into())
    }

    /// A question for what somebody shares: to be had before they are asked.
    pub(super) fn question(&self) -> u64 {
        self.node.extension::<Asking>().lock().next()
    }

    /// Takes in what a contact shares. What cannot be kept is shown all the same, and not while they are away.
    pub(super) async fn take_in(&self, owner: PeerId, question: u64, heads: &[Head]) {
        let (asking, heads) = (self.node.extension::<Asking>(), heads.to_vec());
        let kept = self.blocking(move |shares| {
            asking.write(owner, question, || {
                Ok(shares.remember(&owner, &heads, clock::now())?)
            })
        });
        match kept.await {
            Ok(forgotten) => self.clear(forgotten).await,
            Err(error) => debug!(%error, "what a contact shares is not remembered"),
        }
    }

    /// Remembers what lay in a folder of a contact's share.
    pub(super) async fn take_in_folder(&self, head: &Head, path: &str, entries: &[Entry]) {
        let (head, path, entries) = (head.clone(), path.to_owned(), entries.to_vec());
        let kept = self.blocking(move |shares| {
            Ok(shares.remember_folder(&head, &path, &entries, clock::now())?)
        });
        match kept.await {
            Ok(forgotten) => self.clear(forgotten).await,
            Err(error) => debug!(%error, "what lay in a folder is not remembered"),
        }
    }

    /// Forgets what somebody shared, who is a contact no more, or does not have us as one: with the small pictures of it, and what was read of it.
    ///
    /// # Errors
    /// [`Error::Share`] when the database fails.
    pub(in crate::peer) async fn forget(&self, owner: PeerId) -> Result<(), Error> {
        let asking = self.node.extension::<Asking>();
        let forgotten = self.blocking(move |shares| {
            // What they answered before does not count any more.
            let question = asking.lock().next();
            asking.write(owner, question, || Ok(shares.forget(&owner)?))
        });
        self.clear(forgotten.await?).await;
        Ok(())
    }

    /// Removes what is kept of files that are remembered no more.
    async fn clear(&self, forgotten: Vec<Forgotten>) {
        if forgotten.is_empty() {
            return;
        }
        let (previews, cache) = (self.node.previews().clone(), self.cache());
        let cleared = tokio::task::spawn_blocking(move || {
            for it in forgotten {
                for path in &it.files {
                    for name in names(it.owner, it.share, &it.name, path) {
                        previews.given().forget(&name)?;
                    }
                    cache.forget(&[&it.owner.0, &it.share.0, path.as_bytes()])?;
                }
            }
            Ok::<_, std::io::Error>(())
        });
        if let Ok(Err(error)) = cleared.await {
            debug!(%error, "something of what is not remembered any more stays");
        }
    }

    /// Removes the small pictures of what is not remembered, but for those of the last day.
    async fn sweep_previews(&self, now: Time) -> Result<(), Error> {
        let previews = self.node.previews().clone();
        self.blocking(move |shares| {
            let before = now - UNREMEMBERED_LIFE;
            let mut old = previews.given().made_before(before)?;
            for it in shares.remembered()? {
                if old.is_empty() {
                    break;
                }
                for path in shares.remembered_files(&it.share)? {
                    for name in names(it.owner, it.share, &it.name, &path) {
                        old.remove(&name);
                    }
                }
            }
            for name in old {
                previews.given().forget(&name)?;
            }
            Ok(())
        })
        .await
    }

    /// Asks somebody of whom something is remembered what they share now; once more where they are being asked.
    async fn look_again(&self, owner: PeerId) -> Result<(), Error> {
        if !self
            .blocking(move |shares| Ok(shares.remembers(&owner)?))
            .await?
        {
            return Ok(());
        }
        let asking = self.node.extension::<Asking>();
        if let Some(again) = asking.lock().looking.get_mut(&owner) {
            *again = true;
            return Ok(());
        }
        loop {
            asking.lock().looking.insert(owner, false);
            let listed = self.list(owner).await;
            tokio::time::sleep(LOOK_PAUSE).await;
            let mut table = asking.lock();
            if table.looking.get(&owner) != Some(&true) {
                table.looking.remove(&owner);
                return listed.map(|_| ());
            }
        }
    }

    /// Somebody is there no more: what is remembered of them held until now, unless it was in doubt and they did not answer.
    async fn saw_last(&self, owner: PeerId) -> Result<(), Error> {
        if !self.node.extension::<Asking>().lock().holds(&owner) {
            return Ok(());
        }
        self.blocking(move |shares| Ok(shares.still_told(&owner, clock::now())?))
            .await
    }
}

/// What the previews of a file are kept as, by whichever name its share was asked for.
fn names(owner: PeerId, share: ShareId, name: &str, path: &str) -> Vec<String> {
    let shares = [ShareName::Id(share), ShareName::Name(name.to_owned())];
    let sources = shares.map(|share| ShareSource::of_contact(owner, share, path));
    let of = |source: &ShareSource| Size::ALL.map(|size| previews::name(source, size));
    sources.iter().flat_map(of).collect()
}

/// What of a folder's first page is behind a name; `None` where that is not in it.
fn behind(mut seen: Vec<Entry>, after: Option<&str>) -> Option<Page> {
    // Only a full page is cut.
    let more = seen.len() >= PAGE_ENTRIES_MAX;
    if let Some(after) = after {
        seen.retain(|entry| entry.name().as_bytes() > after.as_bytes());
    }
    let entries = seen;
    (!more || !entries.is_empty()).then_some(Page { entries, more })
}

#[cfg(test)]
mod tests {
    use kith_core::data::manifest::Symlink;

    use super::*;

    #[test]
    fn a_first_page_that_was_cut_says_that_there_is_more() {
        let links = |count: usize| -> Vec<Entry> {
            let name = |number| format!("{number:07}");
            let link = |number| Symlink {
                name: name(number),
                target: "a".to_owned(),
            };
            (0..count)
                .map(|number| Entry::Symlink(link(number)))
                .collect()
        };
        let few = behind(links(3), Some("0000000")).expect("all of it is known");
        assert_eq!((few.entries.len(), few.more), (2, false));
        assert!(behind(links(3), Some("0000002")).is_some_and(|page| page.entries.is_empty()));
        let page = behind(links(PAGE_ENTRIES_MAX), None).expect("a page");
        assert!(page.more && page.entries.len() == PAGE_ENTRIES_MAX);
        assert_eq!(behind(links(PAGE_ENTRIES_MAX), Some("0099999")), None);
    }
}
