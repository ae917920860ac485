//! Two people meet, reach each other, and keep an address book.

use std::fs;

use serde_json::{Value, json};

use crate::events::Events;
use crate::person::{PATIENCE, Person, Running, text};

#[tokio::test]
async fn two_people_meet_by_an_invite_and_ping_each_other_by_name() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    let invite = ann.invite().await;
    assert!(invite.starts_with("kith:invite1"), "{invite}");
    let added = ben.one(&["add", &invite, "--as", "ann"]).await;
    let ann_id = text(&ann.one(&["id"]).await["peer_id"]);
    assert_eq!(added, json!({ "name": "ann", "peer_id": ann_id }));

    let pongs = ben.json(&["ping", "ann", "-c", "3", "-i", "10ms"]).await;
    let sequence: Vec<_> = pongs
        .iter()
        .map(|pong| pong["seq"].as_u64().expect("a number"))
        .collect();
    assert_eq!(sequence, [1, 2, 3]);
    assert!(
        pongs
            .iter()
            .all(|pong| pong["rtt_ms"].as_f64().expect("a number") > 0.0)
    );
    assert!(
        pongs.iter().all(|pong| pong["path"] == "direct"),
        "{pongs:?}"
    );
    let by_id = ben.json(&["ping", &ann_id, "-c", "1"]).await;
    assert_eq!(by_id.len(), 1);

    // The maker has the other one too, and reaches them.
    let ben_id = text(&ben.one(&["id"]).await["peer_id"]);
    let contact = ann.one(&["contacts"]).await;
    assert_eq!(contact["peer_id"], Value::String(ben_id.clone()));
    assert_eq!(contact["state"], "confirmed");
    ann.one(&["ping", &ben_id, "-c", "1"]).await;
}

#[tokio::test]
async fn who_says_their_name_is_known_by_it_from_the_first_moment() {
    let (mut ann, mut ben) = (Person::new(), Person::new());
    ann.start(&["--name", "Ann"]).await;
    ben.start(&["--name", "Ben"]).await;
    let invite = ann.invite().await;
    assert_eq!(ben.one(&["add", &invite]).await["name"], "Ann");
    ben.one(&["ping", "Ann", "-c", "1"]).await;
    assert_eq!(ann.one(&["contacts"]).await["name"], "Ben");
    // It is kept for the next time, beside what else was said, and taken back by saying nothing.
    let kept = fs::read_to_string(ben.file("config.toml")).expect("there");
    assert_eq!(kept, "lan = false\nname = \"Ben\"\n");
    ben.stop("TERM").await;
    ben.start(&["--name", ""]).await;
    let kept = fs::read_to_string(ben.file("config.toml")).expect("there");
    assert_eq!(kept, "lan = false\nname = \"\"\n");
}

#[tokio::test]
async fn open_invites_are_listed_and_ended() {
    let (ann, ben, cy) = (Person::up().await, Person::up().await, Person::new());
    let one = ann.one(&["invite"]).await;
    let many = ann.one(&["invite", "--reusable"]).await;
    let mut told = Events::follow(&ann).await;
    ben.one(&["add", &text(&many["invite"]), "--as", "ann"])
        .await;
    let ben_id = text(&ben.one(&["id"]).await["peer_id"]);
    ann.one(&["contact", "rename", &ben_id, "ben"]).await;
    let listed = ann.json(&["invite", "--list"]).await;
    let ids: Vec<&Value> = listed.iter().map(|open| &open["id"]).collect();
    assert_eq!(ids, [&one["id"], &many["id"]]);
    assert_eq!(listed[0]["used_by"], json!([]));
    let by_ben = json!([{ "name": "ben", "peer_id": ben_id }]);
    assert_eq!(listed[1]["used_by"], by_ben);
    assert_eq!(listed[1]["expires"], many["expires"]);
    let seen = ann.run(&["invite", "--list"]).await;
    let seen = String::from_utf8(seen.stdout).expect("text");
    assert!(!seen.contains("kith:invite1"), "not told again: {seen}");
    let line = seen.lines().nth(1).expect("two");
    for part in ["for many", "made just now", "ends in 6 days", "used by ben"] {
        assert!(line.contains(part), "{part}: {line}");
    }

    let ended = ann.one(&["invite", "--end", &text(&many["id"])]).await;
    assert_eq!(ended["id"], many["id"]);
    let again = ann.run(&["invite", "--end", &text(&many["id"])]).await;
    again.failed(3, &["no invite", "is open"]);
    let none = ann.run(&["invite", "--end", "many"]).await;
    none.failed(2, &[]);
    let late = cy.run(&["add", &text(&many["invite"])]).await;
    late.failed(3, &["does not take this invite"]);
    assert_eq!(
        ann.one(&["contacts"]).await["name"],
        "ben",
        "who came stays"
    );

    cy.one(&["add", &text(&one["invite"])]).await;
    let used = told.until("invite_used").await;
    let used: Value = serde_json::from_str(&used).expect("JSON");
    assert_eq!(used["invite_id"], one["id"]);
    assert!(ann.json(&["invite", "--list"]).await.is_empty());
}

