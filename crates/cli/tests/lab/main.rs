//! The lab: real processes in Linux network namespaces, behind real NATs, over lines that are slow, lossy or cut.
//!
//! It is a test binary with a main of its own, because without root it must enter a user namespace before the first
//! thread starts. Where namespaces cannot be made, its tests count as ignored and say so loudly; with `KITH_LAB=required`
//! that is a failure.
//!
//! `world` builds networks, `line` makes their links slow, `program` runs processes inside and `person` what people do with
//! them, `pings` one of these that goes on, `probe` measures what a network really does, `capture` keeps every packet, `relay` counts at an
//! introducer's relay, `system` calls the system's programs; the other files are the tests.

mod capture;
mod disclosure;
mod introducing;
mod lan;
mod line;
mod lines;
mod matrix;
mod nat_kinds;
mod person;
mod pings;
mod port;
mod probe;
mod program;
mod programs;
mod reach;
mod recovery;
mod relay;
mod relaying;
mod rights;
mod sharing;
mod system;
mod world;

use std::future::Future;
use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Failed, Trial};

use rights::Rights;

/// How long one test may take. The slowest waits for a path to time out twice.
const TEST_DURATION_MAX: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let is_ignored = if arguments.list {
        false
    } else {
        match rights::acquire() {
            Rights::Granted => false,
            Rights::Missing(reason) => {
                rights::say_loudly(&reason);
                true
            }
            Rights::Required(reason) => {
                rights::say_loudly(&reason);
                return ExitCode::FAILURE;
            }
        }
    };
    let trials = [
        nat_kinds::trials(),
        lines::trials(),
        programs::trials(),
        port::trials(),
        reach::trials(),
        introducing::trials(),
        lan::trials(),
        recovery::trials(),
        relaying::trials(),
        disclosure::trials(),
        sharing::trials(),
    ];
    let trials = trials
        .into_iter()
        .flatten()
        .map(|trial| trial.with_ignored_flag(is_ignored));
    // It takes a minute, and is run for its table.
    let matrix = matrix::trials()
        .into_iter()
        .map(|trial| trial.with_ignored_flag(true));
    let trials = trials.chain(matrix).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A test that runs `scenario` on a runtime of its own, within [`TEST_DURATION_MAX`].
fn trial<F>(name: &str, scenario: fn() -> F) -> Trial
where
    F: Future<Output = anyhow::Result<()>> + 'static,
{
    Trial::test(name, move || {
        // A thread may have run another test before.
        program::take_talk();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let bounded = async { tokio::time::timeout(TEST_DURATION_MAX, scenario()).await };
        let reason = match runtime.block_on(bounded) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => format!("{error:#}"),
            Err(_) => format!("no end within {TEST_DURATION_MAX:?}"),
        };
        Err(Failed::from(format!("{reason}\n{}", program::take_talk())))
    })
}
