//! Sessions and the rest: who is let in, what is shown, and what is told once a session stands.

use super::connections::Conn;
use super::io::{Event, Output};
use super::note::{CARD, INVITE_REFUSED, INVITE_SHOWN, INVITE_TAKEN, WORDS};
use super::proof::Proof;
use super::regard::Regard;
use super::state::Peer;
use crate::codec;
use crate::crypto::Scheme;
use crate::identity::{Contact, ContactState, SignedBinding, Standing};
use crate::ids::{DeviceKey, Face, PeerId};
use crate::protocol::ProtocolName;
use crate::routing::{
    self, CloseCode, ConnId, Connected, DialId, DownReason, Introduction, Level, Note, SPEAKS_MAX,
    Session, Target, UnreachableReason, Verdict,
};
use crate::time::Time;

// What the shell tells.
impl<S: Scheme> Peer<S> {
    /// A connection's handshake is complete. `exporter` is what only its two ends know (RFC 5705, label `kith/1`).
    pub fn handle_connected(&mut self, now: Time, connected: Connected, exporter: [u8; 32]) {
        self.now = now;
        let conn = Conn {
            connected,
            exporter,
            remote_face: None,
            target: None,
            session: None,
            shown: None,
            answer: None,
        };
        self.connections.conns.insert(connected.conn, conn);
        self.sessions.handle_connected(now, connected);
        self.drain();
    }

    /// A dial led to nothing.
    pub fn handle_dial_failed(&mut self, now: Time, dial: DialId) {
        self.now = now;
        self.sessions.handle_dial_failed(now, dial);
        self.drain();
    }

    /// Bytes came on a control stream.
    pub fn handle_bytes(&mut self, now: Time, conn: ConnId, bytes: &[u8]) {
        self.now = now;
        self.sessions.handle_bytes(now, conn, bytes);
        self.drain();
    }

    /// This many streams are open on a connection, its control stream not counted.
    pub fn handle_streams(&mut self, now: Time, conn: ConnId, streams: u32) {
        self.now = now;
        self.sessions.handle_streams(now, conn, streams);
        self.drain();
    }

    /// Somebody here waits for an answer on a connection, and nothing at all has come there for
    /// [`SILENT_MAX`](crate::routing::SILENT_MAX); so many of its streams are `in_use` otherwise.
    pub fn handle_silence(&mut self, now: Time, conn: ConnId, in_use: u32) {
        self.now = now;
        self.sessions.handle_silence(now, conn, in_use);
        self.drain();
    }

    /// A connection runs over a direct path from now on, or over a relay. To be told of its first path and of each change.
    pub fn handle_path(&mut self, now: Time, conn: ConnId, is_direct: bool) {
        self.now = now;
        self.sessions.handle_path(now, conn, is_direct);
        self.drain();
    }

    /// A connection is over; with the code the other side gave, if it gave one.
    pub fn handle_closed(&mut self, now: Time, conn: ConnId, code: Option<CloseCode>) {
        self.now = now;
        self.sessions.handle_closed(now, conn, code);
        self.forget_conn(conn);
        self.drain();
    }
}

// What the session machine asks.
impl<S: Scheme> Peer<S> {
    pub(super) fn pass_session(&mut self, output: routing::Output) {
        let now = self.now;
        match output {
            routing::Output::Resolve { target } => self.resolve(now, target),
            routing::Output::Dial { dial, face, route } => {
                self.outputs.push_back(Output::Dial { dial, face, route });
            }
            routing::Output::Refine { dial, route } => {
                self.outputs.push_back(Output::Refine { dial, route });
            }
            routing::Output::CancelDial { dial } => {
                self.outputs.push_back(Output::CancelDial { dial })
            }
            routing::Output::AskIntroduction { conn, target, .. } => {
                let introduction = self.introduce(conn, target);
                self.sessions.handle_introduction(now, conn, introduction);
            }
            routing::Output::Authenticate {
                conn,
                introduction,
                dialled,
                ..
            } => {
                let verdict = self.judge(now, conn, &introduction, dialled);
                self.sessions.handle_verdict(now, conn, verdict);
            }
            routing::Output::Send { conn, bytes } => {
                self.outputs.push_back(Output::Send { conn, bytes })
            }
            routing::Output::Close {
                conn,
                code,
                at_once,
            } => {
                self.forget_conn(conn);
                self.outputs.push_back(Output::Close {
                    conn,
                    code,
                    at_once,
                });
            }
            routing::Output::StreamLimit { conn, streams_max } => {
                self.outputs
                    .push_back(Output::StreamLimit { conn, streams_max });
            }
            routing::Output::SeekPaths { face } => {
                self.outputs.push_back(Output::SeekPaths { face });
            }
            routing::Output::KeepAlive { conns } => {
                self.outputs.push_back(Output::KeepAlive { conns });
            }
            routing::Output::Event(event) => self.follow_session(now, event),
        }
    }

