//! Fetching a share: as often as it takes, until all is there or nobody comes who has it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kith_core::content::retries::{Ended, Next, Retries};
use kith_core::ids::{BlobHash, PeerId, ShareId};
use kith_core::routing::Target;
use kith_core::time::Time;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::timeout;
use tracing::debug;

use self::first::First;
use super::copies::Acquaintance;
use super::failure::{explain, is_absent, is_passing, outdated, unexamined};
use super::fetched::{Fetched, SourceBytes, TransferProgress};
use super::further::ASK_WITHIN;
use super::handle::Contents;
use super::options::GetOptions;
use super::rate::Rate;
use super::reach::Reach;
use super::source::{ShareName, ShareSource};
use super::sources::{Feed, arrival};
use crate::clock;
use crate::content::swarm::Intake;
use crate::content::{
    self, Answered, Credential, Earlier, FileReader, Filter, Get, GetError, Got, Progress,
    Provider, ReadError, Readers, ShareError, Update,
};
use crate::error::Error;
use crate::peer::event::Event;

/// A transfer under way; it ends when this is dropped.
#[derive(Debug)]
pub struct Transfer {
    progress: watch::Receiver<TransferProgress>,
    outcome: oneshot::Receiver<Result<Fetched, Error>>,
    readers: Readers,
    /// Dropped with the transfer, which tells its task.
    wanted: oneshot::Sender<Infallible>,
}

impl Contents {
    /// Begins to fetch. The transfer ends when what this gives is dropped; a later one goes on where it ended.
    pub fn get(&self, options: GetOptions) -> Transfer {
        Transfer::start(self.clone(), options)
    }
}

impl Transfer {
    fn start(contents: Contents, options: GetOptions) -> Self {
        let (progress, progress_watch) = watch::channel(TransferProgress::default());
        let (done, outcome) = oneshot::channel();
        let (wanted, dropped) = oneshot::channel::<Infallible>();
        let node = contents.node.clone();
        let readers = options.readers.clone();
        // An earlier run of the same may have ended.
        readers.waits();
        node.spawn(async move {
            let run = Run {
                events: contents.node.events(),
                contents,
                options,
                progress,
                rate: Rate::default(),
                fetched: 0,
                sources: BTreeMap::new(),
                has_older: false,
                is_older: false,
                stale: None,
                is_absent: false,
            };
            tokio::select! {
                result = run.go() => {
                    // Who asked may have gone.
                    let _ = done.send(result);
                }
                _ = dropped => {}
            }
        });
        Self {
            progress: progress_watch,
            outcome,
            readers,
            wanted,
        }
    }

    /// A file to be read while it arrives (see [`Readers::open`]).
    ///
    /// # Errors
    /// [`ReadError::NotFound`] for a path that can be none.
    pub fn open(&self, path: &str) -> Result<FileReader, ReadError> {
        self.readers.open(path)
    }

    /// How far it is.
    pub fn progress(&self) -> TransferProgress {
        *self.progress.borrow()
    }

    /// Waits until it has come further; `None` when it is over.
    pub async fn changed(&mut self) -> Option<TransferProgress> {
        self.progress.changed().await.ok()?;
        Some(*self.progress.borrow_and_update())
    }

    /// Ends it, and returns when nothing of it goes on, or is on its way to the disk.
    pub(super) async fn stop(self) {
        let settled = self.readers.settled();
        drop(self.wanted);
        // It is over when its end of this is gone.
        let _ = self.outcome.await;
        settled.await;
    }

    /// Waits until all is there, durable and under its name.
    ///
    /// # Errors
    /// [`Error::UnknownShare`] when there is no such share, or not for us; [`Error::NotAllowed`] when it was taken back meanwhile;
    /// [`Error::Unreachable`] when nobody came who has it; [`Error::Get`] for the rest. Nothing appeared under a final name then, and
    /// what arrived is kept for the next run.
    pub async fn finished(self) -> Result<Fetched, Error> {
        self.outcome.await.unwrap_or(Err(Error::Closed))
    }
}

