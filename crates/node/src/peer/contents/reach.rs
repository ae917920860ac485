//! A stream of `/kith/share/1` to whoever has a share: its owner, as a contact or as a link says.

use std::time::{Duration, Instant};

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
use crate::peer::opening::{AGAIN_WITHIN, OPEN_WITHIN};
use crate::peer::stream::{StreamReader, StreamWriter};
use crate::routing::is_connection_over;

/// The protocol's name.
pub(super) const SHARE: &str = "/kith/share/1";

/// How long to wait for the reason why nobody known answered: the machine knows it by then, or has a session.
const REASON_WITHIN: Duration = Duration::from_secs(2);

/// The ways to the owner of a share, the best first.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    node: Node,
    name: String,
    targets: Vec<Target>,
    /// How long each is looked for at most; `None` for as long as that takes.
    patience: Option<Duration>,
}

impl Reach {
    /// To a contact.
    ///
    /// # Errors
    /// [`Error::UnknownContact`]; [`Error::NotAllowed`] for one whom we blocked.
    pub(super) async fn peer(node: &Node, peer: PeerId) -> Result<Self, Error> {
        let name = node.unblocked(peer).await?;
        let name = name.ok_or_else(|| Error::UnknownContact(peer.to_string()))?;
        Ok(Self {
            node: node.clone(),
            name: name.as_str().to_owned(),
            targets: vec![Target::Peer(peer)],
            patience: None,
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
        let contact = node.unblocked(source.owner).await?;
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
            patience: None,
        })
    }

    /// To somebody who provides what another, called `name` here, owns.
    pub(super) fn provider(node: &Node, name: &str, target: Target) -> Self {
        Self {
            node: node.clone(),
            name: name.to_owned(),
            targets: vec![target],
            patience: None,
        }
    }

    /// The same for somebody who waits so long for whoever has it; not at all means as long as it takes to ask each once.
    pub(super) fn patient(self, wait: Duration) -> Self {
        Self {
            patience: Some(wait).filter(|wait| !wait.is_zero()),
            ..self
        }
    }

    /// What the owner is called here.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a session with the owner stands.
    pub(super) fn is_there(&self) -> bool {
        self.targets.iter().any(|target| self.is_reached(*target))
    }

    /// Whether a session with whoever is at `target` stands.
    pub(super) fn is_reached(&self, target: Target) -> bool {
        self.node.0.live.preferred(target).is_some()
    }

    /// Whom to try, the best first.
    pub(super) fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Whether whoever is reached so knows who asks.
    pub(super) fn is_known(target: Target) -> bool {
        matches!(target, Target::Peer(_))
    }

