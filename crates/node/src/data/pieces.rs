//! Bytes that lie in one piece on the disk and scattered in memory, read and written by as few calls as the system allows.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};

#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::io::Errno;

/// Pieces by one call, at most: Linux's `UIO_MAXIOV`.
#[cfg(any(target_os = "linux", target_os = "android"))]
const SLICES_MAX: usize = 1024;

/// What is read at places.
pub trait Source {
    /// Fills all `pieces`, one behind the other, with what lies at `at` and behind it.
    ///
    /// # Errors
    /// What reading says; [`io::ErrorKind::UnexpectedEof`] where less is there. The pieces hold whatever they do then.
    fn read(&self, at: u64, pieces: &mut [IoSliceMut<'_>]) -> io::Result<()>;
}

impl<S: Source + ?Sized> Source for &S {
    fn read(&self, at: u64, pieces: &mut [IoSliceMut<'_>]) -> io::Result<()> {
        (**self).read(at, pieces)
    }
}

impl Source for [u8] {
    fn read(&self, at: u64, pieces: &mut [IoSliceMut<'_>]) -> io::Result<()> {
        let eof = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let start = usize::try_from(at).map_err(|_| eof())?;
        let mut rest = self.get(start..).ok_or_else(eof)?;
        for piece in pieces {
            let (taken, behind) = rest.split_at_checked(piece.len()).ok_or_else(eof)?;
            piece.copy_from_slice(taken);
            rest = behind;
        }
        Ok(())
    }
}

/// Waits for the disk.
impl Source for File {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn read(&self, at: u64, pieces: &mut [IoSliceMut<'_>]) -> io::Result<()> {
        read_all(at, pieces, |at, pieces| {
            rustix::io::preadv(self, pieces, at)
        })
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn read(&self, mut at: u64, pieces: &mut [IoSliceMut<'_>]) -> io::Result<()> {
        use bao_tree::io::sync::ReadAt as _;
        for piece in pieces {
            self.read_exact_at(at, piece)?;
            at += piece.len() as u64;
        }
        Ok(())
    }
}

/// How a file is read by whoever must not wait for the disk: a thread that serves many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtOnce {
    /// It lies in memory altogether (tmpfs).
    Always,
    /// As far as it lies in the page cache (`RWF_NOWAIT`, preadv2(2)).
    Cached,
    /// Not at all: the file system cannot say (networks, FUSE), nor this system.
    Never,
}

impl AtOnce {
    /// How `file` is. May wait for the disk.
    #[cfg(target_os = "linux")]
    pub fn of(file: &File) -> Self {
        /// `TMPFS_MAGIC` of statfs(2).
        const TMPFS: u64 = 0x0102_1994;
        let mut byte = [0];
        let mut pieces = [IoSliceMut::new(&mut byte)];
        match rustix::io::preadv2(file, &mut pieces, 0, rustix::io::ReadWriteFlags::NOWAIT) {
            Ok(_) | Err(Errno::AGAIN) => Self::Cached,
            Err(_) => match rustix::fs::fstatfs(file) {
                Ok(system) if u64::try_from(system.f_type) == Ok(TMPFS) => Self::Always,
                _ => Self::Never,
            },
        }
    }

    /// How `file` is.
    #[cfg(not(target_os = "linux"))]
    pub fn of(_file: &File) -> Self {
        Self::Never
    }
}

/// A file that is read without waiting for the disk: [`io::ErrorKind::WouldBlock`] where that cannot be.
#[derive(Clone, Copy, Debug)]
pub struct Waitless<'a>(pub &'a File, pub AtOnce);

impl Source for Waitless<'_> {
    fn read(&self, at: u64, pieces: &mut [IoSliceMut<'_>]) -> io::Result<()> {
        match self.1 {
            AtOnce::Always => self.0.read(at, pieces),
            #[cfg(target_os = "linux")]
            AtOnce::Cached => read_all(at, pieces, |at, pieces| {
                rustix::io::preadv2(self.0, pieces, at, rustix::io::ReadWriteFlags::NOWAIT)
            }),
            _ => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

/// Fills `pieces` by as many calls as it takes.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn read_all(
    mut at: u64,
    mut rest: &mut [IoSliceMut<'_>],
    read: impl Fn(u64, &mut [IoSliceMut<'_>]) -> rustix::io::Result<usize>,
) -> io::Result<()> {
    // Empty ones at the front would look like the end of the file.
    IoSliceMut::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        let once = rest.len().min(SLICES_MAX);
        match read(at, &mut rest[..once]) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                at += count as u64;
                IoSliceMut::advance_slices(&mut rest, count);
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Writes pieces one behind the other, from `at` on.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn write(file: &File, mut at: u64, pieces: &[&[u8]]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let mut rest = slices.as_mut_slice();
    // Empty ones at the front would look like a write of nothing.
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match rustix::io::pwritev(file, &rest[..rest.len().min(SLICES_MAX)], at) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(count) => {
                at += count as u64;
                IoSlice::advance_slices(&mut rest, count);
            }
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Writes pieces one behind the other, from `at` on.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) fn write(file: &File, mut at: u64, pieces: &[&[u8]]) -> io::Result<()> {
    use bao_tree::io::sync::WriteAt as _;
    let mut file = file.try_clone()?;
    for piece in pieces {
        file.write_all_at(at, piece)?;
        at += piece.len() as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Reads `lengths` from `at` on.
    fn read(source: impl Source, at: u64, lengths: &[usize]) -> io::Result<Vec<Vec<u8>>> {
        let mut parts: Vec<Vec<u8>> = lengths.iter().map(|length| vec![0; *length]).collect();
        let mut pieces: Vec<_> = parts.iter_mut().map(|it| IoSliceMut::new(it)).collect();
        source.read(at, &mut pieces)?;
        Ok(parts)
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().expect("made");
        file.write_all(bytes).expect("written");
        file
    }

    #[test]
    fn pieces_are_filled_in_order_from_wherever_they_lie() {
        let file = file(b"0123456789");
        let wanted = [&b""[..], b"2", b"", b"345"].map(Vec::from);
        let how = AtOnce::of(&file);
        let read_at_2 = |source: &dyn Source| read(source, 2, &[0, 1, 0, 3]).expect("there");
        assert_eq!(read_at_2(&file), wanted);
        assert_eq!(
            read(&b"0123456789"[..], 2, &[0, 1, 0, 3]).expect("there"),
            wanted
        );
        match how {
            AtOnce::Never => {}
            how => assert_eq!(read_at_2(&Waitless(&file, how)), wanted),
        }
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let file = file(b"0123456789");
        for failed in [
            read(&file, 8, &[2, 1]),
            read(&b"0123456789"[..], 8, &[2, 1]),
            read(&b"0123456789"[..], u64::MAX, &[1]),
        ] {
            let error = failed.expect_err("there is no more");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn who_must_not_wait_reads_nothing_where_the_file_system_cannot_say() {
        let error = read(Waitless(&file(b"0"), AtOnce::Never), 0, &[1]).expect_err("not at once");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn more_pieces_than_one_call_takes_are_read_and_written() {
        let bytes: Vec<u8> = (0..5000_u32).map(|it| it as u8).collect();
        let parts: Vec<&[u8]> = bytes.chunks(2).collect();
        let file = file(b"");
        write(&file, 0, &parts).expect("written");
        let lengths = vec![2; parts.len()];
        assert_eq!(read(&file, 0, &lengths).expect("there").concat(), bytes);
    }
}
