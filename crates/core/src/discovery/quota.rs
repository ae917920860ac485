//! What one client of a registry may take: how often it asks, how many records it holds.
//!
//! Rates are the *generic cell rate algorithm* (ITU-T I.371; a token bucket kept as one instant): each request moves the
//! client's instant on by an interval, and is refused when that instant lies further ahead of now than the burst allows.
//! A client is its key and the prefix of its address. Keys cost nothing, and a node's visits come by another each, so the
//! prefix's limits are those that bound a node, a flood of keys, and a household. The key's limits bound a program that keeps
//! one, so that it does not use up its prefix by itself.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::time::Time;

/// So many at once, then one per interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The time in which one more is allowed.
    pub interval: Duration,
    /// How many may come at once after a time of quiet; at least 1.
    pub burst: u32,
}

/// The part of an address that a network, not a program, chooses: clients that share it share a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Prefix {
    /// A /24.
    V4([u8; 3]),
    /// A /48, what a site gets (RFC 6177).
    V6([u8; 6]),
    /// Reached over a relay, which hides it.
    Unknown,
}

/// What a client has taken.
#[derive(Clone, Copy, Debug, Default)]
struct Account {
    /// Until when its requests so far use up its rate.
    busy_until: Time,
    /// How many records it holds.
    records: u32,
}

/// The accounts of all clients, by key or by prefix.
#[derive(Clone, Debug)]
pub(super) struct Ledger<K> {
    accounts: BTreeMap<K, Account>,
    accounts_max: usize,
}

impl Rate {
    /// Takes one; otherwise says after how long there will be one.
    fn take(&self, busy_until: &mut Time, now: Time) -> Result<(), Duration> {
        let most = now + self.interval.saturating_mul(self.burst);
        // A clock set back must not lock anybody out for as long.
        let next = (*busy_until).clamp(now, most) + self.interval;
        if next > most {
            return Err(next.since(most));
        }
        *busy_until = next;
        Ok(())
    }
}

impl Prefix {
    /// The prefix of `address`, where it is known.
    pub fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            Some(IpAddr::V4(ip)) => {
                let [a, b, c, _] = ip.octets();
                Self::V4([a, b, c])
            }
            Some(IpAddr::V6(ip)) => {
                let [a, b, c, d, e, f, ..] = ip.octets();
                Self::V6([a, b, c, d, e, f])
            }
            None => Self::Unknown,
        }
    }
}

impl<K: Ord + Copy> Ledger<K> {
    /// No accounts yet, and about `accounts_max` at most.
    pub(super) fn new(accounts_max: usize) -> Self {
        Self {
            accounts: BTreeMap::new(),
            accounts_max,
        }
    }

    /// Whether `client` has an account or there is room for it to have one.
    pub(super) fn has_account(&self, client: K) -> bool {
        self.accounts.len() < self.accounts_max || self.accounts.contains_key(&client)
    }

    /// Takes one request off `account`'s rate; otherwise says when to come again.
    pub(super) fn take(&mut self, account: K, rate: Rate, now: Time) -> Result<(), Duration> {
        let account = self.accounts.entry(account).or_default();
        rate.take(&mut account.busy_until, now)
    }

    /// How many records `account` holds.
    pub(super) fn held(&self, account: K) -> u32 {
        self.accounts
            .get(&account)
            .map_or(0, |account| account.records)
    }

    /// Counts one record more.
    pub(super) fn hold(&mut self, account: K) {
        self.accounts.entry(account).or_default().records += 1;
    }

    /// Counts one record less.
    pub(super) fn release(&mut self, account: K) {
        if let Some(account) = self.accounts.get_mut(&account) {
            account.records = account.records.saturating_sub(1);
        }
    }

    /// Forgets whoever holds nothing and has its whole rate again: a new account would say the same.
    pub(super) fn sweep(&mut self, now: Time) {
        self.accounts
            .retain(|_, account| account.records > 0 || account.busy_until > now);
    }

    /// How many clients are told apart.
    pub(super) fn len(&self) -> usize {
        self.accounts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        interval: Duration::from_millis(100),
        burst: 3,
    };

    #[test]
    fn a_burst_is_allowed_and_then_one_per_interval() {
        let mut ledger = Ledger::new(8);
        let now = Time(1_000_000);
        for _ in 0..3 {
            assert_eq!(ledger.take(1, RATE, now), Ok(()));
        }
        let wait = Duration::from_millis(100);
        assert_eq!(ledger.take(1, RATE, now), Err(wait));
        assert!(
            ledger
                .take(1, RATE, now + wait - Duration::from_millis(1))
                .is_err()
        );
        assert_eq!(ledger.take(1, RATE, now + wait), Ok(()));
        assert!(ledger.take(1, RATE, now + wait).is_err());
        assert_eq!(ledger.take(2, RATE, now), Ok(()), "another client");
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        let mut ledger = Ledger::new(8);
        for _ in 0..3 {
            assert_eq!(ledger.take(1, RATE, Time(10_000_000)), Ok(()));
        }
        assert_eq!(
            ledger.take(1, RATE, Time(5_000)),
            Err(Duration::from_millis(100))
        );
        assert_eq!(ledger.take(1, RATE, Time(10_000_300)), Ok(()));
    }

    #[test]
    fn there_is_room_for_so_many_accounts() {
        let mut ledger = Ledger::new(2);
        for client in 1..=2 {
            assert!(ledger.has_account(client));
            ledger.hold(client);
        }
        assert!(ledger.has_account(2) && !ledger.has_account(3));
    }

    #[test]
    fn accounts_are_forgotten_when_they_say_nothing() {
        let mut ledger = Ledger::new(8);
        let now = Time(1_000_000);
        assert_eq!(ledger.take(1, RATE, now), Ok(()));
        ledger.hold(2);
        ledger.sweep(now);
        assert_eq!((ledger.len(), ledger.held(2)), (2, 1));
        ledger.release(2);
        ledger.sweep(now + RATE.interval);
        assert_eq!(ledger.len(), 0);
    }

    #[test]
    fn prefixes_are_what_a_network_gives_out() {
        let of = |text: &str| Prefix::of(Some(text.parse().expect("literal")));
        assert_eq!(of("203.0.113.5"), of("203.0.113.200"));
        assert_ne!(of("203.0.113.5"), of("203.0.114.5"));
        assert_eq!(of("::ffff:203.0.113.5"), of("203.0.113.9"));
        assert_eq!(of("2001:db8:1:2::3"), of("2001:db8:1:ffff::9"));
        assert_ne!(of("2001:db8:1::"), of("2001:db8:2::"));
        assert_eq!(Prefix::of(None), Prefix::Unknown);
    }
}
