//! The chunks of a WebP (RFC 9649).

use super::cursor::take;
use super::exif::{self, Traces};

/// The bits of the header of an extended file that say that there is EXIF, and XMP.
const FLAG_EXIF: u8 = 0x08;
const FLAG_XMP: u8 = 0x04;

/// The bytes of that header: the flags, and the size of the canvas.
const HEADER_BYTES: usize = 10;

/// Chunks that say how the picture is shown.
const SHOWN: [&[u8; 4]; 7] = [
    b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"VP8 ", b"VP8L", b"VP8X",
];

/// The picture without what it says, which is added to `traces`. What follows its end is left out.
pub(super) fn without(picture: &[u8], traces: &mut Traces) -> Option<Vec<u8>> {
    let mut rest = picture.strip_prefix(b"RIFF")?;
    let length = u32::from_le_bytes(*take(&mut rest, 4)?.first_chunk()?);
    let mut rest = rest.get(..usize::try_from(length).ok()?)?;
    rest = rest.strip_prefix(b"WEBP")?;
    let (mut body, mut header) = (b"WEBP".to_vec(), None);
    let mut turned = None;
    while !rest.is_empty() {
        let start = rest;
        let kind: &[u8; 4] = take(&mut rest, 4)?.first_chunk()?;
        let length = u32::from_le_bytes(*take(&mut rest, 4)?.first_chunk()?);
        let length = usize::try_from(length).ok()?;
        let content = take(&mut rest, length)?;
        // Chunks begin at even places.
        take(&mut rest, length % 2)?;
        match kind {
            b"EXIF" => {
                let told = exif::read(content.strip_prefix(b"Exif\0\0").unwrap_or(content));
                traces.add(told);
                turned = Some(told.orientation).filter(|orientation| *orientation != 0);
            }
            _ if SHOWN.contains(&kind) => {
                if kind == b"VP8X" {
                    content.first_chunk::<HEADER_BYTES>()?;
                    header = Some(body.len() + 8);
                }
                body.extend(&start[..start.len() - rest.len()]);
            }
            _ => traces.add(exif::read_xmp(content)),
        }
    }
    if let Some(flags) = header.and_then(|at| body.get_mut(at)) {
        *flags &= !(FLAG_EXIF | FLAG_XMP);
        if let Some(orientation) = turned {
            *flags |= FLAG_EXIF;
            body.extend(chunk(b"EXIF", &exif::turned(orientation)));
        }
    }
    let length = u32::try_from(body.len()).ok()?.to_le_bytes();
    Some([b"RIFF", &length[..], &body].concat())
}

/// A chunk, filled up to an even length.
pub(super) fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
    let mut chunk = kind.to_vec();
    chunk.extend(length.to_le_bytes());
    chunk.extend(content);
    chunk.resize(chunk.len() + content.len() % 2, 0);
    chunk
}
