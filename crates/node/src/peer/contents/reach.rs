//! A stream of `/kith/share/1` to whoever has a share: its owner, as a contact or as a link says.

use std::time::{Duration, Instant};

use kith_core::ids::PeerId;
use kith_core::protocol::ProtocolName;
use kith_core::routing::{Session, Target, UnreachableReason};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use super::limits::{self, Metered};
use super::source::ShareSource;
use crate::content::{self, GetError};
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

/// How long whoever is there may take to have room for one more stream: as long as whoever asks waits for anybody.
const ROOM_WITHIN: Duration = OPEN_WITHIN;

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

    /// The same to another place where they may be.
    pub(super) fn at(self, target: Target) -> Self {
        let targets = vec![target];
        Self { targets, ..self }
    }

    /// The same for somebody who waits so long for whoever has it; not at all means as long as it takes to ask each once.
    pub(super) fn patient(self, wait: Duration) -> Self {
        Self {
            patience: Some(wait).filter(|wait| !wait.is_zero()),
            ..self
        }
    }

    /// Whether nobody is waited for any longer who has been looked for since then.
    pub(super) fn is_spent(&self, since: Instant) -> bool {
        self.patience
            .is_some_and(|patience| since.elapsed() >= patience)
    }

    /// What the owner is called here.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a session with the owner stands.
    pub(super) fn is_there(&self) -> bool {
        self.targets.iter().any(|target| self.is_reached(*target))
    }

    fn is_reached(&self, target: Target) -> bool {
        let link = self.node.0.live.preferred(target);
        link.is_some_and(|link| link.is_usable(false))
    }

    /// Whom to try, the best first.
    pub(super) fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Whether whoever is reached so knows who asks.
    pub(super) fn is_known(target: Target) -> bool {
        matches!(target, Target::Peer(_))
    }

    /// Asks each in turn until one is reached. A question whose session was lost before the answer is asked once more, on another.
    ///
    /// # Errors
    /// [`Error::Unreachable`], and what the `question` comes to.
    pub(super) async fn ask<T, Asked>(&self, question: impl Fn(Target) -> Asked) -> Result<T, Error>
    where
        Asked: Future<Output = Result<T, Error>>,
    {
        let mut failed = self.unreachable(UnreachableReason::NoRoute);
        for target in &self.targets {
            match self.ask_at(*target, &question).await {
                Err(error @ Error::Unreachable { .. }) => failed = error,
                other => return other,
            }
        }
        Err(failed)
    }

    /// Asks with streams to `target`, which are opened before it is known who is there. Where it turns out who is, and that is the reason for the end of
    /// the streams, it is told; and what was answered before a peer's session was up counts only once it is: it may have been said to a stranger.
    async fn ask_at<T, Asked>(
        &self,
        target: Target,
        question: impl Fn(Target) -> Asked,
    ) -> Result<T, Error>
    where
        Asked: Future<Output = Result<T, Error>>,
    {
        let mut watch = self.watch(target);
        let mut outcome = question(target).await;
        if is_lost(&outcome) {
            let stood = watch.has_stood();
            self.find_again(target, stood).await?;
            outcome = question(target).await;
        }
        if is_lost(&outcome) {
            return Err(self.unreachable(UnreachableReason::Dropped));
        }
        self.judge(&mut watch, outcome).await
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
        let mut watch = self.watch(target);
        match work.await {
            Ok(done) => Ok(done),
            lost if is_lost(&lost) => {
                if !watch.has_stood() {
                    self.find_again(target, false).await?;
                }
                Err(self.unreachable(UnreachableReason::Dropped))
            }
            failed => self.judge(&mut watch, failed).await,
        }
    }

    /// Watches who is at `target` from now on.
    fn watch(&self, target: Target) -> Watch {
        let link = self.node.0.live.preferred(target);
        Watch {
            target,
            events: self.node.events(),
            stood: link.is_some_and(|link| link.stood.get()),
        }
    }

    async fn judge<T>(&self, watch: &mut Watch, outcome: Result<T, Error>) -> Result<T, Error> {
        if !may_be_said_to_strangers(&outcome) || self.is_up(watch.target) {
            return outcome;
        }
        match watch.reason().await {
            Some(reason) => Err(self.unreachable(reason)),
            None => outcome,
        }
    }

    /// Waits until whoever is at `target` is reached.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub(super) async fn found(&self, target: Target) -> Result<(), Error> {
        self.link(target, false, OPEN_WITHIN).await
    }

    /// The same for one of many who may be away: when it is their turn, unless they are there. A patience covers both.
    ///
    /// # Errors
    /// [`Error::Unreachable`].
    pub(super) async fn found_in_turn(&self, target: Target) -> Result<(), Error> {
        if self.is_reached(target) {
            return self.found(target).await;
        }
        let begun = Instant::now();
        // Whoever has no turn in that time has it in the next attempt: this one is not to last as long as those of all others together.
        let turn = self.node.transfers().turns.turn();
        let turn = tokio::time::timeout(self.patient_for(OPEN_WITHIN), turn).await;
        let _turn = turn.map_err(|_| self.unreachable(UnreachableReason::NoAnswer))?;
        let patience = self.patience;
        let left = Self {
            patience: patience.map(|patience| patience.saturating_sub(begun.elapsed())),
            ..self.clone()
        };
        left.found(target).await
    }

    /// Waits for another session with whoever is at `target`: not for long where one `stood` a moment ago.
    async fn find_again(&self, target: Target, stood: bool) -> Result<(), Error> {
        let within = if stood { AGAIN_WITHIN } else { OPEN_WITHIN };
        self.link(target, Self::is_known(target), within).await
    }

    async fn link(&self, target: Target, standing: bool, within: Duration) -> Result<(), Error> {
        let deadline = Instant::now() + self.patient_for(within);
        let found = self.node.link(target, standing, deadline);
        found.await.map(drop).map_err(|error| self.by_name(error))
    }

    /// How long is looked for anybody, where that is so long at most.
    fn patient_for(&self, within: Duration) -> Duration {
        self.patience
            .map_or(within, |patience| patience.min(within))
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
        let within = self.patient_for(OPEN_WITHIN);
        let opening = (self.node).open_on_session(target, &protocols, false, within);
        let opened = tokio::time::timeout(within + ROOM_WITHIN, opening).await;
        let opened = opened.unwrap_or_else(|_| Err(self.unreachable(UnreachableReason::NoAnswer)));
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

/// What becomes of whoever is at a target, while something is done there.
struct Watch {
    target: Target,
    events: broadcast::Receiver<Event>,
    /// Whether a session stood when it began.
    stood: bool,
}

impl Watch {
    /// Whether a session has stood since then.
    fn has_stood(&mut self) -> bool {
        while !self.stood {
            match self.events.try_recv() {
                Ok(Event::Up(session)) => self.stood = is_at(&session, self.target),
                Ok(_) | Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        self.stood
    }

    /// Why a stream was lost, where the introductions that it followed led to nothing.
    async fn reason(&mut self) -> Option<UnreachableReason> {
        let told = async {
            loop {
                match self.events.recv().await {
                    Ok(Event::Unreachable { target, reason }) if target == self.target => {
                        return Some(reason);
                    }
                    Ok(Event::Up(session)) if is_at(&session, self.target) => return None,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        };
        tokio::time::timeout(REASON_WITHIN, told).await.ok()?
    }
}

/// Whether a session is with whoever is at `target`.
fn is_at(session: &Session, target: Target) -> bool {
    match target {
        Target::Peer(peer) => session.peer == Some(peer),
        Target::Device(device) => session.remote == device,
    }
}

/// Whether it may be what is answered to a stranger, or what a stream comes to with somebody else: not what went wrong here, nor with what came.
fn may_be_said_to_strangers<T>(outcome: &Result<T, Error>) -> bool {
    match outcome {
        Ok(_) | Err(Error::UnknownShare(_) | Error::NotAllowed(_) | Error::Refused { .. }) => true,
        Err(Error::Get { error, .. }) => matches!(error, GetError::Stalled),
        Err(error) => matches!(error, Error::Io { .. }),
    }
}

/// Whether work ended because the connection under it did.
fn is_lost<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Io { source, .. }) if is_connection_over(source))
}

/// The protocol's name.
pub(super) fn protocol() -> ProtocolName {
    SHARE.parse().expect("a valid name")
}

#[cfg(test)]
mod tests;
