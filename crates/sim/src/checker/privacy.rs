//! Nothing an introducer stores contains a PeerId, a contact's DeviceKey or an address in clear, and nothing stands under
//! a key that is anybody's name. And nobody who visits one can be joined by the key they present: it is no endpoint's, and
//! it names one locator, at one introducer, either to leave something or to look.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use kith_core::discovery::Request;
use kith_core::ids::{DeviceKey, Face, Locator};

use super::view::{Checker, Fact, View};
use crate::event::NodeId;
use crate::node::outer_ip;

/// The rule, and every name that has been in use.
#[derive(Clone, Debug, Default)]
pub struct Privacy {
    /// Names by their first eight bytes.
    names: BTreeMap<[u8; 8], BTreeSet<Vec<u8>>>,
    /// What has been taken in of each node: its life and the number of its keys.
    known: BTreeMap<usize, (u64, usize)>,
    /// What each key that visited was for.
    visitors: BTreeMap<DeviceKey, Purpose>,
}

/// What a visitor wants: of whom, where, and whether it leaves something there.
type Purpose = (NodeId, Locator, bool);

impl Privacy {
    fn learn(&mut self, name: &[u8]) {
        if let Some(first) = name.first_chunk::<8>() {
            self.names.entry(*first).or_default().insert(name.to_vec());
        }
    }

    /// Takes in the names of every node that has new ones.
    fn learn_all(&mut self, view: View<'_>) {
        for node in view.nodes {
            let state = (node.life.0, node.devices.len());
            if self.known.insert(node.id.0, state) == Some(state) {
                continue;
            }
            self.learn(node.peer.as_bytes());
            for (device, face) in &node.devices {
                if *face == Face::Contact {
                    self.learn(device.as_bytes());
                }
            }
            if node.introducer.is_some() {
                continue;
            }
            let addresses = [Some(outer_ip(node.id)), node.inner().map(|it| it.ip())];
            for address in addresses.into_iter().flatten() {
                self.learn(address.to_string().as_bytes());
                if let IpAddr::V6(ip) = address {
                    self.learn(&ip.octets());
                }
            }
        }
    }

    /// Whether a visit shows nothing but itself.
    fn judge(
        &mut self,
        view: View<'_>,
        (introducer, visitor, request): (NodeId, DeviceKey, &Request),
    ) -> Result<(), String> {
        if view.owner(visitor).is_some() {
            return Err(format!(
                "introducer {} is asked under an endpoint's key",
                introducer.0
            ));
        }
        let purpose = match request {
            Request::Publish(record) => (introducer, record.locator(), true),
            Request::Lookup(locator) => (introducer, *locator, false),
        };
        let first = *self.visitors.entry(visitor).or_insert(purpose);
        if first == purpose {
            return Ok(());
        }
        Err(format!(
            "one key visits introducer {} under {:?} and introducer {} under {:?}",
            first.0.0, first.1, introducer.0, purpose.1
        ))
    }

    /// What of `bytes` is a name.
    fn find(&self, bytes: &[u8]) -> Option<&[u8]> {
        (0..bytes.len().saturating_sub(7)).find_map(|start| {
            let rest = &bytes[start..];
            let first = rest.first_chunk::<8>()?;
            let names = self.names.get(first)?;
            let found = names.iter().find(|name| rest.starts_with(name))?;
            Some(found.as_slice())
        })
    }
}

