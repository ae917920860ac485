//! The stored form of a transfer that the node goes on with after a restart.

use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use kith_core::codec::{self, DecodeError, Wire};
use kith_core::data::link::Link;
use kith_core::row::Row;
use minicbor::{Decode, Encode};

use super::info::{TransferFailure, TransferId};
use super::order::Order;
use crate::content::chosen::CHOSEN_BYTES_MAX;
use crate::content::priorities::PATHS_BYTES_MAX;
use crate::error::ErrorKind;
use crate::peer::contents::fetched::TransferProgress;

/// The kind of the rows that keep transfers.
pub(super) const KIND: &str = "transfer";

/// The most bytes that the texts of an order take (names, paths, patterns): a long path and some hundred patterns.
pub(super) const TEXTS_BYTES_MAX: usize = 64 << 10;

/// How a kept transfer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is gone on with.
    Wanted,
    /// It waits for its owner's word.
    Paused,
    /// All is there.
    Done,
    /// It went wrong.
    Failed(TransferFailure),
}

/// A transfer that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptTransfer {
    pub(super) id: TransferId,
    pub(super) order: Order,
    pub(super) standing: Standing,
    /// How far it was; no rate.
    pub(super) progress: TransferProgress,
    /// The staging folder.
    pub(super) staged: Option<PathBuf>,
    /// Where all of it is, once it is.
    pub(super) target: Option<PathBuf>,
    /// The staging folder of the one in whose place it is, until all of this is here.
    pub(super) instead_of: Option<PathBuf>,
}

/// Version 1 of a row's value.
#[derive(Encode, Decode)]
struct Kept {
    #[n(0)]
    version: u8,
    #[n(1)]
    order: Order,
    #[n(2)]
    standing: u8,
    #[n(3)]
    failure: String,
    #[n(4)]
    bytes: u64,
    #[n(5)]
    total: Option<u64>,
    #[n(6)]
    files: u64,
    #[n(7)]
    staged: Option<minicbor::bytes::ByteVec>,
    #[n(8)]
    target: Option<minicbor::bytes::ByteVec>,
    /// Whether it failed because something else lies where it should go; left out where not.
    #[n(9)]
    exists: Option<bool>,
    /// What arrived for the one in whose place it is; left out where it is in nobody's.
    #[n(10)]
    instead_of: Option<minicbor::bytes::ByteVec>,
}

impl Wire for Kept {
    /// The texts with the heads of each of them (a pattern of one byte takes two), the paths that have priorities and those that are chosen
    /// with theirs, a link, a staging folder's path beside the target's and another's, the message, and room for the rest.
    const BYTES_MAX: usize =
        6 * TEXTS_BYTES_MAX + 2 * PATHS_BYTES_MAX + 2 * CHOSEN_BYTES_MAX + Link::BYTES_MAX;
}

const VERSION: u8 = 1;

/// The standings by their numbers; failures follow, by their kind.
const WANTED: u8 = 0;
const PAUSED: u8 = 1;
const DONE: u8 = 2;
const FAILED: [(u8, ErrorKind); 5] = [
    (3, ErrorKind::Failed),
    (4, ErrorKind::Usage),
    (5, ErrorKind::NotFound),
    (6, ErrorKind::NotAllowed),
    (7, ErrorKind::NotVerified),
];

impl KeptTransfer {
    /// The row that keeps it.
    pub fn row(&self) -> Row {
        let (standing, failure) = match &self.standing {
            Standing::Wanted => (WANTED, String::new()),
            Standing::Paused => (PAUSED, String::new()),
            Standing::Done => (DONE, String::new()),
            Standing::Failed(failure) => {
                let known = FAILED.iter().find(|(_, kind)| *kind == failure.kind);
                let number = known.map_or(FAILED[0].0, |(number, _)| *number);
                let mut message = failure.message.clone();
                message.truncate(message.floor_char_boundary(TEXTS_BYTES_MAX));
                (number, message)
            }
        };
        let exists = match &self.standing {
            Standing::Failed(failure) if failure.exists => Some(true),
            _ => None,
        };
        let bytes = |path: &PathBuf| path.as_os_str().as_bytes().to_vec().into();
        let kept = Kept {
            version: VERSION,
            order: self.order.clone(),
            standing,
            failure,
            bytes: self.progress.bytes,
            total: self.progress.total,
            files: self.progress.files,
            staged: self.staged.as_ref().map(bytes),
            target: self.target.as_ref().map(bytes),
            exists,
            instead_of: self.instead_of.as_ref().map(bytes),
        };
        Row {
            value: Some(codec::encode(&kept)),
            ..no_row(self.id)
        }
    }

    /// Reads a row.
    ///
    /// # Errors
    /// [`DecodeError`] when it is of another version or damaged.
    pub fn read(key: &[u8], value: &[u8]) -> Result<Self, DecodeError> {
        let malformed = || DecodeError::Malformed("not version 1 of a transfer".to_owned());
        let id = key.try_into().map_err(|_| malformed())?;
        let kept: Kept = codec::decode(value)?;
        let standing = match kept.standing {
            _ if kept.version != VERSION => return Err(malformed()),
            WANTED => Standing::Wanted,
            PAUSED => Standing::Paused,
            DONE => Standing::Done,
            number => {
                let known = FAILED.iter().find(|(known, _)| *known == number);
                Standing::Failed(TransferFailure {
                    kind: known.ok_or_else(malformed)?.1,
                    message: kept.failure,
                    exists: kept.exists.unwrap_or(false),
                })
            }
        };
        let path = |bytes: minicbor::bytes::ByteVec| {
            PathBuf::from(std::ffi::OsString::from_vec(bytes.into()))
        };
        Ok(Self {
            id: TransferId(u64::from_be_bytes(id)),
            order: kept.order,
            standing,
            progress: TransferProgress {
                bytes: kept.bytes,
                total: kept.total,
                files: kept.files,
                ..TransferProgress::default()
            },
            staged: kept.staged.map(path),
            target: kept.target.map(path),
            instead_of: kept.instead_of.map(path),
        })
    }
}

