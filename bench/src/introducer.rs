//! What registered peers cost an introducer, by memory and processor time of its process.
//!
//! A registered peer is what an ordinary node with 20 contacts is to it, 15 of whom are away: two places at the relay (its
//! public and its contact face), 20 records left and refreshed every 30 minutes, and a
//! look-up for each of the 15 every ten minutes, each by a visit with a key of its own. The peers' process speaks with real TLS and QUIC connections, each
//! peer under keys of its own; all come from one address, so the bounds per address and on all records are lifted.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clap::Args;
use futures_util::{SinkExt as _, StreamExt as _, stream};
use iroh::SecretKey as EngineKey;
use iroh_base::RelayUrl;
use iroh_relay::client::{Client, ClientBuilder};
use iroh_relay::protos::relay::{ClientToRelayMsg, RelayToClientMsg};
use kith::clock;
use kith::core::crypto::{Ed25519, SecretKey};
use kith::core::discovery::quota::Rate;
use kith::core::discovery::record::PAYLOAD_BYTES_MAX;
use kith::core::discovery::schedule::{LOOKUP_AFTER_MAX, RECORD_LIFE, REFRESH_MAX};
use kith::core::discovery::{Answer, Record, RegistryConfig, Request, Slot, Terms};
use kith::core::introducer::Introducer;
use kith::core::peer::Visit;
use kith::discovery::{Pay as _, Visits};
use kith::entropy;
use kith::introducer::IntroducerNode;
use kith::relay::Limits;
use kith::routing::relay_name::{relay_resolver, relay_tls_config};
use tokio::sync::Semaphore;

use crate::child::{Parent, Process};
use crate::pair::HERE;
use crate::report::{Row, Target};
use crate::usage::Usage;

/// The records of one peer: one for each contact.
const RECORDS: u32 = 20;

/// The contacts of one peer who are away, and looked up for it once a [`LOOKUP_PERIOD`].
const AWAY: u32 = 15;

/// How often each contact who is away is looked up.
const LOOKUP_PERIOD: Duration = LOOKUP_AFTER_MAX;

/// How often each record is refreshed, at the latest.
const REFRESH_PERIOD: Duration = REFRESH_MAX;

/// The size of a sealed address record: all have the largest there is.
const PAYLOAD_BYTES: usize = PAYLOAD_BYTES_MAX;

/// Peers that register at once.
const AT_ONCE: usize = 16;

/// The most records kept. One prefix may fill a ninth of it, and here all come from one.
const RECORDS_MAX: u32 = 1_000_000;

/// What 2,000 peers may use of a core, in percent.
const CORE_PERCENT_MAX: f64 = 100.0;

const KIB: f64 = 1024.0;

#[derive(Clone, Debug, Args)]
#[group(skip)]
pub(crate) struct Options {
    /// How many peers register.
    #[arg(long, default_value_t = 2000)]
    peers: usize,
    /// How many seconds the introducer is watched once they have.
    #[arg(long, default_value_t = 60)]
    watched: u64,
}

pub(crate) async fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    let mut introducer = Process::start(&["introducer", &HERE.ip().to_string()])?;
    let line: String = introducer.hear().await?;
    let mut peers = Process::start(&["peers", &line])?;
    let pid = introducer.pid()?;
    let alone = Usage::of(pid)?;
    let begun = Instant::now();
    peers.ask::<()>(&options.peers).await?;
    let took = begun.elapsed();
    let with_places = Usage::of(pid)?;
    peers.ask::<()>(&()).await?;
    let before = Usage::of(pid)?;
    let watched = Duration::from_secs(options.watched);
    tokio::time::sleep(watched).await;
    let after = Usage::of(pid)?;
    peers.ask::<()>(&()).await?;
    let share = (after.processor - before.processor).as_secs_f64() / watched.as_secs_f64();
    let each = |bytes: u64| bytes as f64 / options.peers as f64 / KIB;
    let row = |what: String, kith, unit, target| Row {
        bench: "introducer",
        what,
        kith,
        compared: None,
        unit,
        target,
    };
    let (peers, seconds) = (options.peers, took.as_secs_f64());
    Ok(vec![
        row(
            format!("memory per peer, {peers} peers ({RECORDS} records each)"),
            each(after.resident.saturating_sub(alone.resident)),
            "KiB",
            None,
        ),
        row(
            "of it two places at the relay".into(),
            each(with_places.resident.saturating_sub(alone.resident)),
            "KiB",
            None,
        ),
        row(
            "memory in all".into(),
            after.resident as f64 / KIB / KIB,
            "MiB",
            None,
        ),
        row(
            format!("processor, {peers} peers"),
            share * 100.0,
            "% of a core",
            Some(Target::AtMost(CORE_PERCENT_MAX)),
        ),
        row(
            "places taken a second".into(),
            2.0 * peers as f64 / seconds,
            "1/s",
            None,
        ),
    ])
}

