//! Whether this process may make network namespaces, NATs and TAP devices.

use std::env;
use std::fs::File;
use std::process::{Command, Stdio};

/// The programs that the lab calls, each with an argument that makes it do nothing.
const PROGRAMS: [(&str, &str); 9] = [
    ("ip", "-V"),
    ("ping", "-V"),
    ("nft", "--version"),
    ("conntrack", "--version"),
    ("tcpdump", "--version"),
    ("curl", "--version"),
    ("avahi-daemon", "--version"),
    ("avahi-browse", "--version"),
    ("dbus-daemon", "--version"),
];

/// Set to `required` where a lab that cannot run is a failure.
const VARIABLE: &str = "KITH_LAB";

/// What the process may do.
#[derive(Debug)]
pub(crate) enum Rights {
    /// Everything the lab needs.
    Granted,
    /// Not everything; the reason. The lab is left out.
    Missing(String),
    /// Not everything, where everything is required.
    Required(String),
}

/// Enters a user namespace where this process is not root, and tries what the lab will do.
pub(crate) fn acquire() -> Rights {
    match attempt() {
        Ok(()) => Rights::Granted,
        Err(reason) if env::var(VARIABLE).is_ok_and(|value| value == "required") => {
            Rights::Required(reason)
        }
        Err(reason) => Rights::Missing(reason),
    }
}

fn attempt() -> Result<(), String> {
    if patchbay::check_caps().is_err() {
        patchbay::init_userns().map_err(|error| format!("no user namespace: {error}"))?;
    }
    // All that are missing are named at once, so that they can be installed at once.
    let missing: Vec<String> = PROGRAMS
        .iter()
        .filter_map(|(program, argument)| run(program, &[argument]).err())
        .collect();
    if !missing.is_empty() {
        return Err(missing.join("; "));
    }
    run("unshare", &["--net", "--mount", "nft", "list", "ruleset"])?;
    File::options()
        .read(true)
        .write(true)
        .open("/dev/net/tun")
        .map_err(|error| format!("no TAP devices: /dev/net/tun: {error}"))?;
    Ok(())
}

/// Runs a program that must succeed.
fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("`{program}` cannot be run: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "`{program} {}` failed: {}",
        arguments.join(" "),
        told.trim()
    ))
}

/// Says on stderr that the lab is not run, so that nobody takes it for passed.
#[expect(
    clippy::print_stderr,
    reason = "a skipped lab must be seen by whoever runs the tests"
)]
pub(crate) fn say_loudly(reason: &str) {
    let programs: Vec<&str> = PROGRAMS.iter().map(|(program, _)| *program).collect();
    eprintln!("\n*** THE LAB DOES NOT RUN HERE: {reason}");
    eprintln!(
        "*** It needs {}, and root or unprivileged user namespaces.",
        programs.join(", ")
    );
    eprintln!("*** No NAT, no lost packet and no cut link was tested.\n");
}
