//! What each origin answers, and to whom.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{AUTHORIZATION, COOKIE, LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use futures_util::StreamExt as _;
use hyper::body::Body as _;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use kith::ErrorKind;

use super::access::{ThisBrowser, Web};
use super::admission::BROWSER_AWAY_MAX_MS;
use super::origin::{Origin, is_from_a_page};
use super::{assets, content, headers, page, site};
use crate::failure::Failure;

/// The cookie's name. It cannot begin with `__Host-`, which asks for TLS; the host's name is nobody else's anyway.
const COOKIE_NAME: &str = "kith";

/// Where the API begins.
const API: &str = "/api/";

/// All origins of a node.
#[derive(Debug)]
pub(super) struct Answering {
    web: Arc<Web>,
    api: TowerToHyperService<Router>,
}

/// Whether anybody on a connection has been let in.
#[derive(Clone, Debug, Default)]
pub(super) struct LetIn(Arc<AtomicBool>);

impl LetIn {
    /// Whether somebody was.
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Answering {
    /// Answers for `web`, with this API.
    pub(super) fn new(web: Arc<Web>, api: Router) -> Self {
        let api = TowerToHyperService::new(api);
        Self { web, api }
    }

    /// Answers a request.
    pub(super) async fn answer(&self, request: Request, let_in: &LetIn) -> Response {
        let (parts, body) = request.into_parts();
        let origin = self.web.origins().of(&parts);
        let is_app = origin == Some(Origin::App);
        let mut response = match origin {
            Some(Origin::App) => self.app(parts, body, let_in).await,
            Some(Origin::Programs) => self.programs(parts, body, let_in).await,
            Some(Origin::Content) => self.content(&parts, let_in).await,
            Some(Origin::Site(name)) => self.site(&name, &parts, let_in).await,
            None => page::NOT_HERE.with(StatusCode::MISDIRECTED_REQUEST),
        };
        if is_app {
            headers::of_app(response.headers_mut(), self.web.origins());
        }
        headers::of_all(response.headers_mut());
        response
    }

    /// The app and its API: for browsers with a cookie, and for programs.
    async fn app(&self, mut parts: Parts, body: Body, let_in: &LetIn) -> Response {
        if self.token(&parts.headers).is_some() {
            return self.programs(parts, body, let_in).await;
        }
        let cookie = cookie(&parts.headers);
        let browser = cookie.and_then(|cookie| self.web.browser(cookie));
        let is_browser = browser.is_some();
        if is_browser {
            let_in.set();
        }
        if !parts.uri.path().starts_with(API) {
            return match (code(&parts), cookie.filter(|_| is_browser)) {
                (Some(code), _) => self.enter(code, is_browser, &parts.headers),
                (None, None) => page::NOT_LET_IN.with(StatusCode::UNAUTHORIZED),
                (None, Some(cookie)) => {
                    let mut response = assets::answer(&parts);
                    if parts.uri.path() == "/" {
                        // Its month begins anew.
                        set_cookie(&mut response, cookie);
                    }
                    response
                }
            };
        }
        let Some(browser) = browser else {
            return unauthorized(
                "this browser is not let in, or not any more: type 'kith web' in a terminal and open the address that it prints",
            );
        };
        if !self.web.origins().is_own(&parts.method, &parts.headers) {
            return Failure::new(
                ErrorKind::NotAllowed,
                "the page of another site asked for this",
            )
            .into_response();
        }
        let cookie = cookie.unwrap_or_default().to_owned();
        parts.extensions.insert(ThisBrowser(browser));
        let is_in = move |web: &Web| web.browser(&cookie).is_some();
        self.call(parts, body, is_in).await
    }

    /// The API for programs.
    async fn programs(&self, parts: Parts, body: Body, let_in: &LetIn) -> Response {
        if !parts.uri.path().starts_with(API) {
            return page::NOT_HERE.with(StatusCode::NOT_FOUND);
        }
        if is_from_a_page(&parts.headers) {
            return Failure::new(
                ErrorKind::NotAllowed,
                "tokens are for programs, not for pages",
            )
            .into_response();
        }
        let Some(token) = self.token(&parts.headers).map(str::to_owned) else {
            return unauthorized(
                "a program needs a token: 'kith tokens make NAME' prints one, to be sent as 'Authorization: Bearer TOKEN'",
            );
        };
        let_in.set();
        let is_in = move |web: &Web| web.is_token(&token);
        self.call(parts, body, is_in).await
    }

    /// Content, for whoever has its address.
    async fn content(&self, parts: &Parts, let_in: &LetIn) -> Response {
        let segments = self.web.content(parts.uri.path());
        if segments.is_some() {
            let_in.set();
        }
        match segments.and_then(|segments| content::question(parts, &segments)) {
            Some(question) => content::answer(self.ask(question).await),
            None => page::NO_CONTENT.with(StatusCode::NOT_FOUND),
        }
    }

    /// A file of a site, for whoever has its name.
    async fn site(&self, name: &str, parts: &Parts, let_in: &LetIn) -> Response {
        let segments = self.web.site(name, parts.uri.path());
        if segments.is_some() {
            let_in.set();
        }
        let last = segments.as_ref().and_then(|it| it.last().cloned());
        match segments.and_then(|segments| content::question(parts, &segments)) {
            Some(question) => site::answer(&last.unwrap_or_default(), self.ask(question).await),
            None => page::NO_CONTENT.with(StatusCode::NOT_FOUND),
        }
    }

    /// Asks the API for somebody who is let in. An answer that goes on ends when they are so no more, and with it what is done for as long as it is
    /// read: tunnels, offers.
    async fn call(
        &self,
        parts: Parts,
        body: Body,
        is_in: impl Fn(&Web) -> bool + Send + 'static,
    ) -> Response {
        let response = self.ask(Request::from_parts(parts, body)).await;
        if response.body().size_hint().exact().is_some() {
            return response;
        }
        let web = Arc::clone(&self.web);
        let ended = async move { web.ended(is_in).await };
        response.map(|body| Body::from_stream(body.into_data_stream().take_until(Box::pin(ended))))
    }

    async fn ask(&self, request: Request) -> Response {
        let answered = self.api.call(request).await;
        answered.unwrap_or_else(|never: Infallible| match never {})
    }

    /// The token that is shown, if it is good.
    fn token<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let said = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = said.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && self.web.is_token(token)).then_some(token)
    }

    /// Lets a browser in by a code, which does not stay in its address bar. One that is in already needs none.
    fn enter(&self, code: &str, is_browser: bool, headers: &HeaderMap) -> Response {
        let cookie = match self.web.enter(code) {
            Ok(cookie) => cookie,
            Err(error) => {
                let reason = format!("cannot keep that this browser is let in: {error}");
                return Failure::failed(reason).into_response();
            }
        };
        if cookie.is_none() && !is_browser {
            return page::CODE_IS_OVER.with(StatusCode::UNAUTHORIZED);
        }
        // A redirect still counts as the other site's doing, and a page of our own does not.
        let mut response = match is_from_a_page(headers) {
            true => page::COME_IN.with(StatusCode::OK),
            false => (StatusCode::SEE_OTHER, [(LOCATION, "/")]).into_response(),
        };
        if let Some(cookie) = cookie {
            set_cookie(&mut response, &cookie);
        }
        response
    }
}

/// The code that a page is asked for with.
fn code(parts: &Parts) -> Option<&str> {
    if parts.method != Method::GET || parts.uri.path() != "/" {
        return None;
    }
    let mut pairs = parts.uri.query()?.split('&');
    pairs.find_map(|pair| pair.strip_prefix("code="))
}

/// The cookie; the first of them where a browser sends several.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let sent = headers.get_all(COOKIE).iter();
    let mut pairs = sent
        .filter_map(|sent| sent.to_str().ok())
        .flat_map(|sent| sent.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(name, value)| (name == COOKIE_NAME).then_some(value))
}

/// Gives a browser its cookie: for this host alone, for no script, and for no request that begins at another site.
fn set_cookie(response: &mut Response, cookie: &str) {
    let seconds = BROWSER_AWAY_MAX_MS / 1000;
    let told =
        format!("{COOKIE_NAME}={cookie}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict");
    if let Ok(told) = told.parse() {
        response.headers_mut().insert(SET_COOKIE, told);
    }
}

fn unauthorized(message: &str) -> Response {
    let failure = Failure::new(ErrorKind::NotAllowed, message);
    (StatusCode::UNAUTHORIZED, Json(failure)).into_response()
}