impl Checker for Privacy {
    fn name(&self) -> &'static str {
        "privacy"
    }

    fn after_step(&mut self, view: View<'_>) -> Result<(), String> {
        for fact in view.facts {
            if let Fact::Visited(introducer, visitor, request) = fact {
                self.judge(view, (*introducer, *visitor, request))?;
            }
        }
        let mut kept = view.facts.iter().filter_map(|fact| match fact {
            Fact::Kept(node, row) => Some((node, row)),
            _ => None,
        });
        let Some(first) = kept.next() else {
            return Ok(());
        };
        self.learn_all(view);
        for (node, row) in std::iter::once(first).chain(kept) {
            let value = row.value.as_deref().unwrap_or_default();
            for bytes in [row.key.as_slice(), value] {
                if let Some(name) = self.find(bytes) {
                    return Err(format!(
                        "introducer {} stores a name of {} bytes in clear",
                        node.0,
                        name.len()
                    ));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use kith_core::crypto::{Ed25519, SecretKey};
    use kith_core::discovery::{Record, Slot, Terms};
    use kith_core::row::Row;
    use kith_core::time::Time;

    use super::*;
    use crate::checker::fixture::{ADA, BO, INTRODUCER, contact_face, met};

    /// Whether an introducer that stores this is found out.
    fn is_found(name: &[u8]) -> bool {
        let world = met();
        let value = [b"before".as_slice(), name, b"after"].concat();
        let row = |key: &[u8], value: &[u8]| Row {
            kind: "record",
            key: key.to_vec(),
            value: Some(value.to_vec()),
        };
        [row(b"key", &value), row(&value, b"value")]
            .into_iter()
            .all(|row| {
                let facts = [Fact::Kept(INTRODUCER, row)];
                let view = View {
                    facts: &facts,
                    ..world.view()
                };
                Privacy::default().after_step(view).is_err()
            })
    }

    /// Whether an introducer that is asked this under these keys is found able to join anything.
    fn is_joined(visits: &[(NodeId, DeviceKey, Request)]) -> bool {
        let world = met();
        let facts: Vec<Fact> = visits
            .iter()
            .map(|(introducer, visitor, request)| {
                Fact::Visited(*introducer, *visitor, request.clone())
            })
            .collect();
        let view = View {
            facts: &facts,
            ..world.view()
        };
        Privacy::default().after_step(view).is_err()
    }

    /// A record left under this locator.
    fn left(locator: u8) -> Request {
        let terms = Terms {
            slot: Slot([0; 16]),
            sequence: 1,
            expires: Time(1),
            payload: Vec::new(),
        };
        let secret = SecretKey::from_bytes([locator; 32]);
        Request::Publish(Record::sign(&Ed25519, &secret, terms).expect("within bounds"))
    }

    fn looked_up(locator: u8) -> Request {
        Request::Lookup(SecretKey::from_bytes([locator; 32]).locator())
    }

    const ONE: DeviceKey = DeviceKey([1; 32]);
    const OTHER: DeviceKey = DeviceKey([2; 32]);

    #[test]
    fn one_key_for_two_days_records_is_found() {
        let visits = |second| [(INTRODUCER, ONE, left(1)), (INTRODUCER, second, left(2))];
        assert!(is_joined(&visits(ONE)));
        assert!(!is_joined(&visits(OTHER)));
    }

    #[test]
    fn one_key_that_leaves_a_record_and_looks_another_up_is_found() {
        let visits = |second| {
            [
                (INTRODUCER, ONE, left(1)),
                (INTRODUCER, second, looked_up(2)),
            ]
        };
        assert!(is_joined(&visits(ONE)));
        assert!(!is_joined(&visits(OTHER)));
    }

    #[test]
    fn one_key_at_two_introducers_is_found_and_the_same_visit_paid_again_is_not() {
        assert!(is_joined(&[
            (INTRODUCER, ONE, left(1)),
            (ADA, ONE, left(1))
        ]));
        assert!(!is_joined(&[
            (INTRODUCER, ONE, left(1)),
            (INTRODUCER, ONE, left(1))
        ]));
    }

    #[test]
    fn a_visit_under_an_endpoints_key_is_found() {
        let key = contact_face(&met(), BO);
        assert!(is_joined(&[(INTRODUCER, key, looked_up(1))]));
    }

    #[test]
    fn names_and_addresses_in_clear_are_found() {
        let world = met();
        let bo = &world.nodes[BO.0];
        assert!(is_found(bo.peer.as_bytes()));
        assert!(is_found(contact_face(&world, BO).as_bytes()));
        assert!(is_found(outer_ip(BO).to_string().as_bytes()));
        let IpAddr::V6(ip) = outer_ip(BO) else {
            panic!("the simulated internet is IPv6");
        };
        assert!(is_found(&ip.octets()));
        assert!(!is_found(&[9; 64]));
    }
}
