//! Nothing an introducer stores contains a PeerId, a contact's DeviceKey or an address in clear, and nothing stands under
//! a key that is anybody's name.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use kith_core::ids::Face;

use super::view::{Checker, Fact, View};
use crate::node::outer_ip;

/// The rule, and every name that has been in use.
#[derive(Clone, Debug, Default)]
pub struct Privacy {
    /// Names by their first eight bytes.
    names: BTreeMap<[u8; 8], BTreeSet<Vec<u8>>>,
    /// What has been taken in of each node: its life and the number of its keys.
    known: BTreeMap<usize, (u64, usize)>,
}

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
        let mut kept = view.facts.iter().filter_map(|fact| match fact {
            Fact::Kept(node, row) => Some((node, row)),
            Fact::Up(..) => None,
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
    use kith_core::row::Row;

    use super::*;
    use crate::checker::fixture::{BO, INTRODUCER, contact_face, met};

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
