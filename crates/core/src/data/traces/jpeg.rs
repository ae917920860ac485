//! The segments of a JPEG (ITU-T T.81, annex B).
//!
//! Those that T.81 knows are kept, since they are the picture. Of what programs add (application segments, comments) only what says how its
//! colours are meant is, and of that only what has a place in its format. A marker that T.81 reserves is in no JPEG that is known.

use super::cursor::{Keep, take};
use super::exif::{self, Traces};

/// What EXIF begins with in its segment.
const EXIF: &[u8] = b"Exif\0\0";

/// What a JFIF segment begins with (ITU-T T.871, 10.1), and how long it is before its thumbnail.
const JFIF: (&[u8], usize) = (b"JFIF\0", 14);

/// What says that, and how, Adobe's programs wrote the colours (ITU-T T.872, 6.5.3), and how long that is.
const ADOBE: (&[u8], usize) = (b"Adobe", 12);

/// What a piece of a colour profile begins with (ISO 15076-1, B.4).
const PROFILE: &[u8] = b"ICC_PROFILE\0";

/// Hands on what stays of the picture, and gives what it says. What follows its end is left out: other pictures, films, notes of the phone.
pub(super) fn without(picture: &[u8], keep: Keep<'_>) -> Option<Traces> {
    let mut rest = picture.strip_prefix(&[0xff, 0xd8])?;
    let mut traces = Traces::default();
    keep(&[0xff, 0xd8]);
    loop {
        let marker = marker(&mut rest)?;
        if marker == 0xd9 {
            keep(&[0xff, 0xd9]);
            traces.words |= !rest.is_empty();
            return Some(traces);
        }
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        let content = take(&mut rest, length)?.get(2..)?;
        match marker {
            // Frames, and tables of Huffman and arithmetic codes; scans, quantisers, numbers of lines, restarts, hierarchies.
            0xc0..=0xc7 | 0xc9..=0xcf | 0xda..=0xdf => segment(marker, &[content], keep)?,
            0xe0..=0xef | 0xfe => told(marker, content, &mut traces, keep)?,
            _ => return None,
        }
        if marker == 0xda {
            let scan = scan_bytes(rest)?;
            keep(take(&mut rest, scan)?);
        }
    }
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

/// Hands on what stays of a segment that a program added.
fn told(marker: u8, content: &[u8], traces: &mut Traces, keep: Keep<'_>) -> Option<()> {
    match marker {
        0xe0 if content.starts_with(JFIF.0) && content.len() >= JFIF.1 => {
            // Without a thumbnail, which may show what was cut away: its width and height are the last two bytes.
            let (header, thumbnail) = content.split_at(JFIF.1);
            traces.words |= !thumbnail.is_empty();
            segment(marker, &[&header[..JFIF.1 - 2], &[0, 0]], keep)
        }
        0xee if content.starts_with(ADOBE.0) && content.len() >= ADOBE.1 => {
            let (colours, more) = content.split_at(ADOBE.1);
            traces.words |= !more.is_empty();
            segment(marker, &[colours], keep)
        }
        0xe2 if content.starts_with(PROFILE) => segment(marker, &[content], keep),
        0xe1 => {
            let told = match content.strip_prefix(EXIF) {
                Some(tiff) => exif::read(tiff),
                None => exif::read_xmp(content),
            };
            traces.add(told);
            match told.orientation {
                0 => Some(()),
                turned => segment(marker, &[EXIF, &exif::turned(turned)], keep),
            }
        }
        _ => {
            traces.words = true;
            Some(())
        }
    }
}

/// Hands on a segment of these parts.
fn segment(marker: u8, parts: &[&[u8]], keep: Keep<'_>) -> Option<()> {
    let bytes: usize = parts.iter().map(|part| part.len()).sum();
    let [high, low] = u16::try_from(bytes + 2).ok()?.to_be_bytes();
    keep(&[0xff, marker, high, low]);
    parts.iter().for_each(|part| keep(part));
    Some(())
}

/// How many bytes of a scan there are until the next marker; restarts are part of it.
fn scan_bytes(rest: &[u8]) -> Option<usize> {
    let is_marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7 | 0xff);
    rest.windows(2).position(is_marker)
}
