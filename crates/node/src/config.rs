//! `config.toml`: what a person wants of this node.
//!
//! Every setting has a default that offers nothing to strangers, and a file need not exist. A file with a mistake is an error
//! with its line, never a setting silently ignored: somebody who wrote `findabel = false` must not believe it.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use kith_core::content::limits::Plan;
use kith_core::introducer::{Introducer, check_told};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use thiserror::Error;

use crate::content::AudienceKind;
use crate::content::quota::COPIES_BYTES_MAX;
use crate::durable;

pub mod limits;
pub mod settings;

mod mistake;

pub use mistake::Mistake;
pub use settings::NAME_BYTES_MAX;

/// The most introducers a node uses. Each costs a standing connection; beyond a handful they make nobody easier to reach.
pub const INTRODUCERS_MAX: usize = 8;

/// The largest file read, in bytes: a hundred times a full one, so that a wrong file is noticed and not loaded.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The settings, with a default for each that is left out.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What to call me: suggested to people I invite, who may call me otherwise. Empty (the default) suggests nothing.
    #[serde(deserialize_with = "read_name")]
    pub name: String,
    /// The lines of the introducers to use, at most [`INTRODUCERS_MAX`]. None by default, and none is built in.
    #[serde(deserialize_with = "read_introducers")]
    pub introducers: Vec<Introducer>,
    /// Whether they are asked, and relay. On by default; off keeps their lines for later.
    pub ask_introducers: bool,
    /// Whether contacts' relays are used where no introducer answers. On by default: two who know one such contact reach each other through them.
    pub use_contact_relays: bool,
    /// Whether contacts on the same network find this node without anybody's help. On by default: strangers there see that
    /// some node of kith is near, and not whose.
    pub lan: bool,
    /// Whether whoever knows the PeerId can look up the public face. Off by default: one is reached by invite.
    pub findable: bool,
    /// A PEM file with the root certificates of a private authority, by which introducers with a domain name are known
    /// beside those of the web. None by default.
    pub relay_roots: Option<PathBuf>,
    /// Whether the public face has addresses of its own, as a public server's. Off by default: strangers reach it by relay
    /// only, and do not learn where it is.
    pub public_server: bool,
    /// Whether what was fetched is provided to others who may have it. On by default; `kith get --no-provide` is for one of them.
    pub provide: bool,
    /// How much is kept in the data directory for the sake of copies, in MiB: their trees, a row for each file and a 256th of their bytes. When it is
    /// full, those that nobody asked for longest are provided no longer; the files stay where they are. `kith get --keep` exempts one.
    pub copies_mebibytes: u64,
    /// With whom something is shared where nothing is said: `contacts` (the default), `link` or `public`.
    #[serde(deserialize_with = "settings::read_audience")]
    pub audience: AudienceKind,
    /// Whether bulk data may travel over TCP where the path to the other side is direct. On by default: faster, and it shows
    /// nobody more than the session does. The port is open only while somebody who was told of it is expected.
    pub express: bool,
    /// What this node does for its contacts' connections, when it can be reached itself.
    pub relay_for_contacts: RelayForContacts,
    /// How fast content may move ([`limits`]). Uploads to distant peers are held to 2 MiB/s by default.
    #[serde(deserialize_with = "limits::read")]
    pub limits: Plan,
}

/// How far to relay between contacts who cannot reach each other.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RelayForContacts {
    /// Whether to do it at all. On by default; it serves contacts only, and where they can reach this machine.
    pub enabled: bool,
    /// How much each contact may send through it in a UTC day, in MiB.
    pub mebibytes_per_day: u32,
    /// How fast, for all of them together, in KiB/s.
    pub kibibytes_per_second: u32,
    /// At which addresses they reach this machine, where its interfaces do not say: behind a router that forwards the port.
    /// Empty (the default) for the public ones of its interfaces; four at most.
    #[serde(deserialize_with = "read_addresses")]
    pub addresses: Vec<IpAddr>,
    /// The TCP port; UDP of the next number is for address discovery. 0 (the default) for the number of the contact face's
    /// UDP port, and for any free one where that is taken.
    pub port: u16,
}

/// What each contact may send through it in a day, in MiB: an evening of video, or a folder of photographs.
const RELAYED_MEBIBYTES_PER_DAY: u32 = 1024;

/// What all contacts may send through it, in KiB/s: a tenth of a line of 100 Mbit/s, twice since it comes in and goes out.
const RELAYED_KIBIBYTES_PER_SECOND: u32 = 1024;

/// Why a configuration cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// There is something wrong in it.
    #[error("{path}, line {line}: {mistake}")]
    Mistake {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What.
        mistake: Mistake,
    },
    /// It cannot be read.
    #[error("{path} cannot be read: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Over 1 MiB.
    #[error("{path} is far too large for a configuration; is it another file?")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: String::new(),
            introducers: Vec::new(),
            ask_introducers: true,
            use_contact_relays: true,
            lan: true,
            findable: false,
            relay_roots: None,
            public_server: false,
            provide: true,
            copies_mebibytes: COPIES_BYTES_MAX >> 20,
            audience: AudienceKind::default(),
            express: true,
            relay_for_contacts: RelayForContacts::default(),
            limits: Plan::default(),
        }
    }
}

