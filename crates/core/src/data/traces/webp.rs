//! The chunks of a WebP (RFC 9649).

use super::cursor::{Keep, take};
use super::exif::{self, Traces};

/// The bits of the header of an extended file that say that there is EXIF, and XMP.
const FLAG_EXIF: u8 = 0x08;
const FLAG_XMP: u8 = 0x04;

/// How long that header is, in bytes (section 2.7).
const HEADER_BYTES: usize = 10;

/// What stands before the chunks of a frame of an animation, in bytes (section 2.7.1.1).
const FRAME_BYTES: usize = 16;

/// Chunks that say how the picture is shown (section 2.7).
const SHOWN: [&[u8; 4]; 7] = [
    b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"VP8 ", b"VP8L", b"VP8X",
];

/// The same of one frame of an animation, which may hold chunks of any kind, too.
const FRAME: [&[u8; 4]; 3] = [b"ALPH", b"VP8 ", b"VP8L"];

/// A chunk: its kind, its content, and all of it with the byte that fills it up.
type Chunk<'a> = (&'a [u8; 4], &'a [u8], &'a [u8]);

/// Hands on what stays of the picture, and gives what it says. What follows its end is left out.
pub(super) fn without(picture: &[u8], keep: Keep<'_>) -> Option<Traces> {
    let mut rest = picture.strip_prefix(b"RIFF")?;
    let length = u32::from_le_bytes(*take(&mut rest, 4)?.first_chunk()?);
    let inside = take(&mut rest, usize::try_from(length).ok()?)?;
    let chunks = inside.strip_prefix(b"WEBP")?;
    // It begins with how long it is, and how it is turned stands at its end.
    let mut traces = Traces::default();
    body(chunks, 0, &mut traces, &mut |_| {})?;
    let (turned, mut bytes) = (traces.orientation, b"WEBP".len());
    body(chunks, turned, &mut traces, &mut |part| bytes += part.len())?;
    keep(b"RIFF");
    keep(&u32::try_from(bytes).ok()?.to_le_bytes());
    keep(b"WEBP");
    body(chunks, turned, &mut traces, keep)?;
    traces.words |= !rest.is_empty();
    Some(traces)
}

/// Hands on what stays of the chunks of a file, which is turned so.
fn body(chunks: &[u8], turned: u8, traces: &mut Traces, keep: Keep<'_>) -> Option<()> {
    let mut is_extended = false;
    each(
        chunks,
        &SHOWN,
        traces,
        &mut |(kind, content, all), traces| {
            match kind {
                b"VP8X" => {
                    let mut header: [u8; HEADER_BYTES] = *content.first_chunk()?;
                    header[0] &= !(FLAG_EXIF | FLAG_XMP);
                    header[0] |= if turned == 0 { 0 } else { FLAG_EXIF };
                    is_extended = true;
                    keep(&chunk(kind, &header));
                }
                b"ANMF" => frame(content, traces, keep)?,
                _ => keep(all),
            }
            Some(())
        },
    )?;
    if is_extended && turned != 0 {
        keep(&chunk(b"EXIF", &exif::turned(turned)));
    }
    Some(())
}

/// Hands on what stays of a frame of an animation.
fn frame(content: &[u8], traces: &mut Traces, keep: Keep<'_>) -> Option<()> {
    let (header, chunks) = content.split_at_checked(FRAME_BYTES)?;
    let mut inside = |keep: Keep<'_>| {
        each(chunks, &FRAME, traces, &mut |(_, _, all), _| {
            keep(all);
            Some(())
        })
    };
    let mut bytes = header.len();
    inside(&mut |part| bytes += part.len())?;
    keep(b"ANMF");
    keep(&u32::try_from(bytes).ok()?.to_le_bytes());
    keep(header);
    inside(keep)
}

/// Hands those chunks on that are `shown`, and adds what the others say.
fn each(
    mut rest: &[u8],
    shown: &[&[u8; 4]],
    traces: &mut Traces,
    hand: &mut dyn FnMut(Chunk<'_>, &mut Traces) -> Option<()>,
) -> Option<()> {
    while !rest.is_empty() {
        let start = rest;
        let kind: &[u8; 4] = take(&mut rest, 4)?.first_chunk()?;
        let length = u32::from_le_bytes(*take(&mut rest, 4)?.first_chunk()?);
        let length = usize::try_from(length).ok()?;
        let content = take(&mut rest, length)?;
        // Chunks begin at even places.
        take(&mut rest, length % 2)?;
        match kind {
            _ if shown.contains(&kind) => {
                hand((kind, content, &start[..start.len() - rest.len()]), traces)?;
            }
            b"EXIF" => {
                let tiff = content.strip_prefix(b"Exif\0\0").unwrap_or(content);
                traces.add(exif::read(tiff));
            }
            _ => traces.add(exif::read_xmp(content)),
        }
    }
    Some(())
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
