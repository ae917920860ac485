//! The loop: takes the next thing due, hands it to whom it concerns, does what follows, and looks whether all rules hold.

use std::collections::BTreeMap;
use std::time::Duration;

use kith_core::identity::Invite;
use kith_core::ids::PeerId;
use kith_core::introducer::{Introducer, Ports, Trust};
use kith_core::random::Random;
use kith_core::time::Time;

use crate::checker::{self, Checker, Fact, View};
use crate::event::{Call, EPOCH, Event, LinkId, NodeId, Parcel};
use crate::forger::Forger;
use crate::model::Model;
use crate::network::{Network, Quality};
use crate::node::{Node, Person, outer_ip};
use crate::scheme::{Kind, SimScheme};
use crate::trace::Trace;

/// How often in a row a machine may ask to be woken at once. More than a handful is a machine that forgot to let go of
/// something that is due.
const RESTLESS_MAX: u32 = 50;

/// What a run begins with.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// What everything random follows from.
    pub seed: u64,
    /// How signatures are made.
    pub scheme: Kind,
    /// Whether the whole trace is kept in memory.
    pub whole_trace: bool,
    /// How good the wires are; as the story has it when left out.
    pub quality: Option<Quality>,
}

impl Setup {
    /// The usual: cheap signatures, and wires as the story has them, which are ordinary ones where it says nothing.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            scheme: Kind::Keyed,
            whole_trace: false,
            quality: None,
        }
    }
}

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When, in true time.
    pub at: Time,
    /// Which rule.
    pub rule: &'static str,
    /// How.
    pub what: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let at = self.at.0.saturating_sub(EPOCH.0);
        write!(f, "at {at} ms, {}: {}", self.rule, self.what)
    }
}

/// A world.
#[derive(Debug)]
pub struct World {
    pub(super) now: Time,
    pub(crate) nodes: Vec<Node>,
    pub(super) peers: BTreeMap<PeerId, NodeId>,
    pub(crate) network: Network,
    pub(super) model: Model,
    pub(super) scheme: SimScheme,
    pub(super) random: Random,
    pub(super) trace: Trace,
    pub(super) invites: Vec<Option<Invite>>,
    /// Visits that introducers have not answered yet.
    pub(super) calls: BTreeMap<u64, Call>,
    pub(super) requests_made: u64,
    /// What strangers recorded, when they do.
    pub(super) recordings: BTreeMap<LinkId, Vec<Parcel>>,
    pub(super) is_recording: bool,
    pub(super) forgers: BTreeMap<NodeId, Forger>,
    pub(super) facts: Vec<Fact>,
    pub(super) touched: Vec<NodeId>,
    pub(super) broken: Option<Violation>,
    /// Whether the wires are as somebody asked for, whatever the story would have.
    has_quality: bool,
    queue: BTreeMap<(Time, u64), Event>,
    queued: u64,
    checkers: Vec<Box<dyn Checker>>,
    steps: u64,
}

