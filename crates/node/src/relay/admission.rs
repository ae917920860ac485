//! Who may relay, how fast, and how much a day.
//!
//! A public introducer takes anyone at one rate. A `kith up` that relays for its contacts asks its address book who a
//! device key belongs to and gives each contact a quota. Both say it by a [`Doorkeeper`], a function of key and address.
//! What is allowed counts per *account*, since one contact has several devices, and their keys change daily.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;

use kith_core::ids::DeviceKey;

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
    /// Bytes a second over all its connections; [`client_bytes_per_second`](super::limits::Limits::client_bytes_per_second) when `None`.
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
