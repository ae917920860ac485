//! Who may have something: said in one way wherever it is shared, and changed afterwards.

use std::fs;

use serde_json::{Value, json};

use crate::door::call;
use crate::events::Events;
use crate::person::{Person, text};
use crate::services::friends;

/// A file of somebody's, and where it is.
fn write(person: &Person, name: &str) -> String {
    fs::write(person.file(name), name).expect("room");
    person.file(name).display().to_string()
}

#[tokio::test]
async fn what_nobody_says_is_what_the_settings_say_wherever_something_is_shared() {
    let (ann, _ben) = friends().await;
    let usual = json!({ "audience": "link" }).to_string();
    let (status, _) = call(&ann, "POST", "/settings", &usual).await;
    assert!(status.contains("200"), "{status}");
    let note = write(&ann, "note");
    let share = async |body: Value| call(&ann, "POST", "/shares", &body.to_string()).await;
    let audience = |(status, share): (String, Value)| {
        assert!(status.contains("200"), "{status} {share}");
        (text(&share["audience"]), share["with"].clone())
    };
    let said = |audience: &str, with: Value| (audience.to_owned(), with);
    let made = share(json!({ "paths": [note] })).await;
    assert_eq!(audience(made), said("link", json!([])));
    let made = share(json!({ "paths": [note], "with": ["ben"] })).await;
    assert_eq!(audience(made), said("named", json!(["ben"])));
    let made = share(json!({ "paths": [note], "audience": "contacts" })).await;
    assert_eq!(audience(made), said("contacts", json!([])));
    let album = json!({ "name": "sea" }).to_string();
    let made = call(&ann, "POST", "/albums", &album).await;
    assert_eq!(audience(made), said("link", json!([])));
    let letter = write(&ann, "letter");
    assert_eq!(ann.one(&["share", &letter]).await["audience"], "link");
    let made = ann.one(&["share", &letter, "--contacts"]).await;
    assert_eq!(made["audience"], "contacts");

    let before = ann.json(&["shares"]).await.len();
    for (wrong, why) in [
        (
            json!({ "paths": [note], "audience": "named" }),
            "at least one",
        ),
        (
            json!({ "paths": [note], "audience": "public", "with": ["ben"] }),
            "'named' alone",
        ),
        (json!({ "paths": [note], "audience": "friends" }), "friends"),
        (json!({ "paths": [note], "link": true }), "link"),
        (json!({ "paths": ["note"] }), "absolute"),
    ] {
        let (status, refused) = share(wrong.clone()).await;
        assert!(status.contains("400"), "{wrong}: {status} {refused}");
        assert!(text(&refused["message"]).contains(why), "{refused}");
    }
    let usual = json!({ "audience": "named" }).to_string();
    let (status, refused) = call(&ann, "POST", "/settings", &usual).await;
    assert!(status.contains("400"), "{status} {refused}");
    assert_eq!(ann.json(&["shares"]).await.len(), before);
}

#[tokio::test]
async fn who_may_have_a_share_is_changed_while_it_is_shared() {
    let (ann, ben) = friends().await;
    let cat = Person::up().await;
    cat.meet(&ann, "ann", "cat").await;
    let shared = ann
        .one(&["share", &write(&ann, "note"), "--with", "ben"])
        .await;
    assert_eq!(ben.one(&["ls", "ann"]).await["name"], "note");
    assert!(cat.json(&["ls", "ann"]).await.is_empty());

    let mut events = Events::follow(&ann).await;
    let changed = ann.one(&["audience", "note", "--with", "cat"]).await;
    assert_eq!(changed["with"], json!(["cat"]));
    for same in ["share_id", "link", "hash"] {
        assert_eq!(changed[same], shared[same], "{same}");
    }
    events
        .until_it_says("share_changed", &text(&shared["share_id"]))
        .await;
    assert_eq!(cat.one(&["ls", "ann"]).await["name"], "note");
    assert!(ben.json(&["ls", "ann"]).await.is_empty());
    let out = ben.file("out").display().to_string();
    let refused = ben.run(&["get", "ann/note", "--out", &out]).await;
    refused.failed(3, &["no such share"]);

    let id = text(&shared["share_id"]);
    let path = format!("/shares/{id}/audience");
    let wanted = json!({ "audience": "contacts" }).to_string();
    let (status, changed) = call(&ann, "POST", &path, &wanted).await;
    assert!(status.contains("200"), "{status} {changed}");
    assert_eq!(changed["with"], json!([]));
    assert_eq!(ben.run(&["get", "ann/note", "--out", &out]).await.code, 0);

    let with_link = ann.one(&["audience", "note", "--link"]).await;
    assert_ne!(with_link["link"], shared["link"]);
    for (args, code) in [
        (vec!["audience", "note"], 2),
        (vec!["audience", "note", "--link", "--public"], 2),
        (vec!["audience", "note", "--with", "nobody"], 3),
        (vec!["audience", "letter", "--public"], 3),
    ] {
        ann.run(&args).await.failed(code, &[]);
    }
    assert_eq!(ann.one(&["shares"]).await["audience"], "link");
}
