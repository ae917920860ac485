//! The program that makes previews: one process for each picture.
//!
//! A decoder is fed by strangers, so it is nowhere near the node's keys. The process gets the picture as its standard input and the longer
//! side, in pixels, as its last argument; it writes a JPEG to its standard output. It has no other file, no environment, and bounds on
//! memory and processor time that it sets itself before it reads; time is bounded here. A process for each picture costs a few
//! milliseconds, and leaves a decoder that was taken over nothing of another picture to read or to spoil.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use kith_core::content::preview::{Refusal, Size, jpeg};
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

/// How long one picture may take unless a worker says otherwise: the largest ones take some seconds on a slow machine that does other things.
pub const MAKE_WITHIN: Duration = Duration::from_secs(30);

/// Says that there is no picture of a known format on standard input.
pub const EXIT_NO_PICTURE: u8 = 10;

/// Says that the picture is damaged.
pub const EXIT_BROKEN: u8 = 11;

/// Says that it has too many pixels or bytes.
pub const EXIT_TOO_LARGE: u8 = 12;

/// How the program is called.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Which program.
    pub program: PathBuf,
    /// Its arguments; the longer side of the preview, in pixels, is put behind them.
    pub arguments: Vec<OsString>,
    /// How long it may take for one picture; then it is killed, and the picture counts as damaged.
    pub within: Duration,
}

/// Why a picture has no preview.
#[derive(Debug)]
pub(super) enum Unmade {
    /// The program says so: it would the next time.
    Refused(Refusal),
    /// It died over it, took too long, or gave no preview.
    Lost,
    /// It could not be run.
    Io(io::Error),
}

impl Worker {
    /// This program with these arguments, which may take [`MAKE_WITHIN`].
    pub fn new(program: impl Into<PathBuf>, arguments: Vec<OsString>) -> Self {
        Self {
            program: program.into(),
            arguments,
            within: MAKE_WITHIN,
        }
    }

    /// Makes a preview.
    pub(super) async fn make(&self, picture: File, size: Size) -> Result<Vec<u8>, Unmade> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            .arg(size.side_max().to_string())
            .env_clear()
            .stdin(Stdio::from(picture))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut running = command.spawn().map_err(Unmade::Io)?;
        let made = running.stdout.take().expect("it was asked to be piped");
        let bytes_max = size.bytes_max() as u64;
        let making = async {
            let mut jpeg = Vec::new();
            made.take(bytes_max + 1).read_to_end(&mut jpeg).await?;
            // Nothing reads any more of what is too long, so that it ends as well.
            Ok::<_, io::Error>((jpeg, running.wait().await?))
        };
        match tokio::time::timeout(self.within, making).await {
            Ok(Ok((jpeg, status))) => judge(jpeg, status, size),
            Ok(Err(error)) => Err(Unmade::Io(error)),
            Err(_) => Err(Unmade::Lost),
        }
    }
}

fn judge(jpeg: Vec<u8>, status: ExitStatus, size: Size) -> Result<Vec<u8>, Unmade> {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    match code {
        Some(0) if jpeg::examine(&jpeg, size).is_some() => Ok(jpeg),
        Some(EXIT_NO_PICTURE) => Err(Unmade::Refused(Refusal::NoPicture)),
        Some(EXIT_BROKEN) => Err(Unmade::Refused(Refusal::Broken)),
        Some(EXIT_TOO_LARGE) => Err(Unmade::Refused(Refusal::TooLarge)),
        _ => Err(Unmade::Lost),
    }
}
