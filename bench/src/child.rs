//! The other process of a benchmark: this same program in a [`Role`](crate::role::Role), spoken with by lines of JSON.
//!
//! It ends with its standard input, and so with whoever started it.

use std::process::Stdio;

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines, Stdin};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// A running child.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    /// Starts this program with `arguments` after `child`.
    pub(crate) fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("child")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().context("piped")?;
        let output = BufReader::new(child.stdout.take().context("piped")?).lines();
        Ok(Self {
            child,
            input,
            output,
        })
    }

    /// Its number.
    pub(crate) fn pid(&self) -> anyhow::Result<u32> {
        self.child.id().context("the child has ended")
    }

    /// Says something to it.
    pub(crate) async fn tell(&mut self, message: &impl Serialize) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        Ok(self.input.write_all(&line).await?)
    }

    /// What it says next.
    pub(crate) async fn hear<T: DeserializeOwned>(&mut self) -> anyhow::Result<T> {
        let line = self.output.next_line().await?;
        Ok(serde_json::from_str(&line.context("the child has ended")?)?)
    }

    /// Says something and waits for the answer.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &mut self,
        message: &impl Serialize,
    ) -> anyhow::Result<T> {
        self.tell(message).await?;
        self.hear().await
    }
}

/// The child's end of it.
#[derive(Debug)]
pub(crate) struct Parent(Lines<BufReader<Stdin>>);

impl Parent {
    /// There is one of them.
    pub(crate) fn new() -> Self {
        Self(BufReader::new(tokio::io::stdin()).lines())
    }

    /// Says something.
    pub(crate) async fn tell(&self, message: &impl Serialize) -> anyhow::Result<()> {
        let mut line = serde_json::to_vec(message)?;
        line.push(b'\n');
        let mut out = tokio::io::stdout();
        out.write_all(&line).await?;
        Ok(out.flush().await?)
    }

    /// What it says next; `None` when it is gone.
    pub(crate) async fn hear<T: DeserializeOwned>(&mut self) -> anyhow::Result<Option<T>> {
        match self.0.next_line().await? {
            Some(line) => Ok(Some(serde_json::from_str(&line)?)),
            None => Ok(None),
        }
    }
}
