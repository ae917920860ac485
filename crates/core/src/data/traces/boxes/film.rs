//! The tracks of a film (ISO 14496-12, section 8; Apple's QuickTime File Format).
//!
//! Pictures and sound stay. Tracks of other kinds do not: places and movements of the camera, times, texts. Of what describes those that stay all is known
//! that is needed to show them, and the rest becomes free.

use super::super::exif::Traces;
use super::apart::Lying;
use super::part::{Part, only, parts};
use super::rules::{Rule, Rules, free, kept, tidy};
use super::samples::{self, CHUNKS_MAX};

/// The most tracks that are looked at: cameras write a handful.
const TRACKS_MAX: usize = 64;

const FILM: Rules = &[
    (b"mvhd", Rule::Times),
    (b"trak", Rule::Inside(0, TRACK)),
    // Where parts come in fragments, these say where they are.
    (b"mvex", Rule::Refuse),
];

const TRACK: Rules = &[
    (b"tkhd", Rule::Times),
    (b"edts", Rule::Inside(0, &[(b"elst", Rule::Keep)])),
    (b"tapt", Rule::Inside(0, &kept([b"clef", b"prof", b"enof"]))),
    (b"load", Rule::Keep),
    (
        b"mdia",
        Rule::Inside(
            0,
            &[
                (b"mdhd", Rule::Times),
                (b"hdlr", Rule::Handler),
                (b"elng", Rule::Keep),
                (b"minf", Rule::Inside(0, MEDIA)),
            ],
        ),
    ),
];

const MEDIA: Rules = &[
    (b"vmhd", Rule::Keep),
    (b"smhd", Rule::Keep),
    (b"hdlr", Rule::Handler),
    (b"dinf", Rule::Inside(0, &[(b"dref", Rule::References)])),
    (b"stbl", Rule::Inside(0, TABLES)),
];

const TABLES: Rules = &[
    (b"stsd", Rule::Keep),
    (b"stts", Rule::Keep),
    (b"ctts", Rule::Keep),
    (b"cslg", Rule::Keep),
    (b"stss", Rule::Keep),
    (b"stps", Rule::Keep),
    (b"sdtp", Rule::Keep),
    (b"stsc", Rule::Keep),
    (b"stsz", Rule::Keep),
    (b"stco", Rule::Keep),
    (b"co64", Rule::Keep),
    (b"sgpd", Rule::Keep),
    (b"sbgp", Rule::Keep),
    // What is enciphered has more among the pictures than they.
    (b"saio", Rule::Refuse),
    (b"saiz", Rule::Refuse),
    (b"senc", Rule::Refuse),
];

/// How pictures are coded; each is described in 78 bytes and boxes. What can have more beside its pixels, such as JPEG, is not among them.
const PICTURES: [&[u8; 4]; 16] = [
    b"avc1", b"avc3", b"hvc1", b"hev1", b"dvh1", b"dvhe", b"av01", b"vp08", b"vp09", b"mp4v",
    b"s263", b"apch", b"apcn", b"apcs", b"apco", b"ap4h",
];

const VISUAL_BYTES: usize = 78;

const VISUAL: Rules = &kept([
    b"avcC", b"hvcC", b"lhvC", b"av1C", b"vpcC", b"dvcC", b"dvvC", b"dvwC", b"d263", b"esds",
    b"colr", b"pasp", b"clap", b"fiel", b"gama", b"chrm", b"btrt", b"mdcv", b"clli", b"SmDm",
    b"CoLL", b"amve",
]);

/// How sound is coded: those kinds of which a table says how long each sample is.
const SOUNDS: [&[u8; 4]; 8] = [
    b"mp4a", b"alac", b"ac-3", b"ec-3", b"Opus", b"fLaC", b"samr", b"sawb",
];

/// In how many bytes each is described before its boxes, by the version of that (QuickTime File Format, "Sound sample descriptions").
const SOUND_BYTES: [usize; 3] = [28, 44, 64];

