//! What can be wrong with the TLS side of an introducer.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why the TLS side could not be set up.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Others can read the key.
    #[error("others can read this key; run: chmod go-rwx {}", .0.display())]
    Exposed(PathBuf),
    /// The key file is no key.
    #[error("{}: not a private key: {reason}", path.display())]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The key is not the one that the certificate is for.
    #[error("{} is not the key of the certificate in {}", path.display(), certificate.display())]
    OtherKey {
        /// The key file.
        path: PathBuf,
        /// The certificate's.
        certificate: PathBuf,
    },
    /// The certificate files do not make a certificate.
    #[error("certificate: {0}")]
    Certificate(String),
    /// TLS itself refused.
    #[error(transparent)]
    Rustls(#[from] rustls::Error),
}

impl TlsError {
    /// The file at `path` cannot be read or written.
    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }
}
