//! A share as text, to hand to somebody: `kith:link1…`.
//!
//! For the audience *link* it holds the secret that opens the share; for the others it only says which share and where, and whoever is not
//! meant gets nothing by it. It leads to the owner's public face, so it can be posted where strangers read it; only where there is no
//! other way it says where the contact face is now, which is good on one network and until that face gets another key.

use minicbor::{Decode, Encode};
use zeroize::Zeroize;

use crate::address::Route;
use crate::codec::{self, Wire};
use crate::crypto::{self, SecretKey};
use crate::data::head::LinkKey;
use crate::data::path;
use crate::ids::{Face, PeerId, ShareId};
use crate::introducer::Introducer;
use crate::text::{self, TextError};

/// The longest name in a link, in bytes; longer ones are cut, because the head has the whole.
pub const LINK_NAME_BYTES_MAX: usize = 64;

/// The most introducers in a link: as many as a peer uses at once, and few enough for a QR code.
pub const LINK_INTRODUCERS_MAX: usize = 4;

/// Which version of the format this is.
const VERSION: u8 = 1;

/// What the key of a link is derived under.
const KEY_CONTEXT: &str = "kith/1 link key";

/// The secret of a link, wiped when dropped and never printed.
#[derive(Clone, PartialEq, Eq, Encode, Decode, Zeroize)]
#[zeroize(drop)]
#[cbor(transparent)]
pub struct LinkSecret(#[cbor(n(0), with = "minicbor::bytes")] pub [u8; 32]);

impl LinkSecret {
    /// The key that opens `share` for whoever holds this link.
    pub fn key(&self, share: &ShareId) -> SecretKey {
        SecretKey::from_bytes(crypto::derive(KEY_CONTEXT, &[&self.0, share.as_bytes()]))
    }

    /// Its public half, which stands in the head.
    pub fn public(&self, share: &ShareId) -> LinkKey {
        LinkKey(self.key(share).public())
    }
}

impl std::fmt::Debug for LinkSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkSecret(…)")
    }
}

/// Which share, whose, and how to get there.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct Link {
    #[n(0)]
    version: u8,
    /// Which share.
    #[n(1)]
    pub share: ShareId,
    /// Whose.
    #[n(2)]
    pub owner: PeerId,
    /// What opens it; `None` where the owner must know the asker.
    #[n(3)]
    pub secret: Option<LinkSecret>,
    /// What it is called, at most [`LINK_NAME_BYTES_MAX`].
    #[n(4)]
    pub name: String,
    /// The owner's public face.
    #[n(5)]
    pub public: Option<Route>,
    /// Where the owner can be found, at most [`LINK_INTRODUCERS_MAX`].
    #[n(6)]
    pub introducers: Vec<Introducer>,
    /// The owner's contact face as it is now; `None` unless its owner discloses it.
    #[n(7)]
    pub contact: Option<Route>,
}

impl Wire for Link {
    const BYTES_MAX: usize = 256
        + LINK_NAME_BYTES_MAX
        + 2 * Route::BYTES_MAX
        + LINK_INTRODUCERS_MAX * Introducer::BYTES_MAX;
}

impl Link {
    /// What the text form begins with, before the `1`.
    pub const PREFIX: &'static str = "link";

    /// Makes a link to a share of this name; what exceeds the bounds of a part is cut off.
    pub fn new(share: ShareId, owner: PeerId, secret: Option<LinkSecret>, name: &str) -> Self {
        let end = name.floor_char_boundary(LINK_NAME_BYTES_MAX);
        Self {
            version: VERSION,
            share,
            owner,
            secret,
            name: name[..end].trim_end_matches(['.', ' ']).to_owned(),
            public: None,
            introducers: Vec::new(),
            contact: None,
        }
    }

    /// Adds how to reach the owner. Left out is what makes the text longer than it may be.
    #[must_use]
    pub fn reached_by(mut self, public: Option<Route>, mut introducers: Vec<Introducer>) -> Self {
        introducers.truncate(LINK_INTRODUCERS_MAX);
        self.public = public.map(Route::bounded);
        self.introducers = introducers;
        while codec::encode(&self).len() > LINK_BYTES_MAX && self.introducers.pop().is_some() {}
        self
    }

    /// Adds where the owner's contact face is now, for an owner who wishes to disclose it.
    #[must_use]
    pub fn reached_directly(mut self, contact: Option<Route>) -> Self {
        self.contact = contact.map(Route::bounded);
        while codec::encode(&self).len() > LINK_BYTES_MAX && self.introducers.pop().is_some() {}
        self
    }

