//! What the web app asks of the API, beside what commands do.

use std::fs;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

use crate::door::call;
use crate::events::Events;
use crate::person::{PATIENCE, Person, text};
use crate::web_client::up_with_browser;

#[tokio::test]
async fn a_pasted_text_is_recognised_and_nothing_is_done_with_it() {
    let (ann, client) = up_with_browser().await;
    let ben = Person::up().await;
    let recognise = async |words: &str| {
        let answered = client.post("/recognise", &json!({ "text": words })).await;
        (answered.status, answered.json())
    };
    let invite = ben.invite().await;
    let (_, known) = recognise(&format!("Add me:\n  {}\n", invite.to_uppercase())).await;
    assert_eq!(
        (&known["kind"], &known["text"]),
        (&json!("invite"), &json!(invite))
    );
    let flags = (&known["own"], &known["expired"], &known["contact"]);
    assert_eq!(flags, (&json!(false), &json!(false), &Value::Null));
    let (_, own) = recognise(&ann.invite().await).await;
    assert_eq!(own["own"], true);
    assert!(ann.json(&["contacts"]).await.is_empty(), "nobody was added");

    fs::write(ben.file("a.txt"), b"a").expect("room");
    let path = ben.file("a.txt").display().to_string();
    let link = text(&ben.one(&["share", &path, "--link"]).await["link"]);
    let (_, known) = recognise(&link).await;
    assert_eq!(
        (&known["kind"], &known["opens"]),
        (&json!("link"), &json!(true))
    );
    assert_eq!(known["name"], "a.txt");
    let (_, known) = recognise(&text(&known["peer_id"])).await;
    assert_eq!(known["kind"], "peer");

    let damaged = invite.replace("invite1", "invite1q");
    for (words, said) in [
        (damaged.as_str(), "damaged"),
        ("https://example.org", "no invite"),
        ("", "no invite"),
    ] {
        let (status, refused) = recognise(words).await;
        assert_eq!(status, 400, "{words}");
        assert!(
            text(&refused["message"]).contains(said),
            "{words}: {refused}"
        );
    }
}

#[tokio::test]
async fn what_an_app_says_of_a_failure_names_no_command() {
    let ann = Person::up().await;
    let (status, refused) = call(&ann, "POST", "/transfers/7/pause", "{}").await;
    assert!(status.contains("404"), "{status}");
    assert_eq!(refused["message"], "there is no transfer 7");
    assert!(text(&refused["shell"]).contains("kith transfers"));
}

#[tokio::test]
async fn settings_hold_at_once_and_after_a_restart() {
    let mut ann = Person::up().await;
    let change = json!({ "name": "Ännchen", "findable": true, "audience": "link", "copies_mebibytes": 5,
        "relay_for_contacts": false });
    let (status, now) = call(&ann, "POST", "/settings", &change.to_string()).await;
    assert!(status.contains("200"), "{status} {now}");
    let holds = |settings: &Value| {
        for (name, value) in change.as_object().expect("an object") {
            assert_eq!(&settings[name], value, "{name}");
        }
    };
    holds(&now);
    assert!(now["storage"]["database"].as_u64().expect("bytes") > 0);
    let kept = fs::read_to_string(ann.file("config.toml")).expect("there");
    assert!(kept.starts_with("lan = false\n"), "all else stays: {kept}");
    ann.stop("INT").await;
    ann.start(&[]).await;
    holds(&call(&ann, "GET", "/settings", "").await.1);

    let invite = ann.invite().await;
    let (_, known) = call(
        &ann,
        "POST",
        "/recognise",
        &json!({ "text": invite }).to_string(),
    )
    .await;
    assert_eq!(known["suggested_name"], "Ännchen");
    for wrong in [
        json!({ "name": "a\nb" }),
        json!({ "name": "n".repeat(65) }),
        json!({ "audience": "friends" }),
        json!({ "nmae": "x" }),
    ] {
        let (status, refused) = call(&ann, "POST", "/settings", &wrong.to_string()).await;
        assert!(status.contains("400"), "{wrong}: {status} {refused}");
    }
}

#[tokio::test]
async fn introducers_are_added_and_removed_while_the_node_runs() {
    let ann = Person::up().await;
    let place = Person::new();
    let mut running = place.begin(&["introducer", "--json", "--listen", "127.0.0.1:0"]);
    let line = text(&running.json().await["where"]);
    let body = json!({ "line": line }).to_string();
    let (status, used) = call(&ann, "POST", "/introducers", &body).await;
    assert!(status.contains("200"), "{status} {used}");
    assert_eq!(used[0]["line"], line);
    let (_, network) = call(&ann, "GET", "/network", "").await;
    assert_eq!(network["introducers"][0]["line"], line);
    let kept = fs::read_to_string(ann.file("config.toml")).expect("there");
    assert!(kept.contains(&line), "{kept}");
    let (status, used) = call(&ann, "POST", "/introducers/remove", &body).await;
    assert!(
        status.contains("200") && used == json!([]),
        "{status} {used}"
    );
    let (status, _) = call(&ann, "POST", "/introducers/remove", &body).await;
    assert!(status.contains("404"), "{status}");
    let (status, _) = call(&ann, "POST", "/introducers", "{\"line\":\"somewhere\"}").await;
    assert!(status.contains("400"), "{status}");
}

