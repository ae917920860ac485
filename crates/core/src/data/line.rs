//! Which files lie on a stretch of a snapshot's line.
//!
//! The files of a tree, laid end to end in the order of its manifest, are one line of bytes (see [`crate::content::swarm::span`]). The
//! totals in each reference say where a directory begins, so a stretch is found by the nodes above it alone.

use std::borrow::Borrow;
use std::ops::Range;

use crate::data::manifest::{Body, Entry, Node};
use crate::ids::BlobHash;

/// A file that lies on a stretch, at least with its edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its path from the root, written with `/`.
    pub path: String,
    /// Where it begins on the line, in bytes.
    pub position: u64,
    /// Its content.
    pub hash: BlobHash,
    /// Its size, in bytes.
    pub size: u64,
}

/// Something on the way.
#[derive(Clone, Debug)]
enum Step {
    File(Placed),
    /// A node that lists some.
    Node {
        /// The path of its directory.
        path: String,
        /// Where the first file of it begins, in bytes.
        position: u64,
        node: BlobHash,
    },
}

/// A way down the tree to the files of a stretch, from the first to the last.
#[derive(Clone, Debug)]
pub struct Descent {
    /// Nothing for all of it, with the files that have no bytes wherever they are.
    stretch: Option<Range<u64>>,
    /// The next step is the last of them. At most the entries of the nodes on one way down.
    ahead: Vec<Step>,
}

impl Descent {
    /// To the files on `stretch`, in bytes of the line, of the tree with this root.
    pub fn new(root: BlobHash, stretch: Range<u64>) -> Self {
        Self::along(root, Some(stretch))
    }

    /// To all files of the tree with this root, those at its ends that have no bytes among them.
    pub fn of_all(root: BlobHash) -> Self {
        Self::along(root, None)
    }

    fn along(root: BlobHash, stretch: Option<Range<u64>>) -> Self {
        let root = Step::Node {
            path: String::new(),
            position: 0,
            node: root,
        };
        Self {
            stretch,
            ahead: vec![root],
        }
    }

    /// The next file; `None` behind the last. `node_of` is asked for the nodes that lead there, each with the path of its directory from the root,
    /// written with `/`; where it has none, what is beneath is passed over.
    ///
    /// # Errors
    /// Those of `node_of`.
    pub fn next_file<N: Borrow<Node>, E>(
        &mut self,
        node_of: impl Fn(&str, BlobHash) -> Result<Option<N>, E>,
    ) -> Result<Option<Placed>, E> {
        while let Some(step) = self.ahead.pop() {
            match step {
                Step::File(file) => return Ok(Some(file)),
                Step::Node {
                    path,
                    position,
                    node,
                } => {
                    if let Some(node) = node_of(&path, node)? {
                        self.enter(&path, position, node.borrow());
                    }
                }
            }
        }
        Ok(None)
    }

