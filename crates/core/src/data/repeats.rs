//! How many things a tree may have made on the disk that hold no bytes: folders, links and empty files.
//!
//! Files with bytes cost whoever shares them as much as whoever gets them. The rest costs a few bytes of a node, and a node may be named any number of
//! times: a few kilobytes of them say that there are ten million folders. So it is counted what they are made of, and what only repeats is
//! made up to a bound.

use thiserror::Error;

/// The fewest bytes of a node that say something: a link of one letter that leads to another of one letter. So a tree in which nothing repeats is
/// never refused here.
pub const ENTRY_BYTES_MIN: u64 = 8;

/// How many things without bytes are made beyond those that different nodes account for: as many as a large project has in folders that are
/// copies of each other, made in some seconds, and in half a gigabyte of a disk that takes 4 KiB for each.
pub const REPEATED_MAX: u64 = 100_000;

/// More folders, links and empty files would be made of what repeats than [`REPEATED_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the same folders are in it over and over: more than {REPEATED_MAX} folders, links and empty files would be made of nothing but repeats"
)]
pub struct Repeated;

/// What was made of a tree so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Repeats {
    made: u64,
}

impl Repeats {
    /// So many things without bytes more are to be made, of a tree of which so many bytes of different nodes have come.
    ///
    /// # Errors
    /// [`Repeated`]: they are not made.
    pub fn handle_made(&mut self, count: u64, nodes_bytes: u64) -> Result<(), Repeated> {
        self.made = self.made.saturating_add(count);
        let accounted = nodes_bytes / ENTRY_BYTES_MIN;
        match self.made > accounted.saturating_add(REPEATED_MAX) {
            true => Err(Repeated),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::builder::DirectoryBuilder;
    use crate::data::manifest::{Directory, Entry, Symlink, TREE_ENTRIES_MAX};

    #[test]
    fn so_many_repeat_and_no_more() {
        let mut repeats = Repeats::default();
        assert_eq!(repeats.handle_made(REPEATED_MAX, 0), Ok(()));
        assert_eq!(repeats.handle_made(1, ENTRY_BYTES_MIN), Ok(()));
        assert_eq!(repeats.handle_made(1, ENTRY_BYTES_MIN), Err(Repeated));
        let mut overflowing = Repeats { made: u64::MAX };
        assert_eq!(overflowing.handle_made(1, u64::MAX), Err(Repeated));
    }

    /// The node of a folder of links with the shortest names there are.
    fn links() -> Vec<u8> {
        let mut builder = DirectoryBuilder::default();
        for letter in 'a'..='z' {
            let (name, target) = (letter.to_string(), "b".to_owned());
            let full = builder.push(Entry::Symlink(Symlink { name, target }));
            assert!(full.expect("in order").is_empty());
        }
        let (nodes, _) = builder.finish().expect("bounded");
        nodes.into_iter().next().expect("one").bytes
    }

    #[test]
    fn a_folder_in_which_nothing_repeats_accounts_for_all_of_it() {
        let bytes = links().len() as u64;
        assert!(bytes >= 26 * ENTRY_BYTES_MIN, "{bytes}");
        let mut repeats = Repeats::default();
        for different in 1..=TREE_ENTRIES_MAX / 26 {
            assert_eq!(repeats.handle_made(26, different * bytes), Ok(()));
        }
    }

    #[test]
    fn ten_million_folders_in_a_few_kilobytes_are_refused_long_before() {
        let (empty, built) = DirectoryBuilder::default().finish().expect("bounded");
        let mut nodes_bytes: u64 = empty.iter().map(|node| node.bytes.len() as u64).sum();
        let mut builder = DirectoryBuilder::default();
        for number in 0..1_000 {
            let folder = Entry::Directory(Directory {
                name: format!("{number:03}"),
                node: built.node,
                totals: built.totals,
            });
            assert!(builder.push(folder).expect("in order").is_empty());
        }
        let (nodes, _) = builder.finish().expect("bounded");
        nodes_bytes += nodes
            .iter()
            .map(|node| node.bytes.len() as u64)
            .sum::<u64>();
        // That node is named ten thousand times.
        let mut repeats = Repeats::default();
        let refused = (0..10_000).find(|_| repeats.handle_made(1_000, nodes_bytes).is_err());
        assert!(refused.expect("refused") < 120);
    }
}
