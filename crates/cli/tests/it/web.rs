//! The door on TCP: who gets in, and who does not.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::time::timeout;

use crate::door::call;
use crate::person::{PATIENCE, Person, Running, finish, text};
use crate::web_client::{WebClient, up_with_browser};

#[tokio::test]
async fn the_address_that_is_printed_lets_one_browser_in_once() {
    let mut ann = Person::new();
    let ready = ann.start(&[]).await;
    let (client, path) = WebClient::at(&text(&ready["url"]));
    assert!(client.host.contains(".localhost:"), "{}", client.host);
    let first = client.get(&path).await;
    assert_eq!(first.status, 303, "{first:?}");
    assert_eq!(first.header("location"), Some("/"), "the code is gone");
    let cookie = first.header("set-cookie").expect("a cookie");
    for attribute in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    assert!(!cookie.contains("Domain"), "for this host alone: {cookie}");
    let second = client.get(&path).await;
    assert_eq!(second.status, 401, "{second:?}");
    assert!(second.text().contains("kith web"), "{}", second.text());
    assert_eq!(second.header("set-cookie"), None);
}

/// What opens an address: tells it to whoever reads `told`.
async fn put_opener(programs: &Path, told: &Path) {
    std::fs::create_dir(programs).expect("room");
    let script = format!("#!/bin/sh\nprintf %s \"$1\" > '{}'\n", told.display());
    // By another process: none of this one's is to be open for writing when the script is run.
    let put = "mkfifo \"$1\"; for name in open xdg-open; do printf %s \"$3\" > \"$2/$name\"; chmod +x \"$2/$name\"; done";
    let mut command = Command::new("sh");
    command.args(["-c", put, "sh"]).args([told, programs]);
    let put = command.arg(script).status().await.expect("sh runs");
    assert!(put.success());
}

