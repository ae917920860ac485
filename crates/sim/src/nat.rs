//! What stands between a node and the internet, and which dials it lets through.
//!
//! The kinds are those of RFC 4787 under their older names (RFC 3489 §5), which everybody uses. A dial by address alone
//! reaches only who answers everybody; with a relay both keep a place at, both sides send at once ("hole punching"),
//! and the matrix below is what then becomes direct, as measured in the lab with real NATs.

/// What kind of access a node has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nat {
    /// A public address: answers everybody.
    Open,
    /// One mapping for all, open to all: answers everybody once it has sent anything.
    FullCone,
    /// One mapping for all, open to whom it was sent to: the usual home router.
    PortRestricted,
    /// Another mapping for each destination.
    Symmetric,
    /// UDP does not pass: only relays do.
    Blocked,
}

impl Nat {
    /// All kinds.
    pub const ALL: [Nat; 5] = [
        Nat::Open,
        Nat::FullCone,
        Nat::PortRestricted,
        Nat::Symmetric,
        Nat::Blocked,
    ];

    /// Whether it answers somebody it never sent to.
    pub fn answers_everybody(self) -> bool {
        matches!(self, Self::Open | Self::FullCone)
    }

    /// Whether `self` reaches `other` by address alone.
    pub fn reaches(self, other: Nat) -> bool {
        self != Self::Blocked && other.answers_everybody()
    }

    /// Whether the two come to a direct path when a relay has both send at once.
    pub fn punches(self, other: Nat) -> bool {
        let either = |kind: Nat| self == kind || other == kind;
        if either(Self::Blocked) {
            return false;
        }
        if either(Self::Symmetric) {
            return self.answers_everybody() || other.answers_everybody();
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_that_of_the_lab() {
        let relayed: Vec<(Nat, Nat)> = Nat::ALL
            .iter()
            .flat_map(|a| Nat::ALL.iter().map(|b| (*a, *b)))
            .filter(|(a, b)| a <= b && *b != Nat::Blocked && !a.punches(*b))
            .collect();
        assert_eq!(
            relayed,
            [
                (Nat::PortRestricted, Nat::Symmetric),
                (Nat::Symmetric, Nat::Symmetric),
            ]
        );
    }

    #[test]
    fn punching_is_mutual_and_reaches_whatever_a_dial_by_address_does() {
        for a in Nat::ALL {
            for b in Nat::ALL {
                assert_eq!(a.punches(b), b.punches(a));
                assert!(!a.reaches(b) || a.punches(b));
            }
        }
    }
}