impl Default for RelayForContacts {
    fn default() -> Self {
        Self {
            enabled: true,
            mebibytes_per_day: RELAYED_MEBIBYTES_PER_DAY,
            kibibytes_per_second: RELAYED_KIBIBYTES_PER_SECOND,
            addresses: Vec::new(),
            port: 0,
        }
    }
}

impl Config {
    /// Reads the file at `path`; the defaults where there is none.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let io_error = |source| {
            let path = path.to_owned();
            ConfigError::Io { path, source }
        };
        match std::fs::metadata(path) {
            // That the directory is none is said by who opens it.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(Self::default());
            }
            Err(error) => return Err(io_error(error)),
            Ok(metadata) if metadata.len() > FILE_BYTES_MAX => {
                let path = path.to_owned();
                return Err(ConfigError::TooLarge { path });
            }
            Ok(_) => {}
        }
        let text = std::fs::read_to_string(path).map_err(io_error)?;
        Self::parse(&text).map_err(|(line, mistake)| {
            let path = path.to_owned();
            ConfigError::Mistake {
                path,
                line,
                mistake,
            }
        })
    }

    /// The introducers that are asked.
    pub fn asked_introducers(&self) -> Vec<Introducer> {
        match self.ask_introducers {
            true => self.introducers.clone(),
            false => Vec::new(),
        }
    }

    /// Writes these introducers into the file at `path`, in place of those it lists; all else in it stays as it was written.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is as it was then.
    pub fn keep_introducers(path: &Path, introducers: &[Introducer]) -> Result<(), ConfigError> {
        let io_error = |source| {
            let path = path.to_owned();
            ConfigError::Io { path, source }
        };
        let text = sound_text(path)?;
        let changed = with_introducers(&text, introducers);
        if changed == text {
            return Ok(());
        }
        durable::replace(path, changed.as_bytes()).map_err(io_error)
    }

    /// Writes these limits into the file at `path`, in place of its own; all else in it stays as it was written.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is as it was then.
    pub fn keep_limits(path: &Path, plan: &Plan) -> Result<(), ConfigError> {
        let text = sound_text(path)?;
        limits::keep(path, &text, plan).map_err(|source| ConfigError::Io {
            path: path.to_owned(),
            source,
        })
    }

    /// Writes these settings into the file at `path`; all else in it stays as it was written.
    ///
    /// # Errors
    /// [`ConfigError`]; the file is as it was then.
    pub fn keep_settings(path: &Path, change: &settings::Change) -> Result<(), ConfigError> {
        let text = sound_text(path)?;
        let io_error = |source| ConfigError::Io {
            path: path.to_owned(),
            source,
        };
        let changed = settings::with_change(&text, change)
            .ok_or_else(|| io_error(io::Error::other("it cannot be written to")))?;
        if changed == text {
            return Ok(());
        }
        durable::replace(path, changed.as_bytes()).map_err(io_error)
    }

    /// Reads settings from `text`.
    ///
    /// # Errors
    /// The line, counted from 1, and what is wrong there.
    pub fn parse(text: &str) -> Result<Self, (usize, Mistake)> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.as_bytes().get(..start).unwrap_or_default();
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            (line, Mistake::of(error.message()))
        })
    }
}

/// What the file at `path` says, nothing where there is none; a file with a mistake is not written to.
fn sound_text(path: &Path) -> Result<String, ConfigError> {
    Config::load(path)?;
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(source) => Err(ConfigError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

/// `text`, which is sound, with another list of introducers.
fn with_introducers(text: &str, introducers: &[Introducer]) -> String {
    #[derive(Deserialize)]
    struct Listed {
        introducers: Option<toml::Spanned<Vec<String>>>,
    }
    let lines: String = introducers
        .iter()
        .map(|introducer| format!("    \"{introducer}\",\n"))
        .collect();
    let list = format!("[\n{lines}]");
    let listed = toml::from_str(text)
        .ok()
        .and_then(|it: Listed| it.introducers);
    match listed.map(|listed| listed.span()) {
        Some(span) => format!("{}{list}{}", &text[..span.start], &text[span.end..]),
        // What stands before all tables belongs to none of them.
        None => format!("introducers = {list}\n{text}"),
    }
}

fn read_name<'de, D: Deserializer<'de>>(value: D) -> Result<String, D::Error> {
    let name = String::deserialize(value)?;
    settings::check_name(&name).map_err(D::Error::custom)?;
    Ok(name)
}

fn read_addresses<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<IpAddr>, D::Error> {
    let addresses = Vec::deserialize(value)?;
    check_told(&addresses).map_err(D::Error::custom)?;
    Ok(addresses)
}

fn read_introducers<'de, D: Deserializer<'de>>(value: D) -> Result<Vec<Introducer>, D::Error> {
    let lines = Vec::<String>::deserialize(value)?;
    if lines.len() > INTRODUCERS_MAX {
        return Err(D::Error::custom(format!(
            "at most {INTRODUCERS_MAX} introducers are used"
        )));
    }
    let read = |(index, line): (usize, &String)| {
        line.parse()
            .map_err(|error| D::Error::custom(format!("introducer {}: {error}", index + 1)))
    };
    lines.iter().enumerate().map(read).collect()
}

#[cfg(test)]
mod tests;