/// What a transfer's task has.
struct Run {
    contents: Contents,
    options: GetOptions,
    progress: watch::Sender<TransferProgress>,
    events: broadcast::Receiver<Event>,
    rate: Rate,
    /// Bytes that this run's attempts have fetched so far.
    fetched: u64,
    /// Of those, by whom they came; from providers who did not say who they are, under `None`.
    sources: BTreeMap<Option<PeerId>, u64>,
    /// Whether this attempt found somebody with an older version than is known, which will do if nobody has a newer one.
    has_older: bool,
    /// Whether what was fetched is one.
    is_older: bool,
    /// The version of which files have changed at its owner: it is not asked for there while it is the newest.
    stale: Option<BlobHash>,
    /// Whether its owner said last that it is not where they share it from.
    is_absent: bool,
}

impl Drop for Run {
    fn drop(&mut self) {
        self.options.readers.end();
    }
}

impl Run {
    async fn go(mut self) -> Result<Fetched, Error> {
        let started = Instant::now();
        // A clock of its own, which never jumps.
        let now = || Time(0) + started.elapsed();
        let only = Filter::wanted(&self.options.only, &self.options.chosen);
        let only = only.map_err(|error| Error::Usage(error.to_string()))?;
        let GetOptions {
            wait,
            examined_within,
            ..
        } = self.options;
        let mut retries = Retries::new(wait, examined_within, now());
        loop {
            let before = self.fetched;
            let error = match self.attempt(only.as_ref()).await {
                Ok(got) => return Ok(self.done(got, started)),
                Err(error) => error,
            };
            let brought = self.fetched > before;
            self.is_absent = is_absent(&error);
            let outdated = outdated(&error).filter(|_| self.options.at.is_none());
            let ended = match outdated {
                Some(version) => Ended::Changed { version, brought },
                None if is_passing(&error) => Ended::Lost { brought },
                None => return Err(error),
            };
            let next = retries.handle_ended(now(), ended);
            self.stale = outdated.filter(|_| matches!(next, Next::Examined { whole: false, .. }));
            match next {
                Next::Again(pause) => tokio::time::sleep(pause).await,
                Next::Wait(pause) => self.wait(pause).await,
                Next::Examined { pause, .. } => self.wait_for_examination(pause).await,
                Next::Over => return Err(error),
                Next::Unexamined => return Err(unexamined(error)),
            }
        }
    }

    fn done(&self, got: Got, started: Instant) -> Fetched {
        let gave = self.sources.iter().filter(|(_, bytes)| **bytes > 0);
        let gave = gave.map(|(&peer, &bytes)| SourceBytes { peer, bytes });
        let mut sources: Vec<SourceBytes> = gave.collect();
        sources.sort_by_key(|source| source.peer.is_none());
        Fetched {
            target: got.target,
            head: got.head,
            bytes: got.bytes,
            files: got.files,
            time: started.elapsed(),
            sources,
            is_older: self.is_older,
            links_left_out: got.links_left_out,
            updated: got.updated,
        }
    }

    /// Fetches from `first`, its owner, and all who are found meanwhile.
    async fn fetch(
        &mut self,
        first: &First,
        owner: Option<&Provider>,
        only: Option<&Filter>,
    ) -> Result<Got, Error> {
        let reach = first.reach.clone();
        let fetched = self.fetch_named(first, owner, only);
        reach.with_verified(first.target, fetched).await
    }

