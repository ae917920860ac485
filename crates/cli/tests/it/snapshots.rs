//! What the command line says, pinned. `KITH_UPDATE_SNAPSHOTS=1` writes the files anew; then look at the difference.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::person::{Person, finish, kith, text};

/// Compares with the file of this name.
#[track_caller]
pub(crate) fn compare(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/snapshots")
        .join(name);
    let found = format!("{}\n", found.trim_end());
    if std::env::var_os("KITH_UPDATE_SNAPSHOTS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("room");
        fs::write(&path, found).expect("room");
        return;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        expected, found,
        "{name} changed; KITH_UPDATE_SNAPSHOTS=1 writes it anew"
    );
}

#[tokio::test]
async fn the_help_of_each_command_is_as_it_was() {
    let mut all = String::new();
    let mut commands = vec![Vec::new()];
    while let Some(command) = commands.pop() {
        let mut args: Vec<&str> = command.iter().map(String::as_str).collect();
        args.push("--help");
        let ran = finish(kith(&args), b"").await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let help = String::from_utf8(ran.stdout).expect("text");
        all.push_str(&format!(
            "$ kith {}\n{}\n\n",
            args.join(" "),
            help.trim_end()
        ));
        // The last is the next: a command is followed by its own.
        let below = subcommands(&help).into_iter().rev();
        commands.extend(below.map(|name| [&command[..], &[name]].concat()));
    }
    compare("help.txt", &all);
}

/// The commands that a help lists, but for `help` itself.
fn subcommands(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    // What goes on with a description is further to the right.
    let names = listed.filter_map(|line| {
        let name = line.strip_prefix("  ")?.split(' ').next()?;
        (!name.is_empty() && name != "help").then(|| name.to_owned())
    });
    names.collect()
}

/// What commands print, one after the other.
#[derive(Default)]
struct Shown(String);

impl Shown {
    fn add(&mut self, command: &str, lines: Vec<Value>) {
        self.0.push_str(&format!("$ kith {command}\n"));
        for mut line in lines {
            normalise("", &mut line);
            self.0.push_str(&format!("{line}\n"));
        }
    }
}

#[tokio::test]
async fn json_looks_as_it_did() {
    let (mut ann, ben) = (Person::new(), Person::up().await);
    let mut shown = Shown::default();
    shown.add("up", vec![ann.start(&[]).await]);
    let keeper = Person::new();
    let mut introducer = keeper.begin(&["introducer", "--listen", "127.0.0.1:0", "--json"]);
    shown.add("introducer", vec![introducer.json().await]);
    let invite = ann.json(&["invite"]).await;
    let code = text(&invite[0]["invite"]);
    shown.add("invite", invite);
    let listed = ann.json(&["invite", "--list"]).await;
    shown.add("invite --list", listed);
    let added = ben.json(&["add", &code, "--as", "ann"]).await;
    shown.add("add INVITE --as ann", added);
    for command in [
        "ping ann -c 1",
        "contacts",
        "contact tag ann family",
        "contact words ann",
        "trace ann",
        "id",
        "status",
        "contact remove ann",
    ] {
        let args: Vec<&str> = command.split(' ').collect();
        shown.add(command, ben.json(&args).await);
    }
    // What it finds depends on the machine, and whether it fails.
    let doctor = ben.run(&["doctor", "--json"]).await.json();
    shown.add("doctor", doctor);
    compare("json.txt", &shown.0);
}

#[tokio::test]
async fn json_of_what_is_shared_and_offered_looks_as_it_did() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let mut shown = Shown::default();
    let (folder, out) = (ann.file("holiday"), ben.file("out"));
    fs::create_dir(&folder).expect("room");
    fs::create_dir(&out).expect("room");
    // Large enough not to be there at once.
    fs::write(folder.join("a.bin"), vec![7; 3_000_000]).expect("room");
    let (folder, out) = (folder.to_str().expect("text"), out.to_str().expect("text"));
    let shared = ann.json(&["share", folder, "--with", "ben"]).await;
    shown.add("share holiday --with ben", shared);
    shown.add("shares", ann.json(&["shares"]).await);
    shown.add("ls ann", ben.json(&["ls", "ann"]).await);
    shown.add("ls ann/holiday", ben.json(&["ls", "ann/holiday"]).await);
    let mut got = ben.json(&["get", "ann/holiday", "--out", out]).await;
    // How often it tells of its progress, and what, is a matter of time.
    let done = got.pop().expect("it ends");
    let mut last = got.pop().expect("it goes on");
    for differs in ["bytes", "files", "waiting"] {
        last[differs] = "ANY".into();
    }
    assert!(
        got.iter().all(|line| line["event"] == "progress"),
        "{got:?}"
    );
    shown.add("get ann/holiday --out out", vec![last, done]);
    shown.add("limits", ann.json(&["limits"]).await);
    shown.add("unshare holiday", ann.json(&["unshare", "holiday"]).await);
    shown.add("offer web 9", ann.json(&["offer", "web", "9"]).await);
    shown.add("offers", ann.json(&["offers"]).await);
    let mut forward = ben.begin(&["forward", "ann:web", "--json"]);
    shown.add("forward ann:web", vec![forward.json().await]);
    let mut blocked = ann.one(&["contact", "block", "ben"]).await;
    // The session may not have ended yet.
    for differs in ["online", "path", "rtt_ms"] {
        blocked[differs] = "ANY".into();
    }
    shown.add("contact block ben", vec![blocked]);
    compare("json_content.txt", &shown.0);
}

/// Members whose numbers differ from run to run.
const NUMBERS: [&str; 14] = [
    "bytes_received",
    "bytes_sent",
    "expires",
    "first",
    "id",
    "last",
    "last_seen",
    "made",
    "ms",
    "rate",
    "rtt_ms",
    "seconds",
    "since",
    "total",
];

/// Members whose texts do.
const TEXTS: [&str; 6] = ["advice", "hash", "message", "source", "version", "words"];

/// What texts begin with of which the rest does.
const PREFIXES: [&str; 10] = [
    "kith:introducer1",
    "kith:invite1",
    "kith:link1",
    "peer1",
    "device1",
    "inviteid1",
    "share1",
    "http://",
    "127.0.0.1:",
    "/",
];

/// Puts a word in the place of whatever differs from run to run.
fn normalise(name: &str, value: &mut Value) {
    match value {
        Value::Object(members) => members
            .iter_mut()
            .for_each(|(name, value)| normalise(name, value)),
        Value::Array(elements) => elements
            .iter_mut()
            .for_each(|element| normalise(name, element)),
        Value::Number(_) if NUMBERS.contains(&name) => *value = "NUMBER".into(),
        Value::Bool(_) if name == "ok" => *value = "WHETHER".into(),
        Value::Null if name == "advice" => *value = "ADVICE".into(),
        Value::String(text) if TEXTS.contains(&name) => *text = name.to_uppercase(),
        Value::String(text) => {
            for prefix in PREFIXES {
                if text.starts_with(prefix) && !text.starts_with("/kith/") {
                    *text = format!("{prefix}…");
                }
            }
        }
        _ => {}
    }
}
