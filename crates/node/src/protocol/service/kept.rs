//! The stored form of an offer, so that what somebody offers for good is offered again after a restart.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use kith_core::codec::{self, DecodeError, Wire};
use kith_core::ids::PeerId;
use kith_core::routing::Access;
use kith_core::row::Row;
use minicbor::{Decode, Encode};

use super::name::{Local, ServiceName, Transport};

/// The kind of the rows that keep offers.
pub(super) const KIND: &str = "service";

/// The most peers one offer names: a large club. More is what the audience `contacts` is for.
pub(super) const NAMED_MAX: usize = 256;

/// A local service and who may use it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceOffer {
    /// What it is called; one name can be offered once over TCP and once over UDP.
    pub name: ServiceName,
    /// Where it listens.
    pub local: Local,
    /// Who may use it.
    pub access: Access,
}

/// Version 1 of a row's value.
#[derive(Encode, Decode)]
struct Kept {
    #[n(0)]
    version: u8,
    #[n(1)]
    name: String,
    #[n(2)]
    udp: bool,
    #[n(3)]
    address: String,
    #[n(4)]
    audience: u8,
    #[n(5)]
    named: Vec<PeerId>,
}

impl Wire for Kept {
    /// The named peers at 34 bytes each, an IPv6 address with its scope, the name, and room for lengths.
    const BYTES_MAX: usize = NAMED_MAX * 34 + 128;
}

const VERSION: u8 = 1;

impl ServiceOffer {
    /// What tells it from all other offers of the node, and keys its row.
    pub(super) fn key(&self) -> (ServiceName, Transport) {
        (self.name.clone(), self.local.transport())
    }

    /// The row that keeps it.
    pub fn row(&self) -> Row {
        let (audience, named) = match &self.access {
            Access::Anyone => (0, Vec::new()),
            Access::Guests => (1, Vec::new()),
            Access::Contacts => (2, Vec::new()),
            Access::Named(named) => (3, named.iter().copied().collect()),
        };
        let kept = Kept {
            version: VERSION,
            name: self.name.to_string(),
            udp: self.local.transport() == Transport::Udp,
            address: self.local.address().to_string(),
            audience,
            named,
        };
        let value = Some(codec::encode(&kept));
        Row {
            value,
            ..no_row(&self.name, self.local.transport())
        }
    }

    /// Reads a row's value.
    ///
    /// # Errors
    /// [`DecodeError`] when it is of another version or damaged.
    pub fn read(value: &[u8]) -> Result<Self, DecodeError> {
        let malformed = |what: &str| DecodeError::Malformed(what.to_owned());
        let kept: Kept = codec::decode(value)?;
        if kept.version != VERSION || kept.named.len() > NAMED_MAX {
            return Err(malformed("not version 1 of an offer"));
        }
        let address: SocketAddr = kept.address.parse().map_err(|_| malformed("an address"))?;
        let access = match kept.audience {
            0 => Access::Anyone,
            1 => Access::Guests,
            2 => Access::Contacts,
            3 => Access::Named(BTreeSet::from_iter(kept.named)),
            _ => return Err(malformed("an audience")),
        };
        Ok(Self {
            name: kept.name.parse().map_err(|_| malformed("a name"))?,
            local: match kept.udp {
                true => Local::Udp(address),
                false => Local::Tcp(address),
            },
            access,
        })
    }
}

/// The row that deletes what is kept of a service.
pub(super) fn no_row(name: &ServiceName, transport: Transport) -> Row {
    Row {
        kind: KIND,
        key: name.protocol(transport).as_str().as_bytes().to_vec(),
        value: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    fn offer(access: Access) -> ServiceOffer {
        ServiceOffer {
            name: "web".parse().expect("valid"),
            local: Local::Tcp(([127, 0, 0, 1], 8080).into()),
            access,
        }
    }

    #[test]
    fn the_stored_form_stays_as_it_is() {
        let row = offer(Access::Named([PeerId([7; 32])].into())).row();
        assert_eq!(row.key, b"/kith/tcp/web/1");
        let golden = format!(
            "860163776562f46e3132372e302e302e313a3830383003815820{}",
            "07".repeat(32)
        );
        assert_eq!(HEXLOWER.encode(&row.value.expect("kept")), golden);
    }

    #[test]
    fn what_is_kept_comes_back() {
        for access in [
            Access::Anyone,
            Access::Guests,
            Access::Contacts,
            Access::Named((0..=255).map(|byte| PeerId([byte; 32])).collect()),
        ] {
            let kept = offer(access);
            let value = kept.row().value.expect("kept");
            assert_eq!(ServiceOffer::read(&value), Ok(kept));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_reading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..256)) {
            let _ = ServiceOffer::read(&bytes);
        }

        #[test]
        fn a_damaged_row_is_refused_or_another_offer(at in 0..200_usize, byte: u8, cut in 0..200_usize) {
            let sound = offer(Access::Named([PeerId([7; 32])].into())).row().value.expect("kept");
            let mut value = sound.clone();
            let (at, cut) = (at % sound.len(), cut % sound.len());
            value[at] = byte;
            if let Ok(read) = ServiceOffer::read(&value) {
                let again = read.row().value.expect("kept");
                prop_assert_eq!(ServiceOffer::read(&again), Ok(read));
            }
            prop_assert!(ServiceOffer::read(&sound[..cut]).is_err());
        }
    }
}
