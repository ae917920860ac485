//! What is due is looked up once, and nothing is sound that was not expected.

use kith_core::content::wire::GROUP_BYTES;
use kith_core::ids::ShareId;
use tempfile::TempDir;

use super::*;
use crate::data::encoding::Encoding;
use crate::data::hash;
use crate::data::staging::{Download, Staging};
use crate::data::wanted::wanted;

/// Two files of a few groups, one behind the other, and a third behind a gap.
const SIZE: u64 = 3 * GROUP_BYTES + 5;

/// Where the third begins.
const BEHIND_THE_GAP: u64 = 2 * SIZE + 1;

struct World {
    arriving: Arriving,
    _staging: Staging,
    _folder: TempDir,
}

fn content(number: u8) -> Vec<u8> {
    vec![number; SIZE as usize]
}

fn world() -> World {
    let folder = tempfile::tempdir().expect("temporary folder");
    let download = Download {
        share: &ShareId([9; 32]),
        tree: &BlobHash([1; 32]),
        filter: "",
    };
    let staging = Staging::open(&folder.path().join("t"), download).expect("opened");
    let arriving = Arriving::new(mpsc::unbounded_channel().0);
    for (number, position) in [(1, 0), (2, SIZE), (3, BEHIND_THE_GAP)] {
        let path = format!("f{number}");
        let incoming = staging.incoming(&path, &wanted(&content(number)));
        let file = File {
            incoming: Arc::new(incoming.expect("prepared")),
            path: path.into(),
        };
        arriving.place(position, file);
    }
    World {
        arriving,
        _staging: staging,
        _folder: folder,
    }
}

fn due(from: u64, until: u64) -> Due {
    let (start, end) = (from, until);
    Due {
        what: What::Span(Span { start, end }),
        from,
        until,
    }
}

/// The encoding of all of a file.
fn encoded(number: u8) -> Vec<u8> {
    let bytes = content(number);
    let (hash, outboard) = hash::hash_bytes(&bytes);
    let mut encoded = Encoding::default();
    Blob { hash, size: SIZE }
        .encode(
            bytes.as_slice(),
            outboard.as_slice(),
            &(0..SIZE),
            &mut encoded,
        )
        .expect("encoded");
    encoded.as_ref().to_vec()
}

fn raw(bytes: &[u8]) -> Buffer<Vec<u8>> {
    let mut raw = Buffers::<Vec<u8>>::default().take(bytes.len());
    raw.bytes.extend_from_slice(bytes);
    raw
}

#[test]
fn what_is_of_no_known_file_is_not_expected() {
    let World { arriving, .. } = &world();
    for (from, until) in [
        // The gap, from within and over it.
        (2 * SIZE, BEHIND_THE_GAP),
        (SIZE, BEHIND_THE_GAP + SIZE),
        // Behind all that is known.
        (BEHIND_THE_GAP, BEHIND_THE_GAP + SIZE + 1),
        (BEHIND_THE_GAP + SIZE, BEHIND_THE_GAP + 2 * SIZE),
    ] {
        let expected = arriving.expected(&due(from, until));
        assert!(expected.is_none(), "{from}..{until}: {expected:?}");
    }
    let node = Due {
        what: What::Node(BlobHash([7; 32])),
        from: 0,
        until: NODE_BYTES_MAX as u64 + 1,
    };
    assert!(arriving.expected(&node).is_none(), "no node is that large");
    assert!(arriving.expected(&due(0, 2 * SIZE)).is_some());
    arriving.let_go();
    assert!(arriving.expected(&due(0, 2 * SIZE)).is_none());
}

#[test]
fn what_was_expected_is_verified_also_when_its_files_are_known_no_longer() {
    let World { arriving, .. } = &world();
    let came = [encoded(1), encoded(2)].concat();
    let (expected, bytes) = arriving.expected(&due(0, 2 * SIZE)).expect("known");
    assert_eq!(bytes, came.len() as u64);
    arriving.let_go();
    let sound = expected.verify(raw(&came)).expect("it is what was due");
    let written = arriving.write(sound, None);
    written.outcome.expect("room on the disk");
    assert!(
        matches!(written.event, Event::Bytes { bytes, ref whole, .. } if bytes == 2 * SIZE && *whole == [0, SIZE]),
        "{:?}",
        written.event
    );
}

#[test]
fn a_byte_that_is_wrong_missing_or_too_many_is_a_lie_about_its_file() {
    let World { arriving, .. } = &world();
    let right = [encoded(1), encoded(2)].concat();
    let (mut wrong, mut longer) = (right.clone(), right.clone());
    wrong[0] ^= 1;
    longer.push(0);
    for (came, file) in [
        (&wrong[..], "f1"),
        (&right[..right.len() - 1], "f2"),
        (&longer[..], "f2"),
        (&[][..], "f1"),
    ] {
        let (expected, _) = arriving.expected(&due(0, 2 * SIZE)).expect("known");
        let Lie(what) = expected.verify(raw(came)).expect_err("a lie");
        assert_eq!(what, file);
    }
}

#[test]
fn where_no_group_begins_nothing_is_expected_but_nothing() {
    let World { arriving, .. } = &world();
    let (expected, bytes) = arriving.expected(&due(1, 2)).expect("known");
    assert_eq!(bytes, 0);
    assert!(expected.verify(raw(&[0])).is_err(), "a byte of nothing");
}
