//! Albums: shares whose folder is the node's own, so that files can be put into them that lie nowhere else.
//!
//! An album is an ordinary share of a folder beneath `albums/` of the data directory. A file that is put into it appears under its name when it is
//! whole and durable, and never half; the folder is followed like any other, so a new head comes by itself.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use kith_core::data::head::Head;
use kith_core::data::path::{Names, PathError, check_name, numbered, split};
use kith_core::ids::ShareId;
use tempfile::NamedTempFile;
use thiserror::Error;

use super::handle::Contents;
use super::making::{MyShare, Published};
use crate::content::{NewShare, Recipients, Shares};
use crate::data::disk::is_identical;
use crate::data::hash::hash_file;
use crate::data::range::Blob;
use crate::durable;
use crate::error::Error as NodeError;

/// Where files lie until they are whole: beside the albums, on the same file system, and where no share sees them.
const INCOMING: &str = ".incoming";

/// How many folders or files of one name there may be beside each other; then somebody means something else.
const SAME_NAMES_MAX: usize = 1_000;

/// Held while a file gets its name, so that of two that come at once none takes what the other found free; also where the names differ in case alone,
/// which not every file system tells.
static NAMING: Mutex<()> = Mutex::new(());

/// Why a file was not put into an album, or taken out of it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AlbumError {
    /// Nothing of this name is shared here, or it has no folder of the node's own.
    #[error("{0}")]
    NoAlbum(String),
    /// A name that some system could not have, or that leads elsewhere.
    #[error("the file cannot be called that: {0}")]
    Path(#[from] PathError),
    /// A name that the folder of an album could not have, here or where it is fetched.
    #[error("an album cannot be called that: {0}")]
    Name(PathError),
    /// There is a folder, or something else that is no file, in its place or on the way to it.
    #[error("there is something else in the place of {0:?}")]
    InTheWay(String),
    /// There is no such file.
    #[error("there is no {0:?} in the album")]
    NoFile(String),
    /// What was to be deleted with an album is shared by another name as well.
    #[error("its files are shared as {0:?}, too; take that back first. Nothing was changed")]
    SharedToo(String),
    /// An album was taken back, and not all of it could be deleted.
    #[error("it is not shared any more, but not all of it could be deleted: {0}")]
    NotDeleted(io::Error),
    /// It was to be put in without what pictures say beside their pixels, and nobody knows what it says.
    #[error(
        "{0:?} is no picture or film of a kind that is known entirely (JPEG, PNG, WebP, HEIC, AVIF, MP4 or MOV), so nothing could be left out of it; it was not put into the album"
    )]
    NotBare(String),
    /// The disk is full.
    #[error("there is no space left on the disk for it; make some and try again")]
    NoSpace,
    /// The disk or the file system fails.
    #[error("the album cannot be written: {0}")]
    Io(io::Error),
    /// The node's own failure.
    #[error(transparent)]
    Node(#[from] NodeError),
}

impl From<io::Error> for AlbumError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::Io(error),
        }
    }
}

/// A file on its way into an album. Dropped unfinished, it leaves nothing.
#[derive(Debug)]
pub struct Upload {
    pub(super) file: NamedTempFile,
    shares: Arc<Shares>,
    pub(super) place: Place,
    pub(super) bytes: u64,
}

/// A file that is in an album now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlbumFile {
    /// Its path in the album.
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Whether it was there before, by this name and with this content, so that nothing was added.
    pub already_there: bool,
}

/// Where a file is, or is to be.
#[derive(Debug)]
pub(super) struct Place {
    share: ShareId,
    /// The folder of the album,
    root: PathBuf,
    /// and the names on the way from there.
    pub(super) names: Vec<String>,
    /// Whether the album is bare.
    is_bare: bool,
}

/// Gives a file its name beneath the folder of an album; the names that it has then, and whether it was there before.
type Put = fn(NamedTempFile, &Path, Vec<String>) -> Result<(Vec<String>, bool), AlbumError>;

