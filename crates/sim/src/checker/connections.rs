//! At rest, at most one connection joins two devices.

use std::collections::BTreeMap;

use super::view::{Checker, View};

/// The rule.
#[derive(Clone, Copy, Debug)]
pub struct Connections;

impl Checker for Connections {
    fn name(&self) -> &'static str {
        "connections"
    }

    fn at_rest(&mut self, view: View<'_>) -> Result<(), String> {
        let mut counts = BTreeMap::new();
        for link in view.network.links.values() {
            let (a, b) = (link.dialler.device, link.dialled.device);
            let count = counts.entry((a.min(b), a.max(b))).or_insert(0_u32);
            *count += 1;
            if *count > 1 {
                return Err(format!(
                    "nodes {} and {} have more than one connection between the same devices",
                    link.dialler.node.0, link.dialled.node.0
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::fixture::met;
    use crate::event::LinkId;

    #[test]
    fn a_second_connection_between_two_devices_is_found() {
        let mut world = met();
        assert!(Connections.at_rest(world.view()).is_ok());
        let link = world.network.links.values().next().expect("one stands");
        let twin = link.clone();
        world.network.links.insert(LinkId(u64::MAX), twin);
        assert!(Connections.at_rest(world.view()).is_err());
    }
}
