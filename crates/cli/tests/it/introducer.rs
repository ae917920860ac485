//! `introducer`: its line, its certificate, and where it keeps what is its own.

use std::fs;
use std::path::{Path, PathBuf};

use kith::core::introducer::Introducer;
use rcgen::CertifiedKey;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use crate::person::{PATIENCE, Person, Running, finish, kith, text};
use crate::programs;

/// Resolved by the system itself, to the loopback.
const DOMAIN: &str = "localhost";

#[tokio::test]
async fn an_introducer_keeps_its_line_and_is_kept_by_who_uses_it() {
    let keeper = Person::new();
    let args = ["introducer", "--listen", "127.0.0.1:0", "--json"];
    let mut introducer = keeper.begin(&args);
    let line = text(&introducer.json().await["where"]);
    assert!(line.starts_with("kith:introducer1"), "{line}");
    let mut ann = Person::new();
    let ready = ann.start(&["--introducer", &line]).await;
    assert_eq!(ready["introducers"], json!([line]));
    let check = introducers(&ann).await;
    assert_eq!(check["ok"], true, "{check}");
    assert!(text(&check["message"]).ends_with(" ms"), "{check}");
    ann.stop("TERM").await;
    // Nobody names it again.
    assert_eq!(ann.start(&[]).await["introducers"], json!([line]));
    assert_eq!(introducer.stop("TERM").await, 0);
}

/// A certificate that is its own authority, and its key, among somebody's files.
fn certify(person: &Person, name: &str, domain: &str) -> [PathBuf; 2] {
    let made = rcgen::generate_simple_self_signed([domain.to_owned()]);
    let CertifiedKey { cert, signing_key } = made.expect("a plain name");
    let file = |ending: &str, text: String| {
        let path = person.file(&format!("{name}.{ending}"));
        kith::durable::create_new(&path, text.as_bytes()).expect("a file of mode 0600");
        path
    };
    let key = file("key", signing_key.serialize_pem());
    [file("crt", cert.pem()), key]
}

/// The command that runs somebody's introducer with these files.
fn certified(keeper: &Person, [certificate, key]: [&PathBuf; 2]) -> Command {
    let mut command = keeper.command(&["introducer", "--listen", "127.0.0.1:0", "--json"]);
    command.args(["--domain", DOMAIN]);
    command.arg("--tls-certificate").arg(certificate);
    command.arg("--tls-key").arg(key);
    command
}

/// What the doctor says of the introducers.
async fn introducers(person: &Person) -> Value {
    let checks = person.run(&["doctor", "--json"]).await.json();
    let check = checks.iter().find(|check| check["check"] == "introducers");
    check.expect("checked").clone()
}

/// How many the relay has, as a program tells that knows the certificate.
async fn relay_clients(certificate: &Path, url: &str) -> u64 {
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--show-error",
        "--fail",
        "--noproxy",
        "*",
        "--max-time",
        "25",
    ]);
    let told = curl.arg("--cacert").arg(certificate).arg(url).output();
    let told = told.await.expect("it is there");
    let said = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{said}");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let mut counts = told
        .lines()
        .filter_map(|line| line.strip_prefix("kith_relay_clients "));
    let count = counts.next().expect("it is counted");
    count.parse().expect("a number")
}

#[tokio::test]
async fn an_introducer_with_certificate_files_is_used_by_its_domain() {
    let keeper = Person::new();
    let [certificate, key] = certify(&keeper, "ours", DOMAIN);
    let mut introducer = Running::spawn(certified(&keeper, [&certificate, &key]));
    let line = text(&introducer.json().await["where"]);
    let mut ann = Person::new();
    let config = format!("lan = false\nrelay_roots = {certificate:?}\n");
    fs::write(ann.file("config.toml"), config).expect("room");
    ann.start(&["--introducer", &line]).await;
    let check = introducers(&ann).await;
    assert_eq!(check["ok"], true, "{check}");
    if programs::is_there("curl") {
        let port = line.parse::<Introducer>().expect("a line").tcp_port;
        let url = format!("https://{DOMAIN}:{port}/metrics");
        let by_domain = async {
            // Its own node is the first, which has a place at its own relay.
            while relay_clients(&certificate, &url).await < 2 {}
        };
        let by_domain = timeout(PATIENCE, by_domain).await;
        by_domain.expect("ann has a place at its relay");
    }
    assert_eq!(introducer.stop("TERM").await, 0);
}

