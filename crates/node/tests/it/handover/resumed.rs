//! Somebody whose process is killed while they fetch, and who begins again.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use kith::Node;
use kith::content::Recipients;
use kith::peer::GetOptions;

use super::people::{Person, bytes, finish, invite};

/// Set for the process that fetches, to the folder it lives in,
const FETCH: &str = "KITH_TEST_FETCH";

/// and to the invite by which it first meets the provider.
const INVITE: &str = "KITH_TEST_INVITE";

/// Enough that the transfer is still under way when it is killed.
const BIG_BYTES: usize = 96 << 20;

/// The most that may be fetched twice.
const TWICE_MAX: u64 = 16 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_killed_while_they_fetch_goes_on_where_they_were() {
    if let Some(folder) = std::env::var_os(FETCH) {
        return fetch(Path::new(&folder)).await;
    }
    let alice = Person::new("alice").await;
    alice.write("big", &bytes(1, BIG_BYTES));
    alice.share("big", Recipients::Contacts).await;
    let home = tempfile::tempdir().expect("a place for files");
    let text = invite(&alice.node, false).await.to_string();

    let (mut child, output) = start(home.path(), Some(&text));
    let mut lines = lines_of(output);
    let before = lines
        .find_map(|line| {
            let bytes: u64 = line.strip_prefix("bytes ")?.parse().ok()?;
            (bytes >= BIG_BYTES as u64 / 4).then_some(bytes)
        })
        .expect("it comes so far");
    child.kill().expect("running");
    child.wait().expect("killed");
    assert!(before < BIG_BYTES as u64);
    assert!(!home.path().join("out/big").exists());

    let (mut child, output) = start(home.path(), None);
    let mut lines = lines_of(output);
    let fetched: u64 = lines
        .find_map(|line| line.strip_prefix("fetched ")?.parse().ok())
        .expect("it comes to its end");
    lines.for_each(drop);
    child.wait().expect("over");
    let left = BIG_BYTES as u64 - before;
    assert!(fetched <= left + TWICE_MAX, "{fetched} of {left} bytes");
    assert!(fetched > 0);
    assert!(std::fs::read(home.path().join("out/big")).expect("there") == bytes(1, BIG_BYTES));
}

fn lines_of(output: BufReader<ChildStdout>) -> impl Iterator<Item = String> {
    output.lines().map_while(Result::ok)
}

/// Runs this test as a process of its own, which fetches.
fn start(home: &Path, invite: Option<&str>) -> (Child, BufReader<ChildStdout>) {
    let name = "handover::resumed::who_is_killed_while_they_fetch_goes_on_where_they_were";
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command
        .args([name, "--exact", "--nocapture"])
        .env(FETCH, home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    if let Some(invite) = invite {
        command.env(INVITE, invite);
    }
    let mut child = command.spawn().expect("this test runs");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    (child, output)
}

/// Fetches, and says how it goes.
async fn fetch(home: &Path) {
    let node = Person::at_home("bob", home).await;
    if let Ok(invite) = std::env::var(INVITE) {
        let invite = invite.parse().expect("an invite");
        let book = node.address_book();
        book.add(invite, Some("alice"))
            .await
            .expect("a good invite");
    }
    let fetched = fetch_big(&node, home).await;
    say(&format!("fetched {fetched}"));
    node.shutdown().await;
}

/// Gives how many bytes came.
async fn fetch_big(node: &Node, home: &Path) -> u64 {
    let source = node.contents().resolve("alice/big").await;
    let mut options = GetOptions::new(source.expect("a source"), home.join("out"));
    options.wait = super::people::PATIENCE;
    let mut transfer = node.contents().get(options);
    while let Some(progress) = transfer.changed().await {
        say(&format!("bytes {}", progress.bytes));
    }
    let fetched = finish(transfer).await.expect("fetched");
    fetched.sources.iter().map(|source| source.bytes).sum()
}

fn say(line: &str) {
    // The harness has written on this line already; the parent may have heard enough.
    let _ = writeln!(std::io::stdout(), "\n{line}");
}
