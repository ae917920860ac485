//! The rules. Each takes the tree and gives what breaks it, one line a breach; each is shown to fail on a made-up tree.

use super::decoders::decoders_are_tried;
use super::graph::{Modules, find_cycles};
use super::scan;
use super::tree::{CRATES, SourceFile, Tree};

/// Which crates each crate may import. Arrows run one way: `core <- node <- cli`, `core <- sim`.
const ARROWS: [(&str, &[&str]); 6] = [
    ("crates/core", &[]),
    ("crates/sim", &["crates/core"]),
    ("crates/node", &["crates/core"]),
    ("crates/cli", &["crates/core", "crates/node"]),
    ("bench", &["crates/core", "crates/node"]),
    ("fuzz", &["crates/core", "crates/node"]),
];

/// What core must not depend on: runtimes, sockets, files, clocks, sources of randomness.
const IMPURE: [&str; 15] = [
    "async-std",
    "chrono",
    "getrandom",
    "iroh",
    "jiff",
    "mio",
    "noq",
    "quinn",
    "rand",
    "reqwest",
    "rusqlite",
    "smol",
    "socket2",
    "time",
    "tokio",
];

/// The module of core that composes the rooms.
const COMPOSER: &str = "peer";

/// What node is made of, from the ground up: each imports what stands before it. The server that relays is below the nodes,
/// which may run it; a whole introducer, which is such a server and a node, is above them.
const FLOORS: [&str; 20] = [
    "clock",
    "entropy",
    "address_group",
    "durable",
    "home",
    "store",
    "identity",
    "data",
    "routing",
    "discovery",
    "content",
    "config",
    "error",
    "relay",
    "peer",
    "protocol",
    "builder",
    "introducer",
    "testing",
    "lib",
];

/// The longest file, in lines of code: what one reading holds. Most stay under 450, half under 200.
const CODE_LINES_MAX: usize = 800;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 9] = [
    "common",
    "helper",
    "helpers",
    "misc",
    "shared",
    "types",
    "util",
    "utils",
    "utilities",
];

/// A rule by its name.
pub(super) type Rule = fn(&Tree) -> Vec<String>;

/// All rules.
pub(super) const RULES: [(&str, Rule); 10] = [
    ("manifests point downward", manifests_point_downward),
    ("imports point downward", imports_point_downward),
    ("core is pure", core_is_pure),
    ("rooms do not import each other", rooms_stay_apart),
    ("folders of node point downward", floors_point_downward),
    ("no file imports itself by way of others", no_file_cycles),
    ("files have a bounded size", files_are_bounded),
    ("files say what they are", files_explain_themselves),
    ("lints are expected, not allowed", lints_are_expected),
    ("decoders are tried", decoders_are_tried),
];

fn may_import(from: &str, to: &str) -> bool {
    from == to
        || ARROWS
            .iter()
            .any(|(folder, below)| *folder == from && below.contains(&to))
}

/// The dependencies a manifest names: the key, and what the line says it really is.
fn dependencies(manifest: &str) -> Vec<(&str, &str)> {
    let mut inside = false;
    let mut found = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            inside = section.ends_with("dependencies");
            if let Some((_, name)) = section.split_once("dependencies.") {
                found.push((name, line));
            }
        } else if inside && !line.starts_with('#') {
            let key = line.split(['=', '.', ' ']).next().unwrap_or("");
            if !key.is_empty() {
                found.push((key, line));
            }
        }
    }
    found
}

/// The crate of this repository that a dependency is; `None` for a foreign one.
fn own_crate(key: &str, line: &str) -> Option<&'static str> {
    CRATES
        .iter()
        .find(|(folder, import)| {
            let name = folder.rsplit('/').next().unwrap_or(folder);
            key == format!("kith-{name}")
                || key == import.replace('_', "-")
                || line.contains(&format!("\"kith-{name}\""))
                || line.contains(&format!("/{name}\""))
        })
        .map(|(folder, _)| *folder)
}

fn manifests_point_downward(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for manifest in &tree.manifests {
        for (key, line) in dependencies(&manifest.text) {
            if let Some(target) = own_crate(key, line)
                && !may_import(&manifest.folder, target)
            {
                breaches.push(format!("{}/Cargo.toml: `{line}`", manifest.folder));
            }
        }
    }
    breaches
}

