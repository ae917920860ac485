//! Whether what somebody shares is where they share it from, as they say.

use tokio::time::timeout;

use super::copies::Acquaintance;
use super::failure::explain;
use super::further::ASK_WITHIN;
use super::handle::Contents;
use super::reach::Reach;
use super::source::ShareSource;
use crate::content;
use crate::error::Error;

impl Acquaintance {
    /// Whether an owner has it where they share it from; also where they do not say.
    pub(super) async fn is_in_place(&self) -> bool {
        let asked = async {
            let stream = self.reach.open(self.target).await?;
            let placed = content::is_in_place(stream, self.share, &self.credential).await;
            placed.map_err(|error| explain(error, self.reach.name(), Reach::is_known(self.target)))
        };
        !matches!(timeout(ASK_WITHIN, asked).await, Ok(Ok(false)))
    }
}

impl Contents {
    /// Whether the owner of a share that is for us has it where they share it from: their folder may have been moved, and its disk not be plugged in. Also
    /// where they do not say. Contacts are told when that changes ([`ShareEvent::Offered`](content::ShareEvent::Offered)).
    ///
    /// # Errors
    /// As [`Contents::head`], which says whether there is such a share.
    pub async fn is_in_place(&self, source: &ShareSource) -> Result<bool, Error> {
        let reach = Reach::source(&self.node, source).await?;
        let asked = reach.ask(async |target| {
            let owner = Acquaintance {
                reach: reach.clone(),
                target,
                share: self.identify(&reach, target, source).await?,
                owner: source.owner,
                credential: source.credential(),
            };
            Ok(owner.is_in_place().await)
        });
        asked.await
    }
}
