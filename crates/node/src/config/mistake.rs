//! What is wrong in a line of `config.toml`, in words that help.

use std::fmt;

/// How many changes a key may be away from one we know to be suggested: a swap, a missing letter, and one more.
const TYPO_CHANGES_MAX: usize = 3;

/// What is wrong in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mistake {
    /// A setting there is not.
    UnknownKey {
        /// As written.
        key: String,
        /// The setting that was probably meant.
        nearest: Option<String>,
        /// All there are in this place.
        known: Vec<String>,
    },
    /// Not TOML, or not a value this setting can have.
    Value(String),
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey {
                key,
                nearest: Some(nearest),
                ..
            } => write!(f, "there is no setting {key:?}; did you mean {nearest:?}?"),
            Self::UnknownKey { key, known, .. } => write!(
                f,
                "there is no setting {key:?}; there are: {}",
                known.join(", ")
            ),
            Self::Value(what) => f.write_str(what),
        }
    }
}

impl Mistake {
    /// Takes apart what serde says of an unknown field; anything else is passed on.
    pub(super) fn of(message: &str) -> Self {
        // "unknown field `a`, expected one of `b`, `c`": names stand at every second place between backticks.
        let mut names = message.split('`').skip(1).step_by(2).map(str::to_owned);
        if !message.starts_with("unknown field `") {
            return Self::Value(message.to_owned());
        }
        let key = names.next().unwrap_or_default();
        let known: Vec<String> = names.collect();
        let nearest = known
            .iter()
            .map(|name| (changes_between(&key, name), name))
            .filter(|(changes, name)| *changes <= TYPO_CHANGES_MAX && *changes < name.len())
            .min()
            .map(|(_, name)| name.clone());
        Self::UnknownKey {
            key,
            nearest,
            known,
        }
    }
}

/// How many characters to add, remove or replace to make `b` of `a` (Levenshtein's distance).
fn changes_between(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_counted_as_one_would() {
        assert_eq!(changes_between("lan", "lan"), 0);
        assert_eq!(changes_between("", "lan"), 3);
        assert_eq!(changes_between("introducer", "introducers"), 1);
        assert_eq!(changes_between("findabel", "findable"), 2);
    }
}
