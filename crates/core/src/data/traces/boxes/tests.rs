//! Pictures and films of hand-made boxes: those that say something say nothing without it, and are as long as before; those that lie are refused.

use super::super::exif::{Traces, telling};
use super::super::{find, strip};
use super::apart::Lying;
use super::telling::told_by_exif;
use super::{Walk, film};

const PLACE: &[u8] = b"+52.5200+013.4050/";
const PIXELS: &[u8] = b"all the pixels of it";
const SOUND: &[u8] = b"what was heard";

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u32::try_from(content.len() + 8).expect("short");
    [&length.to_be_bytes()[..], kind, &content].concat()
}

fn numbers(all: &[u32]) -> Vec<u8> {
    all.iter().flat_map(|it| it.to_be_bytes()).collect()
}

fn says(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|it| it == what)
}

/// EXIF as it stands in an item.
fn exif() -> Vec<u8> {
    [b"\0\0\0\x06Exif\0\0".as_slice(), &telling(PLACE)].concat()
}

/// Where something lies in a file: by a name, and after how many bytes.
struct Item<'a> {
    id: u16,
    kind: &'a [u8; 4],
    method: u16,
    extents: Vec<(u32, usize)>,
}

fn meta(items: &[Item<'_>], properties: &[&[u8]], needed: u8, idat: &[u8]) -> Vec<u8> {
    let info = |item: &Item<'_>| {
        let [high, low] = item.id.to_be_bytes();
        let name: &[u8] = match item.kind {
            b"mime" => b"\0application/rdf+xml\0",
            _ => b"named\0",
        };
        boxed(b"infe", &[&[2, 0, 0, 0, high, low, 0, 0], item.kind, name])
    };
    let infos: Vec<u8> = items.iter().flat_map(info).collect();
    let count = u16::try_from(items.len()).expect("few").to_be_bytes();
    let mut iloc = [&[1, 0, 0, 0, 0x44, 0], &count[..]].concat();
    for item in items {
        for short in [item.id, item.method, 0, item.extents.len() as u16] {
            iloc.extend(short.to_be_bytes());
        }
        for (start, length) in &item.extents {
            iloc.extend(numbers(&[*start, *length as u32]));
        }
    }
    let hdlr = [&[0; 8], &b"pict"[..], &[0; 12], b"a program\0"].concat();
    let ipma = [&[0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1], &[0x80 | needed][..]].concat();
    boxed(
        b"meta",
        &[
            &[0; 4],
            &boxed(b"hdlr", &[&hdlr]),
            &boxed(b"pitm", &[&[0, 0, 0, 0, 0, 1]]),
            &boxed(b"iinf", &[&[0; 4], &count, &infos]),
            &boxed(b"iloc", &[&iloc]),
            &boxed(
                b"iprp",
                &[&boxed(b"ipco", properties), &boxed(b"ipma", &[&ipma])],
            ),
            &boxed(b"idat", &[idat]),
            &boxed(b"uuid", &[PLACE]),
        ],
    )
}

fn heic_of(place: impl Fn(u32) -> (Vec<Item<'static>>, u8)) -> Vec<u8> {
    let ftyp = boxed(b"ftyp", &[b"heic\0\0\0\0mif1heic"]);
    let xmp = [b"<exif:GPSLatitude>".as_slice(), PLACE].concat();
    let properties: [&[u8]; 3] = [
        &boxed(b"ispe", &[&[0; 12]]),
        &boxed(b"irot", &[&[1]]),
        &boxed(b"udes", &[PLACE]),
    ];
    let build = |start: u32| {
        let (items, needed) = place(start);
        meta(&items, &properties, needed, &[&b"grid!"[..], &xmp].concat())
    };
    // Its own length does not change by where things lie.
    let start = (ftyp.len() + build(0).len() + 8) as u32;
    let mdat = boxed(b"mdat", &[b"a gap", PIXELS, &exif(), PLACE]);
    let free = boxed(b"free", &[PLACE]);
    [ftyp, build(start), mdat, free].concat()
}

/// A picture of a tile, a grid, EXIF, and XMP, with something in between.
pub(in crate::data::traces) fn a_heic() -> Vec<u8> {
    heic_of(|start| (items(start), 2))
}

fn items(start: u32) -> Vec<Item<'static>> {
    let item = |id, kind, method, extents| Item {
        id,
        kind,
        method,
        extents,
    };
    let pixels = start + 5;
    vec![
        item(1, b"grid", 1, vec![(0, 5)]),
        item(
            2,
            b"hvc1",
            0,
            vec![(pixels, 7), (pixels + 7, PIXELS.len() - 7)],
        ),
        item(
            3,
            b"Exif",
            0,
            vec![(pixels + PIXELS.len() as u32, exif().len())],
        ),
        item(4, b"mime", 1, vec![(5, 18 + PLACE.len())]),
    ]
}

