//! The engine is pinned as one set: a second copy of a part, or a later noq-proto, closes whole connections that have many
//! small unread messages. A later version may come the day it passes the regression test of the session engine.

use std::fs;

use super::stands;

/// The engine's parts.
const ENGINE: [&str; 6] = [
    "iroh",
    "iroh-base",
    "iroh-relay",
    "noq",
    "noq-proto",
    "noq-udp",
];

/// Their version.
const ENGINE_VERSION: &str = "1.3.0";

/// The versions of `package` in a lockfile.
fn versions<'a>(lockfile: &'a str, package: &str) -> Vec<&'a str> {
    let name = format!("name = \"{package}\"");
    lockfile
        .split("[[package]]")
        .filter(|entry| entry.lines().any(|line| line == name))
        .filter_map(|entry| {
            entry
                .lines()
                .find_map(|line| line.strip_prefix("version = ")?.trim_matches('"').into())
        })
        .collect()
}

#[test]
fn the_engine_is_there_once_and_in_its_pinned_version() {
    let lockfile = fs::read_to_string(stands::root().join("Cargo.lock")).expect("a lockfile");
    for package in ENGINE {
        assert_eq!(versions(&lockfile, package), [ENGINE_VERSION], "{package}");
    }
}

#[test]
fn a_second_copy_is_seen() {
    let entry = |version: &str| format!("[[package]]\nname = \"noq\"\nversion = \"{version}\"\n");
    let lockfile = [entry("1.3.0"), entry("1.4.0")].concat();
    assert_eq!(versions(&lockfile, "noq"), ["1.3.0", "1.4.0"]);
    assert!(versions(&lockfile, "no").is_empty());
}
