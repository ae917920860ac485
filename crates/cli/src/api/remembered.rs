//! What contacts shared when they last said: to be shown while they are away.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::Answer;
use super::door::Door;

/// What a contact shared when they last said.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct RememberedInfo {
    /// Whose it is, by name.
    pub(crate) peer: String,
    /// By PeerId.
    pub(crate) peer_id: String,
    /// Which share.
    pub(crate) share_id: String,
    /// What it was called.
    pub(crate) name: String,
    /// The hash of the version that it had.
    pub(crate) hash: String,
    /// Bytes of its files.
    pub(crate) bytes: u64,
    /// Its files.
    pub(crate) files: u64,
    /// Until when this is known to have held, in milliseconds since 1970; where another version was looked into last, when that was.
    pub(crate) told: u64,
}

/// What contacts shared when they last said, whether they are there or not. `ls` with `here` says what lay in it, as far as somebody looked.
#[utoipa::path(get, path = "/api/v1/remembered", responses((status = 200, body = Vec<RememberedInfo>)))]
pub(super) async fn list(State(door): State<Door>) -> Answer<Vec<RememberedInfo>> {
    let contacts = door.node().address_book().contacts().await?;
    let names: BTreeMap<_, _> = contacts
        .into_iter()
        .map(|contact| (contact.peer, contact.petname.to_string()))
        .collect();
    let remembered = door.node().contents().remembered().await?;
    let infos = remembered.into_iter().filter_map(|it| {
        Some(RememberedInfo {
            peer: names.get(&it.owner)?.clone(),
            peer_id: it.owner.to_string(),
            share_id: it.share.to_string(),
            name: it.name,
            hash: it.manifest.to_string(),
            bytes: it.totals.bytes,
            files: it.totals.files,
            told: it.told.0,
        })
    });
    Ok(Json(infos.collect()))
}
