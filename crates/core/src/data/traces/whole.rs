//! Any picture or film, by its first bytes.

use super::cursor::Keep;
use super::exif::Traces;
use super::{boxes, jpeg, png, webp};

/// Hands on what stays of a picture, and gives what it says.
type Through = fn(&[u8], Keep<'_>) -> Option<Traces>;

fn container(picture: &[u8]) -> Option<Through> {
    match picture {
        [0xff, 0xd8, 0xff, ..] => Some(jpeg::without),
        [0x89, b'P', b'N', b'G', ..] => Some(png::without),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => Some(webp::without),
        _ if boxes::begins(picture) => Some(boxes::without),
        _ => None,
    }
}

/// What a picture says beside its pixels; `None` where it is none of a known kind that is whole.
pub fn find(picture: &[u8]) -> Option<Traces> {
    strip_to(picture, &mut |_| {})
}

/// The same picture, and nothing beside its pixels but how they are shown: orientation and colours. `None` where it is none of a
/// known kind that is whole: then nobody knows what is in it.
pub fn strip(picture: &[u8]) -> Option<Vec<u8>> {
    let mut kept = Vec::new();
    strip_to(picture, &mut |part| kept.extend(part))?;
    Some(kept)
}

/// The same as [`strip`], handed on part by part without a copy of it all, and what it says as [`find`] does. Where that is `None`, what was handed
/// on is of no use.
pub fn strip_to(picture: &[u8], keep: Keep<'_>) -> Option<Traces> {
    container(picture)?(picture, keep)
}

#[cfg(test)]
mod tests {
    use super::super::boxes::tests::{a_film, a_heic};
    use super::super::exif;
    use super::*;
    use crate::decoding::damage;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample;
    use proptest::test_runner::TestCaseError;

    const PLACE: &[u8] = b"52.5200 N";

    /// The beginning of a JFIF segment, until the extent of its thumbnail.
    const JFIF: &[u8] = b"JFIF\0\x01\x02\0\0\x01\0\x01";

    /// A whole segment of Adobe's.
    const ADOBE: &[u8] = b"Adobe\0\x64\0\0\0\0\x01";

    fn told() -> Vec<u8> {
        exif::telling(PLACE)
    }

    fn segment(marker: u8, parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        let length = u16::try_from(content.len() + 2).expect("short");
        [&[0xff, marker], &length.to_be_bytes()[..], &content].concat()
    }

    /// With segments of all kinds that say something, some of them in what is kept of others.
    fn a_jpeg() -> Vec<u8> {
        [
            vec![0xff, 0xd8],
            segment(0xe0, &[JFIF, &[1, 3], PLACE]),
            segment(0xe0, &[b"JFXX\0\x10", PLACE]),
            segment(0xe0, &[b"II\x1a\0\0\0HEAPJPGM", PLACE]),
            segment(0xe1, &[b"Exif\0\0", &told()]),
            segment(0xe1, &[b"http://ns.adobe.com/xap/1.0/\0", PLACE]),
            segment(0xe2, &[b"ICC_PROFILE\0\x01\x01colours"]),
            segment(0xe2, &[b"MPF\0", PLACE]),
            segment(0xee, &[ADOBE, PLACE]),
            segment(0xee, &[PLACE]),
            segment(0xfe, &[PLACE]),
            segment(0xda, &[b"scan"]),
            vec![1, 2, 0xff, 0, 3, 0xff, 0xd0, 4],
            segment(0xc4, &[b"codes"]),
            segment(0xda, &[b"more"]),
            vec![5, 0xff, 0xd9],
            PLACE.to_vec(),
        ]
        .concat()
    }

    fn a_png() -> Vec<u8> {
        let chunks: [(&[u8; 4], &[u8]); 8] = [
            (b"IHDR", b"header"),
            (b"eXIf", &told()),
            (b"tEXt", PLACE),
            (b"caBX", PLACE),
            (b"sPLT", PLACE),
            (b"iCCP", b"colours"),
            (b"IDAT", b"pixels"),
            (b"IEND", b""),
        ];
        let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
        for (kind, content) in chunks {
            file.extend(super::png::chunk(kind, content));
        }
        file.extend(PLACE);
        file
    }

    fn chunked(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
        let chunks = chunks.iter();
        let chunks = chunks.map(|(kind, content)| super::webp::chunk(kind, content));
        chunks.collect::<Vec<_>>().concat()
    }

    fn a_webp() -> Vec<u8> {
        let frame: [(&[u8; 4], &[u8]); 2] = [(b"VP8 ", b"frame"), (b"mine", PLACE)];
        let body = chunked(&[
            (b"VP8X", &[0x2e, 0, 0, 0, 9, 0, 0, 9, 0, 0]),
            (b"ICCP", b"colours"),
            (b"VP8 ", b"pixel"),
            (b"ANMF", &[&[0; 16], &chunked(&frame)[..]].concat()),
            (b"mine", PLACE),
            (b"EXIF", &told()),
            (b"XMP ", PLACE),
        ]);
        let length = u32::try_from(b"WEBP".len() + body.len()).expect("short");
        let length = length.to_le_bytes();
        [b"RIFF", &length[..], b"WEBP", &body, PLACE].concat()
    }

    fn has(bytes: &[u8], part: &[u8]) -> bool {
        bytes.windows(part.len()).any(|window| window == part)
    }

    #[test]
    fn place_and_camera_are_found_and_left_out_while_orientation_and_colours_stay() {
        for picture in [a_jpeg(), a_png(), a_webp()] {
            let told = find(&picture).expect("a picture");
            assert!(told.place && told.camera && told.words, "{told:?}");
            assert_eq!(told.orientation, 6);
            let bare = strip(&picture).expect("a picture");
            assert!(!has(&bare, PLACE) && has(&bare, b"colours"), "{bare:?}");
            let left = find(&bare).expect("a picture");
            let expected = Traces {
                orientation: 6,
                ..Traces::default()
            };
            assert_eq!(left, expected);
            assert_eq!(strip(&bare), Some(bare));
        }
    }

    #[test]
    fn the_pixels_of_a_jpeg_are_the_very_same() {
        let bare = strip(&a_jpeg()).expect("a picture");
        let scan = [1, 2, 0xff, 0, 3, 0xff, 0xd0, 4, 0xff, 0xc4];
        assert!(has(&bare, &scan) && bare.ends_with(&[5, 0xff, 0xd9]));
    }

    #[test]
    fn how_colours_are_meant_stays_without_what_was_added_to_it() {
        let bare = strip(&a_jpeg()).expect("a picture");
        let header = segment(0xe0, &[JFIF, &[0, 0]]);
        assert!(has(&bare, &header) && has(&bare, &segment(0xee, &[ADOBE])));
        let frame = [&[0; 16], &chunked(&[(b"VP8 ", b"frame")])[..]].concat();
        let bare = strip(&a_webp()).expect("a picture");
        assert!(has(&bare, &chunked(&[(b"ANMF", &frame)])));
    }

    #[test]
    fn every_part_that_says_something_is_told() {
        let jpeg = |more: &[u8]| [b"\xff\xd8", more, b"\xff\xda\0\x02\x01\xff\xd9"].concat();
        assert_eq!(find(&jpeg(b"")), Some(Traces::default()));
        assert_eq!(
            find(&jpeg(&segment(0xe0, &[JFIF, &[0, 0]]))),
            Some(Traces::default())
        );
        for told in [
            segment(0xe0, &[JFIF, &[1, 3], PLACE]),
            segment(0xe0, &[b"JFXX\0\x10", PLACE]),
            segment(0xee, &[ADOBE, PLACE]),
            segment(0xef, &[PLACE]),
        ] {
            assert!(find(&jpeg(&told)).expect("a picture").words, "{told:?}");
        }
        let followed = [jpeg(b""), PLACE.to_vec()].concat();
        assert!(find(&followed).expect("a picture").words);
    }

    #[test]
    fn of_a_picture_with_a_part_that_nobody_knows_nothing_is_claimed() {
        let mut jpeg = a_jpeg();
        jpeg.splice(2..2, segment(0xf7, &[PLACE]));
        let mut png = a_png();
        // After the signature and the header with its length, name and checksum.
        png.splice(8 + 18..8 + 18, super::png::chunk(b"CgBI", PLACE));
        for picture in [jpeg, png] {
            assert_eq!((find(&picture), strip(&picture)), (None, None));
        }
    }

    #[test]
    fn of_what_is_cut_short_or_unknown_nothing_is_claimed() {
        for picture in [a_jpeg(), a_png(), a_webp()] {
            let whole = picture.len() - PLACE.len();
            for length in 0..whole {
                assert_eq!(strip(&picture[..length]), None, "{length} of {whole}");
            }
        }
        assert_eq!(find(b"GIF89a"), None);
    }

    #[test]
    fn a_jpeg_with_a_restart_outside_of_a_scan_is_none() {
        let parts = [
            segment(0xda, &[]),
            segment(0xe1, &[]),
            segment(0xd0, &[&[0xff, 1]]),
        ]
        .concat();
        let picture = [&[0xff, 0xd8][..], &parts, &[0xff, 0xd9]].concat();
        assert_eq!(strip(&picture), None);
    }

    #[test]
    fn a_webp_whose_header_has_no_flags_is_none() {
        let chunks = [webp::chunk(b"VP8X", b""), webp::chunk(b"VP8 ", b"pixel")].concat();
        let length = u32::try_from(chunks.len() + 4)
            .expect("short")
            .to_le_bytes();
        let picture = [b"RIFF", &length[..], b"WEBP", &chunks].concat();
        assert_eq!(strip(&picture), None);
    }

    #[test]
    fn a_directory_that_leads_nowhere_says_nothing() {
        assert_eq!(exif::read(b"II\x2a\0\xff\xff\xff\xff"), Traces::default());
        assert_eq!(exif::read(b""), Traces::default());
    }

    /// Whatever it is, both read it or neither, and without what it says it says nothing and is what it is.
    fn ensure_bare(picture: &[u8]) -> Result<(), TestCaseError> {
        let bare = strip(picture);
        prop_assert_eq!(bare.is_some(), find(picture).is_some());
        let Some(bare) = bare else { return Ok(()) };
        let left = find(&bare).expect("still a picture");
        prop_assert!(!left.is_any(), "{:?}", left);
        prop_assert_eq!(strip(&bare), Some(bare));
        Ok(())
    }

    /// Names of parts that are known.
    const KINDS: [&[u8; 4]; 10] = [
        b"IHDR", b"eXIf", b"tEXt", b"iCCP", b"IDAT", b"IEND", b"VP8X", b"VP8 ", b"EXIF", b"XMP ",
    ];

    /// The name of a part, more often one that is known than not.
    fn kind() -> impl Strategy<Value = [u8; 4]> {
        let any_of = (sample::select(&KINDS[..]), any::<[u8; 4]>(), 0..5_u8);
        any_of.prop_map(|(known, other, which)| if which == 0 { other } else { *known })
    }

    /// What is in a part: anything, or EXIF, damaged or not.
    fn content() -> impl Strategy<Value = Vec<u8>> {
        let any_of = (vec(any::<u8>(), 0..40), damage(), 0..3_u8);
        any_of.prop_map(|(bytes, damage, which)| match which {
            0 => bytes,
            1 => told(),
            _ => damage.done_to(told()),
        })
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_a_picture_that_can_be_bare(
            start in 0..4_usize,
            rest in vec(any::<u8>(), 0..300),
        ) {
            let starts = [&b"\xff\xd8\xff"[..], b"\x89PNG\r\n\x1a\n", b"RIFF\x40\0\0\0WEBP", b""];
            ensure_bare(&[starts[start], &rest].concat())?;
            exif::read(&rest);
        }

        #[test]
        fn pictures_of_any_parts_can_be_bare(
            markers in vec((0xc0..=0xff_u8, content()), 0..8),
            chunks in vec((kind(), content()), 0..8),
        ) {
            let parts: Vec<u8> = markers.iter().flat_map(|(marker, it)| segment(*marker, &[it])).collect();
            ensure_bare(&[&[0xff, 0xd8][..], &parts, &[0xff, 0xd9]].concat())?;
            let parts: Vec<u8> = chunks.iter().flat_map(|(kind, it)| png::chunk(kind, it)).collect();
            let end = png::chunk(b"IEND", b"");
            ensure_bare(&[b"\x89PNG\r\n\x1a\n", &parts[..], &end].concat())?;
            let parts: Vec<u8> = chunks.iter().flat_map(|(kind, it)| webp::chunk(kind, it)).collect();
            let length = u32::try_from(parts.len() + 4).expect("short").to_le_bytes();
            ensure_bare(&[b"RIFF", &length[..], b"WEBP", &parts].concat())?;
        }

        #[test]
        fn a_damaged_file_of_boxes_is_refused_or_can_be_bare(
            first in damage(),
            second in damage(),
            is_film in any::<bool>(),
        ) {
            let file = if is_film { a_film() } else { a_heic() };
            ensure_bare(&first.done_to(file.clone()))?;
            ensure_bare(&second.done_to(first.done_to(file)))?;
        }

        #[test]
        fn damage_is_no_panic(at in 0..4_000_usize, byte in any::<u8>(), kind in 0..5_usize) {
            let mut picture = [a_jpeg(), a_png(), a_webp(), a_heic(), a_film()][kind].clone();
            let at = at % picture.len();
            picture[at] = byte;
            if let Some(bare) = strip(&picture) {
                prop_assert!(bare.len() <= picture.len() + 64);
            }
            find(&picture[..at]);
        }
    }
}
