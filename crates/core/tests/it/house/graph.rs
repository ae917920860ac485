//! Who imports whom: paths resolved to files, through the re-exports of a `mod.rs`, and the cycles among them.

use std::collections::{BTreeMap, BTreeSet};

use super::scan::NamedPath;
use super::tree::{SourceFile, Tree};

/// How many re-exports a name is followed through; more is a cycle of re-exports.
const REEXPORTS_MAX: usize = 8;

/// The files of one crate by their module.
pub(super) struct Modules<'a> {
    by_module: BTreeMap<&'a [String], &'a SourceFile>,
}

/// One file naming something of another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Arrow<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    /// The line in `from`, from 1.
    pub(super) line: usize,
}

impl<'a> Modules<'a> {
    /// The modules of the crate in `folder`, tests left out.
    pub(super) fn of(tree: &'a Tree, folder: &str) -> Self {
        let by_module = tree
            .files
            .iter()
            .filter(|file| file.crate_folder() == folder)
            .filter_map(|file| Some((file.module.as_deref()?, file)))
            .collect();
        Self { by_module }
    }

    /// The files.
    pub(super) fn files(&self) -> impl Iterator<Item = &'a SourceFile> {
        self.by_module.values().copied()
    }

    /// The file whose item `path` names when it stands in `file`; `None` for what lies outside of the crate.
    pub(super) fn resolve(&self, file: &SourceFile, path: &NamedPath) -> Option<&'a SourceFile> {
        let full = self.absolute(file.module.as_ref()?, &path.segments)?;
        self.find(&full, REEXPORTS_MAX)
    }

    /// `segments` counted from the root of the crate.
    fn absolute(&self, module: &[String], segments: &[String]) -> Option<Vec<String>> {
        let ups = segments
            .iter()
            .take_while(|segment| *segment == "super")
            .count();
        let (base, rest) = match segments.first()?.as_str() {
            "crate" => (&[][..], &segments[1..]),
            "self" => (module, &segments[1..]),
            "super" => (
                &module[..module.len().saturating_sub(ups)],
                &segments[ups..],
            ),
            first => {
                let child = [module, &[first.to_owned()]].concat();
                self.by_module.get(child.as_slice())?;
                (module, segments)
            }
        };
        Some([base, rest].concat())
    }

    /// The file that holds what `full` names: the longest module in it, or what that module re-exports by the next segment.
    fn find(&self, full: &[String], steps: usize) -> Option<&'a SourceFile> {
        let length = (0..=full.len())
            .rev()
            .find(|length| self.by_module.contains_key(&full[..*length]))?;
        let file = self.by_module[&full[..length]];
        let (Some(item), true, true) = (full.get(length), file.is_door(), steps > 0) else {
            return Some(file);
        };
        let reexport = file
            .paths
            .iter()
            .find(|path| path.is_reexport && path.alias.as_ref().is_some_and(|name| name == item));
        let Some(reexport) = reexport else {
            return Some(file);
        };
        let inner = self.absolute(file.module.as_ref()?, &reexport.segments);
        match inner {
            Some(inner) => self.find(&inner, steps - 1),
            None => Some(file),
        }
    }

    /// Every arrow between two files of the crate; a door's re-exports are none.
    pub(super) fn arrows(&self) -> BTreeSet<Arrow<'a>> {
        let mut arrows = BTreeSet::new();
        for file in self.files() {
            for path in &file.paths {
                if path.is_reexport && file.is_door() {
                    continue;
                }
                if let Some(target) = self.resolve(file, path)
                    && target.path != file.path
                {
                    arrows.insert(Arrow {
                        from: &file.path,
                        to: &target.path,
                        line: path.line,
                    });
                }
            }
        }
        arrows
    }
}

/// The cycles among `arrows`, each as the files along it: when the last arrow of each is taken out, none is left.
pub(super) fn find_cycles<'a>(arrows: &BTreeSet<Arrow<'a>>) -> Vec<Vec<&'a str>> {
    let mut edges: BTreeSet<(&str, &str)> =
        arrows.iter().map(|arrow| (arrow.from, arrow.to)).collect();
    let mut cycles = Vec::new();
    while let Some(cycle) = find_cycle(edges.clone()) {
        edges.remove(&(cycle[cycle.len() - 1], cycle[0]));
        cycles.push(cycle);
    }
    cycles
}

fn find_cycle<'a>(mut edges: BTreeSet<(&'a str, &'a str)>) -> Option<Vec<&'a str>> {
    // Whoever imports nothing that remains is on no cycle; what is left in the end leads into one.
    loop {
        let sources: BTreeSet<&str> = edges.iter().map(|(from, _)| *from).collect();
        let before = edges.len();
        edges.retain(|(_, to)| sources.contains(to));
        if edges.len() == before {
            break;
        }
    }
    let mut walk = vec![edges.first()?.0];
    loop {
        let last = walk[walk.len() - 1];
        let next = edges
            .iter()
            .find(|(from, _)| *from == last)
            .map(|(_, to)| *to)
            .expect("every file left has an arrow to a file left");
        if let Some(start) = walk.iter().position(|file| *file == next) {
            walk.drain(..start);
            return Some(walk);
        }
        walk.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrows(entries: &[(&str, &str)]) -> Vec<(String, String)> {
        let tree = Tree::made_up(entries);
        Modules::of(&tree, "crates/core")
            .arrows()
            .iter()
            .map(|arrow| {
                let short = |path: &str| path.trim_start_matches("crates/core/src/").to_owned();
                (short(arrow.from), short(arrow.to))
            })
            .collect()
    }

    fn arrow(from: &str, to: &str) -> (String, String) {
        (from.to_owned(), to.to_owned())
    }

    #[test]
    fn a_name_is_followed_through_the_door_that_re_exports_it() {
        let found = arrows(&[
            ("crates/core/src/lib.rs", "pub mod a; pub mod c;"),
            ("crates/core/src/a/mod.rs", "mod b; pub use b::B as D;"),
            ("crates/core/src/a/b.rs", ""),
            ("crates/core/src/c.rs", "use crate::a::D;"),
        ]);
        assert_eq!(found, [arrow("c.rs", "a/b.rs")]);
    }

    #[test]
    fn every_kind_of_path_is_an_arrow() {
        let found = arrows(&[
            ("crates/core/src/lib.rs", "mod a; fn f() { a::g() }"),
            ("crates/core/src/a/mod.rs", "mod b; mod c;"),
            ("crates/core/src/a/b.rs", "use super::c::C;"),
            ("crates/core/src/a/c.rs", "fn f() { crate::d::g() }"),
            ("crates/core/src/d.rs", "use std::fmt; use self::Local;"),
        ]);
        let expected = [
            arrow("a/b.rs", "a/c.rs"),
            arrow("a/c.rs", "d.rs"),
            arrow("lib.rs", "a/mod.rs"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn every_cycle_is_told_file_by_file() {
        let arrow = |from, to| Arrow { from, to, line: 1 };
        let straight = BTreeSet::from([arrow("a", "b"), arrow("a", "c"), arrow("b", "c")]);
        assert!(find_cycles(&straight).is_empty());
        let bent = BTreeSet::from([
            arrow("a", "b"),
            arrow("b", "c"),
            arrow("c", "b"),
            arrow("c", "d"),
            arrow("e", "f"),
            arrow("f", "e"),
        ]);
        assert_eq!(find_cycles(&bent), [["b", "c"], ["e", "f"]]);
    }
}
