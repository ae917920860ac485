//! An introducer's own notice (see [`kith_core::discovery::notice`]): left in its registry, renewed daily, and at other
//! introducers for those who cannot reach this one any more.
//!
//! It also brings about the change of the TLS key that a notice announces, as far as that is not the TLS server's: at the
//! time it said, the line is another.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::discovery::{Answer, NextPin, Notice, PlainError, Record, Refusal, Request};
use kith_core::introducer::{Introducer, Trust};
use kith_core::peer::Visit;
use kith_core::time::DAY;
use thiserror::Error;
use tokio::sync::watch;
use tokio::time::sleep;
use tracing::{info, warn};

use super::registry::{RegistryService, ServeError};
use crate::discovery::visit::{VisitError, Visits};
use crate::peer::WeakNode;
use crate::{clock, entropy};

/// How often a notice is renewed; it lives 28 days.
const RENEW_EVERY: Duration = DAY;

/// Why a notice was not left.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AnnounceError {
    /// The line cannot be told so.
    #[error(transparent)]
    Notice(#[from] PlainError),
    /// The own registry does not keep it.
    #[error(transparent)]
    Registry(#[from] ServeError),
    /// A registry, the own or another, refuses it.
    #[error("the registry refuses the notice: {0}")]
    Refused(Refusal),
    /// Another introducer cannot be asked.
    #[error(transparent)]
    Elsewhere(#[from] VisitError),
    /// Another introducer answers something else than it was asked.
    #[error("the introducer's answer is none to what it was asked")]
    NoAnswer,
}

/// What an introducer says of itself, and where.
#[derive(Debug)]
pub(super) struct Announcer {
    /// The introducer's key.
    pub(super) secret: SecretKey,
    /// Its registry.
    pub(super) registry: Arc<RegistryService>,
    /// Its line as it is; written here when it changes.
    pub(super) line: watch::Sender<Introducer>,
    /// The TLS key that follows.
    pub(super) next: Option<NextPin>,
    /// Other introducers that keep the notice too.
    pub(super) elsewhere: Vec<Introducer>,
    /// How they are told.
    pub(super) visitors: Visits,
    /// Where the introducer listens.
    pub(super) listen: IpAddr,
    /// The introducer's node, which has a place at its own relay.
    pub(super) node: WeakNode,
}

impl Announcer {
    /// Leaves the notice in the own registry.
    ///
    /// # Errors
    /// [`AnnounceError`].
    pub(super) async fn leave_here(&self) -> Result<Record, AnnounceError> {
        let notice = Notice::new(self.line.borrow().clone(), self.next);
        let now = clock::now();
        let mut sequence = now.0;
        loop {
            let record = notice.sign(&Ed25519, &self.secret, sequence, now)?;
            match self.registry.keep(record.clone()).await? {
                None => return Ok(record),
                // The clock was ahead when the last one was written.
                Some(Refusal::Stale { newest }) if newest >= sequence && newest < u64::MAX => {
                    sequence = newest + 1;
                }
                Some(refusal) => return Err(AnnounceError::Refused(refusal)),
            }
        }
    }

    /// Renews the notice, and changes the line when its time has come; for as long as the introducer runs.
    pub(super) async fn run(mut self, mut left: Record) {
        loop {
            if let Err(error) = self.leave_elsewhere(&left).await {
                warn!(%error, "another introducer does not keep this one's notice");
            }
            let change = self.next.map(|next| next.from.since(clock::now()));
            sleep(change.map_or(RENEW_EVERY, |change| change.min(RENEW_EVERY))).await;
            self.change().await;
            match self.leave_here().await {
                Ok(record) => left = record,
                Err(error) => warn!(%error, "cannot renew this introducer's notice"),
            }
        }
    }

    /// Makes the line what it is by now.
    async fn change(&mut self) {
        let notice = Notice::new(self.line.borrow().clone(), self.next);
        let now = clock::now();
        let line = notice.line_at(now);
        if line == notice.line {
            return;
        }
        self.next = None;
        let own = place_at_own_relay(&line, self.listen);
        if let Some(node) = self.node.upgrade()
            && let Err(error) = node.set_introducers(vec![own]).await
        {
            warn!(%error, "no place at the own relay");
        }
        info!("the TLS key has changed");
        self.line.send_replace(line);
    }

    /// Leaves the notice at the other introducers, as anybody might.
    async fn leave_elsewhere(&self, record: &Record) -> Result<(), AnnounceError> {
        let mut result = Ok(());
        for introducer in &self.elsewhere {
            if let Err(error) = leave_at(&self.visitors, introducer, record).await {
                result = Err(error);
            }
        }
        result
    }
}

/// Its own line as it sees it from the inside: what it advertises may be a router's address, which does not lead back.
pub(super) fn place_at_own_relay(introducer: &Introducer, listen: IpAddr) -> Introducer {
    let inside = match listen {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let mut own = introducer.clone();
    if matches!(own.trust, Trust::Pin(_)) {
        own.addresses = vec![inside];
    }
    // From in here it would learn an address that nobody else can use.
    own.discovery_port = 0;
    own
}

async fn leave_at(
    visitors: &Visits,
    introducer: &Introducer,
    record: &Record,
) -> Result<(), AnnounceError> {
    let visit = Visit {
        introducer: introducer.clone(),
        is_ours: false,
        visitor: SecretKey::from_bytes(entropy::seed()),
        request: Request::Publish(record.clone()),
        peer: None,
    };
    match visitors.pay(visit).await? {
        // Or it was there already.
        Answer::Kept | Answer::Refused(Refusal::Stale { .. }) => Ok(()),
        Answer::Refused(refusal) => Err(AnnounceError::Refused(refusal)),
        Answer::Records(_) => Err(AnnounceError::NoAnswer),
    }
}
