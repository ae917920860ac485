//! Telling contacts who are there that an own share has a new head, or is not for them any more. Whom, and when, [`News`] says.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kith_core::content::access::{Asker, Guard, Relation};
use kith_core::content::news::{AGAIN_MAX, News, Tell, is_told};
use kith_core::ids::{PeerId, ShareId};
use kith_core::routing::Target;
use tokio::sync::Notify;
use tracing::debug;

use super::copies::{soon, untold};
use super::handle::Contents;
use super::reach::Reach;
use crate::clock;
use crate::content::Talk;
use crate::error::Error;
use crate::peer::node::Node;

/// The machine, of which each node has one.
#[derive(Debug, Default)]
struct Announcing {
    news: Mutex<News>,
    /// It is due sooner than it was.
    sooner: Notify,
}

impl Announcing {
    fn lock(&self) -> MutexGuard<'_, News> {
        self.news.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the machine is due.
    async fn due(&self) {
        let due = self.lock().poll_timeout();
        match due {
            Some(due) => tokio::time::sleep(due.since(clock::now()).min(AGAIN_MAX)).await,
            None => std::future::pending().await,
        }
    }
}

/// An own share, as it is guarded against somebody who is there.
pub(super) struct Guarded {
    asker: Asker,
    guard: Guard,
    head: Vec<u8>,
}

/// Begins to tell.
pub(super) fn announce(node: &Node) {
    let (weak, shares) = (node.downgrade(), Arc::clone(node.shares()));
    let announcing = node.extension::<Announcing>();
    node.spawn(async move {
        loop {
            let renewed = tokio::select! {
                renewed = shares.renewed() => renewed,
                () = announcing.due() => BTreeSet::new(),
                () = announcing.sooner.notified() => continue,
            };
            let Some(node) = weak.upgrade() else { return };
            announcing.lock().handle_timeout(clock::now());
            if let Err(error) = node.contents().announce(renewed).await {
                debug!(%error, "contacts are not told of a new head");
            }
        }
    });
}

impl Contents {
    /// Tells contacts who are there of the new heads of own shares, as far as these are for them.
    async fn announce(&self, shares: BTreeSet<ShareId>) -> Result<(), Error> {
        let guarded = self.guarded(shares).await?;
        let news = self.node.extension::<Announcing>();
        for Guarded { asker, guard, .. } in guarded {
            news.lock().handle_head(clock::now(), &asker, &guard);
        }
        self.tell_waiting();
        Ok(())
    }

    /// Tells contacts who are there and have lost an own share, which was guarded so `before`.
    pub(super) async fn tell_lost(
        &self,
        share: ShareId,
        before: Vec<Guarded>,
    ) -> Result<(), Error> {
        let now_guarded = self.guarded([share].into()).await?;
        let news = self.node.extension::<Announcing>();
        for was in before {
            if let Some(now) = now_guarded.iter().find(|now| now.asker == was.asker) {
                let guards = (&was.guard, &now.guard);
                let mut news = news.lock();
                news.handle_lost(clock::now(), &was.asker, guards, &was.head);
            }
        }
        self.tell_waiting();
        Ok(())
    }

    /// How own shares are guarded against the contacts who are there.
    pub(super) async fn guarded(&self, shares: BTreeSet<ShareId>) -> Result<Vec<Guarded>, Error> {
        let there = self.node.0.live.contacts();
        self.blocking(move |own| {
            let mut guarded = Vec::new();
            for share in &shares {
                for peer in &there {
                    let asker = asker(*peer, own.others().is_blocked(peer));
                    if let Some((guard, head)) = own.own_head(share, &asker)? {
                        guarded.push(Guarded { asker, guard, head });
                    }
                }
            }
            Ok(guarded)
        })
        .await
    }

    /// Begins to tell whoever is next.
    fn tell_waiting(&self) {
        let news = self.node.extension::<Announcing>();
        loop {
            let Some(tell) = news.lock().poll_output() else {
                return;
            };
            let contents = self.clone();
            self.node.spawn(async move {
                let told = contents.tell(&tell).await;
                let news = contents.node.extension::<Announcing>();
                match told {
                    Ok(()) => news.lock().handle_told(&tell.peer),
                    Err(error) => {
                        debug!(%error, "a contact was not told of a new head");
                        news.lock().handle_untold(clock::now(), tell);
                        news.sooner.notify_one();
                    }
                }
                contents.tell_waiting();
            });
        }
    }

    /// Tells somebody what their shares are now, as far as they are still there and these for them, and which they have lost.
    async fn tell(&self, tell: &Tell) -> Result<(), Error> {
        let (peer, shares) = (tell.peer, tell.shares.clone());
        if !self.node.0.live.contacts().contains(&peer) {
            return Ok(());
        }
        let mut heads = self
            .blocking(move |own| {
                let asker = asker(peer, own.others().is_blocked(&peer));
                let mut heads = Vec::new();
                for share in &shares {
                    let newest = own.own_head(share, &asker)?;
                    let told = newest.filter(|(guard, _)| is_told(&asker, guard, clock::now()));
                    heads.extend(told.map(|(_, head)| head));
                }
                Ok(heads)
            })
            .await?;
        heads.extend(tell.lost.values().cloned());
        self.tell_heads(peer, heads).await
    }

    /// Passes signed heads on to somebody in the address book, who has to hear them soon.
    pub(super) async fn tell_heads(&self, peer: PeerId, heads: Vec<Vec<u8>>) -> Result<(), Error> {
        if heads.is_empty() {
            return Ok(());
        }
        soon(async {
            let reach = Reach::peer(&self.node, peer).await?;
            let mut talk = Talk::new(reach.open(Target::Peer(peer)).await?);
            for head in heads {
                talk.notice(head).await.map_err(untold)?;
            }
            Ok(())
        })
        .await
    }
}

/// A contact as access is decided by.
fn asker(peer: PeerId, is_blocked: bool) -> Asker {
    Asker {
        peer: Some(peer),
        relation: match is_blocked {
            true => Relation::Blocked,
            false => Relation::Contact,
        },
    }
}
