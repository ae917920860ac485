//! An address record: where a device is now, sealed by its owner for one contact.
//!
//! The sealed form has one size whatever it holds, so that it tells an observer neither how many addresses there are
//! nor whether anything changed. What does not fit is left out, least useful first.

use minicbor::{Decode, Encode};
use thiserror::Error;

use crate::address::Route;
use crate::codec::{self, DecodeError, Wire};
use crate::crypto::{self, SEAL_OVERHEAD_BYTES, Scheme};
use crate::ids::{Locator, PeerId};
use crate::introducer::Introducer;
use crate::random::Random;
use crate::time::{CLOCK_SKEW_MAX, Day, Time};

use super::locator::{self, ROLES_MAX};
use super::record::{PAYLOAD_BYTES_MAX, Record, RecordError, Terms};

mod compact;

/// The largest signed binding carried, in bytes. One with everything in it has about 300.
pub const BINDING_BYTES_MAX: usize = 512;

/// The most introducers told: those a contact will ask for the next record.
pub const INTRODUCERS_MAX: usize = 4;

/// What the plaintext begins with: its length, before the padding.
const LENGTH_BYTES: usize = 2;

/// The room for an encoded address record: the constant payload, without cipher and length.
pub const ADDRESS_BYTES_MAX: usize = PAYLOAD_BYTES_MAX - SEAL_OVERHEAD_BYTES - LENGTH_BYTES;

/// Which version of the format this is.
const VERSION: u8 = 1;

/// Where a device is, and who says so.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct AddressRecord {
    #[n(0)]
    version: u8,
    /// Which of the peer's devices it is, under [`ROLES_MAX`]; the binding says the same.
    #[n(1)]
    pub role: u8,
    /// The signed binding of the peer and its contact device, or its public device where the contact face is not told; at most
    /// [`BINDING_BYTES_MAX`]. Opaque here: the address book verifies it before the route is used.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub binding: Vec<u8>,
    /// The contact face; not told to whom its owner has not confirmed.
    #[cbor(n(3), with = "compact::optional")]
    pub contact: Option<Route>,
    /// The public face; there where the contact face is not told.
    #[cbor(n(4), with = "compact::optional")]
    pub public: Option<Route>,
    /// Where its next records will be, at most [`INTRODUCERS_MAX`].
    #[n(5)]
    pub introducers: Vec<Introducer>,
    /// When it was written, by the writer's clock.
    #[n(6)]
    pub at: Time,
}

impl Wire for AddressRecord {
    const BYTES_MAX: usize = ADDRESS_BYTES_MAX;
}

/// Between whom and when: what the keys of a sealed address follow from.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// The pair's reach secret.
    pub reach: &'a [u8; 32],
    /// Whose address it is.
    pub writer: PeerId,
    /// Which day's locator it stands under.
    pub day: Day,
}

/// Why a record tells no address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It stands under another locator, or in no slot of a device.
    #[error("not a record of this contact and day")]
    Elsewhere,
    /// Its time is over, by more than a clock may be wrong.
    #[error("expired")]
    Expired,
    /// The record itself is not to be believed.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// It does not open: withdrawn by its writer, or sealed with another key.
    #[error("sealed for somebody else, or withdrawn")]
    Sealed,
    /// It opened, to something that is no address record.
    #[error("malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// It opened, and breaks a bound or names another role than its slot.
    #[error("out of bounds: {0}")]
    Bounds(&'static str),
}

impl Envelope<'_> {
    /// Where the record stands.
    pub fn locator(&self) -> Locator {
        locator::locator_secret(self.reach, self.day, self.writer).locator()
    }

    /// Which of the writer's devices left `record`.
    ///
    /// # Errors
    /// [`AddressError::Elsewhere`] when none did, under this pair and day.
    pub fn role(&self, record: &Record) -> Result<u8, AddressError> {
        let Self { reach, writer, day } = *self;
        (0..ROLES_MAX)
            .find(|role| locator::role_slot(reach, day, writer, *role) == record.slot())
            .ok_or(AddressError::Elsewhere)
    }
}

impl AddressRecord {
    /// Says where a device is, cut down to what fits a sealed record.
    ///
    /// # Errors
    /// [`AddressError::Bounds`] when the binding is over [`BINDING_BYTES_MAX`], the role not under [`ROLES_MAX`], or neither face is told.
    pub fn new(
        role: u8,
        binding: Vec<u8>,
        contact: Option<Route>,
        public: Option<Route>,
        mut introducers: Vec<Introducer>,
        at: Time,
    ) -> Result<Self, AddressError> {
        introducers.truncate(INTRODUCERS_MAX);
        let record = Self {
            version: VERSION,
            role,
            binding,
            contact: contact.map(Route::bounded),
            public: public.map(Route::bounded),
            introducers,
            // While it is being fitted, as large as it can become.
            at: Time(u64::MAX),
        };
        record.check()?;
        let fitted = record.fitted();
        Ok(Self { at, ..fitted })
    }

