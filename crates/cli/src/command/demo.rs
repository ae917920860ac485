//! `kith demo`: the main job, for real, on this machine alone.
//!
//! An introducer and two nodes run as processes of their own, on loopback, each with a data directory of its own. The
//! ordinary commands do the rest, and are shown as a person types them with what they print. Nothing is simulated: when
//! this works, the same lines work between two machines.

mod actor;
mod folder;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use tempfile::TempDir;

use self::actor::{Actor, Daemon};
use self::folder::Tree;
use super::on::On;
use crate::args::DemoArgs;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output::{self, Output};

/// What a program reads of it.
#[derive(Serialize)]
#[serde(tag = "event", rename = "done")]
struct Done {
    bytes: u64,
    files: usize,
    seconds: f64,
    kept: Option<PathBuf>,
}

/// Shows it. All processes are stopped, and all directories removed unless they are to be kept, before it returns.
pub(super) async fn demo(on: &On, args: DemoArgs) -> Result<(), Failure> {
    let mut interrupt = Interrupt::catch()?;
    let place = tempfile::Builder::new().prefix("kith-demo-").tempdir()?;
    let mut stage = Stage::new(on.output, place.path());
    let begun = Instant::now();
    let shown = tokio::select! {
        shown = stage.show(args.folder.as_deref()) => shown,
        () = interrupt.wait() => Err(Failure::failed("the demo was interrupted")),
    };
    let stopped = stage.stop().await;
    let tree = shown.and_then(|tree| stopped.map(|()| tree));
    let kept = args.keep.then(|| TempDir::keep(place));
    let tree = tree?;
    let done = Done {
        bytes: tree.bytes(),
        files: tree.files(),
        seconds: begun.elapsed().as_secs_f64(),
        kept,
    };
    on.output.talk(next(done.kept.as_deref()));
    on.output.line(&done, || {
        format!(
            "done: {} in {} files arrived as they were; {:.1} s in all",
            output::bytes(done.bytes),
            done.files,
            done.seconds
        )
    })
}

/// The three who act, and their processes.
struct Stage {
    output: Output,
    place: PathBuf,
    introducer: Actor,
    alice: Actor,
    bob: Actor,
    daemons: Vec<Daemon>,
}

impl Stage {
    fn new(output: Output, place: &Path) -> Self {
        let actor = |name| Actor::new(output, name, place.join(name));
        Self {
            output,
            place: place.to_owned(),
            introducer: actor("introducer"),
            alice: actor("alice"),
            bob: actor("bob"),
            daemons: Vec::new(),
        }
    }

    /// The whole of it. What was handed over.
    async fn show(&mut self, folder: Option<&Path>) -> Result<Tree, Failure> {
        let folder = match folder {
            Some(folder) => folder::find(folder)?,
            None => folder::write(&self.place.join("handover"))?,
        };
        let name = folder.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| Failure::usage("the folder needs a name that is text"))?;
        let sent = Tree::read(&folder)?;
        self.output.talk(format_args!(
            "Three of us on this machine: an introducer, Alice and Bob. `alice$` is a terminal with\n\
             KITH_DATA={}, and so on. Everything stays on 127.0.0.1.",
            self.alice.data().display()
        ));
        self.gather().await?;
        self.meet().await?;
        self.hand_over(&folder, name, &sent).await?;
        Ok(sent)
    }

    /// The introducer and both nodes come up.
    async fn gather(&mut self) -> Result<(), Failure> {
        self.say("An introducer helps the two find each other. It never sees what they say.");
        let args = ["introducer", "--json", "--listen", "127.0.0.1:0"];
        let (daemon, ready) = self.introducer.start(&args).await?;
        self.daemons.push(daemon);
        let line = actor::text(&ready, "where")?;
        self.say("Alice and Bob each run a node, and say what they would like to be called.");
        for person in [&self.alice, &self.bob] {
            let args = [
                "up",
                "--name",
                person.name(),
                "--json",
                "--no-web",
                "--no-lan",
                "--bind",
                "127.0.0.1:0",
                "--introducer",
                &line,
            ];
            let (daemon, _) = person.start(&args).await?;
            self.daemons.push(daemon);
        }
        Ok(())
    }

    /// They become contacts, and reach each other by name.
    async fn meet(&self) -> Result<(), Failure> {
        self.say(
            "Alice makes an invite, and sends it to Bob by any means they trust. It is good once.",
        );
        let invite = self.alice.run(&["invite"]).await?;
        self.bob
            .run(&["add", invite.trim(), "--as", "alice"])
            .await?;
        self.say("From now on Bob reaches Alice by a name that is his own choice.");
        self.bob
            .run(&["ping", "alice", "-c", "3", "-i", "200ms"])
            .await?;
        self.alice.run(&["contacts"]).await?;
        Ok(())
    }

    /// A folder goes from one to the other.
    async fn hand_over(&self, folder: &Path, name: &str, sent: &Tree) -> Result<(), Failure> {
        self.say(&format!(
            "Alice offers Bob a folder, in place: {} in {} files.",
            output::bytes(sent.bytes()),
            sent.files()
        ));
        let path = folder.to_str();
        let path = path.ok_or_else(|| Failure::usage("the folder needs a path that is text"))?;
        self.alice.run(&["share", path, "--with", "bob"]).await?;
        self.bob.run(&["ls", "alice"]).await?;
        let received = self.bob.data().join("received");
        let out = received.to_string_lossy();
        let source = format!("alice/{name}");
        self.bob.run(&["get", &source, "--out", &out]).await?;
        self.say("Both sides' files, by BLAKE3:");
        let got = Tree::read(&received.join(name))?;
        sent.compare(&got, |line| self.output.talk(format_args!("  {line}")))
    }

    fn say(&self, text: &str) {
        self.output.talk(format_args!("\n{text}"));
    }

    /// Stops what it started, by its own process ids.
    async fn stop(&mut self) -> Result<(), Failure> {
        let mut result = Ok(());
        // The introducer goes last, so that nobody reports that it is away.
        while let Some(daemon) = self.daemons.pop() {
            result = result.and(daemon.stop().await);
        }
        result
    }
}

/// What to try next.
fn next(kept: Option<&Path>) -> String {
    let again = match kept {
        Some(place) => format!(
            "The three directories are in {}: `export KITH_DATA=…/bob; kith up` starts Bob again.",
            place.display()
        ),
        None => {
            "`kith demo --keep` leaves the directories; `kith demo FOLDER` hands over one of yours."
                .to_owned()
        }
    };
    format!(
        "\nNext, between two machines (nothing of this was a special case):\n\
         \x20 kith introducer                 on any machine that both reach; none is needed on one LAN\n\
         \x20 kith up --name YOU --introducer WHERE   on each of yours; leave it running\n\
         \x20 kith invite                     then `kith add INVITE --as NAME` on the other side\n\
         \x20 kith doctor                     what keeps you from being reached\n\
         {again}\n"
    )
}
