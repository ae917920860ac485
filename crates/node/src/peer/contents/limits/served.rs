//! What is being served, to whom.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use kith_core::ids::{PeerId, ShareId};

use crate::peer::contents::rate::Rate;

/// A share that somebody fetches from here now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadInfo {
    /// Who; `None` for a stranger who holds a link.
    pub peer: Option<PeerId>,
    /// Which share.
    pub share: ShareId,
    /// What it is called.
    pub name: String,
    /// Bytes sent on the streams that are open now, what proves them included.
    pub bytes: u64,
    /// Bytes a second, lately.
    pub rate: u64,
}

/// The streams that are served. Clones share them.
#[derive(Clone, Debug, Default)]
pub(in crate::peer::contents) struct Served(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    streams: BTreeMap<u64, Stream>,
    last: u64,
}

#[derive(Debug)]
struct Stream {
    peer: Option<PeerId>,
    share: Option<ShareId>,
    bytes: u64,
    rate: Rate,
}

/// One stream that is served, until this is dropped.
#[derive(Debug)]
pub(in crate::peer::contents) struct Serving {
    served: Served,
    number: u64,
}

impl Served {
    /// A stream of somebody begins.
    pub(in crate::peer::contents) fn begin(&self, peer: Option<PeerId>) -> Serving {
        let mut table = self.lock();
        table.last += 1;
        let number = table.last;
        let stream = Stream {
            peer,
            share: None,
            bytes: 0,
            rate: Rate::default(),
        };
        table.streams.insert(number, stream);
        Serving {
            served: self.clone(),
            number,
        }
    }

    /// What is served, by whom it goes to and by share; without the names of shares.
    pub(in crate::peer::contents) fn list(&self) -> Vec<UploadInfo> {
        let now = Instant::now();
        let mut uploads: BTreeMap<(Option<PeerId>, ShareId), (u64, u64)> = BTreeMap::new();
        for stream in self.lock().streams.values_mut() {
            let Some(share) = stream.share.filter(|_| stream.bytes > 0) else {
                continue;
            };
            let (bytes, rate) = uploads.entry((stream.peer, share)).or_default();
            *bytes += stream.bytes;
            *rate += stream.rate.update(now, stream.bytes);
        }
        let uploads = uploads.into_iter();
        uploads
            .map(|((peer, share), (bytes, rate))| UploadInfo {
                peer,
                share,
                name: String::new(),
                bytes,
                rate,
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Serving {
    /// They ask for this share.
    pub(in crate::peer::contents) fn asks(&self, share: ShareId) {
        if let Some(stream) = self.served.lock().streams.get_mut(&self.number) {
            stream.share = Some(share);
        }
    }

    /// So many bytes went to them.
    pub(in crate::peer::contents) fn sent(&self, bytes: usize) {
        if let Some(stream) = self.served.lock().streams.get_mut(&self.number) {
            stream.bytes += bytes as u64;
            stream.rate.update(Instant::now(), stream.bytes);
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.served.lock().streams.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_streams_of_one_transfer_are_one_upload() {
        let served = Served::default();
        let (known, share) = (Some(PeerId([1; 32])), ShareId([2; 32]));
        let streams = [known, known, None].map(|peer| served.begin(peer));
        for stream in &streams {
            stream.sent(100);
        }
        assert_eq!(served.list(), [], "of no share so far");
        for stream in &streams {
            stream.asks(share);
        }
        let bytes = |served: &Served| {
            let list = served.list().into_iter();
            list.map(|it| (it.peer, it.bytes)).collect::<Vec<_>>()
        };
        assert_eq!(bytes(&served), [(None, 100), (known, 200)]);
        drop(streams);
        assert_eq!(bytes(&served), []);
    }
}