fn imports_point_downward(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for file in &tree.files {
        for path in &file.paths {
            let first = path.segments.first().map_or("", String::as_str);
            let target = CRATES.iter().find(|(_, import)| *import == first);
            if let Some((target, _)) = target
                && !may_import(file.crate_folder(), target)
            {
                breaches.push(format!("{}:{}: {first}", file.path, path.line));
            }
        }
    }
    breaches
}

fn core_is_pure(tree: &Tree) -> Vec<String> {
    tree.manifests
        .iter()
        .filter(|manifest| manifest.folder == "crates/core")
        .flat_map(|manifest| dependencies(&manifest.text))
        .filter(|(key, _)| IMPURE.contains(key))
        .map(|(key, _)| format!("crates/core/Cargo.toml: {key}"))
        .collect()
}

/// The room a file of core stands in: its folder. The ground floor and the root stand in none.
fn room(file: &SourceFile) -> Option<&str> {
    let inside = file.path.strip_prefix("crates/core/src/")?;
    inside.split_once('/').map(|(room, _)| room)
}

fn rooms_stay_apart(tree: &Tree) -> Vec<String> {
    let modules = Modules::of(tree, "crates/core");
    modules
        .arrows()
        .iter()
        .filter_map(|arrow| {
            let file = |path: &str| tree.files.iter().find(|file| file.path == path);
            let (from, to) = (room(file(arrow.from)?), room(file(arrow.to)?));
            let is_fine = to.is_none() || from == to || from == Some(COMPOSER);
            (!is_fine).then(|| format!("{}:{}: {}", arrow.from, arrow.line, arrow.to))
        })
        .collect()
}

