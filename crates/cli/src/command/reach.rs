//! The way to a peer: `ping`, `trace`.

use std::time::Duration;

use super::on::On;
use crate::api::ping::{PingRequest, Pong};
use crate::api::trace::{Step, TraceRequest, TraceStep};
use crate::failure::Failure;
use crate::start::Purpose;

/// Pings a peer.
pub(super) async fn ping(
    on: &On,
    peer: String,
    count: u32,
    interval: Duration,
) -> Result<(), Failure> {
    let interval_ms = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
    let request = PingRequest {
        peer,
        count,
        interval_ms,
    };
    on.node(Purpose::Reach, async |node| {
        let mut lines = node.client().lines("/ping", &request).await?;
        while let Some(pong) = lines.next::<Pong>().await? {
            let path = pong.path.name();
            on.output.line(&pong, || {
                format!("{}: {:.3} ms, {path}", pong.seq, pong.rtt_ms)
            })?;
        }
        Ok(())
    })
    .await
}

/// Shows how a peer is reached.
pub(super) async fn trace(on: &On, peer: String) -> Result<(), Failure> {
    let request = TraceRequest { peer };
    on.node(Purpose::Reach, async |node| {
        let mut lines = node.client().lines("/trace", &request).await?;
        while let Some(step) = lines.next::<TraceStep>().await? {
            on.output.line(&step, || {
                format!("{:9.3} ms  {}", step.ms, describe(&step.what))
            })?;
        }
        Ok(())
    })
    .await
}

fn describe(step: &Step) -> String {
    match step {
        Step::Contact {
            name,
            peer_id,
            mutual: true,
        } => format!("{name} is {peer_id}"),
        Step::Contact {
            name,
            peer_id,
            mutual: false,
        } => {
            format!("{name} is {peer_id}; they may not know of you yet")
        }
        Step::Found { source } => format!("a place is known, by {source}"),
        Step::Session { standing: true } => "a session stood already".to_owned(),
        Step::Session { standing: false } => "they answered, and are who they should be".to_owned(),
        Step::Pong { rtt_ms, path } => {
            format!("a ping came back in {rtt_ms:.3} ms, {}", path.name())
        }
    }
}
