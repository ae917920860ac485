//! Invites: a link or QR code to meet its maker (DESIGN §1).
//!
//! An invite is handed over on purpose, so it may say where its maker is: the public face's relays, and the contact face's
//! current addresses, by which two people on one network need nothing else. Whoever holds it proves so without
//! showing its secret: by a keyed hash over the TLS session's exporter (RFC 8446 §7.5), worthless in any other session.
//!
//! From the secret also follow the invite's id, and the key under which a reply may wait at an introducer: its
//! public half is a locator like any other, so that an introducer cannot tell a reply from an address record.
//!
//! ```text
//! kith:invite1<[version, peer, secret, made, expires, reusable, name, public / null, contact / null, [introducer]]>
//! ```

use std::fmt;

use minicbor::{Decode, Encode};

use crate::address::Route;
use crate::codec::{self, Wire};
use crate::crypto::{SecretKey, derive, equal};
use crate::ids::{InviteId, PeerId};
use crate::introducer::Introducer;
use crate::text::{self, TextError};
use crate::time::Time;

use super::petname;
use super::secret::secret_bytes;

/// The most introducers in an invite: a second and third for when one is down; more only make the QR code larger.
pub const INVITE_INTRODUCERS_MAX: usize = 4;

/// The longest invite, in bytes: as text (8/5 of it and a prefix) it still fits the largest QR code.
pub const INVITE_BYTES_MAX: usize = 2600;

/// Which version of the invite this is.
const VERSION: u8 = 1;

secret_bytes!(
    /// What holding an invite means. Wiped when dropped, never printed.
    InviteSecret
);

/// A link to meet its maker.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Invite {
    #[n(0)]
    version: u8,
    /// Who made it.
    #[n(1)]
    pub peer: PeerId,
    /// What its holder proves to hold.
    #[n(2)]
    pub secret: InviteSecret,
    /// When it was made, by its maker's clock.
    #[n(3)]
    pub made: Time,
    /// When it stops opening anything.
    #[n(4)]
    pub expires: Time,
    /// Whether more than one peer may use it.
    #[n(5)]
    pub reusable: bool,
    /// What its maker calls itself, at most 64 bytes; empty where it does not say.
    #[n(6)]
    pub name: String,
    /// Where its maker's public face is.
    #[n(7)]
    pub public: Option<Route>,
    /// Where its maker's contact face was when the invite was made.
    #[n(8)]
    pub contact: Option<Route>,
    /// Where its maker looks for replies, at most [`INVITE_INTRODUCERS_MAX`].
    #[n(9)]
    pub introducers: Vec<Introducer>,
}

impl Wire for Invite {
    const BYTES_MAX: usize = INVITE_BYTES_MAX;
}

/// What an invite says, besides its maker, its secret and its time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// What its maker calls itself; cut to 64 bytes.
    pub name: String,
    /// Where its maker's public face is.
    pub public: Option<Route>,
    /// Where its maker's contact face is now.
    pub contact: Option<Route>,
    /// Where its maker looks for replies; those beyond [`INVITE_INTRODUCERS_MAX`] are left out.
    pub introducers: Vec<Introducer>,
}

impl Invite {
    /// What the text form begins with, before the `1`.
    pub const PREFIX: &'static str = "invite";

    /// Makes an invite. Hints that do not fit [`INVITE_BYTES_MAX`] are left out, the least useful first.
    pub fn new(
        peer: PeerId,
        secret: InviteSecret,
        made: Time,
        expires: Time,
        reusable: bool,
        hints: Hints,
    ) -> Self {
        let mut introducers = hints.introducers;
        introducers.retain(|it| it.check().is_ok());
        introducers.truncate(INVITE_INTRODUCERS_MAX);
        let mut invite = Self {
            version: VERSION,
            peer,
            secret,
            made,
            expires,
            reusable,
            name: petname::presentable(&hints.name),
            public: hints.public.map(Route::bounded),
            contact: hints.contact.map(Route::bounded),
            introducers,
        };
        while codec::encode(&invite).len() > INVITE_BYTES_MAX {
            invite.drop_least_useful();
        }
        invite
    }

    /// The invite's name, from which its secret cannot be found.
    pub fn id(&self) -> InviteId {
        let hash = derive(
            "kith/1 invite id",
            &[self.secret.as_bytes(), self.peer.as_bytes()],
        );
        let mut id = [0; 16];
        id.copy_from_slice(&hash[..16]);
        InviteId(id)
    }

