//! Telling contacts who are there that an own share has a new head. Whom, and when, [`News`] says.

use std::time::Duration;

use kith_core::content::access::{Asker, Relation};
use kith_core::content::news::{News, Tell, is_told};
use kith_core::ids::{PeerId, ShareId};
use kith_core::routing::{Level, Target};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tracing::debug;

use super::copies::untold;
use super::handle::Contents;
use super::reach::Reach;
use crate::clock;
use crate::content::{ShareEvent, Talk};
use crate::error::Error;
use crate::peer::node::Node;

/// How long one of them may take to hear it: whoever is that slow hears it when they ask.
const TELL_WITHIN: Duration = Duration::from_secs(10);

/// Begins to tell.
pub(super) fn announce(node: &Node) {
    let (weak, mut events) = (node.downgrade(), node.shares().events());
    // Holds no more than are told at once.
    let (told, mut over) = mpsc::unbounded_channel();
    node.spawn(async move {
        let mut news = News::default();
        loop {
            let changed = tokio::select! {
                event = events.recv() => match event {
                    Ok(ShareEvent::Changed(head)) => Some(head.share),
                    Ok(ShareEvent::Listed(share)) => Some(share),
                    Ok(_) => continue,
                    // What it was is not known any more, so all may have changed.
                    Err(RecvError::Lagged(_)) => None,
                    Err(RecvError::Closed) => return,
                },
                Some(peer) = over.recv() => {
                    news.handle_told(&peer);
                    let Some(node) = weak.upgrade() else { return };
                    tell_next(&node, &mut news, &told);
                    continue;
                }
            };
            let Some(node) = weak.upgrade() else { return };
            if let Err(error) = node.contents().note(&mut news, changed).await {
                debug!(%error, "contacts are not told of a new head");
            }
            tell_next(&node, &mut news, &told);
        }
    });
}

/// Begins to tell whoever is next.
fn tell_next(node: &Node, news: &mut News, told: &mpsc::UnboundedSender<PeerId>) {
    while let Some(tell) = news.poll_output() {
        let (contents, told) = (node.contents(), told.clone());
        node.spawn(async move {
            let peer = tell.peer;
            let telling = tokio::time::timeout(TELL_WITHIN, contents.tell(tell));
            match telling.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => debug!(%error, "a contact was not told of a new head"),
                Err(_) => debug!("a contact takes too long to hear of a new head"),
            }
            // Whoever listens ends with the node.
            let _ = told.send(peer);
        });
    }
}

impl Contents {
    /// Says to the machine who is there, and whether they get the share; every own one, where none is named.
    async fn note(&self, news: &mut News, changed: Option<ShareId>) -> Result<(), Error> {
        let there = contacts(&self.node);
        if there.is_empty() {
            return Ok(());
        }
        let guarded = self
            .blocking(move |shares| {
                let changed = match changed {
                    Some(share) => vec![share],
                    None => shares.mine()?.iter().map(|mine| mine.head.share).collect(),
                };
                let mut guarded = Vec::new();
                for share in &changed {
                    for peer in &there {
                        let asker = asker(*peer, shares.others().is_blocked(peer));
                        if let Some((guard, _)) = shares.own_head(share, &asker)? {
                            guarded.push((asker, guard));
                        }
                    }
                }
                Ok(guarded)
            })
            .await?;
        for (asker, guard) in guarded {
            news.handle_head(clock::now(), &asker, &guard);
        }
        Ok(())
    }

    /// Tells somebody what their shares are now, as far as they are still there and these for them.
    async fn tell(&self, Tell { peer, shares }: Tell) -> Result<(), Error> {
        if !contacts(&self.node).contains(&peer) {
            return Ok(());
        }
        let heads = self
            .blocking(move |own| {
                let asker = asker(peer, own.others().is_blocked(&peer));
                let mut heads = Vec::new();
                for share in &shares {
                    let newest = own.own_head(share, &asker)?;
                    heads.extend(newest.filter(|(guard, _)| is_told(&asker, guard, clock::now())));
                }
                Ok(heads)
            })
            .await?;
        if heads.is_empty() {
            return Ok(());
        }
        let reach = Reach::peer(&self.node, peer).await?;
        let mut talk = Talk::new(reach.open(Target::Peer(peer)).await?);
        for (_, head) in heads {
            talk.notice(head).await.map_err(untold)?;
        }
        Ok(())
    }
}

impl Contents {
    /// The contacts who are there and hear of a share of this node, and its head; nobody, where there is no such share.
    pub(super) async fn hearers(&self, share: ShareId) -> Result<(Vec<PeerId>, Vec<u8>), Error> {
        let there = contacts(&self.node);
        let heard = self.blocking(move |shares| {
            let (mut hearers, mut head) = (Vec::new(), Vec::new());
            for peer in there {
                let asker = asker(peer, shares.others().is_blocked(&peer));
                let Some((guard, newest)) = shares.own_head(&share, &asker)? else {
                    break;
                };
                if is_told(&asker, &guard, clock::now()) {
                    hearers.push(peer);
                }
                head = newest;
            }
            Ok((hearers, head))
        });
        heard.await
    }

    /// Tells contacts who have lost a share the head that they had: it says nothing new to them, and whoever looks at what is for them looks
    /// again.
    pub(super) fn tell_lost(&self, peers: Vec<PeerId>, head: Vec<u8>) {
        for peer in peers {
            let (contents, head) = (self.clone(), head.clone());
            let tell = async move {
                let reach = Reach::peer(&contents.node, peer).await?;
                let mut talk = Talk::new(reach.open(Target::Peer(peer)).await?);
                talk.notice(head).await.map_err(untold)
            };
            self.node.spawn(async move {
                match tokio::time::timeout(TELL_WITHIN, tell).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => debug!(%error, "a contact was not told that a share is lost"),
                    Err(_) => debug!("a contact takes too long to hear that a share is lost"),
                }
            });
        }
    }
}

/// The contacts with whom a session stands.
fn contacts(node: &Node) -> Vec<PeerId> {
    let table = node.0.live.lock();
    let sessions = table.links.values().filter_map(|link| link.session);
    let contacts = sessions.filter(|session| session.level == Level::Contact);
    let mut peers: Vec<PeerId> = contacts.filter_map(|session| session.peer).collect();
    peers.sort_unstable();
    peers.dedup();
    peers
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