#[tokio::test]
async fn a_contact_is_told_of_with_all_that_scripts_rely_on() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let contact = ben.one(&["contacts"]).await;
    assert_eq!(contact["name"], "ann");
    assert_eq!(contact["state"], "confirmed");
    assert_eq!(contact["online"], true);
    assert_eq!(contact["path"], "direct");
    assert!(contact["rtt_ms"].as_f64().expect("a number") > 0.0);
    assert!(
        contact["speaks"]
            .as_array()
            .expect("a list")
            .contains(&json!("/kith/ping/1"))
    );
    assert_eq!(contact["mutual"], true);
    assert!(contact["source"].is_string(), "{contact}");
    assert!(contact["last_seen"].as_u64().expect("a time") > 0);
}

#[tokio::test]
async fn who_is_away_was_here_last_also_after_a_restart_and_who_never_was_was_not() {
    let (mut ann, mut ben, mut cy) = (Person::up().await, Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let invite = text(&cy.one(&["invite"]).await["invite"]);
    cy.stop("TERM").await;
    ben.one(&["add", &invite, "--as", "cy"]).await;

    let here = ben.one(&["contact", "tag", "ann", "boat"]).await;
    let seen = here["last_seen"].as_u64().expect("a time");
    ann.stop("TERM").await;
    let listed = async |ben: &Person| {
        let all = ben.json(&["contacts"]).await;
        assert_eq!(
            (&all[0]["name"], &all[1]["name"]),
            (&json!("ann"), &json!("cy"))
        );
        assert_eq!(all[1]["last_seen"], Value::Null, "never here");
        all[0].clone()
    };
    let gone = listed(&ben).await;
    let left = gone["last_seen"].as_u64().expect("a time");
    assert!(left >= seen, "{left} after {seen}");

    // No node runs: what was kept is read, and nobody was here since.
    ben.stop("TERM").await;
    let kept = listed(&ben).await;
    assert_eq!(kept["online"], false);
    let kept = kept["last_seen"].as_u64().expect("a time");
    assert!(kept >= left && kept < left + 60_000, "{kept} after {left}");
    assert_eq!(listed(&ben).await["last_seen"], kept);

    ben.one(&["contact", "remove", "ann"]).await;
    assert_eq!(ben.one(&["contacts"]).await["name"], "cy");
}

#[tokio::test]
async fn names_tags_and_notes_are_changed_and_found_by() {
    let (mut ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let renamed = ben.one(&["contact", "rename", "ann", "Änne Müller"]).await;
    assert_eq!(renamed["name"], "Änne Müller");
    let tagged = ben
        .one(&["contact", "tag", "änne müller", "family", "chess"])
        .await;
    assert_eq!(tagged["tags"], json!(["chess", "family"]));
    ben.one(&["contact", "tag", "Änne Müller", "chess", "--remove"])
        .await;
    assert_eq!(ben.json(&["contacts", "--tag", "family"]).await.len(), 1);
    assert_eq!(ben.json(&["contacts", "--tag", "chess"]).await.len(), 0);
    assert_eq!(
        ben.json(&["contacts", "--speaks", "/kith/ping/1"])
            .await
            .len(),
        1
    );
    assert_eq!(
        ben.json(&["contacts", "--speaks", "/kith/ping/2"])
            .await
            .len(),
        0
    );

    assert_eq!(ben.one(&["contacts"]).await["note"], "");
    let note = "met at the lake; brings the boat";
    let noted = ben.one(&["contact", "note", "Änne Müller", note]).await;
    assert_eq!(noted["note"], note);
    let long = "n".repeat(4097);
    ben.run(&["contact", "note", "Änne Müller", &long])
        .await
        .failed(2, &["at most 4096 bytes"]);
    let listed = ben.run(&["contacts"]).await;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(listed.contains(note), "{listed}");

    // All of it is there when no node runs, too.
    ann.stop("TERM").await;
    let mut ben = ben;
    assert_eq!(ben.stop("INT").await, 0);
    let contact = ben.one(&["contacts"]).await;
    assert_eq!(contact["name"], "Änne Müller");
    assert_eq!(contact["tags"], json!(["family"]));
    assert_eq!(contact["note"], note);
    let removed = ben.one(&["contact", "note", "Änne Müller", ""]).await;
    assert_eq!(removed["note"], "");
    assert_eq!(
        (&contact["online"], &contact["path"]),
        (&json!(false), &json!("none"))
    );
}

#[tokio::test]
async fn both_see_the_same_safety_words() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let (one, other) = tokio::join!(
        ann.one(&["contact", "words", "ben"]),
        ben.one(&["contact", "words", "ann"])
    );
    assert_eq!(one["words"], other["words"]);
    assert!(
        text(&one["words"]).split_whitespace().count() >= 12,
        "{one}"
    );
}

#[tokio::test]
async fn both_see_the_same_live_words_and_others_the_next_time() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let ask = ["contact", "words", "ben", "--live"];
    let mut waiting = Running::spawn(ann.command(&ask));
    // He begins when she waits already.
    waiting.said("waiting until ben runs").await;
    let ran = ben.run(&["contact", "words", "ann", "--live"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let his = String::from_utf8_lossy(&ran.stdout).into_owned();
    let (hers, code) = waiting.end().await;
    assert_eq!((code, hers.as_str()), (0, his.as_str()));
    assert_eq!(his.split_whitespace().count(), 4, "{his}");

    let (hers, his) = tokio::join!(
        ann.one(&ask),
        ben.one(&["contact", "words", "ann", "--live"])
    );
    assert_eq!(hers["words"], his["words"]);
    assert_eq!(
        (&hers["name"], &his["name"]),
        (&json!("ben"), &json!("ann"))
    );
    let again = text(&hers["words"]);
    assert_eq!(again.split_whitespace().count(), 4, "{again}");
    assert_ne!(again, String::from_utf8_lossy(&ran.stdout).trim());
}

#[tokio::test]
async fn who_is_blocked_gets_nothing_and_who_is_removed_is_forgotten() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let blocked = ann.one(&["contact", "block", "ben"]).await;
    assert_eq!(blocked["state"], "blocked");
    let ping = ben.run(&["ping", "ann", "-c", "1"]).await;
    ping.failed(3, &["ann"]);
    assert_eq!(ann.one(&["contacts"]).await["online"], false);
    std::fs::write(ann.file("letter"), "hello").expect("room");
    let letter = ann.file("letter").display().to_string();
    for command in [
        &["ping", "ben", "-c", "1"][..],
        &["ls", "ben"],
        &["pipe", "ben", "/any/1"],
        &["forward", "ben:web"],
        &["get", "ben/anything"],
        &["share", &letter, "--with", "ben"],
        &["offer", "web", "127.0.0.1:80", "--to", "ben"],
        &["listen", "/any/1", "--from", "ben"],
    ] {
        let ran = ann.run(command).await;
        ran.failed(4, &["you have blocked ben", "unblock"]);
    }
    let traced = ann.run(&["trace", "ben"]).await;
    assert_eq!(traced.code, 4, "{traced:?}");
    assert!(traced.stderr.contains("you have blocked ben"), "{traced:?}");

    let confirm = ["contact", "confirm", "ben"];
    ann.run(&confirm).await.failed(4, &["ben", "unblock"]);
    let unblocked = ann.run(&["contact", "unblock", "ben"]).await;
    assert_eq!(unblocked.code, 0, "{unblocked:?}");
    assert!(unblocked.stderr.contains("new invite"), "{unblocked:?}");
    ann.run(&confirm).await.failed(4, &["ben", "new invite"]);
    assert_eq!(ann.one(&["contacts"]).await["state"], "pending");
    for command in [&["ping", "ben", "-c", "1"][..], &["ls", "ben"]] {
        let ran = ann.run(command).await;
        ran.failed(3, &["ben", "since you blocked them", "new invite"]);
    }
    ann.one(&["contact", "remove", "ben"]).await;
    assert!(ann.json(&["contacts"]).await.is_empty());
    ann.run(&["ping", "ben"]).await.failed(3, &["ben"]);
}

#[tokio::test]
async fn a_link_opens_for_whoever_holds_it_and_blocking_says_so() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let folder = ann.file("poster");
    fs::create_dir(&folder).expect("room");
    fs::write(folder.join("poster.txt"), "come all").expect("room");
    let shared = ann
        .one(&["share", folder.to_str().expect("UTF-8"), "--link"])
        .await;
    let (link, share) = (text(&shared["link"]), text(&shared["share_id"]));
    let blocked = ann.run(&["contact", "block", "ben"]).await;
    assert_eq!(blocked.code, 0, "{blocked:?}");
    assert!(blocked.stderr.contains("kith unshare"), "{blocked:?}");
    let blocked = ann.one(&["contact", "block", "ben"]).await;
    assert_eq!(blocked["state"], "blocked");
    assert_eq!(blocked["links_open"], true, "{blocked}");
    let out = ben.file("got");
    let get = ["get", &link, "--out", out.to_str().expect("UTF-8")];
    let got = ben.run(&get).await;
    assert_eq!(got.code, 0, "{got:?}");

    ann.one(&["unshare", &share]).await;
    fs::remove_dir_all(&out).expect("ours");
    ben.run(&get).await.failed(3, &[]);
    ann.one(&["contact", "unblock", "ben"]).await;
    let blocked = ann.run(&["contact", "block", "ben"]).await;
    assert_eq!(
        (blocked.code, blocked.stderr.as_str()),
        (0, ""),
        "{blocked:?}"
    );
    let blocked = ann.one(&["contact", "block", "ben"]).await;
    assert_eq!(blocked["links_open"], false, "{blocked}");
}

