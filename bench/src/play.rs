//! The other process at work.

use std::net::UdpSocket;

use crate::bare::{Bare, Tuning};
use crate::child::Parent;
use crate::pair::HERE;
use crate::role::{Answerer, Role};
use crate::share::contenders::{bare, tracker};
use crate::share::{idle, line};
use crate::{forward, introducer, person, tls};

/// Plays `role` until the parent is gone.
pub(crate) async fn play(role: Role) -> anyhow::Result<()> {
    let mut parent = Parent::new();
    match role {
        Role::Answerer => {
            let node = person::local_node(HERE)
                .keep_sessions(false)
                .spawn()
                .await?;
            person::answer(&node)?;
            let offered = forward::offer(&node).await?;
            let tuned = Bare::bind(Tuning::Kith, HERE).await?;
            let stock = Bare::bind(Tuning::Iroh, HERE).await?;
            tuned.answer();
            stock.answer();
            let answerer = Answerer {
                invite: person::invite(&node).await?.to_string(),
                tuned: tuned.place()?,
                stock: stock.place()?,
                tls: tls::answer(HERE).await?,
            };
            parent.tell(&answerer).await?;
            parent.hear::<()>().await?;
            drop(offered);
            node.shutdown().await;
            tuned.close().await;
            stock.close().await;
            Ok(())
        }
        Role::Introducer { address } => introducer::serve(parent, (address, 0).into()).await,
        Role::Peers { introducer } => introducer::register(parent, &introducer).await,
        Role::Friends {
            address,
            introducer,
            count,
        } => idle::befriend(parent, address, &introducer, count).await,
        Role::Source { address } => bare::source(parent, (address, 0).into()).await,
        Role::Drain { address } => bare::drain(parent, (address, 0).into()).await,
        Role::FloodSource { address } => {
            line::flood_source(parent, UdpSocket::bind((address, 0))?).await
        }
        Role::FloodSink { address } => {
            line::flood_sink(parent, UdpSocket::bind((address, 0))?).await
        }
        Role::Tracker { address } => {
            tokio::task::spawn_blocking(move || tracker::track(address)).await?
        }
    }
}
