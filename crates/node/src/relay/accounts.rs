//! What was relayed for whom: connections, bytes a second and bytes a day, per account and per address.
//!
//! Keys cost nothing, addresses do: the account's rate keeps one program from crowding out another, and the
//! address's rate keeps a program with a thousand keys from crowding out everybody. A node that relays for its contacts
//! bounds all of it, for its owner's line.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use iroh_relay::server::streams::Bucket;
use kith_core::time::Day;
use thiserror::Error;
use tokio::time::Instant;

use super::admission::Allowance;
use super::limits::Limits;
use crate::address_group::AddressGroup;
use crate::clock;

/// Why an account may not open one more connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AccountError {
    /// The doorkeeper said no.
    #[error("this relay does not serve you")]
    Refused,
    /// [`Limits::connections_per_client`] are open.
    #[error("too many connections of one client")]
    TooManyConnections,
    /// Nothing is left of [`Allowance::bytes_per_day`].
    #[error("the quota of the day is used up")]
    QuotaUsedUp,
    /// [`ACCOUNTS_MAX`] are known.
    #[error("too many clients")]
    TooManyAccounts,
}

/// The most accounts remembered at once: twice the connections of a server, and twice an address book's contacts.
pub const ACCOUNTS_MAX: usize = 20_000;

/// The time of full rate that a client may use up in one go, so that a page or a picture passes undelayed.
const BURST: Duration = Duration::from_millis(500);

/// What a burst is at least, where the rate allows it in a second: the relay protocol's largest frame, in bytes.
const BURST_BYTES_MIN: u64 = 1024 * 1024;

/// How often a bucket is refilled: smooth enough for interactive use, and coarser than tokio's timer of 1 ms.
const REFILL_PERIOD: Duration = Duration::from_millis(100);

/// The lowest rate, in bytes a second: one byte in each refill, with some to spare for rounding.
const RATE_MIN: u32 = 16;

/// Everybody who has a connection, or has used some of a daily quota today.
#[derive(Clone, Debug)]
pub(super) struct Accounts(Arc<Ledger>);

#[derive(Debug)]
struct Ledger {
    limits: Limits,
    pages: Mutex<Pages>,
}

#[derive(Debug, Default)]
struct Pages {
    accounts: HashMap<[u8; 32], Account>,
    addresses: HashMap<AddressGroup, Address>,
    /// Of all together, where that is bounded.
    all: Option<Bucket>,
}

#[derive(Debug)]
struct Account {
    connections: usize,
    bytes_per_day: Option<u64>,
    day: Day,
    used: u64,
    bucket: Bucket,
}

#[derive(Debug)]
struct Address {
    connections: usize,
    bucket: Bucket,
}

impl Accounts {
    /// Nobody yet.
    pub(super) fn new(limits: Limits) -> Self {
        let pages = Pages {
            all: limits.bytes_per_second.map(bucket),
            ..Pages::default()
        };
        Self(Arc::new(Ledger {
            limits,
            pages: Mutex::new(pages),
        }))
    }

    /// One more connection from `ip` under `allowance`, counted until the meter is dropped.
    pub(super) fn open(&self, allowance: &Allowance, ip: IpAddr) -> Result<Meter, AccountError> {
        let (limits, today) = (&self.0.limits, clock::now().day());
        let mut pages = self.0.pages();
        let rate = allowance
            .bytes_per_second
            .unwrap_or(limits.client_bytes_per_second);
        let account = pages.account(allowance.account, rate, today)?;
        account.bytes_per_day = allowance.bytes_per_day;
        account.turn_page(today);
        if account.is_used_up() {
            return Err(AccountError::QuotaUsedUp);
        }
        if account.connections >= limits.connections_per_client {
            return Err(AccountError::TooManyConnections);
        }
        account.connections += 1;
        let address = AddressGroup::of(ip);
        let page = pages.addresses.entry(address).or_insert_with(|| Address {
            connections: 0,
            bucket: bucket(limits.address_bytes_per_second),
        });
        page.connections += 1;
        Ok(Meter {
            ledger: self.0.clone(),
            account: allowance.account,
            address,
        })
    }
}