#[tokio::test]
async fn a_reusable_invite_lets_several_in_who_wait_to_be_confirmed() {
    let ann = Person::up().await;
    let invite = text(&ann.one(&["invite", "--reusable", "--for", "1h"]).await["invite"]);
    for _ in 0..2 {
        let guest = Person::up().await;
        let added = guest.run(&["add", &invite, "--as", "ann", "--json"]).await;
        assert_eq!(added.code, 0, "{added:?}");
        assert!(added.stderr.contains("has to confirm you"), "{added:?}");
        let told: Value = serde_json::from_slice(&added.stdout).expect("a line of JSON");
        assert_eq!(told["to_be_confirmed"], true);
        guest.one(&["ping", "ann", "-c", "1"]).await;
        let guest_id = text(&guest.one(&["id"]).await["peer_id"]);
        let contacts = ann.json(&["contacts"]).await;
        let contact = contacts
            .iter()
            .find(|contact| contact["peer_id"] == guest_id.as_str());
        assert_eq!(contact.expect("there")["state"], "pending");
        assert_eq!(
            ann.one(&["contact", "confirm", &guest_id]).await["state"],
            "confirmed"
        );
        guest.one(&["ping", "ann", "-c", "1"]).await;
        let again = guest.run(&["add", &invite, "--json"]).await;
        assert_eq!((again.code, again.stderr.as_str()), (0, ""), "{again:?}");
        let told: Value = serde_json::from_slice(&again.stdout).expect("a line of JSON");
        assert_eq!(told["to_be_confirmed"], Value::Null, "ann has done so");
    }
}

