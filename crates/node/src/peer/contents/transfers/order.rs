//! What was asked for, in the form in which it is compared and kept.

use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kith_core::data::link::Link;
use kith_core::data::path;
use kith_core::ids::{BlobHash, PeerId, ShareId};
use minicbor::{Decode, Encode};

use crate::content::{Chosen, Filter, Level, Levels};

/// The pattern of all files.
pub(super) const ALL: &str = "*";

/// What to fetch, and where to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Order {
    /// Whose it is.
    #[n(0)]
    pub(super) owner: PeerId,
    /// Which share, where it is named by its id,
    #[n(1)]
    pub(super) share: Option<ShareId>,
    /// else its name; beside an id, what a link calls it.
    #[n(2)]
    pub(super) name: String,
    /// What of it.
    #[n(3)]
    pub(super) path: String,
    /// The link by which it was named.
    #[n(4)]
    pub(super) link: Option<Link>,
    #[cbor(n(5), with = "minicbor::bytes")]
    pub(super) out: Vec<u8>,
    /// Patterns of the files that are wanted.
    #[n(6)]
    pub(super) only: Vec<String>,
    /// The version it must have.
    #[n(7)]
    pub(super) at: Option<BlobHash>,
    /// How long to wait for somebody who has it, in milliseconds.
    #[n(8)]
    pub(super) wait_ms: u64,
    /// Whether it is provided to others who may have it.
    #[n(9)]
    pub(super) provide: bool,
    /// Whether it is provided for good.
    #[n(10)]
    pub(super) keep: bool,
    /// How soon its files are wanted, where that was said.
    #[n(11)]
    pub(super) priorities: Option<Vec<Said>>,
    /// Files that are wanted by their paths, where some are.
    #[n(12)]
    pub(super) chosen: Option<Chosen>,
    /// Whether what is there already is brought up to date; left out where not.
    #[n(13)]
    pub(super) update: Option<bool>,
}

/// How soon a file, or a folder with all beneath it, is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub(super) struct Said {
    #[n(0)]
    path: String,
    #[n(1)]
    level: u8,
}

/// The levels by their numbers.
const LEVELS: [(u8, Level); 4] = [
    (0, Level::Unwanted),
    (1, Level::Low),
    (2, Level::Normal),
    (3, Level::High),
];

impl Order {
    /// Of the whole share, into `out`, without waiting.
    pub(super) fn new(owner: PeerId, share: Option<ShareId>, name: String, out: &Path) -> Self {
        Self {
            owner,
            share,
            name,
            path: String::new(),
            link: None,
            out: out.as_os_str().as_bytes().to_vec(),
            only: Vec::new(),
            at: None,
            wait_ms: 0,
            provide: true,
            keep: false,
            priorities: None,
            chosen: None,
            update: None,
        }
    }

    /// The same, its files wanted so soon.
    pub(super) fn prioritised(self, levels: &Levels) -> Self {
        let said = levels.iter().map(|(path, level)| {
            let known = LEVELS.iter().find(|(_, known)| *known == level);
            Said {
                path: path.to_owned(),
                level: known.map_or(0, |(number, _)| *number),
            }
        });
        Self {
            priorities: (!levels.is_empty()).then(|| said.collect()),
            ..self
        }
    }

    /// How soon its files are wanted. What is no level or path, which nothing here writes, is left out.
    pub(super) fn levels(&self) -> Levels {
        let mut levels = Levels::default();
        for said in self.priorities.iter().flatten() {
            if let Some((_, level)) = LEVELS.iter().find(|(number, _)| *number == said.level) {
                let _ = levels.set(&said.path, *level);
            }
        }
        levels
    }

    /// The folder in which it appears.
    pub(super) fn out(&self) -> PathBuf {
        std::ffi::OsString::from_vec(self.out.clone()).into()
    }

    /// Whether some files are wanted, and not all.
    pub(super) fn selects(&self) -> bool {
        !self.only.is_empty() || self.chosen.is_some()
    }

    /// Whether some files were chosen of all there are.
    pub(super) fn is_choice(&self) -> bool {
        self.selects() && self.only != [ALL]
    }

    /// Has it appear in another folder.
    pub(super) fn set_out(&mut self, out: &Path) {
        self.out = out.as_os_str().as_bytes().to_vec();
    }

    /// How long to wait for somebody who has it.
    pub(super) fn wait(&self) -> Duration {
        Duration::from_millis(self.wait_ms)
    }