    /// Seals it for one contact: the whole record, ready to be published.
    ///
    /// # Errors
    /// [`AddressError::Bounds`] when it was changed beyond its bounds after [`AddressRecord::new`].
    pub fn seal(
        &self,
        scheme: &impl Scheme,
        random: &mut Random,
        envelope: Envelope<'_>,
        sequence: u64,
        expires: Time,
    ) -> Result<Record, AddressError> {
        self.check()?;
        let Envelope { reach, writer, day } = envelope;
        let secret = locator::locator_secret(reach, day, writer);
        let padded = pad(&codec::encode(self))?;
        let slot = locator::role_slot(reach, day, writer, self.role);
        // The key belongs to this locator alone, so the slot is all there is to bind.
        let key = locator::seal_key(reach, day, writer);
        let payload = crypto::seal(&key, random.bytes(), &slot.0, &padded);
        let terms = Terms {
            slot,
            sequence,
            expires,
            payload,
        };
        Ok(Record::sign(scheme, &secret, terms)?)
    }

    /// Opens what a contact left, checking the cheapest first.
    ///
    /// # Errors
    /// [`AddressError`], one for each check.
    pub fn open(
        scheme: &impl Scheme,
        envelope: Envelope<'_>,
        record: &Record,
        now: Time,
    ) -> Result<Self, AddressError> {
        let Envelope { reach, writer, day } = envelope;
        let role = envelope.role(record)?;
        if record.expires() + CLOCK_SKEW_MAX <= now {
            return Err(AddressError::Expired);
        }
        if record.locator() != envelope.locator() {
            return Err(AddressError::Elsewhere);
        }
        record.verify(scheme)?;
        let key = locator::seal_key(reach, day, writer);
        let padded =
            crypto::open(&key, &record.slot().0, record.payload()).ok_or(AddressError::Sealed)?;
        let address: Self = codec::decode(unpad(&padded)?)?;
        address.check()?;
        if address.role != role {
            return Err(AddressError::Bounds("another role than its slot's"));
        }
        Ok(address)
    }

    /// Whether every part is within its bound.
    fn check(&self) -> Result<(), AddressError> {
        let mut faces = self.contact.iter().chain(&self.public).peekable();
        let is_told = faces.peek().is_some();
        let routes_bounded = faces.all(Route::is_bounded);
        match self {
            _ if self.version != VERSION => Err(AddressError::Bounds("of a newer version")),
            _ if self.role >= ROLES_MAX => Err(AddressError::Bounds("no such role")),
            _ if self.binding.len() > BINDING_BYTES_MAX => {
                Err(AddressError::Bounds("binding too large"))
            }
            _ if !is_told => Err(AddressError::Bounds("no face")),
            _ if !routes_bounded => Err(AddressError::Bounds("route too large")),
            _ if self.introducers.len() > INTRODUCERS_MAX => {
                Err(AddressError::Bounds("too many introducers"))
            }
            _ if self.introducers.iter().any(|it| it.check().is_err()) => {
                Err(AddressError::Bounds("a crooked introducer"))
            }
            _ => Ok(()),
        }
    }

    /// Leaves out the least useful part until the rest fits.
    fn fitted(mut self) -> Self {
        while codec::encode(&self).len() > ADDRESS_BYTES_MAX {
            if !self.trim() {
                break;
            }
        }
        self
    }

    /// Leaves out one part; `false` when nothing is left to give up. Addresses are ordered by promise, relays and
    /// introducers by preference, so it is always the last one that goes. What remains longest is one relay: it alone
    /// is enough to meet.
    fn trim(&mut self) -> bool {
        let Self {
            contact,
            public,
            introducers,
            ..
        } = self;
        let mut none = Vec::new();
        let public_relays = public.as_mut().map_or(&mut none, |route| &mut route.relays);
        let Some(contact) = contact else {
            return shorten(introducers, 1)
                || shorten(public_relays, 1)
                || shorten(introducers, 0)
                || shorten(public_relays, 0);
        };
        let trimmed = shorten(&mut contact.addresses, 4)
            || shorten(public_relays, 1)
            || shorten(&mut contact.relays, 2)
            || shorten(introducers, 1);
        trimmed
            || public.take().is_some()
            || shorten(&mut contact.addresses, 2)
            || shorten(&mut contact.relays, 1)
            || shorten(introducers, 0)
            || shorten(&mut contact.addresses, 0)
            || shorten(&mut contact.relays, 0)
    }
}

/// Drops the last of more than `keep` parts.
fn shorten<T>(parts: &mut Vec<T>, keep: usize) -> bool {
    parts.len() > keep && parts.pop().is_some()
}

/// The length, the bytes, and zeros up to the one size there is.
fn pad(bytes: &[u8]) -> Result<Vec<u8>, AddressError> {
    let length = u16::try_from(bytes.len())
        .ok()
        .filter(|length| usize::from(*length) <= ADDRESS_BYTES_MAX)
        .ok_or(AddressError::Bounds("too large to seal"))?;
    let mut padded = Vec::with_capacity(LENGTH_BYTES + ADDRESS_BYTES_MAX);
    padded.extend_from_slice(&length.to_be_bytes());
    padded.extend_from_slice(bytes);
    padded.resize(LENGTH_BYTES + ADDRESS_BYTES_MAX, 0);
    Ok(padded)
}

/// What [`pad`] was given.
fn unpad(padded: &[u8]) -> Result<&[u8], AddressError> {
    let cut_short = AddressError::Bounds("cut short");
    let Some((length, rest)) = padded.split_first_chunk::<LENGTH_BYTES>() else {
        return Err(cut_short);
    };
    rest.get(..usize::from(u16::from_be_bytes(*length)))
        .ok_or(cut_short)
}

#[cfg(test)]
mod tests;
