//! The engine is pinned as one set: a second copy of a part would not fit the first.

use std::path::Path;

/// The versions of `package` in the workspace's lockfile.
fn locked(package: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    let lockfile: toml::Table = std::fs::read_to_string(path)
        .expect("the lockfile is checked in")
        .parse()
        .expect("cargo wrote it");
    let packages = lockfile["package"].as_array().expect("a list of packages");
    packages
        .iter()
        .filter(|entry| entry["name"].as_str() == Some(package))
        .map(|entry| entry["version"].as_str().expect("a version").to_owned())
        .collect()
}

#[test]
fn the_engine_is_one_set_of_1_3_0() {
    for package in [
        "iroh",
        "iroh-base",
        "iroh-relay",
        "iroh-dns",
        "noq",
        "noq-proto",
        "noq-udp",
    ] {
        assert_eq!(locked(package), ["1.3.0"], "{package}");
    }
}