#[tokio::test]
async fn the_network_is_what_this_node_knows_of_it() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let (_, network) = call(&ben, "GET", "/network", "").await;
    let session = &network["sessions"][0];
    assert_eq!(session["name"], "ann");
    assert_eq!(session["path"], "direct");
    assert!(session["found_by"].is_string(), "{session}");
    let path = &session["paths"][0];
    assert_eq!(
        (&path["path"], &path["selected"]),
        (&json!("direct"), &json!(true))
    );
    assert!(path["bytes_sent"].as_u64().expect("bytes") > 0, "{session}");
    assert!(
        path["bytes_received"].as_u64().expect("bytes") > 0,
        "{session}"
    );
}

#[tokio::test]
async fn an_album_takes_files_over_http_and_others_see_them() {
    let (ann, client) = up_with_browser().await;
    let ben = Person::up().await;
    ben.meet(&ann, "ann", "ben").await;
    let made = client
        .post("/albums", &json!({ "name": "Sea & sun" }))
        .await;
    assert_eq!(made.status, 200, "{made:?}");
    let album = made.json();
    assert_eq!(
        (&album["album"], &album["audience"]),
        (&json!(true), &json!("contacts"))
    );
    let id = text(&album["share_id"]);
    let mut events = Events::follow(&ann).await;
    let picture = vec![7; 3 << 20];
    let path = format!("/albums/{id}/files/day%201/%C3%BC.jpg");
    let put = client.change("PUT", &path, &picture).await;
    assert_eq!(put.status, 200, "{put:?}");
    assert_eq!(
        put.json(),
        json!({ "path": "day 1/ü.jpg", "bytes": picture.len(), "already_there": false })
    );
    events.until_it_says("share_changed", "\"files\":1").await;
    let out = ben.file("out");
    ben.json(&["get", "ann/Sea & sun", "--out", &out.display().to_string()])
        .await;
    let got = fs::read(out.join("Sea & sun/day 1/ü.jpg")).expect("there");
    assert!(got == picture);

    for (name, said) in [
        ("..%2f..%2fidentity.key", "'..'"),
        ("%2e%2e/x", "'..'"),
        ("day%201", "something else"),
        ("day%201/%C3%BC.jpg/x", "something else"),
        ("CON.jpg", "reserved"),
        ("Day%201/y.jpg", "case"),
        ("a%00b", "zero"),
    ] {
        let refused = client
            .change("PUT", &format!("/albums/{id}/files/{name}"), b"x")
            .await;
        assert_eq!(refused.status, 400, "{name}: {refused:?}");
        assert!(refused.text().contains(said), "{name}: {}", refused.text());
    }
    let removed = client.change("DELETE", &path, b"").await;
    assert_eq!(removed.status, 200, "{removed:?}");
    events.until_it_says("share_changed", "\"files\":0").await;
    assert_eq!(client.change("DELETE", &path, b"").await.status, 404);
    let incoming = fs::read_dir(ann.file("albums/.incoming")).expect("there");
    assert_eq!(incoming.count(), 0, "nothing half is left");

    fs::create_dir(ann.file("own")).expect("room");
    ann.one(&["share", &ann.file("own").display().to_string()])
        .await;
    let refused = client.change("PUT", "/albums/own/files/a.jpg", b"x").await;
    assert_eq!(
        refused.status, 404,
        "not into a folder that is shared where it lies: {refused:?}"
    );
    for wrong in [
        json!({ "name": "../x" }),
        json!({ "name": "" }),
        json!({ "name": "x", "audience": "friends" }),
        json!({ "name": "x", "audience": "named" }),
    ] {
        let refused = client.post("/albums", &wrong).await;
        assert_eq!(refused.status, 400, "{wrong}: {refused:?}");
    }
}