#[tokio::test]
async fn the_browser_is_led_to_the_address_by_open_and_where_there_is_none_that_is_said() {
    let ann = Person::new();
    let (programs, told) = (ann.file("programs"), ann.file("told"));
    put_opener(&programs, &told).await;
    let up = [
        "up",
        "--no-lan",
        "--bind",
        "127.0.0.1:0",
        "--api",
        "127.0.0.1:0",
        "--open",
        "--json",
    ];
    let mut command = ann.command(&up);
    command.env("PATH", &programs);
    let mut running = Running::spawn(command);
    let ready = running.json().await;
    let opened = async || {
        let read = timeout(PATIENCE, tokio::fs::read_to_string(&told)).await;
        read.expect("in time").expect("text")
    };
    let url = opened().await;
    assert_eq!(url, text(&ready["url"]));
    let (client, path) = WebClient::at(&url);
    assert_eq!(client.get(&path).await.status, 303);

    let web = async || {
        let mut command = ann.command(&["web", "--open"]);
        command.env("PATH", &programs);
        finish(command, b"").await
    };
    let (ran, url) = tokio::join!(web(), opened());
    assert_eq!(String::from_utf8_lossy(&ran.stdout).trim(), url);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    std::fs::remove_dir_all(&programs).expect("there");
    let ran = web().await;
    assert!(
        ran.code == 0 && ran.stdout.starts_with(b"http://"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("open the address yourself"), "{ran:?}");
    assert_eq!(running.stop("TERM").await, 0);
}

#[tokio::test]
async fn an_address_that_is_followed_from_another_page_lets_in_too() {
    let mut ann = Person::new();
    let ready = ann.start(&[]).await;
    let (client, path) = WebClient::at(&text(&ready["url"]));
    let from = [("Sec-Fetch-Site", "cross-site")];
    let entered = client.ask("GET", &path, &from, b"").await;
    assert_eq!(
        entered.status, 200,
        "a redirect would go without the cookie"
    );
    assert!(entered.header("set-cookie").is_some());
    assert!(entered.text().contains("url=/\""), "{}", entered.text());
    let (_, code) = path.split_once("code=").expect("a code");
    assert!(!entered.text().contains(code), "{}", entered.text());
}

#[tokio::test]
async fn without_a_cookie_one_is_told_what_to_do() {
    let (_ann, mut client) = up_with_browser().await;
    assert_eq!(client.get("/").await.status, 200);
    assert_eq!(client.api("/status").await.status, 200);
    for cookie in [
        None,
        Some("kith=".to_owned()),
        Some(format!("kith={}", "0".repeat(64))),
    ] {
        client.cookie = cookie;
        let page = client.get("/").await;
        assert_eq!(page.status, 401, "{page:?}");
        assert!(page.text().contains("kith web"), "{}", page.text());
        let refused = client.api("/status").await;
        assert_eq!(refused.status, 401, "{refused:?}");
        assert!(text(&refused.json()["message"]).contains("kith web"));
    }
}

#[tokio::test]
async fn a_cookie_is_good_after_a_restart_and_not_once_it_is_ended() {
    let (mut ann, client) = up_with_browser().await;
    assert_eq!(ann.stop("INT").await, 0);
    let ready = ann.start(&[]).await;
    let (again, _) = WebClient::at(&text(&ready["url"]));
    assert_eq!(again.host, client.host, "the name and the port stay");
    assert_eq!(client.api("/status").await.status, 200);
    let listed = ann.one(&["web", "--list"]).await;
    let ended = ann.run(&["web", "--end", &listed["id"].to_string()]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    assert_eq!(client.api("/status").await.status, 401);
    ann.run(&["web", "--end", "7"])
        .await
        .failed(3, &["no browser 7"]);
}

#[tokio::test]
async fn a_browser_is_told_which_of_those_let_in_it_is() {
    let (ann, first) = up_with_browser().await;
    let second = WebClient::enter(&ann.one(&["web"]).await).await;
    for (client, is_this) in [(first, [true, false]), (second, [false, true])] {
        let told = client.api("/web/browsers").await.json();
        let told = told.as_array().expect("a list").iter();
        let told: Vec<_> = told.map(|browser| browser["this"] == true).collect();
        assert_eq!(told, is_this);
    }
    let listed = ann.run(&["web", "--list"]).await;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(
        !listed.contains("true"),
        "the socket is no browser: {listed}"
    );
}

#[tokio::test]
async fn a_new_address_is_asked_for_on_the_socket() {
    let (ann, client) = up_with_browser().await;
    let made = ann.one(&["web"]).await;
    let (second, path) = WebClient::at(&text(&made["url"]));
    assert_eq!(second.get(&path).await.status, 303);
    let refused = client.post("/web/codes", &json!({})).await;
    assert_ne!(refused.status, 200, "not by TCP");
    let nobody = Person::new();
    nobody.run(&["web"]).await.failed(3, &["kith up"]);
}

#[tokio::test]
async fn another_name_for_this_machine_leads_nowhere() {
    let (_ann, client) = up_with_browser().await;
    let port = client.port;
    for host in [
        "evil.example".to_owned(),
        format!("evil.example:{port}"),
        format!("kith.localhost:{port}"),
        format!("x.{}", client.host),
        client.host.replace(&format!(":{port}"), ""),
        String::new(),
    ] {
        let answered = client.named(&host).api("/status").await;
        assert!(
            [400, 421].contains(&answered.status),
            "{host}: {answered:?}"
        );
        assert!(!answered.text().contains("peer1"), "{host}");
    }
}

#[tokio::test]
async fn what_other_pages_ask_for_is_not_done() {
    let (ann, client) = up_with_browser().await;
    let body = json!({ "reusable": true, "seconds": 60, "addresses": false }).to_string();
    let own = format!("http://{}", client.host);
    let cases: [(&[(&str, &str)], u16); 6] = [
        (&[("Origin", "http://evil.example")], 403),
        (&[("Origin", "null")], 403),
        (&[("Sec-Fetch-Site", "cross-site")], 403),
        (&[("Sec-Fetch-Site", "same-site"), ("Origin", &own)], 403),
        (&[], 403),
        (&[("Origin", &own)], 200),
    ];
    for (said, status) in cases {
        let mut headers = said.to_vec();
        headers.push(("Content-Type", "application/json"));
        let answered = client
            .ask("POST", "/api/v1/invites", &headers, body.as_bytes())
            .await;
        assert_eq!(answered.status, status, "{said:?}: {answered:?}");
        assert_eq!(answered.header("access-control-allow-origin"), None);
    }
    let form = [("Origin", own.as_str()), ("Content-Type", "text/plain")];
    let answered = client
        .ask("POST", "/api/v1/invites", &form, body.as_bytes())
        .await;
    assert_eq!(answered.status, 400, "what a form can send is no JSON");
    let read = client
        .ask(
            "GET",
            "/api/v1/status",
            &[("Sec-Fetch-Site", "cross-site")],
            b"",
        )
        .await;
    assert_eq!(read.status, 403, "{read:?}");
    drop(ann);
}

#[tokio::test]
async fn no_page_may_frame_the_app_or_load_into_it() {
    let (_ann, client) = up_with_browser().await;
    let mut outside = client.clone();
    outside.cookie = None;
    for answered in [
        client.get("/").await,
        outside.get("/").await,
        client.api("/status").await,
    ] {
        let policy = answered
            .header("content-security-policy")
            .expect("a policy");
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        for (name, value) in [
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answered.header(name), Some(value), "{answered:?}");
        }
    }
}

#[tokio::test]
async fn a_program_comes_in_by_a_token_until_it_is_revoked() {
    let (ann, client) = up_with_browser().await;
    let made = ann.one(&["tokens", "make", "backup"]).await;
    let bearer = format!("Bearer {}", text(&made["token"]));
    let held: [(&str, &str); 1] = [("Authorization", &bearer)];
    let program = client.program();
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let program = program.named(&format!("{host}:{}", client.port));
        assert_eq!(
            program
                .ask("GET", "/api/v1/status", &held, b"")
                .await
                .status,
            200
        );
    }
    let with_page = [held[0], ("Origin", "http://evil.example")];
    assert_eq!(
        program
            .ask("GET", "/api/v1/status", &with_page, b"")
            .await
            .status,
        403
    );
    assert_eq!(
        program.ask("GET", "/", &held, b"").await.status,
        404,
        "the API alone"
    );
    assert_eq!(program.api("/status").await.status, 401);
    assert_eq!(
        program
            .ask(
                "GET",
                "/api/v1/status",
                &[("Authorization", "Bearer kith_0")],
                b""
            )
            .await
            .status,
        401
    );
    let mut with_cookie = client.clone();
    with_cookie.host.clone_from(&program.host);
    assert_eq!(
        with_cookie.api("/status").await.status,
        401,
        "cookies are for the app's name"
    );

    let listed = ann.one(&["tokens"]).await;
    assert_eq!(listed["name"], "backup");
    assert!(listed.get("token").is_none(), "told once");
    let made_by_tcp = [held[0], ("Content-Type", "application/json")];
    let refused = program
        .ask("POST", "/api/v1/tokens", &made_by_tcp, b"{\"name\":\"x\"}")
        .await;
    assert_ne!(refused.status, 200, "made on the socket alone");
    ann.run(&["tokens", "revoke", &made["id"].to_string()])
        .await;
    assert_eq!(
        program
            .ask("GET", "/api/v1/status", &held, b"")
            .await
            .status,
        401
    );
    ann.run(&["tokens", "make", ""]).await.failed(2, &["named"]);
}