#[tokio::test]
async fn certificate_files_that_are_wrong_are_one_clear_error() {
    let keeper = Person::new();
    let [certificate, key] = certify(&keeper, "ours", DOMAIN);
    let [_, other_key] = certify(&keeper, "other", DOMAIN);
    let [elsewhere, elsewhere_key] = certify(&keeper, "elsewhere", "www.example.org");
    let missing = keeper.file("missing");
    for (files, said) in [
        ([&missing, &key], "missing: "),
        ([&certificate, &missing], "missing: "),
        ([&key, &key], "ours.key: no certificates"),
        ([&certificate, &certificate], "ours.crt: not a private key"),
        ([&certificate, &other_key], "other.key is not the key"),
        ([&elsewhere, &elsewhere_key], "elsewhere.crt: "),
    ] {
        let ran = finish(certified(&keeper, files), b"").await;
        ran.failed(1, &[said]);
        assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    }
    let certificate = certificate.display().to_string();
    let ran = keeper
        .run(&["introducer", "--tls-certificate", &certificate])
        .await;
    ran.failed(2, &["--tls-key", "--domain"]);
}

#[tokio::test]
async fn an_introducer_and_a_node_of_one_user_have_directories_and_keys_of_their_own() {
    let user = tempfile::tempdir().expect("a place for files");
    let of_the_user = |args: &[&str]| {
        let mut command = kith(args);
        command.env("HOME", user.path());
        // Where it is set, it says where programs keep what is theirs.
        command.env_remove("XDG_DATA_HOME");
        command
    };
    let id = finish(of_the_user(&["id", "--json"]), b"").await.json();
    let args = ["introducer", "--listen", "127.0.0.1:0", "--json"];
    let mut introducer = Running::spawn(of_the_user(&args));
    let line = text(&introducer.json().await["where"]);
    let line: Introducer = line.parse().expect("a line");
    assert_ne!(id[0]["device_id"], line.key.to_string());
    assert_eq!(introducer.stop("TERM").await, 0);
    let mut keys: Vec<PathBuf> = Vec::new();
    let mut folders = vec![user.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.ends_with("identity.key") => keys.push(path),
                false => {}
            }
        }
    }
    assert_eq!(keys.len(), 2, "{keys:?}");
}

#[tokio::test]
async fn a_directory_of_the_other_kind_is_refused_and_left_as_it_is() {
    let (ann, keeper) = (Person::new(), Person::new());
    let id = ann.one(&["id"]).await;
    let args = ["introducer", "--listen", "127.0.0.1:0", "--json"];
    let ran = ann.run(&args).await;
    let place = ann.data().display().to_string();
    ran.failed(1, &[&place, "is a person's", "--data DIR"]);
    assert_eq!(ann.one(&["id"]).await["device_id"], id["device_id"]);

    let mut introducer = keeper.begin(&args);
    let line = text(&introducer.json().await["where"]);
    let place = keeper.data().display().to_string();
    let said = [place.as_str(), "is an introducer's", "--data DIR"];
    // Nobody waits for the process that has it.
    for command in [&["status"][..], &["up", "--no-lan"]] {
        keeper.run(command).await.failed(1, &said);
    }
    assert_eq!(introducer.stop("TERM").await, 0);
    for command in [&["up", "--no-lan"][..], &["contacts"], &["id"]] {
        keeper.run(command).await.failed(1, &said);
    }
    let again: Introducer = line.parse().expect("a line");
    let mut introducer = keeper.begin(&args);
    let line = text(&introducer.json().await["where"]);
    let line: Introducer = line.parse().expect("a line");
    assert_eq!((line.key, line.trust), (again.key, again.trust));
    assert_eq!(introducer.stop("TERM").await, 0);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_and_nothing_is_lost() {
    let keeper = Person::new();
    let mut first = keeper.begin(&["introducer", "--listen", "127.0.0.1:0", "--json"]);
    let line = text(&first.json().await["where"]);
    assert_eq!(first.stop("TERM").await, 0);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("free");
    let address = taken.local_addr().expect("bound").to_string();
    let ran = keeper.run(&["introducer", "--listen", &address]).await;
    ran.failed(1, &[&address, "in use"]);
    // It is who it was as soon as there is a port.
    let mut again = keeper.begin(&["introducer", "--listen", "127.0.0.1:0", "--json"]);
    let key = |line: &str| line.parse::<Introducer>().expect("its line").key;
    assert_eq!(key(&text(&again.json().await["where"])), key(&line));
    assert_eq!(again.stop("TERM").await, 0);
}
