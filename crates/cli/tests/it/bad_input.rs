//! What goes wrong gives one clear error, the right exit code, and loses nothing.

use std::fs::{self, Permissions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt as _;

use kith::core::identity::{Invite, InviteSecret};
use serde_json::json;

use crate::person::{Person, finish, kith, text};

/// What is said of an invite that its maker does not take.
const REFUSED: [&str; 3] = [
    "ann does not take this invite",
    "used up",
    "ask for a new one",
];

/// Where SQLite keeps `user_version` in a database file (its file format, §1.3).
const USER_VERSION_AT: u64 = 60;

#[tokio::test]
async fn a_corrupted_invite_is_named_as_such() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    let invite = ann.invite().await;
    let at = invite.len() / 2;
    let other = if invite.as_bytes()[at] == b'q' {
        "p"
    } else {
        "q"
    };
    let corrupted = format!("{}{other}{}", &invite[..at], &invite[at + 1..]);
    ben.run(&["add", &corrupted])
        .await
        .failed(2, &["invite is damaged", "copy it again"]);
    assert!(ben.json(&["contacts"]).await.is_empty());
}

#[tokio::test]
async fn a_truncated_invite_is_named_as_such() {
    let (ann, ben) = (Person::up().await, Person::new());
    let invite = ann.invite().await;
    for length in [0, 10, invite.len() / 2, invite.len() - 1] {
        let ran = ben.run(&["add", &invite[..length]]).await;
        ran.failed(2, &["invite is damaged"]);
    }
}

#[tokio::test]
async fn something_else_than_an_invite_is_named_as_such() {
    let ann = Person::new();
    let peer_id = text(&ann.one(&["id"]).await["peer_id"]);
    ann.run(&["add", &peer_id])
        .await
        .failed(2, &["this is a kith peer", "invite is needed"]);
}

#[tokio::test]
async fn an_expired_invite_is_refused_by_who_adds_it_and_by_who_made_it() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    let invite = text(&ann.one(&["invite", "--for", "1s"]).await["invite"]);
    let expired = async {
        loop {
            let ran = ben.run(&["add", &invite]).await;
            match ran.code {
                0 => {
                    ben.one(&["contact", "remove", &text(&ran_peer(&ran))])
                        .await
                }
                // It ended on the way: its maker refuses it.
                3 => continue,
                _ => return ran,
            };
        }
    };
    let ran = tokio::time::timeout(crate::person::PATIENCE, expired)
        .await
        .expect("in time");
    ran.failed(1, &["expired", "ask for a new one"]);
}

fn ran_peer(ran: &crate::person::Ran) -> serde_json::Value {
    let said = String::from_utf8_lossy(&ran.stdout);
    let id = said.split(['(', ')']).nth(1).expect("name (peer1…)");
    serde_json::Value::String(id.to_owned())
}

#[tokio::test]
async fn an_invite_of_ones_own_is_refused() {
    let ann = Person::up().await;
    let invite = ann.invite().await;
    ann.run(&["add", &invite])
        .await
        .failed(1, &["your own invite"]);
}

#[tokio::test]
async fn a_replayed_invite_opens_nothing() {
    let (ann, ben, eve) = (Person::up().await, Person::up().await, Person::up().await);
    let invite = ann.invite().await;
    ben.one(&["add", &invite, "--as", "ann"]).await;
    ben.one(&["ping", "ann", "-c", "1"]).await;
    // Whoever finds it later is told, with a node that runs and without.
    for eve in [&eve, &Person::new()] {
        let ran = eve.run(&["add", &invite, "--as", "ann"]).await;
        ran.failed(3, &REFUSED);
        assert!(eve.json(&["contacts"]).await.is_empty());
        eve.run(&["ping", "ann", "-c", "1"])
            .await
            .failed(3, &["ann"]);
    }
    assert_eq!(ann.json(&["contacts"]).await.len(), 1);
    // For whom it was, it stays what it is.
    ben.one(&["add", &invite, "--as", "ann"]).await;
    ben.one(&["ping", "ann", "-c", "1"]).await;
}

#[tokio::test]
async fn a_forged_invite_opens_nothing() {
    let (ann, eve, zoe) = (Person::up().await, Person::up().await, Person::new());
    let invite: Invite = ann.invite().await.parse().expect("an invite");
    let mut guessed = invite.clone();
    guessed.secret = InviteSecret::from_bytes([7; 32]);
    // With another's name on it, it leads to Ann's node still, which is not theirs.
    let mut renamed = invite.clone();
    renamed.peer = text(&zoe.one(&["id"]).await["peer_id"])
        .parse()
        .expect("an id");
    let without_a_node = Person::new();
    for forged in [guessed, renamed.clone()] {
        for eve in [&eve, &without_a_node] {
            let ran = eve.run(&["add", &forged.to_string(), "--as", "ann"]).await;
            ran.failed(3, &REFUSED);
            assert!(eve.json(&["contacts"]).await.is_empty());
        }
    }
    assert!(ann.json(&["contacts"]).await.is_empty());
    // Nor is it taken for Zoe's by who is let in there.
    eve.one(&["add", &invite.to_string(), "--as", "ann"]).await;
    let ran = eve.run(&["add", &renamed.to_string(), "--as", "zoe"]).await;
    ran.failed(3, &["zoe does not take this invite"]);
    assert_eq!(eve.one(&["contacts"]).await["name"], "ann");
}