impl World {
    /// A world without nodes.
    pub fn new(setup: Setup) -> Self {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&setup.seed.to_be_bytes());
        let mut random = Random::new(seed);
        Self {
            now: EPOCH,
            nodes: Vec::new(),
            peers: BTreeMap::new(),
            network: Network::new(setup.quality.unwrap_or_default(), random.number()),
            has_quality: setup.quality.is_some(),
            model: Model::default(),
            scheme: SimScheme::new(setup.scheme),
            random,
            trace: Trace::new(setup.whole_trace),
            invites: Vec::new(),
            calls: BTreeMap::new(),
            requests_made: 0,
            recordings: BTreeMap::new(),
            is_recording: false,
            forgers: BTreeMap::new(),
            facts: Vec::new(),
            touched: Vec::new(),
            broken: None,
            queue: BTreeMap::new(),
            queued: 0,
            checkers: checker::all(),
            steps: 0,
        }
    }

    /// Adds a node, which starts at once.
    pub fn add(&mut self, person: Person) -> NodeId {
        let id = NodeId(self.nodes.len());
        let random = Random::new(self.random.bytes());
        self.push(Node::new(id, person, random));
        self.start(id);
        id
    }

    /// Adds an introducer, which starts at once.
    pub fn add_introducer(&mut self) -> NodeId {
        let id = NodeId(self.nodes.len());
        let person = Person {
            nat: crate::nat::Nat::Open,
            keeps_sessions: false,
            ..Person::default()
        };
        let mut node = Node::new(id, person, Random::new(self.random.bytes()));
        let ports = Ports {
            tcp: 7118,
            udp: node.outer(kith_core::ids::Face::Public).port(),
            discovery: 7120,
        };
        let pin = kith_core::ids::TlsPin(node.random.bytes());
        let key = node.public_key.device_key();
        let line = Introducer::new(key, vec![outer_ip(id)], ports, Trust::Pin(pin));
        node.introducer = Some(line);
        self.network.introducers.push(id);
        self.push(node);
        self.start(id);
        id
    }

    fn push(&mut self, node: Node) {
        self.peers.insert(node.peer, node.id);
        self.nodes.push(node);
    }

    /// A seed for something else that is random in this run.
    pub fn fork(&mut self) -> kith_core::random::Seed {
        self.random.bytes()
    }

    /// Makes the wires so good, unless they were asked for otherwise.
    pub fn suggest_quality(&mut self, quality: Quality) {
        if !self.has_quality {
            self.network.quality = quality;
        }
        let quality = self.network.quality;
        self.note(format_args!("wires {quality:?}"));
    }

    /// Has something happen later.
    pub fn schedule(&mut self, at: Time, event: Event) {
        self.queued += 1;
        self.queue.insert((at.max(self.now), self.queued), event);
    }

    /// Runs for so long.
    ///
    /// # Errors
    /// The first rule that was broken.
    pub fn run(&mut self, span: Duration) -> Result<(), Violation> {
        let end = self.now + span;
        while let Some(entry) = self.queue.first_entry() {
            let (at, _) = *entry.key();
            if at > end {
                break;
            }
            let event = entry.remove();
            self.now = at;
            self.step(event)?;
        }
        self.now = end;
        Ok(())
    }

    /// Looks whether the world is as it must be at rest.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn rest(&mut self) -> Result<(), Violation> {
        self.check(true)
    }

    /// Looks whether the story goes as it is told.
    ///
    /// # Errors
    /// That it does not.
    pub fn expect(&self, holds: bool, what: &str) -> Result<(), Violation> {
        let violation = || Violation {
            at: self.now,
            rule: "story",
            what: format!("it should be so: {what}"),
        };
        holds.then_some(()).ok_or_else(violation)
    }

    fn step(&mut self, event: Event) -> Result<(), Violation> {
        self.steps += 1;
        self.touched.clear();
        self.facts.clear();
        self.take(event);
        self.check(false)
    }

    /// Hands an event to whom it concerns.
    fn take(&mut self, event: Event) {
        match event {
            Event::Wake(node, life) if self.lives(node, life) => self.wake(node),
            Event::Dialled(dial) => self.dialled(dial),
            Event::Accepted(link) => self.accepted(link),
            Event::Arrive(link, side, parcel) => self.arrive(link, side, parcel),
            Event::Punch(link) => self.punch(link),
            Event::Expire(link, since) => self.expire(link, since),
            Event::Route(node, life) if self.lives(node, life) => self.tell_routes(node),
            Event::Rotated(node, life) if self.lives(node, life) => self.rotate(node),
            Event::Retired(node, life, key) if self.lives(node, life) => self.retire(node, key),
            Event::Visited(call) => self.visited(call),
            Event::Answered(call, bytes) if self.lives(call.node, call.life) => {
                self.answered(&call, &bytes);
            }
            Event::Overdue(node, life, key, number) if self.lives(node, life) => {
                self.overdue(node, key, number);
            }
            Event::Retry(node, life, key) if self.lives(node, life) => self.retry(node, key),
            Event::Sighted(from, to, life) if self.lives(from, life) => self.sight(from, to),
            Event::Vanished(node, device) => self.vanish(node, device),
            Event::Command(node, command) => self.command(node, &command),
            _ => {}
        }
    }

    /// Calls a machine that asked for it.
    fn wake(&mut self, id: NodeId) {
        let now = self.now;
        let node = &mut self.nodes[id.0];
        if node.wake_at != Some(now) {
            return;
        }
        node.wake_at = None;
        let local = node.local(now);
        if let Some(machine) = &mut node.machine {
            machine.handle_timeout(local);
            let again = machine.poll_timeout().is_some_and(|due| due <= local);
            node.restless = if again { node.restless + 1 } else { 0 };
        }
        if let Some(registry) = &mut node.registry {
            registry.handle_timeout(local);
        }
        if node.restless > RESTLESS_MAX {
            self.break_rule("timeouts", format!("node {} is never done", id.0));
        }
        self.settle(id);
    }

    /// Plans when a machine is called next.
    pub(super) fn plan_wake(&mut self, id: NodeId) {
        let node = &self.nodes[id.0];
        let machine = node.machine.as_ref().and_then(|it| it.poll_timeout());
        let registry = node.registry.as_ref().and_then(|it| it.poll_timeout());
        let Some(due) = machine.into_iter().chain(registry).min() else {
            return;
        };
        let at = node.true_time(due).max(self.now);
        if node.wake_at.is_some_and(|planned| planned <= at) {
            return;
        }
        let life = node.life;
        self.nodes[id.0].wake_at = Some(at);
        self.schedule(at, Event::Wake(id, life));
    }

    /// Whether a node is still in the life in which something was planned for it.
    pub(super) fn lives(&self, node: NodeId, life: crate::event::Life) -> bool {
        let node = &self.nodes[node.0];
        node.life == life && node.is_up()
    }

    /// Adds a line to the trace.
    pub(super) fn note(&mut self, what: std::fmt::Arguments<'_>) {
        self.trace.write(self.now, what);
    }

    /// Takes note that a rule is broken; the first one counts.
    pub(super) fn break_rule(&mut self, rule: &'static str, what: String) {
        let at = self.now;
        self.broken.get_or_insert(Violation { at, rule, what });
    }

    fn check(&mut self, at_rest: bool) -> Result<(), Violation> {
        if let Some(violation) = self.broken.take() {
            return Err(violation);
        }
        let mut checkers = std::mem::take(&mut self.checkers);
        let view = self.view();
        let looked = checkers.iter_mut().try_for_each(|checker| {
            let looked = if at_rest {
                checker.at_rest(view)
            } else {
                checker.after_step(view)
            };
            looked.map_err(|what| Violation {
                at: view.now,
                rule: checker.name(),
                what,
            })
        });
        self.checkers = checkers;
        looked
    }

    /// What checkers see.
    pub(crate) fn view(&self) -> View<'_> {
        View {
            now: self.now,
            nodes: &self.nodes,
            network: &self.network,
            model: &self.model,
            touched: &self.touched,
            facts: &self.facts,
        }
    }
}

// To look at.
impl World {
    /// All nodes.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What people did.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// All wires.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What happened.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The seam of signatures, with its counts.
    pub fn scheme(&self) -> &SimScheme {
        &self.scheme
    }

    /// The invites made so far; none in the place of one that could not be made.
    pub fn invites(&self) -> &[Option<Invite>] {
        &self.invites
    }

    /// How many things happened.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// True time.
    pub fn now(&self) -> Time {
        self.now
    }
}
