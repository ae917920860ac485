//! Commands of one person at once, where no node is left running: each does what it is for, and says goodbye when it is stopped.

use std::fs;
use std::time::Duration;

use serde_json::Value;

use crate::person::{Person, text};

/// Less than the half minute after which a connection whose other side says nothing counts as gone, and more than a goodbye takes on a busy
/// machine.
const GOODBYE_WITHIN: Duration = Duration::from_secs(15);

/// Ann, whose node runs and who shares a film, and Ben, her contact, whose does not.
async fn friends() -> (Person, Person) {
    let (ann, ben) = (Person::up().await, Person::new());
    ben.meet(&ann, "ann", "ben").await;
    let film = ann.file("film");
    fs::write(&film, vec![7; 1 << 20]).expect("room");
    ann.one(&["share", &film.display().to_string()]).await;
    (ann, ben)
}

fn lines(said: &str) -> Vec<Value> {
    let lines = said.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect()
}

#[tokio::test]
async fn a_share_and_a_get_at_once_both_come_to_their_end() {
    let (_ann, ben) = friends().await;
    let notes = ben.file("notes");
    fs::write(&notes, vec![8; 8 << 20]).expect("room");
    let (notes, out) = (notes.display().to_string(), ben.file("out"));
    let out = out.display().to_string();
    let (share, get) = (["share", &notes], ["get", "ann/film", "--out", &out]);
    let (shared, got) = tokio::join!(ben.run(&share), ben.run(&get));
    assert_eq!((shared.code, got.code), (0, 0), "{shared:?} {got:?}");
    assert_eq!(
        fs::read(ben.file("out/film")).expect("there").len(),
        1 << 20
    );
}

#[tokio::test]
async fn the_node_of_a_command_stays_for_those_that_share_it() {
    let (_ann, ben) = friends().await;
    let mut first = ben.begin(&["ping", "ann", "-c", "2", "--json"]);
    first.json().await;
    let guest = ben.begin(&["ping", "ann", "-c", "5", "--json"]);
    let ((first, first_code), (guest, guest_code)) = tokio::join!(first.end(), guest.end());
    assert_eq!((lines(&first).len(), first_code), (1, 0));
    assert_eq!((lines(&guest).len(), guest_code), (5, 0), "{guest}");
}

#[tokio::test]
async fn a_node_that_does_not_do_is_waited_for_and_so_is_its_end_by_up() {
    let (_ann, mut ben) = friends().await;
    let mut ping = ben.begin(&["ping", "ann", "-c", "3", "--json"]);
    ping.json().await;
    // It needs a node that waits for contacts, which that of a ping does not.
    let mut listening = ben.begin(&["listen", "/x/1", "--exec", "cat"]);
    listening.said("listening for").await;
    assert_eq!(ping.end().await.1, 0);
    assert_eq!(listening.stop("INT").await, 0);

    let mut ping = ben.begin(&["ping", "ann", "-c", "2", "--json"]);
    ping.json().await;
    ben.start(&[]).await;
    assert_eq!(ping.end().await.1, 0);
}

#[tokio::test]
async fn a_command_that_is_stopped_says_goodbye_to_those_it_reached() {
    let (ann, ben) = friends().await;
    for signal in ["INT", "TERM"] {
        let mut ping = ben.begin(&["ping", "ann", "-c", "1000", "--json"]);
        ping.json().await;
        assert_eq!(ping.stop(signal).await, 1);
        let is_gone = async {
            loop {
                let status = ann.one(&["status"]).await;
                if status["sessions"].as_array().is_some_and(Vec::is_empty) {
                    return;
                }
            }
        };
        let gone = tokio::time::timeout(GOODBYE_WITHIN, is_gone).await;
        gone.expect("she is told");
    }
}

#[tokio::test]
async fn a_typo_in_what_a_qr_code_holds_is_one() {
    let ann = Person::new();
    let mut me = text(&ann.one(&["id"]).await["peer_id"]);
    me.pop();
    for typo in [me.clone(), format!("kith:{me}")] {
        let ran = ann.run(&["ping", &typo, "-c", "1"]).await;
        ran.failed(2, &["copy it again"]);
    }
}
