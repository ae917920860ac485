//! What pictures say beside their pixels: told before they are shared, and left out of those that are put bare into an album.
//!
//! Files that are shared where they lie are never changed; a bare share gives others copies in their place ([`NewShare::bare`](crate::content::NewShare)).

use std::path::PathBuf;

use super::albums::{AlbumError, Upload, blocking};
use super::handle::Contents;
use crate::data::TracesFound;
use crate::data::bare::Picture;
use crate::error::Error;

impl Contents {
    /// What the pictures at some paths, and in folders beneath, say beside their pixels. Links are not followed.
    ///
    /// # Errors
    /// [`Error::Io`] for one of these paths that is not there. What lies beneath and cannot be read is counted.
    pub async fn traces(&self, paths: Vec<PathBuf>) -> Result<TracesFound, Error> {
        let looked = tokio::task::spawn_blocking(move || TracesFound::at(paths)).await;
        let looked = looked.map_err(|_| Error::Closed)?;
        looked.map_err(|error| Error::io("cannot look at the pictures", error))
    }
}

impl Upload {
    /// Leaves out what a picture says beside its pixels.
    ///
    /// # Errors
    /// [`AlbumError::NotBare`] for what is no picture or film of a known kind that is whole: nobody knows what is in it, so it does not get into the album.
    pub async fn bare(mut self) -> Result<Self, AlbumError> {
        blocking(move || {
            let name = || AlbumError::NotBare(self.place.names.join("/"));
            let file = self.file.as_file();
            let picture = Picture::read(file)?.ok_or_else(name)?;
            self.bytes = picture.write_in_place(file)?.ok_or_else(name)?;
            Ok(self)
        })
        .await
    }
}
