//! Invites made here.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use kith::core::peer::InviteOptions;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, Asked};
use super::door::Door;

/// What an invite is to be like.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct InviteRequest {
    /// Whether any number of people may use it; each stays pending until confirmed.
    pub(crate) reusable: bool,
    /// For how long it can be used, in seconds.
    pub(crate) seconds: u64,
    /// Whether it says where this machine is now. A node that ends with the command has no place to name.
    pub(crate) addresses: bool,
}

/// An invite.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct InviteMade {
    /// To be handed over as it is.
    pub(crate) invite: String,
    /// Until when it can be used, in milliseconds since 1970.
    pub(crate) expires: u64,
    /// Whether any number of people may use it.
    pub(crate) reusable: bool,
    /// Whether it tells its reader any place to find this node, or to leave an answer.
    pub(crate) leads_somewhere: bool,
}

/// Makes an invite.
#[utoipa::path(post, path = "/api/v1/invites", request_body = InviteRequest,
    responses((status = 200, body = InviteMade)))]
pub(super) async fn create(
    State(door): State<Door>,
    Asked(asked): Asked<InviteRequest>,
) -> Answer<InviteMade> {
    let options = InviteOptions {
        reusable: asked.reusable,
        life: Duration::from_secs(asked.seconds),
        with_addresses: asked.addresses && door.is_daemon(),
    };
    let invite = door.node().address_book().invite(options).await?;
    Ok(Json(InviteMade {
        expires: invite.expires.0,
        reusable: invite.reusable,
        leads_somewhere: invite.contact.is_some() || !invite.introducers.is_empty(),
        invite: invite.to_string(),
    }))
}
