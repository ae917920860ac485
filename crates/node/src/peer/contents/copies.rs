//! What was fetched, and is provided where it lies, to the same audience.

use std::sync::Arc;
use std::time::Duration;

use kith_core::content::referral::Referral;
use kith_core::data::head::{Audience, Head};
use kith_core::ids::{Face, PeerId, ShareId};
use kith_core::routing::Target;
use tokio::sync::watch;
use tracing::debug;

use super::failure::several;
use super::handle::Contents;
use super::limits::Metered;
use super::making::my_name;
use super::reach::Reach;
use super::source::ShareName;
use crate::clock;
use crate::content::{
    Copy, Credential, GetError, Got, Held, HoldError, News, Providing, Said, Talk,
};
use crate::error::Error;
use crate::peer::node::Node;
use crate::peer::stream::{StreamReader, StreamWriter};

/// How long somebody may take to hear something: whoever is that slow hears it when they ask.
const TELL_WITHIN: Duration = Duration::from_secs(10);

/// A talk with a provider, held to the rates that are set.
pub(super) type Conversation = Talk<Metered<StreamReader>, StreamWriter>;

/// Somebody who provides a share, and how we came to them.
#[derive(Clone, Debug)]
pub(super) struct Acquaintance {
    pub(super) reach: Reach,
    pub(super) target: Target,
    pub(super) share: ShareId,
    pub(super) owner: PeerId,
    pub(super) credential: Credential,
}

impl Acquaintance {
    /// Begins to talk with them.
    pub(super) async fn talk(&self) -> Result<Conversation, Error> {
        Ok(Talk::new(self.reach.open(self.target).await?))
    }
}

impl Contents {
    /// What was fetched and is provided, in the order of the shares' ids.
    ///
    /// # Errors
    /// [`Error::Share`] when the database cannot be read.
    pub async fn copies(&self) -> Result<Vec<Copy>, Error> {
        self.blocking(|shares| Ok(shares.copies()?)).await
    }

    /// One copy, named by its share's id, its name or its link.
    ///
    /// # Errors
    /// [`Error::UnknownOwnShare`]; [`Error::Usage`] when several go by the name.
    pub async fn copy(&self, text: &str) -> Result<Copy, Error> {
        self.copy_named(&my_name(text)?).await
    }

    /// The contacts who have said that they provide a share, our own or another's.
    pub fn provided_by(&self, share: &ShareId) -> Vec<PeerId> {
        self.node.shares().others().peers(share)
    }

    /// Whether it provides copies at all.
    pub fn provides(&self) -> bool {
        self.node.shares().others().provides()
    }

    /// Learns from a provider what it knows of a share.
    pub(super) async fn acquaint(&self, with: &Acquaintance) -> Result<(), Error> {
        let mut talk = with.talk().await?;
        let said = talk.head(with.share, &with.credential).await;
        let Said::Head(news) = said.map_err(untold)? else {
            return Ok(());
        };
        self.learn(news, with.owner).await
    }

    /// Takes in what somebody says of a share of `owner`; what is not to be believed is left out.
    pub(super) async fn learn(&self, news: News, owner: PeerId) -> Result<(), Error> {
        self.blocking(move |shares| {
            if let Err(error) = shares.learn(&news, owner, clock::now()) {
                debug!(%error, "news of a share are not believed");
            }
            Ok(())
        })
        .await
    }

    /// The newest head of a share that is known here.
    pub(super) async fn newest(&self, share: ShareId) -> Result<Option<Head>, Error> {
        let known = self.blocking(move |shares| Ok(shares.known_head(&share)?));
        Ok(known.await?.map(|(_, head)| head))
    }

    /// Asks who else provides a share, and remembers them.
    pub(super) async fn ask_providers(
        &self,
        talk: &mut Conversation,
        share: ShareId,
        credential: &Credential,
    ) -> Result<(), Error> {
        let referrals = talk.providers(share, credential).await.map_err(untold)?;
        let others = self.node.shares().others();
        for referral in referrals {
            others.hear_of(&share, &referral, clock::now());
        }
        Ok(())
    }

