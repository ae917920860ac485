//! A notice: an introducer's own word on its line, signed by its key. It is how a change of the TLS key that the line pins
//! reaches those who hold the old line.
//!
//! It is a [`Record`] under the introducer's key itself, in a slot of its own, so that any registry can hold it and nobody
//! but the introducer can write it: a later sequence replaces an earlier one, and none is believed after its end. A change
//! of the TLS key is announced ahead, with the time from which the new key is shown, so that whoever hears of it in between
//! changes at the same moment and never meets a key that it does not know.
//!
//! ```text
//! payload = [version, line: Introducer, next: [pin: bytes .size 32, from: time] / null]
//! ```

use std::time::Duration;

use minicbor::{Decode, Encode};

use crate::codec::Wire;
use crate::crypto::{Scheme, SecretKey};
use crate::ids::{DeviceKey, Locator, TlsPin};
use crate::introducer::{Introducer, Trust};
use crate::time::{DAY, Time};

use super::plain::{self, Plain, PlainError};
use super::record::{PAYLOAD_BYTES_MAX, Record, Slot};

/// How long a notice is believed: about as long as a registry keeps any record, because a node that was away for weeks
/// needs it most.
pub const NOTICE_LIFE: Duration = DAY.saturating_mul(28);

/// Which version of the format this is.
const VERSION: u8 = 1;

/// What an introducer says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Notice {
    #[n(0)]
    version: u8,
    /// Its line as it is.
    #[n(1)]
    pub line: Introducer,
    /// The TLS key that it will show instead.
    #[n(2)]
    pub next: Option<NextPin>,
}

/// A change of the TLS key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct NextPin {
    /// The new key's.
    #[n(0)]
    pub pin: TlsPin,
    /// From when on it is shown, by the introducer's clock.
    #[n(1)]
    pub from: Time,
}

impl Wire for Notice {
    const BYTES_MAX: usize = Introducer::BYTES_MAX + 64;
}

const _: () = assert!(Notice::BYTES_MAX <= PAYLOAD_BYTES_MAX);

impl Plain for Notice {
    const SLOT: Slot = Slot(*b"kith/1 notice\0\0\0");

    fn check(&self, locator: Locator) -> Result<(), PlainError> {
        if self.version != VERSION {
            return Err(PlainError::Bounds("of a newer version"));
        }
        if Self::locator(self.line.key) != locator {
            return Err(PlainError::Elsewhere);
        }
        match (&self.next, &self.line.trust) {
            (Some(_), Trust::Domain(_)) => {
                return Err(PlainError::Bounds("a pin to follow a domain name"));
            }
            (Some(next), Trust::Pin(pin)) if next.pin == *pin => {
                return Err(PlainError::Bounds("a change to the same key"));
            }
            _ => {}
        }
        self.line.check().map_err(PlainError::Bounds)
    }
}

impl Notice {
    /// Says what the line is, and which TLS key follows.
    pub fn new(line: Introducer, next: Option<NextPin>) -> Self {
        Self {
            version: VERSION,
            line,
            next,
        }
    }

    /// Where the notices of the introducer with this key stand.
    pub fn locator(introducer: DeviceKey) -> Locator {
        Locator(introducer.0)
    }

    /// Signs it with the introducer's key, for [`NOTICE_LIFE`] from `now`.
    ///
    /// # Errors
    /// [`PlainError::Elsewhere`] when the line has another key, [`PlainError::Bounds`].
    pub fn sign(
        &self,
        scheme: &impl Scheme,
        secret: &SecretKey,
        sequence: u64,
        now: Time,
    ) -> Result<Record, PlainError> {
        plain::sign(scheme, secret, self, sequence, now + NOTICE_LIFE)
    }

    /// Reads what stands under the key of `introducer`, checking the cheapest first. Whether it is newer than what was
    /// known is its reader's to say, by [`Record::sequence`].
    ///
    /// # Errors
    /// [`PlainError`], one for each check.
    pub fn open(
        scheme: &impl Scheme,
        introducer: DeviceKey,
        record: &Record,
        now: Time,
    ) -> Result<Self, PlainError> {
        plain::open(scheme, Self::locator(introducer), record, now)
    }

