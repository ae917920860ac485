//! `identity export` and `identity import`: who one is, in a file under a passphrase. No node takes part: neither secret
//! nor passphrase goes anywhere else.

use std::fs::OpenOptions;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use kith::home::Owner;
use kith::identity::export::{EXPORT_BYTES_MAX, ExportError, export, import};
use kith::identity::keyfile::Keys;
use kith::peer::start::fits;
use serde::Serialize;

use super::on::On;
use crate::args::IdentityCommand;
use crate::failure::Failure;

/// Where the passphrase stands for who has no terminal.
const PASSPHRASE: &str = "KITH_PASSPHRASE";

/// What was saved or restored.
#[derive(Serialize)]
struct Saved<'a> {
    peer_id: String,
    file: &'a Path,
}

/// Saves or restores an identity.
pub(super) async fn identity(on: &On, command: IdentityCommand) -> Result<(), Failure> {
    let on = on.clone();
    // Stretching a passphrase takes a second, and asking for it as long as it takes.
    let work = tokio::task::spawn_blocking(move || match command {
        IdentityCommand::Export { file } => save(&on, &file),
        IdentityCommand::Import { file } => restore(&on, &file),
    });
    work.await.map_err(Failure::failed)?
}

fn save(on: &On, file: &Path) -> Result<(), Failure> {
    let keys = Keys::load(&on.home()?.identity_key()).map_err(Failure::failed)?;
    let bytes = export(&keys, &passphrase(true)?).map_err(not_done)?;
    let unwritable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::failed(format!(
            "{} exists already; name another file, or move it away",
            file.display()
        )),
        _ => Failure::failed(format!("cannot write {}: {error}", file.display())),
    };
    let mut written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .map_err(unwritable)?;
    written
        .write_all(&bytes)
        .and_then(|()| written.sync_all())
        .map_err(unwritable)?;
    let saved = Saved {
        peer_id: keys.identity.peer_id().to_string(),
        file,
    };
    on.output.line(&saved, || {
        format!("{} is saved in {}", saved.peer_id, file.display())
    })
}

fn restore(on: &On, file: &Path) -> Result<(), Failure> {
    let home = on.home()?;
    // Held so that no node makes an identity of its own meanwhile.
    let _lock = home.open().map_err(Failure::failed)?;
    home.take_for(Owner::Person).map_err(Failure::failed)?;
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|open| {
            open.take(EXPORT_BYTES_MAX as u64 + 1)
                .read_to_end(&mut bytes)
        })
        .map_err(|error| Failure::failed(format!("cannot read {}: {error}", file.display())))?;
    let keys = import(&bytes, &passphrase(false)?).map_err(|error| {
        let Failure { kind, message, .. } = not_done(error);
        Failure::new(kind, format!("{}: {message}", file.display()))
    })?;
    fits(&home, &keys).map_err(Failure::failed)?;
    keys.create(&home.identity_key()).map_err(Failure::failed)?;
    let saved = Saved {
        peer_id: keys.identity.peer_id().to_string(),
        file,
    };
    on.output
        .line(&saved, || format!("you are {} here now", saved.peer_id))
}

/// A passphrase that is none, or not this one, is a mistake of who gave it.
fn not_done(error: ExportError) -> Failure {
    match error {
        ExportError::WrongPassphrase | ExportError::NoPassphrase => Failure::usage(error),
        _ => Failure::failed(error),
    }
}

/// The passphrase: from the environment, or asked for; twice when it is a new one.
fn passphrase(is_new: bool) -> Result<String, Failure> {
    if let Some(passphrase) = std::env::var_os(PASSPHRASE) {
        let text = passphrase.into_string();
        return text.map_err(|_| Failure::usage(format!("{PASSPHRASE} is not UTF-8")));
    }
    if !std::io::stdin().is_terminal() {
        let reason = format!("a passphrase is needed: set {PASSPHRASE}, or run this in a terminal");
        return Err(Failure::usage(reason));
    }
    let first = rpassword::prompt_password("Passphrase: ")?;
    if is_new && rpassword::prompt_password("Once more: ")? != first {
        return Err(Failure::usage("the two passphrases differ"));
    }
    Ok(first)
}
