//! Somebody in the demo: a data directory, and the ordinary commands run with it as processes of their own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use crate::failure::Failure;
use crate::output::Output;

/// How long a process may take until it is ready. It takes a fraction of a second; a machine that still compiles, some more.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// How long a command may take: a folder of some gigabytes, on a slow machine.
const COMMAND_WITHIN: Duration = Duration::from_secs(600);

/// How long a process may take to say goodbye before it is killed: what the service units allow, too.
const STOP_WITHIN: Duration = Duration::from_secs(15);

/// Somebody.
pub(super) struct Actor {
    output: Output,
    name: &'static str,
    data: PathBuf,
}

/// A process that goes on until it is stopped; killed, should the demo itself end early.
pub(super) struct Daemon {
    name: &'static str,
    child: Child,
    /// Held open, so that it can go on printing.
    _lines: Lines<BufReader<ChildStdout>>,
}

impl Actor {
    pub(super) fn new(output: Output, name: &'static str, data: PathBuf) -> Self {
        Self { output, name, data }
    }

    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Starts a process that goes on, and waits until it says that it is ready.
    pub(super) async fn start(&self, args: &[&str]) -> Result<(Daemon, Value), Failure> {
        self.prompt(args, " &");
        let (child, mut lines) = self.spawn(args)?;
        let line = timeout(READY_WITHIN, lines.next_line()).await;
        let line = line.map_err(|_| self.failed(args, "did not get ready in time"))??;
        let line = line.ok_or_else(|| self.failed(args, "ended at once"))?;
        self.output.talk(format_args!("{line}"));
        let ready = serde_json::from_str(&line).map_err(Failure::failed)?;
        let daemon = Daemon {
            name: self.name,
            child,
            _lines: lines,
        };
        Ok((daemon, ready))
    }

    /// Runs a command to its end, showing it and what it prints. Its stdout.
    pub(super) async fn run(&self, args: &[&str]) -> Result<String, Failure> {
        self.prompt(args, "");
        let (mut child, mut lines) = self.spawn(args)?;
        let running = async {
            let mut stdout = String::new();
            while let Some(line) = lines.next_line().await? {
                self.output.talk(format_args!("{line}"));
                stdout.push_str(&line);
                stdout.push('\n');
            }
            let status = child.wait().await?;
            Ok::<_, std::io::Error>((stdout, status))
        };
        let (stdout, status) = timeout(COMMAND_WITHIN, running)
            .await
            .map_err(|_| self.failed(args, "did not end in time"))??;
        match status.success() {
            true => Ok(stdout),
            false => Err(self.failed(args, &format!("failed ({status})"))),
        }
    }

    /// This very program, with talk and progress going where the demo's own go.
    fn spawn(&self, args: &[&str]) -> Result<(Child, Lines<BufReader<ChildStdout>>), Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(args)
            .env("KITH_DATA", &self.data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().expect("piped above");
        Ok((child, BufReader::new(stdout).lines()))
    }

    fn prompt(&self, args: &[&str], end: &str) {
        let line = args.join(" ");
        self.output
            .talk(format_args!("{}$ kith {line}{end}", self.name));
    }

    fn failed(&self, args: &[&str], what: &str) -> Failure {
        let command = args.first().copied().unwrap_or_default();
        Failure::failed(format_args!("{}'s `kith {command}` {what}", self.name))
    }
}

impl Daemon {
    /// Asks it to stop, as a service manager does, and waits.
    ///
    /// # Errors
    /// When it does not stop in time, and is killed, or ends with a failure.
    pub(super) async fn stop(mut self) -> Result<(), Failure> {
        let process = self.child.id().and_then(|id| i32::try_from(id).ok());
        if let Some(process) = process.and_then(Pid::from_raw) {
            kill_process(process, Signal::TERM).map_err(std::io::Error::from)?;
        }
        let Ok(status) = timeout(STOP_WITHIN, self.child.wait()).await else {
            self.child.kill().await?;
            return Err(Failure::failed(format_args!(
                "{}'s process did not stop and was killed",
                self.name
            )));
        };
        let status = status?;
        match status.success() {
            true => Ok(()),
            false => Err(Failure::failed(format_args!(
                "{}'s process failed ({status})",
                self.name
            ))),
        }
    }
}

/// A text in what a process said.
///
/// # Errors
/// When it is not there.
pub(super) fn text(value: &Value, key: &str) -> Result<String, Failure> {
    let text = value.get(key).and_then(Value::as_str);
    text.map(str::to_owned)
        .ok_or_else(|| Failure::failed(format_args!("no {key} in what was printed: {value}")))
}
