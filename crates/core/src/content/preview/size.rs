//! How large previews are.

use minicbor::{Decode, Encode};

/// Up to this many pixels the small one does.
const SMALL_UNTIL: u32 = 512;

/// A class of previews. A picture that is smaller itself has a preview of its own size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
pub enum Size {
    /// For a grid of many: it travels first.
    #[n(0)]
    Small,
    /// For looking at one while the picture itself is on its way.
    #[n(1)]
    Large,
}

impl Size {
    /// The one to show so many pixels large: a small one is made a little larger without anybody noticing.
    pub fn for_side(pixels: u32) -> Self {
        match pixels <= SMALL_UNTIL {
            true => Self::Small,
            false => Self::Large,
        }
    }

    /// All of them.
    pub const ALL: [Self; 2] = [Self::Small, Self::Large];

    /// The longer side at most, in pixels: a tile of a grid on a dense screen; a laptop's screen.
    pub fn side_max(self) -> u16 {
        match self {
            Self::Small => 320,
            Self::Large => 1280,
        }
    }

    /// The most bytes: several times what pictures of this size take at good quality, so that only noise is made coarser for it.
    pub const fn bytes_max(self) -> usize {
        match self {
            Self::Small => 64 << 10,
            Self::Large => 512 << 10,
        }
    }
}
