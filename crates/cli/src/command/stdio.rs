//! A stream to a peer on stdin and stdout: `pipe`, `listen`.

use std::io;
use std::pin::pin;

use tokio::io::{AsyncWriteExt as _, copy};

use super::on::On;
use crate::api::listeners::{ListenEvent, ListenRequest};
use crate::api::raw::PipeRequest;
use crate::api::streams::Ended;
use crate::client::{Client, Raw};
use crate::failure::Failure;
use crate::output::unwritten;
use crate::start::Purpose;

/// Joins stdin and stdout to a stream that it opens.
pub(super) async fn pipe(on: &On, peer: String, protocol: String) -> Result<(), Failure> {
    let request = PipeRequest {
        peer,
        protocols: vec![protocol],
    };
    on.node(Purpose::Reach, async |node| {
        let raw = node.client().upgrade("/pipe", &request).await?;
        join(node.client(), raw).await
    })
    .await
}

/// Joins stdin and stdout to the first stream that somebody opens.
pub(super) async fn listen(on: &On, protocol: String, from: Vec<String>) -> Result<(), Failure> {
    let request = ListenRequest { protocol, from };
    on.until_stopped(Purpose::Serve, async |node| {
        let mut lines = node.client().lines("/listeners", &request).await?;
        while let Some(event) = lines.next::<ListenEvent>().await? {
            match event {
                ListenEvent::Ready => {
                    on.output
                        .talk(format_args!("listening for {}", request.protocol));
                }
                ListenEvent::Stream { number, name, .. } => {
                    on.output.talk(format_args!("{name} opened a stream"));
                    let raw = node
                        .client()
                        .upgrade(&format!("/streams/{number}"), &())
                        .await?;
                    // Others are refused from now on.
                    drop(lines);
                    return join(node.client(), raw).await;
                }
            }
        }
        Err(Failure::failed("the node stopped"))
    })
    .await
}

/// Carries bytes until the stream is over. Stdin may be open longer than that, and nobody waits for it.
async fn join(client: &Client, raw: Raw) -> Result<(), Failure> {
    let ended = format!("/streams/{}", raw.stream);
    let (mut reader, mut writer) = tokio::io::split(raw.bytes);
    let sending = async {
        let copied = copy(&mut tokio::io::stdin(), &mut writer).await;
        copied.map(drop).or_else(far_end)?;
        // It fails for a stream that is over; how it ended is about to be told.
        let _ = client.finish(raw.stream).await;
        writer.shutdown().await.or_else(far_end)
    };
    let receiving = async {
        let mut stdout = tokio::io::stdout();
        copy(&mut reader, &mut stdout).await?;
        stdout.flush().await
    };
    let (mut sending, mut receiving) = (pin!(sending), pin!(receiving));
    let (mut sent, mut received) = (false, false);
    let mut ended = pin!(client.get::<Ended>(&ended));
    loop {
        tokio::select! {
            result = &mut receiving, if !received => {
                result.map_err(unwritten)?;
                received = true;
            }
            result = &mut sending, if !sent => {
                result?;
                sent = true;
            }
            ended = &mut ended => {
                ended?;
                break;
            }
        }
    }
    if !received {
        receiving.await.map_err(unwritten)?;
    }
    Ok(())
}

/// Passes over an error that only says that the stream is over; how it ended is about to be told.
fn far_end(error: io::Error) -> Result<(), io::Error> {
    match error.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => Ok(()),
        _ => Err(error),
    }
}
