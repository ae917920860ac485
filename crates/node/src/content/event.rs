//! What happens to shares, own and others', as a node tells those who look at them.

use kith_core::data::head::Head;
use kith_core::ids::{PeerId, ShareId};

/// Something that happened. How it is now is to be asked for: what is told here may be over already.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShareEvent {
    /// An own share has a new head, because its files or its audience changed.
    Changed(Head),
    /// Something is shared here, or provided as a copy, that was not; or it is no longer.
    Listed(ShareId),
    /// An own share is not where it is shared from any more, or is there again.
    Placed(ShareId),
    /// Somebody was given something of an own share.
    Given {
        /// Of which.
        share: ShareId,
        /// To whom; `None` for a stranger.
        peer: Option<PeerId>,
    },
    /// A contact says that a share of theirs, which is for us, is new, has a new head, or was taken back.
    Offered {
        /// Who.
        owner: PeerId,
        /// Which.
        share: ShareId,
    },
}