#[tokio::test]
async fn a_node_is_the_same_peer_after_a_restart_and_its_contacts_find_it_again() {
    let (mut ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let before = ann.one(&["id"]).await;
    assert_eq!(ann.stop("TERM").await, 0);
    ann.start(&[]).await;
    let after = ann.one(&["id"]).await;
    assert_eq!(before["peer_id"], after["peer_id"]);
    assert_eq!(before["device_id"], after["device_id"]);
    assert_ne!(
        before["faces"]["contact"], after["faces"]["contact"],
        "it rotates"
    );
    // Ann knows where Ben is.
    ann.one(&["ping", "ben", "-c", "1"]).await;
    ben.one(&["ping", "ann", "-c", "1"]).await;
}

#[tokio::test]
async fn a_command_without_a_daemon_runs_a_node_of_its_own() {
    let (ann, mut ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    ben.stop("TERM").await;
    let pong = ben.one(&["ping", "ann", "-c", "1"]).await;
    assert_eq!(pong["path"], "direct");
    assert!(!ben.file("kith.sock").exists(), "nothing is left behind");
}

#[tokio::test]
async fn who_adds_without_a_daemon_is_known_to_the_maker_when_the_command_ends() {
    let (ann, ben) = (Person::up().await, Person::new());
    let invite = ann.invite().await;
    ben.one(&["add", &invite, "--as", "ann"]).await;
    let ben_id = text(&ben.one(&["id"]).await["peer_id"]);
    assert_eq!(ann.one(&["contacts"]).await["peer_id"], ben_id.as_str());
}

/// Ann with an introducer of her own, whose nodes run for single commands only.
async fn ann_and_introducer() -> (Person, crate::person::Running, Person) {
    let keeper = Person::new();
    let args = ["introducer", "--listen", "127.0.0.1:0", "--json"];
    let mut introducer = keeper.begin(&args);
    let line = text(&introducer.json().await["where"]);
    let mut ann = Person::new();
    ann.start(&["--introducer", &line]).await;
    ann.stop("TERM").await;
    (ann, introducer, keeper)
}

#[tokio::test]
async fn two_people_who_never_run_a_node_at_the_same_time_meet_at_an_introducer() {
    let (mut ann, introducer, _keeper) = ann_and_introducer().await;
    let ben = Person::new();
    let ben_id = text(&ben.one(&["id"]).await["peer_id"]);
    let invite = ann.invite().await;
    let ran = ben.run(&["add", &invite, "--as", "ann"]).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(ann.one(&["contacts"]).await["peer_id"], ben_id.as_str());
    ann.start(&[]).await;
    assert_eq!(ann.one(&["contacts"]).await["peer_id"], ben_id.as_str());
    assert_eq!(introducer.stop("TERM").await, 0);
}

#[tokio::test]
async fn who_cannot_leave_a_reply_is_told() {
    let (ann, introducer, _keeper) = ann_and_introducer().await;
    let ben = Person::new();
    let invite = ann.invite().await;
    assert_eq!(introducer.stop("TERM").await, 0);
    let ran = ben.run(&["add", &invite, "--as", "ann"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.stderr.contains("ann does not know of you yet"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("kith up"), "{ran:?}");
    assert_eq!(ben.one(&["contacts"]).await["name"], "ann");
}

#[tokio::test]
async fn a_damaged_introducer_is_refused_and_not_kept() {
    let line = "kith:introducer1qqqqq";
    let mut ann = Person::new();
    let ran = ann.run(&["up", "--introducer", line]).await;
    ran.failed(2, &["--introducer", "damaged"]);
    let ready = ann.start(&[]).await;
    assert_eq!(ready["introducers"], json!([]));
}

#[tokio::test]
async fn the_doctor_says_what_is_lacking_and_a_trace_each_step() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let ran = ben.run(&["doctor", "--json"]).await;
    assert_eq!(ran.code, 1, "no introducer is set: {ran:?}");
    let checks = ran.json();
    let of = |name: &str| {
        checks
            .iter()
            .find(|check| check["check"] == name)
            .expect("checked")
    };
    assert_eq!(of("node")["ok"], true);
    assert_eq!(of("introducers")["ok"], false);
    assert!(text(&of("introducers")["shell"]).contains("kith introducer"));

    let steps = ben.json(&["trace", "ann"]).await;
    let names: Vec<_> = steps.iter().map(|step| text(&step["step"])).collect();
    assert_eq!(names.first().map(String::as_str), Some("contact"));
    assert_eq!(names.last().map(String::as_str), Some("pong"));
    let answered = names.iter().filter(|name| *name == "session");
    assert_eq!(answered.count(), 1, "{names:?}");
    let status = ben.one(&["status"]).await;
    assert_eq!(status["contacts"], 1);
    assert_eq!(status["sessions"][0]["name"], "ann");

    // A device of hers answers still, as it answers strangers.
    ann.json(&["contact", "block", "ben"]).await;
    let traced = ben.run(&["trace", "ann"]).await;
    assert_eq!(traced.code, 3, "{traced:?}");
    let told = String::from_utf8_lossy(&traced.stdout);
    assert!(told.contains("ann is "), "{told}");
    assert!(!told.contains("answered"), "{told}");
}

#[tokio::test]
async fn a_stranger_sees_not_found_whether_the_peer_wants_to_be_found_or_not() {
    let host = Person::new();
    let mut introducer = host.begin(&["introducer", "--listen", "127.0.0.1:0", "--json"]);
    let line = text(&introducer.json().await["where"]);
    let (mut ann, mut ben, mut eve) = (Person::new(), Person::new(), Person::new());
    ann.start(&["--introducer", &line, "--findable"]).await;
    ben.start(&["--introducer", &line]).await;
    eve.start(&["--introducer", &line]).await;
    let ann_id = text(&ann.one(&["id"]).await["peer_id"]);
    let ben_id = text(&ben.one(&["id"]).await["peer_id"]);
    let found = async {
        // Her listing comes a moment after she is up.
        loop {
            let ran = eve.run(&["ping", &ann_id, "-c", "1"]).await;
            ran.failed(3, &[&ann_id]);
            if ran.stderr.contains("was reached") {
                return;
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    found.expect("who is findable is found, and answers no stranger's ping");
    let ran = eve.run(&["trace", &ann_id]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(said.contains("a place is known, by introducer"), "{ran:?}");
    let ran = eve.run(&["ping", &ben_id, "-c", "1"]).await;
    ran.failed(3, &["cannot reach", "nobody knows where they are"]);
    let ran = eve.run(&["pipe", &ann_id, "/nothing/1"]).await;
    ran.failed(3, &[&ann_id]);
}
