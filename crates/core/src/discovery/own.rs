//! Where this device is, as it is told to contacts: one record for those who are confirmed, another for those who wait to be.

use crate::address::Route;
use crate::introducer::Introducer;
use crate::time::Time;

use super::address::{AddressError, AddressRecord};
use super::contact::Told;

/// A face of this device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnFace {
    /// Its signed binding, at most [`BINDING_BYTES_MAX`](super::address::BINDING_BYTES_MAX).
    pub binding: Vec<u8>,
    /// Where it is.
    pub route: Route,
}

/// What is left of where I am, one for each [`Told`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Own {
    everything: AddressRecord,
    /// Without a public face there is nothing to say.
    public_face: Option<AddressRecord>,
}

impl Own {
    /// Written at no time, so that nothing but a change makes a difference.
    pub(super) fn new(role: u8, own: OwnAddress) -> Result<Self, AddressError> {
        let at = Time(0);
        let OwnAddress {
            contact,
            public,
            introducers,
        } = own;
        let route = public.as_ref().map(|face| face.route.clone());
        let alone = public.map(|OwnFace { binding, route }| {
            AddressRecord::new(role, binding, None, Some(route), introducers.clone(), at)
        });
        let OwnFace {
            binding,
            route: reached,
        } = contact;
        Ok(Self {
            everything: AddressRecord::new(role, binding, Some(reached), route, introducers, at)?,
            public_face: alone.transpose()?,
        })
    }

    pub(super) fn told(&self, told: Told) -> Option<&AddressRecord> {
        match told {
            Told::PublicFace => self.public_face.as_ref(),
            Told::Everything => Some(&self.everything),
        }
    }
}

/// Where I am, as my contacts shall see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnAddress {
    /// The contact face, most promising addresses first.
    pub contact: OwnFace,
    /// The public face.
    pub public: Option<OwnFace>,
    /// The introducers I use, preferred first.
    pub introducers: Vec<Introducer>,
}
