//! Sharing and fetching from end to end, over streams in memory and folders on the disk.

mod access;
mod faults;
mod whole;
mod world;
