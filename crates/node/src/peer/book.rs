//! The address book, as applications see it.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};

use kith_core::address::Route;
use kith_core::crypto::Ed25519;
use kith_core::identity::{
    Book, BookError, Contact, Event as BookEvent, Invite, MadeInvite, Petname, words,
};
use kith_core::ids::{Face, InviteId, PeerId};
use kith_core::peer::{CompareError, InviteOptions, Peer, Regard};
use kith_core::protocol::ProtocolName;
use kith_core::routing::{Target, UnreachableReason};
use kith_core::time::Time;

use super::added::{Added, added};
use super::event::Event;
use super::node::Node;
use crate::error::Error;

/// How long to wait for the other side of a comparison: as the machine does.
const COMPARE_WITHIN: Duration = Duration::from_secs(5 * 60);

/// How long an invite waits for this node's addresses: those of the interfaces are known within a tenth of a second, and
/// a machine without any shall not hang.
const ADDRESSES_WITHIN: Duration = Duration::from_secs(2);

/// How long an invite waits for a place at an introducer, which takes 0.3 s where one answers. With none that does, it is
/// made without.
const PLACE_WITHIN: Duration = Duration::from_secs(2);

/// The address book of a node.
#[derive(Clone, Debug)]
pub struct AddressBook(Node);

impl Node {
    /// The address book.
    pub fn address_book(&self) -> AddressBook {
        AddressBook(self.clone())
    }
}

impl AddressBook {
    /// Makes an invite for one person, or a reusable one. A node that has just started waits a moment for its place at an
    /// introducer, without which an invite would say only where to leave a reply, and for the addresses it shall carry.
    ///
    /// # Errors
    /// [`Error::Invite`] for a life of under a second or over 365 days, or too many open invites.
    pub async fn invite(&self, options: InviteOptions) -> Result<Invite, Error> {
        self.0.wait_for_place(PLACE_WITHIN).await?;
        let made = self
            .0
            .ask(move |machine, now| machine.create_invite(now, options));
        let mut invite = made.await??;
        if options.with_addresses && invite.contact.is_none() {
            invite.contact = self.addresses().await?;
        }
        Ok(invite)
    }

    /// Where the contact face is, as soon as it knows.
    async fn addresses(&self) -> Result<Option<Route>, Error> {
        let endpoint = self.0.endpoint(Face::Contact).await?;
        let mut routes = endpoint.ok_or(Error::Closed)?.watch_route();
        let known = routes.wait_for(|route| !route.is_empty());
        let known = tokio::time::timeout(ADDRESSES_WITHIN, known).await;
        Ok(known.ok().and_then(Result::ok).map(|route| route.clone()))
    }

    /// Makes an invite for one person that is good for `life`, with this node's addresses of now in it.
    ///
    /// # Errors
    /// As [`AddressBook::invite`].
    pub async fn invite_one(&self, life: Duration) -> Result<Invite, Error> {
        self.invite(InviteOptions {
            reusable: false,
            life,
            with_addresses: true,
        })
        .await
    }

