//! Which names may stand in a tree: those that name one file beneath the target, on every system, and nothing else.
//!
//! A manifest comes from somebody else and its names become paths here. So a name is refused, by a named error, when on *any* common
//! system it would leave its folder, mean a device, or mean the same file as another name of the folder. The rules are
//! the same everywhere, so that a tree that one peer accepts is accepted by all of them. Windows' rules are those of
//! "Naming Files, Paths, and Namespaces"; the folding follows APFS and NTFS, which ignore case, and APFS, which ignores normalisation.

use std::collections::BTreeSet;

use thiserror::Error;
use unicode_normalization::UnicodeNormalization as _;

/// The longest name, in bytes of UTF-8: what Linux, macOS and Windows file systems can store.
pub const NAME_BYTES_MAX: usize = 255;

/// The longest target of a symbolic link, in bytes: Linux' `PATH_MAX`.
pub const SYMLINK_BYTES_MAX: usize = 4096;

/// The longest ending of a name that says of which kind a file is, with its dot, in bytes; behind a dot further ahead stands a part of the name.
const ENDING_BYTES_MAX: usize = 16;

/// How deep a tree may be. Deeper ones exceed `PATH_MAX` with names of 30 bytes, and are made by mistakes and attackers.
pub const DEPTH_MAX: usize = 128;

/// Why a name, a path or the target of a link is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PathError {
    /// No characters.
    #[error("a name is empty")]
    Empty,
    /// `.` or `..`.
    #[error("a name is '.' or '..'")]
    Dots,
    /// `/` or `\`.
    #[error("a name contains a path separator")]
    Separator,
    /// A zero byte.
    #[error("a name contains a zero byte")]
    Nul,
    /// `C:` and the like.
    #[error("a name begins with a drive letter")]
    DriveLetter,
    /// `CON`, `NUL`, `COM1` and the like, with or without an extension.
    #[error("a name is reserved on Windows")]
    Reserved,
    /// Dropped silently by Windows.
    #[error("a name ends with a dot or a blank")]
    TrailingDotOrSpace,
    /// Over [`NAME_BYTES_MAX`].
    #[error("a name has more than {NAME_BYTES_MAX} bytes")]
    TooLong,
    /// Deeper than [`DEPTH_MAX`].
    #[error("a tree is deeper than {DEPTH_MAX} directories")]
    TooDeep,
    /// The same as another name of the directory where case is ignored, or Unicode normalisation.
    #[error("two names of a directory differ only in case or in Unicode normalisation")]
    Collision,
    /// A link to an absolute path.
    #[error("a symbolic link has an absolute target")]
    SymlinkAbsolute,
    /// A link out of the tree, or one whose target cannot be told without following other links.
    #[error("a symbolic link leads out of its tree")]
    SymlinkEscapes,
    /// A link with an empty or too long target.
    #[error("a symbolic link's target is empty or longer than {SYMLINK_BYTES_MAX} bytes")]
    SymlinkLength,
}

/// Checks one name.
///
/// # Errors
/// The first rule of this module that it breaks, except for collisions (see [`Names`]).
pub fn check_name(name: &str) -> Result<(), PathError> {
    if name.is_empty() {
        return Err(PathError::Empty);
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(PathError::TooLong);
    }
    if name == "." || name == ".." {
        return Err(PathError::Dots);
    }
    if name.contains(['/', '\\']) {
        return Err(PathError::Separator);
    }
    if name.contains('\0') {
        return Err(PathError::Nul);
    }
    if let [letter, b':', ..] = name.as_bytes()
        && letter.is_ascii_alphabetic()
    {
        return Err(PathError::DriveLetter);
    }
    if name.ends_with(['.', ' ']) {
        return Err(PathError::TrailingDotOrSpace);
    }
    if is_reserved(name) {
        return Err(PathError::Reserved);
    }
    Ok(())
}

/// A name with a number before its ending, for what lies beside another of that name: of `a.jpg`, `a (2).jpg`. It has no more than [`NAME_BYTES_MAX`], and
/// is one that [`check_name`] takes where `name` is.
pub fn numbered(name: &str, number: usize) -> String {
    let is_ending = |at: &usize| *at > 0 && name.len() - at <= ENDING_BYTES_MAX;
    let at = name.rfind('.').filter(is_ending).unwrap_or(name.len());
    let (stem, ending) = name.split_at(at);
    let mark = format!(" ({number}){ending}");
    let room = NAME_BYTES_MAX.saturating_sub(mark.len());
    format!("{}{mark}", &stem[..stem.floor_char_boundary(room)])
}

