//! Why a picture cannot be made small.

use std::process::ExitCode;

use kith::content::previews::worker::{EXIT_BROKEN, EXIT_NO_PICTURE, EXIT_TOO_LARGE};

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is of no format that is known.
    NoPicture,
    /// It does not keep to its format, or ends too early.
    Broken,
    /// It takes more than is spent on one.
    TooLarge,
}

impl From<Refused> for ExitCode {
    fn from(refused: Refused) -> Self {
        Self::from(match refused {
            Refused::NoPicture => EXIT_NO_PICTURE,
            Refused::Broken => EXIT_BROKEN,
            Refused::TooLarge => EXIT_TOO_LARGE,
        })
    }
}
