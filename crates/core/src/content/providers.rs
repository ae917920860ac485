//! Who provides a share: what providers tell, and who is told of them.
//!
//! Whoever has fetched a share tells its owner, and those it fetched from, that it provides it too, and where. They tell it on to
//! whoever may have the share and asks, and to nobody else: a provider is announced nowhere. What was told is forgotten after a day
//! or so unless it is told again, as it is at every contact.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::content::referral::{REFERRALS_MAX, Referral};
use crate::ids::{DeviceKey, PeerId, ShareId};
use crate::time::Time;

/// How long a provider is told of after it was heard of last: its contact face has another key a day later, and it tells again at
/// each contact.
pub const PROVIDER_LIFETIME: Duration = Duration::from_secs(26 * 3600);

/// The most providers remembered for one share: eight answers full. The one heard of longest ago makes room.
pub const PROVIDERS_MAX: usize = 64;

/// The most shares for which providers are remembered: some megabytes. The one with the oldest news makes room.
pub const SHARES_MAX: usize = 1_024;

/// By what a provider is known: its identity where it has proven one, else the device that told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProviderName {
    /// A peer.
    Peer(PeerId),
    /// Somebody unknown at this device.
    Device(DeviceKey),
}

/// A provider, as it was heard of last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Where it is.
    pub referral: Referral,
    /// When.
    pub at: Time,
}

/// The providers this node has heard of, by share.
#[derive(Clone, Debug, Default)]
pub struct Providers(BTreeMap<ShareId, BTreeMap<ProviderName, Heard>>);

impl Providers {
    /// A provider tells where it is, or somebody tells of one. One that leads nowhere is forgotten.
    pub fn hear(&mut self, now: Time, share: ShareId, name: ProviderName, referral: Referral) {
        if referral.is_empty() || !referral.is_bounded() {
            return self.forget(&share, &name);
        }
        if !self.0.contains_key(&share) && self.0.len() >= SHARES_MAX {
            self.make_room();
        }
        let known = self.0.entry(share).or_default();
        known.retain(|_, heard| is_fresh(heard, now));
        if !known.contains_key(&name) && known.len() >= PROVIDERS_MAX {
            let oldest = known.iter().min_by_key(|(_, heard)| heard.at);
            let oldest = oldest.map(|(name, _)| *name);
            oldest.and_then(|oldest| known.remove(&oldest));
        }
        known.insert(name, Heard { referral, at: now });
    }

    /// A provider is none any more.
    pub fn forget(&mut self, share: &ShareId, name: &ProviderName) {
        if let Some(known) = self.0.get_mut(share) {
            known.remove(name);
            if known.is_empty() {
                self.0.remove(share);
            }
        }
    }

    /// The share is no more.
    pub fn forget_share(&mut self, share: &ShareId) {
        self.0.remove(share);
    }

    /// Those to tell `asker` of, who may have the share: the ones heard of last, without itself.
    pub fn refer(&self, now: Time, share: &ShareId, asker: Option<ProviderName>) -> Vec<Referral> {
        let heard = self.heard(now, share, asker).into_iter();
        heard.map(|heard| heard.referral).collect()
    }

    /// The same, each with when it was heard of.
    pub fn heard(&self, now: Time, share: &ShareId, asker: Option<ProviderName>) -> Vec<Heard> {
        let Some(known) = self.0.get(share) else {
            return Vec::new();
        };
        let mut known: Vec<(&ProviderName, &Heard)> = known
            .iter()
            .filter(|(name, heard)| Some(**name) != asker && is_fresh(heard, now))
            .filter(|(_, heard)| match asker {
                Some(ProviderName::Device(device)) => !heard.referral.has(device),
                _ => true,
            })
            .collect();
        known.sort_by_key(|(name, heard)| (std::cmp::Reverse(heard.at), **name));
        known.truncate(REFERRALS_MAX);
        known.into_iter().map(|(_, heard)| heard.clone()).collect()
    }