/// Splits a path of a share, written with `/`, into checked names. Blank segments at either end are ignored.
///
/// # Errors
/// As [`check_name`], or [`PathError::TooDeep`].
pub fn split(path: &str) -> Result<Vec<&str>, PathError> {
    let path = path.trim_matches('/');
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<&str> = path.split('/').collect();
    if names.len() > DEPTH_MAX {
        return Err(PathError::TooDeep);
    }
    names
        .iter()
        .try_for_each(|name| check_name(name))
        .map(|()| names)
}

/// What is left of a path below another one, both without `/` at their ends: nothing of that one itself; `None` where it does not lie there.
pub fn below<'a>(path: &'a str, above: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(above)?;
    match above.is_empty() || rest.is_empty() {
        true => Some(rest),
        false => rest.strip_prefix('/'),
    }
}

/// Checks the target of a symbolic link that lies in a directory `depth` levels beneath the root of its tree (0: in the
/// root).
///
/// `..` may only lead, and at most up to the root: the directories above a link are real ones, so they lead to a real directory of the
/// tree, and whatever is below is real or again such a link. After a name `..` could turn anywhere.
///
/// # Errors
/// One of the three about links, or what is wrong with a name in it.
pub fn check_symlink(depth: usize, target: &str) -> Result<(), PathError> {
    if target.is_empty() || target.len() > SYMLINK_BYTES_MAX {
        return Err(PathError::SymlinkLength);
    }
    if target.starts_with(['/', '\\']) {
        return Err(PathError::SymlinkAbsolute);
    }
    let mut names = target
        .strip_suffix('/')
        .unwrap_or(target)
        .split('/')
        .peekable();
    let mut up = 0;
    while names
        .next_if(|name| matches!(*name, "." | ".."))
        .inspect(|name| up += usize::from(*name == ".."))
        .is_some()
    {}
    if up > depth {
        return Err(PathError::SymlinkEscapes);
    }
    for name in names {
        match check_name(name) {
            Err(PathError::Dots) => return Err(PathError::SymlinkEscapes),
            Err(PathError::DriveLetter) => return Err(PathError::SymlinkAbsolute),
            checked => checked?,
        }
    }
    Ok(())
}

/// The names of one directory so far, to find those that some systems hold for the same.
///
/// It keeps 16 bytes of a hash for each: a directory of ten million entries fits, and a wrong alarm has a chance of 2⁻⁸⁰.
#[derive(Clone, Debug, Default)]
pub struct Names(BTreeSet<[u8; 16]>);

impl Names {
    /// Adds a name.
    ///
    /// # Errors
    /// [`PathError::Collision`] when one that folds to the same is there already.
    pub fn insert(&mut self, name: &str) -> Result<(), PathError> {
        let hash = blake3::hash(fold(name).as_bytes());
        let mut key = [0; 16];
        key.copy_from_slice(&hash.as_bytes()[..16]);
        if self.0.insert(key) {
            Ok(())
        } else {
            Err(PathError::Collision)
        }
    }
}

/// A name without case and normalisation. Upper case first, because some letters have one upper and two lower forms.
fn fold(name: &str) -> String {
    let upper = name.nfd().flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase).nfd().collect()
}