/// The introducer's process.
pub(crate) async fn serve(mut parent: Parent, address: SocketAddr) -> anyhow::Result<()> {
    let many = 1_000_000;
    let defaults = RegistryConfig::default();
    let registry = RegistryConfig {
        records_max: RECORDS_MAX,
        records_per_prefix_max: RECORDS_MAX,
        prefix_rate: Rate {
            interval: Duration::from_micros(10),
            burst: many,
        },
        ..defaults
    };
    let unbounded = usize::try_from(many)?;
    let limits = Limits {
        connections_per_address: unbounded,
        half_open_per_address: unbounded,
        ..Limits::default()
    };
    let introducer = IntroducerNode::builder()
        .listen(address)
        .limits(limits)
        .registry(registry)
        .spawn()
        .await?;
    parent.tell(&introducer.introducer().to_string()).await?;
    parent.hear::<()>().await?;
    introducer.shutdown().await;
    Ok(())
}

/// The peers' process: first all take their places at the relay, then all leave their records and go on as idle nodes do.
pub(crate) async fn register(mut parent: Parent, introducer: &str) -> anyhow::Result<()> {
    let introducer: Introducer = introducer.parse()?;
    let count: usize = parent.hear().await?.context("how many")?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = relay_tls_config(&[]).client_config(provider)?;
    let places = stream::iter(0..2 * count).map(|_| take_place(&introducer, &tls));
    let mut places = places.buffer_unordered(AT_ONCE);
    while let Some(place) = places.next().await {
        tokio::spawn(keep_place(place?));
    }
    parent.tell(&()).await?;
    parent.hear::<()>().await?.context("go on")?;
    let registered = stream::iter(0..count).map(|_| Registered::new(&introducer));
    let mut registered = registered.buffer_unordered(AT_ONCE);
    let mut living = tokio::task::JoinSet::new();
    while let Some(peer) = registered.next().await {
        living.spawn(peer?.live());
    }
    parent.tell(&()).await?;
    parent.hear::<()>().await?.context("go on")?;
    if let Some(ended) = living.try_join_next() {
        ended??;
    }
    ensure!(living.len() == count, "some peers were lost");
    parent.tell(&()).await
}

/// Connects to the relay under a key of its own.
async fn take_place(introducer: &Introducer, tls: &rustls::ClientConfig) -> anyhow::Result<Client> {
    let url: RelayUrl = introducer.relay_url().parse()?;
    let builder = ClientBuilder::new(url, EngineKey::generate(), relay_resolver());
    Ok(builder.tls_client_config(tls.clone()).connect().await?)
}

/// Answers the relay's pings, as an endpoint does.
async fn keep_place(mut place: Client) {
    while let Some(Ok(message)) = place.next().await {
        if let RelayToClientMsg::Ping(ping) = message
            && place.send(ClientToRelayMsg::Pong(ping)).await.is_err()
        {
            return;
        }
    }
}

/// A peer with records, which visits.
struct Registered {
    introducer: Introducer,
    places: Arc<Semaphore>,
    locators: Vec<SecretKey>,
}

impl Registered {
    async fn new(introducer: &Introducer) -> anyhow::Result<Self> {
        let locators = (0..RECORDS)
            .map(|_| SecretKey::from_bytes(entropy::seed()))
            .collect();
        let registered = Self {
            introducer: introducer.clone(),
            places: Arc::new(Semaphore::new(1)),
            locators,
        };
        for locator in &registered.locators {
            registered.ask(Request::Publish(record(locator)?)).await?;
        }
        Ok(registered)
    }

    /// Looks up and refreshes at the pace of an idle node.
    async fn live(self) -> anyhow::Result<()> {
        let mut lookup = tokio::time::interval(LOOKUP_PERIOD / AWAY);
        let mut refresh = tokio::time::interval(REFRESH_PERIOD / RECORDS);
        let mut locators = self.locators.iter().cycle();
        let nowhere = SecretKey::from_bytes(entropy::seed()).locator();
        loop {
            tokio::select! {
                _ = lookup.tick() => self.ask(Request::Lookup(nowhere)).await?,
                _ = refresh.tick() => {
                    let locator = locators.next().context("records")?;
                    self.ask(Request::Publish(record(locator)?)).await?;
                }
            }
        }
    }

    /// Pays one visit.
    async fn ask(&self, request: Request) -> anyhow::Result<()> {
        let visit = Visit {
            introducer: self.introducer.clone(),
            visitor: SecretKey::from_bytes(entropy::seed()),
            request,
            peer: None,
            is_ours: true,
        };
        let place = self.places.clone().acquire_owned().await?;
        match Visits::default().visit(visit, place).await? {
            Answer::Refused(refusal) => Err(refusal.into()),
            _ => Ok(()),
        }
    }
}

fn record(locator: &SecretKey) -> anyhow::Result<Record> {
    let now = clock::now();
    let terms = Terms {
        slot: Slot([0; 16]),
        sequence: now.0,
        expires: now + RECORD_LIFE,
        payload: vec![0; PAYLOAD_BYTES],
    };
    Ok(Record::sign(&Ed25519, locator, terms)?)
}
