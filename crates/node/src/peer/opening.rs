//! Opening streams: on the session that stands, or on one that is made for it.
//!
//! A stream may follow an introduction at once, before it is known whether the other side is whom we meant. Where it is not,
//! the stream breaks as any other may, so whoever tries again waits until a session stands: then the failure to have one tells
//! why.

use std::io;
use std::time::{Duration, Instant};

use kith_core::identity::{ContactState, Petname};
use kith_core::ids::PeerId;
use kith_core::protocol::ProtocolName;
use kith_core::routing::{Level, Offer, Target, UnreachableReason};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::oneshot;
use tracing::debug;

use super::event::Event;
use super::input::Input;
use super::live::{Link, Stood};
use super::node::Node;
use super::stream::{About, Stream};
use crate::error::Error;
use crate::routing::Connection;

/// How long opening a stream waits for a session: the machine's own bounds for looking up and dialling, and a second try.
pub(super) const OPEN_WITHIN: Duration = Duration::from_secs(30);

/// How long another session is waited for where one was lost under a question: whoever is there is found again by then, over a relay too, and whoever
/// asks has waited before ([`SILENT_MAX`](kith_core::routing::SILENT_MAX)).
pub(super) const AGAIN_WITHIN: Duration = Duration::from_secs(4);

/// How often a stream is opened anew because its session ended before the answer: once for a session that both sides know
/// to be over, once for one of two that crossed, and once more.
pub(super) const OPEN_ATTEMPTS_MAX: u32 = 3;

impl Node {
    /// Opens a stream to a contact, in the first of these protocols that both speak; or to a peer that is none but wants to
    /// be found ([`NodeBuilder::findable`](crate::NodeBuilder::findable)), as a stranger.
    ///
    /// With one protocol nothing is waited for on a standing session: write at once; a refusal shows when reading or writing (or in
    /// [`Stream::agreed`]). With several the other side's choice is waited for.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when there is no way to them, [`Error::Refused`] when they speak none of several, [`Error::NotAllowed`] for a contact who
    /// is blocked here.
    pub async fn open(&self, peer: PeerId, protocols: &[ProtocolName]) -> Result<Stream, Error> {
        let target = self.target_of(peer).await?;
        self.open_to(target, protocols).await
    }

    /// As whom to reach a peer: a contact as such, anybody else by the device that they are listed with.
    ///
    /// # Errors
    /// [`Error::Unreachable`] when no introducer in use lists them; [`Error::NotAllowed`] for one whom we blocked.
    async fn target_of(&self, peer: PeerId) -> Result<Target, Error> {
        let contact = Target::Peer(peer);
        if self.0.live.preferred(contact).is_some() {
            return Ok(contact);
        }
        if self.unblocked(peer).await?.is_some() {
            return Ok(contact);
        }
        let mut events = self.events();
        self.ask(move |machine, now| machine.handle_locate(now, peer))
            .await?;
        let located = async {
            loop {
                match events.recv().await {
                    Ok(Event::Located { peer: of, device }) if of == peer => return device,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return None,
                }
            }
        };
        let located = tokio::time::timeout(OPEN_WITHIN, located).await;
        let device = located.ok().flatten();
        device
            .map(Target::Device)
            .ok_or_else(|| Error::unreachable(peer, None, UnreachableReason::NoRoute))
    }

    /// What a contact is called with whom something is to be done; `None` for somebody who is none.
    ///
    /// # Errors
    /// [`Error::NotAllowed`] for one whom we blocked.
    pub(crate) async fn unblocked(&self, peer: PeerId) -> Result<Option<Petname>, Error> {
        let contact = self
            .look(move |machine, _| machine.book().contact(&peer).cloned())
            .await?;
        match contact {
            Some(contact) if contact.state == ContactState::Blocked => {
                Err(Error::NotAllowed(format!(
                    "you have blocked {}; unblock them first",
                    contact.petname.as_str()
                )))
            }
            contact => Ok(contact.map(|contact| contact.petname)),
        }
    }

    /// Opens a stream to a contact and waits until they agree to speak one of these protocols. Where the session ends
    /// before they answer, it is tried again on another.
    ///
    /// # Errors
    /// As [`Node::open`], and [`Error::Refused`] with a single protocol too.
    pub async fn open_agreed(
        &self,
        peer: PeerId,
        protocols: &[ProtocolName],
    ) -> Result<Stream, Error> {
        let mut opening = Opening::new(self, peer, protocols);
        loop {
            let mut stream = opening.attempt().await?;
            let agreed = stream.agreed().await.map(drop);
            match agreed {
                Ok(()) => return Ok(stream),
                Err(error) => opening.broke(&stream, error)?,
            }
        }
    }

    /// What the failure of a stream to `peer` means: that they cannot be reached, where no session ever `stood` under it and
    /// none can be had.
    pub(crate) async fn stream_error(
        &self,
        peer: PeerId,
        protocol: &ProtocolName,
        stood: &Stood,
        error: io::Error,
    ) -> Error {
        if !stood.get() {
            let deadline = Instant::now() + OPEN_WITHIN;
            // A device is whoever it is.
            let reached = match self.target_of(peer).await {
                Ok(Target::Device(_)) => Ok(()),
                Ok(target) => self.link(target, true, deadline).await.map(drop),
                Err(error) => Err(error),
            };
            if let Err(unreachable) = reached {
                return unreachable;
            }
        }
        Error::stream(&peer.to_string(), protocol, error)
    }

    /// Opens a stream to a device, whoever it is: an introducer.
    pub(crate) async fn open_to(
        &self,
        target: Target,
        protocols: &[ProtocolName],
    ) -> Result<Stream, Error> {
        self.open_on_session(target, protocols, false, OPEN_WITHIN)
            .await
    }

