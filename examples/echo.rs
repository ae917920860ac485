//! The smallest kith program: one peer answers in a protocol of its own, another asks.
//!
//! ```text
//! cargo run -p kith-node --example echo
//! ```
//!
//! A protocol is a name that both sides know. Alice accepts it from her contacts; Bob opens a stream to Alice, wherever she
//! is, and from there on it reads and writes like any other stream.

use kith::Acceptor;
use kith::core::protocol::ProtocolName;
use kith::core::routing::Access;
use kith::testing::Testnet;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let answer = run("hello, Alice").await?;
    #[expect(clippy::print_stdout, reason = "this is what the example shows")]
    {
        println!("Alice echoes: {answer}");
    }
    Ok(())
}

/// Starts two peers who know each other, and lets one ask the other.
pub(crate) async fn run(question: &str) -> Result<String, Box<dyn std::error::Error>> {
    // Two nodes on this machine. Elsewhere: `Node::builder().spawn()`, and an invite that makes them contacts.
    let testnet = Testnet::start(0, 2).await?;
    testnet.befriend(0, 1).await?;
    let (alice, bob) = (testnet.node(0), testnet.node(1));

    let echo: ProtocolName = "/example/echo/1".parse()?;
    let acceptor = alice.accept(echo.clone(), Access::Contacts)?;
    let answering = tokio::spawn(answer(acceptor));

    let mut stream = bob.open(alice.peer_id(), &[echo]).await?;
    stream.write_all(question.as_bytes()).await?;
    stream.shutdown().await?; // Half-close: nothing more to say, and still listening.
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;

    answering.abort();
    testnet.shutdown().await;
    Ok(answer)
}

/// Sends back whatever arrives on each stream.
async fn answer(mut streams: Acceptor) {
    while let Some(stream) = streams.next().await {
        tokio::spawn(async move {
            let (mut reader, mut writer) = tokio::io::split(stream);
            if tokio::io::copy(&mut reader, &mut writer).await.is_ok() {
                // Who asked may be gone; then nobody misses the end.
                let _ = writer.shutdown().await;
            }
        });
    }
}
