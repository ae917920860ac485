//! How soon everybody could be done at best.
//!
//! Were data a fluid that anybody passes on the moment it arrives, a swarm of which all come at once could be done after the longest of:
//! what the seeds need to send one copy, what the slowest needs to receive one, and what all together need to send everybody's (Kumar and
//! Ross, *Peer-Assisted File Distribution: The Minimum Distribution Time*, HotWeb 2006).

use super::plan::{Plan, SECOND};

/// The fluid bound of a plan, had all come at once, in microseconds.
pub fn fluid_at_once(plan: &Plan) -> u64 {
    let mut plan = plan.clone();
    for member in &mut plan.members {
        member.joins_at = 0;
    }
    fluid(&plan)
}

/// The fluid bound of a plan, in microseconds; where some come late, not before each has received its copy. Of all together, who
/// lies, boasts or falls silent sends nothing that counts.
pub fn fluid(plan: &Plan) -> u64 {
    let size = u128::from(plan.size);
    let seeds: u128 = (plan.members.iter())
        .filter(|member| member.is_seed || member.part.is_some())
        .map(|member| u128::from(member.up))
        .sum();
    let getters: Vec<_> = (plan.members.iter())
        .filter(|member| member.must_finish())
        .collect();
    let all: u128 = (plan.members.iter())
        .filter(|member| member.gives())
        .map(|member| u128::from(member.up))
        .sum();
    let slowest = getters.iter().map(|member| u128::from(member.down)).min();
    let times = [
        (size, seeds),
        (size, slowest.unwrap_or(1)),
        (size * getters.len() as u128, all),
    ];
    let late = (getters.iter()).map(|member| {
        u128::from(member.joins_at) + size * u128::from(SECOND) / u128::from(member.down.max(1))
    });
    let longest = times
        .into_iter()
        .map(|(bytes, rate)| bytes * u128::from(SECOND) / rate.max(1))
        .chain(late)
        .max();
    u64::try_from(longest.unwrap_or(0)).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::swarm::plan::{MB, Member};

    #[test]
    fn the_scarcest_line_bounds_a_swarm() {
        let bound = |seed, up, down, count: usize| {
            let mut members = vec![Member::seed(seed)];
            members.extend(vec![Member::getter(up, down); count]);
            fluid(&Plan::new(100 * MB, members)) / SECOND
        };
        assert_eq!(bound(10 * MB, 100 * MB, 100 * MB, 5), 10);
        assert_eq!(bound(100 * MB, 100 * MB, 5 * MB, 5), 20);
        assert_eq!(bound(10 * MB, 0, 100 * MB, 5), 50);
    }

    #[test]
    fn nobody_is_done_before_it_came() {
        let late = Member {
            joins_at: 70 * SECOND,
            ..Member::getter(MB, 10 * MB)
        };
        let plan = Plan::new(100 * MB, vec![Member::seed(100 * MB), late]);
        assert_eq!(fluid(&plan), 80 * SECOND);
    }
}
