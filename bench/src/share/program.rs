//! A program that stays up for a benchmark; it ends when dropped.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long a program may take to start, to meet another, to answer, or to end: all of which take seconds at most.
pub(crate) const START_DURATION_MAX: Duration = Duration::from_secs(60);

/// How long one transfer may take: four times what the slowest of them, transmission over µTP, needs for 2 GiB.
pub(crate) const TRANSFER_DURATION_MAX: Duration = Duration::from_secs(1800);

/// A running program.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    child: Child,
    lines: Receiver<String>,
    /// What it says on stderr.
    log: PathBuf,
}

impl Program {
    /// Starts it; what it says on stderr goes to `log`.
    pub(crate) fn start(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("{} stays shut", log.display()))?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .with_context(|| format!("{name} cannot be run"))?;
        let output = BufReader::new(child.stdout.take().context("piped")?);
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // Who no longer listens has what they wanted; the pipe is emptied for the program's sake.
                let _ = sender.send(line);
            }
        });
        Ok(Self {
            name: name.into(),
            child,
            lines,
            log: log.into(),
        })
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails with what it said on stderr when it has ended.
    pub(crate) fn ensure_up(&mut self) -> Result<()> {
        let ended = self.child.try_wait()?;
        ended.map_or(Ok(()), |status| {
            let said = std::fs::read_to_string(&self.log)?;
            Err(anyhow!("{} has ended: {status}\n{said}", self.name))
        })
    }

    /// Asks it to end, as a service manager does (SIGTERM), and waits until it has.
    pub(crate) fn stop(mut self) -> Result<()> {
        self.ensure_up()?;
        run(Command::new("kill").args(["-TERM", &self.pid().to_string()]))?;
        loop {
            match self.lines.recv_timeout(START_DURATION_MAX) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => bail!("{} does not end", self.name),
            }
        }
        let status = self.child.wait()?;
        ensure!(status.success(), "{} ended: {status}", self.name);
        Ok(())
    }

    /// Says something to it, as a line of JSON.
    pub(crate) fn tell(&mut self, message: &impl Serialize) -> Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        let input = self.child.stdin.as_mut().context("piped")?;
        Ok(input.write_all(&line)?)
    }

    /// What it says next.
    pub(crate) fn line(&self, patience: Duration) -> Result<String> {
        let said = self.lines.recv_timeout(patience);
        said.map_err(|_| anyhow!("{} ended or fell silent", self.name))
    }

    /// The next line that `wanted` makes something of.
    pub(crate) fn find_line<T>(&self, wanted: impl Fn(&str) -> Option<T>) -> Result<T> {
        loop {
            if let Some(found) = wanted(&self.line(START_DURATION_MAX)?) {
                return Ok(found);
            }
        }
    }

    /// What it says next, as JSON.
    pub(crate) fn hear<T: DeserializeOwned>(&self, patience: Duration) -> Result<T> {
        let line = self.line(patience)?;
        serde_json::from_str(&line).with_context(|| format!("{} said {line}", self.name))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself; its number is ours until it is waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end; its stdout.
pub(crate) fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{command:?} cannot be run"))?;
    succeeded(command, &output)
}

/// The stdout of a command that ended well; else an error with what it said.
pub(crate) fn succeeded(command: &Command, output: &std::process::Output) -> Result<String> {
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.success() {
        return Ok(said.into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(anyhow!("{command:?}: {}: {said}{complaint}", output.status))
}
