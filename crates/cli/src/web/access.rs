//! The door on TCP as the rest of the program sees it: where it is, and whom it lets in.

use std::io;

use kith::clock;

use super::admission::Admission;
use super::origin::Origins;

/// Where the door is, and who may come in.
#[derive(Debug)]
pub(crate) struct Web {
    admission: Admission,
    origins: Origins,
}

impl Web {
    /// The door at these origins.
    pub(super) fn new(admission: Admission, origins: Origins) -> Self {
        Self { admission, origins }
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

    /// Whether a browser with this cookie was let in.
    pub(super) fn is_browser(&self, cookie: &str) -> bool {
        self.admission
            .is_browser(cookie, self.origins.port(), clock::now())
    }

    /// Whether a program with this token was let in.
    pub(super) fn is_token(&self, token: &str) -> bool {
        self.admission.is_token(token)
    }
}
