//! Who may relay, how fast, and how much a day.
//!
//! A public introducer takes anyone at one rate. A `kith up` that relays for its contacts asks its address book who a
//! device key belongs to and gives each contact a quota. Both say it by a [`Doorkeeper`], a function of key and address.
//! What is allowed counts per *account*, since one contact has several devices, and their keys change daily.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use iroh_relay::server::streams::Bucket;
use kith_core::ids::DeviceKey;
use kith_core::time::Day;
use thiserror::Error;
use tokio::time::Instant;

use super::limits::Limits;
use crate::clock;

/// Decides about each relay client once, when it has proven its key.
#[derive(Clone)]
pub struct Doorkeeper(Arc<dyn Fn(DeviceKey, IpAddr) -> Admission + Send + Sync>);

impl Doorkeeper {
    /// Lets everyone in, each key an account of its own, at the server's usual rate.
    pub fn open() -> Self {
        Self::new(|key, _| Admission::Admit(Allowance::of(key.0)))
    }

    /// Decides by `rule`, which must not block.
    pub fn new(rule: impl Fn(DeviceKey, IpAddr) -> Admission + Send + Sync + 'static) -> Self {
        Self(Arc::new(rule))
    }

    /// What `client`, coming from `ip`, may do.
    pub fn ask(&self, client: DeviceKey, ip: IpAddr) -> Admission {
        (self.0)(client, ip)
    }
}

impl fmt::Debug for Doorkeeper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Doorkeeper(…)")
    }
}

/// The answer of a [`Doorkeeper`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// May relay, within this.
    Admit(Allowance),
    /// May not.
    Refuse,
}

/// What one account may relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Whose it is: any 32 bytes that name the account, such as a peer's or a device's key.
    pub account: [u8; 32],
    /// Bytes it may send through the relay per UTC day; then its connections end until the next day. `None` for no end.
    /// Counted in memory: a restart forgives what was used.
    pub bytes_per_day: Option<u64>,
    /// Bytes a second over all its connections; [`Limits::client_bytes_per_second`] when `None`.
    pub bytes_per_second: Option<NonZeroU32>,
}

impl Allowance {
    /// The server's usual rate and no daily end.
    pub fn of(account: [u8; 32]) -> Self {
        Self {
            account,
            bytes_per_day: None,
            bytes_per_second: None,
        }
    }
}

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

/// The most accounts remembered at once: twice the connections of a server and twice an address book's contacts.
pub const ACCOUNTS_MAX: usize = 20_000;

/// The shortest time of full rate that a client may use up in one go, so that a burst of a page or a picture passes
/// undelayed. The bucket must also hold the relay protocol's largest frame, 1 MiB.
const BURST: Duration = Duration::from_millis(500);

/// The relay protocol's largest frame, in bytes (`iroh_relay::protos::relay`).
const FRAME_BYTES_MAX: u64 = 1024 * 1024;

/// How often the bucket is refilled; the precision of tokio's timer is 1 ms, and 10 refills a second are smooth enough
/// for interactive use.
const REFILL_PERIOD: Duration = Duration::from_millis(100);

/// All accounts that have a connection, or have used some of a daily quota today.
#[derive(Clone, Debug)]
pub(super) struct Accounts(Arc<Ledger>);

#[derive(Debug)]
struct Ledger {
    limits: Limits,
    accounts: Mutex<HashMap<[u8; 32], Account>>,
}

#[derive(Debug)]
struct Account {
    connections: usize,
    bytes_per_day: Option<u64>,
    day: Day,
    used: u64,
    bucket: Bucket,
}

impl Accounts {
    /// Nobody yet.
    pub(super) fn new(limits: Limits) -> Self {
        Self(Arc::new(Ledger {
            limits,
            accounts: Mutex::default(),
        }))
    }

    /// One more connection under `allowance`, counted until the meter is dropped.
    pub(super) fn open(&self, allowance: &Allowance) -> Result<Meter, AccountError> {
        let today = today();
        let limits = &self.0.limits;
        let mut accounts = self.0.accounts();
        if accounts.len() >= ACCOUNTS_MAX && !accounts.contains_key(&allowance.account) {
            accounts.retain(|_, account| account.is_needed(today));
            if accounts.len() >= ACCOUNTS_MAX {
                return Err(AccountError::TooManyAccounts);
            }
        }
        let account = accounts
            .entry(allowance.account)
            .or_insert_with(|| Account {
                connections: 0,
                bytes_per_day: None,
                day: today,
                used: 0,
                bucket: bucket(
                    allowance
                        .bytes_per_second
                        .unwrap_or(limits.client_bytes_per_second),
                ),
            });
        account.bytes_per_day = allowance.bytes_per_day;
        account.turn_page(today);
        if account.is_used_up() {
            return Err(AccountError::QuotaUsedUp);
        }
        if account.connections >= limits.connections_per_client {
            return Err(AccountError::TooManyConnections);
        }
        account.connections += 1;
        Ok(Meter {
            ledger: self.0.clone(),
            account: allowance.account,
        })
    }
}

