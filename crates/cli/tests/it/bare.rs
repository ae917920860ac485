//! Pictures that say where they were taken, on their way to somebody else: real ones, looked at byte by byte on the other side.

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use jpeg_encoder::{ColorType, Encoder};
use kith::core::data::traces;
use serde_json::json;

use crate::door::call;
use crate::events::Events;
use crate::person::{Person, text};
use crate::services::friends;
use crate::web_client::WebClient;

/// What nobody is to read on the other side.
const PLACE: &[u8] = b"52.5200 N, 13.4050 E";

/// XMP that says the same.
const XMP: &[u8] = b"<x:xmpmeta><rdf:Description exif:GPSLatitude=\"52,31.2N\"/></x:xmpmeta>";

fn pixels() -> RgbImage {
    RgbImage::from_fn(48, 32, |x, y| {
        Rgb([x as u8 * 5, y as u8 * 7, (x * y) as u8])
    })
}

/// EXIF in which the picture is turned by 90°, by a camera, and has the directory of a place.
fn exif() -> Vec<u8> {
    let mut tiff = b"II\x2a\0\x08\0\0\0\x03\0".to_vec();
    tiff.extend(b"\x0f\x01\x02\0\x04\0\0\0abc\0");
    tiff.extend(b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0");
    tiff.extend(b"\x25\x88\x04\0\x01\0\0\0\x32\0\0\0");
    tiff.extend([0; 4]);
    tiff.extend(PLACE);
    tiff
}

fn jpeg() -> Vec<u8> {
    let image = pixels();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, 90);
    for content in [
        [b"Exif\0\0".as_slice(), &exif()].concat(),
        [b"http://ns.adobe.com/xap/1.0/\0".as_slice(), XMP].concat(),
    ] {
        encoder
            .add_app_segment(1, content)
            .expect("a small segment");
    }
    encoder
        .encode(image.as_raw(), 48, 32, ColorType::Rgb)
        .expect("encoded");
    // As phones put films behind their pictures.
    bytes.extend(PLACE);
    bytes
}

fn encoded(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let image = DynamicImage::from(pixels());
    image.write_to(&mut bytes, format).expect("encoded");
    bytes.into_inner()
}

/// A PNG with chunks of EXIF, XMP and a comment behind its header.
fn png() -> Vec<u8> {
    const HEADER_END: usize = 33;
    let mut picture = encoded(ImageFormat::Png);
    let xmp = [b"XML:com.adobe.xmp\0\0\0\0\0".as_slice(), XMP].concat();
    let comment = [b"Comment\0".as_slice(), PLACE].concat();
    let mut more = Vec::new();
    for (kind, content) in [(b"eXIf", exif()), (b"iTXt", xmp), (b"tEXt", comment)] {
        more.extend((content.len() as u32).to_be_bytes());
        let body = [kind.as_slice(), &content].concat();
        let sum = body.iter().fold(u32::MAX, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
                (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
            })
        });
        more.extend(&body);
        more.extend((!sum).to_be_bytes());
    }
    picture.splice(HEADER_END..HEADER_END, more);
    picture
}

/// A WebP of the extended kind (RFC 9649), with EXIF and XMP behind its pixels.
fn webp() -> Vec<u8> {
    let simple = encoded(ImageFormat::WebP);
    let mut body = b"WEBP".to_vec();
    let extended = [0x0c, 0, 0, 0, 47, 0, 0, 31, 0, 0];
    for (kind, content) in [
        (b"VP8X", extended.to_vec()),
        (b"EXIF", exif()),
        (b"XMP ", XMP.to_vec()),
    ] {
        body.extend(kind);
        body.extend((content.len() as u32).to_le_bytes());
        body.extend(&content);
        body.resize(body.len() + content.len() % 2, 0);
        if kind == b"VP8X" {
            body.extend(&simple[12..]);
        }
    }
    let length = (body.len() as u32).to_le_bytes();
    [b"RIFF".as_slice(), &length, &body].concat()
}

/// A picture as it is shown, by whatever decodes its kind here.
fn shown(picture: &[u8]) -> Vec<u8> {
    match picture {
        [0xff, 0xd8, ..] => jpeg_decoder::Decoder::new(picture)
            .decode()
            .expect("a JPEG"),
        _ => image::load_from_memory(picture)
            .expect("a picture")
            .into_bytes(),
    }
}

/// That what came says nothing of a place, and shows the very same.
#[track_caller]
fn is_bare(came: &Path, original: &[u8]) {
    let bare = fs::read(came).expect("it came");
    let has = |part: &[u8]| bare.windows(part.len()).any(|it| it == part);
    assert!(!has(PLACE) && !has(b"GPS") && !has(b"xmpmeta"), "{came:?}");
    assert!(!has(b"\x25\x88") || traces::find(&bare).is_some_and(|told| !told.place));
    let told = traces::find(&bare).expect("a picture");
    assert!(!told.is_any(), "{came:?}: {told:?}");
    assert_eq!(told.orientation, 6, "{came:?}");
    assert!(traces::find(original).is_some_and(|told| told.place));
    assert_eq!(shown(&bare), shown(original), "{came:?}");
}

/// Made by libheif and FFmpeg, with a place: in EXIF and XMP, in user data and in QuickTime's keys.
fn of_boxes() -> [(&'static str, &'static [u8]); 2] {
    [
        ("sea.heic", include_bytes!("pictures/sea.heic")),
        ("sea.mov", include_bytes!("pictures/sea.mov")),
    ]
}

