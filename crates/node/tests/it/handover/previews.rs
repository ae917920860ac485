//! Previews among people: whoever may have a picture sees it small, and nobody else. The program that makes them is one line of a shell here.

use std::time::Duration;

use kith::Error;
use kith::content::{Preview, PreviewError, Recipients, Worker};
use kith::core::content::preview::{Refusal, Size};

use super::people::{PATIENCE, Person};

/// Between two looks at what nobody tells of.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A JPEG around no pixels, which says this number in its quantisers.
fn picture(number: u16) -> Vec<u8> {
    let mut bytes = vec![0xff, 0xd8, 0xff, 0xdb, 0, 4];
    bytes.extend(number.to_be_bytes());
    bytes.extend([0xff, 0xc0, 0, 8, 8, 0, 20, 0, 30, 3]);
    bytes.extend([0xff, 0xda, 0, 2, 1, 2, 0xff, 0xd9]);
    bytes
}

/// Does this in a shell, with a picture on standard input.
fn shell(line: &str) -> Worker {
    Worker::new("/bin/sh", ["-c", line, "sh"].map(Into::into).to_vec())
}

/// Alice, who makes previews so, and Bob, who makes none; they are contacts.
async fn two_who_met(line: &str) -> (Person, Person) {
    let alice = Person::making_previews("alice", shell(line)).await;
    let bob = Person::new("bob").await;
    alice.meet(&bob).await;
    (alice, bob)
}

