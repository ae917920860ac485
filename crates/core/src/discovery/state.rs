//! The [`Presence`] machine: leaves my address for each contact wherever records are kept, and finds theirs.
//!
//! It decides what is published when and what is looked up how often, and believes what comes back only from the
//! contact it asked about and never an older one after a newer one. Which introducers are asked, and whether
//! a record also goes elsewhere, is its caller's business.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use zeroize::ZeroizeOnDrop;

use crate::crypto::Scheme;
use crate::ids::{DeviceKey, InviteId, Locator, PeerId};
use crate::random::{Random, Seed};
use crate::time::{Day, Time};

use super::address::{AddressError, AddressRecord, Envelope};
use super::config::PresenceConfig;
use super::contact::{Contact, FindError, NEVER, Newest, Told};
use super::lan::Acquaintance;
use super::own::{Own, OwnAddress};
use super::record::Record;
use super::schedule::{self, DEBOUNCE, DEBOUNCE_MAX, PUBLISH_BURST, PUBLISH_PACE};

/// The most introducers that wait to be told everything: more than a node uses.
const CATCH_UPS_MAX: usize = 16;

/// A secret that a contact may share with me: of an invite that it may have taken.
#[derive(Clone, Debug, PartialEq, Eq, ZeroizeOnDrop)]
pub struct Alternative {
    /// Of which invite.
    #[zeroize(skip)]
    pub invite: InviteId,
    /// The reach secret.
    pub reach: [u8; 32],
}

/// Whom a record is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishTarget {
    /// Every introducer in use, and whatever else keeps records.
    All,
    /// The introducer with this key, which was away.
    One(DeviceKey),
}

/// What the caller is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresenceOutput {
    /// Leave a record.
    Publish {
        /// The contact who looks for it; for [`Presence::handle_stale`], never for an introducer.
        peer: PeerId,
        /// Where to.
        target: PublishTarget,
        /// The record.
        record: Record,
    },
    /// Ask for what stands under a locator, and hand it to [`Presence::handle_record`].
    Lookup {
        /// Whose address is looked for.
        peer: PeerId,
        /// Where it stands.
        locator: Locator,
        /// Of which invite the secret is that it follows from; `None` for the one that counts.
        under: Option<InviteId>,
    },
    /// A contact says where it is.
    Found {
        /// Who.
        peer: PeerId,
        /// What it says; its binding is still to be verified.
        address: Box<AddressRecord>,
        /// Whether it was written after all that were found before.
        is_newer: bool,
        /// Of which invite the secret is that it was sealed with; `None` for the one that counts.
        under: Option<InviteId>,
    },
}

/// A change of address that is waiting to come to rest.
#[derive(Clone, Copy, Debug)]
struct Change {
    since: Time,
    due: Time,
}

/// An introducer that is told everything, contact by contact.
#[derive(Clone, Copy, Debug)]
struct CatchUp {
    introducer: DeviceKey,
    /// The last contact done.
    after: Option<PeerId>,
}

/// What is about to come out. Records are signed only then, because there may be thousands.
#[derive(Clone, Debug)]
enum Ready {
    Publish {
        peer: PeerId,
        day: Day,
        target: PublishTarget,
    },
    Emit(PresenceOutput),
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Presence<S> {
    scheme: S,
    config: PresenceConfig,
    random: Random,
    now: Time,
    own: Option<Own>,
    change: Option<Change>,
    contacts: BTreeMap<PeerId, Contact>,
    /// Under what else few of them are looked up, and what was read there.
    alternatives: BTreeMap<PeerId, Vec<(Alternative, Newest)>>,
    catch_ups: VecDeque<CatchUp>,
    ready: VecDeque<Ready>,
    /// Nothing is due before.
    next: Time,
}

impl<S: Scheme> Presence<S> {
    /// A presence without contacts, of a device that does not know yet where it is.
    pub fn new(scheme: S, config: PresenceConfig, seed: Seed, now: Time) -> Self {
        Self {
            scheme,
            config,
            random: Random::new(seed),
            now,
            own: None,
            change: None,
            contacts: BTreeMap::new(),
            alternatives: BTreeMap::new(),
            catch_ups: VecDeque::new(),
            ready: VecDeque::new(),
            next: NEVER,
        }
    }