impl Contents {
    /// Makes an album: an empty folder of the node's own, shared. What is put into a `bare` one is put there without what pictures say beside their
    /// pixels; what is no picture of which that can be left out is refused.
    ///
    /// # Errors
    /// [`AlbumError::Name`] for a name that no folder can have, [`AlbumError::NoSpace`] and [`AlbumError::Io`]; [`AlbumError::Node`] where it
    /// cannot be shared, and there is no folder then.
    pub async fn make_album(
        &self,
        name: &str,
        recipients: Recipients,
        bare: bool,
    ) -> Result<Published, AlbumError> {
        check_name(name).map_err(AlbumError::Name)?;
        let (albums, wanted) = (self.node.home().albums(), name.to_owned());
        let folder = blocking(move || make_folder(&albums, &wanted)).await?;
        let new = NewShare {
            paths: vec![folder.clone()],
            recipients,
            name: Some(name.to_owned()),
            bare,
        };
        let shared = self.share(new).await;
        if shared.is_err() {
            // Empty, as it was made.
            let _ = blocking(move || Ok(fs::remove_dir(folder)?)).await;
        }
        Ok(shared?)
    }

    /// Whether a share is an album.
    pub fn is_album(&self, share: &MyShare) -> bool {
        self.album_folder(share).is_some()
    }

    /// Begins to put a file into an album, under a path written with `/`. [`Upload::add`] and [`Upload::replace`] end it.
    ///
    /// # Errors
    /// [`AlbumError`].
    pub async fn upload(&self, album: &str, path: &str) -> Result<Upload, AlbumError> {
        let place = self.place(album, path).await?;
        let incoming = self.node.home().albums().join(INCOMING);
        let shares = Arc::clone(self.node.shares());
        blocking(move || {
            fs::create_dir_all(&incoming)?;
            let file = tempfile::Builder::new().tempfile_in(&incoming)?;
            Ok(Upload {
                file,
                shares,
                place,
                bytes: 0,
            })
        })
        .await
    }

    /// Takes a file out of an album; it is gone then.
    ///
    /// # Errors
    /// [`AlbumError`].
    pub async fn remove_from_album(&self, album: &str, path: &str) -> Result<(), AlbumError> {
        let Place {
            share, root, names, ..
        } = self.place(album, path).await?;
        let removed = blocking(move || {
            let shown = names.join("/");
            let missing = || AlbumError::NoFile(shown.clone());
            let (file, folder) = (existing(&root, &names)?, names.len() > 1);
            let file = file.ok_or_else(missing)?;
            let is_file = fs::symlink_metadata(&file).is_ok_and(|it| !it.is_dir());
            if !is_file {
                return Err(AlbumError::InTheWay(shown));
            }
            fs::remove_file(&file)?;
            let parent = file.parent().unwrap_or(&root);
            durable::sync_directory(parent)?;
            if folder {
                // Only while nothing else is in it.
                let _ = fs::remove_dir(parent);
            }
            Ok(())
        });
        removed.await?;
        self.node.shares().settle(&share);
        Ok(())
    }

    /// Takes an album back, and deletes its folder with all that was put into it. What others fetched stays theirs.
    ///
    /// # Errors
    /// [`AlbumError::NoAlbum`]; [`AlbumError::SharedToo`], and nothing is changed then; [`AlbumError::NotDeleted`].
    pub async fn delete_album(&self, album: &str) -> Result<Head, AlbumError> {
        let share = self.my_share(album).await?;
        let name = &share.head.name;
        let folder = self.album_folder(&share).filter(|folder| !folder.is_file());
        let folder = folder.ok_or_else(|| {
            AlbumError::NoAlbum(format!(
                "{name:?} is shared where it lies: take it back, and delete its files there"
            ))
        })?;
        let mine = self.blocking(|shares| Ok(shares.mine_in_place()?)).await?;
        let too = mine.iter().find(|other| {
            let mut roots = other.roots.iter();
            let holds = |root: &PathBuf| root.starts_with(&folder) || folder.starts_with(root);
            other.head.share != share.head.share && roots.any(holds)
        });
        if let Some(other) = too {
            return Err(AlbumError::SharedToo(other.head.name.clone()));
        }
        let head = self.unshare(&share.head.share.to_string()).await?;
        let (incoming, id) = (self.node.home().albums().join(INCOMING), share.head.share);
        let deleting = blocking(move || {
            // What is on its way into it finds no place from here on.
            fs::create_dir_all(&incoming)?;
            let gone = incoming.join(id.to_string());
            match fs::rename(&folder, &gone) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                renamed => renamed?,
            }
            durable::sync_directory(folder.parent().unwrap_or(&folder))?;
            Ok(fs::remove_dir_all(gone)?)
        });
        deleting.await.map_err(|error| match error {
            AlbumError::Io(error) => AlbumError::NotDeleted(error),
            error => error,
        })?;
        Ok(head)
    }

    /// Where a file of an album is, or is to be.
    async fn place(&self, album: &str, path: &str) -> Result<Place, AlbumError> {
        let names: Vec<String> = split(path)?.into_iter().map(str::to_owned).collect();
        if names.is_empty() {
            return Err(PathError::Empty.into());
        }
        let share = self.my_share(album).await?;
        let folder = self.album_folder(&share).ok_or_else(|| {
            let name = &share.head.name;
            AlbumError::NoAlbum(format!(
                "{name:?} is shared where it lies, so files are put into its folder and not into an album"
            ))
        })?;
        Ok(Place {
            share: share.head.share,
            root: folder,
            names,
            is_bare: share.bare,
        })
    }

    fn album_folder(&self, share: &MyShare) -> Option<PathBuf> {
        let [root] = share.roots.as_slice() else {
            return None;
        };
        let (albums, parent) = (self.node.home().albums(), root.parent()?);
        let is_one = parent == albums
            || fs::canonicalize(albums).is_ok_and(|albums| parent == albums.as_path());
        is_one.then(|| root.clone())
    }
}

