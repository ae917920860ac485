//! Somebody who writes invites in the name of another: whom they name, what they have of them, and who came.

use std::collections::BTreeSet;

use kith_core::codec::FRAME_HEADER_BYTES;
use kith_core::routing::wire::{Frame, HELLO_VERSION, Hello, Introduction};

use crate::event::{NodeId, Parcel};

/// Who writes invites in the name of another.
#[derive(Clone, Debug)]
pub struct Forger {
    /// Who is named.
    pub named: NodeId,
    /// Whether a double answers in its place.
    has_double: bool,
    /// What the one who is named shows the forger to say who they are.
    binding: Option<Vec<u8>>,
    /// Who came.
    pub visitors: BTreeSet<NodeId>,
}

impl Forger {
    /// One who names `named`, and has a double answer whoever comes, or not.
    pub fn new(named: NodeId, has_double: bool) -> Self {
        Self {
            named,
            has_double,
            binding: None,
            visitors: BTreeSet::new(),
        }
    }

    /// Whether its invites would be answered as it wants: a double needs what it shows.
    pub fn is_ready(&self) -> bool {
        !self.has_double || self.binding.is_some()
    }

    /// Keeps the binding that is shown among the frames of `bytes`, which are from the one who is named.
    pub fn hear(&mut self, bytes: &[u8]) {
        self.binding = shown(bytes).or(self.binding.take());
    }

    /// What the double says to somebody who comes, whatever they say; `None` where it is the forger's own node that answers.
    pub fn answer(&mut self, visitor: NodeId) -> Option<Parcel> {
        self.visitors.insert(visitor);
        let binding = self.binding.clone().filter(|_| self.has_double);
        binding.map(|binding| Parcel::Control(welcome(binding)))
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
