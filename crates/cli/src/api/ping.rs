//! Pings.

use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval};
use utoipa::ToSchema;

use super::answer::{Asked, lines};
use super::contacts::{Path, milliseconds, path_of};
use super::door::Door;
use super::named::Named;
use crate::failure::Failure;

/// The shortest time between two pings, in milliseconds: below it, a ping is a load test.
const INTERVAL_MS_MIN: u64 = 1;

/// Whom to ping.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct PingRequest {
    /// Petname or PeerId.
    pub(crate) peer: String,
    /// How many times.
    pub(crate) count: u32,
    /// Time between two pings, in milliseconds.
    pub(crate) interval_ms: u64,
}

/// One answer.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Pong {
    /// Which ping, counted from 1.
    pub(crate) seq: u64,
    /// From asking to answer, in milliseconds. The first includes whatever it took to reach them.
    pub(crate) rtt_ms: f64,
    /// Over which path.
    pub(crate) path: Path,
}

/// Pings a peer; a line for each answer.
#[utoipa::path(post, path = "/api/v1/ping", request_body = PingRequest,
    responses((status = 200, body = Pong, content_type = "application/x-ndjson")))]
pub(super) async fn ping(
    State(door): State<Door>,
    Asked(asked): Asked<PingRequest>,
) -> Result<Response, Failure> {
    let named = Named::find(&door, &asked.peer).await?;
    let mut pinger = door.node().pinger(named.peer);
    Ok(lines(async move |out| {
        let mut ticks = interval(Duration::from_millis(
            asked.interval_ms.max(INTERVAL_MS_MIN),
        ));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for _ in 0..asked.count {
            ticks.tick().await;
            let pong = pinger.ping().await.map_err(|error| named.failure(error))?;
            let (path, _) = path_of(pong.path);
            out.send(&Pong {
                seq: pong.sequence,
                rtt_ms: milliseconds(pong.round_trip),
                path,
            })
            .await;
        }
        Ok(())
    }))
}
