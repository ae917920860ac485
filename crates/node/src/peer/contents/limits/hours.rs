//! The time of the week here, and when other rates hold.

use std::time::Duration;

use chrono::{DateTime, Datelike as _, Local, TimeZone, Timelike as _};
use kith_core::content::limits::WeekMinute;

use crate::peer::node::{Node, WeakNode};

/// The longest that the clock is not looked at: it may be set, or the machine have slept.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// What the wall clock says, in the time zone of this machine.
pub(in crate::peer) fn now() -> WeekMinute {
    week_minute(&Local::now())
}

/// Sees to it that the rates of the hour hold.
pub(in crate::peer) fn follow(node: &Node) {
    let weak = node.downgrade();
    node.spawn(async move {
        while turn(&weak) {
            tokio::time::sleep(until_next(&Local::now())).await;
        }
    });
}

fn turn(node: &WeakNode) -> bool {
    node.upgrade().is_some_and(|node| {
        node.governor().turn(now());
        true
    })
}

/// Until the minute is another: other rates begin with one.
fn until_next<Zone: TimeZone>(time: &DateTime<Zone>) -> Duration {
    LOOK_EVERY - Duration::from_secs(u64::from(time.second()).min(LOOK_EVERY.as_secs() - 1))
}

fn week_minute<Zone: TimeZone>(time: &DateTime<Zone>) -> WeekMinute {
    let day = time.weekday().num_days_from_monday();
    WeekMinute {
        day: u8::try_from(day).unwrap_or_default(),
        minute: u16::try_from(time.hour() * 60 + time.minute()).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> DateTime<chrono::FixedOffset> {
        DateTime::parse_from_rfc3339(text).expect("a time")
    }

    #[test]
    fn the_time_of_the_week_is_that_of_the_place() {
        let sunday = time("2023-11-19T23:59:31+05:30");
        let expected = WeekMinute {
            day: 6,
            minute: 24 * 60 - 1,
        };
        assert_eq!(week_minute(&sunday), expected);
        assert_eq!(until_next(&sunday), Duration::from_secs(29));
        assert_eq!(until_next(&time("2023-11-19T23:59:00Z")), LOOK_EVERY);
    }
}
