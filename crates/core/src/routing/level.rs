//! How far the other side of a session is trusted, and what that entitles it to.

/// What the other side of a session has proven. Ordered: more trust is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Nothing but a device key.
    Stranger,
    /// An identity, together with an invite, link or grant; or a contact not yet confirmed.
    Guest,
    /// A confirmed contact.
    Contact,
}

/// Streams a stranger may have open at once: enough for a registry's requests side by side. With a stream window
/// of 1.25 MB a stranger ties up 20 MB at the very most.
pub const STREAMS_STRANGER_MAX: u32 = 16;

/// Streams a guest may have open at once: a fetch of one share keeps some tens of ranges under way.
pub const STREAMS_GUEST_MAX: u32 = 64;

/// Streams a contact may have open at once: the 500 connections of a busy `forward`, twice.
pub const STREAMS_CONTACT_MAX: u32 = 1024;

impl Level {
    /// How many streams the other side may have open at once.
    pub fn streams_max(self) -> u32 {
        match self {
            Self::Stranger => STREAMS_STRANGER_MAX,
            Self::Guest => STREAMS_GUEST_MAX,
            Self::Contact => STREAMS_CONTACT_MAX,
        }
    }
}