impl Ledger {
    /// The accounts. They are whole between any two statements, so a panic elsewhere does not spoil them.
    fn accounts(&self) -> MutexGuard<'_, HashMap<[u8; 32], Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
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

/// A bucket of `rate` bytes a second. A rate under the ten refills a second that it takes is raised to it.
fn bucket(rate: NonZeroU32) -> Bucket {
    let rate = u64::from(rate.get().max(16));
    let burst = (rate * BURST.as_millis() as u64 / 1000).max(FRAME_BYTES_MAX.min(rate));
    let as_signed = |number: u64| i64::try_from(number).expect("both fit 33 bits");
    Bucket::new(as_signed(burst), as_signed(rate), REFILL_PERIOD)
        .expect("16 bytes a second and more are at least one byte in 100 ms")
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

/// One connection's hold on its account.
#[derive(Debug)]
pub(super) struct Meter {
    ledger: Arc<Ledger>,
    account: [u8; 32],
}

impl Meter {
    /// Books `bytes` that came from the client.
    pub(super) fn charge(&self, bytes: usize) -> Charge {
        let mut accounts = self.ledger.accounts();
        let Some(account) = accounts.get_mut(&self.account) else {
            return Charge::Pass;
        };
        account.turn_page(today());
        if account.is_used_up() {
            return Charge::UsedUp;
        }
        account.used = account.used.saturating_add(bytes as u64);
        match account.bucket.consume(bytes) {
            Ok(()) => Charge::Pass,
            Err(instant) => Charge::PauseUntil(instant),
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let mut accounts = self.ledger.accounts();
        if let Some(account) = accounts.get_mut(&self.account) {
            account.connections -= 1;
            if !account.is_needed(today()) {
                accounts.remove(&self.account);
            }
        }
    }
}

/// The current day, UTC.
fn today() -> Day {
    clock::now().day()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts(limits: Limits) -> Accounts {
        Accounts::new(limits)
    }

    #[test]
    fn connections_of_one_account_are_counted_together_and_given_back() {
        let accounts = accounts(Limits {
            connections_per_client: 2,
            ..Limits::default()
        });
        let allowance = Allowance::of([1; 32]);
        let meters = (accounts.open(&allowance), accounts.open(&allowance));
        assert!(meters.0.is_ok() && meters.1.is_ok());
        assert_eq!(
            accounts.open(&allowance).expect_err("the third"),
            AccountError::TooManyConnections
        );
        assert!(accounts.open(&Allowance::of([2; 32])).is_ok());
        drop(meters);
        assert!(accounts.open(&allowance).is_ok());
        assert!(accounts.0.accounts().is_empty(), "nobody is remembered");
    }

    #[test]
    fn a_used_up_quota_ends_a_connection_and_outlives_it() {
        let accounts = accounts(Limits::default());
        let allowance = Allowance {
            bytes_per_day: Some(1000),
            ..Allowance::of([1; 32])
        };
        let meter = accounts.open(&allowance).expect("a fresh account");
        assert_eq!(meter.charge(1000), Charge::Pass);
        assert_eq!(meter.charge(1), Charge::UsedUp);
        drop(meter);
        assert_eq!(
            accounts.open(&allowance).expect_err("nothing is left"),
            AccountError::QuotaUsedUp
        );
        let ledger = accounts.0.accounts();
        assert!(
            !ledger[&[1; 32]].is_needed(Day(0)),
            "another day forgets it"
        );
    }

    #[test]
    fn bytes_over_the_rate_cost_time_in_proportion() {
        let accounts = accounts(Limits::default());
        let allowance = Allowance {
            bytes_per_second: NonZeroU32::new(1000),
            ..Allowance::of([1; 32])
        };
        let meter = accounts.open(&allowance).expect("a fresh account");
        let second_connection = accounts.open(&allowance).expect("of the same account");
        let start = Instant::now();
        assert_eq!(meter.charge(900), Charge::Pass);
        let Charge::PauseUntil(instant) = second_connection.charge(2100) else {
            panic!("two thousand bytes over a bucket of one thousand");
        };
        let pause = instant.duration_since(start);
        assert!(
            (Duration::from_millis(1900)..Duration::from_millis(2500)).contains(&pause),
            "{pause:?}"
        );
    }

    #[test]
    fn the_slowest_rate_makes_a_bucket() {
        bucket(NonZeroU32::MIN);
        bucket(NonZeroU32::MAX);
    }
}
