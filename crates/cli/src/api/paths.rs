//! Paths of this machine, as requests name them.

use std::path::Path;

use crate::failure::Failure;

/// Whether a path means the same to whoever asks and to the node: it begins at the root. Where the node was started is nobody's business.
///
/// # Errors
/// A mistake of the caller's, where it does not.
pub(super) fn check(path: &Path) -> Result<(), Failure> {
    match path.is_absolute() {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "{:?} is no absolute path: give all of it, from the root on",
            path.display().to_string()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_begins_at_the_root_is_a_path() {
        assert!(check(Path::new("/srv/pictures")).is_ok());
        for relative in [
            "",
            ".",
            "pictures",
            "./pictures",
            "../pictures",
            "~/pictures",
        ] {
            let refused = check(Path::new(relative)).expect_err(relative);
            assert!(refused.to_string().contains("absolute"), "{refused}");
        }
    }
}