    /// Opens a stream; with `standing`, not before it is known who is there. A session is waited for `within` this time.
    pub(super) async fn open_on_session(
        &self,
        target: Target,
        protocols: &[ProtocolName],
        mut standing: bool,
        within: Duration,
    ) -> Result<Stream, Error> {
        let offer = Offer::new(protocols.to_vec()).ok_or(Error::Offers)?;
        let mut deadline = Instant::now() + within;
        // A device is whoever it is.
        let is_peer = matches!(target, Target::Peer(_));
        loop {
            let link = self.link(target, standing, deadline).await?;
            let error = match open_on(&link, target, &offer).await {
                Ok(stream) if offer.is_certain() => return Ok(stream),
                Ok(mut stream) => match stream.agreed().await.map(drop) {
                    Ok(()) => return Ok(stream),
                    Err(error) if is_peer && !link.stood.get() => error,
                    Err(error) if is_over(&link.connection) => error,
                    Err(error) => {
                        let name = target_name(target);
                        return Err(Error::stream(&name, &protocols[0], error));
                    }
                },
                Err(error) => error,
            };
            debug!(%error, "a session ended under a stream");
            // The machine has been told and finds another.
            if Instant::now() >= deadline {
                return Err(lost(target_name(target)));
            }
            if link.stood.get() {
                deadline = deadline.min(Instant::now() + AGAIN_WITHIN);
            }
            standing |= is_peer && !link.stood.get();
            tokio::task::yield_now().await;
        }
    }

    /// The connection to open streams on, once there is one; with `standing`, once it is known who is there.
    pub(super) async fn link(
        &self,
        target: Target,
        standing: bool,
        deadline: Instant,
    ) -> Result<Link, Error> {
        let unreachable = |reason| Error::Unreachable {
            name: target_name(target),
            reason,
        };
        loop {
            let preferred = self.0.live.preferred(target);
            if let Some(link) = preferred.filter(|link| link.is_usable(standing)) {
                return Ok(link);
            }
            let (reached, answer) = oneshot::channel();
            self.send(Input::Open {
                target,
                standing,
                reached,
            })?;
            match tokio::time::timeout_at(deadline.into(), answer).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(reason))) => return Err(unreachable(reason)),
                Ok(Err(_)) => return Err(Error::Closed),
                Err(_) => return Err(unreachable(UnreachableReason::NoAnswer)),
            }
        }
    }
}

/// A stream to be opened and used for something, on another session where one ends under it.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    node: &'a Node,
    peer: PeerId,
    protocols: &'a [ProtocolName],
    attempts: u32,
    /// Whether to wait until it is known who is there.
    standing: bool,
    /// How long to wait for a session.
    within: Duration,
}

impl<'a> Opening<'a> {
    /// Will open a stream in one of `protocols`.
    pub(crate) fn new(node: &'a Node, peer: PeerId, protocols: &'a [ProtocolName]) -> Self {
        Self {
            node,
            peer,
            protocols,
            attempts: 0,
            standing: false,
            within: OPEN_WITHIN,
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// As [`Node::open`].
    pub(crate) async fn attempt(&mut self) -> Result<Stream, Error> {
        self.attempts += 1;
        let target = self.node.target_of(self.peer).await?;
        self.node
            .open_on_session(target, self.protocols, self.standing, self.within)
            .await
    }

    /// The stream of the last attempt broke, and is to be opened again.
    ///
    /// # Errors
    /// What that means, where another attempt would not help.
    pub(crate) fn broke(&mut self, stream: &Stream, error: io::Error) -> Result<(), Error> {
        let stood = stream.stood().get();
        let name = self.peer.to_string();
        // What somebody refuses whom we take for another is no answer either.
        if stood && !is_over(stream.connection()) {
            return Err(match error.kind() {
                io::ErrorKind::TimedOut => lost(name),
                _ => Error::stream(&name, &self.protocols[0], error),
            });
        }
        if self.attempts >= OPEN_ATTEMPTS_MAX {
            return Err(lost(name));
        }
        self.standing = !stood;
        if stood {
            self.within = AGAIN_WITHIN;
        }
        Ok(())
    }
}

/// Opens a stream and sends the offer; nothing is waited for but room for one more stream.
pub(super) async fn open_on(link: &Link, target: Target, offer: &Offer) -> std::io::Result<Stream> {
    let open = link.streams.count();
    let (mut send, receive) = link
        .connection
        .open_stream()
        .await
        .map_err(std::io::Error::other)?;
    send.write_chunk(offer.framed().into())
        .await
        .map_err(std::io::Error::other)?;
    // A stream may be opened before they have answered who they are; it ends if they turn out to be another.
    let (peer, level) = match (link.session, target) {
        (Some(standing), _) => (standing.peer, standing.level),
        (None, Target::Peer(peer)) => (Some(peer), Level::Guest),
        (None, Target::Device(_)) => (None, Level::Stranger),
    };
    let about = About {
        peer,
        level,
        protocol: offer.names()[0].clone(),
        connection: link.connection.clone(),
        stood: link.stood.clone(),
        open,
        seat: None,
    };
    Ok(Stream::opened((send, receive), offer.clone(), about))
}

/// Nobody is reached any more who was there.
fn lost(name: String) -> Error {
    let reason = UnreachableReason::Dropped;
    Error::Unreachable { name, reason }
}

fn is_over(connection: &Connection) -> bool {
    connection.end().is_some()
}

fn target_name(target: Target) -> String {
    match target {
        Target::Peer(peer) => peer.to_string(),
        Target::Device(device) => device.to_string(),
    }
}
