//! A film of hand-made boxes, and a JPEG, that say where they were taken, for tests.

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u32::try_from(content.len() + 8).expect("short");
    [&length.to_be_bytes()[..], kind, &content].concat()
}

fn numbers(all: &[u32]) -> Vec<u8> {
    all.iter().flat_map(|it| it.to_be_bytes()).collect()
}

/// A film of one picture, with a place in words.
pub(crate) fn with_place(place: &[u8], pixels: &[u8]) -> Vec<u8> {
    let ftyp = boxed(b"ftyp", &[b"qt  \0\0\0\0qt  "]);
    let hdlr = [&[0; 8], &b"vide"[..], &[0; 13]].concat();
    let (start, size) = (ftyp.len() as u32 + 8, pixels.len() as u32);
    let entry = boxed(b"avc1", &[&[0; 78]]);
    let stbl = boxed(
        b"stbl",
        &[
            &boxed(b"stsd", &[&numbers(&[0, 1]), &entry]),
            &boxed(b"stts", &[&numbers(&[0, 1, 1, 40])]),
            &boxed(b"stsc", &[&numbers(&[0, 1, 1, 1, 1])]),
            &boxed(b"stsz", &[&numbers(&[0, 0, 1, size])]),
            &boxed(b"stco", &[&numbers(&[0, 1, start])]),
        ],
    );
    let minf = boxed(b"minf", &[&boxed(b"vmhd", &[&[0; 12]]), &stbl]);
    let mdia = boxed(b"mdia", &[&boxed(b"hdlr", &[&hdlr]), &minf]);
    let udta = boxed(b"udta", &[&boxed(b"\xa9xyz", &[place])]);
    let moov = boxed(b"moov", &[&boxed(b"trak", &[&mdia]), &udta]);
    [ftyp, boxed(b"mdat", &[pixels]), moov].concat()
}

/// A JPEG around these pixels, turned by 90°, whose EXIF names the directory of a place.
pub(crate) fn jpeg_with_place(place: &[u8], pixels: &[u8]) -> Vec<u8> {
    let exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x02\
        \x01\x12\0\x03\0\0\0\x01\0\x06\0\0\x88\x25\0\x04\0\0\0\x01\0\0\0\x26\0\0\0\0";
    let content = [exif, place].concat();
    let length = u16::try_from(content.len() + 2).expect("short");
    [
        b"\xff\xd8\xff\xe1",
        &length.to_be_bytes()[..],
        &content,
        b"\xff\xda\0\x02",
        pixels,
        b"\xff\xd9",
    ]
    .concat()
}
