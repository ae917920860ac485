//! Whom a transfer asks first what there is: whoever is reached first of all who may have it.

use kith_core::ids::{PeerId, ShareId};
use kith_core::routing::Target;

use crate::content::Provider;
use crate::error::Error;
use crate::peer::contents::copies::Acquaintance;
use crate::peer::contents::reach::Reach;

/// A provider that may be asked first.
pub(super) struct First {
    /// It, at the one place where it is asked.
    pub(super) provider: Provider,
    pub(super) target: Target,
    pub(super) reach: Reach,
    /// Whether it is the owner.
    pub(super) is_owner: bool,
}

impl First {
    /// Somebody who is asked at one of their places.
    pub(super) fn of(provider: &Provider, target: Target, reach: Reach) -> Self {
        Self {
            provider: Provider {
                targets: vec![target],
                ..provider.clone()
            },
            target,
            reach,
            is_owner: false,
        }
    }

    /// Waits until they are reached, or not to be. As many are looked for side by side as there are: one after the other each who is away would cost as
    /// long as all of them do together.
    pub(super) async fn found(self) -> (Self, Result<(), Error>) {
        let found = self.reach.found(self.target).await;
        (self, found)
    }

    pub(super) fn acquaintance(&self, share: ShareId, owner: PeerId) -> Acquaintance {
        Acquaintance {
            reach: self.reach.clone(),
            target: self.target,
            share,
            owner,
            credential: self.provider.credential.clone(),
        }
    }
}
