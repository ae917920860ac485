//! The node as one machine: the rooms, and what passes between them.

use std::collections::VecDeque;

use thiserror::Error;

use super::comparisons::Comparing;
use super::config::Config;
use super::connections::Connections;
use super::devices::{Faces, ROLE};
use super::homes::Homes;
use super::io::{Event, Output};
use super::life::{self, LIFE_KIND};
use super::lines::{LINE_KIND, Lines};
use super::listed::Listed;
use super::mailboxes::Meeting;
use super::places::{Finding, ROUTE_KIND};
use super::regard::Regards;
use super::relays::{RELAY_KIND, Relays};
use super::seen::{LastSeen, SEEN_KIND};
use crate::crypto::{Ed25519, Scheme, SecretKey};
use crate::discovery::{Alternative, Presence, PresenceConfig, Told};
use crate::identity::{self, Book, BookConfig, ContactState, RestoreError};
use crate::ids::{DeviceKey, PeerId};
use crate::introducer::Introducer;
use crate::protocol::ProtocolName;
use crate::random::{Random, Seed};
use crate::routing::{self, Access, CloseCode, Sessions, Target};
use crate::row::Row;
use crate::time::Time;

/// A whole node, without its sockets, disk and clock.
#[derive(Debug)]
pub struct Peer<S: Scheme = Ed25519> {
    pub(super) config: Config,
    pub(super) scheme: S,
    pub(super) identity: SecretKey,
    pub(super) me: PeerId,
    pub(super) random: Random,
    pub(super) now: Time,
    pub(super) book: Book<S>,
    pub(super) sessions: Sessions,
    pub(super) presence: Presence<S>,
    pub(super) faces: Faces,
    /// In use, each with the line that is in force.
    pub(super) introducers: Vec<Introducer>,
    pub(super) lines: Lines,
    pub(super) homes: Homes,
    pub(super) listed: Listed,
    pub(super) connections: Connections,
    pub(super) finding: Finding,
    pub(super) relays: Relays,
    pub(super) meeting: Meeting,
    pub(super) comparing: Comparing,
    pub(super) regards: Regards,
    pub(super) seen: LastSeen,
    pub(super) protocols: Vec<(ProtocolName, Access)>,
    /// What was last announced on the local network: which key, and a hash of whom it is for and by which secrets.
    pub(super) advertised: Option<(DeviceKey, [u8; 32])>,
    pub(super) outputs: VecDeque<Output>,
}

/// Why a node cannot go on from what it kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address book cannot be read.
    #[error(transparent)]
    Book(#[from] RestoreError),
}

