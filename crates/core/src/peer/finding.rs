//! Where somebody is: what invites, sessions, sealed records and, in `sightings.rs`, the local network say of it.

use super::config::{AWAY_MAX, LINKED_MAX};
use super::io::{Event, Output, Source};
use super::note::Card;
use super::places::{Lookup, Purpose, ROUTE_KIND, Sighting};
use super::state::Peer;
use super::visit::Visit;
use crate::address::Route;
use crate::codec;
use crate::crypto::{Scheme, SecretKey};
use crate::discovery::{AddressRecord, PresenceOutput, PublishTarget, Record, Request};
use crate::identity::Invite;
use crate::ids::{DeviceKey, Face, InviteId, Locator, PeerId};
use crate::introducer::Introducer;
use crate::routing::{Candidate, Target};
use crate::row::Row;
use crate::time::Time;

// What the shell tells.
impl<S: Scheme> Peer<S> {
    /// One introducer has answered a look-up's [`Output::Visit`], with what it holds, or could not.
    pub fn handle_records(&mut self, now: Time, locator: Locator, records: &[Record]) {
        self.now = now;
        let Some(lookup) = self.finding.lookups.get_mut(&locator) else {
            return;
        };
        lookup.open = lookup.open.saturating_sub(1);
        let Lookup { purpose, open, .. } = *lookup;
        if open == 0 {
            self.finding.lookups.remove(&locator);
        }
        match purpose {
            Purpose::Address(peer) => {
                for record in records {
                    // Whatever is wrong with a record, there is nobody to tell.
                    let _ = self.presence.handle_record(now, peer, record);
                }
                self.drain_presence();
                // They may be looked for under several locators.
                if open == 0 && !self.finding.is_looking(now, purpose) {
                    self.sessions.handle_resolved(now, Target::Peer(peer));
                }
            }
            Purpose::Replies(invite) => {
                self.take_replies(now, invite, records);
                if open == 0 {
                    self.meeting.saw(invite);
                    self.tell(Event::MailboxSeen { invite });
                }
            }
            Purpose::Listing(peer) => self.take_listings(now, peer, records, open == 0),
            Purpose::Notice(introducer) => self.take_notices(now, introducer, records),
        }
        self.drain();
    }

    /// An introducer holds a newer record under `locator` than the one of ours, for `peer`, that it was given.
    pub fn handle_stale(&mut self, now: Time, peer: PeerId, locator: Locator, newest: u64) {
        self.now = now;
        if peer == self.me {
            self.list_again(now, newest);
        } else {
            self.presence.handle_stale(now, peer, locator, newest);
        }
        self.drain();
    }

    /// An introducer could not be reached.
    pub fn handle_introducer_down(&mut self, now: Time, introducer: DeviceKey) {
        self.now = now;
        if self.is_ours(introducer) || self.finding.away.len() < AWAY_MAX {
            self.finding.away.insert(introducer);
        }
        self.presence.handle_introducer_down(now, introducer);
        self.follow_homes(|homes, known| homes.handle_down(now, introducer, known));
        self.renew_relays();
        self.ask_notice_elsewhere(introducer);
    }

    /// A face's place at this relay is lost, for a moment or for good: whether its introducer answers is asked now, and not when
    /// something is to be left there.
    pub fn handle_relay_lost(&mut self, now: Time, url: &str) {
        self.now = now;
        let mut own = self.introducers.iter();
        if let Some(key) = own.find(|it| it.relay_url() == url).map(|it| it.key) {
            self.ask_notice_of(key);
        }
    }

    /// Our own network is another than before, or reaches more: whoever was out of reach is tried again, and looked up.
    pub fn handle_network_changed(&mut self, now: Time) {
        self.now = now;
        self.sessions.handle_network_changed(now);
        self.presence.handle_network_changed(now);
        self.drain();
    }

