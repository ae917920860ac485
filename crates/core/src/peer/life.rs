//! Which life of the node it is: a number that grows with each start, whatever the clock does.

use minicbor::{Decode, Encode};

use crate::codec::{self, Wire};
use crate::crypto::{SecretKey, derive};
use crate::routing::Boot;
use crate::row::Row;
use crate::time::Time;

/// The kind of the one row in which it is kept.
pub(super) const LIFE_KIND: &str = "life";

/// Which version of the row this is.
const VERSION: u8 = 1;

/// The row's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
struct Life {
    #[n(0)]
    version: u8,
    #[n(1)]
    number: u64,
}

impl Wire for Life {
    /// The array's head, the version and the number.
    const BYTES_MAX: usize = 1 + 1 + 9;
}

/// The life that begins at `now`, after the one in `rows`, and the row to keep of it. By custom its number is the time, so
/// that it also grows where the row was lost; after a clock was set back it is one more than the last.
pub(super) fn begin(identity: &SecretKey, now: Time, rows: &[Row]) -> (Boot, Row) {
    let mut last = rows.iter().filter_map(|row| {
        let life: Life = codec::decode(row.value.as_deref()?).ok()?;
        (life.version == VERSION).then_some(life.number)
    });
    let number = match last.next() {
        Some(last) => now.0.max(last.saturating_add(1)),
        None => now.0,
    };
    let version = VERSION;
    let row = Row {
        kind: LIFE_KIND,
        key: Vec::new(),
        value: Some(codec::encode(&Life { version, number })),
    };
    let secret = derive("kith/1 boot secret", &[identity.as_bytes()]);
    (Boot::new(secret, number), row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The lives of one node whose clock shows these times at its starts.
    fn lives(starts: &[u64]) -> Vec<Boot> {
        let identity = SecretKey::from_bytes([1; 32]);
        let mut rows = Vec::new();
        let mut begin = |start: &u64| {
            let (boot, row) = begin(&identity, Time(*start), &rows);
            rows = vec![row];
            boot
        };
        starts.iter().map(&mut begin).collect()
    }

    #[test]
    fn a_clock_set_back_makes_no_earlier_life() {
        let secret = derive("kith/1 boot secret", &[&[1; 32]]);
        let numbers = [1_000, 1_001, 1_002, 5_000];
        let expected = numbers.map(|number| Boot::new(secret, number));
        assert_eq!(lives(&[1_000, 10, 10, 5_000]), expected);
    }

    #[test]
    fn a_lost_row_is_made_up_for_by_the_clock() {
        let first = lives(&[1_000]);
        assert_eq!(lives(&[2_000, 2_000])[0], lives(&[2_000])[0]);
        assert_ne!(first, lives(&[2_000]));
    }

    #[test]
    fn the_row_of_the_first_version_keeps_its_bytes() {
        let (_, row) = begin(&SecretKey::from_bytes([1; 32]), Time(7), &[]);
        assert_eq!((row.key, row.value), (Vec::new(), Some(vec![0x82, 1, 7])));
    }

    crate::decoding::decoder_tests! {
        life: Life = Life { version: VERSION, number: 1 << 40 };
    }

    proptest! {
        #[test]
        fn no_row_makes_the_start_fail(value in proptest::collection::vec(any::<u8>(), 0..16), now: u64) {
            let row = Row { kind: LIFE_KIND, key: Vec::new(), value: Some(value) };
            begin(&SecretKey::from_bytes([1; 32]), Time(now), &[row]);
        }
    }
}
