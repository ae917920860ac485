//! sendme: the file transfer of iroh's makers, over QUIC, without relays.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::share::contender::{Contender, Missing};
use crate::share::content::Content;
use crate::share::ground::Ground;
use crate::share::program::Program;
use crate::share::site::{Site, Sites, find_program};
use crate::share::watch::Watch;

/// A sender, and where its receiver puts things.
#[derive(Debug)]
pub(crate) struct Sendme {
    sender: Program,
    getter: Site,
    ticket: String,
    out: PathBuf,
}

impl Sendme {
    /// Starts the sender.
    pub(crate) fn start(sites: Sites, ground: &Ground, content: &Content) -> Result<Self> {
        let remedy = "cargo install sendme --locked";
        find_program("sendme").ok_or_else(|| Missing::program("sendme", remedy))?;
        let mut command = sites.provider.command("sendme");
        command
            .args(["send", "--relay", "disabled", "--no-progress"])
            .arg(&content.path)
            // It keeps its own things where it runs.
            .current_dir(ground.folder("sendme")?);
        let sender = Program::start("sendme", command, &ground.log("sendme.log")?)?;
        let ticket = sender.find_line(|line| {
            let ticket = line.trim().strip_prefix("sendme receive ")?;
            Some(ticket.to_owned())
        })?;
        Ok(Self {
            sender,
            getter: sites.getter,
            ticket,
            out: ground.folder("sendme-out")?,
        })
    }
}

impl Contender for Sendme {
    fn name(&self) -> &'static str {
        "sendme"
    }

    fn provider(&self) -> Vec<u32> {
        vec![self.sender.pid()]
    }

    fn getter(&self) -> Vec<u32> {
        vec![]
    }

    fn fetch(&mut self, watch: &Watch) -> Result<()> {
        let mut command = self.getter.command("sendme");
        command
            .args(["receive", "--relay", "disabled", "--no-progress"])
            .arg(&self.ticket)
            .current_dir(&self.out);
        watch.run(&mut command)?;
        Ok(())
    }

    fn out(&self) -> Option<&Path> {
        Some(&self.out)
    }
}
