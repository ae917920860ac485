//! One connection: what it waits for, and which frames may come then.

use std::time::Duration;

use super::close::CloseCode;
use super::config::{EARLY_FRAMES_MAX, FRAME_WITHIN, HELLO_WITHIN};
use super::duplicate::Rank;
use super::framing::Framing;
use super::input::{Connected, DialId, Target};
use super::level::Level;
use super::output::Session;
use super::wire::{Farewell, Frame, HELLO_VERSION, Hello, Introduction};
use crate::ids::PeerId;
use crate::time::Time;

/// What a connection waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The composer, to say what we show. We dialled.
    WaitIntroduction,
    /// The other side's hello.
    WaitHello,
    /// What the dialler shows. They dialled.
    WaitIntroduce,
    /// How the dialled side takes what we showed. We dialled.
    WaitAnswer,
    /// The composer, to judge what the other side shows.
    WaitVerdict,
    /// Nothing: a session stands.
    Open,
    /// Our streams to end, and the other side's [`Frame::Bye`].
    WaitFarewell {
        /// Why it is to end.
        farewell: Farewell,
        /// How long it may take.
        until: Time,
    },
}

/// One connection.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) connected: Connected,
    /// The dial that led here and whom it was for; `None` when they dialled.
    pub(super) dialled: Option<(DialId, Target)>,
    pub(super) since: Time,
    pub(super) phase: Phase,
    /// The other side's hello.
    pub(super) hello: Option<Hello>,
    /// Who is there.
    pub(super) peer: Option<PeerId>,
    pub(super) level: Level,
    /// Streams open here, as the shell counts them; the control stream is none.
    pub(super) streams: u32,
    /// Since when there have been no streams.
    pub(super) idle_since: Time,
    /// When it became a session.
    pub(super) up_since: Option<Time>,
    /// Whether our [`Frame::Bye`] is sent.
    pub(super) bye_sent: bool,
    /// Whether theirs has come.
    pub(super) bye_received: bool,
    /// Frames that came while the composer judged.
    pub(super) early: Vec<Frame>,
    pub(super) framing: Framing,
}

/// What a frame calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing more than was done.
    Wait,
    /// Answer their hello with ours. They dialled.
    Greet,
    /// Have the composer judge this.
    Judge(Introduction),
    /// The dialled side takes us for a stranger.
    TakenForStranger,
    /// A frame of an open session.
    Told(Frame),
}

impl Connection {
    /// A connection of which nothing is known but its handshake.
    pub(super) fn new(now: Time, connected: Connected, dialled: Option<(DialId, Target)>) -> Self {
        Self {
            connected,
            dialled,
            since: now,
            phase: match dialled {
                Some(_) => Phase::WaitIntroduction,
                None => Phase::WaitHello,
            },
            hello: None,
            peer: None,
            level: Level::Stranger,
            streams: 0,
            idle_since: now,
            up_since: None,
            bye_sent: false,
            bye_received: false,
            early: Vec::new(),
            framing: Framing::new(now),
        }
    }

    /// Whether the introductions are not through yet.
    pub(super) fn is_half_open(&self) -> bool {
        self.up_since.is_none()
    }

    /// Whether new streams may be opened.
    pub(super) fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// Whether what is told there is heard for certain, or by nobody who stays: one that we proposed to end may go on after all.
    pub(super) fn may_be_told(&self) -> bool {
        self.is_open() || self.is_idling()
    }

    /// Whether we proposed to end it because nothing happens there.
    pub(super) fn is_idling(&self) -> bool {
        matches!(
            self.phase,
            Phase::WaitFarewell {
                farewell: Farewell::Idle,
                ..
            }
        )
    }

    /// Goes on as a session that was used just now.
    pub(super) fn stay(&mut self, now: Time) {
        self.phase = Phase::Open;
        self.bye_sent = false;
        self.idle_since = now;
    }

    /// How long it has been a session.
    pub(super) fn stood(&self, now: Time) -> Duration {
        self.up_since
            .map_or(Duration::ZERO, |since| now.since(since))
    }

    /// What others may know of it.
    pub(super) fn session(&self) -> Session {
        Session {
            conn: self.connected.conn,
            peer: self.peer,
            remote: self.connected.remote,
            face: self.connected.face,
            level: self.level,
            dialled: self.dialled.is_some(),
        }
    }

    /// Its rank among the connections of the same two devices.
    pub(super) fn rank(&self) -> Rank {
        let (boot, their_dial) = self
            .hello
            .as_ref()
            .map_or((0, 0), |hello| (hello.boot, hello.dial));
        let Connected { local, remote, .. } = self.connected;
        match self.dialled {
            Some((dial, _)) => Rank::new(boot, local, remote, dial.0),
            None => Rank::new(boot, remote, local, their_dial),
        }
    }

