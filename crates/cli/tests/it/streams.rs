//! `pipe` and `listen`: bytes both ways in a protocol of one's own.

use serde_json::json;

use crate::person::{Person, Running, finish};

/// More than all buffers on the way hold together.
const BIG: usize = 3_000_000;

/// Bytes that are not all alike.
fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

/// Two people who have each other: `ann` listens, `ben` goes to her.
async fn friends() -> (Person, Person) {
    let (ann, ben) = (Person::up().await, Person::up().await);
    ben.meet(&ann, "ann", "ben").await;
    (ann, ben)
}

#[tokio::test]
async fn a_pipe_carries_every_byte_both_ways() {
    let (ann, ben) = friends().await;
    let (there, back) = (noise(BIG, 1), noise(BIG, 2));
    std::fs::write(ann.file("back"), &back).expect("room");
    let mut command = ann.command(&["listen", "/test/1"]);
    let back_file = std::fs::File::open(ann.file("back")).expect("written");
    let mut listener = command.stdin(back_file).spawn().expect("kith runs");
    let listened = listener.stdout.take().expect("piped");
    wait_until_spoken(&ben, "/test/1").await;
    let reading = tokio::spawn(async move {
        let mut listened = listened;
        let mut got = Vec::new();
        tokio::io::AsyncReadExt::read_to_end(&mut listened, &mut got)
            .await
            .expect("ends");
        got
    });
    let piped = ben.run_with(&["pipe", "ann", "/test/1"], &there).await;
    assert_eq!(piped.code, 0, "{}", piped.stderr);
    assert!(piped.stdout == back, "what came back is what was sent");
    assert!(
        reading.await.expect("read") == there,
        "what arrived is what was sent"
    );
    assert!(listener.wait().await.expect("ours").success());
}

#[tokio::test]
async fn who_has_finished_sending_still_receives() {
    let (ann, ben) = friends().await;
    // `sort` says nothing before its input has ended.
    let mut listener = ann.begin(&["listen", "/sort/1", "--exec", "sort"]);
    listener.said("listening").await;
    let sorted = ben
        .run_with(&["pipe", "ann", "/sort/1"], b"b\nc\na\n")
        .await;
    assert_eq!(
        (sorted.code, sorted.stdout.as_slice()),
        (0, b"a\nb\nc\n".as_slice())
    );
    assert_eq!(listener.stop("INT").await, 0);
}

#[tokio::test]
async fn each_stream_has_a_program_of_its_own_that_knows_who_is_there() {
    let (ann, ben) = friends().await;
    let mut listener = ann.begin(&["listen", "/who/1", "--exec", "echo $KITH_NAME; cat"]);
    listener.said("listening").await;
    let commands = (0..5).map(|_| ben.run_with(&["pipe", "ann", "/who/1"], b"hello"));
    for ran in futures_util::future::join_all(commands).await {
        assert_eq!(
            (ran.code, ran.stdout.as_slice()),
            (0, b"ben\nhello".as_slice())
        );
    }
    listener.stop("TERM").await;
}

#[tokio::test]
async fn with_json_a_listener_tells_of_each_stream_on_stdout_and_of_failures_on_stderr() {
    let (ann, ben) = friends().await;
    let program = "cat; test $KITH_NAME = ben || kill -KILL $$";
    let mut listener = ann.begin(&["listen", "/told/1", "--exec", program, "--json"]);
    assert_eq!(listener.json().await, json!({ "event": "ready" }));
    let ran = ben.run_with(&["pipe", "ann", "/told/1"], b"me").await;
    assert_eq!((ran.code, ran.stdout.as_slice()), (0, b"me".as_slice()));
    let told = listener.json().await;
    let id = &ben.one(&["id"]).await["peer_id"];
    assert_eq!(
        (&told["event"], &told["name"]),
        (&json!("stream"), &json!("ben"))
    );
    assert_eq!(&told["peer_id"], id);

    ann.one(&["contact", "rename", "ben", "bo"]).await;
    assert_eq!(ben.run(&["pipe", "ann", "/told/1"]).await.code, 1);
    assert_eq!(listener.json().await["name"], "bo");
    listener.said("{\"error\":{").await;
    assert_eq!(listener.stop("INT").await, 0);
}

#[tokio::test]
async fn a_program_that_was_killed_is_not_taken_to_have_finished() {
    let (ann, ben) = friends().await;
    let mut listener = ann.begin(&["listen", "/killed/1", "--exec", "echo part; kill -KILL $$"]);
    listener.said("listening").await;
    let ran = ben.run(&["pipe", "ann", "/killed/1"]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("ann"), "{ran:?}");
    listener.stop("TERM").await;
}

#[tokio::test]
async fn a_program_that_failed_is_not_taken_to_have_finished() {
    let (ann, ben) = friends().await;
    for (protocol, program, said) in [
        ("/failed/1", "cat; exit 3", "(exit status: 3)"),
        (
            "/failed/2",
            "/nonexistent/prog",
            "127: there is no such program)",
        ),
        ("/failed/3", "/", "126: it cannot be run)"),
    ] {
        let mut listener = ann.begin(&["listen", protocol, "--exec", program]);
        listener.said("listening").await;
        let ran = ben.run_with(&["pipe", "ann", protocol], b"hello").await;
        assert_eq!(ran.code, 1, "{program}: {ran:?}");
        assert!(ran.stderr.contains("ann"), "{program}: {ran:?}");
        listener.said(said).await;
        listener.stop("TERM").await;
    }
    let args = ["listen", "/failed/4", "--exec", "exit 3", "--json"];
    let mut listener = ann.begin(&args);
    assert_eq!(listener.json().await, json!({ "event": "ready" }));
    assert_eq!(ben.run(&["pipe", "ann", "/failed/4"]).await.code, 1);
    assert_eq!(listener.json().await["event"], "stream");
    listener.said("{\"error\":{").await;
    listener.stop("TERM").await;
}