    /// Somebody is a contact, sharing `reach` with me: from now on addresses are left for it that tell this. With another secret
    /// than before, it begins anew.
    pub fn handle_contact_added(&mut self, now: Time, peer: PeerId, reach: [u8; 32], told: Told) {
        self.now = now;
        let known = self.contacts.get_mut(&peer);
        let is_news = match known.filter(|contact| contact.reach == reach) {
            Some(contact) => contact.tell(now, told),
            None => {
                self.contacts.insert(peer, Contact::new(reach, told, now));
                true
            }
        };
        if is_news {
            self.next = self.next.min(now);
        }
    }

    /// Which other secrets a contact may hold that it shares with me, instead of the one that counts: its records are looked for under them,
    /// too. In the place of those given before.
    pub fn handle_alternatives(&mut self, peer: PeerId, alternatives: Vec<Alternative>) {
        let before = self.alternatives.remove(&peer).unwrap_or_default();
        if alternatives.is_empty() || !self.contacts.contains_key(&peer) {
            return;
        }
        let newest = |it: &Alternative| {
            let mut known = before.iter();
            let known = known.find(|(known, _)| known.reach == it.reach);
            known.map(|(_, newest)| newest.clone()).unwrap_or_default()
        };
        let alternatives = alternatives.into_iter().map(|it| {
            let newest = newest(&it);
            (it, newest)
        });
        self.alternatives.insert(peer, alternatives.collect());
    }

    /// Somebody is no contact any more: what was left for it is replaced by noise that nobody can open.
    pub fn handle_contact_removed(&mut self, now: Time, peer: PeerId) {
        self.now = now;
        self.alternatives.remove(&peer);
        let Some(mut contact) = self.contacts.remove(&peer) else {
            return;
        };
        let PresenceConfig { me, role } = self.config;
        for day in std::iter::once(now.day()).chain(schedule::neighbour(now)) {
            let place = (me, day, role);
            let withdrawn = contact.withdraw(&self.scheme, &mut self.random, place, now);
            self.ready.extend(withdrawn.map(|record| {
                Ready::Emit(PresenceOutput::Publish {
                    peer,
                    target: PublishTarget::All,
                    record,
                })
            }));
        }
    }

    /// Where I am. A change is published to all contacts once it has come to rest.
    ///
    /// # Errors
    /// [`AddressError::Bounds`] when no record can hold it; the address before stays.
    pub fn handle_address(&mut self, now: Time, own: OwnAddress) -> Result<(), AddressError> {
        self.now = now;
        let own = Own::new(self.config.role, own)?;
        if self.own.as_ref() == Some(&own) {
            return Ok(());
        }
        self.own = Some(own);
        let since = self.change.map_or(now, |change| change.since);
        let due = (now + DEBOUNCE).min(since + DEBOUNCE_MAX);
        self.change = Some(Change { since, due });
        self.next = self.next.min(due);
        Ok(())
    }

    /// An introducer is there, for the first time or again: it is told everything, in bursts.
    pub fn handle_introducer_up(&mut self, now: Time, introducer: DeviceKey) {
        self.now = now;
        self.catch_ups
            .retain(|catch_up| catch_up.introducer != introducer);
        if self.catch_ups.len() < CATCH_UPS_MAX {
            let after = None;
            self.catch_ups.push_back(CatchUp { introducer, after });
            self.next = self.next.min(now);
        }
    }

    /// An introducer is gone, or not used any more.
    pub fn handle_introducer_down(&mut self, now: Time, introducer: DeviceKey) {
        self.now = now;
        self.catch_ups
            .retain(|catch_up| catch_up.introducer != introducer);
    }

    /// A registry holds a record of mine for `peer` under `locator` that is newer than what I published: my clock was ahead
    /// before I was restarted. What I publish next there goes past it.
    pub fn handle_stale(&mut self, now: Time, peer: PeerId, locator: Locator, newest: u64) {
        self.now = now;
        let me = self.config.me;
        let contact = self.contacts.get_mut(&peer);
        if contact.is_some_and(|contact| contact.handle_stale(now, me, locator, newest)) {
            self.next = self.next.min(now);
        }
    }

    /// A session with `peer` stands: when it is wanted next, it is looked up at once.
    pub fn handle_present(&mut self, now: Time, peer: PeerId) {
        self.now = now;
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.handle_present(now);
        }
    }

    /// Whether a session with `peer` is wanted and not there: then it is looked up, at once and less and less often. It
    /// goes on where it was when it was wanted before, unless it was present meanwhile.
    pub fn handle_wanted(&mut self, now: Time, peer: PeerId, wanted: bool) {
        self.now = now;
        let Some(contact) = self.contacts.get_mut(&peer) else {
            return;
        };
        if contact.handle_wanted(now, wanted) {
            self.look_up(now, peer);
        } else {
            self.next = self.next.min(contact.lookup_at());
        }
    }

