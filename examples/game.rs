//! A game at 60 ticks a second over unreliable datagrams.
//!
//! ```text
//! cargo run -p kith-node --example game
//! ```
//!
//! What is lost is not sent again: the next tick says it better. So each datagram carries a whole state and the number of
//! its tick, and whatever is older than what was seen is passed over. The stream beside the datagrams is the session: it
//! ends when a player leaves.

use std::time::Duration;

use kith::core::ids::PeerId;
use kith::core::protocol::ProtocolName;
use kith::core::routing::Access;
use kith::testing::Testnet;
use kith::{Node, Stream};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The time of one tick.
const TICK: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// What a player sends at each tick: which way it steers.
struct Input {
    tick: u32,
    steer: i32,
}

/// What the host sends at each tick: where the player is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct World {
    /// The host's tick.
    pub(crate) tick: u32,
    /// Steps to the right of the middle.
    pub(crate) position: i32,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let worlds = run(180).await?;
    #[expect(clippy::print_stdout, reason = "this is what the example shows")]
    {
        println!(
            "saw {} states in 3 s; the last: {:?}",
            worlds.len(),
            worlds.last()
        );
    }
    Ok(())
}

/// Plays so many ticks between two peers of this machine; what the player saw.
pub(crate) async fn run(ticks: u32) -> Result<Vec<World>, Box<dyn std::error::Error>> {
    let testnet = Testnet::start(0, 2).await?;
    testnet.befriend(0, 1).await?;
    let (host, player) = (testnet.node(0), testnet.node(1));
    let game: ProtocolName = "/example/game/1".parse()?;
    let mut players = host.accept(game.clone(), Access::Contacts)?;
    let hosting = tokio::spawn(async move {
        while let Some(player) = players.next().await {
            tokio::spawn(serve(player));
        }
    });
    let seen = play(player, host.peer_id(), game, ticks).await?;
    hosting.abort();
    testnet.shutdown().await;
    Ok(seen)
}

/// The host: takes inputs as they come, and says at each tick how things stand.
async fn serve(mut stream: Stream) {
    let datagrams = stream.datagrams();
    let mut clock = tokio::time::interval(TICK);
    let (mut world, mut latest) = (World::default(), 0);
    let mut left = [0; 1];
    loop {
        tokio::select! {
            _ = clock.tick() => {
                world.tick += 1;
                // One that is not sent is lost like any other.
                let _ = datagrams.send(&pack(world.tick, world.position));
            }
            Some(datagram) = datagrams.receive() => {
                if let Some((tick, steer)) = unpack(&datagram) && tick > latest {
                    latest = tick;
                    world.position += steer.signum();
                }
            }
            _ = stream.read(&mut left) => return,
        }
    }
}

/// A player who goes right all the time.
async fn play(
    node: &Node,
    host: PeerId,
    game: ProtocolName,
    ticks: u32,
) -> Result<Vec<World>, Box<dyn std::error::Error>> {
    let mut stream = node.open(host, &[game]).await?;
    stream.agreed().await?; // Not needed to play: an error here says that they do not.
    let datagrams = stream.datagrams();
    let mut clock = tokio::time::interval(TICK);
    let mut seen: Vec<World> = Vec::new();
    let mut input = Input { tick: 0, steer: 1 };
    while input.tick < ticks {
        tokio::select! {
            _ = clock.tick() => {
                input.tick += 1;
                let _ = datagrams.send(&pack(input.tick, input.steer));
            }
            datagram = datagrams.receive() => {
                let datagram = datagram.ok_or("the host is gone")?;
                let world = unpack(&datagram).map(|(tick, position)| World { tick, position });
                if let Some(world) = world && seen.last().is_none_or(|last| last.tick < world.tick) {
                    seen.push(world);
                }
            }
        }
    }
    stream.shutdown().await?;
    Ok(seen)
}

/// Both kinds of datagram: a tick and a number.
fn pack(tick: u32, number: i32) -> [u8; 8] {
    let mut datagram = [0; 8];
    datagram[..4].copy_from_slice(&tick.to_be_bytes());
    datagram[4..].copy_from_slice(&number.to_be_bytes());
    datagram
}

fn unpack(datagram: &[u8]) -> Option<(u32, i32)> {
    let (tick, number) = datagram.split_first_chunk::<4>()?;
    let number = number.try_into().ok()?;
    Some((u32::from_be_bytes(*tick), i32::from_be_bytes(number)))
}