impl Upload {
    /// Appends bytes.
    ///
    /// # Errors
    /// [`AlbumError::NoSpace`] and [`AlbumError::Io`]; nothing of it stays then.
    pub async fn write(
        mut self,
        bytes: impl AsRef<[u8]> + Send + 'static,
    ) -> Result<Self, AlbumError> {
        blocking(move || {
            let bytes = bytes.as_ref();
            self.file.write_all(bytes)?;
            self.bytes += bytes.len() as u64;
            Ok(self)
        })
        .await
    }

    /// Gives the file its name; one that is called so is replaced. Returns once it is durable.
    ///
    /// # Errors
    /// [`AlbumError`]; nothing of it stays then.
    pub async fn replace(self) -> Result<AlbumFile, AlbumError> {
        self.finish(replace).await
    }

    /// Gives the file its name, or one with a number where something else is called so already. One that is there with the same content is
    /// not added again, so that whoever lost the answer may ask once more. Returns once it is durable.
    ///
    /// # Errors
    /// [`AlbumError`]; nothing of it stays then.
    pub async fn add(self) -> Result<AlbumFile, AlbumError> {
        self.finish(add).await
    }

    async fn finish(self, put: Put) -> Result<AlbumFile, AlbumError> {
        let whole = match self.place.is_bare {
            true => self.bare().await?,
            false => self,
        };
        let Self {
            file,
            shares,
            place: Place {
                share, root, names, ..
            },
            bytes,
        } = whole;
        blocking(move || {
            file.as_file().sync_all()?;
            readable(&file)?;
            let naming = NAMING.lock().unwrap_or_else(PoisonError::into_inner);
            let (names, already_there) = put(file, &root, names)?;
            drop(naming);
            let (_, way) = names.split_last().ok_or(PathError::Empty)?;
            durable::sync_directory(&way.iter().fold(root, |place, name| place.join(name)))?;
            shares.settle(&share);
            Ok(AlbumFile {
                path: names.join("/"),
                bytes,
                already_there,
            })
        })
        .await
    }
}

/// Names a file so, in the place of the one that is called so.
fn replace(
    file: NamedTempFile,
    root: &Path,
    names: Vec<String>,
) -> Result<(Vec<String>, bool), AlbumError> {
    let place = make_way(root, &names)?;
    file.persist(&place).map_err(|failed| failed.error)?;
    Ok((names, false))
}

