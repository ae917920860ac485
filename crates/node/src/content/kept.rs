//! What of a version did not come when it was got, and why.

use std::collections::BTreeMap;

/// What separates paths, none of which has it.
const SEPARATOR: &str = "//";

/// The most bytes of paths that are written down of one version: those of some hundred thousand files. Where more stays, it counts as not come to its end.
const KEPT_BYTES_MAX: usize = 8 << 20;

/// Why something of a version did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Something else is in its place, which is not ours.
    Left,
    /// The same, and it was ours once: it was changed here.
    Changed,
    /// It could not come now. What is there, or is not, is as it was.
    Waiting,
}

/// What of a version did not come, by paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    paths: BTreeMap<String, Why>,
    bytes: usize,
}

impl Kept {
    /// One more; whether it was not known.
    pub(super) fn add(&mut self, path: String, why: Why) -> bool {
        if self.paths.contains_key(&path) {
            return false;
        }
        self.bytes = (self.bytes).saturating_add(path.len() + SEPARATOR.len());
        if self.is_all() {
            self.paths.insert(path, why);
        }
        true
    }

    /// Whether that are all, and not more than are written down.
    pub(super) fn is_all(&self) -> bool {
        self.bytes <= KEPT_BYTES_MAX
    }

    /// Whether something did not come, and why.
    pub(super) fn why(&self, path: &str) -> Option<Why> {
        self.paths.get(path).copied()
    }

    /// The same, in another place.
    pub(super) fn moved(&self, to: impl Fn(&str) -> Option<String>) -> Self {
        let mut moved = Self::default();
        for (path, why) in &self.paths {
            if let Some(path) = to(path) {
                moved.add(path, *why);
            }
        }
        moved
    }

    /// Those that did not come for this reason, in one text.
    pub(super) fn text(&self, why: Why) -> String {
        let paths = self.paths.iter().filter(|(_, other)| **other == why);
        let paths: Vec<&str> = paths.map(|(path, _)| path.as_str()).collect();
        paths.join(SEPARATOR)
    }

    /// Adds what is in such a text.
    pub(super) fn read(&mut self, text: &str, why: Why) {
        for path in text.split(SEPARATOR).filter(|path| !path.is_empty()) {
            self.add(path.to_owned(), why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_is_written_down_is_not_all() {
        let mut kept = Kept::default();
        let path = "x".repeat(KEPT_BYTES_MAX - SEPARATOR.len());
        assert!(kept.add(path, Why::Left) && kept.is_all());
        assert!(kept.add("y".to_owned(), Why::Left) && !kept.is_all());
        assert_eq!(kept.why("y"), None);
    }
}