    /// Ends an invite. Whether there was one.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn withdraw(&self, invite: InviteId) -> Result<bool, Error> {
        self.0
            .ask(move |machine, now| machine.edit_book(now, |book| book.withdraw_invite(&invite)))
            .await
    }

    /// The invites made here that can still be used, the oldest first.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn open_invites(&self) -> Result<Vec<MadeInvite>, Error> {
        let open = self.0.ask(|machine, now| {
            let made = machine.book().invites();
            let open = made.filter(|made| made.is_open(now));
            open.cloned().collect::<Vec<_>>()
        });
        let mut open = open.await?;
        open.sort_by_key(|made| made.invite.made);
        Ok(open)
    }

    /// Becomes the contact of an invite's maker. They are in the book at once; when they are online they learn of it now,
    /// else as soon as both are, or from the sealed reply that waits at an introducer.
    ///
    /// # Errors
    /// [`Error::AcceptInvite`].
    pub async fn add(&self, invite: Invite, petname: Option<&str>) -> Result<Contact, Error> {
        Ok(self.accept(invite, petname).await?.0)
    }

    /// The contact that an invite's maker is from now on, whether they have yet to take this very invite, and what happens from then on:
    /// what comes of an attempt that ended before says nothing of it.
    async fn accept(
        &self,
        invite: Invite,
        petname: Option<&str>,
    ) -> Result<(Contact, bool, broadcast::Receiver<Event>), Error> {
        let petname = petname.map(str::to_owned);
        let heard = self.0.0.events.clone();
        let accepted = self.0.ask(move |machine, now| {
            let events = heard.subscribe();
            let peer = machine.accept_invite(now, &invite, petname.as_deref())?;
            let contact = machine.book().contact(&peer).cloned().expect("just added");
            let mut waiting = machine.book().waiting(&peer).iter();
            let waits = waiting.any(|it| it.invite == invite);
            Ok::<_, Error>((contact, waits, events))
        });
        accepted.await?
    }

    /// Becomes the contact of an invite's maker as [`AddressBook::add`] does, and gives them up to `within` to take the invite or
    /// to refuse it: less where they are there, all of it where they are away. Of a refused invite nothing stays: who was not in
    /// the book is not there, and a contact known before is what they were.
    ///
    /// # Errors
    /// [`Error::AcceptInvite`]; [`Error::InviteRefused`].
    pub async fn add_unless_refused(
        &self,
        invite: Invite,
        petname: Option<&str>,
        within: Duration,
    ) -> Result<Added, Error> {
        let (maker, id, is_for_many) = (invite.peer, invite.id(), invite.reusable);
        let (contact, waits, mut events) = self.accept(invite, petname).await?;
        if !waits {
            return added(&self.0, contact, is_for_many).await;
        }
        let is_refused = async {
            loop {
                match events.recv().await {
                    Ok(Event::Book(BookEvent::InviteTaken { invite, .. })) if invite == id => {
                        return false;
                    }
                    Ok(Event::Book(BookEvent::InviteRefused { invite, .. })) if invite == id => {
                        return true;
                    }
                    // Another's device in their place is as good an answer: the invite names it.
                    Ok(Event::Unreachable {
                        target: Target::Peer(of),
                        reason: UnreachableReason::NotAContact | UnreachableReason::NotThem,
                    }) if of == maker => return true,
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return false,
                }
            }
        };
        match tokio::time::timeout(within, is_refused).await {
            Ok(true) => {
                self.give_up_invite(maker, id).await?;
                let name = contact.petname.to_string();
                Err(Error::InviteRefused { name })
            }
            Ok(false) | Err(_) => added(&self.0, contact, is_for_many).await,
        }
    }

    /// The maker of this accepted invite does not take it; nothing where they said so themselves, in a session.
    async fn give_up_invite(&self, maker: PeerId, invite: InviteId) -> Result<(), Error> {
        self.0
            .ask(move |machine, now| {
                machine.edit_book(now, |book| book.give_up_invite(&maker, &invite));
            })
            .await
    }

    /// Looks for replies to this node's invites at introducers, and waits until each that answers has said what it holds. A
    /// node that runs for long does so by itself. Bound it: an introducer that is away takes long to give up.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn take_replies(&self) -> Result<(), Error> {
        let mut events = self.0.events();
        loop {
            let unseen = self.0.ask(Peer::look_into_mailboxes);
            if !unseen.await? {
                return Ok(());
            }
            loop {
                match events.recv().await {
                    Ok(Event::MailboxSeen { .. }) | Err(RecvError::Lagged(_)) => break,
                    Ok(_) => {}
                    Err(RecvError::Closed) => return Err(Error::Closed),
                }
            }
        }
    }

    /// Waits until the maker of the invite accepted last knows of it, or a sealed reply waits for them at an introducer: a node
    /// that stops before tells them when it runs the next time. Bound it: neither may be possible now.
    ///
    /// # Errors
    /// [`Error::InviteRefused`] where they answer and do not take it; nothing of it stays, as in
    /// [`AddressBook::add_unless_refused`]. [`Error::Closed`].
    pub async fn wait_until_told(&self, maker: PeerId) -> Result<(), Error> {
        let mut events = self.0.events();
        let named = self.0.ask(move |machine, _| {
            let contact = machine.book().contact(&maker);
            let name = contact.map_or_else(|| maker.to_string(), |it| it.petname.to_string());
            let last = machine.book().waiting(&maker).iter().max_by_key(|it| it.at);
            (name, last.map(|accepted| accepted.invite.id()))
        });
        let (name, Some(id)) = named.await? else {
            return Ok(());
        };
        let is_refusal = |event: &Event| matches!(event, Event::Book(BookEvent::InviteRefused { invite, .. }) if *invite == id);
        loop {
            let asked = self.0.ask(move |machine, _| {
                let mut waiting = machine.book().waiting(&maker).iter();
                let accepted = waiting.find(|it| it.invite.id() == id)?;
                let is_refused = machine.regard(maker) == Some(Regard::Stranger);
                Some((accepted.left.is_some(), is_refused))
            });
            match asked.await? {
                Some((_, true)) => {
                    self.give_up_invite(maker, id).await?;
                    return Err(Error::InviteRefused { name });
                }
                Some((true, false)) => return Ok(()),
                Some((false, false)) => {}
                // Taken or refused: what happened says which.
                None => loop {
                    match events.try_recv() {
                        Ok(event) if is_refusal(&event) => {
                            return Err(Error::InviteRefused { name });
                        }
                        Ok(_) | Err(TryRecvError::Lagged(_)) => {}
                        Err(TryRecvError::Empty | TryRecvError::Closed) => return Ok(()),
                    }
                },
            }
            match events.recv().await {
                Ok(event) if is_refusal(&event) => return Err(Error::InviteRefused { name }),
                Ok(_) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Err(Error::Closed),
            }
        }
    }

    /// What contacts take this node for who want no session with it, as far as their last answers tell: those who removed or
    /// blocked it, and those with whom it waits to be confirmed. They are left alone for hours, but for who asks for them.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn regards(&self) -> Result<BTreeMap<PeerId, Regard>, Error> {
        let of = |machine: &Peer, contact: &Contact| {
            let regard = machine.regard(contact.peer)?;
            Some((contact.peer, regard))
        };
        self.0
            .look(move |machine, _| {
                let contacts = machine.book().contacts();
                contacts
                    .filter_map(|contact| of(machine, contact))
                    .collect()
            })
            .await
    }

    /// When contacts were here last, now or before: whoever has been since they were added. It outlives restarts; a crash may forget
    /// an hour of it. Nobody but this node's owner is told.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn last_seen(&self) -> Result<BTreeMap<PeerId, Time>, Error> {
        self.0
            .look(|machine, now| {
                let contacts = machine.book().contacts();
                contacts
                    .filter_map(|it| Some((it.peer, machine.last_seen(now, it.peer)?)))
                    .collect()
            })
            .await
    }

    /// Everybody in it, by name.
    ///
    /// # Errors
    /// [`Error::Closed`].
    pub async fn contacts(&self) -> Result<Vec<Contact>, Error> {
        let mut contacts: Vec<Contact> = self
            .0
            .look(|machine, _| machine.book().contacts().cloned().collect())
            .await?;
        contacts.sort_by(|a, b| a.petname.as_str().cmp(b.petname.as_str()));
        Ok(contacts)
    }

    /// Those with this tag, and those who speak this protocol.
    ///
    /// # Errors
    /// [`Error::Name`] for a tag that cannot be one, [`Error::Closed`].
    pub async fn search(
        &self,
        tag: Option<&str>,
        speaks: Option<&ProtocolName>,
    ) -> Result<Vec<Contact>, Error> {
        let tag = tag.map(str::parse).transpose()?;
        let mut contacts = self.contacts().await?;
        contacts.retain(|contact| {
            tag.as_ref().is_none_or(|tag| contact.has_tag(tag))
                && speaks.is_none_or(|protocol| contact.speaks(protocol))
        });
        Ok(contacts)
    }

    /// Calls a contact something else.
    ///
    /// # Errors
    /// [`Error::Book`] when the name is taken or none.
    pub async fn rename(&self, peer: PeerId, name: &str) -> Result<Petname, Error> {
        let name = name.to_owned();
        Ok(self
            .0
            .ask(move |machine, now| machine.edit_book(now, |book| book.rename(&peer, &name)))
            .await??)
    }

    /// Gives a contact a tag.
    ///
    /// # Errors
    /// [`Error::Book`].
    pub async fn tag(&self, peer: PeerId, tag: &str) -> Result<(), Error> {
        let tag = tag.to_owned();
        Ok(self
            .0
            .ask(move |machine, now| machine.edit_book(now, |book| book.tag(&peer, &tag)))
            .await??)
    }

    /// Takes a tag from a contact.
    ///
    /// # Errors
    /// [`Error::Book`].
    pub async fn untag(&self, peer: PeerId, tag: &str) -> Result<(), Error> {
        let tag = tag.to_owned();
        Ok(self
            .0
            .ask(move |machine, now| machine.edit_book(now, |book| book.untag(&peer, &tag)))
            .await??)
    }

    /// Writes a note on a contact.
    ///
    /// # Errors
    /// [`Error::Book`].
    pub async fn note(&self, peer: PeerId, note: &str) -> Result<(), Error> {
        let note = note.to_owned();
        Ok(self
            .0
            .ask(move |machine, now| machine.edit_book(now, |book| book.note(&peer, &note)))
            .await??)
    }

    /// Lets a pending contact into the audience `contacts`.
    ///
    /// # Errors
    /// [`Error::Book`]: not one whom we blocked, unless both have met anew by an invite since.
    pub async fn confirm(&self, peer: PeerId) -> Result<(), Error> {
        Ok(self
            .0
            .ask(move |machine, now| machine.edit_book(now, |book| book.confirm(&peer)))
            .await??)
    }

    /// Serves and answers them nothing from now on, and forgets the secret by which the two find each other. What they were granted of our
    /// shares is void, also at others who provide them.
    ///
    /// # Errors
    /// [`Error::Book`]; [`Error::Share`] when their grants could not be voided: they are not blocked then.
    pub async fn block(&self, peer: PeerId) -> Result<(), Error> {
        self.part_with(peer, Book::block).await
    }

    /// Undoes a block; it takes a new invite to meet again.
    ///
    /// # Errors
    /// [`Error::Book`].
    pub async fn unblock(&self, peer: PeerId) -> Result<(), Error> {
        Ok(self
            .0
            .ask(move |machine, now| machine.edit_book(now, |book| book.unblock(&peer)))
            .await??)
    }

    /// Forgets a contact. What they were granted of our shares is void, as when they are blocked.
    ///
    /// # Errors
    /// As [`AddressBook::block`].
    pub async fn remove(&self, peer: PeerId) -> Result<(), Error> {
        self.part_with(peer, Book::remove).await
    }

    /// Voids what a contact was granted, and changes the book only then: a crash between the two leaves a contact with void grants, and never
    /// somebody blocked whom others go on to serve. They get no new grant meanwhile.
    async fn part_with(
        &self,
        peer: PeerId,
        change: fn(&mut Book<Ed25519>, &PeerId) -> Result<(), BookError>,
    ) -> Result<(), Error> {
        let known = self.0.ask(move |machine, _| {
            let contact = machine.book().contact(&peer);
            contact.map(|_| ()).ok_or(BookError::NotAContact(peer))
        });
        known.await??;
        let _parting = self.0.shares().others().part_with(peer);
        self.0.contents().revoke(peer).await?;
        self.0
            .ask(move |machine, now| machine.edit_book(now, |book| change(book, &peer)))
            .await??;
        // What they shared is shown to nobody any more.
        self.0.contents().forget(peer).await
    }

    /// The words by which this node's owner and `peer` check, on the phone say, that nobody stands between them.
    pub fn safety_words(&self, peer: PeerId) -> String {
        words::static_words(&self.0.peer_id(), &peer).to_string()
    }

    /// Compares the short form of the words, over the session that stands: four words, made for this one time. Both have to
    /// ask for it; waits for the other for up to five minutes.
    ///
    /// # Errors
    /// [`Error::Compare`] without a session, [`Error::NotVerified`] when the other side broke the rules, [`Error::NotFound`]
    /// when they did not begin in time.
    pub async fn compare_words(&self, peer: PeerId) -> Result<String, Error> {
        let mut events = self.0.events();
        self.0
            .ask(move |machine, now| machine.compare_words(now, peer))
            .await??;
        let compared = async {
            loop {
                match events.recv().await {
                    Ok(Event::Words { peer: with, words }) if with == peer => {
                        return words.ok_or_else(|| {
                            Error::NotVerified(
                                "the comparison failed: somebody may stand between you; compare the long words by phone"
                                    .to_owned(),
                            )
                        });
                    }
                    Ok(Event::WordsLost { peer: with }) if with == peer => {
                        return Err(CompareError::NoSession.into());
                    }
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return Err(Error::Closed),
                }
            }
        };
        tokio::time::timeout(COMPARE_WITHIN, compared)
            .await
            .unwrap_or_else(|_| {
                Err(Error::NotFound(
                    "they did not begin to compare; ask them to, and try again".to_owned(),
                ))
            })
    }
}
