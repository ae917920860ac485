//! Whom to reach, and when to try: a state per target.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::agenda::Agenda;
use super::attempt::Attempt;
use super::backoff::Backoff;
use super::config::{
    BACKOFF_RESET_AFTER, DIALS_MAX, NETWORK_CHANGE_EVERY, NETWORK_CHANGE_SPREAD, TARGETS_MAX,
};
use super::input::{Candidate, ConnId, DialId, Target};
use super::output::{Event, Output, UnreachableReason};
use crate::random::Random;
use crate::time::Time;

/// All targets that are wanted or being opened, and the dials to them.
#[derive(Clone, Debug)]
pub(super) struct Dialling {
    goals: BTreeMap<Target, Goal>,
    /// Which target each dial under way is for.
    dials: BTreeMap<DialId, Target>,
    /// Targets with something to dial while [`DIALS_MAX`] dials are under way, first come first served.
    turns: VecDeque<Target>,
    agenda: Agenda<Target>,
    dials_begun: u64,
    /// When a change of our network last brought dials.
    network_changed: Option<Time>,
    random: Random,
}

/// One target.
#[derive(Clone, Debug)]
struct Goal {
    /// Whether to try again after a failure or a loss.
    wanted: bool,
    backoff: Backoff,
    state: State,
}

#[derive(Clone, Debug)]
#[expect(
    clippy::enum_variant_names,
    reason = "states are named by what they wait for"
)]
enum State {
    /// A session stands.
    WaitLoss,
    /// An attempt is under way.
    WaitSession(Attempt),
    /// The last attempt failed, or a session was lost. Knows what was tried last.
    WaitRetry(Option<Attempt>),
}

impl Dialling {
    /// Nobody is wanted.
    pub(super) fn new(random: Random) -> Self {
        Self {
            goals: BTreeMap::new(),
            dials: BTreeMap::new(),
            turns: VecDeque::new(),
            agenda: Agenda::new(),
            dials_begun: 0,
            network_changed: None,
            random,
        }
    }

    /// Somebody needs a session with `target`, which has none: tries once, now.
    pub(super) fn open(&mut self, now: Time, target: Target, out: &mut VecDeque<Output>) {
        let has_room = self.goals.len() < TARGETS_MAX;
        match self.goals.get_mut(&target).map(|goal| &mut goal.state) {
            Some(State::WaitSession(attempt)) => {
                // It may have begun without a new look for routes, and who asks now is worth one.
                if attempt.ask(now) {
                    let deadline = attempt.deadline();
                    self.agenda.set(target, deadline);
                    out.push_back(Output::Resolve { target });
                }
            }
            Some(State::WaitLoss | State::WaitRetry(_)) => self.begin(now, target, out),
            None if has_room => {
                self.goals.insert(target, Goal::new(false));
                self.begin(now, target, out);
            }
            None => out.push_back(unreachable(target, UnreachableReason::Busy)),
        }
    }

    /// `target` is to have a session for as long as this is not taken back; `stands` says whether it has one.
    pub(super) fn want(
        &mut self,
        now: Time,
        target: Target,
        stands: bool,
        out: &mut VecDeque<Output>,
    ) {
        let full = self.goals.len() >= TARGETS_MAX;
        match self.goals.get_mut(&target) {
            Some(goal) => goal.wanted = true,
            None if full => out.push_back(unreachable(target, UnreachableReason::Busy)),
            None => {
                self.goals.insert(target, Goal::new(true));
                if !stands {
                    self.begin(now, target, out);
                }
            }
        }
    }

    /// Takes a want back. An attempt under way goes on: somebody else may wait for it.
    pub(super) fn unwant(&mut self, target: Target) {
        if let Some(goal) = self.goals.get_mut(&target) {
            goal.wanted = false;
            if !matches!(goal.state, State::WaitSession(_)) {
                self.forget(target);
            }
        }
    }

    /// Gives `target` up, with all that is under way.
    pub(super) fn cancel(&mut self, now: Time, target: Target, out: &mut VecDeque<Output>) {
        if self.attempt(target).is_some() {
            self.cancel_dials(now, target, out);
            out.push_back(unreachable(target, UnreachableReason::GivenUp));
        }
        self.forget(target);
    }

    /// Gives everything up.
    pub(super) fn cancel_all(&mut self, now: Time, out: &mut VecDeque<Output>) {
        let targets: Vec<Target> = self.goals.keys().copied().collect();
        for target in targets {
            self.cancel(now, target, out);
        }
    }

    /// Whether `target` is wanted.
    pub(super) fn wants(&self, target: Target) -> bool {
        self.goals.get(&target).is_some_and(|goal| goal.wanted)
    }