fn header(kind: &[u8; 4], rest: &[u8]) -> Vec<u8> {
    boxed(
        kind,
        &[&[0; 4], &numbers(&[3_800_000_000, 3_800_000_001]), rest],
    )
}

/// A track of two pieces, of one sample and of two.
fn track(handler: &[u8; 4], entry: &[u8], pieces: [u32; 2], sizes: [u32; 3]) -> Vec<u8> {
    let hdlr = [&[0; 8], &handler[..], &[0; 12], b"Core Media\0"].concat();
    let dref = boxed(b"url ", &[&[0, 0, 0, 1]]);
    let dinf = boxed(b"dinf", &[&boxed(b"dref", &[&numbers(&[0, 1]), &dref])]);
    let stbl = boxed(
        b"stbl",
        &[
            &boxed(b"stsd", &[&numbers(&[0, 1]), entry]),
            &boxed(b"stts", &[&numbers(&[0, 1, 3, 40])]),
            &boxed(b"stsc", &[&numbers(&[0, 2, 1, 1, 1, 2, 2, 1])]),
            &boxed(b"stsz", &[&numbers(&[0, 0, 3]), &numbers(&sizes)]),
            &boxed(b"stco", &[&numbers(&[0, 2]), &numbers(&pieces)]),
        ],
    );
    let minf = boxed(b"minf", &[&boxed(b"vmhd", &[&[0; 12]]), &dinf, &stbl]);
    let mdia = boxed(
        b"mdia",
        &[&header(b"mdhd", &[0; 12]), &boxed(b"hdlr", &[&hdlr]), &minf],
    );
    let udta = boxed(b"udta", &[&boxed(b"loci", &[PLACE])]);
    boxed(
        b"trak",
        &[
            &header(b"tkhd", &[0; 72]),
            &mdia,
            &boxed(b"tref", &[&[7; 12]]),
            &udta,
        ],
    )
}

fn visual(kind: &[u8; 4], more: &[u8]) -> Vec<u8> {
    boxed(kind, &[&[0; 42], &[b'x'; 32], &[0; 4], more, &[0; 4]])
}

fn film_of(entry: &[u8], told: &[&[u8]], shift: u32) -> Vec<u8> {
    let ftyp = boxed(b"ftyp", &[b"qt  \0\0\0\0qt  "]);
    let media = [b"gap", PIXELS, b"place ", PLACE, SOUND].concat();
    let mdat = [
        &[0, 0, 0, 1],
        &b"mdat"[..],
        &(16 + media.len() as u64).to_be_bytes(),
        &media,
    ];
    let start = (ftyp.len() + 8 + 16 + 3) as u32 + shift;
    let (pixels, sound) = (PIXELS.len() as u32, SOUND.len() as u32);
    let (telling, heard) = (start + pixels, start + pixels + 6 + PLACE.len() as u32);
    let esds = boxed(b"esds", &[&[0; 8]]);
    let mp4a = boxed(b"mp4a", &[&[0; 28], &esds]);
    let gpmd = boxed(b"gpmd", &[&[0; 8]]);
    let moov = boxed(
        b"moov",
        &[
            &header(b"mvhd", &[0; 80]),
            &track(b"vide", entry, [start, start + 4], [4, 6, pixels - 10]),
            &track(
                b"meta",
                &gpmd,
                [telling, telling + 6],
                [6, 10, PLACE.len() as u32 - 10],
            ),
            &track(b"soun", &mp4a, [heard, heard + 5], [5, 1, sound - 6]),
            &told.concat(),
        ],
    );
    let uuid = boxed(b"uuid", &[b"0123456789abcdef", PLACE]);
    [ftyp, boxed(b"wide", &[]), mdat.concat(), uuid, moov].concat()
}