/// Starts a command whose stdin stays open, and waits until a line comes out of the other end.
async fn held(person: &Person, args: &[&str]) -> tokio::process::Child {
    let mut command = person.command(args);
    let mut child = command
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("kith runs");
    let stdin = child.stdin.as_mut().expect("piped");
    let said = tokio::io::AsyncWriteExt::write_all(stdin, b"hello\n").await;
    said.expect("it reads");
    child
}

#[tokio::test]
async fn a_pipe_that_is_killed_is_not_taken_to_have_finished() {
    let (ann, ben) = friends().await;
    let mut command = ann.command(&["listen", "/cut/1"]);
    let mut listener = command
        .stdin(std::process::Stdio::null())
        .spawn()
        .expect("kith runs");
    wait_until_spoken(&ben, "/cut/1").await;
    let mut piping = held(&ben, &["pipe", "ann", "/cut/1"]).await;
    let mut first = [0; 6];
    let stdout = listener.stdout.as_mut().expect("piped");
    let read = tokio::io::AsyncReadExt::read_exact(stdout, &mut first).await;
    read.expect("the first line arrives");
    piping.kill().await.expect("ours");
    let output = tokio::time::timeout(crate::person::PATIENCE, listener.wait_with_output());
    let output = output.await.expect("in time").expect("ours");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the stream to ben broke"), "{said}");
}

#[tokio::test]
async fn a_listener_that_is_killed_is_not_taken_to_have_finished() {
    let (ann, ben) = friends().await;
    let listener = held(&ann, &["listen", "/cut/2"]);
    let mut listener = listener.await;
    wait_until_spoken(&ben, "/cut/2").await;
    let mut command = ben.command(&["pipe", "ann", "/cut/2"]);
    let mut piping = command
        .stdin(std::process::Stdio::null())
        .spawn()
        .expect("kith runs");
    let mut first = [0; 6];
    let stdout = piping.stdout.as_mut().expect("piped");
    let read = tokio::io::AsyncReadExt::read_exact(stdout, &mut first).await;
    read.expect("the first line arrives");
    listener.kill().await.expect("ours");
    let output = tokio::time::timeout(crate::person::PATIENCE, piping.wait_with_output());
    let output = output.await.expect("in time").expect("ours");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("the stream to ann broke"), "{said}");
}

#[tokio::test]
async fn who_is_not_named_is_refused() {
    let (ann, ben) = friends().await;
    let cat = Person::up().await;
    cat.meet(&ann, "ann", "cat").await;
    let mut listener = ann.begin(&["listen", "/named/1", "--from", "cat", "--exec", "cat"]);
    listener.said("listening").await;
    ben.run(&["pipe", "ann", "/named/1"])
        .await
        .failed(4, &["ann", "/named/1"]);
    let ran = cat.run_with(&["pipe", "ann", "/named/1"], b"me").await;
    assert_eq!((ran.code, ran.stdout.as_slice()), (0, b"me".as_slice()));
    listener.stop("TERM").await;
}

#[tokio::test]
async fn what_nobody_listens_for_is_not_found() {
    let (_ann, ben) = friends().await;
    ben.run(&["pipe", "ann", "/nobody/1"])
        .await
        .failed(3, &["ann", "/nobody/1"]);
}

#[tokio::test]
async fn a_protocol_is_listened_for_once() {
    let (ann, _ben) = friends().await;
    let mut first = ann.begin(&["listen", "/once/1"]);
    first.said("listening").await;
    ann.run(&["listen", "/once/1"])
        .await
        .failed(1, &["/once/1", "stop the other"]);
    assert_eq!(first.stop("INT").await, 0);
    let again = ann.begin(&["listen", "/once/1"]);
    listening(again).await;
}

#[tokio::test]
async fn a_listener_without_a_daemon_is_reached_like_one_with() {
    let (mut ann, ben) = friends().await;
    ann.stop("TERM").await;
    let mut listener = ann.begin(&["listen", "/own/1", "--exec", "cat"]);
    listener.said("listening").await;
    wait_until_spoken(&ben, "/own/1").await;
    let ran = ben.run_with(&["pipe", "ann", "/own/1"], b"own").await;
    assert_eq!((ran.code, ran.stdout.as_slice()), (0, b"own".as_slice()));
    assert_eq!(listener.stop("TERM").await, 0);
}

#[tokio::test]
async fn a_closed_stdout_ends_a_pipe() {
    let (ann, ben) = friends().await;
    let mut listener = ann.begin(&["listen", "/yes/1", "--exec", "yes"]);
    listener.said("listening").await;
    let script = format!(
        "{} pipe ann /yes/1 | head -c 100 | wc -c",
        env!("CARGO_BIN_EXE_kith")
    );
    let mut shell = tokio::process::Command::new("sh");
    shell
        .args(["-c", &script])
        .env("KITH_DATA", ben.data())
        .kill_on_drop(true);
    shell
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let ran = finish(shell, b"").await;
    assert_eq!(String::from_utf8_lossy(&ran.stdout).trim(), "100");
    listener.stop("TERM").await;
}

async fn listening(mut listener: Running) {
    listener.said("listening").await;
    assert_eq!(listener.stop("TERM").await, 0);
}

/// Waits until the other side has told that it speaks `protocol`.
async fn wait_until_spoken(person: &Person, protocol: &str) {
    let spoken = async {
        while person
            .json(&["contacts", "--speaks", protocol])
            .await
            .is_empty()
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(crate::person::PATIENCE, spoken)
        .await
        .expect("in time");
}