async fn preview(person: &Person, text: &str) -> Result<Preview, PreviewError> {
    let contents = person.node.contents();
    let source = contents.resolve(text).await.expect("a source");
    match contents.preview(&source, Size::Small).await {
        Ok(preview) => Ok(preview),
        Err(Error::Preview(why)) => Err(why),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_previews_come_over_one_stream() {
    let (alice, bob) = two_who_met("cat").await;
    for number in 0..200 {
        alice.write(&format!("album/{number}.jpg"), &picture(number));
    }
    alice.share("album", Recipients::Contacts).await;
    let asked = (0..200_u16).map(|number| {
        let bob = &bob;
        async move {
            let text = format!("alice/album/{number}.jpg");
            let preview = preview(bob, &text).await.expect("given");
            assert_eq!(preview.jpeg, picture(number));
        }
    });
    futures_util::future::join_all(asked).await;
    let streams: u32 = bob.node.sessions().iter().map(|it| it.streams).sum();
    assert!(streams <= 8, "{streams}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_have_a_share_gets_no_previews_of_it() {
    let (alice, bob) = two_who_met("cat").await;
    let carol = Person::new("carol").await;
    alice.meet(&carol).await;
    alice.write("album/a.jpg", &picture(1));
    let named = Recipients::Named(vec![carol.node.peer_id()]);
    let shared = alice.share("album", named).await;
    let text = format!("alice/{}/a.jpg", shared.share.head.share);
    assert!(preview(&carol, &text).await.is_ok());
    assert_eq!(preview(&bob, &text).await, Err(PreviewError::NotFound));
    alice.write("hidden/a.jpg", &picture(2));
    let none = alice.share("hidden", Recipients::Named(Vec::new())).await;
    let text = format!("alice/{}/a.jpg", none.share.head.share);
    assert_eq!(preview(&carol, &text).await, Err(PreviewError::NotFound));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_holds_a_link_sees_the_pictures_behind_it_and_nobody_else() {
    let alice = Person::making_previews("alice", shell("cat")).await;
    alice.write("album/a.jpg", &picture(1));
    let mut link = alice.share("album", Recipients::Link).await.share.link;
    let dave = Person::new("dave").await;
    let given = preview(&dave, &format!("{link}/a.jpg")).await;
    assert_eq!(given.expect("given").jpeg, picture(1));
    link.secret = None;
    let other = Person::new("other").await;
    let refused = preview(&other, &format!("{link}/a.jpg")).await;
    assert_eq!(refused, Err(PreviewError::NotFound));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_blocked_between_two_pictures_sees_no_second_one() {
    let (alice, bob) = two_who_met("cat").await;
    alice.write("album/a.jpg", &picture(1));
    alice.write("album/b.jpg", &picture(2));
    alice.share("album", Recipients::Contacts).await;
    assert!(preview(&bob, "alice/album/a.jpg").await.is_ok());
    let book = alice.node.address_book();
    book.block(bob.node.peer_id()).await.expect("a contact");
    assert!(preview(&bob, "alice/album/b.jpg").await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_costs_one_error() {
    // The one whose quantisers say 0x4b4b, "KK", kills it in the middle.
    let (alice, bob) =
        two_who_met(r#"p=$(cat | tr -d '\0'); case "$p" in *KK*) kill -9 $$;; esac; exit 11"#)
            .await;
    alice.write("album/deadly.jpg", &picture(0x4b4b));
    alice.write("album/other.jpg", &picture(1));
    alice.share("album", Recipients::Contacts).await;
    let broken = Err(PreviewError::Refused(Refusal::Broken));
    assert_eq!(preview(&bob, "alice/album/deadly.jpg").await, broken);
    assert_eq!(preview(&bob, "alice/album/other.jpg").await, broken);
    assert_eq!(preview(&bob, "alice/album/deadly.jpg").await, broken);
    let none = Err(PreviewError::Refused(Refusal::NoFile));
    assert_eq!(preview(&bob, "alice/album/none.jpg").await, none);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_hangs_is_ended_in_time_and_costs_one_error() {
    let place = tempfile::tempdir().expect("a place");
    // It says who it is and hangs: with its output open, with it closed, or writing without end.
    for hanging in ["exec sleep 600", "exec sleep 600 >&-", "exec cat /dev/zero"] {
        let who = place.path().join("who");
        let line = format!(
            r#"cat > "$0.$$"; if grep -q KK "$0.$$"; then echo $$ >> "$0"; {hanging}; fi; cat "$0.$$""#
        );
        let worker = Worker {
            arguments: ["-c".into(), line.into(), who.clone().into()].to_vec(),
            // Enough for a shell on a busy machine.
            within: Duration::from_secs(3),
            ..shell("")
        };
        let alice = Person::making_previews("alice", worker).await;
        alice.write("album/hangs.jpg", &picture(0x4b4b));
        alice.write("album/other.jpg", &picture(1));
        alice.share("album", Recipients::Contacts).await;
        let me = alice.node.peer_id();
        let asked = async |name: &str| preview(&alice, &format!("{me}/album/{name}")).await;
        let broken = Err(PreviewError::Refused(Refusal::Broken));
        assert_eq!(asked("hangs.jpg").await, broken, "{hanging}");
        assert!(asked("other.jpg").await.is_ok(), "{hanging}");
        // It is not tried again in this run, and nothing of it goes on.
        assert_eq!(asked("hangs.jpg").await, broken, "{hanging}");
        let told = std::fs::read_to_string(&who).expect("it said so");
        // Once ahead and once because it was asked for, at most.
        let runs: Vec<&str> = told.lines().collect();
        assert!((1..=2).contains(&runs.len()), "run too often: {told}");
        let number = runs[runs.len() - 1];
        let is_running = || {
            let line = std::fs::read(format!("/proc/{number}/cmdline"));
            line.is_ok_and(|line| !line.is_empty())
        };
        let gone = async {
            while is_running() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let gone = tokio::time::timeout(PATIENCE, gone).await;
        gone.unwrap_or_else(|_| panic!("{hanging} is still there"));
        std::fs::remove_file(who).expect("there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_gives_no_preview_is_not_believed() {
    let (alice, bob) = two_who_met("cat; echo more").await;
    alice.write("album/a.jpg", &picture(1));
    alice.share("album", Recipients::Contacts).await;
    let broken = Err(PreviewError::Refused(Refusal::Broken));
    assert_eq!(preview(&bob, "alice/album/a.jpg").await, broken);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preview_of_a_changed_file_is_another_and_one_given_lasts_while_its_owner_is_away() {
    let (alice, bob) = two_who_met("cat").await;
    alice.write("album/a.jpg", &picture(1));
    let shared = alice.share("album", Recipients::Contacts).await;
    let first = preview(&bob, "alice/album/a.jpg").await.expect("given");
    assert_eq!(preview(&bob, "alice/album/a.jpg").await, Ok(first.clone()));
    let mut changed = picture(2);
    changed.extend([0xff, 0xd9]);
    alice.write("album/a.jpg", &changed);
    alice.share("album", Recipients::Contacts).await;
    let second = preview(&bob, "alice/album/a.jpg").await.expect("given");
    assert_ne!(second.hash, first.hash);
    assert_eq!(second.jpeg, changed);
    drop(shared);
    alice.node.shutdown().await;
    let kept = tokio::time::timeout(PATIENCE, async { preview(&bob, "alice/album/a.jpg").await });
    assert_eq!(kept.await.expect("in time"), Ok(second));
}

#[tokio::test(flavor = "multi_thread")]
async fn small_previews_are_made_before_anybody_asks() {
    let (alice, _bob) = two_who_met("cat").await;
    alice.write("album/a.jpg", &picture(1));
    alice.write("album/deep/b.PNG", &picture(2));
    alice.write("album/notes.txt", b"none");
    alice.share("album", Recipients::Contacts).await;
    let made = alice.at("data/previews/1/made");
    let all = async {
        loop {
            let entries = std::fs::read_dir(&made).into_iter().flatten().flatten();
            let names = entries.map(|entry| entry.file_name());
            let whole = names.filter(|name| name.to_string_lossy().ends_with("-320"));
            if whole.count() == 2 {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let made = tokio::time::timeout(PATIENCE, all);
    made.await.expect("made");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_makes_none_says_so() {
    let (alice, bob) = (Person::new("alice").await, Person::new("bob").await);
    alice.meet(&bob).await;
    alice.write("album/a.jpg", &picture(1));
    alice.share("album", Recipients::Contacts).await;
    let none = Err(PreviewError::Refused(Refusal::NotMade));
    assert_eq!(preview(&bob, "alice/album/a.jpg").await, none);
}
