//! Who has a share beside its owner: providers that were told of, and contacts who are there.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use kith_core::ids::{PeerId, ShareId};
use kith_core::routing::{Level, Target};
use tokio::sync::mpsc;
use tracing::debug;

use super::copies::Acquaintance;
use super::handle::Contents;
use super::reach::Reach;
use super::source::{ShareName, ShareSource};
use crate::clock;
use crate::content::{Credential, Provider, Talk};
use crate::error::Error;

/// How long a contact who is there may take to say whether they provide something.
const FIND_WITHIN: Duration = Duration::from_secs(5);

/// How long a provider may take to say who else has a share, with the way to it.
const ASK_WITHIN: Duration = Duration::from_secs(10);

/// How often the one by whom we were let in is asked again while a transfer lasts: whoever has fetched it meanwhile is as good.
const SEARCH_EVERY: Duration = Duration::from_secs(30);

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
        let held = self
            .blocking(move |shares| Ok(shares.credential(&share, clock::now())?))
            .await?;
        let linked = source.link.as_ref().and_then(|link| link.secret.clone());
        let Some(credential) = held.or(linked.map(Credential::Link)) else {
            return Ok(Vec::new());
        };
        let contacts = self.contacts_with(share, source.owner).await;
        let contacts = contacts.into_iter().map(|peer| Provider {
            targets: vec![Target::Peer(peer)],
            peer: Some(peer),
            credential: credential.clone(),
        });
        let told = self.told_of(share).await?;
        let told = told.into_iter().map(|targets| Provider {
            targets,
            peer: None,
            credential: credential.clone(),
        });
        Ok(contacts.chain(told).collect())
    }

    /// Looks for those who have a share beside its owner, while it is fetched: whoever has it is asked who else does, first the one by whom we were
    /// let in. Each that is found is told once. Never ends.
    pub(super) async fn search(
        &self,
        source: &ShareSource,
        first: Acquaintance,
        found: mpsc::UnboundedSender<Provider>,
    ) {
        let (mut told, mut asked) = (BTreeSet::new(), vec![first.clone()]);
        loop {
            let asking = asked.drain(..).map(async |with: Acquaintance| {
                let acquainted = tokio::time::timeout(ASK_WITHIN, self.acquaint(&with)).await;
                if let Ok(Err(error)) = acquainted {
                    debug!(%error, "a provider tells nothing of others");
                }
            });
            join_all(asking).await;
            let further = self.further(source).await.unwrap_or_default();
            for provider in further {
                if !told.insert(provider.targets.clone()) {
                    continue;
                }
                asked.extend(provider.targets.first().map(|target| Acquaintance {
                    reach: Reach::provider(&self.node, first.reach.name(), *target),
                    target: *target,
                    share: first.share,
                    owner: first.owner,
                    credential: provider.credential.clone(),
                }));
                // The transfer may just have ended.
                let _ = found.send(provider);
            }
            if asked.is_empty() {
                tokio::time::sleep(SEARCH_EVERY).await;
                asked.push(first.clone());
            }
        }
    }

    /// Which share is meant, if it was heard of before: nobody is asked.
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
                named.extend(head.filter(|(_, head)| head.name == name).map(|_| share));
            }
            // Of several the owner has to say which is meant.
            Ok(named.pop().filter(|_| named.is_empty()))
        })
        .await
    }

    /// The contacts who are there and provide a share. They learn which only if they know it.
    async fn contacts_with(&self, share: ShareId, owner: PeerId) -> Vec<PeerId> {
        let standing: BTreeSet<PeerId> = {
            let table = self.node.0.live.lock();
            let sessions = table.links.values().filter_map(|link| link.session);
            sessions
                .filter(|standing| standing.level == Level::Contact)
                .filter_map(|standing| standing.peer)
                .filter(|peer| *peer != owner)
                .take(ASKED_MAX)
                .collect()
        };
        let asked = standing.into_iter().map(async |peer| {
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
    async fn told_of(&self, share: ShareId) -> Result<Vec<Vec<Target>>, Error> {
        let referrals = self.node.shares().others().heard_of(&share, clock::now());
        self.node
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
            .await
    }
}