    /// Whether both ask for the same thing in the same place, however patiently.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let share = |order: &Self| order.share.ok_or_else(|| order.name.clone());
        self.owner == other.owner
            && share(self) == share(other)
            && self.path == other.path
            && self.out == other.out
            && self.only == other.only
            && self.chosen == other.chosen
            && self.at == other.at
            && self.provide == other.provide
            && self.keep == other.keep
            && self.update == other.update
    }

    /// The path, below what this fetches, of a file of the newest version of a share, where that `is_it`; `None` where it does not
    /// fetch that.
    pub(super) fn brings(
        &self,
        is_it: impl Fn(&PeerId, Option<&ShareId>, &str) -> bool,
        path: &str,
    ) -> Option<String> {
        if !is_it(&self.owner, self.share.as_ref(), &self.name) || self.at.is_some() {
            return None;
        }
        let inner = path::below(path.trim_matches('/'), self.path.trim_matches('/'))?;
        let is_brought = match (&self.chosen, Filter::globs(&self.only).ok()?) {
            (None, None) => true,
            (chosen, only) => {
                chosen.as_ref().is_some_and(|chosen| chosen.has(inner))
                    || only.is_some_and(|only| (only.wants)(inner))
            }
        };
        is_brought.then(|| inner.to_owned())
    }

    /// What people call it.
    pub(super) fn what(&self) -> String {
        let name = match &self.share {
            Some(share) if self.name.is_empty() => share.to_string(),
            _ => self.name.clone(),
        };
        match self.path.as_str() {
            "" => name,
            path => format!("{name}/{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order() -> Order {
        Order::new(PeerId([1; 32]), None, "holiday".into(), Path::new("/out"))
    }

    #[test]
    fn patience_does_not_tell_orders_apart_and_all_else_does() {
        let same = Order {
            wait_ms: 1,
            ..order()
        };
        assert!(order().is_same(&same));
        let (only, at) = (vec!["*.jpg".to_owned()], Some(BlobHash([1; 32])));
        let chosen = Chosen::new(vec!["a.jpg".to_owned()]).ok();
        for other in [
            Order { only, ..order() },
            Order { chosen, ..order() },
            Order { at, ..order() },
            Order {
                provide: false,
                ..order()
            },
            Order {
                keep: true,
                ..order()
            },
            Order {
                path: "day1".into(),
                ..order()
            },
            Order {
                owner: PeerId([2; 32]),
                ..order()
            },
            Order {
                share: Some(ShareId([3; 32])),
                ..order()
            },
            Order::new(PeerId([1; 32]), None, "holiday".into(), Path::new("/in")),
        ] {
            assert!(!order().is_same(&other), "{other:?}");
        }
    }

    #[test]
    fn what_was_said_of_its_files_is_kept_and_does_not_tell_orders_apart() {
        let mut levels = Levels::default();
        for (number, level) in LEVELS {
            levels.set(&format!("a/{number}"), level).expect("a path");
        }
        let prioritised = order().prioritised(&levels);
        assert_eq!(prioritised.levels(), levels);
        assert!(prioritised.is_same(&order()));
        assert_eq!(order().prioritised(&Levels::default()), order());
    }

    #[test]
    fn a_file_is_brought_by_an_order_of_what_it_lies_in() {
        let is_it = |_: &PeerId, _: Option<&ShareId>, name: &str| name == "holiday";
        let inner = Order {
            path: "day1".into(),
            ..order()
        };
        let some = Order {
            only: vec!["*.jpg".to_owned()],
            ..order()
        };
        let chosen = Order {
            chosen: Chosen::new(vec!["a.jpg".to_owned()]).ok(),
            ..order()
        };
        for (order, path, brought) in [
            (chosen.clone(), "a.jpg", Some("a.jpg")),
            (chosen, "b.jpg", None),
            (order(), "day1/a.jpg", Some("day1/a.jpg")),
            (inner.clone(), "day1/a.jpg", Some("a.jpg")),
            (inner.clone(), "day1", Some("")),
            (inner.clone(), "day10/a.jpg", None),
            (inner, "a.jpg", None),
            (some.clone(), "a.jpg", Some("a.jpg")),
            (some, "a.txt", None),
        ] {
            assert_eq!(order.brings(is_it, path).as_deref(), brought, "{path}");
        }
        let past = Order {
            at: Some(BlobHash([1; 32])),
            ..order()
        };
        assert_eq!(past.brings(is_it, "a.jpg"), None);
        assert_eq!(order().brings(|_, _, _| false, "a.jpg"), None);
    }

    #[test]
    fn what_a_link_calls_it_does_not_tell_one_share_from_itself() {
        let share = Some(ShareId([3; 32]));
        let named = Order { share, ..order() };
        let nameless = Order {
            name: String::new(),
            ..named.clone()
        };
        assert!(named.is_same(&nameless));
        assert_eq!(nameless.what(), ShareId([3; 32]).to_string());
        let inner = Order {
            path: "day1".into(),
            ..named
        };
        assert_eq!(inner.what(), "holiday/day1");
    }
}
