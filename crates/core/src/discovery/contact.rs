//! One contact, as far as finding each other goes: when its record is due, what was last written and read.

use thiserror::Error;
use zeroize::ZeroizeOnDrop;

use crate::crypto::Scheme;
use crate::ids::{Locator, PeerId};
use crate::random::Random;
use crate::time::{DAY, Day, Time};

use super::address::{AddressError, AddressRecord, Envelope};
use super::locator::{self, ROLES_MAX};
use super::record::{PAYLOAD_BYTES_MAX, Record, Terms};
use super::schedule;

/// A time that does not come.
pub(super) const NEVER: Time = Time(u64::MAX);

/// Days under which records stand at one time: today and, around midnight, its neighbour.
const DAYS_WRITTEN: usize = 2;

/// How often a registry's word that it knows a newer record is answered by publishing at once, until my address changes.
/// Once is enough among honest ones; a liar gains two more records.
const CORRECTIONS_MAX: u8 = 3;

/// Why a record was passed over.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FindError {
    /// Nobody of this name is a contact.
    #[error("not a contact")]
    Unknown,
    /// Nothing was asked about this contact.
    #[error("not asked for")]
    NotAsked,
    /// A newer record was there before.
    #[error("older than what is known")]
    Stale,
    /// The record is no address of this contact.
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// What the records that are left for somebody tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The public face, at which nobody learns an IP address: for whoever is let in and not confirmed.
    PublicFace,
    /// Both faces.
    Everything,
}

/// The newest records that were read from somebody under one secret: the sequence of each role's.
#[derive(Clone, Debug, Default)]
pub(super) struct Newest([u64; ROLES_MAX as usize]);

impl Newest {
    /// Opens what lies at a place; nothing older than what was opened before. With it: whether it is newer than all of them.
    pub(super) fn open(
        &mut self,
        scheme: &impl Scheme,
        now: Time,
        place: Envelope<'_>,
        record: &Record,
    ) -> Result<(AddressRecord, bool), FindError> {
        let role = usize::from(place.role(record)?);
        if record.sequence() < self.0[role] {
            return Err(FindError::Stale);
        }
        let address = AddressRecord::open(scheme, place, record, now)?;
        let before = std::mem::replace(&mut self.0[role], record.sequence());
        Ok((address, record.sequence() > before))
    }
}

/// What is remembered of a contact. There may be a million of these in a simulation, so it is kept small.
#[derive(Clone, Debug, ZeroizeOnDrop)]
pub(super) struct Contact {
    pub(super) reach: [u8; 32],
    /// What its records tell.
    #[zeroize(skip)]
    told: Told,
    /// The days last written under, and the sequence of the last record there. Each day counts for itself: an introducer
    /// that invents a newer sequence under one locator shall not find the next number under another.
    #[zeroize(skip)]
    written: [(Day, u64); DAYS_WRITTEN],
    #[zeroize(skip)]
    newest: Newest,
    /// When today's record is due.
    #[zeroize(skip)]
    today: Time,
    /// When the neighbouring day's record is due, or might be.
    #[zeroize(skip)]
    neighbour: Time,
    /// When it is to be looked up next, if it is wanted then.
    #[zeroize(skip)]
    lookup: Time,
    #[zeroize(skip)]
    wanted: bool,
    /// The day last looked up.
    #[zeroize(skip)]
    asked: Option<Day>,
    #[zeroize(skip)]
    attempts: u8,
    #[zeroize(skip)]
    corrections: u8,
}

impl Contact {
    /// A contact for which everything is due.
    pub(super) fn new(reach: [u8; 32], told: Told, now: Time) -> Self {
        Self {
            reach,
            told,
            written: [(Day(0), 0); DAYS_WRITTEN],
            newest: Newest::default(),
            today: now,
            neighbour: now,
            lookup: now,
            wanted: false,
            asked: None,
            attempts: 0,
            corrections: 0,
        }
    }

    /// What its records tell.
    pub(super) fn told(&self) -> Told {
        self.told
    }

    /// From now on its records tell this; whether that is something else than before.
    pub(super) fn tell(&mut self, now: Time, told: Told) -> bool {
        let before = std::mem::replace(&mut self.told, told);
        if before == told {
            return false;
        }
        // The other day's record follows in its own time: of one pair alone, publishing both would show which belong together.
        self.today = self.today.min(now);
        true
    }

    /// When a record for it is due next.
    pub(super) fn publish_at(&self) -> Time {
        self.today.min(self.neighbour)
    }

    /// When it is to be looked up next; [`NEVER`] while it is not wanted.
    pub(super) fn lookup_at(&self) -> Time {
        if self.wanted { self.lookup } else { NEVER }
    }

    /// Makes its records due, because what they say has changed.
    pub(super) fn handle_change(&mut self, now: Time) {
        self.today = self.today.min(now);
        self.neighbour = self.neighbour.min(now);
        self.corrections = 0;
    }

    /// The days whose records are due, and from now on due again later.
    pub(super) fn take_due(
        &mut self,
        now: Time,
        random: &mut Random,
    ) -> impl Iterator<Item = Day> + use<> {
        let (mut today, mut other) = (None, None);
        if self.today <= now {
            today = Some(now.day());
            self.today = now + schedule::refresh_after(random);
        }
        if self.neighbour <= now {
            other = schedule::neighbour(now);
            self.neighbour = if other.is_some() {
                now + schedule::refresh_after(random)
            } else {
                let opens = schedule::neighbour_opens(now);
                opens + schedule::jitter(random, schedule::REFRESH_MAX)
            };
        }
        today.into_iter().chain(other)
    }