    /// An invite's address of its maker, as [`Output::Learn`] asked for.
    pub fn handle_route_found(&mut self, now: Time, peer: PeerId, face: Face, route: Route) {
        self.now = now;
        let candidate = Candidate {
            from: Face::Contact,
            to: face,
            route,
        };
        self.sessions
            .handle_routes(now, Target::Peer(peer), vec![candidate]);
        self.drain();
    }

    /// A link says where a device of its maker is, and which face. For whoever opens the device next, as a stranger.
    pub fn handle_link(&mut self, face: Face, route: Route) {
        // Over a relay the public face tells nobody our addresses; it has no other way, though.
        let from = match route.relays.is_empty() {
            true => Face::Visitor,
            false => Face::Public,
        };
        self.link(from, face, route);
    }

    /// A provider of a share says where another is. One that tells its contact face, to whoever may have the share, is met with ours:
    /// directly, where there is a way.
    pub fn handle_referral(&mut self, face: Face, route: Route) {
        match face {
            Face::Contact => self.link(Face::Contact, face, route),
            Face::Public | Face::Visitor => self.handle_link(face, route),
        }
    }

    fn link(&mut self, from: Face, to: Face, route: Route) {
        let linked = &mut self.finding.linked;
        linked.retain(|known| known.route.device != route.device);
        if linked.len() >= LINKED_MAX {
            linked.pop_front();
        }
        let route = route.bounded();
        linked.push_back(Candidate { from, to, route });
    }
}

// What the rooms ask.
impl<S: Scheme> Peer<S> {
    /// Says what is known of where `target` is, and asks for more.
    pub(super) fn resolve(&mut self, now: Time, target: Target) {
        let Target::Peer(peer) = target else {
            return self.resolve_device(now, target);
        };
        // Nothing is told of an invite that expired and never counted.
        self.tell_alternatives(peer);
        self.recognise_again();
        let candidates = self.candidates(peer);
        self.sessions.handle_routes(now, target, candidates);
        self.learn_from_invite(peer);
        self.presence.handle_wanted(now, peer, true);
        self.drain_presence();
        if !self.finding.is_looking(now, Purpose::Address(peer)) {
            // What an invite says is among the candidates already; a source that tells it again refines the attempt.
            self.sessions.handle_resolved(now, target);
        }
    }

    /// Has the addresses told that the invites by `peer` carry, as long as they are all they know of us.
    fn learn_from_invite(&mut self, peer: PeerId) {
        let mut routes: Vec<(Face, Route)> = Vec::new();
        for accepted in self.book.waiting(&peer) {
            let contact = accepted.invite.contact.iter();
            let public = accepted.invite.public.iter();
            routes.extend(contact.map(|route| (Face::Contact, route.clone())));
            routes.extend(public.map(|route| (Face::Public, route.clone())));
        }
        if !routes.is_empty() {
            self.outputs.push_back(Output::Learn { peer, routes });
        }
    }

    fn resolve_device(&mut self, now: Time, target: Target) {
        let Target::Device(device) = target else {
            return;
        };
        let linked = self.finding.linked.iter();
        let candidates = linked.filter(|known| known.route.device == device);
        self.sessions
            .handle_routes(now, target, candidates.cloned().collect());
        self.sessions.handle_resolved(now, target);
    }