impl Ledger {
    /// The pages. They are whole between any two statements, so a panic elsewhere does not spoil them.
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    /// The account of that name, with a bucket of `rate` if it is new.
    fn account(
        &mut self,
        name: [u8; 32],
        rate: NonZeroU32,
        today: Day,
    ) -> Result<&mut Account, AccountError> {
        if self.accounts.len() >= ACCOUNTS_MAX && !self.accounts.contains_key(&name) {
            self.accounts.retain(|_, account| account.is_needed(today));
            if self.accounts.len() >= ACCOUNTS_MAX {
                return Err(AccountError::TooManyAccounts);
            }
        }
        Ok(self.accounts.entry(name).or_insert_with(|| Account {
            connections: 0,
            bytes_per_day: None,
            day: today,
            used: 0,
            bucket: bucket(rate),
        }))
    }
}

impl Account {
    /// Begins the day's count anew on a new day.
    fn turn_page(&mut self, today: Day) {
        if self.day != today {
            self.day = today;
            self.used = 0;
        }
    }

    fn is_used_up(&self) -> bool {
        self.bytes_per_day.is_some_and(|quota| self.used >= quota)
    }

    /// Whether forgetting it would forget a connection or what was used of a quota.
    fn is_needed(&self, today: Day) -> bool {
        self.connections > 0 || (self.bytes_per_day.is_some() && self.day == today && self.used > 0)
    }
}

/// A bucket of `rate` bytes a second, raised to [`RATE_MIN`].
fn bucket(rate: NonZeroU32) -> Bucket {
    let rate = u64::from(rate.get().max(RATE_MIN));
    let burst = u64::try_from(u128::from(rate) * BURST.as_millis() / 1000).unwrap_or(rate);
    let burst = burst.max(BURST_BYTES_MIN.min(rate));
    let signed = |number: u64| i64::try_from(number).expect("both are under 2^33");
    Bucket::new(signed(burst), signed(rate), REFILL_PERIOD)
        .expect("the lowest rate is a byte a refill")
}

/// What a connection must do after sending some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Charge {
    /// Go on.
    Pass,
    /// Read nothing before this instant.
    PauseUntil(Instant),
    /// End: the day's quota is used up.
    UsedUp,
}

/// One connection's hold on its account and its address.
#[derive(Debug)]
pub(super) struct Meter {
    ledger: Arc<Ledger>,
    account: [u8; 32],
    address: AddressGroup,
}

