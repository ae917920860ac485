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
        self.build_by(path)
    }

    /// The same with the programs of these folders.
    fn build_by(&self, path: impl IntoIterator<Item = PathBuf>) -> usize {
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

    /// A folder with every program of this machine but Node's.
    fn without_node(&self) -> PathBuf {
        let folder = self.at("others");
        fs::create_dir(&folder).expect("made");
        let usual = std::env::var_os("PATH").unwrap_or_default();
        let programs = std::env::split_paths(&usual).filter_map(|folder| folder.read_dir().ok());
        for program in programs.flatten().map(|program| program.expect("read")) {
            let name = program.file_name();
            let is_nodes = ["node", "nodejs", "npm", "npx"]
                .iter()
                .any(|it| name == *it);
            // Of two of one name the first is meant.
            if !is_nodes && !folder.join(&name).exists() {
                let _ = std::os::unix::fs::symlink(program.path(), folder.join(&name));
            }
        }
        folder
    }

    /// Why the program that was built last has no app; empty where it has one.
    fn lacks(&self) -> String {
        let scripts = self.at("target/debug/build");
        let scripts = fs::read_dir(scripts).expect("built").flatten();
        let told: Vec<String> = scripts
            .filter_map(|script| fs::read_to_string(script.path().join("out/lacks.txt")).ok())
            .collect();
        assert_eq!(told.len(), 1, "{told:?}");
        told.concat()
    }
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

#[test]
fn a_machine_without_node_builds_the_program_which_says_how_to_get_the_app() {
    let package = Package::new();
    let others = package.without_node();
    let found = |name: &str| others.join(name).exists();
    assert!(found("cc") && !found("node") && !found("npm"));
    assert_eq!(package.build_by([others.clone()]), 0);
    let lacks = package.lacks();
    assert!(
        lacks.contains("npm is not installed; Node 20.19"),
        "{lacks}"
    );
    // Once Node is there, the next build finds it.
    assert_eq!(package.build_by([package.at("bin"), others]), 1);
    assert!(package.lacks().contains("npm failed"));
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