    /// Routes were found. News of a wanted target that does not answer is worth an attempt at once.
    pub(super) fn routes(
        &mut self,
        now: Time,
        target: Target,
        candidates: Vec<Candidate>,
        out: &mut VecDeque<Output>,
    ) {
        let begin = match self.goals.get(&target).map(|goal| &goal.state) {
            Some(State::WaitRetry(Some(last))) => candidates.iter().any(|new| last.lacks(new)),
            Some(State::WaitRetry(None)) => !candidates.is_empty(),
            Some(State::WaitLoss | State::WaitSession(_)) | None => false,
        };
        if begin {
            self.begin(now, target, out);
        }
        if let Some(attempt) = self.attempt(target) {
            // What is known from the beginning is no news.
            if attempt.knows_any() && candidates.iter().any(|new| attempt.lacks(new)) {
                attempt.take_time(now);
            }
            let refined = candidates.into_iter().filter_map(|it| attempt.add(it));
            out.extend(refined.map(|(dial, route)| Output::Refine { dial, route }));
            self.advance(now, target, out);
        }
    }

    /// `target` lives: it was heard of just now, even if at no other place than before. Who waits to try it again does so
    /// at once, and who tries takes its time.
    pub(super) fn alive(&mut self, now: Time, target: Target, out: &mut VecDeque<Output>) {
        let Some(goal) = self.goals.get_mut(&target) else {
            return;
        };
        match &mut goal.state {
            State::WaitRetry(_) => {
                goal.backoff.reset();
                self.begin(now, target, out);
            }
            State::WaitSession(attempt) => {
                attempt.take_time(now);
                self.advance(now, target, out);
            }
            State::WaitLoss => {}
        }
    }

    /// What is shown to `target` is another thing from now on.
    pub(super) fn show_anew(&mut self, now: Time, target: Target, out: &mut VecDeque<Output>) {
        if let Some(attempt) = self.attempt(target) {
            attempt.show_anew(now);
            self.advance(now, target, out);
        }
    }

    /// Our own network is another than before: whoever was out of reach may be in reach now.
    pub(super) fn network_changed(&mut self, now: Time) {
        let last = self.network_changed;
        if last.is_some_and(|last| now < last + NETWORK_CHANGE_EVERY) {
            return;
        }
        self.network_changed = Some(now);
        let spread_ms = u64::try_from(NETWORK_CHANGE_SPREAD.as_millis()).unwrap_or(u64::MAX);
        for (target, goal) in &mut self.goals {
            if matches!(goal.state, State::WaitRetry(_)) {
                goal.backoff.reset();
                let pause = Duration::from_millis(self.random.below(spread_ms));
                self.agenda.set(*target, Some(now + pause));
            }
        }
    }

    /// There are no more routes to come.
    pub(super) fn resolved(&mut self, now: Time, target: Target, out: &mut VecDeque<Output>) {
        if let Some(attempt) = self.attempt(target) {
            attempt.end_of_routes();
            self.advance(now, target, out);
        }
    }

    /// A dial led to a connection. Gives the target it is for; `None` when it was given up meanwhile.
    pub(super) fn connected(
        &mut self,
        now: Time,
        dial: DialId,
        conn: ConnId,
        out: &mut VecDeque<Output>,
    ) -> Option<Target> {
        let target = self.dials.remove(&dial)?;
        if let Some(attempt) = self.attempt(target) {
            attempt.connected(dial, conn);
            self.advance(now, target, out);
        }
        self.next_turn(now, out);
        Some(target)
    }

    /// A dial led to nothing.
    pub(super) fn dial_failed(&mut self, now: Time, dial: DialId, out: &mut VecDeque<Output>) {
        let Some(target) = self.dials.remove(&dial) else {
            return;
        };
        if let Some(attempt) = self.attempt(target) {
            attempt.dial_failed(now, dial);
            self.advance(now, target, out);
        }
        self.next_turn(now, out);
    }

    /// The introductions on a connection we dialled led to nothing.
    pub(super) fn hello_failed(
        &mut self,
        now: Time,
        target: Target,
        conn: ConnId,
        reason: UnreachableReason,
        out: &mut VecDeque<Output>,
    ) {
        if let Some(attempt) = self.attempt(target) {
            attempt.hello_failed(now, conn, reason);
            self.advance(now, target, out);
        }
    }

    /// A session with `target` stands, whoever dialled. Dials under way are given up: nothing was said on them, so the
    /// other side holds no session by them.
    pub(super) fn up(&mut self, now: Time, target: Target, out: &mut VecDeque<Output>) {
        self.cancel_dials(now, target, out);
        match self.goals.get_mut(&target) {
            Some(goal) if goal.wanted => {
                goal.state = State::WaitLoss;
                self.agenda.set(target, None);
            }
            Some(_) => self.forget(target),
            None => {}
        }
    }

    /// The last session with `target` is gone after it stood for so long; `goodbye`: because the other node shuts down.
    pub(super) fn lost(&mut self, now: Time, target: Target, stood: Duration, goodbye: bool) {
        if let Some(goal) = self.goals.get_mut(&target)
            && matches!(goal.state, State::WaitLoss)
        {
            if stood >= BACKOFF_RESET_AFTER {
                goal.backoff.reset();
            }
            if goodbye {
                goal.backoff.handle_goodbye();
            }
            goal.state = State::WaitRetry(None);
            let pause = goal.backoff.pause(&mut self.random);
            self.agenda.set(target, Some(now + pause));
        }
    }

