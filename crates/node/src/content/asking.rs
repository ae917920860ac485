//! The asker's side of a stream of `/kith/share/1`.

use std::io;

use kith_core::codec::{self, Wire};
use kith_core::content::grant::SignedGrant;
use kith_core::content::wire::{Answer, Proof, Request};
use kith_core::crypto::Ed25519;
use kith_core::data::head::{Head, HeadError, SignedHead};
use kith_core::ids::{BlobHash, ShareId};
use kith_core::time::Time;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};

use crate::content::credential::{Credential, Stream};
use crate::content::error::{GetError, STALL_MAX};
use crate::content::frames;

/// What a share is, as a provider says.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Its head, verified.
    pub head: Head,
    /// The same, as its owner signed it.
    pub signed: Vec<u8>,
    /// A grant for us, where the other side is its owner and knows us.
    pub grant: Option<SignedGrant>,
}

/// Asks what a share now is, or was in the version of the manifest `at`; gives a grant too, where the other side is its owner and knows
/// us.
///
/// # Errors
/// [`GetError`].
pub async fn head<R, W>(
    stream: Stream<R, W>,
    share: ShareId,
    credential: &Credential,
    at: Option<BlobHash>,
    now: Time,
) -> Result<Answered, GetError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let proof = credential.proof(&share, &stream.exporter);
    let (mut reader, mut writer) = (BufReader::new(stream.reader), stream.writer);
    send(&mut writer, &Request::Head { share, proof }).await?;
    let newest = head_answer(&mut reader, share, now).await?;
    let mut found = newest.ok_or(GetError::NotFound)?;
    if let Some(manifest) = at.filter(|at| *at != found.head.manifest) {
        let proof = Proof::Session;
        let request = Request::Version {
            share,
            manifest,
            proof,
        };
        send(&mut writer, &request).await?;
        let past = head_answer(&mut reader, share, now).await?;
        found = past.ok_or(GetError::Version)?;
        if found.head.manifest != manifest {
            return Err(GetError::Protocol("another version than it was asked for"));
        }
    }
    // Nothing more is asked. A stream that is over by itself is as good.
    let _ = writer.shutdown().await;
    Ok(found)
}

/// Asks an owner whether a share is where they share it from.
///
/// # Errors
/// [`GetError`], also where they do not know the question.
pub async fn is_in_place<R, W>(
    stream: Stream<R, W>,
    share: ShareId,
    credential: &Credential,
) -> Result<bool, GetError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let proof = credential.proof(&share, &stream.exporter);
    let (mut reader, mut writer) = (BufReader::new(stream.reader), stream.writer);
    send(&mut writer, &Request::Place { share, proof }).await?;
    let answered = answer(&mut reader).await?;
    let _ = writer.shutdown().await;
    match answered {
        Answer::Noted => Ok(true),
        Answer::Gone => Ok(false),
        _ => Err(GetError::Protocol("another answer than where it is")),
    }
}

/// A head of `share`, if it is there and for us.
async fn head_answer(
    reader: &mut (impl AsyncRead + Unpin),
    share: ShareId,
    now: Time,
) -> Result<Option<Answered>, GetError> {
    // The provider may look at its files again before it answers.
    let answer = tokio::time::timeout(STALL_MAX, answer(reader)).await;
    match answer.map_err(|_| GetError::Stalled)?? {
        Answer::Head { head, grant } => {
            let signed = Vec::from(head);
            let head: SignedHead = codec::decode(&signed).map_err(HeadError::from)?;
            let head = head.verify(&Ed25519, now)?;
            if head.share != share {
                return Err(HeadError::OtherShare.into());
            }
            Ok(Some(Answered {
                head,
                signed,
                grant,
            }))
        }
        Answer::Gone | Answer::Ended(_) => Ok(None),
        _ => Err(GetError::Protocol("another answer than a head")),
    }
}

/// Sends one message, to a provider who reads.
pub(super) async fn send(
    writer: &mut (impl AsyncWrite + Unpin),
    message: &impl Wire,
) -> Result<(), GetError> {
    let sending = async {
        writer.write_all(&frames::frame(message)).await?;
        writer.flush().await
    };
    let sent = tokio::time::timeout(STALL_MAX, sending).await;
    sent.map_err(|_| GetError::Stalled)?
        .map_err(GetError::Connection)
}

/// Reads one answer.
pub(super) async fn answer(reader: &mut (impl AsyncRead + Unpin)) -> Result<Answer, GetError> {
    let answer: Answer = frames::read(reader)
        .await
        .map_err(GetError::Connection)?
        .ok_or_else(|| GetError::Connection(io::ErrorKind::UnexpectedEof.into()))?;
    if answer.is_bounded() {
        Ok(answer)
    } else {
        Err(GetError::Protocol("an answer beyond its bounds"))
    }
}
