//! Somebody with a data directory, and perhaps a running node.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

/// How long any single thing may take on a busy machine; none takes a tenth of it on an idle one.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody. Their processes end with them.
pub(crate) struct Person {
    data: TempDir,
    daemon: Option<Running>,
}

/// A process that goes on.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Person {
    /// Somebody who keeps off the network, with nothing in the data directory but that wish.
    pub(crate) fn new() -> Self {
        let data = tempfile::tempdir().expect("a place for files");
        let person = Self { data, daemon: None };
        fs::write(person.file("config.toml"), "lan = false\n").expect("room");
        person
    }

    /// Somebody whose node is running.
    pub(crate) async fn up() -> Self {
        let mut person = Self::new();
        person.start(&[]).await;
        person
    }

    /// Starts the node, and returns what it says once it is ready.
    pub(crate) async fn start(&mut self, flags: &[&str]) -> Value {
        let mut args = vec!["up", "--json", "--no-lan", "--bind", "127.0.0.1:0"];
        if !flags
            .iter()
            .any(|flag| ["--api", "--no-web"].contains(flag))
        {
            args.extend(["--api", "127.0.0.1:0"]);
        }
        args.extend(flags);
        let mut running = self.begin(&args);
        let ready = running.json().await;
        self.daemon = Some(running);
        ready
    }

    /// Stops the node as a service manager does, and returns its exit code.
    pub(crate) async fn stop(&mut self, signal: &str) -> i32 {
        self.daemon.take().expect("it is up").stop(signal).await
    }

    /// Where their things are.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// One of their things.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.data().join(name)
    }

    /// The command `kith` with these arguments.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = kith(args);
        command.env("KITH_DATA", self.data());
        command
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, args: &[&str]) -> Ran {
        finish(self.command(args), b"").await
    }

    /// Runs a command to its end, with this on its stdin.
    pub(crate) async fn run_with(&self, args: &[&str], input: &[u8]) -> Ran {
        finish(self.command(args), input).await
    }

    /// Runs a command that succeeds, and returns its JSON lines.
    pub(crate) async fn json(&self, args: &[&str]) -> Vec<Value> {
        let mut args = args.to_vec();
        args.push("--json");
        let ran = self.run(&args).await;
        assert_eq!(ran.code, 0, "{args:?}: {ran:?}");
        ran.json()
    }

    /// Runs a command that succeeds with one JSON line.
    pub(crate) async fn one(&self, args: &[&str]) -> Value {
        let mut lines = self.json(args).await;
        assert_eq!(lines.len(), 1, "{args:?}: {lines:?}");
        lines.remove(0)
    }

    /// Begins a command that goes on.
    pub(crate) fn begin(&self, args: &[&str]) -> Running {
        Running::spawn(self.command(args))
    }

    /// Makes an invite for one.
    pub(crate) async fn invite(&self) -> String {
        text(&self.one(&["invite"]).await["invite"])
    }

    /// Adds `other` as `name`, who calls them `mine` in turn; returns once both have each other.
    pub(crate) async fn meet(&self, other: &Person, name: &str, mine: &str) {
        let invite = other.invite().await;
        self.one(&["add", &invite, "--as", name]).await;
        self.one(&["ping", name, "-c", "1"]).await;
        let my_id = text(&self.one(&["id"]).await["peer_id"]);
        other.one(&["contact", "rename", &my_id, mine]).await;
    }
}

impl Running {
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).spawn().expect("kith runs");
        let stdout = child.stdout.take().expect("piped");
        Self {
            child,
            lines: BufReader::new(stdout).lines(),
        }
    }

    /// The next line of JSON.
    pub(crate) async fn json(&mut self) -> Value {
        let line = timeout(PATIENCE, self.lines.next_line())
            .await
            .expect("in time");
        let line = line.expect("text").unwrap_or_default();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line:?}"))
    }

    /// The next lines of stdout.
    pub(crate) async fn lines(&mut self, count: usize) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.len() < count {
            let line = timeout(PATIENCE, self.lines.next_line()).await;
            let line = line.expect("in time").expect("text");
            lines.push(line.expect("it goes on"));
        }
        lines
    }

    /// Waits until this is said on stderr.
    pub(crate) async fn said(&mut self, what: &str) {
        let mut said = BufReader::new(self.child.stderr.as_mut().expect("piped")).lines();
        loop {
            let line = timeout(PATIENCE, said.next_line()).await.expect("in time");
            let line = line
                .expect("text")
                .unwrap_or_else(|| panic!("it never said {what:?}"));
            if line.contains(what) {
                return;
            }
        }
    }

    /// Waits for its end; everything else it printed, and its exit code.
    pub(crate) async fn end(mut self) -> (String, i32) {
        let mut rest = String::new();
        while let Some(line) = timeout(PATIENCE, self.lines.next_line())
            .await
            .expect("in time")
            .expect("text")
        {
            rest.push_str(&line);
            rest.push('\n');
        }
        let status = timeout(PATIENCE, self.child.wait())
            .await
            .expect("in time")
            .expect("ours");
        (rest, status.code().unwrap_or(-1))
    }

    /// The number of its process.
    pub(crate) fn process(&self) -> String {
        self.child.id().expect("running").to_string()
    }

    /// Sends it a signal, by its own process id, and returns its exit code.
    pub(crate) async fn stop(self, signal: &str) -> i32 {
        let process = self.process();
        let sent = Command::new("kill")
            .args(["-s", signal, &process])
            .status()
            .await;
        assert!(sent.expect("kill runs").success());
        // A shell that runs this in its background has Ctrl-C ignored by all that it starts.
        let ended = tokio::time::timeout(PATIENCE, self.end()).await;
        ended.expect("it ends in time").1
    }
}

impl Ran {
    /// Its stdout as JSON lines.
    pub(crate) fn json(&self) -> Vec<Value> {
        let text = String::from_utf8_lossy(&self.stdout);
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a JSON line"))
            .collect()
    }

    /// Fails unless it failed with this exit code and said all of this, on stderr alone.
    #[track_caller]
    pub(crate) fn failed(&self, code: i32, said: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(self.stdout.is_empty(), "stdout is data: {self:?}");
        for said in said {
            assert!(self.stderr.contains(said), "not said: {said:?} in {self:?}");
        }
        assert!(!self.stderr.contains("panicked"), "{self:?}");
    }
}

/// The command `kith`, with nothing of this machine's settings.
pub(crate) fn kith(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kith"));
    command
        .args(args)
        .env_remove("KITH_DATA")
        .env_remove("KITH_LOG")
        .env_remove("KITH_PASSPHRASE")
        .env("COLUMNS", "100")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Runs a command to its end.
pub(crate) async fn finish(mut command: Command, input: &[u8]) -> Ran {
    let mut child = command.stdin(Stdio::piped()).spawn().expect("kith runs");
    let (mut stdin, input) = (child.stdin.take().expect("piped"), input.to_vec());
    let feeding = tokio::spawn(async move {
        // It need not read all of it.
        let _ = stdin.write_all(&input).await;
    });
    let output = timeout(PATIENCE, child.wait_with_output())
        .await
        .expect("in time");
    let output = output.expect("ours");
    feeding.abort();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A JSON string's text.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}
