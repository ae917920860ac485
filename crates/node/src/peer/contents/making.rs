//! Sharing, taking it back, and the links that lead to what is shared.

use std::path::PathBuf;
use std::time::Duration;

use kith_core::address::Route;
use kith_core::data::head::{Audience, Head};
use kith_core::data::link::Link;
use kith_core::ids::{Face, PeerId, ShareId};
use kith_core::introducer::Introducer;
use kith_core::random::Random;
use tokio::sync::broadcast;

use super::failure::several;
use super::handle::Contents;
use super::source::{ShareName, ShareSource};
use crate::content::{AudienceKind, Fetch, Mine, NewShare, Recipients, ShareEvent};
use crate::data::scan::LeftOut;
use crate::error::Error;
use crate::{clock, entropy};

/// How long a node that has just started may take to find out where it is, before a link is made without.
const PLACE_WITHIN: Duration = Duration::from_secs(3);

/// Between two looks whether it has.
const PLACE_STEP: Duration = Duration::from_millis(20);

/// A share of mine.
#[derive(Clone, Debug)]
pub struct MyShare {
    /// What its owner, me, has signed.
    pub head: Head,
    /// The link to it.
    pub link: Link,
    /// Where it lies.
    pub roots: Vec<PathBuf>,
    /// The first of these that is not there, or cannot be read: nothing of it can be given until it is.
    pub absent: Option<PathBuf>,
    /// Whether that is because its disk does not answer, as a network disk whose server is away.
    pub silent: bool,
    /// With whom it is shared by name.
    pub named: Vec<PeerId>,
    /// Whether its pictures are shared without what they say, and nothing else is; see [`NewShare::bare`].
    pub bare: bool,
    /// How many things that lie there are not in it.
    pub left_out: u64,
    /// Who was given what of it by this node, the latest first.
    pub fetches: Vec<Fetch>,
}

/// A share that was made, or brought up to date.
#[derive(Clone, Debug)]
pub struct Published {
    /// The share.
    pub share: MyShare,
    /// What is not in it, and why; by name as far as the list goes.
    pub left_out: Vec<LeftOut>,
    /// How many things are not in it.
    pub left_out_count: u64,
}

/// Where strangers reach this node.
struct Places {
    public: Option<Route>,
    contact: Option<Route>,
    introducers: Vec<Introducer>,
}

impl Contents {
    /// Offers files where they lie. The same things shared again, with the same people and under the same name, are brought up to date and
    /// keep their link.
    ///
    /// # Errors
    /// [`Error::Share`]; [`Error::UnknownContact`] for somebody named who is no contact; [`Error::NotAllowed`] for one whom we blocked.
    pub async fn share(&self, new: NewShare) -> Result<Published, Error> {
        self.check_named(&new.recipients, &[]).await?;
        let shared = self
            .blocking(move |shares| {
                shares.share(&new, &mut Random::new(entropy::seed()), clock::now())
            })
            .await?;
        Ok(Published {
            share: self.mine(&ShareName::Id(shared.head.share)).await?,
            left_out: shared.left_out,
            left_out_count: shared.left_out_count,
        })
    }

    /// With whom to share, as somebody says it: an audience, or the names of contacts (petnames or PeerIds), or both, or neither; then it is the usual audience
    /// of the settings.
    ///
    /// # Errors
    /// [`Error::Usage`] for an audience and names that do not go together; [`Error::UnknownContact`].
    pub async fn recipients(
        &self,
        audience: Option<AudienceKind>,
        with: &[String],
    ) -> Result<Recipients, Error> {
        let audience = match audience {
            Some(audience) => audience,
            None if with.is_empty() => self.node.preferences().await?.audience,
            None => AudienceKind::Named,
        };
        let mut named = Vec::new();
        for name in with {
            named.push(self.node.find(name).await?.peer);
        }
        Recipients::new(audience, named).map_err(|error| Error::Usage(error.to_string()))
    }

    /// Shares something with these people from now on, named as in [`Contents::unshare`]; its link stays where they are reached by the same one. Who may
    /// not have it any more is given nothing from then on, and others who provide it and are there are told; who comes in addition has it at once.
    ///
    /// # Errors
    /// [`Error::UnknownOwnShare`]; [`Error::Usage`] when several go by the name; [`Error::UnknownContact`] for somebody named who is no contact;
    /// [`Error::NotAllowed`] for one named in addition whom we blocked.
    pub async fn set_audience(&self, text: &str, recipients: Recipients) -> Result<MyShare, Error> {
        let mine = self.mine(&my_name(text)?).await?;
        let share = mine.head.share;
        self.check_named(&recipients, &mine.named).await?;
        let to = recipients.clone();
        let before = self.guarded([share].into()).await?;
        let raised = self
            .blocking(move |shares| {
                let mut random = Random::new(entropy::seed());
                shares.set_audience(&share, &to, &mut random, clock::now())
            })
            .await?;
        if let Some(head) = raised {
            self.tell_providers(share, &head, |peer| recipients.may_include(peer));
        }
        self.tell_lost(share, before).await?;
        self.mine(&ShareName::Id(share)).await
    }

    /// Only contacts can be named, and none who is blocked but those who are named `already`: they get nothing as long as they are.
    async fn check_named(&self, recipients: &Recipients, already: &[PeerId]) -> Result<(), Error> {
        for peer in recipients.named() {
            self.node.find(&peer.to_string()).await?;
            if !already.contains(peer) {
                self.node.unblocked(*peer).await?;
            }
        }
        Ok(())
    }

