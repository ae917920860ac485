//! What the command line says, pinned. `KITH_UPDATE_SNAPSHOTS=1` writes the files anew; then look at the difference.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::person::{Person, finish, kith};

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
    let commands: &[&[&str]] = &[
        &[],
        &["up"],
        &["id"],
        &["invite"],
        &["add"],
        &["contacts"],
        &["contact"],
        &["contact", "rename"],
        &["contact", "tag"],
        &["contact", "words"],
        &["contact", "confirm"],
        &["contact", "block"],
        &["contact", "unblock"],
        &["contact", "remove"],
        &["share"],
        &["shares"],
        &["audience"],
        &["unshare"],
        &["transfers"],
        &["transfers", "pause"],
        &["transfers", "resume"],
        &["transfers", "priority"],
        &["transfers", "cancel"],
        &["limits"],
        &["ls"],
        &["get"],
        &["ping"],
        &["pipe"],
        &["listen"],
        &["offer"],
        &["forward"],
        &["introducer"],
        &["status"],
        &["doctor"],
        &["trace"],
        &["identity"],
        &["identity", "export"],
        &["identity", "import"],
    ];
    let mut all = String::new();
    for command in commands {
        let mut args = command.to_vec();
        args.push("--help");
        let ran = finish(kith(&args), b"").await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let help = String::from_utf8(ran.stdout).expect("text");
        all.push_str(&format!("$ kith {}\n{}\n", args.join(" "), help.trim_end()));
        all.push('\n');
    }
    compare("help.txt", &all);
}

#[tokio::test]
async fn json_looks_as_it_did() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    let mut all = String::new();
    let mut show = |command: &str, lines: Vec<Value>| {
        all.push_str(&format!("$ kith {command}\n"));
        for mut line in lines {
            normalise("", &mut line);
            all.push_str(&format!("{line}\n"));
        }
    };
    let invite = ann.json(&["invite"]).await;
    let code = crate::person::text(&invite[0]["invite"]);
    show("invite", invite);
    show(
        "add INVITE --as ann",
        ben.json(&["add", &code, "--as", "ann"]).await,
    );
    show("ping ann -c 1", ben.json(&["ping", "ann", "-c", "1"]).await);
    show("contacts", ben.json(&["contacts"]).await);
    show(
        "contact tag ann family",
        ben.json(&["contact", "tag", "ann", "family"]).await,
    );
    show(
        "contact words ann",
        ben.json(&["contact", "words", "ann"]).await,
    );
    show("id", ben.json(&["id"]).await);
    show("status", ben.json(&["status"]).await);
    show(
        "contact remove ann",
        ben.json(&["contact", "remove", "ann"]).await,
    );
    compare("json.txt", &all);
}

/// Puts a word in the place of whatever differs from run to run.
fn normalise(name: &str, value: &mut Value) {
    match value {
        Value::Object(members) => members
            .iter_mut()
            .for_each(|(name, value)| normalise(name, value)),
        Value::Array(elements) => elements
            .iter_mut()
            .for_each(|element| normalise(name, element)),
        Value::Number(_)
            if matches!(
                name,
                "rtt_ms" | "expires" | "seconds" | "bytes_sent" | "bytes_received"
            ) =>
        {
            *value = "NUMBER".into();
        }
        Value::String(text) if name == "words" => *text = "WORDS".to_owned(),
        Value::String(text) if name == "version" => *text = "VERSION".to_owned(),
        // Whichever told first.
        Value::String(text) if name == "source" => *text = "SOURCE".to_owned(),
        Value::String(text) => {
            for prefix in ["kith:invite1", "peer1", "device1"] {
                if text.starts_with(prefix) {
                    *text = format!("{prefix}…");
                }
            }
        }
        _ => {}
    }
}
