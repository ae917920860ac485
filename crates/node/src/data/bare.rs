//! Pictures and films without what they say beside their pixels: copies that are shared in place of files that lie elsewhere, `blobs/bare/<hash>`.
//!
//! A copy is called by the hash of its content and never changes, so all of them are dated 1970: whoever makes one again makes the very same. One that is lost
//! is made again.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use kith_core::data::traces::boxes::{self, HELD_BYTES_MAX, Plan, Walk};
use kith_core::data::traces::{self, Traces};
use kith_core::ids::BlobHash;

use crate::data::disk::{has_room, is_identical};
use crate::data::hash::{self, Stamp};
use crate::data::outboard::hex;
use crate::data::range::Blob;

/// The largest picture that is looked through in memory or made small, in bytes: more than any camera writes. What is made of boxes may be larger: it stays on the disk.
pub const PICTURE_BYTES_MAX: u64 = 128 << 20;

/// How many bytes of pictures are held in memory at once, on however many cores: the largest one alone, so that a scan of thousands of small
/// ones stays fast and one of large ones takes no more memory than sharing anything else.
static ROOM: Room = Room::new(PICTURE_BYTES_MAX);

/// How much of a film is copied at once, in bytes.
const PIECE_BYTES: usize = 1 << 20;

/// What of a film may be in memory, in bytes: its tables, and where its parts lie by them.
const FILM_BYTES_MAX: u64 = 2 * HELD_BYTES_MAX;

/// How much of the disk a copy of a film leaves free, in bytes: the database and what arrives lie there as well.
const LEFT_FREE_BYTES: u64 = 256 << 20;

/// How many first bytes say of what kind a file is.
const KIND_BYTES: u64 = 12;

/// A picture or a film. There is room in memory for so many at once: whoever holds one waits for nobody who may want another.
#[derive(Debug)]
pub struct Picture {
    held: Held,
    /// What its file holds, where that was looked at.
    lying: Option<BlobHash>,
    _taken: Taken,
}

/// What of it is in memory.
#[derive(Debug)]
enum Held {
    /// All.
    Whole(Vec<u8>),
    /// What is written over in it, if all is known of it; it is made of boxes, and lies there.
    Boxes(File, u64, Option<Plan>),
}