    /// Where what is remembered by the name is not there for us any more, its owner is asked which share has that name now.
    async fn fetch_named(
        &mut self,
        first: &First,
        owner: Option<&Provider>,
        only: Option<&Filter>,
    ) -> Result<Got, Error> {
        let (source, contents) = (self.options.source.clone(), self.contents.clone());
        let identify = || contents.identify(&first.reach, first.target, &source);
        let recalled = contents.recall(&source).await?;
        let share = match recalled {
            Some(share) => share,
            None => identify().await?,
        };
        let fetched = self.fetch_share(share, first, owner, only).await;
        let is_of_old = recalled.is_some() && owner.is_none();
        if !is_of_old || !matches!(fetched, Err(Error::UnknownShare(_))) {
            return fetched;
        }
        match identify().await? {
            same if same == share => fetched,
            share => self.fetch_share(share, first, owner, only).await,
        }
    }

    async fn fetch_share(
        &mut self,
        share: ShareId,
        first: &First,
        owner: Option<&Provider>,
        only: Option<&Filter>,
    ) -> Result<Got, Error> {
        let (reach, target) = (&first.reach, first.target);
        let source = &ShareSource {
            share: ShareName::Id(share),
            ..self.options.source.clone()
        };
        let acquainted = first.acquaintance(share, source.owner);
        let placing = Some(&acquainted).filter(|_| owner.is_none() && self.options.at.is_none());
        // What has arrived is not looked at before there may be more.
        self.check_place(placing.filter(|_| self.is_absent)).await?;
        let newest = self.contents.newest(share).await?;
        // What the owner has is what it is. What is brought up to date never becomes older.
        let is_choosy = owner.is_some() && (!self.has_older || self.options.update);
        let get = Get {
            newest: newest.clone().filter(|_| is_choosy),
            // Others may have it as it was.
            stale: self.stale.filter(|_| owner.is_none()),
            update: self.update(share).await?,
            ..self.request(&acquainted, &first.provider.credential, only)
        };
        let before = self.fetched;
        let (earlier, sources) = (self.sources.clone(), &mut self.sources);
        let (progress, rate, fetched) = (&self.progress, &mut self.rate, &mut self.fetched);
        let is_examining = progress.borrow().examining;
        let report = |now: &Progress| {
            *fetched = before + now.fetched;
            sources.clone_from(&earlier);
            for (peer, bytes) in &now.sources {
                *sources.entry(*peer).or_default() += bytes;
            }
            let rate = rate.update(Instant::now(), *fetched);
            progress.send_replace(TransferProgress {
                bytes: now.durable,
                total: now.total,
                files: now.files,
                rate,
                examining: is_examining && now.fetched == 0,
                ..TransferProgress::default()
            });
        };
        // Others who may have it wait behind one who says nothing.
        let within = owner.map_or(Duration::MAX, |_| ASK_WITHIN);
        let ask = async || {
            let asked = timeout(within, ask(reach, target, &get)).await;
            asked.unwrap_or(Err(GetError::Stalled))
        };
        let (contents, (found, mut finds)) = (&self.contents, mpsc::unbounded_channel());
        let known = std::iter::once(&first.provider).chain(owner);
        let known = known.cloned().collect();
        let feed = async |intake: Intake| {
            let learned = intake.learned();
            let feed = Feed::new(contents.node.clone(), intake, Some(progress.subscribe()));
            tokio::select! {
                error = feed.run(known, &mut finds) => error,
                // It looks for more as long as the transfer lasts.
                () = contents.search(source, &acquainted, learned, found) => GetError::Stalled,
            }
        };
        let got = content::get(contents.node.getting(), ask, feed, get.clone(), report).await;
        if let Err(GetError::Changed { .. }) = got {
            self.check_place(placing).await?;
        }
        let got = got.map_err(|error| explain(error, reach.name(), Reach::is_known(target)))?;
        let newer = newest.filter(|newest| newest.is_newer_version_than(&got.head));
        self.is_older = get.at.is_none() && newer.is_some();
        // Of files that were there already nothing is known but what they are.
        let is_known = !get.is_part() || got.selected_of.is_some();
        if is_known && self.options.provide {
            let kept = contents.keep_copy(&acquainted, &got, self.options.keep);
            // It is fetched, whether it can be provided or not.
            if let Err(error) = kept.await {
                debug!(%error, "what was fetched is not provided");
            }
        }
        Ok(got)
    }

