//! Sites: a share with an `index.html`, as a page of its own.
//!
//! Its scripts run, so each share has an origin of its own, whose name lets in whoever has it (and which is forgotten when it ends), and even
//! there a sandbox without an origin: no cookies, no storage, no other site, nothing of the app. It loads from nowhere but itself.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    HeaderName,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use blake3::Hash;
use kith::core::time::Time;

use super::content::data;
use super::origin::NAME_DIGITS;
use super::page;

/// What names are derived in (BLAKE3's key derivation).
const NAME_CONTEXT: &str = "kith web 1: the name of a site's origin";

/// How long a name is good after it was asked for last, in milliseconds: a day in front of an open page, and a bit.
const LIFE_MS: u64 = 26 * 60 * 60 * 1000;

/// Sites that are open; a further one ends the one that ends first. Nobody reads more at once.
const SITES_MAX: usize = 64;

/// The page that a folder is.
pub(super) const PAGE: &str = "index.html";

/// What a site may do. Its own policies may only take from it.
const SANDBOX: &str = "sandbox allow-scripts; default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; \
    frame-src 'none'; frame-ancestors 'none'; base-uri 'self'; form-action 'none'";

/// What is sent as what, beside the types that any content has.
const TYPES: [(&str, &str); 13] = [
    ("css", "text/css; charset=utf-8"),
    ("htm", "text/html; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("ttf", "font/ttf"),
    ("wasm", "application/wasm"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xml", "application/xml"),
];

/// The sites that are open, by the names of their origins.
#[derive(Debug, Default)]
pub(super) struct Sites {
    open: Mutex<BTreeMap<String, Site>>,
}

/// One of them.
#[derive(Debug)]
struct Site {
    /// Where it is in the API.
    segments: Vec<String>,
    expires: Time,
    /// What its name was derived from.
    key: Hash,
}

impl Sites {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Site>> {
        self.open
            .lock()
            .expect("no code panics while it holds them")
    }

    /// The name of a site's origin, below `localhost`, which is good from now on, and until when. The same site has the same one, as long as names
    /// are derived from this key.
    pub(super) fn open(&self, key: Hash, segments: Vec<String>, now: Time) -> (String, Time) {
        let derived = blake3::derive_key(NAME_CONTEXT, key.as_bytes());
        let mut hasher = blake3::Hasher::new_keyed(&derived);
        for segment in &segments {
            hasher.update(&(segment.len() as u64).to_le_bytes());
            hasher.update(segment.as_bytes());
        }
        let name = hasher.finalize().to_hex()[..NAME_DIGITS].to_owned();
        let expires = Time(now.0.saturating_add(LIFE_MS));
        let mut open = self.lock();
        open.retain(|_, site| now < site.expires);
        if open.len() >= SITES_MAX && !open.contains_key(&name) {
            let first = open.iter().min_by_key(|(_, site)| site.expires);
            if let Some(first) = first.map(|(name, _)| name.clone()) {
                open.remove(&first);
            }
        }
        let site = Site {
            segments,
            expires,
            key,
        };
        open.insert(name.clone(), site);
        (name, expires)
    }

    /// Where the site of this name is in the API; `None` where there is none now.
    pub(super) fn find(&self, key: Hash, name: &str, now: Time) -> Option<Vec<String>> {
        let open = self.lock();
        let is_good = |site: &&Site| now < site.expires && site.key == key;
        let site = open.get(name).filter(is_good)?;
        Some(site.segments.clone())
    }
}

/// A file of a site as a browser may have it.
pub(super) fn answer(name: &str, answered: Response) -> Response {
    let Some(mut response) = data(answered) else {
        return page::NO_CONTENT.with(StatusCode::NOT_FOUND);
    };
    let told = response.headers_mut();
    let end = name.rsplit_once('.').map(|(_, end)| end.to_lowercase());
    let known = TYPES
        .iter()
        .find(|(known, _)| Some(*known) == end.as_deref());
    if let Some((_, known)) = known {
        told.insert(CONTENT_TYPE, HeaderValue::from_static(known));
        told.remove(CONTENT_DISPOSITION);
    }
    told.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    // In the sandbox its pages have no origin, and modules and fonts are loaded by origin.
    told.insert(
        ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("null"),
    );
    let prefetch = HeaderName::from_static("x-dns-prefetch-control");
    told.insert(prefetch, HeaderValue::from_static("off"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_700_000_000_000);

    fn source(share: &str) -> Vec<String> {
        vec!["files".to_owned(), "ann".to_owned(), share.to_owned()]
    }

    #[test]
    fn each_site_has_a_name_of_its_own_for_a_day() {
        let (sites, key) = (Sites::default(), Hash::from_bytes([7; 32]));
        let (one, expires) = sites.open(key, source("one"), NOW);
        let (two, _) = sites.open(key, source("two"), NOW);
        assert_ne!(one, two);
        assert_eq!(sites.open(key, source("one"), NOW).0, one);
        assert_eq!(sites.find(key, &one, NOW), Some(source("one")));
        assert_eq!(sites.find(key, &one, expires), None);
        assert_eq!(sites.find(key, "three", NOW), None);
        let later_key = Hash::from_bytes([8; 32]);
        assert_eq!(sites.find(later_key, &one, NOW), None);
    }

    #[test]
    fn a_name_is_nothing_that_another_node_would_make() {
        let name = |byte| {
            let key = Hash::from_bytes([byte; 32]);
            Sites::default().open(key, source("one"), NOW).0
        };
        assert_ne!(name(7), name(8));
    }

    #[test]
    fn the_site_that_ends_first_makes_room() {
        let (sites, key) = (Sites::default(), Hash::from_bytes([7; 32]));
        let at = |ms: usize| Time(NOW.0 + ms as u64);
        let names: Vec<String> = (0..=SITES_MAX)
            .map(|number| sites.open(key, source(&number.to_string()), at(number)).0)
            .collect();
        assert_eq!(sites.find(key, &names[0], NOW), None);
        assert!(sites.find(key, &names[1], NOW).is_some());
        assert!(sites.find(key, &names[SITES_MAX], NOW).is_some());
    }
}