/// The row that deletes what is kept of a transfer.
pub(super) fn no_row(id: TransferId) -> Row {
    Row {
        kind: KIND,
        key: id.0.to_be_bytes().to_vec(),
        value: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{Chosen, Level, Levels};
    use data_encoding::HEXLOWER;
    use kith_core::ids::PeerId;
    use proptest::prelude::*;
    use std::path::Path;

    fn kept(standing: Standing) -> KeptTransfer {
        let order = Order::new(PeerId([7; 32]), None, "holiday".into(), Path::new("/out"));
        KeptTransfer {
            id: TransferId(9),
            order,
            standing,
            progress: TransferProgress {
                bytes: 1,
                total: Some(2),
                files: 3,
                ..TransferProgress::default()
            },
            staged: Some("/out/.x".into()),
            target: None,
            instead_of: None,
        }
    }

    #[test]
    fn every_standing_is_read_as_it_was_written() {
        let failed = FAILED.map(|(_, kind)| {
            Standing::Failed(TransferFailure {
                kind,
                message: "why".to_owned(),
                exists: kind == ErrorKind::Failed,
            })
        });
        let others = [Standing::Wanted, Standing::Paused, Standing::Done];
        for standing in others.into_iter().chain(failed) {
            let kept = kept(standing);
            let row = kept.row();
            let read = KeptTransfer::read(&row.key, &row.value.expect("a value"));
            assert_eq!(read.expect("sound"), kept);
        }
    }

    #[test]
    fn where_all_of_it_is_and_what_was_said_of_its_files_is_kept() {
        let mut levels = Levels::default();
        levels.set("day1/a.jpg", Level::High).expect("a path");
        let before = kept(Standing::Done);
        let done = KeptTransfer {
            order: before.order.clone().prioritised(&levels),
            target: Some("/out/holiday".into()),
            ..before
        };
        let value = done.row().value.expect("a value");
        let read = KeptTransfer::read(&done.row().key, &value).expect("sound");
        assert_eq!(read, done);
        assert_eq!(read.order.levels(), levels);
        let golden = format!(
            "89018c5820{}f667686f6c6964617960f6442f6f757480f600f5f481826a646179312f612e6a706703026001020347{}4c{}",
            "07".repeat(32),
            "2f6f75742f2e78",
            HEXLOWER.encode(b"/out/holiday"),
        );
        assert_eq!(HEXLOWER.encode(&value), golden);
    }

    #[test]
    fn in_whose_place_it_is_is_kept() {
        let instead = KeptTransfer {
            instead_of: Some("/was/.x".into()),
            ..kept(Standing::Wanted)
        };
        let row = instead.row();
        let value = row.value.expect("a value");
        assert_eq!(
            KeptTransfer::read(&row.key, &value).expect("sound"),
            instead
        );
        let golden = format!(
            "8b018b5820{}f667686f6c6964617960f6442f6f757480f600f5f4006001020347{}f6f647{}",
            "07".repeat(32),
            "2f6f75742f2e78",
            HEXLOWER.encode(b"/was/.x"),
        );
        assert_eq!(HEXLOWER.encode(&value), golden);
    }

    #[test]
    fn as_many_files_as_can_be_chosen_are_kept() {
        use crate::content::chosen::CHOSEN_MAX;
        let before = kept(Standing::Paused);
        let paths = |count: usize, bytes: usize| {
            let paths = (0..count).map(|at| format!("{at:0bytes$}"));
            Chosen::new(paths.collect()).expect("within the bounds")
        };
        for chosen in [
            paths(CHOSEN_MAX, CHOSEN_BYTES_MAX / CHOSEN_MAX),
            paths(CHOSEN_BYTES_MAX / 4_096, 4_096),
        ] {
            let mut kept = before.clone();
            kept.order.chosen = Some(chosen);
            let row = kept.row();
            let read = KeptTransfer::read(&row.key, &row.value.expect("a value"));
            assert_eq!(read.expect("sound"), kept);
        }
        let mut few = before;
        few.order.chosen = Chosen::new(vec!["a.jpg".into(), "b.jpg".into()]).ok();
        let golden = format!(
            "88018d5820{}f667686f6c6964617960f6442f6f757480f600f5f4f68265612e6a706765622e6a7067016001020347{}",
            "07".repeat(32),
            "2f6f75742f2e78",
        );
        assert_eq!(HEXLOWER.encode(&few.row().value.expect("a value")), golden);
    }

    #[test]
    fn the_stored_form_stays_as_it_is() {
        let row = kept(Standing::Paused).row();
        assert_eq!(row.key, [0, 0, 0, 0, 0, 0, 0, 9]);
        let golden = format!(
            "88018b5820{}f667686f6c6964617960f6442f6f757480f600f5f4016001020347{}",
            "07".repeat(32),
            "2f6f75742f2e78",
        );
        assert_eq!(HEXLOWER.encode(&row.value.expect("a value")), golden);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(key in any::<Vec<u8>>(), value in any::<Vec<u8>>()) {
            let _ = KeptTransfer::read(&key, &value);
        }
    }
}
