//! How a command fails: an exit code scripts can rely on, what happened, and what to do next.

use std::fmt;

use clap::error::ErrorKind as ClapKind;
use kith::core::identity::{BookError, FindError};
use kith::core::routing::UnreachableReason;
use kith::peer::TransferFailure;
use kith::{Error, ErrorKind};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// A failed command. Also the body of a failed API call, so that a daemon's refusal reaches the shell as it was meant.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Failure {
    /// Which of the exit codes it is.
    #[schema(schema_with = kinds)]
    pub(crate) kind: ErrorKind,
    /// What happened, to whom, and what to do next.
    pub(crate) message: String,
    /// What to type in a terminal then; an app says `message` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shell: Option<String>,
    /// Whether something was not fetched because something else lies where it should go: another folder helps then, or to add what is missing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) exists: bool,
    /// Whether what somebody was to be called is what is wrong, and nothing else that was asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) of_name: bool,
    /// Whether nobody reads what the command prints any more: it ends, and nothing is to be said of it.
    #[serde(skip)]
    is_unread: bool,
}

/// The exit code of a command that prints to nobody: that which a shell gives to what `SIGPIPE` has ended, as it ends others.
const UNREAD: u8 = 128 + 13;

/// The kinds there are.
const KINDS: [ErrorKind; 5] = [
    ErrorKind::Failed,
    ErrorKind::Usage,
    ErrorKind::NotFound,
    ErrorKind::NotAllowed,
    ErrorKind::NotVerified,
];

/// The kinds, as the API's document tells them: an app has words for each.
fn kinds() -> Object {
    let kinds = KINDS.map(|kind| serde_json::to_value(kind).expect("a word"));
    let told = ObjectBuilder::new().schema_type(Type::String);
    told.enum_values(Some(kinds)).build()
}

impl Failure {
    /// A failure of `kind`.
    pub(crate) fn new(kind: ErrorKind, message: impl fmt::Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
            shell: None,
            exists: false,
            of_name: false,
            is_unread: false,
        }
    }

    /// Whoever read what the command prints has gone, as `head` does.
    pub(crate) fn unread() -> Self {
        Self {
            is_unread: true,
            ..Self::failed("nobody reads what is printed any more")
        }
    }

    /// Whether it is that.
    pub(crate) fn is_unread(&self) -> bool {
        self.is_unread
    }

    /// With what to type in a terminal.
    pub(crate) fn typing(self, shell: Option<&str>) -> Self {
        let shell = shell.map(str::to_owned);
        Self { shell, ..self }
    }

    /// A command line that makes no sense.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// What the grammar says of a command line that it does not take.
    pub(crate) fn not_understood(error: &clap::Error) -> Self {
        let rendered = error.to_string();
        let message = match error.kind() {
            // The whole help, or every command there is: neither names a mistake.
            ClapKind::DisplayHelpOnMissingArgumentOrSubcommand | ClapKind::MissingSubcommand => {
                "a command is missing".to_owned()
            }
            _ => {
                let said = rendered.strip_prefix("error: ").unwrap_or(&rendered);
                let paragraphs = said.split("\n\n");
                let about = paragraphs.take_while(|it| !it.trim_start().starts_with("Usage:"));
                let about = about.filter(|it| !it.trim_start().starts_with("For more"));
                let words: Vec<&str> = about.flat_map(str::split_whitespace).collect();
                words.join(" ")
            }
        };
        Self::usage(message).typing(Some("'--help' behind a command says what it takes"))
    }

    /// Anything that has no better name.
    pub(crate) fn failed(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Failed, message)
    }

    /// A failure of something done with a peer, who is called by name.
    pub(crate) fn about(peer: kith::core::ids::PeerId, name: &str, error: Error) -> Self {
        let message = error.to_string().replace(&peer.to_string(), name);
        Self::new(error.kind(), message).typing(shell(&error))
    }

    /// The process's exit code (DESIGN §6).
    pub(crate) fn exit_code(&self) -> u8 {
        match self.kind {
            _ if self.is_unread => UNREAD,
            ErrorKind::Usage => 2,
            ErrorKind::NotFound => 3,
            ErrorKind::NotAllowed => 4,
            ErrorKind::NotVerified => 5,
            _ => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.shell {
            Some(shell) => write!(f, "; {shell}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            exists: error.is_in_the_way(),
            of_name: error.is_about_name(),
            ..Self::new(error.kind(), &error).typing(shell(&error))
        }
    }
}

impl From<TransferFailure> for Failure {
    fn from(failure: TransferFailure) -> Self {
        Self {
            exists: failure.exists,
            ..Self::new(failure.kind, failure.message)
        }
    }
}

/// What to type in a terminal when this went wrong.
fn shell(error: &Error) -> Option<&'static str> {
    let shell = match error {
        Error::UnknownContact(_)
        | Error::Find(FindError::NoSuchName(_))
        | Error::Book(BookError::NotAContact(_)) => {
            "'kith contacts' lists who is there, and 'kith add INVITE' adds somebody"
        }
        Error::UnknownShare(_) => "'kith ls' lists what contacts share with you",
        Error::UnknownOwnShare => "'kith shares' lists yours",
        Error::UnknownTransfer(_) => "'kith transfers' lists those there are",
        Error::Unreachable {
            reason: UnreachableReason::NoAnswer,
            ..
        } => "'kith trace' tells more",
        Error::Book(BookError::NothingShared(_))
        | Error::Unreachable {
            reason: UnreachableReason::NothingShared,
            ..
        } => "'kith invite' makes one, 'kith add' takes theirs",
        _ => return None,
    };
    Some(shell)
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::failed(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_failure_has_its_exit_code() {
        for (kind, code) in [
            (ErrorKind::Failed, 1),
            (ErrorKind::Usage, 2),
            (ErrorKind::NotFound, 3),
            (ErrorKind::NotAllowed, 4),
            (ErrorKind::NotVerified, 5),
        ] {
            assert_eq!(Failure::new(kind, "").exit_code(), code, "{kind:?}");
            assert!(KINDS.contains(&kind), "the document lacks {kind:?}");
        }
    }
}