    /// The peers that were heard of as providers themselves.
    pub fn peers(&self, share: &ShareId) -> Vec<PeerId> {
        let known = self.0.get(share).into_iter().flat_map(BTreeMap::keys);
        known
            .filter_map(|name| match name {
                ProviderName::Peer(peer) => Some(*peer),
                ProviderName::Device(_) => None,
            })
            .collect()
    }

    /// Forgets the share of which the newest word is the oldest.
    fn make_room(&mut self) {
        let newest = |known: &BTreeMap<ProviderName, Heard>| known.values().map(|it| it.at).max();
        let oldest = self.0.iter().min_by_key(|(_, known)| newest(known));
        if let Some(share) = oldest.map(|(share, _)| *share) {
            self.0.remove(&share);
        }
    }
}

fn is_fresh(heard: &Heard, now: Time) -> bool {
    now <= heard.at + PROVIDER_LIFETIME
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Route;
    use crate::content::wire::Answer;

    const NOW: Time = Time(1_000_000_000_000);
    const SHARE: ShareId = ShareId([5; 32]);

    fn peer(number: u8) -> ProviderName {
        ProviderName::Peer(PeerId([number; 32]))
    }

    fn referral(number: u8) -> Referral {
        let mut route = Route::new(DeviceKey([number; 32]));
        route.relays = vec!["https://relay.example".to_owned()];
        Referral::new(Some(route), None)
    }

    #[test]
    fn whoever_asks_is_told_of_the_others_the_newest_first() {
        let mut providers = Providers::default();
        for number in 1..=3 {
            let at = NOW + Duration::from_secs(number.into());
            providers.hear(at, SHARE, peer(number), referral(number));
        }
        assert_eq!(
            providers.refer(NOW, &SHARE, Some(peer(2))),
            [referral(3), referral(1)]
        );
        let device = ProviderName::Device(DeviceKey([3; 32]));
        assert_eq!(
            providers.refer(NOW, &SHARE, Some(device)),
            [referral(2), referral(1)]
        );
        assert_eq!(providers.refer(NOW, &ShareId([6; 32]), None), []);
    }

    #[test]
    fn a_provider_is_forgotten_unless_it_tells_again() {
        let mut providers = Providers::default();
        providers.hear(NOW, SHARE, peer(1), referral(1));
        let late = NOW + PROVIDER_LIFETIME;
        assert_eq!(providers.refer(late, &SHARE, None), [referral(1)]);
        let too_late = late + Duration::from_millis(1);
        assert_eq!(providers.refer(too_late, &SHARE, None), []);
        providers.hear(too_late, SHARE, peer(1), referral(2));
        assert_eq!(providers.refer(too_late, &SHARE, None), [referral(2)]);
        providers.hear(too_late, SHARE, peer(1), Referral::default());
        assert_eq!(providers.refer(too_late, &SHARE, None), []);
    }

    #[test]
    fn floods_of_providers_and_shares_stay_within_their_bounds() {
        let mut providers = Providers::default();
        for number in 0..=u8::MAX {
            providers.hear(
                NOW + Duration::from_secs(number.into()),
                SHARE,
                peer(number),
                referral(1),
            );
        }
        assert_eq!(providers.0[&SHARE].len(), PROVIDERS_MAX);
        assert!(providers.0[&SHARE].contains_key(&peer(u8::MAX)));
        for number in 0..2 * SHARES_MAX {
            let mut share = [0; 32];
            share[..8].copy_from_slice(&(number as u64).to_be_bytes());
            let at = NOW + Duration::from_secs(1_000 + number as u64);
            providers.hear(at, ShareId(share), peer(1), referral(1));
        }
        assert_eq!(providers.0.len(), SHARES_MAX);
        assert!(!providers.0.contains_key(&SHARE));
        assert_eq!(providers.refer(NOW, &SHARE, None).len(), 0);
    }

    #[test]
    fn an_answer_names_only_so_many() {
        let mut providers = Providers::default();
        for number in 0..20 {
            providers.hear(NOW, SHARE, peer(number), referral(number));
        }
        let referrals = providers.refer(NOW, &SHARE, None);
        assert_eq!(referrals.len(), REFERRALS_MAX);
        assert!(Answer::Providers(referrals).is_bounded());
    }
}