/// Whether Windows takes the name for a device: the part before the first dot or colon, without blanks at its end.
fn is_reserved(name: &str) -> bool {
    let stem = name.split(['.', ':']).next().unwrap_or(name);
    let stem = stem.trim_end_matches(' ').to_ascii_uppercase();
    if matches!(
        stem.as_str(),
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$"
    ) {
        return true;
    }
    let number = stem.strip_prefix("COM").or(stem.strip_prefix("LPT"));
    number.is_some_and(|number| {
        let mut digits = number.chars();
        let is_digit = |digit: char| digit.is_ascii_digit() || matches!(digit, '¹' | '²' | '³');
        digits.next().is_some_and(is_digit) && digits.next().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_out_of_a_folder_is_refused_by_its_name() {
        for (name, error) in [
            ("", PathError::Empty),
            (".", PathError::Dots),
            ("..", PathError::Dots),
            ("/etc", PathError::Separator),
            ("a/b", PathError::Separator),
            ("..\\b", PathError::Separator),
            ("a\0b", PathError::Nul),
            ("C:", PathError::DriveLetter),
            ("c:x", PathError::DriveLetter),
            ("con", PathError::Reserved),
            ("NUL.txt", PathError::Reserved),
            ("aux .x", PathError::Reserved),
            ("COM1", PathError::Reserved),
            ("lpt².log", PathError::Reserved),
            ("a.", PathError::TrailingDotOrSpace),
            ("a ", PathError::TrailingDotOrSpace),
            ("...", PathError::TrailingDotOrSpace),
        ] {
            assert_eq!(check_name(name), Err(error), "{name:?}");
        }
        assert_eq!(check_name(&"a".repeat(256)), Err(PathError::TooLong));
    }

    #[test]
    fn ordinary_and_unicode_names_are_taken() {
        for name in [
            "a",
            ".hidden",
            "..a",
            "console",
            "COM",
            "com10",
            "nul-1",
            "Ünïcödé",
            "日本語.txt",
            "👩‍👩‍👧",
            "a b",
            "12:30",
            " x",
            "line\nbreak",
        ] {
            assert_eq!(check_name(name), Ok(()), "{name:?}");
        }
        assert_eq!(check_name(&"a".repeat(255)), Ok(()));
    }

    #[test]
    fn a_number_stands_before_the_ending_and_the_name_stays_one() {
        let long = format!("{}.jpg", "ü".repeat(125));
        for (name, expected) in [
            ("IMG_1.jpg", "IMG_1 (2).jpg"),
            ("a.tar.gz", "a.tar (2).gz"),
            ("notes", "notes (2)"),
            (".hidden", ".hidden (2)"),
            ("1. a day at the sea", "1. a day at the sea (2)"),
            (&long, &format!("{}.jpg", "ü".repeat(123) + " (2)")),
        ] {
            assert_eq!(numbered(name, 2), expected);
            assert_eq!(check_name(&numbered(name, 2)), Ok(()), "{name:?}");
        }
        assert_eq!(check_name(&numbered(&"a".repeat(255), 1000)), Ok(()));
    }

    #[test]
    fn names_that_differ_in_case_or_normalisation_collide() {
        let collide = |a: &str, b: &str| {
            let mut names = Names::default();
            names.insert(a).expect("the first");
            names.insert(b) == Err(PathError::Collision)
        };
        assert!(collide("README", "readme"));
        assert!(collide("caf\u{e9}", "cafe\u{301}"));
        assert!(collide("CAF\u{c9}", "cafe\u{301}"));
        assert!(collide("ΣΑΣ", "σας"));
        assert!(collide("K", "\u{212a}"));
        assert!(!collide("a", "b"));
        assert!(!collide("cafe", "caf\u{e9}"));
    }

    #[test]
    fn a_symbolic_link_stays_beneath_the_root() {
        for (depth, target) in [
            (0, "a"),
            (0, "a/b/"),
            (0, "."),
            (1, ".."),
            (1, "../b"),
            (2, "../.././c"),
            (0, "./a"),
        ] {
            assert_eq!(check_symlink(depth, target), Ok(()), "{target:?}");
        }
        for (depth, target, error) in [
            (0, "..", PathError::SymlinkEscapes),
            (1, "../..", PathError::SymlinkEscapes),
            (3, "a/../b", PathError::SymlinkEscapes),
            (1, "../a/../../b", PathError::SymlinkEscapes),
            (0, "/etc/passwd", PathError::SymlinkAbsolute),
            (0, "\\\\server\\x", PathError::SymlinkAbsolute),
            (0, "C:/x", PathError::SymlinkAbsolute),
            (0, "a\\..\\..\\b", PathError::Separator),
            (0, "a//b", PathError::Empty),
            (0, "", PathError::SymlinkLength),
        ] {
            assert_eq!(check_symlink(depth, target), Err(error), "{target:?}");
        }
    }

    #[test]
    fn paths_are_split_into_checked_names() {
        assert_eq!(split("/a/b c/"), Ok(vec!["a", "b c"]));
        assert_eq!(split(""), Ok(vec![]));
        assert_eq!(split("a/../b"), Err(PathError::Dots));
        assert_eq!(split("a//b"), Err(PathError::Empty));
        assert_eq!(split(&"a/".repeat(129)), Err(PathError::TooDeep));
    }
}
