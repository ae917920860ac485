//! The time of the week here, and when other rates hold.
//!
//! A schedule goes by the clock on the wall, which is looked at each minute. So where summer time begins, a period loses the hour that is skipped (one
//! that lies within it does not come that day), and where it ends, the hour that comes twice belongs to it twice. A clock that is set counts at once.

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
    use kith_core::content::limits::{Cap, Caps, Period, Plan, RATE_MIN};

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

    #[test]
    fn summer_time_makes_a_period_shorter_and_winter_time_longer() {
        let mut plan = Plan::unlimited();
        let caps = Caps {
            upload: Some(Cap::Unlimited),
            ..Caps::default()
        };
        plan.usual.upload = Some(Cap::Rate(RATE_MIN));
        plan.schedule = vec![Period {
            days: [true; 7],
            from: 2 * 60 + 30,
            until: 4 * 60,
            caps,
        }];
        // Central Europe: at 1:00 UTC the clock goes from 2:00 to 3:00 in March, and from 3:00 to 2:00 in October.
        for (text, is_open) in [
            ("2023-03-26T01:59:59+01:00", false),
            ("2023-03-26T03:00:00+02:00", true),
            ("2023-03-26T04:00:00+02:00", false),
            ("2023-10-29T02:30:00+02:00", true),
            ("2023-10-29T02:00:00+01:00", false),
            ("2023-10-29T02:30:00+01:00", true),
            ("2023-10-29T03:59:59+01:00", true),
            ("2023-10-29T04:00:00+01:00", false),
        ] {
            let limits = plan.limits_at(week_minute(&time(text)));
            assert_eq!(limits.upload.is_none(), is_open, "{text}");
        }
    }
}
