//! Hearing what became of others' shares: at each contact with their owner the newest heads and grants are asked for, and the owner is told what
//! is provided. And telling, when an own share is no more.

use std::time::Duration;

use kith_core::data::head::Audience;
use kith_core::ids::{PeerId, ShareId};
use kith_core::routing::Target;
use tokio::sync::broadcast::error::RecvError;
use tracing::debug;

use super::copies::{self, Conversation, untold};
use super::handle::Contents;
use super::reach::Reach;
use crate::content::{Credential, Said, Talk};
use crate::error::Error;
use crate::peer::event::Event;
use crate::peer::node::Node;

/// How often an owner is asked while the session stands: often enough that grants and places stay good for days without them, rarely enough to cost
/// nothing.
const KEEP_EVERY: Duration = Duration::from_secs(3600);

/// Begins to keep up with owners, and to provide what was fetched.
pub(super) fn keep(node: &Node) {
    let (weak, mut events) = (node.downgrade(), node.events());
    node.spawn(async move {
        if let Some(node) = weak.upgrade() {
            examine_all(&node.contents()).await;
        }
        let mut every = tokio::time::interval(KEEP_EVERY);
        loop {
            let met = tokio::select! {
                event = events.recv() => match event {
                    Ok(Event::Up(session)) if session.peer.is_some() => session.peer,
                    Ok(_) => continue,
                    Err(RecvError::Lagged(_)) => None,
                    Err(RecvError::Closed) => return,
                },
                _ = every.tick() => None,
            };
            let Some(node) = weak.upgrade() else { return };
            let owners = match met {
                Some(peer) => vec![peer],
                None => node.0.live.peers(),
            };
            let contents = node.contents();
            node.spawn(async move {
                for owner in owners {
                    if let Err(error) = contents.keep_up(owner).await {
                        debug!(%error, "an owner was not asked for news");
                    }
                }
            });
        }
    });
}

/// Examines the copies that an earlier run did not come to.
async fn examine_all(contents: &Contents) {
    if !contents.provides() {
        return;
    }
    let Ok(copies) = contents.copies().await else {
        return;
    };
    for copy in copies.into_iter().filter(|copy| !copy.examined) {
        let share = copy.head.share;
        let examined = contents
            .blocking(move |shares| shares.examine(&share))
            .await;
        if let Err(error) = examined {
            debug!(%error, "a copy is not provided");
        }
    }
}

impl Contents {
    /// Asks the owner, who is there, what became of the shares that we have to do with, and tells which of them we provide.
    async fn keep_up(&self, owner: PeerId) -> Result<(), Error> {
        let known = self
            .blocking(move |shares| Ok(shares.known_of(&owner)?))
            .await?;
        if known.is_empty() {
            return Ok(());
        }
        let target = Target::Peer(owner);
        let reach = Reach::peer(&self.node, owner).await?;
        let mut talk = Talk::new(reach.open(target).await?);
        for share in known {
            self.keep_up_with(&mut talk, owner, share).await?;
        }
        Ok(())
    }

    async fn keep_up_with(
        &self,
        talk: &mut Conversation,
        owner: PeerId,
        share: ShareId,
    ) -> Result<(), Error> {
        let others = self.node.shares().others();
        match self.ask_owner(talk, share).await? {
            Said::Head(news) => self.learn(news, owner).await?,
            Said::Ended(news) => {
                others.forget(&share);
                return self.learn(news, owner).await;
            }
            Said::Gone => {
                // Not for us any more, and so not for us to give.
                others.forget(&share);
                return self
                    .blocking(move |shares| Ok(shares.drop_copy(&share)?))
                    .await
                    .map(|_| ());
            }
        }
        let credential = Credential::Session;
        if let Some(audience) = self.provided(share).await? {
            let referral = copies::referral(&self.node, &audience).await?;
            let told = talk.provide(share, &credential, referral).await;
            told.map_err(untold)?;
        }
        self.ask_providers(talk, share, &credential).await
    }

    /// What the owner says of a share now. A link opens one that is for its holders.
    async fn ask_owner(&self, talk: &mut Conversation, share: ShareId) -> Result<Said, Error> {
        let held = self
            .blocking(move |shares| Ok(shares.credential(&share, crate::clock::now())?))
            .await?;
        let credential = match held {
            Some(link @ Credential::Link(_)) => link,
            // The session says who we are, and a grant of ours says no more than its own maker knows.
            _ => Credential::Session,
        };
        talk.head(share, &credential).await.map_err(untold)
    }

    /// The audience of a share of which we provide a copy.
    pub(super) async fn provided(&self, share: ShareId) -> Result<Option<Audience>, Error> {
        self.blocking(move |shares| Ok(shares.provided(&share)?))
            .await
    }

    /// Voids what `peer` was granted of own shares: they are signed anew under a higher epoch, and those who provide them and are there are
    /// told. The others hear of it when they meet us next.
    ///
    /// # Errors
    /// [`Error::Share`] when the database fails.
    pub(in crate::peer) async fn revoke(&self, peer: PeerId) -> Result<(), Error> {
        let revoked = self
            .blocking(move |shares| shares.revoke(&peer, crate::clock::now()))
            .await?;
        for (share, head) in revoked {
            self.tell_providers(share, &head, |_| true);
        }
        Ok(())
    }

    /// Tells those who provide a share and are there that it is no more, by the head that says so. The others hear of it when they meet us next.
    pub(super) fn tell_ended(&self, share: ShareId, head: &[u8]) {
        self.tell_providers(share, head, |_| true);
        self.node.shares().others().forget(&share);
    }

    /// Tells those who provide a share and are there of a new epoch, as far as they are to hear of it.
    pub(super) fn tell_providers(
        &self,
        share: ShareId,
        head: &[u8],
        is_told: impl Fn(&PeerId) -> bool,
    ) {
        let there = self.node.0.live.peers();
        let told = self.node.shares().others().peers(&share).into_iter();
        for peer in told.filter(|peer| there.contains(peer) && is_told(peer)) {
            let (contents, head) = (self.clone(), head.to_vec());
            self.node.spawn(async move {
                if let Err(error) = contents.tell_heads(peer, vec![head]).await {
                    debug!(%error, "a provider was not told of a new epoch");
                }
            });
        }
    }
}
