//! kith with two lanes: the halves of a file, each a share of its own, fetched at once by the same getter from the same provider. A transfer has one
//! lane, so these have two, and everything else that a file of both takes.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::share::contender::Contender;
use crate::share::contenders::kith::{Kith, KithNode, ensure_sent};
use crate::share::content::Content;
use crate::share::ground::{Ground, empty};
use crate::share::site::Site;
use crate::share::watch::Watch;

/// What it is called.
pub(crate) const NAME: &str = "kith, two lanes";

/// By so much one half is short of the middle: nothing, of a MiB.
const DIFFERENCE_BYTES: u64 = 8;

/// Two nodes.
#[derive(Debug)]
pub(crate) struct Halves {
    provider: KithNode,
    getter: KithNode,
    halves: [Content; 2],
    out: PathBuf,
}

impl Halves {
    /// Starts both, and lets them meet.
    pub(crate) fn start(kith: &Kith, ground: &Ground, bytes: u64) -> Result<Self> {
        let here = Site::LOOPBACK;
        let provider = KithNode::start(kith, here, ground, "halves-provider")?;
        let getter = KithNode::start(kith, here, ground, "halves-getter")?;
        getter.meet(&provider)?;
        let folder = ground.folder("halves")?;
        // Files of one size are made alike, and what the getter has it does not fetch again.
        let first = (bytes / 2).saturating_sub(DIFFERENCE_BYTES);
        let halves = [
            Content::file(&folder, "first", first)?,
            Content::file(&folder, "second", bytes - first)?,
        ];
        for half in &halves {
            provider.share(&half.path)?;
        }
        Ok(Self {
            provider,
            getter,
            halves,
            out: ground.folder("halves-out")?,
        })
    }
}

impl Contender for Halves {
    fn name(&self) -> &'static str {
        NAME
    }

    fn provider(&self) -> Vec<u32> {
        vec![self.provider.pid()]
    }

    fn getter(&self) -> Vec<u32> {
        vec![self.getter.pid()]
    }

    fn fetch(&mut self, watch: &Watch) -> Result<()> {
        let [first, second] = &self.halves;
        let mut get_first = self.getter.get(first.name(), &self.out);
        let mut get_second = self.getter.get(second.name(), &self.out);
        let (said_first, said_second) = std::thread::scope(|scope| {
            let beside = scope.spawn(|| watch.run(&mut get_first));
            let said = watch.run(&mut get_second);
            (beside.join(), said)
        });
        let said_first = said_first.ok().context("a transfer panicked")?;
        ensure_sent(&said_first?, first.bytes)?;
        ensure_sent(&said_second?, second.bytes)
    }

    fn out(&self) -> Option<&Path> {
        // It does not hold the content under its own name.
        None
    }

    fn forget(&mut self) -> Result<()> {
        for half in &self.halves {
            half.ensure_arrived(&self.out)?;
        }
        empty(&self.out)
    }
}
