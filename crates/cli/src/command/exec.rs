//! `listen --exec`: each stream has a program of its own. It runs in this process and never behind the API, so that
//! nothing that can speak HTTP can run a program.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use tokio::io::{AsyncWriteExt as _, copy};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::on::On;
use crate::api::listeners::{ListenEvent, ListenRequest};
use crate::api::streams::Ended;
use crate::client::Client;
use crate::failure::Failure;
use crate::start::Purpose;

/// Programs that run at once: what a small machine bears. Further streams wait.
const PROGRAMS_MAX: usize = 64;

/// What a shell ends with where it finds no such command (POSIX.1-2024, 2.8.2).
const NOT_FOUND: i32 = 127;

/// And where it finds one that cannot be run.
const NOT_RUNNABLE: i32 = 126;

/// Runs `program` for each stream, until it is told to stop.
pub(super) async fn listen(
    on: &On,
    protocol: String,
    from: Vec<String>,
    program: String,
) -> Result<(), Failure> {
    let request = ListenRequest { protocol, from };
    on.until_stopped(Purpose::Serve, async |node| {
        serve(on, node.client(), &request, &program).await
    })
    .await
}

async fn serve(
    on: &On,
    client: &Client,
    request: &ListenRequest,
    program: &str,
) -> Result<(), Failure> {
    let room = Arc::new(Semaphore::new(PROGRAMS_MAX));
    // Dropped with this command, and the programs with them.
    let mut running = JoinSet::new();
    let mut lines = client.lines("/listeners", request).await?;
    while let Some(event) = lines.next::<ListenEvent>().await? {
        while running.try_join_next().is_some() {}
        match &event {
            told if on.output.is_json() => on.output.line(told, String::new)?,
            ListenEvent::Ready => {
                on.output
                    .talk(format_args!("listening for {}", request.protocol));
            }
            ListenEvent::Stream { .. } => {}
        }
        let ListenEvent::Stream {
            number,
            name,
            peer_id,
        } = event
        else {
            continue;
        };
        let place = room.clone().acquire_owned().await.expect("never closed");
        let mut command = Command::new("sh");
        command
            .args(["-c", program])
            .env("KITH_PEER_ID", peer_id)
            .env("KITH_NAME", &name)
            .env("KITH_PROTOCOL", &request.protocol)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let (client, output) = (client.clone(), on.output);
        running.spawn(async move {
            if let Err(failure) = run(&client, number, command).await {
                let message = format!("the stream of {name}: {failure}");
                output.fail(&Failure::new(failure.kind, message));
            }
            drop(place);
        });
    }
    Err(Failure::failed("the node stopped"))
}

/// Joins a stream to a program, until the program is over.
async fn run(client: &Client, number: u64, mut command: Command) -> Result<(), Failure> {
    let raw = client.upgrade(&format!("/streams/{number}"), &()).await?;
    let mut child = command.spawn()?;
    let (mut input, mut output) = (
        child.stdin.take().expect("piped above"),
        child.stdout.take().expect("piped above"),
    );
    let (mut reader, mut writer) = tokio::io::split(raw.bytes);
    let feeding = tokio::spawn(async move {
        // A program need not read all there is.
        let _ = copy(&mut reader, &mut input).await;
    });
    let carried = async {
        copy(&mut output, &mut writer).await?;
        child.wait().await
    };
    let carried: std::io::Result<ExitStatus> = carried.await;
    feeding.abort();
    let status = carried?;
    if status.success() {
        client.finish(raw.stream).await?;
        writer.shutdown().await?;
        let stream = format!("/streams/{}", raw.stream);
        client.get::<Ended>(&stream).await?;
        return Ok(());
    }
    // A program that failed, or was killed, has not said all it had to say, and the peer shall know: nothing is announced.
    Err(Failure::failed(broken_off(status)))
}

/// How a program ended that did not end well.
fn broken_off(status: ExitStatus) -> String {
    let why = match status.code() {
        Some(NOT_FOUND) => ": there is no such program",
        Some(NOT_RUNNABLE) => ": it cannot be run",
        _ => "",
    };
    format!("the program failed ({status}{why})")
}