const AUDIO: Rules = &[
    (b"esds", Rule::Keep),
    (
        b"wave",
        Rule::Inside(0, &kept([b"frma", b"mp4a", b"alac", b"esds", b"\0\0\0\0"])),
    ),
    (b"chan", Rule::Keep),
    (b"chnl", Rule::Keep),
    (b"alac", Rule::Keep),
    (b"dac3", Rule::Keep),
    (b"dec3", Rule::Keep),
    (b"dOps", Rule::Keep),
    (b"dfLa", Rule::Keep),
    (b"damr", Rule::Keep),
    (b"btrt", Rule::Keep),
];

/// Handlers of tracks that stay: pictures, sequences of them, sound.
const VIDEO: [&[u8; 4]; 2] = [b"vide", b"pict"];
const SOUND: &[u8; 4] = b"soun";

/// Takes out of the content of `moov` what says something, and notes where its parts lie. `None` where it is not known entirely.
pub(super) fn bare(moov: &mut [u8], lying: &mut Lying, traces: &mut Traces) -> Option<()> {
    let boxes = parts(moov, 0..moov.len())?;
    let tracks = boxes.iter().filter(|part| part.kind == *b"trak");
    if tracks.clone().count() > TRACKS_MAX {
        return None;
    }
    for trak in tracks {
        track(moov, *trak, lying, traces)?;
    }
    tidy(moov, 0..moov.len(), (FILM, false), traces)
}

/// Makes a track free that is of another kind, and looks at what describes one that stays.
fn track(moov: &mut [u8], trak: Part, lying: &mut Lying, traces: &mut Traces) -> Option<()> {
    let inside = |part: Part, kind| only(&parts(moov, part.content())?, kind);
    let mdia = inside(trak, b"mdia")?;
    let hdlr = inside(mdia, b"hdlr")?;
    let stbl = inside(inside(mdia, b"minf")?, b"stbl")?;
    let stsd = inside(stbl, b"stsd")?;
    let handler = *moov[hdlr.content()].get(8..)?.first_chunk()?;
    let is_sound = handler == *SOUND;
    let samples = samples::ranges(moov, stbl, is_sound)?;
    if lying.kept.len() + lying.removed.len() + samples.len() > CHUNKS_MAX {
        return None;
    }
    if !is_sound && !VIDEO.contains(&&handler) {
        lying.removed.extend(samples);
        let whole = &mut moov[trak.start..trak.end];
        free(whole, trak.end - trak.content, traces);
        return Some(());
    }
    lying.kept.extend(samples);
    // Its version and how many there are.
    let (start, described) = (stsd.content, stsd.content + 8..stsd.end);
    if *moov.get(start)? != 0 {
        return None;
    }
    for entry in parts(moov, described)? {
        let content = entry.content();
        match is_sound {
            true => sound(moov, entry, traces)?,
            false if PICTURES.contains(&&entry.kind) => {
                let fixed = moov[content.clone()].get_mut(..VISUAL_BYTES)?;
                // Who made the program, and its name.
                fixed[12..16].fill(0);
                fixed[42..74].fill(0);
                let boxes = content.start + VISUAL_BYTES..content.end;
                tidy(moov, boxes, (VISUAL, true), traces)?;
            }
            false => return None,
        }
    }
    Some(())
}

fn sound(moov: &mut [u8], entry: Part, traces: &mut Traces) -> Option<()> {
    let content = entry.content();
    let version = u16::from_be_bytes(*moov[content.clone()].get(8..)?.first_chunk()?);
    let bytes = *SOUND_BYTES.get(usize::from(version))?;
    let fixed = moov[content.clone()].get_mut(..bytes)?;
    fixed[12..16].fill(0);
    if !SOUNDS.contains(&&entry.kind) {
        return None;
    }
    tidy(
        moov,
        content.start + bytes..content.end,
        (AUDIO, true),
        traces,
    )
}
