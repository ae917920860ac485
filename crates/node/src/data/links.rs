//! The symbolic links of a download, until all else is there: in a file, because a tree may have millions.
//!
//! Records of two texts, the link's path and where it leads, each with its length in front, in four bytes, big-endian. A run begins anew: it
//! walks the tree again.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// The links of a download.
#[derive(Debug)]
pub(super) struct Links(Mutex<BufWriter<File>>);

impl Links {
    /// None so far, in a file at `path`.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let mut options = File::options();
        let file = options.read(true).write(true).create(true).truncate(true);
        Ok(Self(Mutex::new(BufWriter::new(file.open(path)?))))
    }

    /// Keeps one.
    pub(super) fn add(&self, path: &str, target: &str) -> io::Result<()> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for text in [path, target] {
            let length = u32::try_from(text.len()).map_err(io::Error::other)?;
            file.write_all(&length.to_be_bytes())?;
            file.write_all(text.as_bytes())?;
        }
        Ok(())
    }

    /// Makes something of each, in the order in which they came.
    pub(super) fn each<E: From<io::Error>>(
        &self,
        mut make: impl FnMut(&str, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.flush()?;
        let mut reader = file.get_ref();
        reader.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::new(reader);
        while let Some(path) = read(&mut reader)? {
            let target = read(&mut reader)?.ok_or(io::Error::from(ErrorKind::UnexpectedEof))?;
            make(&path, &target)?;
        }
        Ok(())
    }
}

/// The next text; `None` behind the last.
fn read(reader: &mut impl Read) -> io::Result<Option<String>> {
    let mut length = [0; 4];
    match reader.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = u32::from_be_bytes(length);
    let mut text = String::new();
    let read = reader.take(length.into()).read_to_string(&mut text)?;
    match u32::try_from(read) == Ok(length) {
        true => Ok(Some(text)),
        false => Err(ErrorKind::UnexpectedEof.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(links: &Links) -> Vec<(String, String)> {
        let mut all = Vec::new();
        let read = links.each(|path, target| -> io::Result<()> {
            all.push((path.to_owned(), target.to_owned()));
            Ok(())
        });
        read.expect("read");
        all
    }

    #[test]
    fn links_come_back_in_order_and_a_run_begins_with_none() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("links");
        let links = Links::create(&path).expect("created");
        assert_eq!(all(&links), []);
        let kept = [("a/ä", "../b"), ("c", "a")];
        for (path, target) in kept {
            links.add(path, target).expect("kept");
        }
        let kept = kept.map(|(path, target)| (path.to_owned(), target.to_owned()));
        assert_eq!(all(&links), kept);
        drop(links);
        assert_eq!(all(&Links::create(&path).expect("created")), []);
    }

    #[test]
    fn a_file_cut_short_is_an_error() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("links");
        let links = Links::create(&path).expect("created");
        links.add("link", "target").expect("kept");
        links.each(|_, _| io::Result::Ok(())).expect("whole");
        let file = File::options().write(true).open(&path).expect("there");
        file.set_len(10).expect("cut");
        links
            .each(|_, _| io::Result::Ok(()))
            .expect_err("cut short");
    }
}
