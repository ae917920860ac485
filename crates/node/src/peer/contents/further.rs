//! Who has a share beside its owner: providers that were told of, and contacts who are there.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use kith_core::content::Referral;
use kith_core::content::swarm::config::REFERRALS_MAX;
use kith_core::data::head::Head;
use kith_core::ids::{PeerId, ShareId};
use kith_core::routing::Target;
use tokio::sync::mpsc;
use tracing::debug;

use super::attempts::Found;
use super::copies::Acquaintance;
use super::handle::Contents;
use super::reach::Reach;
use super::source::{ShareName, ShareSource};
use crate::clock;
use crate::content::{Credential, Provider, Talk};
use crate::error::Error;

/// How long a contact who is there may take to say whether they provide something.
const FIND_WITHIN: Duration = Duration::from_secs(5);

/// How long a provider may take to say what a share is, with the way to it.
pub(super) const ASK_WITHIN: Duration = Duration::from_secs(10);

/// How often contacts are asked again while a transfer lasts: whoever has come or fetched it meanwhile is as good. Its sources say by themselves.
const SEARCH_EVERY: Duration = Duration::from_secs(30);

/// The most who are tried for one transfer: as many as one source may name.
const FOUND_MAX: usize = REFERRALS_MAX;

/// The most contacts who are asked: with more of them, those told of have to do.
const ASKED_MAX: usize = 32;

impl Contents {
    /// Where else a share is to be had, and what lets us in there: contacts who are there and provide it, then those told of by the owner
    /// or another provider. None for what is not known, or cannot be proven to be for us.
    ///
    /// # Errors
    /// [`Error::Share`] when the database cannot be read.
    pub async fn further(&self, source: &ShareSource) -> Result<Vec<Provider>, Error> {
        let Some(share) = self.recall(source).await? else {
            return Ok(Vec::new());
        };
        let Some(credential) = self.credential(share, source).await? else {
            return Ok(Vec::new());
        };
        let contacts = self.contacts_with(share, source.owner).await;
        let contacts = contacts.into_iter().map(|peer| Provider {
            targets: vec![Target::Peer(peer)],
            credential: credential.clone(),
        });
        let heard_of = self.node.shares().others().heard_of(&share, clock::now());
        let told = self.referred(heard_of, &credential).await?;
        Ok(contacts.chain(told).collect())
    }

    /// What lets us in at other providers of a share than its owner; `None` where nothing does.
    async fn credential(
        &self,
        share: ShareId,
        source: &ShareSource,
    ) -> Result<Option<Credential>, Error> {
        let held = self
            .blocking(move |shares| Ok(shares.credential(&share, clock::now())?))
            .await?;
        let linked = source.link.as_ref().and_then(|link| link.secret.clone());
        Ok(held.or(linked.map(Credential::Link)))
    }

    /// Looks for those who have a share beside its owner, while it is fetched: contacts, those remembered, and whom its sources name. Each that is
    /// found is told, and again when they say so again; and when it was looked who else there is. Never ends.
    pub(super) async fn search(
        &self,
        source: &ShareSource,
        first: &Acquaintance,
        mut learned: mpsc::UnboundedReceiver<Vec<Referral>>,
        found: mpsc::UnboundedSender<Found>,
    ) {
        let acquainted = tokio::time::timeout(ASK_WITHIN, self.acquaint(first)).await;
        if let Ok(Err(error)) = acquainted {
            debug!(%error, "a provider does not tell what a share is");
        }
        let finds = Finds::new(found);
        let looking = async {
            loop {
                finds.tell(self.further(source).await, is_asked);
                finds.looked();
                tokio::time::sleep(SEARCH_EVERY).await;
            }
        };
        let hearing = async {
            while let Some(referrals) = learned.recv().await {
                // A source names one again only when it heard of it again.
                let named = self.named(first.share, source, referrals).await;
                finds.tell(named, |_| true);
            }
            // The transfer has just ended.
            std::future::pending::<()>().await
        };
        tokio::join!(looking, hearing);
    }

    /// Takes in whom a source names.
    async fn named(
        &self,
        share: ShareId,
        source: &ShareSource,
        referrals: Vec<Referral>,
    ) -> Result<Vec<Provider>, Error> {
        let others = self.node.shares().others();
        for referral in &referrals {
            others.hear_of(&share, referral, clock::now());
        }
        match self.credential(share, source).await? {
            Some(credential) => self.referred(referrals, &credential).await,
            None => Ok(Vec::new()),
        }
    }

