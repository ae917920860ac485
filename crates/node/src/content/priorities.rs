//! How soon the files of a transfer are wanted, as whoever fetches them says: by the path of a file, or of a folder with all beneath it.
//!
//! It may be said anew at any time while the transfer runs. What is put off is not asked for, except for what somebody reads of it
//! (see [`reader`](crate::content::reader)).

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use kith_core::content::swarm::getter::Priority;
use kith_core::data::path::{self, PathError};
use thiserror::Error;
use tokio::sync::watch;

/// The most paths of one transfer of which something is said: more than a person picks by hand.
pub const PATHS_MAX: usize = 1_024;

/// The most bytes that these paths have together: as much as other texts of a transfer.
pub const PATHS_BYTES_MAX: usize = 64 << 10;

/// How soon something is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Not now: only what is read of it.
    Unwanted,
    /// After everything else.
    Low,
    /// As everything.
    #[default]
    Normal,
    /// Before everything else.
    High,
}

/// All levels with their words, the soonest first.
const LEVELS: [(Level, &str); 4] = [
    (Level::High, "high"),
    (Level::Normal, "normal"),
    (Level::Low, "low"),
    (Level::Unwanted, "unwanted"),
];

/// Why something was not said of a path.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PriorityError {
    /// No path of a share.
    #[error("{path:?} is no path of a share: {error}")]
    Path {
        /// What was given for one.
        path: String,
        /// What is wrong with it.
        error: PathError,
    },
    /// Too much was said already.
    #[error("priorities for more than {PATHS_MAX} paths, or {PATHS_BYTES_MAX} bytes of them")]
    TooMany,
    /// No word for a level.
    #[error("{0:?} is no priority: say high, normal, low or unwanted")]
    Word(String),
}

impl Level {
    /// The word for it.
    pub fn name(self) -> &'static str {
        let known = LEVELS.iter().find(|(level, _)| *level == self);
        known.map_or("", |(_, name)| name)
    }

    /// How soon it is asked for; `None` where it is not.
    pub(super) fn priority(self) -> Option<Priority> {
        match self {
            Self::Unwanted => None,
            Self::Low => Some(Priority::Low),
            Self::Normal => Some(Priority::Normal),
            Self::High => Some(Priority::High),
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = PriorityError;

    fn from_str(text: &str) -> Result<Self, PriorityError> {
        let known = LEVELS.iter().find(|(_, name)| *name == text);
        known
            .map(|(level, _)| *level)
            .ok_or_else(|| PriorityError::Word(text.to_owned()))
    }
}

/// What was said of which paths. Of all others the deepest above them counts; where there is none, all is [`Level::Normal`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Levels(BTreeMap<String, Level>);

impl Levels {
    /// How soon a file is wanted, by its path below what is fetched, written with `/`.
    pub fn of(&self, path: &str) -> Level {
        let mut above = path;
        loop {
            match (self.0.get(above), above.rsplit_once('/')) {
                (Some(level), _) => return *level,
                (None, Some((parent, _))) => above = parent,
                (None, None) => return self.0.get("").copied().unwrap_or_default(),
            }
        }
    }

    /// Says how soon a file, or a folder with all beneath it, is wanted; everything, by an empty path. What was said of paths beneath it
    /// counts no longer.
    ///
    /// # Errors
    /// [`PriorityError`]; nothing is changed then.
    pub fn set(&mut self, path: &str, level: Level) -> Result<(), PriorityError> {
        let names = path::split(path).map_err(|error| PriorityError::Path {
            path: path.to_owned(),
            error,
        })?;
        let path = names.join("/");
        let beneath = format!("{path}/");
        let mut after = self.0.clone();
        after.retain(|known, _| !path.is_empty() && !known.starts_with(&beneath));
        after.insert(path, level);
        let bytes: usize = after.keys().map(String::len).sum();
        if after.len() > PATHS_MAX || bytes > PATHS_BYTES_MAX {
            return Err(PriorityError::TooMany);
        }
        self.0 = after;
        Ok(())
    }

    /// All that was said, in the order of the paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Level)> {
        self.0.iter().map(|(path, level)| (path.as_str(), *level))
    }

    /// Whether nothing was.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The levels of a transfer, which may change while it runs. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Priorities(Arc<watch::Sender<Levels>>);

impl Priorities {
    /// These.
    pub fn new(levels: Levels) -> Self {
        Self(Arc::new(watch::Sender::new(levels)))
    }

    /// Nothing is wanted but what is read.
    pub fn unwanted() -> Self {
        Self::new(Levels([(String::new(), Level::Unwanted)].into()))
    }

    /// As they are now.
    pub fn levels(&self) -> Levels {
        self.0.borrow().clone()
    }

    /// As [`Levels::of`].
    pub fn of(&self, path: &str) -> Level {
        self.0.borrow().of(path)
    }

    /// As [`Levels::set`].
    ///
    /// # Errors
    /// [`PriorityError`].
    pub fn set(&self, path: &str, level: Level) -> Result<(), PriorityError> {
        let mut levels = self.levels();
        levels.set(path, level)?;
        self.0.send_replace(levels);
        Ok(())
    }

    /// Follows them.
    pub(super) fn subscribe(&self) -> watch::Receiver<Levels> {
        self.0.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_path_above_a_file_says_how_soon_it_is_wanted() {
        let mut levels = Levels::default();
        for (path, level) in [
            ("", Level::Low),
            ("day1", Level::High),
            ("/day1/a.jpg/", Level::Unwanted),
        ] {
            levels.set(path, level).expect("a path");
        }
        for (path, level) in [
            ("day1/a.jpg", Level::Unwanted),
            ("day1/a.jpg.txt", Level::High),
            ("day1/x/b.jpg", Level::High),
            ("day10/b.jpg", Level::Low),
            ("", Level::Low),
        ] {
            assert_eq!(levels.of(path), level, "{path}");
        }
        assert_eq!(Levels::default().of("a/b"), Level::Normal);
    }

    #[test]
    fn what_is_said_of_a_folder_holds_for_all_beneath_it() {
        let mut levels = Levels::default();
        levels.set("a/b", Level::High).expect("a path");
        levels.set("ab", Level::High).expect("a path");
        levels.set("a", Level::Low).expect("a path");
        assert_eq!(
            levels.iter().collect::<Vec<_>>(),
            [("a", Level::Low), ("ab", Level::High)]
        );
        levels.set("", Level::Unwanted).expect("a path");
        assert_eq!(levels.iter().count(), 1);
    }

    #[test]
    fn what_is_no_path_and_what_is_too_much_is_refused() {
        let mut levels = Levels::default();
        for path in ["..", "a//b", "a\0"] {
            assert!(levels.set(path, Level::High).is_err(), "{path}");
        }
        for at in 0..PATHS_MAX {
            levels.set(&at.to_string(), Level::Low).expect("room");
        }
        let refused = levels.set("further", Level::Low);
        assert_eq!(refused, Err(PriorityError::TooMany));
        levels.set("0", Level::High).expect("it is known");
        let mut levels = Levels::default();
        let long = vec!["a".repeat(200); 20].join("/");
        let said = (0..PATHS_MAX).take_while(|at| {
            let said = levels.set(&format!("{at}/{long}"), Level::Low);
            said.is_ok()
        });
        assert_eq!(said.count(), PATHS_BYTES_MAX / (long.len() + 4));
    }

    #[test]
    fn every_level_is_read_by_its_word() {
        for (level, name) in LEVELS {
            assert_eq!(name.parse(), Ok(level));
            assert_eq!(level.to_string(), name);
        }
        assert!("first".parse::<Level>().is_err());
    }
}
