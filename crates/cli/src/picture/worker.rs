//! The process: a picture on standard input, its preview on standard output, and nothing else.
//!
//! Before a byte is read it gives up what it can: memory, processor time, writing files, opening anything. So a picture that is made to
//! take much, or one that takes a decoder over, costs one process that ends.

use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use kith::data::bare::PICTURE_BYTES_MAX;

use super::decode::decode;
use super::refused::Refused;
use super::shrink;

/// How much memory the process may have, in bytes: the pixels that [`decode`](super::decode) allows, twice, and the file.
#[cfg(unix)]
const MEMORY_BYTES_MAX: u64 = 1 << 30;

/// How much processor time it may take, in seconds: the largest pictures take a few.
#[cfg(unix)]
const PROCESSOR_SECONDS_MAX: u64 = 20;

/// How far behind everything else it is scheduled (nice(2)).
#[cfg(unix)]
const NICENESS: i32 = 10;

/// Does the work of the process: the preview has no side longer than `side`, in pixels.
pub(crate) fn work(side: u16) -> ExitCode {
    if let Err(error) = confine() {
        drop(error);
        return ExitCode::FAILURE;
    }
    let made = read().and_then(|picture| preview(&picture, side));
    match made {
        Ok(jpeg) => match io::stdout().lock().write_all(&jpeg) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        },
        Err(refused) => refused.into(),
    }
}

/// The preview of a picture.
pub(super) fn preview(picture: &[u8], side: u16) -> Result<Vec<u8>, Refused> {
    shrink::preview(decode(picture, side)?, side)
}

fn read() -> Result<Vec<u8>, Refused> {
    let mut picture = Vec::new();
    let read = io::stdin().lock().take(PICTURE_BYTES_MAX + 1);
    // What a disk does not give is not there.
    { read }
        .read_to_end(&mut picture)
        .map_err(|_| Refused::Broken)?;
    match picture.len() as u64 > PICTURE_BYTES_MAX {
        true => Err(Refused::TooLarge),
        false => Ok(picture),
    }
}

/// Gives up what the work does not need.
#[cfg(unix)]
fn confine() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, nice, setrlimit};
    let bounds = [
        (Resource::As, MEMORY_BYTES_MAX),
        (Resource::Cpu, PROCESSOR_SECONDS_MAX),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        // Standard input, output and error are open, and stay so. Nothing else can be, nor in the place of one of them.
        (Resource::Nofile, 0),
    ];
    for (resource, most) in bounds {
        let bound = Rlimit {
            current: Some(most),
            maximum: Some(most),
        };
        setrlimit(resource, bound)?;
    }
    nice(NICENESS)?;
    Ok(())
}

/// Where the system has no such bounds, the decoders' own and the node's patience hold.
#[cfg(not(unix))]
fn confine() -> io::Result<()> {
    Ok(())
}
