//! What others share.

use std::time::Duration;

use axum::Json;
use axum::extract::{Query, State};
use futures_util::future::join_all;
use kith::content::SharesPage;
use kith::core::data::head::Head;
use kith::core::data::manifest::Entry;
use kith::core::identity::{Contact, ContactState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::answer::Answer;
use super::door::Door;
use crate::failure::Failure;

/// How long each contact may take to say what they share, when all are asked.
const EACH_WITHIN: Duration = Duration::from_secs(5);

/// Where to look.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LookAt {
    /// `PEER[/SHARE[/PATH]]` or a link; what every contact shares when left out.
    pub(crate) path: Option<String>,
    /// Of a folder, only what is behind this name, and of a contact's shares behind this id; from the first on when left out.
    pub(crate) after: Option<String>,
    /// Whether to say only what is known here, without asking anybody: of a folder of a share, as it was when it was looked into last.
    #[serde(default)]
    pub(crate) here: bool,
}

/// Something that somebody shares.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Listed {
    /// `share`, `file`, `directory` or `symlink`.
    pub(crate) kind: String,
    /// What it is called.
    pub(crate) name: String,
    /// Bytes of its files.
    pub(crate) bytes: u64,
    /// Its files.
    pub(crate) files: u64,
    /// Whose it is, when shares are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) peer: Option<String>,
    /// Its id, when shares are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) share_id: Option<String>,
    /// The hash of this version, when shares are listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hash: Option<String>,
    /// Set on the last of a folder's entries where it has more than fit one answer, 100,000, and on the last of a contact's shares, 4,096: the rest is
    /// listed behind its name, or its id.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) more: bool,
    /// Set on a share that was asked for by itself where its owner says that it is not where they share it from: its folder was moved or removed, cannot be
    /// read, or is on a disk that is not plugged in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) absent: bool,
}

/// What others share.
#[utoipa::path(get, path = "/api/v1/ls", params(LookAt), responses((status = 200, body = Vec<Listed>)))]
pub(super) async fn list(
    State(door): State<Door>,
    Query(at): Query<LookAt>,
) -> Answer<Vec<Listed>> {
    let contents = door.node().contents();
    let LookAt { path, after, here } = at;
    let Some(path) = path.as_deref().map(|path| path.trim_end_matches('/')) else {
        return all(&door).await.map(Json);
    };
    if !path.contains(['/', ':']) {
        let contact = door.node().find(path).await?;
        let after = after.as_deref().map(str::parse).transpose();
        let after = after.map_err(Failure::usage)?;
        let page = contents.list_page(contact.peer, after).await;
        let page =
            page.map_err(|error| Failure::about(contact.peer, contact.petname.as_str(), error))?;
        return Ok(Json(shares(&contact, page)));
    }
    let source = contents.resolve(path).await?;
    let page = match here {
        true => contents.entries_here(&source, after.as_deref()).await?,
        false => contents.entries(&source, after.as_deref()).await?,
    };
    let mut listed: Vec<Listed> = page.entries.into_iter().map(entry).collect();
    if let Some(last) = listed.last_mut() {
        last.more = page.more;
    }
    Ok(Json(listed))
}

/// A file, folder or link of a share.
fn entry(entry: Entry) -> Listed {
    Listed {
        kind: match &entry {
            Entry::File(_) => "file",
            Entry::Directory(_) => "directory",
            Entry::Symlink(_) => "symlink",
        }
        .to_owned(),
        name: entry.name().to_owned(),
        bytes: entry.totals().bytes,
        files: entry.totals().files,
        peer: None,
        share_id: None,
        hash: None,
        more: false,
        absent: false,
    }
}

/// Which share to look at.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HeadOf {
    /// `PEER/SHARE`, or a link.
    pub(crate) path: String,
}

/// What a share is now, and whether it is where it is shared from, as its owner says. Contacts are told when that changes (`offered` among the events);
/// whoever holds a link asks.
#[utoipa::path(get, path = "/api/v1/head", params(HeadOf), responses((status = 200, body = Listed)))]
pub(super) async fn head(State(door): State<Door>, Query(of): Query<HeadOf>) -> Answer<Listed> {
    let contents = door.node().contents();
    let source = contents.resolve(&of.path).await?;
    let head = contents.head(&source).await?;
    // Whoever cannot be asked any more has said what it is.
    let absent = !contents.is_in_place(&source).await.unwrap_or(true);
    Ok(Json(Listed {
        kind: "share".to_owned(),
        bytes: head.totals.bytes,
        files: head.totals.files,
        peer: None,
        share_id: Some(head.share.to_string()),
        hash: Some(head.manifest.to_string()),
        name: head.name,
        more: false,
        absent,
    }))
}

/// What everybody shares who answers.
async fn all(door: &Door) -> Result<Vec<Listed>, Failure> {
    let contacts = door.node().address_book().contacts().await?;
    let confirmed = contacts
        .iter()
        .filter(|contact| contact.state == ContactState::Confirmed);
    let asked = confirmed.map(async |contact| {
        let contents = door.node().contents();
        let page = contents.list_page(contact.peer, None);
        let page = tokio::time::timeout(EACH_WITHIN, page).await;
        // Who does not answer has nothing to show now.
        shares(contact, page.ok().and_then(Result::ok).unwrap_or_default())
    });
    Ok(join_all(asked).await.into_iter().flatten().collect())
}

/// A page of somebody's shares.
fn shares(contact: &Contact, page: SharesPage) -> Vec<Listed> {
    let heads = page.heads.into_iter();
    let mut shares: Vec<Listed> = heads.map(|head| listed(contact, head)).collect();
    if let Some(last) = shares.last_mut() {
        last.more = page.more_after.is_some();
    }
    shares
}

fn listed(contact: &Contact, head: Head) -> Listed {
    Listed {
        kind: "share".to_owned(),
        bytes: head.totals.bytes,
        files: head.totals.files,
        peer: Some(contact.petname.to_string()),
        share_id: Some(head.share.to_string()),
        hash: Some(head.manifest.to_string()),
        more: false,
        absent: false,
        name: head.name,
    }
}
