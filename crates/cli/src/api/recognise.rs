//! What a text is that somebody pasted, dropped or scanned, before anything is done with it.

use axum::Json;
use axum::extract::State;
use kith::core::identity::Contact;
use kith::peer::Recognised;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, Asked};
use super::door::Door;

/// A text.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct RecogniseRequest {
    /// As it was pasted; it may stand amid other words.
    pub(crate) text: String,
}

/// What it is. Names in it are somebody's own words.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum RecognisedText {
    /// An invite, to be added as a contact.
    Invite {
        /// As it was recognised, to be added.
        text: String,
        /// Whose it is.
        peer_id: String,
        /// What they call themselves; empty where they do not say.
        suggested_name: String,
        /// What they are called here, where they are a contact.
        contact: Option<String>,
        /// Whether this node made it.
        own: bool,
        /// Until when it is good, in milliseconds since 1970.
        expires: u64,
        /// Whether its time is over.
        expired: bool,
        /// Whether any number of people may use it; each stays pending until confirmed.
        reusable: bool,
    },
    /// A link to a share, to be looked at or fetched.
    Link {
        /// As it was recognised, to be fetched.
        text: String,
        /// Which share.
        share_id: String,
        /// What its owner calls it.
        name: String,
        /// Whose it is.
        peer_id: String,
        /// What they are called here, where they are a contact.
        contact: Option<String>,
        /// Whether it is this node's own share.
        own: bool,
        /// Whether it opens the share for whoever holds it.
        opens: bool,
    },
    /// An introducer's line, to be used.
    Introducer {
        /// As it was recognised.
        text: String,
    },
    /// Somebody's key.
    Peer {
        /// Whose.
        peer_id: String,
        /// What they are called here, where they are a contact.
        contact: Option<String>,
        /// Whether it is this node's own.
        own: bool,
    },
}

/// Says what a text is, and does nothing with it.
#[utoipa::path(post, path = "/api/v1/recognise", request_body = RecogniseRequest,
    responses((status = 200, body = RecognisedText)))]
pub(super) async fn recognise(
    State(door): State<Door>,
    Asked(asked): Asked<RecogniseRequest>,
) -> Answer<RecognisedText> {
    let recognised = door.node().recognise(&asked.text).await?;
    let name = |contact: Option<Box<Contact>>| contact.map(|it| it.petname.to_string());
    let unknown = || kith::Error::Usage("this program does not know what to do with it".to_owned());
    Ok(Json(match recognised {
        Recognised::Invite {
            invite,
            contact,
            is_own,
            is_over,
        } => RecognisedText::Invite {
            text: invite.to_string(),
            peer_id: invite.peer.to_string(),
            suggested_name: invite.name.clone(),
            contact: name(contact),
            own: is_own,
            expires: invite.expires.0,
            expired: is_over,
            reusable: invite.reusable,
        },
        Recognised::Link {
            link,
            contact,
            is_own,
        } => RecognisedText::Link {
            text: link.to_string(),
            share_id: link.share.to_string(),
            name: link.name.clone(),
            peer_id: link.owner.to_string(),
            contact: name(contact),
            own: is_own,
            opens: link.secret.is_some(),
        },
        Recognised::Introducer(introducer) => RecognisedText::Introducer {
            text: introducer.to_string(),
        },
        Recognised::Peer {
            peer,
            contact,
            is_own,
        } => RecognisedText::Peer {
            peer_id: peer.to_string(),
            contact: name(contact),
            own: is_own,
        },
        _ => return Err(unknown().into()),
    }))
}
