//! Locators: the keys under which two contacts leave their addresses for each other, new each day.
//!
//! Everything follows from the pair's reach secret, the writer and the day. So both contacts know where to look without
//! asking anybody, a third one can compute nothing, and two days, two writers or two pairs have keys that
//! look unrelated. Both of a pair can sign under both of their locators: whoever does so wrongly deceives only
//! itself, because nobody else looks there.

use crate::crypto::{SecretKey, derive};
use crate::ids::PeerId;
use crate::time::Day;

use super::record::Slot;

/// How many devices of one peer may each leave an address; the role in a device's binding tells them apart.
/// A phone, a laptop, a desktop, a server.
pub const ROLES_MAX: u8 = 4;

/// The key that signs what `writer` leaves on `day` for the contact it shares `reach` with.
pub fn locator_secret(reach: &[u8; 32], day: Day, writer: PeerId) -> SecretKey {
    SecretKey::from_bytes(derive_daily("kith/1 locator", reach, day, writer, &[]))
}

/// The key that seals what stands there.
pub(super) fn seal_key(reach: &[u8; 32], day: Day, writer: PeerId) -> [u8; 32] {
    derive_daily("kith/1 address seal", reach, day, writer, &[])
}

/// The slot of the writer's device in `role`: the next record of the same device replaces its last, also after a restart
/// that changed its key, and an observer sees a random number.
pub(super) fn role_slot(reach: &[u8; 32], day: Day, writer: PeerId, role: u8) -> Slot {
    let derived = derive_daily("kith/1 address slot", reach, day, writer, &[role]);
    let (slot, _) = derived.split_first_chunk().expect("32 bytes begin with 16");
    Slot(*slot)
}

/// Derives for one purpose from pair, day, writer and whatever else tells two uses apart.
fn derive_daily(
    context: &'static str,
    reach: &[u8; 32],
    day: Day,
    writer: PeerId,
    more: &[u8],
) -> [u8; 32] {
    derive(
        context,
        &[reach, &day.0.to_be_bytes(), writer.as_bytes(), more],
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn pair_writer_and_day_each_give_an_unrelated_key() {
        let mut keys = BTreeSet::new();
        for reach in [[1; 32], [2; 32]] {
            for writer in [PeerId([3; 32]), PeerId([4; 32])] {
                for day in [Day(20_000), Day(20_001)] {
                    keys.insert(locator_secret(&reach, day, writer).public());
                    keys.insert(seal_key(&reach, day, writer));
                }
            }
        }
        assert_eq!(keys.len(), 16);
    }

    #[test]
    fn a_role_has_another_slot_each_day() {
        let slots: BTreeSet<Slot> = (0..ROLES_MAX)
            .flat_map(|role| {
                [Day(1), Day(2)].map(|day| role_slot(&[1; 32], day, PeerId([2; 32]), role))
            })
            .collect();
        assert_eq!(slots.len(), 2 * usize::from(ROLES_MAX));
    }

    #[test]
    fn a_locator_of_the_first_version_keeps_its_bytes() {
        let secret = locator_secret(&[1; 32], Day(20_000), PeerId([2; 32]));
        let golden = "9ca933ae3fa2c6a345f1d5be255d8953170e8857d28cdb0f1f86e8256c8e8f44";
        assert_eq!(data_encoding::HEXLOWER.encode(&secret.public()), golden);
    }
}
