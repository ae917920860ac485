//! Who may come in by TCP: codes for browsers, tokens for programs. Both are made on the socket alone.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use kith::{ErrorKind, clock};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer::{Answer, Asked};
use super::door::Door;
use crate::failure::Failure;
use crate::web::{CODE_LIFE_MS, ThisBrowser, TokenError};

/// A way in for one browser.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Entrance {
    /// To be opened in it, once.
    pub(crate) url: String,
    /// Until when, in milliseconds since 1970.
    pub(crate) expires: u64,
}

/// A browser that was let in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct BrowserInfo {
    /// Its number.
    pub(crate) id: u32,
    /// When it was let in, in milliseconds since 1970.
    pub(crate) since: u64,
    /// When it was here last, to the day, in milliseconds since 1970.
    pub(crate) seen: u64,
    /// Whether it is the one that asks.
    pub(crate) this: bool,
}

/// What a token is for.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TokenRequest {
    /// The program, say.
    pub(crate) name: String,
}

/// A token, which is told this once.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TokenMade {
    /// Its number.
    pub(crate) id: u32,
    /// To be sent as `Authorization: Bearer TOKEN`.
    pub(crate) token: String,
    /// Where to: the API is below `/api/v1`.
    pub(crate) url: String,
}

/// A token that is good.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct TokenInfo {
    /// Its number.
    pub(crate) id: u32,
    /// What it is for.
    pub(crate) name: String,
    /// When it was made, in milliseconds since 1970.
    pub(crate) since: u64,
}

/// Somebody who is let in no more.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Ended {
    /// Its number.
    pub(crate) id: u32,
}

/// Makes an address that lets one browser in. On the socket only.
#[utoipa::path(post, path = "/api/v1/web/codes", responses((status = 200, body = Entrance)))]
pub(super) async fn make_code(State(door): State<Door>) -> Answer<Entrance> {
    let url = door.web()?.entrance();
    let expires = clock::now().0.saturating_add(CODE_LIFE_MS);
    Ok(Json(Entrance { url, expires }))
}

/// The browsers that were let in.
#[utoipa::path(get, path = "/api/v1/web/browsers", responses((status = 200, body = [BrowserInfo])))]
pub(super) async fn browsers(
    State(door): State<Door>,
    asking: Option<Extension<ThisBrowser>>,
) -> Answer<Vec<BrowserInfo>> {
    let asking = asking.map(|Extension(ThisBrowser(id))| id);
    let browsers = door.web()?.admission().browsers().into_iter();
    let told = browsers.map(|browser| BrowserInfo {
        id: browser.id,
        since: browser.since,
        seen: browser.seen,
        this: asking == Some(browser.id),
    });
    Ok(Json(told.collect()))
}

/// Lets a browser in no more.
#[utoipa::path(delete, path = "/api/v1/web/browsers/{id}", params(("id" = u32, Path, description = "its number")),
    responses((status = 200, body = Ended)))]
pub(super) async fn end_browser(State(door): State<Door>, Path(id): Path<u32>) -> Answer<Ended> {
    let ended = door.web()?.admission().end_browser(id)?;
    door.settings_changed();
    gone(ended, "browser", id)
}

/// Lets a program in by TCP. On the socket only.
#[utoipa::path(post, path = "/api/v1/tokens", request_body = TokenRequest,
    responses((status = 200, body = TokenMade)))]
pub(super) async fn make_token(
    State(door): State<Door>,
    Asked(asked): Asked<TokenRequest>,
) -> Answer<TokenMade> {
    let web = door.web()?;
    let made = web.admission().make_token(&asked.name, clock::now());
    let (id, token) = made.map_err(|error| match error {
        TokenError::Name => Failure::usage(error),
        _ => Failure::failed(error),
    })?;
    let url = web.programs();
    Ok(Json(TokenMade { id, token, url }))
}

/// The programs that were let in.
#[utoipa::path(get, path = "/api/v1/tokens", responses((status = 200, body = [TokenInfo])))]
pub(super) async fn tokens(State(door): State<Door>) -> Answer<Vec<TokenInfo>> {
    let tokens = door.web()?.admission().tokens().into_iter();
    let told = tokens.map(|token| TokenInfo {
        id: token.id,
        name: token.name,
        since: token.since,
    });
    Ok(Json(told.collect()))
}

/// Lets a program in no more.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", params(("id" = u32, Path, description = "its number")),
    responses((status = 200, body = Ended)))]
pub(super) async fn revoke_token(State(door): State<Door>, Path(id): Path<u32>) -> Answer<Ended> {
    let revoked = door.web()?.admission().revoke_token(id)?;
    door.settings_changed();
    gone(revoked, "token", id)
}

fn gone(was_there: bool, what: &str, id: u32) -> Answer<Ended> {
    match was_there {
        true => Ok(Json(Ended { id })),
        false => Err(Failure::new(
            ErrorKind::NotFound,
            format!("there is no {what} {id}"),
        )),
    }
}
