//! The machine of the giving side: issues tickets, takes each back once, and counts the lanes they became.
//!
//! ```text
//!               handle_request                 handle_shown
//!   (nothing) ─────────────────▶ WaitShown ─────────────────▶ WaitEnd
//!                                    │                           │
//!               TICKET_LIFE over or  │                           │
//!                handle_lane_ended   │         handle_lane_ended │
//!                                    ▼                           ▼
//!                                (nothing)                   (nothing)
//! ```
//!
//! A ticket is used up by being shown, whether the proof that follows is good or not: nobody tries twice. Its place among
//! the lanes is taken from the moment it is issued, so that no number of requests makes more lanes than there may be.

use std::collections::BTreeMap;

use super::config::{LANES_MAX, LANES_SESSION_MAX, LANES_STRANGERS_MAX, TICKET_LIFE};
use super::ticket::{Ticket, TicketName};
use super::wire::Refusal;
use crate::ids::DeviceKey;
use crate::random::{Random, Seed};
use crate::routing::Level;
use crate::time::Time;

/// Which session, among those that stand at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionNumber(pub u64);

/// Which lane, among all of one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LaneId(u64);

/// Who asks for a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Its session.
    pub session: SessionNumber,
    /// The device there.
    pub device: DeviceKey,
    /// How far it is trusted.
    pub level: Level,
    /// Whether the session runs over a direct path.
    pub is_direct: bool,
}

/// A ticket that was shown: the connection may go on if it is this device's and the proof is good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// The lane it is to be.
    pub lane: LaneId,
    /// The device that must be there.
    pub device: DeviceKey,
    /// What it must prove.
    pub ticket: Ticket,
}

/// Who may come, and who has. See the module's documentation.
#[derive(Debug)]
pub struct Tickets {
    random: Random,
    issued: u64,
    lanes: BTreeMap<LaneId, Place>,
}

#[derive(Debug)]
struct Place {
    asker: Asker,
    state: State,
}

#[derive(Debug)]
enum State {
    WaitShown { ticket: Ticket, until: Time },
    WaitEnd,
}

impl Tickets {
    /// None issued yet.
    pub fn new(seed: Seed) -> Self {
        Self {
            random: Random::new(seed),
            issued: 0,
            lanes: BTreeMap::new(),
        }
    }

    /// Somebody asks for a lane: a ticket, if there may be one.
    ///
    /// # Errors
    /// [`Refusal::Relayed`] where the path is not direct, [`Refusal::Busy`] at the bounds of [`super::config`].
    pub fn handle_request(&mut self, now: Time, asker: Asker) -> Result<(LaneId, Ticket), Refusal> {
        self.handle_timeout(now);
        if !asker.is_direct {
            return Err(Refusal::Relayed);
        }
        let of_session = self.count(|other| other.session == asker.session);
        let strangers = self.count(|other| other.level == Level::Stranger);
        let is_stranger = asker.level == Level::Stranger;
        if of_session >= LANES_SESSION_MAX
            || self.lanes.len() >= LANES_MAX
            || (is_stranger && strangers >= LANES_STRANGERS_MAX)
        {
            return Err(Refusal::Busy);
        }
        let ticket = Ticket::from_bytes(self.random.bytes());
        self.issued += 1;
        let lane = LaneId(self.issued);
        let state = State::WaitShown {
            ticket: ticket.clone(),
            until: now + TICKET_LIFE,
        };
        self.lanes.insert(lane, Place { asker, state });
        Ok((lane, ticket))
    }

    /// A connection shows a ticket's name, which uses it up. `None` where there is no such ticket, or no longer.
    pub fn handle_shown(&mut self, now: Time, name: TicketName) -> Option<Admission> {
        self.handle_timeout(now);
        let (lane, place) = self.lanes.iter_mut().find(|(_, place)| {
            matches!(&place.state, State::WaitShown { ticket, .. } if ticket.name() == name)
        })?;
        let state = std::mem::replace(&mut place.state, State::WaitEnd);
        let State::WaitShown { ticket, .. } = state else {
            return None;
        };
        Some(Admission {
            lane: *lane,
            device: place.asker.device,
            ticket,
        })
    }

    /// A lane is over, as with its session, or did not come about. Told twice, the second time says nothing.
    pub fn handle_lane_ended(&mut self, lane: LaneId) {
        self.lanes.remove(&lane);
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Time) {
        self.lanes.retain(|_, place| match &place.state {
            State::WaitShown { until, .. } => now < *until,
            State::WaitEnd => true,
        });
    }

    /// When [`Self::handle_timeout`] is due; `None` while no ticket is out. The port is open for as long as one is.
    pub fn poll_timeout(&self) -> Option<Time> {
        let untils = self.lanes.values().filter_map(|place| match &place.state {
            State::WaitShown { until, .. } => Some(*until),
            State::WaitEnd => None,
        });
        untils.min()
    }