#[tokio::test]
async fn nothing_that_runs_programs_or_becomes_raw_bytes_is_reachable() {
    let (ann, client) = up_with_browser().await;
    let (_, document) = call(&ann, "GET", "/openapi.json", "").await;
    assert!(!document.to_string().to_lowercase().contains("exec"));
    for path in [
        "/pipe",
        "/listeners",
        "/streams/1",
        "/streams/1/finish",
        "/exec",
    ] {
        let body = json!({ "peer": "x", "protocol": "/x/1", "protocols": ["/x/1"], "from": [] });
        let answered = client.post(path, &body).await;
        assert_eq!(answered.status, 400, "{path}: {answered:?}");
        assert!(answered.text().contains("nothing here"), "{path}");
    }
}

#[tokio::test]
async fn a_port_that_another_program_has_is_not_taken_from_it() {
    let other = TcpListener::bind("127.0.0.1:0").await.expect("room");
    let address = other.local_addr().expect("bound").to_string();
    let ann = Person::new();
    let ran = ann
        .run(&["up", "--no-lan", "--bind", "127.0.0.1:0", "--api", &address])
        .await;
    ran.failed(1, &["another program listens", "--api 127.0.0.1:0"]);
    assert!(!ann.file("kith.sock").exists());
}

#[tokio::test]
async fn idle_connections_are_in_nobodys_way() {
    let (_ann, client) = up_with_browser().await;
    let mut idle = Vec::new();
    for _ in 0..700 {
        let mut stream = TcpStream::connect(("127.0.0.1", client.port))
            .await
            .expect("accepted");
        // Some say nothing, some half of something.
        if idle.len() % 2 == 0 {
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHo").await;
        }
        idle.push(stream);
    }
    assert_eq!(client.api("/status").await.status, 200);
}

