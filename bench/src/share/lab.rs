//! What all benchmarks of sharing are told.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::Args;

/// Which kith, and where.
#[derive(Clone, Debug, Args)]
pub(crate) struct Lab {
    /// The program `kith`; the one beside this program when left out.
    #[arg(long)]
    kith: Option<PathBuf>,
    /// Where everything is written: a tmpfs, or with `--disk` a folder on the disk in question.
    #[arg(long, default_value = "/dev/shm")]
    pub(crate) ground: PathBuf,
    /// Who takes part (a comma between the names), besides kith; everybody when left out.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
}

impl Lab {
    /// The program `kith`.
    pub(crate) fn kith(&self) -> Result<PathBuf> {
        let beside = || Ok(std::env::current_exe()?.with_file_name("kith"));
        let program = self.kith.clone().map_or_else(beside, anyhow::Ok)?;
        let program = std::path::absolute(program)?;
        ensure!(
            program.is_file(),
            "there is no {}: `cargo build --release -p kith-cli` makes it, or name one by `--kith`",
            program.display()
        );
        Ok(program)
    }

    /// Whether `name` is asked for by its name.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.only.iter().any(|only| only == name)
    }

    /// Whether `name` takes part.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.names(name)
    }
}
