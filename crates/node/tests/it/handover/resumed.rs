//! Somebody whose process is killed while they fetch, and who begins again.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;

use kith::Node;
use kith::content::Recipients;
use kith::peer::GetOptions;

use super::copies::{heard, until};
use super::half::limit;
use super::people::{Person, bytes, finish, invite};
use crate::waiting::{a_moment, soon};

/// Set for the process that fetches, to the folder it lives in,
const FETCH: &str = "KITH_TEST_FETCH";

/// and to names and the invites by which it first meets those who provide.
const INVITES: &str = "KITH_TEST_INVITES";

/// Enough that the transfer is still under way when it is killed.
const BIG_BYTES: usize = 96 << 20;

/// The most that may be fetched twice.
const TWICE_MAX: u64 = 16 << 20;

/// What three give at once, in bytes: some seconds of all of them, of which the first comes at once,
const THREES_BYTES: u64 = 128 << 20;

/// what each of them gives in a second,
const THREES_RATE: u64 = 8 << 20;

/// and what each does until all of them give.
const FIRST_RATE: u64 = 256 << 10;

/// Whoever sent so much has given some of it, and not only talked.
const SOME_BYTES: u64 = FIRST_RATE;

/// Alice, who shares something, and two who have fetched it.
struct Three {
    alice: Person,
    friends: [Person; 2],
    /// How much a friend has sent on each session, in bytes; on those that are over, too.
    sessions: BTreeMap<(usize, Instant), u64>,
    /// How much Alice had recorded when she was asked last.
    recorded: u64,
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_killed_while_they_fetch_goes_on_where_they_were() {
    if let Some(folder) = std::env::var_os(FETCH) {
        return fetch(Path::new(&folder)).await;
    }
    let alice = Person::new("alice").await;
    alice.write("big", &bytes(1, BIG_BYTES));
    alice.share("big", Recipients::Contacts).await;
    let home = tempfile::tempdir().expect("a place for files");
    let invites = format!("alice {}", invite(&alice.node, false).await);

    let running = start(home.path(), Some(&invites));
    let before = killed_at(BIG_BYTES as u64 / 4, home.path(), running);
    assert!(before < BIG_BYTES as u64);

    let (child, output) = start(home.path(), None);
    let fetched = to_its_end(output);
    over(child);
    let left = BIG_BYTES as u64 - before;
    assert!(fetched <= left + TWICE_MAX, "{fetched} of {left} bytes");
    assert!(fetched > 0);
    assert!(std::fs::read(home.path().join("out/big")).expect("there") == bytes(1, BIG_BYTES));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_killed_while_three_give_goes_on_with_all_of_them() {
    let mut three = three_who_have_it().await;
    let home = tempfile::tempdir().expect("a place for files");
    let appears = tokio::spawn(first_seen(home.path().join("out/big")));
    let before = three.sent().await;
    let half = three.killed_half_way(home.path(), before).await;

    let (child, output) = start(home.path(), None);
    three.all_give(half, true).await;
    to_its_end(output);
    three.recorded(half[0]).await;
    let sent = three.sent().await;
    over(child);
    at_most_some_came_twice(sent, before);
    assert!(appears.await.expect("no panic") == bytes(1, THREES_BYTES as usize));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_killed_goes_on_with_those_who_are_left_when_the_owner_has_gone() {
    let mut three = three_who_have_it().await;
    let home = tempfile::tempdir().expect("a place for files");
    let appears = tokio::spawn(first_seen(home.path().join("out/big")));
    let before = three.sent().await;
    let half = three.killed_half_way(home.path(), before).await;
    three.alice.node.shutdown().await;

    let (child, output) = start(home.path(), None);
    three.all_give(half, false).await;
    to_its_end(output);
    // She tells what she gave.
    three.alice.come_back(Node::builder()).await;
    let sent = three.sent().await;
    over(child);
    at_most_some_came_twice(sent, before);
    assert!(appears.await.expect("no panic") == bytes(1, THREES_BYTES as usize));
}

/// All have what Alice shares. What her friends give goes over their sessions, where it is counted.
async fn three_who_have_it() -> Three {
    let alice = Person::new("alice").await;
    alice.write("big", &bytes(1, THREES_BYTES as usize));
    let share = alice.share("big", Recipients::Contacts).await.share;
    let mut friends = Vec::new();
    for name in ["bob", "dave"] {
        let friend = Person::with(name, Node::builder().express(false)).await;
        alice.meet(&friend).await;
        friend.get("alice/big").await.expect("fetched");
        heard(&alice.node, share.head.share, friend.node.peer_id()).await;
        friends.push(friend);
    }
    Three {
        alice,
        friends: friends.try_into().ok().expect("two"),
        sessions: BTreeMap::new(),
        recorded: 0,
    }
}

impl Three {
    /// What each has sent to others than each other until now, in bytes, Alice first. Of her it is what she has recorded, bytes of files, which she does
    /// when a stream ends; of her friends all that went over their sessions, packets' heads and all.
    async fn sent(&mut self) -> [u64; 3] {
        for (number, friend) in self.friends.iter().enumerate() {
            for session in friend.node.sessions() {
                let (sent, _) = session.bytes;
                self.sessions.insert((number, session.since), sent);
            }
        }
        let of_friend = |number| -> u64 {
            let sessions = self.sessions.iter();
            let theirs = sessions.filter(|((friend, _), _)| *friend == number);
            theirs.map(|(_, sent)| sent).sum()
        };
        let (bob, dave) = (of_friend(0), of_friend(1));
        // When she is gone it stays as it was.
        if let Ok(share) = self.alice.node.contents().my_share("big").await {
            let friends = self.friends.each_ref().map(|it| Some(it.node.peer_id()));
            let fetches = share.fetches.into_iter();
            let others = fetches.filter(|fetch| !friends.contains(&fetch.peer));
            self.recorded = others.map(|fetch| fetch.bytes).sum();
        }
        [self.recorded, bob, dave]
    }

    /// Has somebody fetch it who is killed half-way; what each has sent by then.
    async fn killed_half_way(&mut self, home: &Path, before: [u64; 3]) -> [u64; 3] {
        let [bob, dave] = self.friends.each_ref();
        let mut invites = String::new();
        for (name, person) in [("alice", &self.alice), ("bob", bob), ("dave", dave)] {
            invites += &format!("{name} {} ", invite(&person.node, false).await);
        }
        self.slow_down(FIRST_RATE);
        let running = start(home, Some(&invites));
        self.all_give(before, true).await;
        let come = killed_at(THREES_BYTES / 2, home, running);
        assert!(come < THREES_BYTES);
        self.recorded(before[0]).await;
        self.slow_down(FIRST_RATE);
        self.sent().await
    }

    fn slow_down(&self, rate: u64) {
        for person in self.friends.iter().chain([&self.alice]) {
            limit(person, rate);
        }
    }

    /// Waits until each has given something more, slowly; and Alice, too, if she is there. Then they give faster.
    async fn all_give(&mut self, before: [u64; 3], with_alice: bool) {
        let has_given = |sent: [u64; 3]| (1..3).all(|by| sent[by] > before[by] + SOME_BYTES);
        let all_give = async {
            while !has_given(self.sent().await) || (with_alice && !self.alice_gives().await) {
                a_moment().await;
            }
        };
        soon("all give", all_give).await;
        self.slow_down(THREES_RATE);
    }

    async fn alice_gives(&self) -> bool {
        let uploads = self.alice.node.contents().uploads().await;
        (uploads.expect("read").iter()).any(|upload| upload.bytes > SOME_BYTES)
    }

    /// Waits until Alice gives nothing more, and has recorded more than she had.
    async fn recorded(&mut self, before: u64) {
        let contents = self.alice.node.contents();
        until("nobody is served", async || {
            contents.uploads().await.expect("read").is_empty()
        })
        .await;
        let is_recorded = async {
            while self.sent().await[0] <= before {
                a_moment().await;
            }
        };
        soon("it is recorded", is_recorded).await;
    }
}

/// No more than a crash may cost came twice, by what was sent in all.
fn at_most_some_came_twice(sent: [u64; 3], before: [u64; 3]) {
    let in_all: u64 = sent.iter().sum::<u64>() - before.iter().sum::<u64>();
    let bounds = THREES_BYTES..=THREES_BYTES + TWICE_MAX;
    assert!(
        bounds.contains(&in_all),
        "{in_all}: {sent:?} after {before:?}"
    );
}

/// What is found under a name as soon as anything is.
async fn first_seen(path: PathBuf) -> Vec<u8> {
    loop {
        if let Ok(found) = tokio::fs::read(&path).await {
            return found;
        }
        a_moment().await;
    }
}

/// Kills a process that fetches when so much has come. How much that was.
fn killed_at(bytes: u64, home: &Path, (mut child, output): (Child, BufReader<ChildStdout>)) -> u64 {
    let come = lines_of(output).find_map(|line| {
        let come: u64 = line.strip_prefix("bytes ")?.parse().ok()?;
        (come >= bytes).then_some(come)
    });
    child.kill().expect("running");
    child.wait().expect("killed");
    assert!(!home.join("out/big").exists());
    come.expect("it comes so far")
}

/// Waits until a process has fetched the rest, and stays until it is [`over`]. How much that was.
fn to_its_end(output: BufReader<ChildStdout>) -> u64 {
    let fetched = lines_of(output).find_map(|line| line.strip_prefix("fetched ")?.parse().ok());
    fetched.expect("it comes to its end")
}

/// Lets a process end.
fn over(mut child: Child) {
    drop(child.stdin.take());
    child.wait().expect("over");
}

fn lines_of(output: BufReader<ChildStdout>) -> impl Iterator<Item = String> {
    output.lines().map_while(Result::ok)
}

/// Runs this test as a process of its own, which fetches.
fn start(home: &Path, invites: Option<&str>) -> (Child, BufReader<ChildStdout>) {
    let name = "handover::resumed::who_is_killed_while_they_fetch_goes_on_where_they_were";
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command
        .args([name, "--exact", "--nocapture"])
        .env(FETCH, home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    if let Some(invites) = invites {
        command.env(INVITES, invites);
    }
    let mut child = command.spawn().expect("this test runs");
    let output = BufReader::new(child.stdout.take().expect("piped"));
    (child, output)
}

/// Fetches, and says how it goes, until the process is killed, or its parent has heard enough.
async fn fetch(home: &Path) {
    let node = Person::at_home("carol", home).await;
    let invites = std::env::var(INVITES).unwrap_or_default();
    let words: Vec<&str> = invites.split_whitespace().collect();
    for pair in words.chunks_exact(2) {
        let invite = pair[1].parse().expect("an invite");
        let added = node.address_book().add(invite, Some(pair[0])).await;
        added.expect("a good invite");
    }
    let fetched = fetch_big(&node, home).await;
    say(&format!("fetched {fetched}"));
    let stdin = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    // The parent writes nothing: this is its end.
    let _ = stdin.await;
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
