//! Who may come in by TCP: a browser by a code that is good once, then by its cookie; a program by its token.
//!
//! Codes and tokens are asked for on the Unix socket, which is its owner's alone. A cookie is good at the port it was given at
//! (browsers send cookies to every port of a host), and until its browser was away for [`BROWSER_AWAY_MAX_MS`].

use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard};

use blake3::Hash;
use kith::core::time::Time;
use kith::home::Home;
use thiserror::Error;
use tokio::sync::watch;

use super::kept::{self, Browser, DAY_MS, Kept, Token, is_over, secret};

/// How long a code is good, in milliseconds: long enough to walk to the browser, short enough that one in an old log is worth nothing.
pub(crate) const CODE_LIFE_MS: u64 = 10 * 60 * 1000;

/// Codes that wait to be used; a further one ends the oldest. Nobody opens more windows at once.
const CODES_MAX: usize = 16;

/// The digits of a code: 128 bits, which ten minutes are far too short for.
const CODE_DIGITS: usize = 32;

/// How long a browser may be away, in milliseconds: a month. Then it needs a new code.
pub(crate) const BROWSER_AWAY_MAX_MS: u64 = 30 * DAY_MS;

/// Browsers that are let in; a further one ends the one that was away longest. Each profile and private window is one.
const BROWSERS_MAX: usize = 32;

/// Programs that are let in: nobody tells more apart in a list.
const TOKENS_MAX: usize = 64;

/// The longest name of a program, in bytes.
const TOKEN_NAME_BYTES_MAX: usize = 64;

/// What a token begins with, so that people and scanners of secrets know it when they see it.
const TOKEN_START: &str = "kith_";

/// All who may come in. Its methods that change something return when it is durable.
#[derive(Debug)]
pub(crate) struct Admission {
    file: PathBuf,
    state: Mutex<State>,
    /// Told each time that what is kept is otherwise.
    changes: watch::Sender<()>,
}

#[derive(Debug)]
struct State {
    kept: Kept,
    /// Oldest first.
    codes: Vec<Code>,
}

#[derive(Debug)]
struct Code {
    hash: Hash,
    expires: Time,
}

/// Why a token was not made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum TokenError {
    /// Empty, too long, or with control characters.
    #[error("a token is named by what it is for, in 1 to {TOKEN_NAME_BYTES_MAX} bytes")]
    Name,
    /// There are enough.
    #[error("there are {TOKENS_MAX} tokens already; 'kith tokens revoke' ends one")]
    Full,
    /// It could not be kept.
    #[error("the token could not be kept: {0}")]
    Io(#[from] io::Error),
}

