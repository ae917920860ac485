//! Pages of words, for whoever may not come in or finds nothing.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

use super::headers::NOTHING;

/// What a person reads.
pub(super) struct Page<'a> {
    /// In few words.
    pub(super) title: &'a str,
    /// What it means, and what to do next; HTML, written here.
    pub(super) text: &'a str,
}

/// Somebody without a cookie.
pub(super) const NOT_LET_IN: Page<'static> = Page {
    title: "This browser is not let in",
    text: "<p>This is the kith node of the person who runs it on this machine.</p>\
           <p>If that is you, type <code>kith web</code> in a terminal and open the address that it prints.</p>",
};

/// Somebody with a code that is good no more.
pub(super) const CODE_IS_OVER: Page<'static> = Page {
    title: "This address was good once",
    text: "<p>Its code was used, or is older than ten minutes.</p>\
           <p>Type <code>kith web</code> in a terminal and open the new address that it prints. \
           If it was not you who used it, <code>kith web --list</code> shows which browsers are let in, and \
           <code>kith web --end</code> ends them.</p>",
};

/// Somebody who was let in on the way from another site's page, from which no cookie would come along.
pub(super) const COME_IN: Page<'static> = Page {
    title: "Come in",
    text: "<meta http-equiv=\"refresh\" content=\"0; url=/\">\n<p><a href=\"/\">Open the app</a></p>",
};

/// A host that is not this node's.
pub(super) const NOT_HERE: Page<'static> = Page {
    title: "There is nothing here under this name",
    text: "<p>Type <code>kith web</code> in a terminal and open the address that it prints.</p>",
};

/// Content that cannot be had.
pub(super) const NO_CONTENT: Page<'static> = Page {
    title: "This is not to be had",
    text: "<p>Its address is good for a day, or nobody who has it is there now, or it is not shared any more.</p>\
           <p>Open it again from the app.</p>",
};

impl Page<'_> {
    /// The page, with a status.
    pub(super) fn with(&self, status: StatusCode) -> Response {
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
             <h1>{title}</h1>\n{text}\n",
            title = self.title,
            text = self.text
        );
        let told = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_SECURITY_POLICY, NOTHING),
        ];
        (status, told, html).into_response()
    }
}