    /// Takes a frame.
    ///
    /// # Errors
    /// The code to close with, when the frame may not come now.
    pub(super) fn take(&mut self, frame: Frame) -> Result<Step, CloseCode> {
        match (self.phase, frame) {
            (Phase::WaitHello, Frame::Hello(hello)) => {
                if hello.version != HELLO_VERSION {
                    return Err(CloseCode::Incompatible);
                }
                self.hello = Some(hello);
                if self.dialled.is_some() {
                    self.phase = Phase::WaitAnswer;
                    Ok(Step::Wait)
                } else {
                    self.phase = Phase::WaitIntroduce;
                    Ok(Step::Greet)
                }
            }
            (Phase::WaitIntroduce, Frame::Introduce(introduction))
            | (Phase::WaitAnswer, Frame::Welcome(introduction)) => {
                self.phase = Phase::WaitVerdict;
                Ok(Step::Judge(introduction))
            }
            (Phase::WaitAnswer, Frame::Stranger) => Ok(Step::TakenForStranger),
            (Phase::WaitVerdict, frame @ (Frame::Speaks(_) | Frame::Note(_) | Frame::Bye(_))) => {
                if self.early.len() >= EARLY_FRAMES_MAX {
                    return Err(CloseCode::Misbehaved);
                }
                self.early.push(frame);
                Ok(Step::Wait)
            }
            (
                Phase::Open | Phase::WaitFarewell { .. },
                frame @ (Frame::Speaks(_) | Frame::Note(_) | Frame::Bye(_)),
            ) => Ok(Step::Told(frame)),
            _ => Err(CloseCode::Misbehaved),
        }
    }

    /// When it has to be looked at, where a session without streams is kept for `idle_after`.
    pub(super) fn deadline(&self, idle_after: Duration) -> Option<Time> {
        let phase = match self.phase {
            Phase::Open => (self.streams == 0).then(|| self.idle_since + idle_after),
            Phase::WaitFarewell { until, .. } => Some(until),
            _ => Some(self.since + HELLO_WITHIN),
        };
        phase.into_iter().chain(self.frame_deadline()).min()
    }

    /// Until when the frame under way must be complete.
    pub(super) fn frame_deadline(&self) -> Option<Time> {
        self.framing
            .partial_since()
            .map(|since| since + FRAME_WITHIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{DeviceKey, Face};
    use crate::routing::input::ConnId;
    use crate::routing::wire::Note;

    fn connection(phase: Phase, dialled: bool) -> Connection {
        let connected = Connected {
            conn: ConnId(1),
            dial: None,
            face: Face::Contact,
            local: DeviceKey([1; 32]),
            remote: DeviceKey([2; 32]),
            observed: None,
        };
        let target = Target::Device(DeviceKey([2; 32]));
        let mut connection =
            Connection::new(Time(0), connected, dialled.then_some((DialId(1), target)));
        connection.phase = phase;
        connection
    }

    fn frames() -> Vec<Frame> {
        let hello = Hello {
            version: HELLO_VERSION,
            boot: 1,
            dial: 0,
            agent: String::new(),
            speaks: Vec::new(),
            observed: None,
        };
        let note = Note {
            kind: 0,
            body: Vec::new(),
        };
        vec![
            Frame::Hello(hello),
            Frame::Introduce(Introduction::default()),
            Frame::Welcome(Introduction::default()),
            Frame::Stranger,
            Frame::Speaks(Vec::new()),
            Frame::Note(note),
            Frame::Bye(Farewell::Idle),
        ]
    }

    /// Which frames, by their place in [`frames`], a connection takes.
    fn taken(phase: Phase, dialled: bool) -> Vec<usize> {
        (0..)
            .zip(frames())
            .filter(|(_, frame)| connection(phase, dialled).take(frame.clone()).is_ok())
            .map(|(index, _)| index)
            .collect()
    }

    #[test]
    fn each_frame_is_taken_where_it_belongs_and_nowhere_else() {
        assert_eq!(taken(Phase::WaitIntroduction, true), []);
        assert_eq!(taken(Phase::WaitHello, true), [0]);
        assert_eq!(taken(Phase::WaitAnswer, true), [2, 3]);
        assert_eq!(taken(Phase::WaitHello, false), [0]);
        assert_eq!(taken(Phase::WaitIntroduce, false), [1]);
        for dialled in [false, true] {
            assert_eq!(taken(Phase::WaitVerdict, dialled), [4, 5, 6]);
            assert_eq!(taken(Phase::Open, dialled), [4, 5, 6]);
        }
    }

    #[test]
    fn a_hello_of_another_version_is_incompatible() {
        let Frame::Hello(mut hello) = frames().remove(0) else {
            panic!("the first is a hello");
        };
        hello.version += 1;
        let mut connection = connection(Phase::WaitHello, true);
        assert_eq!(
            connection.take(Frame::Hello(hello)),
            Err(CloseCode::Incompatible)
        );
    }

    #[test]
    fn frames_ahead_of_the_verdict_are_bounded() {
        let mut connection = connection(Phase::WaitVerdict, true);
        let frame = Frame::Speaks(Vec::new());
        for _ in 0..EARLY_FRAMES_MAX {
            assert_eq!(connection.take(frame.clone()), Ok(Step::Wait));
        }
        assert_eq!(connection.take(frame), Err(CloseCode::Misbehaved));
    }
}
