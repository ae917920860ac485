//! Why there is no preview, as whoever wanted it is told.

use kith_core::content::preview::Refusal;
use thiserror::Error;

/// Why there is no preview.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PreviewError {
    /// The picture's fault, or its provider's choice.
    #[error("there is no preview: {}", told(*.0))]
    Refused(Refusal),
    /// There is no such share, or it is not for us.
    #[error("there is no such share, or it is not for you")]
    NotFound,
    /// It was for us, and is not any more.
    #[error("{0}")]
    NotAllowed(String),
    /// Nobody who has it is there.
    #[error("{0}")]
    Away(String),
    /// What came is no preview.
    #[error("what came is no small picture, and is not shown")]
    NotVerified,
    /// It could not be had, for another reason.
    #[error("{0}")]
    Failed(String),
}

/// A refusal in words.
fn told(why: Refusal) -> &'static str {
    match why {
        Refusal::NoFile => "there is no such file",
        Refusal::NoPicture => "the file is no picture, or of a kind that kith does not know",
        Refusal::Broken => "the picture is damaged, or not what its name says",
        Refusal::TooLarge => "the picture is too large to be made small",
        Refusal::Changed => "the file has changed since it was shared; try again in a moment",
        Refusal::NotMade => "whoever has the picture makes none",
    }
}