#[tokio::test]
async fn a_head_without_end_costs_its_connection_alone() {
    let (_ann, client) = up_with_browser().await;
    let mut stream = TcpStream::connect(("127.0.0.1", client.port))
        .await
        .expect("accepted");
    let line = format!("X-Long: {}\r\n", "x".repeat(1000));
    let mut sent = stream.write_all(b"GET / HTTP/1.1\r\n").await;
    for _ in 0..1000 {
        if sent.is_err() {
            break;
        }
        sent = stream.write_all(line.as_bytes()).await;
    }
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer))
        .await
        .expect("closed");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.contains(" 431 "), "{answer}");
    assert_eq!(client.api("/status").await.status, 200);
}

#[tokio::test]
async fn events_reach_a_browser() {
    let (ann, client) = up_with_browser().await;
    let mut stream = client.send("GET", "/api/v1/events", &[], b"").await;
    let mut seen = String::new();
    let mut read = async |until: &str| {
        let mut bytes = [0; 1024];
        while !seen.contains(until) {
            let read = timeout(PATIENCE, stream.read(&mut bytes)).await;
            let count = read.expect("in time").expect("readable");
            assert_ne!(count, 0, "ended: {seen}");
            seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    };
    read("text/event-stream").await;
    let ben = Person::up().await;
    ben.meet(&ann, "ann", "ben").await;
    read("event: online").await;
}

#[tokio::test]
async fn who_is_let_in_no_more_hears_of_nothing_any_more() {
    let (ann, client) = up_with_browser().await;
    let browser = ann.one(&["web", "--list"]).await["id"].to_string();
    let made = ann.one(&["tokens", "make", "backup"]).await;
    let token = format!("Bearer {}", text(&made["token"]));
    let program = [("Authorization", token.as_str())];
    let ends: [&[&str]; 2] = [
        &["web", "--end", &browser],
        &["tokens", "revoke", &made["id"].to_string()],
    ];
    for (who, headers, end) in [
        (client.clone(), &[][..], ends[0]),
        (client.program(), &program[..], ends[1]),
    ] {
        let mut stream = who.send("GET", "/api/v1/events", headers, b"").await;
        let mut seen = [0; 1024];
        let begun = timeout(PATIENCE, stream.read(&mut seen)).await;
        let begun = begun.expect("in time").expect("readable");
        assert!(String::from_utf8_lossy(&seen[..begun]).contains(" 200 "));
        assert_eq!(ann.run(end).await.code, 0);
        let rest = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await;
        rest.expect("it ends").expect("readable");
    }
}

#[tokio::test]
async fn what_a_program_holds_open_ends_with_its_token() {
    let (ann, client) = up_with_browser().await;
    let ben = Person::up().await;
    ben.meet(&ann, "ann", "ben").await;
    ben.one(&["offer", "echo", "9"]).await;
    let made = ann.one(&["tokens", "make", "backup"]).await;
    let token = format!("Bearer {}", text(&made["token"]));
    let headers = [
        ("Authorization", token.as_str()),
        ("Content-Type", "application/json"),
    ];
    let forward = br#"{"peer":"ben","name":"echo","listen":"127.0.0.1:0","udp":false}"#;
    let client = client.program();
    let mut stream = client
        .send("POST", "/api/v1/forwards", &headers, forward)
        .await;
    let mut seen = String::new();
    let listen = loop {
        let mut bytes = [0; 1024];
        let read = timeout(PATIENCE, stream.read(&mut bytes)).await;
        let count = read.expect("in time").expect("readable");
        assert_ne!(count, 0, "ended: {seen}");
        seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        if let Some((_, rest)) = seen.split_once("\"listen\":\"")
            && let Some((listen, _)) = rest.split_once('"')
        {
            break listen.parse::<SocketAddr>().expect("an address");
        }
    };
    // Nobody listens where it leads to: it may be reset as soon as it stands.
    let is_forwarded = async || match TcpStream::connect(listen).await {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    };
    assert!(is_forwarded().await);
    let id = made["id"].to_string();
    assert_eq!(ann.run(&["tokens", "revoke", &id]).await.code, 0);
    let rest = timeout(PATIENCE, stream.read_to_end(&mut Vec::new())).await;
    rest.expect("it ends").expect("readable");
    let closed = async { while is_forwarded().await {} };
    timeout(PATIENCE, closed)
        .await
        .expect("no longer forwarded");
}

#[tokio::test]
async fn a_node_that_is_told_so_has_no_web_app() {
    let mut ann = Person::new();
    let ready = ann.start(&["--no-web"]).await;
    assert!(ready["url"].is_null());
    ann.run(&["web"]).await.failed(3, &["--no-web"]);
}
