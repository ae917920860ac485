//! What a directory lists, a page at a time: a flat one may have ten million entries, of which nobody wants to hold all.
//!
//! ```text
//! while let Some(node) = listing.next_node() {
//!     listing.handle_node(/* it, verified by its hash */)?;
//! }
//! listing.finish()
//! ```

use crate::data::manifest::{Body, Entry, ManifestError, Node};
use crate::ids::BlobHash;

/// The most entries of a page: a terminal's or a screen's worth many times over, at some 30 MB.
pub const PAGE_ENTRIES_MAX: usize = 100_000;

/// The most nodes that are read for one page: with the longest names they hold [`PAGE_ENTRIES_MAX`] entries several times over. A tree of mere
/// lists of parts ends here.
const NODES_MAX: usize = 1_000;

/// Some entries of a directory, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// At most [`PAGE_ENTRIES_MAX`].
    pub entries: Vec<Entry>,
    /// Whether it has further ones behind the last of these.
    pub more: bool,
}

/// A page that is being read.
#[derive(Clone, Debug)]
pub struct Listing {
    /// Only what is behind this name.
    after: Option<String>,
    /// What is to be read, the next one last.
    nodes: Vec<BlobHash>,
    nodes_left: usize,
    entries: Vec<Entry>,
}

impl Page {
    /// Of a file, which lists itself; nothing where that is not behind `after`.
    pub fn of_file(entry: Entry, after: Option<&str>) -> Self {
        let is_behind = after.is_none_or(|after| entry.name().as_bytes() > after.as_bytes());
        Self {
            entries: is_behind.then_some(entry).into_iter().collect(),
            more: false,
        }
    }
}

impl Listing {
    /// Of a directory, from its first entry on, or from the first behind the name `after`.
    pub fn new(directory: BlobHash, after: Option<String>) -> Self {
        Self {
            after,
            nodes: vec![directory],
            nodes_left: NODES_MAX,
            entries: Vec::new(),
        }
    }

    /// The node that is needed next; `None` when the page is full, or the directory at its end.
    pub fn next_node(&mut self) -> Option<BlobHash> {
        match self.entries.len() < PAGE_ENTRIES_MAX {
            true => self.nodes.pop(),
            false => None,
        }
    }

    /// That node.
    ///
    /// # Errors
    /// [`ManifestError::Parts`] when it leads from list to list.
    pub fn handle_node(&mut self, node: Node) -> Result<(), ManifestError> {
        self.nodes_left = (self.nodes_left.checked_sub(1)).ok_or(ManifestError::Parts)?;
        let after = self.after.as_deref();
        let is_behind = |name: &str| after.is_none_or(|after| name.as_bytes() > after.as_bytes());
        match node.into_body() {
            Body::Entries(entries) => {
                let behind = entries.into_iter().filter(|entry| is_behind(entry.name()));
                self.entries.extend(behind);
            }
            Body::Parts(parts) => {
                // All of a part is before the first of the next.
                let begin = parts.partition_point(|part| !is_behind(&part.first));
                let wanted = parts.into_iter().skip(begin.saturating_sub(1)).rev();
                self.nodes.extend(wanted.map(|part| part.node));
            }
        }
        Ok(())
    }

    /// The page.
    pub fn finish(mut self) -> Page {
        let more = !self.nodes.is_empty() || self.entries.len() > PAGE_ENTRIES_MAX;
        self.entries.truncate(PAGE_ENTRIES_MAX);
        Page {
            entries: self.entries,
            more,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::data::builder::DirectoryBuilder;
    use crate::data::manifest::{Part, Symlink, Totals};

    type Nodes = BTreeMap<BlobHash, Vec<u8>>;

    fn name(number: usize) -> String {
        format!("{number:07}")
    }

    /// A directory of so many links, and its nodes.
    fn directory(count: usize) -> (BlobHash, Nodes) {
        let mut builder = DirectoryBuilder::default();
        let mut nodes = Vec::new();
        for number in 0..count {
            let (name, target) = (name(number), "a".to_owned());
            let full = builder.push(Entry::Symlink(Symlink { name, target }));
            nodes.extend(full.expect("in order"));
        }
        let (last, built) = builder.finish().expect("bounded");
        nodes.extend(last);
        let nodes = nodes.into_iter().map(|node| (node.hash, node.bytes));
        (built.node, nodes.collect())
    }

    /// A page, and how many nodes were read for it.
    fn page((root, nodes): &(BlobHash, Nodes), after: Option<String>) -> (Page, usize) {
        let mut listing = Listing::new(*root, after);
        let mut read = 0;
        while let Some(node) = listing.next_node() {
            read += 1;
            let node = Node::decode(&nodes[&node]).expect("sound");
            listing.handle_node(node).expect("bounded");
        }
        (listing.finish(), read)
    }

    #[test]
    fn a_directory_that_just_fits_a_page_has_no_more_and_one_entry_further_is_on_the_next() {
        let fits = page(&directory(PAGE_ENTRIES_MAX), None).0;
        assert_eq!((fits.entries.len(), fits.more), (PAGE_ENTRIES_MAX, false));
        let larger = directory(PAGE_ENTRIES_MAX + 1);
        let first = page(&larger, None).0;
        assert_eq!((first.entries.len(), first.more), (PAGE_ENTRIES_MAX, true));
        let last = first.entries.last().expect("full").name().to_owned();
        let rest = page(&larger, Some(last)).0;
        let names: Vec<&str> = rest.entries.iter().map(Entry::name).collect();
        assert_eq!((names, rest.more), (vec![&*name(PAGE_ENTRIES_MAX)], false));
    }

    #[test]
    fn page_after_page_lists_each_entry_once_and_reads_no_node_of_the_pages_before() {
        let large = directory(250_000);
        let (mut listed, mut after, mut pages) = (0, None, 0);
        loop {
            let (page, read) = page(&large, after);
            for entry in &page.entries {
                assert_eq!(entry.name(), name(listed));
                listed += 1;
            }
            pages += 1;
            assert!(read < 10, "{read} of {}", large.1.len());
            if !page.more {
                break;
            }
            after = page.entries.last().map(|entry| entry.name().to_owned());
        }
        assert_eq!((listed, pages), (250_000, 3));
    }

    #[test]
    fn a_name_that_is_not_there_has_the_page_begin_where_it_would_be() {
        let small = directory(10);
        for (after, expected) in [("", 10), ("0000004x", 5), ("0000009", 0), ("x", 0)] {
            let listed = page(&small, Some(after.to_owned())).0;
            assert_eq!(listed.entries.len(), expected, "{after}");
        }
        let link = Entry::Symlink(Symlink {
            name: "b".into(),
            target: "a".into(),
        });
        for (after, expected) in [(None, 1), (Some("a"), 1), (Some("b"), 0)] {
            let listed = Page::of_file(link.clone(), after);
            assert_eq!(listed.entries.len(), expected, "{after:?}");
        }
    }

    #[test]
    fn lists_of_nothing_but_lists_come_to_an_end() {
        let part = |first: &str| Part {
            first: first.into(),
            node: BlobHash([1; 32]),
            entries: 1,
            totals: Totals::default(),
        };
        let node = || Node::decode(&Node::encode(Body::Parts(vec![part("a"), part("b")])));
        let mut listing = Listing::new(BlobHash([1; 32]), None);
        let mut read = 0;
        while listing.next_node().is_some() {
            if listing.handle_node(node().expect("sound")).is_err() {
                break;
            }
            read += 1;
        }
        assert_eq!(read, NODES_MAX);
    }
}