    fn follow_session(&mut self, now: Time, event: routing::Event) {
        match event {
            routing::Event::Reached { conn, target } => {
                if !self.is_vouched_for(target, conn) {
                    return;
                }
                if let Some(known) = self.connections.conns.get_mut(&conn) {
                    known.target = Some(target);
                }
                self.prefer(target);
                self.tell(Event::Reached { target });
            }
            routing::Event::Up(session) => self.stand(now, session),
            routing::Event::Trusted(session) => self.trust(session),
            routing::Event::Ending { conn } => {
                let target = self
                    .connections
                    .conns
                    .get_mut(&conn)
                    .and_then(|known| known.target.take());
                if let Some(target) = target {
                    self.prefer(target);
                }
            }
            routing::Event::Down { conn, peer, reason } => {
                self.forget_conn(conn);
                if let Some(peer) = peer {
                    self.see(now, peer);
                    self.move_comparison(now, peer);
                }
                if let (Some(peer), DownReason::ClosedByPeer(CloseCode::Idle)) = (peer, reason) {
                    self.let_go(now, peer);
                }
                self.tell(Event::Down { conn, peer, reason });
            }
            routing::Event::Speaks {
                peer: Some(peer),
                names,
                ..
            } => {
                self.book.observe_speaks(&peer, names.clone());
                self.drain_book(now);
                self.tell(Event::Speaks { peer, names });
            }
            routing::Event::Noted { conn, peer, note } => self.take_note(now, conn, peer, &note),
            routing::Event::Unreachable {
                target,
                mut reason,
                refused_by,
            } => {
                if let Target::Peer(peer) = target {
                    if reason == UnreachableReason::NotAContact {
                        if self.show_next_invite(now, peer) {
                            return;
                        }
                        match self.is_word_of(peer, &refused_by) {
                            true => self.regarded(now, peer, Regard::Stranger),
                            false => reason = UnreachableReason::NotThem,
                        }
                    }
                    reason = self.why_unreachable(peer, reason);
                    // Whoever is wanted goes on being looked up, ever more rarely.
                    if !self.sessions.wants(target) {
                        self.presence.handle_wanted(now, peer, false);
                    }
                }
                self.tell(Event::Unreachable { target, reason });
            }
            // What a stranger speaks concerns nobody, and an address claimed by one peer is not taken for ours: the
            // engine finds its own by asking introducers.
            routing::Event::Speaks { peer: None, .. } | routing::Event::Observed { .. } => {}
        }
    }

    /// Whether whoever has proven a device that leads to `target` is theirs. An invite is vouched for by nobody: with a PeerId that is another's it leads to
    /// whatever device its writer likes, and what it says of where somebody is outlives it. So nothing is said to a device, and nothing heard of it, of which no
    /// binding was seen, before it has proven whose it is.
    fn is_vouched_for(&self, target: Target, conn: ConnId) -> bool {
        let device = self.connections.conns.get(&conn);
        match (target, device.map(|known| known.connected.remote)) {
            (Target::Peer(peer), Some(device)) => {
                (self.book.contact(&peer)).is_some_and(|contact| contact.has_bound(&device))
            }
            (Target::Peer(_), None) => false,
            (Target::Device(_), _) => true,
        }
    }

    /// Whether `peer` may have said what these devices say without proof: one that they have bound, or told us of. Of whom no device is known, all there is may
    /// be theirs.
    fn is_word_of(&self, peer: PeerId, devices: &[DeviceKey]) -> bool {
        let Some(contact) = self.book.contact(&peer) else {
            return true;
        };
        let card = self.finding.cards.get(&peer);
        let card = card.filter(|card| !card.binding.is_empty());
        let told = |device: &DeviceKey| {
            card.is_some_and(|card| {
                let public = card.public.as_ref();
                card.contact.device == *device || public.is_some_and(|it| it.device == *device)
            })
        };
        let is_theirs = |device: &DeviceKey| contact.has_bound(device) || told(device);
        contact.epochs.is_empty() || devices.iter().any(is_theirs)
    }

