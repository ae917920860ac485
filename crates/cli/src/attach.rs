//! Where a node of the data directory runs, a command talks to it; otherwise it runs its own for as long as it needs one,
//! and talks to that over the same socket. So there is one way from a command to a node.

use std::time::Duration;

use kith::SpawnError;
use kith::home::{Home, HomeError};
use kith::peer::PlaceError;
use tokio::time::Instant;

use crate::api::Server;
use crate::client::Client;
use crate::failure::Failure;
use crate::socket;
use crate::start::{self, Purpose};

/// How long to wait for another process that holds the directory and does not answer: it is starting, or stopping.
const OTHER_ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// How long a node of the command's own looks for replies to invites that are open: an introducer that is there answers within
/// a second.
const REPLIES_WITHIN: Duration = Duration::from_secs(3);

/// How often to look whether it does.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// A command's hold on a node.
#[derive(Debug)]
pub(crate) struct Attached {
    client: Client,
    own: Option<Server>,
}

impl Attached {
    /// Finds the node of `home`, or runs one for `purpose`.
    ///
    /// # Errors
    /// When the directory cannot be used, or another process holds it and does not answer.
    pub(crate) async fn to(home: &Home, purpose: Purpose) -> Result<Self, Failure> {
        let deadline = Instant::now() + OTHER_ANSWERS_WITHIN;
        let client = Client::new(home.socket());
        loop {
            if socket::connect(&home.socket()).await.is_ok() {
                return Ok(Self { client, own: None });
            }
            let config = start::config(home)?;
            match start::builder(home, &config, purpose).spawn().await {
                Ok(node) => {
                    if matches!(purpose, Purpose::Book | Purpose::Reach | Purpose::Serve) {
                        let book = node.address_book();
                        // Without them the command goes on: an introducer may be away.
                        let _ = tokio::time::timeout(REPLIES_WITHIN, book.take_replies()).await;
                    }
                    let own = Some(Server::start(node, purpose, None).await?);
                    return Ok(Self { client, own });
                }
                Err(SpawnError::Place(PlaceError::Home(HomeError::InUse { .. })))
                    if Instant::now() < deadline =>
                {
                    tokio::time::sleep(LOOK_AGAIN_AFTER).await;
                }
                Err(error) => return Err(Failure::failed(error)),
            }
        }
    }

    /// The way to the node.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Lets go; a node of one's own says goodbye to everybody.
    pub(crate) async fn release(self) {
        if let Some(own) = self.own {
            own.stop().await;
        }
    }
}
