//! Previews of pictures in any share: made here of what lies here, asked for of what others share.
//!
//! All questions about one share go over one stream, which is kept for as long as it is used. What was given is kept too: it is asked again
//! whether it is still that of the file, and shown where nobody is there to ask.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kith_core::content::preview::wire::{ASKS_MAX, PATH_BYTES_MAX, PROTOCOL};
use kith_core::content::preview::{Refusal, Size, jpeg};
use kith_core::crypto;
use kith_core::ids::{BlobHash, PeerId};
use kith_core::protocol::ProtocolName;
use kith_core::routing::Target;
use tokio::sync::{mpsc, oneshot};

use super::failure::explain;
use super::handle::Contents;
use super::opening::{copied, own};
use super::reach::Reach;
use super::source::{ShareName, ShareSource};
use crate::content::previews::{Given, Pending, Wanted, ask_all};
use crate::content::{GetError, Lying, Preview, PreviewError};
use crate::error::{Error, ErrorKind};
use crate::routing::Refused;

/// What the name of a preview that was given is derived under.
const CONTEXT: &str = "kith/1 given preview";

/// How much of the hash stands in the name: enough that no two files meet.
const NAME_BYTES: usize = 16;

/// A question whose stream ended just then is asked once more.
const ATTEMPTS: usize = 2;

/// A share that is asked about: whose, which, and whether by a link.
type Key = (PeerId, Vec<u8>, bool);

/// The shares that are asked about now.
#[derive(Debug, Default)]
struct Asked(Mutex<BTreeMap<Key, mpsc::Sender<Wanted>>>);

impl Asked {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Key, mpsc::Sender<Wanted>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Contents {
    /// The preview of a picture in a share, by its path in it (empty, or its name, for a share that is one file).
    ///
    /// # Errors
    /// [`Error::Preview`], and as [`Contents::open`].
    pub async fn preview(&self, source: &ShareSource, size: Size) -> Result<Preview, Error> {
        if let Some(made) = self.preview_of_lying(source, size).await? {
            return Ok(made);
        }
        if source.path.len() > PATH_BYTES_MAX {
            return Err(PreviewError::Refused(Refusal::NoFile).into());
        }
        let name = name(source, size);
        let kept = self.given_before(&name, size).await;
        let known = kept.as_ref().map(|kept| kept.hash);
        match (self.ask(source, size, known).await, kept) {
            (Ok(Given::Preview(preview)), _) => {
                self.keep(name, &preview).await;
                Ok(preview)
            }
            (Ok(Given::Same) | Err(PreviewError::Away(_)), Some(kept)) => Ok(kept),
            (Ok(Given::Same), None) => Err(PreviewError::NotVerified.into()),
            (Err(error), _) => Err(error.into()),
        }
    }

    /// The preview of a picture that lies here; `None` where it does not.
    pub(super) async fn preview_of_lying(
        &self,
        source: &ShareSource,
        size: Size,
    ) -> Result<Option<Preview>, Error> {
        let Some(lying) = self.lying(source).await? else {
            return Ok(None);
        };
        let made = self.node.previews().of(&lying, size).await;
        Ok(Some(made.map_err(PreviewError::Refused)?))
    }

    /// The file, where it lies here.
    pub(super) async fn lying(&self, source: &ShareSource) -> Result<Option<Lying>, Error> {
        let (wanted, me) = (source.clone(), self.node.peer_id());
        let shares = Arc::clone(self.node.shares());
        let here = tokio::task::spawn_blocking(move || match wanted.owner == me {
            true => own(&shares, &wanted).map(Some),
            false => copied(&shares, &wanted),
        });
        here.await.map_err(|_| Error::Closed)?
    }

    /// The preview that somebody gave before, if it is kept.
    pub(super) async fn given_before(&self, name: &str, size: Size) -> Option<Preview> {
        let (previews, name) = (Arc::clone(self.node.previews()), name.to_owned());
        let read = tokio::task::spawn_blocking(move || previews.given().get(&name));
        let kept = read.await.ok().flatten()?;
        let (hash, picture) = kept.split_first_chunk()?;
        jpeg::examine(picture, size)?;
        Some(Preview {
            hash: BlobHash(*hash),
            jpeg: picture.to_vec(),
        })
    }

    async fn keep(&self, name: String, preview: &Preview) {
        let content = [preview.hash.as_bytes(), preview.jpeg.as_slice()].concat();
        let previews = Arc::clone(self.node.previews());
        let put = tokio::task::spawn_blocking(move || previews.given().put(&name, &content));
        if let Ok(Err(error)) = put.await {
            tracing::debug!(%error, "a preview that was given is not kept");
        }
    }

