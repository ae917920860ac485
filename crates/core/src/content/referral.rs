//! Where a provider of a share is reached, and the tag by which a contact is asked for one.
//!
//! A referral is told to those only who may have the share. It has no identity: who it is shows, if at all, when it is reached.

use minicbor::{Decode, Encode};

use crate::address::Route;
use crate::ids::{DeviceKey, Face, ShareId};

/// The most providers in one answer: enough to find the rest by.
pub const REFERRALS_MAX: usize = 8;

/// The most addresses in a referral's route: two families, inside and outside of a NAT.
pub const ADDRESSES_MAX: usize = 4;

/// The most relays in a referral's route: a face keeps its place at one or two.
pub const RELAYS_MAX: usize = 2;

/// The largest referral, in bytes: two routes of a key, addresses and relays.
pub const REFERRAL_BYTES_MAX: usize =
    2 * (64 + ADDRESSES_MAX * 32 + RELAYS_MAX * crate::address::RELAY_URL_BYTES_MAX);

/// What tags are derived under.
const TAG_CONTEXT: &str = "kith/1 share tag";

/// Where a provider is reached by those who may have a share and do not know it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, Decode)]
pub struct Referral {
    /// Its public face, over relays.
    #[n(0)]
    public: Option<Route>,
    /// Its contact face, where it tells that: with addresses.
    #[n(1)]
    contact: Option<Route>,
}

impl Referral {
    /// Of a provider with these faces; what is over the bounds of this module is left out.
    pub fn new(public: Option<Route>, contact: Option<Route>) -> Self {
        Self {
            public: public.map(cut),
            contact: contact.map(cut),
        }
    }

    /// The faces and where they are, the one with addresses first.
    pub fn routes(&self) -> impl Iterator<Item = (Face, &Route)> {
        let contact = self.contact.iter().map(|route| (Face::Contact, route));
        contact.chain(self.public.iter().map(|route| (Face::Public, route)))
    }

    /// Whether it leads nowhere.
    pub fn is_empty(&self) -> bool {
        self.routes().all(|(_, route)| route.is_empty())
    }

    /// Whether it is within the bounds of this module.
    pub fn is_bounded(&self) -> bool {
        self.routes().all(|(_, route)| {
            route.is_bounded()
                && route.addresses.len() <= ADDRESSES_MAX
                && route.relays.len() <= RELAYS_MAX
        })
    }

    /// Whether one of its faces is this device.
    pub(in crate::content) fn has(&self, device: DeviceKey) -> bool {
        self.routes().any(|(_, route)| route.device == device)
    }

    /// The largest there is.
    #[cfg(test)]
    pub(super) fn largest() -> Self {
        let address = "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]:65535";
        let route = Route {
            device: DeviceKey([255; 32]),
            addresses: vec![address.parse().expect("literal"); ADDRESSES_MAX],
            relays: vec!["x".repeat(crate::address::RELAY_URL_BYTES_MAX); RELAYS_MAX],
        };
        Self {
            public: Some(route.clone()),
            contact: Some(route),
        }
    }
}

fn cut(route: Route) -> Route {
    let mut route = route.bounded();
    route.addresses.truncate(ADDRESSES_MAX);
    route.relays.truncate(RELAYS_MAX);
    route
}

/// What a share is asked for by, in the session of `exporter`: says nothing to whoever does not know the share's id, and nothing to anybody in another
/// session.
pub fn tag(share: &ShareId, exporter: &[u8; 32]) -> [u8; 32] {
    let key = blake3::derive_key(TAG_CONTEXT, share.as_bytes());
    *blake3::keyed_hash(&key, exporter).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{decode, encode};
    use crate::content::wire::{Answer, Proof, Request};
    use proptest::prelude::*;

    const SHARE: ShareId = ShareId([5; 32]);

    fn referral(number: u8) -> Referral {
        let mut route = Route::new(DeviceKey([number; 32]));
        route.relays = vec!["https://relay.example".to_owned()];
        Referral::new(Some(route), None)
    }

    #[test]
    fn a_tag_says_nothing_without_the_share_and_nothing_in_another_session() {
        let here = tag(&SHARE, &[1; 32]);
        assert_eq!(here, tag(&SHARE, &[1; 32]));
        assert_ne!(here, tag(&SHARE, &[2; 32]));
        assert_ne!(here, tag(&ShareId([6; 32]), &[1; 32]));
        assert_eq!(data_encoding::HEXLOWER.encode(&here), TAG_GOLDEN);
    }

    const TAG_GOLDEN: &str = "c3abd6d40c0218e11c6f4af1a947a847ae45003e89dc73f0bf6a610ab62ebf12";

    #[test]
    fn a_referral_has_known_bytes_and_its_bounds_are_kept() {
        let hex = data_encoding::HEXLOWER.encode(&encode(&Request::Provide {
            share: SHARE,
            proof: Proof::Session,
            referral: referral(1),
        }));
        let golden = format!(
            "8204835820{}82008081835820{}80817568747470733a2f2f72656c61792e6578616d706c65",
            "05".repeat(32),
            "01".repeat(32)
        );
        assert_eq!(hex, golden);
        let mut over = Referral::largest();
        assert!(over.is_bounded());
        if let Some(route) = &mut over.public {
            route.relays.push(String::new());
        }
        assert!(!over.is_bounded());
        assert!(Referral::new(over.public, over.contact).is_bounded());
    }

    proptest! {
        #[test]
        fn a_referral_is_read_back(relays in proptest::collection::vec("[a-z]{1,20}", 0..6), device: [u8; 32]) {
            let route = Route { device: DeviceKey(device), addresses: Vec::new(), relays };
            let answer = Answer::Providers(vec![Referral::new(None, Some(route))]);
            prop_assert!(answer.is_bounded());
            prop_assert_eq!(decode(&encode(&answer)), Ok(answer));
        }
    }
}