    /// Somebody asks for `peer` now, who is not there: it is looked up at once, however long it has been away, and again
    /// soon after, as long as it is wanted.
    pub fn handle_asked(&mut self, now: Time, peer: PeerId) {
        self.now = now;
        if let Some(contact) = self.contacts.get_mut(&peer) {
            contact.handle_wanted(now, true);
            contact.handle_asked();
            self.look_up(now, peer);
        }
    }

    /// My own network is another than before, or reaches more: everybody who is wanted is looked up soon.
    pub fn handle_network_changed(&mut self, now: Time) {
        self.now = now;
        for contact in self.contacts.values_mut() {
            contact.handle_network_changed(now, &mut self.random);
            self.next = self.next.min(contact.lookup_at());
        }
    }

    /// A record that came back for a lookup of `peer`. The freshest of each device comes out as
    /// [`PresenceOutput::Found`], also when it was known before.
    ///
    /// # Errors
    /// [`FindError`]: why it was passed over. Nothing else follows from it.
    pub fn handle_record(
        &mut self,
        now: Time,
        peer: PeerId,
        record: &Record,
    ) -> Result<(), FindError> {
        self.now = now;
        let contact = self.contacts.get_mut(&peer).ok_or(FindError::Unknown)?;
        let opened = contact.open(&self.scheme, now, peer, record);
        let opened = opened.map(|(address, is_newer)| (address, is_newer, None));
        let (address, is_newer, under) = match opened {
            Err(FindError::Address(AddressError::Elsewhere)) => {
                self.open_under(now, peer, record)?
            }
            opened => opened?,
        };
        let found = PresenceOutput::Found {
            peer,
            address: Box::new(address),
            is_newer,
            under,
        };
        self.ready.push_back(Ready::Emit(found));
        Ok(())
    }

    /// Opens what was left under one of the other secrets, and by which invite that is.
    fn open_under(
        &mut self,
        now: Time,
        peer: PeerId,
        record: &Record,
    ) -> Result<(AddressRecord, bool, Option<InviteId>), FindError> {
        let day = self.contacts.get(&peer).and_then(Contact::asked);
        let day = day.ok_or(FindError::NotAsked)?;
        for (other, newest) in self.alternatives.get_mut(&peer).into_iter().flatten() {
            let place = Envelope {
                reach: &other.reach,
                writer: peer,
                day,
            };
            match newest.open(&self.scheme, now, place, record) {
                Err(FindError::Address(AddressError::Elsewhere)) => {}
                opened => {
                    let (address, is_newer) = opened?;
                    return Ok((address, is_newer, Some(other.invite)));
                }
            }
        }
        Err(AddressError::Elsewhere.into())
    }

    /// Does what is due.
    pub fn handle_timeout(&mut self, now: Time) {
        self.now = now;
        if now < self.next {
            return;
        }
        if self.change.is_some_and(|change| change.due <= now) {
            self.change = None;
            for contact in self.contacts.values_mut() {
                contact.handle_change(now);
            }
        }
        let mut room = PUBLISH_BURST;
        if self.is_settled() {
            self.publish_due(now, &mut room);
            self.catch_up(&mut room);
        }
        let wanted: Vec<PeerId> = self
            .contacts
            .iter()
            .filter(|(_, contact)| contact.lookup_at() <= now)
            .map(|(peer, _)| *peer)
            .collect();
        for peer in wanted {
            self.look_up(now, peer);
        }
        self.next = self.next_due(now, room);
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<PresenceOutput> {
        loop {
            match self.ready.pop_front()? {
                Ready::Emit(output) => return Some(output),
                Ready::Publish { peer, day, target } => {
                    if let Some(record) = self.record_for(peer, day) {
                        return Some(PresenceOutput::Publish {
                            peer,
                            target,
                            record,
                        });
                    }
                }
            }
        }
    }

    /// When [`Presence::handle_timeout`] wants to be called.
    pub fn poll_timeout(&self) -> Option<Time> {
        (self.next != NEVER).then_some(self.next)
    }

    /// Where `peer` leaves its address on `day`; `None` when it is no contact.
    pub fn locator_of(&self, peer: PeerId, day: Day) -> Option<Locator> {
        let reach = &self.contacts.get(&peer)?.reach;
        let writer = peer;
        Some(Envelope { reach, writer, day }.locator())
    }

    /// All contacts with the secrets that may be shared with them, as [`lan`](super::lan) asks for them.
    pub fn acquaintances(&self) -> impl Iterator<Item = Acquaintance<'_>> {
        let contacts = self.contacts.iter();
        let others = self.alternatives.iter();
        let others = others.flat_map(|(peer, all)| all.iter().map(|(it, _)| (*peer, &it.reach)));
        contacts
            .map(|(peer, contact)| (*peer, &contact.reach))
            .chain(others)
    }