impl Admission {
    /// Those of a data directory.
    ///
    /// # Errors
    /// When what is kept of them cannot be read or written.
    pub(crate) fn open(home: &Home) -> io::Result<Self> {
        let file = kept::file(home);
        let kept = Kept::open(&file)?;
        let state = State {
            kept,
            codes: Vec::new(),
        };
        Ok(Self {
            file,
            state: Mutex::new(state),
            changes: watch::Sender::default(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no code panics while it holds the state")
    }

    /// Changes what is kept; it stays as it was where that fails.
    fn change<R>(&self, state: &mut State, by: impl FnOnce(&mut Kept) -> R) -> io::Result<R> {
        let mut kept = state.kept.clone();
        let result = by(&mut kept);
        kept.save(&self.file)?;
        state.kept = kept;
        self.changes.send_replace(());
        Ok(result)
    }

    /// Changes when somebody may be let in no more.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// What the names of origins are derived from.
    pub(super) fn key(&self) -> Hash {
        self.lock().kept.key
    }

    /// What addresses of content are derived from, and the names of sites; another one when those that are out shall be good no more.
    pub(super) fn content_key(&self) -> Hash {
        let state = self.lock();
        blake3::keyed_hash(
            state.kept.key.as_bytes(),
            &state.kept.content_ends.to_le_bytes(),
        )
    }

    /// The port that was had last.
    pub(super) fn port(&self) -> Option<u16> {
        self.lock().kept.port
    }

    /// Remembers the port that is had, and ends the browsers of those ports at which somebody else was found: their cookies may have
    /// gone there, and addresses of content.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub(super) fn settle(&self, port: u16, foreign: &[u16]) -> io::Result<()> {
        let mut state = self.lock();
        let ends = |browser: &Browser| foreign.contains(&browser.port);
        if state.kept.port == Some(port) && !state.kept.browsers.iter().any(ends) {
            return Ok(());
        }
        self.change(&mut state, |kept| {
            kept.port = Some(port);
            kept.end_browsers(ends, true);
        })
    }

    /// A new code.
    pub(crate) fn make_code(&self, now: Time) -> String {
        let code = secret().to_hex()[..CODE_DIGITS].to_owned();
        let mut state = self.lock();
        if state.codes.len() >= CODES_MAX {
            state.codes.remove(0);
        }
        state.codes.push(Code {
            hash: blake3::hash(code.as_bytes()),
            expires: Time(now.0.saturating_add(CODE_LIFE_MS)),
        });
        code
    }

    /// Lets in whoever shows a code that is good, which it is no more then: the value of their cookie.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub(super) fn enter(&self, code: &str, port: u16, now: Time) -> io::Result<Option<String>> {
        let hash = blake3::hash(code.as_bytes());
        let mut state = self.lock();
        state.codes.retain(|code| code.expires > now);
        let Some(at) = state.codes.iter().position(|code| code.hash == hash) else {
            return Ok(None);
        };
        state.codes.remove(at);
        let cookie = secret().to_hex().to_string();
        let browser = Browser {
            id: next_id(state.kept.browsers.iter().map(|browser| browser.id)),
            hash: blake3::hash(cookie.as_bytes()),
            port,
            since: now.0,
            seen: now.0,
        };
        self.change(&mut state, |kept| {
            let browsers = &mut kept.browsers;
            browsers.retain(|browser| !is_over(browser.seen, BROWSER_AWAY_MAX_MS, now));
            if browsers.len() >= BROWSERS_MAX {
                browsers.sort_by_key(|browser| browser.seen);
                browsers.remove(0);
            }
            browsers.push(browser);
        })?;
        Ok(Some(cookie))
    }

    /// The number of the browser whose cookie this is, where it was let in at this port.
    pub(super) fn browser(&self, cookie: &str, port: u16, now: Time) -> Option<u32> {
        let hash = blake3::hash(cookie.as_bytes());
        let mut state = self.lock();
        let is_it = |browser: &Browser| browser.hash == hash && browser.port == port;
        let at = state.kept.browsers.iter().position(is_it)?;
        let Browser { id, seen, .. } = state.kept.browsers[at];
        if is_over(seen, BROWSER_AWAY_MAX_MS, now) {
            return None;
        }
        if is_over(seen, DAY_MS, now) {
            let noted = self.change(&mut state, |kept| kept.browsers[at].seen = now.0);
            if let Err(error) = noted {
                tracing::warn!(%error, "cannot note that a browser was here");
            }
        }
        Some(id)
    }

    /// Lets a program in: its number, and its token, which is told this once.
    ///
    /// # Errors
    /// [`TokenError`].
    pub(crate) fn make_token(&self, name: &str, now: Time) -> Result<(u32, String), TokenError> {
        let is_sound = |name: &str| !name.trim().is_empty() && !name.chars().any(char::is_control);
        if name.len() > TOKEN_NAME_BYTES_MAX || !is_sound(name) {
            return Err(TokenError::Name);
        }
        let text = format!("{TOKEN_START}{}", secret().to_hex());
        let mut state = self.lock();
        if state.kept.tokens.len() >= TOKENS_MAX {
            return Err(TokenError::Full);
        }
        let id = next_id(state.kept.tokens.iter().map(|token| token.id));
        let token = Token {
            id,
            name: name.to_owned(),
            hash: blake3::hash(text.as_bytes()),
            since: now.0,
        };
        self.change(&mut state, |kept| kept.tokens.push(token))?;
        Ok((id, text))
    }

    /// Whether a token is good.
    pub(super) fn is_token(&self, text: &str) -> bool {
        let hash = blake3::hash(text.as_bytes());
        let state = self.lock();
        state.kept.tokens.iter().any(|token| token.hash == hash)
    }

    /// The programs that were let in.
    pub(crate) fn tokens(&self) -> Vec<Token> {
        self.lock().kept.tokens.clone()
    }

    /// Lets a program in no more; whether there was one of this number.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub(crate) fn revoke_token(&self, id: u32) -> io::Result<bool> {
        let mut state = self.lock();
        let before = state.kept.tokens.len();
        self.change(&mut state, |kept| {
            kept.tokens.retain(|token| token.id != id);
            kept.tokens.len() < before
        })
    }

