//! How fast content may move: which numbers hold now, and for whom.
//!
//! A [`Plan`] is what a person wants: rates for all peers together and for each, other rates at certain hours, and rates of single peers. It
//! is asked what holds at a moment ([`Plan::limits_at`]), and what of it concerns one peer ([`Plan::for_peer`]). Token buckets ([`Bucket`](super::bucket::Bucket)) see to it.
//!
//! A home has one line to the outside, and much less room on its way up than down; whoever fills it with what friends fetch cannot telephone
//! any more. So uploads to distant peers have a limit by default, and nothing else has: within the local network
//! there is nothing to spare, and a download is what its owner waits for.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use crate::ids::PeerId;

/// What is uploaded to distant peers together unless somebody says otherwise, in bytes a second: 17 Mbit/s, less than half of what a line
/// sold as 40 or 50 Mbit/s up carries, and a DVD's worth (4.7 GB) in 40 minutes.
pub const UPLOAD_DEFAULT: u64 = 2 << 20;

/// The smallest rate, in bytes a second: one verified group (16 KiB). With less, whoever waits for a group takes the silence for the end; who
/// wants no traffic pauses, or shares nothing.
pub const RATE_MIN: u64 = 16 << 10;

/// The most periods of a schedule: each hour of a day, and twice as many again for the weekend.
pub const PERIODS_MAX: usize = 72;

/// The most peers with rates of their own: as many as a large address book's share that anybody would tune by hand.
pub const PEERS_MAX: usize = 256;

/// Minutes of a day.
pub const DAY_MINUTES: u16 = 24 * 60;

/// Days of a week.
const WEEK_DAYS: u8 = 7;

/// A cap, where somebody has a say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// As fast as it goes.
    Unlimited,
    /// So many bytes a second, at least [`RATE_MIN`].
    Rate(u64),
}

/// The rates that hold, in bytes a second; `None` is as fast as it goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// To all peers together.
    pub upload: Option<u64>,
    /// To each peer.
    pub upload_each: Option<u64>,
    /// From all peers together.
    pub download: Option<u64>,
    /// From each peer.
    pub download_each: Option<u64>,
}

/// What is said of the four rates; what is not said stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// To all peers together.
    pub upload: Option<Cap>,
    /// To each peer.
    pub upload_each: Option<Cap>,
    /// From all peers together.
    pub download: Option<Cap>,
    /// From each peer.
    pub download_each: Option<Cap>,
}

/// What is said of one peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerCaps {
    /// To them.
    pub upload: Option<Cap>,
    /// From them.
    pub download: Option<Cap>,
}

/// Hours of some days at which other rates hold, by the clock on the wall: where it is put forward or back, they are as long as it makes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// On which days it begins, Monday first.
    pub days: [bool; WEEK_DAYS as usize],
    /// The minute of the day at which it begins, below [`DAY_MINUTES`].
    pub from: u16,
    /// The minute at which it ends; on the next day where that is not after `from`.
    pub until: u16,
    /// What holds then.
    pub caps: Caps,
}

/// A moment of the week where the node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeekMinute {
    /// 0 is Monday.
    pub day: u8,
    /// Of the day, below [`DAY_MINUTES`].
    pub minute: u16,
}

/// How far it is to a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nearness {
    /// On this machine or network.
    Local,
    /// Elsewhere, or by a relay.
    Distant,
}

/// What concerns one peer now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerLimits {
    /// Whether what goes to and comes from them counts towards the rates of all together.
    pub counts: bool,
    /// To them.
    pub upload: Option<u64>,
    /// From them.
    pub download: Option<u64>,
}

/// What a person wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What holds usually.
    pub usual: Caps,
    /// Whether limits hold within the local network too. A rate of a single peer always does.
    pub local: bool,
    /// What holds at certain hours; of two that hold at once, the later in the list.
    pub schedule: Vec<Period>,
    /// Rates of single peers, at all hours.
    pub peers: BTreeMap<PeerId, PeerCaps>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            usual: Caps {
                upload: Some(Cap::Rate(UPLOAD_DEFAULT)),
                ..Caps::default()
            },
            local: false,
            schedule: Vec::new(),
            peers: BTreeMap::new(),
        }
    }
}

impl Plan {
    /// A plan without limits.
    pub fn unlimited() -> Self {
        Self {
            usual: Caps::default(),
            ..Self::default()
        }
    }

