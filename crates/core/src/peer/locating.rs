//! Being found by plain PeerId, which one has to ask for, and finding those who did.
//!
//! A findable node leaves a [`Listing`] at its introducers and renews it for as long as it runs. Whoever looks for a peer
//! that is not in the address book asks the introducers for one; the device in it is then reached as a link's is: as a
//! stranger, on the public face.

use std::time::Duration;

use super::config::LISTING_RENEWAL;
use super::io::Event;
use super::listed::Listed;
use super::places::Purpose;
use super::state::Peer;
use crate::address::Route;
use crate::codec;
use crate::crypto::Scheme;
use crate::discovery::{Listing, Record, Request, schedule};
use crate::identity::SignedBinding;
use crate::ids::{DeviceKey, Face, PeerId};
use crate::time::Time;

// What the shell tells.
impl<S: Scheme> Peer<S> {
    /// Somebody wants to reach a peer who is not in the address book: is it listed? Ends in [`Event::Located`].
    pub fn handle_locate(&mut self, now: Time, peer: PeerId) {
        self.now = now;
        let locator = Listing::locator(peer);
        if self.introducers.is_empty() || peer == self.me {
            return self.tell(Event::Located { peer, device: None });
        }
        if !self.finding.is_looking(now, Purpose::Listing(peer)) {
            let introducers = self.introducers.clone();
            self.look_up(locator, Purpose::Listing(peer), introducers);
        }
    }
}

impl<S: Scheme> Peer<S> {
    /// One introducer's answer; `is_last` where no other is waited for.
    pub(super) fn take_listings(
        &mut self,
        now: Time,
        peer: PeerId,
        records: &[Record],
        is_last: bool,
    ) {
        for record in records {
            // Whatever is wrong with a record, there is nobody to tell.
            let Ok(listing) = Listing::open(&self.scheme, peer, record, now) else {
                continue;
            };
            let Some(device) = self.listed_device(now, peer, &listing) else {
                continue;
            };
            let mut route = Route::new(device);
            route.relays = listing.relays;
            self.handle_link(Face::Public, route);
            // The first answer is used; a later one is where the next attempt goes.
            return self.tell(Event::Located {
                peer,
                device: Some(device),
            });
        }
        if is_last {
            self.tell(Event::Located { peer, device: None });
        }
    }

    /// Whose public face a listing names, if it is `peer`'s.
    fn listed_device(&self, now: Time, peer: PeerId, listing: &Listing) -> Option<DeviceKey> {
        let signed: SignedBinding = codec::decode(&listing.binding).ok()?;
        let binding = signed.verify(&self.scheme, now).ok()?;
        let is_theirs = binding.peer == peer && binding.face == Face::Public;
        is_theirs.then_some(binding.device)
    }

    /// Leaves our listing, if we want to be found and it is due or says something else than before.
    pub(super) fn list_self(&mut self, now: Time) {
        let Some(listing) = self.own_listing().filter(|_| self.config.findable) else {
            self.listed.due = None;
            return;
        };
        let is_due = self.listed.due.is_none_or(|due| due <= now);
        if !is_due && self.listed.listing.as_ref() == Some(&listing) {
            return;
        }
        let sequence = now.0.max(self.listed.sequence.saturating_add(1));
        let expires = now + schedule::RECORD_LIFE;
        let signed = listing.sign(&self.scheme, &self.identity, sequence, expires);
        let jitter = LISTING_RENEWAL.as_millis() as u64 / 8;
        let earlier = Duration::from_millis(self.random.below(jitter));
        self.listed = Listed {
            listing: Some(listing),
            sequence,
            due: Some(now + LISTING_RENEWAL - earlier),
        };
        if let Ok(record) = signed {
            let request = Request::Publish(record);
            self.visit(self.introducers.clone(), &request, Some(self.me));
        }
    }

    /// An introducer was away, or holds a later one of ours: it is left again.
    pub(super) fn list_again(&mut self, now: Time, newest: u64) {
        self.listed.sequence = self.listed.sequence.max(newest);
        self.listed.due = None;
        self.list_self(now);
    }

    /// The public face as it is, once it has a place at a relay.
    fn own_listing(&self) -> Option<Listing> {
        let route = self.faces.route(Face::Public)?;
        let binding = self.faces.binding(route.device)?.to_vec();
        let is_placed = !route.relays.is_empty();
        is_placed.then(|| Listing::new(binding, route.relays.clone()))
    }
}
