//! Whom a transfer asks first what there is: of all who may have it, whoever is reached first.
//!
//! ```text
//!  a session with the owner ──▶ the owner alone ── not reached ──▶ the others
//!  none                     ──▶ the owner and the others, side by side
//!
//!  each:  looked for at one place ── away ──▶ at the next ── away everywhere ──▶ done with
//!              │ found
//!              ▼
//!         fetched from, one after the other ──▶ all is there
//!              ├─ was away after all, or does not give it ──▶ at the next place
//!              └─ has an older version ──▶ asked again when nobody else is left, unless something here is brought up to date
//! ```
//!
//! Nobody waits for somebody who is away, nor for word of who the others are. One's places are tried one after the other: somebody's two faces
//! are not to be seen to be dialled at once, so where the time was up before the first place had answered, the second is left for another attempt. What the owner says counts, so anything but silence of theirs is the end.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The most who are looked for beside the owner: all contacts who are asked, those told of, and room. Further ones come up once something is fetched.
pub const OTHERS_MAX: usize = 64;

/// Who may have something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// Its owner.
    Owner,
    /// The other with this number.
    Other(usize),
}

/// Somebody at one of the places where they may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Candidate {
    /// Who.
    pub who: Who,
    /// Which of their places, the best being 0.
    pub place: usize,
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is to be found out who the others are, for [`Firsts::handle_others`].
    Others,
    /// Somebody is to be looked for, beside all who are already.
    Look(Candidate),
    /// All is to be fetched from somebody who was found.
    Fetch {
        /// From whom.
        candidate: Candidate,
        /// Whether it may be an older version than is known.
        older: bool,
    },
    /// What is under way is to be waited for.
    Wait,
    /// There is nobody any more.
    Over,
}

/// Why somebody was of no help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// They are not reached there.
    Away,
    /// They were not reached within the time that there was: a dial to that place may last.
    Late,
    /// They have an older version than is known.
    Older,
    /// They do not give it, or not soundly.
    Useless,
    /// Whoever gave it: it is for want of something here.
    Here,
}

/// Who the others are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Others {
    /// It does not matter as long as the owner is there.
    Spared,
    Wanted,
    WaitAnswer,
    Known,
}

/// One attempt at a transfer.
#[derive(Clone, Debug)]
pub struct Firsts {
    /// How many places each has who is known.
    places: BTreeMap<Who, usize>,
    others: Others,
    to_look: VecDeque<Candidate>,
    looking: BTreeSet<Candidate>,
    /// Who was found, in that order.
    found: VecDeque<Candidate>,
    fetching: Option<Candidate>,
    /// Who has an older version; `None` where none will do.
    older: Option<VecDeque<Candidate>>,
    /// Whether older versions are asked for now.
    is_last_resort: bool,
}

impl Firsts {
    /// Begins with an owner of so many places; `is_there` says whether a session with them stands, `takes_older` whether an older version than is
    /// known will do when nobody has that.
    pub fn new(owner_places: usize, is_there: bool, takes_older: bool) -> Self {
        let others = match is_there {
            true => Others::Spared,
            false => Others::Wanted,
        };
        let mut firsts = Self {
            places: BTreeMap::new(),
            others,
            to_look: VecDeque::new(),
            looking: BTreeSet::new(),
            found: VecDeque::new(),
            fetching: None,
            older: takes_older.then(VecDeque::new),
            is_last_resort: false,
        };
        firsts.add(Who::Owner, owner_places);
        firsts
    }

    /// The others are these, each with so many places; those beyond [`OTHERS_MAX`] are left out.
    pub fn handle_others(&mut self, places: impl IntoIterator<Item = usize>) {
        self.others = Others::Known;
        let places = places.into_iter().take(OTHERS_MAX);
        for (number, places) in places.enumerate() {
            self.add(Who::Other(number), places);
        }
    }

    fn add(&mut self, who: Who, places: usize) {
        self.places.insert(who, places);
        self.look_at(Candidate { who, place: 0 });
    }

    /// They are to be looked for there, if they have such a place.
    fn look_at(&mut self, candidate: Candidate) {
        let places = self.places.get(&candidate.who);
        match places.is_some_and(|places| candidate.place < *places) {
            true => self.to_look.push_back(candidate),
            false => self.done_with(candidate.who),
        }
    }

