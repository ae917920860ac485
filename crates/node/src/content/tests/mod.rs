//! Sharing and fetching from end to end, over streams in memory and folders on the disk.

mod access;
mod copies;
mod faults;
mod fresh;
mod quota;
mod whole;
mod world;