    /// Whether it opens nothing any more.
    pub fn is_expired(&self, now: Time) -> bool {
        now >= self.expires
    }

    /// Proves that `prover` holds this invite, in the one TLS session that `exporter` was exported from.
    pub fn proof(&self, exporter: &[u8; 32], prover: &PeerId) -> [u8; 32] {
        derive(
            "kith/1 invite proof",
            &[
                self.secret.as_bytes(),
                exporter,
                self.peer.as_bytes(),
                prover.as_bytes(),
            ],
        )
    }

    /// Whether `proof` is what [`Invite::proof`] gives, in constant time.
    pub fn check_proof(&self, exporter: &[u8; 32], prover: &PeerId, proof: &[u8; 32]) -> bool {
        equal(&self.proof(exporter, prover), proof)
    }

    /// The key that signs what waits for the maker at an introducer; its public half is the locator.
    pub fn mailbox_secret(&self) -> SecretKey {
        SecretKey::from_bytes(derive(
            "kith/1 invite mailbox",
            &[self.secret.as_bytes(), self.peer.as_bytes()],
        ))
    }

    /// Makes it smaller by one hint. Each of the steps ends, and the last leaves an invite of a few hundred bytes.
    fn drop_least_useful(&mut self) {
        if self.introducers.len() > 1 {
            self.introducers.pop();
            return;
        }
        for route in [&mut self.contact, &mut self.public].into_iter().flatten() {
            if route.relays.len() > 1 {
                route.relays.pop();
                return;
            }
        }
        if self.contact.take().is_none() && self.public.take().is_none() {
            self.introducers.clear();
        }
    }

    /// Whether its parts are within their bounds.
    fn check(self) -> Result<Self, &'static str> {
        if self.version != VERSION {
            return Err("it was made by a newer kith; update this one");
        }
        if !petname::is_presentable(&self.name) {
            return Err("its maker's name has characters that no name has");
        }
        if self.introducers.len() > INVITE_INTRODUCERS_MAX {
            return Err("too many introducers");
        }
        let routes = [&self.public, &self.contact];
        if !routes.into_iter().flatten().all(Route::is_bounded) {
            return Err("too many addresses");
        }
        if self.introducers.iter().any(|it| it.check().is_err()) {
            return Err("an introducer in it is malformed");
        }
        Ok(self)
    }
}

impl fmt::Display for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::encode_uri(Self::PREFIX, &codec::encode(self)))
    }
}

