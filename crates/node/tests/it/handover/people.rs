//! People with nodes on this machine, and folders to hand over.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::waiting::a_moment;
use kith::content::{NewShare, Recipients, Worker};
use kith::core::identity::Invite;
use kith::core::ids::PeerId;
use kith::core::peer::InviteOptions;
use kith::core::routing::Level;
use kith::data::Stamp;
use kith::peer::{Fetched, GetOptions, Published, Transfer, TransferProgress};
use kith::{Error, Event, Node, NodeBuilder};
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::sync::broadcast;

/// Longer than anything here takes on a busy machine.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody with a node and a folder of their own.
pub(super) struct Person {
    pub(super) node: Node,
    name: &'static str,
    pub(super) folder: TempDir,
}

impl Person {
    pub(super) async fn new(name: &'static str) -> Self {
        Self::with(name, Node::builder()).await
    }

    /// Somebody whose node makes previews so.
    pub(super) async fn making_previews(name: &'static str, worker: Worker) -> Self {
        Self::with(name, Node::builder().previews(worker)).await
    }

    /// Somebody whose node is built so.
    pub(super) async fn with(name: &'static str, builder: NodeBuilder) -> Self {
        let _ = tracing_subscriber::fmt()
            .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
            .try_init();
        let folder = tempfile::tempdir().expect("a place for files");
        Self {
            node: spawn(builder, name, folder.path()).await,
            name,
            folder,
        }
    }

    /// Somebody whose node lives in a folder of another process's choice.
    pub(super) async fn at_home(name: &'static str, folder: &Path) -> Node {
        spawn(Node::builder(), name, folder).await
    }

    /// Stops the node, and starts another with the same things.
    pub(super) async fn restart(&mut self) {
        self.node.shutdown().await;
        self.come_back(Node::builder()).await;
    }

    /// After the node was stopped, starts another with the same things, built so.
    pub(super) async fn come_back(&mut self, builder: NodeBuilder) {
        self.node = spawn(builder, self.name, self.folder.path()).await;
    }

    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file beneath this person's folder.
    pub(super) fn write(&self, path: &str, bytes: &[u8]) {
        let at = self.at(path);
        fs::create_dir_all(at.parent().expect("beneath the folder")).expect("created");
        fs::write(at, bytes).expect("written");
    }

    /// Edits a file that is shared behind its owner's back, as a disk that fails does: it seems to be what was hashed. Meanwhile the node
    /// is away, for it looks at what it shares whenever it likes.
    pub(super) async fn edit_unseen(&mut self, path: &str, bytes: &[u8]) {
        self.node.shutdown().await;
        let (at, edited) = (self.at(path), self.at("edited"));
        fs::write(&edited, bytes).expect("written");
        let modified = fs::metadata(&at).and_then(|metadata| metadata.modified());
        let file = fs::File::options()
            .write(true)
            .open(&edited)
            .expect("there");
        file.set_modified(modified.expect("a time")).expect("set");

        fs::rename(&edited, &at).expect("in its place");
        let stamp = Stamp::of(&file.metadata().expect("there"));
        let database = Connection::open(self.at("data/kith.db")).expect("it is there");
        let count = database.execute(
            "UPDATE share_file SET mtime_ns = ?1, ctime_ns = ?2 WHERE path = ?3",
            (stamp.mtime_ns, stamp.ctime_ns, at.as_os_str().as_bytes()),
        );
        assert_eq!(count.expect("written"), 1, "it is shared");
        drop(database);
        self.come_back(Node::builder()).await;
    }

    /// Shares what lies at `path`.
    pub(super) async fn share(&self, path: &str, recipients: Recipients) -> Published {
        let new = NewShare {
            paths: vec![self.at(path)],
            recipients,
            name: None,
            bare: false,
        };
        self.node.contents().share(new).await.expect("shared")
    }

    /// Calls `other` by the name it gave itself; both are contacts when this returns.
    pub(super) async fn meet(&self, other: &Self) {
        let invite = invite(&self.node, false).await;
        let book = other.node.address_book();
        book.add(invite, Some(self.name))
            .await
            .expect("a good invite");
        knows(&self.node, other.node.peer_id()).await;
        other.reaches(self).await;
        let book = self.node.address_book();
        let _ = book.rename(other.node.peer_id(), other.name).await;
    }

