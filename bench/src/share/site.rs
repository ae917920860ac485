//! Where one side of a benchmark is: this network, or another one behind a line.

use std::ffi::OsStr;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Command;

/// An address of the loopback in the network of a benchmark; some programs refuse peers at 127.0.0.1.
pub(crate) const LOOPBACK_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// Where the programs of one side run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    /// Its address.
    pub(crate) address: Ipv4Addr,
    /// A process in its network namespace, if that is another than ours.
    pub(crate) holder: Option<u32>,
}

impl Site {
    /// Here, on the loopback.
    pub(crate) const LOOPBACK: Self = Self {
        address: LOOPBACK_ADDRESS,
        holder: None,
    };

    /// A command that runs `program` there; the process started is the program itself.
    pub(crate) fn command(self, program: impl AsRef<OsStr>) -> Command {
        match self.holder {
            None => Command::new(program),
            Some(pid) => {
                let mut command = Command::new("nsenter");
                command.arg(format!("--net=/proc/{pid}/ns/net")).arg("--");
                command.arg(program);
                command
            }
        }
    }
}

/// The two sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sites {
    /// Who has it.
    pub(crate) provider: Site,
    /// Who wants it.
    pub(crate) getter: Site,
}

impl Sites {
    /// Both here.
    pub(crate) const LOOPBACK: Self = Self {
        provider: Site::LOOPBACK,
        getter: Site::LOOPBACK,
    };
}

/// Where a program is, by the PATH of this one.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
