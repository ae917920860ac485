//! What is told by a part of a file that goes.
//!
//! The names of what is told are looked for, wherever they stand: programs put them into boxes of their own, in keys, tracks and items. That is no
//! proof, but whoever is asked whether to leave something out would rather be asked once too often.

use super::super::exif::{self, Traces};
use super::super::position::Position;

/// What names a place: QuickTime's user data and keys, 3GPP's (TS 26.244, 8.8), XMP's and those of action cameras, drones and dashboards.
const PLACE: [&[u8]; 10] = [
    b"\xa9xyz",
    b"loci",
    b"location",
    b"GPS",
    b"GpsL",
    b"gps",
    b"gpmd",
    b"rtmd",
    b"djmd",
    b"camm",
];

/// What names a time.
const TIME: [&[u8]; 3] = [b"\xa9day", b"creationdate", b"CreateDate"];

/// What names a camera.
const CAMERA: [&[u8]; 6] = [
    b"\xa9mak",
    b"\xa9mod",
    b"quicktime.make",
    b"quicktime.model",
    b"manu",
    b"modl",
];

/// What stands before EXIF in its item, in bytes: where it begins after that.
const OFFSET_BYTES: usize = 4;

/// How a TIFF begins, in either order of bytes (TIFF 6.0, section 2).
const TIFF: [&[u8; 4]; 2] = [b"II*\0", b"MM\0*"];

/// Where it begins in files whose offset is not right: some programs leave it out, or do not count what stands before as JPEG has it.
const TIFF_AT: [usize; 4] = [0, 4, 6, 10];

/// What a box or the content of an item says. What holds nothing says nothing.
pub(super) fn told_by(bytes: &[u8]) -> Traces {
    let has = |names: &[&[u8]]| {
        let mut names = names.iter();
        names.any(|name| bytes.windows(name.len()).any(|it| it == *name))
    };
    Traces {
        place: has(&PLACE),
        at: Position::named_in(bytes).or_else(|| Position::written_in(bytes)),
        time: has(&TIME),
        camera: has(&CAMERA),
        words: bytes.iter().any(|byte| *byte != 0),
        orientation: 0,
    }
}

/// What the content of an item with EXIF says, and what stands in its place: how the picture is turned, if it says that and there is room
/// (ISO 23008-12, annex A.2.1).
pub(super) fn told_by_exif(content: &[u8]) -> (Traces, Vec<u8>) {
    let offset = content.first_chunk().map(|it| u32::from_be_bytes(*it));
    let offset = offset.and_then(|it| usize::try_from(it).ok());
    let said = offset.and_then(|it| it.checked_add(OFFSET_BYTES));
    let tiff = said
        .into_iter()
        .chain(TIFF_AT)
        .filter_map(|at| content.get(at..));
    let tiff = tiff.filter(|it| TIFF.iter().any(|head| it.starts_with(*head)));
    let told = match tiff.into_iter().next() {
        Some(tiff) => exif::read(tiff),
        // It says something, and it is not known what.
        None if content.iter().any(|byte| *byte != 0) => Traces {
            place: true,
            words: true,
            ..Traces::default()
        },
        None => Traces::default(),
    };
    let turned = exif::turned(told.orientation);
    let says_nothing = b"MM\0\x2a\0\0\0\x08\0\0\0\0\0\0";
    let bare = match told.orientation {
        1..=8 if OFFSET_BYTES + turned.len() <= content.len() => &turned[..],
        _ if OFFSET_BYTES + says_nothing.len() <= content.len() => says_nothing,
        _ => &[],
    };
    let mut instead = vec![0; content.len()];
    if let Some(place) = instead.get_mut(OFFSET_BYTES..OFFSET_BYTES + bare.len()) {
        place.copy_from_slice(bare);
    }
    (told, instead)
}
