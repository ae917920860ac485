//! What this node knows of others with regard to shares: who else provides them, and who gets nothing.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kith_core::content::access::Asker;
use kith_core::content::news::Hearing;
use kith_core::content::providers::{Heard, ProviderName, Providers};
use kith_core::content::referral::Referral;
use kith_core::ids::{PeerId, ShareId};
use kith_core::time::Time;

use crate::content::marked::Marked;
use crate::content::quota::COPIES_BYTES_MAX;

/// Who provides shares beside this node, and to whom it gives none.
#[derive(Debug)]
pub struct Others {
    providers: Mutex<Providers>,
    blocked: Mutex<BTreeSet<PeerId>>,
    /// Contacts who are about to be none, once for each [`Parting`].
    parting: Arc<Mutex<Vec<PeerId>>>,
    /// Of which shares somebody said that they provide them, since it was last looked.
    news: Marked,
    /// What those who are known tell of shares.
    hearing: Mutex<Hearing>,
    provides: AtomicBool,
    room_bytes: AtomicU64,
}

/// Somebody who gets no grants.
#[derive(Debug)]
pub struct Parting {
    all: Arc<Mutex<Vec<PeerId>>>,
    peer: PeerId,
}

impl Drop for Parting {
    fn drop(&mut self) {
        let mut all = lock(&self.all);
        if let Some(place) = all.iter().position(|peer| *peer == self.peer) {
            all.swap_remove(place);
        }
    }
}

impl Default for Others {
    fn default() -> Self {
        Self {
            providers: Mutex::default(),
            blocked: Mutex::default(),
            parting: Arc::default(),
            news: Marked::default(),
            hearing: Mutex::default(),
            provides: AtomicBool::new(true),
            room_bytes: AtomicU64::new(COPIES_BYTES_MAX),
        }
    }
}

impl Others {
    /// Those who get nothing from now on, whatever they show.
    pub fn set_blocked(&self, peers: BTreeSet<PeerId>) {
        *lock(&self.blocked) = peers;
    }

    /// Whether somebody is among them.
    pub fn is_blocked(&self, peer: &PeerId) -> bool {
        lock(&self.blocked).contains(peer)
    }

    /// Somebody gets no grants as long as this is held: what they were granted is being voided.
    pub fn part_with(&self, peer: PeerId) -> Parting {
        lock(&self.parting).push(peer);
        Parting {
            all: Arc::clone(&self.parting),
            peer,
        }
    }

    /// Whether somebody gets none.
    pub(super) fn is_parting(&self, peer: &PeerId) -> bool {
        lock(&self.parting).contains(peer)
    }

    /// Whether copies are provided from now on; at first they are.
    pub fn set_provides(&self, provides: bool) {
        self.provides.store(provides, Ordering::Release);
    }

    /// Whether copies are provided.
    pub fn provides(&self) -> bool {
        self.provides.load(Ordering::Acquire)
    }

    /// What may be kept for copies from now on, in bytes; [`COPIES_BYTES_MAX`] at first. Noticed with the next copy.
    pub fn set_room_bytes(&self, bytes: u64) {
        self.room_bytes.store(bytes, Ordering::Release);
    }

    /// What may be kept for copies, in bytes.
    pub fn room_bytes(&self) -> u64 {
        self.room_bytes.load(Ordering::Acquire)
    }

    /// Those who provide a share and of whom `asker`, who may have it, is told.
    pub fn refer(&self, share: &ShareId, asker: &Asker, now: Time) -> Vec<Referral> {
        self.lock()
            .refer(now, share, asker.peer.map(ProviderName::Peer))
    }

    /// The same, each with when they were heard of.
    pub(super) fn heard(&self, share: &ShareId, asker: &Asker, now: Time) -> Vec<Heard> {
        self.lock()
            .heard(now, share, asker.peer.map(ProviderName::Peer))
    }

    /// A provider tells of another.
    pub fn hear_of(&self, share: &ShareId, referral: &Referral, now: Time) {
        self.hear(share, &Asker::STRANGER, referral, now);
    }

    /// Those who provide a share, as far as they were heard of.
    pub fn heard_of(&self, share: &ShareId, now: Time) -> Vec<Referral> {
        self.refer(share, &Asker::STRANGER, now)
    }

    /// Somebody says to us that they provide a share.
    pub(super) fn announce(&self, share: &ShareId, asker: &Asker, referral: &Referral, now: Time) {
        self.hear(share, asker, referral, now);
        self.news.mark(*share);
    }

    /// Waits until somebody says that they provide shares; which ones.
    pub(super) async fn news(&self) -> BTreeSet<ShareId> {
        self.news.take().await
    }

    /// Somebody says that they provide a share: the peer that they have proven to be, or else whoever is at the first of the routes.
    pub fn hear(&self, share: &ShareId, asker: &Asker, referral: &Referral, now: Time) {
        let device = referral.routes().next().map(|(_, route)| route.device);
        let name = asker.peer.map(ProviderName::Peer);
        if let Some(name) = name.or(device.map(ProviderName::Device)) {
            self.lock().hear(now, *share, name, referral.clone());
        }
    }

    /// The peers who have said themselves that they provide a share.
    pub fn peers(&self, share: &ShareId) -> Vec<PeerId> {
        self.lock().peers(share)
    }

    /// A share is no more: nobody provides it.
    pub fn forget(&self, share: &ShareId) {
        self.lock().forget_share(share);
    }

    /// Somebody passes a head on: how long it waits to be heard.
    pub(super) fn hold_back(&self, asker: &Asker, now: Time) -> Duration {
        let wait = |peer| lock(&self.hearing).handle_notice(now, peer);
        asker.peer.map_or(Duration::ZERO, wait)
    }

    fn lock(&self) -> MutexGuard<'_, Providers> {
        lock(&self.providers)
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