    /// They are looked for nowhere else. An owner who is not found is not alone any more.
    fn done_with(&mut self, who: Who) {
        if who == Who::Owner && self.others == Others::Spared {
            self.others = Others::Wanted;
        }
    }

    /// Somebody who was looked for was found.
    pub fn handle_found(&mut self, candidate: Candidate) {
        if self.looking.remove(&candidate) {
            self.found.push_back(candidate);
        }
    }

    /// Somebody was not found, or what was fetched from them failed; whether that is how all of it ends.
    pub fn handle_failed(&mut self, candidate: Candidate, failure: Failure) -> bool {
        let was_looked_for = self.looking.remove(&candidate);
        let was_fetched = self.fetching == Some(candidate);
        if was_fetched {
            self.fetching = None;
        }
        let is_over = match (candidate.who, failure) {
            (Who::Owner, Failure::Away | Failure::Late) => false,
            (Who::Owner, _) | (_, Failure::Here) => true,
            (Who::Other(_), _) => false,
        };
        if is_over || self.is_last_resort || !(was_looked_for || was_fetched) {
            return is_over;
        }
        match (failure, &mut self.older) {
            (Failure::Older, Some(older)) => older.push_back(candidate),
            (Failure::Older, None) => {}
            // Their other face is not dialled while the first may be.
            (Failure::Late, _) => self.done_with(candidate.who),
            _ => self.look_at(Candidate {
                place: candidate.place + 1,
                ..candidate
            }),
        }
        false
    }

    /// What is to be done next, until it is [`Next::Wait`] or [`Next::Over`].
    pub fn next_step(&mut self) -> Next {
        if self.others == Others::Wanted {
            self.others = Others::WaitAnswer;
            return Next::Others;
        }
        if let Some(candidate) = self.to_look.pop_front() {
            self.looking.insert(candidate);
            return Next::Look(candidate);
        }
        if self.fetching.is_some() {
            return Next::Wait;
        }
        if let Some(candidate) = self.found.pop_front() {
            return self.fetch(candidate);
        }
        if !self.looking.is_empty() || self.others == Others::WaitAnswer {
            return Next::Wait;
        }
        self.is_last_resort = true;
        match self.older.as_mut().and_then(VecDeque::pop_front) {
            Some(candidate) => self.fetch(candidate),
            None => Next::Over,
        }
    }

