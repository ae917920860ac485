//! Pages of words, for whoever may not come in or finds nothing.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

/// How they look, in light and dark and on any screen: in the app's colours, by a sheet within, since whoever is not let in may load nothing.
const SHEET: &str = include_str!("page.css");

/// What such a page needs: this sheet, by its SHA-256, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'sha256-Kbfxv8x4mztAQyocZ0IiCwtnAuyZF8B1f5C7H8uMvGM='; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// kith's sign; the app's icon.
const SIGN: &str = concat!(
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 64 64\" width=\"52\" height=\"52\" aria-hidden=\"true\">",
    "<rect width=\"64\" height=\"64\" rx=\"18\" fill=\"#14655a\"/>",
    "<circle cx=\"24\" cy=\"32\" r=\"13\" fill=\"none\" stroke=\"#fffefb\" stroke-width=\"5\"/>",
    "<circle cx=\"40\" cy=\"32\" r=\"13\" fill=\"none\" stroke=\"#f0b46a\" stroke-width=\"5\"/>",
    "<path d=\"M32 21.8A13 13 0 0 1 37 32\" fill=\"none\" stroke=\"#fffefb\" stroke-width=\"5\"/></svg>",
);

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
        let told = [
            (CONTENT_TYPE, "text/html; charset=utf-8"),
            (CONTENT_SECURITY_POLICY, POLICY),
        ];
        (status, told, self.html()).into_response()
    }

    fn html(&self) -> String {
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} · kith</title>\n\
             <style>{SHEET}</style>\n<main>\n{SIGN}\n<h1>{title}</h1>\n{text}\n</main>\n</html>\n",
            title = self.title,
            text = self.text
        )
    }
}
