//! Forgers, who write invites in the name of another that lead to their own devices: nobody vouches for what an invite says.
//!
//! A forger has a node like everybody's. Whoever comes to it for the one it names is answered by that node, or by a double: with the
//! genuine binding of the one who is named, which each of their contacts has.

use std::collections::BTreeSet;

use kith_core::peer::InviteOptions;

use super::state::World;
use crate::event::{LinkId, NodeId, Parcel, Side};
use crate::forger::Forger;

impl World {
    /// From now on `id` writes invites in the name of `named`, and has a double answer whoever comes, or not.
    pub fn make_forger(&mut self, id: NodeId, named: NodeId, has_double: bool) {
        self.forgers.insert(id, Forger::new(named, has_double));
    }

    /// A forger writes an invite; it is number so-and-so of the world. `None` where it is down, or its double has nothing to show yet.
    pub fn forge(&mut self, id: NodeId, options: InviteOptions) -> Option<usize> {
        let forger = self.forgers.get(&id).filter(|it| it.is_ready())?;
        let named = forger.named;
        let node = &mut self.nodes[id.0];
        let local = node.local(self.now);
        let made = node.machine.as_mut()?.create_invite(local, options);
        let mut forged = made.ok()?;
        forged.peer = self.nodes[named.0].peer;
        let number = self.model.forge(id, named);
        self.model.name(number, forged.id());
        self.invites.push(Some(forged));
        self.note(format_args!("{} forges {number} of {}", id.0, named.0));
        self.settle(id);
        Some(number)
    }

    /// Who came to a forger.
    pub fn visitors(&self, id: NodeId) -> BTreeSet<NodeId> {
        let forger = self.forgers.get(&id);
        forger.map_or_else(BTreeSet::new, |forger| forger.visitors.clone())
    }

    /// A forger keeps what the one it names shows to say who they are.
    pub(super) fn learn_binding(&mut self, link: LinkId, to: Side, parcel: &Parcel) {
        let (Some(link), Parcel::Control(bytes)) = (self.network.links.get(&link), parcel) else {
            return;
        };
        let (to, from) = (link.end(to).node, link.end(to.other()).node);
        let forger = self.forgers.get_mut(&to);
        if let Some(forger) = forger.filter(|forger| forger.named == from) {
            forger.hear(bytes);
        }
    }

    /// Somebody connects to a forger, whose double answers; false where it is its node that does.
    pub(super) fn is_answered_by_double(&mut self, number: LinkId) -> bool {
        let Some(link) = self.network.links.get_mut(&number) else {
            return false;
        };
        let (visitor, who) = (link.dialler.node, link.dialled.node);
        let forger = self.forgers.get_mut(&who);
        let forger = forger.filter(|forger| forger.named != visitor);
        let Some(answer) = forger.and_then(|forger| forger.answer(visitor)) else {
            return false;
        };
        // What the visitor says is not read.
        link.dialled.open = false;
        self.note(format_args!("the double of {} answers {number:?}", who.0));
        self.forward(number, Side::Dialler, answer);
        true
    }
}
