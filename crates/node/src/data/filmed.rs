//! A film of hand-made boxes that says where it was taken, for tests.

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u32::try_from(content.len() + 8).expect("short");
    [&length.to_be_bytes()[..], kind, &content].concat()
}

fn numbers(all: &[u32]) -> Vec<u8> {
    all.iter().flat_map(|it| it.to_be_bytes()).collect()
}

/// One of one picture, with a place in words.
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
