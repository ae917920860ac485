//! The segments of a JPEG (ITU-T T.81, annex B).

use super::cursor::take;
use super::exif::{self, Traces};

/// What EXIF begins with in its segment.
const EXIF: &[u8] = b"Exif\0\0";

/// The picture without what it says, which is added to `traces`. What follows its end is left out: other pictures, films, notes of the phone.
pub(super) fn without(picture: &[u8], traces: &mut Traces) -> Option<Vec<u8>> {
    let mut rest = picture.strip_prefix(&[0xff, 0xd8])?;
    let mut kept = vec![0xff, 0xd8];
    let mut body = Vec::new();
    loop {
        let start = rest;
        let marker = marker(&mut rest)?;
        if marker == 0xd9 {
            body.extend([0xff, 0xd9]);
            break;
        }
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        let content = take(&mut rest, length)?.get(2..)?;
        if !is_left_out(marker, content, traces) {
            body.extend([0xff, marker]);
            let header = &start[start.len() - rest.len() - length..];
            body.extend(&header[..length]);
        }
        if marker == 0xda {
            let scan = scan_bytes(rest)?;
            body.extend(take(&mut rest, scan)?);
        }
    }
    if traces.orientation != 0 {
        let turned = exif::turned(traces.orientation);
        let length = u16::try_from(2 + EXIF.len() + turned.len()).ok()?;
        kept.extend([0xff, 0xe1]);
        kept.extend(length.to_be_bytes());
        kept.extend(EXIF);
        kept.extend(turned);
    }
    kept.extend(body);
    Some(kept)
}

/// The next marker; any number of fill bytes may stand before it.
fn marker(rest: &mut &[u8]) -> Option<u8> {
    if *take(rest, 1)?.first()? != 0xff {
        return None;
    }
    loop {
        match *take(rest, 1)?.first()? {
            0xff => {}
            // Restarts are within a scan, and these have no length: what would be taken for their content is something else.
            0 | 0x01 | 0xd0..=0xd8 => return None,
            marker => return Some(marker),
        }
    }
}

/// Whether a segment says more than how the picture is shown.
fn is_left_out(marker: u8, content: &[u8], traces: &mut Traces) -> bool {
    match marker {
        0xe1 => {
            traces.add(match content.strip_prefix(EXIF) {
                Some(tiff) => exif::read(tiff),
                None => exif::read_xmp(content),
            });
            true
        }
        // JFIF, colours, and how Adobe's programs wrote them.
        0xe0 | 0xee => false,
        0xe2 if content.starts_with(b"ICC_PROFILE\0") => false,
        0xe2..=0xef | 0xfe => {
            traces.words = true;
            true
        }
        _ => false,
    }
}

/// How many bytes of a scan there are until the next marker; restarts are part of it.
fn scan_bytes(rest: &[u8]) -> Option<usize> {
    let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7 | 0xff);
    rest.windows(2).position(is_marker)
}
