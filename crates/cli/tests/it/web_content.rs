//! The second origin, and sites: what comes from peers is data to a browser, or a page of its own.

use std::fs;

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::person::{PATIENCE, Person, text};
use crate::web_client::{Answered, WebClient, up_with_browser};

/// A picture's bytes, as far as anybody looks.
const PICTURE: &[u8] = b"\xff\xd8\xff\xe0 a picture";

/// A folder with a picture, a page and what a page loads.
fn homepage(person: &Person) -> String {
    let folder = person.file("homepage");
    fs::create_dir_all(folder.join("docs")).expect("room");
    for (name, bytes) in [
        ("sea 1.jpg", PICTURE),
        ("index.html", b"<!doctype html><script src=app.js></script>"),
        ("app.js", b"document.title = 'site'"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        ("docs/index.html", b"<!doctype html>docs"),
    ] {
        fs::write(folder.join(name), bytes).expect("room");
    }
    folder.display().to_string()
}

/// Ann shares a homepage with Ben, who has a browser.
async fn two_with_a_homepage() -> (Person, Person, WebClient) {
    let ann = Person::up().await;
    let (ben, client) = up_with_browser().await;
    ben.meet(&ann, "ann", "ben").await;
    let folder = homepage(&ann);
    ann.one(&["share", &folder]).await;
    (ann, ben, client)
}

/// What is at an address.
async fn at(url: &str) -> (WebClient, Answered) {
    let (client, path) = WebClient::at(url);
    let answered = client.get(&path).await;
    (client, answered)
}

async fn content_url(client: &WebClient, path: &str) -> String {
    let made = client
        .post("/content-urls", &json!({ "paths": [path] }))
        .await;
    assert_eq!(made.status, 200, "{made:?}");
    text(&made.json()[0]["url"])
}

#[tokio::test]
async fn a_browser_reads_what_others_share_at_an_address_without_a_cookie() {
    let (_ann, _ben, client) = two_with_a_homepage().await;
    let url = content_url(&client, "/files/ann/homepage").await;
    let (content, picture) = at(&format!("{url}/sea%201.jpg")).await;
    assert_ne!(content.host, client.host, "another origin");
    assert_eq!(picture.status, 200, "{picture:?}");
    assert_eq!(picture.body, PICTURE);
    assert_eq!(picture.header("content-type"), Some("image/jpeg"));
    assert_eq!(picture.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(
        picture.header("cross-origin-resource-policy"),
        Some("cross-origin")
    );
    assert_eq!(picture.header("access-control-allow-origin"), None);
    let policy = picture.header("content-security-policy").expect("a policy");
    assert!(
        policy.starts_with("sandbox; default-src 'none'"),
        "{policy}"
    );

    let (_, path) = WebClient::at(&format!("{url}/sea%201.jpg"));
    let part = content
        .ask("GET", &path, &[("Range", "bytes=1-3")], b"")
        .await;
    assert_eq!((part.status, part.body.as_slice()), (206, &PICTURE[1..4]));

    for name in ["index.html", "drawing.svg", "app.js"] {
        let (_, shown) = at(&format!("{url}/{name}")).await;
        assert_eq!(
            shown.header("content-type"),
            Some("application/octet-stream"),
            "{name}"
        );
        let how = shown.header("content-disposition").expect("said");
        assert!(how.starts_with("attachment"), "{name}: {how}");
    }
}

#[tokio::test]
async fn an_address_of_content_leads_nowhere_else() {
    let (_ann, _ben, client) = two_with_a_homepage().await;
    let url = content_url(&client, "/files/ann/homepage/docs").await;
    let (content, path) = WebClient::at(&url);
    let token = path.split('/').nth(1).expect("a token").to_owned();
    for path in [
        format!("/{token}/files/ann/homepage/index.html"),
        format!("{path}/../index.html"),
        format!("{path}/%2e%2e/index.html"),
        format!("/{token}/status"),
        format!("/{token}/../api/v1/status"),
        "/api/v1/status".to_owned(),
        "/".to_owned(),
        "/index.html".to_owned(),
        format!("/1{token}/files/ann/homepage/docs/index.html"),
    ] {
        let answered = content.get(&path).await;
        assert_eq!(answered.status, 404, "{path}: {answered:?}");
    }
    let posted = content
        .ask("POST", &format!("{path}/index.html"), &[], b"")
        .await;
    assert_eq!(posted.status, 404, "{posted:?}");
    // Nor does the cookie of the app open anything there, or an address of content anything of the app.
    let mut with_cookie = content.clone();
    with_cookie.cookie.clone_from(&client.cookie);
    assert_eq!(with_cookie.api("/status").await.status, 404);
    let outside = content.named(&client.host);
    assert_eq!(outside.get(&path).await.status, 401);
    for path in ["/status", "/files/ann", "/contacts", "files", "/../x"] {
        let refused = client
            .post("/content-urls", &json!({ "paths": [path] }))
            .await;
        assert_eq!(refused.status, 400, "{path}: {refused:?}");
    }
}

#[tokio::test]
async fn a_shared_page_is_a_site_at_an_origin_of_its_own() {
    let (_ann, _ben, client) = two_with_a_homepage().await;
    let ask = json!({ "path": "/files/ann/homepage" });
    let made = client.post("/site-urls", &ask).await;
    assert_eq!(made.status, 200, "{made:?}");
    let url = text(&made.json()["url"]);
    let (site, page) = at(&url).await;
    assert_ne!(site.host, client.host);
    assert_eq!(page.status, 200, "{page:?}");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(
        policy.starts_with("sandbox allow-scripts; default-src 'self'"),
        "{policy}"
    );
    assert!(!policy.contains("allow-same-origin"), "{policy}");
    let script = site.get("/app.js").await;
    assert_eq!(
        script.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert_eq!(site.get("/docs/").await.status, 200);
    for path in ["/../x", "/none.js", "/api/v1/status", "/%2e%2e/secret"] {
        let answered = site.get(path).await;
        assert_eq!(answered.status, 404, "{path}: {answered:?}");
    }
    let (name, rest) = site.host.split_once('.').expect("a name");
    let other = format!("{}.{rest}", name.replace(['0', '1', '2'], "3"));
    assert_eq!(
        site.named(&other).get("/").await.status,
        404,
        "a name that is nobody's"
    );
}

/// More than sockets hold of a file that is read slowly.
const FILM_BYTES: usize = 24 << 20;

#[tokio::test]
async fn a_film_under_way_is_not_cut_off_by_whoever_fills_the_door() {
    let (ann, client) = up_with_browser().await;
    let folder = ann.file("films");
    fs::create_dir_all(&folder).expect("room");
    fs::write(folder.join("sea.mp4"), vec![7; FILM_BYTES]).expect("room");
    ann.one(&["share", &folder.display().to_string()]).await;
    let me = text(&ann.one(&["id"]).await["peer_id"]);
    let url = content_url(&client, &format!("/files/{me}/films")).await;
    let (content, path) = WebClient::at(&format!("{url}/sea.mp4"));
    let mut film = content.send("GET", &path, &[], b"").await;
    let mut bytes = vec![0; 64 * 1024];
    let mut read = film.read(&mut bytes).await.expect("it begins");
    assert!(bytes.starts_with(b"HTTP/1.1 200"));
    let mut idle = Vec::new();
    for _ in 0..700 {
        let connected = TcpStream::connect(("127.0.0.1", client.port)).await;
        idle.push(connected.expect("accepted"));
    }
    assert_eq!(client.api("/status").await.status, 200);
    loop {
        match timeout(PATIENCE, film.read(&mut bytes)).await {
            Ok(Ok(0)) => break,
            Ok(more) => read += more.expect("not cut off"),
            Err(_) => panic!("nothing more after {read} bytes"),
        }
    }
    assert!(read > FILM_BYTES, "{read} bytes with the head");
}

#[tokio::test]
async fn with_the_last_browser_addresses_of_content_and_sites_end() {
    let (_ann, ben, client) = two_with_a_homepage().await;
    let url = content_url(&client, "/files/ann/homepage").await;
    let picture = format!("{url}/sea%201.jpg");
    let ask = json!({ "path": "/files/ann/homepage" });
    let site = text(&client.post("/site-urls", &ask).await.json()["url"]);
    for url in [&picture, &site] {
        assert_eq!(at(url).await.1.status, 200, "{url}");
    }
    let ended = ben.run(&["web", "--end", "all"]).await;
    assert_eq!(ended.code, 0, "{ended:?}");
    for url in [&picture, &site] {
        assert_eq!(at(url).await.1.status, 404, "{url}");
    }
}
