//! Forgers, who write invites in the name of another that lead to their own devices: nobody vouches for what an invite says.
//!
//! A forger has a node like everybody's. Whoever comes to it for the one it names is answered by that node, or by a double: with the
//! genuine binding of the one who is named, which each of their contacts has.

use std::collections::BTreeSet;

use kith_core::codec::FRAME_HEADER_BYTES;
use kith_core::peer::InviteOptions;
use kith_core::routing::wire::{Frame, HELLO_VERSION, Hello, Introduction};

use super::state::World;
use crate::event::{LinkId, NodeId, Parcel, Side};

/// Who writes invites in the name of another.
#[derive(Clone, Debug)]
pub(super) struct Forger {
    /// Who is named.
    named: NodeId,
    /// Whether a double answers in its place.
    has_double: bool,
    /// What the one who is named shows the forger to say who they are.
    binding: Option<Vec<u8>>,
    /// Who came.
    visitors: BTreeSet<NodeId>,
}

impl World {
    /// From now on `id` writes invites in the name of `named`, and has a double answer whoever comes, or not.
    pub fn make_forger(&mut self, id: NodeId, named: NodeId, has_double: bool) {
        let forger = Forger {
            named,
            has_double,
            binding: None,
            visitors: BTreeSet::new(),
        };
        self.forgers.insert(id, forger);
    }

    /// A forger writes an invite; it is number so-and-so of the world. `None` where it is down, or its double has nothing to show yet.
    pub fn forge(&mut self, id: NodeId, options: InviteOptions) -> Option<usize> {
        let forger = self.forgers.get(&id);
        let forger = forger.filter(|it| !it.has_double || it.binding.is_some())?;
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
        let Some(forger) = forger.filter(|forger| forger.named == from) else {
            return;
        };
        if let Some(binding) = shown(bytes) {
            forger.binding = Some(binding);
        }
    }

    /// Somebody connects to a forger, whose double answers; false where it is its node that does.
    pub(super) fn is_answered_by_double(&mut self, number: LinkId) -> bool {
        let Some(link) = self.network.links.get_mut(&number) else {
            return false;
        };
        let visitor = link.dialler.node;
        let forger = self.forgers.get_mut(&link.dialled.node);
        let Some(forger) = forger.filter(|forger| forger.named != visitor) else {
            return false;
        };
        forger.visitors.insert(visitor);
        let binding = forger.binding.clone().filter(|_| forger.has_double);
        let Some(binding) = binding else {
            return false;
        };
        // What the visitor says is not read.
        link.dialled.open = false;
        let who = link.dialled.node;
        self.note(format_args!("the double of {} answers {number:?}", who.0));
        self.forward(number, Side::Dialler, Parcel::Control(welcome(binding)));
        true
    }
}

/// The binding that is shown among the frames of `bytes`.
fn shown(mut bytes: &[u8]) -> Option<Vec<u8>> {
    while let Some((header, rest)) = bytes.split_first_chunk::<FRAME_HEADER_BYTES>() {
        let length = usize::try_from(u32::from_be_bytes(*header)).ok()?;
        let (body, rest) = rest.split_at_checked(length)?;
        if let Ok(Frame::Introduce(shown) | Frame::Welcome(shown)) = Frame::read(body) {
            return shown.binding;
        }
        bytes = rest;
    }
    None
}

/// What a node says to a contact who dialled it.
fn welcome(binding: Vec<u8>) -> Vec<u8> {
    let hello = Frame::Hello(Hello {
        version: HELLO_VERSION,
        boot: 1,
        dial: 0,
        agent: "sim".to_owned(),
        speaks: Vec::new(),
        observed: None,
    });
    let welcome = Frame::Welcome(Introduction {
        binding: Some(binding),
        ..Introduction::default()
    });
    let speaks = Frame::Speaks(Vec::new());
    [hello, welcome, speaks].map(|it| it.framed()).concat()
}
