//! Files that were chosen one by one: a selection of pictures, which patterns would neither hold nor name exactly.

use std::sync::Arc;

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use thiserror::Error;

use crate::content::filter::Filter;
use crate::content::glob::GlobError;

/// The most paths of one transfer: an album of ten years. Each file of a share is looked up among them, in the logarithm of their number.
pub const CHOSEN_MAX: usize = 65_536;

/// The most bytes that they have together: each may have 64, and a few have many more. They are kept with the transfer.
pub const CHOSEN_BYTES_MAX: usize = 4 << 20;

/// Paths below what is fetched, written with `/`: of files, or of folders with all beneath. Clones share them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen(Arc<[String]>);

/// Why files cannot be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ChosenError {
    /// More than [`CHOSEN_MAX`], or than [`CHOSEN_BYTES_MAX`].
    #[error(
        "at most {CHOSEN_MAX} files can be chosen, with {CHOSEN_BYTES_MAX} bytes of names; choose fewer, or get all of it"
    )]
    TooMany,
    /// A path without a name.
    #[error("a file that is chosen has a name")]
    Empty,
}

impl Chosen {
    /// These. In what order, and how often one is named, makes no difference.
    ///
    /// # Errors
    /// [`ChosenError`].
    pub fn new(mut paths: Vec<String>) -> Result<Self, ChosenError> {
        let bytes: usize = paths.iter().map(String::len).sum();
        if paths.len() > CHOSEN_MAX || bytes > CHOSEN_BYTES_MAX {
            return Err(ChosenError::TooMany);
        }
        for path in &mut paths {
            let trimmed = path.trim_matches('/');
            if trimmed.is_empty() {
                return Err(ChosenError::Empty);
            }
            if trimmed.len() < path.len() {
                *path = trimmed.to_owned();
            }
        }
        paths.sort_unstable();
        paths.dedup();
        Ok(Self(paths.into()))
    }

    /// Whether none are.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a file is among them, or lies in a folder that is.
    pub fn has(&self, path: &str) -> bool {
        let mut above = path;
        loop {
            let found = self.0.binary_search_by(|known| known.as_str().cmp(above));
            match (found, above.rsplit_once('/')) {
                (Ok(_), _) => return true,
                (Err(_), Some((parent, _))) => above = parent,
                (Err(_), None) => return false,
            }
        }
    }

    /// The paths, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl Filter {
    /// Files that match any of `patterns`, and those that are `chosen`; `None`, which is all files, for neither.
    ///
    /// # Errors
    /// [`GlobError`].
    pub fn wanted(patterns: &[String], chosen: &Chosen) -> Result<Option<Self>, GlobError> {
        let globs = Self::globs(patterns)?;
        if chosen.is_empty() {
            return Ok(globs);
        }
        let mut name = patterns.join("\n");
        for path in chosen.iter() {
            // In no path, so that two selections never have one name.
            name.push('\0');
            name.push_str(path);
        }
        let (globs, chosen) = (globs.map(|globs| globs.wants), chosen.clone());
        let wants =
            move |path: &str| chosen.has(path) || globs.as_ref().is_some_and(|wants| wants(path));
        let wants = Arc::new(wants);
        Ok(Some(Self { name, wants }))
    }
}

impl Filter {
    /// The filter of this name, as [`Filter::wanted`] makes it; `None` where that makes none of this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        let mut parts = name.split('\0');
        let patterns = parts.next().unwrap_or_default().split('\n');
        let patterns = patterns.filter(|pattern| !pattern.is_empty());
        let patterns: Vec<String> = patterns.map(ToOwned::to_owned).collect();
        let chosen = Chosen::new(parts.map(ToOwned::to_owned).collect()).ok()?;
        let filter = Self::wanted(&patterns, &chosen).ok()??;
        (filter.name == name).then_some(filter)
    }
}

/// An array of texts.
impl<C> Encode<C> for Chosen {
    fn encode<W: encode::Write>(
        &self,
        out: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        out.array(self.0.len() as u64)?;
        for path in self.iter() {
            out.str(path)?;
        }
        Ok(())
    }
}

impl<'b, C> Decode<'b, C> for Chosen {
    fn decode(input: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let paths: Result<Vec<String>, _> = input.array_iter()?.collect();
        Self::new(paths?).map_err(decode::Error::message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(paths: &[&str]) -> Chosen {
        let paths = paths.iter().map(|path| (*path).to_owned());
        Chosen::new(paths.collect()).expect("few")
    }

    #[test]
    fn a_file_is_chosen_by_its_path_or_by_a_folder_above_it() {
        let chosen = chosen(&["a*.jpg", "day 1/sea.jpg", "day 2", "/z/"]);
        for (path, expected) in [
            ("a*.jpg", true),
            // A star is a star.
            ("abc.jpg", false),
            ("day 1/sea.jpg", true),
            ("day 1/other.jpg", false),
            ("sea.jpg", false),
            ("day 2/deep/x.jpg", true),
            ("day 20/x.jpg", false),
            ("z", true),
            ("", false),
        ] {
            assert_eq!(chosen.has(path), expected, "{path}");
        }
        assert!(!Chosen::default().has("a"));
    }

    #[test]
    fn what_is_chosen_comes_beside_what_matches() {
        let patterns = ["*.txt".to_owned()];
        let both = Filter::wanted(&patterns, &chosen(&["a.jpg"])).expect("few");
        let both = both.expect("some");
        for (path, expected) in [("a.jpg", true), ("n.txt", true), ("b.jpg", false)] {
            assert_eq!((both.wants)(path), expected, "{path}");
        }
        let name = |patterns: &[String], paths: &[&str]| {
            let filter = Filter::wanted(patterns, &chosen(paths)).expect("few");
            filter.map(|filter| filter.name)
        };
        assert_eq!(name(&[], &[]), None);
        assert_ne!(name(&[], &["a", "b"]), name(&[], &["a"]));
        assert_ne!(name(&patterns, &[]), name(&[], &["*.txt"]));
    }

    #[test]
    fn the_order_makes_no_difference() {
        assert_eq!(chosen(&["b", "a", "b"]), chosen(&["a", "b"]));
        assert_ne!(chosen(&["a"]), chosen(&["b"]));
    }

    #[test]
    fn no_more_are_chosen_than_the_bounds_say() {
        let paths = |count: usize| (0..count).map(|at| format!("{at}")).collect();
        assert!(Chosen::new(paths(CHOSEN_MAX)).is_ok());
        let refused = Chosen::new(paths(CHOSEN_MAX + 1));
        assert_eq!(refused, Err(ChosenError::TooMany));
        let long = "x".repeat(4_096);
        let paths = |count| {
            (0..count)
                .map(|at| format!("{at:04}{}", &long[4..]))
                .collect()
        };
        let most = CHOSEN_BYTES_MAX / long.len();
        assert!(Chosen::new(paths(most)).is_ok());
        assert_eq!(Chosen::new(paths(most + 1)), Err(ChosenError::TooMany));
        for empty in ["", "/"] {
            let refused = Chosen::new(vec![empty.to_owned()]);
            assert_eq!(refused, Err(ChosenError::Empty));
        }
    }
}
