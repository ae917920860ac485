//! Who lied: remembered for a day, by device and by peer, so that neither another stream nor another transfer lets it in again.

use std::collections::VecDeque;

use super::output::Who;
use crate::content::swarm::config::{DISTRUSTED_FOR, LIARS_MAX};
use crate::time::Time;

/// Known liars, the last [`LIARS_MAX`], and when they lied. Looked through for each stream that begins, which is rarely.
#[derive(Clone, Debug, Default)]
pub(super) struct Liars(VecDeque<(Who, Time)>);

impl Liars {
    /// Remembers one, who lied at that time.
    pub(super) fn insert(&mut self, now: Time, who: Who, at: Time) {
        self.0.retain(|(_, at)| is_remembered(now, *at));
        if self.contains(now, who) {
            return;
        }
        if self.0.len() == LIARS_MAX {
            self.0.pop_front();
        }
        // A clock that was ahead then makes no difference.
        self.0.push_back((who, at.min(now)));
    }

    /// Whether it is one: its device, or its peer with another device.
    pub(super) fn contains(&self, now: Time, who: Who) -> bool {
        (self.0.iter()).any(|(liar, at)| is_same(*liar, who) && is_remembered(now, *at))
    }
}

/// Whether somebody is a liar, as far as is known of both.
pub(super) fn is_same(liar: Who, who: Who) -> bool {
    liar.device == who.device || (liar.peer.is_some() && liar.peer == who.peer)
}

fn is_remembered(now: Time, at: Time) -> bool {
    now.since(at) < DISTRUSTED_FOR
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ids::{DeviceKey, PeerId};

    const NOW: Time = Time(1_800_000_000_000);

    fn who(device: u32, peer: Option<u8>) -> Who {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&device.to_be_bytes());
        Who {
            device: DeviceKey(key),
            peer: peer.map(|peer| PeerId([peer; 32])),
        }
    }

    #[test]
    fn a_liar_is_known_by_its_peer_on_another_device() {
        let mut liars = Liars::default();
        liars.insert(NOW, who(1, Some(9)), NOW);
        assert!(liars.contains(NOW, who(1, None)));
        assert!(liars.contains(NOW, who(2, Some(9))));
        assert!(!liars.contains(NOW, who(2, None)));
    }

    #[test]
    fn a_liar_is_known_for_a_day_from_when_it_lied() {
        let hours = |hours: u64| Duration::from_secs(hours * 60 * 60);
        let mut liars = Liars::default();
        liars.insert(NOW, who(1, None), NOW - hours(20));
        liars.insert(NOW, who(2, None), NOW + hours(20));
        // Named again it is not known for longer.
        liars.insert(NOW, who(1, None), NOW);
        let known = |at: Time| [1, 2].map(|device| liars.contains(at, who(device, None)));
        assert_eq!(known(NOW + hours(3)), [true, true]);
        assert_eq!(known(NOW + hours(4)), [false, true]);
        assert_eq!(known(NOW + hours(24)), [false, false]);
    }

    #[test]
    fn the_first_is_forgotten_for_a_further_one() {
        let mut liars = Liars::default();
        (0..=LIARS_MAX as u32).for_each(|device| liars.insert(NOW, who(device, None), NOW));
        assert!(!liars.contains(NOW, who(0, None)));
        assert!(liars.contains(NOW, who(1, None)));
        assert_eq!(liars.0.len(), LIARS_MAX);
    }
}
