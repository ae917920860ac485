//! Who may have a share: the list that a transfer works through, as it becomes known.

use std::task::{Context, Poll};

use kith_core::content::swarm::wire::Referral;
use kith_core::ids::PeerId;
use kith_core::routing::Target;

use crate::content::request::Credential;

/// Somebody who may provide a share.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Where streams to it are opened.
    pub target: Target,
    /// Who it is, where that is known beforehand.
    pub peer: Option<PeerId>,
    /// What lets us in there.
    pub credential: Credential,
}

/// Finds those who may provide a share while it is fetched.
pub trait Providers: Send {
    /// The next one to try, each once: a transfer comes back to those it was told of by itself. Pending while nobody else is known;
    /// the task is woken when somebody is.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Provider>;

    /// A provider of the share names others.
    fn learned(&mut self, others: Vec<Referral>);
}

/// Those known from the beginning, and nobody else.
#[derive(Debug)]
pub struct Listed(std::vec::IntoIter<Provider>);

impl Listed {
    /// These, the best first.
    pub fn new(providers: Vec<Provider>) -> Self {
        Self(providers.into_iter())
    }
}

impl Providers for Listed {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Provider> {
        self.0.next().map_or(Poll::Pending, Poll::Ready)
    }

    fn learned(&mut self, _: Vec<Referral>) {}
}