    /// The rates that hold at a moment.
    pub fn limits_at(&self, at: WeekMinute) -> Limits {
        let now = self.schedule.iter().filter(|period| period.holds(at));
        let caps = now.fold(self.usual, |caps, period| caps.overridden(period.caps));
        let rate = |cap: Option<Cap>| cap.and_then(Cap::rate);
        Limits {
            upload: rate(caps.upload),
            upload_each: rate(caps.upload_each),
            download: rate(caps.download),
            download_each: rate(caps.download_each),
        }
    }

    /// What of the rates that hold concerns a peer: somebody known or not, near or far.
    pub fn for_peer(
        &self,
        limits: &Limits,
        peer: Option<PeerId>,
        nearness: Nearness,
    ) -> PeerLimits {
        let counts = self.local || nearness == Nearness::Distant;
        let own = peer.and_then(|peer| self.peers.get(&peer));
        let own = own.copied().unwrap_or_default();
        let rate = |own: Option<Cap>, each: Option<u64>| match own {
            Some(cap) => cap.rate(),
            None => each.filter(|_| counts),
        };
        PeerLimits {
            counts,
            upload: rate(own.upload, limits.upload_each),
            download: rate(own.download, limits.download_each),
        }
    }
}

impl Cap {
    /// The rate that it stands for, in bytes a second.
    pub fn rate(self) -> Option<u64> {
        match self {
            Self::Unlimited => None,
            Self::Rate(rate) => Some(rate.max(RATE_MIN)),
        }
    }
}

impl Caps {
    /// These, but for what `by` says.
    #[must_use]
    pub fn overridden(self, by: Self) -> Self {
        Self {
            upload: by.upload.or(self.upload),
            upload_each: by.upload_each.or(self.upload_each),
            download: by.download.or(self.download),
            download_each: by.download_each.or(self.download_each),
        }
    }
}

impl Period {
    /// Whether it holds at a moment: from its first minute until before its last.
    pub fn holds(&self, at: WeekMinute) -> bool {
        let begins_on = |day: u8| self.days[usize::from(day % WEEK_DAYS)];
        let yesterday = at.day + WEEK_DAYS - 1;
        let is_over_midnight = self.until <= self.from;
        let (begun, ended) = (at.minute >= self.from, at.minute >= self.until);
        match is_over_midnight {
            false => begun && !ended && begins_on(at.day),
            true => (begun && begins_on(at.day)) || (!ended && begins_on(yesterday)),
        }
    }
}