    /// Remembers what was fetched as a copy, durably; it is examined and then provided, and who gave it is told.
    pub(super) async fn keep_copy(
        &self,
        from: &Acquaintance,
        got: &Got,
        keep: bool,
    ) -> Result<(), Error> {
        if !self.provides() {
            return Ok(());
        }
        let fetched = Held {
            share: got.head.share,
            manifest: got.head.manifest,
            target: got.target.clone(),
            keep,
            selected_of: got.selected_of.clone(),
        };
        let mut held = self.hold(fetched.clone()).await?;
        if let Err(HoldError::Unknown | HoldError::OtherVersion) = held {
            // It may have been faster than the news of it.
            self.acquaint(from).await?;
            held = self.hold(fetched).await?;
        }
        if let Err(refused) = held {
            debug!(%refused, "what was fetched is no copy");
            return Ok(());
        }
        let (contents, from, audience) = (self.clone(), from.clone(), got.head.audience);
        let snapshot = (got.head.share, got.head.manifest);
        let offered = got.offered.clone();
        self.node.spawn(async move {
            let told = contents.examine_and_tell(&from, &audience);
            if let Err(error) = told.await {
                debug!(%error, "a copy is not provided, or nobody was told");
            }
            // There may be more of it than this brought.
            let giving = Arc::clone(contents.node.giving());
            let settling = tokio::task::spawn_blocking(move || giving.settle(&snapshot));
            // Fails only where the runtime stops.
            let _ = settling.await;
            drop(offered);
        });
        Ok(())
    }

    /// How what is fetched is provided meanwhile: whoever let us in there is told when that begins, and when it is over, unless there is a copy
    /// then.
    pub(super) fn providing(&self, to: &Acquaintance) -> Providing {
        let (audience, mut told) = watch::channel(None);
        let (contents, to) = (self.clone(), to.clone());
        self.node.spawn(async move {
            let begun = told.wait_for(Option::is_some).await;
            let Some(audience) = begun.ok().and_then(|it| *it) else {
                return;
            };
            let telling = async {
                let referral = referral(&contents.node, &audience).await?;
                contents.tell_provided(&to, referral).await
            };
            tokio::select! {
                told = telling => if let Err(error) = told {
                    debug!(%error, "nobody was told what is provided while it is fetched");
                },
                () = closed(&mut told) => {}
            }
            closed(&mut told).await;
            let provided = contents.provided(to.share).await;
            let is_under_way = contents.node.shares().is_under_way(&to.share);
            if matches!(provided, Ok(None)) && !is_under_way {
                let nowhere = contents.tell_provided(&to, Referral::default());
                if let Err(error) = soon(nowhere).await {
                    debug!(%error, "nobody was told that it is provided no longer");
                }
            }
        });
        Providing {
            giving: Arc::clone(self.node.giving()),
            audience: Arc::new(audience),
        }
    }

    async fn tell_provided(&self, to: &Acquaintance, referral: Referral) -> Result<(), Error> {
        let mut talk = to.talk().await?;
        let told = talk.provide(to.share, &to.credential, referral).await;
        told.map(|_| ()).map_err(untold)
    }

    async fn hold(&self, fetched: Held) -> Result<Result<(), HoldError>, Error> {
        self.blocking(move |shares| match shares.hold(&fetched, clock::now()) {
            Err(HoldError::Keep(error)) => Err(error.into()),
            held => Ok(held),
        })
        .await
    }

    async fn examine_and_tell(
        &self,
        from: &Acquaintance,
        audience: &Audience,
    ) -> Result<(), Error> {
        let share = from.share;
        if !self.blocking(move |shares| shares.examine(&share)).await? {
            return Ok(());
        }
        let referral = referral(&self.node, audience).await?;
        self.tell_provided(from, referral).await
    }

    /// Provides a copy no longer; its files stay.
    pub(super) async fn drop_copy(&self, name: &ShareName) -> Result<Head, Error> {
        let head = self.copy_named(name).await?.head;
        let share = head.share;
        self.blocking(move |shares| Ok(shares.drop_copy(&share)?))
            .await?;
        Ok(head)
    }

    async fn copy_named(&self, name: &ShareName) -> Result<Copy, Error> {
        let mut copies = self.copies().await?;
        copies.retain(|copy| name.is_of(&copy.head));
        if copies.len() > 1 {
            return Err(several(copies.iter().map(|copy| &copy.head)));
        }
        copies.pop().ok_or(Error::UnknownOwnShare)
    }
}

/// Where this node is reached by those who may have a share of this audience: holders of a grant are told the contact face as well, so that they
/// connect directly; holders of a link, whoever they are, are not.
pub(super) async fn referral(node: &Node, audience: &Audience) -> Result<Referral, Error> {
    let is_granted = matches!(audience, Audience::Contacts | Audience::Named);
    node.ask(move |machine, _| {
        let contact = machine.route(Face::Contact).cloned();
        Referral::new(machine.public_route(), contact.filter(|_| is_granted))
    })
    .await
}

/// Tells somebody something, who has to hear it soon.
pub(super) async fn soon(telling: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    let told = tokio::time::timeout(TELL_WITHIN, telling).await;
    told.unwrap_or_else(|_| Err(untold(GetError::Stalled)))
}

/// Waits until it is over that something is provided while it is fetched.
async fn closed(told: &mut watch::Receiver<Option<Audience>>) {
    while told.changed().await.is_ok() {}
}

/// A talk that led to nothing.
pub(super) fn untold(error: GetError) -> Error {
    Error::Get {
        name: "a provider".to_owned(),
        error,
    }
}