impl Meter {
    /// Books `bytes` that came from the client.
    pub(super) fn charge(&self, bytes: usize) -> Charge {
        let mut pages = self.ledger.pages();
        let mut pause = None;
        if let Some(account) = pages.accounts.get_mut(&self.account) {
            account.turn_page(clock::now().day());
            if account.is_used_up() {
                return Charge::UsedUp;
            }
            account.used = account.used.saturating_add(bytes as u64);
            pause = account.bucket.consume(bytes).err();
        }
        if let Some(address) = pages.addresses.get_mut(&self.address) {
            pause = pause.max(address.bucket.consume(bytes).err());
        }
        if let Some(all) = pages.all.as_mut() {
            pause = pause.max(all.consume(bytes).err());
        }
        pause.map_or(Charge::Pass, Charge::PauseUntil)
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let mut pages = self.ledger.pages();
        if let Entry::Occupied(mut account) = pages.accounts.entry(self.account) {
            account.get_mut().connections -= 1;
            if !account.get().is_needed(clock::now().day()) {
                account.remove();
            }
        }
        if let Entry::Occupied(mut address) = pages.addresses.entry(self.address) {
            address.get_mut().connections -= 1;
            if address.get().connections == 0 {
                address.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn rate(bytes_per_second: u32) -> NonZeroU32 {
        NonZeroU32::new(bytes_per_second).expect("not zero")
    }

    /// How long `charge` says to wait, from `start`.
    fn pause(charge: Charge, start: Instant) -> Duration {
        match charge {
            Charge::PauseUntil(instant) => instant.duration_since(start),
            other => panic!("no pause but {other:?}"),
        }
    }

    #[test]
    fn connections_of_one_account_are_counted_together_and_given_back() {
        let accounts = Accounts::new(Limits {
            connections_per_client: 2,
            ..Limits::default()
        });
        let open = |name| accounts.open(&Allowance::of([name; 32]), HERE);
        let meters = (open(1), open(1));
        assert!(meters.0.is_ok() && meters.1.is_ok());
        assert_eq!(
            open(1).expect_err("the third"),
            AccountError::TooManyConnections
        );
        assert!(open(2).is_ok());
        drop(meters);
        assert!(open(1).is_ok());
        let pages = accounts.0.pages();
        assert!(pages.accounts.is_empty() && pages.addresses.is_empty());
    }

    #[test]
    fn a_used_up_quota_ends_a_connection_and_outlives_it() {
        let accounts = Accounts::new(Limits::default());
        let allowance = Allowance {
            bytes_per_day: Some(1000),
            ..Allowance::of([1; 32])
        };
        let meter = accounts.open(&allowance, HERE).expect("a fresh account");
        assert_eq!(meter.charge(1000), Charge::Pass);
        assert_eq!(meter.charge(1), Charge::UsedUp);
        drop(meter);
        assert_eq!(
            accounts.open(&allowance, HERE).expect_err("nothing left"),
            AccountError::QuotaUsedUp
        );
        let mut pages = accounts.0.pages();
        let account = pages.accounts.get_mut(&[1; 32]).expect("remembered");
        account.day = Day(0);
        drop(pages);
        assert!(accounts.open(&allowance, HERE).is_ok(), "another day");
    }

    #[test]
    fn bytes_over_the_rate_cost_time_in_proportion() {
        let accounts = Accounts::new(Limits::default());
        let allowance = Allowance {
            bytes_per_second: Some(rate(1000)),
            ..Allowance::of([1; 32])
        };
        let open = || accounts.open(&allowance, HERE).expect("of one account");
        let (first, second) = (open(), open());
        let start = Instant::now();
        assert_eq!(first.charge(900), Charge::Pass);
        let pause = pause(second.charge(2100), start);
        let about_two_seconds = Duration::from_millis(1900)..Duration::from_millis(2500);
        assert!(about_two_seconds.contains(&pause), "{pause:?}");
    }

    #[test]
    fn many_keys_from_one_address_share_its_rate() {
        let accounts = Accounts::new(Limits {
            address_bytes_per_second: rate(1000),
            ..Limits::default()
        });
        let open = |name, ip| {
            let meter = accounts.open(&Allowance::of([name; 32]), ip);
            meter.expect("a fresh account")
        };
        let meters: Vec<Meter> = (0..4).map(|name| open(name, HERE)).collect();
        let start = Instant::now();
        let charges: Vec<Charge> = meters.iter().map(|meter| meter.charge(750)).collect();
        assert_eq!(charges[0], Charge::Pass);
        assert!(pause(charges[3], start) >= Duration::from_millis(1900));
        let elsewhere = open(9, IpAddr::from([192, 0, 2, 1]));
        assert_eq!(elsewhere.charge(750), Charge::Pass);
    }

    #[test]
    fn all_clients_share_the_rate_of_the_whole_relay() {
        let accounts = Accounts::new(Limits {
            bytes_per_second: Some(rate(1000)),
            ..Limits::default()
        });
        let open = |name| {
            let elsewhere = IpAddr::from([192, 0, 2, name]);
            let meter = accounts.open(&Allowance::of([name; 32]), elsewhere);
            meter.expect("a fresh account")
        };
        let start = Instant::now();
        assert_eq!(open(1).charge(900), Charge::Pass);
        assert!(pause(open(2).charge(2100), start) >= Duration::from_millis(1900));
    }

    #[test]
    fn every_rate_makes_a_bucket() {
        bucket(NonZeroU32::MIN);
        bucket(NonZeroU32::MAX);
    }
}
