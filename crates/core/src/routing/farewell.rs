//! How connections end: when they are duplicates, idle, too many, or done.
//!
//! A session ends in two steps. Who wants to end it opens no more streams there and says [`Frame::Bye`] once it has none
//! left; when both have said so, it is closed. An idle session's farewell is only a proposal: the other side closes it, or
//! keeps it by saying nothing.

use std::time::Duration;

use super::close::CloseCode;
use super::config::{FAREWELL_WITHIN, SESSIONS_PER_PEER_MAX};
use super::connection::{Connection, Phase};
use super::input::{ConnId, Connected, Target};
use super::level::Level;
use super::output::{DownReason, Event, Output, Session, UnreachableReason};
use super::state::Sessions;
use super::wire::{Farewell, Frame, SPEAKS_MAX};
use crate::ids::PeerId;
use crate::protocol::ProtocolName;
use crate::time::Time;

impl Sessions {
    /// Closes what a new session pushes over a bound.
    pub(super) fn make_room(&mut self, now: Time, newest: Session) {
        let strangers_max = self.config.strangers_max.max(1);
        let stranger = self.table.stranger_surplus(strangers_max, newest.conn);
        let limit = SESSIONS_PER_PEER_MAX;
        let same_peer = newest
            .peer
            .and_then(|peer| self.table.peer_surplus(limit, peer));
        for surplus in [stranger, same_peer].into_iter().flatten() {
            self.close(now, surplus, CloseCode::Busy);
        }
    }

    /// `peer` is trusted otherwise from now on, and `speaks` is spoken with them. Their sessions stay where they are and get
    /// the stream limit of the new level, and the other side hears what it may use now. Only who is no more than a stranger
    /// loses them: a stranger's session has nobody's name.
    pub fn handle_level(
        &mut self,
        now: Time,
        peer: PeerId,
        level: Level,
        mut speaks: Vec<ProtocolName>,
    ) {
        if level == Level::Stranger {
            return self.handle_close_peer(now, peer, CloseCode::Done);
        }
        speaks.truncate(SPEAKS_MAX);
        for conn in self.conns_where(Target::Peer(peer), |it| it.level != level) {
            let Some(connection) = self.table.get_mut(conn) else {
                continue;
            };
            connection.level = level;
            let session = connection.session();
            self.out.push_back(Output::StreamLimit {
                conn,
                streams_max: level.streams_max(),
            });
            self.send(conn, &[Frame::Speaks(speaks.clone())]);
            self.tell(Event::Trusted(session));
        }
    }

    /// Lets the best connection between the two devices of `newest` stay, and ends the others. One without a name is
    /// left alone by one with a name: each is of use to somebody whom the other does not serve.
    pub(super) fn settle_duplicates(&mut self, now: Time, newest: ConnId) {
        let Some((connected, peer)) = self.table.get(newest).map(|it| (it.connected, it.peer))
        else {
            return;
        };
        let Connected { local, remote, .. } = connected;
        let mut rivals: Vec<_> = self
            .table
            .of(Target::Device(remote))
            .filter(|it| it.is_open() && it.connected.local == local && it.peer == peer)
            .map(|it| (it.rank(), it.connected.conn))
            .collect();
        rivals.sort();
        let Some((best, _)) = rivals.pop() else {
            return;
        };
        for (rank, conn) in rivals {
            if rank.boot < best.boot {
                // That node is dead: nobody is there to say farewell to.
                self.drop_at_once(now, conn, CloseCode::Duplicate);
            } else {
                self.begin_farewell(now, conn, Farewell::Duplicate);
            }
        }
    }

    /// Whether `conn` is the session that somebody here wants to keep.
    pub(super) fn needs(&self, conn: ConnId) -> bool {
        let Some(session) = self.table.get(conn).map(Connection::session) else {
            return false;
        };
        targets(session).any(|target| {
            let best = self.table.best(target).map(|it| it.connected.conn);
            self.dialling.wants(target) && best.is_none_or(|best| best == conn)
        })
    }

    /// Opens no more streams on `conn` and closes it when both sides' streams have ended.
    pub(super) fn begin_farewell(&mut self, now: Time, conn: ConnId, farewell: Farewell) {
        let Some(connection) = self.table.get_mut(conn) else {
            return;
        };
        if !connection.is_open() && !connection.is_idling() {
            return;
        }
        // A mere proposal to part becomes a decision, which has to be said.
        connection.bye_sent = false;
        let until = now + FAREWELL_WITHIN;
        connection.phase = Phase::WaitFarewell { farewell, until };
        let session = connection.session();
        let stood = connection.stood(now);
        let goodbye = farewell == Farewell::Leaving && connection.bye_received;
        if farewell != Farewell::Idle {
            self.tell(Event::Ending { conn });
        }
        self.part(now, conn);
        self.lost_if_last(now, session, stood, goodbye);
        self.schedule(conn);
    }

    /// Takes the next step of a farewell that our streams allow. Who says bye has no streams, so when both have said
    /// it there are none, not even on their way.
    pub(super) fn part(&mut self, now: Time, conn: ConnId) {
        let Some(connection) = self.table.get_mut(conn) else {
            return;
        };
        let Phase::WaitFarewell { farewell, .. } = connection.phase else {
            return;
        };
        if connection.streams > 0 {
            return;
        }
        if connection.bye_received {
            self.close(now, conn, farewell.into());
        } else if !connection.bye_sent {
            connection.bye_sent = true;
            self.send(conn, &[Frame::Bye(farewell)]);
        }
    }

