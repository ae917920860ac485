//! A provider whose process is killed while it serves, and comes back.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use kith::content::{NewShare, Recipients};
use kith::peer::MyShare;

use super::people::{PATIENCE, Person, bytes, finish, invite, until};

/// Set for the process that shares, to the folder it lives in.
const PROVIDE: &str = "KITH_TEST_PROVIDE";

/// Enough that the transfer is still under way when the provider dies.
const BIG_BYTES: usize = 96 << 20;

/// The most that may be fetched twice: what was under way on all streams.
const TWICE_MAX: u64 = 16 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_killed_and_comes_back_is_waited_for() {
    if let Some(folder) = std::env::var_os(PROVIDE) {
        return provide(Path::new(&folder)).await;
    }
    let bob = Person::new("bob").await;
    let home = tempfile::tempdir().expect("a place for files");
    std::fs::write(home.path().join("big"), bytes(1, BIG_BYTES)).expect("written");
    let (mut provider, invite, _) = start(home.path());
    let book = bob.node.address_book();
    let invite = invite.parse().expect("an invite");
    let alice = book
        .add(invite, Some("alice"))
        .await
        .expect("a good invite");
    let contents = bob.node.contents();
    contents.list(alice.peer).await.expect("they met");

    let mut options = bob.options("alice/big").await.expect("a source");
    options.wait = PATIENCE;
    let mut transfer = contents.get(options);
    let before = until(&mut transfer, BIG_BYTES as u64 / 2).await;
    provider.kill().expect("running");
    provider.wait().expect("killed");
    assert!(before.bytes < BIG_BYTES as u64);
    assert!(bob.fetched().is_empty());
    let (mut provider, _, given_before) = start(home.path());

    let fetched = finish(transfer).await.expect("fetched");
    assert_eq!(fetched.bytes, BIG_BYTES as u64);
    assert!(std::fs::read(bob.at("out/big")).expect("there") == bytes(1, BIG_BYTES));
    // Its parent has nothing more to say: it ends, and has recorded what it gave.
    drop(provider.stdin.take());
    provider.wait().expect("ended");
    let alice = Person::at_home("alice", home.path()).await;
    let share = alice.contents().my_share("big").await.expect("hers");
    let given = given(&share) - given_before;
    let rest = BIG_BYTES as u64 - before.bytes;
    assert!(given > 0 && given <= rest + TWICE_MAX, "{given} of {rest}");
    alice.shutdown().await;
}

/// How many bytes of a share were given, as its owner has recorded: what is sent a second time is counted too.
fn given(share: &MyShare) -> u64 {
    share.fetches.iter().map(|fetch| fetch.bytes).sum()
}

/// Runs this test as a process of its own, which shares; gives what it prints: an invite, and how much of the share had been given.
fn start(home: &Path) -> (Child, String, u64) {
    let name = "handover::killed::a_provider_that_is_killed_and_comes_back_is_waited_for";
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args([name, "--exact", "--nocapture"])
        .env(PROVIDE, home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test runs");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    let line = output
        .lines()
        .map(|line| line.expect("text"))
        .find(|line| line.starts_with("kith:"))
        .expect("the provider says how to meet it");
    let (invite, given) = line.split_once(' ').expect("both");
    (child, invite.to_owned(), given.parse().expect("a number"))
}

/// Shares with contacts until the process is killed, or its parent gone.
async fn provide(home: &Path) {
    let node = Person::at_home("alice", home).await;
    let new = NewShare {
        paths: vec![home.join("big")],
        recipients: Recipients::Contacts,
        name: None,
        bare: false,
    };
    let share = node.contents().share(new).await.expect("shared").share;
    let invite = invite(&node, false).await;
    // The harness has written on this line already.
    writeln!(std::io::stdout(), "\n{invite} {}", given(&share)).expect("the parent reads");
    let stdin = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    // The parent writes nothing: this is its end.
    let _ = stdin.await;
    node.shutdown().await;
}
