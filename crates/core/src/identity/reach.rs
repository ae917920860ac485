//! Reach secrets: what two contacts share since their invite, and nobody else knows (DESIGN §1).
//!
//! Mixed from the agreement of both identity keys (X25519, RFC 7748), the invite's secret and the time at which it was accepted. The
//! first alone would be the same for ever, even after one of them blocked the other; the second alone would be known to whoever read
//! the invite. By the third, who takes an invite again after having removed its maker does not share again what they ended, and
//! nothing that was left under that is taken for an answer.

use crate::crypto::{Scheme, SecretKey, derive};
use crate::ids::PeerId;
use crate::time::Time;

use super::invite::InviteSecret;
use super::secret::secret_bytes;

secret_bytes!(
    /// A secret of two contacts, from which both derive where they leave their address records. Wiped when dropped,
    /// never printed.
    ReachSecret
);

impl ReachSecret {
    /// What the owner of `mine` shares with `theirs` since one of them accepted the invite with this `secret`, `at` that time: the
    /// same on both sides.
    /// `None` when `theirs` is no proper key.
    pub fn between<S: Scheme>(
        scheme: &S,
        mine: &SecretKey,
        theirs: &PeerId,
        secret: &InviteSecret,
        at: Time,
    ) -> Option<Self> {
        let me = mine.peer_id();
        let mut shared = scheme.agree(mine, theirs)?;
        let (low, high) = (me.min(*theirs), me.max(*theirs));
        let reach = derive(
            "kith/1 reach",
            &[
                &shared,
                secret.as_bytes(),
                &at.0.to_be_bytes(),
                low.as_bytes(),
                high.as_bytes(),
            ],
        );
        zeroize::Zeroize::zeroize(&mut shared);
        Some(Self::from_bytes(reach))
    }

    /// A secret for one purpose, from which this one cannot be found.
    pub fn secret_for(&self, context: &'static str, parts: &[&[u8]]) -> [u8; 32] {
        let parts: Vec<&[u8]> = std::iter::once(self.as_bytes().as_slice())
            .chain(parts.iter().copied())
            .collect();
        derive(context, &parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Ed25519;
    use crate::identity::fixture::{NOW, hex, key};

    fn reach(mine: u8, theirs: u8, invite: u8) -> ReachSecret {
        reach_at(mine, theirs, invite, NOW)
    }

    fn reach_at(mine: u8, theirs: u8, invite: u8, at: Time) -> ReachSecret {
        let secret = InviteSecret::from_bytes([invite; 32]);
        ReachSecret::between(&Ed25519, &key(mine), &key(theirs).peer_id(), &secret, at)
            .expect("proper keys")
    }

    #[test]
    fn both_sides_share_one_secret_per_invite() {
        assert_eq!(reach(1, 2, 7), reach(2, 1, 7));
        assert_ne!(reach(1, 2, 7), reach(1, 2, 8));
        assert_ne!(reach(1, 2, 7), reach(1, 3, 7));
        assert_ne!(reach(1, 2, 7), reach_at(1, 2, 7, Time(NOW.0 + 1)));
    }

    #[test]
    fn a_reach_secret_has_the_golden_bytes() {
        assert_eq!(hex(reach(1, 2, 7).as_bytes()), GOLDEN);
    }

    #[test]
    fn purposes_have_secrets_of_their_own() {
        let secret = reach(1, 2, 7);
        let one = secret.secret_for("kith/1 test one", &[b"x"]);
        assert_ne!(one, secret.secret_for("kith/1 test two", &[b"x"]));
        assert_ne!(one, secret.secret_for("kith/1 test one", &[b"y"]));
        assert_ne!(&one, secret.as_bytes());
    }

    #[test]
    fn nothing_is_shared_with_a_key_of_small_order() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let secret = InviteSecret::from_bytes([7; 32]);
        assert_eq!(
            ReachSecret::between(&Ed25519, &key(1), &PeerId(identity), &secret, NOW),
            None
        );
    }

    #[test]
    fn a_reach_secret_is_not_printed() {
        assert_eq!(format!("{:?}", reach(1, 2, 7)), "ReachSecret(…)");
    }

    const GOLDEN: &str = "1e954bd9f8b2de7c4166b95c2063882f59c967d64c5c542c2bc4efaa8b7805b6";
}