    /// Asks an owner, where one is to be asked, whether they have it where they share it from.
    ///
    /// # Errors
    /// [`GetError::Absent`].
    async fn check_place(&self, owner: Option<&Acquaintance>) -> Result<(), Error> {
        let Some(owner) = owner else { return Ok(()) };
        if owner.is_in_place().await {
            return Ok(());
        }
        let others = timeout(ASK_WITHIN, self.ask_others(owner)).await;
        if let Ok(Err(error)) = others {
            debug!(%error, "an owner does not tell who else has a share");
        }
        let is_known = Reach::is_known(owner.target);
        Err(explain(GetError::Absent, owner.reach.name(), is_known))
    }

    /// Asks an owner for what lets us in at others, and who they are.
    async fn ask_others(&self, owner: &Acquaintance) -> Result<(), Error> {
        self.contents.acquaint(owner).await?;
        let (mut talk, share) = (owner.talk().await?, owner.share);
        let asked = (self.contents).ask_providers(&mut talk, share, &owner.credential);
        asked.await
    }

    /// How what is there is brought up to date, where that is wanted.
    async fn update(&self, share: ShareId) -> Result<Option<Update>, Error> {
        if !self.options.update {
            return Ok(None);
        }
        let shares = Arc::clone(self.contents.node.shares());
        let earlier = tokio::task::spawn_blocking(move || {
            // What was looked at need not be hashed by the update.
            shares.examine_now(&share)?;
            Ok::<_, ShareError>(Earlier::of(&shares, share)?)
        });
        let earlier = earlier.await.map_err(|_| Error::Closed)??;
        Ok(Some(Update::new(earlier)))
    }

    fn request(
        &self,
        acquainted: &Acquaintance,
        credential: &Credential,
        only: Option<&Filter>,
    ) -> Get {
        let (options, share) = (&self.options, acquainted.share);
        let providing = (options.provide && self.contents.provides())
            .then(|| self.contents.providing(acquainted));
        Get {
            share,
            owner: options.source.owner,
            at: options.at,
            newest: None,
            stale: None,
            path: options.source.path.clone(),
            out: options.out.clone(),
            only: only.cloned(),
            update: None,
            was: (options.recorded).then(|| Arc::clone(self.contents.node.shares())),
            here: Some(self.contents.already_here()),
            credential: credential.clone(),
            readers: options.readers.clone(),
            priorities: options.priorities.clone(),
            now: clock::now(),
            staged: options.staged.clone(),
            givers: options.givers.clone(),
            providing,
        }
    }

    /// Waits until the owner is there, but for `pause` at most.
    async fn wait(&mut self, pause: Duration) {
        self.progress.send_modify(|progress| {
            progress.waiting = true;
            progress.absent = self.is_absent;
            progress.examining = false;
            progress.rate = 0;
        });
        let news = arrival(&mut self.events, self.options.source.owner);
        // Without news another try tells.
        let _ = tokio::time::timeout(pause, news).await;
    }

    /// Gives the owner, who is there, this long to look at what has changed.
    async fn wait_for_examination(&self, pause: Duration) {
        self.progress.send_modify(|progress| {
            progress.waiting = false;
            progress.absent = false;
            progress.examining = true;
            progress.rate = 0;
        });
        tokio::time::sleep(pause).await;
    }
}

/// Asks what the share is now.
async fn ask(reach: &Reach, target: Target, get: &Get) -> Result<Answered, GetError> {
    let stream = reach.open(target).await;
    let stream = stream.map_err(|error| GetError::Connection(std::io::Error::other(error)))?;
    content::head(stream, get.share, &get.credential, get.at, get.now).await
}

mod attempt;
mod first;
#[cfg(test)]
mod tests;
