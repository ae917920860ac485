//! What a checker sees of a world.

use kith_core::discovery::Request;
use kith_core::ids::{DeviceKey, Face, PeerId};
use kith_core::routing::Session;
use kith_core::row::Row;
use kith_core::time::Time;

use crate::event::NodeId;
use crate::model::Model;
use crate::network::Network;
use crate::node::Node;

/// Something a step brought about.
#[derive(Clone, Debug)]
pub enum Fact {
    /// A machine says that a session stands.
    Up(NodeId, Session),
    /// A machine has what is said to somebody said to this device from now on.
    Preferred(NodeId, PeerId, DeviceKey),
    /// An introducer keeps or deletes a row.
    Kept(NodeId, Row),
    /// An introducer is asked by whoever presents this key.
    Visited(NodeId, DeviceKey, Request),
}

/// A world, to look at.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// True time.
    pub now: Time,
    /// All nodes.
    pub nodes: &'a [Node],
    /// All wires.
    pub network: &'a Network,
    /// What people did.
    pub model: &'a Model,
    /// Whom the step concerned.
    pub touched: &'a [NodeId],
    /// What it brought about.
    pub facts: &'a [Fact],
}

impl View<'_> {
    /// Whose device a key is or was, and on which face; `None` for a stranger's who has no node.
    pub fn owner(&self, device: DeviceKey) -> Option<(NodeId, Face)> {
        let owner = *self.network.owners.get(&device)?;
        let face = self.nodes[owner.0].past.get(&device)?;
        Some((owner, *face))
    }
}

/// A rule of the world.
pub trait Checker: std::fmt::Debug {
    /// The rule, in a word.
    fn name(&self) -> &'static str;

    /// Looks at every step.
    ///
    /// # Errors
    /// What is against the rule.
    fn after_step(&mut self, _view: View<'_>) -> Result<(), String> {
        Ok(())
    }

    /// Looks at a world that has come to rest: everybody up, nothing cut, time enough passed.
    ///
    /// # Errors
    /// What is against the rule.
    fn at_rest(&mut self, _view: View<'_>) -> Result<(), String> {
        Ok(())
    }
}