    /// Whether there is an address to publish that is not just changing.
    fn is_settled(&self) -> bool {
        self.own.is_some() && self.change.is_none()
    }

    /// Makes ready what is to be published by now, as far as there is room; who waited longest goes first.
    fn publish_due(&mut self, now: Time, room: &mut usize) {
        let mut due: Vec<(Time, PeerId)> = self
            .contacts
            .iter()
            .map(|(peer, contact)| (contact.publish_at(), *peer))
            .filter(|(at, _)| *at <= now)
            .collect();
        due.sort_unstable();
        for (_, peer) in due {
            let Some(contact) = self.contacts.get_mut(&peer).filter(|_| *room > 0) else {
                return;
            };
            let target = PublishTarget::All;
            for day in contact.take_due(now, &mut self.random) {
                self.ready.push_back(Ready::Publish { peer, day, target });
                *room = room.saturating_sub(1);
            }
        }
    }

    /// Goes on telling introducers that were away.
    fn catch_up(&mut self, room: &mut usize) {
        let days = std::iter::once(self.now.day()).chain(schedule::neighbour(self.now));
        while let Some(catch_up) = self.catch_ups.front_mut() {
            let from = catch_up.after.map_or(Bound::Unbounded, Bound::Excluded);
            let target = PublishTarget::One(catch_up.introducer);
            for (peer, _) in self.contacts.range((from, Bound::Unbounded)) {
                if *room == 0 {
                    return;
                }
                catch_up.after = Some(*peer);
                *room -= 1;
                let publish = |day| Ready::Publish {
                    peer: *peer,
                    day,
                    target,
                };
                self.ready.extend(days.clone().map(publish));
            }
            self.catch_ups.pop_front();
        }
    }

    /// Asks for `peer` now, and says when next.
    fn look_up(&mut self, now: Time, peer: PeerId) {
        let Some(contact) = self.contacts.get_mut(&peer) else {
            return;
        };
        let day = contact.look_up(now, &mut self.random);
        self.next = self.next.min(contact.lookup_at());
        let others = self.alternatives.get(&peer).into_iter().flatten();
        let others = others.map(|(it, _)| (Some(it.invite), &it.reach));
        for (under, reach) in std::iter::once((None, &contact.reach)).chain(others) {
            let writer = peer;
            let locator = Envelope { reach, writer, day }.locator();
            self.ready.push_back(Ready::Emit(PresenceOutput::Lookup {
                peer,
                locator,
                under,
            }));
        }
    }

    /// When the next thing is due, after a burst that left `room`.
    fn next_due(&self, now: Time, room: usize) -> Time {
        let publishes = self.is_settled();
        let due = |contact: &Contact| {
            let published = if publishes {
                contact.publish_at()
            } else {
                NEVER
            };
            // What had no room is due already; it waits for the next burst.
            let burst = now + PUBLISH_PACE * u32::from(room == 0);
            contact.lookup_at().min(published.max(burst))
        };
        let contacts = self.contacts.values().map(due).min().unwrap_or(NEVER);
        let change = self.change.map_or(NEVER, |change| change.due);
        let caught_up = self.catch_ups.is_empty() || !publishes;
        let catch_up = if caught_up { NEVER } else { now + PUBLISH_PACE };
        contacts.min(change).min(catch_up)
    }

    /// My address, sealed for `peer`; `None` when it has gone or there is nothing to say.
    fn record_for(&mut self, peer: PeerId, day: Day) -> Option<Record> {
        let contact = self.contacts.get_mut(&peer)?;
        let Some(mut address) = self.own.as_ref()?.told(contact.told()).cloned() else {
            // Nothing may be told any more where something was.
            let PresenceConfig { me, role } = self.config;
            let place = (me, day, role);
            return contact.withdraw(&self.scheme, &mut self.random, place, self.now);
        };
        address.at = self.now;
        let place = (self.config.me, day);
        contact
            .seal(&self.scheme, &mut self.random, place, &address)
            .ok()
    }
}

#[cfg(test)]
mod tests;