#[tokio::test]
async fn a_forged_invite_leaves_a_contact_as_it_was() {
    let (ann, cy) = (Person::up().await, Person::up().await);
    let (with_a_node, without) = (Person::up().await, Person::new());
    for ben in [&with_a_node, &without] {
        ben.meet(&ann, "ann", "ben").await;
        let mut forged: Invite = ann.invite().await.parse().expect("an invite");
        forged.secret = InviteSecret::from_bytes([7; 32]);
        let used_up = ann.invite().await;
        cy.one(&["add", &used_up, "--as", "ann"]).await;
        let withdrawn = ann.one(&["invite"]).await;
        ann.one(&["invite", "--end", &text(&withdrawn["id"])]).await;
        for invite in [forged.to_string(), used_up, text(&withdrawn["invite"])] {
            let ran = ben.run(&["add", &invite, "--as", "countess"]).await;
            ran.failed(3, &["countess does not take this invite"]);
            let contact = ben.one(&["contacts"]).await;
            let is = ["name", "state", "mutual"].map(|name| contact[name].clone());
            assert_eq!(json!(is), json!(["ann", "confirmed", true]));
            ben.one(&["ping", "ann", "-c", "1"]).await;
        }
        ann.one(&["contact", "remove", "ben"]).await;
    }
}

#[tokio::test]
async fn an_invite_of_a_time_to_come_or_without_an_end_is_refused() {
    let (ann, ben) = (Person::up().await, Person::new());
    let invite: Invite = ann.invite().await.parse().expect("an invite");
    let mut ahead = invite.clone();
    ahead.made = ahead.made + kith::core::time::DAY;
    let mut endless = invite;
    endless.expires = kith::core::time::Time(u64::MAX);
    for (invite, said) in [(ahead, "a time to come"), (endless, "lasts longer")] {
        let ran = ben.run(&["add", &invite.to_string()]).await;
        ran.failed(1, &[said]);
        assert!(ben.json(&["contacts"]).await.is_empty());
    }
}

