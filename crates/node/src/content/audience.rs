//! Sharing with others than until now: the share, its link where it goes on, and its version stay.
//!
//! The change is a new head. Where somebody may not have the share any more, or it is opened by something else from now on, its epoch rises, as in
//! [`revoking`](super::revoking): grants and links of until now open nothing, and copies go on for those who get new grants. Who only comes
//! in addition is given it at once, by everybody who provides it.

use kith_core::codec;
use kith_core::crypto::{Ed25519, SecretKey};
use kith_core::data::head::{SignedHead, Terms};
use kith_core::data::link::LinkSecret;
use kith_core::ids::{PeerId, ShareId};
use kith_core::random::Random;
use kith_core::time::Time;
use rusqlite::{Connection, params};

use crate::content::event::ShareEvent;
use crate::content::recipients::Recipients;
use crate::content::revoking::{TRIES_MAX, changes_all_the_time};
use crate::content::shares::{ShareError, Shares, trusted};
use crate::content::store::{self, ShareRow};

impl Shares {
    /// Shares it with these people from now on. Gives the signed head where the epoch has risen: others who provide the share are to hear of it. A
    /// share that gets the audience *link* gets a new link. Blocks.
    ///
    /// # Errors
    /// [`ShareError`]; nothing has changed then.
    pub fn set_audience(
        &self,
        share: &ShareId,
        recipients: &Recipients,
        random: &mut Random,
        now: Time,
    ) -> Result<Option<Vec<u8>>, ShareError> {
        for _ in 0..TRIES_MAX {
            let (row, named) = store::run(self.database(), |connection| {
                let row = store::share(connection, share)?;
                Ok((row, store::named(connection, share)?))
            })?;
            let row = row.filter(|row| !row.revoked).ok_or(ShareError::Unknown)?;
            let old = trusted(&row)?;
            let until_now = Recipients::of(&old.audience, &named);
            if recipients.is_same(&until_now) {
                return Ok(None);
            }
            let is_raised = !recipients.include(&until_now);
            let (audience, link) = recipients.audience(share, random);
            let terms = Terms {
                audience,
                epoch: old.epoch + u64::from(is_raised),
                ..old.next(now)
            };
            let head = SignedHead::sign(&Ed25519, &SecretKey::from_bytes(row.secret), terms)?;
            let signed = codec::encode(&head);
            let is_replaced = store::run(self.database(), |connection| {
                replace(connection, &row, &signed, link.as_ref(), recipients.named())
            })?;
            if is_replaced {
                self.tell_own(*share, ShareEvent::Changed(head.trusted()?));
                self.doubt();
                return Ok(is_raised.then_some(signed));
            }
        }
        Err(changes_all_the_time())
    }
}

/// Gives a share another head, link and names, unless it has another head by now. Whether it has got them.
fn replace(
    connection: &mut Connection,
    row: &ShareRow,
    head: &[u8],
    link: Option<&LinkSecret>,
    named: &[PeerId],
) -> rusqlite::Result<bool> {
    let transaction = connection.transaction()?;
    if !store::replace_head(&transaction, row, head)? {
        return Ok(false);
    }
    let share = row.share.0;
    transaction.execute(
        "UPDATE share SET link = ?2 WHERE share = ?1",
        params![share, link.map(|link| link.0)],
    )?;
    transaction.execute("DELETE FROM share_named WHERE share = ?1", [share])?;
    store::name(&transaction, &row.share, named)?;
    transaction.commit()?;
    Ok(true)
}