    /// Which share is meant, if it was heard of before: nobody is asked. One that was taken back is not: its name may be another's by now.
    pub(super) async fn recall(&self, source: &ShareSource) -> Result<Option<ShareId>, Error> {
        let name = match &source.share {
            ShareName::Id(share) => return Ok(Some(*share)),
            ShareName::Name(name) => name.clone(),
        };
        let owner = source.owner;
        self.blocking(move |shares| {
            let mut named = Vec::new();
            for share in shares.known_of(&owner)? {
                let head = shares.known_head(&share)?;
                let is_meant = |head: &Head| head.name == name && !head.is_ended();
                named.extend(head.filter(|(_, head)| is_meant(head)).map(|_| share));
            }
            // Of several the owner has to say which is meant.
            Ok(named.pop().filter(|_| named.is_empty()))
        })
        .await
    }

    /// The contacts who are there and provide a share. They learn which only if they know it.
    async fn contacts_with(&self, share: ShareId, owner: PeerId) -> Vec<PeerId> {
        let there = self.node.0.live.contacts().into_iter();
        let others = there.filter(|peer| *peer != owner).take(ASKED_MAX);
        let asked = others.map(async |peer| {
            let target = Target::Peer(peer);
            let found = async {
                let reach = Reach::provider(&self.node, "", target);
                let mut talk = Talk::new(reach.open(target).await.ok()?);
                talk.find(&share).await.ok()
            };
            let found = tokio::time::timeout(FIND_WITHIN, found).await;
            found.ok().flatten().filter(|found| *found).map(|_| peer)
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// The providers that were told of, each by all of its faces.
    async fn referred(
        &self,
        referrals: Vec<Referral>,
        credential: &Credential,
    ) -> Result<Vec<Provider>, Error> {
        let told = self
            .node
            .ask(move |machine, _| {
                let own: Vec<_> = machine.devices();
                let mut told = Vec::new();
                for referral in &referrals {
                    let mut targets = Vec::new();
                    for (face, route) in referral.routes() {
                        if own.iter().any(|(_, device)| *device == route.device) {
                            continue;
                        }
                        machine.handle_referral(face, route.clone());
                        targets.push(Target::Device(route.device));
                    }
                    told.extend((!targets.is_empty()).then_some(targets));
                }
                told
            })
            .await?;
        let told = told.into_iter().map(|targets| Provider {
            targets,
            credential: credential.clone(),
        });
        Ok(told.collect())
    }
}

/// Whether somebody has just been asked, as contacts are, and not only been heard of some time ago.
fn is_asked(provider: &Provider) -> bool {
    let mut targets = provider.targets.iter();
    targets.any(|target| matches!(target, Target::Peer(_)))
}

/// Who was found for a transfer.
struct Finds {
    told: Mutex<BTreeSet<Vec<Target>>>,
    found: mpsc::UnboundedSender<Found>,
}

impl Finds {
    fn new(found: mpsc::UnboundedSender<Found>) -> Self {
        Self {
            told: Mutex::default(),
            found,
        }
    }

    /// Tells of those who are new, and of the others where what is said of them is.
    fn tell(
        &self,
        providers: Result<Vec<Provider>, Error>,
        is_said_anew: impl Fn(&Provider) -> bool,
    ) {
        let providers = providers.unwrap_or_else(|error| {
            debug!(%error, "nobody else is found who has a share");
            Vec::new()
        });
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for provider in providers {
            let is_told = match told.contains(&provider.targets) {
                true => is_said_anew(&provider),
                false => told.len() < FOUND_MAX && told.insert(provider.targets.clone()),
            };
            if is_told {
                // The transfer may just have ended.
                let _ = self.found.send(Found::Provider(provider));
            }
        }
    }

    /// Tells that those who can be found now have been told.
    fn looked(&self) {
        // The transfer may just have ended.
        let _ = self.found.send(Found::Looked);
    }
}

#[cfg(test)]
mod tests {
    use kith_core::ids::DeviceKey;

    use super::*;

    fn provider(target: Target) -> Provider {
        Provider {
            targets: vec![target],
            credential: Credential::Session,
        }
    }

    fn device(number: usize) -> Target {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&(number as u64).to_be_bytes());
        Target::Device(DeviceKey(key))
    }

    #[test]
    fn one_who_was_found_before_is_told_again_only_when_that_is_said_anew() {
        let (sender, mut found) = mpsc::unbounded_channel();
        let finds = Finds::new(sender);
        let contact = Target::Peer(PeerId([1; 32]));
        let mut told = |target, is_named: bool| {
            let providers = Ok(vec![provider(target)]);
            match is_named {
                true => finds.tell(providers, |_| true),
                false => finds.tell(providers, is_asked),
            }
            found.try_recv().is_ok()
        };
        // Remembered, remembered still, and named by a source meanwhile;
        assert_eq!(
            [false, false, true].map(|named| told(device(1), named)),
            [true, false, true]
        );
        // a contact, who is asked each time.
        assert!(told(contact, false) && told(contact, false));
        let new = (3..2 * FOUND_MAX).filter(|number| told(device(*number), true));
        assert_eq!(new.count(), FOUND_MAX - 2, "not without end");
    }
}
