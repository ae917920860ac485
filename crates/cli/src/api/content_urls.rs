//! Where browsers read content from: addresses at origins of its own, so that nothing that came from peers is ever the app's.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, Asked};
use super::door::Door;
use crate::failure::Failure;
use crate::web;

/// How many addresses are made at once: for a page of thumbnails of as many shares.
const PATHS_MAX: usize = 256;

/// For which content.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ContentUrlRequest {
    /// Paths of this API below `/api/v1`, each a file or a folder of a share (`/files/alice/holiday/sea.jpg`, `/files/alice/holiday`) or
    /// of a transfer (`/transfers/7/files`); each segment percent-encoded.
    pub(crate) paths: Vec<String>,
}

/// Of which share.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct SiteUrlRequest {
    /// A path of this API below `/api/v1` that is a folder with an `index.html`: `/files/alice/homepage`.
    pub(crate) path: String,
}

/// An address for browsers, and for nobody else to know.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ContentUrl {
    /// What was asked for.
    pub(crate) path: String,
    /// Where it is read; to a folder's, `/` and the percent-encoded path of what is in it are appended.
    pub(crate) url: String,
    /// Until when, in milliseconds since 1970. Asked for again within hours it is the same.
    pub(crate) expires: u64,
}

/// Makes addresses at which browsers read content, without a cookie and in a sandbox.
#[utoipa::path(post, path = "/api/v1/content-urls", request_body = ContentUrlRequest,
    responses((status = 200, body = [ContentUrl])))]
pub(super) async fn make(
    State(door): State<Door>,
    Asked(asked): Asked<ContentUrlRequest>,
) -> Answer<Vec<ContentUrl>> {
    if asked.paths.len() > PATHS_MAX {
        let most = format!("at most {PATHS_MAX} addresses are made at once");
        return Err(Failure::usage(most));
    }
    let web = door.web()?;
    let made = asked.paths.into_iter().map(|path| {
        let made = web.content_url(&path);
        describe(path, made)
    });
    Ok(Json(made.collect::<Result<_, _>>()?))
}

/// Opens a share that is a site, at an origin of its own, where its scripts run in a sandbox.
#[utoipa::path(post, path = "/api/v1/site-urls", request_body = SiteUrlRequest,
    responses((status = 200, body = ContentUrl)))]
pub(super) async fn make_site(
    State(door): State<Door>,
    Asked(asked): Asked<SiteUrlRequest>,
) -> Answer<ContentUrl> {
    let made = door.web()?.site_url(&asked.path);
    describe(asked.path, made).map(Json)
}

fn describe(path: String, made: Option<web::ContentUrl>) -> Result<ContentUrl, Failure> {
    let Some(made) = made else {
        return Err(Failure::usage(format!(
            "{path} is no file or folder of a share or of a transfer"
        )));
    };
    Ok(ContentUrl {
        path,
        url: made.url,
        expires: made.expires.0,
    })
}