impl Picture {
    /// Reads one, as soon as there is room for it; `None` for what is larger than [`PICTURE_BYTES_MAX`] and not made of boxes. It must stay as it is
    /// while this is used.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(mut file: &File) -> io::Result<Option<Self>> {
        let size = file.metadata()?.len();
        let mut first = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.take(KIND_BYTES).read_to_end(&mut first)?;
        let is_of_boxes = boxes::begins(&first);
        if size > PICTURE_BYTES_MAX && !is_of_boxes {
            return Ok(None);
        }
        let (taken, held) = if is_of_boxes {
            let taken = ROOM.take(size.min(FILM_BYTES_MAX));
            let plan = plan(file, size)?;
            (taken, Held::Boxes(file.try_clone()?, size, plan))
        } else {
            let taken = ROOM.take(size);
            let mut bytes = Vec::new();
            file.seek(SeekFrom::Start(0))?;
            file.take(size).read_to_end(&mut bytes)?;
            (taken, Held::Whole(bytes))
        };
        Ok(Some(Self {
            held,
            lying: None,
            _taken: taken,
        }))
    }

    /// Reads the one at `path`, which holds `blob`.
    ///
    /// # Errors
    /// As [`Picture::read`], by the size of `blob`; [`io::ErrorKind::ResourceBusy`] when the file is not `blob` any more.
    pub fn lying(path: &Path, blob: &Blob) -> io::Result<Option<Self>> {
        let file = hash::open_in_place(path)?;
        let before = Stamp::of(&file.metadata()?);
        let read = Self::read(&file)?;
        if read.is_none() && blob.size > PICTURE_BYTES_MAX {
            return Ok(None);
        }
        let mut picture = read.ok_or_else(hash::changing)?;
        let holds = picture.hash()?;
        // Of a film in parts: what is written over is read after it all was, and that is read once more while it is copied.
        if let Held::Boxes(file, size, of) = &mut picture.held {
            *of = plan(file, *size)?;
        }
        if holds != blob.hash || Stamp::of(&file.metadata()?) != before {
            return Err(hash::changing());
        }
        picture.lying = Some(holds);
        Ok(Some(picture))
    }

    /// By this thread alone: one that waited for others here might be given another picture to read meanwhile, for which there is no room.
    fn hash(&self) -> io::Result<BlobHash> {
        let mut hasher = blake3::Hasher::new();
        match &self.held {
            Held::Whole(bytes) => {
                hasher.update(bytes);
            }
            Held::Boxes(file, size, _) => each_piece(file, *size, |_, piece| {
                hasher.update(piece);
                Ok(())
            })?,
        }
        Ok(BlobHash(*hasher.finalize().as_bytes()))
    }

    /// What it says beside its pixels; `None` for what is of no known kind that is whole.
    pub fn traces(&self) -> Option<Traces> {
        match &self.held {
            Held::Whole(bytes) => traces::find(bytes),
            Held::Boxes(.., plan) => plan.as_ref().map(|plan| plan.traces),
        }
    }

    /// Writes it without what it says, and gives what was written; `None` for what is of no known kind that is whole: nobody knows what
    /// is in it.
    ///
    /// # Errors
    /// What reading and writing say.
    pub fn write_bare(&self, to: impl Write) -> io::Result<Option<Blob>> {
        let (mut to, mut written) = (BufWriter::new(to), Ok(()));
        let (mut hasher, mut size) = (blake3::Hasher::new(), 0);
        let mut write = |part: &[u8]| {
            hasher.update(part);
            size += part.len() as u64;
            to.write_all(part)
        };
        let is_known = match &self.held {
            Held::Whole(bytes) => {
                let stripped = traces::strip_to(bytes, &mut |part| {
                    if written.is_ok() {
                        written = write(part);
                    }
                });
                stripped.is_some()
            }
            Held::Boxes(file, bytes, Some(plan)) => {
                let mut original = blake3::Hasher::new();
                each_piece(file, *bytes, |at, piece| {
                    original.update(piece);
                    plan.apply(at, piece);
                    write(piece)
                })?;
                let copied = BlobHash(*original.finalize().as_bytes());
                if self.lying.is_some_and(|lying| lying != copied) {
                    return Err(hash::changing());
                }
                true
            }
            Held::Boxes(.., None) => false,
        };
        written.and_then(|()| to.flush())?;
        let hash = BlobHash(*hasher.finalize().as_bytes());
        Ok(is_known.then_some(Blob { hash, size }))
    }

    /// Writes it without what it says where it lies, in `file`, and gives its size; `None` as [`Picture::write_bare`].
    ///
    /// # Errors
    /// What reading and writing say; the file is of no use then.
    pub fn write_in_place(&self, mut file: &File) -> io::Result<Option<u64>> {
        match &self.held {
            Held::Whole(_) => {
                file.set_len(0)?;
                file.seek(SeekFrom::Start(0))?;
                Ok(self.write_bare(file)?.map(|bare| bare.size))
            }
            Held::Boxes(_, size, Some(plan)) => {
                let mut before = Vec::new();
                each_piece(file, *size, |at, piece| {
                    before.clear();
                    before.extend_from_slice(piece);
                    plan.apply(at, piece);
                    if before != piece {
                        file.seek(SeekFrom::Start(at))?;
                        file.write_all(piece)?;
                    }
                    Ok(())
                })?;
                Ok(Some(*size))
            }
            Held::Boxes(.., None) => Ok(None),
        }
    }
}

/// What is written over in a file of boxes.
fn plan(mut file: &File, size: u64) -> io::Result<Option<Plan>> {
    let (mut walk, mut bytes) = (Walk::new(size), Vec::new());
    while let Some(wanted) = walk.wants() {
        bytes.clear();
        file.seek(SeekFrom::Start(wanted.start))?;
        file.take(wanted.end - wanted.start)
            .read_to_end(&mut bytes)?;
        walk.give(&bytes);
    }
    Ok(walk.plan())
}

/// Hands on the first so many bytes of a file, by pieces and where they stand. One that has become shorter is changing.
fn each_piece(
    mut file: &File,
    size: u64,
    mut hand: impl FnMut(u64, &mut [u8]) -> io::Result<()>,
) -> io::Result<()> {
    let (mut piece, mut at) = (Vec::new(), 0);
    while at < size {
        piece.clear();
        file.seek(SeekFrom::Start(at))?;
        let bytes = (size - at).min(PIECE_BYTES as u64);
        file.take(bytes).read_to_end(&mut piece)?;
        if piece.len() as u64 != bytes {
            return Err(hash::changing());
        }
        hand(at, &mut piece)?;
        at += bytes;
    }
    Ok(())
}

