//! File systems of one process's own: `unshare` gives it a namespace in which something is mounted before it begins, root or not.

use std::ffi::OsStr;
use std::io::Write as _;
use std::process::Stdio;

use tokio::process::Command;

/// Set to `required` where a test that cannot run is a failure, as in `.ci/run`.
const REQUIRED: &str = "KITH_LAB";

/// `program` where `script` has mounted something: a shell's commands, whose `$1`, `$2` and so on are `arguments`.
pub(crate) fn where_mounted(script: &str, arguments: &[&OsStr], program: &str) -> Command {
    let whole = format!("{script} && shift {} && exec \"$@\"", arguments.len());
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "sh", "-c", &whole, "sh"])
        .args(arguments)
        .arg(program)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Whether a process may have a file system of its own, as shown by `tried`. If not, whoever runs the tests reads that `what` was
/// not tested.
pub(crate) async fn may_mount(mut tried: Command, what: &str) -> bool {
    let tried = tried.output().await;
    if tried.is_ok_and(|tried| tried.status.success()) {
        return true;
    }
    let is_required = std::env::var(REQUIRED).is_ok_and(|value| value == "required");
    assert!(
        !is_required,
        "user namespaces, unshare and mount are needed"
    );
    not_tested(&format!(
        "{what}: no user namespaces, unshare or mount here"
    ));
    false
}

/// Has whoever runs the tests read that something was not tested, and why.
pub(crate) fn not_tested(what: &str) {
    let line = format!("\n*** NOT TESTED: {what}\n");
    // The harness keeps back what macros print while a test passes. Nobody may be reading.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
