//! When a build tries once more what it could not do: to build the app.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A package with the build script of the program, and an app beside it that `npm` fails for.
struct Package {
    place: tempfile::TempDir,
}

impl Package {
    fn new() -> Self {
        let package = Self {
            place: tempfile::tempdir().expect("temporary folder"),
        };
        let manifest =
            "[package]\nname = \"app\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";
        package.write("crates/cli/Cargo.toml", manifest);
        package.write("crates/cli/build.rs", include_str!("../../build.rs"));
        package.write("crates/cli/src/main.rs", "fn main() {}\n");
        package.write("ui/package-lock.json", "{}");
        package.write("ui/package.json", "{}");
        package.program("node", "exit 1");
        package.npm("exit 1");
        package
    }

    fn at(&self, path: &str) -> PathBuf {
        self.place.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let at = self.at(path);
        fs::create_dir_all(at.parent().expect("beneath the folder")).expect("made");
        fs::write(at, text).expect("written");
    }

    fn program(&self, name: &str, script: &str) {
        let path = format!("bin/{name}");
        self.write(&path, &format!("#!/bin/sh\n{script}\n"));
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(self.at(&path), mode).expect("set");
    }

    /// One that says each time that it was called.
    fn npm(&self, script: &str) {
        let calls = self.at("calls");
        self.program("npm", &format!("echo >> '{}'\n{script}", calls.display()));
    }

    /// Builds; how often npm was called until now.
    fn build(&self) -> usize {
        let usual = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(self.at("bin")).chain(std::env::split_paths(&usual));
        let built = Command::new(env!("CARGO"))
            .args(["build", "--offline", "--quiet"])
            .current_dir(self.at("crates/cli"))
            .env("PATH", std::env::join_paths(path).expect("no colons"))
            .env("CARGO_TARGET_DIR", self.at("target"))
            .env_remove("KITH_UI")
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&built.stderr);
        assert!(built.status.success(), "{said}");
        lines(&self.at("calls"))
    }
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

#[test]
fn an_app_that_could_not_be_built_is_tried_again_when_what_it_is_made_of_or_by_has_changed() {
    let package = Package::new();
    assert_eq!(package.build(), 1);
    assert_eq!(package.build(), 1, "nothing has changed");
    package.write("ui/package.json", "{ }");
    assert_eq!(package.build(), 2);
    package.npm("exit 2");
    assert_eq!(package.build(), 3);
    package.program("node", "exit 2");
    assert_eq!(package.build(), 4);
    assert_eq!(package.build(), 4, "nothing has changed");
}