    fn fetch(&mut self, candidate: Candidate) -> Next {
        self.fetching = Some(candidate);
        let older = self.is_last_resort;
        Next::Fetch { candidate, older }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(place: usize) -> Candidate {
        let who = Who::Owner;
        Candidate { who, place }
    }

    fn other(number: usize, place: usize) -> Candidate {
        let who = Who::Other(number);
        Candidate { who, place }
    }

    fn fetch(candidate: Candidate) -> Next {
        let older = false;
        Next::Fetch { candidate, older }
    }

    /// All that is to be done now, with what it ends in.
    fn next(firsts: &mut Firsts) -> Vec<Next> {
        let mut all = Vec::new();
        loop {
            let next = firsts.next_step();
            all.push(next);
            if matches!(next, Next::Wait | Next::Over) {
                return all;
            }
        }
    }

    #[test]
    fn an_owner_who_is_there_is_asked_alone_at_one_place_after_the_other() {
        let mut firsts = Firsts::new(2, true, true);
        assert_eq!(next(&mut firsts), [Next::Look(owner(0)), Next::Wait]);
        assert!(!firsts.handle_failed(owner(0), Failure::Away));
        assert_eq!(next(&mut firsts), [Next::Look(owner(1)), Next::Wait]);
        firsts.handle_found(owner(1));
        assert_eq!(next(&mut firsts), [fetch(owner(1)), Next::Wait]);
        // They died without a word.
        assert!(!firsts.handle_failed(owner(1), Failure::Away));
        assert_eq!(next(&mut firsts), [Next::Others, Next::Wait]);
        firsts.handle_others([1]);
        assert_eq!(next(&mut firsts), [Next::Look(other(0, 0)), Next::Wait]);
        assert!(!firsts.handle_failed(other(0, 0), Failure::Away));
        assert_eq!(next(&mut firsts), [Next::Over]);
    }

    #[test]
    fn while_the_owner_is_away_all_are_looked_for_side_by_side_and_the_first_gives() {
        let mut firsts = Firsts::new(1, false, true);
        let begin = [Next::Others, Next::Look(owner(0)), Next::Wait];
        assert_eq!(next(&mut firsts), begin);
        firsts.handle_others([2, 1]);
        let looks = [Next::Look(other(0, 0)), Next::Look(other(1, 0)), Next::Wait];
        assert_eq!(next(&mut firsts), looks);
        firsts.handle_found(other(1, 0));
        assert_eq!(next(&mut firsts), [fetch(other(1, 0)), Next::Wait]);
        // Whoever is found meanwhile comes next.
        firsts.handle_found(owner(0));
        assert!(!firsts.handle_failed(other(0, 0), Failure::Away));
        let meanwhile = [Next::Look(other(0, 1)), Next::Wait];
        assert_eq!(next(&mut firsts), meanwhile);
        assert!(!firsts.handle_failed(other(1, 0), Failure::Useless));
        assert_eq!(next(&mut firsts), [fetch(owner(0)), Next::Wait]);
        assert!(
            firsts.handle_failed(owner(0), Failure::Useless),
            "their word"
        );
    }

    #[test]
    fn whoever_was_not_looked_for_to_the_end_is_at_no_other_place() {
        let mut firsts = Firsts::new(2, true, true);
        next(&mut firsts);
        assert!(!firsts.handle_failed(owner(0), Failure::Late));
        assert_eq!(next(&mut firsts), [Next::Others, Next::Wait]);
        firsts.handle_others([2, 1]);
        next(&mut firsts);
        assert!(!firsts.handle_failed(other(0, 0), Failure::Late));
        assert_eq!(next(&mut firsts), [Next::Wait], "for the other");
        assert!(!firsts.handle_failed(other(1, 0), Failure::Late));
        assert_eq!(next(&mut firsts), [Next::Over]);
    }

    #[test]
    fn what_fails_for_want_of_something_here_ends_it_whoever_gave_it() {
        let mut firsts = Firsts::new(0, false, true);
        assert_eq!(next(&mut firsts), [Next::Others, Next::Wait]);
        firsts.handle_others([1, 1]);
        next(&mut firsts);
        firsts.handle_found(other(0, 0));
        next(&mut firsts);
        assert!(firsts.handle_failed(other(0, 0), Failure::Here));
    }

    #[test]
    fn older_versions_are_asked_for_when_nobody_is_left_who_has_the_newest() {
        for takes_older in [true, false] {
            let mut firsts = Firsts::new(1, false, takes_older);
            next(&mut firsts);
            firsts.handle_others([1, 2, 1]);
            next(&mut firsts);
            for number in 0..2 {
                firsts.handle_found(other(number, 0));
                let fetched = [fetch(other(number, 0)), Next::Wait];
                assert_eq!(next(&mut firsts), fetched);
                assert!(!firsts.handle_failed(other(number, 0), Failure::Older));
            }
            assert_eq!(next(&mut firsts), [Next::Wait], "two are looked for");
            assert!(!firsts.handle_failed(owner(0), Failure::Away));
            assert!(!firsts.handle_failed(other(2, 0), Failure::Away));
            for number in 0..if takes_older { 2 } else { 0 } {
                let candidate = other(number, 0);
                let older = Next::Fetch {
                    candidate,
                    older: true,
                };
                assert_eq!(next(&mut firsts), [older, Next::Wait]);
                assert!(!firsts.handle_failed(candidate, Failure::Away));
            }
            assert_eq!(next(&mut firsts), [Next::Over], "at no other place");
        }
    }

    #[test]
    fn news_of_nobody_change_nothing() {
        let mut firsts = Firsts::new(1, true, true);
        firsts.handle_found(owner(7));
        assert!(!firsts.handle_failed(other(3, 0), Failure::Away));
        assert_eq!(next(&mut firsts), [Next::Look(owner(0)), Next::Wait]);
        firsts.handle_found(owner(0));
        firsts.handle_found(owner(0));
        assert_eq!(next(&mut firsts), [fetch(owner(0)), Next::Wait]);
    }

    #[test]
    fn more_others_than_the_most_are_left_out() {
        let mut firsts = Firsts::new(0, false, true);
        next(&mut firsts);
        firsts.handle_others(std::iter::repeat_n(1, OTHERS_MAX + 1));
        let looks = next(&mut firsts);
        assert_eq!(looks.len(), OTHERS_MAX + 1, "and a wait");
        assert_eq!(looks[OTHERS_MAX - 1], Next::Look(other(OTHERS_MAX - 1, 0)));
    }
}