    fn count(&self, is_counted: impl Fn(&Asker) -> bool) -> usize {
        let places = self.lanes.values();
        places.filter(|place| is_counted(&place.asker)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const START: Time = Time(1_000_000);
    const DEVICE: DeviceKey = DeviceKey([7; 32]);

    fn tickets() -> Tickets {
        Tickets::new([1; 32])
    }

    fn asker(session: u64) -> Asker {
        Asker {
            session: SessionNumber(session),
            device: DEVICE,
            level: Level::Contact,
            is_direct: true,
        }
    }

    fn issue(tickets: &mut Tickets, asker: Asker) -> (LaneId, Ticket) {
        tickets.handle_request(START, asker).expect("room")
    }

    #[test]
    fn a_ticket_is_taken_once_and_names_its_device() {
        let mut tickets = tickets();
        let (lane, ticket) = issue(&mut tickets, asker(1));
        let name = ticket.name();
        let admission = tickets.handle_shown(START, name).expect("issued");
        assert_eq!((admission.lane, admission.device), (lane, DEVICE));
        assert_eq!(admission.ticket, ticket);
        assert_eq!(tickets.handle_shown(START, name), None, "used up");
        let unknown = Ticket::from_bytes([9; 32]).name();
        assert_eq!(tickets.handle_shown(START, unknown), None);
    }

    #[test]
    fn a_ticket_is_good_until_its_time_is_over() {
        let mut tickets = tickets();
        let (_, first) = issue(&mut tickets, asker(1));
        let (_, second) = issue(&mut tickets, asker(1));
        assert_eq!(tickets.poll_timeout(), Some(START + TICKET_LIFE));
        let last = START + (TICKET_LIFE - Duration::from_millis(1));
        assert!(tickets.handle_shown(last, first.name()).is_some());
        let late = tickets.handle_shown(START + TICKET_LIFE, second.name());
        assert_eq!(late, None);
        assert_eq!(tickets.poll_timeout(), None, "a lane waits for nobody");
    }

    #[test]
    fn a_session_has_so_many_lanes_and_no_more() {
        let mut tickets = tickets();
        let issued: Vec<_> = (0..LANES_SESSION_MAX)
            .map(|_| issue(&mut tickets, asker(1)))
            .collect();
        let refused = tickets.handle_request(START, asker(1)).map(drop);
        assert_eq!(refused, Err(Refusal::Busy));
        issue(&mut tickets, asker(2));
        let admitted = tickets.handle_shown(START, issued[0].1.name());
        assert!(admitted.is_some());
        let refused = tickets.handle_request(START, asker(1)).map(drop);
        assert_eq!(refused, Err(Refusal::Busy), "shown, and still a lane");
        tickets.handle_lane_ended(issued[0].0);
        tickets.handle_lane_ended(issued[0].0);
        issue(&mut tickets, asker(1));
        let refused = tickets.handle_request(START, asker(1)).map(drop);
        assert_eq!(refused, Err(Refusal::Busy));
        let later = tickets.handle_request(START + TICKET_LIFE, asker(1));
        assert!(later.is_ok(), "nobody came for the others");
    }

    #[test]
    fn strangers_leave_room_for_everybody_else() {
        let mut tickets = tickets();
        for session in 0..LANES_STRANGERS_MAX as u64 {
            let level = Level::Stranger;
            issue(
                &mut tickets,
                Asker {
                    level,
                    ..asker(session)
                },
            );
        }
        let level = Level::Stranger;
        let one_more = Asker {
            level,
            ..asker(100)
        };
        let refused = tickets.handle_request(START, one_more).map(drop);
        assert_eq!(refused, Err(Refusal::Busy));
        for session in 200..(200 + LANES_MAX - LANES_STRANGERS_MAX) as u64 {
            issue(&mut tickets, asker(session));
        }
        let refused = tickets.handle_request(START, asker(300)).map(drop);
        assert_eq!(refused, Err(Refusal::Busy));
    }

    #[test]
    fn a_session_over_a_relay_gets_none() {
        let mut tickets = tickets();
        let is_direct = false;
        let relayed = Asker {
            is_direct,
            ..asker(1)
        };
        let refused = tickets.handle_request(START, relayed).map(drop);
        assert_eq!(refused, Err(Refusal::Relayed));
        assert_eq!(tickets.poll_timeout(), None);
    }

    #[test]
    fn the_same_seed_gives_the_same_tickets() {
        let (mut one, mut two) = (tickets(), tickets());
        for session in 0..5 {
            assert_eq!(
                issue(&mut one, asker(session)),
                issue(&mut two, asker(session))
            );
        }
        let mut other = Tickets::new([2; 32]);
        assert_ne!(
            issue(&mut other, asker(0)).1,
            issue(&mut tickets(), asker(0)).1
        );
    }
}