#[tokio::test]
async fn an_album_is_deleted_with_its_files_and_with_nothing_else() {
    let (ann, client) = up_with_browser().await;
    for name in ["sea", "sun"] {
        let made = client.post("/albums", &json!({ "name": name })).await;
        assert_eq!(made.status, 200, "{made:?}");
        let path = format!("/albums/{name}/files/day%201/a.jpg");
        assert_eq!(client.change("PUT", &path, b"x").await.status, 200);
    }
    fs::create_dir(ann.file("own")).expect("room");
    fs::write(ann.file("own/a.jpg"), b"mine").expect("room");
    ann.one(&["share", &ann.file("own").display().to_string()])
        .await;
    // A way out of it leads no deleting elsewhere.
    std::os::unix::fs::symlink(ann.file("own"), ann.file("albums/sea/link")).expect("made");

    for (name, status) in [("own", 404), ("nothing", 404)] {
        let refused = client
            .change("DELETE", &format!("/albums/{name}"), b"")
            .await;
        assert_eq!(refused.status, status, "{name}: {refused:?}");
    }
    let deleted = client.change("DELETE", "/albums/sea", b"").await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    assert_eq!(deleted.json()["name"], "sea");
    assert!(!ann.file("albums/sea").exists());
    assert!(ann.file("albums/sun/day 1/a.jpg").exists());
    let own = fs::read(ann.file("own/a.jpg")).expect("it stays");
    assert_eq!(own, b"mine");
    let again = client.change("DELETE", "/albums/sea", b"").await;
    assert_eq!(again.status, 404, "{again:?}");
    let shares = client.get("/api/v1/shares").await.text();
    assert!(
        shares.contains("sun") && !shares.contains("sea"),
        "{shares}"
    );
}

#[tokio::test]
async fn an_album_of_which_something_is_shared_by_another_name_is_not_deleted() {
    let (ann, client) = up_with_browser().await;
    let made = client.post("/albums", &json!({ "name": "sea" })).await;
    assert_eq!(made.status, 200, "{made:?}");
    let put = client
        .change("PUT", "/albums/sea/files/day/a.jpg", b"x")
        .await;
    assert_eq!(put.status, 200, "{put:?}");
    let day = ann.file("albums/sea/day").display().to_string();
    ann.one(&["share", &day]).await;
    let refused = client.change("DELETE", "/albums/sea", b"").await;
    assert_eq!(refused.status, 400, "{refused:?}");
    assert!(refused.text().contains("shared as"), "{}", refused.text());
    assert!(ann.file("albums/sea/day/a.jpg").exists());
    let shares = client.get("/api/v1/shares").await.text();
    assert!(shares.contains("\"sea\""), "{shares}");
}

#[tokio::test]
async fn a_file_that_is_added_to_an_album_comes_beside_another_of_its_name() {
    let (ann, client) = up_with_browser().await;
    let made = client.post("/albums", &json!({ "name": "sea" })).await;
    assert_eq!(made.status, 200, "{made:?}");
    let path = "/albums/sea/files/day%201/%C3%BC.jpg";
    for (content, name, already_there) in [
        ("one", "day 1/ü.jpg", false),
        ("another", "day 1/ü (2).jpg", false),
        ("one", "day 1/ü.jpg", true),
        ("another", "day 1/ü (2).jpg", true),
    ] {
        let added = client.change("POST", path, content.as_bytes()).await;
        let told = json!({ "path": name, "bytes": content.len(), "already_there": already_there });
        assert_eq!(added.json(), told);
    }
    let all = fs::read_dir(ann.file("albums/sea/day 1")).expect("there");
    assert_eq!(all.count(), 2, "who asks again adds nothing");
    let kept = |name: &str| fs::read_to_string(ann.file("albums/sea/day 1").join(name));
    assert_eq!(kept("ü.jpg").expect("there"), "one");
    assert_eq!(kept("ü (2).jpg").expect("there"), "another");
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let (ann, client) = up_with_browser().await;
    let made = client.post("/albums", &json!({ "name": "sea" })).await;
    assert_eq!(made.status, 200, "{made:?}");
    let origin = format!("http://{}", client.host);
    let headers = [("Origin", origin.as_str()), ("Content-Length", "100")];
    let path = "/api/v1/albums/sea/files/half.jpg";
    let mut begun = client.send("PUT", path, &headers, b"hello").await;
    begun.shutdown().await.expect("open");
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, begun.read_to_end(&mut answer)).await;
    let _ = read.expect("it gives up");
    assert!(!String::from_utf8_lossy(&answer).contains(" 200 "));
    assert!(!ann.file("albums/sea/half.jpg").exists());
    let incoming = fs::read_dir(ann.file("albums/.incoming")).expect("there");
    assert_eq!(incoming.count(), 0, "nothing half is left");
}

#[tokio::test]
async fn who_comes_back_to_the_events_is_told_that_it_missed_some() {
    let (_ann, client) = up_with_browser().await;
    let mut stream = client
        .send("GET", "/api/v1/events", &[("Last-Event-ID", "7")], b"")
        .await;
    let mut seen = String::new();
    while !seen.contains("event: missed\ndata: {\"count\":null}") {
        let mut bytes = [0; 512];
        let read = timeout(PATIENCE, stream.read(&mut bytes)).await;
        let count = read.expect("in time").expect("readable");
        assert_ne!(count, 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    assert!(seen.contains("retry: 1000"), "{seen}");
    assert!(seen.contains("id: "), "{seen}");
}
