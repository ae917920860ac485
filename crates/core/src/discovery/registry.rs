//! The introducer's side: keeps signed records by their locator, gives them to whoever asks for exactly that, and forgets
//! them when they expire. It understands nothing of what it holds, and remembers nobody.
//!
//! Who left a record is known only while the process runs, and only to bound what one client takes; it is not
//! stored. The machine has no random choices and so takes no seed.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

use crate::codec;
use crate::crypto::Scheme;
use crate::ids::{DeviceKey, Locator};
use crate::row::Row;
use crate::time::{CLOCK_SKEW_MAX, DAY, Time};

use super::config::RegistryConfig;
use super::quota::{Ledger, Prefix};
use super::record::{Record, Slot};
use super::wire::{Answer, RECORDS_PER_LOCATOR_MAX, Refusal, Request};

/// The collection of rows in which records are kept, under locator and slot.
pub const ROW_KIND: &str = "record";

/// The longest life of a record: a reply to an invite waits as long as a binding holds, 30 days.
pub const LIFE_MAX: Duration = DAY.saturating_mul(30);

/// Which part of the free room one address prefix may have: an eighth. However many are greedy, each next one
/// finds some room left (a dynamic threshold: Choudhury and Hahne, 1998).
pub const FREE_SHARE: u32 = 8;

/// How often expired records and idle clients are looked for. A record that has expired is not given out in between.
const SWEEP_AFTER: Duration = Duration::from_secs(60);

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// The key it presented.
    pub key: DeviceKey,
    /// Its address, where it is not hidden by a relay.
    pub address: Option<IpAddr>,
}

/// What the shell is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RegistryOutput {
    /// Keep or delete a row; before any answer that comes after it.
    Store(Row),
    /// Answer a request.
    Answer {
        /// The number the request was handed in with.
        request: u64,
        /// What to say.
        answer: Answer,
    },
}

/// What there is to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegistryCounts {
    /// Records held.
    pub records: usize,
    /// Client keys remembered.
    pub keys: usize,
    /// Address prefixes remembered.
    pub prefixes: usize,
}

/// A record, and on whose account it is; on nobody's after a restart.
#[derive(Clone, Debug)]
struct Entry {
    record: Record,
    owner: Option<Owner>,
}

/// The two accounts a client is counted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owner {
    /// `None` for a key that came when there was no room for more; then the prefix alone bounds it. A flood of keys
    /// from elsewhere must not become everybody's limit.
    key: Option<DeviceKey>,
    prefix: Prefix,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Registry<S> {
    scheme: S,
    config: RegistryConfig,
    records: BTreeMap<(Locator, Slot), Entry>,
    keys: Ledger<DeviceKey>,
    prefixes: Ledger<Prefix>,
    outputs: VecDeque<RegistryOutput>,
    sweep_at: Time,
}

impl<S: Scheme> Registry<S> {
    /// An empty registry.
    pub fn new(scheme: S, config: RegistryConfig, now: Time) -> Self {
        Self {
            scheme,
            config,
            records: BTreeMap::new(),
            keys: Ledger::new(config.clients_max),
            prefixes: Ledger::new(config.clients_max),
            outputs: VecDeque::new(),
            sweep_at: now + SWEEP_AFTER,
        }
    }

    /// A registry with what it kept: rows of [`ROW_KIND`]. What has expired or cannot be read is deleted.
    pub fn restore(
        scheme: S,
        config: RegistryConfig,
        now: Time,
        rows: impl IntoIterator<Item = Row>,
    ) -> Self {
        let mut registry = Self::new(scheme, config, now);
        for row in rows {
            let value = row.value.as_deref().unwrap_or_default();
            match codec::decode::<Record>(value) {
                Ok(record) if record.expires() > now => {
                    let key = (record.locator(), record.slot());
                    let owner = None;
                    registry.records.insert(key, Entry { record, owner });
                }
                _ => registry
                    .outputs
                    .push_back(RegistryOutput::Store(Row { value: None, ..row })),
            }
        }
        registry
    }

    /// Takes one request's bytes; its answer comes out under the number `request`, in the order of the requests.
    pub fn handle_request(&mut self, now: Time, client: Client, request: u64, bytes: &[u8]) {
        let answer = self
            .answer(now, client, bytes)
            .unwrap_or_else(Answer::Refused);
        self.outputs
            .push_back(RegistryOutput::Answer { request, answer });
    }

    /// Forgets what is over, when it is time to.
    pub fn handle_timeout(&mut self, now: Time) {
        if now < self.sweep_at {
            return;
        }
        self.sweep_at = now + SWEEP_AFTER;
        let expired: Vec<(Locator, Slot)> = self
            .records
            .iter()
            .filter(|(_, entry)| entry.record.expires() <= now)
            .map(|(key, _)| *key)
            .collect();
        for key in expired {
            if let Some(entry) = self.records.remove(&key) {
                self.release(entry.owner);
            }
            self.outputs
                .push_back(RegistryOutput::Store(row(key, None)));
        }
        self.keys.sweep(now);
        self.prefixes.sweep(now);
    }

