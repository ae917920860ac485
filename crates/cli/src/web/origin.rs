//! Which of this node's origins a request is for (RFC 6454), and whether a page of another one is behind it.
//!
//! Each origin is a random name below `localhost`, which browsers resolve to this machine by themselves (RFC 6761, section 6.3). A page
//! elsewhere that has its own name resolved to this machine (DNS rebinding) is refused by the `Host` it sends; one that posts here, by
//! its `Origin` and by what browsers say of it in `Sec-Fetch-Site` (Fetch Metadata).

use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use blake3::Hash;

/// The digits of a name: 96 bits, which no page finds by trying, and short in an address bar.
pub(super) const NAME_DIGITS: usize = 24;

/// What the name of the app's origin is derived in (BLAKE3's key derivation).
const APP_CONTEXT: &str = "kith web 1: the name of the app's origin";

/// What the name of the content's origin is derived in.
const CONTENT_CONTEXT: &str = "kith web 1: the name of the content's origin";

/// How programs call this machine; a browser's page from here gets no further than a token.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "[::1]"];

/// A request's origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The app and its API.
    App,
    /// What came from peers.
    Content,
    /// The API alone, for programs that hold a token.
    Programs,
    /// A site, if there is one of this name.
    Site(String),
}

/// The names of a node's origins.
#[derive(Clone, Debug)]
pub(super) struct Origins {
    /// `<name>.localhost:<port>`.
    app: String,
    content: String,
    port: u16,
}

impl Origins {
    /// Those of the node with this key, at a port.
    pub(super) fn new(key: &Hash, port: u16) -> Self {
        let host = |context| {
            let name = Hash::from_bytes(blake3::derive_key(context, key.as_bytes())).to_hex();
            format!("{}.localhost:{port}", &name[..NAME_DIGITS])
        };
        Self {
            app: host(APP_CONTEXT),
            content: host(CONTENT_CONTEXT),
            port,
        }
    }

    /// The app's, as a URL without a path.
    pub(super) fn app(&self) -> String {
        format!("http://{}", self.app)
    }

    /// The content's, as a URL without a path.
    pub(super) fn content(&self) -> String {
        format!("http://{}", self.content)
    }

    /// The port they share.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Which of them a request is for; `None` when it is for none, or does not say it plainly.
    pub(super) fn of(&self, parts: &Parts) -> Option<Origin> {
        let host = only(&parts.headers, HOST)?;
        let named = parts.uri.authority().map(|authority| authority.as_str());
        if named.is_some_and(|named| named != host) {
            return None;
        }
        if host == self.app {
            return Some(Origin::App);
        }
        if host == self.content {
            return Some(Origin::Content);
        }
        let (name, port) = host.rsplit_once(':')?;
        if port.parse() != Ok(self.port) {
            return None;
        }
        if LOOPBACK.contains(&name) {
            return Some(Origin::Programs);
        }
        let site = name.strip_suffix(".localhost")?;
        let is_name = |it: u8| matches!(it, b'0'..=b'9' | b'a'..=b'f');
        let is_one = site.len() == NAME_DIGITS && site.bytes().all(is_name);
        is_one.then(|| Origin::Site(site.to_owned()))
    }

    /// A site's, as a URL without a path.
    pub(super) fn site(&self, name: &str) -> String {
        format!("http://{name}.localhost:{}", self.port)
    }

    /// Whether a request to the app comes from its own page, as far as a browser tells. What changes something must say so; what
    /// reads must not say otherwise.
    pub(super) fn is_own(&self, method: &Method, headers: &HeaderMap) -> bool {
        let reads = matches!(*method, Method::GET | Method::HEAD);
        let site = headers.contains_key(FETCH_SITE).then(|| {
            let site = only(headers, FETCH_SITE);
            // `none`: typed in by a person.
            site == Some("same-origin") || (reads && site == Some("none"))
        });
        let origin = headers
            .contains_key(ORIGIN)
            .then(|| only(headers, ORIGIN).is_some_and(|origin| origin == self.app()));
        match (site, origin) {
            (None, None) => reads,
            (site, origin) => site.unwrap_or(true) && origin.unwrap_or(true),
        }
    }
}