    /// The owner's faces that it leads to, and where they are.
    pub fn routes(&self) -> impl Iterator<Item = (Face, &Route)> {
        let public = self.public.iter().map(|route| (Face::Public, route));
        let contact = self.contact.iter().map(|route| (Face::Contact, route));
        public.chain(contact).filter(|(_, route)| !route.is_empty())
    }

    fn check(self) -> Result<Self, &'static str> {
        if self.version != VERSION {
            return Err("it was made by a newer kith; update this one");
        }
        if self.name.len() > LINK_NAME_BYTES_MAX || path::check_name(&self.name).is_err() {
            return Err("its name is not a safe one");
        }
        if self.introducers.len() > LINK_INTRODUCERS_MAX {
            return Err("too many introducers");
        }
        if self.introducers.iter().any(|it| it.check().is_err()) {
            return Err("a crooked introducer");
        }
        let mut routes = self.public.iter().chain(&self.contact);
        if routes.any(|route| !route.is_bounded()) {
            return Err("too many addresses");
        }
        Ok(self)
    }
}

/// The largest link that fits a text, in bytes: five eighths of its characters, less the prefix and the checksum.
const LINK_BYTES_MAX: usize = (text::TEXT_CHARS_MAX - 32) * 5 / 8;

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&text::encode_uri(Self::PREFIX, &codec::encode(self)))
    }
}

impl std::str::FromStr for Link {
    type Err = TextError;
    fn from_str(line: &str) -> Result<Self, TextError> {
        let bytes = text::decode(Self::PREFIX, line)?;
        let link: Self =
            codec::decode(&bytes).map_err(|error| TextError::Content(error.to_string()))?;
        link.check()
            .map_err(|reason| TextError::Content(reason.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::DeviceKey;

    fn link() -> Link {
        let secret = LinkSecret([3; 32]);
        Link::new(ShareId([1; 32]), PeerId([2; 32]), Some(secret), "holiday")
    }

    #[test]
    fn a_link_round_trips_and_a_typo_is_found() {
        let mut full = link()
            .reached_by(Some(Route::new(DeviceKey([4; 32]))), Vec::new())
            .reached_directly(Some(Route::new(DeviceKey([5; 32]))));
        assert_eq!(full.to_string().parse(), Ok(full.clone()));
        assert!(full.to_string().starts_with("kith:link1"));
        let typo = full.to_string().replacen('q', "p", 1);
        assert!(matches!(typo.parse::<Link>(), Err(TextError::Damaged(_))));
        full.version = 2;
        assert!(matches!(
            full.to_string().parse::<Link>(),
            Err(TextError::Content(_))
        ));
    }

    #[test]
    fn a_link_has_known_text() {
        assert_eq!(link().to_string(), GOLDEN);
    }

    const GOLDEN: &str = "kith:link1suq4sgqpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpq9vzqqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqsztqsqxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqcrqvpsxqm8dphkc6tyv9uldqq0q7gcv";

    #[test]
    fn a_link_that_names_a_path_is_refused() {
        let mut crooked = link();
        crooked.name = "../../etc".into();
        assert!(crooked.to_string().parse::<Link>().is_err());
        crooked.name = "x".repeat(65);
        assert!(crooked.to_string().parse::<Link>().is_err());
    }

    #[test]
    fn a_link_leads_only_where_there_is_an_address() {
        let mut contact = Route::new(DeviceKey([5; 32]));
        contact.addresses.push(([192, 0, 2, 1], 7).into());
        let led = link()
            .reached_by(Some(Route::new(DeviceKey([4; 32]))), Vec::new())
            .reached_directly(Some(contact.clone()));
        let routes: Vec<_> = led.routes().collect();
        assert_eq!(routes, [(Face::Contact, &contact)]);
    }

    #[test]
    fn the_link_of_another_share_has_another_key() {
        let secret = LinkSecret([3; 32]);
        assert_ne!(
            secret.public(&ShareId([1; 32])),
            secret.public(&ShareId([2; 32]))
        );
        assert_eq!(format!("{secret:?}"), "LinkSecret(…)");
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        let long = Link::new(ShareId([1; 32]), PeerId([2; 32]), None, &"é".repeat(40));
        assert_eq!(long.name.len(), 64);
        assert!(long.to_string().parse::<Link>().is_ok());
    }

    crate::decoding::decoder_tests! {
        link_form: Link = link().reached_by(Some(Route::new(DeviceKey([4; 32]))), Vec::new());
    }

    crate::decoding::text_tests! {
        link_text: Link = link();
    }
}