    /// Every way to `peer` that is known now, the most promising first.
    pub(super) fn candidates(&self, peer: PeerId) -> Vec<Candidate> {
        let mut ways: Vec<(Face, Route)> = Vec::new();
        let mut add = |to: Face, route: &Route| {
            if route.is_empty() {
                return;
            }
            match ways
                .iter_mut()
                .find(|(_, known)| known.device == route.device)
            {
                Some((_, known)) => known.merge(route),
                None => ways.push((to, route.clone())),
            }
        };
        for sighting in self
            .finding
            .sightings
            .values()
            .filter(|it| it.peer == Some(peer))
        {
            add(Face::Contact, &sighting.route);
        }
        if let Some(card) = self.finding.cards.get(&peer) {
            add(Face::Contact, &card.contact);
            card.public
                .iter()
                .for_each(|route| add(Face::Public, route));
        }
        let is_near = |it: &Sighting| it.peer == Some(peer);
        let shared = match self.finding.sightings.values().any(is_near) {
            // No relay need know that two meet who are next to each other.
            true => Vec::new(),
            false => self.shared_relays(peer),
        };
        ways.into_iter()
            .map(|(to, mut route)| {
                if to == Face::Contact && route.relays.is_empty() {
                    route.relays.clone_from(&shared);
                }
                Candidate {
                    from: Face::Contact,
                    to,
                    route: route.bounded(),
                }
            })
            .collect()
    }

    /// Where a contact's records may be: at the introducers they use, at those of the invite `under` whose secret they would stand, and at ours.
    fn introducers_of(&self, peer: PeerId, under: Option<InviteId>) -> Vec<Introducer> {
        let known = self.book.contact(&peer);
        let known = known.into_iter().flat_map(|it| &it.introducers);
        let told = under.and_then(|invite| self.book.introducers_under(&peer, &invite));
        let all = known.chain(told.into_iter().flatten());
        let mut used: Vec<Introducer> = Vec::new();
        for introducer in all.chain(&self.introducers) {
            if !used.contains(introducer) {
                used.push(introducer.clone());
            }
        }
        used
    }

    /// An introducer answers. Where it was away, what it missed is left there now.
    pub fn handle_introducer_up(&mut self, now: Time, device: DeviceKey) {
        self.now = now;
        if self.finding.away.remove(&device) {
            self.presence.handle_introducer_up(now, device);
            self.follow_homes(|homes, known| homes.handle_up(now, device, known));
            self.renew_relays();
            self.leave_replies_at(now, device);
            self.list_again(now, 0);
            self.ask_notice_of(device);
            self.handle_network_changed(now);
        }
    }

    pub(super) fn drain_presence(&mut self) {
        while let Some(output) = self.presence.poll_output() {
            match output {
                PresenceOutput::Publish {
                    peer,
                    target,
                    record,
                } => {
                    let introducers = self.publish_to(target);
                    self.visit(introducers, &Request::Publish(record), Some(peer));
                }
                PresenceOutput::Lookup {
                    peer,
                    locator,
                    under,
                } => {
                    let introducers = self.introducers_of(peer, under);
                    self.look_up(locator, Purpose::Address(peer), introducers);
                }
                PresenceOutput::Found {
                    peer,
                    address,
                    is_newer,
                    under,
                } => self.take_address(peer, *address, is_newer, under),
            }
        }
    }

    fn is_ours(&self, introducer: DeviceKey) -> bool {
        self.introducers.iter().any(|it| it.key == introducer)
    }

    fn publish_to(&self, target: PublishTarget) -> Vec<Introducer> {
        let chosen = |it: &&Introducer| match target {
            PublishTarget::All => true,
            PublishTarget::One(key) => it.key == key,
        };
        self.introducers.iter().filter(chosen).cloned().collect()
    }

    /// Asks each of `introducers` for the same, each time as somebody else.
    pub(super) fn visit(
        &mut self,
        introducers: Vec<Introducer>,
        request: &Request,
        peer: Option<PeerId>,
    ) {
        for introducer in introducers {
            let visit = Visit {
                is_ours: self.is_ours(introducer.key),
                introducer,
                visitor: SecretKey::from_bytes(self.random.bytes()),
                request: request.clone(),
                peer,
            };
            self.outputs.push_back(Output::Visit(Box::new(visit)));
        }
    }

    /// Asks introducers what stands under a locator.
    pub(super) fn look_up(
        &mut self,
        locator: Locator,
        purpose: Purpose,
        introducers: Vec<Introducer>,
    ) {
        if introducers.is_empty() {
            return;
        }
        let asked = introducers.len();
        self.finding
            .begin_look_up(self.now, locator, purpose, asked);
        self.visit(introducers, &Request::Lookup(locator), None);
    }