    /// The browsers that were let in.
    pub(crate) fn browsers(&self) -> Vec<Browser> {
        self.lock().kept.browsers.clone()
    }

    /// Lets a browser in no more; whether there was one of this number.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub(crate) fn end_browser(&self, id: u32) -> io::Result<bool> {
        let mut state = self.lock();
        let before = state.kept.browsers.len();
        self.change(&mut state, |kept| {
            kept.end_browsers(|browser| browser.id == id, false);
            kept.browsers.len() < before
        })
    }
}

/// A number that none of them has, and that the last of them did not have.
fn next_id(used: impl Iterator<Item = u32>) -> u32 {
    used.max().unwrap_or(0).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time(1_000_000_000_000);
    const PORT: u16 = 7117;

    fn later(ms: u64) -> Time {
        Time(NOW.0 + ms)
    }

    fn made() -> (tempfile::TempDir, Admission) {
        let directory = tempfile::tempdir().expect("a place for files");
        let admission = Admission::open(&Home::at(directory.path())).expect("room");
        (directory, admission)
    }

    /// A browser's cookie.
    fn enter(admission: &Admission, now: Time) -> String {
        let code = admission.make_code(now);
        let entered = admission.enter(&code, PORT, now).expect("room");
        entered.expect("the code is good")
    }

    #[test]
    fn a_code_is_good_once() {
        let (_directory, admission) = made();
        let code = admission.make_code(NOW);
        assert!(admission.enter(&code, PORT, NOW).expect("room").is_some());
        assert_eq!(admission.enter(&code, PORT, NOW).expect("room"), None);
        assert_eq!(admission.enter("", PORT, NOW).expect("room"), None);
    }

    #[test]
    fn a_code_is_good_for_ten_minutes() {
        let (_directory, admission) = made();
        for (ms, is_good) in [(CODE_LIFE_MS - 1, true), (CODE_LIFE_MS, false)] {
            let code = admission.make_code(NOW);
            let entered = admission.enter(&code, PORT, later(ms)).expect("room");
            assert_eq!(entered.is_some(), is_good);
        }
    }

    #[test]
    fn the_oldest_code_makes_room() {
        let (_directory, admission) = made();
        let first = admission.make_code(NOW);
        let more: Vec<String> = (0..CODES_MAX).map(|_| admission.make_code(NOW)).collect();
        assert_eq!(admission.enter(&first, PORT, NOW).expect("room"), None);
        assert!(
            admission
                .enter(&more[0], PORT, NOW)
                .expect("room")
                .is_some()
        );
    }

    #[test]
    fn a_cookie_is_good_after_a_restart_and_at_its_port_alone() {
        let (directory, admission) = made();
        let cookie = enter(&admission, NOW);
        drop(admission);
        let admission = Admission::open(&Home::at(directory.path())).expect("readable");
        assert!(admission.browser(&cookie, PORT, NOW).is_some());
        assert!(admission.browser(&cookie, PORT + 1, NOW).is_none());
        assert!(admission.browser("", PORT, NOW).is_none());
        let text = std::fs::read_to_string(directory.path().join("web.json")).expect("there");
        assert!(!text.contains(&cookie), "its hash alone is kept");
    }

    #[test]
    fn a_browser_that_stays_away_for_a_month_is_let_in_no_more() {
        let (_directory, admission) = made();
        let cookie = enter(&admission, NOW);
        assert!(
            admission
                .browser(&cookie, PORT, later(BROWSER_AWAY_MAX_MS))
                .is_some()
        );
        // It was here, so the month begins anew.
        assert!(
            admission
                .browser(&cookie, PORT, later(2 * BROWSER_AWAY_MAX_MS))
                .is_some()
        );
        assert!(
            admission
                .browser(&cookie, PORT, later(3 * BROWSER_AWAY_MAX_MS + 1))
                .is_none()
        );
    }

    #[test]
    fn browsers_of_a_port_where_somebody_else_listens_are_let_in_no_more() {
        let (_directory, admission) = made();
        let cookie = enter(&admission, NOW);
        admission.settle(PORT, &[]).expect("room");
        assert!(admission.browser(&cookie, PORT, NOW).is_some());
        admission.settle(PORT + 1, &[PORT]).expect("room");
        assert!(admission.browser(&cookie, PORT, NOW).is_none());
        assert_eq!(admission.port(), Some(PORT + 1));
    }

    #[test]
    fn addresses_of_content_end_with_the_last_browser_and_where_they_may_have_gone_elsewhere() {
        let (directory, admission) = made();
        let [first, last] = [0, 1].map(|ms| enter(&admission, later(ms)));
        let id = |cookie: &str| admission.browser(cookie, PORT, NOW).expect("let in");
        let (key, name) = (admission.content_key(), admission.key());
        assert!(admission.end_browser(id(&first)).expect("room"));
        assert_eq!(admission.content_key(), key, "another is still in");
        assert!(admission.end_browser(id(&last)).expect("room"));
        let second = admission.content_key();
        assert_ne!(second, key);
        enter(&admission, NOW);
        admission.settle(PORT, &[]).expect("room");
        assert_eq!(admission.content_key(), second);
        admission.settle(PORT + 1, &[PORT]).expect("room");
        assert_ne!(admission.content_key(), second);
        assert_eq!(admission.key(), name, "the app is where it was");
        let again = Admission::open(&Home::at(directory.path())).expect("room");
        assert_eq!(again.content_key(), admission.content_key());
    }

    #[test]
    fn the_browser_that_was_away_longest_makes_room() {
        let (_directory, admission) = made();
        let cookies: Vec<String> = (0..=BROWSERS_MAX as u64)
            .map(|at| enter(&admission, later(at)))
            .collect();
        assert!(admission.browser(&cookies[0], PORT, NOW).is_none());
        assert!(admission.browser(&cookies[1], PORT, NOW).is_some());
        assert_eq!(admission.browsers().len(), BROWSERS_MAX);
    }

    #[test]
    fn a_token_is_good_until_it_is_revoked() {
        let (_directory, admission) = made();
        let (id, token) = admission.make_token("backup", NOW).expect("room");
        assert!(admission.is_token(&token));
        assert!(!admission.is_token("kith_"));
        assert!(admission.revoke_token(id).expect("room"));
        assert!(!admission.revoke_token(id).expect("room"));
        assert!(!admission.is_token(&token));
    }

    #[test]
    fn tokens_are_bounded_in_number_and_name() {
        let (_directory, admission) = made();
        for name in ["", " ", "a\nb", &"n".repeat(TOKEN_NAME_BYTES_MAX + 1)] {
            let refused = admission.make_token(name, NOW);
            assert!(matches!(refused, Err(TokenError::Name)), "{name:?}");
        }
        for _ in 0..TOKENS_MAX {
            admission.make_token("n", NOW).expect("room");
        }
        let refused = admission.make_token("n", NOW);
        assert!(matches!(refused, Err(TokenError::Full)));
    }
}
