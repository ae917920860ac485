//! The local API, as other programs find it.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::events::Events;
use crate::person::{PATIENCE, Person, text};

/// One HTTP call, as any program could make it. Its status line, and its body.
pub(crate) async fn call(person: &Person, method: &str, path: &str, body: &str) -> (String, Value) {
    let request = format!(
        "{method} /api/v1{path} HTTP/1.1\r\nHost: kith.localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = UnixStream::connect(person.file("kith.sock"))
        .await
        .expect("it is up");
    stream
        .write_all(request.as_bytes())
        .await
        .expect("it listens");
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer))
        .await
        .expect("in time")
        .expect("text");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.lines().next().unwrap_or_default().to_owned();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn the_socket_is_its_owners_alone_and_gone_after_a_clean_end() {
    for signal in ["INT", "TERM"] {
        let mut ann = Person::new();
        let ready = ann.start(&[]).await;
        assert_eq!(ready["event"], "ready");
        assert_eq!(
            text(&ready["socket"]),
            ann.file("kith.sock").display().to_string()
        );
        let mode = std::fs::metadata(ann.file("kith.sock"))
            .expect("there")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(ann.stop(signal).await, 0);
        assert!(!ann.file("kith.sock").exists());
    }
}

#[tokio::test]
async fn a_node_that_is_up_says_where_its_api_is() {
    let mut ann = Person::new();
    let ready = ann.start(&["--api", "127.0.0.1:0"]).await;
    let api: SocketAddr = text(&ready["api"]).parse().expect("an address");
    assert!(api.ip().is_loopback() && api.port() != 0, "{api}");
    assert!(text(&ready["url"]).contains(&format!(":{}/", api.port())));
    TcpStream::connect(api).await.expect("it listens there");
    ann.stop("TERM").await;
    let ready = ann.start(&["--no-web"]).await;
    assert_eq!(ready["api"], ready["socket"]);
    assert_eq!(ready["url"], Value::Null);
}

#[tokio::test]
async fn a_daemon_that_was_killed_is_in_nobodys_way() {
    let mut ann = Person::up().await;
    let before = ann.one(&["id"]).await;
    ann.stop("KILL").await;
    assert!(ann.file("kith.sock").exists(), "it had no time to clean up");
    assert_eq!(ann.one(&["id"]).await["peer_id"], before["peer_id"]);
    ann.start(&[]).await;
    assert_eq!(ann.one(&["id"]).await["daemon"], true);
}

#[tokio::test]
async fn failures_have_a_status_and_words() {
    let ann = Person::up().await;
    let (status, body) = call(&ann, "GET", "/contacts/nobody", "").await;
    assert!(status.contains("404"), "{status}");
    assert_eq!(body["kind"], "not_found");
    let (status, body) = call(&ann, "POST", "/contacts", "{\"invite\": 7}").await;
    assert!(status.contains("400"), "{status}");
    assert_eq!(body["kind"], "usage");
    let (status, body) = call(&ann, "POST", "/contacts", "{\"invite\": \"kith:invite1x\"}").await;
    assert!(
        status.contains("400") && text(&body["message"]).contains("damaged"),
        "{status} {body}"
    );
    let (status, body) = call(&ann, "GET", "/nothing", "").await;
    assert!(
        status.contains("400") && text(&body["message"]).contains("openapi.json"),
        "{status}"
    );
    let (status, body) = call(
        &ann,
        "POST",
        "/pipe",
        "{\"peer\":\"x\",\"protocols\":[\"/x/1\"]}",
    )
    .await;
    assert!(
        status.contains("400") && text(&body["message"]).contains("kith-raw"),
        "{status}"
    );
    let (status, _) = call(&ann, "GET", "/streams/7", "").await;
    assert!(status.contains("404"), "{status}");
}

#[tokio::test]
async fn a_name_that_cannot_be_had_is_what_is_wrong() {
    let (ann, ben, cat) = (Person::up().await, Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    let invite = cat.invite().await;
    for name in ["ANN", "a/b", "\u{200d}cat", "Ada\u{ad}"] {
        let asked = json!({ "invite": invite, "name": name }).to_string();
        let (status, body) = call(&ben, "POST", "/contacts", &asked).await;
        assert!(status.contains("400"), "{name:?}: {status}");
        assert_eq!(body["of_name"], true, "{name:?}: {body}");
    }
    let asked = json!({ "invite": "kith:invite1x", "name": "cat" }).to_string();
    let (_, body) = call(&ben, "POST", "/contacts", &asked).await;
    assert_eq!(body["of_name"], Value::Null, "{body}");

    let renamed = |name: &str| json!({ "name": name }).to_string();
    for name in ["علی\u{200c}رضا", "Bob 👨\u{200d}👩\u{200d}👧"] {
        let peer = text(&ann.one(&["id"]).await["peer_id"]);
        let path = format!("/contacts/{peer}/rename");
        let (status, body) = call(&ben, "POST", &path, &renamed(name)).await;
        assert!(status.contains("200"), "{status} {body}");
        assert_eq!(body["name"], name);
    }
    let asked = json!({ "invite": invite, "name": "bob 👨👩👧" }).to_string();
    let (_, body) = call(&ben, "POST", "/contacts", &asked).await;
    assert_eq!(body["of_name"], true, "it looks like the other's: {body}");
}

#[tokio::test]
async fn the_document_lists_every_path_there_is() {
    let ann = Person::up().await;
    let (status, document) = call(&ann, "GET", "/openapi.json", "").await;
    assert!(status.contains("200"), "{status}");
    crate::snapshots::compare(
        "openapi.json",
        &serde_json::to_string_pretty(&document).expect("JSON"),
    );
    let programs = document.to_string().to_lowercase();
    assert!(
        !programs.contains("exec"),
        "nothing that runs programs is reachable by HTTP"
    );
}

#[tokio::test]
async fn events_are_told_as_they_happen() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    let mut events = Events::follow(&ann).await;
    ben.meet(&ann, "ann", "ben").await;
    let ben_id = text(&ben.one(&["id"]).await["peer_id"]);
    let online = events.until("online").await;
    assert_eq!(online, json!({ "peer_id": ben_id }).to_string());
    events.until("invite_used").await;
    let out = ann.file("out").display().to_string();
    let ran = ann.run(&["get", "ben/nothing", "--out", &out]).await;
    ran.failed(3, &["no such share"]);
    events
        .until_it_says("transfer", "\"state\":\"failed\"")
        .await;
}