impl Nearness {
    /// How far it is to the address at the end of a direct path.
    ///
    /// Local are loopback, link-local (RFC 3927, RFC 4291) and private addresses (RFC 1918, RFC 4193). An address of a carrier's NAT (RFC 6598) is
    /// behind the line, and a global IPv6 address may be anywhere.
    pub fn of(address: IpAddr) -> Self {
        let is_local = match address.to_canonical() {
            IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
            IpAddr::V6(v6) => {
                v6 == Ipv6Addr::LOCALHOST || v6.is_unicast_link_local() || v6.is_unique_local()
            }
        };
        match is_local {
            true => Self::Local,
            false => Self::Distant,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MONDAY: u8 = 0;
    const FRIDAY: u8 = 4;
    const SATURDAY: u8 = 5;
    const SUNDAY: u8 = 6;

    fn at(day: u8, hour: u16, minute: u16) -> WeekMinute {
        let minute = hour * 60 + minute;
        WeekMinute { day, minute }
    }

    fn upload(rate: u64) -> Caps {
        Caps {
            upload: Some(Cap::Rate(rate)),
            ..Caps::default()
        }
    }

    fn period(days: &[u8], from: u16, until: u16, caps: Caps) -> Period {
        let mut period = Period {
            days: [false; 7],
            from: from * 60,
            until: until * 60,
            caps,
        };
        days.iter()
            .for_each(|day| period.days[usize::from(*day)] = true);
        period
    }

    #[test]
    fn by_default_only_uploads_to_distant_peers_have_a_limit() {
        let plan = Plan::default();
        let limits = plan.limits_at(at(MONDAY, 12, 0));
        let expected = Limits {
            upload: Some(UPLOAD_DEFAULT),
            ..Limits::default()
        };
        assert_eq!(limits, expected);
        assert!(plan.for_peer(&limits, None, Nearness::Distant).counts);
        assert!(!plan.for_peer(&limits, None, Nearness::Local).counts);
    }

    #[test]
    fn a_period_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let night = period(&[FRIDAY, SUNDAY], 22, 6, upload(RATE_MIN));
        for (moment, holds) in [
            (at(FRIDAY, 21, 59), false),
            (at(FRIDAY, 22, 0), true),
            (at(SATURDAY, 5, 59), true),
            (at(SATURDAY, 6, 0), false),
            (at(SATURDAY, 23, 0), false),
            (at(SUNDAY, 3, 0), false),
            (at(MONDAY, 3, 0), true),
            (at(FRIDAY, 3, 0), false),
        ] {
            assert_eq!(night.holds(moment), holds, "{moment:?}");
        }
    }

    #[test]
    fn a_period_within_a_day_ends_before_its_last_minute() {
        let work = period(&[MONDAY], 9, 17, upload(RATE_MIN));
        for (moment, holds) in [
            (at(MONDAY, 8, 59), false),
            (at(MONDAY, 9, 0), true),
            (at(MONDAY, 16, 59), true),
            (at(MONDAY, 17, 0), false),
            (at(FRIDAY, 12, 0), false),
        ] {
            assert_eq!(work.holds(moment), holds, "{moment:?}");
        }
    }

    #[test]
    fn of_two_periods_the_later_one_has_the_say_on_what_it_speaks_of() {
        let unlimited = Caps {
            upload: Some(Cap::Unlimited),
            ..Caps::default()
        };
        let mut plan = Plan::default();
        plan.usual.download = Some(Cap::Rate(1 << 20));
        plan.schedule = vec![
            period(&[MONDAY], 0, 24, upload(RATE_MIN)),
            period(&[MONDAY], 12, 13, unlimited),
        ];
        let limits = |hour| plan.limits_at(at(MONDAY, hour, 30));
        assert_eq!(limits(11).upload, Some(RATE_MIN));
        assert_eq!(limits(12).upload, None);
        assert_eq!(limits(12).download, Some(1 << 20));
        let tuesday = plan.limits_at(at(1, 12, 30));
        assert_eq!(tuesday.upload, Some(UPLOAD_DEFAULT));
    }

    #[test]
    fn a_peers_own_rate_goes_before_that_of_each_near_and_far() {
        let known = PeerId([1; 32]);
        let mut plan = Plan::default();
        plan.usual.upload_each = Some(Cap::Rate(100_000));
        let own = PeerCaps {
            upload: Some(Cap::Rate(50_000)),
            download: None,
        };
        plan.peers.insert(known, own);
        let limits = plan.limits_at(at(MONDAY, 0, 0));
        let upload = |peer, nearness| plan.for_peer(&limits, peer, nearness).upload;
        assert_eq!(upload(Some(known), Nearness::Distant), Some(50_000));
        assert_eq!(upload(Some(known), Nearness::Local), Some(50_000));
        assert_eq!(upload(None, Nearness::Distant), Some(100_000));
        assert_eq!(upload(None, Nearness::Local), None);
        plan.local = true;
        let local = plan.for_peer(&limits, None, Nearness::Local);
        assert_eq!((local.counts, local.upload), (true, Some(100_000)));
    }

    #[test]
    fn no_rate_is_below_the_least() {
        assert_eq!(Cap::Rate(0).rate(), Some(RATE_MIN));
        assert_eq!(Cap::Rate(RATE_MIN).rate(), Some(RATE_MIN));
        assert_eq!(Cap::Unlimited.rate(), None);
    }

    #[test]
    fn the_local_network_is_told_by_its_addresses() {
        for (text, nearness) in [
            ("127.0.0.1", Nearness::Local),
            ("192.168.1.7", Nearness::Local),
            ("10.0.0.1", Nearness::Local),
            ("172.31.0.1", Nearness::Local),
            ("169.254.3.4", Nearness::Local),
            ("::1", Nearness::Local),
            ("fe80::1", Nearness::Local),
            ("fd00::1", Nearness::Local),
            ("::ffff:192.168.1.7", Nearness::Local),
            ("172.32.0.1", Nearness::Distant),
            ("100.64.0.1", Nearness::Distant),
            ("203.0.113.5", Nearness::Distant),
            ("2001:db8::1", Nearness::Distant),
            ("::ffff:203.0.113.5", Nearness::Distant),
        ] {
            let address = text.parse().expect("an address");
            assert_eq!(Nearness::of(address), nearness, "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_period_is_as_long_as_its_hours_say_on_each_of_its_days(
            days in any::<[bool; 7]>(),
            (from, until) in (0..DAY_MINUTES, 0..=DAY_MINUTES),
        ) {
            let length = match until > from {
                true => until - from,
                false => DAY_MINUTES - from + until,
            };
            let period = Period { days, from, until, caps: upload(RATE_MIN) };
            let week = (0..7).flat_map(|day| (0..DAY_MINUTES).map(move |minute| WeekMinute { day, minute }));
            let held = week.filter(|at| period.holds(*at)).count();
            let chosen = days.iter().filter(|chosen| **chosen).count();
            prop_assert_eq!(held, chosen * usize::from(length));
        }
    }
}