fn told() -> Vec<Vec<u8>> {
    vec![
        boxed(
            b"udta",
            &[&boxed(b"\xa9xyz", &[b"\0\x12\x15\xc7", PLACE]), &[0; 4]],
        ),
        boxed(
            b"meta",
            &[
                &boxed(b"keys", &[b"mdtacom.apple.quicktime.location.ISO6709"]),
                &boxed(b"ilst", &[PLACE]),
            ],
        ),
    ]
}

/// A film with pictures, sound, a track of places, and words of other kinds.
pub(in crate::data::traces) fn a_film() -> Vec<u8> {
    let told = told();
    let told: Vec<_> = told.iter().map(Vec::as_slice).collect();
    film_of(&visual(b"hvc1", &boxed(b"hvcC", &[b"tables"])), &told, 0)
}

#[test]
fn without_what_they_say_they_are_as_long_and_show_the_same() {
    for (file, kept, orientation) in [
        (a_heic(), vec![PIXELS, b"grid!", b"application/rdf+xml"], 6),
        (a_film(), vec![PIXELS, SOUND, b"tables"], 0),
    ] {
        let said = find(&file).expect("known");
        assert!(said.place && said.words);
        assert_eq!(said.orientation, orientation);
        let bare = strip(&file).expect("known");
        assert_eq!(bare.len(), file.len());
        for gone in [
            PLACE,
            b"GPS",
            b"+52",
            b"location",
            b"a gap",
            b"named",
            b"Core",
            b"xxxx",
        ] {
            assert!(!says(&bare, gone), "{}", String::from_utf8_lossy(gone));
        }
        for kept in kept {
            let place = |file: &[u8]| file.windows(kept.len()).position(|it| it == kept);
            assert!(place(&file).is_some() && place(&file) == place(&bare));
        }
        let left = find(&bare).expect("known");
        assert_eq!(
            left,
            Traces {
                orientation,
                ..Traces::default()
            }
        );
        assert_eq!(strip(&bare), Some(bare));
    }
    let film = find(&a_film()).expect("known");
    assert!(film.time && !film.camera);
    assert!(find(&a_heic()).expect("known").camera);
}

#[test]
fn each_way_to_say_a_place_is_found_by_itself() {
    let places = |told: &[u8]| {
        let mut moov = [header(b"mvhd", &[0; 80]), told.to_vec()].concat();
        let (mut lying, mut traces) = (Lying::default(), Traces::default());
        film::bare(&mut moov, &mut lying, &mut traces).expect("known");
        traces.place
    };
    for told in told() {
        assert!(places(&told));
    }
    assert!(places(&boxed(b"loci", &[&[0; 20]])));
    assert!(places(&boxed(b"uuid", &[b"<exif:GPSLatitude>"])));
    assert!(!places(&boxed(
        b"udta",
        &[&boxed(b"\xa9nam", &[b"a name"])]
    )));
}