    /// The line to use at `now`.
    pub fn line_at(&self, now: Time) -> Introducer {
        let mut line = self.line.clone();
        if let Some(next) = self.next.filter(|next| next.from <= now) {
            line.trust = Trust::Pin(next.pin);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;
    use crate::codec;
    use crate::crypto::Ed25519;
    use crate::discovery::Terms;
    use crate::introducer::{DOMAIN_BYTES_MAX, INTRODUCER_ADDRESSES_MAX, Ports};
    use crate::time::CLOCK_SKEW_MAX;

    const NOW: Time = Time(1_800_000_000_000);

    fn secret() -> SecretKey {
        SecretKey::from_bytes([1; 32])
    }

    fn line(pin: u8) -> Introducer {
        let ports = Ports {
            tcp: 7118,
            udp: 7118,
            discovery: 7119,
        };
        let address = "203.0.113.5".parse().expect("literal");
        let trust = Trust::Pin(TlsPin([pin; 32]));
        Introducer::new(secret().device_key(), vec![address], ports, trust)
    }

    fn notice() -> Notice {
        let next = NextPin {
            pin: TlsPin([3; 32]),
            from: NOW + DAY,
        };
        Notice::new(line(2), Some(next))
    }

    fn signed(notice: &Notice) -> Record {
        let record = notice.sign(&Ed25519, &secret(), NOW.0, NOW);
        record.expect("a proper notice")
    }

    fn open(record: &Record, now: Time) -> Result<Notice, PlainError> {
        Notice::open(&Ed25519, secret().device_key(), record, now)
    }

    #[test]
    fn a_notice_of_the_first_version_keeps_its_bytes() {
        let golden = concat!(
            "8301870158208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c",
            "81820044cb007105191bce191bce191bcf82008158200202020202020202020202020202020202",
            "0202020202020202020202020202028258200303030303030303030303030303030303030303",
            "0303030303030303030303031b000001a31d82ac00",
        );
        assert_eq!(HEXLOWER.encode(&codec::encode(&notice())), golden);
    }

    #[test]
    fn the_new_pin_is_used_from_its_time_on() {
        let record = signed(&notice());
        let read = open(&record, NOW).expect("sound");
        assert_eq!(read, notice());
        let before = NOW + DAY - Duration::from_millis(1);
        assert_eq!(read.line_at(before), line(2));
        assert_eq!(read.line_at(NOW + DAY), line(3));
        assert_eq!(Notice::new(line(2), None).line_at(NOW + DAY), line(2));
    }

    #[test]
    fn what_another_key_signed_is_not_believed() {
        let forger = SecretKey::from_bytes([9; 32]);
        let mut claimed = notice();
        claimed.line.key = forger.device_key();
        let theirs = claimed.sign(&Ed25519, &forger, NOW.0, NOW);
        let theirs = theirs.expect("their own");
        assert_eq!(open(&theirs, NOW), Err(PlainError::Elsewhere));
        // A true notice cannot be changed, and another's key cannot be claimed.
        let bytes = codec::encode(&signed(&notice()));
        for byte in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[byte] ^= 1;
            let believed =
                codec::decode::<Record>(&changed).is_ok_and(|record| open(&record, NOW).is_ok());
            assert!(!believed, "byte {byte}");
        }
        let refused = notice().sign(&Ed25519, &forger, NOW.0, NOW);
        assert_eq!(refused, Err(PlainError::Elsewhere));
    }

    #[test]
    fn a_notice_ends() {
        let record = signed(&notice());
        let end = NOW + NOTICE_LIFE + CLOCK_SKEW_MAX;
        assert!(open(&record, end - Duration::from_millis(1)).is_ok());
        assert_eq!(open(&record, end), Err(PlainError::Expired));
    }

    #[test]
    fn other_records_under_the_key_are_no_notices() {
        let terms = |slot, payload| Terms {
            slot,
            sequence: 1,
            expires: NOW + DAY,
            payload,
        };
        let sign = |terms| Record::sign(&Ed25519, &secret(), terms).expect("small");
        let elsewhere = sign(terms(Slot([0; 16]), codec::encode(&notice())));
        assert_eq!(open(&elsewhere, NOW), Err(PlainError::Elsewhere));
        let nonsense = sign(terms(Notice::SLOT, b"nonsense".to_vec()));
        assert!(matches!(
            open(&nonsense, NOW),
            Err(PlainError::Malformed(_))
        ));
        let mut crooked = notice();
        crooked.line.addresses.clear();
        let crooked = sign(terms(Notice::SLOT, codec::encode(&crooked)));
        assert_eq!(open(&crooked, NOW), Err(PlainError::Bounds("no address")));
        let mut named = notice();
        named.line.trust = Trust::Domain("relay.example.org".to_owned());
        let named = sign(terms(Notice::SLOT, codec::encode(&named)));
        assert!(matches!(open(&named, NOW), Err(PlainError::Bounds(_))));
    }

    #[test]
    fn the_longest_notice_fits_a_record() {
        let mut longest = notice();
        longest.line.addresses = vec![[0xff_u16; 8].into(); INTRODUCER_ADDRESSES_MAX];
        let read = open(&signed(&longest), NOW);
        assert_eq!(read, Ok(longest.clone()));
        longest.next = None;
        longest.line.trust = Trust::Domain("x".repeat(DOMAIN_BYTES_MAX));
        let read = open(&signed(&longest), NOW);
        assert_eq!(read, Ok(longest));
    }

    crate::decoding::decoder_tests! {
        notice_form: Notice = notice();
    }
}