    /// Waits until somebody is connected at `target`, for as long as each is looked for.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub(super) async fn look_for(&self, target: Target) -> Result<(), Error> {
        let within = self.patience.map_or(OPEN_WITHIN, |it| it.min(OPEN_WITHIN));
        let found = self.node.link(target, false, Instant::now() + within);
        found.await.map(drop).map_err(|error| self.by_name(error))
    }

    /// Begins to do something with streams to `target`, which are opened before it is known who is there.
    pub(super) fn asking(&self, target: Target) -> Asking<'_> {
        Asking {
            reach: self,
            target,
            events: self.node.events(),
            stood: self.stands(target),
            is_again: false,
        }
    }

    /// Does something whose success is verified by itself: it counts, whoever is there by then. It is done once. Where it fails because of who is there,
    /// or is not any more, that is told.
    ///
    /// # Errors
    /// [`Error::Unreachable`], and what `work` returns.
    pub(super) async fn with_verified<T>(
        &self,
        target: Target,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let mut events = self.node.events();
        let stood = self.stands(target);
        match work.await {
            Ok(done) => Ok(done),
            lost if is_lost(&lost) => {
                if !stood {
                    self.find_again(target, stood).await?;
                }
                Err(self.lost())
            }
            failed => self.judge(&mut events, target, failed).await,
        }
    }

    async fn judge<T>(
        &self,
        events: &mut broadcast::Receiver<Event>,
        target: Target,
        outcome: Result<T, Error>,
    ) -> Result<T, Error> {
        // What is told of them while the node stops is that it has given them up.
        let is_clear = matches!(outcome, Err(Error::Closed | Error::Unreachable { .. }));
        if is_clear || self.is_up(target) {
            return outcome;
        }
        match reason(events, target).await {
            Some(reason) => Err(self.unreachable(reason)),
            None => outcome,
        }
    }

    /// Waits for another session with whoever is at `target`: not for long where one `stood` a moment ago.
    async fn find_again(&self, target: Target, stood: bool) -> Result<(), Error> {
        let within = if stood { AGAIN_WITHIN } else { OPEN_WITHIN };
        let is_peer = Self::is_known(target);
        let found = self.node.link(target, is_peer, Instant::now() + within);
        found.await.map(drop).map_err(|error| self.by_name(error))
    }

    /// Whether a session with whoever is at `target` stands, as far as is known.
    fn stands(&self, target: Target) -> bool {
        let link = self.node.0.live.preferred(target);
        link.is_some_and(|link| link.stood.get())
    }

    /// Fails when whoever is at `target` is not reached in time; never where they are, who have the time that they take.
    async fn late(&self, target: Target) -> Error {
        match self.patience {
            Some(patience) => tokio::time::sleep(patience).await,
            None => std::future::pending().await,
        }
        match self.is_reached(target) {
            true => std::future::pending().await,
            false => self.unreachable(UnreachableReason::NoAnswer),
        }
    }

    /// They were there, and are not any more.
    fn lost(&self) -> Error {
        self.unreachable(UnreachableReason::Dropped)
    }

    /// They are not reached.
    pub(super) fn unreachable(&self, reason: UnreachableReason) -> Error {
        let name = self.name.clone();
        Error::Unreachable { name, reason }
    }

    fn by_name(&self, error: Error) -> Error {
        match error {
            Error::Unreachable { reason, .. } => self.unreachable(reason),
            other => other,
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
        let protocols = [protocol];
        let opened = tokio::select! {
            biased;
            opened = self.node.open_to(target, &protocols) => opened,
            late = self.late(target) => return Err(late),
        };
        let stream = opened.map_err(|error| self.by_name(error))?;
        let exporter = *stream.exporter();
        let (reader, writer) = limits::incoming(&self.node, stream);
        Ok(content::Stream {
            reader,
            writer,
            exporter,
        })
    }
}

/// Something that is asked of whoever is at a target.
pub(super) struct Asking<'a> {
    reach: &'a Reach,
    target: Target,
    events: broadcast::Receiver<Event>,
    /// Whether a session stood when it began.
    stood: bool,
    is_again: bool,
}

impl Asking<'_> {
    /// What came of it: `None` where the session was lost before the answer and it is to be done once more, on another. Where it turns out who is there
    /// and that is the reason for the end of the streams, it is told; and what was answered before a peer's session was up counts only once it is: it may have been
    /// said to a stranger.
    pub(super) async fn outcome<T>(
        &mut self,
        outcome: Result<T, Error>,
    ) -> Option<Result<T, Error>> {
        let (reach, target) = (self.reach, self.target);
        if !is_lost(&outcome) {
            return Some(reach.judge(&mut self.events, target, outcome).await);
        }
        if std::mem::replace(&mut self.is_again, true) {
            return Some(Err(reach.lost()));
        }
        let found = reach.find_again(target, self.stood).await;
        found.err().map(Err)
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

/// Whether work ended because the connection under it did.
fn is_lost<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Io { source, .. }) if is_connection_over(source))
}

/// The protocol's name.
pub(super) fn protocol() -> ProtocolName {
    SHARE.parse().expect("a valid name")
}
