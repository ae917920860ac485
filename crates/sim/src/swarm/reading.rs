//! Who reads a tree asks for what its walker says, and wants the files that it comes to know of.

use kith_core::content::swarm::Span;
use kith_core::data::Item;
use kith_core::data::walker::Output;
use kith_core::ids::BlobHash;

use super::node::TRANSFER;
use super::world::World;

impl World {
    /// Does what a node's walker asks for.
    pub(super) fn walk_on(&mut self, place: usize) {
        let now = self.time();
        let Some(tree) = &self.plan.tree else {
            return;
        };
        let node = &mut self.nodes[place];
        let Some(walker) = &mut node.walker else {
            return;
        };
        while let Some(output) = walker.poll_output() {
            match output {
                Output::Ask(hash) if node.kept.contains(&hash) => walker.handle_kept(hash),
                Output::Ask(hash) => match node.getter.handle_node_wanted(now, TRANSFER, hash) {
                    true => node.tally.asked += 1,
                    false => walker.handle_refused(hash),
                },
                Output::Read { node: hash, held } => {
                    let bytes = held.as_deref().unwrap_or(tree.node(&hash));
                    let items = walker.handle_read(bytes).expect("it was built as it says");
                    for span in lines(&items) {
                        let normal = Default::default();
                        node.getter.handle_wanted(now, TRANSFER, span, normal);
                    }
                }
            }
        }
    }

    /// A node of the tree came to one of the swarm.
    pub(super) fn take_node(&mut self, place: usize, hash: BlobHash) {
        let node = &mut self.nodes[place];
        node.kept.insert(hash);
        if let Some(walker) = &mut node.walker {
            walker.handle_kept(hash);
        }
    }
}

/// Where the files among some items lie on the line; those that touch are one.
fn lines(items: &[Item]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for item in items {
        let Item::File { file, position, .. } = item else {
            continue;
        };
        let (start, end) = (*position, position + file.size);
        match spans.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => spans.push(Span { start, end }),
        }
    }
    spans
}