/// The floor a file of node stands on: the entry of [`FLOORS`] that says most of its path.
fn floor(path: &str) -> Option<usize> {
    let inside = path.strip_prefix("crates/node/src/")?;
    let inside = inside.trim_end_matches(".rs").trim_end_matches("/mod");
    let stands_on = |floor: &str| {
        let rest = inside.strip_prefix(floor);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let floors = FLOORS.iter().enumerate();
    let (number, _) = floors
        .filter(|(_, floor)| stands_on(floor))
        .max_by_key(|(_, floor)| floor.len())?;
    Some(number)
}

fn floors_point_downward(tree: &Tree) -> Vec<String> {
    let modules = Modules::of(tree, "crates/node");
    let lost = modules
        .files()
        .filter(|file| floor(&file.path).is_none())
        .map(|file| format!("{}: on no floor", file.path));
    let upward = modules.arrows().into_iter().filter_map(|arrow| {
        let (from, to) = (floor(arrow.from)?, floor(arrow.to)?);
        (from < to).then(|| format!("{}:{}: {}", arrow.from, arrow.line, arrow.to))
    });
    lost.chain(upward).collect()
}

/// One line a cycle: each file with the line that names the next.
fn no_file_cycles(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for (folder, _) in CRATES {
        let arrows = Modules::of(tree, folder).arrows();
        for cycle in find_cycles(&arrows) {
            let steps = cycle.iter().zip(cycle.iter().cycle().skip(1));
            let told: Vec<String> = steps
                .filter_map(|(from, to)| arrows.iter().find(|a| a.from == *from && a.to == *to))
                .map(|arrow| format!("{}:{}", arrow.from, arrow.line))
                .collect();
            breaches.push(format!("{} -> {}", told.join(" -> "), cycle[0]));
        }
    }
    breaches
}

fn files_are_bounded(tree: &Tree) -> Vec<String> {
    tree.files
        .iter()
        .filter(|file| file.code_lines() > CODE_LINES_MAX)
        .map(|file| format!("{}: {} lines of code", file.path, file.code_lines()))
        .collect()
}

/// A telling name, and a first line that tells.
fn files_explain_themselves(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for file in &tree.files {
        let first = file
            .text
            .lines()
            .find(|line| !line.is_empty() && !line.starts_with("#!["));
        if !first.is_some_and(|line| line.starts_with("//! ")) {
            breaches.push(format!("{}: does not open with `//!`", file.path));
        }
        let stem = file.path.trim_end_matches(".rs");
        if stem.split('/').any(|part| EMPTY_NAMES.contains(&part)) {
            breaches.push(format!("{}: the name says nothing", file.path));
        }
    }
    breaches
}

fn lints_are_expected(tree: &Tree) -> Vec<String> {
    let mut breaches = Vec::new();
    for file in &tree.files {
        let clean = scan::without_comments_and_literals(&file.text);
        for (number, line) in clean.lines().enumerate() {
            let compact: String = line.split_whitespace().collect();
            if ["#[allow(", "#![allow(", ",allow("]
                .iter()
                .any(|mark| compact.contains(mark))
            {
                breaches.push(format!("{}:{}", file.path, number + 1));
            }
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `rule` says of a tree of these files.
    fn breaches(rule: Rule, entries: &[(&str, &str)]) -> Vec<String> {
        rule(&Tree::made_up(entries))
    }

    #[test]
    fn an_upward_dependency_is_a_breach() {
        let rule = manifests_point_downward;
        let node = "[dependencies]\nkith-core.workspace = true\nserde = \"1\"\n";
        assert!(breaches(rule, &[("crates/node/Cargo.toml", node)]).is_empty());
        for upward in [
            "[dependencies]\nkith.workspace = true",
            "[dev-dependencies]\nkith = { workspace = true }",
            "[dependencies]\nother = { package = \"kith-node\", version = \"1\" }",
            "[target.'cfg(unix)'.dependencies]\nother = { path = \"../node\" }",
            "[dependencies.kith]\nworkspace = true",
        ] {
            let found = breaches(rule, &[("crates/core/Cargo.toml", upward)]);
            assert_eq!(found.len(), 1, "{upward}");
        }
    }

    #[test]
    fn an_upward_import_is_a_breach() {
        let rule = imports_point_downward;
        let file = "crates/node/src/a.rs";
        assert!(breaches(rule, &[(file, "use kith_core::ids::PeerId;")]).is_empty());
        let found = breaches(rule, &[("crates/core/src/a.rs", "\nuse kith::Node;")]);
        assert_eq!(found, ["crates/core/src/a.rs:2: kith"]);
        assert_eq!(
            breaches(rule, &[("crates/sim/src/a.rs", "fn f() { kith::go() }")]).len(),
            1
        );
    }

    #[test]
    fn a_runtime_in_core_is_a_breach() {
        let manifest = "[dependencies]\nthiserror = \"2\"\ntokio.workspace = true\n";
        let found = breaches(core_is_pure, &[("crates/core/Cargo.toml", manifest)]);
        assert_eq!(found, ["crates/core/Cargo.toml: tokio"]);
        assert!(breaches(core_is_pure, &[("crates/node/Cargo.toml", manifest)]).is_empty());
    }

    /// A core with one ground-floor file, two rooms and the composer.
    fn rooms(ground: &str, identity: &str, peer: &str) -> Vec<String> {
        breaches(
            rooms_stay_apart,
            &[
                ("crates/core/src/ids.rs", ground),
                ("crates/core/src/identity/mod.rs", "mod invite;"),
                ("crates/core/src/identity/invite.rs", identity),
                (
                    "crates/core/src/routing/mod.rs",
                    "mod dial; pub use dial::Dial;",
                ),
                ("crates/core/src/routing/dial.rs", ""),
                ("crates/core/src/peer/mod.rs", "mod state;"),
                ("crates/core/src/peer/state.rs", peer),
            ],
        )
    }

    #[test]
    fn a_room_that_imports_another_is_a_breach_and_the_composer_is_not() {
        let both = "use crate::routing::Dial; use crate::identity::invite::Invite;";
        assert!(rooms("", "use crate::ids::PeerId;", both).is_empty());
        for crooked in [
            "use crate::routing::Dial;",
            "use super::super::routing;",
            "use crate::peer::state::Peer;",
        ] {
            assert_eq!(rooms("", crooked, "").len(), 1, "{crooked}");
        }
    }

    #[test]
    fn a_ground_floor_that_imports_a_room_is_a_breach() {
        assert_eq!(
            rooms("fn f() { crate::routing::Dial::new() }", "", ""),
            ["crates/core/src/ids.rs:1: crates/core/src/routing/dial.rs"]
        );
    }

    #[test]
    fn an_upward_arrow_in_node_is_a_breach_and_so_is_a_folder_on_no_floor() {
        let node = |path: &str, text: &str| {
            breaches(
                floors_point_downward,
                &[
                    ("crates/node/src/lib.rs", "pub mod peer; pub mod routing;"),
                    ("crates/node/src/peer/mod.rs", "pub mod live;"),
                    ("crates/node/src/peer/live.rs", ""),
                    ("crates/node/src/routing/mod.rs", ""),
                    (path, text),
                ],
            )
        };
        let fine = "use crate::routing::Dial; use super::live::Live;";
        assert!(node("crates/node/src/peer/node.rs", fine).is_empty());
        assert_eq!(
            node(
                "crates/node/src/routing/dial.rs",
                "use crate::peer::live::Live;"
            ),
            ["crates/node/src/routing/dial.rs:1: crates/node/src/peer/live.rs"]
        );
        let below = node("crates/node/src/relay/server.rs", "use crate::peer::Node;");
        assert_eq!(below.len(), 1);
        assert_eq!(
            node("crates/node/src/attic/mod.rs", ""),
            ["crates/node/src/attic/mod.rs: on no floor"]
        );
    }

    #[test]
    fn a_cycle_of_files_is_a_breach_unless_a_door_or_a_test_closes_it() {
        let cycle = |door: &str, test: &str, b: &str| {
            breaches(
                no_file_cycles,
                &[
                    ("crates/node/src/lib.rs", "pub mod a; pub mod b;"),
                    ("crates/node/src/a/mod.rs", door),
                    (
                        "crates/node/src/a/c.rs",
                        "use super::Kind; use crate::b::B;",
                    ),
                    ("crates/node/src/a/kind.rs", test),
                    ("crates/node/src/b.rs", b),
                ],
            )
        };
        let door = "mod c; mod kind; pub use c::C; pub use kind::Kind;";
        let test = "#[cfg(test)]\nmod tests { use super::super::c::C; }";
        assert!(cycle(door, test, "").is_empty());
        assert_eq!(
            cycle(door, "use super::c::C;", ""),
            ["crates/node/src/a/c.rs:1 -> crates/node/src/a/kind.rs:1 -> crates/node/src/a/c.rs"]
        );
        assert_eq!(cycle(door, test, "use crate::a::C;").len(), 1);
    }

    #[test]
    fn a_file_too_long_is_a_breach() {
        let file = |lines: usize| {
            let text = format!("//! Long.\n\n{}", "fn f() {}\n".repeat(lines));
            breaches(files_are_bounded, &[("crates/sim/src/a.rs", &text)])
        };
        assert!(file(CODE_LINES_MAX).is_empty());
        assert_eq!(
            file(CODE_LINES_MAX + 1),
            ["crates/sim/src/a.rs: 801 lines of code"]
        );
    }

    #[test]
    fn a_file_without_a_word_or_a_name_is_a_breach() {
        let rule = files_explain_themselves;
        assert!(breaches(rule, &[("fuzz/fuzz_targets/a.rs", "#![no_main]\n//! A.")]).is_empty());
        for (path, text) in [
            ("crates/cli/src/a.rs", "fn f() {}"),
            ("crates/cli/src/a.rs", ""),
            ("crates/cli/src/util.rs", "//! A."),
            ("crates/cli/src/helpers/a.rs", "//! A."),
        ] {
            assert_eq!(breaches(rule, &[(path, text)]).len(), 1, "{path}");
        }
    }

    #[test]
    fn a_lint_allowed_is_a_breach_wherever_it_stands() {
        let rule = lints_are_expected;
        let file = "crates/cli/src/a.rs";
        let fine = "// #[allow(x)]\n#[expect(x, reason = \"#[allow(x)]\")]";
        assert!(breaches(rule, &[(file, fine)]).is_empty());
        for crooked in [
            "#[allow(x)]",
            "#![allow(x)]",
            "#[cfg_attr(test, allow(x))]",
            "#[ allow (x)]",
        ] {
            assert_eq!(breaches(rule, &[(file, crooked)]).len(), 1, "{crooked}");
        }
    }
}
