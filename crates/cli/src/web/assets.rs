//! The app's own files, which the program carries (`build.rs` makes them of `ui/`).
//!
//! Only what is in the table is ever served, so there is no path to step out of.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    VARY,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::page::Page;

/// One of them.
struct Asset {
    /// Its path, without a slash before it.
    name: &'static str,
    bytes: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

/// All of them, by name; none where the program was built without the app.
static ASSETS: &[Asset] = &include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// What each is by its bytes (RFC 9110, section 8.8.3).
static TAGS: LazyLock<BTreeMap<&str, String>> = LazyLock::new(|| {
    let tag = |asset: &Asset| {
        format!(
            "W/\"{}\"",
            &blake3::hash(asset.bytes).to_hex()[..TAG_DIGITS]
        )
    };
    ASSETS
        .iter()
        .map(|asset| (asset.name, tag(asset)))
        .collect()
});

/// The digits of a tag: 64 bits, so that no two versions of a file have the same by chance.
const TAG_DIGITS: usize = 16;

/// The page.
const PAGE: &str = "index.html";

/// Where files are whose names change with what is in them.
const HASHED: &str = "assets/";

/// What is sent as what, by the end of its name.
const TYPES: [(&str, &str); 12] = [
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("woff2", "font/woff2"),
];

/// Why the program was built without the app, in the words of its build; empty where it has it.
const LACKS: &str = include_str!(concat!(env!("OUT_DIR"), "/lacks.txt"));

/// What stands in for the app where the program was built without it, for this reason.
fn no_app(reason: &str) -> Response {
    let text = format!(
        "<p>Your node is up, and everything works from a terminal. Only the app is missing, because this program was built without it:</p>\n\
         <p><code class=\"command\">{}</code></p>\n\
         <h2>How to get the app</h2>\n\
         <ol>\n\
         <li>Install <a href=\"https://nodejs.org/\">Node</a> 20.19 or 22.12, or later; npm comes with it.</li>\n\
         <li>In the folder of kith’s source, build it again, which tells what is wrong if the app cannot be built: \
         <code class=\"command\">KITH_UI=require cargo install --locked --path crates/cli</code></li>\n\
         <li>Stop your node with Ctrl-C, start it with <code>kith up</code>, and reload this page.</li>\n\
         </ol>\n\
         <h2>Until then</h2>\n\
         <p><code>kith invite</code> and <code>kith add</code> meet somebody, <code>kith share</code> and <code>kith get</code> hand \
         files over. <code>kith --help</code> lists the rest.</p>",
        escaped(reason)
    );
    let title = "kith runs, without its web app";
    Page { title, text: &text }.with(StatusCode::OK)
}

/// As it can stand in HTML.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;");
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// The file that is asked for. A path that names none is the app's own affair, unless it has the form of a file's.
pub(super) fn answer(parts: &Parts) -> Response {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")]).into_response();
    }
    let path = parts.uri.path().trim_start_matches('/');
    let is_page = path.is_empty() || !path.contains('.');
    let name = if is_page { PAGE } else { path };
    match ASSETS.binary_search_by(|asset| asset.name.cmp(name)) {
        Ok(at) => send(&ASSETS[at], &parts.headers),
        Err(_) if is_page => no_app(LACKS),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn send(asset: &Asset, headers: &HeaderMap) -> Response {
    let mut response = Response::new(Body::empty());
    let told = response.headers_mut();
    let tag = TAGS.get(asset.name).map_or("", String::as_str);
    let keeping = match asset.name.starts_with(HASHED) {
        true => "private, max-age=31536000, immutable",
        false => "private, no-cache",
    };
    told.insert(CACHE_CONTROL, HeaderValue::from_static(keeping));
    told.insert(VARY, HeaderValue::from_static("accept-encoding"));
    told.insert(ETAG, HeaderValue::from_str(tag).expect("hex digits"));
    let known = headers.get(IF_NONE_MATCH).and_then(|it| it.to_str().ok());
    if known.is_some_and(|known| known.split(',').any(|it| it.trim() == tag)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    told.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(content_type(asset.name)),
    );
    let (bytes, encoding) = match (asset.brotli, asset.gzip) {
        (Some(bytes), _) if takes(headers, "br") => (bytes, Some("br")),
        (_, Some(bytes)) if takes(headers, "gzip") => (bytes, Some("gzip")),
        _ => (asset.bytes, None),
    };
    if let Some(encoding) = encoding {
        told.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    *response.body_mut() = Body::from(bytes);
    response
}

/// Whether a browser takes an encoding. None says that it takes one least of all, which is all that a weight could tell.
fn takes(headers: &HeaderMap, encoding: &str) -> bool {
    let said = headers.get_all(ACCEPT_ENCODING).iter();
    said.filter_map(|said| said.to_str().ok())
        .flat_map(|said| said.split(','))
        .any(|said| {
            let (name, weight) = said.split_once(';').unwrap_or((said, ""));
            name.trim().eq_ignore_ascii_case(encoding) && weight.trim() != "q=0"
        })
}

fn content_type(name: &str) -> &'static str {
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    let known = TYPES.iter().find(|(known, _)| *known == end);
    known.map_or("application/octet-stream", |(_, told)| told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn ask(path: &str, headers: &[(&'static str, &str)]) -> Response {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        answer(&request.body(()).expect("sound").into_parts().0)
    }

    fn told(response: &Response, name: &str) -> String {
        let value = response.headers().get(name);
        value.map_or(String::new(), |it| it.to_str().expect("text").to_owned())
    }

    #[test]
    fn there_is_a_page_with_the_app_and_without() {
        for path in ["/", "/people", "/people/ann"] {
            let response = ask(path, &[]);
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            assert_eq!(told(&response, "content-type"), "text/html; charset=utf-8");
        }
    }

    async fn body(response: Response) -> String {
        let body = axum::body::to_bytes(response.into_body(), 1 << 16).await;
        String::from_utf8(body.expect("whole").to_vec()).expect("text")
    }

    #[tokio::test]
    async fn without_the_app_the_page_says_why_in_the_words_of_the_build() {
        let said = "npm failed: <script>alert(1)</script> & so on";
        let page = body(no_app(said)).await;
        let whole = "npm failed: &lt;script&gt;alert(1)&lt;/script&gt; &amp; so on";
        assert!(page.contains(whole), "{page}");
        // One or the other: a program without the app knows why.
        assert_eq!(ASSETS.is_empty(), !LACKS.is_empty(), "{LACKS}");
        if ASSETS.is_empty() {
            assert!(body(ask("/", &[])).await.contains(&escaped(LACKS)));
        }
    }

    /// A browser opens it from there (`ui/e2e/noapp.spec.ts`): the program that is tested in browsers has the app.
    #[tokio::test]
    async fn the_page_without_the_app_is_as_it_was() {
        let response = no_app("npm is not installed; Node 20.19 or 22.12, or later, brings it");
        let said = ["content-type", "content-security-policy"]
            .map(|name| format!("{name}: {}\n", told(&response, name)));
        let found = format!("{}\n{}", said.concat(), body(response).await);
        let pinned = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/snapshots/no_app.http"
        );
        if std::env::var_os("KITH_UPDATE_SNAPSHOTS").is_some() {
            std::fs::write(pinned, &found).expect("room");
        }
        let expected = std::fs::read_to_string(pinned).unwrap_or_default();
        assert_eq!(
            expected, found,
            "KITH_UPDATE_SNAPSHOTS=1 writes {pinned} anew"
        );
    }

    #[test]
    fn nothing_but_the_apps_files_is_served() {
        for path in [
            "/../Cargo.toml",
            "/assets/../../web.json",
            "/%2e%2e/web.json",
            "//etc/passwd.",
            "/assets/..%2f..%2fidentity.key",
            "/none.js",
        ] {
            assert_eq!(ask(path, &[]).status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    /// A file that there is in no build.
    const SCRIPT: Asset = Asset {
        name: "assets/script-Ab3.js",
        bytes: b"plain",
        brotli: Some(b"br"),
        gzip: Some(b"gz"),
    };

    fn encoding(accepted: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, accepted.parse().expect("text"));
        let response = send(&SCRIPT, &headers);
        assert_eq!(
            told(&response, "content-type"),
            "text/javascript; charset=utf-8"
        );
        told(&response, "content-encoding")
    }

    #[test]
    fn the_smallest_form_that_a_browser_takes_is_sent() {
        assert_eq!(encoding("gzip, deflate, br, zstd"), "br");
        assert_eq!(encoding("gzip, deflate"), "gzip");
        assert_eq!(encoding("gzip;q=0, br;q=0"), "");
        assert_eq!(encoding("identity"), "");
    }

    #[test]
    fn what_is_named_by_its_bytes_is_kept_and_all_else_is_asked_for_again() {
        let kept = send(&SCRIPT, &HeaderMap::new());
        assert!(told(&kept, "cache-control").contains("immutable"));
        let Some(page) = ASSETS.iter().find(|asset| asset.name == PAGE) else {
            return;
        };
        let first = ask("/", &[]);
        assert!(told(&first, "cache-control").contains("no-cache"));
        let tag = told(&first, "etag");
        let again = ask("/", &[("if-none-match", &tag)]);
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert!(!page.bytes.is_empty());
    }
}