/// The same of those: what is different is no more than what they say, and it is as long as before.
#[track_caller]
fn is_bare_of_boxes(came: &Path, original: &[u8]) {
    assert!(traces::find(original).is_some_and(|told| told.place && told.camera));
    let bare = fs::read(came).expect("it came");
    let has = |part: &[u8]| bare.windows(part.len()).any(|it| it == part);
    for gone in [
        &b"GPS"[..],
        b"xmpmeta",
        b"+52.52",
        b"ISO6709",
        b"Camera",
        b"Lavf",
    ] {
        assert!(!has(gone), "{came:?}: {}", String::from_utf8_lossy(gone));
    }
    assert!(traces::find(&bare).is_some_and(|told| !told.is_any()));
    assert_eq!(bare.len(), original.len());
    let different = bare
        .iter()
        .zip(original)
        .filter(|(one, other)| one != other);
    assert!(different.count() < 400, "{came:?}");
    let media = |file: &[u8]| {
        let start = file.windows(4).position(|it| it == b"mdat").expect("there");
        let length = u32::from_be_bytes(*file[start - 4..].first_chunk().expect("there"));
        file[start..start - 4 + length as usize].to_vec()
    };
    let (bare, original) = (media(&bare), media(original));
    // The samples of the film fill theirs; those of the picture are its first 29 bytes, behind the name of the box.
    let samples = match came.extension().is_some_and(|it| it == "heic") {
        true => 33,
        false => original.len(),
    };
    assert!(bare[..samples] == original[..samples]);
}

/// The pictures, by names.
fn pictures() -> [(&'static str, Vec<u8>); 3] {
    [
        ("sea.jpg", jpeg()),
        ("sea.png", png()),
        ("sea.webp", webp()),
    ]
}

async fn fetch(who: &Person, what: &str, to: &str) {
    let out = who.file(to).display().to_string();
    let ran = who.run(&["get", what, "--no-provide", "--out", &out]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[tokio::test]
async fn a_folder_shared_without_places_gives_none_away() {
    let (ann, ben) = friends().await;
    let folder = ann.file("holiday");
    fs::create_dir(&folder).expect("room");
    for (name, picture) in pictures() {
        fs::write(folder.join(name), picture).expect("room");
    }
    for (name, file) in of_boxes() {
        fs::write(folder.join(name), file).expect("room");
    }
    for name in ["film.mp4", "live.heic"] {
        fs::write(folder.join(name), b"\0\0\0\x18ftyp with a place").expect("room");
    }
    let path = folder.display().to_string();
    let ran = ann.run(&["share", &path, "--strip-location"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    for told in ["film.mp4", "live.heic", "picture or film of a known kind"] {
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
    let shared = ann.one(&["shares"]).await;
    assert_eq!(
        (&shared["bare"], &shared["files"], &shared["left_out_count"]),
        (&json!(true), &json!(5), &json!(2))
    );
    fetch(&ben, "ann/holiday", "out").await;
    for (name, picture) in pictures() {
        is_bare(&ben.file("out/holiday").join(name), &picture);
        assert!(fs::read(folder.join(name)).expect("there") == picture);
    }
    for (name, file) in of_boxes() {
        is_bare_of_boxes(&ben.file("out/holiday").join(name), file);
        assert!(fs::read(folder.join(name)).expect("there") == file);
    }
    assert!(!ben.file("out/holiday/film.mp4").exists());

    let mut events = Events::follow(&ann).await;
    fs::write(folder.join("later.jpg"), jpeg()).expect("room");
    events.until_it_says("share_changed", "\"files\":6").await;
    fetch(&ben, "ann/holiday", "again").await;
    is_bare(&ben.file("again/holiday/later.jpg"), &jpeg());
}

#[tokio::test]
async fn an_album_without_places_takes_none_in() {
    let mut ann = Person::new();
    let client = WebClient::enter(&ann.start(&[]).await).await;
    let ben = Person::up().await;
    ben.meet(&ann, "ann", "ben").await;
    let album = json!({ "name": "sea", "bare": true }).to_string();
    let (status, made) = call(&ann, "POST", "/albums", &album).await;
    assert!(
        status.contains("200") && made["bare"] == true,
        "{status} {made}"
    );
    let id = text(&made["share_id"]);
    let mut events = Events::follow(&ann).await;
    let of_boxes = of_boxes().map(|(name, file)| (name, file.to_vec()));
    for (name, picture) in pictures().iter().chain(&of_boxes) {
        let path = format!("/albums/{id}/files/{name}");
        let put = client.change("PUT", &path, picture).await;
        assert_eq!(put.status, 200, "{put:?}");
    }
    let path = format!("/albums/{id}/files/film.mp4");
    let refused = client.change("PUT", &path, b"a film").await;
    assert_eq!(refused.status, 400, "{refused:?}");
    events.until_it_says("share_changed", "\"files\":5").await;
    fetch(&ben, "ann/sea", "out").await;
    for (name, picture) in pictures() {
        is_bare(&ben.file("out/sea").join(name), &picture);
        // Here it lies without, too.
        is_bare(&ann.file("albums/sea").join(name), &picture);
    }
    for (name, file) in &of_boxes {
        is_bare_of_boxes(&ben.file("out/sea").join(name), file);
        is_bare_of_boxes(&ann.file("albums/sea").join(name), file);
    }
}