    /// A registry knows a record under `locator`, which is mine, with the sequence `newest`. Whether that is a reason to
    /// publish at once.
    pub(super) fn handle_stale(
        &mut self,
        now: Time,
        me: PeerId,
        locator: Locator,
        newest: u64,
    ) -> bool {
        let is_there = |(day, _): &&mut (Day, u64)| {
            let reach = &self.reach;
            let (writer, day) = (me, *day);
            Envelope { reach, writer, day }.locator() == locator
        };
        let Some((day, sequence)) = self.written.iter_mut().find(is_there) else {
            return false;
        };
        // A sequence is a time. One more than a day ahead is a lie, which would take me to the end of all numbers.
        if newest < *sequence || newest > (now + DAY).0 {
            return false;
        }
        *sequence = newest;
        let is_today = *day == now.day();
        if self.corrections == CORRECTIONS_MAX {
            return false;
        }
        self.corrections += 1;
        // The other day's record is left alone: publishing it now would show which belong together.
        if is_today {
            self.today = now;
        } else {
            self.neighbour = now;
        }
        true
    }

    /// Whether it is to be looked up from now on; true when that is to begin at once.
    pub(super) fn handle_wanted(&mut self, now: Time, wanted: bool) -> bool {
        let begins = wanted && !self.wanted;
        self.wanted = wanted;
        begins && self.lookup <= now
    }

    /// It is there: the pauses between look-ups begin anew, unless it is being looked for.
    pub(super) fn handle_present(&mut self, now: Time) {
        if !self.wanted {
            self.attempts = 0;
            self.lookup = self.lookup.min(now);
        }
    }

    /// Somebody asks for it: what was not found so far no longer makes its lookups rare.
    pub(super) fn handle_asked(&mut self) {
        self.attempts = 0;
    }

    /// My own network is another: it is looked up soon, where it is wanted.
    pub(super) fn handle_network_changed(&mut self, now: Time, random: &mut Random) {
        if self.wanted {
            self.attempts = 0;
            self.lookup = now + schedule::jitter(random, schedule::NETWORK_CHANGE_SPREAD);
        }
    }

    /// Under which day to look now; it is due again later.
    pub(super) fn look_up(&mut self, now: Time, random: &mut Random) -> Day {
        self.lookup = now + schedule::lookup_after(random, self.attempts);
        self.attempts = self.attempts.saturating_add(1);
        self.asked = Some(now.day());
        now.day()
    }

    /// The day last looked up.
    pub(super) fn asked(&self) -> Option<Day> {
        self.asked
    }

    /// Opens what `peer`, who is this contact, left, as [`Newest::open`].
    pub(super) fn open(
        &mut self,
        scheme: &impl Scheme,
        now: Time,
        peer: PeerId,
        record: &Record,
    ) -> Result<(AddressRecord, bool), FindError> {
        let place = Envelope {
            reach: &self.reach,
            writer: peer,
            day: self.asked.ok_or(FindError::NotAsked)?,
        };
        self.newest.open(scheme, now, place, record)
    }

    /// Seals my address for it.
    pub(super) fn seal(
        &mut self,
        scheme: &impl Scheme,
        random: &mut Random,
        (me, day): (PeerId, Day),
        address: &AddressRecord,
    ) -> Result<Record, AddressError> {
        let now = address.at;
        let sequence = self.next_sequence(random, now, day);
        let envelope = Envelope {
            reach: &self.reach,
            writer: me,
            day,
        };
        let expires = schedule::expires(now);
        address.seal(scheme, random, envelope, sequence, expires)
    }

    /// The sequence of the next record under `day`.
    fn next_sequence(&mut self, random: &mut Random, now: Time, day: Day) -> u64 {
        let place = self.written.iter().position(|(known, _)| *known == day);
        let oldest = usize::from(self.written[1].0 < self.written[0].0);
        let (known, sequence) = &mut self.written[place.unwrap_or(oldest)];
        let last = if *known == day { *sequence } else { 0 };
        *known = day;
        *sequence = schedule::next_sequence(random, now, last);
        *sequence
    }

    /// A record in the place of mine that looks like any other and opens for nobody; `None` where there is none of mine.
    pub(super) fn withdraw(
        &mut self,
        scheme: &impl Scheme,
        random: &mut Random,
        (me, day, role): (PeerId, Day, u8),
        now: Time,
    ) -> Option<Record> {
        if !self
            .written
            .iter()
            .any(|(known, sequence)| *known == day && *sequence > 0)
        {
            return None;
        }
        let sequence = self.next_sequence(random, now, day);
        let terms = Terms {
            slot: locator::role_slot(&self.reach, day, me, role),
            sequence,
            expires: schedule::expires(now),
            payload: random.bytes::<PAYLOAD_BYTES_MAX>().to_vec(),
        };
        let secret = locator::locator_secret(&self.reach, day, me);
        Record::sign(scheme, &secret, terms).ok()
    }
}
