//! A stream of `/kith/share/1` to whoever has a share: its owner, as a contact or as a link says.

use std::time::Duration;

use kith_core::identity::{ContactState, Petname};
use kith_core::ids::PeerId;
use kith_core::protocol::ProtocolName;
use kith_core::routing::{Target, UnreachableReason};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::limits::{self, Metered};
use super::source::ShareSource;
use crate::content;
use crate::error::Error;
use crate::peer::event::Event;
use crate::peer::node::Node;
use crate::peer::stream::{StreamReader, StreamWriter};

/// The protocol's name.
pub(super) const SHARE: &str = "/kith/share/1";

/// How long to wait for the reason why a stream was lost: the machine knows it by then, or has another session.
const REASON_WITHIN: Duration = Duration::from_secs(1);

/// The ways to the owner of a share, the best first.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    node: Node,
    name: String,
    targets: Vec<Target>,
}

impl Reach {
    /// To a contact.
    ///
    /// # Errors
    /// [`Error::UnknownContact`]; [`Error::NotAllowed`] for one whom we blocked.
    pub(super) async fn peer(node: &Node, peer: PeerId) -> Result<Self, Error> {
        let name = contact_name(node, peer).await?;
        let name = name.ok_or_else(|| Error::UnknownContact(peer.to_string()))?;
        Ok(Self {
            node: node.clone(),
            name: name.as_str().to_owned(),
            targets: vec![Target::Peer(peer)],
        })
    }

    /// To the owner of what is meant: as a contact; else, and where that fails, where the link leads.
    ///
    /// # Errors
    /// As [`Reach::peer`], where there is no link; [`Error::Usage`] for what is our own.
    pub(super) async fn source(node: &Node, source: &ShareSource) -> Result<Self, Error> {
        if source.owner == node.peer_id() {
            return Err(Error::Usage(
                "this is your own share: it is here already".to_owned(),
            ));
        }
        let Some(link) = &source.link else {
            return Self::peer(node, source.owner).await;
        };
        let contact = contact_name(node, source.owner).await?;
        let known = contact.iter().map(|_| Target::Peer(source.owner));
        let mut targets: Vec<Target> = known.collect();
        let routes: Vec<_> = link
            .routes()
            .map(|(face, route)| (face, route.clone()))
            .collect();
        targets.extend(routes.iter().map(|(_, route)| Target::Device(route.device)));
        node.ask(move |machine, _| {
            for (face, route) in routes {
                machine.handle_link(face, route);
            }
        })
        .await?;
        if targets.is_empty() {
            return Err(Error::NotFound(
                "the link does not say where its owner is, and they are no contact of yours; ask them for an invite"
                    .to_owned(),
            ));
        }
        let name = contact.map_or_else(
            || source.owner.to_string(),
            |petname| petname.as_str().to_owned(),
        );
        Ok(Self {
            node: node.clone(),
            name,
            targets,
        })
    }

    /// To somebody who provides what another, called `name` here, owns.
    pub(super) fn provider(node: &Node, name: &str, target: Target) -> Self {
        Self {
            node: node.clone(),
            name: name.to_owned(),
            targets: vec![target],
        }
    }

    /// What the owner is called here.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a session with the owner stands.
    pub(super) fn is_there(&self) -> bool {
        let live = &self.node.0.live;
        self.targets
            .iter()
            .any(|target| live.preferred(*target).is_some())
    }

    /// Whom to try, the best first.
    pub(super) fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Whether whoever is reached so knows who asks.
    pub(super) fn is_known(target: Target) -> bool {
        matches!(target, Target::Peer(_))
    }

    /// Does something with streams to `target`. They are opened before it is known who is there. Where that turns out to be the reason for
    /// their end, it is told; and what was answered before a peer's session was up counts only once it is: it may have been said to a stranger.
    ///
    /// # Errors
    /// [`Error::Unreachable`], and what `work` returns.
    pub(super) async fn with<T>(
        &self,
        target: Target,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut events = self.node.events();
        let outcome = work.await;
        self.judge(&mut events, target, outcome).await
    }

    /// The same, of work whose success is verified by itself: it counts, whoever is there by then.
    ///
    /// # Errors
    /// As [`Reach::with`].
    pub(super) async fn with_verified<T>(
        &self,
        target: Target,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut events = self.node.events();
        match work.await {
            Ok(done) => Ok(done),
            failed => self.judge(&mut events, target, failed).await,
        }
    }

    async fn judge<T>(
        &self,
        events: &mut broadcast::Receiver<Event>,
        target: Target,
        outcome: Result<T, Error>,
    ) -> Result<T, Error> {
        let is_lost = matches!(outcome, Err(Error::Io { .. }));
        // What is told of them meanwhile is that the node has given them up.
        let is_stopping = matches!(outcome, Err(Error::Closed));
        if is_stopping || (!is_lost && self.is_up(target)) {
            return outcome;
        }
        match reason(events, target).await {
            Some(reason) => Err(Error::Unreachable {
                name: self.name.clone(),
                reason,
            }),
            None => outcome,
        }
    }

    /// Whether it is known who is at `target`, as far as it matters.
    fn is_up(&self, target: Target) -> bool {
        let Target::Peer(peer) = target else {
            return true;
        };
        let sessions = self.node.sessions();
        sessions.iter().any(|session| session.peer == Some(peer))
    }

    /// Opens a stream to ask what is shared.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub(super) async fn open(
        &self,
        target: Target,
    ) -> Result<content::Stream<Metered<StreamReader>, StreamWriter>, Error> {
        self.open_in(target, protocol()).await
    }

    /// Opens a stream in another protocol.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub(super) async fn open_in(
        &self,
        target: Target,
        protocol: ProtocolName,
    ) -> Result<content::Stream<Metered<StreamReader>, StreamWriter>, Error> {
        let opened = self.node.open_to(target, &[protocol]).await;
        let stream = opened.map_err(|error| match error {
            Error::Unreachable { reason, .. } => Error::Unreachable {
                name: self.name.clone(),
                reason,
            },
            other => other,
        })?;
        let exporter = *stream.exporter();
        let (reader, writer) = limits::incoming(&self.node, stream);
        Ok(content::Stream {
            reader,
            writer,
            exporter,
        })
    }
}

/// Why a stream to `target` was lost, where the introductions that it followed led to nothing.
async fn reason(
    events: &mut broadcast::Receiver<Event>,
    target: Target,
) -> Option<UnreachableReason> {
    let told = async {
        loop {
            match events.recv().await {
                Ok(Event::Unreachable {
                    target: lost,
                    reason,
                }) if lost == target => {
                    return Some(reason);
                }
                Ok(Event::Up(session)) if Some(target) == session.peer.map(Target::Peer) => {
                    return None;
                }
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return None,
            }
        }
    };
    tokio::time::timeout(REASON_WITHIN, told).await.ok()?
}

/// What a contact is called; `None` for somebody who is none.
async fn contact_name(node: &Node, peer: PeerId) -> Result<Option<Petname>, Error> {
    let contact = node
        .ask(move |machine, _| machine.book().contact(&peer).cloned())
        .await?;
    match contact {
        Some(contact) if contact.state == ContactState::Blocked => Err(Error::NotAllowed(format!(
            "you have blocked {}; unblock them first",
            contact.petname.as_str()
        ))),
        contact => Ok(contact.map(|contact| contact.petname)),
    }
}

/// The protocol's name.
pub(super) fn protocol() -> ProtocolName {
    SHARE.parse().expect("a valid name")
}
