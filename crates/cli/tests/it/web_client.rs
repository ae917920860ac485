//! A browser or another program, as far as HTTP over TCP goes: what is sent is what a test says, headers and all.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::person::{PATIENCE, Person, text};

/// The door of somebody's node, and what is shown at it.
#[derive(Clone, Debug)]
pub(crate) struct WebClient {
    pub(crate) port: u16,
    /// What is sent as `Host`.
    pub(crate) host: String,
    /// What is sent as `Cookie`.
    pub(crate) cookie: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl WebClient {
    /// At an address that lets a browser in: the client, not let in yet, and the path to ask for.
    pub(crate) fn at(url: &str) -> (Self, String) {
        let rest = url.strip_prefix("http://").expect("an address");
        let (host, path) = rest.split_once('/').expect("with a path");
        let (_, port) = host.rsplit_once(':').expect("with a port");
        let client = Self {
            port: port.parse().expect("a number"),
            host: host.to_owned(),
            cookie: None,
        };
        (client, format!("/{path}"))
    }

    /// One that was let in by the address that a node told when it was ready.
    pub(crate) async fn enter(ready: &Value) -> Self {
        let (mut client, path) = Self::at(&text(&ready["url"]));
        let answered = client.get(&path).await;
        assert_eq!(answered.status, 303, "{answered:?}");
        let cookie = answered.header("set-cookie").expect("a cookie");
        let (cookie, _) = cookie.split_once(';').expect("with attributes");
        client.cookie = Some(cookie.to_owned());
        client
    }

    /// A program at the same door.
    pub(crate) fn program(&self) -> Self {
        Self {
            host: format!("127.0.0.1:{}", self.port),
            cookie: None,
            ..self.clone()
        }
    }

    /// The same under another name.
    pub(crate) fn named(&self, host: &str) -> Self {
        Self {
            host: host.to_owned(),
            ..self.clone()
        }
    }

    /// Reads something.
    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.ask("GET", path, &[], b"").await
    }

    /// Reads something of the API.
    pub(crate) async fn api(&self, path: &str) -> Answered {
        self.get(&format!("/api/v1{path}")).await
    }

    /// Does something as the app's own page does.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answered {
        self.change("POST", path, body.to_string().as_bytes()).await
    }

    /// As [`WebClient::post`], by another method.
    pub(crate) async fn change(&self, method: &str, path: &str, body: &[u8]) -> Answered {
        let origin = format!("http://{}", self.host);
        let headers = [
            ("Origin", origin.as_str()),
            ("Sec-Fetch-Site", "same-origin"),
            ("Content-Type", "application/json"),
        ];
        self.ask(method, &format!("/api/v1{path}"), &headers, body)
            .await
    }

    /// Sends a request with these headers, beside those that each has.
    pub(crate) async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answered {
        let mut stream = self.send(method, path, headers, body).await;
        let mut answer = Vec::new();
        timeout(PATIENCE, stream.read_to_end(&mut answer))
            .await
            .expect("in time")
            .expect("readable");
        Answered::read(&answer)
    }

    /// Sends a request whose answer is read bit by bit.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> TcpStream {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        if let Some(cookie) = &self.cookie {
            head.push_str(&format!("Cookie: {cookie}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !headers.iter().any(|(name, _)| *name == "Content-Length") {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("Connection: close\r\n\r\n");
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))
            .await
            .expect("it listens");
        stream.write_all(head.as_bytes()).await.expect("it reads");
        // It may answer before it has read all.
        let _ = stream.write_all(body).await;
        stream
    }
}

impl Answered {
    fn read(answer: &[u8]) -> Self {
        let end = answer.windows(4).position(|it| it == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no head: {:?}", String::from_utf8_lossy(answer)));
        let head = String::from_utf8(answer[..end].to_vec()).expect("text");
        let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
        let mut answered = Self {
            status: status.expect("a status"),
            head,
            body: answer[end + 4..].to_vec(),
        };
        if answered.header("transfer-encoding") == Some("chunked") {
            answered.body = unchunked(&answered.body);
        }
        answered
    }

    /// A header's value.
    pub(crate) fn header(&self, wanted: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(": "));
        headers.find_map(|(name, value)| name.eq_ignore_ascii_case(wanted).then_some(value))
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }
}

/// The bytes of a body that came in chunks.
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(end) = body.windows(2).position(|it| it == b"\r\n") {
        let length = std::str::from_utf8(&body[..end]).expect("a length");
        let length = usize::from_str_radix(length, 16).expect("a length");
        bytes.extend_from_slice(&body[end + 2..end + 2 + length]);
        body = &body[end + 4 + length..];
    }
    bytes
}

/// Starts somebody's node and lets a browser in.
pub(crate) async fn up_with_browser() -> (Person, WebClient) {
    let mut person = Person::new();
    let ready = person.start(&[]).await;
    let client = WebClient::enter(&ready).await;
    (person, client)
}
