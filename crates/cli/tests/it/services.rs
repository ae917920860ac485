//! `offer`, `forward`, `share`, `get`: what people do for each other.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::process::Command;
use tokio::time::timeout;

use crate::person::{PATIENCE, Person, text};
use crate::programs;

/// Two people who have each other: `ann` offers and shares, `ben` goes to her.
pub(crate) async fn friends() -> (Person, Person) {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    (ann, ben)
}

/// A service that says everything backwards, after its client has finished; as often as it is asked.
async fn backwards() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("free");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut said = Vec::new();
            if socket.read_to_end(&mut said).await.is_ok() {
                said.reverse();
                // The client may be gone.
                let _ = socket.write_all(&said).await;
            }
        }
    });
    address
}

async fn ask(address: SocketAddr, what: &[u8]) -> Vec<u8> {
    let asked = async {
        let mut socket = TcpStream::connect(address).await?;
        socket.write_all(what).await?;
        socket.shutdown().await?;
        let mut said = Vec::new();
        socket.read_to_end(&mut said).await.map(|_| said)
    };
    timeout(PATIENCE, asked)
        .await
        .expect("in time")
        .unwrap_or_default()
}

fn listen(ready: &Value) -> SocketAddr {
    assert_eq!(ready["event"], "ready");
    text(&ready["listen"]).parse().expect("an address")
}

#[tokio::test]
async fn an_offered_service_is_reached_by_name_and_stays_after_a_restart() {
    let (mut ann, ben) = friends().await;
    let service = backwards().await.to_string();
    ann.one(&["offer", "back", &service, "--to", "ben"]).await;
    let mut forward = ben.begin(&["forward", "--listen", "localhost:0", "ann:back", "--json"]);
    let address = listen(&forward.json().await);
    assert!(address.ip().is_loopback());
    assert_eq!(ask(address, b"abc").await, b"cba");

    ann.stop("TERM").await;
    ann.start(&[]).await;
    let offered = ann.one(&["offers"]).await;
    assert_eq!(
        offered,
        json!({ "name": "back", "address": service, "udp": false, "to": ["ben"] })
    );
    ann.one(&["ping", "ben", "-c", "1"]).await;
    assert_eq!(ask(address, b"again").await, b"niaga");
    assert_eq!(forward.stop("INT").await, 0);

    ann.one(&["offer", "back", "--remove"]).await;
    assert!(ann.json(&["offers"]).await.is_empty());
    ann.run(&["offer", "back", "--remove"])
        .await
        .failed(3, &["back", "kith offers"]);
}

/// A UDP service that says everything backwards.
async fn backwards_by_udp() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("free");
    let address = socket.local_addr().expect("bound");
    tokio::spawn(async move {
        let mut said = [0; 2048];
        while let Ok((length, client)) = socket.recv_from(&mut said).await {
            said[..length].reverse();
            // The client may be gone.
            let _ = socket.send_to(&said[..length], client).await;
        }
    });
    address
}

/// Asks a UDP service again and again, for packets may be lost, until it answers `wanted`.
async fn ask_by_udp(address: SocketAddr, what: &[u8], wanted: &[u8]) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("free");
    let asked = async {
        let mut said = [0; 2048];
        loop {
            socket.send_to(what, address).await.expect("local");
            let answer = timeout(Duration::from_millis(200), socket.recv(&mut said)).await;
            // What an earlier listener at this port left may be an error.
            if let Ok(Ok(length)) = answer {
                return said[..length].to_vec();
            }
        }
    };
    let said = timeout(PATIENCE, asked).await.expect("in time");
    assert_eq!(said, wanted);
}

#[tokio::test]
async fn a_udp_service_is_offered_and_reached_by_name_beside_a_tcp_one() {
    let (ann, ben) = friends().await;
    let udp = backwards_by_udp().await.to_string();
    let tcp = backwards().await.to_string();
    let offered = ann.one(&["offer", "back", &udp, "--udp"]).await;
    assert_eq!(offered["udp"], true);
    ann.one(&["offer", "back", &tcp]).await;
    assert_eq!(ann.json(&["offers"]).await.len(), 2);

    let mut by_udp = ben.begin(&["forward", "--udp", "ann:back", "--json"]);
    let address = listen(&by_udp.json().await);
    assert!(address.ip().is_loopback());
    ask_by_udp(address, b"abc", b"cba").await;
    // As large as a game's packets get.
    let large: Vec<u8> = (0..1_000_u32).map(|n| (n % 251) as u8).collect();
    let turned: Vec<u8> = large.iter().rev().copied().collect();
    ask_by_udp(address, &large, &turned).await;
    let mut by_tcp = ben.begin(&["forward", "ann:back", "--json"]);
    let address = listen(&by_tcp.json().await);
    assert_eq!(ask(address, b"abc").await, b"cba");

    ann.one(&["offer", "back", "--udp", "--remove"]).await;
    let left = ann.one(&["offers"]).await;
    assert_eq!(left["udp"], false);
    assert_eq!(by_udp.stop("INT").await, 0);
    assert_eq!(by_tcp.stop("INT").await, 0);
}

