//! What must not be found in a recording: for tests of what a wire, a disk or a log discloses.

use thiserror::Error;

/// Something that an observer would like to find, as the bytes in which it is written.
#[derive(Clone, Debug)]
pub struct Clue {
    what: String,
    bytes: Vec<u8>,
}

/// Why a recording does not show that nothing was disclosed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Disclosure {
    /// There is nothing in it, so nothing can be missing from it.
    #[error("{place}: nothing was written down")]
    Empty {
        /// What was recorded.
        place: String,
    },
    /// It holds a clue.
    #[error("{place} holds {what}")]
    Found {
        /// What was recorded.
        place: String,
        /// What the clue is.
        what: String,
    },
    /// It would not have been found: a clue without bytes is everywhere and tells nothing.
    #[error("{what} cannot be looked for")]
    Nothing {
        /// What the clue is.
        what: String,
    },
}

impl Clue {
    /// `what` it is, for people; and its bytes.
    pub fn new(what: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        let (what, bytes) = (what.into(), bytes.into());
        Self { what, bytes }
    }

    /// What it is, for people.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// How it is written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether a recording holds it, in one piece; never, where it has no bytes.
    pub fn is_in(&self, tape: &[u8]) -> bool {
        let length = self.bytes.len();
        length > 0 && tape.windows(length).any(|window| window == self.bytes)
    }

    /// Checks that the recording `tape` of `place` holds none of `clues`.
    ///
    /// # Errors
    /// [`Disclosure`]: it holds one, or could not have shown it.
    pub fn check_none_in(place: &str, tape: &[u8], clues: &[Self]) -> Result<(), Disclosure> {
        let (place, what) = (|| place.to_owned(), |clue: &Self| clue.what.clone());
        if tape.is_empty() {
            return Err(Disclosure::Empty { place: place() });
        }
        for clue in clues {
            let what = what(clue);
            if clue.bytes.is_empty() {
                return Err(Disclosure::Nothing { what });
            }
            if clue.is_in(tape) {
                let place = place();
                return Err(Disclosure::Found { place, what });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clue_is_found_wherever_it_stands() {
        let clue = Clue::new("a name", "bob");
        for tape in ["bob", "..bob", "bob..", "bobob"] {
            assert!(clue.is_in(tape.as_bytes()), "{tape}");
            let clues = [Clue::new("another", "ann"), clue.clone()];
            let checked = Clue::check_none_in("it", tape.as_bytes(), &clues);
            let error = checked.expect_err("it is there");
            assert_eq!(error.to_string(), "it holds a name");
        }
        for tape in ["b.ob", "bo", "BOB"] {
            assert!(!clue.is_in(tape.as_bytes()), "{tape}");
        }
    }

    #[test]
    fn nothing_is_no_recording_and_no_clue() {
        let clue = Clue::new("a name", "bob");
        let empty = Clue::check_none_in("it", b"", &[clue]);
        assert!(matches!(empty, Err(Disclosure::Empty { .. })));
        let nothing = Clue::check_none_in("it", b"tape", &[Clue::new("a name", "")]);
        assert!(matches!(nothing, Err(Disclosure::Nothing { .. })));
    }
}
