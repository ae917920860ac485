//! What is asked and told beside fetching: what a share is now, who provides it, that we do.

use kith_core::content::referral::{self, REFERRALS_MAX, Referral};
use kith_core::content::wire::{Answer, Request};
use kith_core::ids::ShareId;
use tokio::io::{AsyncRead, AsyncWrite, BufReader};

use crate::content::asking;
use crate::content::copies::News;
use crate::content::credential::{Credential, Stream};
use crate::content::error::{GetError, STALL_MAX};

/// A stream of `/kith/share/1` on which little is said.
#[derive(Debug)]
pub struct Talk<R, W> {
    reader: BufReader<R>,
    writer: W,
    exporter: [u8; 32],
}

/// What a provider says of a share.
#[derive(Clone, Debug)]
pub enum Said {
    /// This is its head. Not verified yet: [`Shares::learn`](super::Shares::learn) does that.
    Head(News),
    /// It was taken back, by this head.
    Ended(News),
    /// It is not there, or not for us.
    Gone,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Talk<R, W> {
    /// Begins to talk.
    pub fn new(stream: Stream<R, W>) -> Self {
        Self {
            reader: BufReader::new(stream.reader),
            writer: stream.writer,
            exporter: stream.exporter,
        }
    }

    /// Asks what a share now is.
    ///
    /// # Errors
    /// [`GetError`].
    pub async fn head(
        &mut self,
        share: ShareId,
        credential: &Credential,
    ) -> Result<Said, GetError> {
        let proof = credential.proof(&share, &self.exporter);
        let news = |head: Vec<u8>, grant| News {
            share,
            head,
            grant,
            link: match credential {
                Credential::Link(secret) => Some(secret.clone()),
                _ => None,
            },
        };
        match self.ask(&Request::Head { share, proof }).await? {
            Answer::Head { head, grant } => Ok(Said::Head(news(head.into(), grant))),
            Answer::Ended(head) => Ok(Said::Ended(news(head.into(), None))),
            Answer::Gone => Ok(Said::Gone),
            _ => Err(GetError::Protocol("another answer than a head")),
        }
    }

    /// Asks who else provides a share; none where it is not for us.
    ///
    /// # Errors
    /// [`GetError`].
    pub async fn providers(
        &mut self,
        share: ShareId,
        credential: &Credential,
    ) -> Result<Vec<Referral>, GetError> {
        let proof = credential.proof(&share, &self.exporter);
        match self.ask(&Request::Providers { share, proof }).await? {
            Answer::Providers(referrals) if referrals.len() <= REFERRALS_MAX => Ok(referrals),
            Answer::Gone => Ok(Vec::new()),
            _ => Err(GetError::Protocol("another answer than providers")),
        }
    }

    /// Tells that we provide a share, and where. Whether it was taken note of.
    ///
    /// # Errors
    /// [`GetError`].
    pub async fn provide(
        &mut self,
        share: ShareId,
        credential: &Credential,
        referral: Referral,
    ) -> Result<bool, GetError> {
        let proof = credential.proof(&share, &self.exporter);
        let request = Request::Provide {
            share,
            proof,
            referral,
        };
        Ok(self.ask(&request).await? == Answer::Noted)
    }

    /// Asks a contact whether they provide a share, without saying which to somebody who does not know it.
    ///
    /// # Errors
    /// [`GetError`].
    pub async fn find(&mut self, share: &ShareId) -> Result<bool, GetError> {
        let tag = referral::tag(share, &self.exporter);
        Ok(self.ask(&Request::Find(tag)).await? == Answer::Noted)
    }

    /// Passes a signed head on.
    ///
    /// # Errors
    /// [`GetError`].
    pub async fn notice(&mut self, head: Vec<u8>) -> Result<(), GetError> {
        self.ask(&Request::Notice(head.into())).await.map(|_| ())
    }

    async fn ask(&mut self, request: &Request) -> Result<Answer, GetError> {
        asking::send(&mut self.writer, request).await?;
        let answer = tokio::time::timeout(STALL_MAX, asking::answer(&mut self.reader)).await;
        answer.map_err(|_| GetError::Stalled)?
    }
}
