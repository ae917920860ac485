//! The app's own files.

use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;

use super::page::Page;

/// What stands in for the app where the program was built without it.
const NO_APP: Page = Page {
    title: "kith runs, without its web app",
    text: "<p>This program was built without it. Everything else works: <code>kith --help</code> lists it.</p>",
};

/// The file that is asked for.
pub(super) fn answer(_parts: &Parts) -> Response {
    NO_APP.with(StatusCode::OK)
}