    /// Goes on with what `node` lists: of the directory at `path`, whose files there begin at `position`.
    fn enter(&mut self, path: &str, position: u64, node: &Node) {
        let below = |name: &str| match path {
            "" => name.to_owned(),
            _ => format!("{path}/{name}"),
        };
        let mut steps = Vec::new();
        let mut at = position;
        let mut place = |bytes: u64, step: &dyn Fn(u64) -> Option<Step>| {
            let end = at.saturating_add(bytes);
            let is_beside = |stretch: &Range<u64>| at >= stretch.end || end <= stretch.start;
            if !self.stretch.as_ref().is_some_and(is_beside) {
                steps.extend(step(at));
            }
            at = end;
        };
        match node.body() {
            Body::Entries(entries) => {
                for entry in entries {
                    place(entry.totals().bytes, &|position| match entry {
                        Entry::File(file) => Some(Step::File(Placed {
                            path: below(&file.name),
                            position,
                            hash: file.hash,
                            size: file.size,
                        })),
                        Entry::Directory(directory) => Some(Step::Node {
                            path: below(&directory.name),
                            position,
                            node: directory.node,
                        }),
                        Entry::Symlink(_) => None,
                    });
                }
            }
            Body::Parts(parts) => {
                for part in parts {
                    place(part.totals.bytes, &|position| {
                        Some(Step::Node {
                            path: path.to_owned(),
                            position,
                            node: part.node,
                        })
                    });
                }
            }
        }
        self.ahead.extend(steps.into_iter().rev());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::manifest::{self, Directory, Totals};
    use crate::data::trees::{Store, build};
    use crate::data::walk::{Item, Walk};
    use proptest::prelude::*;

    fn directory(store: &mut Store, entries: Vec<Entry>) -> (BlobHash, Totals) {
        let built = build(store, entries);
        (built.node, built.totals)
    }

    fn file(name: String, size: u64) -> Entry {
        Entry::File(manifest::File {
            name,
            size,
            hash: BlobHash([1; 32]),
            executable: false,
            mtime_ms: 0,
        })
    }

    fn on(store: &Store, root: BlobHash, stretch: Range<u64>) -> Vec<(String, u64, u64)> {
        let mut descent = Descent::new(root, stretch);
        let decoded = |_: &str, node| Node::decode(&store[&node]).map(Some);
        let files = std::iter::from_fn(|| descent.next_file(decoded).expect("nodes"));
        let found = files.map(|file| (file.path, file.position, file.size));
        found.collect()
    }

    #[test]
    fn all_of_a_line_has_the_files_without_bytes_at_its_ends_too() {
        let mut store = Store::new();
        let names = [("a", 0), ("b", 7), ("c", 0), ("d", 5), ("e", 0)];
        let entries = names.map(|(name, size)| file(name.to_owned(), size));
        let (root, _) = directory(&mut store, entries.to_vec());
        let mut descent = Descent::of_all(root);
        let decoded = |_: &str, node| Node::decode(&store[&node]).map(Some);
        let files = std::iter::from_fn(|| descent.next_file(decoded).expect("nodes"));
        let found: Vec<_> = files.map(|file| (file.path, file.size)).collect();
        assert_eq!(found, names.map(|(name, size)| (name.to_owned(), size)));
        let on_it = on(&store, root, 0..12);
        assert_eq!(on_it.len(), 3, "those at the ends lie on no stretch");
    }

    #[test]
    fn what_no_node_is_given_for_is_passed_over() {
        let mut store = Store::new();
        let inner = |store: &mut Store, name: &str| {
            let (node, totals) = directory(store, vec![file("f".to_owned(), 7)]);
            let name = name.to_owned();
            Entry::Directory(Directory { name, node, totals })
        };
        let entries = vec![inner(&mut store, "a"), inner(&mut store, "b")];
        let (root, _) = directory(&mut store, entries);
        let mut descent = Descent::new(root, 0..14);
        let only_b = |path: &str, node| match path {
            "a" => Ok(None),
            _ => Node::decode(&store[&node]).map(Some),
        };
        let file = descent.next_file(only_b).expect("nodes").expect("one");
        assert_eq!((file.path.as_str(), file.position), ("b/f", 7));
        assert_eq!(descent.next_file(only_b), Ok(None));
    }

    proptest! {
        #[test]
        fn a_stretch_has_the_files_that_the_walk_places_on_it(
            sizes in proptest::collection::vec(proptest::collection::vec(0u64..40, 0..6), 1..6),
            start in 0u64..200,
            length in 0u64..100,
        ) {
            let mut store = Store::new();
            let mut entries = Vec::new();
            for (number, inner) in sizes.iter().enumerate() {
                let files = inner.iter().enumerate().map(|(at, size)| file(format!("f{at}"), *size));
                let (node, totals) = directory(&mut store, files.collect());
                let name = format!("d{number}");
                entries.push(Entry::Directory(Directory { name, node, totals }));
                entries.push(file(format!("d{number}.txt"), number as u64));
            }
            let (root, totals) = directory(&mut store, entries);
            let mut walk = Walk::new(root, totals, 0, 0);
            let mut walked = Vec::new();
            while let Some(wanted) = walk.first() {
                for item in walk.handle_node(wanted.ticket, &store[&wanted.node]).expect("a tree") {
                    if let Item::File { path, file, position } = item {
                        walked.push((path, position, file.size));
                    }
                }
            }
            walked.sort_unstable_by_key(|(_, position, _)| *position);
            let all: u64 = walked.iter().map(|(.., size)| size).sum();
            prop_assert_eq!(all, totals.bytes);
            let end = start + length;
            walked.retain(|(_, position, size)| *size > 0 && *position < end && position + size > start);
            let mut found = on(&store, root, start..end);
            found.retain(|(.., size)| *size > 0);
            prop_assert_eq!(found, walked);
        }
    }
}