    /// The next thing to do.
    pub fn poll_output(&mut self) -> Option<RegistryOutput> {
        self.outputs.pop_front()
    }

    /// When [`Registry::handle_timeout`] wants to be called; `None` while there is nothing to forget.
    pub fn poll_timeout(&self) -> Option<Time> {
        (self.counts() != RegistryCounts::default()).then_some(self.sweep_at)
    }

    /// What there is to count.
    pub fn counts(&self) -> RegistryCounts {
        RegistryCounts {
            records: self.records.len(),
            keys: self.keys.len(),
            prefixes: self.prefixes.len(),
        }
    }

    /// Decides one request, the cheapest checks first.
    fn answer(&mut self, now: Time, client: Client, bytes: &[u8]) -> Result<Answer, Refusal> {
        let owner = self.charge(now, client)?;
        match Request::from_bytes(bytes).map_err(|_| Refusal::Invalid)? {
            Request::Publish(record) => self.publish(now, owner, record),
            Request::Lookup(locator) => {
                let live = self
                    .live(now, locator)
                    .take(RECORDS_PER_LOCATOR_MAX)
                    .cloned();
                Ok(Answer::Records(live.collect()))
            }
        }
    }

    /// Takes one request off the client's rates. The key's goes first, so that a client over its own
    /// limit uses up nothing of its neighbours'.
    fn charge(&mut self, now: Time, client: Client) -> Result<Owner, Refusal> {
        let busy = |wait: Duration| Refusal::Busy {
            retry_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        };
        let prefix = Prefix::of(client.address);
        let owner = Owner {
            key: Some(client.key).filter(|key| self.keys.has_account(*key)),
            prefix: if self.prefixes.has_account(prefix) {
                prefix
            } else {
                Prefix::Unknown
            },
        };
        if let Some(key) = owner.key {
            self.keys
                .take(key, self.config.key_rate, now)
                .map_err(busy)?;
        }
        self.prefixes
            .take(owner.prefix, self.config.prefix_rate, now)
            .map_err(busy)?;
        Ok(owner)
    }

    /// Keeps a record, if it is newer than what is there and there is room.
    fn publish(&mut self, now: Time, owner: Owner, record: Record) -> Result<Answer, Refusal> {
        record.check().map_err(|_| Refusal::Invalid)?;
        if record.expires() <= now {
            return Err(Refusal::Expired);
        }
        if record.expires() > now + LIFE_MAX + CLOCK_SKEW_MAX {
            return Err(Refusal::TooLong);
        }
        let key = (record.locator(), record.slot());
        let mut previous = None;
        if let Some(entry) = self.records.get(&key) {
            if entry.record == record {
                return Ok(Answer::Kept);
            }
            let newest = entry.record.sequence();
            if record.sequence() <= newest {
                return Err(Refusal::Stale { newest });
            }
            previous = Some(entry.owner);
        }
        if previous != Some(Some(owner)) && !self.has_room(owner, previous.is_some()) {
            return Err(Refusal::Quota);
        }
        if previous.is_none() && self.live(now, key.0).count() >= RECORDS_PER_LOCATOR_MAX {
            return Err(Refusal::Quota);
        }
        record.verify(&self.scheme).map_err(|_| Refusal::Invalid)?;

        self.release(previous.flatten());
        if let Some(key) = owner.key {
            self.keys.hold(key);
        }
        self.prefixes.hold(owner.prefix);
        let value = codec::encode(&record);
        self.outputs
            .push_back(RegistryOutput::Store(row(key, Some(value))));
        let owner = Some(owner);
        self.records.insert(key, Entry { record, owner });
        Ok(Answer::Kept)
    }

    /// Whether `owner` may hold one record more: one that takes up room, or one in the place of another.
    fn has_room(&self, owner: Owner, replaces: bool) -> bool {
        let held = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        let free = self.config.records_max.saturating_sub(held);
        let share = if replaces {
            u32::MAX
        } else {
            // Somebody who holds nothing may have the last free place.
            (free / FREE_SHARE).max(free.min(1))
        };
        let held_by_key = owner.key.map_or(0, |key| self.keys.held(key));
        held_by_key < self.config.records_per_key_max
            && self.prefixes.held(owner.prefix) < self.config.records_per_prefix_max.min(share)
    }

    /// Takes a record off its owner's accounts.
    fn release(&mut self, owner: Option<Owner>) {
        if let Some(Owner { key, prefix }) = owner {
            if let Some(key) = key {
                self.keys.release(key);
            }
            self.prefixes.release(prefix);
        }
    }

    /// What stands under `locator` and has not expired.
    fn live(&self, now: Time, locator: Locator) -> impl Iterator<Item = &Record> {
        let slots = (locator, Slot([0; 16]))..=(locator, Slot([255; 16]));
        self.records
            .range(slots)
            .map(|(_, entry)| &entry.record)
            .filter(move |record| record.expires() > now)
    }
}

/// The row of a record.
fn row((locator, slot): (Locator, Slot), value: Option<Vec<u8>>) -> Row {
    Row {
        kind: ROW_KIND,
        key: [locator.as_bytes().as_slice(), &slot.0].concat(),
        value,
    }
}

#[cfg(test)]
mod tests;