    /// Asks whoever has the share.
    async fn ask(
        &self,
        source: &ShareSource,
        size: Size,
        known: Option<BlobHash>,
    ) -> Result<Given, PreviewError> {
        for _ in 0..ATTEMPTS {
            let (told, answer) = oneshot::channel();
            let wanted = Wanted {
                path: source.path.clone(),
                size,
                known,
                told,
            };
            // Where that fails the stream has just ended, and so has the answer.
            let _ = self.asking(source).send(wanted).await;
            if let Ok(answer) = answer.await {
                return answer;
            }
        }
        let ended = "the connection ended; try again";
        Err(PreviewError::Away(ended.to_owned()))
    }

    /// Where questions about a share go.
    fn asking(&self, source: &ShareSource) -> mpsc::Sender<Wanted> {
        let asked = self.node.extension::<Asked>();
        let key = key(source);
        let mut table = asked.lock();
        if let Some(known) = table.get(&key).filter(|known| !known.is_closed()) {
            return known.clone();
        }
        let (questions, mut wanted) = mpsc::channel(ASKS_MAX);
        table.insert(key.clone(), questions.clone());
        drop(table);
        let (contents, source) = (self.clone(), source.clone());
        self.node.spawn(async move {
            let mut pending = Pending::default();
            if let Err(error) = contents.ask_for(&source, &mut pending, &mut wanted).await {
                let why = told(&error);
                pending.fail(&why);
                while let Ok(wanted) = wanted.try_recv() {
                    // Perhaps nobody waits any more.
                    let _ = wanted.told.send(Err(why.clone()));
                }
            }
            let asked = contents.node.extension::<Asked>();
            let mut table = asked.lock();
            wanted.close();
            table.retain(|_, questions| !questions.is_closed());
        });
        questions
    }

    /// Asks at one way to the owner after the other.
    async fn ask_for(
        &self,
        source: &ShareSource,
        pending: &mut Pending,
        wanted: &mut mpsc::Receiver<Wanted>,
    ) -> Result<(), Error> {
        let reach = Reach::source(&self.node, source).await?;
        // What was asked at one way and not answered is asked at the next.
        let questions = tokio::sync::Mutex::new((pending, wanted));
        let asked = reach.ask(async |target| {
            let (pending, wanted) = &mut *questions.lock().await;
            self.ask_at(&reach, target, source, pending, wanted).await
        });
        asked.await
    }

    async fn ask_at(
        &self,
        reach: &Reach,
        target: Target,
        source: &ShareSource,
        pending: &mut Pending,
        wanted: &mut mpsc::Receiver<Wanted>,
    ) -> Result<(), Error> {
        let share = self.identify(reach, target, source).await?;
        let stream = reach.open_in(target, protocol()).await?;
        let asked = ask_all(stream, share, &source.credential(), pending, wanted).await;
        asked.map_err(|error| match error {
            GetError::Connection(source) => Error::stream(reach.name(), &protocol(), source),
            other => explain(other, reach.name(), Reach::is_known(target)),
        })
    }
}

fn key(source: &ShareSource) -> Key {
    (source.owner, share_name(source), source.link.is_some())
}

fn share_name(source: &ShareSource) -> Vec<u8> {
    match &source.share {
        ShareName::Id(share) => share.0.to_vec(),
        ShareName::Name(name) => name.clone().into_bytes(),
    }
}

/// What a preview that was given is kept as.
pub(super) fn name(source: &ShareSource, size: Size) -> String {
    let path = source.path.trim_matches('/').as_bytes();
    let side = size.side_max().to_be_bytes();
    let key = crypto::derive(
        CONTEXT,
        &[&source.owner.0, &share_name(source), path, &side],
    );
    data_encoding::HEXLOWER.encode(&key[..NAME_BYTES])
}

/// What those who wait are told of a failure.
fn told(error: &Error) -> PreviewError {
    let message = error.to_string();
    match error {
        Error::Unreachable { .. } | Error::Io { .. } | Error::Closed => PreviewError::Away(message),
        Error::Get {
            error: GetError::Stalled,
            ..
        } => PreviewError::Away(message),
        Error::Refused {
            refused: Refused::Unsupported,
            ..
        } => PreviewError::Refused(Refusal::NotMade),
        _ => match error.kind() {
            ErrorKind::NotFound => PreviewError::NotFound,
            ErrorKind::NotAllowed => PreviewError::NotAllowed(message),
            _ => PreviewError::Failed(message),
        },
    }
}

/// The protocol's name.
pub(super) fn protocol() -> ProtocolName {
    PROTOCOL.parse().expect("a valid name")
}