    /// Does what is due on a connection.
    pub(super) fn expire(&mut self, now: Time, conn: ConnId) {
        let Some(connection) = self.table.get(conn) else {
            return;
        };
        if connection.is_half_open() {
            return self.close(now, conn, CloseCode::Late);
        }
        if connection
            .frame_deadline()
            .is_some_and(|until| until <= now)
        {
            return self.close(now, conn, CloseCode::Misbehaved);
        }
        match connection.phase {
            // Only a contact may keep a session that we do not need.
            Phase::WaitFarewell {
                farewell: Farewell::Idle,
                ..
            } if connection.level == Level::Contact => self.resume(now, conn),
            Phase::WaitFarewell { farewell, .. } => self.close(now, conn, farewell.into()),
            _ if self.needs(conn) => self.resume(now, conn),
            _ => self.begin_farewell(now, conn, Farewell::Idle),
        }
    }

    /// An idle session is to stay after all.
    pub(super) fn resume(&mut self, now: Time, conn: ConnId) {
        let Some(connection) = self.table.get_mut(conn) else {
            return;
        };
        connection.stay(now);
        let session = connection.session();
        for target in targets(session) {
            self.dialling.up(now, target, &mut self.out);
        }
        // Another may have come up while this one was about to go.
        self.settle_duplicates(now, conn);
    }

    /// Closes what lingers of a session with `target` before it is dialled again: the engine would send the new dial's
    /// first packets on the old connection's path.
    pub(super) fn end_lingering(&mut self, now: Time, target: Target) {
        for conn in self.conns_where(target, Connection::is_idling) {
            self.drop_at_once(now, conn, CloseCode::Idle);
        }
    }

    /// Somebody here waits for the answer to a question on `conn`, and nothing at all has come there for
    /// [`SILENT_MAX`](super::config::SILENT_MAX). Where nothing but such questions would be lost with it (`in_use`: how many of its streams are more
    /// than that), it counts as lost, and whoever asks finds out sooner whether the other side can be reached. A stream in use outlives a longer
    /// silence: that of somebody who carries a laptop to another room.
    pub fn handle_silence(&mut self, now: Time, conn: ConnId, in_use: u32) {
        if in_use > 0 || !self.table.contains(conn) {
            return;
        }
        self.out.push_back(Output::Close {
            conn,
            code: CloseCode::Done,
            at_once: true,
        });
        self.end(now, conn, DownReason::Lost, UnreachableReason::Dropped);
    }

    /// Closes a connection we dialled that is not to whom we meant.
    pub(super) fn fail(&mut self, now: Time, conn: ConnId, reason: UnreachableReason) {
        self.out.push_back(Output::Close {
            conn,
            code: CloseCode::Done,
            at_once: false,
        });
        self.end(now, conn, DownReason::NotThem, reason);
    }

    /// Closes a connection, if it is still there.
    pub(super) fn close(&mut self, now: Time, conn: ConnId, code: CloseCode) {
        self.close_how(now, conn, code, false);
    }

    /// The same where the other side need not hear of it, or nobody is there to.
    fn drop_at_once(&mut self, now: Time, conn: ConnId, code: CloseCode) {
        self.close_how(now, conn, code, true);
    }

    fn close_how(&mut self, now: Time, conn: ConnId, code: CloseCode, at_once: bool) {
        if self.table.contains(conn) {
            self.out.push_back(Output::Close {
                conn,
                code,
                at_once,
            });
            let reason = DownReason::Closed(code);
            self.end(now, conn, reason, UnreachableReason::Dropped);
        }
    }

    /// Forgets a connection and draws the consequences; `failure` is what it means for the attempt that led to it.
    pub(super) fn end(
        &mut self,
        now: Time,
        conn: ConnId,
        reason: DownReason,
        failure: UnreachableReason,
    ) {
        let Some(connection) = self.table.remove(conn) else {
            return;
        };
        self.agenda.set(conn, None);
        self.seeking.handle_closed(conn);
        self.keeping.handle_closed(conn);
        let session = connection.session();
        let peer = session.peer;
        if !connection.is_half_open() {
            self.tell(Event::Down { conn, peer, reason });
            // Whoever leaves wants nobody any more: where somebody is wanted, it is the other side that leaves.
            let goodbye = matches!(
                reason,
                DownReason::Closed(CloseCode::Leaving)
                    | DownReason::ClosedByPeer(CloseCode::Leaving)
            );
            return self.lost_if_last(now, session, connection.stood(now), goodbye);
        }
        if let Some((_, target)) = connection.dialled {
            if connection.phase != Phase::WaitIntroduction {
                self.tell(Event::Down { conn, peer, reason });
            }
            self.dialling
                .hello_failed(now, target, conn, failure, &mut self.out);
        }
    }

    /// Has whom `session` was with dialled again, when wanted and there is no other session with them. `goodbye`: they
    /// said that their node shuts down.
    fn lost_if_last(&mut self, now: Time, session: Session, stood: Duration, goodbye: bool) {
        for target in targets(session) {
            if self.table.best(target).is_none() {
                self.dialling.lost(now, target, stood, goodbye);
            }
        }
    }
}

/// What `session` may be wanted as.
fn targets(session: Session) -> impl Iterator<Item = Target> {
    let device = Some(Target::Device(session.remote));
    [device, session.peer.map(Target::Peer)]
        .into_iter()
        .flatten()
}
