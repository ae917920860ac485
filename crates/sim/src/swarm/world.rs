//! The loop of a swarm: what is on its way arrives, in order of time.

use std::collections::BTreeMap;

use kith_core::content::swarm::Span;
use kith_core::content::swarm::getter::{Path, PathKind, ReaderId, SourceId, Who};
use kith_core::content::swarm::provider::AskerId;
use kith_core::content::swarm::wire::{AskerMessage, ProviderMessage};
use kith_core::ids::{DeviceKey, PeerId};
use kith_core::random::Random;
use kith_core::time::Time;

use super::checker;
use super::node::{Node, SNAPSHOT, TRANSFER};
use super::plan::{Conduct, MS, Plan, SECOND};
use crate::event::EPOCH;
use crate::trace::Trace;

/// Others that a node asks at once, of its own choice.
pub const SOURCES_SOUGHT: usize = 24;

/// What a player has ahead of it as its window.
const WINDOW_BYTES: u64 = 8 << 20;

/// How often a player looks.
const PLAYER_TICK: u64 = 100 * MS;

/// How often a node looks for the owner.
const SEEK_EVERY: u64 = 10 * SECOND;

/// A run that has not ended by then does not end: an hour.
const TIME_MAX: u64 = 3600 * SECOND;

/// A stream from one who wants to one who gives; both machines call it by its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    pub(super) asker: usize,
    pub(super) provider: usize,
    pub(super) is_open: bool,
    /// When the last thing sent to either arrives: nothing overtakes it.
    pub(super) to_asker: u64,
    pub(super) to_provider: u64,
}

/// What is on its way.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Join(usize),
    Wake(usize),
    Crash(usize),
    Ask(usize, AskerMessage),
    Tell(usize, ProviderMessage),
    /// Of a stream: the provider's end is reached by the asker's opening.
    Opened(usize),
    /// The other side has closed it.
    ClosedByAsker(usize),
    ClosedByProvider(usize),
    /// A piece of a request's answer, up to here.
    Data(usize, u64, Span),
    /// A node's line can send again.
    Sent(usize),
    Written(usize, u64),
    Play(usize),
    /// A node looks whether it still has a stream to the owner.
    Seek(usize),
}

/// A swarm under way.
#[derive(Debug)]
pub struct World {
    pub(super) plan: Plan,
    pub(super) nodes: Vec<Node>,
    pub(super) streams: Vec<Stream>,
    pub(super) now: u64,
    pub(super) random: Random,
    events: BTreeMap<(u64, u64), Event>,
    next_event: u64,
    /// Who must be done and is not.
    pub(super) undone: usize,
    steps: u64,
    trace: Trace,
}

