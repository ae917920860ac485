//! One attempt: whom it asks first is the machine's to say ([`kith_core::content::firsts`]); here they are looked for, and fetched from.

use std::collections::BTreeMap;
use std::time::Instant;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use kith_core::content::firsts::{Candidate, Failure, Firsts, Next, Who};
use tracing::debug;

use super::Run;
use super::first::First;
use crate::content::{Filter, Got, Provider};
use crate::error::Error;
use crate::peer::contents::failure::{is_absent, is_local, is_older, missing};
use crate::peer::contents::reach::Reach;

/// What an attempt knows.
struct Attempt {
    firsts: Firsts,
    people: BTreeMap<Who, First>,
    /// Why the owner was not reached, by the last way that was tried.
    failed: Error,
}

impl Run {
    /// Tries each way to the owner once, and, unless the owner is there, whoever else is known to have it.
    pub(super) async fn attempt(&mut self, only: Option<&Filter>) -> Result<Got, Error> {
        let reach = Reach::source(&self.contents.node, &self.options.source).await?;
        let reach = reach.patient(self.options.wait);
        let owner = Provider {
            targets: reach.targets().to_vec(),
            credential: self.options.source.credential(),
        };
        let first = First::owner(&owner, &reach);
        let mut attempt = Attempt {
            // What is brought up to date never becomes older.
            firsts: Firsts::new(owner.targets.len(), reach.is_there(), !self.options.update),
            people: first.into_iter().map(|first| (Who::Owner, first)).collect(),
            failed: missing(reach.name()),
        };
        let mut others = std::pin::pin!(self.others(&reach).fuse());
        let (mut asks_others, mut looking) = (false, FuturesUnordered::new());
        loop {
            match attempt.firsts.next_step() {
                Next::Others => asks_others = true,
                Next::Look(candidate) => looking.push(look(candidate, attempt.at(candidate))),
                Next::Wait => tokio::select! {
                    Some(looked) = looking.next() => attempt.looked(looked)?,
                    found = &mut others, if asks_others => {
                        asks_others = false;
                        attempt.others(found?);
                    }
                    else => return Err(attempt.failed),
                },
                Next::Fetch { candidate, older } => {
                    self.has_older = older;
                    let first = attempt.at(candidate);
                    let owner = Some(&owner).filter(|_| candidate.who != Who::Owner);
                    let mut fetching = std::pin::pin!(self.fetch(&first, owner, only));
                    let fetched = loop {
                        // Whoever is looked for gives up their turn when they are found, or are not.
                        tokio::select! {
                            fetched = &mut fetching => break fetched,
                            Some(looked) = looking.next() => attempt.looked(looked)?,
                        }
                    };
                    match fetched {
                        Ok(got) => return Ok(got),
                        Err(error) => attempt.note(candidate, error, false)?,
                    }
                }
                Next::Over => return Err(attempt.failed),
            }
        }
    }

    /// Those who have it beside its owner: contacts who are there are asked.
    fn others(&self, reach: &Reach) -> impl Future<Output = Result<Vec<First>, Error>> + use<> {
        let (contents, source) = (self.contents.clone(), self.options.source.clone());
        let (name, wait) = (reach.name().to_owned(), self.options.wait);
        async move {
            let further = contents.further(&source).await?;
            let others = further.iter();
            let others = others.filter_map(|it| First::other(&contents.node, it, &name, wait));
            Ok(others.collect())
        }
    }
}

impl Attempt {
    /// Somebody at one of their places.
    fn at(&self, candidate: Candidate) -> First {
        let first = self.people.get(&candidate.who);
        let first = first.and_then(|first| first.at(candidate.place));
        first.expect("the machine names who and where it was told of")
    }

    /// The others are these.
    fn others(&mut self, others: Vec<First>) {
        self.firsts.handle_others(others.iter().map(First::places));
        let others = others.into_iter().enumerate();
        let others = others.map(|(number, first)| (Who::Other(number), first));
        self.people.extend(others);
    }

    /// Tells the machine whether somebody was found.
    ///
    /// # Errors
    /// What the whole attempt ends with.
    fn looked(&mut self, looked: Looked) -> Result<(), Error> {
        let candidate = looked.candidate;
        match looked.found {
            Ok(()) => self.firsts.handle_found(candidate),
            Err(error) => self.note(candidate, error, looked.is_late)?,
        }
        Ok(())
    }

    /// Tells the machine what became of somebody, and keeps why the owner was not reached.
    ///
    /// # Errors
    /// What the whole attempt ends with.
    fn note(&mut self, candidate: Candidate, error: Error, is_late: bool) -> Result<(), Error> {
        let failure = match &error {
            Error::Unreachable { .. } if is_late => Failure::Late,
            Error::Unreachable { .. } => Failure::Away,
            // They are there, and what is fetched is not.
            error if is_absent(error) => Failure::Away,
            error if is_local(error) => Failure::Here,
            error if is_older(error) => Failure::Older,
            _ => Failure::Useless,
        };
        if self.firsts.handle_failed(candidate, failure) {
            return Err(error);
        }
        match candidate.who {
            Who::Owner => self.failed = error,
            Who::Other(_) => debug!(%error, "somebody who may have it does not give it"),
        }
        Ok(())
    }
}

/// What became of looking for somebody.
struct Looked {
    candidate: Candidate,
    found: Result<(), Error>,
    /// Whether the time for it was up.
    is_late: bool,
}

/// Looks for somebody.
async fn look(candidate: Candidate, first: First) -> Looked {
    let (reach, begun) = (first.reach.clone(), Instant::now());
    let found = first.found().await;
    Looked {
        candidate,
        found,
        is_late: reach.is_spent(begun),
    }
}
