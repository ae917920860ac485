//! What is said before a session stands: hellos, what each side shows, and how that is judged. Who may see what is the composer's.

use super::connection::Phase;
use super::input::{ConnId, Connected, DialId, Target, Verdict};
use super::level::Level;
use super::output::{Event, Output, UnreachableReason};
use super::state::Sessions;
use super::wire::{Frame, HELLO_VERSION, Hello, Introduction, SPEAKS_MAX};
use crate::ids::PeerId;
use crate::time::Time;

// What the composer answers.
impl Sessions {
    /// Answers [`Output::AskIntroduction`]: what we show.
    pub fn handle_introduction(&mut self, _now: Time, conn: ConnId, introduction: Introduction) {
        let Some(connection) = self.table.get_mut(conn) else {
            return;
        };
        let (Phase::WaitIntroduction, Some((dial, target))) =
            (connection.phase, connection.dialled)
        else {
            return;
        };
        connection.phase = Phase::WaitHello;
        let hello = self.hello(conn, Some(dial));
        self.send(conn, &[hello, Frame::Introduce(introduction)]);
        self.tell(Event::Reached { conn, target });
        self.schedule(conn);
    }

    /// Answers [`Output::Authenticate`].
    pub fn handle_verdict(&mut self, now: Time, conn: ConnId, verdict: Verdict) {
        let Some(connection) = self.table.get(conn) else {
            return;
        };
        if connection.phase != Phase::WaitVerdict {
            return;
        }
        let meant = connection.dialled.map(|(_, target)| target);
        match (verdict, meant) {
            (Verdict::Refuse(code), _) => self.close(now, conn, code),
            (Verdict::Known { peer, .. }, Some(Target::Peer(meant))) if peer != meant => {
                self.fail(now, conn, UnreachableReason::NotThem);
            }
            (Verdict::Stranger, Some(Target::Peer(_))) => {
                self.fail(now, conn, UnreachableReason::Unproven);
            }
            (Verdict::Stranger, Some(Target::Device(_))) => {
                self.open(now, conn, None, Level::Stranger);
            }
            (Verdict::Stranger, None) => {
                self.send(conn, &[Frame::Stranger]);
                self.open(now, conn, None, Level::Stranger);
            }
            (
                Verdict::Known {
                    peer,
                    level,
                    answer,
                    mut speaks,
                },
                meant,
            ) => {
                let mut frames = Vec::new();
                let hidden = meant.is_none() && answer.is_none();
                if meant.is_none() {
                    frames.push(answer.map_or(Frame::Stranger, Frame::Welcome));
                }
                if !hidden {
                    speaks.truncate(SPEAKS_MAX);
                    frames.push(Frame::Speaks(speaks));
                }
                self.send(conn, &frames);
                self.open(now, conn, Some(peer), level);
            }
        }
    }
}

// What follows.
impl Sessions {
    /// Our hello on a connection that came of our dial `dial`, or of theirs.
    pub(super) fn hello(&self, conn: ConnId, dial: Option<DialId>) -> Frame {
        let connected = self.table.get(conn).map(|it| it.connected);
        let boot = &self.config.boot;
        let told = |Connected { local, remote, .. }| {
            let dial = dial.map_or(0, |dial| boot.dial(local, remote, dial.0));
            (boot.nonce(local), dial)
        };
        let (boot, dial) = connected.map_or((0, 0), told);
        Frame::Hello(Hello {
            version: HELLO_VERSION,
            boot,
            dial,
            agent: self.config.agent.clone(),
            speaks: self.config.speaks.clone(),
            observed: connected.and_then(|connected| connected.observed),
        })
    }

    /// Has the composer judge an introduction.
    pub(super) fn authenticate(&mut self, conn: ConnId, introduction: Introduction) {
        if let Some(connection) = self.table.get(conn) {
            self.out.push_back(Output::Authenticate {
                conn,
                remote: connection.connected.remote,
                face: connection.connected.face,
                dialled: connection.dialled.is_some(),
                introduction,
            });
        }
    }

    /// The introductions are through: a session stands.
    pub(super) fn open(&mut self, now: Time, conn: ConnId, peer: Option<PeerId>, level: Level) {
        self.table.introduced(now, conn, peer, level);
        let Some(connection) = self.table.get_mut(conn) else {
            return;
        };
        connection.phase = Phase::Open;
        let session = connection.session();
        // What it said is told once and not kept: a thousand hellos with all their names take 8 MB.
        let hello = connection.hello.as_mut();
        let (names, observed) = hello
            .map(|hello| (std::mem::take(&mut hello.speaks), hello.observed))
            .unwrap_or_default();
        let early = std::mem::take(&mut connection.early);

        self.out.push_back(Output::StreamLimit {
            conn,
            streams_max: level.streams_max(),
        });
        self.tell(Event::Up(session));
        // What a stranger may use. Whoever is known says all of it in a frame of its own, at once.
        if peer.is_none() {
            self.tell(Event::Speaks { conn, peer, names });
        }
        if let Some(address) = observed {
            self.tell(Event::Observed { conn, address });
        }
        self.dialling
            .up(now, Target::Device(session.remote), &mut self.out);
        if let Some(peer) = peer {
            self.dialling.up(now, Target::Peer(peer), &mut self.out);
        }
        self.make_room(now, session);
        self.settle_duplicates(now, conn);
        for frame in early {
            self.told(now, conn, frame);
        }
        self.schedule(conn);
    }
}
