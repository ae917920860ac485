//! What a browser is told of each answer: where it may load from, who may frame it, and that types are as they are said.

use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};

use super::origin::Origins;

/// What no page of this node does; the camera scans invites.
const PERMISSIONS: &str = "camera=(self), accelerometer=(), autoplay=(self), \
    clipboard-write=(self), display-capture=(), fullscreen=(self), geolocation=(), gyroscope=(), hid=(), \
    magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=()";

/// What a page that has nothing but words needs.
pub(super) const NOTHING: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The headers of every answer of the app's origin; what an answer says itself stays.
pub(super) fn of_app(headers: &mut HeaderMap, origins: &Origins) {
    let content = origins.content();
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; \
         connect-src 'self'; img-src 'self' blob: {content}; media-src 'self' blob: {content}; \
         frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    );
    set(headers, CONTENT_SECURITY_POLICY, &policy);
    let opener = HeaderName::from_static("cross-origin-opener-policy");
    set(headers, opener, "same-origin");
    set(
        headers,
        HeaderName::from_static("permissions-policy"),
        PERMISSIONS,
    );
    set(headers, RESOURCE_POLICY, "same-origin");
    of_all(headers);
}

/// Who may load an answer into a page of theirs.
pub(super) const RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");

/// The headers of every answer.
pub(super) fn of_all(headers: &mut HeaderMap) {
    set(headers, CONTENT_SECURITY_POLICY, NOTHING);
    set(headers, X_FRAME_OPTIONS, "DENY");
    set(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(headers, REFERRER_POLICY, "no-referrer");
    set(headers, RESOURCE_POLICY, "same-origin");
    // What is private stays out of caches that others read; what may be kept says so.
    set(headers, CACHE_CONTROL, "no-store");
}

/// Says something where nothing is said yet.
fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value).expect("written here, in visible ASCII");
    headers.entry(name).or_insert(value);
}
