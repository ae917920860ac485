//! The content's origin: files of shares, which may be of somebody who means ill.
//!
//! It serves what an address of it names ([`super::capability`]) and knows no cookies. What comes is data to a browser: of a few types, not
//! sniffed, in a sandbox. The bytes are the API's own.

use axum::extract::Request;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, LAST_MODIFIED, RANGE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::headers::RESOURCE_POLICY;
use super::page;
use crate::path::segment;

/// What a browser may do with a file: show it. `self` is for the page that a browser makes of a picture or a film by itself.
const SANDBOX: &str = "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; \
    frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// What asks for something only where it is here.
const HERE: &str = "here=true";

/// What of a request reaches the API.
const ASKED: [HeaderName; 2] = [RANGE, IF_NONE_MATCH];

/// What of its answer reaches the browser.
const TOLD: [HeaderName; 8] = [
    ACCEPT_RANGES,
    CACHE_CONTROL,
    CONTENT_DISPOSITION,
    CONTENT_LENGTH,
    CONTENT_RANGE,
    CONTENT_TYPE,
    ETAG,
    LAST_MODIFIED,
];

/// Whether these segments of the API are content of one share or one transfer: what addresses may be made for.
pub(super) fn is_content(segments: &[String]) -> bool {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["files" | "previews", link, ..] if link.starts_with("kith:link") => true,
        ["files" | "previews", _peer, _share, ..] => true,
        ["transfers", _id, "files", ..] => true,
        _ => false,
    }
}

/// What is asked of the API; `None` for what does not read.
pub(super) fn question(parts: &Parts, segments: &[String]) -> Option<Request> {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return None;
    }
    let path: String = segments
        .iter()
        .map(|it| format!("/{}", segment(it)))
        .collect();
    let mut asked = Request::builder()
        .method(parts.method.clone())
        .uri(format!("/api/v1{path}{}", wishes(parts)));
    for name in ASKED {
        if let Some(value) = parts.headers.get(&name) {
            asked = asked.header(name, value);
        }
    }
    asked.body(axum::body::Body::empty()).ok()
}

/// What is asked of content beside its path: how large a preview is to be, and whether anything is given only where it is here.
fn wishes(parts: &Parts) -> String {
    let asked = parts.uri.query().unwrap_or_default();
    let (size, here) = match asked.strip_suffix(HERE) {
        Some(rest) => (rest.strip_suffix('&').unwrap_or(rest), HERE),
        None => (asked, ""),
    };
    let digits = size.strip_prefix("size=").unwrap_or_default();
    let is_size = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match (is_size, here) {
        (true, "") => format!("?size={digits}"),
        (true, here) => format!("?size={digits}&{here}"),
        (false, HERE) if size.is_empty() => format!("?{HERE}"),
        (false, _) => String::new(),
    }
}

/// What the API answered, as a browser may have it.
pub(super) fn answer(answered: Response) -> Response {
    let Some(mut response) = data(answered) else {
        return page::NO_CONTENT.with(StatusCode::NOT_FOUND);
    };
    let told = response.headers_mut();
    told.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    response
}

/// The bytes and their headers, where there are any; the app's pages may show them.
pub(super) fn data(answered: Response) -> Option<Response> {
    let (mut parts, body) = answered.into_parts();
    let is_data = parts.status.is_success()
        || matches!(
            parts.status,
            StatusCode::NOT_MODIFIED | StatusCode::RANGE_NOT_SATISFIABLE
        );
    if !is_data {
        return None;
    }
    let mut told = HeaderMap::new();
    for name in TOLD {
        if let Some(value) = parts.headers.remove(&name) {
            told.insert(name, value);
        }
    }
    told.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    told.entry(CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-cache"));
    Some((parts.status, told, body).into_response())
}

#[cfg(test)]
mod tests {
    use super::super::capability::decoded;
    use super::*;

    #[test]
    fn addresses_are_made_for_files_of_one_share_alone() {
        for (path, is_one) in [
            ("/files/ann/holiday", true),
            ("/files/ann/holiday/a.jpg", true),
            ("/files/kith:link1q/a.jpg", true),
            ("/previews/ann/holiday", true),
            ("/previews/ann", false),
            ("/transfers/7/files", true),
            ("/transfers/7/files/a.jpg", true),
            ("/files/ann", false),
            ("/files", false),
            ("/transfers/7", false),
            ("/transfers/7/cancel", false),
            ("/contacts/files/a", false),
            ("/status", false),
        ] {
            assert_eq!(is_content(&decoded(path).expect("sound")), is_one, "{path}");
        }
    }

    #[test]
    fn of_what_is_asked_beside_the_path_only_what_is_known_reaches_the_api() {
        for (asked, passed) in [
            ("", ""),
            ("?size=320", "?size=320"),
            ("?size=320&here=true", "?size=320&here=true"),
            ("?size=320&here=false", ""),
            ("?here=true", "?here=true"),
            ("?x&here=true", ""),
            ("?size=", ""),
            ("?size=320&path=/etc", ""),
            ("?size=x", ""),
        ] {
            let request = Request::get(format!("/a{asked}")).body(()).expect("sound");
            assert_eq!(wishes(&request.into_parts().0), passed, "{asked}");
        }
    }

    #[test]
    fn a_failure_tells_the_content_s_origin_nothing() {
        let failure = crate::failure::Failure::usage("a name that is private");
        let response = answer(failure.into_response());
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(response.headers().get(RESOURCE_POLICY).is_none());
    }
}
