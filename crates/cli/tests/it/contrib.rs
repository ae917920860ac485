//! What `contrib/` has for others to install.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::programs;

#[test]
fn systemd_takes_the_units_of_contrib() {
    if !programs::is_there("systemd-analyze") {
        return;
    }
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contrib/systemd");
    let folder = tempfile::tempdir().expect("a place for files");
    let services = [
        ("kith.service", "--user"),
        ("kith-introducer.service", "--system"),
    ];
    for (name, manager) in services {
        let text = fs::read_to_string(units.join(name)).expect("there");
        // It looks whether the program is there, which is not installed here.
        let program = text.split("ExecStart=").nth(1).expect("a program");
        let program = program.split_whitespace().next().expect("a path");
        let unit = folder.path().join(name);
        fs::write(&unit, text.replace(program, env!("CARGO_BIN_EXE_kith"))).expect("room");
        let mut verify = Command::new("systemd-analyze");
        verify.args([manager, "--man=no", "--recursive-errors=no", "verify"]);
        // Where no user is logged in there is none.
        verify.env("XDG_RUNTIME_DIR", folder.path());
        let verified = verify.arg(&unit).output().expect("it runs");
        let said = String::from_utf8_lossy(&verified.stderr);
        assert!(verified.status.success(), "{name}: {said}");
        assert!(!said.contains(name), "{said}");
    }
}