    /// Why `peer` is not reached: whatever was tried, nobody of whom the book has only the name can be.
    fn why_unreachable(&self, peer: PeerId, reason: UnreachableReason) -> UnreachableReason {
        let known = self.book.contact(&peer);
        let is_name_only = |it: &Contact| it.state != ContactState::Blocked && it.reach.is_none();
        match known.is_some_and(is_name_only) {
            true => UnreachableReason::NothingShared,
            false => reason,
        }
    }

    /// A message came for another part of the node.
    fn take_note(&mut self, now: Time, conn: ConnId, peer: PeerId, note: &Note) {
        match note.kind {
            CARD if self.level_of(peer) >= Level::Guest => self.take_card(now, peer, note),
            WORDS if self.level_of(peer) == Level::Contact => {
                self.take_words(now, conn, peer, note)
            }
            INVITE_SHOWN => self.take_shown(now, conn, peer, note),
            INVITE_TAKEN => self.take_taken(now, conn, peer, note),
            INVITE_REFUSED => self.take_refused(now, conn, peer, note),
            _ => {}
        }
    }

    /// What we show on a connection we dialled.
    fn introduce(&mut self, conn: ConnId, target: Target) -> Introduction {
        let Some(known) = self.connections.conns.get_mut(&conn) else {
            return Introduction::default();
        };
        let peer = match target {
            Target::Peer(peer) => peer,
            Target::Device(device) => match self.finding.contact_device(device) {
                Some(peer) => peer,
                None => return Introduction::default(),
            },
        };
        let accepted = self.book.accepted(&peer);
        known.shown = accepted.map(|accepted| accepted.invite.id());
        let proof = accepted
            .map(|accepted| Proof::of_accepted(accepted, &known.exporter, &self.me))
            .map(|proof| codec::encode(&proof));
        Introduction {
            binding: self
                .faces
                .binding(known.connected.local)
                .map(<[u8]>::to_vec),
            proof,
            name: accepted
                .map(|_| self.config.name.clone())
                .filter(|name| !name.is_empty()),
        }
    }

    /// What to make of an introduction.
    fn judge(&mut self, now: Time, conn: ConnId, shown: &Introduction, dialled: bool) -> Verdict {
        let Some((peer, level)) = self.identify(now, conn, shown, dialled) else {
            return Verdict::Stranger;
        };
        let local = self
            .connections
            .conns
            .get(&conn)
            .map(|known| known.connected.local);
        let binding = local
            .and_then(|local| self.faces.binding(local))
            .map(<[u8]>::to_vec);
        let answer = (!dialled).then_some(Introduction {
            binding,
            proof: None,
            name: None,
        });
        Verdict::Known {
            peer,
            level,
            answer,
            speaks: self.speaks_with(Some(peer), level),
        }
    }

    /// Who showed this, and how far they are trusted; `None` for whoever is to be answered as a stranger.
    fn identify(
        &mut self,
        now: Time,
        conn: ConnId,
        shown: &Introduction,
        dialled: bool,
    ) -> Option<(PeerId, Level)> {
        let known = self.connections.conns.get(&conn)?;
        let (remote, exporter) = (known.connected.remote, known.exporter);
        let shown_binding = shown.binding.as_deref()?;
        let verify = SignedBinding::verify_presented;
        let binding = self.believe(now, shown_binding, remote, verify)?;
        if binding.peer == self.me || self.book.standing(&binding.peer) == Standing::Blocked {
            return None;
        }
        if let Some(known) = self.connections.conns.get_mut(&conn) {
            known.remote_face = Some(binding.face);
        }
        if let Some(proof) = shown.proof.as_deref().filter(|_| !dialled) {
            // A proof that does not hold leaves them what they were.
            let name = shown.name.as_deref().unwrap_or_default();
            let answer = self.redeem(now, proof, &exporter, binding.peer, name);
            if let Some(known) = self.connections.conns.get_mut(&conn) {
                known.answer = answer;
            }
        }
        let observed = self.book.observe_binding(&binding);
        self.drain_book(now);
        observed.ok()?;
        match self.book.standing(&binding.peer) {
            Standing::Confirmed => Some((binding.peer, Level::Contact)),
            Standing::Pending => Some((binding.peer, Level::Guest)),
            Standing::Stranger | Standing::Blocked => None,
        }
    }

