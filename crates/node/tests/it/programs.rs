//! Other people's programs, which a machine may lack: a test that needs one shows nothing without it, and says so.

use std::io::{Write as _, stderr};
use std::process::{Command, Stdio};

/// Set to `required` where a test that cannot run is a failure, as in `.ci/run`.
const VARIABLE: &str = "KITH_LAB";

/// Whether `program` can be started. If not, the caller's test ends there, and whoever runs the tests reads why.
///
/// # Panics
/// Where everything is required.
#[track_caller]
pub(crate) fn is_there(program: &str) -> bool {
    let asked = Command::new(program)
        .arg("--help")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if asked.is_ok() {
        return true;
    }
    let is_required = std::env::var(VARIABLE).is_ok_and(|value| value == "required");
    assert!(!is_required, "{program} is needed here: install it");
    let test = std::thread::current();
    let test = test.name().unwrap_or("a test");
    let line = format!("\n*** NOT TESTED: {test}: there is no program `{program}` here\n");
    // The test harness keeps back what is printed by macros while a test passes; what is written to stderr itself it lets
    // through. Nobody may be reading.
    let _ = stderr().write_all(line.as_bytes());
    false
}
