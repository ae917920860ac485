//! The wall clock, read in this one place: everything else is handed a [`Time`].

use std::time::{SystemTime, UNIX_EPOCH};

use kith_core::time::Time;

/// What the system's clock says now. It may be wrong, and may jump in either direction; a clock set to before 1970
/// counts as 1970.
pub fn now() -> Time {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Time::default() + since_epoch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_agrees_with_a_file_system() {
        let file = tempfile::NamedTempFile::new().expect("a place for files");
        let written = file.as_file().metadata().expect("there").modified();
        let written = written.expect("file systems tell the time");
        let written = written.duration_since(UNIX_EPOCH).expect("after 1970");
        let difference = std::time::Duration::from_secs(60);
        assert!(now().is_within(Time::default() + written, difference));
    }
}