    /// What this node shares, in the order of the shares' ids.
    ///
    /// # Errors
    /// [`Error::Share`] when the database cannot be read.
    pub async fn shares(&self) -> Result<Vec<MyShare>, Error> {
        let mine = self.blocking(|shares| Ok(shares.mine_in_place()?)).await?;
        let is_led_to = |mine: &Mine| leads(&mine.head.audience);
        let places = self.places(mine.iter().any(is_led_to)).await?;
        Ok(mine
            .into_iter()
            .map(|mine| places.present(mine, self.node.peer_id()))
            .collect())
    }

    /// Whether a share of this node opens to whoever holds its link, without asking who that is: also to somebody who is blocked.
    ///
    /// # Errors
    /// [`Error::Share`] when the database cannot be read.
    pub async fn opens_by_link(&self) -> Result<bool, Error> {
        let mine = self.blocking(|shares| Ok(shares.mine()?)).await?;
        let mut audiences = mine.iter().map(|mine| &mine.head.audience);
        Ok(audiences.any(leads))
    }

    /// One share of this node, named by its id, its name or its link.
    ///
    /// # Errors
    /// [`Error::UnknownOwnShare`]; [`Error::Usage`] when several go by the name.
    pub async fn my_share(&self, text: &str) -> Result<MyShare, Error> {
        self.mine(&my_name(text)?).await
    }

    /// What lies in the folder of an own share and is not in it, with why; the first hundred of them.
    ///
    /// # Errors
    /// [`Error::Share`] when the database cannot be read.
    pub async fn left_out(&self, share: ShareId) -> Result<Vec<LeftOut>, Error> {
        self.blocking(move |shares| Ok(shares.left_out(&share)?))
            .await
    }

    /// Takes a share back, named by its id, its name or its link. Nothing of it is served from then on, and those who provide it and are
    /// there are told. Of a copy it ends that it is provided; its files stay.
    ///
    /// # Errors
    /// [`Error::UnknownOwnShare`]; [`Error::Usage`] when several go by the name.
    pub async fn unshare(&self, text: &str) -> Result<Head, Error> {
        let name = my_name(text)?;
        let mine = match self.mine(&name).await {
            Err(Error::UnknownOwnShare) => return self.drop_copy(&name).await,
            mine => mine?,
        };
        let share = mine.head.share;
        let ended = self
            .blocking(move |shares| shares.unshare(&share, clock::now()))
            .await?;
        self.tell_ended(share, &ended);
        Ok(mine.head)
    }

    /// Looks at the files of a share again, named as in [`Contents::unshare`]; the new version, where something changed.
    ///
    /// # Errors
    /// As [`Contents::unshare`], and as [`Contents::share`].
    pub async fn rescan(&self, text: &str) -> Result<Option<Published>, Error> {
        let mine = self.mine(&my_name(text)?).await?;
        let share = mine.head.share;
        let rescanned = self
            .blocking(move |shares| shares.rescan(&share, clock::now()))
            .await?;
        Ok(rescanned.map(|shared| Published {
            share: MyShare {
                head: shared.head,
                left_out: shared.left_out_count,
                ..mine
            },
            left_out: shared.left_out,
            left_out_count: shared.left_out_count,
        }))
    }

    /// Follows what happens to shares, own and others'. A receiver that is slow misses the oldest.
    pub fn events(&self) -> broadcast::Receiver<ShareEvent> {
        self.node.shares().events()
    }

    /// The one share of mine that goes by this.
    async fn mine(&self, name: &ShareName) -> Result<MyShare, Error> {
        let mut mine = self.blocking(|shares| Ok(shares.mine_in_place()?)).await?;
        mine.retain(|mine| name.is_of(&mine.head));
        if mine.len() > 1 {
            return Err(several(mine.iter().map(|mine| &mine.head)));
        }
        let mine = mine.pop().ok_or(Error::UnknownOwnShare)?;
        let places = self.places(leads(&mine.head.audience)).await?;
        Ok(places.present(mine, self.node.peer_id()))
    }

    /// Where strangers reach this node; where it is about to find out, and that is `needed`, it is waited for.
    async fn places(&self, needed: bool) -> Result<Places, Error> {
        let deadline = tokio::time::Instant::now() + PLACE_WITHIN;
        loop {
            let places = self
                .node
                .look(|machine, _| Places {
                    public: machine.public_route(),
                    contact: machine.route(Face::Contact).cloned(),
                    introducers: machine.introducers().to_vec(),
                })
                .await?;
            let is_anywhere = places.public.is_some() || places.contact.is_some();
            if is_anywhere || !needed || tokio::time::Instant::now() >= deadline {
                return Ok(places);
            }
            tokio::time::sleep(PLACE_STEP).await;
        }
    }
}

impl Places {
    /// A share with the link that leads to it.
    fn present(&self, mine: Mine, owner: PeerId) -> MyShare {
        let mut link = Link::new(mine.head.share, owner, mine.link, &mine.head.name);
        if leads(&mine.head.audience) {
            // The contact face is disclosed only where the link would lead nowhere without.
            let contact = self.contact.clone().filter(|_| self.public.is_none());
            link = link
                .reached_by(self.public.clone(), self.introducers.clone())
                .reached_directly(contact);
        }
        MyShare {
            head: mine.head,
            link,
            roots: mine.roots,
            absent: mine.absent,
            silent: mine.silent,
            named: mine.named,
            bare: mine.bare,
            left_out: mine.left_out,
            fetches: mine.fetches,
        }
    }
}

/// Whether a link is of use to people who are no contacts, and so says where to go.
fn leads(audience: &Audience) -> bool {
    matches!(audience, Audience::Link { .. } | Audience::Public)
}

/// What names a share of mine: its id, its name, or a link to it.
pub(super) fn my_name(text: &str) -> Result<ShareName, Error> {
    match text.parse::<Link>() {
        Ok(link) => Ok(ShareSource::of_link(link).share),
        Err(_) => ShareName::parse(text.trim()),
    }
}
