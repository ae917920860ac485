//! Remembering what contacts share, so that it can be shown while they are away: their shares, what lay in the folders that were looked into, and
//! small pictures.
//!
//! Somebody of whom something is remembered is asked again when they come and when they say that something changed, whoever looks meanwhile: what
//! they take back is forgotten then.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kith_core::content::preview::Size;
use kith_core::data::head::Head;
use kith_core::data::manifest::Entry;
use kith_core::identity::ContactState;
use kith_core::ids::PeerId;
use kith_core::peer::Regard;
use tokio::sync::broadcast::error::RecvError;
use tracing::debug;

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

/// What is being asked, and whose answer counts.
#[derive(Debug, Default)]
struct Asking(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    /// Counts questions.
    clock: u64,
    /// The question whose answer was taken in last, for each contact who ever answered.
    answered: BTreeMap<PeerId, u64>,
    /// Who is being asked, and whether to ask once more.
    looking: BTreeMap<PeerId, bool>,
}

impl Asking {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn next(&mut self) -> u64 {
        self.clock += 1;
        self.clock
    }

    /// Whether the answer to this question is news: none to a later one was taken in.
    fn take(&mut self, owner: PeerId, question: u64) -> bool {
        let last = self.answered.entry(owner).or_default();
        let is_news = question > *last;
        *last = question.max(*last);
        is_news
    }
}

/// Begins to keep what is remembered true.
pub(super) fn remember(node: &Node) {
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
    /// looked into last.
    ///
    /// # Errors
    /// [`Error::NotFound`] where it was not; as [`Contents::entries`] of our own.
    pub async fn entries_here(&self, source: &ShareSource) -> Result<Vec<Entry>, Error> {
        if source.owner == self.node.peer_id() {
            return Ok(self.entries(source, None).await?.entries);
        }
        if let Some(copied) = self.entries_of_copy(source, None).await? {
            return Ok(copied.entries);
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
        seen.ok_or_else(not_here)
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
            // Held meanwhile, so that of two answers the later one stays.
            let mut table = asking.lock();
            match table.take(owner, question) {
                true => Ok(shares.remember(&owner, &heads, clock::now())?),
                false => Ok(Vec::new()),
            }
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
        if let Err(error) = kept.await {
            debug!(%error, "what lay in a folder is not remembered");
        }
    }

    /// Forgets what somebody shared, who is a contact no more, or does not have us as one: with the small pictures of it, and what was read of it.
    ///
    /// # Errors
    /// [`Error::Share`] when the database fails.
    pub(in crate::peer) async fn forget(&self, owner: PeerId) -> Result<(), Error> {
        let asking = self.node.extension::<Asking>();
        let forgotten = self.blocking(move |shares| {
            let mut table = asking.lock();
            // What they answered before does not count any more.
            let question = table.next();
            table.take(owner, question);
            Ok(shares.forget(&owner)?)
        });
        self.clear(forgotten.await?).await;
        Ok(())
    }

    /// Removes what is kept of files of shares that are remembered no more.
    async fn clear(&self, forgotten: Vec<Forgotten>) {
        if forgotten.is_empty() {
            return;
        }
        let (kept, cache) = (self.node.previews().clone(), self.cache());
        let cleared = tokio::task::spawn_blocking(move || {
            for Forgotten {
                owner,
                share,
                files,
            } in forgotten
            {
                for path in files {
                    let source =
                        ShareSource::of_contact(owner, ShareName::Id(share), path.as_str());
                    for size in Size::ALL {
                        kept.given().forget(&previews::name(&source, size))?;
                    }
                    cache.forget(&[&owner.0, &share.0, path.as_bytes()])?;
                }
            }
            Ok::<_, std::io::Error>(())
        });
        if let Ok(Err(error)) = cleared.await {
            debug!(%error, "something of a share that is not remembered any more stays");
        }
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

    /// Somebody is there no more: what is remembered of them held until now.
    async fn saw_last(&self, owner: PeerId) -> Result<(), Error> {
        self.blocking(move |shares| Ok(shares.still_told(&owner, clock::now())?))
            .await
    }
}