    /// A contact's sealed record was opened. One that is newer than those before shows that they are there.
    fn take_address(
        &mut self,
        peer: PeerId,
        address: AddressRecord,
        is_newer: bool,
        under: Option<InviteId>,
    ) {
        let now = self.now;
        let contact = address.contact.iter().map(|it| (Face::Contact, it.device));
        let public = address.public.iter().map(|it| (Face::Public, it.device));
        let Some(face) = contact.chain(public).next() else {
            return;
        };
        if !self.is_theirs(now, peer, &address.binding, face) {
            return;
        }
        match under {
            None => self.book.mark_mutual(&peer),
            // Of what was shared before nothing waits, and nothing follows from it.
            Some(invite) => self.book.mark_taken(&peer, &invite),
        }
        self.book
            .observe_introducers(&peer, address.introducers.clone());
        self.drain_book(now);
        let known = self.finding.cards.get(&peer);
        let (binding, contact) = match (address.contact, known) {
            (Some(contact), _) => (address.binding, contact),
            // What else an invite or they themselves told stays.
            (None, Some(card)) => (card.binding.clone(), card.contact.clone()),
            (None, None) => (Vec::new(), nowhere()),
        };
        let card = Card::new(binding, contact, address.public, &address.introducers);
        // A record has no room to say whether they still relay.
        let relay = known.and_then(|card| card.relay.clone());
        let card = card.with_relay(relay);
        self.learn_card(peer, card, Source::Record);
        let candidates = self.candidates(peer);
        self.sessions
            .handle_routes(now, Target::Peer(peer), candidates);
        if is_newer {
            self.sessions.handle_alive(now, Target::Peer(peer));
        }
    }

    /// Remembers what an invite says of its maker's places, where nothing is known yet: the invite itself is forgotten as
    /// soon as it has arrived, which may be long before the maker says where it is.
    pub(super) fn keep_invite_routes(&mut self, peer: PeerId, invite: &Invite) {
        if self.finding.cards.contains_key(&peer) {
            return;
        }
        let contact = invite.contact.clone();
        let public = invite.public.clone();
        let card = Card::new(
            Vec::new(),
            contact.unwrap_or_else(nowhere),
            public,
            &invite.introducers,
        );
        self.learn_card(peer, card, Source::Invite);
    }

    /// Remembers where a contact is.
    pub(super) fn learn_card(&mut self, peer: PeerId, card: Card, source: Source) {
        if self.finding.cards.get(&peer) == Some(&card) {
            return;
        }
        let value = Some(codec::encode(&card));
        let row = Row {
            kind: ROUTE_KIND,
            key: peer.as_bytes().to_vec(),
            value,
        };
        // What only an invite says of its maker is bound to nobody yet.
        let device = (!card.binding.is_empty()).then_some(card.contact.device);
        self.finding.cards.insert(peer, card);
        self.outputs.push_back(Output::Store(vec![row]));
        self.tell(Event::Found { peer, source });
        self.renew_relays();
        if let Some(device) = device {
            self.observe_device(peer, device);
        }
    }

    /// Forgets where somebody is.
    pub(super) fn forget_routes(&mut self, peer: PeerId) {
        self.relays.devices.remove(&peer);
        if self.finding.cards.remove(&peer).is_some() {
            let row = Row {
                kind: ROUTE_KIND,
                key: peer.as_bytes().to_vec(),
                value: None,
            };
            self.outputs.push_back(Output::Store(vec![row]));
        }
        for sighting in self
            .finding
            .sightings
            .values_mut()
            .filter(|it| it.peer == Some(peer))
        {
            sighting.peer = None;
        }
    }
}

/// The contact face of somebody of whom none is known.
fn nowhere() -> Route {
    Route::new(DeviceKey([0; 32]))
}
