//! The bounds of an address book.

/// The most contacts. Ten times what the best-connected people keep, and the book still loads in well under a second.
pub const CONTACTS_MAX: usize = 10_000;

/// The most contacts who came by reusable invites and wait to be confirmed: a link that leaked cannot fill the book.
pub const PENDING_MAX: usize = 1_000;

/// The most invites made and remembered: more than a person hands out in the year that one lives.
pub const INVITES_MAX: usize = 1_000;

/// How much a book takes. The constants of this module are its defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookConfig {
    /// The most contacts, in whichever state.
    pub contacts_max: usize,
    /// The most of them that are pending.
    pub pending_max: usize,
    /// The most invites, those used up among them.
    pub invites_max: usize,
}

impl Default for BookConfig {
    fn default() -> Self {
        Self {
            contacts_max: CONTACTS_MAX,
            pending_max: PENDING_MAX,
            invites_max: INVITES_MAX,
        }
    }
}
