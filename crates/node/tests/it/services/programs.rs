//! Other people's programs, through a forward.

use super::*;
use crate::programs::is_there;
use crate::waiting::a_moment;
use std::process::Stdio;
use tokio::process::{Child, Command};

/// A program that ends with the test.
fn start(program: &str, arguments: &[&str]) -> Child {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it is there")
}

/// A port nobody uses at this moment, for programs that cannot tell which they chose.
async fn free_port() -> u16 {
    let listener = TcpListener::bind(SocketAddr::from(ANY))
        .await
        .expect("a port");
    listener.local_addr().expect("bound").port()
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_downloads_from_a_web_server_through_a_forward() {
    if !is_there("curl") || !is_there("python3") {
        return;
    }
    let site = tempfile::tempdir().expect("a place");
    let page: Vec<u8> = (0..5_000_000_u32).map(|n| (n % 253) as u8).collect();
    std::fs::write(site.path().join("page.bin"), &page).expect("written");
    let port = free_port().await.to_string();
    let folder = site.path().to_str().expect("a plain path");
    let arguments = [
        "-m",
        "http.server",
        &port,
        "--bind",
        "127.0.0.1",
        "--directory",
        folder,
    ];
    let _server = start("python3", &arguments);
    let address: SocketAddr = format!("127.0.0.1:{port}").parse().expect("an address");
    let up = async {
        while TcpStream::connect(address).await.is_err() {
            a_moment().await;
        }
    };
    soon("the web server", up).await;

    let (alice, bob) = two().await;
    let (_offered, forward) = reach(&alice, &bob, address).await;
    let out = site.path().join("out.bin");
    let url = format!("http://{}/page.bin", forward.local_addr());
    let fetched = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--fail",
            "--noproxy",
            "*",
            "--max-time",
            "25",
            "-o",
        ])
        .arg(&out)
        .arg(&url)
        .status();
    assert!(soon("curl", fetched).await.expect("runs").success());
    assert!(std::fs::read(&out).expect("written") == page);
}

#[tokio::test(flavor = "multi_thread")]
async fn socat_echoes_udp_through_a_forward() {
    if !is_there("socat") {
        return;
    }
    let port = free_port().await;
    let listen = format!("UDP4-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr");
    let _server = start("socat", &[&listen, "PIPE"]);
    let (alice, bob) = two().await;
    let service = Local::Udp(([127, 0, 0, 1], port).into());
    let _offered = alice
        .offer(name("game"), service, Access::Contacts)
        .expect("a free name");
    let forward = bob
        .forward(alice.peer_id(), &name("game"), Local::Udp(ANY.into()))
        .await
        .expect("a port");
    let socket = UdpSocket::bind(SocketAddr::from(ANY))
        .await
        .expect("a port");
    socket.connect(forward.local_addr()).await.expect("local");
    let mut got = [0; 64];
    // UDP may lose, and socat is not up at once: ask again until the first answer.
    let first = async {
        loop {
            socket.send(b"tick 0").await.expect("local");
            let wait = std::time::Duration::from_millis(200);
            if let Ok(got) = tokio::time::timeout(wait, socket.recv(&mut got)).await {
                return got.expect("local");
            }
        }
    };
    let length = soon("the first tick", first).await;
    assert_eq!(&got[..length], b"tick 0");
    for tick in 1..=60_u8 {
        socket.send(&[tick; 32]).await.expect("local");
        loop {
            let length = soon("a tick", socket.recv(&mut got)).await.expect("local");
            // An answer to one of the first, asked again, may still come.
            if got[..length] == [tick; 32] {
                break;
            }
            assert_eq!(&got[..length], b"tick 0");
        }
    }
}
