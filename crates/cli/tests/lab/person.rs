//! People of the lab: a running node each, and what they do with the command line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use patchbay::Device;
use serde_json::Value;

use crate::program::{KITH, Program};

/// How long a node or an introducer may take to be ready.
const READY_DURATION_MAX: Duration = Duration::from_secs(15);

/// How long one command may take.
const COMMAND_DURATION_MAX: Duration = Duration::from_secs(30);

/// How long a path may stay relayed where a direct one is possible.
pub(crate) const DIRECT_DURATION_MAX: Duration = Duration::from_secs(10);

/// The bytes of a file that is handed over: many times what a handshake takes.
pub(crate) const FILE_BYTES: usize = 2_000_000;

/// A person: a running node and its data directory, on a host.
pub(crate) struct Person {
    /// Where it runs.
    pub(crate) host: Device,
    data: PathBuf,
    node: Program,
}

/// A person whose node does not run.
pub(crate) struct Stopped {
    /// Where it ran.
    pub(crate) host: Device,
    data: PathBuf,
}

/// Something that is being sent through one stream.
pub(crate) struct Pipe {
    sender: Program,
    _listener: Program,
}

impl Pipe {
    /// Waits until all of it is sent, and the other side has said so.
    pub(crate) fn end(&mut self) -> Result<()> {
        ensure!(
            self.sender.wait(COMMAND_DURATION_MAX)?.success(),
            "not sent"
        );
        Ok(())
    }
}

impl Stopped {
    /// Starts another node in its place: same person, another contact key.
    pub(crate) fn start_again(self, introducers: &[&str]) -> Result<Person> {
        Person::start_at(self.host, self.data, introducers)
    }
}

impl Person {
    /// Starts a node that knows `introducers`.
    pub(crate) fn start(host: Device, dir: &Path, introducers: &[&str]) -> Result<Self> {
        let data = dir.join(host.name());
        Self::start_at(host, data, introducers)
    }

    /// The same, of a node that says on stderr what `log` has it say (`KITH_LOG`).
    pub(crate) fn start_telling(
        host: Device,
        dir: &Path,
        introducers: &[&str],
        log: &str,
    ) -> Result<Self> {
        let data = dir.join(host.name());
        Self::start_with(host, data, introducers, Some(log))
    }

    fn start_at(host: Device, data: PathBuf, introducers: &[&str]) -> Result<Self> {
        Self::start_with(host, data, introducers, None)
    }

    fn start_with(
        host: Device,
        data: PathBuf,
        introducers: &[&str],
        log: Option<&str>,
    ) -> Result<Self> {
        let mut arguments = vec!["-vv", "up", "--api", "127.0.0.1:0", "--no-public-dht"];
        for introducer in introducers {
            arguments.extend(["--introducer", introducer]);
        }
        let mut command = Program::command(&data, &arguments);
        command.envs(log.map(|log| ("KITH_LOG", log)));
        let node = Program::start(&host, command)?;
        node.wait_for_event(READY_DURATION_MAX, "ready")?;
        Ok(Self { host, data, node })
    }

    /// Stops the node.
    pub(crate) fn stop(self) -> Result<Stopped> {
        let Self { host, data, node } = self;
        ensure!(node.stop()?.success(), "it did not end well");
        Ok(Stopped { host, data })
    }

    /// Waits until the node has said `text` on stderr.
    pub(crate) fn wait_for_talk(&self, within: Duration, text: &str) -> Result<()> {
        self.node.wait_for_talk(within, text)
    }

    /// What the node has said on stderr.
    pub(crate) fn talk(&self) -> String {
        self.node.talk()
    }

    /// Starts a command that talks to the node.
    pub(crate) fn command(&self, arguments: &[&str]) -> Result<Program> {
        Program::kith(&self.host, &self.data, arguments)
    }

    /// Runs a command to its end and gives the first line with `key`.
    pub(crate) fn ask(&self, key: &str, arguments: &[&str]) -> Result<Value> {
        let mut program = self.command(arguments)?;
        let line = program.wait_for(COMMAND_DURATION_MAX, |line| !line[key].is_null())?;
        let status = program.wait(COMMAND_DURATION_MAX)?;
        ensure!(status.success(), "kith {}: {status}", arguments.join(" "));
        Ok(line)
    }

    /// Waits until `other`, who holds an invite of this person's, is a contact here, and names them as their host.
    pub(crate) fn learns_of(&self, other: &Person) -> Result<()> {
        let id = other.ask("peer_id", &["id"])?;
        let id = id["peer_id"].as_str().context("an id")?;
        let end = Instant::now() + COMMAND_DURATION_MAX;
        let contact = loop {
            let listed = self.command(&["contacts"])?;
            match listed.wait_for(COMMAND_DURATION_MAX, |line| line["peer_id"] == id) {
                Ok(contact) => break contact,
                Err(error) if Instant::now() > end => return Err(error),
                Err(_) => {}
            }
        };
        let name = contact["name"].as_str().unwrap_or(id);
        if name != other.host.name() {
            let mut rename = self.command(&["contact", "rename", name, other.host.name()])?;
            ensure!(rename.wait(COMMAND_DURATION_MAX)?.success(), "not renamed");
        }
        Ok(())
    }

    /// Pings `other` until an answer comes by `path`.
    pub(crate) fn ping_until(&self, other: &Person, path: &str) -> Result<()> {
        self.ping_within(other, path, DIRECT_DURATION_MAX)
    }

