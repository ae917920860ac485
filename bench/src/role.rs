//! What the other process does.

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use crate::bare::{Bare, Place, Tuning};
use crate::child::Parent;
use crate::pair::HERE;
use crate::{forward, idle, introducer, person};

/// What the other process does.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Role {
    /// Answers on a kith node and on bare endpoints.
    Answerer,
    /// An introducer, bounded for many clients of one address.
    Introducer,
    /// Peers registered at an introducer, many in one process.
    Peers {
        /// The introducer's line.
        introducer: String,
    },
    /// The contacts of an idle node.
    Friends {
        /// Their introducer's line.
        introducer: String,
        /// How many.
        count: usize,
    },
    /// An idle node.
    Idler {
        /// Its introducer's line.
        introducer: String,
    },
}

/// Where an answerer is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Answerer {
    /// An invite of the kith node.
    pub(crate) invite: String,
    /// A bare endpoint with kith's numbers.
    pub(crate) tuned: Place,
    /// One with iroh's own.
    pub(crate) stock: Place,
}

impl Role {
    /// Does it until the parent is gone.
    pub(crate) async fn play(self) -> anyhow::Result<()> {
        let mut parent = Parent::new();
        match self {
            Self::Answerer => {
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
                };
                parent.tell(&answerer).await?;
                parent.hear::<()>().await?;
                drop(offered);
                node.shutdown().await;
                tuned.close().await;
                stock.close().await;
                Ok(())
            }
            Self::Introducer => introducer::serve(parent).await,
            Self::Peers { introducer } => introducer::register(parent, &introducer).await,
            Self::Friends { introducer, count } => idle::befriend(parent, &introducer, count).await,
            Self::Idler { introducer } => idle::idle(parent, &introducer).await,
        }
    }
}
