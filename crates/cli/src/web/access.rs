//! The door on TCP as the rest of the program sees it: where it is, and whom it lets in.

use std::io;

use kith::clock;
use kith::core::time::Time;

use super::admission::Admission;
use super::capability::{Capabilities, decoded};
use super::content::is_content;
use super::origin::Origins;
use super::site::{PAGE, Sites};

/// Where the door is, and who may come in.
#[derive(Debug)]
pub(crate) struct Web {
    admission: Admission,
    origins: Origins,
    sites: Sites,
}

/// The number of the browser that asks; goes with a request that comes from one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThisBrowser(pub(crate) u32);

/// An address of content.
#[derive(Clone, Debug)]
pub(crate) struct ContentUrl {
    /// The whole of it; where it is a folder's, paths below can be appended.
    pub(crate) url: String,
    /// Until when it is good.
    pub(crate) expires: Time,
}

impl Web {
    /// The door at these origins.
    pub(super) fn new(admission: Admission, origins: Origins) -> Self {
        Self {
            admission,
            origins,
            sites: Sites::default(),
        }
    }

    /// The addresses of content that are good now.
    fn capabilities(&self) -> Capabilities {
        Capabilities::new(&self.admission.content_key())
    }

    /// An address at which browsers read what the API has at `path` (below `/api/v1`), and below; `None` where that is no content.
    pub(crate) fn content_url(&self, path: &str) -> Option<ContentUrl> {
        let segments = decoded(path).filter(|segments| is_content(segments))?;
        let granted = self.capabilities().grant(&segments, clock::now());
        Some(ContentUrl {
            url: format!("{}{}", self.origins.content(), granted.path),
            expires: granted.expires,
        })
    }

    /// An origin for the site that the API has at `path` (below `/api/v1`); `None` where that is no content.
    pub(crate) fn site_url(&self, path: &str) -> Option<ContentUrl> {
        let segments = decoded(path).filter(|segments| is_content(segments))?;
        let key = self.admission.content_key();
        let (name, expires) = self.sites.open(key, segments, clock::now());
        let url = format!("{}/", self.origins.site(&name));
        Some(ContentUrl { url, expires })
    }

    /// What of the API a path at the content's origin leads to.
    pub(super) fn content(&self, path: &str) -> Option<Vec<String>> {
        self.capabilities().open(path, clock::now())
    }

    /// What of the API a path of a site leads to; a folder is its page.
    pub(super) fn site(&self, name: &str, path: &str) -> Option<Vec<String>> {
        let key = self.admission.content_key();
        let mut segments = self.sites.find(key, name, clock::now())?;
        let is_folder = path.ends_with('/');
        match path.trim_end_matches('/') {
            "" => {}
            path => segments.extend(decoded(path)?),
        }
        if is_folder {
            segments.push(PAGE.to_owned());
        }
        Some(segments)
    }

    /// An address with a new code, for one browser.
    pub(crate) fn entrance(&self) -> String {
        let code = self.admission.make_code(clock::now());
        format!("{}/?code={code}", self.origins.app())
    }

    /// Where programs call the API, without `/api/v1`.
    pub(crate) fn programs(&self) -> String {
        format!("http://127.0.0.1:{}", self.origins.port())
    }

    /// Who may come in.
    pub(crate) fn admission(&self) -> &Admission {
        &self.admission
    }

    /// The names it is reached by.
    pub(super) fn origins(&self) -> &Origins {
        &self.origins
    }

    /// Lets a browser in by its code: its cookie.
    pub(super) fn enter(&self, code: &str) -> io::Result<Option<String>> {
        self.admission
            .enter(code, self.origins.port(), clock::now())
    }

    /// The number of the browser with this cookie, where one was let in.
    pub(super) fn browser(&self, cookie: &str) -> Option<u32> {
        self.admission
            .browser(cookie, self.origins.port(), clock::now())
    }

    /// Returns when one who was let in, as `is_in` says, is let in no more.
    pub(super) async fn ended(&self, is_in: impl Fn(&Self) -> bool) {
        let mut changes = self.admission.changes();
        while is_in(self) && changes.changed().await.is_ok() {}
    }

    /// Whether a program with this token was let in.
    pub(super) fn is_token(&self, token: &str) -> bool {
        self.admission.is_token(token)
    }
}