    /// Pings `other` until an answer comes by `path`, in so short a time.
    pub(crate) fn ping_within(&self, other: &Person, path: &str, within: Duration) -> Result<()> {
        let program = self.command(&["ping", other.host.name(), "-c", "1000", "-i", "100ms"])?;
        program
            .wait_for(within, |line| line["path"] == path)
            .with_context(|| format!("no ping by {path}"))?;
        Ok(())
    }

    /// Sends a file to `other` through a stream in a protocol of its own, and checks it byte by byte.
    pub(crate) fn send(&self, other: &Person, dir: &Path, name: &str) -> Result<()> {
        let (source, arrived) = (dir.join(format!("{name}-sent")), dir.join(name));
        fs::write(&source, contents())?;
        let mut pipe = self.pipe(other, &arrived, fs::File::open(&source)?.into())?;
        pipe.end()?;
        ensure!(fs::read(arrived)? == contents(), "the file differs");
        Ok(())
    }

    /// Begins to send `input` to `other` through one stream, who writes it to a file.
    pub(crate) fn pipe(&self, other: &Person, arrived: &Path, input: Stdio) -> Result<Pipe> {
        let name = arrived.file_name().and_then(|name| name.to_str());
        let protocol = format!("/lab/{}/1", name.context("a name")?);
        let keep = format!("cat > {}", arrived.display());
        let listener = other.command(&["listen", &protocol, "--exec", &keep])?;
        listener.wait_for_event(COMMAND_DURATION_MAX, "ready")?;
        let mut pipe = Command::new(KITH);
        pipe.arg("--data").arg(&self.data);
        pipe.args(["pipe", other.host.name(), &protocol]);
        let sender = Program::start_with(&self.host, pipe, input)?;
        Ok(Pipe {
            sender,
            _listener: listener,
        })
    }

    /// Shares a folder with one file in it with `other`.
    pub(crate) fn share(&self, other: &Person, dir: &Path, name: &str) -> Result<()> {
        self.share_file(other, dir, (name, "file"))
    }

    /// Shares a folder with one file in it, of this name, with `other`.
    pub(crate) fn share_file(
        &self,
        other: &Person,
        dir: &Path,
        (name, file): (&str, &str),
    ) -> Result<()> {
        let folder = dir.join(format!("{}-{name}", self.host.name()));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(file), contents())?;
        let folder = folder.to_str().context("a path in UTF-8")?;
        self.ask(
            "share_id",
            &["share", folder, "--with", other.host.name(), "--name", name],
        )?;
        Ok(())
    }

    /// Gets what `other` shares as `name`, and checks it byte by byte.
    pub(crate) fn get(&self, other: &Person, dir: &Path, name: &str) -> Result<()> {
        self.get_file(other, dir, (name, "file"))
    }

    /// Gets what `other` shares as `name`, a folder with this file, and checks it byte by byte.
    pub(crate) fn get_file(
        &self,
        other: &Person,
        dir: &Path,
        (name, file): (&str, &str),
    ) -> Result<()> {
        let out = dir.join(format!("{}-got-{name}", self.host.name()));
        fs::create_dir_all(&out)?;
        let what = format!("{}/{name}", other.host.name());
        let to = out.to_str().context("a path in UTF-8")?;
        let mut program = self.command(&["get", &what, "--out", to])?;
        program.wait_for_event(COMMAND_DURATION_MAX, "done")?;
        ensure!(program.wait(COMMAND_DURATION_MAX)?.success(), "not got");
        let got = fs::read(out.join(name).join(file))?;
        ensure!(got == contents(), "the file differs");
        Ok(())
    }
}

/// The bytes of the file: no two groups alike.
fn contents() -> Vec<u8> {
    (0..FILE_BYTES / 4)
        .flat_map(|number| u32::try_from(number).unwrap_or(0).to_be_bytes())
        .collect()
}

/// Starts an introducer on `host`; gives it and its line.
pub(crate) fn introducer(host: &Device, dir: &Path) -> Result<(Program, String)> {
    let address = host.ip().context("an address")?;
    introducer_with(host, dir, &["--listen", &format!("{address}:0")])
}

/// Starts an introducer on `host` with these arguments; gives it and its line.
pub(crate) fn introducer_with(
    host: &Device,
    dir: &Path,
    arguments: &[&str],
) -> Result<(Program, String)> {
    let data = dir.join(host.name());
    let arguments = [&["-vv", "introducer"], arguments].concat();
    let program = Program::kith(host, &data, &arguments)?;
    let line = ready_introducer(&program)?;
    Ok((program, line))
}

/// Waits until an introducer is ready; its line.
pub(crate) fn ready_introducer(program: &Program) -> Result<String> {
    let ready = program.wait_for_event(READY_DURATION_MAX, "ready")?;
    Ok(ready["where"].as_str().context("a line")?.to_owned())
}

/// Bob adds Ann by an invite of hers; both end up with each other, under the names of their hosts.
pub(crate) fn meet(ann: &Person, bob: &Person) -> Result<()> {
    let invite = ann.ask("invite", &["invite"])?;
    meet_by(invite["invite"].as_str().context("an invite")?, ann, bob)
}

/// Bob adds Ann by this invite of hers.
pub(crate) fn meet_by(invite: &str, ann: &Person, bob: &Person) -> Result<()> {
    bob.ask("peer_id", &["add", invite, "--as", ann.host.name()])?;
    ann.learns_of(bob)
}