/// A web server with one page, which closes after each answer.
async fn web_server(page: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("free");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                match socket.read_buf(&mut request).await {
                    Ok(1..) => {}
                    _ => break,
                }
            }
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                page.len()
            );
            // The client may be gone.
            let _ = socket.write_all(head.as_bytes()).await;
            let _ = socket.write_all(&page).await;
        }
    });
    address
}

#[tokio::test]
async fn curl_fetches_a_page_through_a_forward() {
    if !programs::is_there("curl") {
        return;
    }
    let page: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 253) as u8).collect();
    let (ann, ben) = friends().await;
    let server = web_server(page.clone()).await.to_string();
    ann.one(&["offer", "web", &server]).await;
    let mut forward = ben.begin(&["forward", "ann:web", "--json"]);
    let address = listen(&forward.json().await);
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--noproxy", "*"]);
    curl.args(["--max-time", "50"])
        .arg(format!("http://{address}/"));
    let fetched = curl.output().await.expect("it is there");
    let said = String::from_utf8_lossy(&fetched.stderr);
    assert!(fetched.status.success(), "{said}");
    assert!(fetched.stdout == page, "{} bytes", fetched.stdout.len());
    assert_eq!(forward.stop("INT").await, 0);
}

#[tokio::test]
async fn whoever_waits_to_be_confirmed_is_told_that_and_not_that_there_is_no_service() {
    let (ann, ben) = (Person::up().await, Person::up().await);
    let service = backwards().await.to_string();
    ann.one(&["offer", "web", &service]).await;
    let invite = ann.one(&["invite", "--reusable", "--for", "1h"]).await;
    let invite = invite["invite"].as_str().expect("an invite").to_owned();
    ben.one(&["add", &invite, "--as", "ann"]).await;
    let said = ["ann has not confirmed you yet"];
    ben.run(&["forward", "ann:web"]).await.failed(4, &said);
}

#[tokio::test]
async fn a_service_that_is_not_there_or_for_others_is_told_before_anything_connects() {
    let (ann, ben) = friends().await;
    let cat = Person::up().await;
    cat.meet(&ann, "ann", "cat").await;
    let service = backwards().await.to_string();
    ann.one(&["offer", "back", &service, "--to", "cat"]).await;
    let said = ["back of ann over TCP is for others; nothing else"];
    ben.run(&["forward", "ann:back"]).await.failed(4, &said);
    let said = ["ann offers no service none over TCP; nothing else"];
    ben.run(&["forward", "ann:none"]).await.failed(3, &said);

    ann.one(&["offer", "web", &service]).await;
    let mut forward = ben.begin(&["forward", "ann:web", "--json"]);
    let address = listen(&forward.json().await);
    let other = ben.run(&["forward", "ann:web", "--udp"]).await;
    other.failed(3, &["no service web over UDP; for you is web (TCP)"]);
    assert!(!other.stderr.contains("back"), "not for ben: {other:?}");
    // Taken back while it is led to.
    ann.one(&["offer", "web", "--remove"]).await;
    assert!(ask(address, b"abc").await.is_empty());
    forward.said("ann").await;
    assert_eq!(forward.stop("TERM").await, 0);
    ben.run(&["forward", "ann"]).await.failed(2, &["PEER:NAME"]);
    ben.run(&["forward", "nobody:back"])
        .await
        .failed(3, &["nobody"]);
}

#[tokio::test]
async fn a_forward_asks_without_taking_the_one_connection_of_a_service() {
    let (ann, ben) = friends().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("free");
    let service = listener.local_addr().expect("bound").to_string();
    ann.one(&["offer", "once", &service]).await;
    // It may be asked for itself as long as word of it is on its way.
    let known = async {
        while ben
            .json(&["contacts", "--speaks", "/kith/tcp/once/1"])
            .await
            .is_empty()
        {}
    };
    timeout(PATIENCE, known).await.expect("in time");
    let mut forward = ben.begin(&["forward", "ann:once", "--json"]);
    let address = listen(&forward.json().await);
    let once = async {
        let (mut socket, _) = listener.accept().await?;
        let mut said = Vec::new();
        socket.read_to_end(&mut said).await.map(|_| said)
    };
    let (said, _) = tokio::join!(timeout(PATIENCE, once), ask(address, b"abc"));
    assert_eq!(said.expect("in time").expect("it connects"), b"abc");
    assert_eq!(forward.stop("TERM").await, 0);
}

