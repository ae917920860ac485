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