    /// When something is next due.
    pub(super) fn next_timeout(&self) -> Option<Time> {
        self.agenda.next()
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, now: Time, out: &mut VecDeque<Output>) {
        while let Some(target) = self.agenda.pop_due(now) {
            match self.goals.get_mut(&target).map(|goal| &mut goal.state) {
                Some(State::WaitRetry(_)) => self.retry(now, target, out),
                Some(State::WaitSession(attempt)) => {
                    attempt.expire(now);
                    for dial in attempt.late_dials(now) {
                        attempt.dial_failed(now, dial);
                        self.dials.remove(&dial);
                        out.push_back(Output::CancelDial { dial });
                    }
                    self.advance(now, target, out);
                    self.next_turn(now, out);
                }
                Some(State::WaitLoss) | None => {}
            }
        }
    }

    fn attempt(&mut self, target: Target) -> Option<&mut Attempt> {
        match &mut self.goals.get_mut(&target)?.state {
            State::WaitSession(attempt) => Some(attempt),
            State::WaitLoss | State::WaitRetry(_) => None,
        }
    }

    /// Begins an attempt for a reason.
    fn begin(&mut self, now: Time, target: Target, out: &mut VecDeque<Output>) {
        self.begin_attempt(now, target, Attempt::new(now, false), out);
    }

    /// Begins an attempt because its time has come.
    fn retry(&mut self, now: Time, target: Target, out: &mut VecDeque<Output>) {
        let goal = self.goals.get(&target);
        let blind = goal.is_some_and(|goal| goal.backoff.is_blind());
        self.begin_attempt(now, target, Attempt::new(now, blind), out);
    }

    fn begin_attempt(
        &mut self,
        now: Time,
        target: Target,
        attempt: Attempt,
        out: &mut VecDeque<Output>,
    ) {
        if let Some(goal) = self.goals.get_mut(&target) {
            goal.state = State::WaitSession(attempt);
            out.push_back(Output::Resolve { target });
            self.advance(now, target, out);
        }
    }

    /// Dials what is to be dialled, and ends the attempt when nothing is left.
    fn advance(&mut self, now: Time, target: Target, out: &mut VecDeque<Output>) {
        let Some(goal) = self.goals.get_mut(&target) else {
            return;
        };
        let State::WaitSession(attempt) = &mut goal.state else {
            return;
        };
        while let Some(candidate) = attempt.next_dial(now) {
            if self.dials.len() >= DIALS_MAX {
                if !attempt.waits_turn {
                    attempt.waits_turn = true;
                    self.turns.push_back(target);
                }
                break;
            }
            self.dials_begun += 1;
            let dial = DialId(self.dials_begun);
            let (face, route) = (candidate.from, candidate.route.clone());
            attempt.dialled(now, route.device, dial);
            self.dials.insert(dial, target);
            out.push_back(Output::Dial { dial, face, route });
        }
        let Some(reason) = attempt.outcome() else {
            let deadline = attempt.deadline();
            self.agenda.set(target, deadline);
            return;
        };
        let refused_by = attempt.refused_by().to_vec();
        if goal.wanted {
            let last = attempt.clone();
            goal.state = State::WaitRetry(Some(last));
            let pause = goal.backoff.pause(&mut self.random);
            self.agenda.set(target, Some(now + pause));
        } else {
            self.forget(target);
        }
        out.push_back(Output::Event(Event::Unreachable {
            target,
            reason,
            refused_by,
        }));
    }

    /// Lets the targets that wait for their turn dial, as far as there is room.
    fn next_turn(&mut self, now: Time, out: &mut VecDeque<Output>) {
        while self.dials.len() < DIALS_MAX {
            let Some(target) = self.turns.pop_front() else {
                return;
            };
            if let Some(attempt) = self.attempt(target) {
                attempt.waits_turn = false;
                self.advance(now, target, out);
            }
        }
    }

    fn cancel_dials(&mut self, now: Time, target: Target, out: &mut VecDeque<Output>) {
        let Some(attempt) = self.attempt(target) else {
            return;
        };
        let dials: Vec<DialId> = attempt.dials().collect();
        let waited = std::mem::take(&mut attempt.waits_turn);
        for dial in dials {
            self.dials.remove(&dial);
            out.push_back(Output::CancelDial { dial });
        }
        if waited {
            self.turns.retain(|waiting| *waiting != target);
        }
        if let Some(goal) = self.goals.get_mut(&target) {
            goal.state = State::WaitLoss;
        }
        self.next_turn(now, out);
    }

    fn forget(&mut self, target: Target) {
        self.goals.remove(&target);
        self.agenda.set(target, None);
    }
}

impl Goal {
    fn new(wanted: bool) -> Self {
        Self {
            wanted,
            backoff: Backoff::default(),
            state: State::WaitLoss,
        }
    }
}

/// The event that tells of an attempt that nobody has answered.
fn unreachable(target: Target, reason: UnreachableReason) -> Output {
    Output::Event(Event::Unreachable {
        target,
        reason,
        refused_by: Vec::new(),
    })
}
