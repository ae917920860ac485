//! Processes inside of the lab: the `kith` binary with a data directory of its own, and its JSON lines.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use patchbay::Device;
use serde_json::Value;

/// How much of a program's talk is kept to be shown when a test fails, in bytes: its end.
const TALK_BYTES_MAX: usize = 64 * 1024;

thread_local! {
    /// What each program of this thread's test has said. A test has a thread of its own.
    static TOLD: RefCell<Vec<(String, Arc<Talk>)>> = const { RefCell::new(Vec::new()) };
}

/// What a program said on stderr.
#[derive(Debug, Default)]
struct Talk {
    said: Mutex<Vec<u8>>,
    more: Condvar,
}

/// What the programs of this test have said since it was last asked, each under its name.
pub(crate) fn take_talk() -> String {
    let told = TOLD.take();
    let spoken = told.iter().map(|(name, talk)| (name, talk.text()));
    spoken
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| format!("\n--- {name}\n{text}"))
        .collect()
}

impl Talk {
    fn text(&self) -> String {
        let said = self.said.lock().map(|said| said.clone());
        String::from_utf8_lossy(&said.unwrap_or_default()).into_owned()
    }

    /// Keeps the last [`TALK_BYTES_MAX`] of a stream, and reads on so that its writer never waits.
    fn keep(&self, mut stream: impl Read) {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            if let Ok(mut said) = self.said.lock() {
                said.extend_from_slice(&buffer[..length]);
                let over = said.len().saturating_sub(TALK_BYTES_MAX);
                said.drain(..over);
            }
            self.more.notify_all();
        }
    }
}

/// How long a program may take to end after it was asked to.
const END_DURATION_MAX: Duration = Duration::from_secs(10);

/// The binary under test.
pub(crate) const KITH: &str = env!("CARGO_BIN_EXE_kith");

/// A running program. It is killed when dropped.
pub(crate) struct Program {
    name: String,
    child: Child,
    lines: Receiver<String>,
    talk: Arc<Talk>,
}

impl Program {
    /// Starts `kith --json --data DATA ARGUMENTS…` on `host`.
    pub(crate) fn kith(host: &Device, data: &Path, arguments: &[&str]) -> Result<Self> {
        Self::start(host, Self::command(data, arguments))
    }

    /// `kith --json --data DATA ARGUMENTS…`.
    pub(crate) fn command(data: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(KITH);
        command
            .arg("--json")
            .arg("--data")
            .arg(data)
            .args(arguments);
        command
    }

    /// Starts `command` on `host`, with nothing to read.
    pub(crate) fn start(host: &Device, command: Command) -> Result<Self> {
        Self::start_with(host, command, Stdio::null())
    }

    /// Starts `command` on `host`, with `input` to read.
    pub(crate) fn start_with(host: &Device, mut command: Command, input: Stdio) -> Result<Self> {
        let name = format!("{command:?} on {}", host.name());
        command
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = host.spawn_command_sync(command)?;
        let stdout = child.stdout.take().expect("a pipe was asked for");
        let stderr = child.stderr.take().expect("a pipe was asked for");
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let talk = Arc::new(Talk::default());
        TOLD.with_borrow_mut(|told| told.push((name.clone(), Arc::clone(&talk))));
        let kept = Arc::clone(&talk);
        thread::spawn(move || kept.keep(stderr));
        Ok(Self {
            name,
            child,
            lines,
            talk,
        })
    }

    /// Waits for a line of stdout that is JSON and `is_wanted`; others are passed over.
    pub(crate) fn wait_for(
        &self,
        within: Duration,
        is_wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let parsed = |line: &str| serde_json::from_str(line).ok();
        let is_wanted = |line: &str| parsed(line).is_some_and(|value| is_wanted(&value));
        let line = self.wait_for_line(within, is_wanted)?;
        parsed(&line).context("a line is what it was")
    }

    /// Waits for a line of stdout that `is_wanted`; others are passed over.
    pub(crate) fn wait_for_line(
        &self,
        within: Duration,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<String> {
        let end = Instant::now() + within;
        let mut last = None;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if is_wanted(&line) => return Ok(line),
                Ok(line) => last = Some(line),
                Err(RecvTimeoutError::Timeout) => {
                    bail!("{}: not within {within:?}; last {last:?}", self.name)
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("{}: ended; last {last:?}", self.name)
                }
            }
        }
    }

    /// Waits for a line with this `event`.
    pub(crate) fn wait_for_event(&self, within: Duration, event: &str) -> Result<Value> {
        self.wait_for(within, |value| value["event"] == event)
            .with_context(|| format!("waiting for {event}"))
    }

    /// Asks it to end, as a service manager does (SIGTERM), and waits until it has.
    pub(crate) fn stop(mut self) -> Result<ExitStatus> {
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        self.wait(END_DURATION_MAX)
    }

    /// Waits until it ends by itself: until it has closed its stdout. Lines it still writes are passed over.
    pub(crate) fn wait(&mut self, within: Duration) -> Result<ExitStatus> {
        let end = Instant::now() + within;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(self.child.wait()?),
                Err(RecvTimeoutError::Timeout) => {
                    bail!("{}: has not ended within {within:?}", self.name)
                }
            }
        }
    }

    /// Waits until it has said `text` on stderr.
    pub(crate) fn wait_for_talk(&self, within: Duration, text: &str) -> Result<()> {
        let is_missing = |said: &mut Vec<u8>| !String::from_utf8_lossy(said).contains(text);
        let said = self.talk.said.lock();
        let said = said.map_err(|_| anyhow!("a thread of the lab panicked"))?;
        let waited = self.talk.more.wait_timeout_while(said, within, is_missing);
        match waited {
            Ok((_, timeout)) if !timeout.timed_out() => Ok(()),
            _ => bail!("{}: has not said {text:?} within {within:?}", self.name),
        }
    }

    /// What it has said on stderr.
    pub(crate) fn talk(&self) -> String {
        self.talk.text()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