#[tokio::test]
async fn an_invite_whose_maker_is_away_is_kept_for_when_they_are_back() {
    let (mut ann, ben) = (Person::up().await, Person::up().await);
    let invite = ann.invite().await;
    ann.stop("TERM").await;
    let ran = ben.run(&["add", &invite, "--as", "ann"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let said = "ann does not know of you yet";
    assert!(ran.stderr.contains(said), "{ran:?}");
    assert_eq!(ben.one(&["contacts"]).await["name"], "ann");
}

#[tokio::test]
async fn a_second_daemon_on_a_data_directory_is_refused() {
    let ann = Person::up().await;
    let ran = ann.run(&["up", "--no-lan"]).await;
    ran.failed(
        1,
        &[&ann.data().display().to_string(), "is in use by process"],
    );
    ann.one(&["id"]).await;
}

#[tokio::test]
async fn a_read_only_data_directory_is_refused() {
    // sysfs takes no new files from anybody, root included.
    for command in [&["up"][..], &["id"], &["contacts"]] {
        let mut ran = kith(command);
        ran.env("KITH_DATA", "/sys/kernel/kith");
        finish(ran, b"")
            .await
            .failed(1, &["/sys/kernel/kith cannot be written", "--data DIR"]);
    }
}

#[tokio::test]
async fn a_file_is_not_a_data_directory() {
    let ann = Person::new();
    fs::write(ann.file("file"), "").expect("room");
    let mut ran = kith(&["id"]);
    ran.env("KITH_DATA", ann.file("file"));
    finish(ran, b"").await.failed(1, &["is not a directory"]);
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_left_alone() {
    let ann = Person::new();
    ann.one(&["id"]).await;
    let mut file = fs::File::options()
        .read(true)
        .write(true)
        .open(ann.file("kith.db"))
        .expect("there");
    file.seek(SeekFrom::Start(USER_VERSION_AT))
        .expect("long enough");
    file.write_all(&1000_u32.to_be_bytes()).expect("room");
    let bytes = |file: &mut fs::File| {
        let mut bytes = Vec::new();
        file.rewind()
            .and_then(|()| file.read_to_end(&mut bytes))
            .expect("readable");
        bytes
    };
    let before = bytes(&mut file);
    ann.run(&["id"])
        .await
        .failed(1, &["newer kith", "nothing was changed"]);
    ann.run(&["up"]).await.failed(1, &["newer kith"]);
    assert!(bytes(&mut file) == before);
}

#[tokio::test]
async fn a_typo_in_the_configuration_is_a_mistake_of_usage_named_with_its_line() {
    let ann = Person::new();
    fs::write(ann.file("config.toml"), "lan = false\nfindabel = true\n").expect("room");
    for command in [&["up"][..], &["id"]] {
        let ran = ann.run(command).await;
        ran.failed(
            2,
            &[
                "config.toml, line 2",
                "findabel",
                "did you mean \"findable\"?",
            ],
        );
    }
}

#[tokio::test]
async fn a_key_that_others_can_read_is_not_used() {
    let ann = Person::new();
    ann.one(&["id"]).await;
    fs::set_permissions(ann.file("identity.key"), Permissions::from_mode(0o644)).expect("ours");
    ann.run(&["id"])
        .await
        .failed(1, &["can be read by others", "chmod 600"]);
}

#[tokio::test]
async fn a_damaged_key_is_not_replaced_by_a_new_one() {
    let ann = Person::new();
    ann.one(&["id"]).await;
    let key = fs::read_to_string(ann.file("identity.key")).expect("there");
    fs::write(ann.file("identity.key"), &key[..key.len() / 2]).expect("room");
    ann.run(&["up"])
        .await
        .failed(1, &["identity.key is damaged", "backup"]);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = UdpSocket::bind("127.0.0.1:0").expect("free");
    let address = taken.local_addr().expect("bound").to_string();
    let ann = Person::new();
    ann.run(&["up", "--bind", &address])
        .await
        .failed(1, &[&address]);
    // Nothing is left in the way.
    ann.one(&["id"]).await;
}

#[tokio::test]
async fn an_unknown_contact_is_not_found() {
    let ann = Person::new();
    for command in [
        &["ping", "nobody"][..],
        &["pipe", "nobody", "/x/1"],
        &["trace", "nobody"],
        &["contact", "words", "nobody"],
        &["contact", "words", "nobody", "--live"],
        &["contact", "rename", "nobody", "somebody"],
        &["contact", "remove", "nobody"],
        &["contact", "block", "nobody"],
        &["listen", "/x/1", "--from", "nobody"],
    ] {
        let ran = ann.run(command).await;
        ran.failed(3, &["\"nobody\"", "kith contacts"]);
        assert!(!ran.stderr.contains("waiting"), "{ran:?}");
    }
}

#[tokio::test]
async fn a_command_line_that_makes_no_sense_is_a_mistake_of_usage() {
    let ann = Person::new();
    let stranger = format!("peer1{}", "q".repeat(58));
    let addresses: Vec<String> = (1..=5).map(|n| format!("--address=192.0.2.{n}")).collect();
    let addresses = addresses.iter().map(String::as_str);
    let five: Vec<&str> = std::iter::once("introducer").chain(addresses).collect();
    for command in [
        &[][..],
        &["fly"],
        &["ping"],
        &["invite", "--for", "soon"],
        &["invite", "--for", "0s"],
        &["pipe", "nobody", "no-name"],
        &["ping", &stranger],
        &["up", "--api", "0.0.0.0:7117"],
        &["up", "--introducer", "somewhere"],
        &["up", "--name", "two\nlines"],
        &["up", "--name", &"x".repeat(65)],
        &["offer", "web", "0"],
        &["offer", "web", "127.0.0.1:0", "--udp"],
        &["introducer", "--address", "0.0.0.0"],
        &["introducer", "--address", "::"],
        &["introducer", "--address", "ff02::1"],
        &["introducer", "--address", "::ffff:224.0.0.1"],
        &["introducer", "--listen", "127.0.0.1:65535"],
        &five[..],
    ] {
        ann.run(command).await.failed(2, &[]);
    }
    assert!(ann.json(&["offers"]).await.is_empty());
}

#[tokio::test]
async fn with_json_an_error_can_be_read_by_programs() {
    let ann = Person::new();
    ann.one(&["id"]).await;
    let ran = ann.run(&["ping", "nobody", "--json"]).await;
    ran.failed(3, &[]);
    let error: serde_json::Value = serde_json::from_str(&ran.stderr).expect("a JSON line");
    assert_eq!(error["error"]["kind"], "not_found");
    assert!(text(&error["error"]["message"]).contains("nobody"));

    // The parser's own mistakes too, whatever stands where.
    for (command, said) in [
        (&["--json", "ping"][..], "<PEER>"),
        (&["fly", "--json"], "'fly'"),
        (&["invite", "--for", "soon", "--json"], "'soon'"),
        (&["--json"], "a command is missing"),
        (&["--json", "contact"], "a command is missing"),
    ] {
        let ran = ann.run(command).await;
        ran.failed(2, &[]);
        let line = ran.stderr.strip_suffix('\n').expect("a line");
        assert!(!line.contains('\n'), "{line}");
        let error: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(error["error"]["kind"], "usage", "{line}");
        assert!(text(&error["error"]["message"]).contains(said), "{line}");
        assert!(
            !text(&error["error"]["message"]).contains("Usage"),
            "{line}"
        );
    }
    assert_eq!(ann.run(&["--json", "--help"]).await.code, 0);
}

#[tokio::test]
async fn names_that_cannot_be_names_change_nothing() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    for name in ["", "a/b", "a:b", "peer1x", "bell\u{7}"] {
        ben.run(&["contact", "rename", "ann", name])
            .await
            .failed(2, &["a name"]);
    }
    assert_eq!(ben.one(&["contacts"]).await["name"], "ann");
}
