//! Incoming streams: a listener is a call that goes on, and each stream a line, to be taken by a call of its own.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Asked, lines};
use super::contacts::protocol;
use super::door::Door;
use super::streams::Streams;
use crate::failure::Failure;

/// What to listen for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ListenRequest {
    /// The protocol.
    pub(crate) protocol: String,
    /// Only from these contacts, petnames or PeerIds; from all confirmed ones when empty.
    pub(crate) from: Vec<String>,
}

/// What a listener is told.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(crate) enum ListenEvent {
    /// The protocol is spoken from now on, until the call ends.
    Ready,
    /// Somebody opened a stream.
    Stream {
        /// To be taken by `POST /streams/{number}`.
        number: u64,
        /// Who, as the address book calls them.
        name: String,
        /// Who.
        peer_id: String,
    },
}

/// Listens for streams in a protocol, for as long as the call lasts; a line for each.
#[utoipa::path(post, path = "/api/v1/listeners", request_body = ListenRequest,
    responses((status = 200, body = ListenEvent, content_type = "application/x-ndjson")))]
pub(super) async fn listen(
    State(door): State<Door>,
    Asked(asked): Asked<ListenRequest>,
) -> Result<Response, Failure> {
    let access = door.node().audience(&asked.from).await?;
    let mut acceptor = door.node().accept(protocol(&asked.protocol)?, access)?;
    Ok(lines(async move |out| {
        out.send(&ListenEvent::Ready).await;
        let mut kept = Kept {
            streams: door.streams().clone(),
            numbers: BTreeSet::new(),
        };
        while let Some(stream) = acceptor.next().await {
            let Some(peer) = stream.peer() else { continue };
            let peer_id = peer.to_string();
            let name = match door.node().find(&peer_id).await {
                Ok(contact) => contact.petname.to_string(),
                // Removed a moment ago.
                Err(_) => continue,
            };
            let Some(number) = door.streams().keep(name.clone(), stream) else {
                continue;
            };
            kept.numbers.insert(number);
            out.send(&ListenEvent::Stream {
                number,
                name,
                peer_id,
            })
            .await;
        }
        Ok(())
    }))
}

/// The streams one listener was told of. Those that nobody took by its end are reset.
struct Kept {
    streams: Streams,
    numbers: BTreeSet<u64>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        for number in &self.numbers {
            drop(self.streams.take(*number));
        }
    }
}
