//! A program started on a host sees that host's network, and ends when it is asked to.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;

use crate::program::Program;
use crate::trial;
use crate::world::{NatKind, World};

/// How long a shell may take to say something on a busy machine.
const ANSWER_DURATION_MAX: Duration = Duration::from_secs(10);

/// The number of SIGTERM.
const TERMINATED: i32 = 15;

/// The tests of this file.
pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "programs::a_program_has_the_address_of_its_host",
            a_program_has_the_address_of_its_host,
        ),
        trial(
            "programs::a_program_that_is_asked_to_end_ends",
            a_program_that_is_asked_to_end_ends,
        ),
    ]
}

async fn a_program_has_the_address_of_its_host() -> Result<()> {
    let world = World::new().await?;
    let home = world.home("home", NatKind::PortRestricted).await?;
    let host = world.host("host", &home).await?;
    let expected = host.ip().context("an address")?.to_string();
    let mut command = Command::new("ip");
    command.args(["-json", "-4", "address", "show", "scope", "global"]);
    let mut program = Program::start(&host, command)?;
    let told = program.wait_for(ANSWER_DURATION_MAX, |links| {
        links.as_array().is_some_and(|links| links.len() == 1)
    })?;
    ensure!(
        told[0]["addr_info"][0]["local"] == expected.as_str(),
        "{told}"
    );
    ensure!(program.wait(ANSWER_DURATION_MAX)?.success(), "it failed");
    Ok(())
}

async fn a_program_that_is_asked_to_end_ends() -> Result<()> {
    let world = World::new().await?;
    let host = world.public_host("host").await?;
    let mut command = Command::new("sh");
    command.args([
        "-c",
        "echo talk >&2; echo '{\"event\":\"ready\"}'; exec sleep 600",
    ]);
    let program = Program::start(&host, command)?;
    program.wait_for_event(ANSWER_DURATION_MAX, "ready")?;
    let missing = program.wait_for_event(Duration::from_millis(100), "done");
    ensure!(missing.is_err(), "a line that was never written");
    ensure!(
        program.stop()?.signal() == Some(TERMINATED),
        "it did not end by the signal"
    );
    Ok(())
}
