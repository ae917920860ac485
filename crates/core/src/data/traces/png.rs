//! The chunks of a PNG (W3C PNG, third edition).
//!
//! A chunk whose name begins with a large letter is needed to show the picture. One of these that is not known is in no PNG that is known, so
//! nothing is claimed of it.

use super::cursor::{Keep, take};
use super::exif::{self, Traces};

/// What every file begins with.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The chunks that are needed to show the picture (section 11.2), all of them.
const NEEDED: [&[u8; 4]; 4] = [b"IDAT", b"IEND", b"IHDR", b"PLTE"];

/// Chunks that a decoder may do without, and that say how the picture is shown (section 11.3): transparency, colours, size, background,
/// animation. Not among them: texts, times, `hIST`, and `sPLT`, which has a name.
const SHOWN: [&[u8; 4]; 14] = [
    b"acTL", b"bKGD", b"cHRM", b"cICP", b"cLLI", b"fcTL", b"fdAT", b"gAMA", b"iCCP", b"mDCV",
    b"pHYs", b"sBIT", b"sRGB", b"tRNS",
];

/// Hands on what stays of the picture, and gives what it says. What follows its end is left out.
pub(super) fn without(picture: &[u8], keep: Keep<'_>) -> Option<Traces> {
    let mut rest = picture.strip_prefix(SIGNATURE)?;
    let mut traces = Traces::default();
    keep(SIGNATURE);
    loop {
        let start = rest;
        let length = u32::from_be_bytes(*take(&mut rest, 4)?.first_chunk()?);
        let kind: &[u8; 4] = take(&mut rest, 4)?.first_chunk()?;
        let content = take(&mut rest, usize::try_from(length).ok()?)?;
        take(&mut rest, 4)?;
        match kind {
            b"eXIf" => {
                let told = exif::read(content);
                traces.add(told);
                if told.orientation != 0 {
                    keep(&chunk(b"eXIf", &exif::turned(told.orientation)));
                }
            }
            b"tIME" => traces.time = true,
            _ if NEEDED.contains(&kind) || SHOWN.contains(&kind) => {
                keep(&start[..start.len() - rest.len()]);
            }
            _ if kind[0].is_ascii_uppercase() => return None,
            _ => traces.add(exif::read_xmp(content)),
        }
        if kind == b"IEND" {
            traces.words |= !rest.is_empty();
            return Some(traces);
        }
    }
}

/// A chunk with its checksum.
pub(super) fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let mut chunk = length.to_be_bytes().to_vec();
    chunk.extend(kind);
    chunk.extend(content);
    let sum = crc32(&chunk[4..]);
    chunk.extend(sum.to_be_bytes());
    chunk
}

/// The checksum of a chunk (annex D of PNG); chunks made here are short.
fn crc32(bytes: &[u8]) -> u32 {
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    });
    !sum
}
