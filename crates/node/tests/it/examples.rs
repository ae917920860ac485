//! The examples run, and do what they say.

#[expect(dead_code, reason = "the test calls what its main calls")]
#[path = "../../../../examples/chat.rs"]
mod chat;
#[expect(dead_code, reason = "the test calls what its main calls")]
#[path = "../../../../examples/echo.rs"]
mod echo;
#[expect(dead_code, reason = "the test calls what its main calls")]
#[path = "../../../../examples/game.rs"]
mod game;

use std::time::Duration;

use kith::testing::local_node;
use tokio::io::BufReader;

use crate::friends::spawn;
use crate::waiting::soon;

#[tokio::test(flavor = "multi_thread")]
async fn echo_answers_with_what_it_was_asked() {
    let answer = soon("an answer", echo::run("hello")).await;
    assert_eq!(answer.expect("an answer"), "hello");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_game_shows_the_player_moving_right() {
    let worlds = soon("a game", game::run(60)).await.expect("a game");
    // Datagrams may be lost, on this machine for want of time: most arrive, or the example is broken.
    assert!(worlds.len() > 20, "only {} states", worlds.len());
    assert!(worlds.is_sorted_by(|a, b| a.tick < b.tick && a.position <= b.position));
    let last = worlds.last().expect("some");
    assert!((20..=60).contains(&last.position), "{last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_who_meet_by_an_invite_read_each_other_in_the_chat() {
    let (alice, bob) = (spawn(local_node()).await, spawn(local_node()).await);
    let life = Duration::from_secs(600);
    let invite = alice
        .address_book()
        .invite_one(life)
        .await
        .expect("an invite");
    let text = invite.to_string();
    // Alice's chat is open before she is called: the first is begun first.
    let (waited, joined) = tokio::join!(
        soon("a call", chat::wait(&alice)),
        soon("an answer", chat::join(&bob, &text))
    );
    let (mut alice_sees, mut bob_sees) = (Vec::new(), Vec::new());
    let (a, b) = tokio::join!(
        chat::talk(
            waited.expect("called"),
            BufReader::new(&b"hi Bob\n"[..]),
            &mut alice_sees
        ),
        chat::talk(
            joined.expect("answered"),
            BufReader::new(&b"hi Alice\nbye\n"[..]),
            &mut bob_sees
        )
    );
    a.and(b).expect("both hang up");
    assert_eq!(alice_sees, b"> hi Alice\n> bye\n");
    assert_eq!(bob_sees, b"> hi Bob\n");
}
