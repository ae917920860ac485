//! Invites made here: made, listed while they are open, and ended.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use kith::ErrorKind;
use kith::core::identity::{Contact, MadeInvite};
use kith::core::ids::InviteId;
use kith::core::peer::InviteOptions;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, Asked};
use super::door::Door;
use crate::failure::Failure;

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
    /// Its name, by which it is listed, ended, and told of when it is used; worth nothing to others.
    pub(crate) id: String,
    /// To be handed over as it is.
    pub(crate) invite: String,
    /// Until when it can be used, in milliseconds since 1970.
    pub(crate) expires: u64,
    /// Whether any number of people may use it.
    pub(crate) reusable: bool,
    /// Whether it tells its reader any place to find this node, or to leave an answer.
    pub(crate) leads_somewhere: bool,
}

/// An invite that can still be used. Its text is not told again.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct OpenInvite {
    /// Its name.
    pub(crate) id: String,
    /// When it was made, in milliseconds since 1970.
    pub(crate) made: u64,
    /// Until when it can be used, in milliseconds since 1970.
    pub(crate) expires: u64,
    /// Whether any number of people may use it.
    pub(crate) reusable: bool,
    /// Who came into the address book by it and is still there.
    pub(crate) used_by: Vec<InviteUser>,
}

/// Somebody who came by an invite.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct InviteUser {
    /// Who it is.
    pub(crate) peer_id: String,
    /// The petname.
    pub(crate) name: String,
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
        id: invite.id().to_string(),
        expires: invite.expires.0,
        reusable: invite.reusable,
        leads_somewhere: invite.contact.is_some() || !invite.introducers.is_empty(),
        invite: invite.to_string(),
    }))
}

/// The invites that can still be used, the oldest first.
#[utoipa::path(get, path = "/api/v1/invites", responses((status = 200, body = Vec<OpenInvite>)))]
pub(super) async fn list(State(door): State<Door>) -> Answer<Vec<OpenInvite>> {
    let book = door.node().address_book();
    let (open, contacts) = (book.open_invites().await?, book.contacts().await?);
    let told = open.iter().map(|made| describe(made, &contacts));
    Ok(Json(told.collect()))
}

/// Ends an invite: whoever comes by it from now on is a stranger. Who came by it before stays. Answers what it was.
#[utoipa::path(delete, path = "/api/v1/invites/{id}", params(("id", description = "its name, inviteid1…")),
    responses((status = 200, body = OpenInvite)))]
pub(super) async fn end(State(door): State<Door>, Path(id): Path<String>) -> Answer<OpenInvite> {
    let id: InviteId = id.parse().map_err(kith::Error::from)?;
    let book = door.node().address_book();
    let (open, contacts) = (book.open_invites().await?, book.contacts().await?);
    let ended = open.iter().find(|made| made.invite.id() == id);
    let ended = ended.ok_or_else(|| {
        Failure::new(
            ErrorKind::NotFound,
            format!("no invite {id} is open: it was used, is over, or was never made here"),
        )
    })?;
    book.withdraw(id).await?;
    Ok(Json(describe(ended, &contacts)))
}

fn describe(made: &MadeInvite, contacts: &[Contact]) -> OpenInvite {
    let id = made.invite.id();
    let came = contacts.iter().filter(|contact| contact.source == Some(id));
    OpenInvite {
        id: id.to_string(),
        made: made.invite.made.0,
        expires: made.invite.expires.0,
        reusable: made.invite.reusable,
        used_by: came
            .map(|contact| InviteUser {
                peer_id: contact.peer.to_string(),
                name: contact.petname.to_string(),
            })
            .collect(),
    }
}