/// Room in memory, in bytes.
#[derive(Debug)]
struct Room {
    free: Mutex<u64>,
    freed: Condvar,
}

/// Some of the room that there is for all; given back when it is dropped.
#[derive(Debug)]
struct Taken {
    of: &'static Room,
    bytes: u64,
}

impl Room {
    const fn new(bytes: u64) -> Self {
        Self {
            free: Mutex::new(bytes),
            freed: Condvar::new(),
        }
    }

    /// Waits until so much is free, which is no more than there is.
    fn take(&'static self, bytes: u64) -> Taken {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let free = self.freed.wait_while(free, |free| *free < bytes);
        *free.unwrap_or_else(PoisonError::into_inner) -= bytes;
        Taken { of: self, bytes }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let free = self.of.free.lock();
        *free.unwrap_or_else(PoisonError::into_inner) += self.bytes;
        self.of.freed.notify_all();
    }
}

/// The folder of copies.
#[derive(Clone, Debug)]
pub struct BarePictures {
    folder: PathBuf,
}

impl BarePictures {
    /// Uses `folder`, which is made with the first copy.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Keeps a picture without what it says; it gets its name when it is written whole. Durable only after a [`crate::data::barrier`]. Gives
    /// its hash; `None` as [`Picture::write_bare`].
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::StorageFull`], where a film would fill the disk.
    pub fn save(&self, picture: &Picture) -> io::Result<Option<BlobHash>> {
        fs::create_dir_all(&self.folder)?;
        if let Held::Boxes(_, bytes, Some(_)) = &picture.held
            && !has_room(&self.folder, bytes.saturating_add(LEFT_FREE_BYTES))?
        {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = tempfile::NamedTempFile::new_in(&self.folder)?;
        let Some(bare) = picture.write_bare(file.as_file())? else {
            return Ok(None);
        };
        file.as_file().set_modified(UNIX_EPOCH)?;
        let path = self.path(&bare.hash);
        // One that is whole stays what it was to whoever reads it.
        if !is_identical(&path, &bare)? {
            file.persist(path)?;
        }
        Ok(Some(bare.hash))
    }

    /// Where the copy of this content is, or would be.
    pub fn path(&self, hash: &BlobHash) -> PathBuf {
        self.folder.join(hex(hash))
    }

    /// Removes what is no longer of use: copies that `is_used` does not name, and what a process that ended left half written. How
    /// many were removed. Nobody may save one meanwhile.
    ///
    /// # Errors
    /// What the system says, or `is_used`; the rest stays for the next time then.
    pub fn sweep(&self, is_used: impl Fn(&BlobHash) -> io::Result<bool>) -> io::Result<u64> {
        let mut removed = 0;
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(removed),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let hash = name
                .to_str()
                .and_then(|hex| blake3::Hash::from_hex(hex).ok());
            if let Some(hash) = hash
                && is_used(&BlobHash(*hash.as_bytes()))?
            {
                continue;
            }
            fs::remove_file(entry.path())?;
            removed += 1;
        }
        Ok(removed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::filmed;

    /// A JPEG around no pixels, with this comment.
    fn commented(comment: u8) -> Vec<u8> {
        let mut picture = b"\xff\xd8\xff\xfe\0\x03".to_vec();
        picture.push(comment);
        picture.extend(b"\xff\xda\0\x02");
        picture.extend([comment, 0xff, 0xd9]);
        picture
    }

    fn picture(folder: &Path, bytes: &[u8]) -> Picture {
        let path = folder.join("picture");
        fs::write(&path, bytes).expect("written");
        let file = File::open(path).expect("there");
        Picture::read(&file).expect("read").expect("small")
    }

    #[test]
    fn a_copy_made_twice_is_one_file_that_has_not_changed() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let pictures = BarePictures::new(folder.path().join("bare"));
        let stamp = |hash| {
            let metadata = fs::metadata(pictures.path(hash));
            Stamp::of(&metadata.expect("there"))
        };
        let picture = picture(folder.path(), &commented(1));
        let save = || pictures.save(&picture).expect("saved").expect("a picture");
        let first = save();
        let before = stamp(&first);
        assert_eq!(save(), first);
        assert_eq!(stamp(&first), before);
        assert_eq!(before.mtime_ns, 0);
        let bare = fs::read(pictures.path(&first)).expect("there");
        assert_eq!(Some(bare), traces::strip(&commented(1)));
    }

    #[test]
    fn what_is_not_shared_any_more_is_swept_away() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let pictures = BarePictures::new(folder.path().join("bare"));
        let save = |comment| {
            let saved = pictures.save(&picture(folder.path(), &commented(comment)));
            saved.expect("saved").expect("a picture")
        };
        let (used, unused) = (save(1), save(2));
        fs::write(folder.path().join("bare/.tmpXyz123"), b"half a").expect("written");
        let removed = pictures.sweep(|hash| Ok(*hash == used));
        assert_eq!(removed.expect("swept"), 2);
        assert!(pictures.path(&used).exists() && !pictures.path(&unused).exists());
    }

    #[test]
    fn of_what_is_no_picture_nothing_is_kept() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let pictures = BarePictures::new(folder.path().join("bare"));
        let cut = &commented(1)[..9];
        let saved = pictures.save(&picture(folder.path(), cut));
        assert_eq!(saved.expect("written"), None);
        let left = fs::read_dir(folder.path().join("bare")).expect("there");
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn a_file_that_has_become_another_is_not_taken_for_what_it_was() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("a.jpg");
        fs::write(&path, b"as it is").expect("written");
        let blob = |bytes| Blob {
            hash: hash::hash_bytes(bytes).0,
            size: 8,
        };
        let refused = Picture::lying(&path, &blob(b"as it was")).expect_err("another");
        assert_eq!(refused.kind(), io::ErrorKind::ResourceBusy);
        let read = Picture::lying(&path, &blob(b"as it is")).expect("the same");
        assert!(read.is_some());
        let file = File::options().write(true).open(&path).expect("there");
        file.set_len(PICTURE_BYTES_MAX + 1).expect("no room taken");
        let refused = Picture::lying(&path, &blob(b"as it is")).expect_err("too large by now");
        assert_eq!(refused.kind(), io::ErrorKind::ResourceBusy);
    }

    #[test]
    fn a_film_that_changes_while_it_is_copied_is_not_kept() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let pictures = BarePictures::new(folder.path().join("bare"));
        let path = folder.path().join("film.mov");
        let film = filmed::with_place(b"+52.5200+013.4050/", b"pixels");
        fs::write(&path, &film).expect("written");
        let (hash, _) = hash::hash_bytes(&film);
        let size = film.len() as u64;
        let picture = Picture::lying(&path, &Blob { hash, size });
        let picture = picture.expect("the same").expect("a film");
        assert!(picture.traces().is_some_and(|told| told.place));
        // As long as before, with a place where there was none.
        let other = filmed::with_place(b"+00.0000+000.0000/", b"+52.52");
        assert_eq!(other.len(), film.len());
        fs::write(&path, &other).expect("written");
        let refused = pictures.save(&picture).expect_err("another");
        assert_eq!(refused.kind(), io::ErrorKind::ResourceBusy);
        let left = fs::read_dir(folder.path().join("bare")).expect("there");
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn a_film_is_bare_in_place_as_it_is_in_a_copy() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let pictures = BarePictures::new(folder.path().join("bare"));
        let film = filmed::with_place(b"+52.5200+013.4050/", &vec![7; 3 << 20]);
        let picture = picture(folder.path(), &film);
        let copy = pictures.save(&picture).expect("saved").expect("a film");
        let path = folder.path().join("picture");
        let mut options = File::options();
        let file = options.read(true).write(true).open(&path).expect("there");
        let size = picture.write_in_place(&file).expect("written");
        assert_eq!(size, Some(film.len() as u64));
        let bare = fs::read(&path).expect("there");
        assert!(fs::read(pictures.path(&copy)).expect("there") == bare);
        assert!(traces::strip(&film).is_some_and(|it| it == bare) && film != bare);
    }

    #[test]
    fn no_more_is_held_at_once_than_there_is_room_for_and_all_come_to_their_turn() {
        static ROOM: Room = Room::new(100);
        static HELD: Mutex<(u64, u64)> = Mutex::new((0, 0));
        std::thread::scope(|scope| {
            for number in 0..40_u64 {
                scope.spawn(move || {
                    let bytes = 1 + 99 * (number % 2);
                    let _taken = ROOM.take(bytes);
                    {
                        let mut held = HELD.lock().expect("no panic");
                        held.0 += bytes;
                        held.1 = held.1.max(held.0);
                    }
                    std::thread::yield_now();
                    HELD.lock().expect("no panic").0 -= bytes;
                });
            }
        });
        let (held, most) = *HELD.lock().expect("no panic");
        assert!(held == 0 && most <= 100, "{most}");
    }
}