impl std::str::FromStr for Invite {
    type Err = TextError;
    fn from_str(link: &str) -> Result<Self, TextError> {
        let bytes = text::decode(Self::PREFIX, link)?;
        let invite: Self =
            codec::decode(&bytes).map_err(|error| TextError::Content(error.to_string()))?;
        invite
            .check()
            .map_err(|reason| TextError::Content(reason.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::address::{ADDRESSES_MAX, RELAY_URL_BYTES_MAX, RELAYS_MAX};
    use crate::identity::fixture::{introducer, invite, key};
    use crate::ids::DeviceKey;
    use crate::introducer::{Ports, Trust};

    #[test]
    fn a_link_round_trips() {
        let invite = invite(1, 7);
        let link = invite.to_string();
        assert!(link.starts_with("kith:invite1"), "{link}");
        assert_eq!(link.parse(), Ok(invite.clone()));
        assert_eq!(link.to_uppercase().parse(), Ok(invite));
    }

    #[test]
    fn an_invite_has_the_golden_text() {
        assert_eq!(invite(1, 7).to_string(), GOLDEN);
        assert_eq!(GOLDEN.parse(), Ok(invite(1, 7)));
    }

    #[test]
    fn an_invite_with_the_fullest_hints_still_fits_a_qr_code() {
        let route = Route {
            device: DeviceKey([255; 32]),
            addresses: vec![([255; 8], 65535).into(); ADDRESSES_MAX],
            relays: vec!["x".repeat(RELAY_URL_BYTES_MAX); RELAYS_MAX],
        };
        let ports = Ports {
            tcp: 65535,
            udp: 65535,
            discovery: 65535,
        };
        let domain = Trust::Domain("d".repeat(253));
        let introducer = Introducer::new(
            DeviceKey([255; 32]),
            vec![[255u16; 8].into(); 4],
            ports,
            domain,
        );
        let hints = Hints {
            name: "n".repeat(200),
            public: Some(route.clone()),
            contact: Some(route),
            introducers: vec![introducer; 9],
        };
        let secret = InviteSecret::from_bytes([7; 32]);
        let full = Invite::new(key(1).peer_id(), secret, Time(1), Time(2), false, hints);
        let link = full.to_string();
        assert!(link.len() <= text::TEXT_CHARS_MAX, "{}", link.len());
        assert!(full.contact.is_some() && !full.introducers.is_empty());
        assert_eq!(link.parse(), Ok(full));
    }

    #[test]
    fn a_proof_holds_in_its_session_for_its_prover_only() {
        let invite = invite(1, 7);
        let (prover, session) = (key(2).peer_id(), [5; 32]);
        let proof = invite.proof(&session, &prover);
        assert!(invite.check_proof(&session, &prover, &proof));
        assert!(!invite.check_proof(&[6; 32], &prover, &proof));
        assert!(!invite.check_proof(&session, &key(3).peer_id(), &proof));
        let other = crate::identity::fixture::invite(1, 8);
        assert!(!other.check_proof(&session, &prover, &proof));
        assert_ne!(other.id(), invite.id());
    }

    #[test]
    fn id_and_mailbox_do_not_disclose_the_secret() {
        let invite = invite(1, 7);
        let mailbox = invite.mailbox_secret();
        assert_ne!(mailbox.as_bytes(), invite.secret.as_bytes());
        assert_ne!(invite.id().as_bytes()[..], invite.secret.as_bytes()[..16]);
        assert!(!format!("{invite:?}").contains("7, 7"));
    }

    #[test]
    fn out_of_bounds_content_is_refused_although_the_checksum_is_right() {
        let refused = |change: fn(&mut Invite)| {
            let mut crooked = invite(1, 7);
            change(&mut crooked);
            matches!(
                crooked.to_string().parse::<Invite>(),
                Err(TextError::Content(_))
            )
        };
        assert!(refused(|invite| invite.version = 2));
        assert!(refused(|invite| invite.name = "a\nb".into()));
        assert!(refused(|invite| invite.name = "a".repeat(65)));
        assert!(refused(|invite| invite.introducers = vec![introducer(1); 5]));
        assert!(refused(|invite| invite.introducers[0].addresses.clear()));
        assert!(refused(|invite| {
            let route = Route::new(DeviceKey([1; 32]));
            invite.public = Some(Route {
                relays: vec![String::new(); RELAYS_MAX + 1],
                ..route
            });
        }));
    }

    #[test]
    fn any_flipped_bit_of_a_link_is_refused() {
        let sound = invite(1, 7);
        let link = sound.to_string().into_bytes();
        for bit in 0..link.len() * 8 {
            let mut flipped = link.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let read = String::from_utf8(flipped)
                .ok()
                .and_then(|link| link.parse::<Invite>().ok());
            // The case of the scheme is the one thing that means nothing.
            let in_scheme = bit / 8 < text::SCHEME.len() && bit % 8 == 5;
            let is_same = in_scheme && read.as_ref() == Some(&sound);
            assert!(read.is_none() || is_same, "bit {bit}");
        }
    }

    crate::decoding::decoder_tests! {
        invite_form: Invite = invite(1, 7);
    }

    crate::decoding::text_tests! {
        invite_text: Invite = invite(1, 7);
    }

    proptest! {
        #[test]
        fn no_text_panics_the_reader(link in any::<String>()) {
            prop_assert!(link.parse::<Invite>().is_err());
        }
    }

    const GOLDEN: &str = "kith:invite13gq4sgy23r3a6aqf7x2l65km957t5htjefnsn0cajsfphum53qqmgrm0t3vzqpc8qurswpc8qurswpc8qurswpc8qurswpc8qurswpc8qurswpc8rvqqqqdrrpw9qqqmqqqqrgeudr2qparrg9jxra5rtqsqzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqvpsgqgy3xqqqpqzxg32xqgrpcptqsqzqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqvpsgqyfjcqwyq3jx7wrydu7xgm6zpqpq2cyqqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszsnz9cp";
}
