//! The asker's side of a stream of `/kith/share/1`.

use std::io;

use kith_core::codec;
use kith_core::content::grant::SignedGrant;
use kith_core::content::wire::{Answer, Request};
use kith_core::crypto::Ed25519;
use kith_core::data::head::{Head, HeadError, SignedHead};
use kith_core::ids::ShareId;
use kith_core::time::Time;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};

use crate::content::error::{GetError, STALL_MAX};
use crate::content::frames;
use crate::content::request::{Credential, Stream};

/// Asks what a share now is; gives a grant too, where the other side is its owner and knows us.
///
/// # Errors
/// [`GetError`].
pub async fn head<R, W>(
    stream: Stream<R, W>,
    share: ShareId,
    credential: &Credential,
    now: Time,
) -> Result<(Head, Option<SignedGrant>), GetError>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let proof = credential.proof(share, &stream.exporter);
    let (mut reader, mut writer) = (BufReader::new(stream.reader), stream.writer);
    send(&mut writer, &Request::Head { share, proof }).await?;
    // The provider may look at its files again before it answers.
    let answer = tokio::time::timeout(STALL_MAX, answer(&mut reader)).await;
    match answer.map_err(|_| GetError::Stalled)?? {
        Answer::Head { head, grant } => {
            let head: SignedHead = codec::decode(&head).map_err(HeadError::from)?;
            let head = head.verify(&Ed25519, now)?;
            if head.share != share {
                return Err(HeadError::OtherShare.into());
            }
            // Nothing more is asked. A stream that is over by itself is as good.
            let _ = writer.shutdown().await;
            Ok((head, grant))
        }
        Answer::Gone => Err(GetError::NotFound),
        Answer::Heads { .. } => Err(GetError::Protocol("another answer than a head")),
    }
}

/// Sends one request.
pub(super) async fn send(
    writer: &mut (impl AsyncWrite + Unpin),
    request: &Request,
) -> Result<(), GetError> {
    let frame = frames::frame(request);
    let sent = writer.write_all(&frame).await;
    sent.map_err(GetError::Connection)?;
    writer.flush().await.map_err(GetError::Connection)
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