    /// Waits for a session with `other`, who has come back.
    pub(super) async fn reaches(&self, other: &Self) {
        let peer = Some(other.node.peer_id());
        let reached = async {
            while !self.node.sessions().iter().any(|it| it.peer == peer) {
                a_moment().await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached);
        reached.await.expect("they find each other again");
    }

    /// What a text names for this person, fetched to `out`.
    pub(super) async fn options(&self, text: &str) -> Result<GetOptions, Error> {
        let source = self.node.contents().resolve(text).await?;
        Ok(GetOptions::new(source, self.at("out")))
    }

    /// Fetches what a text names.
    pub(super) async fn get(&self, text: &str) -> Result<Fetched, Error> {
        let options = self.options(text).await?;
        finish(self.node.contents().get(options)).await
    }

    /// What appeared in the folder that things are fetched to, under a final name.
    pub(super) fn fetched(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.at("out")) else {
            return Vec::new();
        };
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = names
            .map(|name| name.to_string_lossy().into_owned())
            .filter(|name| !name.ends_with(".partial"))
            .collect();
        names.sort();
        names
    }
}

async fn spawn(builder: NodeBuilder, name: &str, folder: &Path) -> Node {
    let address: SocketAddr = ([127, 0, 0, 1], 0).into();
    builder
        .name(name)
        .data_dir(folder.join("data"))
        .bind([address])
        .lan(None)
        .port_mapping(false)
        .spawn()
        .await
        .expect("loopback can be bound")
}

/// Waits for the end of a transfer.
pub(super) async fn finish(transfer: Transfer) -> Result<Fetched, Error> {
    let finished = tokio::time::timeout(PATIENCE, transfer.finished());
    finished.await.expect("a transfer ends")
}

/// How many bytes of files came from somebody; `None` is all who did not say who they are.
pub(super) fn given(fetched: &Fetched, peer: Option<PeerId>) -> u64 {
    let mut sources = fetched.sources.iter();
    let source = sources.find(|source| source.peer == peer);
    source.map_or(0, |source| source.bytes)
}

/// Waits until a transfer has come so far.
pub(super) async fn until(transfer: &mut Transfer, bytes: u64) -> TransferProgress {
    let so_far = async {
        loop {
            let progress = transfer.changed().await.expect("still under way");
            if progress.bytes >= bytes {
                return progress;
            }
        }
    };
    let so_far = tokio::time::timeout(PATIENCE, so_far);
    so_far.await.expect("it comes further")
}

/// An invite that says where its maker is, which an endpoint knows a moment after it is bound.
pub(super) async fn invite(node: &Node, reusable: bool) -> Invite {
    let options = InviteOptions {
        reusable,
        life: Duration::from_secs(3600),
        with_addresses: true,
    };
    let book = node.address_book();
    let made = async {
        loop {
            let invite = book.invite(options).await.expect("makes invites");
            if invite.contact.is_some() {
                return invite;
            }
            book.withdraw(invite.id()).await.expect("running");
            a_moment().await;
        }
    };
    let made = tokio::time::timeout(PATIENCE, made);
    made.await.expect("addresses are found")
}

/// Waits until `node` has `peer` in its book.
pub(super) async fn knows(node: &Node, peer: PeerId) {
    let mut events = node.events();
    let known = async {
        loop {
            let contacts = node.address_book().contacts().await.expect("running");
            if contacts.iter().any(|contact| contact.peer == peer) {
                return;
            }
            // Missed events are no matter: the book is read again.
            let _ = events.recv().await;
        }
    };
    let known = tokio::time::timeout(PATIENCE, known);
    known.await.expect("the invite arrives");
}

/// Waits for a session in which `peer` is a contact.
pub(super) async fn trusts(events: &mut broadcast::Receiver<Event>, peer: PeerId) {
    let trusted = async {
        loop {
            match events.recv().await.expect("few at a time") {
                Event::Up(session) | Event::Trusted(session)
                    if session.peer == Some(peer) && session.level == Level::Contact =>
                {
                    return;
                }
                _ => {}
            }
        }
    };
    let trusted = tokio::time::timeout(PATIENCE, trusted);
    trusted.await.expect("the session goes on as a contact's");
}

/// What a tree holds: the bytes of each file, by its path.
pub(super) fn snapshot(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("an entry").path();
            let inner = path.strip_prefix(root).expect("beneath").to_owned();
            if path.is_dir() {
                folders.push(path);
                found.insert(inner, b"a folder".to_vec());
            } else {
                found.insert(inner, fs::read(&path).expect("readable"));
            }
        }
    }
    found
}

/// Bytes that do not repeat.
pub(super) fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for chunk in bytes.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        chunk.copy_from_slice(&state.to_le_bytes()[..chunk.len()]);
    }
    bytes
}
