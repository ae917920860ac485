//! What is kept of who may come in by TCP: `web.json` in the data directory, for its owner alone.
//!
//! Of cookies and tokens only the hash is kept (BLAKE3; each is 256 random bits, which nobody finds by trying), so that a copy of the file
//! lets nobody in. The key is the node's own: the names of its origins and the addresses of content are derived from it.

use std::io;
use std::path::{Path, PathBuf};

use blake3::Hash;
use kith::core::time::Time;
use kith::{durable, entropy};
use serde::{Deserialize, Serialize};

/// The version that is written and read.
const VERSION: u32 = 1;

/// The largest file read, in bytes: many times a full one (each entry has under 300).
const FILE_BYTES_MAX: u64 = 1 << 18;

/// All of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    version: u32,
    /// What names and addresses are derived from.
    #[serde(with = "hex")]
    pub(super) key: Hash,
    /// How often all addresses of content and sites were ended.
    #[serde(default)]
    pub(super) content_ends: u64,
    /// The port that was had last, asked for again where any will do.
    pub(super) port: Option<u16>,
    /// The browsers that were let in.
    pub(super) browsers: Vec<Browser>,
    /// The programs that were let in.
    pub(super) tokens: Vec<Token>,
}

/// A browser that was let in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Browser {
    /// Names it in lists.
    pub(crate) id: u32,
    /// Of its cookie.
    #[serde(with = "hex")]
    pub(super) hash: Hash,
    /// Where its cookie goes, and comes from.
    pub(super) port: u16,
    /// When it was let in.
    pub(crate) since: u64,
    /// When it was here last, to the day.
    pub(crate) seen: u64,
}

/// A program that was let in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    /// Names it in lists.
    pub(crate) id: u32,
    /// What it was asked for.
    pub(crate) name: String,
    /// Of the token.
    #[serde(with = "hex")]
    pub(super) hash: Hash,
    /// When it was made.
    pub(crate) since: u64,
}

/// A hash, as text.
mod hex {
    use blake3::Hash;
    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(hash: &Hash, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(hash.to_hex().as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(value: D) -> Result<Hash, D::Error> {
        Hash::from_hex(String::deserialize(value)?).map_err(D::Error::custom)
    }
}

impl Kept {
    /// Ends browsers; and addresses of content, where nobody else is in who has some, or where they went as their cookies did.
    pub(super) fn end_browsers(&mut self, ends: impl Fn(&Browser) -> bool, went_elsewhere: bool) {
        let before = self.browsers.len();
        self.browsers.retain(|browser| !ends(browser));
        let has_ended = self.browsers.len() < before;
        if has_ended && (went_elsewhere || self.browsers.is_empty()) {
            self.content_ends += 1;
        }
    }

    /// Nobody was let in yet.
    fn fresh() -> Self {
        Self {
            version: VERSION,
            key: secret(),
            content_ends: 0,
            port: None,
            browsers: Vec::new(),
            tokens: Vec::new(),
        }
    }

    /// What the file at `path` says. Where there is none, or one that cannot be read as it was written, nobody was let in
    /// and all begins anew: whoever was in asks once more.
    ///
    /// # Errors
    /// When the file cannot be read or written at all.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let found = match std::fs::metadata(path) {
            Ok(metadata) if metadata.len() > FILE_BYTES_MAX => None,
            Ok(_) => serde_json::from_slice(&std::fs::read(path)?).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if let Some(kept) = found.filter(|kept: &Self| kept.version == VERSION) {
            return Ok(kept);
        }
        if path.exists() {
            tracing::warn!("web.json was damaged: browsers and programs have to be let in again");
        }
        let fresh = Self::fresh();
        fresh.save(path)?;
        Ok(fresh)
    }

    /// Writes it; returns when it is durable.
    ///
    /// # Errors
    /// What the system says; what was there stays then.
    pub(super) fn save(&self, path: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self).map_err(io::Error::other)?;
        durable::replace(path, &text)
    }
}

/// Where it is.
pub(super) fn file(home: &kith::home::Home) -> PathBuf {
    home.directory().join("web.json")
}

/// 256 random bits.
pub(super) fn secret() -> Hash {
    Hash::from_bytes(entropy::seed())
}

/// A day, in milliseconds.
pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Whether `earlier` is longer ago than `span_ms`. A clock that was set back makes nothing old.
pub(super) fn is_over(earlier: u64, span_ms: u64, now: Time) -> bool {
    now.0.saturating_sub(earlier) > span_ms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        let directory = tempfile::tempdir().expect("a place for files");
        let path = directory.path().join("web.json");
        let mut kept = Kept::open(&path).expect("room");
        kept.tokens.push(Token {
            id: 3,
            name: "backup".to_owned(),
            hash: secret(),
            since: 7,
        });
        kept.save(&path).expect("room");
        let again = Kept::open(&path).expect("readable");
        assert_eq!(again.key, kept.key);
        assert_eq!(again.tokens[0].hash, kept.tokens[0].hash);
    }

    #[test]
    fn a_damaged_file_lets_nobody_in_and_stops_nothing() {
        let directory = tempfile::tempdir().expect("a place for files");
        let path = directory.path().join("web.json");
        let first = Kept::open(&path).expect("room");
        for damaged in ["", "{", "{\"version\":1}", "\u{0}"] {
            std::fs::write(&path, damaged).expect("room");
            let fresh = Kept::open(&path).expect("begins anew");
            assert_ne!(fresh.key, first.key);
            assert!(fresh.browsers.is_empty());
        }
    }
}
