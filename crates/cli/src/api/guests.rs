//! Commands that share the node which another command runs.

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Asked, lines};
use super::door::Door;
use crate::failure::Failure;
use crate::start::Purpose;

/// Who comes.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct GuestRequest {
    /// What a node is needed for.
    pub(crate) purpose: Purpose,
}

/// What the node is to them.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct GuestAnswer {
    /// Whether it does, and stays until the call is over.
    pub(crate) joined: bool,
}

/// Has the node stay for as long as the call lasts, where it does what is needed. That of a command ends with its last guest.
#[utoipa::path(post, path = "/api/v1/guests", request_body = GuestRequest,
    responses((status = 200, body = GuestAnswer, content_type = "application/x-ndjson")))]
pub(super) async fn join(
    State(door): State<Door>,
    Asked(asked): Asked<GuestRequest>,
) -> Result<Response, Failure> {
    let guest = door.admit(asked.purpose);
    Ok(lines(async move |out| {
        let joined = guest.is_some();
        out.send(&GuestAnswer { joined }).await;
        if joined {
            std::future::pending::<()>().await;
        }
        drop(guest);
        Ok(())
    }))
}
