//! Two people type to each other, from two terminals or two continents.
//!
//! ```text
//! cargo run -p kith-node --example chat                  # prints an invite
//! cargo run -p kith-node --example chat -- INVITE        # on the other machine
//! ```
//!
//! The invite is good for one person and carries this node's addresses, so on one machine or one local network nothing else
//! is needed; with `Node::builder().introducers(…)` it reaches through routers too.

use std::error::Error;
use std::time::Duration;

use kith::core::protocol::ProtocolName;
use kith::core::routing::Access;
use kith::{Node, Stream};
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader};

/// How long the invite is good.
const INVITE_LIFE: Duration = Duration::from_secs(3600);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let node = Node::builder().spawn().await?;
    let stream = match std::env::args().nth(1) {
        Some(invite) => join(&node, &invite).await?,
        None => {
            let invite = node.address_book().invite_one(INVITE_LIFE).await?;
            let mut out = tokio::io::stdout();
            let text = format!("Whoever you chat with runs:\n  chat {invite}\n");
            out.write_all(text.as_bytes()).await?;
            wait(&node).await?
        }
    };
    let keyboard = BufReader::new(tokio::io::stdin());
    talk(stream, keyboard, tokio::io::stdout()).await?;
    node.shutdown().await;
    Ok(())
}

/// The protocol: lines of UTF-8, both ways.
fn protocol() -> ProtocolName {
    "/example/chat/1".parse().expect("a valid name")
}

/// Becomes the contact of who made the invite, and calls them.
pub(crate) async fn join(node: &Node, invite: &str) -> Result<Stream, Box<dyn Error>> {
    let contact = node.address_book().add(invite.parse()?, None).await?;
    Ok(node.open(contact.peer, &[protocol()]).await?)
}

/// Waits for a contact who calls.
pub(crate) async fn wait(node: &Node) -> Result<Stream, Box<dyn Error>> {
    let mut calls = node.accept(protocol(), Access::Contacts)?;
    Ok(calls.next().await.ok_or("the node has stopped")?)
}

/// Sends each line of `keyboard` and shows each line that comes, until both sides have ended.
pub(crate) async fn talk(
    stream: Stream,
    keyboard: impl AsyncBufRead + Unpin,
    mut screen: impl AsyncWrite + Unpin,
) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let speak = async {
        let mut lines = keyboard.lines();
        while let Some(line) = lines.next_line().await? {
            writer.write_all(format!("{line}\n").as_bytes()).await?;
        }
        writer.shutdown().await
    };
    let listen = async {
        let mut lines = BufReader::new(reader).lines();
        while let Some(line) = lines.next_line().await? {
            screen.write_all(format!("> {line}\n").as_bytes()).await?;
            screen.flush().await?;
        }
        Ok(())
    };
    tokio::try_join!(speak, listen).map(drop)
}
