//! Fetching a share, or a part of one, from one provider into a folder.
//!
//! ```text
//! head ─ path ─ walk ──► directory nodes ──► items ──► ranges ──► staging ──► one barrier ──► one rename
//!                 ▲            │                          │
//!                 └────────────┴── a few streams ─────────┘
//! ```
//!
//! Requests go out ahead on every stream, within a window of bytes and of requests: large files keep several streams busy with ranges
//! of a MiB, small ones travel many to a round trip. A tree is walked while its files arrive, so it is never held in memory whole.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Instant;

use kith_core::data::head::{Head, HeadError};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::content::error::GetError;
use crate::content::request::{Get, Got, Progress, Stream};
use crate::content::select;
use crate::content::streams::Streams;
use crate::content::transfer::Transfer;
use crate::content::worker::Connection;

/// Fetches, and returns when all is durable under its final name. `open` opens another stream to the same provider; `report` is called
/// as things arrive; `broken` ends when it is known otherwise that the provider is no longer there.
///
/// # Errors
/// [`GetError`]; run it again to go on with what arrived.
pub async fn get<Open, Opening, R, W>(
    open: Open,
    get: Get,
    mut report: impl FnMut(Progress) + Send,
    broken: impl Future<Output = ()> + Send,
) -> Result<Got, GetError>
where
    Open: Fn() -> Opening + Send + Sync,
    Opening: Future<Output = io::Result<Stream<R, W>>> + Send,
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let started = Instant::now();
    let connect = async || {
        let stream = open().await.map_err(GetError::Connection)?;
        let mut connection = Connection::open(stream, get.share, &get.credential, get.now).await?;
        if connection.head.owner != get.owner {
            return Err(HeadError::OtherShare.into());
        }
        if let Some(at) = get.at {
            connection.turn_to(at, get.now).await?;
        }
        Ok(connection)
    };
    let mut broken = std::pin::pin!(broken);
    let look = async {
        let mut first = connect().await?;
        let head = first.head.clone();
        let selected = select::select(&mut first, &head, &get.path).await?;
        Ok::<_, GetError>((first, head, selected))
    };
    let (first, head, selected) = unless(broken.as_mut(), look).await?;
    let grant = first.grant.clone();
    let target = get.out.join(selected.name());
    let mut transfer = Transfer::begin(&get, &selected, &target).await?;
    let mut streams = Streams::new();
    streams.add(first);
    let moved = async {
        loop {
            transfer.fill(&mut streams);
            report(transfer.progress);
            if streams.in_flight == 0 {
                return Ok(());
            }
            if streams.want_another() {
                match connect().await.map_err(GetError::under_way) {
                    Ok(another) => streams.add(another),
                    // Those that are open carry the transfer, and tell if it was not only this one.
                    Err(GetError::Connection(_)) => streams.suffice(),
                    Err(error) => return Err(error),
                }
                continue;
            }
            for done in streams.next().await? {
                transfer.take(done).await?;
            }
        }
    };
    let moved: Result<(), GetError> = unless(broken, moved).await;
    streams.close().await;
    match moved {
        Err(GetError::Gone) => return Err(gone(&get, &head, connect().await)),
        moved => moved?,
    }
    let progress = transfer.progress;
    let links_left_out = transfer.links_left_out;
    transfer.finish(&selected, &target).await?;
    Ok(Got {
        target,
        head,
        grant,
        bytes: progress.bytes,
        files: progress.files,
        fetched: progress.fetched,
        time: started.elapsed(),
        links_left_out,
    })
}

/// Does `work`, unless the provider turns out to be gone before.
async fn unless<T>(
    broken: Pin<&mut impl Future<Output = ()>>,
    work: impl Future<Output = Result<T, GetError>>,
) -> Result<T, GetError> {
    tokio::select! {
        done = work => done,
        () = broken => Err(GetError::Connection(io::ErrorKind::NotConnected.into())),
    }
}

/// What was there is gone: replaced by another version, where there still is a head for us; or it is a past version, of which the
/// files are gone.
fn gone<R, W>(get: &Get, head: &Head, now: Result<Connection<R, W>, GetError>) -> GetError {
    match now {
        Ok(_) if get.at.is_some() => GetError::Version,
        Ok(now) if now.head.manifest != head.manifest => GetError::Changed(head.name.clone()),
        Err(GetError::Version) => GetError::Version,
        _ => GetError::Gone,
    }
}
