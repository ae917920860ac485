//! Which of the offered protocols a stream speaks. Pure: the shell asks once per stream.
//!
//! The opener's order of preference decides, names match whole. Which refusal is given depends on who asks: only a contact
//! can tell what does not exist from what is not for it.

use std::cmp::Reverse;

use super::header::{Answer, Offer, Refusal};
use super::level::Level;
use crate::protocol::ProtocolName;

/// How one protocol stands towards one asker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is spoken with this asker.
    Open,
    /// It would be, but there is no room now.
    Full,
    /// It is spoken here, with others.
    Closed,
    /// It is not spoken here.
    Unknown,
}

/// Answers `offer` for an asker of `level`; `standing` says how each name stands towards that very asker.
///
/// Every name is looked up, whatever came before it, so that a refusal takes a stranger as long as any other.
pub fn choose(
    level: Level,
    offer: &Offer,
    mut standing: impl FnMut(&ProtocolName) -> Standing,
) -> Answer {
    let mut picked = None;
    let mut refusal = Refusal::Unsupported;
    for (index, name) in (0u8..).zip(offer.names()) {
        match standing(name) {
            Standing::Open if picked.is_none() => picked = Some(index),
            Standing::Open | Standing::Unknown => {}
            Standing::Full => refusal = refusal.max(Refusal::Busy),
            // To whoever is no contact, what is not for it does not exist.
            Standing::Closed if level < Level::Contact => {}
            Standing::Closed => refusal = refusal.max(Refusal::NotAllowed),
        }
    }
    match (picked, level) {
        (Some(index), _) => Answer::Picked(index),
        (None, Level::Stranger) => Answer::Refused(Refusal::Unsupported),
        (None, Level::Guest | Level::Contact) => Answer::Refused(refusal),
    }
}

/// Puts `names` in an order fit for an offer: families in the order of their first appearance, and the versions of
/// each from the newest; a name without a version after those with one.
#[must_use]
pub fn newest_first(names: Vec<ProtocolName>) -> Vec<ProtocolName> {
    let mut keyed: Vec<_> = names
        .iter()
        .map(|name| {
            let family = names
                .iter()
                .position(|other| other.family() == name.family());
            (family, Reverse(name.version()), name.clone())
        })
        .collect();
    keyed.sort();
    keyed.dedup();
    keyed.into_iter().map(|(.., name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> Vec<ProtocolName> {
        texts
            .iter()
            .map(|text| text.parse().expect("a valid name"))
            .collect()
    }

    fn offer(texts: &[&str]) -> Offer {
        Offer::new(names(texts)).expect("within bounds")
    }

    fn standing(name: &ProtocolName) -> Standing {
        match name.as_str() {
            "/chat/2" | "/chat/1" => Standing::Open,
            "/full/1" => Standing::Full,
            "/secret/1" => Standing::Closed,
            _ => Standing::Unknown,
        }
    }

    fn answer(level: Level, texts: &[&str]) -> Answer {
        choose(level, &offer(texts), standing)
    }

    #[test]
    fn the_openers_preference_decides() {
        let both = answer(Level::Contact, &["/chat/3", "/chat/1", "/chat/2"]);
        assert_eq!(both, Answer::Picked(1));
        assert_eq!(answer(Level::Stranger, &["/chat/2"]), Answer::Picked(0));
    }

    #[test]
    fn names_match_whole_and_never_by_prefix() {
        for near in ["/chat", "/chat/1/x", "/Chat/1", "/chat/1.0", "/chat/v1"] {
            let refused = Answer::Refused(Refusal::Unsupported);
            assert_eq!(answer(Level::Contact, &[near]), refused, "{near}");
        }
    }

    #[test]
    fn a_stranger_cannot_tell_the_hidden_from_the_absent() {
        for texts in [&["/secret/1"][..], &["/absent/1"], &["/full/1"]] {
            let refused = Answer::Refused(Refusal::Unsupported);
            assert_eq!(answer(Level::Stranger, texts), refused, "{texts:?}");
        }
    }

    #[test]
    fn a_guest_learns_of_what_is_for_it_only() {
        let refused = |text| answer(Level::Guest, &[text]);
        assert_eq!(refused("/secret/1"), refused("/absent/1"));
        assert_eq!(refused("/full/1"), Answer::Refused(Refusal::Busy));
    }

    #[test]
    fn a_contact_learns_the_most_useful_reason() {
        let refused = |texts| match answer(Level::Contact, texts) {
            Answer::Refused(refusal) => refusal,
            Answer::Picked(index) => panic!("picked {index}"),
        };
        assert_eq!(refused(&["/secret/1", "/absent/1"]), Refusal::NotAllowed);
        assert_eq!(refused(&["/full/1", "/secret/1"]), Refusal::Busy);
        assert_eq!(refused(&["/absent/1"]), Refusal::Unsupported);
    }

    #[test]
    fn every_name_of_an_offer_is_looked_up_whoever_asks() {
        let mut asked = 0;
        choose(
            Level::Stranger,
            &offer(&["/chat/1", "/secret/1", "/x"]),
            |name| {
                asked += 1;
                standing(name)
            },
        );
        assert_eq!(asked, 3);
    }

    #[test]
    fn newer_versions_are_offered_first_within_their_family() {
        let ordered = newest_first(names(&[
            "/chat/2",
            "/talk/1",
            "/chat/10",
            "/talk",
            "/chat/1.5",
            "/chat/2",
        ]));
        let expected = names(&["/chat/10", "/chat/2", "/chat/1.5", "/talk/1", "/talk"]);
        assert_eq!(ordered, expected);
    }
}