/// Names a file so, or with a number where something else is called so already.
fn add(
    mut file: NamedTempFile,
    root: &Path,
    mut names: Vec<String>,
) -> Result<(Vec<String>, bool), AlbumError> {
    let wanted = names.pop().ok_or(PathError::Empty)?;
    let folder = make_folders(root, &names)?;
    let mut taken = names_in(&folder)?;
    for number in 1..=SAME_NAMES_MAX {
        let name = match number {
            1 => wanted.clone(),
            _ => numbered(&wanted, number),
        };
        if taken.insert(&name).is_err() {
            // What cannot be read is something else.
            if is_there(&file, &folder.join(&name)).unwrap_or(false) {
                names.push(name);
                return Ok((names, true));
            }
            continue;
        }
        match file.persist_noclobber(folder.join(&name)) {
            Ok(_) => {
                names.push(name);
                return Ok((names, false));
            }
            // Another program was quicker.
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => {
                file = failed.file;
            }
            Err(failed) => return Err(failed.error.into()),
        }
    }
    Err(AlbumError::InTheWay(wanted))
}

/// Whether a file with this content is there.
fn is_there(file: &NamedTempFile, there: &Path) -> io::Result<bool> {
    let size = file.as_file().metadata()?.len();
    // Others of the name are hardly ever as long, and so are not read.
    if fs::symlink_metadata(there)?.len() != size {
        return Ok(false);
    }
    let hash = hash_file(file.path())?.hash;
    is_identical(there, &Blob { hash, size })
}

/// A new folder of this name, or of one like it.
fn make_folder(albums: &Path, name: &str) -> Result<PathBuf, AlbumError> {
    fs::create_dir_all(albums)?;
    for number in 1..=SAME_NAMES_MAX {
        let folder = match number {
            1 => name.to_owned(),
            _ => format!("{name} ({number})"),
        };
        if folder == INCOMING || check_name(&folder).is_err() {
            continue;
        }
        match fs::create_dir(albums.join(&folder)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => {
                made?;
                durable::sync_directory(albums)?;
                return Ok(albums.join(folder));
            }
        }
    }
    Err(AlbumError::InTheWay(name.to_owned()))
}

/// Where a file of these names is to be, with folders on the way. No name is taken that differs from one that is there in nothing that counts
/// everywhere.
fn make_way(root: &Path, names: &[String]) -> Result<PathBuf, AlbumError> {
    let (last, way) = names.split_last().ok_or(PathError::Empty)?;
    let folder = make_folders(root, way)?;
    let place = folder.join(last);
    match fs::symlink_metadata(&place) {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => return Err(AlbumError::InTheWay(names.join("/"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => names_in(&folder)?.insert(last)?,
        Err(error) => return Err(error.into()),
    }
    Ok(place)
}

/// The folder of these names, which is made where there is none. No link is followed.
fn make_folders(root: &Path, names: &[String]) -> Result<PathBuf, AlbumError> {
    let mut place = root.to_owned();
    for (depth, name) in names.iter().enumerate() {
        let next = place.join(name);
        match fs::symlink_metadata(&next) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(AlbumError::InTheWay(names[..=depth].join("/"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                names_in(&place)?.insert(name)?;
                fs::create_dir(&next)?;
                durable::sync_directory(&place)?;
            }
            Err(error) => return Err(error.into()),
        }
        place = next;
    }
    Ok(place)
}

/// The names in a folder. A new one must differ from them in more than case and normalisation: a share cannot have both.
fn names_in(folder: &Path) -> Result<Names, AlbumError> {
    let mut names = Names::default();
    for entry in fs::read_dir(folder)? {
        if let Some(name) = entry?.file_name().to_str() {
            // Two that are there already are not a new one's fault.
            let _ = names.insert(name);
        }
    }
    Ok(names)
}

/// Where a file of these names is; `None` where there is none. No link is followed.
fn existing(root: &Path, names: &[String]) -> Result<Option<PathBuf>, AlbumError> {
    let mut place = root.to_owned();
    for (depth, name) in names.iter().enumerate() {
        place.push(name);
        match fs::symlink_metadata(&place) {
            Ok(metadata) if depth + 1 < names.len() && !metadata.is_dir() => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(place))
}

/// A file that people look at in their folder has the permissions of any other, and not those of a temporary one.
#[cfg(unix)]
fn readable(file: &NamedTempFile) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let permissions = fs::Permissions::from_mode(0o644);
    file.as_file().set_permissions(permissions)
}

#[cfg(not(unix))]
fn readable(_: &NamedTempFile) -> io::Result<()> {
    Ok(())
}

/// Runs what waits for the disk, away from the runtime's workers.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, AlbumError> + Send + 'static,
) -> Result<T, AlbumError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| NodeError::Closed)?
}

#[cfg(test)]
mod tests;