    /// A session stands.
    fn stand(&mut self, now: Time, session: Session) {
        let target = match session.peer {
            Some(peer) => Target::Peer(peer),
            None => Target::Device(session.remote),
        };
        if let Some(known) = self.connections.conns.get_mut(&session.conn) {
            known.session = Some(session);
            known.target = Some(target);
        }
        if let Some(peer) = session.peer {
            self.see(now, peer);
            self.presence.handle_wanted(now, peer, false);
            self.presence.handle_present(now, peer);
            self.is_let_in(peer);
            self.answer_proof(session.conn);
            self.show_invite(session.conn, peer);
            if session.level == Level::Contact {
                self.send_card(session.conn);
                self.renew_relays();
                let remote_face = self.connections.conns.get(&session.conn);
                if remote_face.and_then(|known| known.remote_face) == Some(Face::Contact) {
                    self.observe_device(peer, session.remote);
                }
            }
        }
        self.prefer(target);
        self.tell(Event::Up(session));
        self.tell(Event::Reached { target });
    }

    /// Tells the shell where to open streams to `target` from now on.
    fn prefer(&mut self, target: Target) {
        let reached = || {
            let on_the_way =
                |(conn, known): (&ConnId, &Conn)| (known.target == Some(target)).then_some(*conn);
            self.connections.conns.iter().rev().find_map(on_the_way)
        };
        let best = self.best_session(target).or_else(reached);
        let before = match best {
            Some(conn) => self.connections.preferred.insert(target, conn),
            None => self.connections.preferred.remove(&target),
        };
        if before != best {
            self.outputs
                .push_back(Output::Prefer { target, conn: best });
        }
    }

    /// The session between both contact faces, where there is one; else the one the session machine prefers.
    fn best_session(&self, target: Target) -> Option<ConnId> {
        let between_contact_faces = |known: &&Conn| {
            known.target == Some(target)
                && known.session.is_some()
                && known.connected.face == Face::Contact
                && known.remote_face == Some(Face::Contact)
        };
        let direct = self
            .connections
            .conns
            .values()
            .rev()
            .find(between_contact_faces);
        let chosen = direct.map(|known| known.connected.conn);
        chosen.or_else(|| self.sessions.session(target).map(|session| session.conn))
    }

    fn forget_conn(&mut self, conn: ConnId) {
        let Some(known) = self.connections.conns.remove(&conn) else {
            return;
        };
        if let Some(target) = known.target {
            self.prefer(target);
        }
    }

    /// How far `peer` is trusted now.
    pub(super) fn level_of(&self, peer: PeerId) -> Level {
        match self.book.standing(&peer) {
            Standing::Confirmed => Level::Contact,
            Standing::Pending => Level::Guest,
            Standing::Stranger | Standing::Blocked => Level::Stranger,
        }
    }

    /// What is spoken with somebody.
    pub(super) fn speaks_with(&self, peer: Option<PeerId>, level: Level) -> Vec<ProtocolName> {
        let spoken = self
            .protocols
            .iter()
            .filter(|(_, access)| access.allows(peer, level));
        spoken
            .take(SPEAKS_MAX)
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// A contact changed, and may have been confirmed: its sessions go on at the level it has now.
    pub(super) fn follow_level(&mut self, now: Time, peer: PeerId) {
        let level = self.level_of(peer);
        let names = self.speaks_with(Some(peer), level);
        self.sessions.handle_level(now, peer, level, names);
        self.begin_reach(peer);
    }

    /// A session goes on at another level. Who is a contact from now on is told where we are, as with a new session.
    fn trust(&mut self, session: Session) {
        if let Some(known) = self.connections.conns.get_mut(&session.conn) {
            known.session = Some(session);
        }
        if session.level == Level::Contact {
            self.send_card(session.conn);
        }
        self.tell(Event::Trusted(session));
    }
}
