//! Who takes part in a swarm, and with what line.

use kith_core::content::swarm::{GetterConfig, ProviderConfig, Span};

use super::tree::Tree;

/// A millisecond, in the microseconds that a swarm's clock counts.
pub const MS: u64 = 1000;

/// A second.
pub const SECOND: u64 = 1000 * MS;

/// What is sent at once, in bytes: four groups, so that many streams share a line, and a run has not too many steps.
pub(super) const PIECE_BYTES: u64 = 64 * 1024;

/// A megabyte, as lines are sold.
pub const MB: u64 = 1_000_000;

/// How a member behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduct {
    /// As it should.
    Honest,
    /// Says that it holds everything, and sends something else.
    Liar,
    /// Sends nothing more after this time, in microseconds, and does not say so.
    Stalls(u64),
    /// Loses power at the first of these times, in microseconds, and is back at the second.
    Crashes(u64, u64),
    /// Plays what it gets, so many bytes a second, from the beginning on.
    Plays(u64),
    /// Says that it holds everything and has nothing: it drops what it is asked for as busy, late, and says that it is free again.
    Boasts,
}

/// One member.
#[derive(Clone, Debug)]
pub struct Member {
    /// What it sends at most, in bytes a second.
    pub up: u64,
    /// What it receives at most, in bytes a second.
    pub down: u64,
    /// What its disk writes, in bytes a second; `None` is as fast as needed.
    pub disk: Option<u64>,
    /// When it comes, in microseconds.
    pub joins_at: u64,
    /// Whether it holds everything from the beginning on.
    pub is_seed: bool,
    /// What it holds for good, and no more, where it fetched some of the files.
    pub part: Option<Span>,
    /// How it behaves.
    pub conduct: Conduct,
}

impl Member {
    /// Somebody who wants the snapshot, with this line, from the beginning on.
    pub fn getter(up: u64, down: u64) -> Self {
        Self {
            up,
            down,
            disk: None,
            joins_at: 0,
            is_seed: false,
            part: None,
            conduct: Conduct::Honest,
        }
    }

    /// Somebody who holds it.
    pub fn seed(up: u64) -> Self {
        Self {
            is_seed: true,
            ..Self::getter(up, up)
        }
    }

    /// Somebody who holds this of it, and will hold no more.
    pub fn holder(up: u64, part: Span) -> Self {
        Self {
            part: Some(part),
            ..Self::getter(up, up)
        }
    }

    /// The same, behaving so.
    #[must_use]
    pub fn who(self, conduct: Conduct) -> Self {
        Self { conduct, ..self }
    }

    /// Whether it must be done in the end.
    pub fn must_finish(&self) -> bool {
        !self.is_seed && self.part.is_none() && self.gives()
    }

    /// Whether what it sends can be counted on, as long as it is there.
    pub fn gives(&self) -> bool {
        !matches!(
            self.conduct,
            Conduct::Liar | Conduct::Stalls(_) | Conduct::Boasts
        )
    }

    /// Whether it says from the beginning on that it holds everything.
    pub fn claims_all(&self) -> bool {
        self.is_seed || matches!(self.conduct, Conduct::Liar | Conduct::Boasts)
    }
}

/// A swarm.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The snapshot, in bytes.
    pub size: u64,
    /// What is read first, node by node, and tells where its files lie; without it all is wanted from the beginning on.
    pub tree: Option<Tree>,
    /// Who takes part. The first is the owner, whom all others know.
    pub members: Vec<Member>,
    /// From any to any, in microseconds, one way.
    pub delay: u64,
    /// What getters go by.
    pub getter: GetterConfig,
    /// What providers go by.
    pub provider: ProviderConfig,
}

impl Plan {
    /// These members, an ordinary internet between them.
    pub fn new(size: u64, members: Vec<Member>) -> Self {
        Self {
            size,
            tree: None,
            members,
            delay: 20 * MS,
            getter: GetterConfig::default(),
            provider: ProviderConfig::default(),
        }
    }
}
