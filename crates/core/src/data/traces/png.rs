//! The chunks of a PNG (W3C PNG, third edition).

use super::cursor::take;
use super::exif::{self, Traces};

/// What every file begins with.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// Chunks that a decoder may do without, and that say how the picture is shown.
const SHOWN: [&[u8; 4]; 12] = [
    b"acTL", b"bKGD", b"cHRM", b"cICP", b"fcTL", b"fdAT", b"gAMA", b"iCCP", b"pHYs", b"sBIT",
    b"sRGB", b"tRNS",
];

/// The picture without what it says, which is added to `traces`. What follows its end is left out.
pub(super) fn without(picture: &[u8], traces: &mut Traces) -> Option<Vec<u8>> {
    let mut rest = picture.strip_prefix(SIGNATURE)?;
    let mut kept = SIGNATURE.to_vec();
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
                    kept.extend(chunk(b"eXIf", &exif::turned(told.orientation)));
                }
            }
            // Its first letter is large: no decoder does without it.
            _ if kind[0].is_ascii_uppercase() || SHOWN.contains(&kind) => {
                kept.extend(&start[..start.len() - rest.len()]);
            }
            b"tIME" => traces.time = true,
            _ => traces.add(exif::read_xmp(content)),
        }
        if kind == b"IEND" {
            return Some(kept);
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