#[tokio::test]
async fn a_forward_to_somebody_away_says_so_and_leads_to_them_once_they_are_there() {
    let (mut ann, ben) = friends().await;
    let service = backwards().await.to_string();
    ann.one(&["offer", "back", &service]).await;
    ann.stop("TERM").await;
    let mut forward = ben.begin(&["forward", "ann:back", "--json"]);
    let address = listen(&forward.json().await);
    forward.said("ann").await;
    ann.start(&[]).await;
    ann.one(&["ping", "ben", "-c", "1"]).await;
    assert_eq!(ask(address, b"abc").await, b"cba");
    assert_eq!(forward.stop("TERM").await, 0);
}

#[tokio::test]
async fn a_folder_is_handed_over_by_name_with_progress() {
    let (ann, ben) = friends().await;
    let folder = ann.file("holiday");
    fs::create_dir_all(folder.join("day1")).expect("room");
    fs::write(folder.join("day1/a.txt"), "a").expect("room");
    fs::write(folder.join("b.bin"), vec![7; 2_000_000]).expect("room");
    let path = folder.to_str().expect("text");
    let shared = ann.one(&["share", path, "--with", "ben"]).await;
    assert_eq!(
        (&shared["bytes"], &shared["files"]),
        (&json!(2_000_001), &json!(2))
    );
    assert!(text(&shared["link"]).starts_with("kith:link1"));
    assert_eq!(ann.one(&["shares"]).await["share_id"], shared["share_id"]);
    assert_eq!(ben.one(&["ls", "ann"]).await["name"], "holiday");
    assert_eq!(ben.json(&["ls", "ann/holiday"]).await.len(), 2);

    let out = ben.file("out");
    let lines = ben
        .json(&["get", "ann/holiday", "--out", out.to_str().expect("text")])
        .await;
    let (done, progress) = lines.split_last().expect("something was said");
    assert!(!progress.is_empty() && progress.iter().all(|line| line["event"] == "progress"));
    assert_eq!(done["event"], "done");
    assert_eq!(
        (&done["bytes"], &done["files"]),
        (&json!(2_000_001), &json!(2))
    );
    assert_eq!(done["sources"][0]["peer"], "ann");
    assert_eq!(done["sources"][0]["bytes"], 2_000_001);
    assert_eq!(
        fs::read(out.join("holiday/b.bin")).expect("there"),
        vec![7; 2_000_000]
    );
    assert_eq!(
        fs::read(out.join("holiday/day1/a.txt")).expect("there"),
        b"a"
    );

    // The name of a folder means all that is in it, and where nothing matches it is told what helps.
    let some = ben.file("some");
    let some_out = some.to_str().expect("text");
    let mut get = ["get", "ann/holiday", "--only", "day1", "--out", some_out];
    let lines = ben.json(&get).await;
    assert_eq!(lines.last().expect("it ends")["files"], 1);
    assert!(some.join("holiday/day1/a.txt").exists());
    assert!(!some.join("holiday/b.bin").exists());
    get[3] = "*.jpg";
    let none = ben.run(&get).await;
    none.failed(3, &["matches", "kith ls", "kith get --help"]);

    ann.one(&["unshare", "holiday"]).await;
    let gone = ben
        .run(&["get", "ann/holiday", "--out", path, "--wait", "0s"])
        .await;
    gone.failed(3, &["ann has no such share"]);
}

#[tokio::test]
async fn a_link_is_enough_for_who_holds_it() {
    let (ann, eve) = (Person::up().await, Person::new());
    fs::write(ann.file("note.txt"), "for you").expect("room");
    let note = ann.file("note.txt");
    let link = text(
        &ann.one(&["share", note.to_str().expect("text"), "--link"])
            .await["link"],
    );
    let out = eve.file("out");
    let out = out.to_str().expect("text");
    let done = eve
        .json(&["get", &link, "--out", out])
        .await
        .pop()
        .expect("done");
    assert_eq!(done["files"], 1);
    let damaged = format!(
        "{}{}",
        &link[..link.len() - 1],
        if link.ends_with('q') { 'p' } else { 'q' }
    );
    eve.run(&["get", &damaged, "--out", out])
        .await
        .failed(2, &["damaged"]);
}
