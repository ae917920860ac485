//! Who was removed sees what a stranger sees: nobody can be reached, by any command, and it is said once.

use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::person::{PATIENCE, Person, text};

/// Ben, and Ann who had him and has him no more.
async fn removed() -> (Person, Person) {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    ann.one(&["contact", "remove", "ben"]).await;
    (ann, ben)
}

#[tokio::test]
async fn every_command_that_goes_to_somebody_says_that_they_are_not_reached() {
    let (_ann, ben) = removed().await;
    for command in [
        &["pipe", "ann", "/any/1"][..],
        &["ping", "ann", "-c", "1"],
        &["ls", "ann"],
        &["get", "ann/anything"],
    ] {
        let ran = ben.run(command).await;
        ran.failed(3, &["cannot reach ann", "as a contact (any more)"]);
    }
    let ran = ben.run(&["trace", "ann"]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    let ran = ben.run(&["contact", "words", "ann", "--live"]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
}

#[tokio::test]
async fn a_forward_says_that_they_are_not_reached() {
    let (_ann, ben) = removed().await;
    let mut command = ben.command(&["forward", "ann:web", "--json"]);
    let mut forward = command.spawn().expect("kith runs");
    let mut lines = BufReader::new(forward.stdout.take().expect("piped")).lines();
    let ready = timeout(PATIENCE, lines.next_line()).await.expect("in time");
    let ready = ready.expect("text").expect("a line");
    let ready: serde_json::Value = serde_json::from_str(&ready).expect("JSON");
    let address = text(&ready["listen"]);
    let mut socket = TcpStream::connect(address).await.expect("it listens");
    let mut said = BufReader::new(forward.stderr.take().expect("piped")).lines();
    let said = timeout(PATIENCE, said.next_line()).await.expect("in time");
    let said = said.expect("text").unwrap_or_default();
    assert!(said.contains("cannot reach ann"), "{said}");
    let ended = timeout(PATIENCE, socket.read(&mut [0])).await;
    assert!(!matches!(ended, Ok(Ok(1..))), "nothing came");
    forward.kill().await.expect("ours");
}

#[tokio::test]
async fn the_address_book_and_the_status_say_so_until_they_meet_again() {
    let (ann, ben) = removed().await;
    ben.run(&["ping", "ann", "-c", "1"])
        .await
        .failed(3, &["cannot reach ann"]);
    assert_eq!(ben.one(&["contacts"]).await["takes_you_for"], "stranger");
    let alone = &ben.one(&["status"]).await["left_alone"];
    assert_eq!(alone[0]["name"], "ann");
    let said = ben.run(&["contacts"]).await;
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("does not have you as a contact"), "{said}");

    ben.one(&["add", &ann.invite().await, "--as", "ann"]).await;
    ben.one(&["ping", "ann", "-c", "1"]).await;
    assert_eq!(ben.one(&["contacts"]).await["takes_you_for"], json!(null));
}
