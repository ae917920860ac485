//! Those who take part, one file for each.

pub(crate) mod aria2;
pub(crate) mod bare;
pub(crate) mod kith;
pub(crate) mod libtorrent;
pub(crate) mod rsync;
pub(crate) mod sendme;
pub(crate) mod syncthing;
pub(crate) mod tracker;
pub(crate) mod transmission;