impl<S: Scheme> Peer<S> {
    /// The kinds of rows a node keeps, and wants back when it starts.
    pub fn kinds() -> Vec<&'static str> {
        let mut kinds = Book::<S>::KINDS.to_vec();
        kinds.extend([ROUTE_KIND, LIFE_KIND, LINE_KIND, RELAY_KIND, SEEN_KIND]);
        kinds
    }

    /// A node of the owner of `identity`, going on from the rows it kept (none for a new one).
    ///
    /// # Errors
    /// [`StartError`] when a row was not written by this version or an older one.
    pub fn new(
        config: Config,
        scheme: S,
        identity: SecretKey,
        mut rows: Vec<Row>,
        seed: Seed,
        now: Time,
    ) -> Result<Self, StartError> {
        let mut random = Random::new(seed);
        let mut of = |kind| -> Vec<Row> { rows.extract_if(.., |row| row.kind == kind).collect() };
        let (routes, lives, lines) = (of(ROUTE_KIND), of(LIFE_KIND), of(LINE_KIND));
        let (relay, seen) = (of(RELAY_KIND), of(SEEN_KIND));
        let book = Book::restore(
            BookConfig::default(),
            scheme.clone(),
            random.bytes(),
            identity.clone(),
            rows,
        )?;
        let (boot, life) = life::begin(&identity, now, &lives);
        let mut routing = routing::Config::new(boot, config.agent.clone());
        routing.strangers_max = config.strangers_max;
        let presence = PresenceConfig {
            me: identity.peer_id(),
            role: ROLE,
        };
        let mut node = Self {
            sessions: Sessions::new(routing, random.bytes(), now),
            presence: Presence::new(scheme.clone(), presence, random.bytes(), now),
            me: identity.peer_id(),
            finding: Finding::restore(routes),
            relays: Relays::restore(relay),
            faces: Faces::default(),
            introducers: Vec::new(),
            lines: Lines::restore(lines),
            homes: Homes::default(),
            listed: Listed::default(),
            connections: Connections::default(),
            meeting: Meeting::default(),
            comparing: Comparing::default(),
            regards: Regards::default(),
            seen: LastSeen::restore(seen),
            protocols: Vec::new(),
            advertised: None,
            // Durable before anybody hears of it.
            outputs: VecDeque::from([Output::Store(vec![life])]),
            config,
            scheme,
            identity,
            random,
            now,
            book,
        };
        let met: Vec<PeerId> = node
            .reach_secrets()
            .into_iter()
            .map(|(peer, _)| peer)
            .collect();
        for peer in met {
            node.begin_reach(peer);
        }
        node.recall_devices();
        node.resume_meeting(now);
        Ok(node)
    }

    /// Who this node is.
    pub fn me(&self) -> PeerId {
        self.me
    }

    /// The address book, to read.
    pub fn book(&self) -> &Book<S> {
        &self.book
    }

    /// Changes the address book, and does what follows from the change.
    pub fn edit_book<R>(&mut self, now: Time, edit: impl FnOnce(&mut Book<S>) -> R) -> R {
        self.now = now;
        let result = edit(&mut self.book);
        self.drain_book(now);
        self.leave_replies(now);
        self.drain();
        result
    }

    /// What this node speaks from now on, and with whom.
    pub fn handle_protocols(&mut self, now: Time, protocols: Vec<(ProtocolName, Access)>) {
        self.now = now;
        self.protocols = protocols;
        for peer in self.connections.peers() {
            let level = self.level_of(peer);
            let names = self.speaks_with(Some(peer), level);
            self.sessions.handle_speaks(now, Some(peer), names);
        }
        let names = self.speaks_with(None, routing::Level::Stranger);
        self.sessions.handle_speaks(now, None, names);
        self.drain();
    }

    /// Somebody wants to open streams to `target`. Ends in [`Output::Prefer`] and [`Event::Reached`], or in
    /// [`Event::Unreachable`].
    pub fn handle_open(&mut self, now: Time, target: Target) {
        self.now = now;
        if let Target::Peer(peer) = target
            && self.sessions.session(target).is_none()
        {
            self.presence.handle_asked(now, peer);
        }
        self.sessions.handle_open(now, target);
        self.drain();
    }

    /// The node is shutting down: everybody is told.
    pub fn handle_leave(&mut self, now: Time) {
        self.now = now;
        self.write_seen(now);
        self.sessions.handle_leave(now);
        self.drain();
    }

    /// The time that [`Peer::poll_timeout`] gave has come.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        self.book.handle_timeout(now);
        self.drain_book(now);
        self.sessions.handle_timeout(now);
        self.presence.handle_timeout(now);
        self.renew_faces(now);
        self.renew_homes(now);
        self.renew_lines(now);
        self.list_self(now);
        self.poll_mailboxes(now);
        self.comparing.handle_timeout(now);
        self.want_again(now);
        self.write_seen_when_due(now);
        self.leave_replies(now);
        self.drain();
    }

    /// When [`Peer::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Time> {
        let rooms = [
            self.book.poll_timeout(),
            self.sessions.poll_timeout(),
            self.presence.poll_timeout(),
            self.faces.next_due(),
            self.lines.next_due(&self.introducers),
            self.homes.next_due(),
            self.listed.next_due(),
            self.meeting.next_due(),
            self.comparing.next_due(),
            self.regards.next_due(),
            self.seen.next_due(),
        ];
        rooms.into_iter().flatten().min()
    }

    /// What to do next; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    /// Passes on what the rooms ask for, until none asks for more.
    pub(super) fn drain(&mut self) {
        loop {
            self.drain_presence();
            let Some(output) = self.sessions.poll_output() else {
                break;
            };
            self.pass_session(output);
        }
    }

    /// Passes on what the address book asks for: its rows first, then what follows from them.
    pub(super) fn drain_book(&mut self, now: Time) {
        let (mut rows, mut events) = (Vec::new(), Vec::new());
        while let Some(output) = self.book.poll_output() {
            match output {
                identity::Output::Store(row) => rows.push(row),
                identity::Output::Event(event) => events.push(event),
            }
        }
        if !rows.is_empty() {
            self.outputs.push_back(Output::Store(rows));
        }
        for event in events {
            self.follow_book(now, event);
            self.tell(Event::Book(event));
        }
    }

    fn follow_book(&mut self, now: Time, event: identity::Event) {
        if let identity::Event::Removed { peer } = event {
            self.forget_seen(peer);
        }
        let had_place = self.relays.has_place();
        match event {
            identity::Event::ReachBegan { peer } => {
                self.regards.want(peer);
                self.begin_reach(peer);
                self.advertise();
            }
            identity::Event::ReachEnded { peer }
            | identity::Event::Removed { peer }
            | identity::Event::Blocked { peer } => {
                self.presence.handle_contact_removed(now, peer);
                self.forget_routes(peer);
                self.regards.forget(peer);
                self.sessions.handle_want(now, Target::Peer(peer), false);
                self.sessions.handle_close_peer(now, peer, CloseCode::Done);
                self.advertise();
                self.renew_relays();
                self.leave_place(had_place);
            }
            identity::Event::Changed { peer } => {
                self.follow_level(now, peer);
                self.advertise();
            }
            _ => {}
        }
        self.renew_relays();
        self.offer_relay();
    }

    /// From now on this contact is looked for, and finds us.
    pub(super) fn begin_reach(&mut self, peer: PeerId) {
        let Some(contact) = self.book.contact(&peer) else {
            return;
        };
        let Some(reach) = contact.reach.as_ref() else {
            return;
        };
        let secret = *reach.secret.as_bytes();
        let told = self.told(peer);
        self.presence
            .handle_contact_added(self.now, peer, secret, told);
        self.tell_alternatives(peer);
        self.keep_session(peer);
    }

    /// Has a contact looked for under all secrets that it may share with us.
    pub(super) fn tell_alternatives(&mut self, peer: PeerId) {
        let others = self.book.alternatives(&peer).into_iter();
        let others = others.map(|it| Alternative {
            invite: it.invite,
            reach: *it.secret.as_bytes(),
        });
        self.presence.handle_alternatives(peer, others.collect());
    }

    /// What somebody with whom a reach secret is shared is told of where we are. Who waits to be confirmed does not learn the contact face, nor
    /// any IP address, but comes to us by the public one.
    pub(super) fn told(&self, peer: PeerId) -> Told {
        match self.book.contact(&peer).map(|contact| contact.state) {
            Some(ContactState::Confirmed) => Told::Everything,
            _ => Told::PublicFace,
        }
    }

    /// Everybody with whom a reach secret is shared, and the secret.
    pub(super) fn reach_secrets(&self) -> Vec<(PeerId, [u8; 32])> {
        let contacts = self.book.contacts();
        contacts
            .filter_map(|contact| Some((contact.peer, *contact.reach.as_ref()?.secret.as_bytes())))
            .collect()
    }
}