#[test]
fn what_is_not_known_entirely_is_refused() {
    let is_known = |file: &[u8]| find(file).is_some();
    let with = |more: &[u8]| film_of(&visual(b"avc1", &[]), &[more], 0);
    assert!(is_known(&with(&[])));
    // Fragments; ciphers; pictures of a kind that may say more; an unknown part of how they are coded.
    assert!(!is_known(&with(&boxed(b"mvex", &[]))));
    assert!(!is_known(&[with(&[]), boxed(b"moof", &[&[0; 8]])].concat()));
    assert!(!is_known(&film_of(&visual(b"encv", &[]), &[], 0)));
    assert!(!is_known(&film_of(&visual(b"jpeg", &[]), &[], 0)));
    assert!(!is_known(&film_of(
        &visual(b"avc1", &boxed(b"abcd", &[])),
        &[],
        0
    )));
    // Samples that lie before their box, and behind it.
    assert!(!is_known(&film_of(
        &visual(b"avc1", &[]),
        &[],
        u32::MAX - 1000
    )));
    assert!(!is_known(&film_of(&visual(b"avc1", &[]), &[], 1)));
    // Two that contradict each other; one without anything in it; something behind it.
    assert!(!is_known(&[with(&[]), boxed(b"moov", &[])].concat()));
    assert!(!is_known(&boxed(b"ftyp", &[b"qt  \0\0\0\0"])));
    assert!(!is_known(&[with(&[]), b"more".to_vec()].concat()));
    // What a picture needs and nobody knows; EXIF that lies among the pixels, or nowhere.
    assert!(is_known(&heic_of(|start| (items(start), 1))));
    assert!(!is_known(&heic_of(|start| (items(start), 3))));
    // An item of which nobody knows what it is.
    let fourth = |kind: &'static [u8; 4]| {
        heic_of(move |start| {
            let mut items = items(start);
            items[3].kind = kind;
            (items, 2)
        })
    };
    assert!(is_known(&fourth(b"uri ")));
    assert!(!is_known(&fourth(b"jpeg")));
    for moved in [-1_i64, 1 << 20, 1 << 31] {
        let lies = heic_of(|start| {
            let mut items = items(start);
            let at = &mut items[2].extents[0].0;
            *at = u32::try_from(i64::from(*at) + moved).expect("in range");
            (items, 2)
        });
        assert!(!is_known(&lies), "{moved}");
    }
}

#[test]
fn exif_is_found_where_its_offset_is_wrong_and_is_asked_for_where_it_is_not_found() {
    let exif = exif();
    let tiff = &exif[10..];
    for before in [
        &b"\0\0\0\x06Exif\0\0"[..],
        b"\0\0\0\0Exif\0\0",
        b"Exif\0\0",
        b"\0\0\0\x63",
        b"",
    ] {
        let (told, instead) = told_by_exif(&[before, tiff].concat());
        assert!(
            told.place && told.camera && told.orientation == 6,
            "{before:?}"
        );
        assert!(!says(&instead, PLACE));
    }
    assert!(told_by_exif(b"\0\0\0\0of a kind of its own").0.place);
    assert_eq!(told_by_exif(&[0; 40]).0, Traces::default());
    let (_, instead) = told_by_exif(&exif);
    assert!(!told_by_exif(&instead).0.is_any());
}

#[test]
fn every_shorter_file_is_refused_or_known_and_never_a_panic() {
    for file in [a_heic(), a_film()] {
        for end in 0..file.len() {
            if let Some(bare) = strip(&file[..end]) {
                assert!(find(&bare).is_some_and(|left| !left.is_any()));
            }
        }
    }
}

#[test]
fn of_a_film_of_many_gigabytes_a_few_bytes_are_read() {
    // All that lies between the tables and what they are of is never there.
    let (short, far) = (a_film(), 40_u64 << 30);
    let mdat = short
        .windows(4)
        .position(|it| it == b"mdat")
        .expect("there")
        - 4;
    let length = u64::from_be_bytes(*short[mdat + 8..].first_chunk().expect("there"));
    let mut start = short.clone();
    start[mdat + 8..mdat + 16].copy_from_slice(&(length + far).to_be_bytes());
    let tail = mdat as u64 + length;
    let mut walk = Walk::new(short.len() as u64 + far);
    let mut read = 0;
    while let Some(range) = walk.wants() {
        let place = |at: u64| at.checked_sub(far).filter(|at| *at >= tail).unwrap_or(at) as usize;
        let from = place(range.start);
        read += range.end - range.start;
        let end = from + (range.end - range.start) as usize;
        walk.give(&start[from..end]);
    }
    let plan = walk.plan().expect("known");
    assert!(plan.traces.place);
    assert!(read < short.len() as u64 + 200, "{read}");
    // What is in no sample is emptied, however far that is.
    let mut end = *b"nothing here";
    plan.apply(tail + far - 12, &mut end);
    assert_eq!(end, [0; 12]);
}

#[test]
fn what_would_take_all_memory_is_refused() {
    let mut walk = Walk::new(1 << 50);
    walk.give(&boxed(b"ftyp", &[b"heic\0\0\0\0"]));
    assert_eq!(walk.wants(), Some(16..32));
    walk.give(b"\0\0\0\x01moov\0\0\0\xff\0\0\0\0");
    assert_eq!(walk.wants(), None);
    assert_eq!(walk.plan(), None);
}