impl World {
    /// A swarm at its beginning.
    pub fn new(plan: Plan, seed: u64, whole_trace: bool) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_be_bytes());
        let mut random = Random::new(bytes);
        let nodes = (plan.members.iter())
            .map(|member| Node::new(&plan, member.clone(), &mut random))
            .collect();
        let mut world = Self {
            nodes,
            streams: Vec::new(),
            now: 0,
            random,
            events: BTreeMap::new(),
            next_event: 0,
            undone: plan.members.iter().filter(|it| it.must_finish()).count(),
            steps: 0,
            trace: Trace::new(whole_trace),
            plan,
        };
        for place in 0..world.nodes.len() {
            let member = &world.nodes[place].member;
            let (joins_at, conduct) = (member.joins_at, member.conduct);
            world.at(joins_at, Event::Join(place));
            match conduct {
                Conduct::Crashes(at, back) => {
                    world.at(at, Event::Crash(place));
                    world.at(back, Event::Join(place));
                }
                Conduct::Plays(_) => world.at(joins_at, Event::Play(place)),
                Conduct::Honest | Conduct::Liar | Conduct::Stalls(_) | Conduct::Boasts => {}
            }
        }
        world
    }

    /// Runs until everybody who must be is done.
    ///
    /// # Errors
    /// What is against the rules of [`checker`].
    pub fn run(&mut self) -> Result<(), String> {
        while let Some(((at, _), event)) = self.events.pop_first() {
            if at > TIME_MAX {
                break;
            }
            self.now = at;
            self.steps += 1;
            let concerned = self.step(event);
            if let Some(place) = concerned {
                self.settle(place);
                checker::check(&self.plan, &self.nodes[place])
                    .map_err(|error| format!("node {place}: {error}"))?;
                if self.undone == 0 {
                    return Ok(());
                }
            }
        }
        checker::at_end(&self.nodes)
    }

    /// What it was planned as.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// All members.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Now, in microseconds.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// How many things happened.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The trace so far.
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// Now, as machines see it.
    pub(super) fn time(&self) -> Time {
        Time(EPOCH.0 + self.now / MS)
    }

    /// Puts something on its way.
    pub(super) fn at(&mut self, at: u64, event: Event) {
        self.events
            .insert((at.max(self.now), self.next_event), event);
        self.next_event += 1;
    }

    /// Does what is due. Says which node it concerns, if that is there.
    fn step(&mut self, event: Event) -> Option<usize> {
        let now = self.time();
        let place = self.concerned(&event)?;
        if let Event::Join(_) = event {
            self.join(place);
            return Some(place);
        }
        if !self.nodes[place].is_up {
            return None;
        }
        match event {
            Event::Join(_) => {}
            Event::Wake(_) => {
                if self.nodes[place].wake_at != Some(self.now) {
                    return None;
                }
                self.nodes[place].wake_at = None;
                self.nodes[place].getter.handle_timeout(now);
                self.nodes[place].provider.handle_timeout(now);
            }
            Event::Crash(_) => self.crash(place),
            Event::Ask(stream, AskerMessage::Request(asks))
                if self.nodes[place].member.conduct == Conduct::Boasts =>
            {
                self.put_off(stream, &asks);
            }
            Event::Ask(stream, message) => {
                let id = AskerId(stream as u64);
                self.nodes[place].provider.handle_message(now, id, message);
            }
            Event::Tell(stream, message) => {
                let id = SourceId(stream as u64);
                self.nodes[place].getter.handle_message(now, id, message);
            }
            Event::Opened(stream) => self.opened(stream),
            Event::ClosedByAsker(stream) => {
                let id = AskerId(stream as u64);
                self.nodes[place].provider.handle_closed(now, id);
                self.nodes[place].askers.retain(|_, it| *it != stream);
                // Whoever came for it may have it now.
                let asker = self.streams[stream].asker;
                self.nodes[place].acquaintances.insert(asker);
            }
            Event::ClosedByProvider(stream) => {
                let id = SourceId(stream as u64);
                self.nodes[place].getter.handle_closed(now, id);
                self.nodes[place].sources.retain(|_, it| *it != stream);
            }
            Event::Data(stream, request, span) => self.receive(place, stream, request, span),
            Event::Sent(_) => {
                self.nodes[place].is_sending = false;
                self.send_on(place);
            }
            Event::Written(_, bytes) => self.nodes[place].getter.handle_written(now, bytes),
            Event::Play(_) => self.play(place),
            Event::Seek(_) => self.seek(place),
        }
        Some(place)
    }

    /// Whom something concerns; what arrives on a stream that is no more concerns nobody.
    fn concerned(&mut self, event: &Event) -> Option<usize> {
        let (place, what) = match event {
            Event::Join(place) => (*place, "joins"),
            Event::Wake(place) => (*place, "wakes"),
            Event::Crash(place) => (*place, "crashes"),
            Event::Sent(place) => (*place, "has sent"),
            Event::Written(place, _) => (*place, "has written"),
            Event::Play(place) => (*place, "plays"),
            Event::Seek(place) => (*place, "seeks"),
            Event::Ask(stream, _) => (self.streams[*stream].provider, "is asked"),
            Event::Opened(stream) => (self.streams[*stream].provider, "is opened to"),
            Event::ClosedByAsker(stream) => (self.streams[*stream].provider, "is left"),
            Event::Tell(stream, _) => (self.streams[*stream].asker, "is told"),
            Event::ClosedByProvider(stream) => (self.streams[*stream].asker, "is closed"),
            Event::Data(stream, ..) => (self.streams[*stream].asker, "receives"),
        };
        let is_stale = match event {
            Event::Ask(stream, _)
            | Event::Tell(stream, _)
            | Event::Data(stream, ..)
            | Event::Opened(stream) => !self.streams[*stream].is_open,
            _ => false,
        };
        let (at, steps) = (Time(EPOCH.0 + self.now / MS), self.steps);
        match event {
            Event::Data(stream, request, span) => self.trace.write(
                at,
                format_args!("{steps} {place} {what} {stream}/{request} {}", span.end),
            ),
            Event::Ask(stream, AskerMessage::Request(asks)) => self.trace.write(
                at,
                format_args!("{steps} {place} {what} {stream} {}", asks.len()),
            ),
            _ => self.trace.write(at, format_args!("{steps} {place} {what}")),
        }
        (!is_stale).then_some(place)
    }

    fn join(&mut self, place: usize) {
        let now = self.time();
        self.nodes[place].start(&self.plan, now, &mut self.random);
        if self.nodes[place].wants() {
            self.seek(place);
        } else {
            self.nodes[0].acquaintances.insert(place);
        }
    }

    /// Whoever wants something comes back to the owner, whatever became of the stream before.
    fn seek(&mut self, place: usize) {
        if self.nodes[place].wants() {
            self.connect(place, 0);
            self.at(self.now + SEEK_EVERY, Event::Seek(place));
        }
    }

    fn crash(&mut self, place: usize) {
        let streams: Vec<usize> = (self.streams.iter().enumerate())
            .filter(|(_, it)| it.is_open && (it.asker == place || it.provider == place))
            .map(|(stream, _)| stream)
            .collect();
        for stream in streams {
            self.streams[stream].is_open = false;
            let after = self.now + self.plan.delay;
            if self.streams[stream].asker == place {
                self.at(after, Event::ClosedByAsker(stream));
            } else {
                self.at(after, Event::ClosedByProvider(stream));
            }
        }
        self.nodes[place].lose_power();
    }

    /// Opens a stream, unless there is one, or one of them is not there.
    pub(super) fn connect(&mut self, asker: usize, provider: usize) -> Option<usize> {
        let is_fine = asker != provider
            && self.nodes[provider].is_up
            && self.nodes[asker].is_up
            && !self.nodes[asker].sources.contains_key(&provider)
            && self.nodes[asker].sources.len() < SOURCES_SOUGHT;
        if !is_fine {
            return None;
        }
        let stream = self.streams.len();
        let arrives = self.now + self.plan.delay;
        self.streams.push(Stream {
            asker,
            provider,
            is_open: true,
            to_asker: 0,
            to_provider: arrives,
        });
        self.nodes[asker].sources.insert(provider, stream);
        self.nodes[provider].askers.insert(asker, stream);
        let path = Path {
            kind: PathKind::Direct,
            rtt: std::time::Duration::from_micros(2 * self.plan.delay),
        };
        let (now, id, who) = (self.time(), SourceId(stream as u64), who(provider));
        let getter = &mut self.nodes[asker].getter;
        getter.handle_source(now, id, TRANSFER, who, path);
        self.at(arrives, Event::Opened(stream));
        Some(stream)
    }

    /// The provider's side of a new stream.
    fn opened(&mut self, stream: usize) {
        let Stream {
            asker, provider, ..
        } = self.streams[stream];
        let (now, id) = (self.time(), AskerId(stream as u64));
        let device = who(asker).device;
        self.nodes[provider]
            .provider
            .handle_asker(now, id, device, SNAPSHOT);
        self.introduce(provider, asker, id);
        let is_wanting =
            self.nodes[provider].member.must_finish() && self.nodes[provider].done_at.is_none();
        if is_wanting {
            self.connect(provider, asker);
        }
    }

    fn play(&mut self, place: usize) {
        let Conduct::Plays(rate) = self.nodes[place].member.conduct else {
            return;
        };
        let (now, size) = (self.time(), self.plan.size);
        let node = &mut self.nodes[place];
        let next = (node.played + rate * PLAYER_TICK / SECOND).min(size);
        let wanted = Span {
            start: node.played,
            end: next,
        };
        if node.held.covers(wanted) {
            node.played = next;
        } else {
            node.tally.pauses += 1;
        }
        let window = (node.played < size).then(|| Span {
            start: node.played,
            end: (node.played + WINDOW_BYTES).min(size),
        });
        node.getter
            .handle_window(now, TRANSFER, ReaderId(1), window);
        if window.is_some() {
            self.at(self.now + PLAYER_TICK, Event::Play(place));
        }
    }
}

/// The keys of a node.
pub(super) fn who(place: usize) -> Who {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&(place as u64).to_be_bytes());
    Who {
        device: DeviceKey(key),
        peer: Some(PeerId(key)),
    }
}

/// The node of a key.
pub(super) fn place_of(device: DeviceKey) -> Option<usize> {
    let first = device.as_bytes().first_chunk::<8>()?;
    usize::try_from(u64::from_be_bytes(*first)).ok()
}