/// How a browser says from where a request comes.
pub(super) const FETCH_SITE: &str = "sec-fetch-site";

/// Whether a browser's page is behind a request at all.
pub(super) fn is_from_a_page(headers: &HeaderMap) -> bool {
    let site = headers.get(FETCH_SITE);
    headers.contains_key(ORIGIN) || site.is_some_and(|site| site != "none")
}

/// The value of a header that must be there once.
fn only(headers: &HeaderMap, name: impl axum::http::header::AsHeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    const PORT: u16 = 7117;

    /// Headers and their values.
    type Said<'a> = &'a [(&'static str, &'a str)];

    fn origins() -> Origins {
        Origins::new(&Hash::from_bytes([7; 32]), PORT)
    }

    fn parts(uri: &str, headers: Said<'_>) -> Parts {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).expect("sound").into_parts().0
    }

    #[test]
    fn a_host_is_known_exactly_or_not_at_all() {
        let origins = origins();
        let (app, content) = (origins.app.clone(), origins.content.clone());
        let site = "0".repeat(NAME_DIGITS);
        let bare = app.trim_end_matches(":7117").to_owned();
        let cases = [
            (app.clone(), Some(Origin::App)),
            (content, Some(Origin::Content)),
            ("127.0.0.1:7117".to_owned(), Some(Origin::Programs)),
            ("[::1]:7117".to_owned(), Some(Origin::Programs)),
            ("localhost:7117".to_owned(), Some(Origin::Programs)),
            (
                format!("{site}.localhost:7117"),
                Some(Origin::Site(site.clone())),
            ),
            (format!("x{site}.localhost:7117"), None),
            (format!("{site}.localhost.example:7117"), None),
            ("localhost:7118".to_owned(), None),
            ("localhost".to_owned(), None),
            (format!("{bare}:7118"), None),
            (bare, None),
            (format!("x{app}"), None),
            (format!("x.{app}"), None),
            ("evil.example:7117".to_owned(), None),
            (String::new(), None),
        ];
        for (host, origin) in cases {
            assert_eq!(
                origins.of(&parts("/", &[("host", &host)])),
                origin,
                "{host}"
            );
        }
        assert_eq!(origins.of(&parts("/", &[])), None, "no host");
        let twice = [("host", app.as_str()), ("host", app.as_str())];
        assert_eq!(origins.of(&parts("/", &twice)), None, "two hosts");
        let other = parts("http://evil.example/", &[("host", &app)]);
        assert_eq!(origins.of(&other), None, "a proxy's form of another host");
    }

    #[test]
    fn the_names_are_the_nodes_own_and_stay() {
        assert_eq!(origins().app, origins().app);
        assert_ne!(origins().app, origins().content);
        assert_ne!(
            origins().app,
            Origins::new(&Hash::from_bytes([8; 32]), PORT).app
        );
    }

    #[test]
    fn what_comes_from_another_page_is_known_by_what_browsers_say() {
        let origins = origins();
        let own = origins.app();
        // What is said, whether reading is its own, and whether writing is.
        let cases: [(Said<'_>, bool, bool); 9] = [
            (&[], true, false),
            (&[("sec-fetch-site", "same-origin")], true, true),
            (&[("sec-fetch-site", "none")], true, false),
            (&[("sec-fetch-site", "same-site")], false, false),
            (&[("sec-fetch-site", "cross-site")], false, false),
            (&[("origin", &own)], true, true),
            (&[("origin", "null")], false, false),
            (&[("origin", "http://evil.example")], false, false),
            (
                &[
                    ("origin", "http://evil.example"),
                    ("sec-fetch-site", "same-origin"),
                ],
                false,
                false,
            ),
        ];
        for (said, reads, writes) in cases {
            let headers = parts("/", said).headers;
            assert_eq!(origins.is_own(&Method::GET, &headers), reads, "{said:?}");
            assert_eq!(origins.is_own(&Method::POST, &headers), writes, "{said:?}");
        }
    }
}
