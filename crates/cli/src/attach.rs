//! Where a node of the data directory runs, a command talks to it; otherwise it runs its own for as long as it needs one,
//! and talks to that over the same socket. So there is one way from a command to a node.
//!
//! A command's node serves other commands too where it does for them, and stays until they are done. Where it does not (one that looks at
//! shares has nothing on the local network, say), they wait until it is gone.

use std::time::Duration;

use kith::home::{Home, HomeError};
use kith::peer::PlaceError;
use kith::{Node, NodeBuilder, SpawnError};
use tokio::time::Instant;

use crate::api::Server;
use crate::api::guests::{GuestAnswer, GuestRequest};
use crate::client::{Client, Lines};
use crate::failure::Failure;
use crate::start::{self, Purpose};

/// How long to wait for another process that holds the directory and does not answer: it is starting, or stopping.
const OTHER_ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// How long to wait for a command whose node does not do for this one: what a person bears without a word. Most take a second.
const OTHER_ENDS_WITHIN: Duration = Duration::from_secs(30);

/// How long a node of the command's own looks for replies to invites that are open: an introducer that is there answers within
/// a second.
const REPLIES_WITHIN: Duration = Duration::from_secs(3);

/// How often to look whether it does.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// A command's hold on a node.
#[derive(Debug)]
pub(crate) struct Attached {
    client: Client,
    held: Held,
    /// Whether an identity was made for it.
    is_new: bool,
}

/// A node that was started.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) node: Node,
    /// Whether its data directory was nobody's before.
    pub(crate) is_new: bool,
}

#[derive(Debug)]
enum Held {
    /// The node is this command's own.
    Own(Server),
    /// It is another process's, and stays while this call lasts.
    Others(#[expect(dead_code, reason = "held for its drop")] Lines),
}

/// What answers on the socket of a data directory.
enum Other {
    /// A node that does.
    Joined(Lines),
    /// A node that does not do.
    Unfit,
    /// Nothing.
    Nobody,
}

impl Attached {
    /// Finds the node of `home`, or runs one for `purpose`.
    ///
    /// # Errors
    /// When the directory cannot be used, or another process holds it and does not answer, or not do for this.
    pub(crate) async fn to(home: &Home, purpose: Purpose) -> Result<Self, Failure> {
        let begun = Instant::now();
        let mut answered = begun;
        let client = Client::new(home.socket());
        loop {
            match other(&client, purpose).await {
                Other::Joined(lines) => {
                    return Ok(Self {
                        client,
                        held: Held::Others(lines),
                        is_new: false,
                    });
                }
                Other::Unfit if begun.elapsed() < OTHER_ENDS_WITHIN => answered = Instant::now(),
                Other::Unfit => {
                    return Err(Failure::failed(format!(
                        "another kith command works in {}, and its node does not do for this; try again when it is done, or leave \
                         'kith up' running, which does for all",
                        home.directory().display()
                    )));
                }
                Other::Nobody => {
                    let config = start::config(home)?;
                    match begin(home, start::builder(home, &config, purpose)).await {
                        Ok(begun) => return Self::run(client, begun, purpose).await,
                        Err(error)
                            if is_in_use(&error) && answered.elapsed() < OTHER_ANSWERS_WITHIN => {}
                        Err(error) => return Err(Failure::failed(error)),
                    }
                }
            }
            tokio::time::sleep(LOOK_AGAIN_AFTER).await;
        }
    }

    async fn run(client: Client, begun: Begun, purpose: Purpose) -> Result<Self, Failure> {
        let Begun { node, is_new } = begun;
        if matches!(purpose, Purpose::Book | Purpose::Reach | Purpose::Serve) {
            let book = node.address_book();
            // Without them the command goes on: an introducer may be away.
            let _ = tokio::time::timeout(REPLIES_WITHIN, book.take_replies()).await;
        }
        Ok(Self {
            client,
            held: Held::Own(Server::start(node, purpose, None).await?),
            is_new,
        })
    }

    /// Whether an identity was made for this command's node: who has one has named another directory.
    pub(crate) fn is_new(&self) -> bool {
        self.is_new
    }

    /// The way to the node.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Waits until no other command needs a node of one's own.
    pub(crate) async fn wait_for_guests(&self) {
        if let Held::Own(own) = &self.held {
            own.wait_for_guests().await;
        }
    }

    /// Lets go; a node of one's own says goodbye to everybody.
    pub(crate) async fn release(self) {
        if let Held::Own(own) = self.held {
            own.stop().await;
        }
    }
}

/// What is said where an identity was made in `home`.
pub(crate) fn told_of_new(home: &Home) -> String {
    format!(
        "kith: a new identity was made in {}; if yours is elsewhere, name its directory with --data DIR",
        home.directory().display()
    )
}

/// Starts a node in `home` once it is free: another process may be about to let go of it.
///
/// # Errors
/// As [`NodeBuilder::spawn`].
pub(crate) async fn spawn(
    home: &Home,
    build: impl Fn() -> NodeBuilder,
) -> Result<Begun, SpawnError> {
    let started = Instant::now();
    loop {
        match begin(home, build()).await {
            Err(error) if is_in_use(&error) && started.elapsed() < OTHER_ANSWERS_WITHIN => {
                tokio::time::sleep(LOOK_AGAIN_AFTER).await;
            }
            spawned => return spawned,
        }
    }
}

/// Starts a node in `home`, and looks whether it is the first there.
async fn begin(home: &Home, builder: NodeBuilder) -> Result<Begun, SpawnError> {
    let is_new = !home.identity_key().exists();
    let node = builder.spawn().await?;
    Ok(Begun { node, is_new })
}

fn is_in_use(error: &SpawnError) -> bool {
    matches!(
        error,
        SpawnError::Place(PlaceError::Home(HomeError::InUse { .. }))
    )
}

/// Asks whoever listens there.
async fn other(client: &Client, purpose: Purpose) -> Other {
    let request = GuestRequest { purpose };
    let Ok(mut lines) = client.lines("/guests", &request).await else {
        return Other::Nobody;
    };
    match lines.next::<GuestAnswer>().await {
        Ok(Some(GuestAnswer { joined: true })) => Other::Joined(lines),
        Ok(Some(GuestAnswer { joined: false })) => Other::Unfit,
        // It ended at that moment.
        Ok(None) | Err(_) => Other::Nobody,
    }
}
